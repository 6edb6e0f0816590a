/* SPDX-License-Identifier: Apache-2.0
 *
 * `winograd` for GPUs: F(2x2,3x3), output and gradient of x of 3x3 convolutions of stride 1, with 16/36 of the
 * multiplications; the gradient of the weights is F(3x3,2x2), as many. Transformed input and sums lie in the workspace,
 * for as many images at a time as it has room for; the products are `tiled`'s. It costs traffic: four times the input
 * and the output, there and back. So it is taken where it was measured to be faster or is asked for, not by itself.
 * Kernels: cl/winograd_tiled.cl, cl/conv2d_tiled.cl.
 */
#include "ops/conv2d.h"

enum { PLACES = 16, RELU = 1, ADD = 2, BIAS = 4 }; /* as in winograd_tiled.cl */

/* A direction as the kernels see it. */
typedef struct sweep {
    bool data;
    int in_blocks, outputs, out_blocks;
    int in_h, in_w; /* of the first tile */
    int tiles_h, tiles_w;
    int images;            /* at a time */
    size_t v_each, m_each; /* pixels of 8 numbers an image: transformed input, sums */
} sweep;

static int blocks_of(int channels)
{
    return (channels + 7) / 8;
}

static bool supports(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    enum { MOST_PIXELS = 1 << 24 }; /* of an image's v and m: kernels count in int */
    const double each =
        PLACES * ((double)conv->p * conv->q / 4 + conv->p + conv->q) * (blocks_of(conv->c) + blocks_of(conv->k));
    const bool half = zoe_device_get_info(zoe__plan_device(plan))->half; /* too coarse for sums of 16 */
    return !half && conv->r == 3 && conv->s == 3 && conv->stride_h == 1 && conv->stride_w == 1 && conv->groups == 1 &&
           conv->pad_h <= 2 && conv->pad_w <= 2 && each < MOST_PIXELS && conv->p > 1 && conv->q > 1 &&
           zoe__conv2d_tiled.supports(plan, conv, direction);
}

static size_t candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction, zoe__choice *out,
                         size_t room)
{
    size_t count = 0;
    (void)conv;
    for (int i = 1; i <= zoe__tiled_count() && count < room; i++)
        if (zoe__tiled_offers(plan, i, direction))
            out[count++] = (zoe__choice){.algorithm = "winograd", .parameter = {i}};
    return count;
}

/* As many images at a time as a workspace of 256 MiB and the plan's limit hold, at least one. */
static sweep sweep_of(const zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    enum { MOST_FLOATS = 1 << 26 };
    const bool data = direction == ZOE__TO_DATA;
    const size_t limit = zoe__plan_workspace_limit(plan), most = limit < MOST_FLOATS ? limit : MOST_FLOATS;
    sweep s = {.data = data,
               .in_blocks = blocks_of(data ? conv->k : conv->c),
               .outputs = data ? conv->c : conv->k,
               .out_blocks = blocks_of(data ? conv->c : conv->k),
               .in_h = data ? conv->pad_h - 2 : -conv->pad_h,
               .in_w = data ? conv->pad_w - 2 : -conv->pad_w,
               .tiles_h = ((data ? conv->h : conv->p) + 1) / 2,
               .tiles_w = ((data ? conv->w : conv->q) + 1) / 2};
    const size_t tiles = (size_t)s.tiles_h * (size_t)s.tiles_w;
    s.v_each = PLACES * (size_t)s.in_blocks * tiles;
    s.m_each = PLACES * (size_t)s.out_blocks * tiles;
    const size_t fit = most / ((s.v_each + s.m_each) * 8);
    s.images = fit < 1 ? 1 : fit > (size_t)conv->n ? conv->n : (int)fit;
    return s;
}

/* ---- gradient of the weights ---- */

/* The workspace: mask, v and e of some images at a time, the parts of sums. */
typedef struct gather {
    int tiles_h, tiles_w, images, parts;
    size_t v_each, e_each, part_floats; /* pixels of 8 numbers an image; floats */
    zoe__tiled_weights_product product; /* of all images at a time */
} gather;

