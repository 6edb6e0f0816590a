/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench export`: the collection as files, to be handed on. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/bench.h"
#include "bench/record.h"
#include "bench/store.h"

/* FOLDER/SUITE_ID-HASH.json */
static zoe_status write_document(zoe_context *context, const char *folder, const json_t *document)
{
    char path[PATH_MAX];
    const char *suite = json_string_value(json_object_get(document, "suite_id"));
    const char *hash = json_string_value(json_object_get(document, "sha256"));
    ZOE_FAIL_IF(context, !suite || !hash || strchr(suite, '/') || strlen(hash) != 64, ZOE_DATA,
                "a damaged document in the collection");
    ZOE_FAIL_IF(context, !zoe__format(path, sizeof path, "%s/%s-%.12s.json", folder, suite, hash), ZOE_DISK,
                "%s: the name is too long", folder);
    ZOE_FAIL_IF(context, json_dump_file(document, path, JSON_COMPACT | JSON_REAL_PRECISION(15)), ZOE_DISK, "%s: %s",
                path, strerror(errno));
    return ZOE_OK;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const char *folder = zoe_options_text(call->options, "out");
    zoe__bench_store *store = NULL;
    json_t *documents = NULL, *one;
    size_t i;
    char text[96];
    ZOE_FAIL_IF(context, call->arg_count > 1, ZOE_USAGE, "bench export: one suite at most");
    ZOE_FAIL_IF(context, !folder, ZOE_USAGE, "bench export: --out FOLDER is missing");
    ZOE_TRY(zoe__bench_store_open(&store, context, zoe_options_text(call->options, "store"), false));
    zoe_status status = zoe__bench_store_all(store, call->arg_count ? call->args[0] : NULL, &documents);
    zoe__bench_store_free(&store);
    if (status == ZOE_OK && mkdir(folder, 0777) && errno != EEXIST)
        status = zoe__fail(context, ZOE_DISK, "%s: %s", folder, strerror(errno));
    json_array_foreach(documents, i, one) if (status == ZOE_OK) status = write_document(context, folder, one);
    const int count = (int)json_array_size(documents);
    json_decref(documents);
    ZOE_TRY(status);
    zoe__format(text, sizeof text, "%d files written\n", count);
    ZOE_TRY(zoe__strdup(context, &out->text, text));
    json_t *json = json_pack("{s:i, s:s}", "files", count, "out", folder);
    out->json = json_dumps(json, 0);
    json_decref(json);
    return ZOE_OK;
}

static const zoe_option options[] = {
    ZOE__STORE_OPTION,
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "FOLDER", .help = "where the files go"},
    {.name = NULL},
};

const zoe_bench_suite zoe__bench_word_export = {
    .name = "export",
    .summary = "write the collection, or what it has of one suite, as files",
    .usage = "[SUITE] -o FOLDER",
    .options = options,
    .run = run,
};
