/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d: cross-correlation with stride, zero padding and groups, bias and ReLU fused.
 *   y[n,k,p,q] = bias[k] + sum over c,r,s of x[n, g*C/groups + c, p*stride - pad + r, q*stride - pad + s] * w[k,c,r,s]
 *   dx = the transpose of that sum over dy, dw[k,c,r,s] = sum over n,p,q of x[...] * dy[n,k,p,q], dbias = sum of dy;
 * with relu dy counts where y > 0 only. The algorithms are one file each: conv2d_NAME.c. */
#include "ops/conv2d.h"

static int out_size(int in, int pad, int taps, int stride)
{
    return (in + 2 * pad - taps) / stride + 1;
}

static zoe__conv2d describe(const zoe_conv2d_options *o, zoe_shape x)
{
    return (zoe__conv2d){.n = x.n,
                         .c = x.c,
                         .h = x.h,
                         .w = x.w,
                         .k = o->filters,
                         .r = o->kernel_h,
                         .s = o->kernel_w,
                         .p = out_size(x.h, o->pad_h, o->kernel_h, o->stride_h),
                         .q = out_size(x.w, o->pad_w, o->kernel_w, o->stride_w),
                         .stride_h = o->stride_h,
                         .stride_w = o->stride_w,
                         .pad_h = o->pad_h,
                         .pad_w = o->pad_w,
                         .groups = o->groups,
                         .bias = o->bias,
                         .relu = o->relu,
                         .op = "conv2d"};
}

/* ---- definition ---- */

typedef struct window {
    zoe__conv2d conv;
    size_t x, w; /* of the first channel of image n and of filter k */
    size_t y;    /* of output (n, k, p, q) */
    int k, p, q;
} window;

/* Calls visit(ref, at) for each output. */
static void each_output(const zoe__ref *ref, void (*visit)(const zoe__ref *ref, const window *at))
{
    window at = {.conv = describe(ref->node->options, ref->x_shape[0])};
    const zoe__conv2d *v = &at.conv;
    const size_t plane = (size_t)v->h * (size_t)v->w, channels = (size_t)(v->c / v->groups);
    for (int n = 0; n < v->n; n++)
        for (at.k = 0; at.k < v->k; at.k++) {
            const size_t group = (size_t)(at.k / (v->k / v->groups));
            at.x = ((size_t)n * (size_t)v->c + group * channels) * plane;
            at.w = (size_t)at.k * channels * (size_t)v->r * (size_t)v->s;
            for (at.p = 0; at.p < v->p; at.p++)
                for (at.q = 0; at.q < v->q; at.q++, at.y++) visit(ref, &at);
        }
}

/* Row or column of the input under a tap, -1 in the padding. */
static int under(int out, int stride, int pad, int tap, int size)
{
    const int in = out * stride - pad + tap;
    return in < size ? (in < 0 ? -1 : in) : -1;
}

static size_t x_index(const window *at, int c, int h, int w)
{
    return at->x + ((size_t)c * (size_t)at->conv.h + (size_t)h) * (size_t)at->conv.w + (size_t)w;
}

static size_t w_index(const window *at, int c, int r, int s)
{
    return at->w + ((size_t)c * (size_t)at->conv.r + (size_t)r) * (size_t)at->conv.s + (size_t)s;
}

static void forward_one(const zoe__ref *ref, const window *at)
{
    const zoe__conv2d *v = &at->conv;
    double sum = v->bias ? (double)ref->weight[1][at->k] : 0;
    for (int c = 0; c < v->c / v->groups; c++)
        for (int r = 0; r < v->r; r++)
            for (int s = 0; s < v->s; s++) {
                const int h = under(at->p, v->stride_h, v->pad_h, r, v->h);
                const int w = under(at->q, v->stride_w, v->pad_w, s, v->w);
                if (h >= 0 && w >= 0)
                    sum += ref->x[0][x_index(at, c, h, w)] * (double)ref->weight[0][w_index(at, c, r, s)];
            }
    ref->y[at->y] = v->relu && sum < 0 ? 0 : sum;
}

static void backward_one(const zoe__ref *ref, const window *at)
{
    const zoe__conv2d *v = &at->conv;
    const double dy = ref->dy[at->y];
    if (v->relu && ref->y[at->y] <= 0) return;
    if (v->bias && ref->dweight[1]) ref->dweight[1][at->k] += dy;
    for (int c = 0; c < v->c / v->groups; c++)
        for (int r = 0; r < v->r; r++)
            for (int s = 0; s < v->s; s++) {
                const int h = under(at->p, v->stride_h, v->pad_h, r, v->h);
                const int w = under(at->q, v->stride_w, v->pad_w, s, v->w);
                if (h < 0 || w < 0) continue;
                const size_t xi = x_index(at, c, h, w), wi = w_index(at, c, r, s);
                if (ref->dx[0]) ref->dx[0][xi] += dy * (double)ref->weight[0][wi];
                if (ref->dweight[0]) ref->dweight[0][wi] += dy * ref->x[0][xi];
            }
}

static void ref_forward(const zoe__ref *ref)
{
    each_output(ref, forward_one);
}

static void ref_backward(const zoe__ref *ref)
{
    each_output(ref, backward_one);
}

/* ---- device side: each direction by its own algorithm ---- */

