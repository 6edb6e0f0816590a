/* SPDX-License-Identifier: Apache-2.0
 *
 * The sampler: what every tuple must be, that a draw is a pure function of its number, and how draws are distributed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/task.h>
#include <zoe/train.h>

#include "tasks/world.h"

enum { CLIPS = 8, DRAWS = 4000 };

static world the_world;

typedef struct opened {
    zoe_options *options;
    zoe_task task;
    size_t clips[CLIPS];
} opened;

/* settings: "name", "value", .., NULL */
static zoe_status open_with(opened *o, const char *const *settings)
{
    const zoe_task_kind *kind = zoe_task_find(the_world.context, "shuffle-learn");
    assert_non_null(kind);
    assert_int_equal(zoe_options_new(&o->options, the_world.context), ZOE_OK);
    assert_int_equal(zoe_train_options(o->options, the_world.context, "shuffle-learn"), ZOE_OK);
    for (; settings && *settings; settings += 2)
        assert_int_equal(zoe_options_set(o->options, settings[0], settings[1]), ZOE_OK);
    assert_int_equal(kind->set_defaults(o->options), ZOE_OK);
    for (size_t i = 0; i < CLIPS; i++) o->clips[i] = i;
    const zoe_task_clips clips = {.clips = {o->clips, o->clips}, .count = {CLIPS, CLIPS}};
    const zoe_backbone *net = zoe_backbone_find(the_world.context, zoe_options_text(o->options, "net"));
    return zoe_task_open(&o->task, the_world.context, kind, o->options, net, the_world.pack, &clips);
}

static opened open_task(const char *const *settings)
{
    opened o;
    assert_int_equal(open_with(&o, settings), ZOE_OK);
    o.task.clips[0] = o.task.clips[1] = NULL; /* o moves: the sampler must not need them any more */
    return o;
}

static void close_opened(opened *o)
{
    zoe_task_close(&o->task);
    zoe_options_free(&o->options);
}

static zoe_sample draw(const opened *o, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index, uint32_t attempt)
{
    zoe_sample sample;
    o->task.kind->sample(&o->task, split, seed, epoch, index, attempt, &sample);
    return sample;
}

static int distance(int a, int b)
{
    return abs(a - b);
}

/* b, c, d, m of a training window of the small recipe. */
static void training_windows_obey_the_recipe(void **state)
{
    (void)state;
    opened o = open_task(NULL);
    int swapped = 0, flipped = 0, before = 0, near[9] = {0};
    assert_int_equal(o.task.frames[0], 4);
    assert_int_equal(o.task.tuples[0], 2);
    for (uint32_t i = 0; i < DRAWS; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 1, 0, i, 0);
        const int b = s.ranks[0], c = s.ranks[1], d = s.ranks[2], m = s.ranks[3],
                  frames = zoe_pack_clip(the_world.pack, s.clip)->frames;
        const int low = b < d ? b : d, high = b < d ? d : b;
        assert_int_equal(s.frames, 4);
        assert_int_equal(s.labels[0], 1);
        assert_int_equal(s.labels[1], 0);
        assert_in_range(high - low, 6, 8);
        assert_in_range(c, low + 2, high - 2);
        const int out = m < low ? low - m : m - high;
        assert_in_range(out, 5, 7);
        for (int k = 0; k < 4; k++) assert_in_range(s.ranks[k], 0, frames - 1);
        assert_in_range(s.top, 0, 8);
        assert_in_range(s.left, 0, 8);
        swapped += b > d;
        flipped += s.flip;
        before += m < low;
        near[high - low]++;
    }
    /* Halves: 4000 draws have a standard deviation of 32. */
    assert_in_range(swapped, DRAWS / 2 - 160, DRAWS / 2 + 160);
    assert_in_range(flipped, DRAWS / 2 - 160, DRAWS / 2 + 160);
    assert_in_range(before, DRAWS / 2 - 160, DRAWS / 2 + 160);
    for (int k = 6; k <= 8; k++) assert_in_range(near[k], DRAWS / 5, DRAWS / 2);
    close_opened(&o);
}

