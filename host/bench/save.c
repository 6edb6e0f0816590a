/* SPDX-License-Identifier: Apache-2.0
 *
 * Head and end of a benchmark's file. */
#include "bench/save.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/record.h"
#include "device/source.h"

static json_t *now(void)
{
    char text[32];
    struct tm parts;
    const time_t seconds = time(NULL);
    if (!gmtime_r(&seconds, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)) return json_null();
    return json_string(text);
}

static json_t *options_given(const zoe_options *o)
{
    json_t *given = json_object();
    for (size_t i = 0; i < zoe_options_count(o); i++) {
        const zoe_option *row = zoe_options_at(o, i);
        const char *text = zoe_options_text(o, row->name);
        const bool path = !strcmp(row->name, "out") || !strcmp(row->name, "made"); /* may name a person */
        if (zoe_options_given(o, row->name) && !path && text) json_object_set_new(given, row->name, json_string(text));
    }
    return given;
}

json_t *zoe__bench_head(const zoe_options *options, const char *suite, const char *suite_id, json_t *devices)
{
    char build[64];
    zoe__build_id(build);
    return json_pack("{s:i, s:{s:s, s:s, s:s}, s:s, s:s, s:o, s:o, s:o, s:o}", "schema", ZOE__BENCH_SCHEMA, "tool",
                     "name", "zoe", "version", ZOE_VERSION, "build", build, "suite", suite, "suite_id", suite_id,
                     "started", now(), "options", options_given(options), "host", zoe__bench_host(), "devices",
                     devices);
}

json_t *zoe__bench_end(double seconds, double compile_s, json_t *skipped)
{
    json_t *end = json_pack("{s:o, s:f, s:f, s:o}", "finished", now(), "seconds", seconds, "compile_s", compile_s,
                            "host", zoe__bench_host());
    if (end) json_object_set_new(end, "skipped", skipped ? json_incref(skipped) : json_array());
    return end;
}

zoe_status zoe__saver_start(zoe__saver *s, zoe_context *context, const zoe_options *options, const char *suite,
                            const char *suite_id)
{
    *s = (zoe__saver){.context = context, .path = zoe_options_text(options, "out"), .started = zoe__seconds()};
    if (!s->path) return ZOE_OK;
    s->head = zoe__bench_head(options, suite, suite_id, json_array());
    ZOE_FAIL_IF(context, !s->head, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

zoe_status zoe__saver_write(zoe__saver *s, json_t *devices, json_t *rows, bool complete)
{
    zoe__record *record = NULL;
    size_t i;
    json_t *row;
    if (!s->path) return ZOE_OK;
    json_object_set(s->head, "devices", devices);
    zoe_status status = zoe__record_new(&record, s->context, s->path, json_deep_copy(s->head));
    json_array_foreach(rows, i, row) if (status == ZOE_OK) status = zoe__record_append(record, json_deep_copy(row));
    json_t *end = zoe__bench_end(zoe__seconds() - s->started, 0, s->skipped);
    if (end && s->seeds && !complete) json_object_set(end, "seeds", s->seeds);
    if (status == ZOE_OK && !end) status = zoe__fail(s->context, ZOE_MEMORY, "no memory for the report");
    if (status == ZOE_OK)
        status = zoe__record_end(record, end, complete);
    else
        json_decref(end);
    zoe__record_free(&record);
    return status;
}

json_t *zoe__saver_earlier(zoe__saver *s, const json_t *device)
{
    static const char *const same[] = {"suite_id", "options", "tool"};
    json_t *document = NULL;
    if (!s->path || access(s->path, R_OK)) return NULL;
    if (zoe__record_load(&document, s->context, s->path) != ZOE_OK) {
        zoe_context_clear(s->context); /* it will be replaced, as any other */
        return NULL;
    }
    bool good = json_is_false(json_object_get(document, "complete"));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        good = good && json_equal(json_object_get(document, same[i]), json_object_get(s->head, same[i]));
    good = good && json_equal(json_array_get(json_object_get(document, "devices"), 0), device);
    if (good) return document;
    json_decref(document);
    return NULL;
}

void zoe__saver_free(zoe__saver *s)
{
    json_decref(s->head);
    *s = (zoe__saver){.context = NULL};
}
