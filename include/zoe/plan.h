/* SPDX-License-Identifier: Apache-2.0
 *
 * A store holds the parameters on a device; a plan is a graph compiled for that device: a memory layout (activations
 * share one arena by lifetime) and a flat list of launches with their arguments already set. A step walks the list: no
 * malloc, no string, no look-up; the host waits once, at its end.
 *
 * Several plans can share a store: one that trains and one that evaluates. Parameters are known by name. */
#ifndef ZOE_PLAN_H
#define ZOE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/device.h>
#include <zoe/graph.h>
#include <zoe/optimizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_store zoe_store;
typedef struct zoe_plan zoe_plan;

/* An empty store; parameters are made (from seed and their names) by the first plan that has them. The device must
 * outlive it. */
zoe_status zoe_store_new(zoe_store **out, zoe_context *context, zoe_device *device, uint64_t seed);
void zoe_store_free(zoe_store **store);

typedef struct zoe_param {
    const char *name; /* borrowed */
    zoe_shape shape;  /* plain: KCRS */
    bool trainable;   /* false: running figures of batch norm */
} zoe_param;

/* Parameters in order of their making. */
size_t zoe_store_params(const zoe_store *store);
zoe_param zoe_store_param(const zoe_store *store, size_t index);

/* Copy a parameter out or in, plain KCRS floats, by index or (find) by name; -1 when there is none of that name. */
ptrdiff_t zoe_store_find(const zoe_store *store, const char *name);
zoe_status zoe_store_get(zoe_store *store, size_t index, float *plain);
zoe_status zoe_store_set(zoe_store *store, size_t index, const float *plain);
/* The gradient of the last backward pass (training plans only). */
zoe_status zoe_store_get_gradient(zoe_store *store, size_t index, float *plain);

/* Optimiser state number k (0 .. zoe_store_states()-1) of a trainable parameter, plain. */
int zoe_store_states(const zoe_store *store);
zoe_status zoe_store_get_state(zoe_store *store, size_t index, int k, float *plain);
zoe_status zoe_store_set_state(zoe_store *store, size_t index, int k, const float *plain);

typedef struct zoe_plan_options {
    bool training;         /* forward, backward and update; false: forward with running figures, no dropout */
    bool batch_statistics; /* inference only: batch norm takes the batch's figures and updates the running ones */
    int micro_batches;     /* gradient accumulation: calls of zoe_plan_accumulate() in a step; 1 */
    const char *conv;      /* "auto", "winograd", "direct" (vector family only), "tiled" (simt),
                              "clblast", "plain",      "reference"; "auto" */
    const char *linear;    /* "auto", "packed", "tiled", "clblast", "plain", "reference"; "auto" */
    bool fuse;             /* compute chains like batch norm + ReLU + pool in one pass over memory; true */
    zoe_optimizer_options optimizer;
    float loss_scale;       /* storage fp16: to begin with; 0: 8192 */
    uint64_t seed;          /* of dropout */
    bool input_gradients;   /* also the gradients of F32 inputs: zoe_plan_read_gradient() */
    bool exact;             /* no algorithm that trades digits for speed (Winograd) */
    size_t workspace_bytes; /* scratch that one op may take if it can do with that; 0: as much as is of use */
    bool gradients_only;    /* training without an optimiser: its owner takes the gradients elsewhere */
    bool dry;               /* plan memory and launches, allocate nothing on the device */
    bool poison;            /* tests: fill the arena with NaN before the first launch */
} zoe_plan_options;
zoe_plan_options zoe_plan_options_default(void);

/* Compiles graph; borrows store, and graph until it is freed. ZOE_DEVICE_MEMORY: too big (needed and available bytes).
 */
zoe_status zoe_plan_new(zoe_plan **out, zoe_graph *graph, zoe_store *store, const zoe_plan_options *options);
void zoe_plan_free(zoe_plan **plan);

/* Give an input its data: F32 plain NCHW, I32, or U8 NHWC bytes. The data must stay until the next zoe_plan_finish().
 */
zoe_status zoe_plan_write(zoe_plan *plan, zoe_value input, const void *data);

