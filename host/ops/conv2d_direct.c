/* SPDX-License-Identifier: Apache-2.0
 *
 * `direct`: convolution in register tiles without a column buffer, for the vector family, 8 or 16 lanes wide.
 * Backward-data is the same sweep over dy with turned weights (made once a step), one launch for each phase of the
 * stride; the gradient of the weights is split over the pixels by the shape alone and summed in order. Kernels:
 * cl/conv2d_direct.cl, conv2d_direct_weights.cl, conv2d_direct_turn.cl. */
#include "ops/conv2d.h"

enum { RELU = 1, ADD = 2, BIAS = 4, MOMENTS = 8 }; /* as in conv2d_direct.cl */

/* Blocks of channels and filters of one group. */
typedef struct blocks {
    int c8, c16, k8, k16;
} blocks;

static blocks blocks_of(const zoe__conv2d *conv)
{
    const int c = conv->c / conv->groups, k = conv->k / conv->groups;
    return (blocks){(c + 7) / 8, (c + 15) / 16, (k + 7) / 8, (k + 15) / 16};
}

static bool supports(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    (void)direction;
    /* Work-groups of one and wide vectors: elsewhere slow, and llvmpipe computed a wrong gradient of the weights with
     * them. */
    if (zoe_device_get_info(zoe__plan_device(plan))->family != ZOE_FAMILY_VECTOR) return false;
    return conv->groups == 1 || (conv->c / conv->groups % 16 == 0 && conv->k / conv->groups % 16 == 0);
}

static int lanes_of(zoe_plan *plan)
{
    return zoe_device_get_info(zoe__plan_device(plan))->lanes == 16 ? 16 : 8;
}

/* ---- the split of the weights' gradient ---- */

typedef struct split {
    int c_each, k_each; /* blocks of channels, tiles of filters of a work-group */
    int units_each, parts;
    size_t part_floats;
} split;

/* The sums of a work-group stay in the second cache; of what is left, what moves the
 * fewest floats: x is read for each chunk of filters, dy for each of channels, parts are written and read. */
static split split_of(zoe_plan *plan, const zoe__conv2d *conv)
{
    enum { UNIT = 192, WORK_GROUPS = 64, MOST_FLOATS = 1 << 24, BLOCK_TAPS = 72, NEAR = 1 << 16 };
    const size_t limit = zoe__plan_workspace_limit(plan), most = limit < MOST_FLOATS ? limit : MOST_FLOATS;
    const blocks b = blocks_of(conv);
    const int taps = conv->r * conv->s, kt = lanes_of(plan) / 8, k_tiles = (b.k16 + kt - 1) / kt;
    const int units = (conv->n * conv->p * conv->q + UNIT - 1) / UNIT;
    split best = {.part_floats = (size_t)conv->groups * (size_t)b.k16 * (size_t)b.c8 * (size_t)taps * 128};
    const double x = (double)conv->n * conv->c * conv->h * conv->w, weights = (double)best.part_floats;
    best.c_each = BLOCK_TAPS / taps < b.c8 ? BLOCK_TAPS / taps : b.c8;
    if (best.c_each < 1) best.c_each = 1;
    double least = 0;
    for (int k_each = 1; k_each <= k_tiles; k_each++) {
        if (k_each > 1 && k_each * kt * best.c_each * taps * 128 > NEAR) break;
        const int k_chunks = (k_tiles + k_each - 1) / k_each;
        const int owners = conv->groups * k_chunks * ((b.c8 + best.c_each - 1) / best.c_each);
        int parts = (WORK_GROUPS + owners - 1) / owners;
        while (parts > 1 && (size_t)parts * best.part_floats > most) parts /= 2;
        if (parts > units) parts = units;
        const double moved = x * k_chunks + (parts > 1 ? 4.0 * parts * weights : 0);
        if (least > 0 && moved >= least) continue;
        least = moved;
        best.k_each = k_each;
        best.units_each = (units + parts - 1) / parts;
        best.parts = (units + best.units_each - 1) / best.units_each;
    }
    return best;
}

