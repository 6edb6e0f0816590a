/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluations of a run of pictures and sounds: retrieval, localise, linear, neighbours and embed on a run of a few
 * steps on a few clips of the world `sounding`. What is asked is the form of the results and that they agree with each
 * other, not that anything was learnt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ftw.h>
#include <jansson.h>
#include <math.h>

#include <zoe/device.h>
#include <zoe/evaluate.h>
#include <zoe/media.h>
#include <zoe/train.h>

#include "core/core.h"

enum { CLIPS = 24, PAIRS = 6 };

static char folder[64], pack[96], two[96], run[96], plain[96];
static zoe_context *context;

static void check(zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
}

static void train(const char *task, const char *out)
{
    zoe_options *options;
    zoe_train_result result;
    const char *paths[1] = {pack};
    const char *const set[][2] = {{"out", out},     {"steps", "2"},     {"batch", "8"}, {"holdout", "0.5"},
                                  {"tuples", "10"}, {"device", "pocl"}, {"seed", "3"}};
    check(zoe_options_new(&options, context));
    check(zoe_train_options(options, context, task));
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) check(zoe_options_set(options, set[i][0], set[i][1]));
    check(zoe_train(context, task, paths, 1, options, NULL, &result));
    zoe_options_free(&options);
}

static bool has_pocl(void)
{
    zoe_device *device = NULL;
    zoe_device_options options = zoe_device_options_default();
    options.name = "pocl";
    const bool has = zoe_device_open(&device, context, &options) == ZOE_OK;
    zoe_context_clear(context);
    zoe_device_free(&device);
    return has;
}

