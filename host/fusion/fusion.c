/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the chains from the last node to the first, then writes a graph in which each is one node. */
#include "fusion/fusion.h"

#include <stdlib.h>
#include <string.h>

#include "selftest/trust.h"

#define X(name) extern const zoe__fusion zoe__fusion_##name;
#include "zoe_fusions.inc"
#undef X

static const zoe__fusion *const rules[] = {
#define X(name) &zoe__fusion_##name,
#include "zoe_fusions.inc"
#undef X
};
enum { RULES = sizeof rules / sizeof rules[0] };

struct zoe__fusion_graph {
    zoe_graph *graph;
    const zoe_device *device;
    int *consumers;             /* of each value */
    bool *swallowed;            /* of each node: inside a chain */
    zoe__fusion_match **chains; /* of each node: the chain that ends there; NULL: none */
    int found;
};

const zoe__node *zoe__fusion_before(const zoe__fusion_graph *graph, const zoe__node *node, int i, const char *op)
{
    const zoe_value value = node->input[i];
    const zoe__value_spec *spec = zoe__graph_value(graph->graph, value);
    if (spec->node < 0 || spec->keep || graph->consumers[value] != 1 || graph->swallowed[spec->node]) return NULL;
    const zoe__node *before = zoe__graph_node_const(graph->graph, (size_t)spec->node);
    return strcmp(before->op->name, op) == 0 ? before : NULL;
}

static bool is_wrong(const zoe_device *device, const zoe__op *op)
{
    char forward[ZOE__VARIANT], backward[ZOE__VARIANT];
    zoe__format(forward, sizeof forward, "%s.forward", op->name);
    zoe__format(backward, sizeof backward, "%s.backward", op->name);
    return device && (zoe__trust_is_bad(device, forward) || zoe__trust_is_bad(device, backward));
}

static zoe_status find_chain(zoe__fusion_graph *g, const zoe__node *last)
{
    for (int r = 0; r < RULES; r++) {
        zoe__fusion_match match = {.parts = 0};
        if (strcmp(last->op->name, rules[r]->last) != 0 || !rules[r]->match(g, last, &match)) continue;
        if (is_wrong(g->device, match.node.op)) continue;
        zoe__fusion_match **chain = &g->chains[last->number];
        ZOE_TRY(zoe__calloc(zoe__graph_context(g->graph), chain, 1, sizeof **chain));
        **chain = match;
        if (match.node.options == match.options) (*chain)->node.options = (*chain)->options;
        for (int i = 0; i < match.parts; i++) g->swallowed[match.part[i]->number] = true;
        g->found++;
        return ZOE_OK;
    }
    return ZOE_OK;
}

static zoe_status place_node(zoe_graph *out, const zoe__fusion_graph *g, size_t n)
{
    const zoe__node *node = zoe__graph_node_const(g->graph, n);
    if (!g->chains[n]) return zoe__graph_place(out, node);
    zoe__node fused = g->chains[n]->node;
    memcpy(fused.name, g->chains[n]->part[0]->name, sizeof fused.name);
    fused.output = node->output;
    return zoe__graph_place(out, &fused);
}

static zoe_status fuse(zoe_graph **out, zoe__fusion_graph *g)
{
    const size_t nodes = zoe__graph_nodes(g->graph);
    for (size_t n = 0; n < nodes; n++) {
        const zoe__node *node = zoe__graph_node_const(g->graph, n);
        for (int i = 0; i < node->inputs; i++) g->consumers[node->input[i]]++;
    }
    for (size_t n = nodes; n-- > 0;)
        if (!g->swallowed[n]) ZOE_TRY(find_chain(g, zoe__graph_node_const(g->graph, n)));
    if (!g->found) return ZOE_OK;
    ZOE_TRY(zoe__graph_clone(out, g->graph));
    for (size_t n = 0; n < nodes; n++)
        if (!g->swallowed[n]) ZOE_TRY(place_node(*out, g, n));
    return ZOE_OK;
}

zoe_status zoe__fuse(zoe_graph **out, zoe_graph *graph, const zoe_device *device)
{
    zoe_context *context = zoe__graph_context(graph);
    const size_t nodes = zoe__graph_nodes(graph);
    zoe__fusion_graph g = {.graph = graph, .device = device};
    *out = NULL;
    zoe_status status = zoe__calloc(context, &g.consumers, zoe__graph_values(graph) + 1, sizeof *g.consumers);
    if (status == ZOE_OK) status = zoe__calloc(context, &g.swallowed, nodes + 1, sizeof *g.swallowed);
    if (status == ZOE_OK) status = zoe__calloc(context, &g.chains, nodes + 1, sizeof(zoe__fusion_match *));
    if (status == ZOE_OK) status = fuse(out, &g);
    for (size_t n = 0; g.chains && n < nodes; n++) free(g.chains[n]);
    free(g.chains);
    free(g.swallowed);
    free(g.consumers);
    if (status != ZOE_OK) zoe_graph_free(out);
    return status;
}
