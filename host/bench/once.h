/* SPDX-License-Identifier: Apache-2.0
 *
 * One case, measured once, in this process: what the fresh processes of a benchmark do. A kind of case is one file that
 * knows its ids, makes the work and hands it to zoe__once_measure(). Internal. */
#ifndef ZOE__ONCE_H
#define ZOE__ONCE_H

#include <jansson.h>

#include <zoe/device.h>
#include <zoe/option.h>

#include "bench/bench.h"
#include "core/core.h"

typedef struct zoe__once {
    zoe_context *context;
    const zoe_options *options; /* the table of `bench once` */
    const char *id;
    json_t *out; /* what is found: a kind adds its own keys */
} zoe__once;

/* What is measured, and how it is known to be right. */
typedef struct zoe__once_work {
    void *user;
    zoe_status (*run)(void *user, int times); /* ends when the device is done */
    zoe_status (*spoil)(void *user);          /* makes the result useless (NaN), so that it must be made again */
    /* The result's hash; with `numbers`, also how far it is from the definition in double: the NMSE, and the largest
     * difference over the largest value. */
    zoe_status (*check)(void *user, bool numbers, char hash[65], double *nmse, double *most);
    zoe__limits limits;    /* up to which it is right */
    const double *seconds; /* NULL: the host's clock counts; else what the runs of a sample took together */
    bool on_cpu;           /* whose energy is counted */
} zoe__once_work;

/* Checks, warms up, takes samples and checks the first, middle and last of them: adds samples_ns, times (runs in a
 * sample), check_ok, nmse, max_error, hash, first_run_s to once->out. A result that is no longer the one that was
 * checked is checked again. */
zoe_status zoe__once_measure(const zoe__once *once, const zoe__once_work *work);

/* ---- energy.c ---- */

enum { ZOE__ENERGY_COUNTERS = 8 };

typedef struct zoe__energy {
    bool cpu;
    char path[ZOE__ENERGY_COUNTERS][160];
    uint64_t first[ZOE__ENERGY_COUNTERS]; /* uJ */
    size_t count;
    double start, idle_watts, tick; /* s between two changes of a counter */
    const char *reason;             /* why there is none; NULL: there is one */
} zoe__energy;

/* Before a measurement of so many seconds; waits a little, to see what the machine takes when idle, where there is
 * something to be read and the measurement is long enough. */
void zoe__energy_start(zoe__energy *energy, bool cpu, double seconds);

/* Adds energy_J and energy_net_J (of a run, or null) and energy_source (or the reason) to out. */
void zoe__energy_end(const zoe__energy *energy, double runs, json_t *out);

/* Opens the device of the options and adds it to once->out. untuned: nothing that was measured counts. */
zoe_status zoe__once_open(const zoe__once *once, bool untuned, zoe_device **device);

/* Numbers in [-1, 1) that depend on the case's id, `part` (x, weights, ..) and their place only. */
void zoe__once_fill(const zoe__once *once, uint32_t part, float *data, size_t count);
uint64_t zoe__once_seed(const char *id);

/* A hash of a result, quick where it is large: 32 sums of 64 bits, each of which any changed number changes, and their
 * SHA-256. */
void zoe__once_hash(const void *data, size_t bytes, char hex[65]);

/* A run that takes longer than this, s, is not done more often than it must be. */
#define ZOE__ONCE_SLOW 5.0

/* Adds what zoe__train_here() found to out, with the keys of a case. */
void zoe__train_found(json_t *out, const json_t *found);

/* Kinds; *known false: not an id of this kind (and nothing was done). */
zoe_status zoe__once_layer(const zoe__once *once, bool *known);
zoe_status zoe__once_train(const zoe__once *once, bool *known);
zoe_status zoe__once_roof(const zoe__once *once, bool *known);
zoe_status zoe__once_build(const zoe__once *once, bool *known);
zoe_status zoe__once_gemm(const zoe__once *once, bool *known);

#endif
