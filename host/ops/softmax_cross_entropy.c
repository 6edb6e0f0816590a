/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax_cross_entropy: loss = 1/N * sum over n of log(sum over k of exp(x[n,k])) - x[n,label[n]], the largest logit
 * taken out first; dx[n,k] = (softmax(x[n])[k] - [k == label[n]]) * loss_scale / N. Images with a label outside 0..K-1
 * count in N only. Kernels: cl/softmax_cross_entropy.cl. */
#include "ops/node.h"

#include <math.h>

/* ---- definition ---- */

static double largest(const double *x, int k)
{
    double best = x[0];
    for (int i = 1; i < k; i++)
        if (x[i] > best || isnan(x[i])) best = x[i];
    return best;
}

static double sum_of_exp(const double *x, int k, double top)
{
    double sum = 0;
    for (int i = 0; i < k; i++) sum += exp(x[i] - top);
    return sum;
}

static void ref_forward(const zoe__ref *ref)
{
    const int32_t *labels = zoe__ref_i32(ref, 1);
    const int images = ref->x_shape[0].n, k = ref->x_shape[0].c;
    double loss = 0;
    for (int n = 0; n < images; n++) {
        const double *x = ref->x[0] + (size_t)n * (size_t)k;
        if (labels[n] < 0 || labels[n] >= k) continue;
        const double top = largest(x, k);
        loss += log(sum_of_exp(x, k, top)) - (x[labels[n]] - top);
    }
    ref->y[0] = loss / images;
}

static void ref_backward(const zoe__ref *ref)
{
    const int32_t *labels = zoe__ref_i32(ref, 1);
    const int images = ref->x_shape[0].n, k = ref->x_shape[0].c;
    for (int n = 0; ref->dx[0] && n < images; n++) {
        const double *x = ref->x[0] + (size_t)n * (size_t)k;
        double *dx = ref->dx[0] + (size_t)n * (size_t)k;
        if (labels[n] < 0 || labels[n] >= k) continue;
        const double top = largest(x, k), sum = sum_of_exp(x, k, top);
        for (int i = 0; i < k; i++) dx[i] += (exp(x[i] - top) / sum - (i == labels[n])) * ref->loss_scale / images;
    }
}

/* ---- device: aux 0 holds [N] largest logits and [N] sums of exp(x - largest); the workspace the N losses ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const size_t images = (size_t)zoe__plan_shape(plan, node->input[0]).n;
    zoe__plan_aux(plan, node, 0, 2 * images);
    zoe__plan_workspace(plan, node, ZOE__FORWARD, images);
    return ZOE_OK;
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    zoe__mem *losses = zoe__plan_workspace_mem(plan, node, ZOE__FORWARD);
    const int images = x->shape.n;
    zoe__launch_spec spec = zoe__spec_groups(plan, "softmax_cross_entropy", "softmax_images", (size_t)images);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmmmii", x, zoe__plan_x(plan, node, 1)->mem,
                             zoe__plan_aux_mem(plan, node, 0), losses, images, x->shape.c));
    spec = zoe__spec_groups(plan, "softmax_cross_entropy", "softmax_mean", 1);
    spec.bytes = sizeof(float) * ((double)images + 1);
    return zoe__plan_launch(plan, node, &spec, "mvi", losses, y, images);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = x->shape.n * x->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "softmax_cross_entropy", "softmax_backward", planes, 1, 1, &rows);
    return zoe__plan_launch(plan, node, &spec, "vmmviifimii", x, zoe__plan_x(plan, node, 1)->mem,
                            zoe__plan_aux_mem(plan, node, 0), dx, x->shape.n, x->shape.c,
                            (double)zoe__plan_loss_scale(plan) / x->shape.n, zoe__plan_dx_add(plan, node, 0),
                            zoe__plan_scalars(plan), planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 4.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->input[0]));
}

extern const zoe__op zoe__op_softmax_cross_entropy;

zoe_value zoe_softmax_cross_entropy(zoe_graph *graph, const char *name, zoe_value logits, zoe_value labels)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_softmax_cross_entropy, name, (zoe_value[]){logits, labels}, 2))
        return ZOE_NO_VALUE;
    const zoe_shape x = zoe_graph_shape(graph, logits), l = zoe_graph_shape(graph, labels);
    if (zoe__graph_value(graph, labels)->dtype != ZOE_I32)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (softmax_cross_entropy): labels must be of type I32", name);
    if (x.h != 1 || x.w != 1 || l.n != x.n || l.c != 1 || l.h != 1 || l.w != 1)
        return zoe__graph_mistake(
            graph, ZOE_SHAPE,
            "%s (softmax_cross_entropy): logits %dx%dx%dx%d and labels %dx%dx%dx%d, wanted NxKx1x1 and "
            "Nx1x1x1",
            name, x.n, x.c, x.h, x.w, l.n, l.c, l.h, l.w);
    return zoe__graph_add(graph, &node, (zoe_shape){1, 1, 1, 1});
}

const zoe__op zoe__op_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .needs = ZOE__NEEDS_X,
    .is_loss = true,
    .integer_inputs = 1 << 1,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
