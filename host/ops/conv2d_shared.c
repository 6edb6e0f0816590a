/* SPDX-License-Identifier: Apache-2.0
 *
 * What several algorithms of conv2d and linear use: the blocked layout of weights, ReLU's mask with the gradient of the
 * bias, phases of the stride, merged groups, and the ordered sum of partial results. Kernels: cl/conv2d_mask.cl,
 * cl/conv2d_mask_groups.cl, cl/sum_parts.cl. */
#include "core/parallel.h"
#include "ops/conv2d.h"

#include <string.h>

/* ---- layout: K, channels of a group, taps, and of each merged group the channels and filters ---- */

enum { K, C, TAPS, GROUP_C, GROUP_K };

typedef struct copying {
    const zoe__layout *layout;
    int first, end; /* filters; plain begins with the first */
    const float *from;
    float *to;
    bool packs; /* to the device's order, else from it */
} copying;

/* Whole blocks of 16 filters, so that threads do not meet in memory. */
static void copy_blocks(size_t first, size_t count, void *user)
{
    const copying *copy = user;
    const int *arg = copy->layout->arg, begin = copy->first + (int)first * 16;
    const int end = begin + (int)count * 16 < copy->end ? begin + (int)count * 16 : copy->end;
    const size_t taps = (size_t)arg[TAPS], block = (size_t)(arg[C] + 7) / 8 * taps * 128;
    if (copy->packs) memset(copy->to + (size_t)(begin / 16) * block, 0, count * block * sizeof *copy->to);
    for (int k = begin; k < end; k++) {
        const int shift = k / arg[GROUP_K] * arg[GROUP_C] % arg[C]; /* of the first channel of its group */
        size_t plain = (size_t)(k - copy->first) * (size_t)arg[GROUP_C] * taps;
        for (int c = shift; c < shift + arg[GROUP_C]; c++) {
            const size_t device =
                (size_t)(k / 16) * block + (size_t)(c / 8) * taps * 128 + (size_t)(c % 8 * 16 + k % 16);
            for (size_t tap = 0; tap < taps; tap++, plain++)
                if (copy->packs)
                    copy->to[device + tap * 128] = copy->from[plain];
                else
                    copy->to[plain] = copy->from[device + tap * 128];
        }
    }
}

static void copy_all(copying *copy)
{
    enum { LEAST = 1 << 16 }; /* numbers that are worth a thread */
    const size_t each = copy->layout->floats / ((size_t)(copy->layout->arg[K] + 15) / 16);
    zoe__parallel((size_t)(copy->end - copy->first + 15) / 16, each < LEAST ? LEAST / each : 1, copy_blocks, copy);
}

static void pack(const zoe__layout *layout, zoe_shape shape, int first, int count, const float *plain, float *device)
{
    (void)shape;
    copy_all(&(copying){layout, first, first + count, plain, device, true});
}

static void unpack(const zoe__layout *layout, zoe_shape shape, const float *device, float *plain)
{
    (void)shape;
    copy_all(&(copying){layout, 0, layout->arg[K], device, plain, false});
}

zoe__layout zoe__layout_blocked(zoe_shape shape)
{
    const int taps = shape.h * shape.w;
    return (zoe__layout){.name = "blocked",
                         .floats = (size_t)((shape.n + 15) / 16) * (size_t)((shape.c + 7) / 8) * (size_t)taps * 128,
                         .arg = {[K] = shape.n, [C] = shape.c, [TAPS] = taps, [GROUP_C] = shape.c, [GROUP_K] = shape.n},
                         .pack = pack,
                         .unpack = unpack};
}

zoe__layout zoe__conv2d_layout(const zoe__conv2d *conv)
{
    zoe__layout layout = zoe__layout_blocked((zoe_shape){conv->k, conv->c / conv->groups, conv->r, conv->s});
    if (conv->merged > 1) {
        layout.arg[GROUP_C] = conv->c / conv->groups / conv->merged;
        layout.arg[GROUP_K] = conv->k / conv->groups / conv->merged;
    }
    return layout;
}

/* ---- phases of the stride ---- */

zoe__phase zoe__phase_of(int a, int size, int taps, int stride, int pad)
{
    zoe__phase p = {.taps = a < taps ? (taps - a + stride - 1) / stride : 0,
                    .first = ((a - pad) % stride + stride) % stride};
    p.count = p.first < size ? (size - p.first + stride - 1) / stride : 0;
    p.origin = (p.first + pad - a) / stride - (p.taps - 1);
    for (int b = 0; b < a; b++) p.before += b < taps ? (taps - b + stride - 1) / stride : 0;
    return p;
}

int zoe__conv2d_gradient_halo(int size, int taps, int stride, int pad, int out)
{
    int halo = 0;
    for (int a = 0; a < stride; a++) {
        const zoe__phase p = zoe__phase_of(a, size, taps, stride, pad);
        if (!p.count || !p.taps) continue;
        const int past = p.origin + p.count - 1 + p.taps - 1 - (out - 1);
        if (halo < -p.origin) halo = -p.origin;
        if (halo < past) halo = past;
    }
    return halo;
}

/* ---- merged groups ---- */

