/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_average_pool(graph, "pool", x[0], options);
}

static const zoe_pool_options k2s2 = {.kernel = 2, .stride = 2, .count_include_pad = true};
static const zoe_pool_options k3s2p1 = {.kernel = 3, .stride = 2, .pad = 1, .count_include_pad = true};
static const zoe_pool_options k3s2p1valid = {.kernel = 3, .stride = 2, .pad = 1};
static const zoe_pool_options k3s2p1ceil = {
    .kernel = 3, .stride = 2, .pad = 1, .ceil = true, .count_include_pad = true};
static const zoe_pool_options k3s2ceilvalid = {.kernel = 3, .stride = 2, .ceil = true};
static const zoe_pool_options k7s1 = {.kernel = 7, .stride = 1};

static const op_case cases[] = {
    {"2x2 / 2", build, &k2s2, .inputs = 1, .x = {{2, 9, 5, 7}}},
    {"3x3 / 2 pad 1", build, &k3s2p1, .inputs = 1, .x = {{1, 17, 7, 3}}},
    {"3x3 / 2 pad 1, pixels only", build, &k3s2p1valid, .inputs = 1, .x = {{2, 3, 6, 5}}},
    {"3x3 / 2 pad 1 ceil", build, &k3s2p1ceil, .inputs = 1, .x = {{3, 8, 4, 2}}},
    {"3x3 / 2 ceil, pixels only", build, &k3s2ceilvalid, .inputs = 1, .x = {{1, 7, 4, 6}}},
    {"7x7 on 7x7", build, &k7s1, .inputs = 1, .x = {{2, 1, 7, 7}}},
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

static void fill_ones(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) ((float *)data)[k] = 1;
}

/* The mean of ones: in a corner 4 of 9 places are pixels; ceil's last window has 2 x 2 places, one of them a pixel. */
static void counts_by_hand(void **state)
{
    (void)state;
    const op_case padded = {"ones", build, &k3s2p1ceil, .inputs = 1, .x = {{1, 1, 4, 4}}, .fill = fill_ones};
    const op_case pixels = {"ones", build, &k3s2p1valid, .inputs = 1, .x = {{1, 1, 4, 4}}, .fill = fill_ones};
    op_result a, b;
    op_run(&a, &padded, &(op_device){.name = "host"}, 0);
    const op_tensor *y = op_result_find(&a, "y");
    assert_int_equal(y->count, 9);
    assert_float_equal(y->data[0], 4.0 / 9, 1e-6);
    assert_float_equal(y->data[4], 1, 1e-6);
    assert_float_equal(y->data[8], 1.0 / 4, 1e-6);
    op_run(&b, &pixels, &(op_device){.name = "host"}, 0);
    y = op_result_find(&b, "y");
    for (size_t k = 0; k < y->count; k++) assert_float_equal(y->data[k], 1, 1e-6);
    op_result_free(&a);
    op_result_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(counts_by_hand),
    };
    return cmocka_run_group_tests_name("ops/average_pool", tests, NULL, NULL);
}