/* ---- needs ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe__layout layout = zoe__conv2d_layout(conv);
    const blocks b = blocks_of(conv);
    zoe__plan_layout(plan, node, 0, &layout);
    if (direction != ZOE__TO_DATA)
        zoe__plan_halo(plan, node->input[0], conv->pad_h > conv->pad_w ? conv->pad_h : conv->pad_w);
    if (direction == ZOE__TO_WEIGHTS) {
        const split s = split_of(plan, conv);
        zoe__plan_workspace(plan, node, ZOE__BACKWARD,
                            zoe__conv2d_mask_floats(conv) + (s.parts > 1 ? (size_t)s.parts * s.part_floats : 0));
    }
    if (direction != ZOE__TO_DATA) return ZOE_OK;
    const int h = zoe__conv2d_gradient_halo(conv->h, conv->r, conv->stride_h, conv->pad_h, conv->p);
    const int w = zoe__conv2d_gradient_halo(conv->w, conv->s, conv->stride_w, conv->pad_w, conv->q);
    zoe__plan_gradient_halo(plan, node->output, h > w ? h : w);
    zoe__plan_derived(plan, node, 0, (size_t)(conv->groups * b.c16) * (size_t)b.k8 * (size_t)(conv->r * conv->s) * 128);
    return ZOE_OK;
}

/* Partial moments of the output, one for each share of its tiles: at most so many. */
static int most_moments(int pixels)
{
    return pixels < 128 ? pixels : 127 + pixels / 128;
}

static int moments(zoe_plan *plan, const zoe__conv2d *conv)
{
    (void)plan;
    return conv->relu ? 0 : most_moments(conv->n * conv->p * conv->q);
}

/* ---- the sweep: forward, and each phase of backward-data (conv2d_direct.cl has the formula) ---- */

typedef struct sweep {
    const zoe__view *x, *y;
    zoe__mem *weight, *bias;
    int weight_first, flags;
    zoe__mem *moments;                         /* with MOMENTS */
    int rows, u, v, top, left, step_h, step_w; /* outputs */
    int x_top, x_left, x_step_h, stride, r, s; /* inputs */
    int groups, channels, c_blocks, k_blocks;  /* of a group */
    double flops;
    bool flat;               /* an image is one row */
    const zoe__choice *wish; /* parameter 0: 1 + number of a tile of its list; parameter 1: work-groups of a unit */
} sweep;

typedef struct tile {
    int rows, columns;
} tile;

/* Pixels of a register tile: with 16 lanes up to 14 x 2 vectors of 32 registers, with 8 lanes 6 x 2 of 16. The cheapest
 * cover of rows x v, where a tile costs its pixels, the two loads of weights and its row pointers. Flattened ones are
 * bound by memory and measured best with 12. */
static const tile wide[] = {{1, 14}, {1, 8}, {2, 7}, {3, 4}, {6, 2}, {12, 1}}, flat[] = {{1, 12}, {1, 8}, {12, 1}};
static const tile narrow[] = {{1, 6}, {2, 3}, {3, 2}, {6, 1}};
enum { WIDE = sizeof wide / sizeof *wide, NARROW = sizeof narrow / sizeof *narrow };

static tile choose_tile(int lanes, const sweep *w)
{
    const tile *tiles = lanes != 16 ? narrow : w->flat ? flat : wide;
    const int count = (int)(lanes != 16 ? sizeof narrow / sizeof *narrow
                            : w->flat   ? sizeof flat / sizeof *flat
                                        : sizeof wide / sizeof *wide);
    tile best = tiles[count - 1];
    double least = 0;
    const int wish = w->flat ? 0 : w->wish->parameter[0];
    for (int i = 0; i < count; i++) {
        const tile t = tiles[i];
        if (t.columns > w->v) continue;
        if (wish == i + 1) return t;
        /* Of a row, whatever their number: another batch must not compile anything. */
        const double covers = (double)((w->v + t.columns - 1) / t.columns) / t.rows;
        const double cost = covers * (t.rows * t.columns + 2 + 1.5 * t.rows);
        if (least > 0 && cost >= least) continue;
        least = cost;
        best = t;
    }
    return best;
}

