/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph: three growing arrays (values, nodes, parameters) and the names of the layers. */
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct layer_mark {
    char name[ZOE__NAME];
    zoe_value value;
} layer_mark;

struct zoe_graph {
    zoe_context *context;
    zoe_status status; /* the first mistake */
    zoe__value_spec *values;
    size_t value_count, value_capacity;
    zoe__node **nodes; /* pointers: a node does not move when the array grows */
    size_t node_count, node_capacity;
    zoe__param_spec *params;
    size_t param_count, param_capacity;
    layer_mark *marks;
    size_t mark_count, mark_capacity;
    char prefix[32];
};

zoe_status zoe_graph_new(zoe_graph **out, zoe_context *context)
{
    ZOE_TRY(zoe__calloc(context, out, 1, sizeof **out));
    (*out)->context = context;
    return ZOE_OK;
}

void zoe_graph_free(zoe_graph **graph)
{
    if (!graph || !*graph) return;
    for (size_t i = 0; i < (*graph)->node_count; i++) {
        free((*graph)->nodes[i]->options);
        free((*graph)->nodes[i]);
    }
    free((*graph)->nodes);
    free((*graph)->values);
    free((*graph)->params);
    free((*graph)->marks);
    free(*graph);
    *graph = NULL;
}

zoe_status zoe_graph_status(const zoe_graph *graph)
{
    return graph->status;
}

zoe_context *zoe__graph_context(const zoe_graph *graph)
{
    return graph->context;
}

zoe_value zoe__graph_mistake(zoe_graph *graph, zoe_status status, const char *format, ...)
{
    if (graph->status != ZOE_OK) return ZOE_NO_VALUE;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    graph->status = zoe__fail(graph->context, status, "%s", text);
    return ZOE_NO_VALUE;
}

static bool valid(const zoe_graph *graph, zoe_value value)
{
    return value >= 0 && (size_t)value < graph->value_count;
}

bool zoe__graph_ready(zoe_graph *graph, const char *name, const zoe_value *values, int count)
{
    if (graph->status != ZOE_OK) return false;
    for (int i = 0; i < count; i++)
        if (!valid(graph, values[i])) {
            zoe__graph_mistake(graph, ZOE_CONFIG, "%s: input %d is not a value of this graph", name, i);
            return false;
        }
    return true;
}

void zoe_graph_prefix(zoe_graph *graph, const char *prefix)
{
    if (!zoe__format(graph->prefix, sizeof graph->prefix, "%s", prefix ? prefix : ""))
        zoe__graph_mistake(graph, ZOE_CONFIG, "prefix '%.40s...' is longer than %zu bytes", prefix,
                           sizeof graph->prefix - 1);
}

const char *zoe__graph_get_prefix(const zoe_graph *graph)
{
    return graph->prefix;
}

/* ---- values ---- */

static zoe_value add_value(zoe_graph *graph, const char *name, zoe_dtype dtype, zoe_shape shape, int node)
{
    if (shape.n < 1 || shape.c < 1 || shape.h < 1 || shape.w < 1)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s: shape %dx%dx%dx%d has a size below 1", name, shape.n, shape.c,
                                  shape.h, shape.w);
    if ((double)shape.n * shape.c * shape.h * shape.w > 0x1p44) /* bytes must fit size_t; the plan asks the device */
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s: shape %dx%dx%dx%d has more than 2^44 numbers", name, shape.n,
                                  shape.c, shape.h, shape.w);
    const zoe_status grown = zoe__grow(graph->context, &graph->values, &graph->value_capacity, graph->value_count + 1,
                                       sizeof *graph->values);
    if (grown != ZOE_OK) {
        graph->status = grown;
        return ZOE_NO_VALUE;
    }
    zoe__value_spec *value = &graph->values[graph->value_count];
    *value = (zoe__value_spec){.dtype = dtype, .shape = shape, .node = node};
    if (!zoe__format(value->name, sizeof value->name, "%s", name))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "name '%.40s...' is longer than %d bytes", name, ZOE__NAME - 1);
    return (zoe_value)graph->value_count++;
}

