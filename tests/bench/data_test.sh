#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench data`: frames of a pack or of files, and that a pack made for it goes away.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

check 2 'missing' bench data
check 4 'nowhere' bench data nowhere
printf 'this is no film\n' >text.mp4
mkdir temporary
export TMPDIR="$work/temporary"
check 4 '' bench data text.mp4
expect "a failure leaves no folder" [ -z "$(ls temporary)" ]

check 0 '' synth motion --out clips --clips 3
check 0 '' bench data clips --seconds 0.01 --processes 2 --json
expect "three frames were read, nothing was heard" [ "$(grep -c '"id": ' out)" = 1 ]
expect "the frames are named" grep -q '"id": "data/frames"' out
expect "they were the right ones" grep -q '"check": "ok"' out
expect "samples stand in one list" [ "$(grep -A1 '"samples_ns"' out | tail -1 | grep -c '[0-9]')" = 1 ]
expect "a time" is "$(value median_ns) > 0"
expect "indexing took some" is "$(value indexing_cpu_seconds) > 0"
expect "nothing stays behind" [ -z "$(ls temporary)" ]

check 0 '' index clips --out pack
check 0 '' bench data pack --seconds 0.01 --processes 1
check 10 'after 1 s' bench data pack --seconds 100 --processes 1 --limit 1
check 0 '' bench data pack --seconds 0.01 --processes 1 --seed 7
expect "people are told" grep -q 'three random frames' out
finish
