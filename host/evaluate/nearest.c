/* SPDX-License-Identifier: Apache-2.0
 *
 * The N x N products are made in tiles of QUERIES x N, QUERIES rows sharing each row that is read. */
#include "evaluate/nearest.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUERIES = 8, LANES = 4, DEPTH = 2048, MAX_THREADS = 64 };

void zoe__rows_normalise(float *rows, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        float *row = rows + i * d;
        double sum = 0;
        for (size_t k = 0; k < d; k++) sum += (double)row[k] * (double)row[k];
        const float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
        for (size_t k = 0; k < d; k++) row[k] *= scale;
    }
}

/* ---- products ---- */

/* Vectors of the compiler (gcc, clang): an array of sums is not kept in registers. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static lanes load(const float *from)
{
    lanes value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* sums[q] += dot(queries[q][0..d), row[0..d)), in a fixed order of LANES partial sums. */
static void dot_tile(const float *const queries[QUERIES], const float *row, size_t d, float sums[QUERIES])
{
    lanes part[QUERIES] = {{0}};
    size_t k = 0;
    for (; k + LANES <= d; k += LANES) {
        const lanes x = load(row + k);
        for (int q = 0; q < QUERIES; q++) part[q] += load(queries[q] + k) * x;
    }
    for (int q = 0; q < QUERIES; q++)
        for (int l = 0; l < LANES; l++) sums[q] += part[q][l];
    for (; k < d; k++)
        for (int q = 0; q < QUERIES; q++) sums[q] += queries[q][k] * row[k];
}

typedef struct search {
    const float *rows;
    size_t n, d;
    const size_t *group;
    size_t (*nearest)[ZOE__NEAREST];
    pthread_mutex_t mutex;
    size_t next; /* query to hand out; under the mutex */
} search;

static void insert(size_t best[ZOE__NEAREST], float value[ZOE__NEAREST], size_t row, float similarity)
{
    if (!(similarity > value[ZOE__NEAREST - 1])) return;
    int at = ZOE__NEAREST - 1;
    for (; at > 0 && similarity > value[at - 1]; at--) {
        value[at] = value[at - 1];
        best[at] = best[at - 1];
    }
    value[at] = similarity;
    best[at] = row;
}

static void choose(const search *s, size_t query, const float *similarity)
{
    float value[ZOE__NEAREST];
    for (int k = 0; k < ZOE__NEAREST; k++) {
        value[k] = -INFINITY;
        s->nearest[query][k] = SIZE_MAX;
    }
    for (size_t i = 0; i < s->n; i++)
        if (s->group[i] != s->group[query]) insert(s->nearest[query], value, i, similarity[i]);
}

/* similarity: [QUERIES][n] */
static void search_tile(const search *s, size_t first, float *similarity)
{
    const size_t count = s->n - first < QUERIES ? s->n - first : QUERIES;
    memset(similarity, 0, QUERIES * s->n * sizeof *similarity);
    for (size_t from = 0; from < s->d; from += DEPTH) { /* short pieces of the queries stay in the cache */
        const size_t depth = s->d - from < DEPTH ? s->d - from : DEPTH;
        const float *queries[QUERIES];
        for (size_t q = 0; q < QUERIES; q++) queries[q] = s->rows + (first + (q < count ? q : 0)) * s->d + from;
        for (size_t i = 0; i < s->n; i++) {
            float sums[QUERIES] = {0};
            dot_tile(queries, s->rows + i * s->d + from, depth, sums);
            for (size_t q = 0; q < QUERIES; q++) similarity[q * s->n + i] += sums[q];
        }
    }
    for (size_t q = 0; q < count; q++) choose(s, first + q, similarity + q * s->n);
}

static void *run(void *argument)
{
    search *s = argument;
    float *similarity = malloc(QUERIES * s->n * sizeof *similarity);
    while (similarity) {
        pthread_mutex_lock(&s->mutex);
        const size_t first = s->next;
        if (first < s->n) s->next += QUERIES;
        pthread_mutex_unlock(&s->mutex);
        if (first >= s->n) break;
        search_tile(s, first, similarity);
    }
    const bool done = similarity != NULL;
    free(similarity);
    return done ? s : NULL;
}

zoe_status zoe__rows_nearest(zoe_context *context, const float *rows, size_t n, size_t d, const size_t *group,
                             int threads, size_t (*nearest)[ZOE__NEAREST])
{
    search s = {.rows = rows, .n = n, .d = d, .group = group, .nearest = nearest};
    pthread_t others[MAX_THREADS];
    int started = 0;
    if (n == 0) return ZOE_OK;
    if (threads <= 0) threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    pthread_mutex_init(&s.mutex, NULL);
    while (started < threads - 1 && pthread_create(&others[started], NULL, run, &s) == 0) started++;
    const bool done = run(&s) != NULL; /* this thread works until nothing is left to hand out */
    bool all = done;
    for (int i = 0; i < started; i++) {
        void *result;
        pthread_join(others[i], &result);
        all = all || result;
    }
    pthread_mutex_destroy(&s.mutex);
    ZOE_FAIL_IF(context, !all, ZOE_MEMORY, "out of memory: %zu similarities", QUERIES * n);
    return ZOE_OK;
}

/* ---- figures ---- */

zoe__shares zoe__rows_shares(size_t (*nearest)[ZOE__NEAREST], size_t n, const size_t *label)
{
    size_t top1 = 0, top5 = 0;
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (int k = 0; k < ZOE__NEAREST && nearest[i][k] != SIZE_MAX; k++) {
            const bool same = label[nearest[i][k]] == label[i];
            top1 += k == 0 && same;
            found = found || same;
        }
        top5 += found;
    }
    return (zoe__shares){n ? (double)top1 / (double)n : 0, n ? (double)top5 / (double)n : 0};
}

zoe__shares zoe__rows_chance(size_t n, const size_t *label, const size_t *group)
{
    zoe__shares sum = {0};
    for (size_t i = 0; i < n; i++) {
        size_t others = 0, same = 0;
        for (size_t k = 0; k < n; k++) {
            if (group[k] == group[i]) continue;
            others++;
            same += label[k] == label[i];
        }
        double none = others > 0; /* chance that none of the draws has the label */
        for (size_t draw = 0; draw < ZOE__NEAREST && draw < others; draw++)
            none *= (double)(others - same > draw ? others - same - draw : 0) / (double)(others - draw);
        if (others) sum.top1 += (double)same / (double)others;
        if (others) sum.top5 += 1 - none;
    }
    return (zoe__shares){n ? sum.top1 / (double)n : 0, n ? sum.top5 / (double)n : 0};
}

/* ---- pixels ---- */

static double window_mean(const uint8_t *rgb, int width, int top, int bottom, int left, int right, int channel)
{
    uint64_t sum = 0;
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) sum += rgb[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)channel];
    return (double)sum / (255.0 * (bottom - top) * (right - left));
}

void zoe__rows_pixels(const uint8_t *rgb, size_t n, int width, int height, int side, float *rows)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *picture = rgb + i * (size_t)width * (size_t)height * 3;
        for (int c = 0; c < 3; c++)
            for (int p = 0; p < side; p++)
                for (int q = 0; q < side; q++)
                    *rows++ =
                        (float)window_mean(picture, width, p * height / side, ((p + 1) * height + side - 1) / side,
                                           q * width / side, ((q + 1) * width + side - 1) / side, c);
    }
}