zoe_value zoe_input(zoe_graph *graph, const char *name, zoe_dtype dtype, zoe_shape shape)
{
    if (!zoe__graph_ready(graph, name, NULL, 0)) return ZOE_NO_VALUE;
    return add_value(graph, name, dtype, shape, ZOE__INPUT);
}

zoe_shape zoe_graph_shape(const zoe_graph *graph, zoe_value value)
{
    return valid(graph, value) ? graph->values[value].shape : (zoe_shape){0, 0, 0, 0};
}

zoe_value zoe_graph_keep(zoe_graph *graph, zoe_value value)
{
    if (!zoe__graph_ready(graph, "keep", &value, 1)) return ZOE_NO_VALUE;
    graph->values[value].keep = true;
    return value;
}

size_t zoe__graph_values(const zoe_graph *graph)
{
    return graph->value_count;
}

const zoe__value_spec *zoe__graph_value(const zoe_graph *graph, zoe_value value)
{
    return valid(graph, value) ? &graph->values[value] : NULL;
}

/* ---- layers by name ---- */

void zoe_graph_mark(zoe_graph *graph, const char *layer, zoe_value value)
{
    if (!zoe__graph_ready(graph, layer, &value, 1)) return;
    const zoe_status grown =
        zoe__grow(graph->context, &graph->marks, &graph->mark_capacity, graph->mark_count + 1, sizeof *graph->marks);
    if (grown != ZOE_OK) {
        graph->status = grown;
        return;
    }
    layer_mark *mark = &graph->marks[graph->mark_count++];
    zoe__format(mark->name, sizeof mark->name, "%s%s", graph->prefix, layer);
    mark->value = value;
}

size_t zoe_graph_marks(const zoe_graph *graph)
{
    return graph->mark_count;
}

const char *zoe_graph_mark_name(const zoe_graph *graph, size_t index)
{
    return index < graph->mark_count ? graph->marks[index].name : NULL;
}

zoe_value zoe_graph_mark_value(const zoe_graph *graph, const char *layer)
{
    for (size_t i = 0; i < graph->mark_count; i++)
        if (strcmp(graph->marks[i].name, layer) == 0) return graph->marks[i].value;
    return ZOE_NO_VALUE;
}

/* ---- parameters ---- */

static bool same_shape(zoe_shape a, zoe_shape b)
{
    return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

int zoe__graph_param(zoe_graph *graph, const char *node, const char *suffix, zoe_shape shape, zoe_param_options options,
                     bool trainable)
{
    if (graph->status != ZOE_OK) return -1;
    char name[ZOE__NAME];
    if (!zoe__format(name, sizeof name, "%s%s.%s", graph->prefix, node, suffix))
        return zoe__graph_mistake(graph, ZOE_CONFIG, "name '%.40s...' is longer than %d bytes", node, ZOE__NAME - 1);
    for (size_t i = 0; i < graph->param_count; i++) {
        const zoe__param_spec *old = &graph->params[i];
        if (strcmp(old->name, name) != 0) continue;
        if (same_shape(old->shape, shape)) return (int)i;
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s: shared with shape %dx%dx%dx%d, wanted as %dx%dx%dx%d", name,
                                  old->shape.n, old->shape.c, old->shape.h, old->shape.w, shape.n, shape.c, shape.h,
                                  shape.w);
    }
    const zoe_status grown = zoe__grow(graph->context, &graph->params, &graph->param_capacity, graph->param_count + 1,
                                       sizeof *graph->params);
    if (grown != ZOE_OK) {
        graph->status = grown;
        return -1;
    }
    zoe__param_spec *param = &graph->params[graph->param_count];
    *param = (zoe__param_spec){.shape = shape, .options = options, .trainable = trainable};
    memcpy(param->name, name, sizeof name);
    return (int)graph->param_count++;
}

size_t zoe__graph_params(const zoe_graph *graph)
{
    return graph->param_count;
}

const zoe__param_spec *zoe__graph_param_spec(const zoe_graph *graph, int param)
{
    return param >= 0 && (size_t)param < graph->param_count ? &graph->params[param] : NULL;
}

