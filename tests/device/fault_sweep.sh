#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# OpenCL calls fail, or launches are silently skipped, in whole runs of `zoe` (fault_layer.c). A failing call must lead to exit code 5 with one line
# on stderr, or to the very result of the undisturbed run; what ends with 5 must go on by --resume to that result. A launch that is skipped in the
# self-test must be found (exit code 6). Never a crash, a hang or another result.
# Usage: fault_sweep.sh ZOE LAYER [WHAT [STRIDE [FIRST]]]; WHAT: train, several, selftest, skip, kernels, all, or
# sample: a little of each; STRIDE 1: each call.
. "$(dirname "$0")/../cli/lib.sh"
layer=$2
what=${3:-all}
stride=${4:-1}
first=${5:-1}
codes='-5 -4 -6 -2 -30' # out of resources, no memory for an object, out of host memory, device not available, invalid value
unset ZOE_BREAK
export ZOE_CACHE_DIR="$work/cache"
if ! "$zoe" devices 2>/dev/null | grep -q . || ! OPENCL_LAYERS=$layer ZOE_FAULT_COUNT=counts "$zoe" devices >/dev/null 2>&1 || [ ! -e counts ]; then
    echo "SKIPPED: no OpenCL device here, or a loader that takes no layers"
    exit 0
fi

bad() {
    failed=$((failed + 1))
    echo "FAILED: $*"
    tail -n 3 err | sed 's/^/    /'
}

# faulty WORDS...: zoe with the layer, for at most $limit seconds; code, out and err.
limit=60
faulty() {
    timeout "$limit" env OPENCL_LAYERS="$layer" "$zoe" "$@" >out 2>err
    code=$?
}

clean() {
    [ "$code" -eq 5 ] && [ "$(grep -c '^zoe: ' err)" -ge 1 ]
}

# sweep JUDGE: every STRIDE-th call of the run that JUDGE makes, codes in turn, once and for good in turn.
sweep() {
    unset ZOE_FAULT_AT
    ZOE_FAULT_COUNT=counts "$1" || bad "$1 without a fault"
    recovered=0
    refused=0
    runs=0
    calls=$(cut -d ' ' -f 1 counts)
    at=$first
    while [ "$at" -le "$calls" ]; do
        for for_good in 0 1; do
            # shellcheck disable=SC2086
            set -- "$1" $codes
            shift $(((at / stride + for_good * 2) % 5 + 1))
            export ZOE_FAULT_AT="$at" ZOE_FAULT_CODE="$1" ZOE_FAULT_FOR_GOOD="$for_good"
            [ "$for_good" = 1 ] || unset ZOE_FAULT_FOR_GOOD
            set -- "$judge"
            runs=$((runs + 1))
            checks=$((checks + 1))
            "$judge" || bad "$judge: call $at of $calls, code $ZOE_FAULT_CODE, for good $for_good: exit code $code"
        done
        at=$((at + stride))
    done
    unset ZOE_FAULT_AT ZOE_FAULT_CODE ZOE_FAULT_FOR_GOOD
    echo "$judge: $runs runs over $calls calls: $recovered with the undisturbed result, $refused with exit code 5, $failed failures so far"
}

# several: a training on two halves of the device.
train_words='train shuffle-learn pack --batch 2 --tuples 8 --steps 3 --workers 1 --checkpoint-every 0'
train() {
    rm -rf run
    # shellcheck disable=SC2086
    faulty $train_words --out run
    if [ "$code" -eq 0 ]; then
        recovered=$((recovered + 1))
        [ "$(sha run)" = "$wanted" ]
        return
    fi
    clean || return 1
    refused=$((refused + 1))
    # shellcheck disable=SC2086
    (unset ZOE_FAULT_AT && "$zoe" $train_words --out run --resume >/dev/null 2>err) || return 1
    [ "$(sha run)" = "$wanted" ]
}

# train_sweep: of the training that $train_words say.
train_sweep() {
    rm -rf whole
    # shellcheck disable=SC2086
    "$zoe" $train_words --out whole >/dev/null 2>err || bad 'the undisturbed training'
    wanted=$(sha whole)
    judge=train
    sweep train
    [ "$stride" -gt 900 ] || expect 'a lost device was opened anew' [ "$recovered" -gt 0 ]
}

selftest() {
    faulty selftest --json
    if [ "$code" -eq 0 ]; then
        recovered=$((recovered + 1))
        grep -q '"failed": \[\]' out && [ ! -e cache/quarantine.txt ]
        return
    fi
    clean && [ ! -e cache/quarantine.txt ] && refused=$((refused + 1))
}

