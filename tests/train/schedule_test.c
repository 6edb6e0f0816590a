/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules against numbers worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <zoe/optimizer.h>

static void check(const zoe_schedule *schedule, int64_t step, double wanted)
{
    const double lr = zoe_schedule_lr(schedule, step);
    if (!(fabs(lr - wanted) <= 1e-12)) fail_msg("step %lld: %.15g, wanted %.15g", (long long)step, lr, wanted);
}

static void constant(void **state)
{
    (void)state;
    const zoe_schedule s = {.kind = ZOE_SCHEDULE_CONSTANT, .base = 0.25};
    check(&s, 0, 0.25);
    check(&s, 1000000, 0.25);
}

static void steps(void **state)
{
    (void)state;
    const zoe_schedule s = {.kind = ZOE_SCHEDULE_STEP, .base = 8, .gamma = 0.5, .milestones = {10, 20, 30}};
    check(&s, 0, 8);
    check(&s, 9, 8);
    check(&s, 10, 4);
    check(&s, 19, 4);
    check(&s, 20, 2);
    check(&s, 35, 1);
}

static void cosine(void **state)
{
    (void)state;
    const zoe_schedule s = {.kind = ZOE_SCHEDULE_COSINE, .base = 2, .steps = 12};
    check(&s, 0, 2);
    check(&s, 3, 1 + sqrt(0.5)); /* cos 45 degrees */
    check(&s, 4, 1.5);           /* cos 60 */
    check(&s, 6, 1);
    check(&s, 8, 0.5);
    check(&s, 12, 0);
    check(&s, 100, 0);
}

static void warmup(void **state)
{
    (void)state;
    const zoe_schedule flat = {.kind = ZOE_SCHEDULE_CONSTANT, .base = 1, .warmup = 4};
    check(&flat, 0, 0.25);
    check(&flat, 2, 0.75);
    check(&flat, 3, 1);
    check(&flat, 4, 1);
    const zoe_schedule falling = {.kind = ZOE_SCHEDULE_COSINE, .base = 2, .steps = 12, .warmup = 6};
    check(&falling, 4, 1.5 * 5 / 6);
    check(&falling, 8, 0.5);
}

static void defaults(void **state)
{
    (void)state;
    const zoe_schedule s = zoe_schedule_default();
    assert_int_equal(s.kind, ZOE_SCHEDULE_COSINE);
    assert_true(s.base == 0.1 && s.gamma == 0.1 && s.warmup == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant), cmocka_unit_test(steps),    cmocka_unit_test(cosine),
        cmocka_unit_test(warmup),   cmocka_unit_test(defaults),
    };
    return cmocka_run_group_tests_name("train/schedule", tests, NULL, NULL);
}
