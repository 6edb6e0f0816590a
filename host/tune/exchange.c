/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/safe_file.h"
#include "tune/defaults.h"

extern const unsigned char zoe__cl_tune_defaults[];
extern const unsigned long zoe__cl_tune_defaults_length;

static zoe_status collect(const zoe__tune_entry *entry, void *user)
{
    json_array_append_new(user, zoe__tune_entry_json(entry));
    return ZOE_OK;
}

zoe_status zoe__tune_export(zoe_context *context, zoe__tune_database *database, const zoe__tune_device *device,
                            json_t **out)
{
    json_t *rows = json_array();
    const zoe_status status = database ? zoe__tune_database_each(database, device, collect, rows) : ZOE_OK;
    *out = json_pack("{s:s, s:s, s:o}", "format", ZOE__TUNE_FORMAT, "version", ZOE_VERSION, "entries", rows);
    ZOE_FAIL_IF(context, !*out, ZOE_MEMORY, "out of memory: the rows of the tuning database");
    return status;
}

zoe_status zoe__tune_each_json(zoe_context *context, const json_t *value, const char *name, zoe__tune_row *fn,
                               void *user)
{
    json_t *rows = json_object_get(value, "entries"), *row;
    const char *format = json_string_value(json_object_get(value, "format"));
    zoe__tune_entry entry;
    size_t i;
    ZOE_FAIL_IF(context, !format || strcmp(format, ZOE__TUNE_FORMAT) || !json_is_array(rows), ZOE_DATA,
                "%s: not a tuning file (%s)", name, ZOE__TUNE_FORMAT);
    json_array_foreach(rows, i, row)
        ZOE_FAIL_IF(context, !zoe__tune_entry_read(&entry, row), ZOE_DATA, "%s: entry %zu is damaged", name, i);
    json_array_foreach(rows, i, row)
    {
        zoe__tune_entry_read(&entry, row);
        ZOE_TRY(fn(&entry, user));
    }
    return ZOE_OK;
}

zoe_status zoe__tune_defaults_each(zoe_context *context, zoe__tune_row *fn, void *user)
{
    json_t *value = json_loadb((const char *)zoe__cl_tune_defaults, zoe__cl_tune_defaults_length, 0, NULL);
    const zoe_status status = zoe__tune_each_json(context, value, "host/tune/defaults.json", fn, user);
    json_decref(value);
    return status;
}

/* ---- results ---- */

void zoe_tune_result_free(zoe_tune_result *result)
{
    free(result->json);
    free(result->text);
    *result = (zoe_tune_result){0};
}

static void print_row(FILE *out, const json_t *row)
{
    const double seconds = json_number_value(json_object_get(row, "seconds"));
    const double before = json_number_value(json_object_get(row, "default_seconds"));
    fprintf(out, "%-6s %-7s %-58s %-10s %9.3f ms", json_string_value(json_object_get(row, "op")),
            json_string_value(json_object_get(row, "direction")), json_string_value(json_object_get(row, "shape")),
            json_string_value(json_object_get(row, "algorithm")), seconds * 1e3);
    if (before > 0 && seconds > 0) fprintf(out, "  %.2f x", before / seconds);
    fprintf(out, "  %s\n", json_string_value(json_object_get(row, "parameters")));
}

zoe_status zoe__tune_result_set(zoe_context *context, json_t *value, zoe_tune_result *result)
{
    size_t length = 0, i;
    const json_t *row;
    FILE *out = open_memstream(&result->text, &length);
    if (out && value) json_array_foreach(json_object_get(value, "entries"), i, row) print_row(out, row);
    const bool good = out && !fclose(out);
    result->json = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    ZOE_FAIL_IF(context, !good || !result->json, ZOE_MEMORY, "out of memory: what was tuned");
    return ZOE_OK;
}

/* ---- files ---- */

static zoe_status open_at(zoe_context *context, const char *path, bool write, zoe__tune_database **out)
{
    char *place = NULL;
    *out = NULL;
    ZOE_TRY(path ? zoe__strdup(context, &place, path) : zoe__tune_database_path(&place, context));
    ZOE_FAIL_IF(context, !place && write, ZOE_CONFIG,
                "there is no place for the tuning database: ZOE_TUNING or ZOE_CACHE is off");
    const zoe_status status = place ? zoe__tune_database_open(out, context, place, write) : ZOE_OK;
    free(place);
    return status;
}

static zoe_status read_all(zoe_context *context, const char *database, json_t **out)
{
    zoe__tune_database *d = NULL;
    *out = NULL;
    ZOE_TRY(open_at(context, database, false, &d));
    const zoe_status status = zoe__tune_export(context, d, NULL, out);
    zoe__tune_database_close(&d);
    if (status == ZOE_OK) return ZOE_OK;
    json_decref(*out);
    *out = NULL;
    return status;
}

zoe_status zoe_tune_show(zoe_context *context, const char *database, zoe_tune_result *result)
{
    json_t *value;
    *result = (zoe_tune_result){0};
    ZOE_TRY(read_all(context, database, &value));
    return zoe__tune_result_set(context, value, result);
}

zoe_status zoe_tune_export(zoe_context *context, const char *database, const char *file, size_t *rows)
{
    json_t *value;
    ZOE_TRY(read_all(context, database, &value));
    if (rows) *rows = json_array_size(json_object_get(value, "entries"));
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(value);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "out of memory: the rows of the tuning database");
    const zoe_status status = zoe__safe_write_text(context, file, text);
    free(text);
    return status;
}

typedef struct importing {
    zoe__tune_database *database;
    size_t rows;
} importing;

static zoe_status import_row(const zoe__tune_entry *entry, void *user)
{
    importing *i = user;
    bool kept = false;
    ZOE_TRY(zoe__tune_database_put_entry(i->database, entry, true, &kept));
    i->rows += !kept;
    return ZOE_OK;
}

zoe_status zoe_tune_import(zoe_context *context, const char *database, const char *file, size_t *rows)
{
    importing i = {0};
    json_error_t error;
    json_t *value = NULL;
    zoe_status status = ZOE_OK;
    FILE *in = fopen(file, "rb");
    ZOE_FAIL_IF(context, !in, ZOE_DATA, "%s: %s", file, strerror(errno));
    value = json_loadf(in, 0, &error);
    fclose(in);
    ZOE_FAIL_IF(context, !value, ZOE_DATA, "%s: not JSON: line %d: %s", file, error.line, error.text);
    ZOE_TRY_OUT(open_at(context, database, true, &i.database));
    ZOE_TRY_OUT(zoe__tune_database_begin(i.database));
    ZOE_TRY_OUT(zoe__tune_each_json(context, value, file, import_row, &i));
    status = zoe__tune_database_commit(i.database);
    if (rows) *rows = i.rows;
out:
    zoe__tune_database_close(&i.database);
    json_decref(value);
    return status;
}
