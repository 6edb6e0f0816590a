/* SPDX-License-Identifier: Apache-2.0
 *
 * Which devices there are and what a name means: on made-up machines, then on this one. */
#include "device/fixture.h"

/* A machine with everything. Platforms are told apart by their address. */
static char platforms[8];

static zoe__device_entry entry(int platform, const char *id, const char *name, const char *driver, int rank, bool cpu)
{
    zoe__device_entry e = {.platform = &platforms[platform], .device = &platforms[platform], .rank = rank};
    snprintf(e.info.id, sizeof e.info.id, "%s", id);
    snprintf(e.info.name, sizeof e.info.name, "%s", name);
    snprintf(e.info.driver, sizeof e.info.driver, "%s", driver);
    e.info.is_cpu = cpu;
    e.info.is_gpu = !cpu;
    e.info.family = cpu ? ZOE_FAMILY_VECTOR : ZOE_FAMILY_SIMT;
    return e;
}

enum { LLVMPIPE, INTEL, HOST, POCL, AMD, MESA_GPU, AMD_AGAIN, COUNT };

static void big_machine(zoe__device_entry *e)
{
    e[LLVMPIPE] = entry(1, "rusticl:0", "llvmpipe (LLVM 15)", "22.3", ZOE__RANK_BY_NAME, true);
    e[INTEL] = entry(2, "intel-cpu:0", "Intel(R) Xeon(R)", "2026.22", ZOE__RANK_INTEL_CPU, true);
    e[HOST] = (zoe__device_entry){.rank = ZOE__RANK_HOST};
    zoe__host_info(&e[HOST].info);
    snprintf(e[HOST].info.name, sizeof e[HOST].info.name, "Intel(R) Xeon(R)");
    e[POCL] = entry(3, "pocl:0", "pthread-skylake-Intel(R) Xeon(R)", "3.1", ZOE__RANK_POCL, true);
    e[AMD] = entry(4, "amd:0", "gfx1030", "3513", ZOE__RANK_GPU, false);
    e[MESA_GPU] = entry(1, "rusticl:1", "Radeon RX", "22.3", ZOE__RANK_GPU, false);
    e[AMD_AGAIN] = entry(5, "amd:1", "gfx1030", "3513", ZOE__RANK_GPU, false);
    snprintf(e[AMD].info.pci, sizeof e[AMD].info.pci, "0000:03:00.0");
    snprintf(e[MESA_GPU].info.pci, sizeof e[MESA_GPU].info.pci, "0000:03:00.0");
    snprintf(e[AMD_AGAIN].info.pci, sizeof e[AMD_AGAIN].info.pci, "0000:03:00.0");
    snprintf(e[POCL].info.uuid, sizeof e[POCL].info.uuid, "00112233445566778899aabbccddeeff");
    snprintf(e[INTEL].info.uuid, sizeof e[INTEL].info.uuid, "00112233445566778899aabbccddeeff");
}

static void test_order_and_aliases(void **state)
{
    (void)state;
    static const char *const order[COUNT] = {"amd:0",       "rusticl:1", "amd:1",    "pocl:0",
                                             "intel-cpu:0", "host",      "rusticl:0"};
    zoe__device_entry e[COUNT];
    big_machine(e);
    zoe__device_order(e, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_string_equal(e[i].info.id, order[i]);
        /* Only the same address by the same driver is an alias: not another driver's, not two CPU runtimes. */
        assert_string_equal(e[i].info.alias_of, !strcmp(order[i], "amd:1") ? "amd:0" : "");
    }
}

static void test_two_devices_of_a_platform_are_no_aliases(void **state)
{
    (void)state;
    zoe__device_entry e[2] = {entry(0, "pocl:0", "basic", "3.1", ZOE__RANK_POCL, true),
                              entry(0, "pocl:1", "basic", "3.1", ZOE__RANK_POCL, true)};
    snprintf(e[0].info.uuid, sizeof e[0].info.uuid, "0011");
    snprintf(e[1].info.uuid, sizeof e[1].info.uuid, "0011");
    zoe__device_order(e, 2);
    assert_string_equal(e[1].info.alias_of, "");
}

static void test_names(void **state)
{
    fixture *f = *state;
    static const char *const cases[][2] = {
        {"", "amd:0"},
        {NULL, "amd:0"},
        {"gpu", "amd:0"},
        {"cpu", "pocl:0"},
        {"host", "host"},
        {"pocl", "pocl:0"},
        {"pocl:0", "pocl:0"},
        {"intel", "intel-cpu:0"},
        {"xeon", "pocl:0"},
        {"RADEON", "rusticl:1"},
        {"llvmpipe", "rusticl:0"},
        {"rusticl:0", "rusticl:0"},
        {"rusticl", "rusticl:1"},
        {"0000:03:00.0", "amd:0"},
        {"gfx1030", "amd:0"},
        {"amd:1", "amd:1"},
    };
    zoe__device_entry e[COUNT];
    big_machine(e);
    zoe__device_order(e, COUNT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t index = 99;
        assert_ok(f, zoe__device_select(f->context, e, COUNT, cases[i][0], &index));
        assert_string_equal(e[index].info.id, cases[i][1]);
    }
    size_t index;
    assert_fails(f, zoe__device_select(f->context, e, COUNT, "voodoo", &index), ZOE_DEVICE, "pocl:0");
    assert_fails(f, zoe__device_select(f->context, e + 5, 2, "gpu", &index), ZOE_DEVICE, "no device 'gpu'");
    assert_fails(f, zoe__device_select(f->context, e + 5, 2, "cpu", &index), ZOE_DEVICE, "rusticl:0");
}

