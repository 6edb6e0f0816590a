/* SPDX-License-Identifier: Apache-2.0
 *
 * From a run to its figures: a tiny world, a run of two steps on the host device, then every door of evaluate.h. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include <zoe/evaluate.h>
#include <zoe/op.h>
#include <zoe/train.h>

#include "core/philox.h"
#include "evaluate/features.h"
#include "tasks/world.h"

enum { CLIPS = 16, HELD_OUT = 8 };

static world w;
static char run[96], seen_all[96], pack[96];

static zoe_options *options_of(const zoe_option *table)
{
    zoe_options *options;
    assert_int_equal(zoe_options_new(&options, w.context), ZOE_OK);
    if (table) assert_int_equal(zoe_options_add(options, table), ZOE_OK);
    return options;
}

static void set(zoe_options *options, const char *name, const char *text)
{
    if (zoe_options_set(options, name, text) != ZOE_OK) fail_msg("%s", zoe_context_error(w.context));
}

static int train(const char *out, const char *holdout)
{
    const char *const clips[1] = {pack};
    static const char *const settings[][2] = {
        {"steps", "2"}, {"batch", "2"}, {"tuples", "4"}, {"device", "host"}, {"workers", "2"}};
    zoe_options *options;
    zoe_train_result result;
    if (zoe_options_new(&options, w.context) != ZOE_OK ||
        zoe_train_options(options, w.context, "shuffle-learn") != ZOE_OK)
        return -1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        zoe_options_set(options, settings[i][0], settings[i][1]);
    zoe_options_set(options, "out", out);
    zoe_options_set(options, "holdout", holdout);
    const zoe_status status = zoe_train(w.context, "shuffle-learn", clips, 1, options, NULL, &result);
    zoe_options_free(&options);
    zoe_train_result_clear(&result);
    if (status != ZOE_OK) fprintf(stderr, "train: %s\n", zoe_context_error(w.context));
    return status == ZOE_OK ? 0 : -1;
}

static int make(void **state)
{
    (void)state;
    if (world_make(&w, CLIPS) != 0) return -1;
    snprintf(run, sizeof run, "%s/run", w.folder);
    snprintf(seen_all, sizeof seen_all, "%s/seen-all", w.folder);
    snprintf(pack, sizeof pack, "%s/pack", w.folder);
    return train(run, "0.5") || train(seen_all, "0");
}

static int unmake(void **state)
{
    (void)state;
    world_free(&w);
    return 0;
}

/* ---- neighbours ---- */

static zoe_status neighbours(const char *of, const char *clips, const char *const (*settings)[2], size_t count,
                             zoe_evaluation *out)
{
    const zoe_protocol *protocol = zoe_protocol_find(w.context, "neighbours");
    zoe_options *options = options_of(protocol->options);
    set(options, "device", "host");
    set(options, "batch", "2");
    set(options, "every", "30");
    for (size_t i = 0; i < count; i++) set(options, settings[i][0], settings[i][1]);
    zoe_context_clear(w.context);
    const zoe_status status = protocol->run(w.context, of, &clips, clips ? 1 : 0, options, out);
    zoe_options_free(&options);
    return status;
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_number(value)) fail_msg("no number '%s'", name);
    return json_number_value(value);
}

/* Frames 3 and 33 of the 8 held-out clips: every share is a whole number of 16ths. */
static void check_share(const json_t *object, const char *name)
{
    const double frames = number(object, name) * 2 * HELD_OUT;
    assert_true(frames > -1e-4 && frames < 2 * HELD_OUT + 1e-4 && fabs(frames - round(frames)) < 1e-4);
}

static double expected_chance(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/split.json", run);
    json_t *split = json_load_file(path, 0, NULL);
    const json_t *held = json_object_get(split, "held_out");
    const char *label[HELD_OUT];
    double sum = 0;
    assert_int_equal(json_array_size(held), HELD_OUT);
    for (size_t i = 0; i < HELD_OUT; i++) {
        label[i] = NULL;
        for (size_t c = 0; c < zoe_pack_clips(w.pack); c++)
            if (!strcmp(zoe_pack_clip(w.pack, c)->sha256, json_string_value(json_array_get(held, i))))
                label[i] = zoe_pack_clip(w.pack, c)->label;
        assert_non_null(label[i]);
    }
    for (int i = 0; i < HELD_OUT; i++)
        for (int k = 0; k < HELD_OUT; k++) sum += i != k && !strcmp(label[i], label[k]);
    json_decref(split);
    return sum / (HELD_OUT * (HELD_OUT - 1)); /* all clips have as many frames */
}

