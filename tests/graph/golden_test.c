/* SPDX-License-Identifier: Apache-2.0
 *
 * Ten training steps of each backbone agree with PyTorch: |difference of the loss| <= 1e-4 max(1, loss), and <= 1 % of
 * it, as the loss of caffenet is below 0.001 in the end, where 1e-4 says little. Weights, inputs and labels come from
 * the counter formula of make_golden.py, which made golden_losses.inc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include <zoe/backbone.h>
#include <zoe/op.h>
#include <zoe/plan.h>

enum { STEPS = 10, CLASSES = 10 };

static const struct golden {
    const char *net;
    int batch, channels, height, width;
    double lr, loss[STEPS];
} goldens[] = {
#include "golden_losses.inc"
};

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

static void fill(const char *name, size_t count, float scale, float offset, float *out)
{
    const uint32_t first = fnv(name);
    for (size_t i = 0; i < count; i++) out[i] = offset + mix(first + (uint32_t)i) * scale;
}

static void fill_store(zoe_store *store)
{
    for (size_t i = 0; i < zoe_store_params(store); i++) {
        const zoe_param param = zoe_store_param(store, i);
        if (!param.trainable) continue;
        const size_t count = zoe_shape_count(param.shape), fan_in = count / (size_t)param.shape.n;
        float *plain = malloc(count * sizeof *plain);
        assert_non_null(plain);
        const size_t length = strlen(param.name);
        const int is_bias = length > 5 && strcmp(param.name + length - 5, ".bias") == 0;
        if (fan_in > 1)
            fill(param.name, count, (float)sqrt(6.0 / (double)fan_in), 0, plain);
        else
            fill(param.name, count, 0.1f, is_bias ? 0 : 1, plain);
        assert_int_equal(zoe_store_set(store, i, plain), ZOE_OK);
        free(plain);
    }
}

static void check(zoe_context *context, zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
}

static zoe_device *open_device(zoe_context *context, const char *name)
{
    zoe_device_options options = zoe_device_options_default();
    options.name = name;
    zoe_device *device = NULL;
    if (zoe_device_open(&device, context, &options) != ZOE_OK) {
        print_message("SKIPPED: no device '%s': %s\n", name, zoe_context_error(context));
        zoe_context_free(&context);
        skip();
    }
    return device;
}

static void run_golden(const struct golden *golden, const char *device_name, int steps)
{
    zoe_context *context;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    zoe_device *device = open_device(context, device_name);
    zoe_graph *graph;
    check(context, zoe_graph_new(&graph, context));
    const zoe_shape shape = {golden->batch, golden->channels, golden->height, golden->width};
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, shape);
    const zoe_value labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){golden->batch, 1, 1, 1});
    const zoe_backbone *net = zoe_backbone_find(context, golden->net);
    assert_non_null(net);
    const zoe_value logits = zoe_backbone_classify(net, graph, net->build(graph, x, 0), CLASSES);
    const zoe_value loss = zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", logits, labels));
    check(context, zoe_graph_status(graph));

    zoe_store *store;
    zoe_plan *plan;
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    check(context, zoe_store_new(&store, context, device, 1));
    check(context, zoe_plan_new(&plan, graph, store, &options));
    fill_store(store);
    float *picture = malloc(zoe_shape_count(shape) * sizeof *picture);
    int32_t *label = malloc((size_t)golden->batch * sizeof *label);
    assert_true(picture && label);
    fill("input", zoe_shape_count(shape), 1.7f, 0, picture);
    for (int n = 0; n < golden->batch; n++) label[n] = n * 7 % CLASSES;
    for (int step = 0; step < steps; step++) {
        float value;
        check(context, zoe_plan_write(plan, x, picture));
        check(context, zoe_plan_write(plan, labels, label));
        check(context, zoe_plan_accumulate(plan, step, 0));
        check(context, zoe_plan_update(plan, golden->lr));
        check(context, zoe_plan_read(plan, loss, &value));
        const double expected = golden->loss[step], limit = fmin(1e-4 * fmax(1, expected), 1e-2 * expected);
        print_message("%s on %s, step %d: loss %.7f, PyTorch %.7f\n", golden->net, device_name, step, (double)value,
                      expected);
        if (!(fabs(value - expected) <= limit))
            fail_msg("%s on %s, step %d: loss %.7f, PyTorch %.7f, limit %.1e", golden->net, device_name, step,
                     (double)value, expected, limit);
    }
    free(picture);
    free(label);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    zoe_device_free(&device);
    zoe_context_free(&context);
}

static const struct golden *find(const char *net)
{
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++)
        if (strcmp(goldens[i].net, net) == 0) return &goldens[i];
    fail_msg("no golden losses for %s", net);
    return NULL;
}

/* The device of the tests: ZOE_TEST_DEVICE, else PoCL. */
static const char *test_device(void)
{
    const char *name = getenv("ZOE_TEST_DEVICE");
    return name ? name : "pocl";
}

static void mini_on_host(void **state)
{
    (void)state;
    run_golden(find("mini"), "host", 3);
}

static void mini(void **state)
{
    (void)state;
    run_golden(find("mini"), test_device(), STEPS);
}

static void resnet18(void **state)
{
    (void)state;
    run_golden(find("resnet18"), test_device(), STEPS);
}

static void caffenet(void **state)
{
    (void)state;
    run_golden(find("caffenet"), test_device(), STEPS);
}

static void l3_vision(void **state)
{
    (void)state;
    run_golden(find("l3-vision"), test_device(), STEPS);
}

static void l3_audio(void **state)
{
    (void)state;
    run_golden(find("l3-audio"), test_device(), STEPS);
}

static void caffenet_bn(void **state)
{
    (void)state;
    run_golden(find("caffenet-bn"), test_device(), STEPS);
}

static void nin_cifar(void **state)
{
    (void)state;
    run_golden(find("nin-cifar"), test_device(), STEPS);
}

static void resnet20_cifar(void **state)
{
    (void)state;
    run_golden(find("resnet20-cifar"), test_device(), STEPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mini_on_host), cmocka_unit_test(mini),      cmocka_unit_test(resnet18),
        cmocka_unit_test(caffenet),     cmocka_unit_test(l3_vision), cmocka_unit_test(l3_audio),
        cmocka_unit_test(caffenet_bn),  cmocka_unit_test(nin_cifar), cmocka_unit_test(resnet20_cifar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
