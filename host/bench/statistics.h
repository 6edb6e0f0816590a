/* SPDX-License-Identifier: Apache-2.0
 *
 * Median and its uncertainty, from samples that several processes took. Internal. */
#ifndef ZOE__STATISTICS_H
#define ZOE__STATISTICS_H

#include "core/core.h"

/* Samples of processes 0 .. groups-1, one after the other: those of group g are values[first[g] .. first[g+1]-1].
 * first has groups + 1 entries. */
typedef struct zoe__samples {
    double *values;
    size_t *first;
    size_t groups;
} zoe__samples;

/* Of count >= 1 values; sorts them. */
double zoe__median(double *values, size_t count);

/* Of all samples, and its 95 % interval: the middle 95 % of the medians of 1000 draws with repetition, first of groups,
 * then of samples in each (a process is disturbed as a whole). Draws are Philox, the same for the same samples. */
typedef struct zoe__median_ci {
    double median, low, high, least;
} zoe__median_ci;
zoe_status zoe__median_interval(zoe_context *context, const zoe__samples *samples, zoe__median_ci *out);

#endif
