/* SPDX-License-Identifier: Apache-2.0
 *
 * `tiled`: convolution as a matrix product through local memory, for GPUs; linear is the case of one pixel. The output
 * and, phase by phase of the stride, the gradient of x are one kernel over turned weights (made once a step); the
 * gradient of the weights is split over the pixels by the shape alone and summed in order. Kernels: cl/conv2d_tiled.cl.
 * What would keep a slow device for long is cut into several launches, which changes no sum.
 * No work-group has more than 256 work-items or 32 KiB of local memory. */
#include "ops/conv2d.h"

#include <math.h>

enum { RELU = 1, ADD = 2, BIAS = 4, TURN = 8 }; /* as in conv2d_tiled.cl */

/* What kernels are compiled for; a tuner tries all, parameter 0 of a choice is its number from 1 on. */
typedef struct tile {
    int m, n, rows, blocks; /* TM, TN, RM, BLOCKS */
    bool share;             /* SHARE: for devices with sub_group_8; weights have no kernel of 8 rows */
} tile;

/* Larger ones that Intel's and AMD's compilers do not keep in registers are left out (`./bootstrap vendor-check`). */
static const tile tiles[] = {
    {64, 64, 4, 1, false},   {64, 32, 4, 1, false},  {32, 64, 4, 1, false},  {64, 64, 8, 1, false},
    {128, 128, 8, 1, false}, {32, 128, 8, 1, false}, {128, 64, 4, 2, false}, {64, 128, 4, 2, false},
    {128, 32, 4, 2, false},  {32, 128, 4, 2, false}, {64, 64, 4, 2, false},  {64, 32, 4, 2, false},
    {32, 64, 4, 2, false},   {64, 64, 8, 1, true},   {64, 64, 4, 2, true},
};
enum { TILES = sizeof tiles / sizeof *tiles, SQUARE = 0, NARROW = 1, FLAT = 2 };

/* Both factors' outputs in a row of made weights: whole tiles of any width. */
enum { WIDEST = 128 };

static int items_of(const tile *t)
{
    return t->m / t->rows * (t->n / 8);
}

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

/* One output pixel: whatever the stride, it is the same, and with that of the window each phase has one tap. */
static zoe__conv2d seen(const zoe__conv2d *conv)
{
    zoe__conv2d v = *conv;
    if (v.p == 1) v.stride_h = v.r > v.stride_h ? v.r : v.stride_h;
    if (v.q == 1) v.stride_w = v.s > v.stride_w ? v.s : v.stride_w;
    return v;
}

static bool supports(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe_device_info *info = zoe_device_get_info(zoe__plan_device(plan));
    const double pixels = (double)conv->n * conv->h * conv->w, weights = (double)conv->k * conv->c * conv->r * conv->s;
    (void)direction;
    return info->family == ZOE_FAMILY_SIMT && info->max_work_group >= 256 && info->local_mem_bytes >= 32 << 10 &&
           pixels < 1 << 30 && weights < 1 << 28 &&
           (conv->groups == 1 || (conv->c / conv->groups % 8 == 0 && conv->k / conv->groups % 8 == 0));
}

/* ---- tiles ---- */

static int outputs_of(const zoe__conv2d *conv, zoe__direction direction)
{
    return (direction == ZOE__TO_DATA ? conv->c : conv->k) / conv->groups;
}

/* The tile that leaves least of itself empty; weights: filters by channels. */
static int default_tile(const zoe__conv2d *conv, zoe__direction direction)
{
    const bool weights = direction == ZOE__TO_WEIGHTS;
    const int columns = weights ? conv->c / conv->groups : outputs_of(conv, direction);
    const double rows = weights                     ? conv->k / conv->groups
                        : direction == ZOE__TO_DATA ? (double)conv->n * conv->h * conv->w
                                                    : (double)conv->n * conv->p * conv->q;
    if (columns <= 32) return NARROW;
    return rows <= 32 ? FLAT : SQUARE;
}

