/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device tests share: a context that keeps its log, and a device to test on (ZOE_TEST_DEVICE, else the
 * default). */
#ifndef ZOE_TEST_DEVICE_FIXTURE_H
#define ZOE_TEST_DEVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/device.h"
#include "device/internal.h"

#define CL_FOLDER ZOE_SOURCE_DIR "/tests/device/cl"

typedef struct fixture {
    zoe_context *context;
    zoe_device *device;
    char log[16384];
} fixture;

static inline void fixture_log(zoe_log_level level, const char *line, void *user)
{
    fixture *f = user;
    const size_t used = strlen(f->log);
    (void)level;
    snprintf(f->log + used, sizeof f->log - used, "%s\n", line);
}

#define assert_ok(f, expr)                                                                                             \
    do {                                                                                                               \
        if ((expr) != ZOE_OK) fail_msg("%s: %s", #expr, zoe_context_error((f)->context));                              \
    } while (0)

/* The call fails with this status and a text that holds part. */
#define assert_fails(f, expr, status, part)                                                                            \
    do {                                                                                                               \
        assert_string_equal(zoe_status_name(expr), zoe_status_name(status));                                           \
        if (!strstr(zoe_context_error((f)->context), part))                                                            \
            fail_msg("'%s' does not hold '%s'", zoe_context_error((f)->context), part);                                \
        zoe_context_clear((f)->context);                                                                               \
    } while (0)

static inline int fixture_context(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || zoe_context_new(&f->context) != ZOE_OK) return -1;
    zoe_context_set_log(f->context, fixture_log, f);
    setenv("ZOE_CL_DIR", CL_FOLDER, 1);
    return 0;
}

/* Opens an OpenCL device, else leaves f->device NULL: need_device() then skips the test. */
static inline int fixture_device(void **state)
{
    if (fixture_context(state)) return -1;
    fixture *f = *state;
    zoe_device_options options = zoe_device_options_default();
    options.name = getenv("ZOE_TEST_DEVICE");
    options.family = getenv("ZOE_TEST_FAMILY");
    if (zoe_device_open(&f->device, f->context, &options) != ZOE_OK) {
        print_message("%s\n", zoe_context_error(f->context));
        zoe_context_clear(f->context);
    }
    return 0;
}

static inline int fixture_free(void **state)
{
    fixture *f = *state;
    zoe_device_free(&f->device);
    zoe_context_free(&f->context);
    free(f);
    return 0;
}

#define need_opencl(f)                                                                                                 \
    do {                                                                                                               \
        if (!(f)->device || zoe__device_is_host((f)->device)) {                                                        \
            print_message("SKIPPED: no OpenCL device here\n");                                                         \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

#endif
