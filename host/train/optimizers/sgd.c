/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd: g = gradient + weight_decay * decay_mult * w,  v = momentum * v + g,  w -= lr * lr_mult * (nesterov ? g +
 * momentum * v : v). Kernel: cl/sgd.cl. */
#include "ops/node.h"

static void reference(const zoe_optimizer_options *options, const zoe__scalars *scalars, float lr_mult,
                      float decay_mult, size_t count, float *weight, const double *gradient, float *const state[2])
{
    const double lr = (double)scalars->lr * (double)lr_mult, momentum = (double)options->momentum;
    const double decay = (double)options->weight_decay * (double)decay_mult;
    for (size_t i = 0; i < count; i++) {
        const double g = gradient[i] + decay * (double)weight[i];
        const double v = momentum * (double)state[0][i] + g;
        state[0][i] = (float)v;
        weight[i] = (float)((double)weight[i] - lr * (options->nesterov ? g + momentum * v : v));
    }
}

static zoe_status emit(zoe_plan *plan, const zoe_optimizer_options *options, const zoe__optimizer_segment *segment)
{
    const int lines = (int)(segment->count / 16);
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "sgd", "sgd_update", 1, lines, 2, &rows);
    spec.flops = 6.0 * (double)segment->count;
    spec.bytes = 5.0 * (double)segment->count * sizeof(float);
    return zoe__plan_launch(plan, NULL, &spec, "mmmmfffiii", segment->weight, segment->gradient, segment->state[0],
                            zoe__plan_scalars(plan), (double)segment->lr_mult,
                            (double)options->weight_decay * (double)segment->decay_mult, (double)options->momentum,
                            (int)options->nesterov, lines, rows);
}

extern const zoe__optimizer zoe__optimizer_sgd;

const zoe__optimizer zoe__optimizer_sgd = {
    .name = "sgd",
    .states = 1,
    .reference = reference,
    .emit = emit,
};
