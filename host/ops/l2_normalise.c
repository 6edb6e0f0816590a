/* SPDX-License-Identifier: Apache-2.0
 *
 * l2_normalise, each image by itself: d = max(|x|, eps), y = x / d;
 *   dx = (dy - y * <y, dy>) / d, without the second term where |x| < eps. Kernels: cl/l2_normalise.cl. */
#include "ops/node.h"

#include <math.h>

typedef struct l2_options {
    float eps;
} l2_options;

/* ---- definition ---- */

/* aux 0: for each image 1 / d, and 1 where the norm counts (|x| >= eps), else 0. */
static void ref_forward(const zoe__ref *ref)
{
    const l2_options *o = ref->node->options;
    const size_t images = (size_t)ref->y_shape.n, image = zoe_shape_count(ref->y_shape) / images;
    for (size_t n = 0; n < images; n++) {
        const double *x = ref->x[0] + n * image;
        double sum = 0;
        for (size_t i = 0; i < image; i++) sum += x[i] * x[i];
        const double norm = sqrt(sum), d = norm < (double)o->eps ? (double)o->eps : norm;
        for (size_t i = 0; i < image; i++) ref->y[n * image + i] = x[i] / d;
        ref->aux[0][2 * n] = 1 / d;
        ref->aux[0][2 * n + 1] = norm < (double)o->eps ? 0 : 1;
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t images = (size_t)ref->y_shape.n, image = zoe_shape_count(ref->y_shape) / images;
    for (size_t n = 0; ref->dx[0] && n < images; n++) {
        const double *y = ref->y + n * image, *dy = ref->dy + n * image;
        double dot = 0;
        for (size_t i = 0; i < image; i++) dot += y[i] * dy[i];
        dot *= ref->aux[0][2 * n + 1];
        for (size_t i = 0; i < image; i++) ref->dx[0][n * image + i] += (dy[i] - y[i] * dot) * ref->aux[0][2 * n];
    }
}

/* ---- device: aux 0 as above; workspace of backward: <y, dy> of each image ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_shape s = zoe__plan_shape(plan, node->output);
    const size_t images = (size_t)s.n;
    zoe__plan_aux(plan, node, 0, 2 * images);
    if (zoe__plan_training(plan)) zoe__plan_workspace(plan, node, ZOE__BACKWARD, images);
    return ZOE_OK;
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const l2_options *o = node->options;
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    zoe__mem *norms = zoe__plan_aux_mem(plan, node, 0);
    const int planes = x->shape.n * x->c8;
    zoe__launch_spec spec = zoe__spec_groups(plan, "l2_normalise", "l2_norms", (size_t)x->shape.n);
    spec.bytes = zoe__view_bytes(x);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmf", x, norms, (double)o->eps));
    int rows;
    spec = zoe__spec_pixels(plan, "l2_normalise", "l2_forward", planes, x->shape.h, x->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vmvii", x, norms, y, planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *y = zoe__plan_y(plan, node), *dy = zoe__plan_dy(plan, node), *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    zoe__mem *dots = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), *norms = zoe__plan_aux_mem(plan, node, 0);
    const int planes = y->shape.n * y->c8;
    zoe__launch_spec spec = zoe__spec_groups(plan, "l2_normalise", "l2_dots", (size_t)y->shape.n);
    spec.bytes = 2 * zoe__view_bytes(y);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvmm", y, dy, norms, dots));
    int rows;
    spec = zoe__spec_pixels(plan, "l2_normalise", "l2_backward", planes, y->shape.h, y->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvmmviii", y, dy, dots, norms, dx, zoe__plan_dx_add(plan, node, 0),
                            planes, rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    return 3.0 * (double)zoe_shape_count(zoe_graph_shape(graph, node->output));
}

extern const zoe__op zoe__op_l2_normalise;

zoe_value zoe_l2_normalise(zoe_graph *graph, const char *name, zoe_value x, float eps)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_l2_normalise, name, &x, 1)) return ZOE_NO_VALUE;
    if (!(eps > 0))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (l2_normalise): eps %g must be above 0", name, (double)eps);
    l2_options options = {eps};
    node.options = &options;
    node.options_bytes = sizeof options;
    node.aux_doubles[0] = 2 * (size_t)zoe_graph_shape(graph, x).n;
    return zoe__graph_add(graph, &node, zoe_graph_shape(graph, x));
}

const zoe__op zoe__op_l2_normalise = {
    .name = "l2_normalise",
    .needs = ZOE__NEEDS_Y,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
