/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: weights, running figures, optimiser state and counters in one file (docs/formats.md). A file is old or
 * new, never half; each section has a SHA-256. No state of a random generator is needed: all draws are functions of
 * (seed, epoch, index). */
#ifndef ZOE_CHECKPOINT_H
#define ZOE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_checkpoint zoe_checkpoint;

typedef struct zoe_checkpoint_info {
    const char *net;     /* name of the backbone */
    const char *task;    /* name of the task */
    int64_t step;        /* steps done */
    const char *options; /* JSON object: options of the run; "{}" */
    const char *state;   /* JSON object: counters of the run; "{}" */
} zoe_checkpoint_info;

/* One tensor, plain. dims: KCRS of a convolution {K, C, R, S}, a linear layer {K, C}, a vector {n}. */
typedef struct zoe_checkpoint_tensor {
    const char *name;
    int rank;
    int dims[4];
    zoe_shape shape; /* the same as the store has it */
    bool trainable;
    size_t count;          /* floats */
    const float *data;     /* borrowed */
    const float *state[2]; /* of the optimiser; NULL where there is none */
} zoe_checkpoint_tensor;

/* Copies parameters and optimiser state of a store (graph says which weights are linear; NULL: none is). The caller
 * owns it. */
zoe_status zoe_checkpoint_capture(zoe_checkpoint **out, zoe_context *context, zoe_store *store, const zoe_graph *graph,
                                  const zoe_checkpoint_info *info);

/* Reads a file and checks everything. ZOE_DATA: not a checkpoint, cut off, a section with a wrong checksum (the message
 * says which). */
zoe_status zoe_checkpoint_read(zoe_checkpoint **out, zoe_context *context, const char *path);

/* Atomic: temporary name, fsync, rename, fsync of the folder. ZOE_DISK: what was there before still is. */
zoe_status zoe_checkpoint_write(const zoe_checkpoint *checkpoint, zoe_context *context, const char *path);

void zoe_checkpoint_free(zoe_checkpoint **checkpoint);

/* A checkpoint file, or the newest good one of a run folder (RUN or RUN/checkpoints). A newer one that is damaged is
 * named in *note (one line, free() it; NULL = nothing to say; the pointer may be NULL). ZOE_DATA: there is no good one.
 */
zoe_status zoe_checkpoint_open(zoe_checkpoint **out, zoe_context *context, const char *path, char **note);

/* Writes FOLDER/step-NNNNNNNNN.zoe and then removes all but the two newest. */
zoe_status zoe_checkpoint_save(const zoe_checkpoint *checkpoint, zoe_context *context, const char *folder);

/* Number of checkpoint files in a folder, good or not; 0 when there is no such folder. */
size_t zoe_checkpoint_files(const char *folder);

/* Copies weights and running figures into every parameter of the store, optimiser state too where both have it.
 * ZOE_CONFIG: a parameter that the checkpoint lacks or has in another shape (it is of another network). */
zoe_status zoe_checkpoint_restore(const zoe_checkpoint *checkpoint, zoe_context *context, zoe_store *store);

const zoe_checkpoint_info *zoe_checkpoint_get_info(const zoe_checkpoint *checkpoint); /* borrowed */
const char *zoe_checkpoint_path(const zoe_checkpoint *checkpoint); /* of the file it was read from; "" */
size_t zoe_checkpoint_tensors(const zoe_checkpoint *checkpoint);
zoe_checkpoint_tensor zoe_checkpoint_tensor_at(const zoe_checkpoint *checkpoint, size_t index);

/* SHA-256 of weights and running figures, 64 hex digits: tensors in bytewise order of their names; of each its name, a
 * zero byte, the rank and the dims as little-endian 32-bit words, the floats (little endian). Optimiser state and
 * counters do not count. */
void zoe_checkpoint_weights_sha256(const zoe_checkpoint *checkpoint, char hex[65]);

/* Writes the weights and running figures as safetensors with torchvision's names and shapes (num_batches_tracked
 * included). With backbone_only the tensors of the pretext head ("head.") stay out. Atomic. */
zoe_status zoe_checkpoint_export_safetensors(const zoe_checkpoint *checkpoint, zoe_context *context, const char *path,
                                             bool backbone_only);

#ifdef __cplusplus
}
#endif
#endif