bool zoe__tiled_offers(zoe_plan *plan, int number, zoe__direction direction)
{
    const tile *t = &tiles[number - 1];
    if (!t->share) return true;
    return zoe_device_get_info(zoe__plan_device(plan))->sub_group_8 && (direction != ZOE__TO_WEIGHTS || t->rows < 8);
}

static const tile *tile_of(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const int wish = zoe__plan_choice(plan, node, direction)->parameter[0];
    return &tiles[wish >= 1 && wish <= TILES ? wish - 1 : default_tile(conv, direction)];
}

static size_t candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction, zoe__choice *out,
                         size_t room)
{
    size_t count = 0;
    for (int i = 0; i < TILES && count < room; i++)
        if (i != default_tile(conv, direction) && zoe__tiled_offers(plan, i + 1, direction))
            out[count++] = (zoe__choice){.algorithm = "tiled", .parameter = {i + 1}};
    return count;
}

/* ---- turned weights ---- */

/* Outputs of a group with the room for whole tiles. */
static int outputs_pitch(const zoe__conv2d *conv, zoe__direction direction)
{
    return divide_up(outputs_of(conv, direction), WIDEST) * WIDEST;
}

static int in_blocks(const zoe__conv2d *conv, zoe__direction direction)
{
    return divide_up((direction == ZOE__TO_DATA ? conv->k : conv->c) / conv->groups, 8);
}

static size_t made_floats(const zoe__conv2d *conv, zoe__direction direction)
{
    return (size_t)conv->groups * (size_t)in_blocks(conv, direction) * (size_t)(conv->r * conv->s) * 8 *
           (size_t)outputs_pitch(conv, direction);
}

/* ---- the split of the weights' gradient ---- */

typedef struct split {
    int parts, pixels; /* of a part */
    size_t floats;     /* of a part */
} split;

static split split_of(zoe_plan *plan, const zoe__conv2d *conv)
{
    enum { GROUPS = 256, LEAST = 1024, ROUND = 16, MOST_FLOATS = 1 << 24 };
    const size_t limit = zoe__plan_workspace_limit(plan), most = limit < MOST_FLOATS ? limit : MOST_FLOATS;
    const int group_k = conv->k / conv->groups, group_c = conv->c / conv->groups;
    const int tiles64 = conv->groups * conv->r * conv->s * divide_up(group_k, 64) * divide_up(group_c, 64);
    const int pixels = conv->n * conv->p * conv->q;
    split s = {.floats = zoe__round_up((size_t)conv->k * (size_t)group_c * (size_t)(conv->r * conv->s), 16)};
    int parts = divide_up(GROUPS, tiles64);
    if (parts > divide_up(pixels, LEAST)) parts = divide_up(pixels, LEAST);
    while (parts > 1 && (size_t)parts * s.floats > most) parts /= 2;
    s.pixels = divide_up(divide_up(pixels, parts), ROUND) * ROUND;
    s.parts = divide_up(pixels, s.pixels);
    return s;
}

/* ---- launches that do not last ---- */

/* FLOPs of a launch that none keeps a slow device for long: a screen may hang on it. */
static double launch_flops(zoe_plan *plan)
{
    const zoe_device_info *info = zoe_device_get_info(zoe__plan_device(plan));
    const zoe__tuning *tuning = zoe__device_get_tuning(zoe__plan_device(plan));
    const double slow = 5e9 /* FLOP/s of a unit */, most_s = 0.05;
    if (tuning && tuning->launch_flops > 0) return tuning->launch_flops;
    return info->is_cpu ? HUGE_VAL : slow * most_s * (info->compute_units ? info->compute_units : 1);
}

/* So many of `all` as a launch takes, if each costs `flops`: a multiple of `round`, at least that. */
static int share_of(double flops_launch, double flops, int all, int round)
{
    const double fit = flops_launch / flops;
    if (fit >= all) return all;
    const int share = (int)fit / round * round;
    return share < round ? round : share;
}

