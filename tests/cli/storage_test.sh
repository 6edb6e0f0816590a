#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --storage fp16: the memory, the losses beside fp32's, stops, evaluations, the self-test and what is refused. Usage: storage_test.sh ZOE
. "$(dirname "$0")/lib.sh"

quick='--batch 2 --tuples 8 --steps 3'
check 0 '' synth motion --out clips --clips 8 --seed 3
check 0 '' index clips --out pack
if ! "$zoe" devices >/dev/null 2>&1; then
    echo 'SKIPPED: no OpenCL device here'
    exit 0
fi

# shellcheck disable=SC2086
{
# ---- memory ----
check 0 '' train shuffle-learn pack --dry-run --json --family simt
whole=$(value arena_bytes)
check 0 '' train shuffle-learn pack --dry-run --json --storage fp16
expect 'activations take about half' is "$(value arena_bytes) < 0.6 * $whole && $(value arena_bytes) > 0.4 * $whole"

# ---- what is computed ----
check 0 '' train shuffle-learn pack --out whole $quick --family simt
check 0 '' train shuffle-learn pack --out half $quick --storage fp16
loss() {
    sed -n "s/^{\"step\":$2,.*\"loss\":\([0-9.e-]*\),.*/\1/p" "$1/log.jsonl"
}
for step in 1 3; do
    expect "the loss of step $step" is "$(loss half $step) - $(loss whole $step) < 5e-3 && $(loss whole $step) - $(loss half $step) < 5e-3"
done
expect 'but not the same bits' [ "$(sha half)" != "$(sha whole)" ]

# ---- stops ----
check 10 'resume goes on' train shuffle-learn pack --out stopped $quick --storage fp16 --time 0.000001
expect 'a checkpoint has the loss scale' grep -aq 'loss_scale.*8192.0,1,0' stopped/checkpoints/*.zoe
check 3 'resume with --storage fp32, but the run has fp16' train shuffle-learn pack --out stopped $quick --storage fp32 --resume
check 0 '' train shuffle-learn pack --out stopped $quick --storage fp16 --resume
expect 'the same bits after a stop' [ "$(sha stopped)" = "$(sha half)" ]

# ---- what uses it ----
check 0 '' evaluate neighbours half clips --all --storage fp16
check 0 '' embed half clips --layer stage4 --every 30 --out half.npy --storage fp16
check 0 '' embed half clips --layer stage4 --every 30 --out whole.npy --family simt
expect 'as many features' [ "$(wc -c <half.npy)" = "$(wc -c <whole.npy)" ]
expect 'but other digits' [ "$(cmp -s half.npy whole.npy || echo differ)" = differ ]
check 0 '' info half --plan
check 0 '' selftest --storage fp16 --json
expect 'all variants are right' grep -q '"failed": \[\]' out
check 0 '' diverge shuffle-learn --family simt --storage fp32,fp16 --tolerance 1 --steps 1

# ---- who takes the option hands it on: the host refuses ----
for words in 'evaluate neighbours half clips --all' 'embed half clips --out host.npy' selftest 'info half --plan' \
    'bench train --net mini --batch 2' 'bench conv --net mini --batch 2' 'bench quality --seeds 3 --clips 16 --steps 2' 'diverge shuffle-learn'; do
    check 3 "'host' has doubles" $words --storage fp16 --device host
done
check 5 "'host' has doubles" tune mini --batch 2 --storage fp16 --device host # says the tuner's child
check 3 "'host' has doubles" bench once 'train mini 3x64x64 batch 1' --storage fp16 --device host

# ---- refusals ----
check 3 'only kernels of family simt' train shuffle-learn pack --out bad --storage fp16 --family vector
check 3 "'host' has doubles" train shuffle-learn pack --out bad --storage fp16 --device host
check 2 'storage' train shuffle-learn pack --out bad --storage fp8
expect 'a refusal leaves no run' [ ! -e bad/log.jsonl ]
}
finish
