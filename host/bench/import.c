/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench import`: files into the collection. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/record.h"
#include "bench/store.h"

/* What an external meter showed for the whole run, shared among its cases by time: mean power times the time of a
 * case. Rows with a counter of their own keep it. */
static zoe_status add_meter(zoe_context *context, json_t *document, const char *path, double joules)
{
    const double seconds = json_number_value(json_object_get(json_object_get(document, "end"), "seconds"));
    char source[160], hex[65];
    size_t i;
    json_t *row;
    ZOE_FAIL_IF(context, !json_is_true(json_object_get(document, "complete")) || !(seconds > 0), ZOE_DATA,
                "%s: --joules: the run ended before its time, or does not tell how long it took", path);
    ZOE_FAIL_IF(context, json_array_size(json_object_get(document, "devices")) != 1, ZOE_DATA,
                "%s: --joules: %zu devices took turns, must be 1", path,
                json_array_size(json_object_get(document, "devices")));
    zoe__format(source, sizeof source, "external meter: %g J in %.1f s of the whole run, gross", joules, seconds);
    json_array_foreach(json_object_get(document, "cases"), i, row)
    {
        const json_t *median = json_object_get(row, "median_ns");
        if (json_is_number(json_object_get(row, "energy_J")) || !json_is_number(median)) continue;
        json_object_set_new(row, "energy_J", json_real(joules / seconds * json_number_value(median) * 1e-9));
        json_object_set_new(row, "energy_source", json_string(source));
    }
    zoe__record_sha256(document, hex);
    json_object_set_new(document, "sha256", json_string(hex));
    return ZOE_OK;
}

static zoe_status add_file(zoe_context *context, zoe__bench_store *store, const char *path, double joules, bool *added)
{
    json_t *document = NULL;
    ZOE_TRY(zoe__record_load(&document, context, path));
    zoe_status status = joules > 0 ? add_meter(context, document, path, joules) : ZOE_OK;
    if (status == ZOE_OK) status = zoe__bench_store_add(store, document, added);
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
    const double joules = zoe_options_float(call->options, "joules");
    ZOE_FAIL_IF(context, joules > 0 && call->arg_count != 1, ZOE_USAGE, "bench import: --joules is of one file");
    ZOE_TRY(zoe__bench_store_open(&store, context, zoe_options_text(call->options, "store"), true));
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < call->arg_count && status == ZOE_OK; i++) {
        bool added;
        status = add_file(context, store, call->args[i], joules, &added);
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

/* clang-format off */
static const zoe_option options[] = {
    {.name = "joules", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1e12, .value = "J", .fallback = "0",
     .help = "what an external meter showed for the whole run of the one file"},
    ZOE__STORE_OPTION,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__bench_word_import = {
    .name = "import",
    .summary = "put files into the collection",
    .usage = "FILE.json ...",
    .options = options,
    .run = run,
};
