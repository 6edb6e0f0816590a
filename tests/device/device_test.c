/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory, kernels and queues of one device. */
#include "device/fixture.h"

#include "core/philox.h"

static void test_memory_is_zero_and_round_trips(void **state)
{
    fixture *f = *state;
    if (!f->device) skip();
    zoe__mem *mem;
    char in[1003], out[1003];
    assert_ok(f, zoe__mem_new(&mem, f->device, sizeof in, "test"));
    assert_int_equal(zoe__mem_bytes(mem), sizeof in);
    assert_int_equal(zoe__device_get_counters(f->device)->bytes, sizeof in);
    memset(out, 1, sizeof out);
    assert_ok(f, zoe__mem_read(mem, 0, out, sizeof out));
    for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 0);
    for (size_t i = 0; i < sizeof in; i++) in[i] = (char)(i * 7);
    assert_ok(f, zoe__mem_write(mem, 0, in, sizeof in));
    assert_ok(f, zoe__mem_read(mem, 3, out, sizeof out - 3));
    assert_memory_equal(out, in + 3, sizeof out - 3);
    assert_ok(f, zoe__mem_zero(mem));
    assert_ok(f, zoe__mem_read(mem, 0, out, sizeof out));
    for (size_t i = 0; i < sizeof out; i++) assert_int_equal(out[i], 0);
    assert_fails(f, zoe__mem_read(mem, 1000, out, 4), ZOE_USAGE, "4 bytes at 1000");
    assert_fails(f, zoe__mem_write(mem, SIZE_MAX, out, 2), ZOE_USAGE, "1003");
    zoe__mem_free(&mem);
    assert_null(mem);
    assert_int_equal(zoe__device_get_counters(f->device)->bytes, 0);
    assert_int_equal(zoe__device_get_counters(f->device)->peak_bytes, sizeof in);
}

static void test_parts_share_memory(void **state)
{
    fixture *f = *state;
    if (!f->device) skip();
    const size_t align = zoe_device_get_info(f->device)->base_align;
    zoe__mem *mem, *part, *inner;
    uint32_t value = 0x12345678, seen = 0;
    assert_ok(f, zoe__mem_new(&mem, f->device, 4 * align, "test"));
    assert_ok(f, zoe__mem_part(&part, mem, align, 2 * align + 7));
    assert_ok(f, zoe__mem_part(&inner, part, align, align));
    assert_ok(f, zoe__mem_write(inner, 8, &value, sizeof value));
    assert_ok(f, zoe__mem_read(mem, 2 * align + 8, &seen, sizeof seen));
    assert_int_equal(seen, value);
    assert_ok(f, zoe__mem_zero(part));
    assert_ok(f, zoe__mem_read(mem, 2 * align + 8, &seen, sizeof seen));
    assert_int_equal(seen, 0);
    assert_int_equal(zoe__device_get_counters(f->device)->bytes, 4 * align);
    zoe__mem *bad;
    assert_fails(f, zoe__mem_part(&bad, mem, 8, 8), ZOE_USAGE, "multiple");
    assert_fails(f, zoe__mem_part(&bad, mem, align, 4 * align), ZOE_USAGE, "part");
    assert_null(bad);
    zoe__mem_free(&inner);
    zoe__mem_free(&part);
    zoe__mem_free(&mem);
}

static void test_too_much_memory_names_both_sizes(void **state)
{
    fixture *f = *state;
    if (!f->device) skip();
    const zoe_device_info *info = zoe_device_get_info(f->device);
    zoe__mem *mem;
    char needed[32], most[32];
    snprintf(needed, sizeof needed, "%llu bytes needed", (unsigned long long)info->max_alloc_bytes + 1);
    snprintf(most, sizeof most, "%llu bytes", (unsigned long long)info->max_alloc_bytes);
    assert_fails(f, zoe__mem_new(&mem, f->device, info->max_alloc_bytes + 1, "activations"), ZOE_DEVICE_MEMORY, needed);
    assert_fails(f, zoe__mem_new(&mem, f->device, info->max_alloc_bytes + 1, "activations"), ZOE_DEVICE_MEMORY, most);
    assert_null(mem);
}

static void set_affine(fixture *f, zoe__kernel *kernel, const zoe__mem *in, const zoe__mem *out, int n, float a,
                       uint32_t s)
{
    const size_t local = 4 * sizeof(float);
    assert_ok(f, zoe__kernel_arg(kernel, 0, 'm', &in));
    assert_ok(f, zoe__kernel_arg(kernel, 1, 'm', &out));
    assert_ok(f, zoe__kernel_arg(kernel, 2, 'i', &n));
    assert_ok(f, zoe__kernel_arg(kernel, 3, 'f', &a));
    assert_ok(f, zoe__kernel_arg(kernel, 4, 'u', &s));
    assert_ok(f, zoe__kernel_arg(kernel, 5, 'l', &local));
}

