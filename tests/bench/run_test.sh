#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench quick` and what is done with its file: cases are kept one by one, damaged files are told, comparisons have verdicts. Times
# are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"

count() {
    grep -c -e "$1" "$2"
}

check 2 "did you mean 'quick'" bench quik
check 2 'one word too many' bench quick now
check 5 '' bench quick --device warp-drive:0 -o none.json
expect "no file of nothing" [ ! -e none.json ]
check 2 'not the id of a case' bench once 'conv2d sideways 1x1x1x1 1x1x1 stride 1x1 pad 0x0 groups 1'
check 2 'not the id of a case' bench once 'conv2d forward 1x1x1x1 1x1x1 stride 0x1 pad 0x0 groups 1'
check 2 'not the id of a case' bench once 'gemm nt 3x3'

# The plain-C definitions are a device, too: these need no driver.
check 0 '' bench quick -d host --cases 128x128 --seconds 0.01 --processes 2 -o host.json
expect "one case" [ "$(count '"id":"gemm nt 128x128x128"' host.json)" = 1 ]
expect "it is complete" grep -q '"complete":true' host.json
for key in id device flops samples_ns median_ns ci95_ns check nmse roof_share algorithm tuned; do
    expect "every case has $key" [ "$(count "\"$key\":" host.json)" -ge 1 ]
done
check 0 '' bench compare host.json host.json --json
expect "nothing differs from itself" [ "$(count '"verdict": "same"' out)" = 1 ]
expect "the ratio is 1" is "$(value ratio) == 1"

sed 's/"median_ns":[0-9.]*/"median_ns":1/' host.json >changed.json
check 4 'changed.json: damaged or changed' bench compare host.json changed.json
head -c 700 host.json >cut.json
check 4 'cut.json: damaged' bench compare host.json cut.json
sed 's/"schema":1/"schema":7/' host.json >other.json
check 4 'schema 7' bench compare other.json host.json
check 4 'No such file' bench compare host.json nowhere.json
echo '{}' >empty.json
check 4 'not a file of' bench compare empty.json host.json

# By the schema in docs/ (a Python without jsonschema looks at nothing).
schema=$(dirname -- "$0")/../../docs/benchmark.schema.json
if python3 -c 'import jsonschema' 2>/dev/null; then
    expect "it is what the schema says" python3 -c '
import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' host.json "$schema"
else
    echo "SKIPPED: the schema: no Python module jsonschema"
fi

# The collection: what goes in comes out, twice is once, and other files are left alone.
check 0 '' bench import host.json host.json --store all.sqlite
expect "one of two was new" grep -q '1 of 2 files were new' out
check 0 '' bench export quick --store all.sqlite -o out-of-it
check 0 '' bench compare host.json out-of-it/quick-3-*.json
check 4 'cut.json: damaged' bench import cut.json --store all.sqlite
check 4 'no collection' bench report --store none.sqlite
check 4 'not a database' bench report --store host.json
cp all.sqlite newer.sqlite
printf '\000\000\000\011' | dd of=newer.sqlite bs=1 seek=60 conv=notrunc 2>/dev/null
cp newer.sqlite newer.copy
check 4 'version 9, this program reads 1' bench import host.json --store newer.sqlite
expect "it is left as it was" cmp -s newer.sqlite newer.copy

# Reports of a file and of the collection.
check 0 '' bench report host.json
expect "Markdown" grep -q '^| host | gemm nt 128x128x128' out
check 0 '' bench report --store all.sqlite -o page.html
expect "a page with the case" grep -q 'gemm nt 128x128x128' page.html
expect "and no picture without its end" [ "$(count '<svg' page.html)" = "$(count '</svg>' page.html)" ]
expect "that needs nothing else" [ "$(count 'https\{0,1\}://' page.html)" = 0 ]
check 0 '' bench report host.json -o table.csv
check 2 'must end with' bench report host.json -o table.pdf
check 2 'no such device' bench report host.json --base pocl:7 -o page.html

