/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm over M = N * H * W numbers of each channel, t = (x - mean) / sqrt(var + eps):
 *   y = t * weight + bias,   dbias = sum dy,   dweight = sum dy * t,
 *   dx = weight / sqrt(var + eps) * (dy - dbias / M - t * dweight / M)
 * running_mean and running_var follow the batch (unbiased variance; with M = 1 there is none and the biased one, 0, is
 * taken). Parameters: [weight, bias,] running_mean, running_var. Kernels: cl/batch_norm.cl. */
#include "ops/node.h"

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

/* ---- device ----
 * The N * H rows of a channel block are cut into chunks of equal length (the last may be shorter), by shape alone. Each
 * gives a partial result (two float8), a second kernel joins them in order. aux 0: mean, 1/sqrt(var + eps), and that
 * times weight, [C8] float8 each. */

typedef struct bn_chunks {
    int rows;  /* of a chunk */
    int count; /* of chunks */
} bn_chunks;

static bn_chunks chunks(zoe_shape s)
{
    const int all = s.n * s.h, rows = 1024 / s.w > 1 ? 1024 / s.w : 1;
    return (bn_chunks){rows < all ? rows : all, (all + rows - 1) / rows};
}

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_shape s = zoe__plan_shape(plan, node->output);
    const size_t c8 = ((size_t)s.c + 7) / 8, partial = c8 * 16 * (size_t)chunks(s).count;
    zoe__plan_aux(plan, node, 0, c8 * 24);
    if (zoe__plan_batch_statistics(plan)) zoe__plan_workspace(plan, node, ZOE__FORWARD, partial);
    if (zoe__plan_training(plan)) zoe__plan_workspace(plan, node, ZOE__BACKWARD, partial + c8 * 16);
    return ZOE_OK;
}

/* Fills aux 0 from the batch, or from the running figures. */
static zoe_status figures(zoe_plan *plan, zoe__node *node)
{
    const zoe_batch_norm_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0);
    const zoe_shape s = x->shape;
    const bn_chunks cut = chunks(s);
    zoe__mem *aux = zoe__plan_aux_mem(plan, node, 0), *weight = o->affine ? zoe__plan_weight(plan, node, 0) : NULL;
    zoe__mem *mean = zoe__plan_weight(plan, node, mean_param(node));
    zoe__mem *var = zoe__plan_weight(plan, node, mean_param(node) + 1);
    const double small = sizeof(float) * 8.0 * x->c8;
    if (!zoe__plan_batch_statistics(plan)) {
        zoe__launch_spec spec = zoe__spec_items(plan, "batch_norm", "batch_norm_fold", (size_t)x->c8);
        spec.bytes = 6 * small;
        return zoe__plan_launch(plan, node, &spec, "mmmmiif", weight, mean, var, aux, s.c, x->c8, (double)o->eps);
    }
    zoe__mem *partial = zoe__plan_workspace_mem(plan, node, ZOE__FORWARD);
    zoe__launch_spec spec =
        zoe__spec_groups(plan, "batch_norm", "batch_norm_moments", (size_t)x->c8 * (size_t)cut.count);
    spec.bytes = zoe__view_bytes(x);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmiii", x, partial, s.n * s.h, cut.rows, cut.count));
    spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_join", (size_t)x->c8);
    spec.bytes = small * (2 * cut.count + 8);
    return zoe__plan_launch(plan, node, &spec, "mmmmmiiiiiff", partial, weight, mean, var, aux, s.c, s.n * s.h,
                            cut.rows, cut.count, s.w, (double)o->eps, (double)o->momentum);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_batch_norm_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    ZOE_TRY(figures(plan, node));
    const int planes = y->shape.n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "batch_norm", "batch_norm_apply", planes, y->shape.h, y->shape.w, &rows);
    spec.bytes = 2 * zoe__view_bytes(y);
    return zoe__plan_launch(plan, node, &spec, "vvmmii", x, y, zoe__plan_aux_mem(plan, node, 0),
                            o->affine ? zoe__plan_weight(plan, node, 1) : NULL, planes, rows);
}

/* What the second kernel does with a gradient of a parameter: 0 nothing, 1 write, 2 add. */
static int mode(zoe_plan *plan, const zoe__node *node, int param, zoe__mem **out)
{
    const zoe_batch_norm_options *o = node->options;
    *out = o->affine ? zoe__plan_dweight(plan, node, param) : NULL;
    return *out ? 1 + zoe__plan_dweight_add(plan, node, param) : 0;
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dy = zoe__plan_dy(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    const zoe_shape s = x->shape;
    const bn_chunks cut = chunks(s);
    zoe__mem *aux = zoe__plan_aux_mem(plan, node, 0), *work = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    zoe__mem *dweight, *dbias;
    const int dweight_mode = mode(plan, node, 0, &dweight), dbias_mode = mode(plan, node, 1, &dbias);
    zoe__launch_spec spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_dots", (size_t)x->c8 * (size_t)cut.count);
    spec.bytes = 2 * zoe__view_bytes(x);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvmmiii", x, dy, aux, work, s.n * s.h, cut.rows, cut.count));
    spec = zoe__spec_groups(plan, "batch_norm", "batch_norm_join_dots", (size_t)x->c8);
    spec.bytes = sizeof(float) * 8.0 * x->c8 * (2 * cut.count + 4);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "mmmiiif", work, dweight, dbias, dweight_mode, dbias_mode, cut.count,
                             1 / ((double)s.n * s.h * s.w)));
    if (!dx) return ZOE_OK;
    const int planes = s.n * x->c8;
    int rows;
    spec = zoe__spec_pixels(plan, "batch_norm", "batch_norm_backward", planes, s.h, s.w, &rows);
    spec.bytes = 3 * zoe__view_bytes(x);
    return zoe__plan_launch(plan, node, &spec, "vvvmmiiii", x, dy, dx, aux, work, cut.count,
                            zoe__plan_dx_add(plan, node, 0), planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 6.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->output));
}

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
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
