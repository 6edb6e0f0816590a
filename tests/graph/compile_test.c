/* SPDX-License-Identifier: Apache-2.0
 *
 * What is compiled, and how often: on PoCL small kernels are one program. */
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

#include "device/device.h"

static char cache[] = "/tmp/zoe-compile-XXXXXX";
static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
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
    };
    return cmocka_run_group_tests(tests, make_cache, remove_cache);
}
