/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_relu(graph, "relu", zoe_batch_norm(graph, "bn", x[0], options));
}

/* Who reads y next decides nothing. */
static zoe_value build_before_pool(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const zoe_pool_options pool = zoe_pool_options_default();
    return zoe_average_pool(graph, "pool", build(graph, x, options), &pool);
}

static const zoe_batch_norm_options usual = {.eps = 1e-5f,
                                             .momentum = 0.1f,
                                             .affine = true,
                                             .weight_options = {ZOE_INIT_CONSTANT, 1, 1, 1},
                                             .bias_options = {ZOE_INIT_CONSTANT, 0, 1, 1}};
static const zoe_batch_norm_options plain = {.eps = 1e-3f, .momentum = 0.5f, .affine = false};

#define FUSED .fused = "batch_norm+relu"

static const op_case cases[] = {
    {"one channel", build, &usual, .inputs = 1, .x = {{3, 1, 2, 2}}, FUSED},
    {"odd", build, &usual, .inputs = 1, .x = {{2, 9, 5, 7}}, FUSED},
    {"vector", build, &usual, .inputs = 1, .x = {{5, 17, 1, 1}}, FUSED},
    {"no weight and bias", build, &plain, .inputs = 1, .x = {{2, 3, 6, 5}}, FUSED},
    {"several chunks", build, &usual, .inputs = 1, .x = {{3, 8, 37, 41}}, FUSED},
    {"far from 0", build, &usual, .inputs = 1, .x = {{4, 5, 9, 3}}, .offset = 20, .tolerance = 1e-4, FUSED},
    {"before a pool", build_before_pool, &usual, .inputs = 1, .x = {{2, 12, 6, 8}}, FUSED},
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
