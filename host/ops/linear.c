/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: the fully connected layer, over the flattened (c,h,w) of an image.
 *   y[n,k] = bias[k] + sum over f of x[n,f] * w[k,f]
 *   dx[n,f] = sum over k of dy[n,k] * w[k,f]
 *   dw[k,f] = sum over n of dy[n,k] * x[n,f],  dbias[k] = sum over n of dy[n,k]
 * with relu dy counts where y > 0 only. To the algorithms it is the convolution with a window of the whole picture.
 * They are linear_packed.c (vector family) and those of conv2d that take any shape. */
#include "ops/linear.h"

static zoe__conv2d describe(const zoe_linear_options *o, zoe_shape x)
{
    return (zoe__conv2d){.n = x.n,
                         .c = x.c,
                         .h = x.h,
                         .w = x.w,
                         .k = o->outputs,
                         .r = x.h,
                         .s = x.w,
                         .p = 1,
                         .q = 1,
                         .stride_h = 1,
                         .stride_w = 1,
                         .groups = 1,
                         .bias = o->bias,
                         .relu = o->relu,
                         .op = "linear"};
}

/* ---- definition ---- */

static void ref_forward(const zoe__ref *ref)
{
    const zoe_linear_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0];
    const size_t inputs = (size_t)in.c * (size_t)in.h * (size_t)in.w, outputs = (size_t)o->outputs;
    for (size_t n = 0; n < (size_t)in.n; n++)
        for (size_t k = 0; k < outputs; k++) {
            double sum = o->bias ? (double)ref->weight[1][k] : 0;
            for (size_t f = 0; f < inputs; f++)
                sum += ref->x[0][n * inputs + f] * (double)ref->weight[0][k * inputs + f];
            ref->y[n * outputs + k] = o->relu && sum < 0 ? 0 : sum;
        }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_linear_options *o = ref->node->options;
    const zoe_shape in = ref->x_shape[0];
    const size_t inputs = (size_t)in.c * (size_t)in.h * (size_t)in.w, outputs = (size_t)o->outputs;
    for (size_t n = 0; n < (size_t)in.n; n++)
        for (size_t k = 0; k < outputs; k++) {
            if (o->relu && ref->y[n * outputs + k] <= 0) continue;
            const double dy = ref->dy[n * outputs + k];
            if (o->bias && ref->dweight[1]) ref->dweight[1][k] += dy;
            for (size_t f = 0; f < inputs; f++) {
                if (ref->dx[0]) ref->dx[0][n * inputs + f] += dy * (double)ref->weight[0][k * inputs + f];
                if (ref->dweight[0]) ref->dweight[0][k * inputs + f] += dy * ref->x[0][n * inputs + f];
            }
        }
}

/* ---- device side: each direction by its own algorithm ---- */

static const zoe__conv2d_algorithm *const algorithms[] = {&zoe__linear_packed, &zoe__conv2d_tiled, &zoe__conv2d_clblast,
                                                          &zoe__conv2d_plain, NULL};

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_plan(plan, node, &conv, algorithms, zoe__plan_get_options(plan)->linear);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_forward(plan, node, &conv, algorithms);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_backward(plan, node, &conv, algorithms);
}

static void as_conv2d(const zoe_graph *graph, const zoe__node *node, zoe__conv2d *out)
{
    *out = describe(node->options, zoe_graph_shape(graph, node->input[0]));
}

static size_t candidates(zoe_plan *plan, const zoe__node *node, int direction, zoe__choice *out, size_t room)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_candidates(plan, &conv, (zoe__direction)direction, algorithms, out, room);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe_graph_shape(graph, node->input[0]));
    return zoe__conv2d_flops(&conv);
}

/* ---- constructor ---- */

zoe_linear_options zoe_linear_options_default(void)
{
    return (zoe_linear_options){
        .bias = true, .weight_options = {ZOE_INIT_HE_NORMAL, 0, 1, 1}, .bias_options = {ZOE_INIT_CONSTANT, 0, 1, 1}};
}

extern const zoe__op zoe__op_linear;

zoe_value zoe_linear(zoe_graph *graph, const char *name, zoe_value x, const zoe_linear_options *options)
{
    enum { MOST = 1 << 22, MOST_WEIGHTS = 1 << 29 }; /* kernels count weights in int */
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_linear, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_linear_options o = *options;
    const zoe_shape in = zoe_graph_shape(graph, x);
    const double inputs = (double)in.c * in.h * in.w;
    if (o.outputs < 1 || o.outputs > MOST)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (linear): %d outputs, must be 1 to %d", name, o.outputs, MOST);
    if (inputs * o.outputs > MOST_WEIGHTS)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (linear): %.0f inputs x %d outputs are more than %d weights",
                                  name, inputs, o.outputs, MOST_WEIGHTS);
    node.params = o.bias ? 2 : 1;
    node.param[0] = zoe__graph_param(graph, name, "weight", (zoe_shape){o.outputs, in.c * in.h * in.w, 1, 1},
                                     o.weight_options, true);
    if (o.bias)
        node.param[1] = zoe__graph_param(graph, name, "bias", (zoe_shape){o.outputs, 1, 1, 1}, o.bias_options, true);
    if (zoe_graph_status(graph) != ZOE_OK) return ZOE_NO_VALUE;
    node.options = &o;
    node.options_bytes = sizeof o;
    return zoe__graph_add(graph, &node, (zoe_shape){in.n, o.outputs, 1, 1});
}

const zoe__op zoe__op_linear = {
    .name = "linear",
    .needs = ZOE__NEEDS_X | ZOE__NEEDS_Y,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .as_conv2d = as_conv2d,
    .candidates = candidates,
    .flops = flops,
};
