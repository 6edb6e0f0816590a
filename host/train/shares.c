/* SPDX-License-Identifier: Apache-2.0
 *
 * How many windows of a micro-batch each device gets. Sums depend on it, so it is settled once: as the user says, as
 * the run had it, as the cache remembers, and only then by measuring. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/cache.h"
#include "device/device.h"
#include "graph/graph.h"
#include "train/session.h"

#define FILE_NAME "devices.json"

static int all_windows(const zoe__session *s)
{
    return s->batch / s->micro;
}

static void take(zoe__session *s, const int *windows)
{
    for (int i = 0, first = 0; i < s->replicas; first += windows[i++]) {
        s->replica[i].first = first;
        s->replica[i].windows = windows[i];
    }
}

static bool adds_up(const zoe__session *s, const int *windows)
{
    int sum = 0;
    for (int i = 0; i < s->replicas; i++) {
        if (windows[i] < 1) return false;
        sum += windows[i];
    }
    return sum == all_windows(s);
}

static zoe_status given(const zoe__session *s, int *windows)
{
    const size_t count = zoe_options_items(s->options, "shares");
    for (size_t i = 0; i < count && i < ZOE_TRAIN_DEVICES; i++)
        windows[i] = (int)zoe_options_item_int(s->options, "shares", i);
    ZOE_FAIL_IF(s->context, (int)count != s->replicas || !adds_up(s, windows), ZOE_CONFIG,
                "--shares %s: it must be %d numbers that add up to %d, the windows of a micro-batch",
                zoe_options_text(s->options, "shares"), s->replicas, all_windows(s));
    return ZOE_OK;
}

/* ---- what the run had ---- */

