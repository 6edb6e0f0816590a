/* SPDX-License-Identifier: Apache-2.0
 *
 * Every OpenCL call may fail: through a layer between us and the driver, each call in turn of a small piece of work
 * does. Whoever called us hears of it, with the call's name, and nothing is leaked or crashes. */
#include "device/fixture.h"

#include <dlfcn.h>

static void (*set_fault)(long at, int code);
static long (*fault_calls)(void);

#define need_layer(f)                                                                                                  \
    do {                                                                                                               \
        need_opencl(f);                                                                                                \
        if (!set_fault || !fault_calls()) {                                                                            \
            print_message("SKIPPED: this OpenCL loader takes no layers\n");                                            \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)

static int setup(void **state)
{
    if (set_fault) set_fault(0, 0);
    return fixture_device(state);
}

typedef struct work {
    zoe_device *device;
    zoe__mem *mem, *part;
    zoe__kernel *kernel;
} work;

static zoe_status use_kernel(fixture *f, work *w)
{
    const size_t global = 1;
    int out[3] = {0};
    const zoe__mem *arg = w->mem;
    ZOE_TRY(zoe__kernel_new(&w->kernel, w->device, "probe", "probe_defines", NULL));
    ZOE_TRY(zoe__kernel_arg(w->kernel, 0, 'm', &arg));
    ZOE_TRY(zoe__kernel_run(w->kernel, 1, &global, NULL, "conv3"));
    ZOE_TRY(zoe__device_flush(w->device));
    ZOE_TRY(zoe__device_finish(w->device));
    ZOE_TRY(zoe__mem_read(w->mem, 0, out, sizeof out));
    ZOE_FAIL_IF(f->context, out[1] != 8, ZOE_WRONG, "lanes %d", out[1]);
    return ZOE_OK;
}

static zoe_status use_all(fixture *f, work *w)
{
    zoe_device_options options = zoe_device_options_default();
    static const char data[16] = "some bytes";
    options.name = zoe_device_get_info(f->device)->id;
    options.lanes = 8;
    ZOE_TRY(zoe_device_open(&w->device, f->context, &options));
    ZOE_TRY(zoe__mem_new(&w->mem, w->device, 4096, "activations"));
    ZOE_TRY(zoe__mem_part(&w->part, w->mem, zoe_device_get_info(w->device)->base_align, 512));
    ZOE_TRY(zoe__mem_zero(w->part));
    ZOE_TRY(zoe__mem_write(w->part, 0, data, sizeof data));
    ZOE_TRY(zoe__mem_upload(w->part, 16, data, sizeof data));
    ZOE_TRY(zoe__device_fence(w->device));
    return use_kernel(f, w);
}

static zoe_status do_work(fixture *f)
{
    work w = {0};
    const zoe_status status = use_all(f, &w);
    zoe__kernel_free(&w.kernel);
    zoe__mem_free(&w.part);
    zoe__mem_free(&w.mem);
    zoe_device_free(&w.device);
    return status;
}

static void test_each_call_in_turn(void **state)
{
    fixture *f = *state;
    need_layer(f);
    static const int codes[] = {-4, -5, -6, -36};
    setenv("ZOE_SYNC", "1", 1); /* a launch that compiles makes the same calls then as one that does not */
    set_fault(0, 0);
    assert_ok(f, do_work(f));
    const long calls = fault_calls();
    assert_true(calls > 15);
    for (size_t c = 0; c < sizeof codes / sizeof codes[0]; c++) {
        int silent = 0;
        for (long at = 1; at <= calls; at++) {
            set_fault(at, codes[c]);
            const zoe_status status = do_work(f);
            set_fault(0, 0);
            if (status == ZOE_OK) {
                silent++;
            } else {
                assert_true(status == ZOE_DEVICE || status == ZOE_DEVICE_MEMORY || status == ZOE_BUILD);
                assert_non_null(strstr(zoe_context_error(f->context), zoe__cl_error_name(codes[c])));
            }
            zoe_context_clear(f->context);
        }
        assert_int_equal(silent, 2); /* the two clFinish() of a device that closes */
    }
    assert_ok(f, do_work(f));
    unsetenv("ZOE_SYNC");
}

static void test_sync_names_the_kernel_that_failed(void **state)
{
    fixture *f = *state;
    need_layer(f);
    bool named = false;
    setenv("ZOE_SYNC", "1", 1);
    set_fault(0, 0);
    assert_ok(f, do_work(f));
    for (long at = 1; at <= fault_calls() + 64 && !named; at++) {
        set_fault(at, -5);
        const zoe_status status = do_work(f);
        named = status == ZOE_DEVICE &&
                strstr(zoe_context_error(f->context), "running probe_defines (layer conv3): CL_OUT_OF_RESOURCES (-5)");
        zoe_context_clear(f->context);
    }
    unsetenv("ZOE_SYNC");
    set_fault(0, 0);
    assert_true(named);
}

static void test_no_memory_names_the_bytes(void **state)
{
    fixture *f = *state;
    need_layer(f);
    zoe__mem *mem;
    static const int codes[] = {-4, -5, -6, -61};
    for (int i = 0; i < 4; i++)
        for (long at = 1; at <= 3; at++) { /* creating, filling, waiting: a driver may notice at any of them */
            set_fault(at, codes[i]);
            const zoe_status status = zoe__mem_new(&mem, f->device, 4096, "activations");
            set_fault(0, 0);
            assert_fails(f, status, ZOE_DEVICE_MEMORY, "activations: 4096 bytes needed");
            assert_null(mem);
            assert_int_equal(zoe__device_get_counters(f->device)->bytes, 0);
        }
}

int main(void)
{
    setenv("OPENCL_LAYERS", FAULT_LAYER, 1); /* before the loader starts */
    void *layer = dlopen(FAULT_LAYER, RTLD_NOW | RTLD_LOCAL);
    void *set = layer ? dlsym(layer, "zoe_fault_set") : NULL, *count = layer ? dlsym(layer, "zoe_fault_calls") : NULL;
    memcpy(&set_fault, &set, sizeof set);
    memcpy(&fault_calls, &count, sizeof count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_call_in_turn, setup, fixture_free),
        cmocka_unit_test_setup_teardown(test_sync_names_the_kernel_that_failed, setup, fixture_free),
        cmocka_unit_test_setup_teardown(test_no_memory_names_the_bytes, setup, fixture_free),
    };
    return cmocka_run_group_tests_name("device faults", tests, NULL, NULL);
}
