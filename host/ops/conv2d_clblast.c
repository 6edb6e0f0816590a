/* SPDX-License-Identifier: Apache-2.0
 *
 * `clblast`: convolution as a matrix product. Some images at a time, with one row of a matrix for each output pixel,
 *   column[pixel][c,r,s] = the inputs the pixel sees (im2col),   rows[pixel][k] = y or dy
 *   forward:  rows = column w^T, then bias and ReLU on the way to the blocked layout
 *   weights:  dw += rows^T column
 *   data:     column = rows w, then dx gathers what belongs to it (col2im without atomics)
 * for each group its part of the columns. linear is the case P = Q = 1. Weights are plain KCRS. Kernels: cl/im2col.cl.
 */
#include "ops/conv2d.h"
#include "ops/gemm_clblast.h"

static bool supports(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction)
{
    (void)plan;
    (void)conv;
    (void)direction;
    return zoe__gemm_available();
}

/* ---- how the workspace of a pass is cut: CLBlast's own floats first ---- */

typedef struct cut {
    int images;                  /* at a time */
    int pixels;                  /* of that many images: rows of both matrices */
    int taps;                    /* C R S: a row of `column`, all groups */
    size_t column, rows, floats; /* where they start; all of it */
} cut;

static int group_taps(const zoe__conv2d *conv)
{
    return conv->c / conv->groups * conv->r * conv->s;
}

static zoe__gemm forward_gemm(const zoe__conv2d *conv, const cut *c, int pixels, int group)
{
    const int taps = group_taps(conv), filters = conv->k / conv->groups;
    return (zoe__gemm){.transpose_b = true,
                       .m = pixels,
                       .n = filters,
                       .k = taps,
                       .a_first = c->column + (size_t)(group * taps),
                       .a_ld = c->taps,
                       .b_first = (size_t)group * (size_t)filters * (size_t)taps,
                       .b_ld = taps,
                       .c_first = c->rows + (size_t)(group * filters),
                       .c_ld = conv->k};
}

static zoe__gemm weights_gemm(const zoe__conv2d *conv, const cut *c, int pixels, int group)
{
    const int taps = group_taps(conv), filters = conv->k / conv->groups;
    return (zoe__gemm){.transpose_a = true,
                       .m = filters,
                       .n = taps,
                       .k = pixels,
                       .a_first = c->rows + (size_t)(group * filters),
                       .a_ld = conv->k,
                       .b_first = c->column + (size_t)(group * taps),
                       .b_ld = c->taps,
                       .c_first = (size_t)group * (size_t)filters * (size_t)taps,
                       .c_ld = taps};
}

static zoe__gemm data_gemm(const zoe__conv2d *conv, const cut *c, int pixels, int group)
{
    const int taps = group_taps(conv), filters = conv->k / conv->groups;
    return (zoe__gemm){.m = pixels,
                       .n = taps,
                       .k = filters,
                       .a_first = c->rows + (size_t)(group * filters),
                       .a_ld = conv->k,
                       .b_first = (size_t)group * (size_t)filters * (size_t)taps,
                       .b_ld = taps,
                       .c_first = c->column + (size_t)(group * taps),
                       .c_ld = c->taps};
}

typedef zoe__gemm make_gemm(const zoe__conv2d *conv, const cut *c, int pixels, int group);

/* Most floats that CLBlast wants for itself: the first and the last group, a full and the last set of images. */
static zoe_status temporary_floats(zoe_plan *plan, const zoe__conv2d *conv, const cut *c, make_gemm *make, size_t *most)
{
    const int rest = conv->n % c->images * conv->p * conv->q;
    for (int i = 0; i < 4; i++) {
        const int pixels = i & 1 ? rest : c->pixels;
        if (!pixels) continue;
        const zoe__gemm gemm = make(conv, c, pixels, i & 2 ? conv->groups - 1 : 0);
        size_t floats;
        ZOE_TRY(zoe__gemm_temporary(plan, &gemm, &floats));
        if (*most < floats) *most = floats;
    }
    return ZOE_OK;
}