/* How the gradient of the weights is cut into launches: pixels of a part, and work-groups, at a time. A work-group runs
 * on one unit. The sums are those of one launch, bit by bit. */
typedef struct cut {
    int pixels, groups;
} cut;

static cut cut_of(zoe_plan *plan, const split *s, const tile *t, int groups)
{
    enum { ROUND = 16 }; /* of every tile's DEPTH a multiple */
    const unsigned known = zoe_device_get_info(zoe__plan_device(plan))->compute_units;
    const double units = known ? known : 1, flops = launch_flops(plan), pixel = 2.0 * t->m * t->n;
    cut c = {.pixels = share_of(flops / units, pixel, s->pixels, ROUND)};
    c.groups = share_of(flops, pixel * c.pixels, groups, 1);
    return c;
}

static int weight_groups(const zoe__conv2d *conv, const split *s, const tile *t)
{
    return s->parts * conv->groups * conv->r * conv->s * divide_up(conv->k / conv->groups, t->m) *
           divide_up(conv->c / conv->groups, t->n);
}

/* The gradient needs no workspace. */
static bool is_whole(zoe_plan *plan, const zoe__conv2d *conv, const tile *t, const split *s)
{
    return s->parts == 1 && cut_of(plan, s, t, weight_groups(conv, s, t)).pixels >= s->pixels;
}

/* ---- needs ---- */

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe__conv2d v = seen(conv);
    if (direction != ZOE__TO_DATA) zoe__plan_halo(plan, node->input[0], v.pad_h > v.pad_w ? v.pad_h : v.pad_w);
    if (direction == ZOE__TO_WEIGHTS) {
        const split s = split_of(plan, &v);
        const bool whole = is_whole(plan, &v, tile_of(plan, node, &v, direction), &s);
        zoe__plan_workspace(plan, node, ZOE__BACKWARD,
                            zoe__conv2d_mask_floats(conv) + (whole ? 0 : (size_t)s.parts * s.floats));
        return ZOE_OK;
    }
    zoe__plan_derived(plan, node, direction == ZOE__TO_DATA ? 0 : 1, made_floats(&v, direction));
    if (direction == ZOE__TO_OUTPUT) return ZOE_OK;
    const int h = zoe__conv2d_gradient_halo(v.h, v.r, v.stride_h, v.pad_h, v.p);
    const int w = zoe__conv2d_gradient_halo(v.w, v.s, v.stride_w, v.pad_w, v.q);
    zoe__plan_gradient_halo(plan, node->output, h > w ? h : w);
    return ZOE_OK;
}

/* ---- launches ---- */

static zoe__launch_spec spec_of(const tile *t, const char *kernel, size_t groups, const char *more, char options[96])
{
    zoe__format(options, 96, "-DTM=%d -DTN=%d -DRM=%d -DBLOCKS=%d%s%s", t->m, t->n, t->rows, t->blocks,
                t->share ? " -DSHARE=1" : "", more);
    const size_t items = (size_t)items_of(t);
    return (zoe__launch_spec){.program = "conv2d_tiled",
                              .kernel = kernel,
                              .options = options,
                              .dims = 1,
                              .global = {groups * items},
                              .local = {items}};
}

static zoe_status emit_turn(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *v, const tile *t,
                            zoe__direction direction)
{
    enum { COST = 200 }; /* FLOPs that take as long as moving a number */
    char options[96];
    const bool data = direction == ZOE__TO_DATA;
    const int pitch = outputs_pitch(v, direction), rows = (int)(made_floats(v, direction) / (size_t)pitch);
    const int each = share_of(launch_flops(plan), (double)COST * pitch, rows, 1);
    zoe_status status = ZOE_OK;
    zoe__plan_prepare_begin(plan);
    for (int row = 0; row < rows && status == ZOE_OK; row += each) {
        const size_t numbers = (size_t)(rows - row < each ? rows - row : each) * (size_t)pitch;
        zoe__launch_spec spec = zoe__spec_items(plan, "conv2d_tiled", "conv2d_tiled_turn", numbers);
        spec.options = spec_of(t, "", 1, "", options).options;
        status = zoe__plan_launch(plan, node, &spec, "mmiiiiiii", zoe__plan_weight(plan, node, 0),
                                  zoe__plan_derived_mem(plan, node, data ? 0 : 1), data ? TURN : 0, v->groups,
                                  v->k / v->groups, v->c / v->groups, v->r * v->s, pitch, row);
    }
    zoe__plan_prepare_end(plan);
    return status;
}