# Words about devices.
check 0 '' bench list quick
expect "its ids" grep -q '^gemm nt 128x128x128$' out
check 2 'no list of cases' bench list conv
# The products of a network: an id for each form, none twice, those of the input's gradient not in the first layer.
check 0 '' bench gemm --net avc-vision --size 16x16 --batch 1 -d host --seconds 0.001 --processes 1 -o products.json
ids() {
    grep -o '"id":"gemm [^"]*"' products.json | cut -d'"' -f4 | sed 's/ by .*//' | sort -u
}
expect "of conv1 and its weights' gradient" [ "$(ids | grep -c '^gemm nt 64x16x27$\|^gemm tn 16x27x64$')" = 2 ]
expect "no gradient of pictures" [ "$(ids | grep -c '^gemm nn 64x27x16$')" = 0 ]
expect "of conv2 all three" [ "$(ids | grep -c '^gemm nt 64x32x144$\|^gemm nn 64x144x32$\|^gemm tn 32x144x64$')" = 3 ]
expect "none twice" [ "$(grep -o '"id":"gemm [^"]*"' products.json | sort | uniq -d | wc -l)" = 0 ]
check 2 '--batch needs --net' bench gemm --batch 3
check 3 "did you mean 'mini'" bench gemm --net minni
check 2 'and not max' bench train --batch most

check 2 'no list of cases' bench null -d host --list conv
check 0 '' bench null -d host --cases 128x128 --seconds 0.01 --processes 2 --json
expect "cases are counted" is "$(value cases) == 1"
expect "and verdicts" is "$(value verdicts) <= 1"
check 2 'the same device' bench compare host host --cases 128x128
check 5 '' bench compare host warp-drive:0 --cases 128x128

if ! "$zoe" devices >devices 2>/dev/null || ! grep -qv '^host' devices; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi

# Each kind of roof; what a device does not have is left out with the reason.
for kind in 'fma double4' 'fma half8' 'mix 8' 'queue' 'build' 'pinned upload 64K' 'pinned download 64K' 'copy 16K' 'copy quarter' 'triad quarter' 'local' 'atomic'; do
    "$zoe" bench roof --cases "roof $kind" --seconds 0.01 --processes 2 -o roof.json >out 2>err
    code=$?
    if grep -q '"reason":"the device has no' roof.json; then
        expect "roof $kind: exit code $code, not 3" [ $code -eq 3 ]
    else
        expect "roof $kind: exit code $code: $(tail -n 1 err)" [ $code -eq 0 ]
        expect "roof $kind has a time" grep -q '"median_ns":[0-9]' roof.json
    fi
done
check 3 'nothing was measured; .* has no kernels' bench roof -d host --cases 'roof launch' -o none.json
expect "why is in the file" grep -q '"skipped":\[{"id":"roof launch"' none.json

check 0 '' bench --suite quick --cases 16x28x28 --seconds 0.01 --processes 2 -o one.json --json
expect "the document is printed" [ "$(count '"schema": 1' out)" = 1 ]
check 0 '' bench quick --cases 'conv2d forward 1x16x28x28' --seconds 0.01 --processes 2 -d host -d pocl -o two.json
if [ -s two.json ]; then
    expect "two devices" [ "$(count '^,\{0,1\}{"id"' two.json)" = 2 ]
fi

# A product alone: its output lies as one, whatever the id's numbers are (with zeros around each this one takes 128 MB).
check 0 '' bench once 'gemm tn 64x8x20000' --seconds 0.001 --max-memory 64M --json

# As many pictures as there is room for: the number is settled by the first process, and compared are pictures.
for room in 24 96; do
    check 0 '' bench full --cases 'train avc-audio 1x128x50 batch max' --max-memory ${room}M --seconds 0.01 --processes 2 -o max$room.json --json
    expect "the case keeps its id" grep -q '"id": "train avc-audio 1x128x50 batch max"' out
    eval "batch$room=$(value batch) median$room=$(value median_ns)"
    expect "there is room" is "$(value plan_bytes) <= $room * 1048576 * 0.9"
    expect "for no more than half of it again" is "2 * $(value plan_bytes) > $room * 1048576 * 0.8"
done
expect "more room, more pictures ($batch24, $batch96)" is "$batch96 == 4 * $batch24"
check 0 '' bench compare max24.json max96.json --json
expect "times of a picture" is "($(value a_ns) * $batch24 / $median24 - 1) ^ 2 < 1e-9 && ($(value b_ns) * $batch96 / $median96 - 1) ^ 2 < 1e-9"
check 5 'needs' bench train --net resnet18 --batch max --max-memory 1M

export ZOE_BREAK=conv2d.winograd.forward
if "$zoe" selftest --list 2>&1 | grep -q ZOE_BREAK; then
    check 6 'are WRONG' bench quick --cases 'conv2d forward 1x16x28x28' --conv winograd --seconds 0.01 -o wrong.json
    expect "it is said" [ "$(count '"check":"WRONG"' wrong.json)" = 1 ]
    expect "without a speed" [ "$(count '"samples_ns":\[\]' wrong.json)" = 1 ]
    unset ZOE_BREAK
    check 4 'nothing to compare' bench compare wrong.json wrong.json
else
    echo "SKIPPED: built without ZOE_TEST_HOOKS"
fi
finish
