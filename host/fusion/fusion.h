/* SPDX-License-Identifier: Apache-2.0
 *
 * Fusion: chains of nodes that are limited by memory become one node before a graph is compiled. A rule says which
 * chain and what replaces it: one file here with a descriptor zoe__fusion_NAME, registered by one word in
 * CMakeLists.txt. The rules never run on the device `host`, whose definitions are the oracle. Internal.
 *
 * A value inside a chain is never made, so it must have one consumer and not be kept. The fused node stands where the
 * chain's last node stood and makes its value; its op has kernels for both families and no definition. */
#ifndef ZOE__FUSION_H
#define ZOE__FUSION_H

#include "graph/graph.h"

enum { ZOE__FUSION_NODES = 4 }; /* of a chain, at most */

typedef struct zoe__fusion_graph zoe__fusion_graph; /* fusion.c */

typedef struct zoe__fusion_match {
    const zoe__node *part[ZOE__FUSION_NODES]; /* of the chain without its last node; the first gives its name */
    int parts;
    zoe__node node;     /* op, inputs, params, options: often those of a part; the pass sets name and output */
    double options[32]; /* room for node.options, where they are nobody's yet */
} zoe__fusion_match;

typedef struct zoe__fusion {
    const char *name;
    const char *last; /* name of the op that a chain ends with */
    /* Does a chain end with this node? Then says what replaces it. */
    bool (*match)(const zoe__fusion_graph *graph, const zoe__node *last, zoe__fusion_match *match);
} zoe__fusion;

/* The node that makes input i of `node` when it may be swallowed: it has this op, nobody else reads it, it is not kept
 * and in no other chain. Else NULL. */
const zoe__node *zoe__fusion_before(const zoe__fusion_graph *graph, const zoe__node *node, int i, const char *op);

/* Applies all rules but those whose kernels the self-test found wrong on the device (NULL: none). *out: NULL when none
 * holds; else a graph with the same values, owned by the caller. */
zoe_status zoe__fuse(zoe_graph **out, zoe_graph *graph, const zoe_device *device);

#endif
