/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/op_test.h"

static zoe_value batch_norm(zoe_graph *graph, const char *name, zoe_value x)
{
    const zoe_batch_norm_options options = zoe_batch_norm_options_default();
    return zoe_batch_norm(graph, name, x, &options);
}

static zoe_value first(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_relu(graph, "relu", zoe_add(graph, "add", batch_norm(graph, "bn", x[0]), x[1]));
}

static zoe_value second(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_relu(graph, "relu", zoe_add(graph, "add", x[0], batch_norm(graph, "bn", x[1])));
}

/* The shortcut has a batch norm too: one of them goes along, the other stays. */
static zoe_value both(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    const zoe_value a = batch_norm(graph, "bn", x[0]), b = batch_norm(graph, "down", x[1]);
    return zoe_relu(graph, "relu", zoe_add(graph, "add", a, b));
}

/* A whole residual block. */
static zoe_value block(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = zoe_graph_shape(graph, x[0]).c;
    conv.pad_h = conv.pad_w = 1;
    conv.bias = false;
    zoe_value y = batch_norm(graph, "bn1", zoe_conv2d(graph, "conv1", x[0], &conv));
    y = zoe_conv2d(graph, "conv2", zoe_relu(graph, "relu1", y), &conv);
    return zoe_relu(graph, "relu2", zoe_add(graph, "add", batch_norm(graph, "bn2", y), x[0]));
}

#define FUSED .fused = "batch_norm+add+relu"

static const op_case cases[] = {
    {"one channel", first, .inputs = 2, .x = {{3, 1, 2, 2}, {3, 1, 2, 2}}, FUSED},
    {"odd", first, .inputs = 2, .x = {{2, 9, 5, 7}, {2, 9, 5, 7}}, FUSED},
    {"the other way round", second, .inputs = 2, .x = {{2, 9, 5, 7}, {2, 9, 5, 7}}, FUSED},
    {"two batch norms", both, .inputs = 2, .x = {{2, 17, 3, 4}, {2, 17, 3, 4}}, FUSED},
    {"several chunks", first, .inputs = 2, .x = {{3, 8, 37, 41}, {3, 8, 37, 41}}, FUSED},
    {"residual block", block, .inputs = 1, .x = {{2, 16, 9, 7}}, .tolerance = 1e-4, FUSED},
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
