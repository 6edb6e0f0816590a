/* SPDX-License-Identifier: Apache-2.0
 *
 * `winograd`: stride 1 with 3x3 or 5x5 taps through Winograd's transforms, for the vector family, 8 or 16 lanes wide.
 * F(4x4,3x3) and F(2x2,5x5) share their points; F(2x2,3x3) loses fewer digits (docs/numerics.md). All three directions.
 * Transformed weights are derived memory (made once a step); the rest lives in the workspace: a share for each compute
 * unit, whose size follows from the blocks of tiles, and for the gradient of the weights a sum in the transformed
 * domain for each part of the tiles. Kernels: cl/conv2d_winograd.cl and
 * cl/conv2d_winograd_weights.cl, formulas: cl/conv2d_winograd_shared.cl. */
#include "ops/conv2d.h"

#include <math.h>

enum {
    RELU = 1,
    ADD = 2,
    BIAS = 4,
    TURN = 8,
    MOMENTS = 16,
    FILTER = 32,
    Z_PAD = 16
}; /* as in conv2d_winograd_shared.cl */

/* Tiles of a block of a sweep that transforms the weights on its way. */
enum { FILTER_TILES = 64 };

/* What a launch is compiled and cut by. Channels are summed over, filters are made. */
typedef struct domain {
    int m, alpha, lanes;
    int groups, c_blocks, k_blocks8, k_blocks16; /* of a group */
    int kt, k_tiles;                             /* blocks of 16 filters of a register tile; register tiles */
    int tile_rows, tile_columns, tiles;
    bool filter; /* a sweep that transforms the weights on its way */
} domain;

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static bool supports(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    (void)direction;
    const int c = conv->c / conv->groups, k = conv->k / conv->groups;
    return zoe_device_get_info(zoe__plan_device(plan))->family == ZOE_FAMILY_VECTOR && conv->r == conv->s &&
           (conv->r == 3 || conv->r == 5) && conv->stride_h == 1 && conv->stride_w == 1 && conv->pad_h < conv->r &&
           conv->pad_w < conv->r && conv->c >= 8 /* fewer are planar */
           && (conv->groups == 1 || (c % 8 == 0 && k % 8 == 0));
}

/* Of a batch of 8: what is compiled must not hang on the batch. */
static double usual_tiles(const zoe__conv2d *conv, zoe__direction direction, int m)
{
    enum { BATCH = 8 };
    const bool data = direction == ZOE__TO_DATA;
    return (double)BATCH * divide_up(data ? conv->h : conv->p, m) * divide_up(data ? conv->w : conv->q, m);
}

/* Whether a sweep transforms the weights on its way. They are up to four times larger transformed, and read once for
 * each block of tiles: with few blocks it takes less time to do the sums again than to fetch them from memory. */
static bool transforms_filters(const zoe__conv2d *conv, zoe__direction direction, int m)
{
    return usual_tiles(conv, direction, m) <= 4 * FILTER_TILES;
}

/* Estimated multiply-adds: the products; the transforms of a tile, which cost each of its places about as much as 8 for
 * each channel and filter; those of the weights, which cost each of their places about 13 a block of tiles, or, with
 * their way through memory, 25 once (measured with 64 to 512 channels). */
static double cost_of(const zoe__conv2d *conv, zoe__direction direction, int m)
{
    enum { TRANSFORM = 8, FILTER_PLACE = 13, WEIGHT_PLACE = 25 };
    const int places = (m + conv->r - 1) * (m + conv->r - 1);
    const double c = conv->c, k = conv->k, pairs = c * k / conv->groups, tiles = usual_tiles(conv, direction, m);
    const double weights = direction != ZOE__TO_WEIGHTS && transforms_filters(conv, direction, m)
                               ? FILTER_PLACE * ceil(tiles / FILTER_TILES)
                               : WEIGHT_PLACE;
    return places * tiles * (pairs + TRANSFORM * (c + k)) + weights * places * pairs;
}

static int choose_m(const zoe__conv2d *conv, zoe__direction direction)
{
    return conv->r == 3 && cost_of(conv, direction, 4) <= cost_of(conv, direction, 2) ? 4 : 2;
}

