/* SPDX-License-Identifier: Apache-2.0
 *
 * L-BFGS with eight pairs and a backtracking line search; sums run in a fixed order, so the same rows give the same
 * answer. */
#include "evaluate/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 8, MOST = 500 };

typedef struct problem {
    const double *x; /* [n][d] standardised */
    const size_t *label;
    size_t n, d, classes, size; /* size: (d + 1) * classes */
    double penalty;             /* 1 / (c n) */
    double *logits;             /* [classes] */
} problem;

/* The objective at w and its gradient. */
static double evaluate(const problem *p, const double *w, double *gradient)
{
    const size_t k = p->classes;
    double loss = 0;
    memset(gradient, 0, p->size * sizeof *gradient);
    for (size_t i = 0; i < p->n; i++) {
        const double *row = p->x + i * p->d;
        double *z = p->logits, largest = -INFINITY, sum = 0;
        memcpy(z, w + p->d * k, k * sizeof *z);
        for (size_t j = 0; j < p->d; j++)
            for (size_t c = 0; c < k; c++) z[c] += row[j] * w[j * k + c];
        for (size_t c = 0; c < k; c++) largest = fmax(largest, z[c]);
        loss -= z[p->label[i]] - largest;
        for (size_t c = 0; c < k; c++) sum += z[c] = exp(z[c] - largest);
        loss += log(sum);
        for (size_t c = 0; c < k; c++) z[c] = (z[c] / sum - (c == p->label[i])) / (double)p->n;
        for (size_t j = 0; j < p->d; j++)
            for (size_t c = 0; c < k; c++) gradient[j * k + c] += row[j] * z[c];
        for (size_t c = 0; c < k; c++) gradient[p->d * k + c] += z[c];
    }
    loss /= (double)p->n;
    for (size_t i = 0; i < p->d * k; i++) {
        loss += 0.5 * p->penalty * w[i] * w[i];
        gradient[i] += p->penalty * w[i];
    }
    return loss;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* ---- L-BFGS ---- */

typedef struct memory {
    double *s[PAIRS], *y[PAIRS], rho[PAIRS]; /* steps, changes of the gradient, 1 / <s, y>; a ring */
    int count, next;
} memory;

/* direction = -H gradient. */
static void find_direction(const memory *m, const double *gradient, double *direction, size_t size)
{
    double alpha[PAIRS];
    for (size_t i = 0; i < size; i++) direction[i] = -gradient[i];
    for (int k = 0; k < m->count; k++) {
        const int at = (m->next - 1 - k + 2 * PAIRS) % PAIRS;
        alpha[at] = m->rho[at] * dot(m->s[at], direction, size);
        for (size_t i = 0; i < size; i++) direction[i] -= alpha[at] * m->y[at][i];
    }
    if (m->count) {
        const int at = (m->next - 1 + PAIRS) % PAIRS;
        const double factor = 1 / (m->rho[at] * dot(m->y[at], m->y[at], size));
        for (size_t i = 0; i < size; i++) direction[i] *= factor;
    }
    for (int k = m->count - 1; k >= 0; k--) {
        const int at = (m->next - 1 - k + 2 * PAIRS) % PAIRS;
        const double beta = m->rho[at] * dot(m->y[at], direction, size);
        for (size_t i = 0; i < size; i++) direction[i] += (alpha[at] - beta) * m->s[at][i];
    }
}

static void remember(memory *m, const double *step, double length, const double *before, const double *after,
                     size_t size)
{
    double *s = m->s[m->next], *y = m->y[m->next];
    for (size_t i = 0; i < size; i++) {
        s[i] = length * step[i];
        y[i] = after[i] - before[i];
    }
    const double curvature = dot(s, y, size);
    if (!(curvature > 1e-300)) return;
    m->rho[m->next] = 1 / curvature;
    m->next = (m->next + 1) % PAIRS;
    if (m->count < PAIRS) m->count++;
}

/* work: 4 + 2 PAIRS arrays of p->size. */
static int minimise(const problem *p, double *w, double *work)
{
    double *gradient = work, *direction = work + p->size, *trial = direction + p->size, *other = trial + p->size;
    memory m = {0};
    for (int k = 0; k < PAIRS; k++) {
        m.s[k] = other + (size_t)(1 + 2 * k) * p->size;
        m.y[k] = m.s[k] + p->size;
    }
    double value = evaluate(p, w, gradient);
    int iteration = 0;
    for (; iteration < MOST; iteration++) {
        if (sqrt(dot(gradient, gradient, p->size)) < 1e-6) break;
        find_direction(&m, gradient, direction, p->size);
        const double slope = dot(gradient, direction, p->size);
        double length = m.count ? 1 : 1 / fmax(1, sqrt(-slope)), lower = INFINITY;
        for (int tries = 0; tries < 40; tries++, length /= 2) {
            for (size_t i = 0; i < p->size; i++) trial[i] = w[i] + length * direction[i];
            lower = evaluate(p, trial, other);
            if (lower <= value + 1e-4 * length * slope) break;
        }
        if (!(lower < value)) break;
        remember(&m, direction, length, gradient, other, p->size);
        memcpy(w, trial, p->size * sizeof *w);
        memcpy(gradient, other, p->size * sizeof *gradient);
        value = lower;
    }
    return iteration;
}

/* ---- standardised rows ---- */

static void find_scale(zoe__logistic *m, const float *rows, const size_t *which, size_t n)
{
    for (size_t j = 0; j < m->d; j++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) sum += (double)rows[which[i] * m->d + j];
        m->mean[j] = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double x = (double)rows[which[i] * m->d + j] - m->mean[j];
            square += x * x;
        }
        const double deviation = sqrt(square / (double)n);
        m->scale[j] = deviation > 1e-9 ? 1 / deviation : 0;
    }
}