static void test_neighbours(void **state)
{
    static const char *const names[] = {"stage1", "stage2", "stage3", "stage4", "fc"};
    zoe_evaluation out, again;
    (void)state;
    if (neighbours(run, pack, NULL, 0, &out) != ZOE_OK) fail_msg("%s", zoe_context_error(w.context));
    json_t *value = json_loads(out.json, 0, NULL);
    assert_non_null(value);
    assert_true(fabs(number(value, "chance") - expected_chance()) < 1e-6);
    assert_int_equal(number(value, "frames"), 2 * HELD_OUT);
    assert_int_equal(number(value, "clips"), HELD_OUT);
    assert_int_equal(number(value, "seen_clips"), CLIPS - HELD_OUT);
    check_share(json_object_get(value, "pixels"), "top1");
    check_share(json_object_get(value, "pixels"), "top5");
    const json_t *layers = json_object_get(value, "layers");
    assert_int_equal(json_array_size(layers), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *layer = json_array_get(layers, i);
        assert_string_equal(json_string_value(json_object_get(layer, "layer")), names[i]);
        check_share(layer, "top1");
        check_share(layer, "top5");
        check_share(json_object_get(layer, "random"), "top1");
        assert_true(number(layer, "top5") >= number(layer, "top1"));
        assert_non_null(strstr(out.text, names[i]));
    }
    assert_int_equal(access(json_string_value(json_object_get(value, "sheet")), R_OK), 0);
    json_decref(value);
    /* The run's own clips and the pack it was given are the same; so are two calls. */
    assert_int_equal(neighbours(run, NULL, NULL, 0, &again), ZOE_OK);
    assert_string_equal(out.json, again.json);
    zoe_evaluation_free(&out);
    zoe_evaluation_free(&again);
}

/* Layers in several passes, when they do not fit together, give the same. */
static void test_one_layer_and_little_memory(void **state)
{
    static const char *const one[][2] = {{"layer", "stage3"}}, *const little[][2] = {{"memory", "1"}};
    zoe_evaluation all, out, passes;
    (void)state;
    assert_int_equal(neighbours(run, pack, NULL, 0, &all), ZOE_OK);
    assert_int_equal(neighbours(run, pack, one, 1, &out), ZOE_OK);
    assert_int_equal(neighbours(run, pack, little, 1, &passes), ZOE_OK);
    assert_string_equal(all.json, passes.json);
    json_t *x = json_loads(all.json, 0, NULL), *y = json_loads(out.json, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(y, "layers")), 1);
    assert_true(
        json_equal(json_array_get(json_object_get(x, "layers"), 2), json_array_get(json_object_get(y, "layers"), 0)));
    json_decref(x);
    json_decref(y);
    zoe_evaluation_free(&all);
    zoe_evaluation_free(&out);
    zoe_evaluation_free(&passes);
}

static void check_error(zoe_status got, zoe_status wanted, const char *part)
{
    const char *text = zoe_context_error(w.context);
    assert_int_equal(got, wanted);
    if (!strstr(text, part)) fail_msg("'%s' is not in '%s'", part, text);
}

static void test_errors(void **state)
{
    static const char *const typo[][2] = {{"layer", "stage33"}}, *const late[][2] = {{"first", "500"}},
                             *const all[][2] = {{"all", "true"}};
    static const char *const tiny[][2] = {{"memory", "1"}, {"every", "1"}};
    zoe_evaluation out;
    (void)state;
    check_error(neighbours(run, pack, typo, 1, &out), ZOE_USAGE, "did you mean 'stage3'");
    check_error(neighbours(run, pack, typo, 1, &out), ZOE_USAGE, "stage1, stage2, stage3, stage4, fc");
    check_error(neighbours(seen_all, pack, NULL, 0, &out), ZOE_DATA, "--all");
    check_error(neighbours(run, pack, late, 1, &out), ZOE_DATA, "frame 500");
    check_error(neighbours(run, pack, tiny, 2, &out), ZOE_MEMORY, "--memory is 1");
    check_error(neighbours(pack, pack, NULL, 0, &out), ZOE_DATA, "not a run folder");
    check_error(neighbours("/nowhere", pack, NULL, 0, &out), ZOE_DATA, "/nowhere");
    assert_null(zoe_protocol_find(w.context, "neighbors"));
    assert_int_equal(neighbours(seen_all, pack, all, 1, &out), ZOE_OK);
    json_t *value = json_loads(out.json, 0, NULL);
    assert_int_equal(number(value, "clips"), CLIPS);
    json_decref(value);
    zoe_evaluation_free(&out);
}

/* ---- features ---- */

