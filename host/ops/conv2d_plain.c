/* SPDX-License-Identifier: Apache-2.0
 *
 * `plain`: convolution as it is written down, for what no other algorithm takes (odd groups without CLBlast, new
 * devices). Kernels: cl/conv2d_plain.cl. */
#include "ops/conv2d.h"

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction != ZOE__TO_DATA)
        zoe__plan_halo(plan, node->input[0], conv->pad_h > conv->pad_w ? conv->pad_h : conv->pad_w);
    return ZOE_OK;
}

#define SHAPE_TYPES "iiiiiiiii"
#define SHAPE_OF(v) (v)->c, (v)->k, (v)->r, (v)->s, (v)->stride_h, (v)->stride_w, (v)->pad_h, (v)->pad_w, (v)->groups

static zoe_status emit_output(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const zoe__view *y = zoe__plan_y(plan, node);
    const int planes = conv->n * y->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "conv2d_plain", "conv2d_plain_forward", planes, conv->p, conv->q, &rows);
    spec.flops = zoe__conv2d_flops(conv);
    return zoe__plan_launch(plan, node, &spec, "vmmiiv" SHAPE_TYPES "ii", zoe__plan_x(plan, node, 0),
                            zoe__plan_weight(plan, node, 0), conv->bias ? zoe__plan_weight(plan, node, 1) : NULL,
                            conv->bias, conv->relu, y, SHAPE_OF(conv), planes, rows);
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const size_t weights = (size_t)conv->k * (size_t)(conv->c / conv->groups) * (size_t)conv->r * (size_t)conv->s;
    zoe__launch_spec spec = zoe__spec_groups(plan, "conv2d_plain", "conv2d_plain_weights", weights);
    spec.flops = zoe__conv2d_flops(conv);
    return zoe__plan_launch(plan, node, &spec, "vvmii" SHAPE_TYPES, zoe__plan_x(plan, node, 0),
                            zoe__plan_dy(plan, node), zoe__plan_dweight(plan, node, 0),
                            zoe__plan_dweight_add(plan, node, 0), conv->n, SHAPE_OF(conv));
}

static zoe_status emit_data(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    const int planes = conv->n * dx->c8;
    int rows;
    zoe__launch_spec spec =
        zoe__spec_pixels(plan, "conv2d_plain", "conv2d_plain_data", planes, conv->h, conv->w, &rows);
    spec.flops = zoe__conv2d_flops(conv);
    return zoe__plan_launch(plan, node, &spec, "vmvi" SHAPE_TYPES "ii", zoe__plan_dy(plan, node),
                            zoe__plan_weight(plan, node, 0), dx, zoe__plan_dx_add(plan, node, 0), SHAPE_OF(conv),
                            planes, rows);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) return emit_weights(plan, node, conv);
    return direction == ZOE__TO_DATA ? emit_data(plan, node, conv) : emit_output(plan, node, conv);
}

const zoe__conv2d_algorithm zoe__conv2d_plain = {
    .name = "plain",
    .unasked = {[ZOE_FAMILY_VECTOR] = true, [ZOE_FAMILY_SIMT] = true},
    .plan = make_plan,
    .emit = emit,
};
