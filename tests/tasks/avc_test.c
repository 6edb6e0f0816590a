/* SPDX-License-Identifier: Apache-2.0
 *
 * Audio-visual correspondence: what the sampler draws, which clips it takes, what the options refuse; and the shortcut
 * of the sampling grid. The clips are made here: a still noise picture for 2 s, and white noise with a click at each
 * frame, so that nothing in a picture says which sound is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <ftw.h>
#include <libavutil/mem.h>
#include <math.h>

#include <zoe/device.h>
#include <zoe/task.h>
#include <zoe/train.h>

#include "core/core.h"
#include "core/philox.h"
#include "media/synth.h"

enum { SIDE = 64, FPS = 25, FRAMES = 50, RATE = 48000, SAMPLES = 2 * RATE, GOOD = 24, ODD = 3 };

static char folder[64], pack_path[96];
static zoe_context *context;
static zoe_pack *pack;

static void check(zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
}

/* ---- clips ---- */

static void fill_sound(zoe__random *random, float *pcm, int samples)
{
    const float level = (float)zoe__random_between(random, 0.001, 0.004);
    for (int i = 0; i < samples; i++) pcm[i] = level * (float)zoe__random_normal(random);
    for (int i = 120; i < samples; i += RATE / FPS) pcm[i] += 0.1f * (float)zoe__random_between(random, 0.5, 2);
}

/* samples 0: no sound; loud: false = silence. */
static void write_clip(const char *label, int number, int samples, bool loud)
{
    char path[128];
    uint8_t *bytes, *rgb = calloc((size_t)FRAMES * SIDE * SIDE * 3, 1);
    float *pcm = calloc(SAMPLES, sizeof *pcm);
    size_t size;
    zoe__random random;
    assert_true(rgb && pcm);
    zoe__random_init(&random, 3, 7, (uint32_t)number);
    for (int i = 0; i < SIDE * SIDE * 3; i++) rgb[i] = (uint8_t)zoe__random_below(&random, 256);
    for (int f = 1; f < FRAMES; f++) memcpy(rgb + (size_t)f * SIDE * SIDE * 3, rgb, SIDE * SIDE * 3);
    if (loud) fill_sound(&random, pcm, samples);
    const zoe__synth_movie movie = {.rgb = rgb,
                                    .frames = FRAMES,
                                    .width = SIDE,
                                    .height = SIDE,
                                    .fps = FPS,
                                    .pcm = samples ? pcm : NULL,
                                    .samples = samples,
                                    .rate = RATE,
                                    .container = "mkv",
                                    .encoder = "mpeg4"};
    check(zoe__synth_encode(context, &movie, &bytes, &size));
    snprintf(path, sizeof path, "%s/clips/%s", folder, label);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/clips/%s/%03d.mkv", folder, label, number);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    av_free(bytes);
    free(rgb);
    free(pcm);
}