static gather gather_of(zoe_plan *plan, const zoe__conv2d *conv)
{
    enum { MOST_FLOATS = 1 << 26 };
    const size_t limit = zoe__plan_workspace_limit(plan), most = limit < MOST_FLOATS ? limit : MOST_FLOATS;
    gather g = {.tiles_h = (conv->p + 1) / 2, .tiles_w = (conv->q + 1) / 2};
    const size_t tiles = (size_t)g.tiles_h * (size_t)g.tiles_w;
    g.v_each = PLACES * (size_t)blocks_of(conv->c) * tiles;
    g.e_each = PLACES * (size_t)blocks_of(conv->k) * tiles;
    const size_t fit = most / ((g.v_each + g.e_each) * 8);
    g.images = fit < 1 ? 1 : fit > (size_t)conv->n ? conv->n : (int)fit;
    g.product = (zoe__tiled_weights_product){.groups = PLACES,
                                             .in_blocks = blocks_of(conv->c),
                                             .out_blocks = blocks_of(conv->k),
                                             .most_pixels = g.images * (int)tiles};
    g.parts = zoe__tiled_parts(plan, &g.product, &g.part_floats);
    return g;
}

static size_t gather_floats(const gather *g)
{
    return (size_t)g->images * (g->v_each + g->e_each) * 8 + (size_t)g->parts * g->part_floats;
}

/* Images image0 .. image0 + images - 1 are added to the sums. */
static zoe_status emit_gather(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, const gather *g,
                              int image0, int images)
{
    const double per_item = (PLACES + 4) * 4 * sizeof(float);
    const int tiles = images * g->tiles_h * g->tiles_w, v_first = (int)(zoe__conv2d_mask_floats(conv) / 8);
    const int e_first = v_first + (int)((size_t)g->images * g->v_each);
    const int v_items = 2 * blocks_of(conv->c) * tiles, e_items = 2 * blocks_of(conv->k) * tiles;
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    zoe__launch_spec spec = zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_input", (size_t)v_items);
    spec.bytes = per_item * v_items;
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmiiiiiiii", zoe__plan_x(plan, node, 0), work, v_first, image0,
                             g->tiles_h, g->tiles_w, tiles, -conv->pad_h, -conv->pad_w, v_items));
    spec = zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_gradient", (size_t)e_items);
    spec.bytes = per_item * e_items;
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmiiiiii", zoe__plan_dy(plan, node), work, e_first, image0, g->tiles_h,
                             g->tiles_w, tiles, e_items));
    zoe__tiled_weights_product product = g->product;
    product.mem = work;
    product.x_first = v_first;
    product.dy_first = e_first;
    product.first = (e_first + (int)((size_t)g->images * g->e_each)) * 8;
    product.more = image0 > 0;
    product.pixels = tiles;
    product.tile = zoe__plan_choice(plan, node, ZOE__TO_WEIGHTS)->parameter[0];
    product.flops = zoe__conv2d_flops(conv) * images / conv->n;
    return zoe__tiled_multiply_weights(plan, node, &product);
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const gather g = gather_of(plan, conv);
    for (int image = 0; image < conv->n; image += g.images)
        ZOE_TRY(emit_gather(plan, node, conv, &g, image, conv->n - image < g.images ? conv->n - image : g.images));
    const int first = (int)(zoe__conv2d_mask_floats(conv) + (size_t)g.images * (g.v_each + g.e_each) * 8);
    const bool add = zoe__plan_dweight_add(plan, node, 0);
    zoe__launch_spec spec =
        zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_weights", (size_t)conv->k * (size_t)conv->c);
    spec.bytes = sizeof(float) * ((double)g.parts * (double)g.part_floats + (9.0 + 9.0 * add) * conv->k * conv->c);
    return zoe__plan_launch(plan, node, &spec, "miiiiimiii", zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), first,
                            g.parts, (int)g.part_floats, blocks_of(conv->k) * 8, blocks_of(conv->c) * 8,
                            zoe__plan_dweight(plan, node, 0), add, conv->k, conv->c);
}

