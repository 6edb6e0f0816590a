/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a checkpoint. Internal. */
#ifndef ZOE_TRAIN_CHECKPOINT_H
#define ZOE_TRAIN_CHECKPOINT_H

#include <zoe/checkpoint.h>

#include "core/core.h"

/* Sections of floats, in file order. */
enum { ZOE__SECTION_WEIGHTS, ZOE__SECTION_RUNNING, ZOE__SECTION_STATE0, ZOE__SECTION_STATE1, ZOE__SECTIONS };
extern const char *const zoe__section_names[ZOE__SECTIONS];

typedef struct zoe__tensor {
    char *name;
    int rank, dims[4];
    bool trainable;
    size_t first,
        count; /* floats, in its section: running figures in RUNNING, else the same place in WEIGHTS and STATEs */
} zoe__tensor;

struct zoe_checkpoint {
    zoe_checkpoint_info info; /* texts are owned by it */
    char *path;
    zoe__tensor *tensors;
    size_t tensor_count;
    float *sections[ZOE__SECTIONS]; /* NULL: empty */
    size_t floats[ZOE__SECTIONS];
};

/* The file's name for a step: "step-000000123.zoe". */
void zoe__checkpoint_name(char *name, size_t size, int64_t step);

#endif
