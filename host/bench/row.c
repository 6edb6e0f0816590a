/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fresh processes of a case saw, made one row of a benchmark's file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run.h"

/* A share of the roof above this is a fault of the measurement. */
static const double MOST_SHARE = 1.05, NOISY = 0.02, COLD_S = 0.5;

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- the roof ---- */

void zoe__roof_add(zoe__roof *roof, const json_t *row)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    const double best = number(row, "min_ns") * 1e-9;
    if (!id || strncmp(id, "roof ", 5) || best <= 0) return;
    if (!strncmp(id + 5, "fma float", 9) || !strncmp(id + 5, "mad float", 9))
        roof->fma = fmax(roof->fma, number(row, "flops") / best);
    const int arrays = !strncmp(id + 5, "copy ", 5) ? 2 : !strncmp(id + 5, "triad ", 6) ? 3 : 0;
    if (!arrays || roof->count >= sizeof roof->memory / sizeof *roof->memory) return;
    roof->memory[roof->count].bytes = number(row, "bytes");
    roof->memory[roof->count++].speed = number(row, "bytes") / best;
}

/* Of the arrays that were measured and are no larger than what the case touches the fastest: what fits a cache may come
 * from there. */
static double memory_speed(const zoe__roof *roof, double bytes)
{
    double smallest = INFINITY, speed = 0, largest_fit = 0;
    for (size_t i = 0; i < roof->count; i++) smallest = fmin(smallest, roof->memory[i].bytes);
    for (size_t i = 0; i < roof->count; i++)
        if (roof->memory[i].bytes <= fmax(bytes, smallest)) largest_fit = fmax(largest_fit, roof->memory[i].bytes);
    for (size_t i = 0; i < roof->count; i++)
        if (roof->memory[i].bytes >= largest_fit) speed = fmax(speed, roof->memory[i].speed);
    return speed;
}

/* Achieved over what registers and memory allow for this ratio of work to bytes; 0: not known. */
static double share_of_roof(const zoe__roof *roof, double flops, double bytes, double seconds)
{
    double limit = roof->fma;
    const double speed = memory_speed(roof, bytes);
    if (flops <= 0 || limit <= 0 || seconds <= 0) return 0;
    if (bytes > 0 && speed > 0) limit = fmin(limit, flops / bytes * speed);
    return flops / seconds / limit;
}

/* ---- the row ---- */

static void set_speed(json_t *row, const zoe__samples *samples, const zoe__median_ci *t)
{
    json_t *list = json_array(), *groups = json_array();
    for (size_t i = 0; i < samples->first[samples->groups]; i++)
        json_array_append_new(list, json_real(samples->values[i]));
    for (size_t g = 0; g < samples->groups; g++)
        json_array_append_new(groups, json_integer((json_int_t)(samples->first[g + 1] - samples->first[g])));
    json_object_set_new(row, "samples_ns", list);
    json_object_set_new(row, "process_samples", groups);
    json_object_set_new(row, "median_ns", json_real(t->median));
    json_object_set_new(row, "ci95_ns", json_pack("[f, f]", t->low, t->high));
    json_object_set_new(row, "min_ns", json_real(t->least));
    json_object_set_new(row, "mad_ns", json_real(t->deviation));
}

static void set_no_speed(json_t *row)
{
    static const char *const none[] = {"median_ns", "ci95_ns", "min_ns", "mad_ns", "roof_share"};
    json_object_set_new(row, "samples_ns", json_array());
    json_object_set_new(row, "process_samples", json_array());
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) json_object_set_new(row, none[i], json_null());
}

static void copy_keys(json_t *row, const json_t *from)
{
    static const char *const keys[] = {"bytes",     "runs_per_sample", "algorithm",    "tuned",
                                       "device_ns", "peak_bytes",      "plan_bytes",   "losses",
                                       "batch",     "energy_J",        "energy_net_J", "energy_source"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value) json_object_set(row, keys[i], value);
    }
    if (!json_object_get(row, "algorithm")) json_object_set_new(row, "algorithm", json_null());
    if (!json_object_get(row, "tuned")) json_object_set_new(row, "tuned", json_null());
    if (!json_object_get(row, "energy_J")) json_object_set_new(row, "energy_J", json_null());
    if (!json_object_get(row, "energy_net_J")) json_object_set_new(row, "energy_net_J", json_null());
    if (!json_object_get(row, "energy_source")) json_object_set_new(row, "energy_source", json_string("not measured"));
}

