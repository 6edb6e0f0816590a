#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `zoe selftest`, and what training makes of a kernel that is wrong.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/lib.sh"

export ZOE_CACHE_DIR="$work/cache"
unset ZOE_BREAK

check 5 'nothing to test' selftest --device host
check 3 "did you mean 'mini'" selftest minj
check 2 'go with a network' selftest --batch 3

if ! "$zoe" devices >devices 2>/dev/null; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi

check 2 'no kernel variant' selftest --only no.such.variant
check 2 'no case' selftest --case nothing
check 0 '' selftest --json
expect "nothing is wrong" grep -q '"failed": \[\]' out
expect "nothing is in quarantine" grep -q '"quarantined": \[\]' out
check 0 '' selftest --list
cp out list
expect "a name a line" [ "$(grep -c ' ' list)" = 0 ]
check 0 '' selftest mini --batch 1 --size 24x24
expect "errors of layers" grep -q 'stage1.conv.*forward' out

if ! "$zoe" selftest --help | grep -q quarantine || ! ZOE_BREAK=relu.forward "$zoe" selftest 2>&1 | grep -q ZOE_BREAK; then
    echo "SKIPPED: built without ZOE_TEST_HOOKS"
    finish
    exit
fi

variant=$(grep 'conv2d.*weights' list | head -n 1)
export ZOE_BREAK="$variant"
check 6 'ZOE_BREAK' selftest --json
expect "the broken one fails" [ "$(value kernel)" = "$variant" ]
expect "no other does" [ "$(grep -c '"kernel"' out)" = 1 ]
expect "no quarantine stays" [ ! -e cache/quarantine.txt ]

# Training finds it, says so, and computes as if it were not there.
check 0 '' synth motion --out clips --clips 8 --seed 3
train="train shuffle-learn clips --steps 4 --batch 2 --tuples 16 --workers 1 --json"
# shellcheck disable=SC2086
check 0 "$variant is wrong" $train --out broken
broken=$(value loss)
unset ZOE_BREAK
# shellcheck disable=SC2086
check 0 '' $train --out whole
expect "no word of it" [ "$(grep -c wrong err)" = 0 ]
expect "the same loss ($broken, $(value loss))" is "$broken - $(value loss) < 1e-3 && $(value loss) - $broken < 1e-3"

# A quarantine that somebody else's run left is heeded, and lifted by a self-test that passes.
sed 's/^# \(.*\): these variants.*/\1/; q' cache/selftest-*.txt >who
printf '%s\t%s\tNMSE 1\n' "$(cat who)" "$variant" >cache/quarantine.txt
# shellcheck disable=SC2086
check 0 '' $train --out quarantined
algorithm=${variant#conv2d.}
tr -d ' \n' <quarantined/tuning.json >choices
expect "another algorithm" [ "$(grep -c "\"direction\":\"weights\",\"algorithm\":\"${algorithm%.weights}\"" choices)" = 0 ]
check 0 '' selftest
expect "the quarantine is lifted" [ "$(grep -c "$variant" cache/quarantine.txt)" = 0 ]

finish
