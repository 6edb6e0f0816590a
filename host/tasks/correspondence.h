/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tasks of audio-visual correspondence share: do this picture and this second of sound belong together? The
 * sampler, the two streams and their options; the heads are in avc.c, avc_l3.c, avc_ave.c and avc_avol.c. Internal. */
#ifndef ZOE_TASKS_CORRESPONDENCE_H
#define ZOE_TASKS_CORRESPONDENCE_H

#include <zoe/op.h>
#include <zoe/task.h>

#include "core/core.h"

enum { ZOE__EMBEDDING = 128 }; /* features of a stream's embedding */

/* The slots that all descriptors have in common. */
zoe_status zoe__avc_open(zoe_task *task);
void zoe__avc_close(zoe_task *task);
void zoe__avc_build(const zoe_task *task, zoe_graph *graph, int batch, zoe_split split, zoe_task_graph *out);
void zoe__avc_sample(const zoe_task *task, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index,
                     uint32_t attempt, zoe_sample *out);

/* For evaluations: frames low..high of a clip with good sound around which a window fits; false: none. Where that
 * window starts, s on the clip's clock; of a still picture's sound the middle. */
bool zoe__avc_frames(const zoe_task *task, const zoe_clip *clip, int *low, int *high);
double zoe__avc_window(const zoe_task *task, const zoe_clip *clip, int rank);

/* Defaults that hang on --recipe: pairs {option, text} of both, ended by {NULL}. */
zoe_status zoe__avc_defaults(zoe_options *options, const char *const (*small)[2], const char *const (*paper)[2]);

/* Parts of heads. Two layers of 128 with a ReLU between; for vectors and, as 1x1 convolutions, for maps. */
zoe_value zoe__avc_embed(zoe_graph *graph, const char *name, zoe_value features);
zoe_value zoe__avc_embed_map(zoe_graph *graph, const char *name, zoe_value map);
/* Logits of a distance: a linear layer 1 -> 2 that starts as "far is no". */
zoe_value zoe__avc_by_distance(zoe_graph *graph, const char *name, zoe_value picture, zoe_value sound);
/* Logits of the greatest dot product of the sound with a place: places are scaled and shifted, marked "cells". */
zoe_value zoe__avc_by_cells(zoe_graph *graph, zoe_value picture, zoe_value sound);
/* Logits by a hidden layer of 128 over both. */
zoe_value zoe__avc_by_layers(zoe_graph *graph, zoe_value picture, zoe_value sound);

bool zoe__avc_no_map(const zoe_task *task);
bool zoe__avc_with_map(const zoe_task *task);

#define ZOE__AVC_OPTIONS                                                                                               \
    {.name = "recipe",                                                                                                 \
     .type = ZOE_OPTION_WORD,                                                                                          \
     .value = "small|paper",                                                                                           \
     .fallback = "small",                                                                                              \
     .help = "small: learns in minutes; paper: the published network and settings"},                                   \
        {.name = "sound-net",                                                                                          \
         .type = ZOE_OPTION_TEXT,                                                                                      \
         .value = "NAME",                                                                                              \
         .fallback = "avc-audio",                                                                                      \
         .help = "network that listens (see `zoe backbones`)"},                                                        \
        {.name = "pair-by",                                                                                            \
         .type = ZOE_OPTION_WORD,                                                                                      \
         .value = "clip|label",                                                                                        \
         .fallback = "clip",                                                                                           \
         .help = "what belongs together: picture and sound of a clip (a row), or of a label"},                         \
        {.name = "negatives",                                                                                          \
         .type = ZOE_OPTION_WORD,                                                                                      \
         .value = "grid|anywhere",                                                                                     \
         .fallback = "grid",                                                                                           \
         .help = "where the sound of a wrong pair is centred: on a frame as that of a right one, or anywhere, which "  \
                 "gives the answer away (to see that it does)"},                                                       \
        {.name = "flip",                                                                                               \
         .type = ZOE_OPTION_WORD,                                                                                      \
         .value = "yes|no",                                                                                            \
         .fallback = "yes",                                                                                            \
         .help = "half of the training pictures are mirrored; no: for digits and letters"},                            \
        {.name = "brightness",                                                                                         \
         .type = ZOE_OPTION_FLOAT,                                                                                     \
         .low = 0,                                                                                                     \
         .high = 1,                                                                                                    \
         .fallback = "0.1255",                                                                                         \
         .help = "training pictures get up to this much brighter or darker, of 1"},                                    \
        {.name = "saturation",                                                                                         \
         .type = ZOE_OPTION_FLOAT,                                                                                     \
         .low = 0,                                                                                                     \
         .high = 1,                                                                                                    \
         .fallback = "0.5",                                                                                            \
         .help = "their saturation is multiplied by up to 1 plus or minus this"},                                      \
    {                                                                                                                  \
        .name = "volume", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "0.1",                            \
        .help = "training sounds are multiplied by up to 1 plus or minus this"                                         \
    }

#endif
