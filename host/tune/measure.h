/* SPDX-License-Identifier: Apache-2.0
 *
 * One shape with one choice for each direction, timed and checked on an open device: what the tuner's child process
 * does. Internal. */
#ifndef ZOE__TUNE_MEASURE_H
#define ZOE__TUNE_MEASURE_H

#include "ops/conv2d.h"
#include "tune/entry.h"

typedef struct zoe__measure_job {
    char op[16]; /* "conv2d", "linear" */
    zoe__conv2d conv;
    bool data;                           /* the gradient of x is wanted too */
    bool check_only;                     /* no times */
    bool dry;                            /* nothing at all: the plan is made dry */
    zoe__choice choice[ZOE__DIRECTIONS]; /* algorithm NULL: what is taken without tuning */
    double best[ZOE__DIRECTIONS];        /* s; stop early where all are more than twice as slow; 0: none */
    bool exact;                          /* of the plan */
    int rounds, places;                  /* at most so many runs, and places checked; 0: a few */
    double enough;                       /* s of measured runs after which there is no other; 0: a quarter */
    /* Told of every run, seconds of a direction; NULL. */
    void (*ran)(void *user, const double seconds[ZOE__DIRECTIONS]);
    void *user;
} zoe__measure_job;

typedef struct zoe__measured {
    bool there; /* false: the direction was not wanted, or the choice was refused */
    double seconds, nmse, most;
    zoe__choice choice; /* what was taken */
} zoe__measured;

/* Relative error (root of NMSE) past which a candidate counts as wrong: Winograd F(4x4) stays below 1e-5. With storage
 * fp16 numbers are wrong by up to 2^-11: the largest NMSE of right ones is 1.7e-7 (docs/numerics.md). */
static inline double zoe__most_nmse(bool half)
{
    return half ? 1e-6 : 1e-8;
}

/* The device must have been opened with options.profile. Seconds are the best of some runs (one for the warm-up before
 * them), those for turning weights included. */
zoe_status zoe__measure(zoe_device *device, const zoe__measure_job *job, zoe__measured measured[ZOE__DIRECTIONS]);

/* What may be chosen for a direction (the choice without tuning first). */
zoe_status zoe__measure_candidates(zoe_device *device, const zoe__measure_job *job, zoe__direction direction,
                                   zoe__choice *out, size_t room, size_t *count);

#endif
