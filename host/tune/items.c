/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/items.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zoe/backbone.h>

#include "train/inspect.h"
#include "tune/tuning.h"

void zoe__tune_items_free(zoe__tune_items *items)
{
    for (size_t i = 0; i < items->count; i++) json_decref(items->item[i].layers);
    free(items->item);
    *items = (zoe__tune_items){0};
}

/* The item of that op and shape, made where there is none. */
static zoe_status get(zoe__tune_items *items, zoe_context *context, const char *op, const zoe__conv2d *conv,
                      zoe__tune_item **out)
{
    zoe__tune_shape shape;
    zoe__tune_shape_of(&shape, conv);
    for (size_t i = 0; i < items->count; i++) {
        *out = &items->item[i];
        if (!strcmp((*out)->op, op) && !memcmp(&(*out)->shape, &shape, sizeof shape)) return ZOE_OK;
    }
    ZOE_TRY(zoe__grow(context, &items->item, &items->capacity, items->count + 1, sizeof *items->item));
    *out = &items->item[items->count++];
    **out = (zoe__tune_item){.conv = *conv, .shape = shape, .layers = json_array()};
    zoe__format((*out)->op, sizeof(*out)->op, "%s", op);
    return ZOE_OK;
}

static zoe_status collect(zoe__tune_items *items, zoe_context *context, const zoe_graph *graph)
{
    for (size_t n = 0; n < zoe__graph_nodes(graph); n++) {
        const zoe__node *node = zoe__graph_node_const(graph, n);
        zoe__tune_item *item = NULL;
        zoe__conv2d conv;
        if (!node->op->as_conv2d) continue;
        node->op->as_conv2d(graph, node, &conv);
        conv.bias = conv.relu = false; /* of no weight in the choice */
        ZOE_TRY(get(items, context, node->op->name, &conv, &item));
        item->data = item->data || zoe__graph_value(graph, node->input[0])->gradient;
        item->flops += zoe__conv2d_flops(&conv);
        json_array_append_new(item->layers, json_string(node->name));
    }
    return ZOE_OK;
}

static int by_flops(const void *a, const void *b)
{
    const zoe__tune_item *x = a, *y = b;
    if (x->flops != y->flops) return x->flops < y->flops ? 1 : -1;
    return memcmp(&x->shape, &y->shape, sizeof x->shape);
}

static zoe_status from_backbone(zoe__tune_items *items, zoe_context *context, const char *name, int batch, int width,
                                int height)
{
    const zoe_backbone *net = zoe_backbone_find(context, name);
    zoe_graph *graph = NULL;
    if (!net) return ZOE_CONFIG;
    items->batch = batch;
    items->input = zoe_backbone_input(net, items->batch);
    if (width) items->input.w = width;
    if (height) items->input.h = height;
    zoe__format(items->net, sizeof items->net, "%s", net->name);
    ZOE_TRY(zoe_graph_new(&graph, context));
    net->build(graph, zoe_input(graph, "x", ZOE_F32, items->input), 0);
    zoe_status status = zoe_graph_status(graph);
    if (status == ZOE_OK) status = collect(items, context, graph);
    zoe_graph_free(&graph);
    return status;
}

typedef struct visit {
    zoe__tune_items *items;
    zoe_context *context;
} visit;

static zoe_status from_plan(const zoe_plan *plan, const zoe_device_info *device, void *user)
{
    const visit *v = user;
    (void)device;
    return collect(v->items, v->context, zoe__plan_graph(plan));
}

static zoe_status from_run(zoe__tune_items *items, zoe_context *context, const char *run,
                           const zoe_device_options *device)
{
    visit v = {items, context};
    ZOE_TRY(zoe__train_inspect(context, run, device, from_plan, &v));
    zoe__format(items->net, sizeof items->net, "%s", "run");
    if (items->count) items->batch = items->item[0].conv.n;
    return ZOE_OK;
}

zoe_status zoe__tune_items_load(zoe__tune_items *items, zoe_context *context, const char *what,
                                const zoe_device_options *device, int batch, int width, int height, int default_batch)
{
    struct stat info;
    const bool folder = !stat(what, &info) && S_ISDIR(info.st_mode);
    *items = (zoe__tune_items){0};
    ZOE_FAIL_IF(context, folder && (batch || width || height), ZOE_USAGE,
                "--batch and --size are for backbones: %s is a run and has its own", what);
    const zoe_status status = folder
                                  ? from_run(items, context, what, device)
                                  : from_backbone(items, context, what, batch ? batch : default_batch, width, height);
    if (status == ZOE_OK && items->count) qsort(items->item, items->count, sizeof *items->item, by_flops);
    return status;
}
