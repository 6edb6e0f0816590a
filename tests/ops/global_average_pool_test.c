/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_global_average_pool(graph, "pool", x[0]);
}

static const op_case cases[] = {
    {"one pixel", build, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"odd", build, .inputs = 1, .x = {{2, 9, 5, 3}}},
    {"7x7", build, .inputs = 1, .x = {{1, 8, 7, 7}}},
    {"many pixels", build, .inputs = 1, .x = {{2, 3, 57, 61}}, .offset = 2},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests_name("ops/global_average_pool", tests, NULL, NULL);
}
