#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --max-memory and what --dry-run says about memory. Usage: memory_test.sh ZOE
. "$(dirname "$0")/lib.sh"

"$zoe" synth motion --out clips --clips 10 --seed 3 2>/dev/null || { echo 'FAILED: synth'; exit 1; }
check 0 '' index clips --out pack

# ---- what the plan holds ----
check 0 '' train shuffle-learn pack --dry-run --json
cp out whole.json
whole=$(value peak_bytes)
expect 'the largest parts come first' is "$(sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' out | awk 'NR > 1 && $1 > last { bad = 1 } { last = $1 } END { print bad + 0 }') == 0"
expect 'the parts are the whole' [ "$(sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' out | awk '{ sum += $1 } END { printf "%d", sum }')" = "$whole" ]
check 0 '' train shuffle-learn pack --dry-run
expect 'people read it too' grep -q "($whole bytes)" out
expect 'layers are named' grep -q 'value stage1.conv' out

# ---- what cannot be ----
check 2 "max-memory 'much': not a size" train shuffle-learn pack --dry-run --max-memory much
check 2 'max-memory 0: at least 1' train shuffle-learn pack --dry-run --max-memory 0
check 2 'max-memory -1M: at least 1' train shuffle-learn pack --dry-run --max-memory -1M
check 2 'not a size' train shuffle-learn pack --dry-run --max-memory 1Q
check 5 'one window at a time: .* need [0-9]* bytes, available are 100000 ' train shuffle-learn pack --out run --max-memory 100000
expect 'what was refused leaves nothing' [ ! -e run ]

# ---- micro-batches ----
check 0 'micro-batches of 16 windows; batch norm' train shuffle-learn pack --dry-run --json --max-memory "$((whole * 3 / 4))"
expect 'the plan keeps the limit' is "$(value peak_bytes) <= $whole * 3 / 4 && $(value micro_batches) == 2"
check 0 '' train shuffle-learn pack --dry-run --json --max-memory "$whole"
expect 'what fits is left alone' is "$(value micro_batches) == 1 && $(value peak_bytes) == $whole"
quick='--batch 8 --tuples 8 --steps 3'
# shellcheck disable=SC2086
{
check 0 'micro-batches of' train shuffle-learn pack --out limited $quick --max-memory 12M --json
micro=$(value micro_batches)
expect 'more than one' is "$micro > 1"
check 0 '' train shuffle-learn pack --out same $quick --micro "$micro"
expect 'the same bits as by --micro' [ "$(sha limited)" = "$(sha same)" ]
check 3 'resume with --max-memory 13M, but the run has 12M' train shuffle-learn pack --out limited $quick --max-memory 13M --resume
check 0 '' info limited --plan --json
}

# ---- features ----
check 0 '' embed limited clips --out whole.npy --every 20
check 0 'pictures at a time instead of' embed limited clips --out parts.npy --every 20 --max-memory 3M
expect 'the same features' cmp -s whole.npy parts.npy
check 5 'available are 10000 ' embed limited clips --out none.npy --max-memory 10000
check 0 '' evaluate neighbours limited clips --all --json
cp out whole.json
check 0 'pictures at a time' evaluate neighbours limited clips --all --max-memory 4M --json
expect 'the trained network is measured alike' [ "$(grep -A3 '"layer"' whole.json | grep top1)" = "$(grep -A3 '"layer"' out | grep top1)" ]
check 5 'bytes' evaluate neighbours limited clips --all --max-memory 10000
finish
