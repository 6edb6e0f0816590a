/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop over cases, processes and devices. */
#include "bench/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/case_id.h"
#include "bench/save.h"
#include "bench/sensors.h"
#include "bench/table.h"
#include "core/child.h"

enum { MOST_WORDS = 48, WORD = 64, MOST_HOST_PIXELS = 4096 };
/* CLBlast does a few GFLOP/s on processors. What a case holds at most beside what it touches: numbers of the host,
 * their packed form on the device, results that are read back. */
static const double MOST_CLBLAST_FLOPS = 2e10, COPIES = 6;

typedef struct machine {
    const char *asked; /* NULL: the first of `zoe devices` */
    char id[64];
    bool host, cpu;
    zoe__roof roof;
} machine;

typedef struct runner {
    zoe_context *context;
    const zoe_bench_call *call;
    const zoe__bench_list *list;
    machine machines[ZOE__MOST_DEVICES];
    size_t machine_count;
    bool same; /* all machines are one device */
    zoe__record *record;
    json_t *skipped;
    size_t wrong, done;
    zoe_status
        failure; /* of the first case that was tried and could not be measured, number first_failure of skipped */
    size_t first_failure;
    double compile_s, started, throttle_events;
} runner;

/* ---- a process ---- */

typedef struct words {
    const char *argv[MOST_WORDS + 1];
    char text[MOST_WORDS][WORD];
    size_t count;
} words;

static void add(words *w, const char *word)
{
    if (w->count < MOST_WORDS) w->argv[w->count++] = word;
}

static void add_number(words *w, const char *name, double value)
{
    if (w->count >= MOST_WORDS) return;
    char *text = w->text[w->count];
    zoe__format(text, WORD, "--%s=%.9g", name, value);
    add(w, text);
}

static void add_given(words *w, const zoe_options *o)
{
    static const char *const names[] = {"family", "storage", "conv", "linear", "max-memory"};
    static const char *const flags[] = {"exact", "no-tuning"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!zoe_options_given(o, names[i]) || w->count >= MOST_WORDS) continue;
        char *text = w->text[w->count];
        zoe__format(text, WORD, "--%s=%s", names[i], zoe_options_text(o, names[i]));
        add(w, text);
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (zoe_options_flag(o, flags[i])) add(w, i == 0 ? "--exact" : "--no-tuning");
}

static zoe_status run_once(const runner *r, const machine *m, const char *id, json_t **out)
{
    const zoe_options *o = r->call->options;
    const bool given = zoe_options_given(o, "seconds");
    words w = {.count = 0};
    char *text = NULL;
    *out = NULL;
    add(&w, r->call->program);
    add(&w, "bench");
    add(&w, "once");
    if (m->asked) {
        add(&w, "--device");
        add(&w, m->asked);
    }
    add_number(&w, "seconds", given ? zoe_options_float(o, "seconds") : r->list->seconds);
    add_number(&w, "warm", given ? fmin(r->list->warm, zoe_options_float(o, "seconds")) : r->list->warm);
    add_number(&w, "places", r->list->places);
    add_given(&w, o);
    add(&w, "--here");
    add(&w, "--json");
    add(&w, "--");
    add(&w, id);
    w.argv[w.count] = NULL;
    ZOE_TRY(zoe__child_run(r->context, w.argv, zoe_options_float(o, "limit"), &text));
    *out = json_loads(text, 0, NULL);
    free(text);
    ZOE_FAIL_IF(r->context, !json_is_object(*out), ZOE_DATA, "bench once '%s' did not print a JSON object", id);
    return ZOE_OK;
}

/* ---- a case ---- */

typedef struct slot {
    machine *machine;
    json_t *processes[ZOE__MOST_PROCESSES];
    size_t count;
    double spent; /* s, without compilation */
    bool done;
} slot;

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void skip(runner *r, const char *id, const machine *m, const char *reason)
{
    zoe__log(r->context, ZOE_LOG_INFO, "left out: %s on %s: %s", id, m->id, reason);
    json_array_append_new(r->skipped, json_pack("{s:s, s:s, s:s}", "id", id, "device", m->id, "reason", reason));
}