/* In order of preference; more of them: one line each. */
static const zoe__conv2d_algorithm *const algorithms[] = {&zoe__conv2d_direct,
                                                          &zoe__conv2d_winograd,
                                                          &zoe__conv2d_tiled,
                                                          &zoe__conv2d_winograd_tiled,
                                                          &zoe__conv2d_clblast,
                                                          &zoe__conv2d_plain,
                                                          NULL};

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_plan(plan, node, &conv, algorithms, zoe__plan_get_options(plan)->conv);
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

static int moments(zoe_plan *plan, const zoe__node *node)
{
    const zoe__conv2d conv = describe(node->options, zoe__plan_shape(plan, node->input[0]));
    return zoe__conv2d_moments(plan, node, &conv, algorithms);
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

zoe_conv2d_options zoe_conv2d_options_default(void)
{
    return (zoe_conv2d_options){.kernel_h = 3,
                                .kernel_w = 3,
                                .stride_h = 1,
                                .stride_w = 1,
                                .groups = 1,
                                .bias = true,
                                .weight_options = {ZOE_INIT_HE_NORMAL, 0, 1, 1},
                                .bias_options = {ZOE_INIT_CONSTANT, 0, 1, 1}};
}

static bool sizes_valid(zoe_graph *graph, const char *name, const zoe_conv2d_options *o, zoe_shape x)
{
    enum { MOST = 1 << 20, MOST_TAPS = 255, MOST_WEIGHTS = 1 << 28 }; /* kernels count weights in int */
    zoe_status status = ZOE_CONFIG;
    if (o->filters < 1 || o->filters > MOST)
        zoe__graph_mistake(graph, status, "%s (conv2d): %d filters, must be 1 to %d", name, o->filters, MOST);
    else if (o->kernel_h < 1 || o->kernel_w < 1 || o->kernel_h > MOST_TAPS || o->kernel_w > MOST_TAPS)
        zoe__graph_mistake(graph, status, "%s (conv2d): kernel %d x %d, must be 1 to %d on each side", name,
                           o->kernel_h, o->kernel_w, MOST_TAPS);
    else if (o->stride_h < 1 || o->stride_w < 1 || o->stride_h > MOST_TAPS || o->stride_w > MOST_TAPS)
        zoe__graph_mistake(graph, status, "%s (conv2d): stride %d x %d, must be 1 to %d", name, o->stride_h,
                           o->stride_w, MOST_TAPS);
    else if (o->pad_h < 0 || o->pad_w < 0 || o->pad_h > MOST_TAPS || o->pad_w > MOST_TAPS)
        zoe__graph_mistake(graph, status, "%s (conv2d): padding %d x %d, must be 0 to %d", name, o->pad_h, o->pad_w,
                           MOST_TAPS);
    else if (o->groups < 1 || o->filters % o->groups)
        zoe__graph_mistake(graph, status, "%s (conv2d): %d filters cannot be split into %d groups", name, o->filters,
                           o->groups);
    else if (x.c % o->groups)
        zoe__graph_mistake(graph, ZOE_SHAPE, "%s (conv2d): %d channels cannot be split into %d groups", name, x.c,
                           o->groups);
    else if (x.h + 2 * o->pad_h < o->kernel_h || x.w + 2 * o->pad_w < o->kernel_w)
        zoe__graph_mistake(graph, ZOE_SHAPE,
                           "%s (conv2d): kernel %d x %d is larger than the input %d x %d with padding %d, %d", name,
                           o->kernel_h, o->kernel_w, x.h, x.w, o->pad_h, o->pad_w);
    else if ((double)o->filters * (x.c / o->groups) * o->kernel_h * o->kernel_w > MOST_WEIGHTS)
        zoe__graph_mistake(graph, status, "%s (conv2d): %d x %d x %d x %d weights, must be at most %d", name,
                           o->filters, x.c / o->groups, o->kernel_h, o->kernel_w, MOST_WEIGHTS);
    return zoe_graph_status(graph) == ZOE_OK;
}

extern const zoe__op zoe__op_conv2d;

zoe_value zoe_conv2d(zoe_graph *graph, const char *name, zoe_value x, const zoe_conv2d_options *options)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_conv2d, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_conv2d_options o = *options;
    const zoe_shape in = zoe_graph_shape(graph, x);
    if (!sizes_valid(graph, name, &o, in)) return ZOE_NO_VALUE;
    const zoe_shape weight = {o.filters, in.c / o.groups, o.kernel_h, o.kernel_w};
    node.params = o.bias ? 2 : 1;
    node.param[0] = zoe__graph_param(graph, name, "weight", weight, o.weight_options, true);
    if (o.bias)
        node.param[1] = zoe__graph_param(graph, name, "bias", (zoe_shape){o.filters, 1, 1, 1}, o.bias_options, true);
    if (zoe_graph_status(graph) != ZOE_OK) return ZOE_NO_VALUE;
    node.options = &o;
    node.options_bytes = sizeof o;
    const zoe__conv2d conv = describe(&o, in);
    return zoe__graph_add(graph, &node, (zoe_shape){conv.n, conv.k, conv.p, conv.q});
}

const zoe__op zoe__op_conv2d = {
    .name = "conv2d",
    .needs = ZOE__NEEDS_X | ZOE__NEEDS_Y,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .moments = moments,
    .as_conv2d = as_conv2d,
    .candidates = candidates,
    .flops = flops,
};
