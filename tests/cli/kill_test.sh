#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments, from reading the clips to the last step, then --resume with the same words: the weights must be those of the run that
# nobody disturbed, bit for bit. Usage: kill_test.sh ZOE [KILLS]
. "$(dirname "$0")/lib.sh"
kills=${2:-12}

"$zoe" synth motion --out clips --clips 8 --seed 4 2>/dev/null || { echo 'FAILED: synth'; exit 1; }
words='--batch 2 --tuples 8 --steps 60 --checkpoint-every 0.1 --resume'
# shellcheck disable=SC2086
train() {
    "$zoe" train shuffle-learn clips --out "$1" $words >/dev/null 2>err
}
start=$(date +%s%N)
train whole || { echo 'FAILED: the undisturbed run'; cat err; exit 1; }
whole_ms=$((($(date +%s%N) - start) / 1000000))
expected=$(sha whole)
expect 'the undisturbed run has a hash' [ -n "$expected" ]

done_kills=0
run=0
seed=$$
while [ "$done_kills" -lt "$kills" ]; do
    run=$((run + 1))
    resumed=0
    while :; do
        # A linear congruential draw of the moment, 0 .. the time of the whole run.
        seed=$(((seed * 1103515245 + 12345) % 2147483648))
        moment=$((seed / 8 % whole_ms))
        # shellcheck disable=SC2086
        "$zoe" train shuffle-learn clips --out "run-$run" $words >/dev/null 2>err &
        pid=$!
        sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
        if kill -9 $pid 2>/dev/null; then
            done_kills=$((done_kills + 1))
            resumed=$((resumed + 1))
        fi
        wait $pid 2>/dev/null && break
        [ "$resumed" -ge 4 ] && break
    done
    train "run-$run" || { cat err; echo "FAILED: run $run does not resume"; failed=$((failed + 1)); }
    got=$(sha "run-$run")
    expect "run $run, killed $resumed times: weights $got, not $expected (seed $$)" [ "$got" = "$expected" ]
    expect "run $run left no temporary file" [ -z "$(find "run-$run" -name '*.tmp' -path '*checkpoints*')" ]
    rm -rf "run-$run"
done
echo "$done_kills kills, $run runs, one run takes $whole_ms ms"
finish
