/* SPDX-License-Identifier: Apache-2.0
 *
 * A run of audio-visual correspondence taken apart: the stream that looks, the one that listens, each with all its
 * layers, and what compares them. Internal. */
#ifndef ZOE_EVALUATE_STREAMS_H
#define ZOE_EVALUATE_STREAMS_H

#include <zoe/task.h>

#include "evaluate/frames.h"
#include "evaluate/subject.h"

typedef struct zoe__streams zoe__streams;

typedef enum zoe__stream { ZOE__PICTURES, ZOE__SOUNDS } zoe__stream;

enum { ZOE__TRAINED = -1 }; /* for `draw` */

/* The network of a run on a device, with its weights, or, with draw >= 0, random ones (draw 0: those that the run
 * started from; zoe__streams_calibrate() comes next). device is borrowed and must outlive *out, subject for this call.
 * ZOE_CONFIG: a run of a task that hears nothing. */
zoe_status zoe__streams_new(zoe__streams **out, zoe_context *context, zoe_device *device, const zoe__subject *subject,
                            const zoe_features_options *options, int draw);
void zoe__streams_free(zoe__streams **streams);

/* Opened without a pack: options, networks, size of frames. */
const zoe_task *zoe__streams_task(const zoe__streams *streams);
size_t zoe__streams_samples(const zoe__streams *streams); /* of a window of sound */

/* Layers of a stream by number; the last one is called "embedding". n of the shape is 1. NULL name past the end. */
size_t zoe__streams_layers(const zoe__streams *streams, zoe__stream stream);
zoe_layer zoe__streams_layer(const zoe__streams *streams, zoe__stream stream, size_t index);
/* name NULL: the embedding. ZOE_USAGE: no such layer (the message names all). */
zoe_status zoe__streams_find(const zoe__streams *streams, zoe__stream stream, const char *name, size_t *index);

/* data: bytes [n][height][width][3], of which the middle is looked at, or floats [n][samples]. rows[n][count of the
 * layer]. */
zoe_status zoe__streams_compute(zoe__streams *streams, zoe__stream stream, const void *data, size_t n, size_t layer,
                                float *rows);

/* Scores of pairs of embeddings, number i with number i: logit 1 - logit 0, above 0 = they belong together. cells:
 * logits of the places [n][H*W], in the order of rows; NULL: not wanted. */
zoe_status zoe__streams_compare(zoe__streams *streams, const float *pictures, const float *sounds, size_t n,
                                double *scores, float *cells);
/* Shape {1, 1, H, W} of the map of places; 0 x 0: the task has none. */
zoe_shape zoe__streams_cells(const zoe__streams *streams);

/* Batch norm figures of random weights: running means over 40 batches of what is given (n of each, or NULL). */
zoe_status zoe__streams_calibrate(zoe__streams *streams, const uint8_t *rgb, const float *pcm, size_t n);

/* The sounds that belong to frames: pcm[count][samples]. */
zoe_status zoe__streams_hear(const zoe__streams *streams, zoe_context *context, zoe_pack *pack, const zoe__pick *picks,
                             size_t count, float *pcm);

#endif