static int make_clips(void **state)
{
    static const char *const labels[3] = {"a", "b", "c"};
    char path[96];
    const char *paths[1] = {path};
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/zoe-test-XXXXXX");
    if (zoe_context_new(&context) != ZOE_OK || !mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/clips", folder);
    snprintf(pack_path, sizeof pack_path, "%s/pack", folder);
    mkdir(path, 0755);
    for (int i = 0; i < GOOD; i++) write_clip(labels[i % 3], i, SAMPLES, true);
    write_clip("d", GOOD, 0, false);
    write_clip("d", GOOD + 1, SAMPLES, false);
    write_clip("d", GOOD + 2, RATE / 2, true);
    zoe_index_options index = zoe_index_options_default();
    check(zoe_pack_index(context, paths, 1, pack_path, &index));
    check(zoe_pack_open(&pack, context, pack_path));
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_clips(void **state)
{
    (void)state;
    zoe_pack_free(&pack);
    zoe_context_free(&context);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ---- a task on all clips ---- */

typedef struct opened {
    zoe_options *options;
    zoe_task task;
    size_t clips[GOOD + ODD];
} opened;

static zoe_status open_task(opened *o, const char *name, const char *const (*set)[2], size_t first, size_t count)
{
    const zoe_task_kind *kind = zoe_task_find(context, name);
    assert_non_null(kind);
    check(zoe_options_new(&o->options, context));
    check(zoe_train_options(o->options, context, name));
    for (; set && (*set)[0]; set++) check(zoe_options_set(o->options, (*set)[0], (*set)[1]));
    check(kind->set_defaults(o->options));
    const zoe_backbone *net = zoe_backbone_find(context, zoe_options_text(o->options, "net"));
    assert_non_null(net);
    for (size_t i = 0; i < count; i++) o->clips[i] = first + i;
    const zoe_task_clips clips = {.clips = {o->clips, o->clips}, .count = {count, count}};
    return zoe_task_open(&o->task, context, kind, o->options, net, pack, &clips);
}

static void close_task(opened *o)
{
    zoe_task_close(&o->task);
    zoe_options_free(&o->options);
}

static zoe_sample draw(const opened *o, zoe_split split, int64_t epoch, uint32_t index, uint32_t attempt)
{
    zoe_sample sample;
    memset(&sample, 0xA5, sizeof sample);
    o->task.kind->sample(&o->task, split, 1, epoch, index, attempt, &sample);
    return sample;
}

static const char *label_of(size_t clip)
{
    return zoe_pack_clip(pack, clip)->label;
}

/* ---- the sampler ---- */

static void unusable_clips_are_left_out(void **state)
{
    opened o = {0};
    (void)state;
    check(open_task(&o, "avc-l3", NULL, 0, GOOD + ODD));
    assert_int_equal(o.task.usable[0], GOOD);
    assert_int_equal(o.task.usable[1], GOOD);
    for (uint32_t i = 0; i < 500; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 0, i, 0);
        assert_string_not_equal(label_of(s.clip), "d");
        assert_string_not_equal(label_of(s.sound_clip), "d");
    }
    close_task(&o);
    assert_int_equal(open_task(&o, "avc-l3", NULL, GOOD, ODD), ZOE_DATA);
    assert_non_null(strstr(zoe_context_error(context),
                           "0 of 3 training clips can be used, 2 are needed: 0 without pictures, 1 without sound, 1 "
                           "silent, 0 with broken sound, 1 without 1.005 s of sound around a frame"));
    zoe_context_clear(context);
    zoe_options_free(&o.options);
}

/* Distance of the window's middle from the nearest frame of its own clip, s. */
static double off_grid(const zoe_sample *s)
{
    const double middle = s->sound_start + 48240 / 2.0 / RATE;
    return fabs(middle * FPS - round(middle * FPS)) / FPS;
}

static void both_classes_lie_on_one_grid(void **state)
{
    opened o = {0};
    (void)state;
    check(open_task(&o, "avc-ave", NULL, 0, GOOD));
    int count[2] = {0, 0}, inside = 0;
    for (int split = 0; split < 2; split++)
        for (uint32_t i = 0; i < 2000; i++) {
            const zoe_sample s = draw(&o, (zoe_split)split, 3, i, 0);
            const zoe_clip *heard = zoe_pack_clip(pack, s.sound_clip);
            assert_in_range(s.labels[0], 0, 1);
            count[s.labels[0]]++;
            assert_int_equal(s.labels[0], s.clip == s.sound_clip);
            assert_true(off_grid(&s) < 1e-4);
            assert_true(s.sound_start >= heard->sound.start - 1e-6 &&
                        s.sound_start + 48240.0 / RATE <= heard->sound.end + 1e-6);
            const double middle = s.sound_start + 48240 / 2.0 / RATE;
            if (s.labels[0]) assert_float_equal(middle, heard->times[s.ranks[0]], 1e-6);
            inside += s.ranks[0] >= 13 && s.ranks[0] <= 37;
        }
    assert_int_equal(count[0], count[1]);
    assert_int_equal(inside, 4000);
    close_task(&o);
}

static void a_sample_hangs_on_its_number_alone(void **state)
{
    opened o = {0}, again = {0};
    (void)state;
    check(open_task(&o, "avc-avol", NULL, 0, GOOD));
    check(open_task(&again, "avc-avol", NULL, 0, GOOD));
    int equal[3] = {0, 0, 0};
    for (uint32_t i = 0; i < 200; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 5, i, 1), t = draw(&again, ZOE_SPLIT_TRAIN, 5, i, 1);
        assert_true(s.clip == t.clip && s.sound_clip == t.sound_clip && s.ranks[0] == t.ranks[0] && s.flip == t.flip);
        assert_true(s.sound_start == t.sound_start && s.gain == t.gain && s.brightness == t.brightness &&
                    s.saturation == t.saturation && s.top == t.top && s.left == t.left);
        const zoe_sample other[3] = {draw(&o, ZOE_SPLIT_TRAIN, 5, i, 2), draw(&o, ZOE_SPLIT_TRAIN, 6, i, 1),
                                     draw(&o, ZOE_SPLIT_TRAIN, 5, i + 200, 1)};
        for (int k = 0; k < 3; k++) equal[k] += other[k].clip == s.clip && other[k].ranks[0] == s.ranks[0];
    }
    for (int k = 0; k < 3; k++) assert_true(equal[k] < 10);
    close_task(&o);
    close_task(&again);
}

static void training_varies_what_figures_do_not(void **state)
{
    static const char *const large[][2] = {{"frame", "80x72"}, {NULL, NULL}};
    opened o = {0};
    (void)state;
    check(open_task(&o, "avc", large, 0, GOOD));
    int flips = 0, low = 1 << 20, high = 0, gains[2] = {1 << 20, 0};
    for (uint32_t i = 0; i < 1000; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 0, i, 0), h = draw(&o, ZOE_SPLIT_HELD_OUT, 0, i, 0);
        flips += s.flip;
        if (s.left < low) low = s.left;
        if (s.left > high) high = s.left;
        if (s.gain < gains[0]) gains[0] = s.gain;
        if (s.gain > gains[1]) gains[1] = s.gain;
        assert_true(s.top >= 0 && s.top <= 8 && abs(s.brightness) <= 8225);
        assert_true(s.saturation >= 32767 && s.saturation <= 98305);
        assert_true(h.top == 4 && h.left == 8 && !h.flip && h.gain == 65536 && h.saturation == 65536 && !h.brightness);
    }
    assert_in_range(flips, 430, 570);
    assert_int_equal(low, 0);
    assert_int_equal(high, 16);
    assert_in_range(gains[0], 58982, 59600);
    assert_in_range(gains[1], 71500, 72090);
    close_task(&o);
}

