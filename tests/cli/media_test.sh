#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# zoe index, info PACK, look CLIP as people use them. Usage: media_test.sh ZOE
. "$(dirname "$0")/lib.sh"

mkdir tmp
export TMPDIR="$work/tmp"
"$zoe" synth motion --out clips --clips 8 --seed 5 2>/dev/null >/dev/null || { echo 'FAILED: synth'; exit 1; }
first=$(find clips -name '00000.mp4')

# ---- index ----
check 0 '8 of 8 files, 0 skipped' index clips --out pack --json
for key in pack clips frames seconds; do expect "the result has $key" [ -n "$(value $key)" ]; done
expect 'eight clips of 60 frames' is "$(value clips) == 8 && $(value frames) == 480 && $(value seconds) > 19 && $(value seconds) < 20"
check 0 '' info pack --json
expect 'info says the same' is "$(value clips) == 8 && $(value frames) == 480"
expect 'nothing was skipped' grep -q '"skipped": \[\]' out
cp -r pack before
check 0 '' index clips --out pack
expect 'nothing new, nothing changed' diff -r before/data pack/data
printf 'no film\n' > bad.mp4
check 9 'skipped bad.mp4: not a video file' index bad.mp4 --out pack --json
expect 'a bad file leaves the pack usable' is "$(value clips) == 8"
expect 'and is listed' grep -q '"file": "bad.mp4"' out
check 0 '' index bad.mp4 "$first" --out pack --max-bad 0.5
check 4 'no usable clip: bad.mp4: not a video file' index bad.mp4 --out other
check 2 '\-\-out PACK is missing' index clips
check 2 'too few words' index --out pack
check 4 'nowhere: No such file' index nowhere --out other
: > zero.mp4
check 4 'zero.mp4: the file is empty' index zero.mp4 --out other
mkfifo pipe.mp4
check 4 'pipe.mp4: not a regular file but a FIFO' index pipe.mp4 --out other
check 7 'bad.mp4/pack' index clips --out bad.mp4/pack
(ulimit -f 16; "$zoe" index clips --out full >out 2>err)
expect 'a full disk is exit code 7' [ $? -eq 7 ]
check 0 '' index clips --out full --workers 1
expect 'and is gone on with' diff -r full/data before/data

{ printf '\357\273\277'; find clips -name '*.mp4' | sed 's/$/\r/'; } > notepad.txt
check 0 '8 of 8 files, 0 skipped' index notepad.txt --out notepad
odd=$(printf 'kind\377')
mkdir "$odd" && cp "$first" "$odd/"
check 0 '' index "$odd" --out odd
check 0 '' info odd --json
expect 'a label that is not UTF-8 is counted' grep -q '"kind?": 1' out