/* The part of a sweep with kt blocks of 16 filters a tile, from block `first` of each group. */
static zoe_status emit_tiles(zoe_plan *plan, const zoe__node *node, const sweep *w, int kt, int first, int k_tiles)
{
    const zoe_device_info *info = zoe_device_get_info(zoe__plan_device(plan));
    const tile t = choose_tile(lanes_of(plan), w);
    const int tiles = (w->rows + t.rows - 1) / t.rows * ((w->v + t.columns - 1) / t.columns);
    const int all = k_tiles * w->groups;
    const double groups = w->wish->parameter[1] ? w->wish->parameter[1] : 16;
    int each = (int)((double)tiles * all / (groups * (info->compute_units ? info->compute_units : 1)));
    each = each < 1 ? 1 : each > 32 ? 32 : each;
    if (w->flags & MOMENTS) { /* what is summed together depends on the shape alone */
        const int most = zoe__plan_moments_asked(plan, node);
        each = (int)((double)tiles * w->k_blocks * w->groups / 128);
        each = each < 1 ? 1 : each > 32 ? 32 : each;
        if (each < (tiles + most - 1) / most) each = (tiles + most - 1) / most;
        zoe__plan_moments_place(plan, node, (tiles + each - 1) / each);
    }
    const int shares = (tiles + each - 1) / each;
    /* Floats that come from far: all filters for each block of pixels, or all pixels for each tile of filters. */
    const double weights = (double)w->k_blocks * w->groups * w->c_blocks * w->r * w->s * 128, near = 1 << 17;
    const bool filters_first = weights < near || weights * shares < (double)w->x->floats * k_tiles;
    char options[160];
    zoe__format(options, sizeof options, "-DT_ROWS=%d -DT_COLS=%d -DKT=%d -DSTRIDE=%d -DCHANNELS=%d -DPLANAR=%d",
                t.rows, t.columns, kt, w->stride, w->channels < 8 ? w->channels : 8, w->x->planar);
    const zoe__launch_spec spec = {
        .program = "conv2d_direct",
        .kernel = "conv2d_direct",
        .options = options,
        .dims = 2,
        .global = {(size_t)(filters_first ? all : shares), (size_t)(filters_first ? shares : all)},
        .local = {1, 1},
        .flops = w->flops * kt * k_tiles / w->k_blocks};
    return zoe__plan_launch(plan, node, &spec, "vmimiviiiiiiiiiiiiiiiiiimi", w->x, w->weight, w->weight_first, w->bias,
                            w->flags, w->y, w->rows, w->u, w->v, w->top, w->left, w->step_h, w->step_w, w->x_top,
                            w->x_left, w->x_step_h, w->r, w->s, w->c_blocks, w->k_blocks, first, k_tiles, each,
                            filters_first, w->flags & MOMENTS ? w->moments : w->bias, shares);
}

/* Without taps, stride and halo an image is one row: fewer and fuller tiles. */
static void flatten(sweep *w)
{
    if (w->r != 1 || w->s != 1 || w->step_h != 1 || w->step_w != 1 || w->x_step_h != 1 || w->stride != 1) return;
    if (w->x->halo || w->y->halo || w->x_top || w->x_left) return;
    w->rows /= w->u;
    w->v *= w->u;
    w->u = 1;
    w->flat = true;
}

static zoe_status emit_sweep(zoe_plan *plan, const zoe__node *node, sweep *w)
{
    flatten(w);
    const int pairs = lanes_of(plan) == 16 ? w->k_blocks / 2 : 0;
    if (pairs) ZOE_TRY(emit_tiles(plan, node, w, 2, 0, pairs));
    if (pairs * 2 == w->k_blocks) return ZOE_OK;
    return emit_tiles(plan, node, w, 1, pairs * 2, w->k_blocks - pairs * 2);
}

static zoe_status emit_turn(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const blocks b = blocks_of(conv);
    const zoe__launch_spec spec = zoe__spec_items(plan, "conv2d_direct_turn", "conv2d_direct_turn",
                                                  (size_t)(conv->groups * b.c16) * (size_t)b.k8);
    zoe__plan_prepare_begin(plan);
    const zoe_status status =
        zoe__plan_launch(plan, node, &spec, "mmiiiiiiiiii", zoe__plan_weight(plan, node, 0),
                         zoe__plan_derived_mem(plan, node, 0), conv->groups, conv->c / conv->groups, b.c8, b.c16, b.k8,
                         b.k16, conv->r, conv->s, conv->stride_h, conv->stride_w);
    zoe__plan_prepare_end(plan);
    return status;
}

