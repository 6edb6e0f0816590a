/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of zoe_features: a backbone with weights on a device, all its marked layers readable. Internal. */
#ifndef ZOE_EVALUATE_FEATURES_H
#define ZOE_EVALUATE_FEATURES_H

#include <zoe/backbone.h>
#include <zoe/checkpoint.h>
#include <zoe/evaluate.h>
#include <zoe/plan.h>

#include "core/core.h"

/* What the weights are for. */
typedef struct zoe__features_spec {
    const zoe_backbone *backbone;
    int width, height;                /* of the pictures */
    uint64_t seed;                    /* of random weights */
    const zoe_checkpoint *checkpoint; /* NULL: random weights; call zoe__features_calibrate() */
    /* The run of pictures and sounds whose stream this is, borrowed for zoe__features_new(); NULL: a backbone alone. */
    const struct zoe__subject *pairs;
    int draw; /* of random weights: which */
} zoe__features_spec;

/* device is borrowed and must outlive *out. */
zoe_status zoe__features_new(zoe_features **out, zoe_context *context, zoe_device *device,
                             const zoe__features_spec *spec, const zoe_features_options *options);

/* Running figures of batch norm := means of those of batches, drawn from n pictures or sounds. */
zoe_status zoe__features_calibrate(zoe_features *features, const void *data, size_t n);

/* Device and algorithms as the rows of ZOE__DEVICE_OPTIONS and `batch` say. */
zoe_features_options zoe__features_options_from(const zoe_options *options);

zoe_status zoe__device_open_for(zoe_device **out, zoe_context *context, const zoe_features_options *options);

#endif
