/* SPDX-License-Identifier: Apache-2.0
 *
 * Medians and their intervals: exact where they can be, and right about as often as they say on numbers whose median is
 * known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/statistics.h"
#include "core/philox.h"

static zoe__median_ci interval(double *values, const size_t *first, size_t groups)
{
    zoe_context *context;
    zoe__median_ci out;
    size_t copy[16];
    for (size_t i = 0; i <= groups; i++) copy[i] = first[i];
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    const zoe__samples samples = {.values = values, .first = copy, .groups = groups};
    assert_int_equal(zoe__median_interval(context, &samples, &out), ZOE_OK);
    zoe_context_free(&context);
    return out;
}

static void medians(void **state)
{
    (void)state;
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};
    assert_true(zoe__median(odd, 3) == 3);
    assert_true(zoe__median(even, 4) == 2.5);
    double values[] = {7, 7, 7, 7, 9, 2};
    const zoe__median_ci ci = interval(values, (const size_t[]){0, 3, 6}, 2);
    assert_true(ci.median == 7 && ci.least == 2);
    assert_true(ci.low <= 7 && ci.high >= 7 && ci.low >= 2 && ci.high <= 9);
    double one[] = {4};
    const zoe__median_ci alone = interval(one, (const size_t[]){0, 1}, 1);
    assert_true(alone.median == 4 && alone.low < 0.01 && alone.high > 1000); /* it says nothing of its spread */
}

static void no_samples(void **state)
{
    (void)state;
    zoe_context *context;
    zoe__median_ci out;
    size_t first[] = {0, 0};
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    const zoe__samples samples = {.first = first, .groups = 1};
    assert_int_equal(zoe__median_interval(context, &samples, &out), ZOE_DATA);
    zoe_context_free(&context);
}

/* Ten processes of twenty samples; each process is off by as much as a sample is. The interval holds the true median,
 * 100, in most of the trials, and not in all of them by being endless. */
static void covers(void **state)
{
    (void)state;
    enum { TRIALS = 100, GROUPS = 10, SIZE = 20 };
    int held = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        double values[GROUPS * SIZE], offset = 0;
        size_t first[GROUPS + 1] = {0};
        zoe__random random;
        zoe__random_init(&random, 3, trial, 0);
        for (int i = 0; i < GROUPS * SIZE; i++) {
            if (i % SIZE == 0) offset = zoe__random_normal(&random);
            values[i] = 100 + offset + zoe__random_normal(&random);
            first[i / SIZE + 1] = (size_t)i + 1;
        }
        const zoe__median_ci ci = interval(values, first, GROUPS);
        held += ci.low <= 100 && ci.high >= 100;
        assert_true(ci.high - ci.low < 4);
    }
    if (held < 80) fail_msg("the interval held the median in %d of %d trials", held, TRIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(medians), cmocka_unit_test(no_samples),
                                       cmocka_unit_test(covers)};
    return cmocka_run_group_tests_name("bench/statistics", tests, NULL, NULL);
}
