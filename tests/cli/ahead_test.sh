#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The first start: kernels for PoCL are compiled by child processes before they are launched, and only once.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/lib.sh"

check 2 'no compiler' devices --compiler --device host

if ! "$zoe" devices --json 2>/dev/null | grep -q '"id": "pocl:0"'; then
    echo "SKIPPED: no PoCL here"
    finish
    exit
fi

export ZOE_CACHE_DIR="$work/cache" POCL_CACHE_DIR="$work/pocl" ZOE_DEBUG=1
mkdir pocl
step="bench train --net avc-audio --batch 2 --device pocl:0 --seconds 0.01 --here --json"
kernels() {
    find "$POCL_CACHE_DIR" -name '*.so' | grep -Evc "lanes_|roof_" # those are measured when the device is opened
}

# shellcheck disable=SC2086
check 0 'kernels compiled ahead by' $step
ahead=$(sed -n 's/^zoe: \([0-9]*\) kernels compiled ahead.*/\1/p' err)
expect "what was foreseen is all there is" [ "$(kernels)" = "$ahead" ]
grep -A 4 '"losses"' out >losses
# shellcheck disable=SC2086
check 0 '' $step
expect "the second start compiles nothing ahead" [ "$(grep -c 'compiled ahead' err)" = 0 ]
expect "nor later" [ "$(kernels)" = "$ahead" ]
grep -A 4 '"losses"' out | cmp -s - losses
expect "the losses are the same" [ "$?" = 0 ]

# Both caches empty again, and nobody helps.
mkdir pocl2
export ZOE_CACHE_DIR="$work/cache2" POCL_CACHE_DIR="$work/pocl2" ZOE_COMPILERS=0
# shellcheck disable=SC2086
check 0 'for the first time in' $step
expect "the same kernels" [ "$(kernels)" = "$ahead" ]
expect "no child compiled" [ "$(grep -c 'compiled ahead' err)" = 0 ]
grep -A 4 '"losses"' out | cmp -s - losses
expect "the losses are the same without children" [ "$?" = 0 ]
finish