/* A sweep: outputs first, first + step, ..; taps of the weights tap, tap + tap_step, .. over inputs from in on. */
typedef struct axis {
    int count, first, step;
    int in, in_step;
    int taps, tap, tap_step;
} axis;

static axis forward_axis(int out, int taps, int stride, int pad)
{
    return (axis){.count = out, .step = 1, .in = -pad, .in_step = stride, .taps = taps, .tap_step = 1};
}

static axis data_axis(int a, int size, int taps, int stride, int pad)
{
    const zoe__phase p = zoe__phase_of(a, size, taps, stride, pad);
    return (axis){.count = p.count,
                  .first = p.first,
                  .step = stride,
                  .in = p.origin,
                  .in_step = 1,
                  .taps = p.taps,
                  .tap = a + stride * (p.taps - 1),
                  .tap_step = -stride};
}

/* What a sweep reads and writes; x and y begin so many pixels into their memory. */
typedef struct operands {
    const zoe__view *x, *y;
    int x_first, y_first;
    zoe__mem *weights, *bias; /* bias: read with BIAS only */
    int flags;
    double flops;
} operands;

static zoe_status emit_sweep(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *v, const tile *t,
                             zoe__direction direction, const operands *o, const axis *h, const axis *w)
{
    const int pixels = v->n * h->count * w->count, out_blocks = divide_up(outputs_of(v, direction), 8);
    const double flops = 2.0 * pixels * v->k * (v->c / v->groups) * h->taps * w->taps;
    const int each = share_of(launch_flops(plan), flops / pixels, pixels, WIDEST); /* of every tile's TM a multiple */
    for (int first = 0; first < pixels; first += each) {
        char options[96];
        const int end = pixels - first < each ? pixels : first + each;
        const size_t groups =
            (size_t)divide_up(end - first, t->m) * (size_t)divide_up(out_blocks, t->n / 8) * (size_t)v->groups;
        zoe__launch_spec spec = spec_of(t, "conv2d_tiled", groups, "", options);
        spec.flops = o->flops * (end - first) / pixels;
        ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vmmiviiiiiiiiiiiiiiiiiiiiiiiii", o->x, o->weights, o->bias,
                                 o->flags, o->y, first, end, h->count, w->count, h->first, w->first, h->step, w->step,
                                 h->in, w->in, h->in_step, w->in_step, h->taps, w->taps, h->tap, w->tap, h->tap_step,
                                 w->tap_step, v->r, v->s, in_blocks(v, direction), out_blocks,
                                 outputs_pitch(v, direction), o->x_first, o->y_first));
    }
    return ZOE_OK;
}

static zoe_status emit_data(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *v)
{
    const tile *t = tile_of(plan, node, v, ZOE__TO_DATA);
    zoe__mem *weights = zoe__plan_derived_mem(plan, node, 0);
    operands o = {.x = zoe__plan_dy(plan, node),
                  .y = zoe__plan_dx(plan, node, 0),
                  .weights = weights,
                  .bias = weights,
                  .flags = zoe__plan_dx_add(plan, node, 0) ? ADD : 0};
    ZOE_TRY(emit_turn(plan, node, v, t, ZOE__TO_DATA));
    for (int a = 0; a < v->stride_h; a++)
        for (int b = 0; b < v->stride_w; b++) {
            const axis h = data_axis(a, v->h, v->r, v->stride_h, v->pad_h);
            const axis w = data_axis(b, v->w, v->s, v->stride_w, v->pad_w);
            o.flops = 2.0 * v->n * h.count * w.count * v->k * (v->c / v->groups) * h.taps * w.taps;
            ZOE_TRY(emit_sweep(plan, node, v, t, ZOE__TO_DATA, &o, &h, &w));
        }
    return ZOE_OK;
}

