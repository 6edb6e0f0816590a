#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In both families: `zoe selftest --list` names what --full runs; a variant that writes wrong numbers is found, it alone, and nothing of it stays;
# a training that uses it says so, takes the next algorithm and comes to the same loss.
# shellcheck source=tests/cli/lib.sh disable=SC1091
. "$(dirname -- "$0")/lib.sh"

limit=600 # compiles everything where nothing is cached
unset ZOE_BREAK

if ! "$zoe" devices >devices 2>/dev/null; then
    echo "SKIPPED: no OpenCL device here"
    finish
    exit
fi
hooks=1
ZOE_BREAK=relu.forward "$zoe" selftest --case relu 2>&1 | grep -q ZOE_BREAK || hooks=0
[ "$hooks" = 1 ] || echo "SKIPPED: built without ZOE_TEST_HOOKS"

# passed: the variants that passed, by the file of the cache.
passed() {
    cat "$ZOE_CACHE_DIR"/selftest-*.txt | grep -v '^#' | sort
}

# some EACH FILE: every EACH-th line.
some() {
    awk -v each="$1" 'NR % each == 1' "$2"
}

# found NAME WORDS...: by the self-test with these words, and no other.
found() {
    export ZOE_BREAK="$1"
    shift
    check 6 'ZOE_BREAK' selftest --full --json "$@"
    expect "$ZOE_BREAK fails ($*)" [ "$(grep '"kernel"' out | sort -u | sed 's/.*: "\(.*\)".*/\1/')" = "$ZOE_BREAK" ]
    expect "$ZOE_BREAK stays in no quarantine" [ ! -e "$ZOE_CACHE_DIR/quarantine.txt" ]
    unset ZOE_BREAK
}

check 0 '' synth motion --out clips --clips 8 --seed 3

for family in vector simt; do
    export ZOE_CACHE_DIR="$work/$family"
    check 0 '' selftest --list --family "$family"
    cp out list
    check 0 '' selftest --full --family "$family"
    passed >ran
    sort list >sorted
    expect "$family: --list names what --full runs" cmp -s ran sorted
    expect "$family: each once, one a line, nothing else" [ "$(sort -u list | grep -c '^[a-z0-9_+]*\.[a-z0-9_.]*$')" = "$(grep -c '' list)" ]
    [ "$hooks" = 1 ] || continue

    found "$(grep 'conv2d.*weights' list | head -n 1)" --family "$family"
    for name in $(some 9 list); do
        found "$name" --family "$family" --only "$name"
    done

    export ZOE_CACHE_DIR="$work/$family-train"
    train="train shuffle-learn clips --family $family --steps 4 --batch 2 --tuples 16 --workers 1 --json"
    # shellcheck disable=SC2086
    check 0 '' $train --out whole
    whole=$(value loss)
    passed >used
    # Each direction of the first algorithm, a fused chain both ways, the loss, the optimiser.
    grep '^conv2d' used | grep -v moments | head -n 3 >broken
    grep -e '+.*forward' -e '+.*backward' used | head -n 2 >>broken
    grep -e 'linear.*data' -e 'softmax.*backward' -e update used >>broken
    expect "$family: names to break" [ "$(grep -c '' broken)" = 8 ]
    while read -r name; do
        rm -rf run
        export ZOE_BREAK="$name"
        # shellcheck disable=SC2086
        check 0 "$name is wrong on .* the next algorithm takes over" $train --out run
        unset ZOE_BREAK
        loss=$(value loss)
        expect "$family: the loss with $name broken ($loss, $whole)" is "$loss - $whole < 1e-5 && $whole - $loss < 1e-5"
        expect "$name stays in no quarantine" [ ! -e "$ZOE_CACHE_DIR/quarantine.txt" ]
    done <broken
    rm -rf run whole
done

finish