static void fill(uint8_t *rgb, size_t n)
{
    zoe__random random;
    zoe__random_init(&random, 9, 1, 1);
    for (size_t i = 0; i < n; i++) rgb[i] = (uint8_t)zoe__random_below(&random, 256);
}

/* Batches of different sizes, the last one part full, give the same rows. */
static void test_features_do_not_hang_on_the_batch(void **state)
{
    enum { N = 5 };
    zoe_features_options options = zoe_features_options_default();
    zoe_features *f;
    float *rows[2][1];
    uint8_t *rgb = malloc(N * 64 * 64 * 3);
    int width, height;
    size_t layer;
    (void)state;
    fill(rgb, N * 64 * 64 * 3);
    for (int k = 0; k < 2; k++) {
        options.device = "host";
        options.batch = k ? 2 : N;
        assert_int_equal(zoe_features_open(&f, w.context, run, &options), ZOE_OK);
        zoe_features_frame(f, &width, &height);
        assert_true(width == 64 && height == 64);
        assert_int_equal(zoe_features_find(f, NULL, &layer), ZOE_OK);
        assert_string_equal(zoe_features_layer(f, layer).name, "fc");
        assert_int_equal(zoe_features_layer(f, layer).count, 64);
        rows[k][0] = calloc(N * 64, sizeof(float));
        assert_int_equal(zoe_features_compute(f, rgb, N, &layer, rows[k], 1), ZOE_OK);
        zoe_features_free(&f);
    }
    for (int i = 0; i < N * 64; i++) assert_true(fabs((double)rows[0][0][i] - (double)rows[1][0][i]) < 1e-6);
    assert_true(memcmp(rows[0][0], rows[0][0] + 64, 64 * sizeof(float)) != 0);
    free(rows[0][0]);
    free(rows[1][0]);
    free(rgb);
}

/* Ten batches of the same pictures: inference then gives what batch norm with the batch's own figures gives, but for
 * the unbiased variance (1 in 2 N H W; stage4 sees 3 * 3 places of 4 pictures, 7 * 7 before its pool). */
static void test_calibration(void **state)
{
    enum { N = 4, STAGE4 = 3 * 3 * 64 };
    const zoe_backbone *backbone = zoe_backbone_find(w.context, "mini");
    const zoe__features_spec spec = {.backbone = backbone, .width = 56, .height = 56, .seed = 3};
    zoe_features_options options = zoe_features_options_default();
    zoe_plan_options plan_options = zoe_plan_options_default();
    zoe_device *device;
    zoe_features *f;
    zoe_store *store;
    zoe_graph *graph;
    zoe_plan *plan;
    size_t layer;
    uint8_t *rgb = malloc(N * 56 * 56 * 3);
    float *x = malloc(N * 56 * 56 * 3 * sizeof *x), *rows = malloc(N * STAGE4 * sizeof *rows),
          *wanted = malloc(N * STAGE4 * sizeof *wanted);
    (void)state;
    options.device = "host";
    options.batch = N;
    fill(rgb, N * 56 * 56 * 3);
    assert_int_equal(zoe__device_open_for(&device, w.context, &options), ZOE_OK);
    assert_int_equal(zoe__features_new(&f, w.context, device, &spec, &options), ZOE_OK);
    assert_int_equal(zoe__features_calibrate(f, rgb, N), ZOE_OK);
    assert_int_equal(zoe_features_find(f, "stage4", &layer), ZOE_OK);
    assert_int_equal(zoe_features_compute(f, rgb, N, &layer, &rows, 1), ZOE_OK);
    zoe_features_free(&f);

    for (int n = 0; n < N; n++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 56 * 56; i++)
                x[(n * 3 + c) * 56 * 56 + i] = ((float)rgb[(n * 56 * 56 + i) * 3 + c] / 255 - 0.5f) / 0.25f;
    assert_int_equal(zoe_store_new(&store, w.context, device, 3), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, w.context), ZOE_OK);
    const zoe_value input = zoe_input(graph, "x", ZOE_F32, (zoe_shape){N, 3, 56, 56});
    backbone->build(graph, input, 0);
    const zoe_value stage4 = zoe_graph_keep(graph, zoe_graph_mark_value(graph, "stage4"));
    plan_options.batch_statistics = true;
    assert_int_equal(zoe_plan_new(&plan, graph, store, &plan_options), ZOE_OK);
    assert_int_equal(zoe_plan_write(plan, input, x), ZOE_OK);
    assert_int_equal(zoe_plan_forward(plan), ZOE_OK);
    assert_int_equal(zoe_plan_read(plan, stage4, wanted), ZOE_OK);
    double difference = 0, largest = 0;
    for (int i = 0; i < N * STAGE4; i++) {
        difference = fmax(difference, fabs((double)rows[i] - (double)wanted[i]));
        largest = fmax(largest, fabs((double)wanted[i]));
    }
    if (!(largest > 0.5 && difference < 0.01 * largest)) fail_msg("differs by %g of %g", difference, largest);
    zoe_plan_free(&plan);
    zoe_graph_free(&graph);
    zoe_store_free(&store);
    zoe_device_free(&device);
    free(rgb);
    free(x);
    free(rows);
    free(wanted);
}

