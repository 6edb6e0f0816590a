/* SPDX-License-Identifier: Apache-2.0
 *
 * When a result is right: the hash sees every changed bit, also two that lie where they could cancel, and the length;
 * the limits count both ways. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/once.h"

enum { COUNT = 1000 };

static void differs(const float *a, const float *b, size_t bytes_a, size_t bytes_b)
{
    char x[65], y[65];
    zoe__once_hash(a, bytes_a, x);
    zoe__once_hash(b, bytes_b, y);
    assert_string_not_equal(x, y);
}

static void changes(void **state)
{
    float a[COUNT], b[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++) a[i] = (float)i - 300.5f;
    memcpy(b, a, sizeof b);
    char x[65], y[65];
    zoe__once_hash(a, sizeof a, x);
    zoe__once_hash(b, sizeof b, y);
    assert_string_equal(x, y);
    for (int i = 0; i < COUNT; i++) {
        b[i] = -b[i];
        differs(a, b, sizeof a, sizeof b);
        b[i] = a[i];
    }
    /* 64 numbers on they meet in the same sum. */
    for (int i = 0; i + 64 < COUNT; i++) {
        b[i] = -b[i];
        b[i + 64] = -b[i + 64];
        differs(a, b, sizeof a, sizeof b);
        b[i] = a[i];
        b[i + 64] = a[i + 64];
    }
    memset(b, 0, sizeof b);
    differs(b, b, sizeof b, sizeof b - sizeof *b); /* zeros that are not there */
}

/* Both bounds count, and what is no number is wrong. */
static void limits(void **state)
{
    (void)state;
    const zoe__limits single = zoe__bench_limits(false), half = zoe__bench_limits(true);
    assert_true(zoe__bench_is_right(single, 1e-9, 1e-4));
    assert_false(zoe__bench_is_right(single, 2e-9, 1e-5));
    assert_false(zoe__bench_is_right(single, 1e-12, 2e-4)); /* a wrong place among many right ones */
    assert_false(zoe__bench_is_right(single, NAN, 0));
    assert_false(zoe__bench_is_right(single, 0, NAN));
    assert_true(zoe__bench_is_right(half, 1e-7, 5e-4));
    assert_false(zoe__bench_is_right(half, 1e-7, 1e-2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes), cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
