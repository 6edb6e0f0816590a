/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels are compiled for classes of layers, not for sizes: once a backbone has done a step, another batch builds no
 * program, and PoCL, which compiles a kernel at its first launch for a size of work-groups, makes no kernel either.
 * Small kernels are one program there. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <zoe/backbone.h>
#include <zoe/op.h>
#include <zoe/plan.h>

#include "device/device.h"

static char cache[] = "/tmp/zoe-compile-XXXXXX";
static size_t libraries;

static int count_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)place;
    const size_t length = strlen(path);
    if (kind == FTW_F && length > 3 && !strcmp(path + length - 3, ".so")) libraries++;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

/* Kernels that PoCL has compiled. */
static size_t compiled_kernels(void)
{
    libraries = 0;
    nftw(cache, count_one, 16, FTW_PHYS);
    return libraries;
}

static int make_cache(void **state)
{
    (void)state;
    return !mkdtemp(cache) || setenv("POCL_CACHE_DIR", cache, 1) || setenv("ZOE_CACHE_DIR", cache, 1);
}

static int remove_cache(void **state)
{
    (void)state;
    return nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

typedef struct session {
    zoe_context *context;
    zoe_device *device;
} session;

static void check(const session *s, zoe_status status)
{
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(s->context));
}

static int open_session(void **state)
{
    session *s = calloc(1, sizeof *s);
    *state = s;
    if (!s || zoe_context_new(&s->context) != ZOE_OK) return -1;
    zoe_device_options options = zoe_device_options_default();
    const char *name = getenv("ZOE_TEST_DEVICE");
    options.name = name ? name : "pocl";
    if (zoe_device_open(&s->device, s->context, &options) != ZOE_OK)
        print_message("%s\n", zoe_context_error(s->context));
    return 0;
}

static int close_session(void **state)
{
    session *s = *state;
    zoe_device_free(&s->device);
    zoe_context_free(&s->context);
    free(s);
    return 0;
}

/* A training step and a forward pass without gradients. */
static void step(const session *s, const zoe_backbone *backbone, int batch)
{
    for (int training = 1; training >= 0; training--) {
        zoe_graph *graph;
        zoe_store *store;
        zoe_plan *plan;
        check(s, zoe_graph_new(&graph, s->context));
        check(s, zoe_store_new(&store, s->context, s->device, 1));
        const zoe_value x = zoe_input(graph, "x", ZOE_F32, zoe_backbone_input(backbone, batch));
        const zoe_value labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){batch, 1, 1, 1});
        zoe_softmax_cross_entropy(graph, "loss",
                                  zoe_backbone_classify(backbone, graph, backbone->build(graph, x, 0), 2), labels);
        check(s, zoe_graph_status(graph));
        zoe_plan_options options = zoe_plan_options_default();
        options.training = training;
        options.optimizer.name = "sgd";
        check(s, zoe_plan_new(&plan, graph, store, &options));
        check(s, training ? zoe_plan_accumulate(plan, 0, 0) : zoe_plan_forward(plan));
        if (training) check(s, zoe_plan_update(plan, 0.01));
        check(s, zoe_plan_finish(plan));
        zoe_plan_free(&plan);
        zoe_store_free(&store);
        zoe_graph_free(&graph);
    }
}

static void other_batches_compile_nothing(void **state)
{
    session *s = *state;
    if (!s->device || zoe__device_is_host(s->device)) {
        print_message("SKIPPED: no OpenCL device here\n");
        skip();
    }
    const zoe__device_counters *counters = zoe__device_get_counters(s->device);
    const char *slow = getenv("ZOE_TEST_ALL"); /* the large networks take minutes; they have the same kinds of layers */
    for (size_t b = 0; zoe_backbone_at(b); b++) {
        const zoe_backbone *backbone = zoe_backbone_at(b);
        if (!slow && strcmp(backbone->name, "mini") != 0 && strcmp(backbone->name, "resnet20-cifar") != 0) continue;
        step(s, backbone, 4);
        const size_t programs = counters->programs_compiled, kernels = compiled_kernels();
        assert_true(programs > 0);
        for (int batch = 1; batch <= 17; batch += 8) {
            step(s, backbone, batch);
            if (counters->programs_compiled != programs || compiled_kernels() != kernels)
                fail_msg("%s: batch %d compiled %zu programs and %zu kernels", backbone->name, batch,
                         counters->programs_compiled - programs, compiled_kernels() - kernels);
        }
    }
}

static void small_kernels_are_one_program(void **state)
{
    session *s = *state;
    if (!s->device || strncmp(zoe_device_get_info(s->device)->id, "pocl", 4) != 0) {
        print_message("SKIPPED: not PoCL\n");
        skip();
    }
    const char *const kernels[][2] = {{"relu", "relu_forward"}, {"add", "add_forward"}, {"halo", "halo_zero"}};
    const zoe__device_counters *counters = zoe__device_get_counters(s->device);
    const size_t before = counters->programs_compiled;
    for (int i = 0; i < 3; i++) {
        zoe__kernel *kernel;
        check(s, zoe__kernel_new(&kernel, s->device, kernels[i][0], kernels[i][1], NULL));
        zoe__kernel_free(&kernel);
    }
    assert_int_equal(counters->programs_compiled, before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_kernels_are_one_program, open_session, close_session),
        cmocka_unit_test_setup_teardown(other_batches_compile_nothing, open_session, close_session),
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