# Launches of the self-test, one by one. Not found can be: weights prepared for both ways, where a case (moments) only goes forward.
unread='conv2d_winograd_filter|conv2d_direct_turn|linear_pack_x'
skip() {
    spared=0
    "$zoe" selftest >/dev/null 2>&1 # lanes are measured once
    ZOE_FAULT_COUNT=counts faulty selftest
    launches=$(cut -d ' ' -f 2 counts)
    n=$first
    runs=0
    while [ "$n" -le "$launches" ]; do
        export ZOE_FAULT_SKIP="$n"
        faulty selftest
        runs=$((runs + 1))
        checks=$((checks + 1))
        if [ "$code" -eq 0 ] && grep -qE "fault: .*of ($unread)," err; then
            spared=$((spared + 1))
        else
            [ "$code" -eq 6 ] || bad "launch $n of $launches is skipped: exit code $code"
        fi
        n=$((n + stride))
    done
    unset ZOE_FAULT_SKIP
    echo "skip: $runs of $launches launches skipped, $spared of them prepared what was not read, $failed failures so far"
}

# All launches of one kernel.
kernels() {
    limit=300 # all cases
    runs=0
    n=0
    "$zoe" selftest --full >/dev/null 2>&1
    strings "$zoe" | sed -n 's/^ *__kernel .*void \([a-z0-9_]*\)(.*/\1/p' | sort -u >names
    while read -r name; do
        n=$((n + 1))
        [ $((n % stride)) -eq 0 ] || continue
        export ZOE_FAULT_KERNEL="$name"
        ZOE_FAULT_COUNT=counts faulty selftest --full
        [ "$(cut -d ' ' -f 3 counts)" -gt 0 ] || continue
        runs=$((runs + 1))
        checks=$((checks + 1))
        [ "$code" -eq 6 ] || bad "kernel $name is never launched: exit code $code"
    done <names
    unset ZOE_FAULT_KERNEL
    echo "kernels: $runs skipped of $n, $failed failures so far"
}

# Zeros around a tensor that are not written are found, too: no variant's kernel writes them.
halos() {
    for family in vector simt; do
        for pair in 'halo_zero:add, halo' 'halo_zero_planar:picture, first, halo'; do
            export ZOE_FAULT_KERNEL="${pair%%:*}"
            checks=$((checks + 1))
            faulty selftest --full --family $family --case "${pair#*:}"
            [ "$code" -eq 6 ] || bad "kernel $ZOE_FAULT_KERNEL ($family) is never launched: exit code $code"
        done
    done
    unset ZOE_FAULT_KERNEL
    rm -f cache/quarantine.txt
}

"$zoe" synth motion --out clips --clips 8 --seed 4 >/dev/null 2>&1 && "$zoe" index clips --out pack >/dev/null 2>&1
if [ "$what" = train ] || [ "$what" = sample ] || [ "$what" = all ]; then
    [ "$what" != sample ] || stride=810
    train_sweep
fi
if [ "$what" = several ] || [ "$what" = sample ] || [ "$what" = all ]; then
    [ "$what" != sample ] || stride=1510
    one=$train_words
    device=$("$zoe" devices | sed -n '1s/ .*//p')
    train_words="$one --device $device/0,$device/1 --shares 1,1"
    # shellcheck disable=SC2086
    if "$zoe" $train_words --dry-run >/dev/null 2>&1; then train_sweep; else echo "several: SKIPPED: $device cannot be divided"; fi
fi
if [ "$what" = selftest ] || [ "$what" = all ]; then
    judge=selftest
    sweep selftest
fi
if [ "$what" = sample ] || [ "$what" = all ]; then halos; fi
if [ "$what" = sample ]; then # what ctest runs
    stride=1300
    judge=selftest
    sweep selftest
    stride=103
    skip
    # What zeroes gradients of weights that no group has: only the optimiser would see them.
    ZOE_FAULT_KERNEL=conv2d_mask_groups faulty selftest --family vector --case 'conv odd groups'
    checks=$((checks + 1))
    [ "$code" -eq 6 ] || bad "conv2d_mask_groups is never launched: exit code $code"
fi
if [ "$what" = skip ] || [ "$what" = all ]; then skip; fi
if [ "$what" = kernels ] || [ "$what" = all ]; then kernels; fi
finish
