/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_lrn(graph, "lrn", x[0], options);
}

static const zoe_lrn_options caffe = {.size = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 1};
static const zoe_lrn_options strong = {.size = 5, .alpha = 0.8f, .beta = 0.75f, .k = 1};
static const zoe_lrn_options beta = {.size = 3, .alpha = 0.5f, .beta = 0.4f, .k = 2};
static const zoe_lrn_options wide = {.size = 17, .alpha = 0.9f, .beta = 0.75f, .k = 1};
static const zoe_lrn_options single = {.size = 1, .alpha = 1, .beta = 1, .k = 0.5f};
static const zoe_lrn_options wider = {.size = 19, .alpha = 0.9f, .beta = 0.75f, .k = 1};

static const op_case cases[] = {
    {"AlexNet", build, &caffe, .inputs = 1, .x = {{1, 96, 5, 5}}, .scale = 20},
    {"strong", build, &strong, .inputs = 1, .x = {{2, 17, 3, 3}}},
    {"another beta", build, &beta, .inputs = 1, .x = {{2, 9, 3, 5}}},
    {"one channel", build, &strong, .inputs = 1, .x = {{2, 1, 3, 5}}},
    {"wide window", build, &wide, .inputs = 1, .x = {{1, 25, 3, 3}}},
    {"window of one", build, &single, .inputs = 1, .x = {{1, 8, 3, 3}}},
    {"wider than kernels go", build, &wider, .inputs = 1, .x = {{1, 25, 3, 3}}},
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

static void figures_by_hand(void **state)
{
    (void)state;
    const op_case test = {"ones", build, &strong, .inputs = 1, .x = {{1, 6, 1, 1}}, .fill = fill_ones};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *y = op_result_find(&host, "y")->data;
    const int window[6] = {3, 4, 5, 5, 4, 3};
    for (int c = 0; c < 6; c++) assert_float_equal(y[c], pow(1 + 0.8 / 5 * window[c], -0.75), 1e-6);
    op_result_free(&host);
}

static void mistakes(void **state)
{
    (void)state;
    const zoe_lrn_options even = {.size = 4, .alpha = 1, .beta = 1, .k = 1}, no_k = {.size = 5, .alpha = 1, .beta = 1};
    const op_case a = {"even", build, &even, .inputs = 1, .x = {{1, 8, 3, 3}}};
    op_test_mistake(&a, ZOE_CONFIG, "lrn (lrn): size 4 must be odd, 1..1023");
    const op_case b = {"k", build, &no_k, .inputs = 1, .x = {{1, 8, 3, 3}}};
    op_test_mistake(&b, ZOE_CONFIG, "k 0 must be above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/lrn", tests, NULL, NULL);
}