static zoe_status make_cut(zoe_plan *plan, const zoe__conv2d *conv, zoe__pass pass, cut *out)
{
    enum { MOST_FLOATS = 1 << 24 }; /* of columns at a time: 64 MiB */
    cut c = {.taps = conv->groups * group_taps(conv)};
    const double image = (double)conv->p * conv->q * c.taps;
    ZOE_FAIL_IF(zoe__plan_context(plan), image > 1 << 30, ZOE_UNSUPPORTED,
                "clblast: one image needs %.0f column floats, at most %d can be", image, 1 << 30);
    c.images = image > 0 && MOST_FLOATS / image < conv->n ? (int)(MOST_FLOATS / image) : conv->n;
    if (c.images < 1) c.images = 1;
    c.pixels = c.images * conv->p * conv->q;
    size_t first = pass == ZOE__BACKWARD ? zoe__conv2d_mask_floats(conv) : 0; /* the mask is done before the products */
    if (pass == ZOE__FORWARD) {
        ZOE_TRY(temporary_floats(plan, conv, &c, forward_gemm, &first));
    } else {
        ZOE_TRY(temporary_floats(plan, conv, &c, weights_gemm, &first));
        ZOE_TRY(temporary_floats(plan, conv, &c, data_gemm, &first));
    }
    c.column = zoe__round_up(first, 64);
    c.rows = c.column + zoe__round_up((size_t)c.pixels * (size_t)c.taps, 64);
    c.floats = c.rows + (size_t)c.pixels * (size_t)conv->k;
    *out = c;
    return ZOE_OK;
}

static zoe__pass pass_of(zoe__direction direction)
{
    return direction == ZOE__TO_OUTPUT ? ZOE__FORWARD : ZOE__BACKWARD;
}

static zoe_status make_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    cut c;
    ZOE_TRY(make_cut(plan, conv, pass_of(direction), &c));
    zoe__plan_workspace(plan, node, pass_of(direction), c.floats);
    return ZOE_OK;
}

/* ---- launches ---- */

#define SHAPE_TYPES "iiiiiiiiii"
#define SHAPE_OF(v) (v)->c, (v)->k, (v)->r, (v)->s, (v)->p, (v)->q, (v)->stride_h, (v)->stride_w, (v)->pad_h, (v)->pad_w

/* Some images (`images` from number `first`) on their way through one pass. */
typedef struct part {
    zoe_plan *plan;
    const zoe__node *node;
    const zoe__conv2d *conv;
    cut cut;
    zoe__mem *workspace;
    int first, images, pixels;
} part;

static zoe_status emit_columns(const part *p)
{
    const zoe__view *x = zoe__plan_x(p->plan, p->node, 0);
    const bool vector = zoe_device_get_info(zoe__plan_device(p->plan))->family == ZOE_FAMILY_VECTOR;
    const size_t each = (size_t)(vector ? p->conv->r : p->cut.taps); /* work-items of a pixel */
    zoe__launch_spec spec = zoe__spec_items(p->plan, "im2col", "im2col", (size_t)p->pixels * each);
    spec.options = x->planar ? "-DPLANAR=1" : NULL;
    return zoe__plan_launch(p->plan, p->node, &spec, "vmiiii" SHAPE_TYPES, x, p->workspace, (int)p->cut.column,
                            p->first, p->images, p->cut.taps, SHAPE_OF(p->conv));
}

static zoe_status emit_products(const part *p, make_gemm *make, zoe__mem *a, zoe__mem *b, zoe__mem *c, bool add)
{
    for (int group = 0; group < p->conv->groups; group++) {
        zoe__gemm gemm = make(p->conv, &p->cut, p->pixels, group);
        gemm.a = a;
        gemm.b = b;
        gemm.c = c;
        gemm.add = add;
        ZOE_TRY(zoe__gemm_emit(p->plan, p->node, &gemm, p->workspace));
    }
    return ZOE_OK;
}

