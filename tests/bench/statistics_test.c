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

/* How many of TRIALS intervals hold the true median, 100: so many processes of SIZE samples, each process off by
 * `apart` times as much as a sample is. */
enum { TRIALS = 400, SIZE = 10, MOST_GROUPS = 10 };

static int held_of(int groups, double apart)
{
    int held = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        double values[MOST_GROUPS * SIZE], offset = 0;
        size_t first[MOST_GROUPS + 1] = {0};
        zoe__random random;
        zoe__random_init(&random, 3, trial, (uint32_t)(groups * 100 + apart * 10));
        for (int i = 0; i < groups * SIZE; i++) {
            if (i % SIZE == 0) offset = apart * zoe__random_normal(&random);
            values[i] = 100 + offset + zoe__random_normal(&random);
            first[i / SIZE + 1] = (size_t)i + 1;
        }
        const zoe__median_ci ci = interval(values, first, (size_t)groups);
        held += ci.low <= 100 && ci.high >= 100;
    }
    return held;
}

/* 95 % of the intervals hold it, 93 to 97 % in all; 400 trials of one kind alone may be off by three deviations. */
static void covers(void **state)
{
    (void)state;
    static const int groups[] = {3, 5, 10};
    static const double apart[] = {0, 1, 4};
    int held = 0, trials = 0;
    for (int g = 0; g < 3; g++)
        for (int a = 0; a < 3; a++) {
            const int here = held_of(groups[g], apart[a]);
            print_message("%d processes, apart by %g: %.1f %%\n", groups[g], apart[a], 100.0 * here / TRIALS);
            assert_in_range(here, TRIALS * 0.917, TRIALS * 0.983);
            held += here;
            trials += TRIALS;
        }
    print_message("all: %.2f %%\n", 100.0 * held / trials);
    assert_in_range(held, trials * 0.93, trials * 0.97);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(medians), cmocka_unit_test(no_samples),
                                       cmocka_unit_test(covers)};
    return cmocka_run_group_tests_name("bench/statistics", tests, NULL, NULL);
}