/* The device does not even do nothing any more. */
static bool is_gone(const runner *r, const machine *m)
{
    json_t *out = NULL;
    const zoe_status status = run_once(r, m, "device", &out);
    json_decref(out);
    zoe_context_clear(r->context);
    return status != ZOE_OK;
}

/* A case that fails is left out with its reason; a device that is gone ends the run. */
static zoe_status failed(runner *r, slot *s, const char *id, zoe_status status)
{
    char reason[512];
    zoe__format(reason, sizeof reason, "%s", zoe_context_error(r->context));
    zoe_context_clear(r->context);
    s->done = true;
    skip(r, id, s->machine, reason);
    if (r->failure == ZOE_OK) r->first_failure = json_array_size(r->skipped) - 1;
    if (r->failure == ZOE_OK) r->failure = status;
    const bool device = zoe_status_exit_code(status) == zoe_status_exit_code(ZOE_DEVICE);
    if (!device || !is_gone(r, s->machine)) return ZOE_OK;
    return zoe__fail(r->context, ZOE_DEVICE, "%s: %s; the %zu cases before it are kept", id, reason, r->done);
}

static bool precise(runner *r, const slot *s)
{
    bool ok, narrow;
    json_t *row = NULL;
    if (zoe__bench_row(r->context, s->processes, s->count, s->machine->id, &s->machine->roof, &row, &ok) != ZOE_OK)
        return true; /* said when the row is made */
    narrow = !ok || zoe__bench_spread(row) <= r->list->goal;
    json_decref(row);
    return narrow;
}

static void decide(runner *r, slot *s, double last)
{
    const zoe_options *o = r->call->options;
    const size_t given = (size_t)zoe_options_int(o, "processes");
    const size_t least = given ? given : (size_t)r->list->least, most = given ? given : (size_t)r->list->most;
    if (s->count >= most || json_is_false(json_object_get(s->processes[s->count - 1], "ok"))) s->done = true;
    if (!given && s->spent + last > r->list->case_seconds) s->done = true;
    if (!s->done && s->count >= least && r->list->goal > 0) s->done = precise(r, s);
}

static zoe_status take_process(runner *r, slot *s, const char *id)
{
    const double start = zoe__seconds();
    char settled[256]; /* "batch max" is what the first process found it to be */
    zoe__train_id_settle(settled, sizeof settled, id, s->count ? (int)number(s->processes[0], "batch") : 0);
    const zoe_status status = run_once(r, s->machine, settled, &s->processes[s->count]);
    if (status == ZOE_STOPPED) return status;
    if (status != ZOE_OK) return failed(r, s, id, status);
    const json_t *found = s->processes[s->count++];
    const double took = zoe__seconds() - start, begin = number(found, "setup_s") + number(found, "first_run_s");
    s->spent += took - (s->count == 1 ? begin : 0);
    decide(r, s, took - begin);
    return ZOE_OK;
}

/* The processor was slowed down since the last case: a mark, and with --strict no row. */
static bool was_throttled(runner *r, json_t *row)
{
    const double events = zoe__throttle_events();
    const bool throttled = events > r->throttle_events;
    r->throttle_events = events;
    if (throttled) json_array_append_new(json_object_get(row, "flags"), json_string("throttled"));
    return throttled;
}

static zoe_status keep(runner *r, slot *s, const char *id)
{
    json_t *row = NULL;
    bool ok;
    if (!s->count) return ZOE_OK;
    ZOE_TRY(zoe__bench_row(r->context, s->processes, s->count, s->machine->id, &s->machine->roof, &row, &ok));
    const bool strict = zoe_options_flag(r->call->options, "strict"), throttled = was_throttled(r, row);
    const bool untuned = json_is_false(json_object_get(row, "tuned"));
    if (strict && (untuned || throttled)) {
        skip(r, id, s->machine,
             untuned ? "--strict: not tuned (`zoe tune` does that)" : "--strict: the processor was throttled");
        json_decref(row);
        return ZOE_OK;
    }
    r->wrong += !ok;
    r->done++;
    r->compile_s += fmax(0, number(row, "compile_s"));
    zoe__roof_add(&s->machine->roof, row);
    char line[320];
    zoe__table_line(line, sizeof line, row);
    zoe__log(r->context, ZOE_LOG_PROGRESS, "%s", line);
    return zoe__record_append(r->record, row);
}

