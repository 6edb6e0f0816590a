#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# -o of `bench train`, `conv` and `data`, and what a file tells of the machine: sensors, throttling, energy (a made-up /sys, ZOE_SYS), an external
# meter. Times are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"
schema=$(dirname -- "$0")/../../docs/benchmark.schema.json

# good FILE: is what the schema says (a Python without jsonschema looks at nothing), can be read and does not differ from itself.
good() {
    python3 -c 'import jsonschema' 2>/dev/null && expect "$1 is what the schema says" python3 -c '
import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$1" "$schema"
    expect "$1 is complete" grep -q '"complete":true' "$1"
    check 0 '' bench compare "$1" "$1" --json
    expect "$1: nothing differs from itself" [ "$(grep -c '"verdict"' out)" = "$(grep -c '"verdict": "same"' out)" ]
    check 0 '' bench report "$1"
}

check 0 '' bench train -d host --net mini --batch 1 --size 16x16 --seconds 0.01 --processes 2 -o train.json
good train.json
expect "the id says all" grep -q '"id":"train mini 3x16x16 batch 1"' train.json
check 0 '' bench train -d host --net mini --batch 1 --size 16x16 --classes 3 --seconds 0.01 --processes 2 -o other.json
check 4 'are not compared' bench compare train.json other.json
check 7 'cannot be made' bench train -d host --net mini --batch 1 --size 16x16 --seconds 0.01 --processes 1 -o nowhere/train.json

check 0 '' synth motion --out clips --clips 3
check 0 '' synth motion --out others --clips 3 --seed 2
check 0 '' bench data clips --seconds 0.01 --processes 2 -o data.json
good data.json
check 0 '' bench data others --seconds 0.01 --processes 1 -o data2.json
check 4 'are not compared' bench compare data.json data2.json
for kind in 'sound pcm threads 1' 'augment draw shuffle-learn threads 1' 'decode mpeg4 176x144 threads 1'; do
    check 0 '' bench data --cases "$kind" --threads 1 --seconds 0.01 --processes 2 -o made.json
    good made.json
    expect "its list has a version" grep -q '"suite_id":"data-made-2"' made.json
done

# ---- what an adversary gives ----
mkfifo pipe
check 7 'pipe: is not a regular file' bench quick -d host --cases 128x128x128 --seconds 0.01 -o pipe
expect "a pipe stays one" [ -p pipe ]
check 7 'the name of the file is empty' bench quick -d host --cases 128x128x128 --seconds 0.01 -o ''
check 7 'is not a regular file' bench quick -d host --cases 128x128x128 --seconds 0.01 -o clips
without() { # a file with something else in it, and no hash
    sed -e 's/^"sha256":"[0-9a-f]*"}$/"note":1}/' -e "$1" train.json >spoilt.json
}
without 's/"suite_id":"[^"]*"/"suite_id":7/'
check 4 'suite_id must be a text' bench report spoilt.json
without 's/"devices":\[/"devices":[5,/'
check 4 'devices must be an array of objects' bench report spoilt.json
without 's/"complete":true/"complete":1/'
check 4 'complete must be true or false' bench import spoilt.json --store spoilt.sqlite
without ''
check 0 '' bench import spoilt.json --store spoilt.sqlite
expect "a file without a hash is new once" grep -q '1 of 1 files were new' out
check 0 '' bench import spoilt.json --store spoilt.sqlite
expect "and not twice" grep -q '0 of 1 files were new' out
check 0 '' bench report --store spoilt.sqlite

# Two at once: a collection takes both, a file only the first.
"$zoe" bench import train.json --store both.sqlite >one 2>&1 &
first=$!
check 0 '' bench import data.json --store both.sqlite
wait $first
expect "both are in" [ "$(cat one out | grep -c '1 of 1 files were new')" = 2 ]
"$zoe" bench quick -d host --cases 128x128x128 --seconds 1 --processes 5 -o shared.json >/dev/null 2>&1 &
first=$!
for _ in $(seq 300); do
    [ -e shared.json ] && break
    sleep 0.1
done
check 7 'another benchmark is writing it' bench quick -d host --cases 128x128x128 --seconds 0.01 -o shared.json
wait $first
good shared.json

# ---- what describes a case, and a meter ----
check 0 '' bench describe 'gemm nt 128x128x128'
expect "one description" [ "$(grep -c '^[a-z]' out)" = 1 ]
check 0 '' bench describe
for id in $("$zoe" bench list full | tr ' ' '_'); do
    expect "$id is described" "$zoe" bench describe "$(echo "$id" | tr _ ' ')" >/dev/null
