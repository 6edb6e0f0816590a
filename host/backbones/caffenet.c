/* SPDX-License-Identifier: Apache-2.0
 *
 * CaffeNet as Shuffle & Learn trained it (Misra, Zitnick, Hebert, ECCV 2016; the authors' imisra/shuffle-tuple): conv1
 * 96 k11 s4, conv2 256 k5 g2, conv3 384, conv4 384 g2, conv5 256 g2, fc6 and fc7 of 4096; LRN after pool1 and pool2;
 * batch norm without scale and shift on conv3-5, fc6 and fc7; Caffe's pooling, rounded up; blue-green-red input without
 * division by a deviation. Caffe's starting values: Gaussian 0.01 (0.005 for fc), biases 0 for conv1 and conv3 and 1
 * elsewhere, with twice the rate and no decay. */
#include "backbones/backbones.h"

#include <stdio.h>

typedef struct layer {
    const char *name;
    int filters, kernel, stride, pad, groups;
    float bias;
} layer;

static const zoe_param_options gaussian_conv = {
    .init = ZOE_INIT_GAUSSIAN, .value = 0.01f, .lr_mult = 1, .decay_mult = 1};
static const zoe_param_options gaussian_fc = {
    .init = ZOE_INIT_GAUSSIAN, .value = 0.005f, .lr_mult = 1, .decay_mult = 1};

static zoe_param_options caffe_bias(float value)
{
    return (zoe_param_options){.init = ZOE_INIT_CONSTANT, .value = value, .lr_mult = 2, .decay_mult = 0};
}

static zoe_value conv(zoe_graph *graph, const layer *spec, zoe_value x, bool relu)
{
    zoe_conv2d_options options = zoe__conv_options(spec->filters, spec->kernel, spec->stride, spec->pad);
    options.groups = spec->groups;
    options.bias = true;
    options.relu = relu;
    options.weight_options = gaussian_conv;
    options.bias_options = caffe_bias(spec->bias);
    return zoe_conv2d(graph, spec->name, x, &options);
}

/* Batch norm without scale and shift, ReLU. */
static zoe_value bn_relu(zoe_graph *graph, const char *name, zoe_value x)
{
    char part[32];
    zoe_batch_norm_options options = zoe_batch_norm_options_default();
    options.affine = false;
    snprintf(part, sizeof part, "%s.bn", name);
    x = zoe_batch_norm(graph, part, x, &options);
    snprintf(part, sizeof part, "%s.relu", name);
    return zoe_relu(graph, part, x);
}

static zoe_value fc(zoe_graph *graph, const char *name, zoe_value x, float dropout)
{
    char part[32];
    zoe_linear_options options = zoe_linear_options_default();
    options.outputs = 4096;
    options.weight_options = gaussian_fc;
    options.bias_options = caffe_bias(1);
    x = bn_relu(graph, name, zoe_linear(graph, name, x, &options));
    zoe_graph_mark(graph, name, x);
    if (dropout <= 0) return x;
    snprintf(part, sizeof part, "%s.drop", name);
    return zoe_dropout(graph, part, x, dropout);
}

static zoe_value build(zoe_graph *graph, zoe_value x, float dropout)
{
    static const layer conv1 = {"conv1", 96, 11, 4, 0, 1, 0}, conv2 = {"conv2", 256, 5, 1, 2, 2, 1};
    static const layer rest[] = {
        {"conv3", 384, 3, 1, 1, 1, 0}, {"conv4", 384, 3, 1, 1, 2, 1}, {"conv5", 256, 3, 1, 1, 2, 1}};
    const zoe_lrn_options lrn = zoe_lrn_options_default();
    zoe_pool_options pool = zoe_pool_options_default();
    pool.kernel = 3;
    pool.ceil = true;
    x = conv(graph, &conv1, x, true);
    x = zoe_lrn(graph, "norm1", zoe_max_pool(graph, "pool1", x, &pool), &lrn);
    zoe_graph_mark(graph, "conv1", x);
    x = conv(graph, &conv2, x, true);
    x = zoe_lrn(graph, "norm2", zoe_max_pool(graph, "pool2", x, &pool), &lrn);
    zoe_graph_mark(graph, "conv2", x);
    for (int i = 0; i < 3; i++) {
        x = bn_relu(graph, rest[i].name, conv(graph, &rest[i], x, false));
        zoe_graph_mark(graph, rest[i].name, x);
    }
    x = zoe_max_pool(graph, "pool5", x, &pool);
    zoe_graph_mark(graph, "pool5", x);
    return fc(graph, "fc7", fc(graph, "fc6", x, dropout), dropout);
}

const zoe_backbone zoe__backbone_caffenet = {
    .name = "caffenet",
    .summary = "CaffeNet of Shuffle & Learn, 4096 features of 227x227 (58 M parameters)",
    .frame = 256,
    .crop = 227,
    .mean = {103.939f / 255, 116.779f / 255, 123.68f / 255},
    .std = {1.0f / 255, 1.0f / 255, 1.0f / 255},
    .bgr = true,
    .features = "fc7",
    .build = build,
};
