#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe bench quality`: seeds are trained and asked, the best and the worst are left out, what is not learnt is WRONG. Times are not judged.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/../cli/lib.sh"
small='--clips 16 --batch 2 --seeds 3'

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
finish
