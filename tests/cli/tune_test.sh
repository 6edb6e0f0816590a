#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe tune`: what it writes, what its children may do, what it says when something is wrong, and what a training makes of it.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/lib.sh"

export ZOE_TUNING="$work/db/tuning.sqlite"
unset ZOE_TUNE_FAULT

check 2 'a network or a run is missing' tune
check 2 'one word too many' tune mini --show
check 3 "did you mean 'mini'" tune minj
check 2 'not a duration' tune resnet18 --time abc
check 5 'there are:' tune mini --device nothing-of-that-name
check 5 'nothing to tune' tune mini --device host
check 0 '' tune --show
expect "no row yet" [ ! -s out ]

if ! "$zoe" devices >devices 2>/dev/null; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi

tune="tune mini --batch 1 --size 32x32 --time 60 --no-clblast"
# shellcheck disable=SC2086
check 0 '' $tune --json
expect "14 rows or more" is "$(grep -c '"direction"' out) >= 14"
expect "complete" grep -q '"complete": true' out
# shellcheck disable=SC2086
check 0 '' $tune --json
expect "nothing is measured twice" [ "$(value measured)" = 0 ]
check 0 '' tune --show
expect "rows are shown" grep -q 'weights *1x16' out
check 0 '' tune --export "$work/rows.json" --json
rows=$(value rows)
export ZOE_TUNING="$work/second.sqlite"
check 0 '' tune --import "$work/rows.json" --json
expect "all rows come over" [ "$(value rows)" = "$rows" ]
check 4 'no-such.json' tune --import "$work/no-such.json"
check 7 '' tune --export /nowhere/rows.json

# A child that crashes, hangs or is wrong costs its candidate: the other directions have their rows.
for fault in crash:data hang:data wrong:data; do
    case $fault in
    hang*) patience=12 ;; # two shapes or so
    *) patience=60 ;;
    esac
    export ZOE_TUNING="$work/$fault.sqlite" ZOE_TUNE_FAULT=$fault
    # shellcheck disable=SC2086
    check 0 '' $tune --candidate-time 2 --time "$patience" --json
    case $fault in
    crash*) expect "$fault is counted" is "$(value crashed) > 0" ;;
    hang*) expect "$fault is counted" is "$(value too_slow) > 0" ;;
    wrong*) expect "$fault is counted" is "$(value wrong) > 0" ;;
    esac
    expect "$fault: no row for data" [ "$(grep -c '"direction": "data"' out)" = 0 ]
    expect "$fault: rows for forward" is "$(grep -c '"direction": "forward"' out) > 0"
    expect "$fault: rows for weights" is "$(grep -c '"direction": "weights"' out) > 0"
done

# A device that is gone: one line, exit code 5, what was measured stays.
export ZOE_TUNING="$work/vanish.sqlite" ZOE_TUNE_FAULT=vanish:2
# shellcheck disable=SC2086
check 5 'gone' $tune
unset ZOE_TUNE_FAULT
check 0 '' tune --show
expect "rows from before" grep -q forward out

# Killed: what was measured stays, and no child goes on.
export ZOE_TUNING="$work/kill.sqlite" ZOE_TUNE_FAULT=hang:weights
# shellcheck disable=SC2086
"$zoe" $tune --candidate-time 60 >/dev/null 2>&1 &
tuner=$!
sleep 3
child=$(pgrep -P "$tuner" || true)
kill -9 "$tuner"
wait "$tuner" 2>/dev/null
sleep 0.3
expect "there was a child" [ -n "$child" ]
expect "the child is gone too" sh -c "! ps -o stat= -p $child | grep -qv Z"
unset ZOE_TUNE_FAULT
check 0 '' tune --show

# Damaged: set aside, and made anew.
export ZOE_TUNING="$work/damaged.sqlite"
head -c 5000 /dev/urandom >"$ZOE_TUNING"
# shellcheck disable=SC2086
check 0 'set aside' $tune
expect "it lies beside" [ -f "$ZOE_TUNING.damaged-1" ]

# A training records what it took, and goes on with it whatever was tuned since.
export ZOE_TUNING="$work/none.sqlite"
check 0 '' synth motion --out clips --clips 8 --seed 3
check 10 '' train shuffle-learn clips --out run --steps 6 --batch 2 --tuples 4 --workers 1 --time 0
expect "the choices are recorded" grep -q '"algorithm"' run/tuning.json
cp -r run other
check 0 '' train shuffle-learn clips --out run --steps 6 --batch 2 --tuples 4 --workers 1 --resume
cp "$work/db/tuning.sqlite" "$work/none.sqlite"
check 0 '' train shuffle-learn clips --out other --steps 6 --batch 2 --tuples 4 --workers 1 --resume
expect "the same bits with other rows" [ "$(sha run)" = "$(sha other)" ]
echo '{' >run/tuning.json
check 4 'tuning.json' train shuffle-learn clips --out run --steps 6 --batch 2 --tuples 4 --workers 1 --resume
check 0 '' train shuffle-learn clips --out plain --steps 2 --batch 2 --tuples 4 --workers 1 --no-tuning
expect "--no-tuning leaves rows out" grep -q '"source": "none"' plain/tuning.json

finish
