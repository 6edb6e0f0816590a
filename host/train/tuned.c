/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "train/session.h"
#include "tune/tuning.h"

/* "tuning.json"; of the second device and those after it "tuning-1.json", .. */
static bool file_path(const zoe__session *s, int index, char name[32], char path[ZOE__PATH])
{
    zoe__format(name, 32, index ? "tuning-%d.json" : "tuning.json", index);
    return zoe__run_path(&s->run, path, name);
}

static bool of_this_device(const json_t *value, const zoe__tune_table *table)
{
    const json_t *device = json_object_get(value, "device");
    const char *name = json_string_value(json_object_get(device, "device"));
    const char *driver = json_string_value(json_object_get(device, "driver"));
    return name && driver && !strcmp(name, table->device.device) && !strcmp(driver, table->device.driver) &&
           json_integer_value(json_object_get(device, "lanes")) == table->device.lanes;
}

static zoe_status restore(zoe__session *s, int index)
{
    char name[32], path[ZOE__PATH];
    zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(s->replica[index].device));
    json_error_t error;
    if ((s->run.fresh && !s->reopened) || !table || !file_path(s, index, name, path) || access(path, F_OK))
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

zoe_status zoe__tuned_restore(zoe__session *s)
{
    for (int i = 0; i < s->replicas; i++) ZOE_TRY(restore(s, i));
    return ZOE_OK;
}

/* Written once: later sessions read it. */
static zoe_status record(zoe__session *s, int index)
{
    char name[32], path[ZOE__PATH];
    const zoe__replica *replica = &s->replica[index];
    const zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(replica->device));
    if (!table || !file_path(s, index, name, path) || !access(path, F_OK)) return ZOE_OK;
    return zoe__run_write_json(&s->run, name,
                               json_pack("{s:{s:s, s:s, s:s, s:i}, s:o, s:o}", "device", "device", table->device.device,
                                         "driver", table->device.driver, "runtime", table->device.runtime, "lanes",
                                         table->device.lanes, "choices", zoe__tune_choices(replica->plan), "table",
                                         zoe__tune_table_json(table)));
}

zoe_status zoe__tuned_record(zoe__session *s)
{
    for (int i = 0; i < s->replicas; i++) ZOE_TRY(record(s, i));
    return ZOE_OK;
}
