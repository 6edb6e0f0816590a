/* SPDX-License-Identifier: Apache-2.0
 *
 * Multinomial logistic regression on standardised features, with a penalty: what a linear probe is. Internal.
 *
 *   mean over rows of -log softmax(W z + b)[label]  +  |W|^2 / (2 c n),   z = (x - mean) / deviation of the n rows
 *
 * b is free. The minimum is unique; it is looked for by L-BFGS until the gradient is small. */
#ifndef ZOE_EVALUATE_LOGISTIC_H
#define ZOE_EVALUATE_LOGISTIC_H

#include "core/core.h"

typedef struct zoe__logistic {
    size_t d, classes;
    double *mean, *scale; /* [d]; scale = 1 / deviation, 0 for features that never change */
    double *weights;      /* [d + 1][classes]; the last row is b */
    int iterations;
} zoe__logistic;

/* Fits rows[which[i]][d], i < n, to label[which[i]] < classes. c > 0 as in scikit-learn: small is a strong penalty. */
zoe_status zoe__logistic_fit(zoe__logistic *out, zoe_context *context, const float *rows, size_t d, const size_t *which,
                             size_t n, const size_t *label, size_t classes, double c);

/* The most probable class of a row. */
size_t zoe__logistic_answer(const zoe__logistic *model, const float *row);

void zoe__logistic_free(zoe__logistic *model);

#endif
