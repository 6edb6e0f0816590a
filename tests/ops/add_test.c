/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_add(graph, "add", x[0], x[1]);
}

static zoe_value build_twice(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_add(graph, "add", x[0], x[0]);
}

static const op_case cases[] = {
    {"one number", build, .inputs = 2, .x = {{1, 1, 1, 1}, {1, 1, 1, 1}}},
    {"odd", build, .inputs = 2, .x = {{2, 9, 5, 7}, {2, 9, 5, 7}}},
    {"vector", build, .inputs = 2, .x = {{3, 17, 1, 1}, {3, 17, 1, 1}}},
    {"a value with itself", build_twice, .inputs = 1, .x = {{2, 7, 3, 5}}},
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

static void mistakes(void **state)
{
    (void)state;
    const op_case shapes = {"shapes", build, .inputs = 2, .x = {{1, 2, 3, 4}, {1, 2, 3, 5}}};
    op_test_mistake(&shapes, ZOE_SHAPE, "add (add): shapes 1x2x3x4 and 1x2x3x5 differ");
    const op_case types = {"types", build, .inputs = 2, .x = {{1, 2, 3, 4}, {1, 2, 3, 4}}, .dtype = {ZOE_F32, ZOE_I32}};
    op_test_mistake(&types, ZOE_SHAPE, "input 1 must be of type F32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/add", tests, NULL, NULL);
}
