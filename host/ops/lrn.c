/* SPDX-License-Identifier: Apache-2.0
 *
 * lrn, across channels:
 *   s[c] = k + alpha / size * sum over |c' - c| <= size / 2 of x[c']^2,   y[c] = x[c] * s[c]^-beta
 *   dx[c] = dy[c] * s[c]^-beta - 2 alpha beta / size * x[c] * sum over c' of dy[c'] * x[c'] * s[c']^(-beta - 1)
 * Kernels: cl/lrn.cl. */
#include "ops/node.h"

#include <math.h>

/* ---- definition ---- */

typedef struct lrn_window {
    int first, last; /* channels, last is past the end */
} lrn_window;

static lrn_window window(int c, int size, int channels)
{
    const int first = c - size / 2, last = c + size / 2 + 1;
    return (lrn_window){first > 0 ? first : 0, last < channels ? last : channels};
}

/* aux 0: s. */
static void ref_forward(const zoe__ref *ref)
{
    const zoe_lrn_options *o = ref->node->options;
    const zoe_shape in = ref->y_shape;
    const size_t pixels = (size_t)in.h * (size_t)in.w;
    for (int n = 0; n < in.n; n++) {
        const size_t image = (size_t)n * (size_t)in.c * pixels;
        for (int c = 0; c < in.c; c++) {
            const lrn_window near = window(c, o->size, in.c);
            for (size_t i = 0; i < pixels; i++) {
                double sum = 0;
                for (int d = near.first; d < near.last; d++) {
                    const double x = ref->x[0][image + (size_t)d * pixels + i];
                    sum += x * x;
                }
                const size_t at = image + (size_t)c * pixels + i;
                ref->aux[0][at] = (double)o->k + (double)o->alpha / o->size * sum;
                ref->y[at] = ref->x[0][at] * pow(ref->aux[0][at], -(double)o->beta);
            }
        }
    }
}

static void ref_backward(const zoe__ref *ref)
{
    const zoe_lrn_options *o = ref->node->options;
    const zoe_shape in = ref->y_shape;
    const size_t pixels = (size_t)in.h * (size_t)in.w;
    const double *x = ref->x[0], *s = ref->aux[0], beta = (double)o->beta;
    if (!ref->dx[0]) return;
    for (int n = 0; n < in.n; n++) {
        const size_t image = (size_t)n * (size_t)in.c * pixels;
        for (int c = 0; c < in.c; c++) {
            const lrn_window near = window(c, o->size, in.c);
            for (size_t i = 0; i < pixels; i++) {
                const size_t at = image + (size_t)c * pixels + i;
                double sum = 0;
                for (int d = near.first; d < near.last; d++) {
                    const size_t from = image + (size_t)d * pixels + i;
                    sum += ref->dy[from] * x[from] * pow(s[from], -beta - 1);
                }
                ref->dx[0][at] += ref->dy[at] * pow(s[at], -beta) - 2 * (double)o->alpha * beta / o->size * x[at] * sum;
            }
        }
    }
}

/* ---- device: aux 0 holds s, one float8 a pixel ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    const zoe_lrn_options *o = node->options;
    if (o->size > 17) return ZOE_UNSUPPORTED; /* kernels look at the blocks beside their own only */
    const zoe_shape y = zoe__plan_shape(plan, node->output);
    const size_t pixels = (size_t)y.n * (size_t)((y.c + 7) / 8) * (size_t)y.h * (size_t)y.w;
    if (zoe__plan_training(plan)) zoe__plan_aux(plan, node, 0, pixels * 8);
    return ZOE_OK;
}

static bool build_options(char *text, size_t size, const zoe_lrn_options *o, bool keep)
{
    return zoe__format(text, size, "-DSIZE=%d -DKEEP=%d%s", o->size, keep,
                       o->beta == 0.75f ? " -DBETA_THREE_QUARTERS=1" : "");
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    const zoe_lrn_options *o = node->options;
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = y->shape.n * y->c8;
    const bool keep = zoe__plan_training(plan);
    int rows;
    char text[96];
    zoe__launch_spec spec = zoe__spec_pixels(plan, "lrn", "lrn_forward", planes, y->shape.h, y->shape.w, &rows);
    build_options(text, sizeof text, o, keep);
    spec.options = text;
    return zoe__plan_launch(plan, node, &spec, "vvmifffii", zoe__plan_x(plan, node, 0), y,
                            keep ? zoe__plan_aux_mem(plan, node, 0) : NULL, y->shape.c, (double)o->alpha / o->size,
                            (double)o->beta, (double)o->k, planes, rows);
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe_lrn_options *o = node->options;
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    char text[96];
    zoe__launch_spec spec = zoe__spec_pixels(plan, "lrn", "lrn_backward", planes, dx->shape.h, dx->shape.w, &rows);
    build_options(text, sizeof text, o, true);
    spec.options = text;
    return zoe__plan_launch(plan, node, &spec, "vvmvffiii", zoe__plan_x(plan, node, 0), zoe__plan_dy(plan, node),
                            zoe__plan_aux_mem(plan, node, 0), dx, (double)o->beta,
                            2 * (double)o->alpha * (double)o->beta / o->size, zoe__plan_dx_add(plan, node, 0), planes,
                            rows);
}

static double flops(const zoe_graph *graph, const zoe__node *node)
{
    const zoe_lrn_options *o = node->options;
    return (double)zoe_shape_count(zoe_graph_shape(graph, node->output)) * (2 * o->size + 2);
}

zoe_lrn_options zoe_lrn_options_default(void)
{
    return (zoe_lrn_options){.size = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 1};
}

extern const zoe__op zoe__op_lrn;

zoe_value zoe_lrn(zoe_graph *graph, const char *name, zoe_value x, const zoe_lrn_options *options)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &zoe__op_lrn, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_lrn_options o = *options;
    if (o.size < 1 || o.size > 1023 || o.size % 2 == 0)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (lrn): size %d must be odd, 1..1023", name, o.size);
    if (!(o.k > 0) || !(o.alpha >= 0) || !(o.beta >= 0))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (lrn): k %g must be above 0, alpha %g and beta %g not below 0",
                                  name, (double)o.k, (double)o.alpha, (double)o.beta);
    node.options = &o;
    node.options_bytes = sizeof o;
    node.aux_doubles[0] = zoe_shape_count(zoe_graph_shape(graph, x));
    return zoe__graph_add(graph, &node, zoe_graph_shape(graph, x));
}

const zoe__op zoe__op_lrn = {
    .name = "lrn",
    .needs = ZOE__NEEDS_X,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
