/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

typedef struct ratio {
    float value;
} ratio;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_dropout(graph, "drop", x[0], ((const ratio *)options)->value);
}

static const ratio half = {0.5f}, third = {0.3f}, nothing = {0};

static const op_case cases[] = {
    {"vector", build, &half, .inputs = 1, .x = {{3, 24, 1, 1}}},
    {"vector, odd channels", build, &third, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"vector, channels by four", build, &third, .inputs = 1, .x = {{3, 12, 1, 1}}},
    {"picture", build, &third, .inputs = 1, .x = {{2, 9, 5, 3}}},
    {"nothing dropped", build, &nothing, .inputs = 1, .x = {{2, 7, 3, 3}}},
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

/* The share that is dropped is the ratio, what stays is scaled, and each micro-batch draws a mask of its own. */
static void mask(void **state)
{
    (void)state;
    const op_case test = {"ones", build, &third, .inputs = 1, .x = {{4, 5000, 1, 1}}, .fill = fill_ones};
    op_result one, two, still;
    op_run(&one, &test, &(op_device){.name = "host"}, 0);
    op_run(&two, &test, &(op_device){.name = "host"}, OP_MICRO);
    op_run(&still, &test, &(op_device){.name = "host"}, OP_INFERENCE);
    const op_tensor *y = op_result_find(&one, "y"), *other = op_result_find(&two, "y");
    size_t dropped = 0, differ = 0;
    for (size_t k = 0; k < y->count; k++) {
        dropped += y->data[k] == 0;
        differ += (y->data[k] == 0) != (other->data[k] == 0);
        if (y->data[k] != 0) assert_float_equal(y->data[k], 1 / 0.7, 1e-6);
        assert_true(op_result_find(&still, "y")->data[k] == 1);
    }
    assert_float_equal((double)dropped / 20000, 0.3, 0.015); /* 4.6 standard deviations */
    assert_float_equal((double)differ / 20000, 2 * 0.3 * 0.7, 0.02);
    op_result_free(&one);
    op_result_free(&two);
    op_result_free(&still);
}

static void mistakes(void **state)
{
    (void)state;
    const ratio all = {1}, nan = {NAN};
    const op_case a = {"all", build, &all, .inputs = 1, .x = {{1, 8, 3, 3}}};
    op_test_mistake(&a, ZOE_CONFIG, "drop (dropout): ratio 1 is not in 0 <= ratio < 1");
    const op_case b = {"nan", build, &nan, .inputs = 1, .x = {{1, 8, 3, 3}}};
    op_test_mistake(&b, ZOE_CONFIG, "is not in 0 <= ratio < 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(mask),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/dropout", tests, NULL, NULL);
}
