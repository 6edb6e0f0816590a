#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench quality`: seeds are trained and asked, the best and the worst are left out, what is not learnt is WRONG. Times are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"
small='--clips 16 --batch 2 --seeds 3'
limit=600 # three trainings on a busy machine

check 2 'one word too many' bench quality now
check 2 'seeds' bench quality --seeds 2
if ! "$zoe" devices >devices 2>/dev/null || ! grep -qv '^host' devices; then
    echo "SKIPPED: no OpenCL device here; the plain-C definitions are too slow"
    finish
    exit
fi
mkdir temporary
export TMPDIR="$work/temporary"
# shellcheck disable=SC2086
check 0 '' bench quality $small --steps 4 --every 2 --target 0 -o learnt.json --json
expect "three seeds were trained until they were asked" [ "$(grep -c '"steps": 2' out)" = 3 ]
expect "one time is left, of one process" [ "$(grep -c '"process_samples":\[1\]' learnt.json)" = 1 ]
expect "it is the mean" is "$(value mean_ns) == $(value median_ns)"
check 0 '' bench compare learnt.json learnt.json
check 0 '' bench report learnt.json -o page.html
# shellcheck disable=SC2086
check 6 'did not get 1 of the answers right' bench quality $small --steps 3 --every 2 --target 1 -o not.json --json
expect "all were asked twice" [ "$(grep -c '"steps": 3' out)" = 3 ]
expect "it has no speed" grep -q '"samples_ns":\[\].*"check":"WRONG"\|"check":"WRONG".*"samples_ns":\[\]' not.json
expect "nothing stays behind" [ -z "$(ls temporary)" ]

# Interrupted: seeds that were finished stay in the file, and the next run goes on. finished: how many there are.
finished() {
    grep -o '"seed":[0-9]*' part.json 2>/dev/null | wc -l
}
interrupt() {
    # shellcheck disable=SC2086
    "$zoe" bench quality $small --steps 4 --every 2 --target 0 -o part.json >out 2>err &
    run=$!
    before=$(finished)
    for _ in $(seq 600); do
        [ "$(finished)" -gt "$before" ] && break
        sleep 0.1
    done
    kill "-$1" $run
    wait $run 2>/dev/null
    code=$?
}
interrupt TERM
expect "exit code $code of a stop at request, not 8" [ $code -eq 8 ]
expect "a line about it" [ "$(tail -n 1 err)" = 'zoe: stopped at request' ]
expect "nothing stays behind" [ -z "$(ls temporary)" ]
expect "the first seed does" [ "$(finished)" = 1 ]
expect "the file says that it is not all" grep -q '"complete":false' part.json
first=$(grep -o '"seconds":[0-9.e-]*,"share"' part.json | head -n 1)
interrupt KILL
expect "so does the second" [ "$(finished)" = 2 ]
# shellcheck disable=SC2086
check 0 'going on: 2 of 3 seeds' bench quality $small --steps 4 --every 2 --target 0 -o part.json
expect "all are there" [ "$(finished)" = 3 ]
expect "the first one was not trained again" [ "$(grep -o '"seconds":[0-9.e-]*,"share"' part.json | head -n 1)" = "$first" ]
expect "it is complete" grep -q '"complete":true' part.json
check 0 '' bench report part.json
rm -rf temporary/*
finish
