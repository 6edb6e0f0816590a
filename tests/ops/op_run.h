/* SPDX-License-Identifier: Apache-2.0
 *
 * One case compiled for one device: shared by op_test.c (devices) and op_gradients.c (finite differences). */
#ifndef ZOE_TEST_OP_RUN_H
#define ZOE_TEST_OP_RUN_H

#include "graph/plan.h"
#include "op_test.h"

typedef struct op_setup {
    const op_case *test;
    int surroundings;
    zoe_context *context;
    zoe_device *device; /* borrowed */
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x[8], y;
    void *data[8];   /* of the inputs */
    char where[160]; /* "case 3 'odd', device pocl:0, family simt, lanes 8, auto, surroundings 5" */
} op_setup;

#define op_ok(setup, expr)                                                                                             \
    do {                                                                                                               \
        if ((expr) != ZOE_OK) fail_msg("%s: %s: %s", (setup)->where, #expr, zoe_context_error((setup)->context));      \
    } while (0)

void op_setup_new(op_setup *setup, const op_case *test, const op_device *device, int surroundings);
void op_setup_free(op_setup *setup);

/* Writes the inputs and runs: forward and, unless OP_INFERENCE, backward. */
void op_setup_step(op_setup *setup);

/* Closes the OpenCL devices that setups have opened. */
void op_close_devices(void);

/* The sum of all losses of the last forward pass on device host, in double. */
double op_last_loss(void);

/* The number of the case in its table, for messages. */
void op_set_number(size_t number);

#endif
