/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing and reading a benchmark's file. */
#include "bench/record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sha256.h"

#define DUMP (JSON_COMPACT | JSON_REAL_PRECISION(15))

struct zoe__record {
    zoe_context *context;
    char *path; /* NULL: no file */
    int file;
    size_t length; /* of all that stands before the end */
    json_t *document;
    zoe__sha256 sha; /* over head and cases */
};

/* Nine digits are enough of any measurement, and whoever prints nine or more keeps the number (and the hash). */
static void round_numbers(json_t *value)
{
    const char *key;
    char text[32];
    size_t i;
    json_t *one;
    if (json_is_real(value)) {
        zoe__format(text, sizeof text, "%.9g", json_real_value(value));
        json_real_set(value, strtod(text, NULL));
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, one) round_numbers(one);
    } else if (json_is_object(value)) {
        json_object_foreach(value, key, one) round_numbers(one);
    }
}

/* ---- the hash ---- */

static void add_value(zoe__sha256 *sha, const json_t *value)
{
    char *text = json_dumps(value, DUMP | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text) zoe__sha256_add(sha, text, strlen(text));
    zoe__sha256_add(sha, "\n", 1);
    free(text);
}

static void add_head(zoe__sha256 *sha, const json_t *document)
{
    json_t *head = json_copy((json_t *)document);
    static const char *const others[] = {"cases", "complete", "end", "sha256"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) json_object_del(head, others[i]);
    add_value(sha, head);
    json_decref(head);
}

static void end_hash(const zoe__sha256 *so_far, const json_t *document, char hex[65])
{
    static const char *const last[] = {"complete", "end"};
    zoe__sha256 sha = *so_far;
    uint8_t digest[32];
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) add_value(&sha, json_object_get(document, last[i]));
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
}

void zoe__record_sha256(const json_t *document, char hex[65])
{
    zoe__sha256 sha;
    size_t i;
    json_t *row;
    zoe__sha256_start(&sha);
    add_head(&sha, document);
    json_array_foreach(json_object_get(document, "cases"), i, row) add_value(&sha, row);
    end_hash(&sha, document, hex);
}

/* ---- writing ---- */

static zoe_status disk_error(const zoe__record *r, const char *what)
{
    return zoe__fail(r->context, ZOE_DISK, "%s: %s: %s", r->path, what, strerror(errno));
}

static zoe_status write_at(zoe__record *r, size_t at, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t n = pwrite(r->file, text, length, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return disk_error(r, "cannot be written");
        text += n;
        at += (size_t)n;
        length -= (size_t)n;
    }
    return ZOE_OK;
}

/* Writes `part` and the object's end behind it: one write. */
static zoe_status write_part(zoe__record *r, const char *part)
{
    char hex[65], *end = json_dumps(json_object_get(r->document, "end"), DUMP), *text = NULL;
    end_hash(&r->sha, r->document, hex);
    json_object_set_new(r->document, "sha256", json_string(hex));
    const bool complete = json_is_true(json_object_get(r->document, "complete"));
    const size_t length = strlen(part), size = length + (end ? strlen(end) : 0) + 160;
    zoe_status status = zoe__calloc(r->context, &text, size, 1);
    if (status == ZOE_OK && r->path) {
        zoe__format(text, size, "%s\n],\n\"complete\":%s,\n\"end\":%s,\n\"sha256\":\"%s\"}\n", part,
                    complete ? "true" : "false", end ? end : "{}", hex);
        const size_t all = strlen(text);
        status = write_at(r, r->length, text, all);
        if (status == ZOE_OK && ftruncate(r->file, (off_t)(r->length + all))) status = disk_error(r, "cannot be cut");
        if (status == ZOE_OK && fsync(r->file)) status = disk_error(r, "cannot be synchronised");
    }
    r->length += length;
    free(text);
    free(end);
    return status;
}

