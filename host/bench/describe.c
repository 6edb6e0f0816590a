/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench describe`: what the figure of a case means, for who has to read one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

/* By the first words of an id. */
static const struct {
    const char *start, *text;
} kinds[] = {
    {"roof fma ",
     "fused multiply-adds (rounded once) in registers, with vectors of so many numbers: the most arithmetic that "
     "the device does; the best of fma and mad is the roof of the other cases. float is 32 bits, double "
     "64, half 16"},
    {"roof mad ", "the same with mad(), which may round twice: what the device does fastest"},
    {"roof mix ", "a pass over an array with so many operations for each byte read or written: where the speed stops "
                  "growing with the bytes and stays at the arithmetic lies the ridge of the roofline"},
    {"roof copy ",
     "c = a with arrays of that size; bytes read and written count. Small arrays lie in caches, the largest in "
     "memory; quarter: all together take a quarter of the device's memory, on a processor 1 GiB at most"},
    {"roof triad ", "c = a + f b with arrays of that size (McCalpin's STREAM); bytes of all three count; quarter "
                    "as with copy"},
    {"roof local",
     "bytes that work-groups of 64 pass through local memory, barriers included; where it is slow, so are "
     "kernels that count on it (on most processors it is ordinary memory)"},
    {"roof atomic", "4096 work-items counting in one place, all together"},
    {"roof launch",
     "a kernel that does next to nothing, from its launch until the host knows that it is done: the least that "
     "any op costs when somebody waits for it"},
    {"roof queue", "from the launch of a kernel on an idle device to its start, by the device's clock"},
    {"roof build cold",
     "one program from source and its first kernel, no cache of ours or (as far as they can be told) of the "
     "driver's: what a first run waits for"},
    {"roof build cached", "the same program when caches have it: what every other run waits for"},
    {"roof upload ", "from ordinary memory of the host to the device"},
    {"roof download ", "from the device to ordinary memory of the host"},
    {"roof pinned upload ", "from memory that the driver gave for transfers to the device"},
    {"roof pinned download ", "from the device to memory that the driver gave for transfers"},
    {"gemm ", "a product of matrices, M x N x K multiply-adds times two, by the kernels that a training would take; nn "
              "is A B, nt "
              "A B^T, tn A^T B. By openblas: what the processor does without OpenCL. By clblast, clblast-tuned: that "
              "library as shipped, and with parameters that `zoe tune` measured"},
    {"conv2d ",
     "one direction of a convolution: forward, data (gradient of the input), weights (gradient of the weights). "
     "NxCxHxW of the input, KxRxS of the filters. Arithmetic is counted from the definition: where the "
     "algorithm does less (Winograd) the row says effective, and its share of the roof is of what is done"},
    {"linear ", "one direction of a linear layer, as conv2d"},
    {"train ", "a whole training step: forward, loss, backward, SGD with momentum, on numbers that lie on the device. "
               "batch max: the largest power of two that the device has room for. Three times "
               "the forward arithmetic is counted. Right are losses that are numbers, with the same bits in every "
               "process"},
    {"data decode ", "a frame of clips that the benchmark makes itself, decoded and made RGB, by so many threads with "
                     "a decoder each: all "
                     "in order, or random ones, each a seek. CPU time is that of all threads together. Right are "
                     "frames with the hash of "
                     "their first reading, each most like what was drawn for its place"},
    {"data sound ",
     "a second of sound: by file, decoded from the bytes of a whole file to one channel of samples, as when files are "
     "indexed; sequential and random, read from a pack, where it lies decoded, each random one a seek. Right are "
     "seconds most like what was drawn for their place, windows with the bits of the whole, files with the bits of the "
     "pack; PCM and FLAC give the very numbers that were drawn"},
    {"data augment ",
     "a sample of one thing that the host does after decoding: a frame scaled to a task's size, a request drawn by its "
     "sampler, or, on the device host, what is a kernel on any other: crop, flip, order of channels, light, gain with "
     "spectrogram. Right are results of a plain computation beside it, with the same bits in all threads and "
     "processes"},
    {"data/", "processor time of a sample before any device sees it: three random frames at 224x224, a random second "
              "of sound, its "
              "spectrogram on the host. Right are frames with the hash they had when their file was read from start "
              "to end"},
    {"quality ",
     "time of training until the features find clips of the same kind with a fixed share of right answers; the "
     "best and the worst seed are left out"},
};

static const char *const keys[][2] = {
    {"median, interval",
     "the median of all samples of all fresh processes, and where it lies with 95 % by redrawing processes "
     "and then samples"},
    {"roof_share",
     "achieved over the least of measured arithmetic and (arithmetic a byte) times measured bytes; above 105 % the "
     "row is invalid: the measurement is at fault"},
    {"check, nmse",
     "squared differences from the definition in double over its squares, at the places that were compared; "
     "WRONG has no speed and is in no mean"},
    {"tuned", "the algorithm and its parameters were measured for this very shape on this device"},
    {"energy_J, energy_net_J",
     "of one run by the counter that energy_source names, and less what was taken when idle; null "
     "with the reason where no counter can be read"},
    {"flags",
     "effective, noisy (half an interval above 2 %), one process, invalid, cold (compiled just before), throttled"},
};

static bool is_about(const char *asked, const char *start)
{
    const size_t a = strlen(asked), b = strlen(start);
    return !strncmp(asked, start, a < b ? a : b);
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const char *asked = call->arg_count ? call->args[0] : "";
    const char *best = NULL;
    size_t size, told = 0;
    ZOE_FAIL_IF(context, call->arg_count > 1, ZOE_USAGE, "bench describe: one id, or its first words in quotes");
    /* A whole id is of the kind with the longest words that begin it. */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strncmp(asked, kinds[i].start, strlen(kinds[i].start)) && (!best || strlen(kinds[i].start) > strlen(best)))
            best = kinds[i].start;
    FILE *text = open_memstream(&out->text, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the description");
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (best ? kinds[i].start != best : !is_about(asked, kinds[i].start)) continue;
        fprintf(text, "%s\n    %s\n", kinds[i].start, kinds[i].text);
        json_object_set_new(json, kinds[i].start, json_string(kinds[i].text));
        told++;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !*asked; i++) {
        fprintf(text, "%s\n    %s\n", keys[i][0], keys[i][1]);
        json_object_set_new(json, keys[i][0], json_string(keys[i][1]));
    }
    out->json = json_dumps(json, 0);
    json_decref(json);
    ZOE_FAIL_IF(context, fclose(text) != 0 || !out->json, ZOE_MEMORY, "no memory for the description");
    ZOE_FAIL_IF(context, !told, ZOE_USAGE, "bench describe: no case begins with '%s'; without a word it tells of all",
                asked);
    return ZOE_OK;
}

static const zoe_option options[] = {{.name = NULL}};

const zoe_bench_suite zoe__bench_word_describe = {
    .name = "describe",
    .summary = "what the figures of a case mean",
    .usage = "[ID]",
    .options = options,
    .run = run,
};
