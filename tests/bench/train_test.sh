#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench train`: what its JSON has, and what it says of words it does not know. Times are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

check 3 "did you mean 'mini'" bench train --net minni
check 2 'word too many' bench train mini
check 3 'does not fit' bench train --net mini --size 3x3
check 2 "did you mean 'shuffle-learn'" bench train --task shuffle-lern
check 2 'needs --task' bench train --cache 3
check 2 'do not go together' bench train --task shuffle-learn --size 32x32
check 2 'one word too many' bench train --task shuffle-learn clips
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

# The share of the roof is of what is multiplied: all of the definition, or less where Winograd works.
for way in direct winograd; do
    check 0 '' bench once 'train resnet20-cifar 3x32x32 batch 2' --conv $way --no-tuning --seconds 0.01 --json
    eval "$way=$(value done_flops) all=$(value flops)"
done
expect "direct multiplies all ($direct of $all)" is "$direct == $all"
expect "winograd less ($winograd of $all)" is "$winograd < 0.6 * $all && $winograd > 0.2 * $all"

# From files, and beside it with one batch: the first step sees the same one, the second does not.
mkdir temporary
export TMPDIR="$work/temporary"
check 0 '' bench train --task shuffle-learn --batch 2 --clips 8 --seconds 0.01 --processes 2 -o files.json --json
for key in task rows source data_wait device_busy images_per_s steps_per_s; do
    expect "there is $key" grep -q "\"$key\":" out
done
expect "two rows" [ "$(grep -c '"source": "\(memory\|files\)"' out)" = 2 ]
expect "of the same pictures" is "$(value images) > 0"
expect "shares of time" [ "$(grep '"device_busy"' out | awk -F': ' '{n += ($2 > 0 && $2 < 1.5)} END {print n}')" = 2 ]
losses() {
    grep "from $1\"" files.json | sed 's/.*"losses":\[\([^]]*\)\].*/\1/' | cut -d, -f"$2"
}
expect "the first batch is the same" [ "$(losses memory 1)" = "$(losses files 1)" ]
expect "the second is not" [ "$(losses memory 2)" != "$(losses files 2)" ]
expect "they have a place in the file" [ "$(grep -c '"data_wait":[0-9].*"device_busy":[0-9]\|"device_busy":[0-9].*"data_wait":[0-9]' files.json)" = 2 ]
check 0 '' bench compare files.json files.json
expect "nothing stays behind" [ -z "$(ls temporary)" ]
check 0 '' bench train --task avc-ave --batch 2 --clips 8 --cache 64 --seconds 0.01 --processes 1 --json
expect "the cache is named" grep -q 'from files, cache 64 MiB' out
# As many windows as one step has room for: a training would split more into parts, which is another thing.
check 0 '' bench train --task shuffle-learn --batch max --max-memory 12M --clips 8 --seconds 0.01 --processes 1 --json
expect "a number that fits in one step" is "$(value batch) >= 1 && $(value batch) <= 64 && $(value plan_bytes) <= 12 * 1048576"
check 3 'rows' bench gemm --net avc-vision --size 4096x4096 --batch 65536 -d host
finish
