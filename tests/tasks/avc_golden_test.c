/* SPDX-License-Identifier: Apache-2.0
 *
 * Ten training steps of L3-Net, AVE-Net and AVOL-Net agree with PyTorch, from samples of sound to the last loss, as
 * tests/graph/golden_test.c asks it of backbones. Weights, pictures and sounds come from the counter formula of
 * make_avc_golden.py, which made avc_golden.inc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include <zoe/plan.h>
#include <zoe/task.h>
#include <zoe/train.h>

enum { STEPS = 10, SIDE = 64 };

static const struct golden {
    const char *task, *net, *listener;
    int batch, samples, helper;
    double lr, loss[STEPS];
} goldens[] = {
#include "avc_golden.inc"
};

static zoe_context *context;

static void check(zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
}

static uint32_t fnv(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* Uniform in [-1, 1): the upper 24 bits of a 32-bit finaliser. */
static float mix(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    x ^= x >> 16;
    return (float)((double)(x >> 8) / 8388608.0 - 1.0);
}

static float *numbers(const char *name, size_t count, float scale, float offset)
{
    const uint32_t first = fnv(name);
    float *out = malloc(count * sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) out[i] = offset + mix(first + (uint32_t)i) * scale;
    return out;
}

/* The layers that start from constants keep them. */
static void fill_store(zoe_store *store)
{
    for (size_t i = 0; i < zoe_store_params(store); i++) {
        const zoe_param param = zoe_store_param(store, i);
        const size_t count = zoe_shape_count(param.shape), fan_in = count / (size_t)param.shape.n;
        const size_t length = strlen(param.name);
        const bool bias = length > 5 && !strcmp(param.name + length - 5, ".bias");
        if (!param.trainable || !strncmp(param.name, "head.scale.", 11) || !strncmp(param.name, "head.fc.", 8) ||
            !strncmp(param.name, "head.helper.fc.", 15))
            continue;
        float *plain = fan_in > 1 ? numbers(param.name, count, (float)sqrt(6.0 / (double)fan_in), 0)
                                  : numbers(param.name, count, 0.1f, bias ? 0 : 1);
        check(zoe_store_set(store, i, plain));
        free(plain);
    }
}

typedef struct network {
    zoe_options *options;
    zoe_task task;
    zoe_graph *graph;
    zoe_value picture, sound, labels, loss;
} network;

static void build(network *n, const struct golden *g)
{
    const zoe_task_clips none = {0};
    const zoe_task_kind *kind = zoe_task_find(context, g->task);
    const zoe_backbone *net = zoe_backbone_find(context, g->net), *listener = zoe_backbone_find(context, g->listener);
    assert_true(kind && net && listener);
    check(zoe_options_new(&n->options, context));
    check(zoe_train_options(n->options, context, g->task));
    check(zoe_options_set(n->options, "sound-net", g->listener));
    check(zoe_task_open(&n->task, context, kind, n->options, net, NULL, &none));
    check(zoe_graph_new(&n->graph, context));
    n->picture = zoe_input(n->graph, "picture", ZOE_F32, (zoe_shape){g->batch, 3, SIDE, SIDE});
    n->sound = zoe_input(n->graph, "sound", ZOE_F32, (zoe_shape){g->batch, 1, 1, g->samples});
    n->labels = zoe_input(n->graph, "labels", ZOE_I32, (zoe_shape){g->batch, 1, 1, 1});
    zoe_value features = net->build(n->graph, n->picture, 0);
    if (kind->pairing->uses_map(&n->task)) features = zoe_graph_mark_value(n->graph, net->map);
    zoe_graph_prefix(n->graph, ZOE_SOUND_PREFIX);
    const zoe_value x = zoe_spectrogram(n->graph, "spectrogram", n->sound, ZOE_NO_VALUE, &listener->sound->spectrogram);
    const zoe_value heard = listener->build(n->graph, x, 0);
    zoe_graph_prefix(n->graph, NULL);
    const zoe_value picture = kind->pairing->picture(&n->task, n->graph, features);
    const zoe_value sound = kind->pairing->sound(&n->task, n->graph, heard);
    const zoe_value logits = kind->pairing->compare(&n->task, n->graph, picture, sound);
    n->loss = zoe_graph_keep(n->graph, zoe_softmax_cross_entropy(n->graph, "loss", logits, n->labels));
    if (g->helper) kind->pairing->help(&n->task, n->graph, features, sound, n->labels);
    check(zoe_graph_status(n->graph));
}

