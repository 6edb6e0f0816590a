#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench data`: frames of a pack or of files, and that a pack made for it goes away.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

check 2 'a pack is missing' bench data --here
check 2 'makes itself' bench data clips --cases h264
check 3 'no row has' bench data --cases h999
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

# Frames that are not those that were indexed have no speed.
spoil() {
    for file in "$1"/data/*/*.zpk; do
        size=$(wc -c <"$file")
        head -c $((size / 3)) /dev/zero | dd of="$file" bs=4096 oseek=$((size / 2)) oflag=seek_bytes conv=notrunc 2>/dev/null
    done
}
spoil pack
check 4 'does not decode' bench data pack --seconds 0.01 --processes 1 --json

# Without clips: rows by codec, size, threads and order, of clips that it makes.
check 0 '' bench data --cases '176x144' --threads 2 --seconds 0.01 --processes 2 --made made -o decode.json --json
for codec in mpeg4 mpeg2; do
    for order in sequential random; do
        for threads in 1 2; do
            expect "$codec $threads $order" grep -q "\"id\": \"data decode $codec 176x144 threads $threads $order\"" out
        done
    done
done
expect "frames a second" is "$(value frames_per_s) > 0"
expect "and the processors' time" is "$(value cpu_ns) > 0"
expect "all are right" [ "$(grep -c '"check": "ok"' out)" = "$(grep -c '"id": "data decode .* threads' out)" ]
expect "a file of them" grep -q '"cpu_ns":[0-9]' decode.json
check 0 '' bench compare decode.json decode.json
check 0 '' bench data --cases 'mpeg4 176x144 threads 1' --seconds 0.01 --processes 1
expect "two rows" [ "$(grep -c frames/s out)" = 2 ]
expect "nothing stays behind" [ -z "$(ls temporary)" ]
spoil made/pack
check 6 'WRONG' bench data --cases 'mpeg4 176x144' --threads 1 --seconds 0.01 --processes 1 --made made --json
expect "no speed of them" [ "$(grep -c '"median_ns": null' out)" = 2 ]
finish
