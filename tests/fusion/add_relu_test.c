/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_relu(graph, "relu", zoe_add(graph, "add", x[0], x[1]));
}

#define FUSED .fused = "add+relu"

static const op_case cases[] = {
    {"one number", build, .inputs = 2, .x = {{1, 1, 1, 1}, {1, 1, 1, 1}}, FUSED},
    {"odd", build, .inputs = 2, .x = {{2, 9, 5, 7}, {2, 9, 5, 7}}, FUSED},
    {"whole blocks", build, .inputs = 2, .x = {{2, 16, 13, 3}, {2, 16, 13, 3}}, FUSED},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
