/* SPDX-License-Identifier: Apache-2.0
 *
 * What all tests of ops share. A test file is a table of cases; three functions run it:
 *
 *     static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options);
 *     static const op_case cases[] = {{"odd", build, &options, .inputs = 1, .x = {{2, 9, 5, 7}}}};
 *     static void agrees(void **state)    { op_test_devices(cases, COUNT(cases)); }
 *     static void gradients(void **state) { op_test_gradients(cases, COUNT(cases)); }
 *
 * op_test_devices compares the plain-C definition (device `host`) with the kernels of an OpenCL device: outputs,
 * gradients of inputs and parameters, running figures, in both families, with several surroundings of the node (halos,
 * shared inputs, memory in place, micro-batches, inference), the arena filled with NaN before, halo and padded channels
 * zero after, the same bits twice. The device is ZOE_TEST_DEVICE, else pocl, else the first; without one the test is
 * SKIPPED. op_test_gradients compares the definition's gradients with finite differences, in double.
 *
 * A failure prints the line that repeats it alone. */
#ifndef ZOE_TEST_OP_TEST_H
#define ZOE_TEST_OP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/op.h>
#include <zoe/plan.h>

#include "core/philox.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

typedef struct op_case op_case;
struct op_case {
    const char *name;
    zoe_value (*build)(zoe_graph *graph, const zoe_value *x, const void *options);
    const void *options;
    int inputs;
    zoe_shape x[8];
    zoe_dtype dtype[8]; /* ZOE_F32 */
    /* Fills input i; NULL: normal numbers for F32 (times scale, plus offset). */
    void (*fill)(const op_case *test, int i, void *data, zoe__random *random);
    float scale, offset;              /* 0 stands for 1; 0 */
    bool is_loss;                     /* build returns a loss (else the test adds one: a weighted sum) */
    bool ties;                        /* finite differences: not for this case */
    const char *const *algorithms;    /* of conv2d and linear, NULL-terminated; NULL: {"auto"} */
    bool both_lanes;                  /* vector family: run with 8 and with 16 lanes */
    double tolerance;                 /* of |device - host| / largest |host|; 0 stands for 1e-5 */
    const struct zoe__tuning *tuning; /* conv2d, linear: what the device is said to have been measured with */
    size_t workspace_bytes;           /* plan option */
    const char *fused;                /* name of the op that a rule of host/fusion/ must have made; also run unfused */
};

void op_test_devices(const op_case *cases, size_t count);
void op_test_gradients(const op_case *cases, size_t count);

/* Building `build` must fail with this status and a text that holds part. */
void op_test_mistake(const op_case *test, zoe_status status, const char *part);

/* ---- for tests that look at numbers themselves: one run on one device ---- */

/* What stands around the node. */
enum {
    OP_HALO = 1,    /* y, dy and x have halos */
    OP_BEFORE = 2,  /* another node reads the inputs, added before ours: its gradient comes after ours */
    OP_AFTER = 4,   /* ... added after ours: our backward must add */
    OP_THROUGH = 8, /* the inputs come from nodes: memory in place */
    OP_MICRO = 16,  /* two micro-batches */
    OP_INFERENCE = 32,
    OP_STATISTICS = 64, /* with OP_INFERENCE: batch statistics */
    OP_TWICE = 256,     /* two steps, one after the other */
    OP_UNFUSED = 512,   /* the rules of host/fusion/ are off */
    OP_GRID = 128       /* inputs and parameters on a grid of distinct numbers, for finite differences */
};

typedef struct op_device {
    const char *name;   /* "host", "pocl:0" */
    const char *family; /* NULL, "vector", "simt" */
    int lanes;
    const char *algorithm;
} op_device;

typedef struct op_tensor {
    char name[32]; /* "y", "dx0", "d bn.weight", "bn.running_mean" */
    size_t count;
    float *data;
} op_tensor;

enum { OP_MAX_TENSORS = 32 };

typedef struct op_result {
    int count;
    op_tensor tensor[OP_MAX_TENSORS];
} op_result;

/* Runs the case and collects y, the gradients and the parameters that are not trained. Fails the test on any error. */
void op_run(op_result *result, const op_case *test, const op_device *device, int surroundings);
void op_result_free(op_result *result);
const op_tensor *op_result_find(const op_result *result, const char *name); /* fails the test when absent */

/* The OpenCL device to test on ("pocl:0"); NULL: none, and the test should skip(). Fails when there is one that we do
 * not see. */
const char *op_test_device(void);
bool op_test_has_device(const char *name);

#endif