# ---- a damaged pack ----
cp -r pack rotten
for file in rotten/data/*/*.zpk; do printf '%03000d' 0 | dd of="$file" bs=1 seek=5000 conv=notrunc 2>/dev/null; done
check 0 'clips decode differently than when they were indexed' train shuffle-learn rotten --out run --batch 2 --tuples 16 --steps 8 --max-bad 1
check 0 '' train shuffle-learn pack --out run2 --batch 2 --tuples 16 --steps 8
expect 'a good one is not blamed' [ "$(grep -c differently err)" -eq 0 ]

# ---- killed and gone on with ----
for i in 1 2 3 4 5 6 7 8; do
    "$zoe" index clips --out killed 2>/dev/null >/dev/null &
    pid=$!
    sleep "0.0$i"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
check 0 '' index clips --out killed --json
expect 'all clips are there after kills' is "$(value clips) == 8"
expect 'with the same data' diff -r killed/data before/data

# ---- look ----
check 0 '' look "$first" --ranks 7,0,59,7 --size 32x24 --out frames --json
expect 'three pictures' [ "$(find frames -name '*.png' | wc -l)" -eq 3 ]
check 0 '' look "$first" --at 0.3 --out still.png
check 0 '' look "$first" --ranks 7 --out own
expect 'frame 7 is shown at 0.3 s' cmp -s still.png own/7.png
check 4 "$first: there is no frame 60, the clip has 60 (0 to 59)" look "$first" --ranks 60,2 --out late
expect 'the frame that exists was written' [ -s late/2.png ]
check 4 'no frame at 9 s' look "$first" --at 9 --out still.png
check 2 'one of --ranks' look "$first" --out frames
check 2 '\-\-out is missing' look "$first" --ranks 1
check 2 '' look "$first" --ranks 1,x --out frames
check 4 'bad.mp4: not a video file' look bad.mp4 --ranks 0 --out text
check 7 'bad.mp4' look "$first" --ranks 0 --out bad.mp4/frames
head -c 9000 "$first" > cut.mp4 # without its index no frame can be found
check 4 'cut.mp4: not a video file' look cut.mp4 --ranks 0 --out cut
expect 'no temporary pack stays' [ -z "$(ls tmp)" ]

# ---- sound ----
check 0 '' synth sounding --out sounding --clips 3 --seed 4
check 0 '' synth sounding --pairs --out two --clips 2 --seed 4 --json
expect 'a folder a kind' [ -s sounding/reed/00001.mkv -a -s two/bell/00000.json ]
check 3 'no clips of two things' synth motion --pairs --out none
check 0 '' index sounding "$first" --out heard --json
expect 'three have sound, one has none' is "$(value good) == 3 && $(value none) == 1"
expect 'at 48 kHz' is "$(value rate) == 48000"
check 0 '' info heard
expect 'info tells of the sound' grep -q 'sound    3 clips with, 1 without' out
check 3 'another rate needs a new pack' index sounding --out heard --rate 16000
loud=sounding/hiss/00002.mkv
check 0 '' look $loud --at 0.5 --sound second.wav --spectrogram second.npy --out second.png
expect 'a second is 48000 samples of 16 bits' [ "$(wc -c <second.wav)" -eq 96044 ]
expect 'a spectrogram is 257 x 199' [ "$(wc -c <second.npy)" -eq $((128 + 4 * 257 * 199)) ]
check 0 '' look second.wav --sound again.wav --spectrogram again.npy
expect 'the file of a second is that second' cmp -s second.wav again.wav
expect 'with the same spectrogram' cmp -s second.npy again.npy
check 0 '' look $loud --at 1 --sound later.wav
expect 'half a second later the same sound' cmp -s -i 44:48044 -n 48000 later.wav second.wav
check 0 '' look $loud --at 1.5 --sound end.wav
tail -c 48000 end.wav | tr -d '\000' >rest
expect 'half a second of silence after the end' [ ! -s rest ]
check 0 '' look $loud --at -1 --sound before.wav
tail -c 96000 before.wav | tr -d '\000' >rest
expect 'silence before the start' [ ! -s rest ]
check 0 '' look $loud --sound slow.wav --rate 8000
expect 'at another rate' [ "$(wc -c <slow.wav)" -eq 16044 ]
check 0 '' look $loud --spectrogram picture.png
check 4 'no sound in it' look "$first" --sound none.wav
check 2 'must end in .npy or .png' look $loud --spectrogram picture.jpg
check 4 'no frame at -1' look $loud --at -1 --out none.png
printf 'picture,sound,label\nstill.png,second.wav,a\ngone.png,second.wav,b\n' >pairs.csv
check 9 'pairs.csv line 3: No such file' index pairs.csv --out pairs --json
expect 'the good pair is there' is "$(value clips) == 1 && $(value good) == 1"
printf 'picture;sound;label\nstill.png;second.wav;a\n' >pairs.csv
check 4 'line 1: a table of pairs has the head picture,sound,label' index pairs.csv --out none

# ---- the same pixels as ffmpeg's, where it is installed ----
if command -v ffmpeg >/dev/null; then
    for n in 0 7 59; do
        ffmpeg -nostdin -v error -y -i "$first" -vf "select=eq(n\\,$n),scale=32:24:flags=area,format=rgb24" -frames:v 1 -f rawvideo theirs
        ffmpeg -nostdin -v error -y -i frames/$n.png -f rawvideo -pix_fmt rgb24 ours
        expect "frame $n has ffmpeg's pixels" cmp -s ours theirs
    done
    ffmpeg -nostdin -v error -y -ss 0.5 -i $loud -map 0:a -t 1 -ac 1 -ar 48000 -f s16le theirs
    tail -c 96000 second.wav >ours
    expect "the second has ffmpeg's samples" cmp -s ours theirs
else
    echo 'SKIPPED: no ffmpeg program to compare with'
fi

finish
