/* SPDX-License-Identifier: Apache-2.0
 *
 * What a trained network is good for: its features, protocols that measure them, weights for other programs.
 *
 *     zoe_features *features;
 *     zoe_features_options options = zoe_features_options_default();
 *     zoe_features_open(&features, context, "run", &options);
 *     size_t layer;
 *     zoe_features_find(features, "stage3", &layer);
 *     float *rows = malloc(n * zoe_features_layer(features, layer).count * sizeof *rows);
 *     zoe_features_compute(features, rgb, n, &layer, &rows, 1);
 *
 * RUN is a run folder (its newest good checkpoint counts) or a checkpoint file. */
#ifndef ZOE_EVALUATE_H
#define ZOE_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/option.h>
#include <zoe/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- features of pictures and sounds ---- */

typedef struct zoe_features zoe_features;

typedef struct zoe_features_options {
    const char *device, *family, *storage; /* as zoe_device_options; NULL: the default device, by capability, fp32 */
    const char *conv, *linear;             /* as zoe_plan_options; "auto" */
    bool exact;                            /* as zoe_plan_options; false */
    uint64_t max_memory;                   /* as zoe_device_options: batches get smaller until they fit; 0: no limit */
    const char *tuning;                    /* as zoe_device_options */
    int batch;                             /* pictures at a time; 32 */
    bool audio; /* the stream that listens, of a run that has one (avc, avc-ave, ..); false */
} zoe_features_options;
zoe_features_options zoe_features_options_default(void);

/* Opens the device and brings the run's network onto it. ZOE_DATA: no good checkpoint; ZOE_CONFIG: it does not fit its
 * network. */
zoe_status zoe_features_open(zoe_features **out, zoe_context *context, const char *run,
                             const zoe_features_options *options);
void zoe_features_free(zoe_features **features);

/* Size of the pictures that are expected, pixels; 0 x 0: sounds are. The network sees a square out of their middle. */
void zoe_features_frame(const zoe_features *features, int *width, int *height);
/* Samples of a sound and how many of them are a second; 0 and 0: pictures are expected. */
size_t zoe_features_samples(const zoe_features *features, int *rate);

typedef struct zoe_layer {
    const char *name; /* borrowed */
    zoe_shape shape;  /* of one picture: n = 1 */
    size_t count;     /* c * h * w */
} zoe_layer;

/* Layers in the order of the network; a zeroed one past the end. A run of pictures and sounds has a last one
 * "embedding": where both can be compared. */
size_t zoe_features_layers(const zoe_features *features);
zoe_layer zoe_features_layer(const zoe_features *features, size_t index);

/* The number of a layer; name NULL: the one that pretext heads take, or "embedding". ZOE_USAGE: no such layer (the
 * message names all).
 */
zoe_status zoe_features_find(const zoe_features *features, const char *name, size_t *index);

/* data: bytes [n][height][width][3], or floats [n][samples] in [-1, 1]. out[i]: [n][count of layers[i]] floats, each
 * row the layer's {C, H, W} flattened. */
zoe_status zoe_features_compute(zoe_features *features, const void *data, size_t n, const size_t *layers,
                                float *const *out, size_t layer_count);

/* ---- protocols: one file each in host/evaluate/ ---- */

/* What a protocol found; both texts are the caller's: zoe_evaluation_free(). */
typedef struct zoe_evaluation {
    char *json; /* one JSON object (docs/formats.md) */
    char *text; /* a table for people, ends with \n */
} zoe_evaluation;

typedef struct zoe_protocol {
    const char *name;          /* "neighbours" */
    const char *summary;       /* one line */
    const zoe_option *options; /* all its rows */
    /* clips: files, folders, lists or a pack; count 0: those of the run. */
    zoe_status (*run)(zoe_context *context, const char *run, const char *const *clips, size_t count,
                      const zoe_options *options, zoe_evaluation *out);
} zoe_protocol;

/* NULL past the end. */
const zoe_protocol *zoe_protocol_at(size_t index);
/* NULL with a text ("did you mean") in the context when unknown. */
const zoe_protocol *zoe_protocol_find(zoe_context *context, const char *name);

void zoe_evaluation_free(zoe_evaluation *evaluation);

/* ---- features of files ---- */

typedef struct zoe_embed_options {
    zoe_features_options features;
    const char *layer; /* NULL: the one that pretext heads take */
    int first, every;  /* ranks first, first + every, ... of each clip, of sounds: numbers of windows; 3, 6 */
    int workers;       /* threads that decode; 0 = number of processors */
    double max_bad;    /* share of unusable files past which to give up; 0.05 */
} zoe_embed_options;
zoe_embed_options zoe_embed_options_default(void);

typedef struct zoe_embed_result {
    size_t rows, columns;
    size_t clips;   /* with at least one row */
    size_t skipped; /* files that were not readable, clips too short or undecodable */
    char layer[96];
} zoe_embed_result;

/* Writes out (NumPy .npy, float32 [rows][columns]) and a table beside it, out with .csv in place of .npy:
 * row,file,rank,seconds,label. ZOE_DATA: no frame at all; ZOE_BAD_FILES, ZOE_DISK. */
zoe_status zoe_embed(zoe_context *context, const char *run, const char *const *files, size_t count, const char *out,
                     const zoe_embed_options *options, zoe_embed_result *result);

/* ---- samples of a run's task ---- */

typedef struct zoe_samples_options {
    zoe_features_options features; /* device and algorithms */
    int tuples;                    /* rows of the sheet; 16 */
    uint64_t seed;                 /* 0 */
} zoe_samples_options;
zoe_samples_options zoe_samples_options_default(void);

typedef struct zoe_samples_result {
    int tuples, right; /* shown; of these answered rightly */
    bool held_out;     /* of held-out clips; else of the training clips */
} zoe_samples_result;

/* Writes a contact sheet (PNG): one tuple a row, with its label and what the run's network says. Needs the clips of the
 * run. */
zoe_status zoe_samples(zoe_context *context, const char *run, const char *png, const zoe_samples_options *options,
                       zoe_samples_result *result);

#ifdef __cplusplus
}
#endif
#endif
