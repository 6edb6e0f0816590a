/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: a step allocates nothing and waits only to read the loss; micro-batches add up to the whole batch; plans
 * share a store; the same bits twice; memory is known before and refused with numbers. On the host device and on the
 * test device (PoCL). */
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

#include "device/device.h"

static size_t allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* ---- a small net and all that it hangs on ---- */

enum { SIDE = 11, CLASSES = 5, WHOLE = 8 };

typedef struct fixture {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, labels, logits, loss;
    float pictures[WHOLE * 3 * SIDE * SIDE];
    int32_t label[WHOLE];
} fixture;

static void check(const fixture *f, zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(f->context));
}

static const char *test_device(void)
{
    const char *name = getenv("ZOE_TEST_DEVICE");
    return name ? name : "pocl";
}

static void open_fixture_with(fixture *f, const char *device, bool profile, size_t max_memory)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(zoe_context_new(&f->context), ZOE_OK);
    zoe_device_options options = zoe_device_options_default();
    options.name = device;
    options.profile = profile;
    options.max_memory = max_memory;
    if (zoe_device_open(&f->device, f->context, &options) != ZOE_OK) {
        print_message("SKIPPED: no device '%s': %s\n", device, zoe_context_error(f->context));
        zoe_context_free(&f->context);
        skip();
    }
    for (size_t i = 0; i < sizeof f->pictures / sizeof *f->pictures; i++)
        f->pictures[i] = (float)sin(0.7 * (double)(i * i % 977));
    for (int n = 0; n < WHOLE; n++) f->label[n] = n * 3 % CLASSES;
}

static void open_fixture(fixture *f, const char *device)
{
    open_fixture_with(f, device, false, 0);
}

static void build(fixture *f, int batch)
{
    check(f, zoe_graph_new(&f->graph, f->context));
    f->x = zoe_input(f->graph, "x", ZOE_F32, (zoe_shape){batch, 3, SIDE, SIDE});
    f->labels = zoe_input(f->graph, "labels", ZOE_I32, (zoe_shape){batch, 1, 1, 1});
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = 12;
    conv.pad_h = conv.pad_w = 1;
    conv.relu = true;
    const zoe_pool_options pool = zoe_pool_options_default();
    zoe_value y = zoe_max_pool(f->graph, "pool1", zoe_conv2d(f->graph, "conv1", f->x, &conv), &pool);
    conv.relu = false;
    y = zoe_relu(f->graph, "relu2", zoe_conv2d(f->graph, "conv2", y, &conv));
    zoe_linear_options fc = zoe_linear_options_default();
    fc.outputs = CLASSES;
    f->logits = zoe_graph_keep(f->graph, zoe_linear(f->graph, "fc", y, &fc));
    f->loss = zoe_graph_keep(f->graph, zoe_softmax_cross_entropy(f->graph, "loss", f->logits, f->labels));
    check(f, zoe_graph_status(f->graph));
}

static void compile(fixture *f, const zoe_plan_options *options)
{
    check(f, zoe_store_new(&f->store, f->context, f->device, 3));
    check(f, zoe_plan_new(&f->plan, f->graph, f->store, options));
}

static zoe_plan_options training(int micro_batches)
{
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    options.micro_batches = micro_batches;
    return options;
}

static void close_fixture(fixture *f)
{
    zoe_plan_free(&f->plan);
    zoe_store_free(&f->store);
    zoe_graph_free(&f->graph);
    zoe_device_free(&f->device);
    zoe_context_free(&f->context);
}

static void train_step(fixture *f, int step, int micro_batches)
{
    const int batch = WHOLE / micro_batches;
    for (int m = 0; m < micro_batches; m++) {
        check(f, zoe_plan_write(f->plan, f->x, f->pictures + (size_t)m * (size_t)batch * 3 * SIDE * SIDE));
        check(f, zoe_plan_write(f->plan, f->labels, f->label + m * batch));
        check(f, zoe_plan_accumulate(f->plan, step, m));
    }
    check(f, zoe_plan_update(f->plan, 0.05));
}

