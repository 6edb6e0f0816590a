/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout. Element e (its place in NCHW order) is kept when word e % 4 of Philox(seed; e / 4, micro, step, node) is at
 * least ratio * 2^32: the mask depends on nothing else, so backward draws it again and every device has the same one.
 * Kernels: cl/dropout.cl. */
#include "ops/node.h"

#include "core/philox.h"

typedef struct dropout_options {
    uint32_t threshold; /* draws below it are dropped */
    float scale;        /* 1 / (1 - ratio) */
} dropout_options;

/* ---- definition ---- */

/* to[i] (+)= from[i] * mask * scale */
static void apply(const zoe__ref *ref, const double *from, double *to, bool add)
{
    const dropout_options *o = ref->node->options;
    const zoe__scalars *s = ref->scalars;
    const size_t count = zoe_shape_count(ref->y_shape);
    zoe__philox4 draw = {{0}};
    for (size_t i = 0; i < count; i++) {
        if (i % 4 == 0)
            draw =
                zoe__philox(s->seed, (uint32_t[]){(uint32_t)(i / 4), s->micro, s->step, (uint32_t)ref->node->number});
        const double value = draw.v[i % 4] >= o->threshold ? from[i] * (double)o->scale : 0;
        to[i] = add ? to[i] + value : value;
    }
}

static void ref_forward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->y_shape);
    if (ref->training) {
        apply(ref, ref->x[0], ref->y, false);
        return;
    }
    for (size_t i = 0; i < count; i++) ref->y[i] = ref->x[0][i];
}

static void ref_backward(const zoe__ref *ref)
{
    if (ref->dx[0]) apply(ref, ref->dy, ref->dx[0], true);
}

/* ---- device ---- */

static zoe_status launch(zoe_plan *plan, zoe__node *node, const zoe__view *from, const zoe__view *to, int add)
{
    const dropout_options *o = node->options;
    const int planes = to->shape.n * to->c8;
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "dropout", "dropout_apply", planes, to->shape.h, to->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vvmiufuiii", from, to, zoe__plan_scalars(plan), to->shape.c,
                            o->threshold, (double)o->scale, (uint32_t)node->number, add, planes, rows);
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0), *y = zoe__plan_y(plan, node);
    if (zoe__plan_training(plan)) return launch(plan, node, x, y, 0);
    if (x->mem == y->mem) return ZOE_OK;
    return zoe__launch_copy(plan, node, x, 0, y, 0, y->shape.n * y->c8, 0);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    return launch(plan, node, zoe__plan_dy(plan, node), dx, zoe__plan_dx_add(plan, node, 0));
}

extern const zoe__op zoe__op_dropout;

zoe_value zoe_dropout(zoe_graph *graph, const char *name, zoe_value x, float ratio)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_dropout, name, &x, 1)) return ZOE_NO_VALUE;
    if (!(ratio >= 0 && ratio < 1))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (dropout): ratio %g is not in 0 <= ratio < 1", name,
                                  (double)ratio);
    dropout_options options = {(uint32_t)((double)ratio * 4294967296.0), (float)(1 / (1 - (double)ratio))};
    node.options = &options;
    node.options_bytes = sizeof options;
    return zoe__graph_add(graph, &node, zoe_graph_shape(graph, x));
}

const zoe__op zoe__op_dropout = {
    .name = "dropout",
    .in_place = true,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .forward = forward,
    .backward = backward,
};
