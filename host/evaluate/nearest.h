/* SPDX-License-Identifier: Apache-2.0
 *
 * Nearest neighbours by cosine. N rows of D numbers. Internal. */
#ifndef ZOE_EVALUATE_NEAREST_H
#define ZOE_EVALUATE_NEAREST_H

#include "core/core.h"

enum { ZOE__NEAREST = 5 }; /* neighbours of a row */

/* Divides each row by its Euclidean length, in place; a row of zeros stays zero. */
void zoe__rows_normalise(float *rows, size_t n, size_t d);

/* nearest[N][5]: numbers of the rows of other groups with the largest dot product, best first, the lower number first
 * among equals; SIZE_MAX where a row has fewer. group[N]. Threads: 0 = number of processors; their number changes
 * nothing. */
zoe_status zoe__rows_nearest(zoe_context *context, const float *rows, size_t n, size_t d, const size_t *group,
                             int threads, size_t (*nearest)[ZOE__NEAREST]);

/* Shares of rows whose nearest row, or one of whose 5 nearest rows, has their label. */
typedef struct zoe__shares {
    double top1, top5;
} zoe__shares;
zoe__shares zoe__rows_shares(size_t (*nearest)[ZOE__NEAREST], size_t n, const size_t *label);

/* What rows of other groups give when they are drawn at random, without replacement: the mean over all rows of that
 * chance. */
zoe__shares zoe__rows_chance(size_t n, const size_t *label, const size_t *group);

/* Mean over windows as adaptive average pooling has them: [n][height][width][3] bytes to [n][side*side*3] numbers in
 * 0..1. */
void zoe__rows_pixels(const uint8_t *rgb, size_t n, int width, int height, int side, float *rows);

#endif
