#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `zoe bench` keeps when something breaks: the program is killed, the device vanishes, OpenCL calls fail, kernels are not run and nobody says
# so (tests/device/fault_layer.c). Usage: fault_test.sh ZOE LAYER
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"
fault_layer=$2
export ZOE_CACHE_DIR="$work/cache"
unset ZOE_BREAK

rows() {
    cat "$1" 2>/dev/null | grep -c '^,\{0,1\}{"id"'
}

# wait_for_rows FILE COUNT PROCESS: until so many cases are in it, or the process has ended.
wait_for_rows() {
    while [ "$(rows "$1")" -lt "$2" ] && kill -0 "$3" 2>/dev/null; do sleep 0.05; done
}

# ---- the program is killed: what was finished is there, and nobody goes on measuring ----
"$zoe" bench gemm -d host --cases 128x128x128 --seconds 30 --processes 1 -o killed.json >/dev/null 2>&1 &
bench=$!
child=
while kill -0 "$bench" 2>/dev/null && { [ -z "$child" ] || [ ! -e killed.json ]; }; do # the first child only looks at the device
    sleep 0.2
    child=$(ps -o pid= --ppid "$bench" | tr -d ' ')
done
kill -9 "$bench"
wait "$bench" 2>/dev/null
tries=0
while [ -n "$child" ] && ps -o stat= -p "$child" | grep -q '^[^Z]' && [ $tries -lt 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
expect "it had a process that measured" [ -n "$child" ]
expect "that ended with it" [ $tries -lt 600 ]
check 0 '' bench import killed.json --store one.sqlite
expect "an unfinished file says so" grep -q '"complete":false' killed.json

if ! "$zoe" devices >devices 2>/dev/null || ! OPENCL_LAYERS=$fault_layer ZOE_FAULT_COUNT=counts "$zoe" devices >/dev/null 2>&1 || [ ! -e counts ]; then
    echo "SKIPPED: no OpenCL device here, or a loader that takes no layers"
    finish
    exit
fi

# ---- the device vanishes half way ----
mkdir vendors
if [ -e /etc/OpenCL/vendors/pocl.icd ] && [ -z "$OCL_ICD_VENDORS" ]; then
    cp /etc/OpenCL/vendors/pocl.icd vendors/
    OCL_ICD_VENDORS="$work/vendors/" "$zoe" bench quick -d pocl --cases conv2d --seconds 0.01 --processes 2 -o gone.json >out 2>err &
    bench=$!
    wait_for_rows gone.json 1 $bench
    rm vendors/pocl.icd
    wait $bench
    code=$?
    expect "a device that is gone: exit code 5 ($code)" [ $code -eq 5 ]
    expect "the end says so" grep -q 'cases before it are kept' err
    expect "and the file" grep -q '"error":".*cases before it are kept' gone.json
    expect "what was finished is kept" [ "$(rows gone.json)" -ge 1 ]
    check 0 '' bench report gone.json
    check 0 '' bench import gone.json --store one.sqlite
else
    echo "SKIPPED: the vanishing device: no /etc/OpenCL/vendors/pocl.icd"
fi

# ---- each so-manieth OpenCL call fails in every process: left out with the reason, or exit code 5; never another result ----
case='conv2d forward 1x16x28x28'
OPENCL_LAYERS=$fault_layer ZOE_FAULT_COUNT=counts "$zoe" bench once 'conv2d forward 1x16x28x28 32x3x3 stride 1x1 pad 1x1 groups 1' --seconds 0.01 \
    >/dev/null 2>&1
calls=$(cut -d ' ' -f 1 counts)
at=3
while [ "$at" -le "$calls" ]; do
    code=0
    timeout 300 env OPENCL_LAYERS="$fault_layer" ZOE_FAULT_AT=$at ZOE_FAULT_CODE=-5 ZOE_FAULT_FOR_GOOD=$((at % 2)) \
        "$zoe" bench quick --cases "$case" --seconds 0.01 --processes 1 -o faulty.json >out 2>err || code=$?
    expect "call $at of $calls fails: exit code $code, $(tail -n 1 err)" is "$code == 0 || $code == 5"
    [ $code -eq 0 ] || expect "call $at fails: one line at the end" [ "$(tail -n 1 err | grep -c '^zoe: .')" -eq 1 ]
    at=$((at + calls / 12 + 1))
done

# ---- a kernel is not run, and nobody is told: WRONG, without a speed ----
layer='16x28x28 32x3x3 stride 1x1 pad 1x1 groups 1'
without() {
    OPENCL_LAYERS=$fault_layer ZOE_FAULT_KERNEL=$1 ZOE_FAULT_COUNT=counts check 6 'WRONG' bench once "$2" --conv direct --seconds 0.01
    expect "$1 was left out of $2" [ "$(cut -d ' ' -f 3 counts)" -gt 0 ]
    expect "$2 without $1 has no speed" grep -q '"samples_ns": \[\]' out
}
without conv2d_direct "conv2d forward 1x$layer"
without conv2d_direct "conv2d data 1x$layer"
without conv2d_direct_weights "conv2d weights 1x$layer"
without linear_forward 'gemm nt 128x128x128'
without linear_data 'gemm nn 128x128x128'
without linear_weights 'gemm tn 128x128x128'
without roof_fma_float16 'roof fma float16'
without roof_triad 'roof triad 64K'
without roof_mix 'roof mix 8'
finish