static zoe_status output_part(const part *p)
{
    const zoe__view *y = zoe__plan_y(p->plan, p->node);
    zoe__mem *bias = p->conv->bias ? zoe__plan_weight(p->plan, p->node, 1) : NULL;
    ZOE_TRY(emit_columns(p));
    ZOE_TRY(emit_products(p, forward_gemm, p->workspace, zoe__plan_weight(p->plan, p->node, 0), p->workspace, false));
    const int planes = p->images * y->c8;
    int rows;
    const zoe__launch_spec spec =
        zoe__spec_pixels(p->plan, "im2col", "from_rows", planes, p->conv->p, p->conv->q, &rows);
    return zoe__plan_launch(p->plan, p->node, &spec, "miimiviii", p->workspace, (int)p->cut.rows, p->conv->k, bias,
                            p->conv->relu, y, p->first, planes, rows);
}

static zoe_status emit_rows(const part *p)
{
    const zoe__view *dy = zoe__plan_dy(p->plan, p->node);
    const int planes = p->images * dy->c8;
    int rows;
    const zoe__launch_spec spec = zoe__spec_pixels(p->plan, "im2col", "to_rows", planes, p->conv->p, p->conv->q, &rows);
    return zoe__plan_launch(p->plan, p->node, &spec, "vmiiiii", dy, p->workspace, (int)p->cut.rows, p->conv->k,
                            p->first, planes, rows);
}

static zoe_status weights_part(const part *p)
{
    ZOE_TRY(emit_rows(p));
    ZOE_TRY(emit_columns(p));
    return emit_products(p, weights_gemm, p->workspace, p->workspace, zoe__plan_dweight(p->plan, p->node, 0),
                         p->first > 0 || zoe__plan_dweight_add(p->plan, p->node, 0));
}

static zoe_status data_part(const part *p)
{
    const zoe__view *dx = zoe__plan_dx(p->plan, p->node, 0);
    const bool there = p->cut.images >= p->conv->n && zoe__conv2d_chosen(p->plan, p->node, ZOE__TO_WEIGHTS, "clblast");
    if (!there) ZOE_TRY(emit_rows(p)); /* else the gradient of the weights left them */
    ZOE_TRY(emit_products(p, data_gemm, p->workspace, zoe__plan_weight(p->plan, p->node, 0), p->workspace, false));
    const int planes = p->images * dx->c8;
    int rows;
    const zoe__launch_spec spec = zoe__spec_pixels(p->plan, "im2col", "col2im", planes, p->conv->h, p->conv->w, &rows);
    return zoe__plan_launch(p->plan, p->node, &spec, "miivii" SHAPE_TYPES "ii", p->workspace, (int)p->cut.column,
                            p->cut.taps, dx, zoe__plan_dx_add(p->plan, p->node, 0), p->first, SHAPE_OF(p->conv), planes,
                            rows);
}

static zoe_status emit(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction)
{
    const zoe__pass pass = pass_of(direction);
    part p = {.plan = plan, .node = node, .conv = conv, .workspace = zoe__plan_workspace_mem(plan, node, pass)};
    ZOE_TRY(make_cut(plan, conv, pass, &p.cut));
    for (; p.first < conv->n; p.first += p.images) {
        p.images = conv->n - p.first < p.cut.images ? conv->n - p.first : p.cut.images;
        p.pixels = p.images * conv->p * conv->q;
        ZOE_TRY(direction == ZOE__TO_OUTPUT ? output_part(&p)
                : direction == ZOE__TO_DATA ? data_part(&p)
                                            : weights_part(&p));
    }
    return ZOE_OK;
}

const zoe__conv2d_algorithm zoe__conv2d_clblast = {
    .name = "clblast",
    .unasked = {[ZOE_FAMILY_SIMT] = true}, /* a cold compile takes a minute on a CPU */
    .supports = supports,
    .plan = make_plan,
    .emit = emit,
};
