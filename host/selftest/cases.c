/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/cases.h"

static zoe_value conv(zoe_graph *graph, const zoe_value *x, const int *a)
{
    zoe_conv2d_options o = zoe_conv2d_options_default();
    o.filters = a[0];
    o.kernel_h = a[1];
    o.kernel_w = a[2];
    o.stride_h = o.stride_w = a[3];
    o.pad_h = o.pad_w = a[4];
    o.groups = a[5];
    o.bias = o.relu = a[6];
    return zoe_conv2d(graph, "op", x[0], &o);
}

static zoe_value conv_norm(zoe_graph *graph, const zoe_value *x, const int *a)
{
    const zoe_batch_norm_options o = zoe_batch_norm_options_default();
    return zoe_batch_norm(graph, "norm", conv(graph, x, a), &o);
}

static zoe_value linear(zoe_graph *graph, const zoe_value *x, const int *a)
{
    zoe_linear_options o = zoe_linear_options_default();
    o.outputs = a[0];
    o.bias = o.relu = a[1];
    return zoe_linear(graph, "op", x[0], &o);
}

static zoe_value batch_norm(zoe_graph *graph, const zoe_value *x, const int *a)
{
    const zoe_batch_norm_options o = zoe_batch_norm_options_default();
    zoe_value y = zoe_batch_norm(graph, "op", x[0], &o);
    if (a[1]) y = zoe_add(graph, "added", y, x[1]);
    if (a[0]) y = zoe_relu(graph, "relu", y);
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    pool.pad = 1;
    return a[2] ? zoe_max_pool(graph, "pool", y, &pool) : y;
}

static zoe_value add(zoe_graph *graph, const zoe_value *x, const int *a)
{
    const zoe_value y = zoe_add(graph, "op", x[0], x[1]);
    return a[0] ? zoe_relu(graph, "relu", y) : y;
}

static zoe_value relu(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_relu(graph, "op", x[0]);
}

static zoe_pool_options pool_options(const int *a)
{
    zoe_pool_options o = zoe_pool_options_default();
    o.kernel = a[0];
    o.stride = a[1];
    o.pad = a[2];
    return o;
}

static zoe_value max_pool(zoe_graph *graph, const zoe_value *x, const int *a)
{
    const zoe_pool_options o = pool_options(a);
    return zoe_max_pool(graph, "op", x[0], &o);
}

static zoe_value average_pool(zoe_graph *graph, const zoe_value *x, const int *a)
{
    const zoe_pool_options o = pool_options(a);
    return zoe_average_pool(graph, "op", x[0], &o);
}

static zoe_value global_average_pool(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_global_average_pool(graph, "op", x[0]);
}

static zoe_value global_max_pool(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_global_max_pool(graph, "op", x[0]);
}

static zoe_value lrn(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    zoe_lrn_options o = zoe_lrn_options_default();
    o.alpha = 0.5f; /* so that it matters */
    return zoe_lrn(graph, "op", x[0], &o);
}

static zoe_value dropout(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_dropout(graph, "op", x[0], 0.4f);
}

static zoe_value concat_channels(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_concat_channels(graph, "op", x, 2);
}

static zoe_value concat_batch(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_concat_batch(graph, "op", x, 2);
}

static zoe_value slice_batch(zoe_graph *graph, const zoe_value *x, const int *a)
{
    return zoe_slice_batch(graph, "op", x[0], a[0], a[1]);
}

static zoe_value softmax_cross_entropy(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_softmax_cross_entropy(graph, "op", x[0], x[1]);
}

static zoe_value l2_normalise(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_l2_normalise(graph, "op", x[0], 1e-12f);
}

static zoe_value distance(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_distance(graph, "op", x[0], x[1], 1e-3f);
}

static zoe_value cell_dot(zoe_graph *graph, const zoe_value *x, const int *a)
{
    (void)a;
    return zoe_cell_dot(graph, "op", x[0], x[1]);
}

static zoe_value pad_channels(zoe_graph *graph, const zoe_value *x, const int *a)
{
    return zoe_pad_channels(graph, "op", x[0], a[0], a[1]);
}

static zoe_value picture(zoe_graph *graph, const zoe_value *x, const int *a)
{
    zoe_picture_options o = zoe_picture_options_default();
    o.height = a[0];
    o.width = a[1];
    o.bgr = a[2];
    return zoe_picture(graph, "op", x[0], x[1], &o);
}

