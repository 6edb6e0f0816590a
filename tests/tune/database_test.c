/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows, their database, files of them, and which row a shape gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include <zoe/tune.h>

#include "tune/clblast.h"
#include "tune/database.h"
#include "tune/defaults.h"
#include "tune/exchange.h"
#include "tune/table.h"

static char folder[] = "/tmp/zoe-tune-XXXXXX", path[128];
static zoe_context *context;
static char said[1024]; /* the last warning */

static void note(zoe_log_level level, const char *line, void *user)
{
    (void)user;
    if (level == ZOE_LOG_WARN) snprintf(said, sizeof said, "%s", line);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/deep/er/tuning.sqlite", folder);
    if (zoe_context_new(&context) != ZOE_OK) return -1;
    zoe_context_set_log(context, note, NULL);
    return 0;
}

static int tear_down(void **state)
{
    char command[160];
    (void)state;
    zoe_context_free(&context);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Each test starts without a database. */
static int fresh(void **state)
{
    char command[256];
    (void)state;
    said[0] = '\0';
    zoe_context_clear(context);
    snprintf(command, sizeof command, "chmod -R u+w %s && rm -rf %s/*", folder, folder);
    return system(command);
}

static zoe_device_info info(void)
{
    zoe_device_info i = {
        .family = ZOE_FAMILY_VECTOR, .compute_units = 2, .lanes = 16, .max_work_group = 4096, .local_mem_bytes = 32768};
    snprintf(i.id, sizeof i.id, "pocl:0");
    snprintf(i.name, sizeof i.name, "a processor");
    snprintf(i.driver, sizeof i.driver, "3.1");
    return i;
}

static zoe__tune_entry row(const char *algorithm, int n, int c, double seconds, int64_t time)
{
    const zoe_device_info i = info();
    zoe__tune_entry e = {.shape = {n, c, 28, 28, 32, 3, 3, 1, 1, 1, 1, 1},
                         .seconds = seconds,
                         .default_seconds = 1,
                         .nmse = 1e-12,
                         .time = time};
    zoe__tune_device_of(&e.device, &i);
    snprintf(e.op, sizeof e.op, "conv2d");
    snprintf(e.direction, sizeof e.direction, "forward");
    snprintf(e.algorithm, sizeof e.algorithm, "%s", algorithm);
    snprintf(e.parameters, sizeof e.parameters, "4,0,0,0");
    return e;
}

#define ok(expr)                                                                                                       \
    do {                                                                                                               \
        if ((expr) != ZOE_OK) fail_msg("%s: %s", #expr, zoe_context_error(context));                                   \
    } while (0)

static void put(const zoe__tune_entry *e, bool newer, bool *kept)
{
    zoe__tune_database *d;
    ok(zoe__tune_database_open(&d, context, path, true));
    ok(zoe__tune_database_put_entry(d, e, newer, kept));
    zoe__tune_database_close(&d);
    assert_null(d);
}

static zoe__tune_table *table_at(const char *place)
{
    const zoe_device_info i = info();
    zoe__tune_table *table;
    ok(zoe__tune_table_open(&table, context, &i, place));
    return table;
}

static size_t own_rows(const zoe__tune_table *table)
{
    return table->count - table->shipped;
}

/* ---- texts ---- */

static void shapes_have_one_text(void **state)
{
    static const char *const bad[] = {"",
                                      "8x64x56x56",
                                      "8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1 ",
                                      "08x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
                                      "0x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1",
                                      "8x64x56x56 64x3x3 stride 1x1 pad -1x1 groups 1",
                                      "8x64x56x56 64x3x3 stride 0x1 pad 1x1 groups 1"};
    (void)state;
    const zoe__tune_shape shape = {8, 64, 56, 57, 65, 3, 5, 1, 2, 1, 0, 1};
    zoe__tune_shape again;
    char text[ZOE__TUNE_SHAPE_TEXT];
    zoe__tune_shape_text(text, &shape);
    assert_string_equal(text, "8x64x56x57 65x3x5 stride 1x2 pad 1x0 groups 1");
    assert_true(zoe__tune_shape_read(&again, text));
    assert_memory_equal(&shape, &again, sizeof shape);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (zoe__tune_shape_read(&again, bad[i])) fail_msg("'%s' was taken", bad[i]);
}

static void parameters_are_checked(void **state)
{
    int p[4];
    (void)state;
    assert_true(zoe__tune_parameters_read(p, 4, "4,0,12"));
    assert_int_equal(p[0], 4);
    assert_int_equal(p[2], 12);
    assert_int_equal(p[3], 0);
    assert_true(zoe__tune_parameters_read(p, 4, ""));
    assert_false(zoe__tune_parameters_read(p, 4, "1,2,3,4,5"));
    assert_false(zoe__tune_parameters_read(p, 4, "1,-2"));
    assert_false(zoe__tune_parameters_read(p, 4, "1;2"));
}

static void distances(void **state)
{
    (void)state;
    const zoe__tune_shape a = row("x", 8, 64, 1, 0).shape;
    zoe__tune_shape b = a;
    assert_true(zoe__tune_distance("conv2d", &a, &b) == 0);
    b.c = 128;
    assert_true(fabs(zoe__tune_distance("conv2d", &a, &b) - 1) < 1e-12);
    b.n = 16;
    assert_true(fabs(zoe__tune_distance("conv2d", &a, &b) - 1.25) < 1e-12);
    b.h = 56;
    assert_true(fabs(zoe__tune_distance("conv2d", &b, &a) - 1.75) < 1e-12);
    b.stride_w = 2;
    assert_true(isinf(zoe__tune_distance("conv2d", &a, &b)));
}

/* ---- the database ---- */

static void rows_come_back(void **state)
{
    (void)state;
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    put(&e, false, NULL);
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 1);
    assert_memory_equal(&table->rows[0].shape, &e.shape, sizeof e.shape);
    assert_string_equal(table->rows[0].algorithm, "winograd");
    assert_string_equal(table->rows[0].parameters, "4,0,0,0");
    assert_true(table->rows[0].seconds == 0.5 && table->rows[0].nmse == 1e-12 && table->rows[0].time == 10);
    zoe__tune_table_free(&table);
}

static void a_row_of_another_device_is_none(void **state)
{
    (void)state;
    zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    snprintf(e.device.driver, sizeof e.device.driver, "3.2");
    put(&e, false, NULL);
    e = row("winograd", 8, 64, 0.5, 10);
    e.device.lanes = 8;
    put(&e, false, NULL);
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 0);
    zoe__tune_table_free(&table);
}