/* parameter 0 of the choice: outputs of a tile's side, 2 or 4; 0: the cheaper. */
static domain domain_of(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const bool data = direction == ZOE__TO_DATA;
    const int c = conv->c / conv->groups, k = conv->k / conv->groups;
    const int wish = zoe__plan_choice(plan, node, direction)->parameter[0];
    domain d = {.m = conv->r == 3 && wish ? wish : choose_m(conv, direction),
                .lanes = zoe_device_get_info(zoe__plan_device(plan))->lanes == 16 ? 16 : 8,
                .groups = conv->groups,
                .c_blocks = divide_up(data ? k : c, 8),
                .k_blocks8 = divide_up(data ? c : k, 8),
                .k_blocks16 = divide_up(data ? c : k, 16)};
    d.alpha = d.m + conv->r - 1;
    d.kt = d.lanes == 16 && d.k_blocks16 % 2 == 0 ? 2 : 1;
    d.k_tiles = d.k_blocks16 / d.kt;
    d.tile_rows = divide_up(data ? conv->h : conv->p, d.m);
    d.tile_columns = divide_up(data ? conv->w : conv->q, d.m);
    d.tiles = conv->n * d.tile_rows * d.tile_columns;
    d.filter = direction != ZOE__TO_WEIGHTS && transforms_filters(conv, direction, d.m);
    return d;
}

static size_t transformed_floats(const domain *d)
{
    return (size_t)d->groups * (size_t)(d->alpha * d->alpha * d->k_tiles * d->c_blocks) * 128 * (size_t)d->kt;
}

static int c_vectors(const domain *d)
{
    return divide_up(d->c_blocks * 8, d->lanes);
}

static int compute_units(zoe_plan *plan)
{
    const unsigned units = zoe_device_get_info(zoe__plan_device(plan))->compute_units;
    return units ? (int)units : 1;
}

/* ---- cuts ---- */

/* Of a sweep: no sum depends on it. */
typedef struct cut {
    int each, tiles; /* tiles of an item, and room for them */
    int c_each;      /* vectors of channels at a time */
    int k_each;      /* register tiles of filters of an item */
    int groups;      /* work-groups */
    size_t floats;   /* scratch of one */
} cut;

static size_t cut_floats(const domain *d, const cut *c)
{
    const int channels = c->c_each * d->lanes, filters = c->k_each * d->kt * 16;
    return (size_t)(d->alpha * d->alpha) * ((size_t)c->tiles * (size_t)(channels + filters) + 2 * Z_PAD +
                                            (d->filter ? (size_t)(channels * d->kt * 16 + Z_PAD) : 0));
}

/* Tiles of the larger register tile. */
static int rows_of(const domain *d)
{
    return d->lanes == 16 ? 14 : 6;
}

/* With few blocks the filters are divided too. */
static cut cut_of(zoe_plan *plan, const domain *d, int wish)
{
    const int side = d->filter ? 64 : 128; /* channels at a time */
    const int wide = d->c_blocks > d->k_blocks8 ? d->c_blocks : d->k_blocks8, units = compute_units(plan);
    const int most = rows_of(d), vectors = c_vectors(d);
    int each = wish ? wish : d->filter ? FILTER_TILES : wide >= 32 ? 112 : 42;
    cut c = {.groups = units, .k_each = d->k_tiles, .c_each = side / d->lanes < vectors ? side / d->lanes : vectors};
    for (;; each /= 2) {
        const int blocks = divide_up(d->tiles, each),
                  parts = divide_up((d->filter ? 2 : 4) * units, blocks * d->groups);
        c.each = divide_up(d->tiles, blocks);
        c.tiles = divide_up(c.each, most) * most;
        c.k_each = divide_up(d->k_tiles, parts < d->k_tiles ? parts : d->k_tiles);
        c.floats = cut_floats(d, &c);
        if (each <= most || c.floats * (size_t)units <= zoe__plan_workspace_limit(plan)) return c;
    }
}

static size_t weight_floats(const domain *d, int r)
{
    return (size_t)(d->groups * d->k_blocks16 * d->c_blocks) * 128 * (size_t)(r * r);
}

/* Of the gradient of the weights: parts follow from the shape (and a want of memory) alone, each is a sum. */
typedef struct weights_cut {
    int tiles, part_blocks, parts;
    int c_each, k_each; /* vectors of channels, register tiles of filters of an item */
    int groups;
    size_t floats, part_floats;
} weights_cut;

static weights_cut weights_cut_of(zoe_plan *plan, const domain *d, int r, int wish)
{
    enum { TILES = 40, ITEMS = 16, MOST_FLOATS = 1 << 23, SIDE = 64 };
    const size_t limit = zoe__plan_workspace_limit(plan), most = limit < MOST_FLOATS ? limit : MOST_FLOATS;
    weights_cut w = {.groups = compute_units(plan), .part_floats = weight_floats(d, r)};
    w.c_each = SIDE / d->lanes < c_vectors(d) ? SIDE / d->lanes : c_vectors(d);
    w.k_each = SIDE / (16 * d->kt) < d->k_tiles ? SIDE / (16 * d->kt) : d->k_tiles;
    const int blocks = divide_up(d->tiles, wish ? wish : TILES);
    w.tiles = divide_up(d->tiles, blocks);
    const int owners = d->groups * divide_up(c_vectors(d), w.c_each) * divide_up(d->k_tiles, w.k_each);
    int parts = divide_up(ITEMS, owners);
    while (parts > 1 && (size_t)parts * w.part_floats > most) parts--;
    if (parts > blocks) parts = blocks;
    w.part_blocks = divide_up(blocks, parts);
    w.parts = divide_up(blocks, w.part_blocks);
    const int channels = w.c_each * d->lanes, filters = w.k_each * d->kt * 16;
    w.floats = (size_t)(d->alpha * d->alpha) *
               ((size_t)w.tiles * (size_t)(channels + filters) + (size_t)(channels * filters) + 3 * Z_PAD);
    return w;
}