/* Why this case is not for this device; NULL: it is. */
static const char *unfit(const runner *r, const machine *m, const char *id)
{
    const bool openblas = strstr(id, " by openblas") != NULL;
    if (openblas && m != r->machines) return "needs no device: measured beside the first";
    if (COPIES * zoe__case_bytes(id) > (double)zoe__memory_available()) return "needs more memory than there is";
    if (m->cpu && strstr(id, " by clblast") && zoe__case_flops(id) > MOST_CLBLAST_FLOPS)
        return "too much arithmetic for CLBlast on a processor";
    if (!m->host || openblas) return NULL;
    if (strstr(id, " by clblast")) return "'host' has no CLBlast";
    zoe__train_id train;
    if (!strncmp(id, "roof ", 5)) return "'host' has no kernels";
    if (zoe__train_id_read(&train, id) &&
        (train.batch == 0 || (double)train.c * train.h * train.w * train.batch > MOST_HOST_PIXELS))
        return "too much arithmetic for the plain-C definitions";
    return zoe__case_flops(id) > r->list->host_flops ? "too much arithmetic for the plain-C definitions" : NULL;
}

static zoe_status run_case(runner *r, const char *id)
{
    slot slots[ZOE__MOST_DEVICES] = {{0}};
    bool any = true;
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < r->machine_count; i++) {
        slots[i].machine = &r->machines[i];
        const char *reason = unfit(r, slots[i].machine, id);
        slots[i].done = reason != NULL;
        if (reason) skip(r, id, slots[i].machine, reason);
    }
    for (size_t p = 0; any && p < ZOE__MOST_PROCESSES; p++) {
        any = false;
        for (size_t k = 0; k < r->machine_count; k++) {
            slot *s = &slots[p % 2 ? r->machine_count - 1 - k : k]; /* A B, B A, A B, .. */
            if (s->done) continue;
            any = true;
            ZOE_TRY_OUT(take_process(r, s, id));
        }
    }
    for (size_t i = 0; i < r->machine_count; i++) ZOE_TRY_OUT(keep(r, &slots[i], id));
out:
    for (size_t i = 0; i < r->machine_count; i++)
        for (size_t p = 0; p < slots[i].count; p++) json_decref(slots[i].processes[p]);
    return status;
}

/* ---- the file ---- */

/* What the machine is, from a process that opens it; appended to devices. */
static zoe_status ask_machine(runner *r, size_t i, json_t *devices)
{
    machine *m = &r->machines[i];
    json_t *found = NULL;
    ZOE_TRY(run_once(r, m, "device", &found));
    json_t *device = json_object_get(found, "device");
    const char *id = json_string_value(json_object_get(device, "id"));
    m->host = id && !strcmp(id, "host");
    m->cpu = json_is_string(json_object_get(device, "type")) &&
             !strcmp(json_string_value(json_object_get(device, "type")), "cpu");
    zoe__format(m->id, sizeof m->id, "%s%s", id ? id : "", r->same && i ? " again" : "");
    json_object_set_new(device, "id", json_string(m->id));
    json_array_append(devices, device);
    json_decref(found);
    for (size_t k = 0; k < i; k++)
        ZOE_FAIL_IF(r->context, !strcmp(r->machines[k].id, m->id), ZOE_USAGE, "--device: %s and %s are the same device",
                    r->machines[k].asked, m->asked);
    return ZOE_OK;
}

static zoe_status open_record(runner *r)
{
    json_t *devices = json_array();
    for (size_t i = 0; i < r->machine_count; i++) {
        const zoe_status status = ask_machine(r, i, devices);
        if (status == ZOE_OK) continue;
        json_decref(devices);
        return status;
    }
    json_t *head = zoe__bench_head(r->call->options, r->list->suite, r->list->suite_id, devices);
    ZOE_FAIL_IF(r->context, !head, ZOE_MEMORY, "no memory for the report");
    return zoe__record_new(&r->record, r->context, zoe_options_text(r->call->options, "out"), head);
}

