/* SPDX-License-Identifier: Apache-2.0
 *
 * What max_pool and average_pool share. H x W input, P x Q output. Internal. */
#ifndef ZOE__POOL_H
#define ZOE__POOL_H

#include "ops/node.h"

/* Adds a pooling node of op after checking the options; aux is the number of doubles kept for each output element. */
zoe_value zoe__pool_add(zoe_graph *graph, const zoe__op *op, const char *name, zoe_value x,
                        const zoe_pool_options *options, size_t aux);

/* Window number p along an axis of `size` pixels: taps first..last-1 that are pixels, start (may be in the padding),
 * and the length with the padding but not past it. */
typedef struct zoe__pool_window {
    int start, first, last, padded;
} zoe__pool_window;

static inline zoe__pool_window zoe__pool_at(const zoe_pool_options *o, int p, int size)
{
    const int start = p * o->stride - o->pad, end = start + o->kernel;
    const int padded_end = end < size + o->pad ? end : size + o->pad;
    return (zoe__pool_window){start, start > 0 ? start : 0, end < size ? end : size, padded_end - start};
}

#endif
