/* SPDX-License-Identifier: Apache-2.0
 *
 * `packed`: the fully connected layer for the vector family. Operands that are small (images, gradients) are packed for
 * the register tiles; weights, which may be a hundred megabytes, are read once a pass as they lie. Sums are split by
 * the shape alone. Kernels: cl/linear_packed.cl. */
#include "ops/linear.h"

/* ---- sizes and the cut of the workspaces, all in floats ---- */

typedef struct cut {
    int inputs;                     /* F: C/8 H W 8 */
    int k_blocks;                   /* of 16 filters */
    int images;                     /* of a tile of the packed x */
    int padded;                     /* N rounded up to whole tiles */
    int vt, vectors;                /* vectors of images in a tile of dx; in all */
    int parts, part_f;              /* the forward split of F */
    size_t x, sums, forward_floats; /* workspace of the forward pass */
    size_t back_x, dk, dn, dx, backward_floats;
} cut;

static int lanes_of(zoe_plan *plan)
{
    return zoe_device_get_info(zoe__plan_device(plan))->lanes == 16 ? 16 : 8;
}

static cut make_cut(zoe_plan *plan, const zoe__conv2d *conv)
{
    enum { WORK_GROUPS = 32, LEAST_F = 256 };
    const int lanes = lanes_of(plan);
    cut c = {.inputs = (conv->c + 7) / 8 * conv->h * conv->w * 8, .k_blocks = (conv->k + 15) / 16};
    /* One size of tile for all batches: another batch must not compile anything. */
    c.images = lanes == 16 ? 8 : 4;
    c.padded = (conv->n + c.images - 1) / c.images * c.images;
    const int vectors = (conv->n + lanes - 1) / lanes;
    c.vt = 1;
    c.vectors = (vectors + c.vt - 1) / c.vt * c.vt;

    int parts = (WORK_GROUPS + (c.k_blocks + 1) / 2 - 1) / ((c.k_blocks + 1) / 2);
    if (parts > c.inputs / LEAST_F) parts = c.inputs / LEAST_F;
    if (parts < 1) parts = 1;
    c.part_f = (int)zoe__round_up((size_t)((c.inputs + parts - 1) / parts), 8);
    c.parts = (c.inputs + c.part_f - 1) / c.part_f;

    const size_t x = zoe__round_up((size_t)c.padded * (size_t)c.inputs, 16), k = (size_t)c.k_blocks * 16;
    c.sums = x;
    c.forward_floats = c.sums + (size_t)c.parts * (size_t)c.padded * k;
    c.back_x = zoe__round_up(zoe__conv2d_mask_floats(conv), 16);
    c.dk = c.back_x + x;
    c.dn = c.dk + (size_t)c.padded * k;
    c.dx = c.dn + (size_t)(c.vectors * lanes) * k;
    c.backward_floats = c.dx + (size_t)(c.vectors * lanes) * (size_t)c.inputs;
    return c;
}

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const cut c = make_cut(plan, conv);
    const zoe__layout layout = zoe__layout_blocked((zoe_shape){conv->k, conv->c, conv->h, conv->w});
    ZOE_FAIL_IF(zoe__plan_context(plan), c.backward_floats > 0x7fffffff || c.forward_floats > 0x7fffffff,
                ZOE_UNSUPPORTED, "%s (linear): a workspace of %zu floats is too large", node->name, c.backward_floats);
    zoe__plan_layout(plan, node, 0, &layout);
    if (direction == ZOE__TO_OUTPUT)
        zoe__plan_workspace(plan, node, ZOE__FORWARD, c.forward_floats);
    else
        zoe__plan_workspace(plan, node, ZOE__BACKWARD, c.backward_floats);
    return ZOE_OK;
}

/* ---- launches ---- */

typedef struct job {
    zoe_plan *plan;
    const zoe__node *node;
    cut cut;
    double flops;
    char options[64];
} job;

static zoe__launch_spec spec_of(job *j, const char *kernel, int kt, size_t x, size_t y)
{
    zoe__format(j->options, sizeof j->options, "-DIMAGES=%d -DKT=%d -DVT=%d", j->cut.images, kt, j->cut.vt);
    return (zoe__launch_spec){.program = "linear_packed",
                              .kernel = kernel,
                              .options = j->options,
                              .dims = 2,
                              .global = {x, y},
                              .local = {1, 1}};
}

static job make_job(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    return (job){.plan = plan, .node = node, .cut = make_cut(plan, conv), .flops = zoe__conv2d_flops(conv)};
}

/* Blocks of filters go in pairs where 16 lanes are wide, the last odd one alone. Calls emit once or twice. */
static zoe_status in_pairs(job *j, zoe_status (*emit)(job *j, int kt, int first, int tiles))
{
    const int pairs = lanes_of(j->plan) == 16 ? j->cut.k_blocks / 2 : 0;
    if (pairs) ZOE_TRY(emit(j, 2, 0, pairs));
    return pairs * 2 < j->cut.k_blocks ? emit(j, 1, pairs * 2, j->cut.k_blocks - pairs * 2) : ZOE_OK;
}

/* The class that helpers are built with: that of the main kernels, so that one program serves. */
static int main_kt(const job *j)
{
    return lanes_of(j->plan) == 16 && j->cut.k_blocks > 1 ? 2 : 1;
}