/* x and dy begin so many pixels into their memory, dw so many floats. more: goes on with the sums that lie there. */
typedef struct sums {
    const zoe__view *x, *dy;
    zoe__mem *dw;
    int x_first, dy_first, dw_first;
    bool add, more;
    double flops;
} sums;

static zoe_status emit_sums(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *v, const tile *t, const split *s,
                            const sums *o)
{
    int groups = weight_groups(v, s, t);
    cut c = cut_of(plan, s, t, groups);
    if (o->more || c.pixels < s->pixels) { /* sums that go on take registers: a smaller tile, of the same sums */
        t = &tiles[SQUARE];
        groups = weight_groups(v, s, t);
        c = cut_of(plan, s, t, groups);
    }
    for (int from = 0; from < s->pixels; from += c.pixels)
        for (int group = 0; group < groups; group += c.groups) {
            char options[96];
            const int to = s->pixels - from < c.pixels ? s->pixels : from + c.pixels;
            const int count = groups - group < c.groups ? groups - group : c.groups;
            const bool more = o->more || from > 0;
            zoe__launch_spec spec =
                spec_of(t, "conv2d_tiled_weights", (size_t)count, more ? " -DGO_ON=1" : "", options);
            spec.flops = o->flops * (to - from) / s->pixels * count / groups;
            ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvmiiiiiiiiiiiiiiiiiii", o->x, o->dy, o->dw, o->dw_first,
                                     (int)s->floats, s->pixels, o->add, v->n * v->p * v->q, v->groups, v->k / v->groups,
                                     v->c / v->groups, v->r, v->s, v->stride_h, v->stride_w, v->pad_h, v->pad_w, group,
                                     from, to, o->x_first, o->dy_first));
        }
    return ZOE_OK;
}

static zoe_status emit_weights(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *v)
{
    const tile *t = tile_of(plan, node, v, ZOE__TO_WEIGHTS);
    const split s = split_of(plan, v);
    const int first = (int)zoe__conv2d_mask_floats(v);
    const bool whole = is_whole(plan, v, t, &s), add = zoe__plan_dweight_add(plan, node, 0);
    zoe__mem *dw = zoe__plan_dweight(plan, node, 0), *parts = zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD);
    const sums o = {.x = zoe__plan_x(plan, node, 0),
                    .dy = zoe__plan_dy(plan, node),
                    .dw = whole ? dw : parts,
                    .dw_first = whole ? 0 : first,
                    .add = whole && add,
                    .flops = zoe__conv2d_flops(v)};
    ZOE_TRY(emit_sums(plan, node, v, t, &s, &o));
    return whole ? ZOE_OK : zoe__launch_sum_parts(plan, node, parts, first, s.parts, dw, (int)s.floats, add);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe__conv2d v = seen(conv);
    if (direction == ZOE__TO_WEIGHTS) return emit_weights(plan, node, &v);
    if (direction == ZOE__TO_DATA) return emit_data(plan, node, &v);
    const axis h = forward_axis(v.p, v.r, v.stride_h, v.pad_h), w = forward_axis(v.q, v.s, v.stride_w, v.pad_w);
    const tile *t = tile_of(plan, node, &v, ZOE__TO_OUTPUT);
    zoe__mem *weights = zoe__plan_derived_mem(plan, node, 1);
    const operands o = {.x = zoe__plan_x(plan, node, 0),
                        .y = zoe__plan_y(plan, node),
                        .weights = weights,
                        .bias = v.bias ? zoe__plan_weight(plan, node, 1) : weights,
                        .flags = (v.relu ? RELU : 0) | (v.bias ? BIAS : 0),
                        .flops = zoe__conv2d_flops(&v)};
    ZOE_TRY(emit_turn(plan, node, &v, t, ZOE__TO_OUTPUT));
    return emit_sweep(plan, node, &v, t, ZOE__TO_OUTPUT, &o, &h, &w);
}

