/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes. Public tensors are plain NCHW (activations) and KCRS (weights); the blocked layouts of the devices never
 * leave the library. */
#ifndef ZOE_TENSOR_H
#define ZOE_TENSOR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* N images, C channels, H rows, W columns. A feature vector has H = W = 1. Weights use n = K filters, c = C / groups,
 * h = R rows and w = S columns of taps; a vector of n numbers is {n, 1, 1, 1}. */
typedef struct zoe_shape {
    int n, c, h, w;
} zoe_shape;

typedef enum zoe_dtype {
    ZOE_F32,
    ZOE_I32, /* labels, tables */
    ZOE_U8   /* packed pictures: n images, h rows, w columns, c channels last (NHWC), as decoders give them */
} zoe_dtype;

static inline size_t zoe_shape_count(zoe_shape s)
{
    return (size_t)s.n * (size_t)s.c * (size_t)s.h * (size_t)s.w;
}

#ifdef __cplusplus
}
#endif
#endif
