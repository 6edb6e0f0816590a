/* SPDX-License-Identifier: Apache-2.0
 *
 * The device side of batch norm: alone (host/ops/batch_norm.c) and with what stands behind it in one pass over memory
 * (host/fusion/batch_norm_*.c). Input 0 is x; the node's options begin with zoe_batch_norm_options. Internal.
 *
 *   t = (x - mean) / sqrt(var + eps),  y = tail(t * weight + bias [+ z])      z: input 1
 *
 * Backward computes again what tail let through: from x, or with z from y. Memory traffic in tensors of x's size, with
 * relu: forward 3 (moments read x; apply reads x, writes y), backward 5 (dots read x and dy; the last pass reads both
 * and writes dx). Apart they would be 5 and 8. */
#ifndef ZOE__BATCH_NORM_H
#define ZOE__BATCH_NORM_H

#include "ops/node.h"

typedef struct zoe__batch_norm_tail {
    bool add;  /* input 1 is added */
    bool relu; /* then ReLU */
} zoe__batch_norm_tail;

zoe_status zoe__batch_norm_plan(zoe_plan *plan, zoe__node *node);
zoe_status zoe__batch_norm_forward(zoe_plan *plan, zoe__node *node, zoe__batch_norm_tail tail);
zoe_status zoe__batch_norm_backward(zoe_plan *plan, zoe__node *node, zoe__batch_norm_tail tail);

/* ---- the parts, for tails with a kernel of their own ---- */

/* Cuts the N * H rows of a channel block into chunks of equal length (the last may be shorter), by shape alone. Each
 * gives a partial result (two float8), a second kernel joins them in order. */
typedef struct zoe__batch_norm_chunks {
    int rows;  /* of a chunk */
    int count; /* of chunks */
} zoe__batch_norm_chunks;
zoe__batch_norm_chunks zoe__batch_norm_cut(zoe_shape x);

/* Fills aux 0 (figures: mean, 1/sqrt(var + eps), and that times weight, [C8] float8 each) from the batch, or from the
 * running figures. */
zoe_status zoe__batch_norm_figures(zoe_plan *plan, zoe__node *node);

/* Joins the partial sums in the backward workspace: gradients of weight and bias, and what the last pass needs. */
zoe_status zoe__batch_norm_join_dots(zoe_plan *plan, zoe__node *node);

/* The bias as kernels get it: a buffer always, and whether it is read. */
zoe__mem *zoe__batch_norm_bias(zoe_plan *plan, const zoe__node *node, bool *read);

double zoe__batch_norm_flops(const zoe_graph *graph, const zoe__node *node);

#endif