static zoe_value spectrogram(zoe_graph *graph, const zoe_value *x, const int *a)
{
    zoe_spectrogram_options o = zoe_spectrogram_options_default();
    o.window = 48;
    o.hop = 24;
    o.fft = 64;
    o.mels = a[0];
    o.eps = 0.01f;
    return zoe_spectrogram(graph, "op", x[0], x[1], &o);
}

/* Windows as wide as those of the networks, so that the kernels are those of the networks too. */
const zoe__case zoe__cases[] = {
    /* filters, taps, stride, padding, groups, bias and relu */
    {"conv 3x3", conv, {32, 3, 3, 1, 1, 1, 0}, {{2, 16, 28, 28}}, .quick = true},
    {"conv 3x3 bias relu", conv, {24, 3, 3, 1, 1, 1, 1}, {{2, 16, 14, 14}}, .quick = true},
    {"conv of pictures", conv, {16, 3, 3, 1, 1, 1, 0}, {{2, 3, 28, 28}}, .quick = true},
    {"conv 1x1 stride 2", conv, {32, 1, 1, 2, 0, 1, 0}, {{2, 24, 14, 14}}, .quick = true},
    {"conv odd groups", conv, {10, 3, 3, 1, 1, 2, 0}, {{2, 6, 9, 7}}, .quick = true},
    {"conv batch norm", conv_norm, {32, 3, 3, 1, 1, 1, 0}, {{2, 16, 28, 28}}, .quick = true},
    {"conv 3x3 odd", conv, {19, 3, 3, 1, 1, 1, 0}, {{3, 11, 13, 9}}, .quick = false},
    {"conv 3x3 stride 2", conv, {40, 3, 3, 2, 1, 1, 0}, {{2, 32, 15, 15}}, .quick = false},
    {"conv 5x5", conv, {32, 5, 5, 1, 2, 1, 0}, {{2, 16, 14, 15}}, .quick = false},
    {"conv 5x5 two groups", conv, {32, 5, 5, 1, 2, 2, 0}, {{2, 32, 13, 13}}, .quick = false},
    {"conv 7x7 stride 2 of pictures", conv, {64, 7, 7, 2, 3, 1, 0}, {{2, 3, 33, 32}}, .quick = false},
    {"conv 11x11 stride 4 of pictures", conv, {32, 11, 11, 4, 0, 1, 0}, {{2, 3, 43, 43}}, .quick = false},
    {"conv 1x1", conv, {48, 1, 1, 1, 0, 1, 0}, {{3, 40, 7, 7}}, .quick = false},
    {"conv one pixel", conv, {16, 3, 3, 1, 1, 1, 0}, {{5, 8, 1, 1}}, .quick = false},
    {"conv 3x5 bias relu", conv, {16, 3, 5, 1, 2, 1, 1}, {{2, 8, 10, 12}}, .quick = false},
    {"conv bias, many pixels", conv, {16, 1, 1, 1, 0, 1, 1}, {{2, 8, 91, 93}}, .quick = false},
    {"conv wide", conv, {64, 3, 3, 1, 1, 1, 0}, {{1, 64, 30, 57}}, .quick = false},
    {"conv of pictures, first", conv, {16, 3, 3, 1, 1, 1, 0}, {{2, 3, 28, 28}}, .quick = true, .first = true},
    {"conv 7x7 of pictures, first", conv, {64, 7, 7, 2, 3, 1, 0}, {{2, 3, 33, 32}}, .first = true},
    {"conv batch norm, first", conv_norm, {32, 3, 3, 1, 1, 1, 0}, {{2, 3, 28, 28}}, .first = true},
    {"linear", linear, {40, 0}, {{6, 16, 3, 3}}, .quick = true},
    {"linear bias relu", linear, {24, 1}, {{5, 32, 1, 1}}, .quick = true},
    {"linear large", linear, {130, 0}, {{33, 65, 5, 2}}, .quick = false},
    {"batch norm", batch_norm, {0}, {{3, 19, 7, 9}}, .quick = true},
    {"batch norm relu", batch_norm, {1}, {{3, 24, 8, 8}}, .quick = true},
    {"batch norm add relu", batch_norm, {1, 1}, {{3, 16, 7, 9}, {3, 16, 7, 9}}, .quick = true},
    {"batch norm relu pool", batch_norm, {1, 0, 1}, {{3, 16, 9, 8}}, .quick = true},
    {"batch norm large", batch_norm, {0}, {{4, 16, 40, 40}}, .quick = false},
    {"add", add, {0}, {{2, 17, 5, 6}, {2, 17, 5, 6}}, .quick = true},
    {"add, halo", add, {0}, {{2, 17, 5, 6}, {2, 17, 5, 6}}, .quick = true, .halo = true},
    {"add relu", add, {1}, {{2, 17, 5, 6}, {2, 17, 5, 6}}, .quick = true},
    {"relu", relu, {0}, {{2, 17, 5, 6}}, .quick = true},
    {"max pool", max_pool, {3, 2, 1}, {{2, 12, 13, 14}}, .quick = true},
    {"max pool 2", max_pool, {2, 2, 0}, {{2, 16, 8, 8}}, .quick = false},
    {"average pool", average_pool, {3, 2, 1}, {{2, 12, 13, 14}}, .quick = true},
    {"global average pool", global_average_pool, {0}, {{3, 20, 7, 6}}, .quick = true},
    {"global max pool", global_max_pool, {0}, {{3, 20, 7, 6}}, .quick = true},
    {"lrn", lrn, {0}, {{2, 21, 6, 5}}, .quick = true},
    {"dropout", dropout, {0}, {{2, 21, 6, 5}}, .quick = true},
    {"concat channels", concat_channels, {0}, {{2, 11, 6, 5}, {2, 9, 6, 5}}, .quick = true},
    {"concat batch", concat_batch, {0}, {{2, 11, 6, 5}, {3, 11, 6, 5}}, .quick = true},
    {"slice batch", slice_batch, {1, 3}, {{5, 11, 6, 5}}, .quick = true},
    {"softmax", softmax_cross_entropy, {0}, {{9, 21, 1, 1}, {9, 1, 1, 1}}, {0, ZOE__FILL_LABELS}, .quick = true},
    {"l2 normalise", l2_normalise, {0}, {{5, 37, 1, 1}}, .quick = true},
    {"distance", distance, {0}, {{5, 37, 1, 1}, {5, 37, 1, 1}}, .quick = true},
    {"cell dot", cell_dot, {0}, {{3, 20, 5, 6}, {3, 20, 1, 1}}, .quick = true},
    {"pad channels", pad_channels, {3, 2}, {{3, 6, 4, 5}}, .quick = true},
    {"picture",
     picture,
     {20, 18, 1},
     {{3, 3, 24, 26}, {3, 4, 1, 1}},
     {ZOE__FILL_BYTES, ZOE__FILL_TABLE},
     .quick = true},
    {"picture, first",
     picture,
     {20, 18, 1},
     {{3, 3, 24, 26}, {3, 4, 1, 1}},
     {ZOE__FILL_BYTES, ZOE__FILL_TABLE},
     .quick = true,
     .first = true},
    {"picture, first, halo",
     picture,
     {20, 18, 1},
     {{3, 3, 24, 26}, {3, 4, 1, 1}},
     {ZOE__FILL_BYTES, ZOE__FILL_TABLE},
     .quick = true,
     .halo = true,
     .first = true},
    {"picture colours",
     picture,
     {20, 18, 0},
     {{3, 3, 24, 26}, {3, 6, 1, 1}},
     {ZOE__FILL_BYTES, ZOE__FILL_TABLE},
     .quick = false},
    {"spectrogram", spectrogram, {0}, {{2, 1, 1, 480}, {2, 1, 1, 1}}, {0, ZOE__FILL_GAINS}, .quick = true},
    {"spectrogram mels", spectrogram, {12}, {{2, 1, 1, 480}, {2, 1, 1, 1}}, {0, ZOE__FILL_GAINS}, .quick = false},
    {"sgd", linear, {24, 1}, {{5, 32, 1, 1}}, .optimizer = "sgd", .quick = true},
    {"adam", linear, {24, 1}, {{5, 32, 1, 1}}, .optimizer = "adam", .quick = true},
};
const size_t zoe__case_count = sizeof zoe__cases / sizeof zoe__cases[0];