/* ---- for winograd: products of matrices ---- */

size_t zoe__tiled_pitch(int outputs)
{
    return zoe__round_up((size_t)outputs, WIDEST);
}

int zoe__tiled_count(void)
{
    return TILES;
}

/* A row of pixels, one tap. */
static zoe__conv2d product_of(int groups, int in_blocks, int out_blocks, int pixels)
{
    return (zoe__conv2d){.n = 1,
                         .c = groups * in_blocks * 8,
                         .h = 1,
                         .w = pixels,
                         .k = groups * out_blocks * 8,
                         .r = 1,
                         .s = 1,
                         .p = 1,
                         .q = pixels,
                         .stride_h = 1,
                         .stride_w = 1,
                         .groups = groups};
}

static zoe__view row_of(zoe__mem *mem, int channels, int pixels)
{
    return (zoe__view){.mem = mem, .shape = {1, channels, 1, pixels}, .c8 = channels / 8, .number = sizeof(float)};
}

zoe_status zoe__tiled_multiply(zoe_plan *plan, const zoe__node *node, const zoe__tiled_product *p)
{
    const zoe__conv2d v = product_of(p->groups, p->in_blocks, p->out_blocks, p->pixels);
    const zoe__view x = row_of(p->mem, v.c, p->pixels), y = row_of(p->mem, v.k, p->pixels);
    const operands o = {.x = &x,
                        .y = &y,
                        .x_first = p->x_first,
                        .y_first = p->y_first,
                        .weights = p->weights,
                        .bias = p->weights,
                        .flops = p->flops};
    const axis row = forward_axis(1, 1, 1, 0), columns = forward_axis(p->pixels, 1, 1, 0);
    const int wish = p->tile;
    const tile *t = &tiles[wish >= 1 && wish <= TILES ? wish - 1 : default_tile(&v, ZOE__TO_OUTPUT)];
    return emit_sweep(plan, node, &v, t, ZOE__TO_OUTPUT, &o, &row, &columns);
}

int zoe__tiled_parts(zoe_plan *plan, const zoe__tiled_weights_product *p, size_t *floats)
{
    const zoe__conv2d v = product_of(p->groups, p->in_blocks, p->out_blocks, p->most_pixels);
    const split s = split_of(plan, &v);
    *floats = s.floats;
    return s.parts;
}

zoe_status zoe__tiled_multiply_weights(zoe_plan *plan, const zoe__node *node, const zoe__tiled_weights_product *p)
{
    const zoe__conv2d v = product_of(p->groups, p->in_blocks, p->out_blocks, p->pixels);
    const zoe__conv2d most = product_of(p->groups, p->in_blocks, p->out_blocks, p->most_pixels);
    const split s = split_of(plan, &most);
    const zoe__view x = row_of(p->mem, v.c, p->pixels), dy = row_of(p->mem, v.k, p->pixels);
    const sums o = {.x = &x,
                    .dy = &dy,
                    .dw = p->mem,
                    .x_first = p->x_first,
                    .dy_first = p->dy_first,
                    .dw_first = p->first,
                    .more = p->more,
                    .flops = p->flops};
    const int wish = p->tile;
    const tile *t = &tiles[wish >= 1 && wish <= TILES ? wish - 1 : default_tile(&v, ZOE__TO_WEIGHTS)];
    return emit_sums(plan, node, &v, t, &s, &o);
}

const zoe__conv2d_algorithm zoe__conv2d_tiled = {
    .name = "tiled",
    .unasked = {[ZOE_FAMILY_SIMT] = true},
    .supports = supports,
    .candidates = candidates,
    .plan = make_plan,
    .emit = emit,
};
