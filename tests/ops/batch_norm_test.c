/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_batch_norm(graph, "bn", x[0], options);
}

static zoe_value build_default(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    const zoe_batch_norm_options o = zoe_batch_norm_options_default();
    return zoe_batch_norm(graph, "bn", x[0], &o);
}

static const zoe_batch_norm_options plain = {.eps = 1e-5f, .momentum = 0.3f, .affine = false};
static const zoe_batch_norm_options affine = {.eps = 1e-3f, .momentum = 0.25f, .affine = true};

static const op_case cases[] = {
    {"odd", build, &affine, .inputs = 1, .x = {{2, 9, 5, 7}}},
    {"without affine", build, &plain, .inputs = 1, .x = {{2, 9, 5, 7}}},
    {"vector", build_default, .inputs = 1, .x = {{5, 17, 1, 1}}},
    {"one channel", build, &affine, .inputs = 1, .x = {{3, 1, 1, 13}}},
    {"a batch of one", build, &affine, .inputs = 1, .x = {{1, 3, 3, 3}}},
    /* more than one chunk of rows, the last one shorter */
    {"chunks", build, &affine, .inputs = 1, .x = {{3, 8, 61, 33}}, .scale = 3},
    {"wide rows", build, &plain, .inputs = 1, .x = {{1, 7, 3, 1100}}},
    /* a mean 300 times the deviation: one pass of sums of squares would lose the variance */
    {"large mean", build, &plain, .inputs = 1, .x = {{3, 9, 31, 33}}, .offset = 300, .tolerance = 3e-4},
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

/* Two numbers a channel: mean, biased and unbiased variance by hand. */
static void fill_pair(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)test;
    (void)i;
    (void)random;
    memcpy(data, (float[]){1, 5}, 2 * sizeof(float));
}

static void figures_by_hand(void **state)
{
    (void)state;
    const op_case test = {"pair", build, &plain, .inputs = 1, .x = {{2, 1, 1, 1}}, .fill = fill_pair};
    op_result before, after;
    op_run(&before, &test, &(op_device){.name = "host"}, OP_INFERENCE);
    op_run(&after, &test, &(op_device){.name = "host"}, 0);
    const float *y = op_result_find(&after, "y")->data;
    assert_float_equal(y[0], -2 / sqrt(4 + 1e-5), 1e-6);
    assert_float_equal(y[1], 2 / sqrt(4 + 1e-5), 1e-6);
    const double mean = (double)op_result_find(&before, "bn.running_mean")->data[0];
    const double var = (double)op_result_find(&before, "bn.running_var")->data[0];
    assert_float_equal(op_result_find(&after, "bn.running_mean")->data[0], 0.7 * mean + 0.3 * 3, 1e-6);
    assert_float_equal(op_result_find(&after, "bn.running_var")->data[0], 0.7 * var + 0.3 * 8, 1e-6);
    op_result_free(&before);
    op_result_free(&after);
}

static void mistakes(void **state)
{
    (void)state;
    const zoe_batch_norm_options no_eps = {.eps = 0, .momentum = 0.1f}, momentum = {.eps = 1e-5f, .momentum = 1.5f};
    const op_case a = {"eps", build, &no_eps, .inputs = 1, .x = {{1, 2, 3, 4}}};
    op_test_mistake(&a, ZOE_CONFIG, "bn (batch_norm): eps 0 must be above 0");
    const op_case b = {"momentum", build, &momentum, .inputs = 1, .x = {{1, 2, 3, 4}}};
    op_test_mistake(&b, ZOE_CONFIG, "momentum 1.5 is not in 0..1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/batch_norm", tests, NULL, NULL);
}
