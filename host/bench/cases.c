/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases that several processes measured, made one of each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/run.h"

zoe_status zoe__bench_children(zoe_context *context, const char *suite, const zoe_bench_call *call,
                               zoe__bench_seen *seen, void *user, json_t **out, size_t *count)
{
    const double limit = zoe_options_float(call->options, "limit");
    const size_t processes = (size_t)zoe_options_int(call->options, "processes");
    for (*count = 0; *count < processes;) {
        ZOE_TRY(zoe__bench_child(context, suite, call, NULL, limit, &out[*count]));
        ++*count;
        ZOE_TRY(seen(user, out, *count));
    }
    return ZOE_OK;
}

/* Case number index of every process; NULL in *of where they are not of one id. */
static bool gather(json_t *const *processes, size_t count, size_t index, json_t **of)
{
    for (size_t p = 0; p < count; p++) {
        of[p] = json_array_get(json_object_get(processes[p], "cases"), index);
        if (!of[p] || !json_equal(json_object_get(of[p], "id"), json_object_get(of[0], "id"))) return false;
    }
    return true;
}

static void set_speed(json_t *out, const zoe__samples *samples, const zoe__median_ci *t, double roof)
{
    const double flops = json_number_value(json_object_get(out, "flops"));
    json_t *list = json_array();
    for (size_t i = 0; i < samples->first[samples->groups]; i++)
        json_array_append_new(list, json_real(samples->values[i]));
    json_object_set_new(out, "samples_ns", list);
    json_object_set_new(out, "median_ns", json_real(t->median));
    json_object_set_new(out, "ci95_ns", json_pack("[f, f]", t->low, t->high));
    json_object_set_new(out, "roof_share",
                        roof > 0 && flops > 0 ? json_real(flops / (t->median * 1e-9) / roof) : json_null());
}

/* No speed of what is wrong. */
static void set_wrong(json_t *out)
{
    json_object_set_new(out, "samples_ns", json_array());
    json_object_set_new(out, "median_ns", json_null());
    json_object_set_new(out, "ci95_ns", json_null());
    json_object_set_new(out, "roof_share", json_null());
}

static zoe_status merge(zoe_context *context, json_t *const *of, size_t count, const char *device, double roof,
                        json_t *out, bool *ok)
{
    zoe__samples samples = {0};
    zoe__median_ci t = {0};
    double nmse = 0;
    zoe_status status = ZOE_OK;
    *ok = true;
    for (size_t p = 0; p < count; p++) {
        const json_t *value = json_object_get(of[p], "nmse");
        *ok = *ok && json_is_true(json_object_get(of[p], "ok"));
        nmse = json_is_number(value) ? fmax(nmse, json_number_value(value)) : NAN;
    }
    json_object_set(out, "id", json_object_get(of[0], "id"));
    json_object_set_new(out, "device", json_string(device));
    json_object_set(out, "flops", json_object_get(of[0], "flops"));
    if (*ok) {
        ZOE_TRY_OUT(zoe__bench_samples(context, of, count, "samples_ns", &samples));
        ZOE_TRY_OUT(zoe__median_interval(context, &samples, &t));
        set_speed(out, &samples, &t, roof);
    } else {
        set_wrong(out);
    }
    json_object_set_new(out, "check", json_string(*ok ? "ok" : "WRONG"));
    json_object_set_new(out, "nmse", isfinite(nmse) ? json_real(nmse) : json_null());
    json_object_set(out, "algorithm", json_object_get(of[0], "algorithm"));
    json_object_set(out, "tuned", json_object_get(of[0], "tuned"));
out:
    free(samples.values);
    free(samples.first);
    return status;
}

zoe_status zoe__bench_cases(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                            double roof, json_t **cases, size_t *wrong)
{
    const size_t all = json_array_size(json_object_get(processes[0], "cases"));
    json_t *of[ZOE__MOST_PROCESSES];
    *cases = json_array();
    *wrong = 0;
    for (size_t i = 0; i < all; i++) {
        bool ok;
        ZOE_FAIL_IF(context, !gather(processes, count, i, of), ZOE_DATA,
                    "the processes did not measure the same cases");
        json_t *one = json_object();
        json_array_append_new(*cases, one);
        ZOE_TRY(merge(context, of, count, device, roof, one, &ok));
        *wrong += !ok;
    }
    return ZOE_OK;
}

zoe_status zoe__bench_rows(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                           double roof, json_t **rows)
{
    const size_t all = json_array_size(json_object_get(processes[0], "cases"));
    const zoe__roof of_device = {.fma = roof};
    json_t *of[ZOE__MOST_PROCESSES], *row = NULL;
    bool ok;
    *rows = json_array();
    for (size_t i = 0; i < all; i++) {
        ZOE_FAIL_IF(context, !gather(processes, count, i, of), ZOE_DATA,
                    "the processes did not measure the same cases");
        ZOE_TRY(zoe__bench_row(context, of, count, device, &of_device, &row, &ok));
        json_array_append_new(*rows, row);
    }
    return ZOE_OK;
}
