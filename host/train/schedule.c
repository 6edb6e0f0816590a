/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules of the learning rate: pure functions of the step, so that a resumed run needs no state. */
#include <math.h>

#include <zoe/optimizer.h>

static const double PI = 3.14159265358979323846;

zoe_schedule zoe_schedule_default(void)
{
    return (zoe_schedule){.kind = ZOE_SCHEDULE_COSINE, .base = 0.1, .gamma = 0.1};
}

static double constant_factor(const zoe_schedule *schedule, int64_t step)
{
    (void)schedule;
    (void)step;
    return 1;
}

static double step_factor(const zoe_schedule *schedule, int64_t step)
{
    double factor = 1;
    for (int i = 0; i < 8; i++)
        if (schedule->milestones[i] > 0 && schedule->milestones[i] <= step) factor *= schedule->gamma;
    return factor;
}

/* 0 from the end on; without a length (steps < 1) it never begins to fall. */
static double cosine_factor(const zoe_schedule *schedule, int64_t step)
{
    if (schedule->steps < 1) return 1;
    if (step >= schedule->steps) return 0;
    return (1 + cos(PI * (double)step / (double)schedule->steps)) / 2;
}

typedef double factor_function(const zoe_schedule *schedule, int64_t step);

static factor_function *const factors[] = {
    [ZOE_SCHEDULE_CONSTANT] = constant_factor,
    [ZOE_SCHEDULE_STEP] = step_factor,
    [ZOE_SCHEDULE_COSINE] = cosine_factor,
};

double zoe_schedule_lr(const zoe_schedule *schedule, int64_t step)
{
    if (step < 0) step = 0;
    double lr = schedule->base * factors[schedule->kind](schedule, step);
    if (step + 1 < schedule->warmup) lr *= (double)(step + 1) / (double)schedule->warmup;
    return lr;
}
