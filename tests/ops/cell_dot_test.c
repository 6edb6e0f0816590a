/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_cell_dot(graph, "dot", x[0], x[1]);
}

static const op_case cases[] = {
    {"8x8 cells", build, .inputs = 2, .x = {{3, 128, 8, 8}, {3, 128, 1, 1}}},
    {"odd", build, .inputs = 2, .x = {{2, 9, 5, 3}, {2, 9, 1, 1}}},
    {"more than a group", build, .inputs = 2, .x = {{2, 11, 9, 17}, {2, 11, 1, 1}}},
    {"one cell", build, .inputs = 2, .x = {{4, 17, 1, 1}, {4, 17, 1, 1}}},
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
    const op_case test = {"channels", build, .inputs = 2, .x = {{2, 9, 5, 3}, {2, 8, 1, 1}}};
    op_test_mistake(&test, ZOE_SHAPE, "dot (cell_dot): map 2x9x5x3 and vector 2x8x1x1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/cell_dot", tests, NULL, NULL);
}
