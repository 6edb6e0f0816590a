/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_distance(graph, "distance", x[0], x[1], *(const float *)options);
}

static const float eps = 1e-6f, large = 2;

static const op_case cases[] = {
    {"vectors", build, &eps, .inputs = 2, .x = {{5, 128, 1, 1}, {5, 128, 1, 1}}},
    {"odd channels", build, &eps, .inputs = 2, .x = {{3, 17, 1, 1}, {3, 17, 1, 1}}},
    {"one number", build, &large, .inputs = 2, .x = {{1, 1, 1, 1}, {1, 1, 1, 1}}},
    {"more than a group", build, &eps, .inputs = 2, .x = {{2, 27, 9, 13}, {2, 27, 9, 13}}},
    {"maps", build, &large, .inputs = 2, .x = {{2, 9, 3, 5}, {2, 9, 3, 5}}},
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

static void fill_hand(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)test;
    (void)random;
    memcpy(data, i == 0 ? (float[]){1, 2, 5, 5} : (float[]){4, 6, 5, 5}, 4 * sizeof(float));
}

/* 3, 4, 5; and rows that are equal: sqrt(eps) with a gradient of 0. */
static void figures_by_hand(void **state)
{
    (void)state;
    const op_case test = {"hand", build, &eps, .inputs = 2, .x = {{2, 2, 1, 1}, {2, 2, 1, 1}}, .fill = fill_hand};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    assert_float_equal(op_result_find(&host, "y")->data[0], 5, 1e-5);
    assert_float_equal(op_result_find(&host, "y")->data[1], 1e-3, 1e-6);
    assert_true(op_result_find(&host, "dx0")->data[2] == 0 && op_result_find(&host, "dx1")->data[3] == 0);
    op_result_free(&host);
}

static void mistakes(void **state)
{
    (void)state;
    const float zero = 0;
    op_case test = {"shapes", build, &eps, .inputs = 2, .x = {{2, 9, 1, 1}, {2, 8, 1, 1}}};
    op_test_mistake(&test, ZOE_SHAPE, "distance (distance): 2x9x1x1 and 2x8x1x1");
    test.x[1].c = 9;
    test.options = &zero;
    op_test_mistake(&test, ZOE_CONFIG, "eps 0 must be above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/distance", tests, NULL, NULL);
}
