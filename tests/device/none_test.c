/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine without any OpenCL driver: the loader is pointed at a folder that does not exist, before its first use. */
#include "device/fixture.h"

static void test_the_list_is_the_host(void **state)
{
    fixture *f = *state;
    zoe_device_info *devices;
    size_t count;
    assert_ok(f, zoe_device_list(f->context, &devices, &count));
    assert_int_equal(count, 1);
    assert_string_equal(devices[0].id, "host");
    free(devices);
}

static void test_the_default_is_the_host_with_a_warning(void **state)
{
    fixture *f = *state;
    assert_ok(f, zoe_device_open(&f->device, f->context, NULL));
    assert_true(zoe__device_is_host(f->device));
    assert_non_null(strstr(f->log, "pocl-opencl-icd"));
    assert_null(zoe__device_queue(f->device));
    zoe__kernel *kernel;
    assert_fails(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_affine", NULL), ZOE_UNSUPPORTED, "host");
}

static void test_any_other_name_tells_how_to_get_pocl(void **state)
{
    fixture *f = *state;
    static const char *const names[] = {"cpu", "gpu", "pocl", "pocl:0/1"};
    for (int i = 0; i < 4; i++) {
        zoe_device_options options = zoe_device_options_default();
        options.name = names[i];
        assert_fails(f, zoe_device_open(&f->device, f->context, &options), ZOE_DEVICE,
                     "apt-get install pocl-opencl-icd");
    }
}

int main(void)
{
    setenv("OCL_ICD_VENDORS", "/nonexistent/zoetrope", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_list_is_the_host, fixture_context, fixture_free),
        cmocka_unit_test_setup_teardown(test_the_default_is_the_host_with_a_warning, fixture_context, fixture_free),
        cmocka_unit_test_setup_teardown(test_any_other_name_tells_how_to_get_pocl, fixture_context, fixture_free),
    };
    return cmocka_run_group_tests_name("device none", tests, NULL, NULL);
}