static void train(network *n, const struct golden *g, zoe_device *device, const char *device_name, int steps)
{
    zoe_store *store;
    zoe_plan *plan;
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    check(zoe_store_new(&store, context, device, 1));
    check(zoe_plan_new(&plan, n->graph, store, &options));
    fill_store(store);
    const size_t batch = (size_t)g->batch;
    float *picture = numbers("picture", batch * 3 * SIDE * SIDE, 1.7f, 0);
    float *sound = numbers("sound", batch * (size_t)g->samples, 0.3f, 0);
    int32_t *labels = malloc(batch * sizeof *labels);
    assert_non_null(labels);
    for (int i = 0; i < g->batch; i++) labels[i] = i % 2;
    for (int step = 0; step < steps; step++) {
        float value;
        check(zoe_plan_write(plan, n->picture, picture));
        check(zoe_plan_write(plan, n->sound, sound));
        check(zoe_plan_write(plan, n->labels, labels));
        check(zoe_plan_accumulate(plan, step, 0));
        check(zoe_plan_update(plan, g->lr));
        check(zoe_plan_read(plan, n->loss, &value));
        const double expected = g->loss[step], limit = fmin(1e-4 * fmax(1, expected), 1e-2 * expected);
        print_message("%s %s on %s, step %d: loss %.7f, PyTorch %.7f\n", g->task, g->net, device_name, step,
                      (double)value, expected);
        if (!(fabs((double)value - expected) <= limit))
            fail_msg("%s on %s, step %d: loss %.7f, PyTorch %.7f, limit %.1e", g->task, device_name, step,
                     (double)value, expected, limit);
    }
    free(picture);
    free(sound);
    free(labels);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
}

static void run(size_t number, const char *device_name, int steps)
{
    network n = {0};
    zoe_device *device = NULL;
    zoe_device_options options = zoe_device_options_default();
    options.name = device_name;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    if (zoe_device_open(&device, context, &options) != ZOE_OK) {
        print_message("SKIPPED: no device '%s': %s\n", device_name, zoe_context_error(context));
        zoe_context_free(&context);
        skip();
    }
    build(&n, &goldens[number]);
    train(&n, &goldens[number], device, device_name, steps);
    zoe_graph_free(&n.graph);
    zoe_task_close(&n.task);
    zoe_options_free(&n.options);
    zoe_device_free(&device);
    zoe_context_free(&context);
}

/* The device of the tests: ZOE_TEST_DEVICE, else PoCL. */
static const char *test_device(void)
{
    const char *name = getenv("ZOE_TEST_DEVICE");
    return name ? name : "pocl";
}

static void l3(void **state)
{
    (void)state;
    run(0, test_device(), STEPS);
}

static void ave(void **state)
{
    (void)state;
    run(1, test_device(), STEPS);
}

static void avol(void **state)
{
    (void)state;
    run(2, test_device(), STEPS);
}

static void small_avol_with_its_helper(void **state)
{
    (void)state;
    run(3, test_device(), STEPS);
}

static void small_avol_on_host(void **state)
{
    (void)state;
    run(3, "host", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(l3),
        cmocka_unit_test(ave),
        cmocka_unit_test(avol),
        cmocka_unit_test(small_avol_with_its_helper),
        cmocka_unit_test(small_avol_on_host),
    };
    return cmocka_run_group_tests_name("tasks/avc_golden", tests, NULL, NULL);
}