static size_t all_weights(fixture *f, float *out)
{
    size_t at = 0;
    for (size_t i = 0; i < zoe_store_params(f->store); i++) {
        check(f, zoe_store_get(f->store, i, out + at));
        at += zoe_shape_count(zoe_store_param(f->store, i).shape);
    }
    return at;
}

enum { ROOM = 8192 };

/* ---- tests ---- */

static void nothing_allocated_one_wait(const char *device)
{
    fixture f;
    open_fixture(&f, device);
    build(&f, WHOLE);
    const zoe_plan_options options = training(1);
    compile(&f, &options);
    float loss;
    for (int step = 0; step < 2; step++) {
        train_step(&f, step, 1);
        check(&f, zoe_plan_read(f.plan, f.loss, &loss));
    }
    const zoe__device_counters *counters = zoe__device_get_counters(f.device);
    const size_t waits = counters->waits, launches = counters->launches, before = allocations;
    train_step(&f, 2, 1);
    assert_int_equal(allocations, before);
    assert_int_equal(counters->waits, waits);
    if (!zoe__device_is_host(f.device)) assert_true(counters->launches > launches + 10);
    check(&f, zoe_plan_read(f.plan, f.loss, &loss));
    assert_int_equal(allocations, before);
    assert_true(counters->waits <= waits + 1);
    assert_true(loss > 0 && loss < 10);
    close_fixture(&f);
}

static void a_step_allocates_nothing_host(void **state)
{
    (void)state;
    nothing_allocated_one_wait("host");
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    nothing_allocated_one_wait(test_device());
}

static size_t weights_after(const char *device, int micro_batches, float *out, float *loss)
{
    fixture f;
    open_fixture(&f, device);
    build(&f, WHOLE / micro_batches);
    const zoe_plan_options options = training(micro_batches);
    compile(&f, &options);
    for (int step = 0; step < 4; step++) train_step(&f, step, micro_batches);
    check(&f, zoe_plan_read(f.plan, f.loss, loss));
    const size_t count = all_weights(&f, out);
    close_fixture(&f);
    return count;
}

static void micro_batches_add_up(void **state)
{
    (void)state;
    static float whole[ROOM], parts[ROOM];
    float loss;
    const char *devices[] = {"host", test_device()};
    for (int d = 0; d < 2; d++) {
        const size_t count = weights_after(devices[d], 1, whole, &loss);
        assert_int_equal(weights_after(devices[d], 4, parts, &loss), count);
        for (size_t i = 0; i < count; i++) assert_float_equal(parts[i], whole[i], 2e-6);
    }
}

static void same_bits_twice_and_host_agrees(void **state)
{
    (void)state;
    static float first[ROOM], second[ROOM], host[ROOM];
    float loss;
    const size_t count = weights_after(test_device(), 1, first, &loss);
    weights_after(test_device(), 1, second, &loss);
    assert_memory_equal(first, second, count * sizeof *first);
    weights_after("host", 1, host, &loss);
    for (size_t i = 0; i < count; i++) assert_float_equal(first[i], host[i], 5e-6);
}

static void plans_share_a_store(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, test_device());
    build(&f, WHOLE);
    const zoe_plan_options options = training(1), reading = zoe_plan_options_default();
    compile(&f, &options);
    zoe_plan *inference;
    check(&f, zoe_plan_new(&inference, f.graph, f.store, &reading));
    float before[WHOLE * CLASSES], after[WHOLE * CLASSES], trained[WHOLE * CLASSES];
    for (int round = 0; round < 2; round++) {
        check(&f, zoe_plan_write(inference, f.x, f.pictures));
        check(&f, zoe_plan_write(inference, f.labels, f.label));
        check(&f, zoe_plan_forward(inference));
        check(&f, zoe_plan_read(inference, f.logits, round ? after : before));
        train_step(&f, round, 1);
        check(&f, zoe_plan_read(f.plan, f.logits, trained)); /* of the weights before the update: what inference saw */
        const float *seen = round ? after : before;
        for (int i = 0; i < WHOLE * CLASSES; i++) assert_float_equal(trained[i], seen[i], 1e-6);
    }
    assert_memory_not_equal(before, after, sizeof before);
    zoe_plan_free(&inference);
    close_fixture(&f);
}

