/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench null`: a device against itself. Whatever verdict comes out is a false one; a few in a hundred are what 95 %
 * intervals promise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/compare.h"
#include "bench/run.h"

static int count_verdicts(const json_t *comparison)
{
    int count = 0;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(comparison, "cases"), i, one)
    {
        const char *verdict = json_string_value(json_object_get(one, "verdict"));
        count += verdict && strcmp(verdict, "same") != 0;
    }
    return count;
}

static zoe_status report(zoe_context *context, const json_t *comparison, zoe_bench_report *out)
{
    const int cases = (int)json_array_size(json_object_get(comparison, "cases")), verdicts = count_verdicts(comparison);
    char *table = NULL;
    size_t size;
    ZOE_TRY(zoe__compare_text(context, comparison, &table));
    FILE *text = open_memstream(&out->text, &size);
    if (text) fprintf(text, "%s%d of %d cases got a verdict; each is a false one\n", table, verdicts, cases);
    free(table);
    json_t *json = json_pack("{s:i, s:i, s:O}", "cases", cases, "verdicts", verdicts, "comparison", comparison);
    out->json = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    ZOE_FAIL_IF(context, !text || fclose(text) != 0 || !out->json, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const zoe_options *o = call->options;
    const size_t given = zoe_options_items(o, "device");
    const zoe__bench_list *list;
    json_t *document = NULL, *comparison = NULL;
    ZOE_FAIL_IF(context, call->arg_count, ZOE_USAGE, "bench null: '%s' is one word too many", call->args[0]);
    ZOE_FAIL_IF(context, given > 1, ZOE_USAGE, "bench null: one --device");
    ZOE_TRY(zoe__bench_list_find(context, zoe_options_text(o, "list"), &list));
    zoe__bench_devices devices = {.count = 2, .same = true};
    for (size_t i = 0; given && i < devices.count; i++) devices.asked[i] = zoe_options_item(o, "device", 0);
    zoe_status status = zoe__bench_run(context, call, list, &devices, &document);
    if (status == ZOE_OK) {
        const json_t *both = json_object_get(document, "devices");
        const char *a = json_string_value(json_object_get(json_array_get(both, 0), "id"));
        const char *b = json_string_value(json_object_get(json_array_get(both, 1), "id"));
        status = zoe__compare(context, document, a, document, b, &comparison);
    }
    if (status == ZOE_OK) status = report(context, comparison, out);
    json_decref(comparison);
    json_decref(document);
    return status;
}

static const zoe_option options[] = {ZOE__RUN_OPTIONS, ZOE__LIST_OPTION, {.name = NULL}};

const zoe_bench_suite zoe__bench_word_null = {
    .name = "null",
    .summary = "a device against itself: how often is a difference seen where there is none?",
    .usage = "[-d DEVICE] [--list SUITE]",
    .options = options,
    .run = run,
};