static void test_no_opencl_device_tells_how_to_get_one(void **state)
{
    fixture *f = *state;
    zoe__device_entry e = {.rank = ZOE__RANK_HOST};
    zoe__host_info(&e.info);
    size_t index;
    assert_ok(f, zoe__device_select(f->context, &e, 1, NULL, &index));
    static const char *const names[] = {"cpu", "gpu", "pocl:0", "anything"};
    for (int i = 0; i < 4; i++)
        assert_fails(f, zoe__device_select(f->context, &e, 1, names[i], &index), ZOE_DEVICE,
                     "apt-get install pocl-opencl-icd");
}

static void test_parts_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *base;
        unsigned part, parts;
    } cases[] = {{"pocl:0", "pocl:0", 0, 1},     {"pocl:0/0", "pocl:0", 0, 2},
                 {"pocl:0/1", "pocl:0", 1, 2},   {"cpu/3of4", "cpu", 3, 4},
                 {"pocl:0/2", "pocl:0/2", 0, 1}, {"a/b", "a/b", 0, 1},
                 {"x/1of0", "x/1of0", 0, 1},     {"x/1of2y", "x/1of2y", 0, 1},
                 {"x/4of4", "x/4of4", 0, 1},     {"", "", 0, 1},
                 {"a/b/0", "a/b", 0, 2},         {"x/-1", "x/-1", 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char base[32];
        unsigned part, parts;
        assert_true(zoe__device_split_name(cases[i].name, base, sizeof base, &part, &parts));
        assert_string_equal(base, cases[i].base);
        assert_int_equal(part, cases[i].part);
        assert_int_equal(parts, cases[i].parts);
    }
    char tiny[4];
    unsigned part, parts;
    assert_false(zoe__device_split_name("pocl:0", tiny, sizeof tiny, &part, &parts));
}

static void test_quirk_rows(void **state)
{
    (void)state;
    assert_int_equal(zoe__quirk_flags("Portable Computing Language", "pthread", "3.1+debian"),
                     ZOE__QUIRK_OWN_CACHE | ZOE__QUIRK_LAZY);
    assert_int_equal(zoe__quirk_flags("NVIDIA CUDA", "H100", "550.1"), ZOE__QUIRK_OWN_CACHE);
    assert_int_equal(zoe__quirk_flags("rusticl", "llvmpipe (LLVM 15.0.6, 256 bits)", "22.3.6"),
                     ZOE__QUIRK_OWN_CACHE | ZOE__QUIRK_NO_HINTS | ZOE__QUIRK_SIMT | ZOE__QUIRK_BY_NAME);
    assert_int_equal(zoe__quirk_flags("Clover", "Radeon", "22.3.6"), ZOE__QUIRK_BY_NAME);
    assert_int_equal(zoe__quirk_flags("Oclgrind", "Oclgrind Simulator", "21.10"),
                     ZOE__QUIRK_OWN_CACHE | ZOE__QUIRK_NO_HINTS);
    assert_int_equal(zoe__quirk_flags("Intel(R) OpenCL", "Xeon", "2026"), 0);
    for (size_t i = 0; i < zoe__quirk_count; i++) assert_true(zoe__quirks[i].reason[0] && zoe__quirks[i].test[0]);
}

static void test_this_machine(void **state)
{
    fixture *f = *state;
    zoe_device_info *devices;
    size_t count, hosts = 0;
    assert_ok(f, zoe_device_list(f->context, &devices, &count));
    for (size_t i = 0; i < count; i++) {
        const zoe_device_info *d = &devices[i];
        for (size_t j = 0; j < i; j++) assert_string_not_equal(d->id, devices[j].id);
        if (d->family == ZOE_FAMILY_HOST) hosts++;
        assert_true(d->name[0] && d->driver[0] && d->compute_units > 0 && d->base_align >= 64);
        assert_true(d->max_alloc_bytes > 0 && d->max_alloc_bytes <= d->global_mem_bytes);
        zoe_device_options options = zoe_device_options_default();
        zoe_device *device;
        options.name = d->id;
        assert_ok(f, zoe_device_open(&device, f->context, &options)); /* an id opens what it names */
        assert_string_equal(zoe_device_get_info(device)->id, d->id);
        zoe_device_free(&device);
    }
    assert_int_equal(hosts, 1);
    free(devices);
}