static void pairs_by_label(void **state)
{
    static const char *const by_label[][2] = {{"pair-by", "label"}, {NULL, NULL}};
    opened o = {0};
    (void)state;
    check(open_task(&o, "avc-ave", by_label, 0, GOOD));
    int same_clip = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const zoe_sample s = draw(&o, ZOE_SPLIT_TRAIN, 0, i, 0);
        assert_int_equal(s.labels[0], !strcmp(label_of(s.clip), label_of(s.sound_clip)));
        same_clip += s.clip == s.sound_clip;
    }
    assert_in_range(same_clip, 30, 100); /* 1 of 8 of the right pairs */
    close_task(&o);
    assert_int_equal(open_task(&o, "avc-ave", by_label, 0, GOOD / 3), ZOE_DATA);
    assert_non_null(strstr(zoe_context_error(context), "all 8 clips have the label 'a', there is no wrong pair"));
    zoe_context_clear(context);
    zoe_options_free(&o.options);
}

static void mistakes(void **state)
{
    static const char *const sees[][2] = {{"sound-net", "mini"}, {NULL, NULL}};
    static const char *const unknown[][2] = {{"sound-net", "avc-audo"}, {NULL, NULL}};
    static const char *const flat[][2] = {{"net", "caffenet"}, {NULL, NULL}};
    static const struct {
        const char *const (*set)[2];
        zoe_status status;
        const char *text;
    } all[] = {{sees, ZOE_CONFIG, "--sound-net mini: sees pictures"},
               {unknown, ZOE_USAGE, "did you mean 'avc-audio'"},
               {flat, ZOE_CONFIG, "--net caffenet: has no map of places"}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        opened o = {0};
        assert_int_equal(open_task(&o, "avc-avol", all[i].set, 0, GOOD), all[i].status);
        if (!strstr(zoe_context_error(context), all[i].text)) fail_msg("%s", zoe_context_error(context));
        zoe_context_clear(context);
        zoe_options_free(&o.options);
    }
}

/* ---- the shortcut ---- */

static double held_out_accuracy(const char *negatives)
{
    zoe_options *options;
    zoe_train_result result;
    const char *paths[1] = {pack_path};
    char run[96];
    const char *const set[][2] = {{"out", run},      {"negatives", negatives}, {"steps", "150"}, {"batch", "32"},
                                  {"tuples", "300"}, {"holdout", "0.5"},       {"seed", "2"},    {"warmup", "10"}};
    snprintf(run, sizeof run, "%s/run-%s", folder, negatives);
    check(zoe_options_new(&options, context));
    check(zoe_train_options(options, context, "avc-l3"));
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) check(zoe_options_set(options, set[i][0], set[i][1]));
    check(zoe_train(context, "avc-l3", paths, 1, options, NULL, &result));
    zoe_options_free(&options);
    print_message("negatives %s: balanced accuracy %.3f, AUC %.3f\n", negatives, result.balanced_accuracy, result.auc);
    return result.balanced_accuracy;
}

static bool has_kernels(void)
{
    const zoe_device_options options = zoe_device_options_default();
    zoe_device *device = NULL;
    check(zoe_device_open(&device, context, &options));
    const bool has = zoe_device_get_info(device)->family != ZOE_FAMILY_HOST;
    zoe_device_free(&device);
    return has;
}

/* Pictures and sounds have nothing to do with each other, so that held-out answers are chance: unless the place of the
 * sound in time tells right from wrong pairs. */
static void only_unmatched_grids_let_it_cheat(void **state)
{
    (void)state;
    if (!has_kernels()) {
        print_message("SKIPPED: no OpenCL device, training on the host would take minutes\n");
        skip();
    }
    assert_true(held_out_accuracy("anywhere") > 0.7);
    const double matched = held_out_accuracy("grid");
    assert_true(matched > 0.35 && matched < 0.65);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unusable_clips_are_left_out),
        cmocka_unit_test(both_classes_lie_on_one_grid),
        cmocka_unit_test(a_sample_hangs_on_its_number_alone),
        cmocka_unit_test(training_varies_what_figures_do_not),
        cmocka_unit_test(pairs_by_label),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(only_unmatched_grids_let_it_cheat),
    };
    return cmocka_run_group_tests_name("tasks/avc", tests, make_clips, remove_clips);
}