size_t zoe_graph_parameters(const zoe_graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->param_count; i++)
        if (graph->params[i].trainable) count += zoe_shape_count(graph->params[i].shape);
    return count;
}

/* ---- nodes ---- */

static zoe_status copy_node(zoe_graph *graph, const zoe__node *node, zoe__node **out)
{
    zoe__node *copy = NULL;
    zoe_status status = zoe__calloc(graph->context, &copy, 1, sizeof *copy);
    if (status != ZOE_OK) return status;
    *copy = *node;
    copy->options = NULL;
    if (node->options_bytes) {
        status = zoe__calloc(graph->context, &copy->options, 1, node->options_bytes);
        if (status == ZOE_OK) memcpy(copy->options, node->options, node->options_bytes);
    }
    if (status == ZOE_OK)
        status = zoe__grow(graph->context, &graph->nodes, &graph->node_capacity, graph->node_count + 1,
                           sizeof *graph->nodes);
    if (status != ZOE_OK) {
        free(copy->options);
        free(copy);
        return status;
    }
    *out = copy;
    return ZOE_OK;
}

zoe_value zoe__graph_add(zoe_graph *graph, const zoe__node *node, zoe_shape output)
{
    if (!zoe__graph_ready(graph, node->name, node->input, node->inputs)) return ZOE_NO_VALUE;
    zoe__node *copy = NULL;
    const zoe_status copied = copy_node(graph, node, &copy);
    if (copied != ZOE_OK) {
        graph->status = copied;
        return ZOE_NO_VALUE;
    }
    const zoe_value value = add_value(graph, node->name, ZOE_F32, output, (int)graph->node_count);
    if (value == ZOE_NO_VALUE) {
        free(copy->options);
        free(copy);
        return ZOE_NO_VALUE;
    }
    bool gradient = false;
    for (int i = 0; i < node->inputs; i++) gradient = gradient || graph->values[node->input[i]].gradient;
    for (int i = 0; i < node->params; i++) gradient = gradient || graph->params[node->param[i]].trainable;
    graph->values[value].gradient = gradient && !node->op->no_gradient;
    copy->output = value;
    copy->number = (int)graph->node_count;
    graph->nodes[graph->node_count++] = copy;
    return value;
}

/* ---- what a pass over the graph makes ---- */

static zoe_status copy_array(zoe_context *context, void *to, const void *from, size_t count, size_t size)
{
    void *made = NULL;
    ZOE_TRY(zoe__calloc(context, &made, count + 1, size));
    if (count) memcpy(made, from, count * size);
    *(void **)to = made;
    return ZOE_OK;
}

zoe_status zoe__graph_clone(zoe_graph **out, const zoe_graph *graph)
{
    zoe_graph *made = NULL;
    ZOE_TRY(zoe_graph_new(&made, graph->context));
    zoe_status status =
        copy_array(graph->context, &made->values, graph->values, graph->value_count, sizeof *graph->values);
    if (status == ZOE_OK)
        status = copy_array(graph->context, &made->params, graph->params, graph->param_count, sizeof *graph->params);
    if (status != ZOE_OK) {
        zoe_graph_free(&made);
        return status;
    }
    made->value_count = made->value_capacity = graph->value_count;
    made->param_count = made->param_capacity = graph->param_count;
    for (size_t v = 0; v < made->value_count; v++)
        if (made->values[v].node >= 0) made->values[v].node = ZOE__NOBODY;
    *out = made;
    return ZOE_OK;
}

zoe_status zoe__graph_place(zoe_graph *graph, const zoe__node *node)
{
    zoe__node *copy = NULL;
    ZOE_TRY(copy_node(graph, node, &copy));
    copy->number = (int)graph->node_count;
    graph->values[node->output].node = copy->number;
    graph->nodes[graph->node_count++] = copy;
    return ZOE_OK;
}

size_t zoe__graph_nodes(const zoe_graph *graph)
{
    return graph->node_count;
}

zoe__node *zoe__graph_node(zoe_graph *graph, size_t number)
{
    return graph->nodes[number];
}

const zoe__node *zoe__graph_node_const(const zoe_graph *graph, size_t number)
{
    return graph->nodes[number];
}
