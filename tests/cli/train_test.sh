#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A life of a run: made, refused, resumed, forced, stopped, timed out, damaged, out of disk. Usage: train_test.sh ZOE
. "$(dirname "$0")/lib.sh"

quick='--batch 2 --tuples 8 --steps 3'
"$zoe" synth motion --out clips --clips 10 --seed 3 2>/dev/null || { echo 'FAILED: synth'; exit 1; }

# ---- files, a list and a pack give the same clips and the same bits ----
# shellcheck disable=SC2086
{
check 0 'step 3/3' train shuffle-learn clips --out run $quick --json
for key in run steps loss accuracy balanced_accuracy auc pixel_rule_auc samples_per_s data_wait seconds; do
    expect "the result has $key" [ -n "$(value $key)" ]
done
expect 'stdout is one JSON value' [ "$(head -c 1 out)$(tail -c 2 out)" = '{}' ]
expect 'figures are what they can be' is "$(value steps) == 3 && $(value clips) == 10 && $(value data_wait) <= 1 &&
    $(value pixel_rule_auc) >= 0 && $(value pixel_rule_auc) <= 1 && $(value loss) > 0.1 && $(value loss) < 3"
find clips -name '*.mp4' | sort -r > list.txt
check 0 '' train shuffle-learn list.txt --out run-list $quick
check 0 '' train shuffle-learn run/pack --out run-pack $quick --workers 3
expect 'same bits from files, list and pack' [ "$(sha run)" = "$(sha run-list)" ]
expect 'same bits with other workers' [ "$(sha run)" = "$(sha run-pack)" ]
expect 'a pack is used in place' [ ! -e run-pack/pack ]
check 0 '' train shuffle-learn run/pack --out run-seed $quick --seed 1
expect 'another seed, other bits' [ "$(sha run)" != "$(sha run-seed)" ]

# ---- a cold start says what it waits for; a result for programs is silent about it ----
mkdir empty
if "$zoe" devices | head -n 2 | grep -q pocl; then
    POCL_CACHE_DIR=$work/empty ZOE_CACHE_DIR=$work/empty check 0 'compiling for pocl:0, once: \(program\|kernel\) [0-9]' \
        train shuffle-learn run/pack --out cold $quick --tuples 2
    POCL_CACHE_DIR=$work/empty ZOE_CACHE_DIR=$work/empty check 0 '' \
        train shuffle-learn run/pack --out warm $quick --tuples 2 --json
    expect 'the same bits cold' [ "$(sha warm)" = "$(sha cold)" ] # the lanes were measured for both at once
    expect 'nothing is compiled twice' [ "$(grep -c compiling err)" = 0 ]
fi

# ---- refusals ----
check 3 '\-\-resume goes on with it, --force' train shuffle-learn run/pack --out run-pack $quick
check 3 '\-\-resume with --lr 0.2, but the run has 0.002' train shuffle-learn run/pack --out run-pack $quick --resume --lr 0.2
check 3 'other CLIPS' train shuffle-learn clips --out run-pack $quick --resume
check 0 '' train shuffle-learn run/pack --out run-pack $quick --resume --workers 1
mkdir precious && echo mine > precious/thing
check 3 'not a run folder' train shuffle-learn run/pack --out precious --force
check 3 'not a run folder' train shuffle-learn run/pack --out precious --resume
expect 'a foreign folder is untouched' [ "$(cat precious/thing)" = mine ]
check 3 'not a folder' train shuffle-learn run/pack --out list.txt
check 3 'would delete the CLIPS in it' train shuffle-learn run/pack --out run $quick --force
expect 'the clips are still there' [ -e run/pack/index.sqlite ]
check 0 '' train shuffle-learn run/pack --out run-seed $quick --force
expect '--force started anew' [ "$(sha run)" = "$(sha run-seed)" ]
check 5 'available are' train shuffle-learn run/pack --out run-seed $quick --force --max-memory 1000
check 4 '' train shuffle-learn options-that-are-no-clips --out run-seed $quick --force
expect 'what could not be replaced is still there' [ "$(sha run)" = "$(sha run-seed)" ]
expect 'and nothing else' [ ! -e run-seed.old ]
mkdir run-seed.old
check 3 'run-seed.old: exists' train shuffle-learn run/pack --out run-seed $quick --force
rmdir run-seed.old
mv run-seed run-seed.old && mkdir run-seed && cp run-seed.old/options.json run-seed # a kill before the new one started
check 5 'available are' train shuffle-learn run/pack --out run-seed $quick --force --max-memory 1000
expect 'a killed --force loses nothing' [ "$(sha run)" = "$(sha run-seed)" ]
check 2 '\-\-labels FILE.csv is missing' train shuffle-learn run/pack --out x --label action
check 2 '\-\-labels FILE.csv is missing' index clips --out x --group subject
check 2 '\-\-labels FILE.csv is missing' evaluate neighbours run clips --all --label action
check 3 'would be held out' train shuffle-learn run/pack --out r $quick --holdout 0.01
check 3 'no clip is of group' train shuffle-learn run/pack --out r $quick --holdout-groups nobody
check 4 'long enough' train shuffle-learn run/pack --out r $quick --near 50 --tau-max 60
expect 'failures before the first step leave no folder' [ ! -e r ]
check 0 '' train shuffle-learn run/pack --out r $quick --holdout 0.3
expect 'split.json names each clip once' [ "$(grep -c '^    "[0-9a-f]\{64\}"' r/split.json)" -eq 10 ]
expect 'split.json has no clip on both sides' [ -z "$(grep -o '"[0-9a-f]\{64\}"' r/split.json | sort | uniq -d)" ]
check 0 '' info r --json

# ---- a batch that no device has room for; bad files; labels and groups from a table ----
check 5 'available' train shuffle-learn run/pack --out r2 --batch 20000
check 5 'need [0-9]* bytes, available are [0-9]*' train shuffle-learn run/pack --out r2 --batch 65536 --device host
check 5 'need [0-9]* bytes, available are [0-9]*' train shuffle-learn run/pack --out r2 --batch 65536 --net resnet18
expect 'it leaves no folder' [ ! -e r2 ]
mkdir mixed && cp clips/*/0000[0-4].mp4 mixed/ && printf 'this is no film\n' > mixed/text.mp4
check 9 'text.mp4' train shuffle-learn mixed --out bad $quick
check 0 'skipped: .*text.mp4' train shuffle-learn mixed --out bad $quick --resume --max-bad 0.5 --json
expect 'the bad file is counted' is "$(value skipped_files) == 1 && $(value clips) == 5"
{ echo 'file,kind,who'; for n in 0 1 2 3 4; do echo "0000$n.mp4,k$n,p$((n % 2))"; done; } > labels.csv
rm mixed/text.mp4
sed 's/^0/9/' labels.csv > others.csv
sed 3d labels.csv > four.csv
check 3 'no row of it' train shuffle-learn mixed --out wrong $quick --labels others.csv --label kind
expect 'a wrong table leaves no folder' [ ! -e wrong ]
check 0 '1 of 5 clips have no row' train shuffle-learn mixed --out four $quick --labels four.csv --label kind
check 0 '' train shuffle-learn mixed --out grouped $quick --labels labels.csv --label kind --group who --holdout-groups p1 --json
expect 'two clips of p1 are held out' is "$(value held_out_clips) == 2 && $(value clips) == 3"
check 0 '' info grouped/pack --json
expect 'labels are of the table' [ "$(value k3)" = 1 ]
check 3 'no column' train shuffle-learn mixed --out grouped2 $quick --labels labels.csv --label nothing

# ---- what is there and no file is not replaced ----
mkfifo pipe
check 7 'not a regular file' export run --out pipe
check 7 'not a regular file' embed run clips --out pipe
check 7 'not a regular file' look run --samples --out pipe
expect 'the FIFO is still there' [ -p pipe ]
check 4 'not a run folder' look clips --samples
expect 'what is no run gets no report' [ ! -e clips/report ]

# ---- --dry-run writes nothing ----
check 0 '' train shuffle-learn run/pack --out dry --dry-run --holdout 0.3 --json
expect 'the clips of a pack are counted' is "$(value clips) == 7 && $(value held_out_clips) == 3"
check 0 '' train shuffle-learn clips --out dry --dry-run
expect 'those of files are not' grep -q 'not read' out
check 0 '' train shuffle-learn run/pack --out dry --batch 8 --dry-run --json
expect 'a dry run leaves nothing' [ ! -e dry ]
expect 'a dry run has memory and FLOPs' is "$(value flops_per_step) > 1e8 && $(value arena_bytes) > 1e6 && $(value steps) == 0"

# ---- options from a file; info ----
printf '%s\n' '--batch 2' '--tuples=8' '# a comment' '' 'run/pack' '--steps 3' > options.txt
check 0 '' train shuffle-learn @options.txt --out run-file
expect 'a file of options is the same as words' [ "$(sha run)" = "$(sha run-file)" ]
check 0 '' info run --plan --json
expect 'the plan lists its launches' [ "$(grep -c '"kernel": ' out)" -gt 20 ]
check 0 '' info run/pack --json
expect 'a pack tells its clips' is "$(value clips) == 10 && $(value frames) == 600 && $(value seconds) > 23 && $(value seconds) < 25"

# ---- time and signals ----
check 10 'resume goes on' train shuffle-learn run/pack --out timed --batch 2 --tuples 8 --steps 100000 --time 2 --json
expect '--time leaves a checkpoint and one JSON value' is "$(value steps) > 0"
check 3 '' train shuffle-learn run/pack --out timed --batch 2 --tuples 8 --steps 5 --resume
for signal in INT TERM; do
    "$zoe" train shuffle-learn run/pack --out "stopped-$signal" --batch 2 --tuples 8 --steps 100000 >/dev/null 2>err &
    pid=$!
    while ! grep -q '"step":1,' "stopped-$signal/log.jsonl" 2>/dev/null && kill -0 $pid 2>/dev/null; do sleep 0.1; done
    kill -s $signal $pid
    wait $pid
    expect "SIG$signal ends with 8" [ $? -eq 8 ]
    expect "SIG$signal leaves a checkpoint" [ -n "$(sha "stopped-$signal")" ]
done

# ---- a loss that is not finite ----
check 6 'not finite\|loss is' train shuffle-learn run/pack --out burst --batch 2 --tuples 8 --steps 50 --lr 1e30 --warmup 0
expect 'no checkpoint of a burst network' [ "$(ls burst/checkpoints 2>/dev/null | wc -l)" -eq 0 ]

# ---- damaged and foreign checkpoints ----
check 0 '' train shuffle-learn run/pack --out hurt --batch 2 --tuples 8 --steps 6 --checkpoint-every 0
expect 'two checkpoints are kept' [ "$(ls hurt/checkpoints | wc -l)" -eq 2 ]
whole=$(sha hurt)
printf 'X' | dd of=hurt/checkpoints/step-000000006.zoe bs=1 seek=3000 conv=notrunc 2>/dev/null
check 0 'using the older' info hurt --json
check 0 'using the older' train shuffle-learn run/pack --out hurt --batch 2 --tuples 8 --steps 6 --checkpoint-every 0 --resume
expect 'the lost step was done again, to the bit' [ "$(sha hurt)" = "$whole" ]
head -c 1000 run/checkpoints/step-000000003.zoe > short.zoe
check 4 'damaged checkpoint' info short.zoe
for file in hurt/checkpoints/*; do head -c 100 run/checkpoints/step-000000003.zoe > "$file"; done
check 4 'damaged checkpoint' train shuffle-learn run/pack --out hurt --batch 2 --tuples 8 --steps 6 --checkpoint-every 0 --resume

# ---- a full disk: exit 7, the old checkpoint stays ----
check 0 '' train shuffle-learn run/pack --out full $quick
kept=$(sha full)
# 200 blocks of 512 bytes: the log fits, a checkpoint does not. On `host`, where no driver writes files.
check 0 '' train shuffle-learn run/pack --out full2 --device host $quick
hosted=$(sha full2)
(ulimit -f 200; timeout 120 "$zoe" train shuffle-learn run/pack --out full3 --device host $quick >/dev/null 2>err)
expect 'RLIMIT_FSIZE gives exit code 7' [ $? -eq 7 ]
expect 'and a line that says so' grep -q '^zoe: .*cannot write' err
expect 'and no temporary file' [ -z "$(find full3 -name '*.tmp')" ]
check 0 '' train shuffle-learn run/pack --out full3 --device host $quick --resume
expect 'with room again it goes on to the same bits' [ "$(sha full3)" = "$hosted" ]
for n in 4 9 14; do # writes of a run with a checkpoint after each step; where hooks are compiled in
    rm -rf full3
    ZOE_FAIL_WRITE=$n timeout 120 "$zoe" train shuffle-learn run/pack --out full3 $quick --checkpoint-every 0 >/dev/null 2>err
    code=$?
    expect "write $n fails: exit code $code is 7 (or 0 without hooks)" [ $code -eq 7 -o $code -eq 0 ]
    check 0 '' train shuffle-learn run/pack --out full3 $quick --checkpoint-every 0 --resume
    expect 'what was there goes on to the same bits' [ "$(sha full3)" = "$kept" ]
done
}
finish
