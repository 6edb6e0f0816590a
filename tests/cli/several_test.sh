#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One training on two halves of a device: the mathematics of two micro-batches on one, the same bits again, stops, resumes and refusals.
# Usage: several_test.sh ZOE
. "$(dirname "$0")/lib.sh"

first=$("$zoe" devices 2>/dev/null | sed -n '1s/ .*//p')
halves=$first/0,$first/1
quick='--batch 8 --tuples 8 --steps 3'
check 0 '' synth motion --out clips --clips 10 --seed 3
check 0 '' index clips --out pack
if ! "$zoe" train shuffle-learn pack --dry-run --device "$halves" >/dev/null 2>&1; then
    echo "SKIPPED: $first cannot be divided into two devices"
    exit 0
fi

# shares RUN: as it has recorded them.
shares() {
    tr -d ' \n' <"$1/devices.json" | sed 's/.*"windows":\[\([0-9,]*\)\].*/\1/'
}

# loss RUN STEP: from its log.
loss() {
    sed -n "s/^{\"step\":$2,.*\"loss\":\([0-9.e-]*\),.*/\1/p" "$1/log.jsonl"
}

# shellcheck disable=SC2086
{
# ---- what is computed ----
check 0 '' train shuffle-learn pack --out one $quick --micro 2
check 0 '' train shuffle-learn pack --out two $quick --device $halves --shares 4,4 --json
expect 'the result names both' [ "$(grep -c "\"device\": \"$first/[01]\"" out)" = 2 ]
expect 'two halves are two micro-batches' is "$(loss one 1) - $(loss two 1) < 1e-5 && $(loss two 1) - $(loss one 1) < 1e-5 &&
    $(loss one 3) - $(loss two 3) < 1e-4 && $(loss two 3) - $(loss one 3) < 1e-4"
check 0 '' train shuffle-learn pack --out mixed $quick --device $first/0,host --shares 4,4
expect 'the definitions agree' is "$(loss mixed 3) - $(loss two 3) < 1e-4 && $(loss two 3) - $(loss mixed 3) < 1e-4"

check 0 '' synth sounding --out sounds --clips 8 --seed 1
check 0 '' index sounds --out sound-pack
check 0 '' train avc-ave sound-pack --out sound-one $quick --micro 2
check 0 '' train avc-ave sound-pack --out sound-two $quick --device $halves --shares 4,4
expect 'pictures keep their sounds' is "$(loss sound-one 3) - $(loss sound-two 3) < 1e-4 && $(loss sound-two 3) - $(loss sound-one 3) < 1e-4"

# ---- the same bits ----
check 0 '' train shuffle-learn pack --out again $quick --device $halves --shares 4,4 --workers 3
expect 'the same bits again' [ "$(sha again)" = "$(sha two)" ]
check 0 '' train shuffle-learn pack --out uneven $quick --device $halves --shares 3,5
expect 'other shares, other sums' [ "$(sha uneven)" != "$(sha two)" ]
export ZOE_CACHE_DIR="$work/cache"
check 0 'windows/s, so [1-7] of 8 in each micro-batch' train shuffle-learn pack --out measured $quick --device $halves
check 0 '' train shuffle-learn pack --out remembered $quick --device $halves
expect 'speed is measured once' [ "$(grep -c windows/s err)" = 0 ]
expect 'shares are remembered' [ "$(shares measured)" = "$(shares remembered)" ]
expect 'the same bits by speed' [ "$(sha measured)" = "$(sha remembered)" ]

# ---- stops ----
check 10 'resume goes on' train shuffle-learn pack --out stopped $quick --device $halves --shares 3,5 --time 0.000001
check 0 '' train shuffle-learn pack --out stopped $quick --device $halves --shares 3,5 --resume
expect 'the same bits after a stop' [ "$(sha stopped)" = "$(sha uneven)" ]
check 3 "resume with --device host, but the run has $first/0" train shuffle-learn pack --out stopped $quick --device host --resume
check 10 '' train shuffle-learn pack --out kept $quick --device $halves --time 0.000001
printf '{"devices": ["%s/0", "%s/1"], "windows": [2, 6]}' "$first" "$first" >kept/devices.json
check 0 '' train shuffle-learn pack --out kept $quick --device $halves --resume
expect 'a run goes on with the shares it had' [ "$(shares kept)" = 2,6 ]
check 0 '' evaluate neighbours stopped clips --all

# ---- memory ----
check 0 '' train shuffle-learn pack --dry-run $quick --device $halves --shares 3,5
expect 'a dry run tells the shares' grep -q "^share  *5 windows .* on $first/1" out
check 0 'micro-batches of' train shuffle-learn pack --out small $quick --device $halves --max-memory 7M
expect 'both work in each micro-batch' grep -q '^1,1$\|^2,2$\|^1,3$\|^3,1$' <<END
$(shares small)
END

# ---- refusals ----
check 3 'named twice' train shuffle-learn pack --out bad $quick --device $first/0,$first/0
check 5 "no device 'nothing'" train shuffle-learn pack --out bad $quick --device $first/0,nothing
check 3 'shares 4,5: it must be 2 numbers that add up to 8' train shuffle-learn pack --out bad $quick --device $halves --shares 4,5
check 3 'shares 8: it must be 2 numbers' train shuffle-learn pack --out bad $quick --device $halves --shares 8
check 2 'shares 0: at least 1' train shuffle-learn pack --out bad $quick --device $halves --shares 0,8
check 3 'batch 1: micro-batches of 1 windows are too few for 2 devices' train shuffle-learn pack --out bad --batch 1 --device $halves
check 2 '9 devices, at most 8' train shuffle-learn pack --out bad $quick --device host,host,host,host,host,host,host,host,host
expect 'a refusal leaves no run' [ ! -e bad/log.jsonl ]
}
finish
