/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition of a convolution (or linear layer) in double at single places: what makes the check of a large layer
 * quick. x, weights and dy are numbers of fixed streams (probe.h). Internal. */
#ifndef ZOE__SAMPLE_H
#define ZOE__SAMPLE_H

#include "ops/conv2d.h"

enum { ZOE__STREAM_X = 1, ZOE__STREAM_WEIGHT = 2, ZOE__STREAM_DY = 3 };

typedef struct zoe__sampled {
    double nmse;  /* sum of squared differences / sum of squares, over the samples; INFINITY: a value is not finite */
    double most;  /* largest difference / largest value */
    size_t where; /* of that difference, plain index */
} zoe__sampled;

/* How many numbers a direction has: y, dx or dweight. */
size_t zoe__sample_values(const zoe__conv2d *conv, zoe__direction direction);

/* The definition's value number i, in plain order. No bias, no ReLU. */
double zoe__sample_value(const zoe__conv2d *conv, zoe__direction direction, size_t i);

/* Compares `count` places of values (plain order), all corners and half of the others at edges, all of them when there
 * are no more; takes about a multiply-add budget of `work`, with fewer places where each is dear (at least 32). */
zoe__sampled zoe__sample_check(const zoe__conv2d *conv, zoe__direction direction, const float *values, size_t count,
                               double work);

/* The same for other numbers than those of the streams; NULL: of the stream. Borrowed, plain order. */
typedef struct zoe__sample_numbers {
    const float *x, *weight, *dy;
} zoe__sample_numbers;
zoe__sampled zoe__sample_check_given(const zoe__conv2d *conv, zoe__direction direction, const float *values,
                                     size_t count, double work, const zoe__sample_numbers *given);

#endif
