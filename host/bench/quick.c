/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite quick: what a device is good for, in a minute at most on two cores once everything is compiled. Sizes are such
 * that slow devices, and for a few cases the plain-C definitions, can do them too. */
#include "bench/run.h"

/* quick-3: whoever changes a line makes it quick-4. */
static const char *const ids[] = {
    "roof fma float16",
    "roof mad float1",
    "roof mad float8",
    "roof mad float16",
    "roof triad 64K",
    "roof triad 1M",
    "roof triad 64M",
    "roof launch",
    "gemm nt 128x128x128",
    "gemm nt 512x512x512",
    "gemm nn 1760x128x1760",
    "gemm tn 1024x128x1024",
    "conv2d forward 1x16x28x28 32x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d data 1x16x28x28 32x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d weights 1x16x28x28 32x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d forward 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d data 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d weights 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d forward 8x64x56x56 256x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d forward 4x3x224x224 64x7x7 stride 2x2 pad 3x3 groups 1",
    "conv2d forward 4x1x161x200 32x5x20 stride 2x2 pad 0x0 groups 1",
    "train mini 3x32x32 batch 1",
    "train mini 3x64x64 batch 8",
    NULL,
};

extern const zoe__bench_list zoe__bench_list_quick;
const zoe__bench_list zoe__bench_list_quick = {
    .suite = "quick",
    .suite_id = "quick-3",
    .ids = ids,
    .least = 3,
    .most = 3,
    .seconds = 0.25,
    .warm = 0.1,
    .case_seconds = 3,
    .host_flops = 3e8,
    .places = 4096,
};

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    return zoe__bench_run_suite(context, call, &zoe__bench_list_quick, out);
}

static const zoe_option options[] = {ZOE__RUN_OPTIONS, {.name = NULL}};

const zoe_bench_suite zoe__suite_quick = {
    .name = "quick",
    .summary = "a minute: roof, matrix products, convolutions, a training step",
    .usage = "[-d DEVICE ..] [-o FILE.json]",
    .options = options,
    .run = run,
};
