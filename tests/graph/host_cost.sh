#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Instructions of the host in a training step, by callgrind: the difference of 15 and 5 steps, a tenth of it. What a step
# costs beyond its launches must not grow with the network. Usage: host_cost.sh BUILD/tests/graph/host_cost [NET...]
# The first run of a network takes minutes (PoCL compiles under valgrind, for the processor that it shows), further ones
# seconds.
program=$1
shift
work=$(mktemp -d /tmp/zoe-cost-XXXXXX)
trap 'rm -rf "$work"' EXIT

# instructions NET STEPS: inside zoe_plan_accumulate() and zoe_plan_update(), with all that they call
instructions() {
    valgrind --tool=callgrind --callgrind-out-file="$work/out" --collect-atstart=no \
        --toggle-collect=zoe_plan_accumulate --toggle-collect=zoe_plan_update "$program" "$1" "$2" \
        >"$work/launches" 2>"$work/err" || { cat "$work/err"; exit 1; }
    sed -n 's/^\(summary\|totals\): *//p' "$work/out" | head -n 1
}

printf '%-18s%10s%16s%12s\n' network launches 'instructions' 'a launch'
for net in "${@:-mini}"; do
    few=$(instructions "$net" 5) && many=$(instructions "$net" 15) || exit 1
    awk -v net="$net" -v few="$few" -v many="$many" -v launches="$(cat "$work/launches")" 'BEGIN {
        step = (many - few) / 10
        printf "%-18s%10d%16.0f%12.1f\n", net, launches, step, step / launches
    }'
done
