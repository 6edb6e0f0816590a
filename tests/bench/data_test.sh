#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench data`: frames of a pack or of files, and that a pack made for it goes away; decoding, sound and augmentation of clips that it makes.
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
check 0 '' bench data pack --seconds 0.01 --processes 1 -o pack.json
check 10 'after 1 s' bench data pack --seconds 100 --processes 1 --limit 1
check 0 '' bench data pack --seconds 0.01 --processes 1 --seed 7
expect "people are told" grep -q 'three random frames' out

# Frames that are not those that were indexed have no speed.
spoil() {
    for file in "$1"/data/*/*."${2:-zpk}"; do
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

# Sound: rows by codec, threads and order; PCM and FLAC are there in any case.
check 0 '' bench data --cases 'data sound' --threads 2 --seconds 0.01 --processes 2 --made heard -o sound.json --json
for codec in pcm flac; do
    for order in file sequential random; do
        for threads in 1 2; do
            expect "$codec $threads $order" grep -q "\"id\": \"data sound $codec threads $threads $order\"" out
        done
    done
done
for codec in mp3 aac vorbis opus; do
    rows=6
    grep -q "\"id\": \"data sound $codec\"" out && rows=0 # left out: FFmpeg has no encoder
    expect "$codec: $rows rows" [ "$(grep -c "\"id\": \"data sound $codec threads" out)" = $rows ]
done
expect "seconds of sound a second" is "$(value seconds_per_s) > 0"
expect "and the processors' time" is "$(value cpu_ns) > 0"
expect "all are right" [ "$(grep -c '"check": "ok"' out)" = "$(grep -c '"id": "data sound .* threads' out)" ]
check 0 '' bench report sound.json
check 0 '' bench compare sound.json sound.json
check 4 'are not compared' bench compare sound.json pack.json

# wrong CASES ROWS: so many rows of these are WRONG, and none has a speed.
wrong() {
    check 6 'WRONG' bench data --cases "$1" --threads 1 --seconds 0.01 --processes 1 --made heard --json
    expect "$1: $2 rows without a speed" [ "$(grep -c '"median_ns": null' out)" = "$2" ]
    expect "$1: no row is right" [ "$(grep -c '"check": "ok"' out)" = 0 ]
}
# One bit of one sample of the file, far inside: it is indexed again, and is not what was drawn.
byte=$(od -An -tu1 -j 2000000 -N 1 heard/sounds/pcm.wav)
# shellcheck disable=SC2059 # the format is the byte
printf "\\$(printf %o $((byte ^ 1)))" | dd of=heard/sounds/pcm.wav bs=1 seek=2000000 conv=notrunc 2>/dev/null
wrong 'sound pcm' 3
check 0 '' bench data --cases 'sound flac' --threads 1 --seconds 0.01 --processes 1 --made heard
# 5 ms of silence before a sound that was not lossless: its places are wrong, its size is not.
if [ -e heard/sounds/vorbis.mka ]; then
    for file in heard/pack/data/*/*.pcm; do
        size=$(wc -c <"$file")
        { head -c 8 "$file" && head -c 960 /dev/zero && tail -c +9 "$file" | head -c $((size - 968)); } >moved
        cat moved >"$file"
    done
    wrong 'sound vorbis' 3
fi
spoil heard/pack pcm
wrong 'sound flac' 3

# A clip that the pack has not, because it is another one's: told, not left out.
check 0 '' bench data --cases 'mpeg4 176x144 threads 1' --seconds 0.01 --processes 1 --made heard
cp heard/clips/mpeg4-176x144.mkv heard/sounds/flac.mka
check 4 'sounds/flac.mka: not in the pack' bench data --cases 'sound flac' --threads 1 --seconds 0.01 --processes 1 --made heard

# A folder that cannot be: no file, no room, a name that is too long.
: >file
check 7 'Not a directory' bench data --cases 'sound pcm' --seconds 0.01 --processes 1 --made file
check 7 'no/such/folder: No such' bench data --cases 'sound pcm' --seconds 0.01 --processes 1 --made no/such/folder
check 2 'a path of 513 bytes, at most 512' bench data --cases 'sound pcm' --made "$(printf '%0513d' 0)"
# room CODE PATTERN: files of 2048 blocks at the most, where 3.8 MB are needed
room() (
    failed=0
    trap '' XFSZ
    ulimit -f 2048
    check "$1" "$2" bench data --cases 'sound pcm' --seconds 0.01 --processes 1 --made crowded
    exit "$failed"
)
expect "no room is told" room 7 'pcm.wav: cannot be written: File too large'
expect "no part stays behind" [ -z "$(ls crowded/sounds)" ]

# What is stopped leaves nothing.
timeout -s INT 0.5 "$zoe" bench data --cases 'data sound' >/dev/null 2>&1
expect "nothing stays behind" [ -z "$(ls temporary)" ]

# Augmentation: a row of each act, right in all threads and processes.
check 0 '' bench data --cases 'data augment' --threads 2 --seconds 0.01 --processes 2 -o augment.json --json
for act in 'scale 640x360 to 64x64' 'scale 1280x720 turned to 340x256' 'draw shuffle-learn' 'draw avc-l3' \
    'crop+flip+colours 64x64 to 56x56' 'crop+flip+light 256x256 to 224x224' 'gain+spectrogram avc-audio'; do
    for threads in 1 2; do
        expect "$act $threads" grep -q "\"id\": \"data augment $act threads $threads\"" out
    done
done
expect "samples a second" is "$(value samples_per_s) > 0"
expect "all are right" [ "$(grep -c '"check": "ok"' out)" = "$(grep -c '"id": "data augment' out)" ]
check 0 '' bench report augment.json
check 0 '' bench compare augment.json augment.json
check 0 '' bench import sound.json augment.json --store all.sqlite
check 0 '' bench report --store all.sqlite
expect "a row of both" [ "$(grep -c 'data sound flac threads 2 file\|data augment draw avc-l3 threads 2' out)" -ge 2 ]
# A fault in one number of what one thread made is seen, of each act.
check 6 'WRONG' bench data --cases 'data augment' --threads 2 --seconds 0.01 --processes 1 --spoil --json
expect "each row is WRONG" [ "$(grep -c '"check": "WRONG"' out)" = "$(grep -c '"id": "data augment' out)" ]
expect "and has no speed" [ "$(grep -c '"median_ns": null' out)" = "$(grep -c '"id": "data augment' out)" ]
check 2 'makes itself' bench data clips --spoil
expect "nothing stays behind" [ -z "$(ls temporary)" ]
finish
