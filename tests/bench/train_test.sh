#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench train`: what its JSON has, and what it says of words it does not know. Times are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

check 3 "did you mean 'mini'" bench train --net minni
check 2 'word too many' bench train mini
check 3 'does not fit' bench train --net mini --size 3x3
check 5 '' bench train --net mini --device warp-drive:0
expect "a missing device is one line" [ "$(wc -l <err)" -eq 1 ]

if ! "$zoe" devices >devices 2>/dev/null; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi

check 0 '' bench train --net mini --batch 4 --size 20x24 --seconds 0.01 --processes 2 --json
for key in net batch images_per_s effective_gflops peak_bytes ops share check roof_share device host; do
    expect "there is $key" grep -q "\"$key\":" out
done
expect "pictures a second" is "$(value images_per_s) > 0"
expect "the process is larger than its plan" is "$(value peak_bytes) > $(value plan_bytes)"
expect "shares of time add up" is "$(grep '"share"' out | awk -F': ' '{sum += $2} END {print (sum > 0.99 && sum < 1.01)}')"
finish