/* "{"a":1,..}" becomes "{"a":1,..,"cases":[". */
static zoe_status write_head(zoe__record *r, json_t *head)
{
    char *text = json_dumps(head, DUMP), *part = NULL;
    ZOE_FAIL_IF(r->context, !text, ZOE_MEMORY, "no memory for a benchmark's head");
    const size_t length = strlen(text);
    zoe_status status = zoe__calloc(r->context, &part, length + 32, 1);
    if (status == ZOE_OK) {
        zoe__format(part, length + 32, "%.*s%s\"cases\":[", (int)length - 1, text, length > 2 ? ",\n" : "");
        status = write_part(r, part);
    }
    free(text);
    free(part);
    return status;
}

/* Another benchmark would go on writing into a file that has no name any more. */
static zoe_status nobody_writes(zoe__record *r)
{
    const int old = open(r->path, O_RDONLY | O_CLOEXEC);
    if (old < 0) return ZOE_OK;
    const bool locked = flock(old, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
    close(old);
    ZOE_FAIL_IF(r->context, locked, ZOE_DISK, "%s: another benchmark is writing it", r->path);
    return ZOE_OK;
}

/* A file beside the one that is there already, renamed over it once its head stands. */
static zoe_status make_file(zoe__record *r, json_t *head)
{
    char temporary[PATH_MAX];
    struct stat info;
    ZOE_FAIL_IF(r->context, !r->path[0], ZOE_DISK, "--out: the name of the file is empty");
    /* A device, a pipe or a folder must not be renamed over. */
    ZOE_FAIL_IF(r->context, stat(r->path, &info) == 0 && !S_ISREG(info.st_mode), ZOE_DISK, "%s: is not a regular file",
                r->path);
    ZOE_FAIL_IF(r->context, !zoe__format(temporary, sizeof temporary, "%s.new-XXXXXX", r->path), ZOE_DISK,
                "%s: the name is too long", r->path);
    ZOE_TRY(nobody_writes(r));
    r->file = mkostemp(temporary, O_CLOEXEC);
    if (r->file < 0) return disk_error(r, "cannot be made");
    flock(r->file, LOCK_EX | LOCK_NB); /* while it is written */
    if (fchmod(r->file, 0644)) return disk_error(r, "cannot be made readable");
    zoe_status status = write_head(r, head);
    if (status == ZOE_OK && rename(temporary, r->path)) status = disk_error(r, "cannot be made");
    if (status != ZOE_OK) {
        unlink(temporary);
        return status;
    }
    const int folder = open(dirname(temporary), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    return ZOE_OK;
}

zoe_status zoe__record_new(zoe__record **out, zoe_context *context, const char *path, json_t *head)
{
    zoe__record *r = NULL;
    zoe_status status = zoe__calloc(context, &r, 1, sizeof *r);
    *out = NULL;
    if (status != ZOE_OK) {
        json_decref(head);
        return status;
    }
    r->context = context;
    r->file = -1;
    round_numbers(head);
    r->document = json_copy(head);
    json_object_set_new(r->document, "cases", json_array());
    json_object_set_new(r->document, "complete", json_false());
    json_object_set_new(r->document, "end", json_object());
    zoe__sha256_start(&r->sha);
    add_head(&r->sha, r->document);
    if (path) status = zoe__strdup(context, &r->path, path);
    if (status == ZOE_OK) status = path ? make_file(r, head) : write_head(r, head);
    json_decref(head);
    if (status == ZOE_OK)
        *out = r;
    else
        zoe__record_free(&r);
    return status;
}

zoe_status zoe__record_append(zoe__record *r, json_t *row)
{
    json_t *cases = json_object_get(r->document, "cases");
    round_numbers(row);
    char *text = json_dumps(row, DUMP), *part = NULL;
    const bool first = json_array_size(cases) == 0;
    if (!text || json_array_append_new(cases, row) < 0) {
        free(text);
        return zoe__fail(r->context, ZOE_MEMORY, "no memory for a case");
    }
    add_value(&r->sha, row);
    const size_t size = strlen(text) + 8;
    zoe_status status = zoe__calloc(r->context, &part, size, 1);
    if (status == ZOE_OK) {
        zoe__format(part, size, "%s\n%s", first ? "" : ",", text);
        status = write_part(r, part);
    }
    free(text);
    free(part);
    return status;
}

zoe_status zoe__record_end(zoe__record *r, json_t *end, bool complete)
{
    round_numbers(end);
    json_object_set_new(r->document, "end", end);
    json_object_set_new(r->document, "complete", json_boolean(complete));
    return write_part(r, "");
}

json_t *zoe__record_document(const zoe__record *record)
{
    return record->document;
}

void zoe__record_free(zoe__record **record)
{
    if (!record || !*record) return;
    if ((*record)->file >= 0) close((*record)->file);
    json_decref((*record)->document);
    free((*record)->path);
    free(*record);
    *record = NULL;
}

/* ---- reading ---- */

typedef bool fits(const json_t *value);

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool is_text_or_null(const json_t *value)
{
    return json_is_string(value) || json_is_null(value);
}

static bool is_amount(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0;
}

static bool is_amount_or_null(const json_t *value)
{
    return json_is_null(value) || is_amount(value);
}

static bool is_time_or_null(const json_t *value)
{
    return json_is_null(value) || (is_amount(value) && json_number_value(value) > 0);
}

static bool are_times(const json_t *value)
{
    size_t i;
    json_t *one;
    if (!json_is_array(value)) return false;
    json_array_foreach(value, i, one) if (!json_is_number(one) || !(json_number_value(one) > 0)) return false;
    return true;
}

static bool is_interval_or_null(const json_t *value)
{
    if (json_is_null(value)) return true;
    return are_times(value) && json_array_size(value) == 2 &&
           json_number_value(json_array_get(value, 0)) <= json_number_value(json_array_get(value, 1));
}

static bool is_check(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && (!strcmp(text, "ok") || !strcmp(text, "WRONG"));
}

static bool is_flag_or_null(const json_t *value)
{
    return json_is_boolean(value) || json_is_null(value);
}

static const struct {
    const char *key, *is;
    fits *fits;
} case_keys[] = {
    {"id", "a text", is_text},
    {"device", "a text", is_text},
    {"flops", "a number from 0 on, or null", is_amount_or_null},
    {"samples_ns", "an array of numbers above 0", are_times},
    {"median_ns", "a number above 0, or null", is_time_or_null},
    {"ci95_ns", "[low, high], or null", is_interval_or_null},
    {"check", "\"ok\" or \"WRONG\"", is_check},
    {"nmse", "a number from 0 on, or null", is_amount_or_null},
    {"roof_share", "a number from 0 on, or null", is_amount_or_null},
    {"algorithm", "a text, or null", is_text_or_null},
    {"tuned", "true, false or null", is_flag_or_null},
};

/* Right ones have a speed and samples behind it, wrong ones neither; process_samples, where it is there, adds up. */
static const char *fault_of_speed(const json_t *row)
{
    const size_t samples = json_array_size(json_object_get(row, "samples_ns"));
    const bool wrong = !strcmp(json_string_value(json_object_get(row, "check")), "WRONG");
    const bool has = json_is_number(json_object_get(row, "median_ns"));
    const json_t *groups = json_object_get(row, "process_samples");
    json_int_t sum = 0;
    size_t i;
    json_t *one;
    if (wrong && (has || samples)) return "WRONG, and yet it has a speed";
    if (!wrong && (!has || !samples || json_is_null(json_object_get(row, "ci95_ns")))) return "ok, but without a speed";
    if (!groups) return NULL;
    json_array_foreach(groups, i, one)
    {
        if (!json_is_integer(one) || json_integer_value(one) < 1) return "process_samples: not integers from 1 on";
        sum += json_integer_value(one);
    }
    return sum == (json_int_t)samples ? NULL : "process_samples: not as many as samples_ns";
}

static zoe_status check_case(zoe_context *context, const json_t *row, size_t index, const char *name)
{
    ZOE_FAIL_IF(context, !json_is_object(row), ZOE_DATA, "%s: cases[%zu] is not an object", name, index);
    for (size_t i = 0; i < sizeof case_keys / sizeof *case_keys; i++) {
        const json_t *value = json_object_get(row, case_keys[i].key);
        ZOE_FAIL_IF(context, !value || !case_keys[i].fits(value), ZOE_DATA, "%s: cases[%zu].%s must be %s", name, index,
                    case_keys[i].key, case_keys[i].is);
    }
    const char *fault = fault_of_speed(row);
    ZOE_FAIL_IF(context, fault, ZOE_DATA, "%s: cases[%zu] (%s): %s", name, index,
                json_string_value(json_object_get(row, "id")), fault);
    return ZOE_OK;
}

static bool is_object(const json_t *value)
{
    return json_is_object(value);
}

static bool is_flag(const json_t *value)
{
    return json_is_boolean(value);
}

static bool are_devices(const json_t *value)
{
    size_t i;
    json_t *one;
    json_array_foreach(value, i, one) if (!json_is_string(json_object_get(one, "id"))) return false;
    return json_is_array(value) && json_array_size(value) > 0;
}

static const struct {
    const char *key, *is;
    fits *fits;
} head_keys[] = {
    {"suite", "a text", is_text},
    {"suite_id", "a text", is_text},
    {"started", "a text", is_text},
    {"tool", "an object", is_object},
    {"options", "an object", is_object},
    {"host", "an object", is_object},
    {"end", "an object", is_object},
    {"complete", "true or false", is_flag},
    {"devices", "an array of objects with an id", are_devices},
};

static zoe_status check_head(zoe_context *context, const json_t *document, const char *name)
{
    for (size_t i = 0; i < sizeof head_keys / sizeof *head_keys; i++) {
        const json_t *value = json_object_get(document, head_keys[i].key);
        ZOE_FAIL_IF(context, !value || !head_keys[i].fits(value), ZOE_DATA,
                    "%s: not a file of `zoe bench`: %s must be %s", name, head_keys[i].key, head_keys[i].is);
    }
    return ZOE_OK;
}

zoe_status zoe__record_check(zoe_context *context, const json_t *document, const char *name)
{
    const json_t *schema = json_object_get(document, "schema"), *cases = json_object_get(document, "cases");
    const json_t *said = json_object_get(document, "sha256");
    size_t i;
    json_t *row;
    ZOE_FAIL_IF(context, !json_is_object(document) || !schema || !cases, ZOE_DATA,
                "%s: not a file of `zoe bench`: it has no schema and cases", name);
    ZOE_FAIL_IF(context, !json_is_integer(schema) || json_integer_value(schema) != ZOE__BENCH_SCHEMA, ZOE_DATA,
                "%s: schema %lld, this program reads %d", name, (long long)json_integer_value(schema),
                ZOE__BENCH_SCHEMA);
    ZOE_FAIL_IF(context, !json_is_array(cases), ZOE_DATA, "%s: not a file of `zoe bench`: cases must be an array",
                name);
    ZOE_TRY(check_head(context, document, name));
    json_array_foreach(cases, i, row) ZOE_TRY(check_case(context, row, i, name));
    if (!said) return ZOE_OK;
    char hex[65];
    zoe__record_sha256(document, hex);
    ZOE_FAIL_IF(context, !json_is_string(said) || strcmp(json_string_value(said), hex), ZOE_DATA,
                "%s: damaged or changed: its SHA-256 is %.12s.., not the one it names (without the key sha256 it is "
                "taken as it is)",
                name, hex);
    return ZOE_OK;
}

zoe_status zoe__record_load(json_t **out, zoe_context *context, const char *path)
{
    json_error_t error;
    *out = NULL;
    FILE *file = fopen(path, "rb");
    ZOE_FAIL_IF(context, !file, ZOE_DATA, "%s: %s", path, strerror(errno));
    json_t *document = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    ZOE_FAIL_IF(context, !document, ZOE_DATA, "%s: damaged, or no JSON: line %d: %s", path, error.line, error.text);
    const zoe_status status = zoe__record_check(context, document, path);
    if (status == ZOE_OK)
        *out = document;
    else
        json_decref(document);
    return status;
}
