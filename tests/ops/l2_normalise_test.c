/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

typedef struct floor_of {
    float eps;
} floor_of;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_l2_normalise(graph, "l2", x[0], ((const floor_of *)options)->eps);
}

static const floor_of small = {1e-12f}, large = {100};

static const op_case cases[] = {
    {"vector", build, &small, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"one number", build, &small, .inputs = 1, .x = {{2, 1, 1, 1}}},
    {"odd", build, &small, .inputs = 1, .x = {{2, 9, 5, 3}}},
    {"tiny", build, &small, .inputs = 1, .x = {{2, 9, 1, 1}}, .scale = 1e-8f},
    {"below eps", build, &large, .inputs = 1, .x = {{2, 9, 3, 1}}},
    {"long", build, &small, .inputs = 1, .x = {{2, 1024, 3, 3}}},
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
    (void)i;
    (void)random;
    memcpy(data, (float[]){3, 4, 0, 0}, 4 * sizeof(float));
}

/* 3, 4 becomes 0.6, 0.8; nothing stays nothing. */
static void figures_by_hand(void **state)
{
    (void)state;
    const op_case test = {"hand", build, &small, .inputs = 1, .x = {{2, 2, 1, 1}}, .fill = fill_hand};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *y = op_result_find(&host, "y")->data;
    assert_float_equal(y[0], 0.6, 1e-6);
    assert_float_equal(y[1], 0.8, 1e-6);
    assert_true(y[2] == 0 && y[3] == 0);
    op_result_free(&host);
}

static void mistakes(void **state)
{
    (void)state;
    const floor_of none = {0};
    const op_case test = {"eps", build, &none, .inputs = 1, .x = {{1, 8, 1, 1}}};
    op_test_mistake(&test, ZOE_CONFIG, "l2 (l2_normalise): eps 0 must be above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/l2_normalise", tests, NULL, NULL);
}
