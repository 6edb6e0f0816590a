#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe diverge`: a device and itself never part, a broken variant is named, and what is not broken is not.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/lib.sh"

export ZOE_CACHE_DIR="$work/cache"
unset ZOE_BREAK

# first KEY: its value in the JSON of the last check, without quotes.
first() {
    sed -n "s/^ *\"first_$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\$/\1/p" out
}

check 2 "did you mean 'shuffle-learn'" diverge shuffle-lern
check 2 'at most two' diverge shuffle-learn --device host,host,host
check 2 'auto|direct' diverge shuffle-learn --conv fast
check 4 'not a pack' diverge shuffle-learn "$work"
check 0 '' diverge shuffle-learn --device host --device host --batch 1 --steps 1 --tolerance 0 --json
expect 'a device and itself' [ "$(first op) $(first layer) $(first step)" = 'null null null' ]
expect 'no difference' grep -q '"max_abs": 0.0,$' out

if ! "$zoe" devices --json 2>/dev/null | grep -q '"family": "vector"'; then
    echo "SKIPPED: no OpenCL device of the vector family here"
    finish
    exit
fi

check 0 '' diverge shuffle-learn --steps 2
expect 'a table' grep -q '^first op     none$' out
check 0 '' diverge shuffle-learn --family vector,simt --steps 1 --json
expect 'two families' [ "$(first op) $(first layer)" = 'null null' ]
check 0 '' synth motion --out clips --clips 4 --seed 1
check 0 '' index clips --out pack
check 0 '' diverge shuffle-learn pack --conv direct,reference --tolerance 0 --steps 2 --json
expect 'other bits' [ "$(first op)" != null ]
expect 'of a convolution' [ "$(first op)" = conv2d.direct.forward ]
device=$("$zoe" devices 2>/dev/null | head -n 1 | cut -d ' ' -f 1)
check 0 '' diverge avc --batch 1 --steps 1 --tolerance 0 --device "$device,$device" --json
expect 'sounds too' [ "$(first op) $(first layer) $(first step)" = 'null null null' ]
expect 'ops of sound' grep -q '"op": "spectrogram.forward"' out

if ! ZOE_BREAK=relu.forward "$zoe" selftest 2>&1 | grep -q ZOE_BREAK; then
    echo "SKIPPED: built without ZOE_TEST_HOOKS"
    finish
    exit
fi
for variant in conv2d.direct.forward conv2d.direct.weights linear.packed.data linear.mask batch_norm+relu+max_pool.backward \
    softmax_cross_entropy.forward adam.update picture.forward conv2d.direct.moments; do
    export ZOE_BREAK="$variant"
    check 0 'ZOE_BREAK' diverge shuffle-learn --conv direct --batch 1 --steps 1 --device "$device" --json
    expect "$variant is broken, and named is $(first op)" [ "$(first op)" = "$variant" ]
    case $variant in
    *.forward) expect "$variant: the loss" [ "$(first step)" = 1 ] ;;
    esac
done
unset ZOE_BREAK
finish