zoe__conv2d zoe__conv2d_merge(const zoe__conv2d *conv)
{
    enum { MOST = 32, MOST_WEIGHTS = 1 << 28 }; /* kernels count weights in int */
    zoe__conv2d merged = *conv;
    const int c = conv->c / conv->groups, k = conv->k / conv->groups;
    for (int m = 1; m <= conv->groups && m <= MOST; m++) {
        if (conv->groups % m || (m < conv->groups && (c * m % 16 || k * m % 16))) continue;
        if ((double)conv->k * c * m * conv->r * conv->s > MOST_WEIGHTS) break;
        merged.groups /= m;
        merged.merged = m;
        break;
    }
    return merged;
}

zoe_status zoe__conv2d_mask_groups(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    if (conv->merged <= 1) return ZOE_OK;
    const zoe__layout layout = zoe__conv2d_layout(conv);
    const int c_blocks = (layout.arg[C] + 7) / 8;
    zoe__launch_spec spec = zoe__spec_items(plan, "conv2d_mask_groups", "conv2d_mask_groups",
                                            (size_t)((conv->k + 15) / 16) * (size_t)c_blocks);
    spec.bytes = 2.0 * sizeof(float) * (double)layout.floats;
    return zoe__plan_launch(plan, node, &spec, "miiiiii", zoe__plan_dweight(plan, node, 0), conv->k, c_blocks,
                            layout.arg[TAPS], layout.arg[C], layout.arg[GROUP_C], layout.arg[GROUP_K]);
}

/* ---- sums ---- */

zoe_status zoe__launch_sum_parts(zoe_plan *plan, const zoe__node *node, zoe__mem *in, int first, int parts,
                                 zoe__mem *out, int count, int add)
{
    enum { MOST = 128, LEAST = 8, ITEMS = 64 }; /* float8 of one work-item of the vector family */
    enum { MANY = 16 };                         /* parts that a GPU sums faster by slices */
    const bool vector = zoe_device_get_info(zoe__plan_device(plan))->family == ZOE_FAMILY_VECTOR;
    const bool tree = !vector && parts >= MANY;
    const int vectors = count / 8, share = vectors / ITEMS;
    const int each = tree ? 8 : !vector ? 1 : share > MOST ? MOST : share < LEAST ? LEAST : share;
    const size_t shares = (size_t)((vectors + each - 1) / each);
    zoe__launch_spec spec = tree ? zoe__spec_groups(plan, "sum_parts", "sum_parts_tree", shares)
                                 : zoe__spec_items(plan, "sum_parts", "sum_parts", shares);
    spec.flops = (double)parts * count;
    spec.bytes = (parts + 1.0 + add) * count * sizeof(float);
    if (tree) return zoe__plan_launch(plan, node, &spec, "mimiii", in, first, out, vectors, parts, add);
    return zoe__plan_launch(plan, node, &spec, "mimiiii", in, first, out, vectors, parts, add, each);
}

/* Rows of all N * P that a work-group sums. They follow from shape and family alone, so that a sum has one order on
 * every device: whole images for at most 16 groups a block in the vector family; for GPUs 1024 pixels, or what 256
 * leave. */
static int mask_rows(const zoe__conv2d *conv, zoe_family family)
{
    enum { IMAGES = 16, PIXELS = 1024, GROUPS = 256 };
    if (family == ZOE_FAMILY_VECTOR) return (conv->n < IMAGES ? 1 : (conv->n + IMAGES - 1) / IMAGES) * conv->p;
    const int rows = PIXELS / conv->q, least = (conv->n * conv->p + GROUPS - 1) / GROUPS;
    return rows > least ? rows : least;
}

static int mask_parts(const zoe__conv2d *conv, zoe_family family)
{
    const int rows = mask_rows(conv, family);
    return (conv->n * conv->p + rows - 1) / rows;
}

/* Enough in either family. */
size_t zoe__conv2d_mask_floats(const zoe__conv2d *conv)
{
    const int vector = mask_parts(conv, ZOE_FAMILY_VECTOR), simt = mask_parts(conv, ZOE_FAMILY_SIMT);
    const size_t parts = (size_t)(vector > simt ? vector : simt);
    return conv->bias ? zoe__round_up(parts * (size_t)((conv->k + 7) / 8 * 8), 16) : 0;
}

zoe_status zoe__conv2d_mask(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv)
{
    zoe__mem *dbias = conv->bias ? zoe__plan_dweight(plan, node, 1) : NULL;
    if (!conv->relu && !dbias) return ZOE_OK;
    const zoe__view *y = zoe__plan_y(plan, node), *dy = zoe__plan_dy(plan, node);
    zoe__mem *parts_mem = dbias ? zoe__plan_workspace_mem(plan, node, ZOE__BACKWARD) : NULL;
    const zoe_family family = zoe_device_get_info(zoe__plan_device(plan))->family;
    const int parts = mask_parts(conv, family);
    zoe__launch_spec spec = zoe__spec_groups(plan, "conv2d_mask", "conv2d_mask", (size_t)parts * (size_t)dy->c8);
    spec.options = conv->relu ? (dbias ? "-DRELU=1 -DBIAS=1" : "-DRELU=1") : "-DBIAS=1";
    spec.bytes = (conv->relu ? 3 : 1) * zoe__view_bytes(dy);
    ZOE_TRY(zoe__plan_launch(plan, node, &spec, "vvmii", y, dy, parts_mem, conv->n * conv->p, mask_rows(conv, family)));
    if (!dbias) return ZOE_OK;
    return zoe__launch_sum_parts(plan, node, parts_mem, 0, parts, dbias, dy->c8 * 8,
                                 zoe__plan_dweight_add(plan, node, 1));
}
