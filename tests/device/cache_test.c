/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk cache: with a made-up driver whose "binary" is its source turned round, then with a real one that has no
 * cache of its own. A bad entry is made anew, whatever is wrong with it. */
#include "device/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/cache.h"

/* The made-up driver: programs are texts to free(). */
typedef struct driver {
    int built, loaded, refused, saved;
    bool refuses, has_no_binary;
} driver;

static void turn(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) text[i] = (char)(text[i] ^ 0x5A);
}

static zoe_status build(void *user, const char *source, const char *options, void **program)
{
    (void)options;
    ((driver *)user)->built++;
    *program = strdup(source);
    return strstr(source, "broken") ? ZOE_BUILD : ZOE_OK;
}

static bool load(void *user, const void *binary, size_t bytes, const char *options, void **program)
{
    (void)options;
    driver *d = user;
    if (d->refuses) {
        d->refused++;
        return false;
    }
    char *text = calloc(bytes + 1, 1);
    memcpy(text, binary, bytes);
    turn(text, bytes);
    *program = text;
    d->loaded++;
    return true;
}

static bool save(void *user, void *program, void **binary, size_t *bytes)
{
    driver *d = user;
    if (d->has_no_binary) return false;
    *bytes = strlen(program);
    *binary = strdup(program);
    turn(*binary, *bytes);
    d->saved++;
    return true;
}

typedef struct cache_fixture {
    fixture base; /* first: the device fixture's functions work on it */
    driver driver;
    char folder[64];
} cache_fixture;

