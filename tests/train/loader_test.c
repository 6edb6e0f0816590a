/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader: the same batches for any number of workers and from any start; faults of workers reach the consumer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/train.h>

#include "tasks/world.h"
#include "train/loader.h"

enum { CLIPS = 4, BATCH = 5, BATCHES = 7 };

static world the_world;
static zoe_options *options;
static zoe_task task;
static size_t clips[CLIPS];

static zoe__loader_options loader_options(int workers)
{
    return (zoe__loader_options){.task = &task,
                                 .seed = 9,
                                 .batch = BATCH,
                                 .count = BATCHES,
                                 .epoch = CLIPS,
                                 .workers = workers,
                                 .max_bad = 0.05};
}

/* A digest of each batch: enough to see any difference. */
static uint64_t digest(const zoe__batch *batch)
{
    const size_t images = (size_t)task.frames[0] * BATCH;
    uint64_t hash = 1469598103934665603u;
    const struct {
        const void *data;
        size_t bytes;
    } parts[] = {{batch->bytes, images * (size_t)task.width * (size_t)task.height * 3},
                 {batch->table, images * 4 * sizeof(int32_t)},
                 {batch->labels, (size_t)task.tuples[0] * BATCH * sizeof(int32_t)}};
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < parts[p].bytes; i++)
            hash = (hash ^ ((const uint8_t *)parts[p].data)[i]) * 1099511628211u;
    return hash;
}

static void run(const zoe__loader_options *o, uint64_t *digests)
{
    zoe__loader *loader;
    zoe__batch *batch;
    double waited = 0;
    assert_int_equal(zoe__loader_new(&loader, the_world.context, o), ZOE_OK);
    for (int64_t i = 0; i < o->count; i++) {
        assert_int_equal(zoe__loader_next(loader, &batch, &waited), ZOE_OK);
        assert_int_equal(batch->number, o->first + i);
        digests[i] = digest(batch);
        zoe__loader_release(loader);
    }
    assert_true(waited >= 0);
    zoe__loader_free(&loader);
}

static void workers_do_not_change_batches(void **state)
{
    (void)state;
    uint64_t one[BATCHES], many[BATCHES];
    zoe__loader_options o = loader_options(1);
    run(&o, one);
    for (int workers = 2; workers <= 6; workers += 2) {
        o.workers = workers;
        run(&o, many);
        assert_memory_equal(one, many, sizeof one);
    }
    for (int i = 1; i < BATCHES; i++) assert_true(one[i] != one[0]);
}

static void a_start_in_the_middle_goes_on_exactly(void **state)
{
    (void)state;
    uint64_t all[BATCHES], rest[BATCHES];
    zoe__loader_options o = loader_options(2);
    run(&o, all);
    o.first = 3;
    o.count = BATCHES - 3;
    run(&o, rest);
    assert_memory_equal(all + 3, rest, (BATCHES - 3) * sizeof *all);
}

/* A consumer that leaves early must not leave threads behind (a hang here is the failure). */
static void leaving_early_is_fine(void **state)
{
    (void)state;
    zoe__loader *loader;
    zoe__batch *batch;
    double waited = 0;
    const zoe__loader_options o = loader_options(3);
    assert_int_equal(zoe__loader_new(&loader, the_world.context, &o), ZOE_OK);
    zoe__loader_free(&loader);
    assert_int_equal(zoe__loader_new(&loader, the_world.context, &o), ZOE_OK);
    assert_int_equal(zoe__loader_next(loader, &batch, &waited), ZOE_OK);
    zoe__loader_free(&loader);
    assert_null(loader);
}

/* Half of the draws are of a clip that does not decode: they are replaced, the same way for any number of workers,
 * until the share of bad clips passes the limit. */
static void (*real_sample)(const zoe_task *, zoe_split, uint64_t, int64_t, uint32_t, uint32_t, zoe_sample *);

static void sample_with_bad_clip(const zoe_task *t, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index,
                                 uint32_t attempt, zoe_sample *out)
{
    real_sample(t, split, seed, epoch, index, attempt, out);
    if (out->clip == 1) out->ranks[0] = 100000;
}

static void bad_clips_are_skipped_up_to_the_limit(void **state)
{
    (void)state;
    const zoe_task_kind *kind = task.kind;
    zoe_task_kind faulty = *kind;
    real_sample = kind->sample;
    faulty.sample = sample_with_bad_clip;
    task.kind = &faulty;
    uint64_t one[BATCHES], many[BATCHES];
    zoe__loader_options o = loader_options(1);
    o.max_bad = 0.25; /* one of four */
    run(&o, one);
    o.workers = 3;
    run(&o, many);
    assert_memory_equal(one, many, sizeof one);

    zoe__loader *loader;
    zoe__batch *batch;
    double waited = 0;
    zoe_status status = ZOE_OK;
    o.max_bad = 0.2;
    assert_int_equal(zoe__loader_new(&loader, the_world.context, &o), ZOE_OK);
    for (int i = 0; i < BATCHES && status == ZOE_OK; i++) {
        status = zoe__loader_next(loader, &batch, &waited);
        if (status == ZOE_OK) zoe__loader_release(loader);
    }
    assert_int_equal(status, ZOE_BAD_FILES);
    assert_int_equal(zoe__loader_bad(loader), 1);
    assert_non_null(strstr(zoe_context_error(the_world.context), "1 of 4 clips"));
    zoe_context_clear(the_world.context);
    zoe__loader_free(&loader);
    task.kind = kind;
}

static int set_up(void **state)
{
    (void)state;
    if (world_make(&the_world, CLIPS) || zoe_options_new(&options, the_world.context) != ZOE_OK ||
        zoe_train_options(options, the_world.context, "shuffle-learn") != ZOE_OK)
        return -1;
    for (size_t i = 0; i < CLIPS; i++) clips[i] = i;
    const zoe_task_clips by_split = {.clips = {clips, clips}, .count = {CLIPS, CLIPS}};
    return zoe_task_open(&task, the_world.context, zoe_task_find(the_world.context, "shuffle-learn"), options,
                         zoe_backbone_find(the_world.context, "mini"), the_world.pack, &by_split) == ZOE_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_task_close(&task);
    zoe_options_free(&options);
    world_free(&the_world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_do_not_change_batches),
        cmocka_unit_test(a_start_in_the_middle_goes_on_exactly),
        cmocka_unit_test(leaving_early_is_fine),
        cmocka_unit_test(bad_clips_are_skipped_up_to_the_limit),
    };
    return cmocka_run_group_tests_name("train/loader", tests, set_up, tear_down);
}