static void memory_is_known_and_refused(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, test_device());
    check(&f, zoe_graph_new(&f.graph, f.context));
    const zoe_value x = zoe_input(f.graph, "x", ZOE_F32, (zoe_shape){2000, 3, 224, 224});
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = 64;
    zoe_conv2d(f.graph, "conv1", x, &conv);
    check(&f, zoe_graph_status(f.graph));
    check(&f, zoe_store_new(&f.store, f.context, f.device, 3));
    zoe_plan_options options = zoe_plan_options_default();
    options.dry = true;
    assert_int_equal(zoe_plan_new(&f.plan, f.graph, f.store, &options), ZOE_DEVICE_MEMORY);
    const char *text = zoe_context_error(f.context);
    assert_non_null(strstr(text, "bytes"));
    assert_non_null(strstr(text, "available"));
    close_fixture(&f);
}

/* Four steps with less memory; returns what the plan takes. */
static size_t weights_within(size_t max_memory, size_t workspace, bool dry, float *out)
{
    fixture f;
    open_fixture_with(&f, test_device(), false, max_memory);
    build(&f, WHOLE);
    zoe_plan_options options = training(1);
    options.workspace_bytes = workspace;
    options.dry = dry;
    compile(&f, &options);
    const size_t peak = zoe_plan_get_memory(f.plan).peak_bytes;
    if (!dry) {
        for (int step = 0; step < 4; step++) train_step(&f, step, 1);
        check(&f, zoe_plan_finish(f.plan));
        const size_t held = zoe__device_get_counters(f.device)->peak_bytes;
        assert_int_equal(held, peak);
        all_weights(&f, out);
    }
    close_fixture(&f);
    return peak;
}

/* Smaller workspaces cut the sums of the weights' gradient elsewhere: the same numbers but for rounding. They are taken
 * when asked for, and when the device has not more. */
static void smaller_workspaces_agree(void **state)
{
    (void)state;
    static float whole[ROOM], less[ROOM];
    fixture f;
    open_fixture(&f, test_device());
    const bool vector = zoe_device_get_info(f.device)->family == ZOE_FAMILY_VECTOR;
    close_fixture(&f);
    if (vector) setenv("ZOE_LANES", "16", 1); /* with 8 these workspaces are as small as they get */
    const size_t peak = weights_within(0, 0, false, whole), least = weights_within(0, 4096, true, NULL);
    assert_true(least < peak);
    const size_t limits[][2] = {{0, 4096}, {(peak + least) / 2, 0}, {least, 0}};
    for (int i = 0; i < 3; i++) {
        memset(less, 0, sizeof less);
        const size_t taken = weights_within(limits[i][0], limits[i][1], false, less);
        assert_true(taken < peak);
        if (limits[i][0]) assert_true(taken <= limits[i][0]);
        for (int k = 0; k < ROOM; k++) assert_float_equal(less[k], whole[k], 2e-6);
    }
    if (vector) unsetenv("ZOE_LANES");
}