static int make_run(void **state)
{
    char clips[96];
    const char *paths[1] = {clips};
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/zoe-test-XXXXXX");
    if (zoe_context_new(&context) != ZOE_OK || !mkdtemp(folder)) return -1;
    if (!has_pocl()) return 0;
    snprintf(clips, sizeof clips, "%s/clips", folder);
    snprintf(two, sizeof two, "%s/two", folder);
    snprintf(pack, sizeof pack, "%s/pack", folder);
    snprintf(run, sizeof run, "%s/run", folder);
    snprintf(plain, sizeof plain, "%s/plain", folder);
    zoe_synth_options synth = zoe_synth_options_default();
    synth.world = "sounding";
    synth.clips = CLIPS;
    check(zoe_synth(context, clips, &synth));
    synth.clips = PAIRS;
    synth.pairs = true;
    check(zoe_synth(context, two, &synth));
    zoe_index_options index = zoe_index_options_default();
    check(zoe_pack_index(context, paths, 1, pack, &index));
    train("avc-avol", run);
    train("avc-l3", plain);
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_run(void **state)
{
    (void)state;
    zoe_context_free(&context);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void need_a_run(void)
{
    if (run[0]) return;
    print_message("SKIPPED: no PoCL, training on the host would take minutes\n");
    skip();
}

/* Runs a protocol with options {name, text}, ended by {NULL}; NULL where it failed with *status. */
static json_t *evaluate(const char *name, const char *of, const char *clips, const char *const (*set)[2],
                        zoe_status *status)
{
    const zoe_protocol *protocol = zoe_protocol_find(context, name);
    zoe_options *options;
    zoe_evaluation out = {0};
    assert_non_null(protocol);
    check(zoe_options_new(&options, context));
    check(zoe_options_add(options, protocol->options));
    check(zoe_options_set(options, "draws", "1"));
    check(zoe_options_set(options, "device", "pocl"));
    for (; set && (*set)[0]; set++) check(zoe_options_set(options, (*set)[0], (*set)[1]));
    *status = protocol->run(context, of, &clips, clips ? 1 : 0, options, &out);
    json_t *value = out.json ? json_loads(out.json, 0, NULL) : NULL;
    zoe_evaluation_free(&out);
    zoe_options_free(&options);
    return value;
}

static double figure(const json_t *value, const char *name)
{
    const json_t *number = json_object_get(value, name);
    if (!json_is_number(number)) fail_msg("no number %s", name);
    return json_number_value(number);
}

static double share(const json_t *value, const char *name)
{
    const double x = figure(value, name);
    if (!(x >= 0 && x <= 1)) fail_msg("%s is %g", name, x);
    return x;
}

static void check_figures(const json_t *value)
{
    assert_true(share(value, "r1") <= share(value, "r5") && share(value, "r5") <= share(value, "r10"));
    share(value, "ndcg30");
}

static void retrieval(void **state)
{
    static const char *const ways[4] = {"image_to_sound", "sound_to_image", "image_to_image", "sound_to_sound"};
    const char *const runs[2] = {run, plain};
    zoe_status status;
    (void)state;
    need_a_run();
    for (int k = 0; k < 2; k++) {
        json_t *value = evaluate("retrieval", runs[k], NULL, NULL, &status);
        check(status);
        assert_int_equal(figure(value, "pool"), CLIPS / 2);
        assert_int_equal(figure(value, "seen_clips"), CLIPS / 2);
        for (int way = 0; way < 4; way++) {
            check_figures(json_object_get(value, ways[way]));
            check_figures(json_object_get(json_object_get(value, "random"), ways[way]));
        }
        const json_t *chance = json_object_get(value, "chance");
        check_figures(chance);
        assert_float_equal(figure(chance, "r1"), 1.0 / 12, 1e-9);
        assert_float_equal(figure(chance, "r10"), 10.0 / 12, 1e-9);
        json_decref(value);
    }
}

static void localise(void **state)
{
    static const char *const one[][2] = {{"frames", "2"}, {"pictures", "3"}, {NULL, NULL}};
    zoe_status status;
    (void)state;
    need_a_run();
    json_t *value = evaluate("localise", run, two, one, &status);
    check(status);
    assert_int_equal(figure(value, "clips"), PAIRS);
    assert_int_equal(figure(value, "frames"), 2 * PAIRS);
    assert_true(share(value, "pointing") + share(value, "other") <= 1);
    share(value, "centre");
    share(value, "random");
    share(value, "iou");
    FILE *sheet = fopen(json_string_value(json_object_get(value, "sheet")), "rb");
    assert_non_null(sheet);
    fclose(sheet);
    json_decref(value);
    value = evaluate("localise", plain, two, NULL, &status);
    assert_null(value);
    assert_int_equal(status, ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "a run of 'avc-l3' has no map of places"));
    zoe_context_clear(context);
}

static void linear(void **state)
{
    static const char *const audio[][2] = {{"stream", "audio"}, {"layer", "conv4"}, {"folds", "3"}, {NULL, NULL}};
    static const char *const vision[][2] = {{"layer", "pool4"}, {"folds", "2"}, {NULL, NULL}};
    static const char *const unknown[][2] = {{"layer", "conv9"}, {NULL, NULL}};
    zoe_status status;
    (void)state;
    need_a_run();
    json_t *value = evaluate("linear", run, two, audio, &status);
    check(status);
    assert_string_equal(json_string_value(json_object_get(value, "layer")), "conv4");
    assert_int_equal(figure(value, "folds"), 3);
    assert_int_equal(figure(value, "numbers"), 64 * 4 * 3);
    share(value, "accuracy");
    assert_true(figure(value, "std") >= 0);
    share(json_object_get(value, "random"), "accuracy");
    assert_true(figure(json_object_get(value, "random"), "std") >= 0);
    share(value, "chance");
    json_decref(value);
    value = evaluate("linear", plain, NULL, vision, &status);
    check(status);
    assert_int_equal(figure(value, "numbers"), 64);
    json_decref(value);
    assert_null(evaluate("linear", run, NULL, unknown, &status));
    assert_int_equal(status, ZOE_USAGE);
    assert_non_null(strstr(zoe_context_error(context), "has no layer 'conv9'"));
    zoe_context_clear(context);
}

static void neighbours_of_sounds(void **state)
{
    static const char *const audio[][2] = {{"stream", "audio"}, {"layer", "embedding"}, {NULL, NULL}};
    zoe_status status;
    (void)state;
    need_a_run();
    json_t *value = evaluate("neighbours", run, NULL, audio, &status);
    check(status);
    assert_int_equal(figure(value, "frames"), CLIPS / 2); /* a window of 1.005 s in each clip of 2 s */
    assert_string_equal(json_string_value(json_object_get(value, "best_layer")), "embedding");
    json_decref(value);
}

/* The embeddings of avc-avol: 128 numbers of a sound, 128 for each of 8 x 8 places of a frame. */
static void embed_both_streams(void **state)
{
    char out[128];
    const char *files[1] = {two};
    zoe_embed_result result;
    zoe_embed_options options = zoe_embed_options_default();
    (void)state;
    need_a_run();
    snprintf(out, sizeof out, "%s/f.npy", folder);
    options.features.device = "pocl";
    options.features.audio = true;
    options.first = 0;
    check(zoe_embed(context, run, files, 1, out, &options, &result));
    assert_int_equal(result.rows, PAIRS);
    assert_int_equal(result.columns, 128);
    assert_string_equal(result.layer, "embedding");
    options.features.audio = false;
    options.every = 100;
    check(zoe_embed(context, run, files, 1, out, &options, &result));
    assert_int_equal(result.rows, PAIRS);
    assert_int_equal(result.columns, 128 * 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retrieval),
        cmocka_unit_test(localise),
        cmocka_unit_test(linear),
        cmocka_unit_test(neighbours_of_sounds),
        cmocka_unit_test(embed_both_streams),
    };
    return cmocka_run_group_tests_name("evaluate/streams", tests, make_run, remove_run);
}
