/* SPDX-License-Identifier: Apache-2.0
 *
 * Storage fp16: what a plan holds, what it computes beside one with fp32, and the loss scale: a step whose gradients
 * overflow changes nothing and halves it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/op.h>
#include <zoe/plan.h>

enum { IMAGES = 4, CHANNELS = 3, SIDE = 9, FILTERS = 16, CLASSES = 5, PICTURE = CHANNELS * SIDE * SIDE };

typedef struct fixture {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, labels, logits, loss;
    float picture[IMAGES * PICTURE];
    int32_t label[IMAGES];
} fixture;

static void check(const fixture *f, zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(f->context));
}

static void open(fixture *f, const char *storage, const char *optimizer, float loss_scale)
{
    const char *name = getenv("ZOE_TEST_DEVICE");
    memset(f, 0, sizeof *f);
    assert_int_equal(zoe_context_new(&f->context), ZOE_OK);
    zoe_device_options device = zoe_device_options_default();
    device.name = name ? name : "pocl";
    device.family = "simt";
    device.storage = storage;
    if (zoe_device_open(&f->device, f->context, &device) != ZOE_OK) {
        print_message("SKIPPED: no device '%s': %s\n", device.name, zoe_context_error(f->context));
        zoe_context_free(&f->context);
        skip();
    }
    check(f, zoe_graph_new(&f->graph, f->context));
    check(f, zoe_store_new(&f->store, f->context, f->device, 5));
    f->x = zoe_input(f->graph, "x", ZOE_F32, (zoe_shape){IMAGES, CHANNELS, SIDE, SIDE});
    f->labels = zoe_input(f->graph, "labels", ZOE_I32, (zoe_shape){IMAGES, 1, 1, 1});
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = FILTERS;
    conv.pad_h = conv.pad_w = 1;
    const zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    zoe_linear_options linear = zoe_linear_options_default();
    linear.outputs = CLASSES;
    zoe_value y = zoe_conv2d(f->graph, "conv", f->x, &conv);
    y = zoe_batch_norm(f->graph, "bn", y, &norm);
    y = zoe_relu(f->graph, "relu", y);
    y = zoe_global_average_pool(f->graph, "pool", y);
    f->logits = zoe_graph_keep(f->graph, zoe_linear(f->graph, "fc", y, &linear));
    f->loss = zoe_graph_keep(f->graph, zoe_softmax_cross_entropy(f->graph, "loss", f->logits, f->labels));
    check(f, zoe_graph_status(f->graph));
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    options.optimizer.name = optimizer;
    options.loss_scale = loss_scale;
    check(f, zoe_plan_new(&f->plan, f->graph, f->store, &options));
    for (int i = 0; i < IMAGES * PICTURE; i++) f->picture[i] = (float)((i * 37 + i / 11) % 101 - 50) / 32;
    for (int i = 0; i < IMAGES; i++) f->label[i] = i % CLASSES;
}

static void done(fixture *f)
{
    zoe_plan_free(&f->plan);
    zoe_store_free(&f->store);
    zoe_graph_free(&f->graph);
    zoe_device_free(&f->device);
    zoe_context_free(&f->context);
}

static float step(fixture *f, int number)
{
    float loss = NAN;
    check(f, zoe_plan_write(f->plan, f->x, f->picture));
    check(f, zoe_plan_write(f->plan, f->labels, f->label));
    check(f, zoe_plan_accumulate(f->plan, number, 0));
    check(f, zoe_plan_read(f->plan, f->loss, &loss));
    check(f, zoe_plan_update(f->plan, 0.05));
    return loss;
}

static void weights(fixture *f, float out[FILTERS * CHANNELS * 9])
{
    const ptrdiff_t conv = zoe_store_find(f->store, "conv.weight");
    assert_true(conv >= 0);
    check(f, zoe_store_get(f->store, (size_t)conv, out));
}

static void like_fp32(void **state)
{
    (void)state;
    static const char *const optimizers[] = {"sgd", "adam"};
    for (int o = 0; o < 2; o++) {
        fixture half, whole;
        float a[FILTERS * CHANNELS * 9], b[FILTERS * CHANNELS * 9], before[FILTERS * CHANNELS * 9];
        open(&half, "fp16", optimizers[o], 0);
        open(&whole, "fp32", optimizers[o], 0);
        assert_true(zoe_device_get_info(half.device)->half && !zoe_device_get_info(whole.device)->half);
        assert_true(zoe_plan_get_memory(half.plan).arena_bytes < zoe_plan_get_memory(whole.plan).arena_bytes);
        weights(&half, before);
        for (int i = 0; i < 3; i++) {
            const double loss = (double)step(&half, i), wanted = (double)step(&whole, i);
            assert_true(fabs(loss - wanted) < 3e-3);
        }
        weights(&half, a);
        weights(&whole, b);
        double moved = 0, apart = 0;
        for (int i = 0; i < FILTERS * CHANNELS * 9; i++) {
            moved += pow((double)b[i] - (double)before[i], 2);
            apart += pow((double)b[i] - (double)a[i], 2);
        }
        assert_true(moved > 0 && apart < 0.01 * moved);
        assert_true(zoe_plan_get_loss_scale(half.plan).scale == 8192.0f);
        assert_int_equal(zoe_plan_get_loss_scale(half.plan).steps, 3);
        assert_true(zoe_plan_get_loss_scale(whole.plan).scale == 1.0f);
        done(&half);
        done(&whole);
    }
}

static void same_bits(void **state)
{
    (void)state;
    float a[FILTERS * CHANNELS * 9], b[FILTERS * CHANNELS * 9];
    for (int run = 0; run < 2; run++) {
        fixture f;
        open(&f, "fp16", "sgd", 0);
        for (int i = 0; i < 3; i++) step(&f, i);
        weights(&f, run ? b : a);
        done(&f);
    }
    assert_memory_equal(a, b, sizeof a);
}

static void overflow(void **state)
{
    (void)state;
    fixture f;
    const float first = 1 << 24;
    float before[FILTERS * CHANNELS * 9], after[FILTERS * CHANNELS * 9];
    open(&f, "fp16", "sgd", first);
    weights(&f, before);
    step(&f, 0);
    weights(&f, after);
    assert_memory_equal(before, after, sizeof before);
    zoe_loss_scale scale = zoe_plan_get_loss_scale(f.plan);
    assert_true(scale.scale == first / 2 && scale.steps == 0 && scale.skipped == 1);
    for (int i = 1; i < 20 && !scale.steps; i++) {
        step(&f, i);
        scale = zoe_plan_get_loss_scale(f.plan);
    }
    assert_true(scale.steps == 1 && scale.scale == ldexpf(first, -(int)scale.skipped));
    weights(&f, after);
    assert_memory_not_equal(before, after, sizeof before);
    for (int i = 0; i < FILTERS * CHANNELS * 9; i++) assert_true(isfinite(after[i]));
    done(&f);
}

static void growth(void **state)
{
    (void)state;
    fixture f;
    open(&f, "fp16", "adam", 8);
    zoe_plan_set_loss_scale(f.plan, (zoe_loss_scale){.scale = 8, .steps = 998, .skipped = 2});
    step(&f, 0);
    assert_true(zoe_plan_get_loss_scale(f.plan).scale == 8.0f);
    step(&f, 1);
    const zoe_loss_scale scale = zoe_plan_get_loss_scale(f.plan);
    assert_true(scale.scale == 16.0f && scale.steps == 0 && scale.skipped == 2);
    done(&f);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *family, *storage, *text;
    } rows[] = {{"host", NULL, "fp16", "'host' has doubles"},
                {NULL, "vector", "fp16", "only kernels of family simt"},
                {NULL, NULL, "fp8", "fp32 or fp16"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        zoe_context *context;
        zoe_device *device = NULL;
        assert_int_equal(zoe_context_new(&context), ZOE_OK);
        zoe_device_options options = zoe_device_options_default();
        options.name = rows[i].name;
        options.family = rows[i].family;
        options.storage = rows[i].storage;
        assert_int_not_equal(zoe_device_open(&device, context, &options), ZOE_OK);
        assert_non_null(strstr(zoe_context_error(context), rows[i].text));
        assert_null(device);
        zoe_context_free(&context);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_fp32), cmocka_unit_test(same_bits), cmocka_unit_test(overflow),
        cmocka_unit_test(growth),    cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
