/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimisers and schedules of the learning rate. g = gradient + weight_decay * decay_mult * w, lr' = lr * lr_mult. */
#ifndef ZOE_OPTIMIZER_H
#define ZOE_OPTIMIZER_H

#include <stdbool.h>
#include <stdint.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sgd:  v = momentum * v + g;  w -= lr' * (nesterov ? g + momentum * v : v)
 * adam: m = b1 m + (1-b1) g;  u = b2 u + (1-b2) g^2;  w -= lr' * (m / (1-b1^t)) / (sqrt(u / (1-b2^t)) + eps), t = 1, 2,
 * .. */
typedef struct zoe_optimizer_options {
    const char *name;   /* "sgd" or "adam"; "sgd" */
    float momentum;     /* sgd; 0.9 */
    bool nesterov;      /* sgd; false */
    float beta1, beta2; /* adam; 0.9, 0.999 */
    float eps;          /* adam; 1e-8 */
    float weight_decay; /* 5e-4 */
} zoe_optimizer_options;
zoe_optimizer_options zoe_optimizer_options_default(void);

typedef enum zoe_schedule_kind { ZOE_SCHEDULE_CONSTANT, ZOE_SCHEDULE_STEP, ZOE_SCHEDULE_COSINE } zoe_schedule_kind;

/* lr(step) = base * min(1, (step + 1) / warmup) * factor(step), step = 0, 1, ..
 * constant 1; step: gamma ^ (number of milestones <= step); cosine: (1 + cos(pi * step / steps)) / 2. */
typedef struct zoe_schedule {
    zoe_schedule_kind kind; /* cosine */
    double base;            /* 0.1 */
    int64_t warmup;         /* steps; 0 = none */
    int64_t steps;          /* length of the cosine */
    int64_t milestones[8];  /* ascending; unused ones are 0 and ignored */
    double gamma;           /* 0.1 */
} zoe_schedule;
zoe_schedule zoe_schedule_default(void);
double zoe_schedule_lr(const zoe_schedule *schedule, int64_t step);

#ifdef __cplusplus
}
#endif
#endif
