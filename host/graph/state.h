/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan's own state, shared by the files of host/graph/ and by nobody else. */
#ifndef ZOE__STATE_H
#define ZOE__STATE_H

#include "graph/plan.h"

/* ---- arena (arena.c): a pure function of sizes and lifetimes ---- */

/* A piece of memory that lives from slot `first` to slot `last`, both included. */
typedef struct zoe__block {
    size_t bytes;
    int first, last;
    int slab;      /* out: which allocation */
    size_t offset; /* out: where in it */
    bool shared;   /* out: another block uses the same bytes at another time */
    zoe__mem *mem;
    const char *what, *name; /* as in zoe_plan_holder */
} zoe__block;

/* Places blocks so that no two that live at the same time overlap; slabs are at most limit bytes. Returns the number of
 * slabs and writes their sizes to slab_bytes[max_slabs]; -1 when a block is larger than limit or the slabs do not
 * suffice. */
int zoe__arena_place(zoe__block *blocks, size_t count, size_t align, size_t limit, size_t *slab_bytes, int max_slabs);

/* ---- store (store.c) ---- */

/* Makes the parameters of graph that the store lacks, laid out as layouts[] (one for each parameter of the graph) say,
 * and gradients and optimiser states when states >= 0. numbers[] receives the store's number of each of the graph's
 * parameters. */
zoe_status zoe__store_bind(zoe_store *store, zoe_graph *graph, const zoe__layout *layouts, int states, bool dry,
                           int *numbers);
zoe_device *zoe__store_device(const zoe_store *store);
zoe_context *zoe__store_context(const zoe_store *store);
zoe__mem *zoe__store_weight(const zoe_store *store, int number);
zoe__mem *zoe__store_gradient(const zoe_store *store, int number);
const zoe__layout *zoe__store_layout(const zoe_store *store, int number);
bool zoe__layout_same(const zoe__layout *a, const zoe__layout *b);
/* Replaces a gradient by plain KCRS floats. */
zoe_status zoe__store_set_gradient(zoe_store *store, size_t index, const float *plain);
size_t zoe__store_bytes(const zoe_store *store);
typedef struct zoe__store_share {
    size_t weights, gradients, states; /* bytes; their sum is zoe__store_bytes() */
} zoe__store_share;
zoe__store_share zoe__store_get_share(const zoe_store *store);
size_t zoe__store_segments(const zoe_store *store);
zoe__optimizer_segment zoe__store_segment(const zoe_store *store, size_t index);
zoe_status zoe__store_zero_gradients(zoe_store *store);
uint64_t zoe__store_version(const zoe_store *store); /* changes whenever weights change */
void zoe__store_touch(zoe_store *store);

/* ---- the plan ---- */

enum { ZOE__MAX_DERIVED = 2, ZOE__MAX_SLABS = 64, ZOE__LISTS = 4 };

typedef struct zoe__value_state {
    int consumers;
    int planar_wishes;
    bool planar;
    bool gradient; /* backward computes its gradient */
    int halo, gradient_halo;
    int root;                  /* the value whose memory it uses (itself, or through in-place ops an earlier one) */
    int block, gradient_block; /* numbers of blocks of a root; -1 = none */
    zoe__view view, gradient_view;
    zoe__mem *own;  /* inputs: memory of their own */
    float *staging; /* host copy for reading and writing in device layout */
} zoe__value_state;

typedef struct zoe__node_state {
    bool backward;         /* takes part in the backward pass */
    bool reference;        /* runs the plain-C definition */
    const char *algorithm; /* of the launches that are being emitted */
    zoe__choice choice[ZOE__DIRECTIONS];
    zoe__direction direction; /* of the launches that are being emitted; ZOE__DIRECTIONS: none */
    size_t aux[ZOE__MAX_AUX], workspace[2], derived[ZOE__MAX_DERIVED];
    int aux_block[ZOE__MAX_AUX], workspace_block[2];
    zoe__mem *derived_mem[ZOE__MAX_DERIVED];
    bool dx_wanted[ZOE__MAX_INPUTS], dx_add[ZOE__MAX_INPUTS], dweight_add[ZOE__MAX_PARAMS];
    int moments_most, moments_reader, moments_chunks, moments_block; /* zoe__plan_moments */
    void *reference_state;                                           /* reference.c */
} zoe__node_state;