/* ---- output and gradient of x ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) {
        const gather g = gather_of(plan, conv);
        zoe__plan_halo(plan, node->input[0], conv->pad_h > conv->pad_w ? conv->pad_h : conv->pad_w);
        zoe__plan_workspace(plan, node, ZOE__BACKWARD, zoe__conv2d_mask_floats(conv) + gather_floats(&g));
        return ZOE_OK;
    }
    const sweep s = sweep_of(plan, conv, direction);
    const size_t floats = (size_t)s.images * (s.v_each + s.m_each) * 8;
    zoe__plan_derived(plan, node, s.data ? 0 : 1, PLACES * (size_t)s.in_blocks * 8 * zoe__tiled_pitch(s.outputs));
    if (!s.data) {
        zoe__plan_halo(plan, node->input[0], conv->pad_h > conv->pad_w ? conv->pad_h : conv->pad_w);
        zoe__plan_workspace(plan, node, ZOE__FORWARD, floats);
        return ZOE_OK;
    }
    zoe__plan_gradient_halo(plan, node->output, 2 - (conv->pad_h < conv->pad_w ? conv->pad_h : conv->pad_w));
    zoe__plan_workspace(plan, node, ZOE__BACKWARD, zoe__conv2d_mask_floats(conv) + floats);
    return ZOE_OK;
}

static zoe_status emit_filter(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, const sweep *s)
{
    const int pitch = (int)zoe__tiled_pitch(s->outputs), items = s->in_blocks * 8 * pitch;
    const zoe__launch_spec spec = zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_filter", (size_t)items);
    zoe__plan_prepare_begin(plan);
    const zoe_status status = zoe__plan_launch(plan, node, &spec, "mmiiiii", zoe__plan_weight(plan, node, 0),
                                               zoe__plan_derived_mem(plan, node, s->data ? 0 : 1), (int)s->data,
                                               conv->k, conv->c, pitch, items);
    zoe__plan_prepare_end(plan);
    return status;
}

/* Images image0 .. image0 + images - 1. */
static zoe_status emit_images(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, const sweep *s,
                              int image0, int images)
{
    const int tiles = images * s->tiles_h * s->tiles_w, v_items = 2 * s->in_blocks * tiles;
    const double per_item =
        (PLACES + 4) * 4 * sizeof(float); /* places of 4 channels, the pixels that are a tile's own */
    const int m_items = 2 * s->out_blocks * tiles;
    const size_t mask = s->data ? zoe__conv2d_mask_floats(conv) : 0;
    const int v_first = (int)(mask / 8), m_first = v_first + PLACES * s->in_blocks * tiles;
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, s->data ? ZOE__BACKWARD : ZOE__FORWARD);
    zoe__mem *weights = zoe__plan_derived_mem(plan, node, s->data ? 0 : 1);
    const int flags =
        s->data ? (zoe__plan_dx_add(plan, node, 0) ? ADD : 0) : (conv->relu ? RELU : 0) | (conv->bias ? BIAS : 0);
    zoe__launch_spec spec = zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_input", (size_t)v_items);
    spec.bytes = per_item * v_items;
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmiiiiiiii",
                             s->data ? zoe__plan_dy(plan, node) : zoe__plan_x(plan, node, 0), work, v_first, image0,
                             s->tiles_h, s->tiles_w, tiles, s->in_h, s->in_w, v_items));
    const zoe__tiled_product product = {
        .mem = work,
        .weights = weights,
        .x_first = v_first,
        .y_first = m_first,
        .groups = PLACES,
        .in_blocks = s->in_blocks,
        .out_blocks = s->out_blocks,
        .pixels = tiles,
        .tile = zoe__plan_choice(plan, node, s->data ? ZOE__TO_DATA : ZOE__TO_OUTPUT)->parameter[0],
        .flops = zoe__conv2d_flops(conv) * images / conv->n};
    ZOE_TRY(zoe__tiled_multiply(plan, node, &product));
    spec = zoe__spec_items(plan, "winograd_tiled", "winograd_tiled_output", (size_t)m_items);
    spec.bytes = per_item * m_items;
    return zoe__plan_launch(plan, node, &spec, "mimiviiiii", work, m_first,
                            !s->data && conv->bias ? zoe__plan_weight(plan, node, 1) : weights, flags,
                            s->data ? zoe__plan_dx(plan, node, 0) : zoe__plan_y(plan, node), image0, s->tiles_h,
                            s->tiles_w, tiles, m_items);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) return emit_weights(plan, node, conv);
    const sweep s = sweep_of(plan, conv, direction);
    ZOE_TRY(emit_filter(plan, node, conv, &s));
    for (int image = 0; image < conv->n; image += s.images)
        ZOE_TRY(emit_images(plan, node, conv, &s, image, conv->n - image < s.images ? conv->n - image : s.images));
    return ZOE_OK;
}

const zoe__conv2d_algorithm zoe__conv2d_winograd_tiled = {
    .name = "winograd",
    .inexact = true,
    .unasked = {[ZOE_FAMILY_SIMT] = true},
    .supports = supports,
    .candidates = candidates,
    .plan = make_plan,
    .emit = emit,
};
