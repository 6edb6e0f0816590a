/* SPDX-License-Identifier: Apache-2.0
 *
 * adam (Kingma, Ba: "Adam: a method for stochastic optimization", ICLR 2015): g = gradient + weight_decay * decay_mult
 * * w, m = beta1 m + (1 - beta1) g,  u = beta2 u + (1 - beta2) g^2, w -= lr * lr_mult * (m / (1 - beta1^t)) / (sqrt(u /
 * (1 - beta2^t)) + eps), with 1 / (1 - beta^t) as correction1 and correction2 of the step's scalars. Kernel:
 * cl/adam.cl. */
#include "ops/node.h"

#include <math.h>

static void reference(const zoe_optimizer_options *options, const zoe__scalars *scalars, float lr_mult,
                      float decay_mult, size_t count, float *weight, const double *gradient, float *const state[2])
{
    const double lr = (double)scalars->lr * (double)lr_mult, beta1 = (double)options->beta1,
                 beta2 = (double)options->beta2;
    const double decay = (double)options->weight_decay * (double)decay_mult;
    for (size_t i = 0; i < count; i++) {
        const double g = gradient[i] + decay * (double)weight[i];
        const double m = beta1 * (double)state[0][i] + (1 - beta1) * g;
        const double u = beta2 * (double)state[1][i] + (1 - beta2) * g * g;
        state[0][i] = (float)m;
        state[1][i] = (float)u;
        const double step =
            m * (double)scalars->correction1 / (sqrt(u * (double)scalars->correction2) + (double)options->eps);
        weight[i] = (float)((double)weight[i] - lr * step);
    }
}

static zoe_status emit(zoe_plan *plan, const zoe_optimizer_options *options, const zoe__optimizer_segment *segment)
{
    const int lines = (int)(segment->count / 16);
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "adam", "adam_update", 1, lines, 2, &rows);
    spec.flops = 14.0 * (double)segment->count;
    spec.bytes = 7.0 * (double)segment->count * sizeof(float);
    return zoe__plan_launch(plan, NULL, &spec, "mmmmmfffffffii", segment->weight, segment->gradient, segment->state[0],
                            segment->state[1], zoe__plan_scalars(plan), (double)segment->lr_mult,
                            (double)options->weight_decay * (double)segment->decay_mult, (double)options->beta1,
                            1 - (double)options->beta1, (double)options->beta2, 1 - (double)options->beta2,
                            (double)options->eps, lines, rows);
}

extern const zoe__optimizer zoe__optimizer_adam;

const zoe__optimizer zoe__optimizer_adam = {
    .name = "adam",
    .states = 2,
    .reference = reference,
    .emit = emit,
};