typedef struct zoe__launch {
    zoe__kernel *kernel; /* or */
    zoe__plan_function *call;
    void *user;
    int dims;
    size_t global[3], local[3];
    bool has_local;
    char label[ZOE__NAME];
    zoe_launch_info info;
    char kernel_name[64];
    zoe__direction direction;
    void *event;    /* options.profile: of the last run, not yet in seconds */
    double seconds; /* since the last zoe_plan_profile() */
} zoe__launch;

typedef struct zoe__launch_list {
    zoe__launch *items;
    size_t count, capacity;
} zoe__launch_list;

struct zoe_plan {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph; /* the caller's, or */
    zoe_graph *fused; /* what the rules of host/fusion/ made of it: the same values, fewer nodes; NULL: nothing */
    zoe_store *store;
    zoe_plan_options options;
    bool host;      /* the host device: plain doubles, references only */
    bool half;      /* storage fp16 */
    size_t element; /* bytes of a number that the plan keeps for itself: 8 on the host, 4 elsewhere */
    zoe__value_state *values;
    zoe__node_state *nodes;
    zoe__layout *layouts; /* one for each parameter of the graph */
    int *numbers;         /* the store's number of each */
    zoe__block *blocks;
    size_t block_count, block_capacity;
    zoe__mem *slabs[ZOE__MAX_SLABS];
    int slab_count;
    zoe_plan_memory memory;
    size_t workspace_limit;             /* floats; SIZE_MAX = none */
    zoe__launch_list lists[ZOE__LISTS]; /* by zoe__pass */
    zoe__pass pass;                     /* the list that is being emitted */
    bool preparing;
    zoe__mem *scalars_mem;
    zoe__scalars *scalars; /* host copies: one for each micro-batch and one for the update */
    zoe__scalars *current; /* what references read */
    uint64_t prepared;     /* version of the weights that the prepare list has seen */
    int64_t updates;
    zoe_loss_scale loss_scale;
};

/* lifetimes.c: which values and nodes take part in backward, who shares memory in place, blocks with their lifetimes.
 */
zoe_status zoe__plan_trace(zoe_plan *plan);
zoe_status zoe__plan_add_block(zoe_plan *plan, const char *what, const char *name, size_t bytes, int first, int last,
                               int *number);
zoe_status zoe__plan_lay_out(zoe_plan *plan);
size_t zoe__plan_value_bytes(const zoe_plan *plan, size_t value);
size_t zoe__plan_number_bytes(const zoe_plan *plan, size_t value); /* of one number */

/* memory.c: needs, lifetimes, places; smaller workspaces where the room is short. Makes the memory unless dry.
 * states: of the optimiser, -1 = none. ZOE_DEVICE_MEMORY: needed and available bytes. */
zoe_status zoe__plan_fit(zoe_plan *plan, int states);

/* plan.c: options.poison: NaN into all that a step writes before it reads. Made once when the plan is; again before a
 * step, so that what the step before left cannot pass for its work. */
zoe_status zoe__plan_poison(zoe_plan *plan);

/* emit.c */
zoe_status zoe__plan_emit(zoe_plan *plan);
zoe_status zoe__plan_run_list(zoe_plan *plan, zoe__pass pass);

/* profile.c: the walk with times, on a device opened with options.profile. */
zoe_status zoe__profile_run_list(zoe_plan *plan, zoe__launch_list *list);
void zoe__profile_free(zoe_plan *plan);

/* In the order in which a step runs the lists; reports count launches so. */
extern const zoe__pass zoe__report_order[ZOE__LISTS];

/* reference.c: a node's plain-C definition as a call in the list, with copies from and to the device where it is not
 * the host. */
zoe_status zoe__reference_emit(zoe_plan *plan, zoe__node *node, zoe__pass pass);
void zoe__reference_free(void *reference_state);
zoe_status zoe__reference_optimizer(zoe_plan *plan, const zoe__optimizer *optimizer);

/* view.c: between plain NCHW and a view's layout. */
size_t zoe__view_floats(zoe_shape shape, int halo, bool planar);
size_t zoe__view_offset(const zoe__view *view, int n, int c, int h, int w);
int zoe__view_step(const zoe__view *view); /* floats from one column to the next */
void zoe__view_pack(const zoe__view *view, const float *plain, float *raw);
void zoe__view_unpack(const zoe__view *view, const float *raw, float *plain);
/* raw: view->floats numbers in device layout, as floats. Read waits; narrow makes of them, in place, what the device
 * stores. */
zoe_status zoe__view_read(const zoe__view *view, float *raw);
void zoe__view_narrow(const zoe__view *view, float *raw);

#endif
