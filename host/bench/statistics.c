/* SPDX-License-Identifier: Apache-2.0
 *
 * Medians and their uncertainty. */
#include "bench/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/philox.h"

enum { DRAWS = 1000, SEED = 1, MOST = 1 << 20 };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double zoe__median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double zoe__student(double degrees)
{
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
    enum { WHOLE = sizeof table / sizeof *table };
    const double normal = 1.959964;
    if (degrees < 1) degrees = 1;
    if (degrees >= WHOLE) return normal + (table[WHOLE - 1] - normal) * WHOLE / degrees;
    /* Nearly a straight line in 1 / degrees. */
    const int below = (int)degrees;
    const double a = 1.0 / below, b = 1.0 / (below + 1), at = (a - 1 / degrees) / (a - b);
    return table[below - 1] + at * (table[below] - table[below - 1]);
}

/* One draw: as many groups as there are; of a single one, as many samples as it has. */
static double draw_median(const zoe__samples *s, zoe__random *random, double *drawn)
{
    size_t count = 0;
    for (size_t i = 0; s->groups > 1 && i < s->groups; i++) {
        const size_t group = zoe__random_below(random, (uint32_t)s->groups);
        const size_t size = s->first[group + 1] - s->first[group];
        memcpy(drawn + count, s->values + s->first[group], size * sizeof *drawn);
        count += size;
    }
    const size_t all = s->first[s->groups];
    for (size_t i = 0; s->groups == 1 && i < all; i++)
        drawn[count++] = s->values[zoe__random_below(random, (uint32_t)all)];
    return zoe__median(drawn, count);
}

/* Standard deviation of the logarithms of the draws' medians. */
static double deviation_of_draws(const zoe__samples *s, double median, double *drawn)
{
    zoe__random random;
    double sum = 0, squares = 0;
    zoe__random_init(&random, SEED, s->first[s->groups], 0);
    for (int i = 0; i < DRAWS; i++) {
        const double x = log(draw_median(s, &random, drawn) / median);
        sum += x;
        squares += x * x;
    }
    return sqrt(fmax(0, squares / DRAWS - (sum / DRAWS) * (sum / DRAWS)));
}

static zoe_status check(zoe_context *context, const zoe__samples *s)
{
    const size_t count = s->groups ? s->first[s->groups] : 0;
    ZOE_FAIL_IF(context, count == 0 || count > MOST, ZOE_DATA, "%zu samples, must be 1 to %d", count, MOST);
    for (size_t i = 0; i < count; i++)
        ZOE_FAIL_IF(context, !(s->values[i] > 0) || !isfinite(s->values[i]), ZOE_DATA,
                    "sample %zu is %g, must be above 0", i, s->values[i]);
    for (size_t g = 0; g < s->groups; g++)
        ZOE_FAIL_IF(context, s->first[g] >= s->first[g + 1], ZOE_DATA, "process %zu has no sample", g);
    return ZOE_OK;
}

zoe_status zoe__median_interval(zoe_context *context, const zoe__samples *samples, zoe__median_ci *out)
{
    double *drawn = NULL;
    ZOE_TRY(check(context, samples));
    const size_t count = samples->first[samples->groups], groups = samples->groups;
    size_t room = count;
    for (size_t g = 0; g < groups; g++) {
        const size_t size = (samples->first[g + 1] - samples->first[g]) * groups;
        if (size > room) room = size; /* the largest group, drawn each time */
    }
    ZOE_TRY(zoe__calloc(context, &drawn, room, sizeof *drawn));
    memcpy(drawn, samples->values, count * sizeof *drawn);
    out->median = zoe__median(drawn, count);
    out->least = drawn[0];
    for (size_t i = 0; i < count; i++) drawn[i] = fabs(samples->values[i] - out->median);
    out->deviation = zoe__median(drawn, count);
    out->degrees = groups > 1 ? (double)(groups - 1) : count > 1 ? (double)(count - 1) : 1;
    out->error = deviation_of_draws(samples, out->median, drawn) *
                 (groups > 1 ? sqrt((double)groups / (double)(groups - 1)) : 1);
    if (count == 1) out->error = 1; /* one number says nothing of its spread */
    const double half = exp(zoe__student(out->degrees) * out->error);
    out->low = out->median / half;
    out->high = out->median * half;
    free(drawn);
    return ZOE_OK;
}

zoe__ratio_ci zoe__ratio_interval(const zoe__median_ci *a, const zoe__median_ci *b)
{
    const double x = a->error * a->error, y = b->error * b->error;
    const double sum = x * x / a->degrees + y * y / b->degrees;
    const double degrees = sum > 0 ? (x + y) * (x + y) / sum : 1e9;
    zoe__ratio_ci out = {.ratio = a->median / b->median, .error = sqrt(x + y)};
    const double half = exp(zoe__student(degrees) * out.error);
    out.low = out.ratio / half;
    out.high = out.ratio * half;
    return out;
}

zoe__ratio_ci zoe__geometric_mean(const zoe__ratio_ci *ratios, size_t count)
{
    double means[DRAWS], sum = 0;
    zoe__random random;
    for (size_t i = 0; i < count; i++) sum += log(ratios[i].ratio);
    zoe__random_init(&random, SEED, count, 1);
    for (int d = 0; d < DRAWS; d++) {
        means[d] = 0;
        for (size_t i = 0; i < count; i++) {
            const zoe__ratio_ci *r = &ratios[zoe__random_below(&random, (uint32_t)count)];
            means[d] += (log(r->ratio) + r->error * zoe__random_normal(&random)) / (double)count;
        }
    }
    qsort(means, DRAWS, sizeof *means, by_value);
    return (zoe__ratio_ci){
        .ratio = exp(sum / (double)count), .low = exp(means[DRAWS / 40]), .high = exp(means[DRAWS - 1 - DRAWS / 40])};
}
