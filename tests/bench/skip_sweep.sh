#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: skip_sweep.sh ZOE LAYER SUITE [DEVICE]. For each product and convolution of a suite's list, each kernel that its process launches is left
# out once, and nobody is told (tests/device/fault_layer.c). Where it is one of the measured direction, and not only of the step that sets it up,
# the case must be WRONG. Ends in counts; exit code 1 where one was not found. Minutes; not part of ctest, which has a sample (fault_test.sh).
set -eu
zoe=$1
layer=$2
suite=$3
device=${4:-pocl:0}
work=$(mktemp -d /tmp/zoe-skip-XXXXXX)
trap 'rm -rf "$work"' EXIT
export ZOE_CACHE_DIR="$work/cache"

once() {
    timeout 600 "$zoe" bench once "$1" --device "$device" --seconds 0.001 --warm 0
}

# The kernels of a case: those that are compiled where no cache has any; lanes.cl only measures the device.
kernels_of() {
    mkdir "$work/fresh"
    POCL_CACHE_DIR=$work/fresh ZOE_CACHE_DIR=$work/fresh ZOE_COMPILERS=0 ZOE_DEBUG=1 once "$1" 2>&1 >/dev/null |
        sed -n 's/^zoe: kernel \([a-z0-9_]*\): .*first time.*/\1/p' | grep -v '^lanes_' | sort -u
    rm -r "$work/fresh"
}

"$zoe" bench list "$suite" | grep -E '^(conv2d|gemm|linear) ' | grep -v ' by ' >"$work/ids"
while read -r id; do
    for kernel in $(kernels_of "$id" </dev/null); do
        code=0
        OPENCL_LAYERS=$layer ZOE_FAULT_KERNEL=$kernel ZOE_FAULT_COUNT=$work/counts once "$id" >/dev/null 2>&1 </dev/null || code=$?
        skipped=$(cut -d ' ' -f 3 "$work/counts")
        case $code in
        6) what=found ;;
        0) if [ "$skipped" -le 2 ]; then what=setup; else what=missed; fi ;;
        *) what=other ;;
        esac
        echo "$what: exit code $code, $skipped launches of $kernel: $id"
    done
done <"$work/ids" | tee "$work/all"
count() {
    grep -c "^$1:" "$work/all" || true
}
echo "$(wc -l <"$work/ids") cases: $(count found) kernels found, $(count setup) only of the set-up, $(count missed) missed, $(count other) other"
[ "$(count missed)" = 0 ] && [ "$(count other)" = 0 ] && [ "$(count found)" -gt 0 ]
