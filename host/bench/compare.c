/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing rows of the same id, and `bench compare A B`. */
#include "bench/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/case_id.h"
#include "bench/run.h"

static const double LEAST_DIFFERENCE = 0.03;

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

zoe_status zoe__row_samples(zoe_context *context, const json_t *row, zoe__samples *out)
{
    const json_t *values = json_object_get(row, "samples_ns"), *groups = json_object_get(row, "process_samples");
    const size_t count = json_array_size(values), given = json_array_size(groups);
    *out = (zoe__samples){.groups = given ? given : 1};
    ZOE_TRY(zoe__calloc(context, &out->values, count + 1, sizeof *out->values));
    ZOE_TRY(zoe__calloc(context, &out->first, out->groups + 1, sizeof *out->first));
    for (size_t i = 0; i < count; i++) out->values[i] = json_number_value(json_array_get(values, i));
    out->first[1] = count;
    for (size_t g = 0; g < given; g++)
        out->first[g + 1] = out->first[g] + (size_t)json_integer_value(json_array_get(groups, g));
    return ZOE_OK;
}

bool zoe__row_counts(const json_t *row)
{
    size_t i;
    json_t *flag;
    json_array_foreach(json_object_get(row, "flags"), i, flag)
    {
        const char *text = json_string_value(flag);
        if (text && !strcmp(text, "invalid")) return false;
    }
    return !strcmp(text_of(row, "check"), "ok");
}

static zoe_status interval_of(zoe_context *context, const json_t *row, zoe__median_ci *out)
{
    zoe__samples samples = {0};
    zoe_status status = zoe__row_samples(context, row, &samples);
    if (status == ZOE_OK) status = zoe__median_interval(context, &samples, out);
    free(samples.values);
    free(samples.first);
    return status;
}

/* The row of that id and device; NULL: none. *twice: more than one. */
static const json_t *find_row(const json_t *document, const char *id, const char *device, bool *twice)
{
    const json_t *found = NULL;
    size_t i;
    json_t *row;
    *twice = false;
    json_array_foreach(json_object_get(document, "cases"), i, row)
    {
        if (strcmp(text_of(row, "id"), id) || (device && strcmp(text_of(row, "device"), device))) continue;
        *twice = found != NULL;
        found = row;
    }
    return found;
}

static const char *verdict_of(const zoe__ratio_ci *r)
{
    if (fabs(r->ratio - 1) < LEAST_DIFFERENCE) return "same";
    return r->low > 1 ? "faster" : r->high < 1 ? "slower" : "same";
}

/* Of "batch max", which is another number on another device, the times of a picture. */
static void per_picture(const json_t *row, zoe__median_ci *t)
{
    const double batch = json_number_value(json_object_get(row, "batch"));
    zoe__train_id id;
    if (!zoe__train_id_read(&id, text_of(row, "id")) || id.batch || !(batch > 0)) return;
    t->median /= batch;
    t->low /= batch;
    t->high /= batch;
}

static zoe_status compare_rows(zoe_context *context, const json_t *a, const json_t *b, json_t *cases,
                               zoe__ratio_ci *ratio)
{
    zoe__median_ci of_a, of_b;
    ZOE_TRY(interval_of(context, a, &of_a));
    ZOE_TRY(interval_of(context, b, &of_b));
    per_picture(a, &of_a);
    per_picture(b, &of_b);
    *ratio = zoe__ratio_interval(&of_a, &of_b);
    json_array_append_new(cases, json_pack("{s:s, s:f, s:[f, f], s:s, s:f, s:f}", "id", text_of(a, "id"), "ratio",
                                           ratio->ratio, "ci95", ratio->low, ratio->high, "verdict", verdict_of(ratio),
                                           "a_ns", of_a.median, "b_ns", of_b.median));
    return ZOE_OK;
}

typedef struct pairs {
    json_t *cases, *left_out;
    zoe__ratio_ci *ratios;
    size_t count;
} pairs;

