/* SPDX-License-Identifier: Apache-2.0
 *
 * Where and when do two devices (or two families, algorithms or lanes of one) part? Internal.
 *
 * Three questions, from the small to the large: does an op give the same from the same (ops.c); are the layers of the
 * first step's forward pass the same; are the losses of some steps? An error is the largest difference over the
 * largest value of the tensor. */
#ifndef ZOE__DIVERGE_H
#define ZOE__DIVERGE_H

#include <jansson.h>

#include <zoe/plan.h>
#include <zoe/task.h>

#include "core/core.h"

typedef struct zoe__diverge_side {
    const char *device, *family, *storage, *conv, *linear; /* NULL: as usual */
    int lanes;                                             /* 0: as usual */
} zoe__diverge_side;

typedef struct zoe__diverge_options {
    const char *task, *pack;   /* pack NULL: made-up pictures and sounds */
    zoe_options *train;        /* the trainer's rows and the task's */
    zoe__diverge_side side[2]; /* side[1].device NULL: `host` when nothing else differs */
    int64_t steps;
    double tolerance; /* an error above it counts */
    void (*progress)(const char *what, size_t done, size_t total, void *user);
    bool (*stop)(void *user);
    void *user;
} zoe__diverge_options;

/* {devices: [a, b], tolerance, first_op, first_layer, first_step, max_abs, ops: [{op, node, max_abs, error}],
 *  layers: [{layer, max_abs, error}], steps: [{step, loss: [a, b], error}]}; first_* are null when nothing parts. The
 * caller's to json_decref(). */
zoe_status zoe__diverge(zoe_context *context, const zoe__diverge_options *options, json_t **out);

/* ---- between the files ---- */

typedef struct zoe__diverge {
    zoe_context *context;
    const zoe__diverge_options *options;
    zoe_task task;
    zoe_device *device[2];
    json_t *ops, *layers, *steps;
    double max_abs;
} zoe__diverge_state;

/* The plan options of a side. */
zoe_plan_options zoe__diverge_plan(const zoe__diverge_state *d, int side);

/* Adds {NAME: ..., max_abs, error} to list (with node, if it is not NULL); NaN on one side counts as infinite. */
zoe_status zoe__diverge_note(zoe__diverge_state *d, json_t *list, const char *key, const char *name, const char *node,
                             const float *a, const float *b, size_t count);

/* Each op alone, all of the graph, in the order of execution: forward, backward, update. */
zoe_status zoe__diverge_ops(zoe__diverge_state *d, zoe_graph *graph);

#endif