zoe_status zoe__logistic_fit(zoe__logistic *out, zoe_context *context, const float *rows, size_t d, const size_t *which,
                             size_t n, const size_t *label, size_t classes, double c)
{
    zoe__logistic m = {.d = d, .classes = classes};
    problem p = {.n = n, .d = d, .classes = classes, .size = (d + 1) * classes, .penalty = 1 / (c * (double)n)};
    double *x = NULL, *work = NULL;
    size_t *labels = NULL;
    zoe_status status = ZOE_OK;
    *out = (zoe__logistic){0};
    ZOE_FAIL_IF(context, !n || !d || classes < 2 || !(c > 0), ZOE_CONFIG,
                "a linear probe of %zu rows, %zu numbers, %zu classes, c %g: needs at least 1, 1, 2 and more than 0", n,
                d, classes, c);
    ZOE_TRY_OUT(zoe__calloc(context, &m.mean, d, sizeof *m.mean));
    ZOE_TRY_OUT(zoe__calloc(context, &m.scale, d, sizeof *m.scale));
    ZOE_TRY_OUT(zoe__calloc(context, &m.weights, p.size, sizeof *m.weights));
    ZOE_TRY_OUT(zoe__calloc(context, &p.logits, classes, sizeof *p.logits));
    ZOE_TRY_OUT(zoe__calloc(context, &x, n, d * sizeof *x));
    ZOE_TRY_OUT(zoe__calloc(context, &labels, n, sizeof *labels));
    ZOE_TRY_OUT(zoe__calloc(context, &work, 4 + 2 * PAIRS, p.size * sizeof *work));
    find_scale(&m, rows, which, n);
    for (size_t i = 0; i < n; i++) {
        labels[i] = label[which[i]];
        for (size_t j = 0; j < d; j++) x[i * d + j] = ((double)rows[which[i] * d + j] - m.mean[j]) * m.scale[j];
    }
    p.x = x;
    p.label = labels;
    m.iterations = minimise(&p, m.weights, work);
    *out = m;
    m = (zoe__logistic){0};
out:
    zoe__logistic_free(&m);
    free(p.logits);
    free(x);
    free(labels);
    free(work);
    return status;
}

size_t zoe__logistic_answer(const zoe__logistic *model, const float *row)
{
    size_t best = 0;
    double highest = -INFINITY;
    for (size_t c = 0; c < model->classes; c++) {
        double z = model->weights[model->d * model->classes + c];
        for (size_t j = 0; j < model->d; j++)
            z += ((double)row[j] - model->mean[j]) * model->scale[j] * model->weights[j * model->classes + c];
        if (z > highest) {
            highest = z;
            best = c;
        }
    }
    return best;
}

void zoe__logistic_free(zoe__logistic *model)
{
    free(model->mean);
    free(model->scale);
    free(model->weights);
    *model = (zoe__logistic){0};
}
