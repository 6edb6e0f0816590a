/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite roof: what the device could do at most. */
#include "bench/run.h"

/* roof-3: whoever changes a line gives it another number. */
/* clang-format off */
static const char *const ids[] = {
    "roof fma float1",
    "roof fma float2",
    "roof fma float4",
    "roof fma float8",
    "roof fma float16",
    "roof mad float1",
    "roof mad float2",
    "roof mad float4",
    "roof mad float8",
    "roof mad float16",
    "roof fma double1",
    "roof fma double2",
    "roof fma double4",
    "roof fma double8",
    "roof fma half2",
    "roof fma half4",
    "roof fma half8",
    "roof fma half16",
    "roof copy 16K",
    "roof copy 64K",
    "roof copy 256K",
    "roof copy 1M",
    "roof copy 4M",
    "roof copy 16M",
    "roof copy 64M",
    "roof copy 256M",
    "roof copy quarter",
    "roof triad 16K",
    "roof triad 64K",
    "roof triad 256K",
    "roof triad 1M",
    "roof triad 4M",
    "roof triad 16M",
    "roof triad 64M",
    "roof triad 256M",
    "roof triad quarter",
    "roof mix 0.25",
    "roof mix 0.5",
    "roof mix 1",
    "roof mix 2",
    "roof mix 4",
    "roof mix 8",
    "roof mix 16",
    "roof mix 32",
    "roof mix 64",
    "roof mix 128",
    "roof local",
    "roof atomic",
    "roof launch",
    "roof queue",
    "roof build cold",
    "roof build cached",
    "roof upload 4K",
    "roof upload 64K",
    "roof upload 1M",
    "roof upload 16M",
    "roof upload 256M",
    "roof download 4K",
    "roof download 64K",
    "roof download 1M",
    "roof download 16M",
    "roof download 256M",
    "roof pinned upload 4K",
    "roof pinned upload 64K",
    "roof pinned upload 1M",
    "roof pinned upload 16M",
    "roof pinned upload 256M",
    "roof pinned download 4K",
    "roof pinned download 64K",
    "roof pinned download 1M",
    "roof pinned download 16M",
    "roof pinned download 256M",
    NULL,
};
/* clang-format on */

extern const zoe__bench_list zoe__bench_list_roof;
const zoe__bench_list zoe__bench_list_roof = {
    .suite = "roof",
    .suite_id = "roof-3",
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
    return zoe__bench_run_suite(context, call, &zoe__bench_list_roof, out);
}

static const zoe_option options[] = {ZOE__RUN_OPTIONS, {.name = NULL}};

const zoe_bench_suite zoe__suite_roof = {
    .name = "roof",
    .summary = "arithmetic, memory, both in all proportions, local memory, launches, builds, transfers",
    .usage = "[-d DEVICE ..] [-o FILE.json]",
    .options = options,
    .run = run,
};
