/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's file format, version 1.0: float32, little endian, C order, two dimensions. Internal. */
#ifndef ZOE_EVALUATE_NPY_H
#define ZOE_EVALUATE_NPY_H

#include "train/safe_file.h"

typedef struct zoe__npy {
    zoe__safe_file file;
    size_t rows, columns;
} zoe__npy;

/* The number of rows need not be known; the file appears under its name at the end. ZOE_DISK. */
zoe_status zoe__npy_open(zoe__npy *npy, zoe_context *context, const char *path, size_t columns);
zoe_status zoe__npy_add(zoe__npy *npy, const float *rows, size_t count);
zoe_status zoe__npy_commit(zoe__npy *npy);

/* Call it always; nothing is left of a file that was not committed. */
void zoe__npy_abandon(zoe__npy *npy);

#endif