static zoe_status emit_pack_x(job *j, zoe__mem *work, size_t first)
{
    const zoe__view *x = zoe__plan_x(j->plan, j->node, 0);
    zoe__launch_spec spec =
        spec_of(j, "linear_pack_x", main_kt(j), (size_t)(j->cut.padded / j->cut.images), (size_t)(x->c8 * x->shape.h));
    spec.bytes = 2 * zoe__view_bytes(x);
    return zoe__plan_launch(j->plan, j->node, &spec, "vmii", x, work, (int)first, x->shape.n);
}

static zoe_status emit_forward(job *j, int kt, int first, int tiles)
{
    const cut *c = &j->cut;
    zoe__launch_spec spec = spec_of(j, "linear_forward", kt, (size_t)tiles, (size_t)c->parts);
    spec.flops = j->flops * kt * tiles / c->k_blocks;
    return zoe__plan_launch(j->plan, j->node, &spec, "mmiiiiiii", zoe__plan_weight(j->plan, j->node, 0),
                            zoe__plan_workspace_mem(j->plan, j->node, ZOE__FORWARD), (int)c->x, (int)c->sums, c->inputs,
                            c->k_blocks, first, c->padded, c->part_f);
}

static zoe_status emit_output(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    job j = make_job(plan, node, conv);
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, ZOE__FORWARD);
    ZOE_TRY(emit_pack_x(&j, work, j.cut.x));
    ZOE_TRY(in_pairs(&j, emit_forward));
    zoe__launch_spec spec = spec_of(&j, "linear_finish", main_kt(&j), (size_t)conv->n, 1);
    spec.bytes = (j.cut.parts + 1.0) * conv->n * conv->k * sizeof(float);
    return zoe__plan_launch(plan, node, &spec, "mimiiviii", work, (int)j.cut.sums,
                            zoe__plan_weight(plan, node, conv->bias ? 1 : 0), conv->bias, conv->relu,
                            zoe__plan_y(plan, node), j.cut.k_blocks, j.cut.padded, j.cut.parts);
}

static zoe_status emit_pack_dy(job *j, zoe__mem *work)
{
    const zoe__view *dy = zoe__plan_dy(j->plan, j->node);
    zoe__launch_spec spec = spec_of(j, "linear_pack_dy", main_kt(j), (size_t)j->cut.k_blocks, 1);
    spec.bytes = 3 * zoe__view_bytes(dy);
    return zoe__plan_launch(j->plan, j->node, &spec, "vmiiiii", dy, work, (int)j->cut.dk, (int)j->cut.dn, dy->shape.n,
                            j->cut.padded, j->cut.vectors);
}

static zoe_status emit_weight_tiles(job *j, int kt, int first, int tiles)
{
    enum { GROUP_F = 256, FAR = 1 << 22 }; /* floats that no cache keeps until the optimizer reads them */
    const cut *c = &j->cut;
    const int far = (size_t)c->inputs * (size_t)c->k_blocks * 16 > FAR;
    zoe__launch_spec spec =
        spec_of(j, "linear_weights", kt, (size_t)tiles, (size_t)((c->inputs + GROUP_F - 1) / GROUP_F));
    spec.flops = j->flops * kt * tiles / c->k_blocks;
    return zoe__plan_launch(j->plan, j->node, &spec, "miimiiiiii",
                            zoe__plan_workspace_mem(j->plan, j->node, ZOE__BACKWARD), (int)c->back_x, (int)c->dk,
                            zoe__plan_dweight(j->plan, j->node, 0), zoe__plan_dweight_add(j->plan, j->node, 0), far,
                            c->inputs, first, c->padded, GROUP_F);
}

static zoe_status emit_data_tiles(job *j, zoe__mem *work)
{
    enum { GROUP_F = 256 };
    const cut *c = &j->cut;
    const zoe__view *dx = zoe__plan_dx(j->plan, j->node, 0);
    zoe__launch_spec spec = spec_of(j, "linear_data", main_kt(j), (size_t)((c->inputs + GROUP_F - 1) / GROUP_F), 1);
    spec.flops = j->flops;
    ZOE_TRY(zoe__plan_launch(j->plan, j->node, &spec, "mmiiiiii", zoe__plan_weight(j->plan, j->node, 0), work,
                             (int)c->dn, (int)c->dx, c->inputs, c->k_blocks, c->vectors, GROUP_F));
    spec = spec_of(j, "linear_unpack_dx", main_kt(j), (size_t)(dx->c8 * dx->shape.h), 1);
    spec.bytes = 2 * zoe__view_bytes(dx);
    return zoe__plan_launch(j->plan, j->node, &spec, "miviii", work, (int)c->dx, dx,
                            zoe__plan_dx_add(j->plan, j->node, 0), dx->shape.n, c->vectors);
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    job j = make_job(plan, node, conv);
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    ZOE_TRY(emit_pack_dy(&j, work));
    ZOE_TRY(emit_pack_x(&j, work, j.cut.back_x));
    return in_pairs(&j, emit_weight_tiles);
}

static zoe_status emit_data(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    job j = make_job(plan, node, conv);
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    /* Packed for the gradient of the weights a moment ago, if that was ours. */
    if (!zoe__conv2d_chosen(plan, node, ZOE__TO_WEIGHTS, "packed")) ZOE_TRY(emit_pack_dy(&j, work));
    return emit_data_tiles(&j, work);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) return emit_weights(plan, node, conv);
    return direction == ZOE__TO_DATA ? emit_data(plan, node, conv) : emit_output(plan, node, conv);
}

const zoe__conv2d_algorithm zoe__linear_packed = {
    .name = "packed",
    .blocked = true,
    .unasked = {[ZOE_FAMILY_VECTOR] = true},
    .plan = make_plan,
    .emit = emit,
};
