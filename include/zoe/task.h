/* SPDX-License-Identifier: Apache-2.0
 *
 * Pretext tasks. A task hides part of the data and builds a network that finds it again: a sampler, a head with its
 * loss, and a rule that looks at pixels only, to compare with. One file each in host/tasks/, its descriptor last.
 *
 * Letters: B windows in a batch, F frames of a window that the network sees, G tuples of a window (each has one label).
 * Frame k of window i is image k*B + i of the input; the label of its tuple g is number g*B + i. */
#ifndef ZOE_TASK_H
#define ZOE_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/backbone.h>
#include <zoe/graph.h>
#include <zoe/media.h>
#include <zoe/option.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ZOE_MAX_FRAMES = 16, ZOE_MAX_TUPLES = 4 };

typedef enum zoe_split {
    ZOE_SPLIT_TRAIN,
    ZOE_SPLIT_HELD_OUT /* for figures: one tuple a window, classes half and half, centre crop, no flip */
} zoe_split;

/* A request: which frames of which clip, how to cut them, what the answer is. A pure function of (seed, epoch, index,
 * attempt). */
typedef struct zoe_sample {
    size_t clip;               /* number in the pack */
    int frames;                /* ranks to decode; those past the task's F are only shown to accept() */
    int ranks[ZOE_MAX_FRAMES]; /* repeats allowed */
    int labels[ZOE_MAX_TUPLES];
    int top, left; /* corner of the crop, the same for all frames, pixels of the decoded frame */
    bool flip;
    int colours; /* order of the channels, see zoe_picture(): 0 as they are */
    /* Tasks with a table of 6 columns: in units of 1/65536, see zoe_picture(). */
    int saturation, brightness;
    /* Tasks that listen: which sound, from where (s on that clip's clock), how loud (1/65536). */
    size_t sound_clip;
    double sound_start;
    int gain;
} zoe_sample;

typedef struct zoe_task_kind zoe_task_kind;

/* A task at work. Fields are set by zoe_task_open() and read by everybody. */
typedef struct zoe_task {
    const zoe_task_kind *kind;
    zoe_context *context;
    const zoe_options *options;
    const zoe_backbone *backbone;
    const zoe_pack *pack;
    const size_t *clips[2]; /* numbers in the pack, by zoe_split; borrowed */
    size_t clip_count[2];
    int width, height;        /* of the frames as decoded, pixels */
    int frames[2], tuples[2]; /* F and G, by zoe_split; set by kind->open() */
    int classes;
    int table_columns;            /* of zoe_picture()'s table: 4, or 6 with saturation and brightness */
    const zoe_backbone *listener; /* network for the sound beside each window; NULL: the task does not listen */
    size_t usable[2];             /* clips long enough, by zoe_split; set by kind->open() */
    void *state;                  /* of the kind */
} zoe_task;

typedef struct zoe_task_graph {
    zoe_value bytes, table, labels; /* inputs: U8 {F*B, 3, height, width}, I32 {F*B, 4, 1, 1}, I32 {G*B, 1, 1, 1} */
    zoe_value sound, gains;         /* inputs of tasks that listen: F32 {B, 1, 1, samples}, I32 {B, 1, 1, 1} */
    zoe_value logits, loss;         /* kept */
} zoe_task_graph;

/* Heads of tasks that ask whether a picture and a sound belong together, for evaluations that look at each stream by
 * itself. In the task's graph the listener and its layers have the prefix ZOE_SOUND_PREFIX. */
#define ZOE_SOUND_PREFIX "sound."
typedef struct zoe_pairing {
    /* Embeddings: {N, D, H, W} of the layer `map` or `features` of the network, {N, D, 1, 1} of the listener's
     * features. */
    bool (*uses_map)(const zoe_task *task);
    zoe_value (*picture)(const zoe_task *task, zoe_graph *graph, zoe_value features);
    zoe_value (*sound)(const zoe_task *task, zoe_graph *graph, zoe_value features);
    /* Logits {N, 2, 1, 1} of embeddings; where there is a map of places, {N, 1, H, W}, it is marked "cells". */
    zoe_value (*compare)(const zoe_task *task, zoe_graph *graph, zoe_value picture, zoe_value sound);
    /* One more loss for training, of the layer before the picture's embedding and of the sound's embedding; NULL: none.
     */
    void (*help)(const zoe_task *task, zoe_graph *graph, zoe_value features, zoe_value sound, zoe_value labels);
} zoe_pairing;

struct zoe_task_kind {
    const char *name;          /* "shuffle-learn" */
    const char *summary;       /* one line */
    const zoe_option *options; /* rows of its own */
    /* Replaces defaults that hang on other options (a recipe). */
    zoe_status (*set_defaults)(zoe_options *options);
    /* Reads options, counts usable clips (unless there is no pack). ZOE_DATA: none is long enough (the message says how
     * long it must be). */
    zoe_status (*open)(zoe_task *task);
    void (*close)(zoe_task *task);
    /* Adds preprocessing, backbone, head and loss for B = batch windows of a split. Names of the head start with
     * "head.". */
    void (*build)(const zoe_task *task, zoe_graph *graph, int batch, zoe_split split, zoe_task_graph *out);
    /* Thread-safe. attempt counts from 0: the next one after a sample that was refused or did not decode. */
    void (*sample)(const zoe_task *task, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index,
                   uint32_t attempt, zoe_sample *out);
    /* Looks at the decoded frames [frames][height][width][3]; false: draw again. NULL: all are fine. Thread-safe. */
    bool (*accept)(const zoe_task *task, const zoe_sample *sample, const uint8_t *rgb);
    const zoe_pairing *pairing; /* NULL: no task of pictures and sounds */
    /* Score for class 1 by a rule that only compares pixels, of a held-out sample. NULL: none. Thread-safe. */
    double (*pixel_rule)(const zoe_task *task, const zoe_sample *sample, const uint8_t *rgb);
};

/* NULL past the end. */
const zoe_task_kind *zoe_task_at(size_t index);
/* NULL with a text ("did you mean") in the context when unknown. */
const zoe_task_kind *zoe_task_find(zoe_context *context, const char *name);

/* The clips of a split: numbers in the pack, borrowed until the task is closed. Both splits may be the same. Fills
 * *task. Without a pack (NULL) the task can only build its network. */
typedef struct zoe_task_clips {
    const size_t *clips[2]; /* by zoe_split */
    size_t count[2];
} zoe_task_clips;
zoe_status zoe_task_open(zoe_task *task, zoe_context *context, const zoe_task_kind *kind, const zoe_options *options,
                         const zoe_backbone *backbone, const zoe_pack *pack, const zoe_task_clips *clips);
void zoe_task_close(zoe_task *task);

/* What a network is worth on n tuples: score[i] is its preference for class 1 (logit 1 minus logit 0), label[i] 0 or 1.
 */
typedef struct zoe_metrics {
    double loss; /* mean cross-entropy, from scores: log(1 + exp(-score)) of the right class */
    double accuracy;
    double balanced_accuracy; /* mean of the two classes' own accuracies: 0.5 for one that always says the same */
    double
        auc; /* chance that a class-1 tuple scores higher than a class-0 tuple; ties count half; NaN: one class only */
} zoe_metrics;
zoe_status zoe_metrics_compute(zoe_metrics *out, zoe_context *context, const double *scores, const int *labels,
                               size_t n);

#ifdef __cplusplus
}
#endif
#endif
