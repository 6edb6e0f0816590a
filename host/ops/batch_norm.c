/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm over M = N * H * W numbers of each channel, t = (x - mean) / sqrt(var + eps):
 *   y = t * weight + bias,   dbias = sum dy,   dweight = sum dy * t,
 *   dx = weight / sqrt(var + eps) * (dy - dbias / M - t * dweight / M)
 * running_mean and running_var follow the batch (unbiased variance; with M = 1 there is none and the biased one, 0, is
 * taken). Parameters: [weight, bias,] running_mean, running_var. Device side: batch_norm_device.c. */
#include "ops/batch_norm.h"

#include <math.h>

/* Numbers of the parameters within the node. */
static int mean_param(const zoe__node *node)
{
    return ((const zoe_batch_norm_options *)node->options)->affine ? 2 : 0;
}

/* ---- definition ---- */

/* aux 0: mean [C], then 1 / sqrt(var + eps) [C]. */
static void channel_figures(const zoe__ref *ref, int c, double *mean, double *var)
{
    const zoe_shape s = ref->y_shape;
    const size_t pixels = (size_t)s.h * (size_t)s.w;
    double sum = 0, square = 0;
    for (int n = 0; n < s.n; n++) {
        const double *x = ref->x[0] + ((size_t)n * (size_t)s.c + (size_t)c) * pixels;
        for (size_t i = 0; i < pixels; i++) sum += x[i];
    }
    *mean = sum / ((double)pixels * s.n);
    for (int n = 0; n < s.n; n++) {
        const double *x = ref->x[0] + ((size_t)n * (size_t)s.c + (size_t)c) * pixels;
        for (size_t i = 0; i < pixels; i++) square += (x[i] - *mean) * (x[i] - *mean);
    }
    *var = square / ((double)pixels * s.n);
}

static void ref_forward(const zoe__ref *ref)
{
    const zoe_batch_norm_options *o = ref->node->options;
    const zoe_shape s = ref->y_shape;
    const size_t pixels = (size_t)s.h * (size_t)s.w;
    const double count = (double)pixels * s.n, momentum = (double)o->momentum;
    float *running_mean = ref->weight[mean_param(ref->node)], *running_var = ref->weight[mean_param(ref->node) + 1];
    for (int c = 0; c < s.c; c++) {
        double mean = (double)running_mean[c], var = (double)running_var[c];
        if (ref->batch_statistics) {
            channel_figures(ref, c, &mean, &var);
            const double unbiased = count > 1 ? var * count / (count - 1) : var;
            running_mean[c] = (float)((1 - momentum) * (double)running_mean[c] + momentum * mean);
            running_var[c] = (float)((1 - momentum) * (double)running_var[c] + momentum * unbiased);
        }
        const double inverse = 1 / sqrt(var + (double)o->eps);
        ref->aux[0][c] = mean;
        ref->aux[0][s.c + c] = inverse;
        const double scale = inverse * (o->affine ? (double)ref->weight[0][c] : 1);
        const double bias = o->affine ? (double)ref->weight[1][c] : 0;
        for (int n = 0; n < s.n; n++) {
            const size_t plane = ((size_t)n * (size_t)s.c + (size_t)c) * pixels;
            for (size_t i = 0; i < pixels; i++) ref->y[plane + i] = (ref->x[0][plane + i] - mean) * scale + bias;
        }
    }
}

static void channel_backward(const zoe__ref *ref, int c)
{
    const zoe_batch_norm_options *o = ref->node->options;
    const zoe_shape s = ref->y_shape;
    const size_t pixels = (size_t)s.h * (size_t)s.w;
    const double count = (double)pixels * s.n, mean = ref->aux[0][c], inverse = ref->aux[0][s.c + c];
    double sum = 0, sum_t = 0;
    for (int n = 0; n < s.n; n++) {
        const size_t plane = ((size_t)n * (size_t)s.c + (size_t)c) * pixels;
        for (size_t i = plane; i < plane + pixels; i++) {
            sum += ref->dy[i];
            sum_t += ref->dy[i] * (ref->x[0][i] - mean) * inverse;
        }
    }
    if (o->affine && ref->dweight[0]) ref->dweight[0][c] += sum_t;
    if (o->affine && ref->dweight[1]) ref->dweight[1][c] += sum;
    if (!ref->dx[0]) return;
    const double scale = inverse * (o->affine ? (double)ref->weight[0][c] : 1);
    const double a = ref->batch_statistics ? sum / count : 0, b = ref->batch_statistics ? sum_t / count : 0;
    for (int n = 0; n < s.n; n++) {
        const size_t plane = ((size_t)n * (size_t)s.c + (size_t)c) * pixels;
        for (size_t i = plane; i < plane + pixels; i++)
            ref->dx[0][i] += scale * (ref->dy[i] - a - (ref->x[0][i] - mean) * inverse * b);
    }
}

static void ref_backward(const zoe__ref *ref)
{
    for (int c = 0; c < ref->y_shape.c; c++) channel_backward(ref, c);
}

/* ---- device: batch_norm_device.c ---- */

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_forward(plan, node, (zoe__batch_norm_tail){.relu = false});
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    return zoe__batch_norm_backward(plan, node, (zoe__batch_norm_tail){.relu = false});
}

/* ---- constructor ---- */

zoe_batch_norm_options zoe_batch_norm_options_default(void)
{
    return (zoe_batch_norm_options){
        .eps = 1e-5f,
        .momentum = 0.1f,
        .affine = true,
        .weight_options = {.init = ZOE_INIT_CONSTANT, .value = 1, .lr_mult = 1, .decay_mult = 1},
        .bias_options = {.init = ZOE_INIT_CONSTANT, .value = 0, .lr_mult = 1, .decay_mult = 1},
    };
}

extern const zoe__op zoe__op_batch_norm;

zoe_value zoe_batch_norm(zoe_graph *graph, const char *name, zoe_value x, const zoe_batch_norm_options *options)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_batch_norm, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_batch_norm_options o = *options;
    if (!(o.eps > 0))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (batch_norm): eps %g must be above 0", name, (double)o.eps);
    if (!(o.momentum >= 0 && o.momentum <= 1))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (batch_norm): momentum %g is not in 0..1", name,
                                  (double)o.momentum);
    const zoe_shape s = zoe_graph_shape(graph, x), vector = {s.c, 1, 1, 1};
    const zoe_param_options zero = {.init = ZOE_INIT_CONSTANT, .value = 0},
                            one = {.init = ZOE_INIT_CONSTANT, .value = 1};
    if (o.affine) {
        node.param[node.params++] = zoe__graph_param(graph, name, "weight", vector, o.weight_options, true);
        node.param[node.params++] = zoe__graph_param(graph, name, "bias", vector, o.bias_options, true);
    }
    node.param[node.params++] = zoe__graph_param(graph, name, "running_mean", vector, zero, false);
    node.param[node.params++] = zoe__graph_param(graph, name, "running_var", vector, one, false);
    node.options = &o;
    node.options_bytes = sizeof o;
    node.aux_doubles[0] = 2 * (size_t)s.c;
    return zoe__graph_add(graph, &node, s);
}

const zoe__op zoe__op_batch_norm = {
    .name = "batch_norm",
    .needs = ZOE__NEEDS_X,
    .zeroes_halos = true,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = zoe__batch_norm_plan,
    .forward = forward,
    .backward = backward,
    .flops = zoe__batch_norm_flops,
};