/* A single part goes where it belongs. */
static size_t parts_floats(const weights_cut *w)
{
    return w->parts > 1 ? (size_t)w->parts * w->part_floats : 0;
}

/* ---- needs ---- */

static int tile_wish(zoe_plan *plan, const zoe__node *node, zoe__direction direction)
{
    return zoe__plan_choice(plan, node, direction)->parameter[1];
}

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe__layout layout = zoe__conv2d_layout(conv);
    const domain d = domain_of(plan, node, conv, direction);
    const int pad = conv->pad_h > conv->pad_w ? conv->pad_h : conv->pad_w;
    zoe__plan_layout(plan, node, 0, &layout);
    if (direction != ZOE__TO_DATA) zoe__plan_halo(plan, node->input[0], pad ? pad : 1);
    if (direction == ZOE__TO_WEIGHTS) {
        const weights_cut w = weights_cut_of(plan, &d, conv->r, tile_wish(plan, node, direction));
        zoe__plan_gradient_halo(plan, node->output, conv->p % d.m || conv->q % d.m);
        zoe__plan_workspace(plan, node, ZOE__BACKWARD,
                            zoe__conv2d_mask_floats(conv) + parts_floats(&w) + (size_t)w.groups * w.floats);
        return ZOE_OK;
    }
    const cut c = cut_of(plan, &d, tile_wish(plan, node, direction));
    const size_t floats = (size_t)c.groups * c.floats;
    if (!d.filter) zoe__plan_derived(plan, node, direction == ZOE__TO_DATA ? 0 : 1, transformed_floats(&d));
    if (direction == ZOE__TO_OUTPUT) {
        zoe__plan_workspace(plan, node, ZOE__FORWARD, floats);
        return ZOE_OK;
    }
    const int least = conv->pad_h < conv->pad_w ? conv->pad_h : conv->pad_w;
    zoe__plan_gradient_halo(plan, node->output, conv->r - 1 - least > 1 ? conv->r - 1 - least : 1);
    zoe__plan_workspace(plan, node, ZOE__BACKWARD, zoe__conv2d_mask_floats(conv) + floats);
    return ZOE_OK;
}

/* ---- launches ---- */

static void class_options(char *text, size_t size, const domain *d, int r)
{
    zoe__format(text, size, "-DWINO_M=%d -DWINO_R=%d -DKT=%d", d->m, r, d->kt);
}

