/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/sample.h"

#include <math.h>

#include "core/philox.h"
#include "selftest/probe.h"

static void sizes_of(const zoe__conv2d *v, zoe__direction direction, int size[4])
{
    const int output[4] = {v->n, v->k, v->p, v->q}, data[4] = {v->n, v->c, v->h, v->w};
    const int weights[4] = {v->k, v->c / v->groups, v->r, v->s};
    const int *from = direction == ZOE__TO_OUTPUT ? output : direction == ZOE__TO_DATA ? data : weights;
    for (int i = 0; i < 4; i++) size[i] = from[i];
}

size_t zoe__sample_values(const zoe__conv2d *conv, zoe__direction direction)
{
    int size[4];
    sizes_of(conv, direction, size);
    return (size_t)size[0] * (size_t)size[1] * (size_t)size[2] * (size_t)size[3];
}

typedef struct source {
    const zoe__conv2d *v;
    zoe__sample_numbers given;
} source;

static double x_at(const source *from, int n, int c, int h, int w)
{
    const zoe__conv2d *v = from->v;
    const size_t i = (((size_t)n * (size_t)v->c + (size_t)c) * (size_t)v->h + (size_t)h) * (size_t)v->w + (size_t)w;
    return (double)(from->given.x ? from->given.x[i] : zoe__probe_number(ZOE__STREAM_X, (uint32_t)i));
}

static double weight_at(const source *from, int k, int c, int r, int s)
{
    const zoe__conv2d *v = from->v;
    const size_t i =
        (((size_t)k * (size_t)(v->c / v->groups) + (size_t)c) * (size_t)v->r + (size_t)r) * (size_t)v->s + (size_t)s;
    return (double)(from->given.weight ? from->given.weight[i] : zoe__probe_number(ZOE__STREAM_WEIGHT, (uint32_t)i));
}

static double dy_at(const source *from, int n, int k, int p, int q)
{
    const zoe__conv2d *v = from->v;
    const size_t i = (((size_t)n * (size_t)v->k + (size_t)k) * (size_t)v->p + (size_t)p) * (size_t)v->q + (size_t)q;
    return (double)(from->given.dy ? from->given.dy[i] : zoe__probe_number(ZOE__STREAM_DY, (uint32_t)i));
}

static double output_at(const source *from, const int at[4])
{
    const zoe__conv2d *v = from->v;
    const int each = v->c / v->groups, first = at[1] / (v->k / v->groups) * each;
    double sum = 0;
    for (int c = 0; c < each; c++)
        for (int r = 0; r < v->r; r++)
            for (int s = 0; s < v->s; s++) {
                const int h = at[2] * v->stride_h - v->pad_h + r, w = at[3] * v->stride_w - v->pad_w + s;
                if (h < 0 || w < 0 || h >= v->h || w >= v->w) continue;
                sum += x_at(from, at[0], first + c, h, w) * weight_at(from, at[1], c, r, s);
            }
    return sum;
}

static double data_at(const source *from, const int at[4])
{
    const zoe__conv2d *v = from->v;
    const int each = v->c / v->groups, filters = v->k / v->groups, group = at[1] / each;
    double sum = 0;
    for (int k = group * filters; k < (group + 1) * filters; k++)
        for (int r = 0; r < v->r; r++)
            for (int s = 0; s < v->s; s++) {
                const int h = at[2] + v->pad_h - r, w = at[3] + v->pad_w - s;
                if (h < 0 || w < 0 || h % v->stride_h || w % v->stride_w) continue;
                if (h / v->stride_h >= v->p || w / v->stride_w >= v->q) continue;
                sum += dy_at(from, at[0], k, h / v->stride_h, w / v->stride_w) * weight_at(from, k, at[1] % each, r, s);
            }
    return sum;
}