static void test_kernel_takes_every_kind_of_argument(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    enum { N = 37 };
    float in[N], out[N];
    zoe__mem *a, *b;
    zoe__kernel *kernel;
    for (int i = 0; i < N; i++) in[i] = (float)i;
    assert_ok(f, zoe__mem_new(&a, f->device, sizeof in, "in"));
    assert_ok(f, zoe__mem_new(&b, f->device, sizeof out, "out"));
    assert_ok(f, zoe__mem_write(a, 0, in, sizeof in));
    assert_ok(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_affine", NULL));
    assert_true(zoe__kernel_max_group(kernel) >= 4);
    const size_t global = 40, local = 4;
    set_affine(f, kernel, a, b, N, 2.5f, 3);
    const size_t launches = zoe__device_get_counters(f->device)->launches;
    assert_ok(f, zoe__kernel_run(kernel, 1, &global, &local, "layer"));
    assert_int_equal(zoe__device_get_counters(f->device)->launches, launches + 1);
    assert_ok(f, zoe__mem_read(b, 0, out, sizeof out));
    for (int i = 0; i < N; i++) assert_true(out[i] == 2.5f * (float)i + 3.0f);
    set_affine(f, kernel, NULL, b, N, 2.5f, 4); /* a null buffer */
    assert_ok(f, zoe__kernel_run(kernel, 1, &global, &local, "layer"));
    assert_ok(f, zoe__mem_read(b, 0, out, sizeof out));
    for (int i = 0; i < N; i++) assert_true(out[i] == 4.0f);
    zoe__kernel_free(&kernel);
    zoe__mem_free(&a);
    zoe__mem_free(&b);
}

static void test_uploads_come_before_work_behind_the_fence(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    enum { N = 1 << 12 };
    float *in = malloc(N * sizeof *in), *out = malloc(N * sizeof *out);
    zoe__mem *a, *b;
    zoe__kernel *kernel;
    assert_ok(f, zoe__mem_new(&a, f->device, N * sizeof *in, "in"));
    assert_ok(f, zoe__mem_new(&b, f->device, N * sizeof *out, "out"));
    assert_ok(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_affine", ""));
    set_affine(f, kernel, a, b, N, 1.0f, 0);
    const size_t global = N, local = 4;
    const size_t waits = zoe__device_get_counters(f->device)->waits;
    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < N; i++) in[i] = (float)(i + round);
        assert_ok(f, zoe__mem_upload(a, 0, in, N / 2 * sizeof *in));
        assert_ok(f, zoe__mem_upload(a, N / 2 * sizeof *in, in + N / 2, N / 2 * sizeof *in));
        assert_ok(f, zoe__device_fence(f->device));
        assert_ok(f, zoe__kernel_run(kernel, 1, &global, &local, "layer"));
        assert_ok(f, zoe__device_finish(f->device));
        assert_ok(f, zoe__mem_read(b, 0, out, N * sizeof *out));
        assert_memory_equal(in, out, N * sizeof *in);
    }
    assert_ok(f, zoe__device_fence(f->device)); /* with nothing to wait for */
    assert_ok(f, zoe__device_flush(f->device));
    const size_t synced = f->device->sync ? 8 : 0; /* ZOE_SYNC=1 waits for each launch too */
    assert_int_equal(zoe__device_get_counters(f->device)->waits, waits + 16 + synced);
    zoe__kernel_free(&kernel);
    zoe__mem_free(&a);
    zoe__mem_free(&b);
    free(in);
    free(out);
}

static void test_random_numbers_are_those_of_the_host(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    enum { N = 64 };
    uint32_t out[N][4];
    const uint32_t key[2] = {0xDEADBEEF, 42};
    zoe__mem *mem;
    zoe__kernel *kernel;
    assert_ok(f, zoe__mem_new(&mem, f->device, sizeof out, "numbers"));
    assert_ok(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_philox", NULL));
    const zoe__mem *arg = mem;
    assert_ok(f, zoe__kernel_arg(kernel, 0, 'm', &arg));
    assert_ok(f, zoe__kernel_arg(kernel, 1, 'u', &key[0]));
    assert_ok(f, zoe__kernel_arg(kernel, 2, 'u', &key[1]));
    const size_t global = N;
    assert_ok(f, zoe__kernel_run(kernel, 1, &global, NULL, NULL));
    assert_ok(f, zoe__mem_read(mem, 0, out, sizeof out));
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t counter[4] = {i, 1, 2, 3};
        const zoe__philox4 expected = zoe__philox(key, counter);
        assert_memory_equal(out[i], expected.v, sizeof out[i]);
    }
    zoe__kernel_free(&kernel);
    zoe__mem_free(&mem);
}