static void the_nearest_row_counts(void **state)
{
    (void)state;
    zoe__tune_entry near = row("winograd", 8, 64, 0.5, 10), far = row("direct", 8, 256, 0.5, 10);
    double distance;
    put(&near, false, NULL);
    put(&far, false, NULL);
    zoe__tune_table *table = table_at(path);
    zoe__tune_shape shape = near.shape;
    shape.c = 100;
    const zoe__tune_entry *found = zoe__tune_table_find(table, "conv2d", "forward", &shape, &distance);
    assert_non_null(found);
    assert_string_equal(found->algorithm, "winograd");
    assert_true(distance > 0 && distance < 1);
    shape.c = 200;
    assert_string_equal(zoe__tune_table_find(table, "conv2d", "forward", &shape, NULL)->algorithm, "direct");
    assert_null(zoe__tune_table_find(table, "conv2d", "data", &shape, NULL));
    shape.c = 256 * 5; /* past ZOE__TUNE_FAR */
    assert_null(zoe__tune_table_find(table, "conv2d", "forward", &shape, NULL));
    zoe__tune_table_free(&table);
}

static void the_later_row_stays(void **state)
{
    (void)state;
    bool kept;
    const zoe__tune_entry late = row("winograd", 8, 64, 0.5, 20), early = row("direct", 8, 64, 0.4, 10);
    put(&late, true, &kept);
    assert_false(kept);
    put(&early, true, &kept);
    assert_true(kept);
    zoe__tune_table *table = table_at(path);
    assert_string_equal(table->rows[0].algorithm, "winograd");
    zoe__tune_table_free(&table);
}

