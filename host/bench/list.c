/* SPDX-License-Identifier: Apache-2.0
 *
 * The suites that are lists of cases, and `bench list`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/run.h"

extern const zoe__bench_list zoe__bench_list_quick, zoe__bench_list_roof, zoe__bench_list_gemm,
    zoe__bench_list_standard, zoe__bench_list_full;

static const zoe__bench_list *const lists[] = {&zoe__bench_list_quick, &zoe__bench_list_roof, &zoe__bench_list_gemm,
                                               &zoe__bench_list_standard, &zoe__bench_list_full};

const zoe__bench_list *zoe__bench_list_at(size_t index)
{
    return index < sizeof lists / sizeof *lists ? lists[index] : NULL;
}

zoe_status zoe__bench_list_find(zoe_context *context, const char *suite, const zoe__bench_list **out)
{
    for (size_t i = 0; zoe__bench_list_at(i); i++) {
        *out = zoe__bench_list_at(i);
        if (!strcmp((*out)->suite, suite)) return ZOE_OK;
    }
    *out = NULL;
    return zoe__fail(context, ZOE_USAGE, "'%s' is no list of cases: quick, roof, gemm, standard or full", suite);
}

/* ---- `bench list` ---- */

static size_t length(const zoe__bench_list *list)
{
    size_t count = 0;
    while (list->ids[count]) count++;
    return count;
}

static json_t *ids_of(const zoe__bench_list *list)
{
    json_t *ids = json_array();
    for (size_t i = 0; list && list->ids[i]; i++) json_array_append_new(ids, json_string(list->ids[i]));
    return ids;
}

static void write_suites(FILE *text, json_t *suites)
{
    for (size_t i = 0; zoe_bench_suite_at(i); i++) {
        const zoe_bench_suite *suite = zoe_bench_suite_at(i);
        const zoe__bench_list *list = NULL;
        for (size_t k = 0; zoe__bench_list_at(k); k++)
            if (!strcmp(zoe__bench_list_at(k)->suite, suite->name)) list = zoe__bench_list_at(k);
        fprintf(text, "%-10s %s", suite->name, suite->summary);
        if (list) fprintf(text, " (%s, %zu cases)", list->suite_id, length(list));
        fputc('\n', text);
        json_array_append_new(suites,
                              json_pack("{s:s, s:s, s:s*, s:o}", "suite", suite->name, "summary", suite->summary,
                                        "suite_id", list ? list->suite_id : NULL, "cases", ids_of(list)));
    }
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const zoe__bench_list *list = NULL;
    size_t size;
    ZOE_FAIL_IF(context, call->arg_count > 1, ZOE_USAGE, "bench list: one suite at most");
    if (call->arg_count) ZOE_TRY(zoe__bench_list_find(context, call->args[0], &list));
    FILE *text = open_memstream(&out->text, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the list");
    json_t *found = json_array();
    for (size_t i = 0; list && list->ids[i]; i++) fprintf(text, "%s\n", list->ids[i]);
    if (!list) write_suites(text, found);
    json_t *whole = list ? json_pack("{s:s, s:o}", "suite_id", list->suite_id, "cases", ids_of(list))
                         : json_pack("{s:O}", "suites", found);
    out->json = json_dumps(whole, 0);
    json_decref(whole);
    json_decref(found);
    ZOE_FAIL_IF(context, fclose(text) != 0 || !out->json, ZOE_MEMORY, "no memory for the list");
    return ZOE_OK;
}

static const zoe_option options[] = {{.name = NULL}};

const zoe_bench_suite zoe__bench_word_list = {
    .name = "list",
    .summary = "the suites, or the ids of the cases of one",
    .usage = "[SUITE]",
    .options = options,
    .run = run,
};