done
check 2 'no case begins with' bench describe nothing
check 0 '' bench import train.json --joules 100 --store meter.sqlite
check 0 '' bench export --store meter.sqlite -o metered
expect "energy by a meter" grep -q '"energy_source":"external meter: 100 J' metered/*.json
good metered/*.json
check 2 'of one file' bench import train.json data.json --joules 100 --store meter.sqlite

# ---- a made-up machine ----
sys="$work/sys"
cpu="$sys/devices/system/cpu/cpu0"
mkdir -p "$sys/class/hwmon/hwmon0" "$cpu/cpufreq" "$cpu/thermal_throttle" "$sys/devices/system/edac/mc/mc0" "$sys/class/power_supply/BAT0" \
    "$sys/class/powercap/intel-rapl:0"
echo 61000 >"$sys/class/hwmon/hwmon0/temp1_input"
echo 2500000 >"$cpu/cpufreq/scaling_cur_freq"
echo 7 >"$cpu/thermal_throttle/core_throttle_count"
echo 3 >"$sys/devices/system/edac/mc/mc0/ce_count"
echo Battery >"$sys/class/power_supply/BAT0/type"
echo Discharging >"$sys/class/power_supply/BAT0/status"
case='-d host --cases 128x128x128 --processes 1'
export ZOE_SYS="$sys"
# shellcheck disable=SC2086
check 0 '' bench quick $case --seconds 0.01 -o made-up.json
if ! grep -q '"temperature_C":61' made-up.json; then
    echo "SKIPPED: built without ZOE_TEST_HOOKS"
    finish
    exit
fi
for fact in '"clock_MHz":2500' '"throttled":7' '"ecc_errors":3' '"battery":"Discharging"' '"gpu_temperature_C":null' \
    '"gpu_temperature_C":"no card shows one in hwmon"' '"energy_J":null' 'the counter cannot be read\|no counter'; do
    expect "the file has $fact" grep -q "$fact" made-up.json
done
good made-up.json

# Counts that rise while something is measured: a mark, and with --strict no row.
(while [ -d "$sys" ]; do
    n=$((n + 1))
    echo $n >"$work/count" && mv "$work/count" "$cpu/thermal_throttle/core_throttle_count"
    sleep 0.02
done 2>/dev/null) &
counter=$!
sleep 0.2
# shellcheck disable=SC2086
check 0 '' bench quick $case --seconds 0.01 -o throttled.json
expect "it is marked" grep -q '"flags":\[.*"throttled"' throttled.json
# shellcheck disable=SC2086
check 3 'is being throttled' bench quick $case --seconds 0.01 --strict -o none.json
expect "no file of it" [ ! -e none.json ]
kill $counter
wait $counter 2>/dev/null

# A counter of energy that rises by itself: 0.01 J every now and then, idle or not.
(while [ -d "$sys" ]; do
    n=$((n + 10000))
    echo $n >"$work/energy" && mv "$work/energy" "$sys/class/powercap/intel-rapl:0/energy_uj"
    sleep 0.02
done 2>/dev/null) &
counter=$!
sleep 0.2
# shellcheck disable=SC2086
check 0 '' bench quick $case --seconds 0.01 -o short.json
expect "short runs have no energy" grep -q '"energy_J":null.*"energy_source":"too short' short.json
# shellcheck disable=SC2086
check 0 '' bench quick $case --seconds 10 -o energy.json
expect "long ones do" grep -q '"energy_J":[0-9].*"energy_net_J":[0-9].*"energy_source":"RAPL, all packages; gross, and net of' energy.json
good energy.json
kill $counter
wait $counter 2>/dev/null
unset ZOE_SYS

if ! "$zoe" devices >devices 2>/dev/null || ! grep -qv '^host' devices; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi
check 0 '' bench conv --shape '1x16x12x12 16x3x3 stride 1x1 pad 1x1 groups 1' --seconds 0.01 --processes 2 -o conv.json
good conv.json
expect "three directions" [ "$(grep -c '^,\{0,1\}{"id":"conv2d ' conv.json)" = 3 ]
expect "the table that chose is named" grep -q '"tuning_sha256":"[0-9a-f]\{64\}"\|"tuning_sha256":null' conv.json
finish
