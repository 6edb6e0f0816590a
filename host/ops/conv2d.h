/* SPDX-License-Identifier: Apache-2.0
 *
 * What the algorithms of conv2d share. linear is the convolution whose window is the whole picture, and uses some of
 * them too.
 *
 * An algorithm is one file conv2d_NAME.c with a descriptor, and one line in the table of conv2d.c or linear.c. Each
 * direction of a node (output, gradient of x, gradient of the weights) has its own: conv2d_choose.c. All of a node's
 * keep the weights in one layout, which depends on channels, groups, family and options only, never on batch, picture
 * or training: plans that share a store must agree on it. Internal. */
#ifndef ZOE__CONV2D_H
#define ZOE__CONV2D_H

#include "ops/node.h"

/* N images, C channels, H x W input; K filters of R x S taps; P x Q output. */
typedef struct zoe__conv2d {
    int n, c, h, w, k, r, s, p, q;
    int stride_h, stride_w, pad_h, pad_w, groups;
    bool bias, relu;
    int merged;     /* groups of the definition in each of `groups`; 0 or 1: they are the definition's */
    const char *op; /* "conv2d", "linear" */
} zoe__conv2d;

/* Everything is asked and told direction by direction. What an algorithm was chosen with: zoe__plan_choice().
 * The backward workspace begins with zoe__conv2d_mask_floats() that are not the algorithm's; derived memory 0 belongs
 * to ZOE__TO_DATA, 1 to ZOE__TO_OUTPUT. The gradient of the weights is emitted before that of x. */
typedef struct zoe__conv2d_algorithm {
    const char *name;
    bool blocked;    /* weights lie in zoe__conv2d_layout(), else plain. Sees zoe__conv2d_merge(conv), never conv */
    bool planar;     /* reads x as it is where it has fewer than 8 channels */
    bool inexact;    /* trades digits for speed: not with plan option `exact` */
    bool unasked[3]; /* by zoe_family: may be chosen where nobody asked for it */
    bool (*supports)(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction); /* NULL: everything */
    /* Estimated multiply-adds, to be compared with other algorithms' of the same family. NULL: the table's order
     * decides. */
    double (*cost)(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction);
    /* Parameters that the tuner may try besides the default (all 0); every one of them is valid for conv. At most room
     * of them into out, with out->algorithm; returns how many. NULL: none. */
    size_t (*candidates)(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction, zoe__choice *out,
                         size_t room);
    zoe_status (*plan)(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv, zoe__direction direction);
    zoe_status (*emit)(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv, zoe__direction direction);
    /* Direction ZOE__TO_OUTPUT can leave moments of what it stores (zoe__plan_moments): at most how many chunks; 0 or
     * NULL: not here. Whether they are wanted, emit asks zoe__plan_moments_asked(). */
    int (*moments)(zoe_plan *plan, const zoe__conv2d *conv);
} zoe__conv2d_algorithm;

extern const zoe__conv2d_algorithm zoe__conv2d_direct, zoe__conv2d_winograd, zoe__conv2d_tiled,
    zoe__conv2d_winograd_tiled, zoe__conv2d_clblast, zoe__conv2d_plain;

/* What was measured of a device, hung on it with zoe__device_set_tuning(): fills *out for (op "conv2d" or "linear",
 * direction, shape) and returns true, or returns false where nothing is known. An answer that the node cannot follow is
 * passed over. out->algorithm must last as long as the plan. */
typedef struct zoe__tuning {
    bool (*find)(void *user, const char *op, zoe__direction direction, const zoe__conv2d *conv, zoe__choice *out);
    void *user;
    double launch_flops; /* that a launch may take at most; 0: 50 ms of a slow device, on CPUs no limit */
} zoe__tuning;

/* The op's side of it (conv2d_choose.c): choose and plan, emit forward, emit backward (mask, weights, data). table ends
 * with NULL and stands in order of preference; wish is the plan's option. */
zoe_status zoe__conv2d_plan(zoe_plan *plan, zoe__node *node, const zoe__conv2d *conv,
                            const zoe__conv2d_algorithm *const *table, const char *wish);
zoe_status zoe__conv2d_forward(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                               const zoe__conv2d_algorithm *const *table);
zoe_status zoe__conv2d_backward(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                                const zoe__conv2d_algorithm *const *table);

/* The name by which the self-test knows an algorithm (NULL: the mask) in a direction: selftest/trust.h. */
void zoe__conv2d_variant(char variant[96], const zoe__conv2d *conv, const char *algorithm, zoe__direction direction);

/* What the algorithm chosen for the output says of its moments. */
int zoe__conv2d_moments(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv,
                        const zoe__conv2d_algorithm *const *table);

/* What a direction could be given without anybody's wish, the choice without tuning first. */
size_t zoe__conv2d_candidates(zoe_plan *plan, const zoe__conv2d *conv, zoe__direction direction,
                              const zoe__conv2d_algorithm *const *table, zoe__choice *out, size_t room);

