/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a graph, and what an op is. Internal.
 *
 * An op is one descriptor at the end of host/ops/NAME.c, registered by one line in host/ops/CMakeLists.txt. Its
 * constructor (declared in zoe/op.h) fills a zoe__node and gives it to zoe__graph_add(). */
#ifndef ZOE__GRAPH_H
#define ZOE__GRAPH_H

#include <zoe/graph.h>
#include <zoe/op.h>
#include <zoe/plan.h>

#include "core/core.h"

enum {
    ZOE__NAME = 96,      /* bytes of a name, with the zero */
    ZOE__MAX_INPUTS = 8, /* of a node */
    ZOE__MAX_PARAMS = 4,
    ZOE__MAX_AUX = 3
};

struct zoe__conv2d; /* ops/conv2d.h */
struct zoe__choice; /* plan.h */
typedef struct zoe__node zoe__node;
typedef struct zoe__ref zoe__ref;

/* What backward reads of forward's tensors: decides how long they live. */
enum { ZOE__NEEDS_X = 1, ZOE__NEEDS_Y = 2 };

/* An op. Optional slots may be NULL. */
typedef struct zoe__op {
    const char *name;
    int needs;          /* ZOE__NEEDS_*: what ref_backward and backward read */
    bool in_place;      /* y may take x's memory (element-wise, backward needs no x; dx may take dy's) */
    bool is_loss;       /* output is a scalar; backward starts here: dy is absent, see loss_scale */
    bool no_gradient;   /* never has a backward pass (picture) */
    int unread_inputs;  /* bit i: backward does not read input i, NEEDS_X or not */
    bool zeroes_halos;  /* kernels of y and of dx[0] write the zeros around them, where zoe__plan_y_halo, .. say so */
    int integer_inputs; /* bit i: input i is not float (labels, bytes, tables): no gradient, given as raw memory */

    int float_inputs; /* bit i: input i of the graph is stored as float with storage fp16 too */

    /* The definition, plain NCHW/KCRS, in double. forward writes y (all of it) and aux. backward ADDS to dx[i] (where
     * not NULL) and to dweight[k] (where not NULL). */
    void (*ref_forward)(const zoe__ref *ref);
    void (*ref_backward)(const zoe__ref *ref); /* NULL with no_gradient */

    /* Device kernels; without forward the plan runs the reference with copies to and from the host.
     * plan:     decide the algorithm, ask for halos, layouts, aux and workspaces (plan.h). Return ZOE_UNSUPPORTED
     * without a text to leave this node to the reference. forward, backward: emit launches. The plan keeps halos zero;
     * kernels write the interior of y, dx only, zeros in padded channels. */
    zoe_status (*plan)(zoe_plan *plan, zoe__node *node);
    zoe_status (*forward)(zoe_plan *plan, zoe__node *node);
    zoe_status (*backward)(zoe_plan *plan, zoe__node *node);

    /* Ops that choose an algorithm for each direction (conv2d, linear), as convolutions; and what the tuner may choose
     * of, the choice without tuning first. NULL for all others. */
    void (*as_conv2d)(const zoe_graph *graph, const zoe__node *node, struct zoe__conv2d *out);
    size_t (*candidates)(zoe_plan *plan, const zoe__node *node, int direction, struct zoe__choice *out, size_t room);

    /* Mean and variance of the output by the way, for a batch norm that reads it: at most how many partial results
     * forward will leave (zoe__plan_moments_place); 0: it cannot, here. Asked after plan(). */
    int (*moments)(zoe_plan *plan, const zoe__node *node);

    /* Useful multiply-adds * 2 of a forward pass (backward counts twice that); NULL: one a output element. */
    double (*flops)(const zoe_graph *graph, const zoe__node *node);
} zoe__op;

typedef struct zoe__param_spec {
    char name[ZOE__NAME];
    zoe_shape shape; /* plain KCRS */
    zoe_param_options options;
    bool trainable;
} zoe__param_spec;

struct zoe__node {
    const zoe__op *op;
    char name[ZOE__NAME];
    int inputs; /* how many */
    zoe_value input[ZOE__MAX_INPUTS];
    zoe_value output;
    int params;
    int param[ZOE__MAX_PARAMS]; /* numbers of zoe__graph_param() */
    void *options;              /* a copy, of options_bytes */
    size_t options_bytes;
    size_t aux_doubles[ZOE__MAX_AUX]; /* reference: doubles kept from forward to backward */
    int number;                       /* position in the graph; set by the graph */
};

