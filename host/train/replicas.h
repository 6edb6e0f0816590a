/* SPDX-License-Identifier: Apache-2.0
 *
 * Several devices in one training: data parallel. Each has the whole network and a share of each micro-batch; the first
 * owns the weights. A step: every device computes the gradient of its share's mean loss; the first one's becomes
 *
 *     g = (n_0 g_0 + n_1 g_1 + ..) / (n_0 + n_1 + ..)     n_i: windows of the share
 *
 * added on the host in this order; the first device takes the optimiser's step and the others copy its weights. So a
 * set of devices with the same shares gives the same bits again. Batch norm takes the figures of each share by itself,
 * and the running figures are the first device's. Internal. */
#ifndef ZOE_TRAIN_REPLICAS_H
#define ZOE_TRAIN_REPLICAS_H

#include <zoe/checkpoint.h>
#include <zoe/plan.h>
#include <zoe/task.h>
#include <zoe/train.h>

#include "train/loader.h"

typedef struct zoe__session zoe__session;

typedef struct zoe__replica {
    char id[64]; /* of the device; stays when it is closed */
    zoe_device *device;
    zoe_graph *graph;
    zoe_task_graph values;
    zoe_store *store;
    zoe_plan *plan;
    int first, windows; /* its share of a micro-batch */
    zoe__batch share;   /* of several: the share, put together */
    int *number;        /* of several: where the first one's parameters are in this store */
} zoe__replica;

/* Opens the devices of --device, in its order; those of before when s->reopened. ZOE_USAGE: too many; ZOE_CONFIG: one
 * is named twice. */
zoe_status zoe__replicas_open(zoe__session *s);
void zoe__replicas_close(zoe__session *s);

/* shares.c: shares for micro-batches of s->batch / s->micro windows: as --shares says, or as the run had them, or by
 * speed, which is measured once for devices, network and options and remembered in the cache. dry: nothing is measured,
 * equal shares where nothing is known. ZOE_CONFIG: fewer windows than devices, or --shares does not add up. */
zoe_status zoe__replicas_share(zoe__session *s, bool dry);

/* Makes each device's network; zoe__replicas_free_networks() undoes it, also half way. */
zoe_status zoe__replicas_plan(zoe__session *s, bool dry);
void zoe__replicas_free_plans(zoe__session *s);
void zoe__replicas_free_networks(zoe__session *s);

/* Gives all devices their shares and enqueues forward and backward. */
zoe_status zoe__replicas_accumulate(zoe__session *s, const zoe__batch *batch, int micro);

/* Waits for one device: its loss, its logits {G*windows, classes} and their labels (borrowed until the next
 * accumulate). */
zoe_status zoe__replicas_read(zoe__session *s, int index, const zoe__batch *batch, float *loss, float *logits,
                              const int32_t **labels);

/* Adds the gradients, steps, and gives all devices the new weights. */
zoe_status zoe__replicas_update(zoe__session *s, double lr);

/* Weights and optimiser state from a checkpoint, on all devices. */
zoe_status zoe__replicas_restore(zoe__session *s, const zoe_checkpoint *checkpoint);

#endif