static bool recorded(const zoe__session *s, int *windows)
{
    char path[ZOE__PATH];
    if (!s->run.path[0] || s->run.fresh || !zoe__run_path(&s->run, path, FILE_NAME)) return false;
    json_t *value = json_load_file(path, 0, NULL);
    const json_t *list = json_object_get(value, "windows"), *ids = json_object_get(value, "devices");
    bool same = json_array_size(list) == (size_t)s->replicas && json_array_size(ids) == (size_t)s->replicas;
    for (int i = 0; same && i < s->replicas; i++) {
        const char *id = json_string_value(json_array_get(ids, (size_t)i));
        windows[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
        same = id && !strcmp(id, s->replica[i].id);
    }
    json_decref(value);
    return same && adds_up(s, windows);
}

static zoe_status record(zoe__session *s, const int *windows)
{
    json_t *list = json_array(), *ids = json_array();
    for (int i = 0; i < s->replicas; i++) {
        json_array_append_new(list, json_integer(windows[i]));
        json_array_append_new(ids, json_string(s->replica[i].id));
    }
    return zoe__run_write_json(&s->run, FILE_NAME, json_pack("{s:o, s:o}", "devices", ids, "windows", list));
}

/* ---- by speed ---- */

/* The largest remainders get what is left over; nobody gets nothing. */
static void divide(const zoe__session *s, const double *speed, int *windows)
{
    double sum = 0, wish[ZOE_TRAIN_DEVICES];
    int left = all_windows(s);
    for (int i = 0; i < s->replicas; i++) sum += speed[i];
    for (int i = 0; i < s->replicas; i++) {
        wish[i] = all_windows(s) * speed[i] / sum;
        windows[i] = wish[i] < 1 ? 1 : (int)wish[i];
        left -= windows[i];
    }
    for (; left != 0; left -= left > 0 ? 1 : -1) {
        int best = -1;
        for (int i = 0; i < s->replicas; i++) {
            if (left < 0 && windows[i] == 1) continue;
            const double lack = wish[i] - windows[i];
            if (best < 0 || (left > 0 ? lack > wish[best] - windows[best] : lack < wish[best] - windows[best]))
                best = i;
        }
        windows[best] += left > 0 ? 1 : -1;
    }
}

/* Speeds count in steps of 2^(1/2): devices that are alike get like shares in spite of noise, and so the same bits. */
static double step_of(double speed, double fastest)
{
    return exp2(round(2 * log2(speed / fastest)) / 2);
}

/* Windows a second: the best of some passes, forward and backward, after one that warms up. What is in the inputs does
 * not matter. */
static zoe_status measure_one(zoe__session *s, zoe__replica *r, double *speed)
{
    enum { ROUNDS = 5 };
    double best = INFINITY;
    ZOE_TRY(zoe__session_plan(s, r, false));
    for (int round = 0; round <= ROUNDS; round++) {
        const double start = zoe__seconds();
        ZOE_TRY(zoe_plan_accumulate(r->plan, 0, 0));
        ZOE_TRY(zoe_plan_finish(r->plan));
        if (round) best = fmin(best, zoe__seconds() - start);
    }
    *speed = r->windows / best;
    zoe__replicas_free_networks(s);
    return ZOE_OK;
}

static zoe_status measure(zoe__session *s, int *windows)
{
    double speed[ZOE_TRAIN_DEVICES];
    for (int i = 0; i < s->replicas; i++) ZOE_TRY(measure_one(s, &s->replica[i], &speed[i]));
    double fastest = 0, steps[ZOE_TRAIN_DEVICES];
    for (int i = 0; i < s->replicas; i++) fastest = fmax(fastest, speed[i]);
    for (int i = 0; i < s->replicas; i++) steps[i] = step_of(speed[i], fastest);
    divide(s, steps, windows);
    for (int i = 0; i < s->replicas; i++)
        zoe__log(s->context, ZOE_LOG_INFO, "%s: %.3g windows/s, so %d of %d in each micro-batch", s->replica[i].id,
                 speed[i], windows[i], all_windows(s));
    return ZOE_OK;
}

/* Devices with their drivers, and how large the network is for equal shares. */
static zoe_status cache_key(zoe__session *s, char key[65])
{
    char text[4096];
    size_t end = 0;
    zoe_status status = zoe__session_plan(s, &s->replica[0], true);
    for (int i = 0; status == ZOE_OK && i < s->replicas; i++) {
        const zoe_device_info *info = zoe_device_get_info(s->replica[i].device);
        zoe__format(text + end, sizeof text - end, "%s|%s|%s|%s|%u|%u\n", info->id, info->name, info->driver,
                    zoe_family_name(info->family), info->lanes, info->compute_units);
        end = strlen(text);
    }
    double flops = 0;
    const zoe_plan *plan = s->replica[0].plan;
    for (size_t i = 0; status == ZOE_OK && i < zoe_plan_launches(plan); i++) flops += zoe_plan_launch(plan, i).flops;
    zoe__format(text + end, sizeof text - end, "%s|%s|%d|%.17g", s->backbone->name, s->kind->name, all_windows(s),
                flops);
    zoe__cache_key(key, (const char *const[]){"shares", ZOE_VERSION, text, NULL});
    zoe__replicas_free_networks(s);
    return status;
}

static bool remembered(const zoe__session *s, const char *folder, const char *key, int *windows)
{
    size_t bytes;
    void *data = folder ? zoe__cache_read(s->context, folder, key, "shares", &bytes) : NULL;
    const bool there = data && bytes == (size_t)s->replicas * sizeof *windows;
    if (there) memcpy(windows, data, bytes);
    free(data);
    return there && adds_up(s, windows);
}

static zoe_status by_speed(zoe__session *s, int *windows, bool dry)
{
    char key[65], *folder = NULL;
    take(s, windows); /* equal shares: those to measure with */
    ZOE_TRY(cache_key(s, key));
    zoe_status status = zoe__cache_folder(&folder, s->context);
    if (status == ZOE_OK && !remembered(s, folder, key, windows) && !dry) {
        status = measure(s, windows);
        if (status == ZOE_OK && folder)
            zoe__cache_write(s->context, folder, key, "shares", windows, (size_t)s->replicas * sizeof *windows);
    }
    free(folder);
    return status;
}

zoe_status zoe__replicas_share(zoe__session *s, bool dry)
{
    const double equal[ZOE_TRAIN_DEVICES] = {1, 1, 1, 1, 1, 1, 1, 1};
    int windows[ZOE_TRAIN_DEVICES] = {0};
    ZOE_FAIL_IF(s->context, all_windows(s) < s->replicas, ZOE_CONFIG,
                "--batch %d: micro-batches of %d windows are too few for %d devices", s->batch, all_windows(s),
                s->replicas);
    divide(s, equal, windows);
    if (zoe_options_text(s->options, "shares"))
        ZOE_TRY(given(s, windows));
    else if (s->replicas > 1 && !recorded(s, windows))
        ZOE_TRY(by_speed(s, windows, dry));
    take(s, windows);
    return s->replicas > 1 && !dry && s->run.path[0] ? record(s, windows) : ZOE_OK;
}
