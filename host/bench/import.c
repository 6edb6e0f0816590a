/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench import`: files into the collection. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/record.h"
#include "bench/store.h"

static zoe_status add_file(zoe_context *context, zoe__bench_store *store, const char *path, bool *added)
{
    json_t *document = NULL;
    ZOE_TRY(zoe__record_load(&document, context, path));
    const zoe_status status = zoe__bench_store_add(store, document, added);
    json_decref(document);
    return status;
}

/* A file that is no benchmark stops it; those before it are in. */
static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    zoe__bench_store *store = NULL;
    int count = 0;
    char text[96];
    ZOE_FAIL_IF(context, !call->arg_count, ZOE_USAGE, "bench import: files of `zoe bench -o`");
    ZOE_TRY(zoe__bench_store_open(&store, context, zoe_options_text(call->options, "store"), true));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < call->arg_count && status == ZOE_OK; i++) {
        bool added;
        status = add_file(context, store, call->args[i], &added);
        count += status == ZOE_OK && added;
    }
    zoe__bench_store_free(&store);
    ZOE_TRY(status);
    zoe__format(text, sizeof text, "%d of %zu files were new\n", count, call->arg_count);
    ZOE_TRY(zoe__strdup(context, &out->text, text));
    json_t *json = json_pack("{s:i, s:i}", "files", (int)call->arg_count, "added", count);
    out->json = json_dumps(json, 0);
    json_decref(json);
    return ZOE_OK;
}

static const zoe_option options[] = {ZOE__STORE_OPTION, {.name = NULL}};

const zoe_bench_suite zoe__bench_word_import = {
    .name = "import",
    .summary = "put files into the collection",
    .usage = "FILE.json ...",
    .options = options,
    .run = run,
};
