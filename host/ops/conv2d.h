/* SPDX-License-Identifier: Apache-2.0
 *
 * What the algorithms of conv2d share. linear is the convolution whose window is the whole picture, and uses some of
 * them too.
 *
 * An algorithm is one file conv2d_NAME.c with a descriptor, and one line in the table of conv2d.c. Which one a node
 * gets depends on channels, groups and family only, never on batch, picture or training: plans that share a store must
 * agree on the layout of the weights. Internal. */
#ifndef ZOE__CONV2D_H
#define ZOE__CONV2D_H

#include "ops/node.h"

/* N images, C channels, H x W input; K filters of R x S taps; P x Q output. */
typedef struct zoe__conv2d {
    int n, c, h, w, k, r, s, p, q;
    int stride_h, stride_w, pad_h, pad_w, groups;
    bool bias, relu;
} zoe__conv2d;

typedef struct zoe__conv2d_algorithm {
    const char *name;
    bool (*supports)(zoe_plan *plan, const zoe__conv2d *conv); /* NULL: everything */
    zoe_status (*plan)(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv);
    zoe_status (*forward)(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv);
    zoe_status (*backward)(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv);
} zoe__conv2d_algorithm;

extern const zoe__conv2d_algorithm zoe__conv2d_direct, zoe__conv2d_clblast, zoe__conv2d_plain;

static inline double zoe__conv2d_flops(const zoe__conv2d *conv)
{
    return 2.0 * conv->n * conv->p * conv->q * conv->k * (conv->c / conv->groups) * conv->r * conv->s;
}

/* Vector families' weights: [K/16][C/8][R][S][8][16], C and K of one group after the other. shape is KCRS with C = C /
 * groups; for linear {K, C, H, W} though its parameter is {K, C*H*W, 1, 1}: the same order of plain numbers. */
zoe__layout zoe__layout_blocked(zoe_shape shape);

/* dy becomes dy where y > 0 (relu), in place: this node is the last that reads it. The sum over pixels goes to the
 * gradient of the bias. Uses the first zoe__conv2d_mask_floats() of the backward workspace. */
size_t zoe__conv2d_mask_floats(const zoe__conv2d *conv);
zoe_status zoe__conv2d_mask(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv);

/* out[i] (+)= sum over parts, in their order, of in[first + part * count + i]; count is a multiple of 8. */
zoe_status zoe__launch_sum_parts(zoe_plan *plan, const zoe__node *node, zoe__mem *in, int first, int parts,
                                 zoe__mem *out, int count, int add);

#endif