/* ---- embed, samples ---- */

static void test_embed(void **state)
{
    char out[96], table[96], line[256];
    const char *const files[1] = {pack};
    zoe_embed_options options = zoe_embed_options_default();
    zoe_embed_result result;
    zoe_features *f;
    zoe_reader *reader;
    size_t layer;
    float stored[48 * 49], *rows[1] = {malloc(sizeof stored)};
    uint8_t *rgb = malloc(64 * 64 * 3);
    const int rank = 23;
    (void)state;
    snprintf(out, sizeof out, "%s/f.npy", w.folder);
    snprintf(table, sizeof table, "%s/f.csv", w.folder);
    options.features.device = "host";
    options.features.batch = 4;
    options.layer = "stage3";
    options.every = 20;
    if (zoe_embed(w.context, run, files, 1, out, &options, &result) != ZOE_OK)
        fail_msg("%s", zoe_context_error(w.context));
    assert_int_equal(result.rows, 3 * CLIPS);
    assert_int_equal(result.columns, 48 * 49);
    assert_int_equal(result.clips, CLIPS);
    assert_string_equal(result.layer, "stage3");
    /* Row 4 is frame 23 of clip 1, by its table and by its numbers. */
    FILE *file = fopen(table, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "row,file,rank,seconds,label\n");
    for (int i = 0; i <= 4; i++) assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    char wanted[256];
    const zoe_clip *clip = zoe_pack_clip(w.pack, 1);
    snprintf(wanted, sizeof wanted, "4,%s,23,%.6f,%s\n", clip->path, clip->times[23], clip->label);
    assert_string_equal(line, wanted);
    file = fopen(out, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 128 + 4 * (long)sizeof stored, SEEK_SET), 0);
    assert_int_equal(fread(stored, sizeof stored, 1, file), 1);
    fclose(file);
    assert_int_equal(zoe_reader_new(&reader, w.context, w.pack), ZOE_OK);
    assert_int_equal(zoe_reader_frames(reader, 1, &rank, 1, 64, 64, rgb), ZOE_OK);
    zoe_reader_free(&reader);
    assert_int_equal(zoe_features_open(&f, w.context, run, &options.features), ZOE_OK);
    assert_int_equal(zoe_features_find(f, "stage3", &layer), ZOE_OK);
    assert_int_equal(zoe_features_compute(f, rgb, 1, &layer, rows, 1), ZOE_OK);
    zoe_features_free(&f);
    for (int i = 0; i < 48 * 49; i++) assert_true(fabs((double)stored[i] - (double)rows[0][i]) < 1e-6);
    options.layer = "stage9";
    assert_int_equal(zoe_embed(w.context, run, files, 1, out, &options, &result), ZOE_USAGE);
    zoe_context_clear(w.context);
    free(rows[0]);
    free(rgb);
}

static void test_samples(void **state)
{
    char png[96], checkpoint[128];
    uint8_t head[8];
    zoe_samples_options options = zoe_samples_options_default();
    zoe_samples_result result;
    (void)state;
    snprintf(png, sizeof png, "%s/samples.png", w.folder);
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoints/step-%09d.zoe", run, 2);
    options.features.device = "host";
    options.tuples = 3;
    if (zoe_samples(w.context, checkpoint, png, &options, &result) != ZOE_OK)
        fail_msg("%s", zoe_context_error(w.context));
    assert_true(result.tuples == 3 && result.held_out && result.right >= 0 && result.right <= 3);
    FILE *file = fopen(png, "rb");
    assert_non_null(file);
    assert_int_equal(fread(head, sizeof head, 1, file), 1);
    fclose(file);
    assert_memory_equal(head, "\x89PNG\r\n\x1a\n", 8);
    options.tuples = 0;
    assert_int_equal(zoe_samples(w.context, run, png, &options, &result), ZOE_USAGE);
    zoe_context_clear(w.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours),  cmocka_unit_test(test_one_layer_and_little_memory),
        cmocka_unit_test(test_errors),      cmocka_unit_test(test_features_do_not_hang_on_the_batch),
        cmocka_unit_test(test_calibration), cmocka_unit_test(test_embed),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