static zoe_status emit_output(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const blocks b = blocks_of(conv);
    sweep w = {.x = zoe__plan_x(plan, node, 0),
               .y = zoe__plan_y(plan, node),
               .weight = zoe__plan_weight(plan, node, 0),
               .bias = zoe__plan_weight(plan, node, conv->bias ? 1 : 0), /* a buffer always; read with BIAS */
               .flags = (conv->relu ? RELU : 0) | (conv->bias ? BIAS : 0) |
                        (zoe__plan_moments_asked(plan, node) ? MOMENTS : 0),
               .moments = zoe__plan_moments_mem(plan, node),
               .rows = conv->n * conv->p,
               .u = conv->p,
               .v = conv->q,
               .step_h = 1,
               .step_w = 1,
               .x_top = -conv->pad_h,
               .x_left = -conv->pad_w,
               .x_step_h = conv->stride_h,
               .stride = conv->stride_w,
               .r = conv->r,
               .s = conv->s,
               .groups = conv->groups,
               .channels = conv->c / conv->groups,
               .c_blocks = b.c8,
               .k_blocks = b.k16,
               .flops = zoe__conv2d_flops(conv),
               .wish = zoe__plan_choice(plan, node, ZOE__TO_OUTPUT)};
    return emit_sweep(plan, node, &w);
}

/* ---- backward ---- */

static zoe_status emit_data(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const blocks b = blocks_of(conv);
    const int add = zoe__plan_dx_add(plan, node, 0);
    ZOE_TRY(emit_turn(plan, node, conv));
    const size_t pairs = (size_t)(conv->groups * b.c16) * (size_t)b.k8;
    for (int i = 0; i < conv->stride_h * conv->stride_w; i++) {
        const zoe__phase h = zoe__phase_of(i / conv->stride_w, conv->h, conv->r, conv->stride_h, conv->pad_h);
        const zoe__phase v = zoe__phase_of(i % conv->stride_w, conv->w, conv->s, conv->stride_w, conv->pad_w);
        if (!h.count || !v.count || (add && h.taps * v.taps == 0)) continue;
        sweep w = {.x = zoe__plan_dy(plan, node),
                   .y = zoe__plan_dx(plan, node, 0),
                   .weight = zoe__plan_derived_mem(plan, node, 0),
                   .bias = zoe__plan_derived_mem(plan, node, 0),
                   .weight_first = (int)(pairs * 128) * (h.before * conv->s + h.taps * v.before),
                   .flags = add ? ADD : 0,
                   .rows = conv->n * h.count,
                   .u = h.count,
                   .v = v.count,
                   .top = h.first,
                   .left = v.first,
                   .step_h = conv->stride_h,
                   .step_w = conv->stride_w,
                   .x_top = h.origin,
                   .x_left = v.origin,
                   .x_step_h = 1,
                   .stride = 1,
                   .r = v.taps ? h.taps : 0,
                   .s = v.taps,
                   .groups = conv->groups,
                   .channels = conv->k / conv->groups,
                   .c_blocks = b.k8,
                   .k_blocks = b.c16,
                   .flops = zoe__conv2d_flops(conv) * h.taps * v.taps / (conv->r * conv->s),
                   .wish = zoe__plan_choice(plan, node, ZOE__TO_DATA)};
        ZOE_TRY(emit_sweep(plan, node, &w));
    }
    return ZOE_OK;
}

/* How many of `size` neighbours a tile takes, at most `most`: the cheapest cover, a tile costs its size and two loads.
 */
static int choose_taps(int size, int each, int most)
{
    int best = 1;
    for (int t = 1; t <= size && t * each <= most; t++) {
        const int cost = (size + t - 1) / t * (t * each + 2), least = (size + best - 1) / best * (best * each + 2);
        if (cost <= least) best = t;
    }
    return best;
}