static void draws_are_functions_of_their_number(void **state)
{
    (void)state;
    opened o = open_task(NULL), again = open_task(NULL);
    int same_seed = 0, same_epoch = 0, same_attempt = 0;
    for (uint32_t i = 200; i-- > 0;) { /* backwards: order must not matter */
        const zoe_sample a = draw(&o, ZOE_SPLIT_TRAIN, 3, 7, i, 0), b = draw(&again, ZOE_SPLIT_TRAIN, 3, 7, i, 0);
        const zoe_sample seed = draw(&o, ZOE_SPLIT_TRAIN, 4, 7, i, 0), epoch = draw(&o, ZOE_SPLIT_TRAIN, 3, 8, i, 0);
        const zoe_sample attempt = draw(&o, ZOE_SPLIT_TRAIN, 3, 7, i, 1);
        assert_memory_equal(&a, &b, sizeof a);
        same_seed += !memcmp(&a, &seed, sizeof a);
        same_epoch += !memcmp(&a, &epoch, sizeof a);
        same_attempt += !memcmp(&a, &attempt, sizeof a);
    }
    assert_true(same_seed < 3 && same_epoch < 3 && same_attempt < 3);
    close_opened(&o);
    close_opened(&again);
}

static void held_out_triplets_are_half_and_half(void **state)
{
    (void)state;
    opened o = open_task(NULL);
    int positives = 0, swapped = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_HELD_OUT, 77, 0, i, 0);
        const int low = s.ranks[0] < s.ranks[2] ? s.ranks[0] : s.ranks[2], high = s.ranks[0] + s.ranks[2] - low;
        assert_int_equal(s.frames, 3);
        assert_int_equal(s.labels[0], s.ranks[1] > low && s.ranks[1] < high);
        assert_int_equal(s.top, 4);
        assert_int_equal(s.left, 4);
        assert_false(s.flip);
        positives += s.labels[0];
        swapped += s.ranks[0] > s.ranks[2];
    }
    assert_int_equal(positives, 1000);
    assert_in_range(swapped, 850, 1150);
    close_opened(&o);
}

/* Windows are drawn by their motion: their mean must be above that of uniform windows, which --candidates 1 gives. */
static void motion_draws_windows(void **state)
{
    (void)state;
    const char *const one[] = {"candidates", "1", NULL};
    opened by_motion = open_task(NULL), uniform = open_task(one);
    double sum[2] = {0, 0};
    for (int k = 0; k < 2; k++)
        for (uint32_t i = 0; i < DRAWS; i++) {
            const zoe_sample s = draw(k ? &uniform : &by_motion, ZOE_SPLIT_TRAIN, 1, 0, i, 0);
            const zoe_clip *clip = zoe_pack_clip(the_world.pack, s.clip);
            int low = s.ranks[0], high = s.ranks[0];
            for (int f = 1; f < 4; f++) {
                if (s.ranks[f] < low) low = s.ranks[f];
                if (s.ranks[f] > high) high = s.ranks[f];
            }
            for (int f = low + 1; f <= high; f++) sum[k] += (double)clip->difference[f] / (high - low);
        }
    assert_true(sum[0] > 1.005 * sum[1]);
    close_opened(&by_motion);
    close_opened(&uniform);
}

static void a_quarter_positives_share_both_ends(void **state)
{
    (void)state;
    const char *const quarter[] = {"positives", "0.25", NULL};
    opened o = open_task(quarter);
    assert_int_equal(o.task.frames[0], 6);
    assert_int_equal(o.task.tuples[0], 4);
    for (uint32_t i = 0; i < 500; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 1, 0, i, 0);
        const int low = s.ranks[0] < s.ranks[2] ? s.ranks[0] : s.ranks[2], high = s.ranks[0] + s.ranks[2] - low;
        for (int g = 0; g < 4; g++) {
            const int middle = s.ranks[g ? 2 + g : 1];
            assert_int_equal(s.labels[g], middle > low && middle < high);
            assert_int_equal(s.labels[g], g == 0);
        }
        assert_true((s.ranks[3] < low) != (s.ranks[4] < low)); /* both a and e are there */
    }
    close_opened(&o);
}

static void the_paper_has_three_streams(void **state)
{
    (void)state;
    /* 60 frames a clip are too few for tau 60: smaller distances, the same shape. */
    const char *const paper[] = {"recipe",  "paper", "tau-max",    "20", "near", "10",
                                 "tau-min", "10",    "tau-spread", "3",  NULL};
    opened o = open_task(paper);
    assert_string_equal(zoe_options_text(o.options, "net"), "caffenet");
    assert_string_equal(zoe_options_text(o.options, "motion"), "codec");
    assert_true(zoe_options_int(o.options, "batch") * o.task.tuples[0] == 128);
    assert_int_equal(zoe_options_int(o.options, "micro"), 4);
    assert_int_equal(o.task.frames[0], 12);
    for (uint32_t i = 0; i < 500; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 1, 0, i, 0);
        for (int g = 0; g < 4; g++) {
            const int b = s.ranks[g], m = s.ranks[4 + g], d = s.ranks[8 + g];
            assert_int_equal(b, s.ranks[0]);
            assert_int_equal(d, s.ranks[8]);
            assert_in_range(distance(b, d), 10, 20);
            assert_int_equal(s.labels[g], (m > b) == (m < d));
            if (!s.labels[g])
                assert_true(distance(m, b) >= 10 && distance(m, d) >= 10);
            else
                assert_true(distance(m, b) >= 2 && distance(m, d) >= 2);
        }
    }
    close_opened(&o);
}

