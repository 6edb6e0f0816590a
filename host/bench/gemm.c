/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite gemm: matrix products of DeepBench and of our networks' linear layers, by our own kernels and, where they are
 * installed, by OpenBLAS (what the processor can do without OpenCL) and CLBlast as it is shipped and as it was tuned.
 * --net NAME: the products of all layers of a network instead. */
#include "bench/gemm_net.h"
#include "bench/run.h"

/* gemm-4: whoever changes a line gives it another number. */
/* clang-format off */
static const char *const ids[] = {
    "gemm nn 1760x16x1760",
    "gemm nn 1760x16x1760 by openblas",
    "gemm nn 1760x16x1760 by clblast",
    "gemm nn 1760x16x1760 by clblast-tuned",
    "gemm nn 1760x32x1760",
    "gemm nn 1760x32x1760 by openblas",
    "gemm nn 1760x32x1760 by clblast",
    "gemm nn 1760x32x1760 by clblast-tuned",
    "gemm nn 1760x64x1760",
    "gemm nn 1760x64x1760 by openblas",
    "gemm nn 1760x64x1760 by clblast",
    "gemm nn 1760x64x1760 by clblast-tuned",
    "gemm nn 1760x128x1760",
    "gemm nn 1760x128x1760 by openblas",
    "gemm nn 1760x128x1760 by clblast",
    "gemm nn 1760x128x1760 by clblast-tuned",
    "gemm nn 1760x7000x1760",
    "gemm nn 1760x7000x1760 by openblas",
    "gemm nn 1760x7000x1760 by clblast",
    "gemm nn 1760x7000x1760 by clblast-tuned",
    "gemm tn 1760x16x1760",
    "gemm tn 1760x16x1760 by openblas",
    "gemm tn 1760x16x1760 by clblast",
    "gemm tn 1760x16x1760 by clblast-tuned",
    "gemm tn 1760x32x1760",
    "gemm tn 1760x32x1760 by openblas",
    "gemm tn 1760x32x1760 by clblast",
    "gemm tn 1760x32x1760 by clblast-tuned",
    "gemm tn 1760x64x1760",
    "gemm tn 1760x64x1760 by openblas",
    "gemm tn 1760x64x1760 by clblast",
    "gemm tn 1760x64x1760 by clblast-tuned",
    "gemm tn 1760x128x1760",
    "gemm tn 1760x128x1760 by openblas",
    "gemm tn 1760x128x1760 by clblast",
    "gemm tn 1760x128x1760 by clblast-tuned",
    "gemm nn 2048x16x2048",
    "gemm nn 2048x16x2048 by openblas",
    "gemm nn 2048x16x2048 by clblast",
    "gemm nn 2048x16x2048 by clblast-tuned",
    "gemm nn 2048x128x2048",
    "gemm nn 2048x128x2048 by openblas",
    "gemm nn 2048x128x2048 by clblast",
    "gemm nn 2048x128x2048 by clblast-tuned",
    "gemm nn 2048x7000x2048",
    "gemm nn 2048x7000x2048 by openblas",
    "gemm nn 2048x7000x2048 by clblast",
    "gemm nn 2048x7000x2048 by clblast-tuned",
    "gemm nn 2560x64x2560",
    "gemm nn 2560x64x2560 by openblas",
    "gemm nn 2560x64x2560 by clblast",
    "gemm nn 2560x64x2560 by clblast-tuned",
    "gemm tn 2560x64x2560",
    "gemm tn 2560x64x2560 by openblas",
    "gemm tn 2560x64x2560 by clblast",
    "gemm tn 2560x64x2560 by clblast-tuned",
    "gemm nn 5124x9124x2560",
    "gemm nn 5124x9124x2560 by openblas",
    "gemm nn 5124x9124x2560 by clblast",
    "gemm nn 5124x9124x2560 by clblast-tuned",
    "gemm nn 35x8457x2560",
    "gemm nn 35x8457x2560 by openblas",
    "gemm nn 35x8457x2560 by clblast",
    "gemm nn 35x8457x2560 by clblast-tuned",
    "gemm nn 5124x700x2048",
    "gemm nn 5124x700x2048 by openblas",
    "gemm nn 5124x700x2048 by clblast",
    "gemm nn 5124x700x2048 by clblast-tuned",
    "gemm nn 512x8x500000",
    "gemm nn 512x8x500000 by openblas",
    "gemm nn 512x8x500000 by clblast",
    "gemm nn 512x8x500000 by clblast-tuned",
    "gemm tn 512x8x500000",
    "gemm tn 512x8x500000 by openblas",
    "gemm tn 512x8x500000 by clblast",
    "gemm tn 512x8x500000 by clblast-tuned",
    "gemm nn 1024x700x512",
    "gemm nn 1024x700x512 by openblas",
    "gemm nn 1024x700x512 by clblast",
    "gemm nn 1024x700x512 by clblast-tuned",
    "gemm nn 7680x1x2560",
    "gemm nn 7680x1x2560 by openblas",
    "gemm nn 7680x1x2560 by clblast",
    "gemm nn 7680x1x2560 by clblast-tuned",
    "gemm nt 128x128x128",
    "gemm nt 128x128x128 by openblas",
    "gemm nt 128x128x128 by clblast",
    "gemm nt 128x128x128 by clblast-tuned",
    "gemm nt 512x512x512",
    "gemm nt 512x512x512 by openblas",
    "gemm nt 512x512x512 by clblast",
    "gemm nt 512x512x512 by clblast-tuned",
    "gemm nt 1024x1024x1024",
    "gemm nt 1024x1024x1024 by openblas",
    "gemm nt 1024x1024x1024 by clblast",
    "gemm nt 1024x1024x1024 by clblast-tuned",
    "gemm nt 128x1000x512",
    "gemm nt 128x1000x512 by openblas",
    "gemm nt 128x1000x512 by clblast",
    "gemm nt 128x1000x512 by clblast-tuned",
    "gemm nt 16x4096x9216",
    "gemm nt 16x4096x9216 by openblas",
    "gemm nt 16x4096x9216 by clblast",
    "gemm nt 16x4096x9216 by clblast-tuned",
    "gemm nt 16x4096x4096",
    "gemm nt 16x4096x4096 by openblas",
    "gemm nt 16x4096x4096 by clblast",
    "gemm nt 16x4096x4096 by clblast-tuned",
    "gemm nn 16x9216x4096",
    "gemm nn 16x9216x4096 by openblas",
    "gemm nn 16x9216x4096 by clblast",
    "gemm nn 16x9216x4096 by clblast-tuned",
    "gemm tn 4096x9216x16",
    "gemm tn 4096x9216x16 by openblas",
    "gemm tn 4096x9216x16 by clblast",
    "gemm tn 4096x9216x16 by clblast-tuned",
    "gemm nn 16x4096x4096",
    "gemm nn 16x4096x4096 by openblas",
    "gemm nn 16x4096x4096 by clblast",
    "gemm nn 16x4096x4096 by clblast-tuned",
    "gemm tn 4096x4096x16",
    "gemm tn 4096x4096x16 by openblas",
    "gemm tn 4096x4096x16 by clblast",
    "gemm tn 4096x4096x16 by clblast-tuned",
    "gemm nn 128x512x1000",
    "gemm nn 128x512x1000 by openblas",
    "gemm nn 128x512x1000 by clblast",
    "gemm nn 128x512x1000 by clblast-tuned",
    "gemm tn 1000x512x128",
    "gemm tn 1000x512x128 by openblas",
    "gemm tn 1000x512x128 by clblast",
    "gemm tn 1000x512x128 by clblast-tuned",
    NULL,
};
/* clang-format on */

