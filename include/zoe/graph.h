/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph: nodes in topological order, as they were added. It owns no device memory; a plan (plan.h) compiles it.
 *
 *     zoe_graph *graph;
 *     zoe_graph_new(&graph, context);
 *     zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){32, 3, 56, 56});
 *     zoe_value y = zoe_relu(graph, "relu1", zoe_conv2d(graph, "conv1", x, &conv_options));
 *     if (zoe_graph_status(graph) != ZOE_OK) ...
 *
 * The builder functions of op.h return a value or, after a mistake, ZOE_NO_VALUE; the first mistake is kept (its text
 * is in the context) and everything built on it is ZOE_NO_VALUE too, so one check at the end is enough. */
#ifndef ZOE_GRAPH_H
#define ZOE_GRAPH_H

#include <zoe/context.h>
#include <zoe/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_graph zoe_graph;

/* A tensor of the graph: a number from 0. */
typedef int zoe_value;
enum { ZOE_NO_VALUE = -1 };

zoe_status zoe_graph_new(zoe_graph **out, zoe_context *context);
void zoe_graph_free(zoe_graph **graph);

/* Nodes, parameters and layers that are added from now on get this before their names ("sound."), so that a network can
 * stand twice in a graph, with weights of its own each time; NULL or "" ends it. At most 31 bytes. */
void zoe_graph_prefix(zoe_graph *graph, const char *prefix);

/* ZOE_OK, or the status of the first mistake made while building. */
zoe_status zoe_graph_status(const zoe_graph *graph);

/* Shape of a value; {0,0,0,0} for ZOE_NO_VALUE. */
zoe_shape zoe_graph_shape(const zoe_graph *graph, zoe_value value);

/* Keep a value readable after a plan has run (else its memory is used again). Returns the value. */
zoe_value zoe_graph_keep(zoe_graph *graph, zoe_value value);

/* Give a value a public name: the layers that evaluations and probes address ("stage3", "conv5"). */
void zoe_graph_mark(zoe_graph *graph, const char *layer, zoe_value value);
size_t zoe_graph_marks(const zoe_graph *graph);
const char *zoe_graph_mark_name(const zoe_graph *graph, size_t index);     /* borrowed; NULL past the end */
zoe_value zoe_graph_mark_value(const zoe_graph *graph, const char *layer); /* ZOE_NO_VALUE when unknown */

/* Number of trainable numbers. */
size_t zoe_graph_parameters(const zoe_graph *graph);

#ifdef __cplusplus
}
#endif
#endif