static void short_clips_are_counted_and_none_is_an_error(void **state)
{
    (void)state;
    opened o;
    const char *const far[] = {"tau-max", "60", "near", "40",
                               "tau-min", "10", NULL}; /* 61 frames needed, clips have 60 */
    assert_int_equal(open_with(&o, far), ZOE_DATA);
    assert_non_null(strstr(zoe_context_error(the_world.context), "61 are needed"));
    zoe_context_clear(the_world.context);
    zoe_options_free(&o.options);
    const char *const fits[] = {"tau-max", "60", "near", "39", "tau-min", "10", NULL}; /* exactly 60 */
    o = open_task(fits);
    assert_int_equal(o.task.usable[0], CLIPS);
    const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 1, 0, 0, 0);
    for (int k = 0; k < s.frames; k++) assert_in_range(s.ranks[k], 0, 59);
    close_opened(&o);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    opened o;
    const char *const wrong[][6] = {{"near", "9", "tau-max", "8", NULL}, {"near", "6", "gap", "4", NULL}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(open_with(&o, wrong[i]), ZOE_CONFIG);
        zoe_context_clear(the_world.context);
        zoe_options_free(&o.options);
    }
}

/* Flat pictures: the distance of two is the difference of their levels. */
static void pixel_rule_is_its_formula(void **state)
{
    (void)state;
    const char *const tiny[] = {"frame", "56x56", NULL};
    opened o = open_task(tiny);
    enum { BYTES = 56 * 56 * 3 };
    static uint8_t rgb[3 * BYTES];
    for (int i = 0; i < BYTES; i++) {
        rgb[i] = 10;
        rgb[BYTES + i] = 30;
        rgb[2 * BYTES + i] = 50;
    }
    const zoe_sample s = {.frames = 3};
    assert_true(fabs(o.task.kind->pixel_rule(&o.task, &s, rgb)) < 1e-12); /* (40 - 20 - 20) / 40 */
    memset(rgb + BYTES, 90, BYTES);
    assert_true(fabs(o.task.kind->pixel_rule(&o.task, &s, rgb) + 2) < 1e-12); /* (40 - 80 - 40) / 40 */
    close_opened(&o);
}

static void a_middle_like_its_neighbours_is_refused(void **state)
{
    (void)state;
    const char *const differ[] = {"differ", "100", "frame", "56x56", NULL};
    opened o = open_task(differ);
    enum { BYTES = 56 * 56 * 3 };
    static uint8_t rgb[7 * BYTES]; /* b c d m, then c a e */
    zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 1, 0, 0, 0);
    assert_int_equal(s.frames, 7);
    assert_int_equal(s.ranks[4], s.ranks[1]);
    memset(rgb + 5 * BYTES, 11, 2 * BYTES);
    assert_true(o.task.kind->accept(&o.task, &s, rgb)); /* 121 > 100 */
    memset(rgb + 6 * BYTES, 9, BYTES);
    assert_false(o.task.kind->accept(&o.task, &s, rgb)); /* e: 81 */
    close_opened(&o);
}

static void unknown_tasks_get_a_suggestion(void **state)
{
    (void)state;
    assert_null(zoe_task_find(the_world.context, "shufle-learn"));
    assert_non_null(strstr(zoe_context_error(the_world.context), "did you mean 'shuffle-learn'"));
    zoe_context_clear(the_world.context);
}

static int set_up(void **state)
{
    (void)state;
    return world_make(&the_world, CLIPS);
}

static int tear_down(void **state)
{
    (void)state;
    world_free(&the_world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_windows_obey_the_recipe),
        cmocka_unit_test(draws_are_functions_of_their_number),
        cmocka_unit_test(held_out_triplets_are_half_and_half),
        cmocka_unit_test(motion_draws_windows),
        cmocka_unit_test(a_quarter_positives_share_both_ends),
        cmocka_unit_test(the_paper_has_three_streams),
        cmocka_unit_test(short_clips_are_counted_and_none_is_an_error),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(pixel_rule_is_its_formula),
        cmocka_unit_test(a_middle_like_its_neighbours_is_refused),
        cmocka_unit_test(unknown_tasks_get_a_suggestion),
    };
    return cmocka_run_group_tests_name("tasks/shuffle_learn", tests, set_up, tear_down);
}