static void candidates_are_remembered(void **state)
{
    (void)state;
    zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    zoe__tune_database *d;
    char result[24];
    bool found;
    ok(zoe__tune_database_open(&d, context, path, true));
    ok(zoe__tune_database_find_candidate(d, &e, result, &found));
    assert_false(found);
    ok(zoe__tune_database_put_candidate(d, &(zoe__tune_candidate){&e, "crashed"}));
    e.seconds = 0;
    ok(zoe__tune_database_find_candidate(d, &e, result, &found));
    assert_true(found);
    assert_string_equal(result, "crashed");
    assert_true(e.seconds == 0.5);
    snprintf(e.parameters, sizeof e.parameters, "2,0,0,0");
    ok(zoe__tune_database_find_candidate(d, &e, result, &found));
    assert_false(found);
    zoe__tune_database_close(&d);
}

static void spoil(const char *bytes, size_t length, long at)
{
    FILE *file = fopen(path, at < 0 ? "wb" : "r+b");
    assert_non_null(file);
    if (at >= 0) fseek(file, at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static bool aside(int number)
{
    char name[192];
    snprintf(name, sizeof name, "%s.damaged-%d", path, number);
    return access(name, F_OK) == 0;
}

static void damage_is_set_aside(void **state)
{
    (void)state;
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    put(&e, false, NULL);
    spoil(junk, sizeof junk, -1); /* a reader comes upon it */
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 0);
    zoe__tune_table_free(&table);
    assert_true(aside(1));
    assert_non_null(strstr(said, "set aside"));
    put(&e, false, NULL);       /* it is made anew */
    spoil(junk, 512, 4096 + 8); /* a tuner does, in the middle of a page */
    put(&e, false, NULL);
    assert_true(aside(2));
    table = table_at(path);
    assert_int_equal(own_rows(table), 1);
    zoe__tune_table_free(&table);
}

static void a_foreign_database_is_set_aside(void **state)
{
    char command[320];
    (void)state;
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    put(&e, false, NULL);
    spoil("\0\0\0\7", 4, 68); /* application_id */
    put(&e, false, NULL);
    assert_non_null(strstr(said, "of another program"));
    assert_true(aside(1));
    spoil("\0\0\0\2", 4, 60); /* user_version */
    put(&e, false, NULL);
    assert_non_null(strstr(said, "of another version"));
    assert_true(aside(2));
    snprintf(command, sizeof command, "rm %s; mkdir %s", path, path); /* a folder cannot be opened: an error, a line */
    assert_int_equal(system(command), 0);
    zoe__tune_database *d;
    assert_int_equal(zoe__tune_database_open(&d, context, path, true), ZOE_DISK);
    assert_non_null(strstr(zoe_context_error(context), path));
    zoe_context_clear(context);
    zoe__tune_table *table = table_at(path); /* readers go on */
    assert_int_equal(own_rows(table), 0);
    zoe__tune_table_free(&table);
}

static void a_killed_writer_loses_nothing_written(void **state)
{
    (void)state;
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    const pid_t child = fork();
    if (child == 0) {
        zoe__tune_database *d;
        zoe__tune_entry other = row("direct", 8, 128, 0.5, 10);
        if (zoe__tune_database_open(&d, context, path, true) != ZOE_OK) _exit(1);
        if (zoe__tune_database_put_entry(d, &e, false, NULL) != ZOE_OK) _exit(1);
        if (zoe__tune_database_begin(d) != ZOE_OK) _exit(1);
        if (zoe__tune_database_put_entry(d, &other, false, NULL) != ZOE_OK) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 1);
    zoe__tune_table_free(&table);
}

static void many_writers_and_readers(void **state)
{
    enum { WRITERS = 4, ROWS = 20 };
    (void)state;
    for (int w = 0; w < WRITERS; w++)
        if (fork() == 0) {
            zoe__tune_database *d;
            bool good = zoe__tune_database_open(&d, context, path, true) == ZOE_OK;
            for (int i = 0; i < ROWS && good; i++) {
                const zoe__tune_entry e = row("winograd", 1 + w, 1 + i, 0.5, 10);
                good = zoe__tune_database_put_entry(d, &e, false, NULL) == ZOE_OK;
            }
            _exit(good ? 0 : 1);
        }
    for (int i = 0; i < 10; i++) {
        zoe__tune_table *table = table_at(path);
        assert_true(own_rows(table) <= WRITERS * ROWS);
        zoe__tune_table_free(&table);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), WRITERS * ROWS);
    assert_false(aside(1));
    zoe__tune_table_free(&table);
}