static zoe_status emit_filters(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, int kt, int first,
                               int k_tiles)
{
    const zoe__view *x = zoe__plan_x(plan, node, 0);
    const blocks b = blocks_of(conv);
    const split s = split_of(plan, conv);
    const int most = lanes_of(plan) == 16 ? 28 / kt : 6; /* sums in 32 registers, or 2 for each tap in 16 */
    const int columns = choose_taps(x->planar ? conv->s : conv->s * 8, 1, most);
    const int rows = x->planar ? choose_taps(conv->r, columns, most) : 1;
    const int k_each = s.k_each < k_tiles ? s.k_each : k_tiles, k_chunks = (k_tiles + k_each - 1) / k_each;
    const bool whole = s.parts == 1;
    zoe__mem *out = whole ? zoe__plan_dweight(plan, node, 0) : zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    char options[128];
    zoe__format(options, sizeof options, "-DTAP_ROWS=%d -DTAP_COLUMNS=%d -DKT=%d -DPLANAR=%d", rows, columns, kt,
                x->planar);
    const zoe__launch_spec spec = {
        .program = "conv2d_direct_weights",
        .kernel = "conv2d_direct_weights",
        .options = options,
        .dims = 2,
        .global = {(size_t)(conv->groups * k_chunks) * (size_t)((b.c8 + s.c_each - 1) / s.c_each), (size_t)s.parts},
        .local = {1, 1},
        .flops = zoe__conv2d_flops(conv) * kt * k_tiles / b.k16};
    return zoe__plan_launch(plan, node, &spec, "vvmiiiiiiiiiiiiiiiiii", x, zoe__plan_dy(plan, node), out,
                            whole ? 0 : (int)zoe__conv2d_mask_floats(conv), (int)s.part_floats,
                            whole ? zoe__plan_dweight_add(plan, node, 0) : 0, conv->n, conv->pad_h, conv->pad_w,
                            conv->stride_h, conv->stride_w, conv->r, conv->s, conv->c, b.c8, b.k16, first, k_tiles,
                            s.c_each, k_each, s.units_each);
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    zoe__mem *dweight = zoe__plan_dweight(plan, node, 0);
    const blocks b = blocks_of(conv);
    const split s = split_of(plan, conv);
    const int pairs = lanes_of(plan) == 16 ? b.k16 / 2 : 0;
    if (pairs) ZOE_TRY(emit_filters(plan, node, conv, 2, 0, pairs));
    if (pairs * 2 < b.k16) ZOE_TRY(emit_filters(plan, node, conv, 1, pairs * 2, b.k16 - pairs * 2));
    if (s.parts == 1) return ZOE_OK;
    return zoe__launch_sum_parts(plan, node, zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD),
                                 (int)zoe__conv2d_mask_floats(conv), s.parts, dweight, (int)s.part_floats,
                                 zoe__plan_dweight_add(plan, node, 0));
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    if (direction == ZOE__TO_WEIGHTS) return emit_weights(plan, node, conv);
    return direction == ZOE__TO_DATA ? emit_data(plan, node, conv) : emit_output(plan, node, conv);
}

/* Each tile, and another cut into work-groups: neither changes a sum. A tile wider than the picture is passed over when
 * it is emitted. */
static size_t candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction, zoe__choice *out,
                         size_t room)
{
    static const int groups[] = {4, 64};
    const bool narrow_lanes = lanes_of(plan) != 16;
    const tile *tiles = narrow_lanes ? narrow : wide;
    const int width = direction == ZOE__TO_DATA ? (conv->w + conv->stride_w - 1) / conv->stride_w : conv->q;
    size_t count = 0;
    if (direction == ZOE__TO_WEIGHTS) return 0;
    for (int i = 0; i < (narrow_lanes ? NARROW : WIDE) && count < room; i++)
        if (tiles[i].columns <= width) out[count++] = (zoe__choice){.algorithm = "direct", .parameter = {i + 1}};
    for (int i = 0; i < 2 && count < room; i++)
        out[count++] = (zoe__choice){.algorithm = "direct", .parameter = {0, groups[i]}};
    return count;
}

/* In multiply-adds of winograd's, which are as many in less time: its tiles are all alike. */
static double cost(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    (void)plan, (void)direction;
    return 1.2 * zoe__conv2d_flops(conv) / 2;
}

const zoe__conv2d_algorithm zoe__conv2d_direct = {
    .name = "direct",
    .blocked = true,
    .planar = true,
    .unasked = {[ZOE_FAMILY_VECTOR] = true},
    .candidates = candidates,
    .supports = supports,
    .cost = cost,
    .plan = make_plan,
    .emit = emit,
    .moments = moments,
};
