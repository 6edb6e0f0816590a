/* SPDX-License-Identifier: Apache-2.0
 *
 * Two-class metrics from scores. AUC by ranks (Mann-Whitney): U = sum of ranks of class 1 - n1 (n1 + 1) / 2, AUC = U /
 * (n1 n0); equal scores share the mean of their ranks. */
#include <math.h>
#include <stdlib.h>

#include <zoe/task.h>

#include "core/core.h"

typedef struct scored {
    double score;
    int label;
} scored;

static int ascending(const void *a, const void *b)
{
    const double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

static double auc(scored *items, size_t n)
{
    double ranks = 0;
    size_t positives = 0;
    qsort(items, n, sizeof *items, ascending);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && items[end].score == items[first].score;) end++;
        const double rank = 0.5 * (double)(first + 1 + end); /* mean of first+1 .. end */
        for (size_t i = first; i < end; i++)
            if (items[i].label) {
                ranks += rank;
                positives++;
            }
    }
    const double p = (double)positives, q = (double)(n - positives);
    return p > 0 && q > 0 ? (ranks - p * (p + 1) / 2) / (p * q) : NAN;
}

zoe_status zoe_metrics_compute(zoe_metrics *out, zoe_context *context, const double *scores, const int *labels,
                               size_t n)
{
    scored *items;
    size_t count[2] = {0, 0}, right[2] = {0, 0};
    double loss = 0;
    *out = (zoe_metrics){.loss = NAN, .accuracy = NAN, .balanced_accuracy = NAN, .auc = NAN};
    ZOE_FAIL_IF(context, n == 0, ZOE_DATA, "no tuple to measure");
    ZOE_TRY(zoe__calloc(context, &items, n, sizeof *items));
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i])) {
            free(items);
            return zoe__fail(context, ZOE_DIVERGED, "the score of tuple %zu is not finite", i);
        }
        const int label = labels[i] != 0;
        const double margin = label ? scores[i] : -scores[i];
        items[i] = (scored){scores[i], label};
        count[label]++;
        right[label] += label == (scores[i] > 0);
        loss += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
    }
    out->loss = loss / (double)n;
    out->accuracy = (double)(right[0] + right[1]) / (double)n;
    if (count[0] && count[1])
        out->balanced_accuracy = 0.5 * ((double)right[0] / (double)count[0] + (double)right[1] / (double)count[1]);
    out->auc = auc(items, n);
    free(items);
    return ZOE_OK;
}
