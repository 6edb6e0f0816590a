/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_softmax_cross_entropy(graph, "loss", x[0], x[1]);
}

/* Logits as usual; labels from -1 (left out) to K. */
static void fill(const op_case *test, int i, void *data, zoe__random *random)
{
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) {
        if (i == 1)
            ((int32_t *)data)[k] = zoe__random_range(random, -1, test->x[0].c);
        else
            ((float *)data)[k] =
                (float)zoe__random_normal(random) * (test->scale != 0 ? test->scale : 1) + test->offset;
    }
}

#define CASE(text, n, k)                                                                                               \
    text, build, .inputs = 2, .x = {{n, k, 1, 1}, {n, 1, 1, 1}}, .dtype = {ZOE_F32, ZOE_I32}, .fill = fill,            \
                 .is_loss = true

static const op_case cases[] = {
    {CASE("two classes", 5, 2)},     {CASE("one image", 1, 3)},
    {CASE("one class", 2, 1)},       {CASE("whole blocks", 3, 16)},
    {CASE("many classes", 37, 101)}, {CASE("large logits", 7, 9), .scale = 60, .offset = 1000},
    {CASE("more than a group", 70, 601)},
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
    (void)random;
    if (i == 0) memcpy(data, (float[]){1, 3, 0, 0, 7, 7}, 6 * sizeof(float));
    if (i == 1) memcpy(data, (int32_t[]){1, 0, 2}, 3 * sizeof(int32_t)); /* the third is no class: left out */
}

static void figures_by_hand(void **state)
{
    (void)state;
    const op_case test = {CASE("hand", 3, 2)};
    op_case by_hand = test;
    by_hand.fill = fill_hand;
    op_result host;
    op_run(&host, &by_hand, &(op_device){.name = "host"}, 0);
    assert_float_equal(op_result_find(&host, "y")->data[0], (log(1 + exp(-2)) + log(2)) / 3, 1e-6);
    const float *dx = op_result_find(&host, "dx0")->data;
    const double p = 1 / (1 + exp(2));
    const double wanted[6] = {p / 3, -p / 3, -0.5 / 3, 0.5 / 3, 0, 0};
    for (int k = 0; k < 6; k++) assert_float_equal(dx[k], wanted[k], 1e-6);
    op_result_free(&host);
}

static void fill_nan(const op_case *test, int i, void *data, zoe__random *random)
{
    fill(test, i, data, random);
    if (i == 0) ((float *)data)[4] = NAN;
    for (int k = 0; i == 1 && k < test->x[1].n; k++) ((int32_t *)data)[k] = 0;
}

/* A NaN in the logits must reach the loss. */
static void keeps_nan(void **state)
{
    (void)state;
    op_case test = {CASE("nan", 3, 9)};
    test.fill = fill_nan;
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    assert_true(isnan(op_result_find(&host, "y")->data[0]));
    op_result_free(&host);
    op_test_devices(&test, 1);
}

static void mistakes(void **state)
{
    (void)state;
    op_case test = {CASE("labels", 3, 9)};
    test.x[1].n = 2;
    op_test_mistake(&test, ZOE_SHAPE, "logits 3x9x1x1 and labels 2x1x1x1");
    test.x[1].n = 3;
    test.dtype[1] = ZOE_F32;
    op_test_mistake(&test, ZOE_SHAPE, "labels must be of type I32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),    cmocka_unit_test(gradients), cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(keeps_nan), cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/softmax_cross_entropy", tests, NULL, NULL);
}
