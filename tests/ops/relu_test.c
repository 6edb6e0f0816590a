/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_relu(graph, "relu", x[0]);
}

/* NaN, infinities and both zeros among ordinary numbers. */
static void fill_special(const op_case *test, int i, void *data, zoe__random *random)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, -1e-40f};
    float *x = data;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++)
        x[k] = k % 3 ? special[k % COUNT(special)] : (float)zoe__random_normal(random);
}

static const op_case cases[] = {
    {"one number", build, .inputs = 1, .x = {{1, 1, 1, 1}}},
    {"odd", build, .inputs = 1, .x = {{2, 9, 5, 7}}},
    {"vector", build, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"whole blocks", build, .inputs = 1, .x = {{2, 16, 13, 3}}},
    {"three channels", build, .inputs = 1, .x = {{1, 3, 1, 11}}},
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

/* A NaN must come out as a NaN: a diverged run has to show. */
static void keeps_nan(void **state)
{
    (void)state;
    const op_case special = {"special numbers", build, .inputs = 1, .x = {{2, 9, 3, 5}}, .fill = fill_special};
    op_result host;
    op_run(&host, &special, &(op_device){.name = "host"}, 0);
    const op_tensor *y = op_result_find(&host, "y");
    size_t nans = 0;
    for (size_t k = 0; k < y->count; k++) nans += isnan(y->data[k]) != 0;
    assert_true(nans > 0);
    op_result_free(&host);
    op_test_devices(&special, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(keeps_nan),
    };
    return cmocka_run_group_tests_name("ops/relu", tests, NULL, NULL);
}
