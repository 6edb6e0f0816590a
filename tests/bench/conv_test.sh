#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench conv`: what its JSON has, what it says of words it does not know, and that what is wrong has no speed.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

shape="1x16x12x12 16x3x3 stride 1x1 pad 1x1 groups 1"
quick="--processes 2 --seconds 0.02"

# count PATTERN: lines of the last output that have it.
count() {
    grep -c -e "$1" out
}

check 2 "did you mean 'conv'" bench cnov
check 2 'a suite is missing' bench
check 2 'one word too many' bench conv mini
check 3 'unknown network' bench conv --net nope
check 2 'is not of the form' bench conv --shape 3x3
check 2 'cannot go with --batch' bench conv --shape "$shape" --batch 3
check 3 'is no convolution' bench conv --shape "1x3x4x4 2x9x9 stride 1x1 pad 0x0 groups 1"
check 2 'at least 1' bench conv --size 0x0
check 5 'there are:' bench conv --device nothing-of-that-name
check 5 'no kernels' bench conv --device host

if ! "$zoe" devices >devices 2>/dev/null; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi

# shellcheck disable=SC2086
check 0 '' bench conv --shape "$shape" $quick --json
expect "three directions" [ "$(count '"id": "conv2d ')" = 3 ]
for key in device flops samples_ns median_ns ci95_ns check nmse roof_share algorithm tuned; do
    expect "every case has $key" is "$(count "\"$key\": ") >= 3"
done
expect "all are right" [ "$(count '"check": "ok"')" = 3 ]
expect "arithmetic of the definition" is "$(value flops) == 2 * 12 * 12 * 16 * 16 * 9"
expect "a time" is "$(value median_ns) > 0"

# shellcheck disable=SC2086
check 0 '' bench conv --shape "$shape" $quick --exact --conv direct --json
expect "the algorithm that was asked for" [ "$(count '"algorithm": "direct"')" = 3 ]

# shellcheck disable=SC2086
check 0 '' bench conv --net mini --batch 1 --size 32x32 $quick
expect "layers that multiply matrices, too" grep -q 'linear weights' out
expect "the input of a network has no gradient" [ "$(count 'data 1x3x')" = 0 ]

export ZOE_BREAK=conv2d.direct.data
if "$zoe" selftest --list 2>&1 | grep -q ZOE_BREAK; then
    # shellcheck disable=SC2086
    check 6 '1 of 3 cases are WRONG' bench conv --shape "$shape" $quick --conv direct --json
    expect "it is said to be wrong" [ "$(count '"check": "WRONG"')" = 1 ]
    expect "and has no speed" [ "$(count '"median_ns": null')" = 1 ]
    expect "nor samples" [ "$(count '"samples_ns": \[\]')" = 1 ]
    check 6 '' bench conv --shape "$shape" --processes 1 --seconds 0.02 --conv direct
    expect "people are told, too" [ "$(count WRONG)" = 1 ]
else
    echo "SKIPPED: built without ZOE_TEST_HOOKS"
fi
finish
