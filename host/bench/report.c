/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench report [FILES]`: a page, Markdown or CSV of files or of the collection. */
#include "bench/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/compare.h"
#include "bench/record.h"
#include "bench/store.h"
#include "bench/table.h"

enum { MOST_FILES = 64, MOST_SERIES = 256 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* ---- series ---- */

static zoe__series *find(const zoe__report *r, size_t file, const char *device)
{
    for (size_t i = 0; i < r->series_count; i++)
        if (r->series[i].file == file && !strcmp(r->series[i].device, device)) return &r->series[i];
    return NULL;
}

static zoe_status add_series(zoe__report *r, size_t file)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(r->documents[file], "cases"), i, row)
    {
        const char *device = text_of(row, "device");
        if (find(r, file, device)) continue;
        ZOE_FAIL_IF(r->context, r->series_count >= MOST_SERIES, ZOE_USAGE, "more than %d devices in a report",
                    MOST_SERIES);
        r->series[r->series_count++] = (zoe__series){.document = r->documents[file], .device = device, .file = file};
    }
    return ZOE_OK;
}

static void label(zoe__report *r)
{
    for (size_t i = 0; i < r->series_count; i++) {
        zoe__series *s = &r->series[i];
        size_t same = 0;
        for (size_t k = 0; k < r->series_count; k++) same += !strcmp(r->series[k].device, s->device);
        if (same > 1)
            zoe__format(s->label, sizeof s->label, "%s (file %zu)", s->device, s->file + 1);
        else
            zoe__format(s->label, sizeof s->label, "%s", s->device);
    }
}

/* What cannot be compared stays without a comparison. */
static void compare_all(zoe__report *r)
{
    const zoe__series *base = &r->series[r->base];
    for (size_t i = 0; i < r->series_count; i++) {
        zoe__series *s = &r->series[i];
        if (i == r->base) continue;
        if (zoe__compare(r->context, base->document, base->device, s->document, s->device, &s->comparison) != ZOE_OK)
            zoe_context_clear(r->context);
    }
}

zoe_status zoe__report_new(zoe__report *r, zoe_context *context, json_t *const *documents, const char *const *names,
                           size_t count, const char *base)
{
    *r = (zoe__report){.context = context, .documents = documents, .names = names, .document_count = count};
    ZOE_TRY(zoe__calloc(context, &r->series, MOST_SERIES, sizeof *r->series));
    for (size_t i = 0; i < count; i++) ZOE_TRY(add_series(r, i));
    label(r);
    ZOE_FAIL_IF(context, !r->series_count, ZOE_DATA, "%s: no case in it", names[0]);
    while (base && r->base < r->series_count && strcmp(r->series[r->base].device, base) &&
           strcmp(r->series[r->base].label, base))
        r->base++;
    ZOE_FAIL_IF(context, r->base >= r->series_count, ZOE_USAGE,
                "--base '%s': no such device in these files; the first is '%s'", base, r->series[0].label);
    compare_all(r);
    return ZOE_OK;
}

void zoe__report_free(zoe__report *r)
{
    for (size_t i = 0; i < r->series_count; i++) json_decref(r->series[i].comparison);
    free(r->series);
    *r = (zoe__report){0};
}

const json_t *zoe__series_row(const zoe__series *s, const char *id)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(s->document, "cases"), i, row)
    {
        if (!strcmp(text_of(row, "id"), id) && !strcmp(text_of(row, "device"), s->device)) return row;
    }
    return NULL;
}

/* Okabe and Ito's colours, told apart with any eyes. */
const char *zoe__series_colour(size_t index)
{
    static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a00"};
    return colours[index % (sizeof colours / sizeof *colours)];
}

/* ---- the word ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t a = strlen(text), b = strlen(end);
    return a >= b && !strcmp(text + a - b, end);
}

static zoe_status make(zoe__report *r, const char *path, char **text)
{
    if (path && ends_with(path, ".html")) return zoe__report_html(r, text);
    if (path && ends_with(path, ".csv")) return zoe__table_csv(r->context, r->documents, r->document_count, text);
    return zoe__table_markdown(r->context, r->documents, r->document_count, text);
}

static zoe_status write_file(zoe_context *context, const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    ZOE_FAIL_IF(context, !file, ZOE_DISK, "%s: %s", path, strerror(errno));
    const bool bad = fputs(text, file) < 0;
    ZOE_FAIL_IF(context, fclose(file) || bad, ZOE_DISK, "%s: %s", path, strerror(errno));
    return ZOE_OK;
}

typedef struct files {
    json_t *documents[MOST_FILES];
    const char *names[MOST_FILES];
    size_t count;
    json_t *stored; /* owns documents that come from the collection */
} files;

static zoe_status load_files(zoe_context *context, const zoe_bench_call *call, files *f)
{
    ZOE_FAIL_IF(context, call->arg_count > MOST_FILES, ZOE_USAGE, "bench report: %zu files, at most %d",
                call->arg_count, MOST_FILES);
    for (; f->count < call->arg_count; f->count++) {
        f->names[f->count] = call->args[f->count];
        ZOE_TRY(zoe__record_load(&f->documents[f->count], context, f->names[f->count]));
    }
    return ZOE_OK;
}

/* The newest of the collection. */
static zoe_status load_collection(zoe_context *context, const zoe_bench_call *call, files *f)
{
    zoe__bench_store *store = NULL;
    ZOE_TRY(zoe__bench_store_open(&store, context, zoe_options_text(call->options, "store"), false));
    const zoe_status status = zoe__bench_store_all(store, zoe_options_text(call->options, "only"), &f->stored);
    zoe__bench_store_free(&store);
    ZOE_TRY(status);
    const size_t count = json_array_size(f->stored);
    for (size_t i = count > MOST_FILES ? count - MOST_FILES : 0; i < count; i++) {
        json_t *document = json_array_get(f->stored, i);
        f->names[f->count] = text_of(document, "started");
        f->documents[f->count++] = json_incref(document);
    }
    ZOE_FAIL_IF(context, !f->count, ZOE_DATA, "nothing in the collection; `zoe bench import FILE.json`");
    return ZOE_OK;
}

static zoe_status give(zoe__report *r, const char *path, zoe_bench_report *out)
{
    char *text = NULL;
    ZOE_TRY(make(r, path, &text));
    if (!path) {
        out->text = text;
        return ZOE_OK;
    }
    const zoe_status status = write_file(r->context, path, text);
    free(text);
    ZOE_TRY(status);
    json_t *json =
        json_pack("{s:s, s:i, s:i}", "out", path, "files", (int)r->document_count, "devices", (int)r->series_count);
    out->json = json_dumps(json, 0);
    json_decref(json);
    return zoe__strdup(r->context, &out->text, "");
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const char *path = zoe_options_text(call->options, "out");
    files f = {.count = 0};
    zoe__report r = {.context = context};
    zoe_status status = ZOE_OK;
    ZOE_FAIL_IF(context, path && !ends_with(path, ".html") && !ends_with(path, ".md") && !ends_with(path, ".csv"),
                ZOE_USAGE, "--out %s: must end with .html, .md or .csv", path);
    ZOE_TRY_OUT(call->arg_count ? load_files(context, call, &f) : load_collection(context, call, &f));
    ZOE_TRY_OUT(zoe__report_new(&r, context, f.documents, f.names, f.count, zoe_options_text(call->options, "base")));
    ZOE_TRY_OUT(give(&r, path, out));
out:
    zoe__report_free(&r);
    for (size_t i = 0; i < MOST_FILES; i++) json_decref(f.documents[i]);
    json_decref(f.stored);
    return status;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "FILE",
     .help = "FILE.html, FILE.md or FILE.csv; none: Markdown on stdout"},
    {.name = "base", .type = ZOE_OPTION_TEXT, .value = "DEVICE",
     .help = "the device that the others are compared with; none: the first of the first file"},
    {.name = "only", .type = ZOE_OPTION_TEXT, .value = "SUITE", .help = "without files: only what is of this suite"},
    ZOE__STORE_OPTION,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__bench_word_report = {
    .name = "report",
    .summary = "a page, Markdown or CSV of one or more files",
    .usage = "[FILES.json ...] [-o REPORT.html]",
    .options = options,
    .run = run,
};
