/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_global_max_pool(graph, "pool", x[0]);
}

/* Few values, so that a maximum has several places; all below zero, so that a halo of zeros would win. */
static void fill_ties(const op_case *test, int i, void *data, zoe__random *random)
{
    float *x = data;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) x[k] = (float)zoe__random_range(random, -3, -1);
}

static void fill_special(const op_case *test, int i, void *data, zoe__random *random)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY};
    float *x = data;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) x[k] = special[zoe__random_below(random, COUNT(special))];
}

static const op_case cases[] = {
    {"one pixel", build, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"odd", build, .inputs = 1, .x = {{2, 9, 5, 3}}},
    {"7x7", build, .inputs = 1, .x = {{1, 8, 7, 7}}},
    {"many pixels", build, .inputs = 1, .x = {{2, 3, 57, 61}}, .offset = -9},
    {"ties", build, .inputs = 1, .x = {{2, 9, 5, 3}}, .fill = fill_ties, .ties = true},
    {"ties, more than a group", build, .inputs = 1, .x = {{2, 9, 15, 13}}, .fill = fill_ties, .ties = true},
    {"special, more than a group", build, .inputs = 1, .x = {{2, 9, 9, 8}}, .fill = fill_special, .ties = true},
    {"special", build, .inputs = 1, .x = {{4, 9, 2, 3}}, .fill = fill_special, .ties = true},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

static void gradients(void **state)
{
    (void)state;
    op_test_gradients(cases, COUNT(cases));
}

static void fill_constant(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) ((float *)data)[k] = -1;
}

/* Of equal numbers the first one, in row order, gets the gradient. */
static void first_maximum_wins(void **state)
{
    (void)state;
    const op_case test = {"constant", build, .inputs = 1, .x = {{1, 1, 2, 4}}, .fill = fill_constant};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *dx = op_result_find(&host, "dx0")->data;
    for (int k = 1; k < 8; k++) assert_true(dx[k] == 0);
    assert_true(dx[0] != 0);
    op_result_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(first_maximum_wins),
    };
    return cmocka_run_group_tests_name("ops/global_max_pool", tests, NULL, NULL);
}