/* Enqueue one forward pass. */
zoe_status zoe_plan_forward(zoe_plan *plan);

/* Training: enqueue forward and backward of one micro-batch (number micro = 0 .. micro_batches-1) of step `step`. */
zoe_status zoe_plan_accumulate(zoe_plan *plan, int64_t step, int micro);

/* Training: enqueue the optimiser with learning rate lr, after the last micro-batch. With storage fp16: waits. */
zoe_status zoe_plan_update(zoe_plan *plan, double lr);

/* With storage fp16 backward begins at loss * scale, so that small gradients are not lost as halves, and gradients of
 * parameters and inputs are that much larger until zoe_plan_update() divides them. Where one of them is not finite that
 * step is left out and the scale is halved; after 1000 steps in a row without that it is doubled (Micikevicius et al.:
 * "Mixed precision training", ICLR 2018). Scales are powers of two from 1 to 2^24, so that scaling rounds nothing. */
typedef struct zoe_loss_scale {
    float scale;     /* 1 with storage fp32 */
    int32_t steps;   /* since it changed */
    int64_t skipped; /* steps left out */
} zoe_loss_scale;
zoe_loss_scale zoe_plan_get_loss_scale(const zoe_plan *plan);
void zoe_plan_set_loss_scale(zoe_plan *plan, zoe_loss_scale scale); /* to go on with; nothing with storage fp32 */

/* Wait for all that is enqueued. */
zoe_status zoe_plan_finish(zoe_plan *plan);

/* Copy a kept value out as plain NCHW floats; waits. */
zoe_status zoe_plan_read(zoe_plan *plan, zoe_value value, float *plain);

/* Copy the gradient of an F32 input out (input_gradients), after zoe_plan_accumulate(); waits. */
zoe_status zoe_plan_read_gradient(zoe_plan *plan, zoe_value input, float *plain);

/* One launch of the list, for reports. Borrowed text. */
typedef struct zoe_launch_info {
    const char *pass;      /* "forward", "backward", "update", "prepare" */
    const char *layer;     /* node name; "" for the optimiser */
    const char *op;        /* "conv2d" */
    const char *kernel;    /* "conv2d_direct_forward" */
    const char *algorithm; /* "winograd", "direct", "tiled", "clblast", "reference", "plain" */
    zoe_shape shape;       /* of the node's output */
    double flops, bytes;   /* useful arithmetic and least memory traffic */
} zoe_launch_info;
size_t zoe_plan_launches(const zoe_plan *plan);
zoe_launch_info zoe_plan_launch(const zoe_plan *plan, size_t index);

/* How long the device was busy with each launch since the last call (or since the plan was made), in the order of
 * zoe_plan_launch(); waits. seconds[zoe_plan_launches()]; NULL: only begin anew. A launch that is a call of the host (a
 * definition, CLBlast) counts with the time until its result stood. ZOE_CONFIG unless the device was opened with
 * options.profile, which makes steps a little slower. */
zoe_status zoe_plan_profile(zoe_plan *plan, double *seconds);

typedef struct zoe_plan_memory {
    size_t arena_bytes;    /* activations, gradients of activations, workspaces */
    size_t unshared_bytes; /* what they would take without sharing */
    size_t input_bytes;
    size_t parameter_bytes; /* weights, gradients, optimiser state, what is derived from weights */
    size_t peak_bytes;      /* arena, inputs, parameters: what the plan takes of the device */
} zoe_plan_memory;
zoe_plan_memory zoe_plan_get_memory(const zoe_plan *plan);

/* One part of the memory at the moment of a step when most is held. Texts are borrowed from the plan. */
typedef struct zoe_plan_holder {
    const char *what; /* "weights", "weight gradients", "optimiser state", "derived weights", "input", "value",
                         "gradient", "kept for backward", "workspace", "unused" (between blocks of the arena) */
    const char *name; /* of the value or the node; "" where it is of all */
    size_t bytes;
} zoe_plan_holder;

/* All parts, the largest first; their sum is peak_bytes. *out is the caller's to free(). */
zoe_status zoe_plan_peak(const zoe_plan *plan, zoe_plan_holder **out, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
