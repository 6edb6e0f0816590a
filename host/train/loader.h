/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoding ahead of the device: worker threads fill a ring of batches. Which sample stands where depends on its number
 * only, so the batches are the same for any number of workers. Internal. */
#ifndef ZOE_TRAIN_LOADER_H
#define ZOE_TRAIN_LOADER_H

#include <zoe/plan.h>
#include <zoe/task.h>

#include "core/core.h"

typedef struct zoe__loader zoe__loader;

typedef struct zoe__loader_options {
    const zoe_task *task;
    zoe_split split;
    uint64_t seed;
    int batch;            /* windows in a batch */
    int64_t first, count; /* number of the first batch, number of batches */
    int64_t epoch;        /* windows in an epoch */
    int64_t windows;      /* held out: windows in all; places past them repeat the last one. Training: 0 */
    int workers;          /* 0 = number of processors */
    double max_bad;       /* share of the usable clips that may fail to decode */
} zoe__loader_options;

typedef struct zoe__batch {
    int64_t number;
    uint8_t *bytes;  /* [F*B][height][width][3] */
    int32_t *table;  /* [F*B][columns]: top, left, flip, colours; saturation, brightness */
    int32_t *labels; /* [G*B] */
    float *sound;    /* [B][samples]; NULL: the task does not listen */
    int32_t *gains;  /* [B] */
    double *pixels;  /* [B]: the pixel rule's scores; held out only, NULL: the task has none */
} zoe__batch;

/* The memory of a batch of n windows of a split; freed also when half made. */
zoe_status zoe__batch_make(zoe__batch *batch, const zoe_task *task, zoe_split split, int n);
void zoe__batch_free(zoe__batch *batch);

/* Copies windows first .. first+count-1 of n to a batch of count windows. */
void zoe__batch_cut(zoe__batch *out, const zoe__batch *batch, const zoe_task *task, zoe_split split, int n, int first,
                    int count);

/* Gives a plan of the task's graph its inputs. */
zoe_status zoe__batch_write(const zoe__batch *batch, const zoe_task *task, zoe_plan *plan,
                            const zoe_task_graph *values);

zoe_status zoe__loader_new(zoe__loader **out, zoe_context *context, const zoe__loader_options *options);

/* The next batch in order, borrowed until zoe__loader_release(); adds the time it waited to *waited. At most one batch
 * is out at a time. ZOE_BAD_FILES: more clips than max_bad do not decode. */
zoe_status zoe__loader_next(zoe__loader *loader, zoe__batch **out, double *waited);
void zoe__loader_release(zoe__loader *loader);

/* Clips found undecodable so far. */
size_t zoe__loader_bad(zoe__loader *loader);

/* Stops the workers and waits for them. */
void zoe__loader_free(zoe__loader **loader);

#endif
