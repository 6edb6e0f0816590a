/* SPDX-License-Identifier: Apache-2.0
 *
 * The different convolutions and linear layers of a graph: what there is to tune. Internal. */
#ifndef ZOE__TUNE_ITEMS_H
#define ZOE__TUNE_ITEMS_H

#include <jansson.h>

#include "ops/conv2d.h"
#include "tune/entry.h"

typedef struct zoe__tune_item {
    char op[16];
    zoe__conv2d conv;
    zoe__tune_shape shape;
    bool data;      /* its input has a gradient */
    double flops;   /* forward, of all layers of that shape */
    json_t *layers; /* their names */
} zoe__tune_item;

typedef struct zoe__tune_items {
    zoe__tune_item *item; /* most arithmetic first */
    size_t count, capacity;
    char net[64];
    int batch;
    zoe_shape input;
} zoe__tune_items;

/* what: a backbone's name or a run folder; batch 0: default_batch; size 0 x 0: the backbone's own. device: where a
 * run's plan is looked at. */
zoe_status zoe__tune_items_load(zoe__tune_items *items, zoe_context *context, const char *what,
                                const zoe_device_options *device, int batch, int width, int height, int default_batch);
void zoe__tune_items_free(zoe__tune_items *items);

#endif
