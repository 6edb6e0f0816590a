/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ops/op_test.h"

typedef struct chain_options {
    zoe_pool_options pool;
    bool affine;
} chain_options;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const chain_options *o = options;
    zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    norm.affine = o->affine;
    const zoe_value y = zoe_relu(graph, "relu", zoe_batch_norm(graph, "bn", x[0], &norm));
    return zoe_max_pool(graph, "pool", y, &o->pool);
}

/* The gradient that reaches the convolution has zeros around it. */
static zoe_value build_after_convolution(zoe_graph *graph, const zoe_value *x, const void *options)
{
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = 16;
    conv.bias = false;
    conv.pad_h = conv.pad_w = 1;
    const zoe_value y = zoe_conv2d(graph, "conv", x[0], &conv);
    return build(graph, &y, options);
}

static const chain_options halves = {.pool = {.kernel = 2, .stride = 2}, .affine = true};
static const chain_options overlap = {.pool = {.kernel = 3, .stride = 2}, .affine = true};
static const chain_options padded = {.pool = {.kernel = 3, .stride = 2, .pad = 1}, .affine = true};
static const chain_options ceiling = {.pool = {.kernel = 3, .stride = 2, .ceil = true}, .affine = true};
static const chain_options gaps = {.pool = {.kernel = 2, .stride = 3}, .affine = true};
static const chain_options every = {.pool = {.kernel = 3, .stride = 1, .pad = 1}, .affine = false};
static const chain_options large = {.pool = {.kernel = 11, .stride = 4, .pad = 3}, .affine = true};

/* Few distinct numbers, so that windows have ties; and whole images below 0. */
static void fill_ties(const op_case *test, int i, void *data, zoe__random *random)
{
    float *x = data;
    const size_t count = zoe_shape_count(test->x[i]);
    for (size_t k = 0; k < count; k++) x[k] = (float)zoe__random_range(random, -2, 2) - (k < count / 4 ? 4 : 0);
}

#define FUSED .fused = "batch_norm+relu+max_pool"

static const op_case cases[] = {
    {"2x2", build, &halves, .inputs = 1, .x = {{2, 9, 6, 8}}, FUSED},
    {"2x2, odd size", build, &halves, .inputs = 1, .x = {{2, 17, 7, 5}}, FUSED},
    {"2x2, several chunks", build, &halves, .inputs = 1, .x = {{3, 16, 38, 42}}, FUSED},
    {"one window", build, &halves, .inputs = 1, .x = {{4, 3, 2, 2}}, FUSED},
    {"ties", build, &halves, .inputs = 1, .x = {{4, 8, 6, 6}}, .fill = fill_ties, FUSED},
    {"ties, overlapping", build, &padded, .inputs = 1, .x = {{4, 8, 7, 6}}, .fill = fill_ties, FUSED},
    {"overlapping", build, &overlap, .inputs = 1, .x = {{2, 9, 11, 9}}, FUSED},
    {"padded", build, &padded, .inputs = 1, .x = {{2, 9, 8, 7}}, FUSED},
    {"ceil", build, &ceiling, .inputs = 1, .x = {{2, 9, 8, 10}}, FUSED},
    {"gaps", build, &gaps, .inputs = 1, .x = {{2, 9, 8, 11}}, FUSED},
    {"stride 1, no weight and bias", build, &every, .inputs = 1, .x = {{2, 9, 4, 5}}, FUSED},
    {"after a convolution", build_after_convolution, &halves, .inputs = 1, .x = {{2, 16, 8, 6}}, .tolerance = 1e-4,
     FUSED},
    {"overlapping, after a convolution", build_after_convolution, &padded, .inputs = 1, .x = {{2, 16, 7, 6}},
     .tolerance = 1e-4, FUSED},
    {"large windows", build, &large, .inputs = 1, .x = {{1, 9, 17, 19}}, FUSED},
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
