/* SPDX-License-Identifier: Apache-2.0
 *
 * Neighbours, shares, chance and pixels on rows whose answers are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/philox.h"
#include "evaluate/nearest.h"

/* Rows on a circle: the nearer the angle, the larger the cosine; lengths must not matter. */
static void test_angles(void **state)
{
    enum { N = 7 };
    static const double degrees[N] = {0, 10, 25, 90, 100, 180, 265};
    static const size_t group[N] = {0, 1, 2, 3, 4, 5, 6};
    float rows[N][2];
    size_t nearest[N][ZOE__NEAREST];
    (void)state;
    for (int i = 0; i < N; i++) {
        const double length = 1 + 10 * i, angle = degrees[i] * 3.14159265358979 / 180;
        rows[i][0] = (float)(length * cos(angle));
        rows[i][1] = (float)(length * sin(angle));
    }
    zoe__rows_normalise(&rows[0][0], N, 2);
    assert_int_equal(zoe__rows_nearest(NULL, &rows[0][0], N, 2, group, 1, nearest), ZOE_OK);
    static const size_t of_0[ZOE__NEAREST] = {1, 2, 3, 6, 4}, of_4[ZOE__NEAREST] = {3, 2, 5, 1, 0};
    assert_memory_equal(nearest[0], of_0, sizeof of_0);
    assert_memory_equal(nearest[4], of_4, sizeof of_4);
    assert_int_equal(nearest[5][0], 4);
    assert_int_equal(nearest[6][0], 5);
}

static void test_own_group_is_left_out(void **state)
{
    enum { N = 5 };
    float rows[N][3] = {{1, 0, 0}, {1, 0.01f, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 0}};
    static const size_t group[N] = {8, 8, 8, 9, 9};
    size_t nearest[N][ZOE__NEAREST];
    (void)state;
    zoe__rows_normalise(&rows[0][0], N, 3);
    assert_int_equal(zoe__rows_nearest(NULL, &rows[0][0], N, 3, group, 2, nearest), ZOE_OK);
    assert_int_equal(nearest[0][0], 3); /* row 1 is nearer, but of its own group */
    assert_int_equal(nearest[0][1], 4); /* the row of zeros has a cosine of 0 */
    assert_true(nearest[0][2] == SIZE_MAX);
    static const size_t of_3[3] = {1, 0, 2}, of_4[3] = {0, 1, 2}; /* equal ones in the order of their numbers */
    assert_memory_equal(nearest[3], of_3, sizeof of_3);
    assert_memory_equal(nearest[4], of_4, sizeof of_4);
    assert_true(nearest[4][3] == SIZE_MAX);
}

/* Against the plain definition in double, for widths that are no multiple of anything; any number of threads gives the
 * same. */
static void check_random(size_t n, size_t d)
{
    float *rows = malloc(n * d * sizeof *rows);
    size_t *group = malloc(n * sizeof *group);
    size_t(*one)[ZOE__NEAREST] = malloc(n * sizeof *one), (*three)[ZOE__NEAREST] = malloc(n * sizeof *three);
    zoe__random random;
    zoe__random_init(&random, 3, n, (uint32_t)d);
    for (size_t i = 0; i < n * d; i++) rows[i] = (float)zoe__random_normal(&random);
    for (size_t i = 0; i < n; i++) group[i] = i / 3;
    zoe__rows_normalise(rows, n, d);
    assert_int_equal(zoe__rows_nearest(NULL, rows, n, d, group, 1, one), ZOE_OK);
    assert_int_equal(zoe__rows_nearest(NULL, rows, n, d, group, 3, three), ZOE_OK);
    assert_memory_equal(one, three, n * sizeof *one);
    for (size_t i = 0; i < n; i++) {
        double found = 0, best = -2, length = 0;
        for (size_t k = 0; k < d; k++) length += (double)rows[i * d + k] * (double)rows[i * d + k];
        assert_true(fabs(length - 1) < 1e-5);
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < d; k++) sum += (double)rows[i * d + k] * (double)rows[j * d + k];
            if (group[j] != group[i] && sum > best) best = sum;
            if (j == one[i][0]) found = sum;
        }
        assert_true(group[one[i][0]] != group[i]);
        assert_true(fabs(found - best) < 1e-5);
    }
    free(rows);
    free(group);
    free(one);
    free(three);
}

static void test_random(void **state)
{
    (void)state;
    check_random(4, 1);
    check_random(13, 5);
    check_random(40, 63);
    check_random(9, 2051); /* more than a piece of a row */
}

static void test_shares(void **state)
{
    enum { N = 4 };
    const size_t none = SIZE_MAX;
    static const size_t label[N] = {0, 0, 1, 1};
    size_t nearest[N][ZOE__NEAREST] = {
        {1, 2, 3, none, none}, {2, 3, 0, none, none}, {0, 1, none, none, none}, {2, 0, 1, none, none}};
    (void)state;
    const zoe__shares shares = zoe__rows_shares(nearest, N, label);
    assert_true(shares.top1 == 0.5);  /* rows 0 and 3 */
    assert_true(shares.top5 == 0.75); /* and row 1, at the third place */
}

/* Three clips of two frames, labels A A B: a frame of the first sees A in 2 of 4, one of the third never. Five draws
 * out of four frames find what is there. */
static void test_chance(void **state)
{
    static const size_t group[6] = {0, 0, 1, 1, 2, 2}, label[6] = {0, 0, 0, 0, 1, 1};
    (void)state;
    const zoe__shares chance = zoe__rows_chance(6, label, group);
    assert_true(fabs(chance.top1 - (4 * 0.5 + 2 * 0) / 6) < 1e-12);
    assert_true(fabs(chance.top5 - 4.0 / 6) < 1e-12);
}

/* Of 10 others 2 have the label: five draws without replacement miss it with 8/10 * 7/9 * 6/8 * 5/7 * 4/6 = 2/9. */
static void test_chance_of_five(void **state)
{
    size_t group[11], label[11];
    (void)state;
    for (size_t i = 0; i < 11; i++) {
        group[i] = i;
        label[i] = i < 3 ? 0 : i; /* the rest have labels of their own */
    }
    const zoe__shares chance = zoe__rows_chance(11, label, group);
    assert_true(fabs(chance.top1 - 3 * 0.2 / 11) < 1e-12);
    assert_true(fabs(chance.top5 - 3 * (7.0 / 9) / 11) < 1e-12);
}

/* 3 x 5 pixels to 2 x 2: windows overlap as in PyTorch's adaptive average pooling: rows 0-1 and 1-2, columns 0-2 and
 * 2-4. */
static void test_pixels(void **state)
{
    enum { H = 3, W = 5 };
    uint8_t rgb[H][W][3];
    float rows[3][2][2];
    (void)state;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int c = 0; c < 3; c++) rgb[y][x][c] = (uint8_t)(10 * y + x + 100 * (c == 1));
    zoe__rows_pixels(&rgb[0][0][0], 1, W, H, 2, &rows[0][0][0]);
    assert_true(fabs((double)rows[0][0][0] - (5 + 1) / 255.0) < 1e-6);
    assert_true(fabs((double)rows[0][0][1] - (5 + 3) / 255.0) < 1e-6);
    assert_true(fabs((double)rows[2][1][0] - (15 + 1) / 255.0) < 1e-6);
    assert_true(fabs((double)rows[1][1][1] - (15 + 3 + 100) / 255.0) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_angles), cmocka_unit_test(test_own_group_is_left_out),
        cmocka_unit_test(test_random), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_chance), cmocka_unit_test(test_chance_of_five),
        cmocka_unit_test(test_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