static zoe_status emit_sweep(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const bool data = direction == ZOE__TO_DATA;
    const domain d = domain_of(plan, node, conv, direction);
    const cut c = cut_of(plan, &d, tile_wish(plan, node, direction));
    const int r = conv->r;
    const bool asked = !data && zoe__plan_moments_asked(plan, node);
    const int flags =
        (d.filter ? FILTER : 0) | (data ? TURN | (zoe__plan_dx_add(plan, node, 0) ? ADD : 0)
                                        : (conv->relu ? RELU : 0) | (conv->bias ? BIAS : 0) | (asked ? MOMENTS : 0));
    zoe__mem *scratch = zoe__plan_workspace_mem(plan, node, data ? ZOE__BACKWARD : ZOE__FORWARD);
    if (asked) zoe__plan_moments_place(plan, node, divide_up(d.tiles, c.each));
    char options[96];
    class_options(options, sizeof options, &d, r);
    const int w_blocks8 = data ? d.k_blocks8 : d.c_blocks, w_blocks16 = data ? divide_up(d.c_blocks, 2) : d.k_blocks16;
    zoe__mem *weights = zoe__plan_weight(plan, node, 0);
    if (!d.filter) {
        zoe__mem *made = zoe__plan_derived_mem(plan, node, data ? 0 : 1);
        const size_t items = (size_t)(d.groups * d.k_tiles * d.c_blocks);
        zoe__launch_spec spec = zoe__spec_items(plan, "conv2d_winograd", "conv2d_winograd_filter", items);
        spec.options = options;
        zoe__plan_prepare_begin(plan);
        const zoe_status status = zoe__plan_launch(plan, node, &spec, "mmiiiiii", weights, made, data ? TURN : 0,
                                                   d.groups, d.c_blocks, d.k_tiles, w_blocks8, w_blocks16);
        zoe__plan_prepare_end(plan);
        ZOE_TRY(status);
        weights = made;
    }
    const zoe__launch_spec spec = {.program = "conv2d_winograd",
                                   .kernel = "conv2d_winograd",
                                   .options = options,
                                   .dims = 1,
                                   .global = {(size_t)c.groups},
                                   .local = {1},
                                   .flops = zoe__conv2d_flops(conv)};
    return zoe__plan_launch(
        plan, node, &spec, "vmiimiviiiiiiiiiiiiimiim", data ? zoe__plan_dy(plan, node) : zoe__plan_x(plan, node, 0),
        weights, w_blocks8, w_blocks16,
        data ? weights : zoe__plan_weight(plan, node, conv->bias ? 1 : 0), /* read with BIAS only */
        flags, data ? zoe__plan_dx(plan, node, 0) : zoe__plan_y(plan, node), conv->n, data ? conv->h : conv->p,
        data ? conv->w : conv->q, data ? conv->pad_h - (r - 1) : -conv->pad_h,
        data ? conv->pad_w - (r - 1) : -conv->pad_w, d.groups, d.c_blocks, d.k_blocks8, d.k_tiles, c.each, c.tiles,
        c.c_each, c.k_each, scratch, data ? (int)zoe__conv2d_mask_floats(conv) : 0, (int)c.floats,
        asked ? zoe__plan_moments_mem(plan, node) : scratch);
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    const domain d = domain_of(plan, node, conv, ZOE__TO_WEIGHTS);
    const weights_cut w = weights_cut_of(plan, &d, conv->r, tile_wish(plan, node, ZOE__TO_WEIGHTS));
    const int first = (int)zoe__conv2d_mask_floats(conv);
    zoe__mem *work = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD), *dw = zoe__plan_dweight(plan, node, 0);
    const bool whole = w.parts == 1, add = zoe__plan_dweight_add(plan, node, 0);
    char options[96];
    class_options(options, sizeof options, &d, conv->r);
    const zoe__launch_spec spec = {.program = "conv2d_winograd_weights",
                                   .kernel = "conv2d_winograd_weights",
                                   .options = options,
                                   .dims = 1,
                                   .global = {(size_t)w.groups},
                                   .local = {1},
                                   .flops = zoe__conv2d_flops(conv)};
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvmiimiiiiiiiiiiiiiii", zoe__plan_x(plan, node, 0),
                             zoe__plan_dy(plan, node), work, first + (int)parts_floats(&w), (int)w.floats,
                             whole ? dw : work, whole ? 0 : first, (int)w.part_floats, whole && add ? ADD : 0, conv->n,
                             -conv->pad_h, -conv->pad_w, d.groups, d.c_blocks, d.k_blocks8, d.k_tiles, w.tiles,
                             w.part_blocks, w.parts, w.c_each, w.k_each));
    if (whole) return ZOE_OK;
    return zoe__launch_sum_parts(plan, node, work, first, w.parts, dw, (int)w.part_floats, add);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    return direction == ZOE__TO_WEIGHTS ? emit_weights(plan, node, conv) : emit_sweep(plan, node, conv, direction);
}

/* Parameters: outputs of a tile's side (0: the cheaper), tiles of a block (0: by the cache). */
static size_t candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction, zoe__choice *out,
                         size_t room)
{
    static const int tiles[] = {14, 28, 42, 56, 98, 112};
    size_t count = 0;
    (void)plan;
    for (int i = 0; i < (int)(sizeof tiles / sizeof *tiles) && count < room; i++)
        out[count++] = (zoe__choice){.algorithm = "winograd", .parameter = {0, tiles[i]}};
    if (conv->r == 3 && count < room)
        out[count++] = (zoe__choice){.algorithm = "winograd", .parameter = {6 - choose_m(conv, direction)}};
    return count;
}

static double cost(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    (void)plan;
    return cost_of(conv, direction, choose_m(conv, direction)) * conv->n / 8;
}

/* One for each block of tiles, of which the smallest are half a register tile. */
static int moments(zoe_plan *plan, const zoe__conv2d *conv)
{
    const int least = zoe_device_get_info(zoe__plan_device(plan))->lanes == 16 ? 6 : 3;
    const double tiles = (double)conv->n * divide_up(conv->p, 2) * divide_up(conv->q, 2);
    return conv->relu || tiles > 1 << 28 ? 0 : divide_up((int)tiles, least);
}

const zoe__conv2d_algorithm zoe__conv2d_winograd = {
    .name = "winograd",
    .blocked = true,
    .inexact = true,
    .unasked = {[ZOE_FAMILY_VECTOR] = true},
    .supports = supports,
    .cost = cost,
    .candidates = candidates,
    .plan = make_plan,
    .emit = emit,
    .moments = moments,
};