static void run_defines(fixture *f, const char *options, int out[3])
{
    zoe__mem *mem;
    zoe__kernel *kernel;
    assert_ok(f, zoe__mem_new(&mem, f->device, 3 * sizeof(int), "defines"));
    assert_ok(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_defines", options));
    const zoe__mem *arg = mem;
    assert_ok(f, zoe__kernel_arg(kernel, 0, 'm', &arg));
    const size_t global = 1;
    assert_ok(f, zoe__kernel_run(kernel, 1, &global, &global, NULL));
    assert_ok(f, zoe__mem_read(mem, 0, out, 3 * sizeof(int)));
    zoe__kernel_free(&kernel);
    zoe__mem_free(&mem);
}

static void test_programs_know_family_lanes_and_options(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    const zoe_device_info *info = zoe_device_get_info(f->device);
    int plain[3], optional[3];
    run_defines(f, NULL, plain);
    run_defines(f, "-DPROBE=77", optional);
    assert_int_equal(plain[0], info->family == ZOE_FAMILY_VECTOR);
    assert_int_equal(plain[1], info->lanes);
    assert_int_equal(plain[2], 0);
    assert_int_equal(optional[2], 77);
    const zoe__device_counters *counters = zoe__device_get_counters(f->device);
    const size_t built = counters->programs_compiled + counters->programs_loaded;
    run_defines(f, "-DPROBE=77", optional); /* the same program again */
    assert_int_equal(counters->programs_compiled + counters->programs_loaded, built);
}

static void test_build_error_names_file_and_line(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    zoe__kernel *kernel;
    /* Oclgrind's compiler does not heed #line. */
    const bool heeds = !strstr(zoe_device_get_info(f->device)->platform, "Oclgrind");
    assert_fails(f, zoe__kernel_new(&kernel, f->device, "broken", "broken", NULL), ZOE_BUILD,
                 heeds ? "tests/device/cl/broken.cl:7" : "no_such_name");
    assert_null(kernel);
    assert_non_null(strstr(f->log, "no_such_name"));
    assert_fails(f, zoe__kernel_new(&kernel, f->device, "missing", "x", NULL), ZOE_BUILD, "cl/missing.cl");
    assert_fails(f, zoe__kernel_new(&kernel, f->device, "probe", "no_kernel", NULL), ZOE_BUILD,
                 "no kernel 'no_kernel'");
    setenv("ZOE_CL_DIR", "/nonexistent/kernels", 1);
    assert_fails(f, zoe__kernel_new(&kernel, f->device, "relu", "x", NULL), ZOE_BUILD,
                 "ZOE_CL_DIR=/nonexistent/kernels: not a folder");
    setenv("ZOE_CL_DIR", CL_FOLDER, 1);
}

static void test_failed_launch_names_kernel_and_layer(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    zoe__kernel *kernel;
    assert_ok(f, zoe__kernel_new(&kernel, f->device, "probe", "probe_defines", NULL));
    const size_t global = 1;
    assert_fails(f, zoe__kernel_run(kernel, 1, &global, NULL, "conv3"), ZOE_DEVICE,
                 "probe_defines (layer conv3): CL_INVALID");
    const float value = 1.0f;
    assert_fails(f, zoe__kernel_arg(kernel, 9, 'f', &value), ZOE_DEVICE, "CL_INVALID_ARG_INDEX (-49)");
    assert_fails(f, zoe__kernel_arg(kernel, 0, 'x', &value), ZOE_USAGE, "kind 'x'");
    zoe__kernel_free(&kernel);
}

int main(void)
{
#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, fixture_device, fixture_free)
    const struct CMUnitTest tests[] = {
        WITH_DEVICE(test_memory_is_zero_and_round_trips),
        WITH_DEVICE(test_parts_share_memory),
        WITH_DEVICE(test_too_much_memory_names_both_sizes),
        WITH_DEVICE(test_kernel_takes_every_kind_of_argument),
        WITH_DEVICE(test_uploads_come_before_work_behind_the_fence),
        WITH_DEVICE(test_random_numbers_are_those_of_the_host),
        WITH_DEVICE(test_programs_know_family_lanes_and_options),
        WITH_DEVICE(test_build_error_names_file_and_line),
        WITH_DEVICE(test_failed_launch_names_kernel_and_layer),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