static double weights_at(const source *from, const int at[4])
{
    const zoe__conv2d *v = from->v;
    const int c = at[0] / (v->k / v->groups) * (v->c / v->groups) + at[1];
    double sum = 0;
    for (int n = 0; n < v->n; n++)
        for (int p = 0; p < v->p; p++)
            for (int q = 0; q < v->q; q++) {
                const int h = p * v->stride_h - v->pad_h + at[2], w = q * v->stride_w - v->pad_w + at[3];
                if (h < 0 || w < 0 || h >= v->h || w >= v->w) continue;
                sum += x_at(from, n, c, h, w) * dy_at(from, n, at[0], p, q);
            }
    return sum;
}

static double value_at(const source *from, zoe__direction direction, const int at[4])
{
    return direction == ZOE__TO_OUTPUT ? output_at(from, at)
           : direction == ZOE__TO_DATA ? data_at(from, at)
                                       : weights_at(from, at);
}

static double value_of(const source *from, zoe__direction direction, size_t i)
{
    int size[4], at[4];
    sizes_of(from->v, direction, size);
    for (int k = 3; k >= 0; k--) {
        at[k] = (int)(i % (size_t)size[k]);
        i /= (size_t)size[k];
    }
    return value_at(from, direction, at);
}

double zoe__sample_value(const zoe__conv2d *conv, zoe__direction direction, size_t i)
{
    const source from = {.v = conv};
    return value_of(&from, direction, i);
}

/* Multiply-adds behind one value. */
static double cost_of(const zoe__conv2d *v, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) return (double)v->n * v->p * v->q;
    return (double)(direction == ZOE__TO_OUTPUT ? v->c : v->k) / v->groups * v->r * v->s;
}

typedef struct tally {
    double differences, squares, most, largest;
    size_t where;
} tally;

static void compare(tally *t, double wanted, double got, size_t where)
{
    const double d = isfinite(got) ? fabs(got - wanted) : INFINITY;
    t->differences += d * d;
    t->squares += wanted * wanted;
    if (fabs(wanted) > t->largest) t->largest = fabs(wanted);
    if (d <= t->most) return;
    t->most = d;
    t->where = where;
}

/* Odd draws lie anywhere, even ones at the low or high end of an axis or anywhere, axis by axis. */
static void draw(zoe__random *random, bool edges, const int size[4], int at[4])
{
    for (int k = 0; k < 4; k++) {
        const uint32_t kind = edges ? zoe__random_below(random, 3) : 2;
        at[k] = kind == 0 ? 0 : kind == 1 ? size[k] - 1 : (int)zoe__random_below(random, (uint32_t)size[k]);
    }
}

zoe__sampled zoe__sample_check(const zoe__conv2d *conv, zoe__direction direction, const float *values, size_t count,
                               double work)
{
    return zoe__sample_check_given(conv, direction, values, count, work, &(zoe__sample_numbers){.x = NULL});
}

zoe__sampled zoe__sample_check_given(const zoe__conv2d *conv, zoe__direction direction, const float *values,
                                     size_t count, double work, const zoe__sample_numbers *given)
{
    const source from = {.v = conv, .given = *given};
    enum { CORNERS = 16, LEAST = 2 * CORNERS, SEED = 11 };
    int size[4], at[4];
    const size_t all = zoe__sample_values(conv, direction);
    const double affordable = work / cost_of(conv, direction);
    tally t = {0};
    sizes_of(conv, direction, size);
    if ((double)count > affordable) count = affordable > LEAST ? (size_t)affordable : LEAST;
    if (all <= count)
        for (size_t i = 0; i < all; i++) compare(&t, value_of(&from, direction, i), (double)values[i], i);
    zoe__random random;
    zoe__random_init(&random, SEED, (uint64_t)direction, 0);
    for (size_t i = 0; all > count && i < count; i++) {
        draw(&random, i % 2 == 0, size, at);
        for (int k = 0; i < CORNERS && k < 4; k++) at[k] = i >> k & 1 ? size[k] - 1 : 0;
        size_t index = 0;
        for (int k = 0; k < 4; k++) index = index * (size_t)size[k] + (size_t)at[k];
        compare(&t, value_at(&from, direction, at), (double)values[index], index);
    }
    return (zoe__sampled){t.differences / fmax(t.squares, 1e-30), t.most / fmax(t.largest, 1e-30), t.where};
}
