/* SPDX-License-Identifier: Apache-2.0
 *
 * What an op sees of the plan while it is compiled. Internal.
 *
 * Two passes over the nodes: op->plan() of every node says what it needs; then memory is laid out; then op->forward()
 * in order and op->backward() in reverse order emit launches with their final arguments. */
#ifndef ZOE__PLAN_H
#define ZOE__PLAN_H

#include <zoe/plan.h>

#include "device/device.h"
#include "graph/graph.h"

/* ---- what a tensor is on the device ---- */

typedef struct zoe__view {
    zoe__mem *mem;
    zoe_shape shape;
    int c8;        /* blocks of 8 channels; planar: C */
    int halo;      /* zero pixels on each side of H and W */
    bool planar;   /* [N][C][H+2p][W+2p] instead of nChw8c: first layers with fewer than 8 channels, when asked for */
    size_t floats; /* numbers in memory */
    size_t number; /* bytes of one: 4; with storage fp16 2, but for losses and sound; on the host 8 */
} zoe__view;

/* How a parameter lies on the device. pack and unpack convert to and from plain KCRS; padding must be packed as zeros
 * and must stay zero under the optimiser (its gradient is written as zero). pack does filters first .. first+count-1,
 * which plain begins with; first is a multiple of 16, and so is count unless they are the last. */
typedef struct zoe__layout zoe__layout;
struct zoe__layout {
    const char *name; /* two plans that share a store must agree on it and on arg[] */
    size_t floats;    /* on the device */
    int arg[6];
    void (*pack)(const zoe__layout *layout, zoe_shape shape, int first, int count, const float *plain, float *device);
    void (*unpack)(const zoe__layout *layout, zoe_shape shape, const float *device, float *plain);
};

/* KCRS as it is: the default of every parameter. Rounded up to a multiple of 16 floats, the tail zero. */
zoe__layout zoe__layout_plain(zoe_shape shape);

/* ---- pass 1: needs ---- */

typedef enum zoe__pass { ZOE__FORWARD, ZOE__BACKWARD, ZOE__PREPARE, ZOE__UPDATE } zoe__pass;

zoe_context *zoe__plan_context(const zoe_plan *plan);
zoe_device *zoe__plan_device(const zoe_plan *plan);
zoe_graph *zoe__plan_graph(const zoe_plan *plan);
const zoe_plan_options *zoe__plan_get_options(const zoe_plan *plan);
bool zoe__plan_training(const zoe_plan *plan);         /* has a backward pass */
bool zoe__plan_batch_statistics(const zoe_plan *plan); /* training, or asked for */

zoe_shape zoe__plan_shape(const zoe_plan *plan, zoe_value value);

/* At least this many zero pixels around the value (around its gradient): the largest wish wins. */
void zoe__plan_halo(zoe_plan *plan, zoe_value value, int halo);
void zoe__plan_gradient_halo(zoe_plan *plan, zoe_value value, int halo);

/* The node can read input value as planar; it becomes so when C < 8, it has no gradient, every consumer asks, and its
 * producer is `picture` or it is an input. Look at view->planar when emitting. */
void zoe__plan_planar(zoe_plan *plan, zoe_value value);

/* Floats kept from forward to backward; floats of scratch during one pass of this node; floats kept from the "prepare"
 * list to the end of the step (transposed weights). Number k counts from 0. */
void zoe__plan_aux(zoe_plan *plan, zoe__node *node, int k, size_t floats);
/* (the largest wish of a node for its workspace wins) */
void zoe__plan_workspace(zoe_plan *plan, zoe__node *node, zoe__pass pass, size_t floats);
/* Floats that a workspace should not exceed, SIZE_MAX where there is room: a node that can do with less (in slices one
 * after the other, in fewer parts) asks for as much as it can use below. plan() is called again with half of it until
 * all fits. The layout of parameters must not depend on it, nor should the algorithm. */
size_t zoe__plan_workspace_limit(const zoe_plan *plan);
void zoe__plan_derived(zoe_plan *plan, zoe__node *node, int k, size_t floats);

void zoe__plan_layout(zoe_plan *plan, zoe__node *node, int param, const zoe__layout *layout);

/* Static text: what `zoe info --plan` shows of the node's launches that are emitted from now on. */
void zoe__plan_algorithm(zoe_plan *plan, const zoe__node *node, const char *name);

/* Heavy ops choose an algorithm for each direction; the node remembers what was chosen. Parameters are the algorithm's
 * own, 0 standing for its default. */
typedef enum zoe__direction { ZOE__TO_OUTPUT, ZOE__TO_DATA, ZOE__TO_WEIGHTS, ZOE__DIRECTIONS } zoe__direction;
enum { ZOE__CHOICE_PARAMETERS = 4 };
typedef struct zoe__choice {
    const char *algorithm; /* static text */
    int parameter[ZOE__CHOICE_PARAMETERS];
} zoe__choice;
zoe__choice *zoe__plan_choice(zoe_plan *plan, const zoe__node *node, zoe__direction direction);
/* The node's launches that are emitted from now on belong to this direction; ZOE__DIRECTIONS: to none. */
void zoe__plan_direction(zoe_plan *plan, const zoe__node *node, zoe__direction direction);

/* The node that makes an input; NULL where it is given, or by a node that runs its definition. */
const zoe__node *zoe__plan_maker(const zoe_plan *plan, const zoe__node *node, int input);

