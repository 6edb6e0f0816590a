/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest/probe.h"

#include "ops/node.h"

float zoe__probe_number(uint32_t stream, uint32_t i)
{
    uint32_t a = i * 0x9E3779B9u + stream * 0x85EBCA6Bu + 1;
    a ^= a >> 16;
    a *= 0x7FEB352Du;
    a ^= a >> 15;
    a *= 0x846CA68Bu;
    a ^= a >> 16;
    return (float)(a >> 8) / 8388608.0f - 1.0f;
}

void zoe__probe_fill(uint32_t stream, float *data, size_t count)
{
    for (size_t i = 0; i < count; i++) data[i] = zoe__probe_number(stream, (uint32_t)i);
}

static uint32_t stream_of(const zoe__node *node)
{
    return *(const uint32_t *)node->options;
}

static void ref_forward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->x_shape[0]);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)zoe__probe_number(stream_of(ref->node), (uint32_t)i) * ref->x[0][i];
    ref->y[0] = sum;
}

static void ref_backward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->x_shape[0]);
    for (size_t i = 0; ref->dx[0] && i < count; i++)
        ref->dx[0][i] += (double)zoe__probe_number(stream_of(ref->node), (uint32_t)i) * ref->loss_scale;
}

static zoe_status make_plan(zoe_plan *plan, zoe__node *node)
{
    if (stream_of(node) & ZOE__PROBE_PLANAR) zoe__plan_planar(plan, node->input[0]);
    if (stream_of(node) & ZOE__PROBE_HALO) zoe__plan_halo(plan, node->input[0], 2);
    return ZOE_OK;
}

static zoe_status forward(zoe_plan *plan, zoe__node *node)
{
    (void)plan;
    (void)node;
    return ZOE_OK;
}

static zoe_status backward(zoe_plan *plan, zoe__node *node)
{
    const zoe__view *dx = zoe__plan_dx(plan, node, 0);
    if (!dx) return ZOE_OK;
    const int planes = dx->shape.n * dx->c8;
    int rows;
    const zoe__launch_spec spec =
        zoe__spec_pixels(plan, "probe", "probe_gradient", planes, dx->shape.h, dx->shape.w, &rows);
    return zoe__plan_launch(plan, node, &spec, "vuiifmii", dx, stream_of(node), dx->shape.c,
                            zoe__plan_dx_add(plan, node, 0), (double)zoe__plan_loss_scale(plan),
                            zoe__plan_scalars(plan), planes, rows);
}

static const zoe__op probe = {
    .name = "probe",
    .is_loss = true,
    .ref_forward = ref_forward,
    .ref_backward = ref_backward,
    .plan = make_plan,
    .forward = forward,
    .backward = backward,
};

zoe_value zoe__probe_loss(zoe_graph *graph, const char *name, zoe_value x, uint32_t stream)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, &probe, name, &x, 1)) return ZOE_NO_VALUE;
    node.options = &stream;
    node.options_bytes = sizeof stream;
    return zoe__graph_add(graph, &node, (zoe_shape){1, 1, 1, 1});
}