/* All say ok and saw the same bits; where bits differ each was compared with the definition by itself, but for those
 * that have none to be compared with (nmse null). */
static bool judge(json_t *const *processes, size_t count, double *nmse, double *most)
{
    const json_t *hash = json_object_get(processes[0], "hash");
    bool ok = true, compared = true;
    *nmse = *most = 0;
    for (size_t p = 0; p < count; p++) {
        const json_t *value = json_object_get(processes[p], "nmse");
        ok = ok && json_is_true(json_object_get(processes[p], "ok"));
        compared = compared && json_is_number(value);
        *nmse = json_is_number(value) ? fmax(*nmse, json_number_value(value)) : NAN;
        *most = fmax(*most, number(processes[p], "max_error"));
        if (!compared) ok = ok && json_equal(hash, json_object_get(processes[p], "hash"));
    }
    return ok;
}

/* How much longer the first process took to its first result than the quickest: compilation, if anything. */
static double compile_seconds(json_t *const *processes, size_t count)
{
    double least = INFINITY, first = 0;
    for (size_t p = 0; p < count; p++) {
        const double begin = number(processes[p], "setup_s") + number(processes[p], "first_run_s");
        if (p == 0) first = begin;
        least = fmin(least, begin);
    }
    return first - least;
}

static void set_flags(json_t *row, const json_t *from, size_t processes, double share)
{
    json_t *flags = json_array();
    if (json_is_true(json_object_get(from, "effective"))) json_array_append_new(flags, json_string("effective"));
    if (zoe__bench_spread(row) > NOISY) json_array_append_new(flags, json_string("noisy"));
    if (processes < 2) json_array_append_new(flags, json_string("one process"));
    if (share > MOST_SHARE) json_array_append_new(flags, json_string("invalid"));
    if (number(row, "compile_s") > COLD_S) json_array_append_new(flags, json_string("cold"));
    json_object_set_new(row, "flags", flags);
}

double zoe__bench_spread(const json_t *row)
{
    const json_t *ci = json_object_get(row, "ci95_ns");
    const double low = json_number_value(json_array_get(ci, 0)), high = json_number_value(json_array_get(ci, 1));
    return json_is_array(ci) && number(row, "median_ns") > 0 ? (high - low) / 2 / number(row, "median_ns") : INFINITY;
}

zoe_status zoe__bench_row(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                          const zoe__roof *roof, json_t **out, bool *ok)
{
    zoe__samples samples = {0};
    zoe__median_ci t = {0};
    double nmse, most, share = 0;
    const json_t *first = processes[0];
    json_t *row = json_object(), *flops = json_object_get(first, "flops");
    zoe_status status = ZOE_OK;
    *out = NULL;
    *ok = judge(processes, count, &nmse, &most);
    json_object_set(row, "id", json_object_get(first, "id"));
    json_object_set_new(row, "device", json_string(device));
    json_object_set(row, "flops", flops ? flops : json_null());
    const json_t *dtype = json_object_get(first, "dtype");
    json_object_set_new(row, "dtype", json_string(dtype ? json_string_value(dtype) : "float32"));
    copy_keys(row, first);
    if (*ok) {
        ZOE_TRY_OUT(zoe__bench_samples(context, processes, count, "samples_ns", &samples));
        ZOE_TRY_OUT(zoe__median_interval(context, &samples, &t));
        set_speed(row, &samples, &t);
        const json_t *done = json_object_get(first, "done_flops");
        const double work = done ? json_number_value(done) : number(first, "flops");
        const bool roofed = strncmp(json_string_value(json_object_get(first, "id")), "roof ", 5) != 0;
        if (roofed) share = share_of_roof(roof, work, number(first, "bytes"), t.median * 1e-9);
        json_object_set_new(row, "roof_share", share > 0 ? json_real(share) : json_null());
    } else {
        set_no_speed(row);
    }
    json_object_set_new(row, "check", json_string(*ok ? "ok" : "WRONG"));
    json_object_set_new(row, "nmse", isfinite(nmse) ? json_real(nmse) : json_null());
    json_object_set_new(row, "max_error", isfinite(nmse) ? json_real(most) : json_null());
    json_object_set_new(row, "compile_s", json_real(compile_seconds(processes, count)));
    set_flags(row, first, count, share);
    *out = row;
    row = NULL;
out:
    json_decref(row);
    free(samples.values);
    free(samples.first);
    return status;
}
