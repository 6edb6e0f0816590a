/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tune/database.h"
#include "tune/defaults.h"

#define RUN_FORMAT "zoe-run-tuning-1"

zoe_status zoe__tune_table_add(zoe__tune_table *table, zoe_context *context, const zoe__tune_entry *row)
{
    ZOE_TRY(zoe__grow(context, &table->rows, &table->capacity, table->count + 1, sizeof *table->rows));
    table->rows[table->count++] = *row;
    return ZOE_OK;
}

typedef struct filling {
    zoe__tune_table *table;
    zoe_context *context;
} filling;

static zoe_status add_row(const zoe__tune_entry *row, void *user)
{
    const filling *f = user;
    return zoe__tune_table_add(f->table, f->context, row);
}

static zoe_status add_shipped(const zoe__tune_entry *row, void *user)
{
    const filling *f = user;
    if (strcmp(row->device.runtime, f->table->device.runtime) || row->device.lanes != f->table->device.lanes)
        return ZOE_OK;
    f->table->shipped++;
    return zoe__tune_table_add(f->table, f->context, row);
}

/* The user's rows: whatever is wrong with them, work goes on without. */
static zoe_status read_database(const filling *f, const char *place)
{
    char *path = NULL;
    zoe__tune_database *database = NULL;
    ZOE_TRY(place ? zoe__strdup(f->context, &path, place) : zoe__tune_database_path(&path, f->context));
    if (!path) return ZOE_OK;
    zoe_status status = zoe__tune_database_open(&database, f->context, path, false);
    free(path);
    if (database) status = zoe__tune_database_each(database, &f->table->device, add_row, (void *)f);
    zoe__tune_database_close(&database);
    if (status == ZOE_OK || status == ZOE_MEMORY) return status;
    zoe__log(f->context, ZOE_LOG_WARN, "tuning database not used: %s", zoe_context_error(f->context));
    zoe_context_clear(f->context);
    f->table->count = 0;
    return ZOE_OK;
}

zoe_status zoe__tune_table_open(zoe__tune_table **out, zoe_context *context, const zoe_device_info *info,
                                const char *place)
{
    zoe__tune_table *table = NULL;
    *out = NULL;
    ZOE_TRY(zoe__calloc(context, &table, 1, sizeof *table));
    const filling f = {table, context};
    zoe__tune_device_of(&table->device, info);
    zoe_status status = ZOE_OK;
    const bool off = info->family == ZOE_FAMILY_HOST || (place && !strcmp(place, "off"));
    zoe__format(table->source, sizeof table->source, "%s", off ? "none" : "database");
    if (!off) status = read_database(&f, place);
    if (!off && status == ZOE_OK) status = zoe__tune_defaults_each(context, add_shipped, (void *)&f);
    if (status != ZOE_OK) zoe__tune_table_free(&table);
    *out = table;
    return status;
}

void zoe__tune_table_free(zoe__tune_table **table)
{
    if (!table || !*table) return;
    free((*table)->rows);
    free(*table);
    *table = NULL;
}

bool zoe__tune_table_is_shipped(const zoe__tune_table *table, const zoe__tune_entry *row)
{
    return (size_t)(row - table->rows) >= table->count - table->shipped;
}

const zoe__tune_entry *zoe__tune_table_find(const zoe__tune_table *table, const char *op, const char *direction,
                                            const zoe__tune_shape *shape, double *distance)
{
    const zoe__tune_entry *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < table->count; i++) {
        const zoe__tune_entry *row = &table->rows[i];
        if (strcmp(row->op, op) || strcmp(row->direction, direction)) continue;
        const double far = zoe__tune_distance(op, &row->shape, shape);
        const double counts = far + (zoe__tune_table_is_shipped(table, row) ? 1 : 0);
        if (counts > ZOE__TUNE_FAR || counts >= least) continue;
        least = counts;
        best = row;
        if (distance) *distance = far;
    }
    return best;
}

json_t *zoe__tune_table_json(const zoe__tune_table *table)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < table->count; i++) json_array_append_new(rows, zoe__tune_entry_json(&table->rows[i]));
    return json_pack("{s:s, s:s, s:I, s:o}", "format", RUN_FORMAT, "source", table->source, "shipped",
                     (json_int_t)table->shipped, "rows", rows);
}

zoe_status zoe__tune_table_restore(zoe__tune_table *table, zoe_context *context, const json_t *value)
{
    const char *format = json_string_value(json_object_get(value, "format"));
    const json_t *rows = json_object_get(value, "rows"), *row;
    const json_int_t shipped = json_integer_value(json_object_get(value, "shipped"));
    const size_t count = json_array_size(rows);
    size_t i;
    ZOE_FAIL_IF(context,
                !format || strcmp(format, RUN_FORMAT) || !json_is_array(rows) || shipped < 0 || (size_t)shipped > count,
                ZOE_DATA, "not the tuning of a run (%s)", RUN_FORMAT);
    table->count = 0;
    table->shipped = (size_t)shipped;
    zoe__format(table->source, sizeof table->source, "run");
    json_array_foreach((json_t *)rows, i, row)
    {
        zoe__tune_entry entry;
        ZOE_FAIL_IF(context, !zoe__tune_entry_read(&entry, row), ZOE_DATA, "row %zu of the run's tuning is damaged", i);
        ZOE_TRY(zoe__tune_table_add(table, context, &entry));
    }
    return ZOE_OK;
}