/* The node's algorithm in this direction is the one of that name (and the direction is wanted at all). */
bool zoe__conv2d_chosen(zoe_plan *plan, const zoe__node *node, zoe__direction direction, const char *name);

/* Multiply-adds of the definition, twice: what merged groups multiply with zeros does not count. */
static inline double zoe__conv2d_flops(const zoe__conv2d *conv)
{
    const int merged = conv->merged > 1 ? conv->merged : 1;
    return 2.0 * conv->n * conv->p * conv->q * conv->k * (conv->c / conv->groups / merged) * conv->r * conv->s;
}

/* Groups whose channels and filters are no multiples of 16 do not begin where blocks do. As many neighbours as it takes
 * become one group, with zero weights from each to the others: the arithmetic of dense layers, a few times over. Where
 * it would be more than 32 times, conv as it is. */
zoe__conv2d zoe__conv2d_merge(const zoe__conv2d *conv);

/* The layout of a (merged) convolution's weights, zoe__layout_blocked() with the zeros in it. */
zoe__layout zoe__conv2d_layout(const zoe__conv2d *conv);

/* Makes the gradient of the zero weights zero, once it is there. Nothing to do without merged groups. */
zoe_status zoe__conv2d_mask_groups(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv);

/* Phases of the stride: which taps and outputs an input row (or column) belongs to. */
typedef struct zoe__phase {
    int taps;   /* r = a, a + stride, ... */
    int first;  /* the first row of the input */
    int count;  /* rows first, first + stride, ... */
    int origin; /* row of dy under the first of the turned taps, for row `first` */
    int before; /* taps of the phases before */
} zoe__phase;
zoe__phase zoe__phase_of(int a, int size, int taps, int stride, int pad);

/* Zeros around dy that backward-data reads, phase by phase. */
int zoe__conv2d_gradient_halo(int size, int taps, int stride, int pad, int out);

/* Vector families' weights: [K/16][C/8][R][S][8][16], C and K of one group after the other. shape is KCRS with C = C /
 * groups; for linear {K, C, H, W} though its parameter is {K, C*H*W, 1, 1}: the same order of plain numbers. */
zoe__layout zoe__layout_blocked(zoe_shape shape);

/* conv2d_tiled.c: y = x * weights for each of `groups`, both [groups][blocks][pixels][8] some pixels into mem, of
 * floats; weights [groups][in_blocks][8][zoe__tiled_pitch(outputs)]. tile: 1 .. zoe__tiled_count(), 0: by the shape. */
typedef struct zoe__tiled_product {
    zoe__mem *mem, *weights;
    int x_first, y_first; /* pixels */
    int groups, in_blocks, out_blocks, pixels, tile;
    double flops; /* to be counted */
} zoe__tiled_product;
typedef struct zoe__tiled_weights_product { /* [group][out][in] = sum over pixels of dy[out] * x[in], in parts */
    zoe__mem *mem;                          /* of all three */
    int x_first, dy_first;                  /* pixels */
    int first;                              /* floats: the parts */
    bool more;                              /* goes on with the sums that are there */
    int groups, in_blocks, out_blocks, pixels, most_pixels,
        tile; /* most_pixels decides of parts: of several products */
    double flops;
} zoe__tiled_weights_product;
size_t zoe__tiled_pitch(int outputs);
int zoe__tiled_count(void);
/* Whether the device has what tile 1 .. count needs. */
bool zoe__tiled_offers(zoe_plan *plan, int number, zoe__direction direction);
zoe_status zoe__tiled_multiply(zoe_plan *plan, const zoe__node *node, const zoe__tiled_product *p);
zoe_status zoe__tiled_multiply_weights(zoe_plan *plan, const zoe__node *node, const zoe__tiled_weights_product *p);
/* How many parts a product of weights leaves, *floats each: groups x out_blocks * 8 x in_blocks * 8 and a rest. */
int zoe__tiled_parts(zoe_plan *plan, const zoe__tiled_weights_product *p, size_t *floats);

/* dy becomes dy where y > 0 (relu), in place: this node is the last that reads it. The sum over pixels goes to the
 * gradient of the bias. Uses the first zoe__conv2d_mask_floats() of the backward workspace. */
size_t zoe__conv2d_mask_floats(const zoe__conv2d *conv);
zoe_status zoe__conv2d_mask(zoe_plan *plan, const zoe__node *node, const zoe__conv2d *conv);

/* out[i] (+)= sum over parts, in their order, of in[first + part * count + i]; count is a multiple of 8. */
zoe_status zoe__launch_sum_parts(zoe_plan *plan, const zoe__node *node, zoe__mem *in, int first, int parts,
                                 zoe__mem *out, int count, int add);

#endif
