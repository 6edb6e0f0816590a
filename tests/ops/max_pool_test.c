/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_max_pool(graph, "pool", x[0], options);
}

static const zoe_pool_options k2s2 = {.kernel = 2, .stride = 2};
static const zoe_pool_options k3s2 = {.kernel = 3, .stride = 2};
static const zoe_pool_options k3s2p1 = {.kernel = 3, .stride = 2, .pad = 1};
static const zoe_pool_options k3s2ceil = {.kernel = 3, .stride = 2, .ceil = true};
static const zoe_pool_options k3s2p1ceil = {.kernel = 3, .stride = 2, .pad = 1, .ceil = true};
static const zoe_pool_options k1s3ceil = {.kernel = 1, .stride = 3, .ceil = true};
static const zoe_pool_options k5s1p2 = {.kernel = 5, .stride = 1, .pad = 2};
static const zoe_pool_options k17s1 = {.kernel = 17, .stride = 1, .pad = 8};

/* Few values, so that most windows have several maxima; all below zero, so that a padding of zeros would win. */
static void fill_ties(const op_case *test, int i, void *data, zoe__random *random)
{
    float *x = data;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) x[k] = (float)zoe__random_range(random, -3, -1);
}

static void fill_special(const op_case *test, int i, void *data, zoe__random *random)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, -INFINITY, -INFINITY};
    float *x = data;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) x[k] = special[zoe__random_below(random, COUNT(special))];
}

static const op_case cases[] = {
    {"2x2 / 2", build, &k2s2, .inputs = 1, .x = {{2, 9, 5, 7}}},
    {"3x3 / 2", build, &k3s2, .inputs = 1, .x = {{2, 3, 9, 11}}},
    {"3x3 / 2 pad 1", build, &k3s2p1, .inputs = 1, .x = {{1, 17, 7, 5}}},
    {"3x3 / 2 ceil", build, &k3s2ceil, .inputs = 1, .x = {{2, 8, 6, 8}}},
    {"3x3 / 2 ceil on 2x2", build, &k3s2ceil, .inputs = 1, .x = {{3, 1, 2, 2}}},
    {"3x3 / 2 pad 1 ceil", build, &k3s2p1ceil, .inputs = 1, .x = {{1, 7, 6, 5}}},
    {"1x1 / 3 ceil", build, &k1s3ceil, .inputs = 1, .x = {{1, 8, 5, 8}}},
    {"overlapping 5x5", build, &k5s1p2, .inputs = 1, .x = {{1, 3, 4, 6}}},
    {"large 17x17", build, &k17s1, .inputs = 1, .x = {{1, 2, 9, 13}}},
    {"ties", build, &k3s2p1, .inputs = 1, .x = {{2, 9, 9, 11}}, .fill = fill_ties, .ties = true},
    {"special", build, &k3s2p1, .inputs = 1, .x = {{2, 9, 9, 11}}, .fill = fill_special, .ties = true},
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

static void fill_constant(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++) ((float *)data)[k] = -1;
}

/* Of equal numbers the first one, in row order, gets the gradient. */
static void first_maximum_wins(void **state)
{
    (void)state;
    const op_case test = {"constant", build, &k2s2, .inputs = 1, .x = {{1, 1, 2, 4}}, .fill = fill_constant};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *dx = op_result_find(&host, "dx0")->data;
    for (int k = 0; k < 8; k++)
        if (k != 0 && k != 2) assert_true(dx[k] == 0);
    assert_true(dx[0] != 0 && dx[2] != 0);
    op_result_free(&host);
}

static void check_size(const zoe_pool_options *options, int size, int wanted)
{
    zoe_context *context;
    zoe_graph *graph;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, context), ZOE_OK);
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){1, 1, size, size});
    assert_int_equal(zoe_graph_shape(graph, zoe_max_pool(graph, "pool", x, options)).h, wanted);
    zoe_graph_free(&graph);
    zoe_context_free(&context);
}

/* Sizes that Caffe and PyTorch give. */
static void output_sizes(void **state)
{
    (void)state;
    check_size(&k3s2, 55, 27);
    check_size(&k3s2ceil, 55, 27);
    check_size(&k3s2, 54, 26);
    check_size(&k3s2ceil, 54, 27);
    check_size(&k3s2p1, 112, 56);
    check_size(&k3s2p1ceil, 112, 57);
    check_size(&k1s3ceil, 5, 2); /* a third window would start past the end */
    check_size(&k3s2ceil, 2, 1);
}

static void mistakes(void **state)
{
    (void)state;
    const zoe_pool_options pad = {.kernel = 3, .stride = 2, .pad = 3}, stride = {.kernel = 3, .stride = 0};
    const op_case a = {"pad", build, &pad, .inputs = 1, .x = {{1, 2, 5, 5}}};
    op_test_mistake(&a, ZOE_CONFIG, "pool (max_pool): pad 3 must be at least 0 and less than kernel 3");
    const op_case b = {"stride", build, &stride, .inputs = 1, .x = {{1, 2, 5, 5}}};
    op_test_mistake(&b, ZOE_CONFIG, "kernel 3 and stride 0 must be in 1..4096");
    const op_case c = {"too big", build, &k3s2, .inputs = 1, .x = {{1, 2, 2, 5}}};
    op_test_mistake(&c, ZOE_SHAPE, "kernel 3 does not fit into 2x5 with pad 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),       cmocka_unit_test(gradients), cmocka_unit_test(first_maximum_wins),
        cmocka_unit_test(output_sizes), cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/max_pool", tests, NULL, NULL);
}
