/* SPDX-License-Identifier: Apache-2.0
 *
 * CLBlast's SGEMM in a plan's list of launches. Internal. */
#ifndef ZOE__GEMM_CLBLAST_H
#define ZOE__GEMM_CLBLAST_H

#include "graph/plan.h"

/* C (+)= op(A) op(B), row-major, m x n x k; op is the transpose when asked for. Offsets and strides between rows (ld)
 * in floats. */
typedef struct zoe__gemm {
    bool transpose_a, transpose_b, add;
    int m, n, k;
    zoe__mem *a, *b, *c;
    size_t a_first, b_first, c_first;
    int a_ld, b_ld, c_ld;
} zoe__gemm;

bool zoe__gemm_available(void); /* compiled in */

/* Lets go of the programs that CLBlast keeps by context, before one ends: what is left goes when the process does, and
 * by then a driver may be gone (Oclgrind 21.10 aborts then). Those of other devices are built again. */
void zoe__gemm_forget(void);

/* One product now, without a plan; parameters for one of CLBlast's kernels on this device from now on, unchecked: see
 * tune/clblast.h, which checks. */
zoe_status zoe__gemm_run(zoe_device *device, const zoe__gemm *gemm, zoe__mem *temporary);
zoe_status zoe__gemm_override(zoe_device *device, const char *kernel, size_t count, const char *const *names,
                              const size_t *values);
zoe_status zoe__gemm_temporary_of(zoe_device *device, const zoe__gemm *gemm, size_t *floats);

/* Floats that CLBlast wants for itself in this product (mem fields are not looked at). */
zoe_status zoe__gemm_temporary(zoe_plan *plan, const zoe__gemm *gemm, size_t *floats);

/* Appends the product. CLBlast's temporary floats are the first of `temporary`, so that a step allocates nothing; what
 * a, b and c take of the same memory must come after them. */
zoe_status zoe__gemm_emit(zoe_plan *plan, const zoe__node *node, const zoe__gemm *gemm, zoe__mem *temporary);

#endif
