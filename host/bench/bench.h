/* SPDX-License-Identifier: Apache-2.0
 *
 * What the suites share. Internal. */
#ifndef ZOE__BENCH_H
#define ZOE__BENCH_H

#include <jansson.h>

#include <zoe/bench.h>
#include <zoe/device.h>

#include "bench/statistics.h"
#include "device/options.h"

/* Options that all suites on devices have. --here is what the fresh processes are told: to measure once, themselves,
 * and print what they saw. */
/* clang-format off */
#define ZOE__BENCH_OPTIONS                                                                                             \
    ZOE__DEVICE_OPTIONS,                                                                                               \
    {.name = "processes", .type = ZOE_OPTION_INT, .low = 1, .high = 100, .value = "P", .unit = "processes",            \
     .fallback = "3", .help = "fresh processes that measure one after the other"},                                     \
    {.name = "here", .type = ZOE_OPTION_FLAG,                                                                          \
     .help = "measure once, in this process: what the fresh processes are told"}
/* clang-format on */

/* ---- children.c ---- */

/* Runs call->program with `bench SUITE`, the call's words and given options, and extra options (ends with NULL), and
 * reads the JSON object that it prints. */
zoe_status zoe__bench_child(zoe_context *context, const char *suite, const zoe_bench_call *call,
                            const char *const *extra, double seconds, json_t **out);

/* A process that measures is told --here, and ends with the one that asked for it. */
void zoe__bench_end_with_parent(void);

/* A folder of its own in $TMPDIR, and away with it and all that is in it ("": nothing is done). */
zoe_status zoe__bench_folder_make(zoe_context *context, char *folder, size_t size);
void zoe__bench_folder_remove(const char *folder);

/* Collects the samples of arrays `key` (ns) of the processes' objects. free() values and first. */
zoe_status zoe__bench_samples(zoe_context *context, json_t *const *processes, size_t count, const char *key,
                              zoe__samples *out);

/* ---- cases.c ---- */

/* What several processes saw of the same cases, each {cases: [{id, flops, samples_ns, ok, nmse, algorithm, tuned}]} in
 * the same order, as cases of schema 1 (docs/formats.md). roof: FLOP/s, 0 = none. *wrong: how many are WRONG. */
zoe_status zoe__bench_cases(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                            double roof, json_t **cases, size_t *wrong);

/* The same as rows of a benchmark's file (row.c), without the roof of memory. */
zoe_status zoe__bench_rows(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                           double roof, json_t **rows);

/* Runs the suite in so many fresh processes as the options say. seen: called when one more is done. out: room for
 * 100; the caller frees what is there. */
enum { ZOE__MOST_PROCESSES = 100 };
typedef zoe_status zoe__bench_seen(void *user, json_t *const *processes, size_t count);
zoe_status zoe__bench_children(zoe_context *context, const char *suite, const zoe_bench_call *call,
                               zoe__bench_seen *seen, void *user, json_t **out, size_t *count);

/* A result is right where its NMSE and its largest difference over its largest value are at most so much. The NMSE
 * alone would let a single wrong place among many pass. */
typedef struct zoe__limits {
    double nmse, most;
} zoe__limits;

/* Of layers and products. Measured were at most 1.6e-10 and 2.5e-5 (a sum of half a million products), with storage
 * fp16 8.5e-8 and 4.2e-4. */
static inline zoe__limits zoe__bench_limits(bool half)
{
    return half ? (zoe__limits){1e-6, 4e-3} : (zoe__limits){1e-9, 1e-4};
}

static inline bool zoe__bench_is_right(zoe__limits limits, double nmse, double most)
{
    return nmse <= limits.nmse && most <= limits.most; /* false for NAN */
}

/* Winograd's F(4x4,3x3) and its gradients multiply a quarter of what the definition does. */
#define ZOE__WINOGRAD_SAVES 4.0

/* ---- train.c: measures once, by the options of the suite train ---- */
zoe_status zoe__train_here(zoe_context *context, const zoe_options *options, json_t **out);

/* ---- train_largest.c: `--batch max` ---- */

/* What a step with so many pictures takes of the device's memory, without taking it. ZOE_DEVICE_MEMORY: too much. */
typedef zoe_status zoe__bytes_of_batch(void *user, int batch, uint64_t *bytes);

/* The largest power of two up to 65536 that leaves a tenth of the device's memory, of a processor's a quarter of what
 * the machine has free. ZOE_DEVICE_MEMORY: not even one picture. */
zoe_status zoe__train_largest(zoe_context *context, const zoe_device_info *device, zoe__bytes_of_batch *bytes_of,
                              void *user, int *batch);

/* ---- words.c: what else `bench` can be told: list, compare, .. ---- */
const zoe_bench_suite *zoe__bench_word_at(size_t index); /* NULL past the end */

/* The suite or word of that name; NULL with a text ("did you mean"). */
const zoe_bench_suite *zoe__bench_find(zoe_context *context, const char *name);

/* ---- provenance.c ---- */

/* --strict: ZOE_CONFIG with the reason where the machine is busy or throttled. */
zoe_status zoe__bench_is_quiet(zoe_context *context);

/* The most memory that this process has held, bytes: the peak of its resident set (on Linux VmHWM, which, unlike
 * getrusage's, does not count the process it came from); 0 where nobody tells. */
size_t zoe__peak_resident(void);
size_t zoe__memory_available(void); /* of the machine, bytes; SIZE_MAX where nobody tells */

/* {name, version, cpu, cores, memory_bytes, system, governor, load}: what a reader must know of the machine. */
json_t *zoe__bench_host(void);
json_t *zoe__bench_device(const zoe_device *device);

/* ---- roof_fma.c ---- */

/* Most fused multiply-adds of float32 that the device does in registers, FLOP/s (two each). */
zoe_status zoe__roof_fma(zoe_device *device, double *flops);

#endif