static void dry_plan_tells_and_takes_nothing(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, test_device());
    build(&f, WHOLE);
    zoe_plan_options options = training(1);
    options.dry = true;
    const size_t bytes = zoe__device_get_counters(f.device)->bytes;
    compile(&f, &options);
    assert_int_equal(zoe__device_get_counters(f.device)->bytes, bytes);
    const zoe_plan_memory memory = zoe_plan_get_memory(f.plan);
    assert_true(memory.arena_bytes > 0 && memory.arena_bytes < memory.unshared_bytes);
    zoe_plan_holder *parts;
    size_t count, sum = 0;
    check(&f, zoe_plan_peak(f.plan, &parts, &count));
    bool has_value = false, has_weights = false;
    for (size_t i = 0; i < count; i++) {
        assert_true(parts[i].bytes > 0 && (i == 0 || parts[i].bytes <= parts[i - 1].bytes));
        has_value = has_value || (!strcmp(parts[i].what, "value") && !strcmp(parts[i].name, "conv1"));
        has_weights = has_weights || !strcmp(parts[i].what, "weights");
        sum += parts[i].bytes;
    }
    free(parts);
    assert_true(has_value && has_weights);
    assert_int_equal(sum, memory.peak_bytes);
    assert_true(memory.parameter_bytes > 3 * sizeof(float) * zoe_graph_parameters(f.graph));
    double flops = 0;
    for (size_t i = 0; i < zoe_plan_launches(f.plan); i++) {
        const zoe_launch_info launch = zoe_plan_launch(f.plan, i);
        assert_non_null(launch.kernel);
        assert_non_null(launch.algorithm);
        flops += launch.flops;
    }
    /* conv1: 2 * 8 * 12 * 11 * 11 * 27 forward and as much for its weights' gradient; conv2, 5 x 5 outputs of 12 * 9
     * products, has that of its input too */
    assert_true(flops > 2 * (2.0 * 8 * 12 * 121 * 27) + 3 * (2.0 * 8 * 12 * 25 * 108));
    assert_int_equal(zoe_plan_forward(f.plan), ZOE_CONFIG);
    close_fixture(&f);
}

static double profiled(fixture *f, double *seconds)
{
    double sum = 0;
    check(f, zoe_plan_profile(f->plan, seconds));
    for (size_t i = 0; i < zoe_plan_launches(f->plan); i++) {
        assert_true(seconds[i] >= 0);
        sum += seconds[i];
    }
    return sum;
}

/* The conv layers' share is more than nothing, all together are no longer than the steps took, and a second call begins
 * anew. Compiling is no part of it. */
static void profile_tells_the_time_of_each_launch(void **state)
{
    (void)state;
    const char *devices[] = {"host", test_device()};
    for (int d = 0; d < 2; d++) {
        fixture f;
        open_fixture_with(&f, devices[d], true, 0);
        build(&f, WHOLE);
        const zoe_plan_options options = training(1);
        compile(&f, &options);
        double seconds[256], conv = 0;
        assert_true(zoe_plan_launches(f.plan) <= 256);
        train_step(&f, 0, 1);
        check(&f, zoe_plan_profile(f.plan, NULL));
        const double start = zoe__seconds();
        for (int step = 1; step < 4; step++) train_step(&f, step, 1);
        const double sum = profiled(&f, seconds), took = zoe__seconds() - start;
        for (size_t i = 0; i < zoe_plan_launches(f.plan); i++)
            if (!strcmp(zoe_plan_launch(f.plan, i).op, "conv2d")) conv += seconds[i];
        assert_true(conv > 0 && conv < sum);
        assert_true(sum <= took);
        assert_true(profiled(&f, seconds) == 0);
        close_fixture(&f);
    }
}

static void profile_wants_a_device_that_profiles(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, "host");
    build(&f, WHOLE);
    const zoe_plan_options options = training(1);
    compile(&f, &options);
    assert_int_equal(zoe_plan_profile(f.plan, NULL), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(f.context), "profile"));
    close_fixture(&f);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, "host");
    check(&f, zoe_graph_new(&f.graph, f.context));
    const zoe_value x = zoe_input(f.graph, "x", ZOE_F32, (zoe_shape){2, 3, 4, 4});
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = 8;
    conv.kernel_h = conv.kernel_w = 7;
    assert_int_equal(zoe_relu(f.graph, "later", zoe_conv2d(f.graph, "big", x, &conv)), ZOE_NO_VALUE);
    assert_int_not_equal(zoe_graph_status(f.graph), ZOE_OK);
    assert_non_null(strstr(zoe_context_error(f.context), "big"));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_allocates_nothing_host),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(micro_batches_add_up),
        cmocka_unit_test(same_bits_twice_and_host_agrees),
        cmocka_unit_test(plans_share_a_store),
        cmocka_unit_test(smaller_workspaces_agree),
        cmocka_unit_test(memory_is_known_and_refused),
        cmocka_unit_test(dry_plan_tells_and_takes_nothing),
        cmocka_unit_test(profile_tells_the_time_of_each_launch),
        cmocka_unit_test(profile_wants_a_device_that_profiles),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
