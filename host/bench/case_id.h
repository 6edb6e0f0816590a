/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids of cases: texts that say all of a case, so that a row can be measured again by its id alone. Internal. */
#ifndef ZOE__CASE_ID_H
#define ZOE__CASE_ID_H

#include "ops/conv2d.h"

/* "conv2d forward 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1", "linear data ..", "gemm nt 512x512x512" (M x N x K).
 */
typedef struct zoe__layer_id {
    char op[16]; /* "conv2d", "linear" */
    zoe__direction direction;
    zoe__conv2d conv;
    bool clblast, tuned; /* a product by CLBlast, with its tuned parameters */
} zoe__layer_id;
bool zoe__layer_id_read(zoe__layer_id *out, const char *id);

/* "gemm nt MxNxK", with " by clblast" and the like behind it; how = "" where nothing is. */
typedef struct zoe__gemm_id {
    char form[4]; /* "nn", "nt", "tn" */
    int m, n, k;
    char how[24]; /* "", "clblast", "clblast-tuned", "openblas" */
} zoe__gemm_id;
bool zoe__gemm_id_read(zoe__gemm_id *out, const char *id);

/* "train NET CxHxW batch N", "train NET CxHxW batch max" (as many as the device has room for: batch = 0) */
typedef struct zoe__train_id {
    char net[64];
    int c, h, w, batch;
} zoe__train_id;
bool zoe__train_id_read(zoe__train_id *out, const char *id);

/* The same case with a number of pictures for "max"; other ids as they are. */
void zoe__train_id_settle(char *out, size_t size, const char *id, int batch);

/* Multiply-adds times two of a run, as the id alone tells; 0 where it does not. */
double zoe__case_flops(const char *id);

/* Bytes of what a run reads and writes, as the id alone tells; 0 where it does not. */
double zoe__case_bytes(const char *id);

#endif