static void no_file_no_table(void **state)
{
    (void)state;
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 0);
    zoe__tune_table_free(&table);
    assert_int_equal(access(path, F_OK), -1); /* reading makes nothing */
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    put(&e, false, NULL);
    table = table_at("off");
    assert_int_equal(table->count, 0);
    zoe__tune_table_free(&table);
}

/* ---- files ---- */

static void export_and_import(void **state)
{
    char file[128], other[128];
    size_t rows;
    (void)state;
    const zoe__tune_entry a = row("winograd", 8, 64, 0.5, 10), b = row("direct", 8, 128, 0.25, 11);
    put(&a, false, NULL);
    put(&b, false, NULL);
    snprintf(file, sizeof file, "%s/rows.json", folder);
    snprintf(other, sizeof other, "%s/other.sqlite", folder);
    ok(zoe_tune_export(context, path, file, &rows));
    assert_int_equal(rows, 2);
    ok(zoe_tune_import(context, other, file, &rows));
    assert_int_equal(rows, 2);
    zoe_tune_result result;
    ok(zoe_tune_show(context, other, &result));
    assert_non_null(strstr(result.text, "winograd"));
    assert_non_null(strstr(result.json, "8x128x28x28 32x3x3"));
    zoe_tune_result_free(&result);
}

static void import_is_all_or_nothing(void **state)
{
    static const char *const bad[] = {"{", "[]", "{\"format\": \"zoe-tuning-1\", \"entries\": 7}",
                                      "{\"format\": \"zoe-tuning-9\", \"entries\": []}"};
    char file[128];
    (void)state;
    snprintf(file, sizeof file, "%s/rows.json", folder);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        FILE *out = fopen(file, "w");
        fputs(bad[i], out);
        fclose(out);
        assert_int_equal(zoe_tune_import(context, path, file, NULL), ZOE_DATA);
        assert_non_null(strstr(zoe_context_error(context), file));
        zoe_context_clear(context);
    }
    const zoe__tune_entry good = row("winograd", 8, 64, 0.5, 10);
    json_t *second = zoe__tune_entry_json(&good), *value;
    json_object_set_new(second, "seconds", json_real(-1));
    value = json_pack("{s:s, s:[o, o]}", "format", ZOE__TUNE_FORMAT, "entries", zoe__tune_entry_json(&good), second);
    assert_int_equal(json_dump_file(value, file, 0), 0);
    json_decref(value);
    assert_int_equal(zoe_tune_import(context, path, file, NULL), ZOE_DATA);
    zoe_context_clear(context);
    zoe__tune_table *table = table_at(path);
    assert_int_equal(own_rows(table), 0);
    zoe__tune_table_free(&table);
}