static zoe_status compare_all(zoe_context *context, const json_t *a, const char *device_a, const json_t *b,
                              const char *device_b, pairs *p)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(a, "cases"), i, row)
    {
        const char *id = text_of(row, "id");
        bool twice_a, twice_b;
        if (device_a && strcmp(text_of(row, "device"), device_a)) continue;
        find_row(a, id, device_a, &twice_a);
        const json_t *other = find_row(b, id, device_b, &twice_b);
        ZOE_FAIL_IF(context, twice_a || twice_b, ZOE_USAGE,
                    "%s: '%s' is there of several devices: say which, as FILE:DEVICE", twice_a ? "A" : "B", id);
        const char *reason = !other                    ? "only in A"
                             : !zoe__row_counts(row)   ? "WRONG or invalid in A"
                             : !zoe__row_counts(other) ? "WRONG or invalid in B"
                                                       : NULL;
        if (reason)
            json_array_append_new(p->left_out, json_pack("{s:s, s:s}", "id", id, "reason", reason));
        else
            ZOE_TRY(compare_rows(context, row, other, p->cases, &p->ratios[p->count++]));
    }
    return ZOE_OK;
}

zoe_status zoe__compare(zoe_context *context, const json_t *a, const char *device_a, const json_t *b,
                        const char *device_b, json_t **out)
{
    const char *suite_a = text_of(a, "suite_id"), *suite_b = text_of(b, "suite_id");
    pairs p = {.cases = json_array(), .left_out = json_array()};
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_FAIL_IF_OUT(context, *suite_a && *suite_b && strcmp(suite_a, suite_b), ZOE_DATA,
                    "figures of %s and of %s are not compared", suite_a, suite_b);
    ZOE_TRY_OUT(zoe__calloc(context, &p.ratios, json_array_size(json_object_get(a, "cases")) + 1, sizeof *p.ratios));
    ZOE_TRY_OUT(compare_all(context, a, device_a, b, device_b, &p));
    ZOE_FAIL_IF_OUT(context, !p.count, ZOE_DATA, "nothing to compare: no case is right in both");
    const zoe__ratio_ci mean = zoe__geometric_mean(p.ratios, p.count);
    *out = json_pack("{s:O, s:f, s:[f, f], s:i, s:s, s:s, s:s, s:O}", "cases", p.cases, "geomean", mean.ratio,
                     "geomean_ci95", mean.low, mean.high, "count", (int)p.count, "suite_id", suite_a, "a",
                     device_a ? device_a : "A", "b", device_b ? device_b : "B", "left_out", p.left_out);
    ZOE_FAIL_IF_OUT(context, !*out, ZOE_MEMORY, "no memory for the comparison");
out:
    json_decref(p.cases);
    json_decref(p.left_out);
    free(p.ratios);
    return status;
}

zoe_status zoe__compare_text(zoe_context *context, const json_t *comparison, char **out)
{
    size_t size, i;
    json_t *one;
    FILE *text = open_memstream(out, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the comparison");
    fprintf(text, "speed of %s over that of %s\n%8s %18s %-7s case\n", text_of(comparison, "b"),
            text_of(comparison, "a"), "ratio", "95 % interval", "verdict");
    json_array_foreach(json_object_get(comparison, "cases"), i, one)
    {
        const json_t *ci = json_object_get(one, "ci95");
        fprintf(text, "%8.4g %8.4g %9.4g %-7s %s\n", json_number_value(json_object_get(one, "ratio")),
                json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)),
                text_of(one, "verdict"), text_of(one, "id"));
    }
    const json_t *ci = json_object_get(comparison, "geomean_ci95");
    fprintf(text, "%8.4g %8.4g %9.4g geometric mean of %zu cases\n",
            json_number_value(json_object_get(comparison, "geomean")), json_number_value(json_array_get(ci, 0)),
            json_number_value(json_array_get(ci, 1)), json_array_size(json_object_get(comparison, "cases")));
    json_array_foreach(json_object_get(comparison, "left_out"), i, one)
        fprintf(text, "left out: %s: %s\n", text_of(one, "id"), text_of(one, "reason"));
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the comparison");
    return ZOE_OK;
}

