/* SPDX-License-Identifier: Apache-2.0
 *
 * Median and its uncertainty. */
#include "bench/statistics.h"

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

/* One draw: as many groups as there are, of each drawn group as many samples as it has. */
static double draw_median(const zoe__samples *s, zoe__random *random, double *drawn, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < s->groups; i++) {
        const size_t group = zoe__random_below(random, (uint32_t)s->groups);
        const size_t size = s->first[group + 1] - s->first[group];
        for (size_t k = 0; k < size && count < room; k++)
            drawn[count++] = s->values[s->first[group] + zoe__random_below(random, (uint32_t)size)];
    }
    return count ? zoe__median(drawn, count) : 0;
}

zoe_status zoe__median_interval(zoe_context *context, const zoe__samples *samples, zoe__median_ci *out)
{
    const size_t count = samples->groups ? samples->first[samples->groups] : 0;
    double *drawn = NULL, medians[DRAWS];
    ZOE_FAIL_IF(context, count == 0 || count > MOST, ZOE_DATA, "%zu samples, must be 1 to %d", count, MOST);
    const size_t room = count * samples->groups; /* the largest group, drawn each time */
    ZOE_TRY(zoe__calloc(context, &drawn, room, sizeof *drawn));
    memcpy(drawn, samples->values, count * sizeof *drawn);
    out->median = zoe__median(drawn, count);
    out->least = drawn[0];
    zoe__random random;
    zoe__random_init(&random, SEED, count, 0);
    for (int i = 0; i < DRAWS; i++) medians[i] = draw_median(samples, &random, drawn, room);
    qsort(medians, DRAWS, sizeof *medians, by_value);
    out->low = medians[DRAWS / 40];
    out->high = medians[DRAWS - 1 - DRAWS / 40];
    free(drawn);
    return ZOE_OK;
}