/* What is known at the end; error: why it ended before its time. */
static zoe_status close_record(runner *r, zoe_status status)
{
    json_t *end = zoe__bench_end(zoe__seconds() - r->started, r->compile_s, r->skipped);
    ZOE_FAIL_IF(r->context, !end, ZOE_MEMORY, "no memory for the report");
    if (status != ZOE_OK) json_object_set_new(end, "error", json_string(zoe_context_error(r->context)));
    return zoe__record_end(r->record, end, status == ZOE_OK);
}

static zoe_status run_all(runner *r)
{
    const char *part = zoe_options_text(r->call->options, "cases");
    for (size_t i = 0; r->list->ids[i]; i++)
        if (!part || strstr(r->list->ids[i], part)) ZOE_TRY(run_case(r, r->list->ids[i]));
    ZOE_FAIL_IF(r->context, !r->done && !json_array_size(r->skipped), ZOE_CONFIG,
                "--cases '%s': no case of the suite %s has that in its id", part ? part : "", r->list->suite);
    if (r->done) return ZOE_OK;
    const json_t *first = json_array_get(r->skipped, r->first_failure);
    return zoe__fail(r->context, r->failure == ZOE_OK ? ZOE_UNSUPPORTED : r->failure,
                     "nothing was measured; %s on %s: %s", json_string_value(json_object_get(first, "id")),
                     json_string_value(json_object_get(first, "device")),
                     json_string_value(json_object_get(first, "reason")));
    return ZOE_OK;
}

zoe_status zoe__bench_run(zoe_context *context, const zoe_bench_call *call, const zoe__bench_list *list,
                          const zoe__bench_devices *devices, json_t **document)
{
    runner *r = NULL;
    *document = NULL;
    if (zoe_options_flag(call->options, "strict")) ZOE_TRY(zoe__bench_is_quiet(context));
    ZOE_TRY(zoe__calloc(context, &r, 1, sizeof *r));
    r->context = context;
    r->call = call;
    r->list = list;
    r->skipped = json_array();
    r->started = zoe__seconds();
    r->throttle_events = zoe__throttle_events();
    r->same = devices->same;
    r->machine_count = devices->count;
    for (size_t i = 0; i < devices->count; i++) r->machines[i].asked = devices->asked[i];
    zoe_status status = open_record(r);
    if (r->record) {
        status = run_all(r);
        const zoe_status closed = close_record(r, status);
        if (status == ZOE_OK) status = closed;
        *document = json_incref(zoe__record_document(r->record));
    }
    if (status == ZOE_OK && r->wrong)
        status = zoe__fail(context, ZOE_WRONG, "%zu of %zu cases are WRONG: they have no speed", r->wrong, r->done);
    json_decref(r->skipped);
    zoe__record_free(&r->record);
    free(r);
    return status;
}

zoe_status zoe__bench_run_suite(zoe_context *context, const zoe_bench_call *call, const zoe__bench_list *list,
                                zoe_bench_report *out)
{
    json_t *document = NULL;
    const zoe_options *o = call->options;
    const size_t count = zoe_options_items(o, "device");
    zoe__bench_devices devices = {.count = count ? count : 1};
    ZOE_FAIL_IF(context, call->arg_count, ZOE_USAGE, "bench %s: '%s' is one word too many", list->suite, call->args[0]);
    ZOE_FAIL_IF(context, count > ZOE__MOST_DEVICES, ZOE_USAGE, "--device: %zu, at most %d", count, ZOE__MOST_DEVICES);
    for (size_t i = 0; i < count; i++) devices.asked[i] = zoe_options_item(o, "device", i);
    const zoe_status status = zoe__bench_run(context, call, list, &devices, &document);
    if (!document) return status;
    const zoe_status told = zoe__table_text(context, document, &out->text);
    out->json = json_dumps(document, JSON_REAL_PRECISION(15));
    json_decref(document);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    return status != ZOE_OK ? status : told;
}