/* ---- `bench compare A B` ---- */

typedef struct side {
    char file[4096];
    const char *device; /* in file, or NULL */
    json_t *document;
} side;

/* FILE or FILE:DEVICE. */
static zoe_status load_side(zoe_context *context, const char *word, side *s)
{
    zoe__format(s->file, sizeof s->file, "%s", word);
    for (char *colon = strchr(s->file, ':'); access(s->file, F_OK) && colon; colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        s->device = word + (colon - s->file) + 1;
        if (!access(s->file, F_OK)) break;
        *colon = ':';
        s->device = NULL;
    }
    return zoe__record_load(&s->document, context, s->file);
}

static zoe_status report(zoe_context *context, json_t *comparison, zoe_bench_report *out)
{
    const zoe_status status = zoe__compare_text(context, comparison, &out->text);
    out->json = json_dumps(comparison, JSON_REAL_PRECISION(9));
    json_decref(comparison);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the comparison");
    return status;
}

static zoe_status compare_files(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    side a = {.device = NULL}, b = {.device = NULL};
    json_t *comparison = NULL;
    zoe_status status = load_side(context, call->args[0], &a);
    if (status == ZOE_OK) status = load_side(context, call->args[1], &b);
    if (status == ZOE_OK) status = zoe__compare(context, a.document, a.device, b.document, b.device, &comparison);
    if (status == ZOE_OK) {
        if (!a.device) json_object_set_new(comparison, "a", json_string(a.file));
        if (!b.device) json_object_set_new(comparison, "b", json_string(b.file));
        status = report(context, comparison, out);
    }
    json_decref(a.document);
    json_decref(b.document);
    return status;
}

/* Two devices of this machine, whose processes take turns. */
static zoe_status compare_devices(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const zoe__bench_devices devices = {.asked = {call->args[0], call->args[1]}, .count = 2};
    const zoe__bench_list *list;
    json_t *document = NULL, *comparison = NULL;
    ZOE_TRY(zoe__bench_list_find(context, zoe_options_text(call->options, "list"), &list));
    zoe_status status = zoe__bench_run(context, call, list, &devices, &document);
    if (status == ZOE_OK) {
        const json_t *both = json_object_get(document, "devices");
        status = zoe__compare(context, document, text_of(json_array_get(both, 0), "id"), document,
                              text_of(json_array_get(both, 1), "id"), &comparison);
    }
    json_decref(document);
    return status == ZOE_OK ? report(context, comparison, out) : status;
}

/* Names a file: it is one, or looks like one that should be there. */
static bool is_file(const char *word)
{
    return strchr(word, '/') || strstr(word, ".json") || access(word, F_OK) == 0;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    ZOE_FAIL_IF(context, call->arg_count != 2, ZOE_USAGE,
                "bench compare: two files (FILE or FILE:DEVICE) or two devices");
    ZOE_FAIL_IF(context, zoe_options_items(call->options, "device"), ZOE_USAGE,
                "bench compare: devices are its two words, not --device");
    const bool files = is_file(call->args[0]) || is_file(call->args[1]);
    return files ? compare_files(context, call, out) : compare_devices(context, call, out);
}

static const zoe_option options[] = {ZOE__RUN_OPTIONS, ZOE__LIST_OPTION, {.name = NULL}};

const zoe_bench_suite zoe__bench_word_compare = {
    .name = "compare",
    .summary = "two files, or two devices that take turns: which is faster, and is it sure?",
    .usage = "A.json B.json | DEVICE DEVICE",
    .options = options,
    .run = run,
};