static zoe_status count_row(const zoe__tune_entry *entry, void *user)
{
    assert_true(entry->device.runtime[0] && !entry->device.device[0] && !entry->device.driver[0]);
    ++*(size_t *)user;
    return ZOE_OK;
}

static void the_shipped_table_is_sound(void **state)
{
    size_t count = 0;
    (void)state;
    ok(zoe__tune_defaults_each(context, count_row, &count));
}

static void a_run_keeps_its_table(void **state)
{
    (void)state;
    const zoe__tune_entry e = row("winograd", 8, 64, 0.5, 10);
    put(&e, false, NULL);
    zoe__tune_table *table = table_at(path), *later = table_at("off");
    json_t *value = zoe__tune_table_json(table);
    ok(zoe__tune_table_restore(later, context, value));
    assert_int_equal(later->count, table->count);
    assert_int_equal(later->shipped, table->shipped);
    for (size_t i = 0; i < table->count; i++) {
        assert_string_equal(later->rows[i].algorithm, table->rows[i].algorithm);
        assert_memory_equal(&later->rows[i].shape, &table->rows[i].shape, sizeof table->rows[i].shape);
    }
    json_object_set_new(value, "shipped", json_integer(1000000));
    assert_int_equal(zoe__tune_table_restore(later, context, value), ZOE_DATA);
    zoe_context_clear(context);
    json_decref(value);
    zoe__tune_table_free(&table);
    zoe__tune_table_free(&later);
}

/* ---- CLBlast's parameters: what would kill the process must be refused ---- */

static void clblast_sets(void **state)
{
    char set[256], changed[256];
    size_t valid = 0;
    (void)state;
    zoe_device_info i = info();
    for (size_t k = 1; zoe__clblast_candidate(k, set); k++) valid += zoe__clblast_valid(set, &i);
    assert_true(valid >= 8);
    assert_true(zoe__clblast_candidate(0, set));
    assert_false(zoe__clblast_valid(set, &i)); /* "": nothing to tell CLBlast */
    zoe__clblast_candidate(1, set);
    assert_true(zoe__clblast_valid(set, &i));
    static const char *const spoilt[][2] = {{"GEMMK=0", "GEMMK=1"}, {"KREG=1", "KREG=2"}, {"VWM=8", "VWM=5"},
                                            {"KWI=2", "KWI=64"},    {"MWG=32", "MWG=36"}, {"MDIMA=4", "MDIMA=32"},
                                            {"NWG=32", "NWG=0"},    {"SA=0", "SA=-1"},    {"VWN=8", "VWN=8,X=1"},
                                            {"KWG=32", "KWX=32"}};
    for (size_t k = 0; k < sizeof spoilt / sizeof spoilt[0]; k++) {
        const char *at = strstr(set, spoilt[k][0]);
        assert_non_null(at);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - set), set, spoilt[k][1], at + strlen(spoilt[k][0]));
        if (zoe__clblast_valid(changed, &i)) fail_msg("'%s' was taken", changed);
    }
    i.max_work_group = 8; /* 4 x 4 work-items are too many now */
    assert_false(zoe__clblast_valid(set, &i));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
    const struct CMUnitTest tests[] = {TEST(shapes_have_one_text),
                                       TEST(parameters_are_checked),
                                       TEST(distances),
                                       TEST(rows_come_back),
                                       TEST(a_row_of_another_device_is_none),
                                       TEST(the_nearest_row_counts),
                                       TEST(the_later_row_stays),
                                       TEST(candidates_are_remembered),
                                       TEST(damage_is_set_aside),
                                       TEST(a_foreign_database_is_set_aside),
                                       TEST(a_killed_writer_loses_nothing_written),
                                       TEST(many_writers_and_readers),
                                       TEST(no_file_no_table),
                                       TEST(export_and_import),
                                       TEST(import_is_all_or_nothing),
                                       TEST(the_shipped_table_is_sound),
                                       TEST(a_run_keeps_its_table),
                                       TEST(clblast_sets)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