static void test_bad_options(void **state)
{
    fixture *f = *state;
    zoe_device *device;
    zoe_device_options options = zoe_device_options_default();
    options.name = "host";
    options.family = "warp";
    assert_fails(f, zoe_device_open(&device, f->context, &options), ZOE_USAGE, "family 'warp'");
    options.family = "simt";
    assert_fails(f, zoe_device_open(&device, f->context, &options), ZOE_USAGE, "host");
    options.family = NULL;
    options.lanes = 12;
    assert_fails(f, zoe_device_open(&device, f->context, &options), ZOE_USAGE, "lanes 12");
    options.lanes = 0;
    options.name = "no such thing";
    assert_fails(f, zoe_device_open(&device, f->context, &options), ZOE_DEVICE, "no such thing");
    assert_null(device);
}

static void test_halves_and_overrides(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    if (!zoe_device_get_info(f->device)->is_cpu || zoe_device_get_info(f->device)->compute_units < 2) {
        print_message("SKIPPED: no CPU-like device of two compute units here\n");
        skip();
    }
    char whole[64], name[80];
    snprintf(whole, sizeof whole, "%s", zoe_device_get_info(f->device)->id);
    const uint32_t units = zoe_device_get_info(f->device)->compute_units;
    zoe_device *halves[2];
    zoe_device_options options = zoe_device_options_default();
    options.name = name;
    options.family = "simt";
    options.lanes = 16;
    snprintf(name, sizeof name, "%s/0", whole);
    if (strstr(zoe_device_get_info(f->device)->platform, "rusticl")) { /* Mesa 22.3 cannot, and must not crash */
        assert_fails(f, zoe_device_open(&halves[0], f->context, &options), ZOE_DEVICE, "cannot be cut");
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/%u", whole, i);
        assert_ok(f, zoe_device_open(&halves[i], f->context, &options));
        assert_string_equal(zoe_device_get_info(halves[i])->id, name);
        assert_int_equal(zoe_device_get_info(halves[i])->compute_units, units / 2);
        assert_int_equal(zoe_device_get_info(halves[i])->family, ZOE_FAMILY_SIMT);
        assert_int_equal(zoe_device_get_info(halves[i])->lanes, 16);
        assert_int_equal(zoe__device_get_counters(halves[i])->launches, 0);
    }
    snprintf(name, sizeof name, "%s/0of999", whole);
    zoe_device *none;
    assert_fails(f, zoe_device_open(&none, f->context, &options), ZOE_DEVICE, "999 parts");
    zoe_device_free(&halves[0]);
    zoe_device_free(&halves[1]);
}

static void test_sync_waits_after_every_launch(void **state)
{
    fixture *f = *state;
    need_opencl(f);
    zoe_device *device;
    zoe__kernel *kernel;
    zoe__mem *mem;
    zoe_device_options options = zoe_device_options_default();
    options.name = zoe_device_get_info(f->device)->id;
    setenv("ZOE_SYNC", "1", 1);
    assert_ok(f, zoe_device_open(&device, f->context, &options));
    unsetenv("ZOE_SYNC");
    assert_ok(f, zoe__mem_new(&mem, device, 3 * sizeof(int), "defines"));
    assert_ok(f, zoe__kernel_new(&kernel, device, "probe", "probe_defines", NULL));
    const zoe__mem *arg = mem;
    assert_ok(f, zoe__kernel_arg(kernel, 0, 'm', &arg));
    const size_t global = 1, waits = zoe__device_get_counters(device)->waits;
    for (int i = 0; i < 3; i++) assert_ok(f, zoe__kernel_run(kernel, 1, &global, NULL, "layer"));
    assert_int_equal(zoe__device_get_counters(device)->waits, waits + 3);
    zoe__kernel_free(&kernel);
    zoe__mem_free(&mem);
    zoe_device_free(&device);
}

int main(void)
{
#define WITH_CONTEXT(name) cmocka_unit_test_setup_teardown(name, fixture_context, fixture_free)
#define WITH_DEVICE(name)  cmocka_unit_test_setup_teardown(name, fixture_device, fixture_free)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_aliases),
        cmocka_unit_test(test_two_devices_of_a_platform_are_no_aliases),
        WITH_CONTEXT(test_names),
        WITH_CONTEXT(test_no_opencl_device_tells_how_to_get_one),
        cmocka_unit_test(test_parts_of_a_name),
        cmocka_unit_test(test_quirk_rows),
        WITH_CONTEXT(test_this_machine),
        WITH_CONTEXT(test_bad_options),
        WITH_DEVICE(test_halves_and_overrides),
        WITH_DEVICE(test_sync_waits_after_every_launch),
    };
    return cmocka_run_group_tests_name("device list", tests, NULL, NULL);
}
