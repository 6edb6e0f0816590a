/* SPDX-License-Identifier: Apache-2.0
 *
 * A training in its stride: from the tenth step to the twentieth nothing of ours allocates, neither the loop nor the
 * threads that decode. (What FFmpeg and the driver allocate in their libraries is not ours.) The log writes a line and
 * the trainer copies its state now and then, as the clock says; here the clock all but stands still, so that a slow
 * machine sees neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/train.h>

#include "../tasks/world.h"

enum { FIRST = 10, LAST = 20 }; /* each worker has had its turn by then, on a busy machine too */

static atomic_size_t allocations;
static world w;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
double __wrap_zoe__seconds(void);

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    atomic_fetch_add(&allocations, 1);
    return __real_realloc(old, size);
}

double __wrap_zoe__seconds(void)
{
    static atomic_long calls;
    return 1e-6 * (double)(1 + atomic_fetch_add(&calls, 1));
}

static void note(const zoe_train_progress *progress, void *user)
{
    size_t *at = user;
    if (strcmp(progress->stage, "train") != 0) return;
    if (progress->done == FIRST) at[0] = atomic_load(&allocations);
    if (progress->done == LAST) at[1] = atomic_load(&allocations);
}

static void ten_steps_allocate_nothing(void **state)
{
    (void)state;
    char out[96], pack[96];
    snprintf(out, sizeof out, "%s/run", w.folder);
    snprintf(pack, sizeof pack, "%s/pack", w.folder);
    const char *const clips[1] = {pack}, *device = getenv("ZOE_TEST_DEVICE");
    const char *const settings[][2] = {{"steps", "21"},    {"batch", "4"},     {"tuples", "4"},
                                       {"workers", "2"},   {"out", out},       {"log-every", "1000"},
                                       {"device", device ? device : "host"}};
    zoe_options *options;
    zoe_train_result result;
    size_t at[2] = {0, 1};
    const zoe_train_hooks hooks = {.progress = note, .user = at};
    assert_int_equal(zoe_options_new(&options, w.context), ZOE_OK);
    assert_int_equal(zoe_train_options(options, w.context, "shuffle-learn"), ZOE_OK);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_int_equal(zoe_options_set(options, settings[i][0], settings[i][1]), ZOE_OK);
    const zoe_status status = zoe_train(w.context, "shuffle-learn", clips, 1, options, &hooks, &result);
    if (status != ZOE_OK) fail_msg("%s", zoe_context_error(w.context));
    zoe_train_result_clear(&result);
    zoe_options_free(&options);
    assert_true(at[0] > 100); /* the counting works */
    assert_int_equal(at[1] - at[0], 0);
}

static int make(void **state)
{
    (void)state;
    return world_make(&w, 6);
}

static int unmake(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_steps_allocate_nothing)};
    return cmocka_run_group_tests(tests, make, unmake);
}