/* Asks maker to leave partial moments of its output in memory that lasts until reader's forward pass: for each block of
 * 8 channels and each of at most `most` chunks of pixels three float8: mean, sum of squared distances from it, number
 * of pixels. Chunks must depend on the shape alone. */
void zoe__plan_moments(zoe_plan *plan, const zoe__node *maker, const zoe__node *reader, int most);

/* ---- pass 2: views and launches ---- */

/* For the maker: 0 when nobody asked, else the most chunks there is room for; it tells how many it takes. */
int zoe__plan_moments_asked(const zoe_plan *plan, const zoe__node *maker);
void zoe__plan_moments_place(zoe_plan *plan, const zoe__node *maker, int chunks);
/* For both: [C8][chunks][3] float8, and how many chunks. */
zoe__mem *zoe__plan_moments_mem(const zoe_plan *plan, const zoe__node *maker);
int zoe__plan_moments_chunks(const zoe_plan *plan, const zoe__node *maker);

const zoe__view *zoe__plan_x(zoe_plan *plan, const zoe__node *node, int input);
const zoe__view *zoe__plan_y(zoe_plan *plan, const zoe__node *node);
const zoe__view *zoe__plan_dy(zoe_plan *plan, const zoe__node *node);            /* NULL: a loss */
const zoe__view *zoe__plan_dx(zoe_plan *plan, const zoe__node *node, int input); /* NULL: not wanted */
/* 0: overwrite dx (every pixel of its interior); 1: add to it. The same for gradients of parameters. */
int zoe__plan_dx_add(zoe_plan *plan, const zoe__node *node, int input);
/* With op->zeroes_halos: whether the memory around y (dx[0]) has to be written with zeros. */
bool zoe__plan_y_halo(const zoe_plan *plan, const zoe__node *node);
bool zoe__plan_dx_halo(const zoe_plan *plan, const zoe__node *node);
zoe__mem *zoe__plan_weight(zoe_plan *plan, const zoe__node *node, int param);
zoe__mem *zoe__plan_dweight(zoe_plan *plan, const zoe__node *node, int param); /* NULL: not wanted */
int zoe__plan_dweight_add(zoe_plan *plan, const zoe__node *node, int param);
zoe__mem *zoe__plan_aux_mem(zoe_plan *plan, const zoe__node *node, int k);
zoe__mem *zoe__plan_workspace_mem(zoe_plan *plan, const zoe__node *node, zoe__pass pass);
zoe__mem *zoe__plan_derived_mem(zoe_plan *plan, const zoe__node *node, int k);
zoe__mem *zoe__plan_scalars(zoe_plan *plan); /* words of zoe__scalars, `__global const uint *` */
float zoe__plan_loss_scale(const zoe_plan *plan);

typedef struct zoe__launch_spec {
    const char *program; /* cl/<program>.cl */
    const char *kernel;
    const char *options; /* "-DSTRIDE=2"; NULL = none. Copied. Specialise by class, never by size. */
    int dims;
    size_t global[3];
    size_t local[3];     /* all 0: the driver's choice */
    double flops, bytes; /* of this launch; bytes 0: x + y + weights of the node */
} zoe__launch_spec;

/* Appends a kernel to the list of the pass that is being emitted. types: one letter an argument:
 *   'm' zoe__mem *     'i' int     'f' double (passed as float)     'u' uint32_t     'l' size_t (local memory bytes)
 *   'v' const zoe__view *: five kernel arguments: buffer, int C8, int H, int W, int halo. */
zoe_status zoe__plan_launch(zoe_plan *plan, const zoe__node *node, const zoe__launch_spec *spec, const char *types,
                            ...);

/* Appends a call of the host (CLBlast). fn runs in every step: no malloc of ours, no waiting. user is freed with the
 * plan. */
typedef zoe_status zoe__plan_function(zoe_device *device, void *user);
zoe_status zoe__plan_call(zoe_plan *plan, const zoe__node *node, const char *name, double flops, zoe__plan_function *fn,
                          void *user);

/* Emit into the list that runs after each change of the weights, before the next forward pass. Inside op->forward:
 * begin, launches into `derived` memory, end. */
void zoe__plan_prepare_begin(zoe_plan *plan);
void zoe__plan_prepare_end(zoe_plan *plan);

/* ---- optimisers: one descriptor each in host/train/optimizers/NAME.c ---- */

typedef struct zoe__optimizer_segment {
    size_t first, count; /* floats in the store's weight, gradient and state memory; count is a multiple of 16 */
    float lr_mult, decay_mult;
    zoe__mem *weight, *gradient, *state[2]; /* parts of exactly count floats */
} zoe__optimizer_segment;

typedef struct zoe__optimizer {
    const char *name;
    int states; /* arrays of state: 1 or 2 */
    /* Host device: weights and states are float, gradients double. */
    void (*reference)(const zoe_optimizer_options *options, const zoe__scalars *scalars, float lr_mult,
                      float decay_mult, size_t count, float *weight, const double *gradient, float *const state[2]);
    zoe_status (*emit)(zoe_plan *plan, const zoe_optimizer_options *options, const zoe__optimizer_segment *segment);
} zoe__optimizer;

const zoe__optimizer *zoe__optimizer_find(zoe_context *context, const char *name); /* NULL with text */

#endif