extern const zoe__bench_list zoe__bench_list_gemm;
const zoe__bench_list zoe__bench_list_gemm = {
    .suite = "gemm",
    .suite_id = "gemm-4",
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
    static const char *const of_nets[] = {"batch", "size"};
    const bool net = zoe_options_given(call->options, "net");
    for (size_t i = 0; i < sizeof of_nets / sizeof *of_nets; i++)
        ZOE_FAIL_IF(context, !net && zoe_options_given(call->options, of_nets[i]), ZOE_USAGE,
                    "bench gemm: --%s needs --net", of_nets[i]);
    if (!net) return zoe__bench_run_suite(context, call, &zoe__bench_list_gemm, out);
    zoe__bench_list list = zoe__bench_list_gemm;
    zoe__gemm_net products = {.count = 0};
    zoe_status status = zoe__gemm_net_list(context, call->options, &products);
    list.suite_id = products.suite_id;
    list.ids = products.ids;
    if (status == ZOE_OK) status = zoe__bench_run_suite(context, call, &list, out);
    zoe__gemm_net_free(&products);
    return status;
}

/* clang-format off */
static const zoe_option options[] = {
    ZOE__RUN_OPTIONS,
    {.name = "net", .letter = 'n', .type = ZOE_OPTION_TEXT, .value = "NAME",
     .help = "one of `zoe backbones`: the products of its layers instead of the list"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "pictures",
     .fallback = "8", .help = "with --net: in a step"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 1, .high = 32768, .unit = "pixels",
     .help = "with --net: of the input; none: what the network was made for"},
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__suite_gemm = {
    .name = "gemm",
    .summary = "matrix products, beside OpenBLAS and CLBlast where they are installed",
    .usage = "[--net NAME] [-d DEVICE ..] [-o FILE.json]",
    .options = options,
    .run = run,
};
