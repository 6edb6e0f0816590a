/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/exchange.h"

#include <string.h>

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
