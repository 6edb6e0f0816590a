/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite standard: what to publish. Convolutions of DeepBench in all directions, matrix products, training steps. */
#include "bench/run.h"

/* standard-3: whoever changes a line gives it another number. */
/* clang-format off */
static const char *const ids[] = {
    "roof fma float8",
    "roof fma float16",
    "roof mad float1",
    "roof mad float8",
    "roof mad float16",
    "roof triad 64K",
    "roof triad 1M",
    "roof triad 16M",
    "roof triad 256M",
    "roof launch",
    "gemm nt 512x512x512",
    "gemm nn 1760x128x1760",
    "gemm tn 1760x128x1760",
    "gemm nn 1024x700x512",
    "gemm nt 16x4096x9216",
    "conv2d forward 16x3x224x224 64x7x7 stride 2x2 pad 3x3 groups 1",
    "conv2d weights 16x3x224x224 64x7x7 stride 2x2 pad 3x3 groups 1",
    "conv2d forward 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d data 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d weights 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d forward 8x64x56x56 256x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d data 8x64x56x56 256x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d weights 8x64x56x56 256x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d forward 16x192x28x28 32x5x5 stride 1x1 pad 2x2 groups 1",
    "conv2d data 16x192x28x28 32x5x5 stride 1x1 pad 2x2 groups 1",
    "conv2d weights 16x192x28x28 32x5x5 stride 1x1 pad 2x2 groups 1",
    "conv2d forward 8x256x14x14 1024x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d data 8x256x14x14 1024x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d weights 8x256x14x14 1024x1x1 stride 1x1 pad 0x0 groups 1",
    "conv2d forward 8x512x7x7 512x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d data 8x512x7x7 512x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d weights 8x512x7x7 512x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d forward 4x1x161x700 32x20x5 stride 2x2 pad 0x0 groups 1",
    "conv2d weights 4x1x161x700 32x20x5 stride 2x2 pad 0x0 groups 1",
    "conv2d forward 16x1x48x480 16x3x3 stride 1x1 pad 1x1 groups 1",
    "conv2d weights 16x1x48x480 16x3x3 stride 1x1 pad 1x1 groups 1",
    "train mini 3x64x64 batch 32",
    "train resnet18 3x112x112 batch 16",
    "train resnet20-cifar 3x32x32 batch 128",
    "train l3-audio 1x257x199 batch 8",
    NULL,
};
/* clang-format on */

extern const zoe__bench_list zoe__bench_list_standard;
const zoe__bench_list zoe__bench_list_standard = {
    .suite = "standard",
    .suite_id = "standard-3",
    .ids = ids,
    .least = 5,
    .most = 9,
    .seconds = 0.5,
    .warm = 1,
    .case_seconds = 60,
    .goal = 0.02,
    .host_flops = 3e8,
    .places = 4096,
};

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    return zoe__bench_run_suite(context, call, &zoe__bench_list_standard, out);
}

static const zoe_option options[] = {ZOE__RUN_OPTIONS, {.name = NULL}};

const zoe_bench_suite zoe__suite_standard = {
    .name = "standard",
    .summary = "what to publish: roof, products, convolutions, training steps; some minutes",
    .usage = "[-d DEVICE ..] [-o FILE.json]",
    .options = options,
    .run = run,
};
