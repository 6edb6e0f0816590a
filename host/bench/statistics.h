/* SPDX-License-Identifier: Apache-2.0
 *
 * Medians, their ratios, and how sure they are, from samples that several processes took. Internal.
 *
 * A process is disturbed as a whole (where its memory lies, what else runs), so processes are what is drawn: the median
 * of all samples is taken again of 1000 draws of as many whole processes, with repetition. The deviation s of the
 * logarithm of those medians is a little small for few processes, P / (P - 1) in variance, and itself uncertain; both
 * are known: the interval is median * exp(+-t s sqrt(P / (P - 1))) with Student's t of P - 1 degrees. On made-up
 * samples it holds the true median in 93 to 97 % of the cases from three processes on, whether processes or samples
 * differ more (tests/bench/statistics_test.c). With one process its samples are drawn instead: what other processes
 * would have said is then not known. Draws are Philox: the same for the same samples. */
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

typedef struct zoe__median_ci {
    double median, low, high, least;
    double deviation; /* median of |sample - median| */
    double error;     /* standard error of log(median) */
    double degrees;   /* of freedom of that error */
} zoe__median_ci;
/* ZOE_DATA: no sample, too many, or one that is not above 0. */
zoe_status zoe__median_interval(zoe_context *context, const zoe__samples *samples, zoe__median_ci *out);

/* Student's t below which 97.5 % lie; degrees >= 1 need not be whole. */
double zoe__student(double degrees);

/* a's median over b's, with Welch's degrees of freedom: nothing is assumed equal. */
typedef struct zoe__ratio_ci {
    double ratio, low, high, error;
} zoe__ratio_ci;
zoe__ratio_ci zoe__ratio_interval(const zoe__median_ci *a, const zoe__median_ci *b);

/* Geometric mean of count >= 1 ratios; the interval: middle 95 % of 1000 draws of cases with repetition, each with an
 * error of its own. */
zoe__ratio_ci zoe__geometric_mean(const zoe__ratio_ci *ratios, size_t count);

#endif