enum {
    ZOE__INPUT = -1, /* a value that is given */
    ZOE__NOBODY = -2 /* nobody makes it: a fused node computes with it inside */
};

typedef struct zoe__value_spec {
    char name[ZOE__NAME];
    zoe_dtype dtype;
    zoe_shape shape;
    int node; /* number of the producing node; or ZOE__INPUT, ZOE__NOBODY */
    bool keep;
    bool gradient; /* depends on a trainable parameter */
} zoe__value_spec;

zoe_context *zoe__graph_context(const zoe_graph *graph);
const char *zoe__graph_get_prefix(const zoe_graph *graph); /* "" = none */

/* Remember the first mistake; returns ZOE_NO_VALUE. */
zoe_value zoe__graph_mistake(zoe_graph *graph, zoe_status status, const char *format, ...) ZOE__PRINTF(3, 4);

/* True when the graph has no mistake and all values are valid: every constructor's first line. */
bool zoe__graph_ready(zoe_graph *graph, const char *name, const zoe_value *values, int count);

/* Declare a parameter `node.suffix` ("conv1.weight"); its number, or that of the one of the same name (shared weights;
 * the shape must agree). Negative after a mistake. */
int zoe__graph_param(zoe_graph *graph, const char *node, const char *suffix, zoe_shape shape, zoe_param_options options,
                     bool trainable);

/* Copies the node and its options; makes the output value of the given shape, called node->name. */
zoe_value zoe__graph_add(zoe_graph *graph, const zoe__node *node, zoe_shape output);

/* For passes over a graph (host/fusion/): a graph with the same values and parameters and no nodes, and a node put into
 * it, whose output is a value that is there. In topological order; values that get no node are nobody's. */
zoe_status zoe__graph_clone(zoe_graph **out, const zoe_graph *graph);
zoe_status zoe__graph_place(zoe_graph *graph, const zoe__node *node);

size_t zoe__graph_nodes(const zoe_graph *graph);
zoe__node *zoe__graph_node(zoe_graph *graph, size_t number);
const zoe__node *zoe__graph_node_const(const zoe_graph *graph, size_t number);
size_t zoe__graph_values(const zoe_graph *graph);
const zoe__value_spec *zoe__graph_value(const zoe_graph *graph, zoe_value value);
size_t zoe__graph_params(const zoe_graph *graph);
const zoe__param_spec *zoe__graph_param_spec(const zoe_graph *graph, int param);

/* Numbers that change with each step, the same on host and device (a buffer of uint words there: see the order). */
typedef struct zoe__scalars {
    float lr;                       /* word 0 */
    uint32_t seed[2];               /* words 1, 2 */
    uint32_t step;                  /* word 3 */
    uint32_t micro;                 /* word 4 */
    float correction1, correction2; /* words 5, 6: 1 / (1 - beta^t) of adam */
    /* Word 7, storage fp16: what the gradient of the loss is multiplied with, so that small gradients are halves too;
     * in an update 1 / that, and 0 where a gradient was not finite. Else 1, and kernels do not read it. */
    float scale;
} zoe__scalars;

/* Arguments of a reference. All tensors plain NCHW / KCRS. */
struct zoe__ref {
    const zoe__node *node;
    zoe_shape x_shape[ZOE__MAX_INPUTS], y_shape;
    const double *x[ZOE__MAX_INPUTS]; /* integer inputs: use zoe__ref_i32() and zoe__ref_u8() */
    double *y;                        /* forward: written; backward: as forward left it if NEEDS_Y */
    const double *dy;                 /* NULL for a loss */
    double *dx[ZOE__MAX_INPUTS];      /* NULL where no gradient is wanted */
    float *weight[ZOE__MAX_PARAMS];   /* plain; running figures are updated in place when batch_statistics */
    double *dweight[ZOE__MAX_PARAMS]; /* NULL where no gradient is wanted */
    double *aux[ZOE__MAX_AUX];
    bool training;         /* dropout on */
    bool batch_statistics; /* batch norm: use and record the batch's figures */
    double loss_scale;     /* is_loss: dLoss, scale / micro_batches */
    const zoe__scalars *scalars;
};

static inline const int32_t *zoe__ref_i32(const zoe__ref *ref, int i)
{
    return (const int32_t *)(const void *)ref->x[i];
}

static inline const uint8_t *zoe__ref_u8(const zoe__ref *ref, int i)
{
    return (const uint8_t *)(const void *)ref->x[i];
}

#endif
