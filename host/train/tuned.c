/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "train/session.h"
#include "tune/tuning.h"

#define FILE_NAME "tuning.json"

static bool of_this_device(const json_t *value, const zoe__tune_table *table)
{
    const json_t *device = json_object_get(value, "device");
    const char *name = json_string_value(json_object_get(device, "device"));
    const char *driver = json_string_value(json_object_get(device, "driver"));
    return name && driver && !strcmp(name, table->device.device) && !strcmp(driver, table->device.driver) &&
           json_integer_value(json_object_get(device, "lanes")) == table->device.lanes;
}

zoe_status zoe__tuned_restore(zoe__session *s)
{
    char path[ZOE__PATH];
    zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(s->device));
    json_error_t error;
    if ((s->run.fresh && !s->reopened) || !table || !zoe__run_path(&s->run, path, FILE_NAME) || access(path, F_OK))
        return ZOE_OK;
    json_t *value = json_load_file(path, 0, &error);
    zoe_status status = ZOE_OK;
    if (!value)
        status = zoe__fail(s->context, ZOE_DATA, "%s: %s; without the file --resume takes what is tuned today", path,
                           error.text);
    else if (of_this_device(value, table))
        status = zoe__tune_table_restore(table, s->context, json_object_get(value, "table"));
    else
        zoe__log(s->context, ZOE_LOG_WARN, "the run was on another device: its bits will differ from here on");
    json_decref(value);
    return status;
}

/* Written once: later sessions read it. */
zoe_status zoe__tuned_record(zoe__session *s)
{
    char path[ZOE__PATH];
    const zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(s->device));
    if (!table || !zoe__run_path(&s->run, path, FILE_NAME) || !access(path, F_OK)) return ZOE_OK;
    return zoe__run_write_json(&s->run, FILE_NAME,
                               json_pack("{s:{s:s, s:s, s:s, s:i}, s:o, s:o}", "device", "device", table->device.device,
                                         "driver", table->device.driver, "runtime", table->device.runtime, "lanes",
                                         table->device.lanes, "choices", zoe__tune_choices(s->plan), "table",
                                         zoe__tune_table_json(table)));
}