static int setup(void **state)
{
    cache_fixture *c = calloc(1, sizeof *c);
    *state = c;
    if (!c || zoe_context_new(&c->base.context) != ZOE_OK) return -1;
    zoe_context_set_log(c->base.context, fixture_log, &c->base);
    snprintf(c->folder, sizeof c->folder, "/tmp/zoe-cache-test-XXXXXX");
    return mkdtemp(c->folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    cache_fixture *c = *state;
    nftw(c->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return fixture_free(state);
}

/* Gets a program as a device does, checks that it is the right one, and stores it when it was built. */
static bool get(cache_fixture *c, const char *identity, const char *source, const char *options)
{
    const zoe__program_provider provider = {&c->driver, build, load, save};
    void *program = NULL;
    bool loaded = false;
    char key[65];
    assert_ok(&c->base,
              zoe__cache_get(&program, &loaded, key, c->base.context, c->folder, identity, &provider, source, options));
    assert_string_equal(program, source);
    if (!loaded) zoe__cache_keep(c->base.context, c->folder, key, &provider, program);
    free(program);
    return loaded;
}

/* The path of the only entry. */
static void only_entry(const cache_fixture *c, char *path, size_t size)
{
    DIR *dir = opendir(c->folder);
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (e->d_name[0] != '.') {
            snprintf(path, size, "%s/%s", c->folder, e->d_name);
            n++;
        }
    closedir(dir);
    assert_int_equal(n, 1); /* and no temporary file is left */
}

static size_t slurp(const char *path, unsigned char *data, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(data, 1, size, file);
    fclose(file);
    return n;
}

static void spill(const char *path, const unsigned char *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

static void test_second_time_is_loaded(void **state)
{
    cache_fixture *c = *state;
    assert_false(get(c, "device 1", "source", "-DA"));
    assert_true(get(c, "device 1", "source", "-DA"));
    assert_false(get(c, "device 2", "source", "-DA"));
    assert_false(get(c, "device 1", "source!", "-DA"));
    assert_false(get(c, "device 1", "source", "-DB"));
    assert_true(get(c, "device 1", "source", "-DB"));
    assert_int_equal(c->driver.built, 4);
    assert_int_equal(c->driver.saved, 4);
}

static void test_texts_of_a_key_do_not_run_together(void **state)
{
    (void)state;
    char a[65], b[65];
    zoe__cache_key(a, (const char *const[]){"ab", "c", NULL});
    zoe__cache_key(b, (const char *const[]){"a", "bc", NULL});
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 64);
}

static void test_every_cut_and_every_flipped_bit_is_noticed(void **state)
{
    cache_fixture *c = *state;
    char path[512];
    unsigned char good[512], bad[512];
    assert_false(get(c, "device", "a program of some length", ""));
    only_entry(c, path, sizeof path);
    const size_t n = slurp(path, good, sizeof good);
    for (size_t cut = 0; cut < n; cut++) {
        spill(path, good, cut);
        assert_false(get(c, "device", "a program of some length", ""));
        assert_true(get(c, "device", "a program of some length", "")); /* it was written anew */
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(bad, good, n);
        bad[i] ^= (unsigned char)(1u << i % 8);
        spill(path, bad, n);
        assert_false(get(c, "device", "a program of some length", ""));
    }
    memcpy(bad, good, n);
    bad[n] = 0;
    spill(path, bad, n + 1); /* one byte too many */
    assert_false(get(c, "device", "a program of some length", ""));
    assert_int_equal(slurp(path, bad, sizeof bad), n);
    assert_memory_equal(bad, good, n);
    assert_int_equal(c->driver.refused, 0); /* the driver saw none of it */
    assert_string_equal(zoe_context_error(c->base.context), "");
}

static void test_an_entry_of_another_program_is_not_taken(void **state)
{
    cache_fixture *c = *state;
    char path[512], other[512];
    unsigned char data[512];
    assert_false(get(c, "device", "one", ""));
    only_entry(c, path, sizeof path);
    const size_t n = slurp(path, data, sizeof data);
    assert_int_equal(unlink(path), 0);
    assert_false(get(c, "device", "two", ""));
    only_entry(c, other, sizeof other);
    spill(other, data, n); /* sound, but of program "one" */
    assert_false(get(c, "device", "two", ""));
    assert_non_null(strstr(c->base.log, "another program's"));
    assert_true(get(c, "device", "two", ""));
}

static void test_what_the_driver_refuses_is_built(void **state)
{
    cache_fixture *c = *state;
    assert_false(get(c, "device", "source", ""));
    c->driver.refuses = true;
    assert_false(get(c, "device", "source", ""));
    assert_int_equal(c->driver.refused, 1);
    assert_int_equal(c->driver.built, 2);
    assert_non_null(strstr(c->base.log, "refused by the driver"));
}

static void test_odd_files_and_folders_do_no_harm(void **state)
{
    cache_fixture *c = *state;
    char path[512];
    assert_false(get(c, "device", "source", ""));
    only_entry(c, path, sizeof path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
    assert_false(get(c, "device", "source", ""));
    assert_true(get(c, "device", "source", ""));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(get(c, "device", "source", "")); /* cannot be replaced */
    assert_false(get(c, "device", "source", ""));
    only_entry(c, path, sizeof path);
    c->driver.has_no_binary = true;
    assert_false(get(c, "device", "third", ""));
    snprintf(c->folder + strlen(c->folder), 8, "/a/b");
    c->driver.has_no_binary = false;
    assert_false(get(c, "device", "third", "")); /* folders are made */
    assert_true(get(c, "device", "third", ""));
    c->folder[strlen(c->folder) - 4] = '\0';
}

static void test_a_failed_build_is_told_and_not_stored(void **state)
{
    cache_fixture *c = *state;
    const zoe__program_provider provider = {&c->driver, build, load, save};
    void *program = NULL;
    bool loaded;
    char key[65];
    assert_int_equal(
        zoe__cache_get(&program, &loaded, key, c->base.context, c->folder, "device", &provider, "broken", ""),
        ZOE_BUILD);
    free(program);
    assert_int_equal(c->driver.saved, 0);
}

static void test_where_the_folder_is(void **state)
{
    cache_fixture *c = *state;
    char *folder;
    unsetenv("ZOE_CACHE");
    setenv("ZOE_CACHE_DIR", "/x/y", 1);
    assert_ok(&c->base, zoe__cache_folder(&folder, c->base.context));
    assert_string_equal(folder, "/x/y");
    free(folder);
    unsetenv("ZOE_CACHE_DIR");
    setenv("XDG_CACHE_HOME", "/xdg", 1);
    assert_ok(&c->base, zoe__cache_folder(&folder, c->base.context));
    assert_string_equal(folder, "/xdg/zoetrope");
    free(folder);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "/home/somebody", 1);
    assert_ok(&c->base, zoe__cache_folder(&folder, c->base.context));
    assert_string_equal(folder, "/home/somebody/.cache/zoetrope");
    free(folder);
    setenv("ZOE_CACHE", "off", 1);
    assert_ok(&c->base, zoe__cache_folder(&folder, c->base.context));
    assert_null(folder);
    unsetenv("ZOE_CACHE");
}

/* Opens the device to test on with the cache in the fixture's folder and makes one kernel. */
static void use_device(cache_fixture *c, size_t *compiled, size_t *loaded)
{
    zoe_device_options options = zoe_device_options_default();
    zoe__kernel *kernel;
    options.name = getenv("ZOE_TEST_DEVICE");
    options.lanes = 8;
    setenv("ZOE_CACHE_DIR", c->folder, 1);
    setenv("ZOE_CL_DIR", CL_FOLDER, 1);
    if (zoe_device_open(&c->base.device, c->base.context, &options) != ZOE_OK || zoe__device_is_host(c->base.device)) {
        print_message("SKIPPED: no OpenCL device here\n");
        skip();
    }
    assert_ok(&c->base, zoe__kernel_new(&kernel, c->base.device, "probe", "probe_affine", NULL));
    *compiled = zoe__device_get_counters(c->base.device)->programs_compiled;
    *loaded = zoe__device_get_counters(c->base.device)->programs_loaded;
    zoe__kernel_free(&kernel);
}

static void pocl_keeps_its_own_cache(void **state)
{
    cache_fixture *c = *state;
    size_t compiled, loaded;
    use_device(c, &compiled, &loaded);
    if (!(c->base.device->quirks & ZOE__QUIRK_OWN_CACHE)) {
        print_message("SKIPPED: %s has no cache of its own\n", zoe_device_get_info(c->base.device)->id);
        skip();
    }
    assert_int_equal(compiled, 1);
    DIR *dir = opendir(c->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) assert_null(strstr(e->d_name, ".program"));
    closedir(dir);
}

static void a_real_driver_takes_its_binary_and_recovers(void **state)
{
    cache_fixture *c = *state;
    size_t compiled, loaded;
    char path[512];
    unsigned char data[4096];
    use_device(c, &compiled, &loaded);
    if (c->base.device->quirks & ZOE__QUIRK_OWN_CACHE) {
        print_message("SKIPPED: %s keeps a cache of its own (Intel's CPU runtime does not)\n",
                      zoe_device_get_info(c->base.device)->id);
        skip();
    }
    assert_int_equal(compiled, 1);
    zoe_device_free(&c->base.device);
    use_device(c, &compiled, &loaded);
    assert_int_equal(compiled, 0);
    assert_int_equal(loaded, 1);
    zoe_device_free(&c->base.device);
    only_entry(c, path, sizeof path);
    const size_t n = slurp(path, data, sizeof data);
    data[n / 2] ^= 1;
    spill(path, data, n); /* corrupt, and cut when it was longer */
    use_device(c, &compiled, &loaded);
    assert_int_equal(compiled, 1);
    zoe_device_free(&c->base.device);
    /* A sound entry under the right key, but no binary of this driver. */
    char key[65] = "";
    memcpy(key, strrchr(path, '/') + 1, 64);
    assert_true(zoe__cache_write(c->base.context, c->folder, key, "program", "not a program", 13));
    use_device(c, &compiled, &loaded);
    assert_int_equal(compiled, 1);
    zoe_device_free(&c->base.device);
    use_device(c, &compiled, &loaded);
    assert_int_equal(loaded, 1);
}

int main(void)
{
#define WITH_CACHE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_CACHE(test_second_time_is_loaded),
        WITH_CACHE(test_texts_of_a_key_do_not_run_together),
        WITH_CACHE(test_every_cut_and_every_flipped_bit_is_noticed),
        WITH_CACHE(test_an_entry_of_another_program_is_not_taken),
        WITH_CACHE(test_what_the_driver_refuses_is_built),
        WITH_CACHE(test_odd_files_and_folders_do_no_harm),
        WITH_CACHE(test_a_failed_build_is_told_and_not_stored),
        WITH_CACHE(pocl_keeps_its_own_cache),
        WITH_CACHE(a_real_driver_takes_its_binary_and_recovers),
        WITH_CACHE(test_where_the_folder_is), /* last: it moves HOME */
    };
    return cmocka_run_group_tests_name("device cache", tests, NULL, NULL);
}
