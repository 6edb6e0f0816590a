/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench train --task TASK`: whole steps of a pretext task, with its sampler and its decoding, from files that the
 * program makes itself; and beside them the same steps with one batch that is decoded already, sent to the device
 * again in each. The two are rows of their own. What the difference is made of is told: the share of the time that was
 * spent waiting for data, and, from a process that does nothing else, the share in which the device was busy. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoe/task.h>
#include <zoe/train.h>

#include "bench/learn.h"
#include "bench/run.h"
#include "bench/save.h"
#include "core/sha256.h"

enum { CHECKED_STEPS = 4, LEAST_STEPS = 5, MOST_STEPS = 100000 };
/* Batches that were decoded while kernels compiled are used up in the first of these. */
enum { WARM_STEPS = 20 };

typedef enum source { MEMORY, FILES, SOURCES } source;
static const char *const source_name[SOURCES] = {"memory", "files"};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- in a fresh process ---- */

typedef struct meter {
    double limit;           /* s of measuring */
    double start;           /* zoe__seconds() at the end of the last warm step */
    double last;            /* of the last step */
    zoe_train_progress old; /* as the last warm step left it */
    zoe_train_progress now;
    double begun, first_step; /* zoe__seconds(); s from there until the first step was done */
    size_t steps;
    json_t *samples; /* ns */
    double losses[CHECKED_STEPS];
    bool over;
} meter;

static void note_step(const zoe_train_progress *progress, void *user)
{
    meter *m = user;
    const double now = zoe__seconds();
    if (strcmp(progress->stage, "train")) return;
    m->steps++;
    if (m->steps <= CHECKED_STEPS) m->losses[m->steps - 1] = progress->loss;
    m->now = *progress;
    if (m->steps == 1) m->first_step = now - m->begun;
    if (m->steps == WARM_STEPS) {
        m->old = *progress;
        m->start = now;
    }
    if (m->steps > WARM_STEPS) {
        json_array_append_new(m->samples, json_real((now - m->last) * 1e9));
        m->over =
            (now - m->start >= m->limit && m->steps >= WARM_STEPS + LEAST_STEPS) || m->steps >= WARM_STEPS + MOST_STEPS;
    }
    m->last = now;
}

static bool is_over(void *user)
{
    return ((const meter *)user)->over;
}

static zoe_status set_options(const zoe_options *from, const zoe_task_kind *task, const char *run, zoe_options *o,
                              zoe_context *context)
{
    ZOE_TRY(zoe_train_options(o, context, task->name));
    ZOE_TRY(zoe__bench_pass_on(from, o));
    ZOE_TRY(zoe_options_set(o, "net", zoe_options_text(from, "net")));
    ZOE_TRY(zoe_options_set(o, "out", run));
    ZOE_TRY(zoe__bench_set_int(o, "steps", 2 * (WARM_STEPS + MOST_STEPS)));
    ZOE_TRY(zoe__bench_set_int(o, "cache", zoe_options_int(from, "cache")));
    ZOE_TRY(zoe__bench_set_int(o, "workers", zoe_options_int(from, "workers")));
    ZOE_TRY(zoe_options_set(o, "checkpoint-every", "1e6"));
    return zoe_options_set(o, "seed", "1");
}

/* ---- --batch max: trainings that only plan ---- */

typedef struct planned {
    zoe_context *context;
    const zoe_bench_call *call;
    const zoe_task_kind *task;
} planned;

static zoe_status bytes_of_batch(void *user, int batch, uint64_t *bytes)
{
    const planned *p = user;
    zoe_options *o = NULL;
    zoe_train_result result = {0};
    zoe_status status = zoe_options_new(&o, p->context);
    if (status == ZOE_OK) status = set_options(p->call->options, p->task, "", o, p->context);
    if (status == ZOE_OK) status = zoe_options_set(o, "dry-run", "true");
    if (status == ZOE_OK) status = zoe__bench_set_int(o, "batch", batch);
    if (status == ZOE_OK) status = zoe_train(p->context, p->task->name, p->call->args, 1, o, NULL, &result);
    if (status == ZOE_OK) *bytes = result.peak_bytes;
    if (status == ZOE_OK && result.micro_batches > 1) /* a training would go on in parts: as one step it is too large */
        status = zoe__fail(p->context, ZOE_DEVICE_MEMORY, "a step of %d windows does not fit", batch);
    zoe_train_result_clear(&result);
    zoe_options_free(&o);
    return status;
}

/* What --batch says; max: what the first of its devices has room for. */
static zoe_status find_batch(zoe_context *context, const zoe_bench_call *call, const zoe_task_kind *task, int *batch)
{
    planned p = {.context = context, .call = call, .task = task};
    zoe_device_options options = zoe_device_options_default();
    zoe_device *device = NULL;
    *batch = (int)zoe_options_int(call->options, "batch");
    if (*batch) return ZOE_OK;
    options.name = zoe_options_text(call->options, "device");
    options.max_memory = (uint64_t)zoe_options_float(call->options, "max-memory");
    ZOE_TRY(zoe_device_open(&device, context, &options));
    const zoe_device_info info = *zoe_device_get_info(device);
    zoe_device_free(&device);
    return zoe__train_largest(context, &info, bytes_of_batch, &p, batch);
}

/* The hash of the first steps' losses, which are the same bits in every process, of files and of memory only in the
 * first: from then on their batches differ. */
static void hash_losses(const meter *m, char hex[65])
{
    zoe__sha256 sha;
    uint8_t digest[32];
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, m->losses, sizeof m->losses);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
}

static void find_id(char *id, size_t size, const zoe_options *o, int batch, source from)
{
    char cache[48] = "";
    const long long mib = (long long)zoe_options_int(o, "cache");
    if (from == FILES && mib > 0) zoe__format(cache, sizeof cache, ", cache %lld MiB", mib);
    zoe__format(id, size, "train %s %s batch %lld from %s%s", zoe_options_text(o, "task"), zoe_options_text(o, "net"),
                (long long)batch, source_name[from], cache);
}

static zoe_status found(zoe_context *context, const zoe_options *o, int batch, const meter *m,
                        const zoe_train_result *r, json_t **out)
{
    const double seconds = m->now.seconds - m->old.seconds;
    const source from = zoe_options_flag(o, "memory") ? MEMORY : FILES;
    bool ok = true;
    char hash[65], id[192];
    json_t *device = zoe__bench_look_at_device(context, o), *losses = json_array();
    if (!device) {
        json_decref(losses);
        return ZOE_DEVICE;
    }
    for (int i = 0; i < CHECKED_STEPS; i++) {
        ok = ok && isfinite(m->losses[i]);
        json_array_append_new(losses, json_real(isfinite(m->losses[i]) ? m->losses[i] : -1));
    }
    hash_losses(m, hash);
    find_id(id, sizeof id, o, batch, from);
    *out =
        json_pack("{s:s, s:O, s:b, s:n, s:s, s:o, s:s, s:f, s:i, s:I, s:I, s:f, s:f, s:o}", "id", id, "samples_ns",
                  m->samples, "ok", ok, "nmse", "hash", hash, "losses", losses, "algorithm", "step", "flops", r->flops,
                  "images", r->images_per_step, "peak_bytes", (json_int_t)zoe__peak_resident(), "plan_bytes",
                  (json_int_t)r->peak_bytes, "data_wait", seconds > 0 ? (m->now.waited - m->old.waited) / seconds : 0.0,
                  "first_run_s", m->first_step, "device", device);
    ZOE_FAIL_IF(context, !*out, ZOE_MEMORY, "no memory for what was measured");
    json_object_set_new(*out, "batch", json_integer(batch));
    const double busy = m->now.busy - m->old.busy;
    json_object_set_new(*out, "device_busy", isfinite(busy) && seconds > 0 ? json_real(busy / seconds) : json_null());
    return ZOE_OK;
}

static zoe_status measure(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    const zoe_options *from = call->options;
    const zoe_task_kind *task = zoe_task_find(context, zoe_options_text(from, "task"));
    meter m = {.limit = zoe_options_float(from, "seconds"), .samples = json_array(), .begun = zoe__seconds()};
    const zoe_train_hooks hooks = {.progress = note_step,
                                   .stop = is_over,
                                   .user = &m,
                                   .profile = zoe_options_flag(from, "ops"),
                                   .one_batch = zoe_options_flag(from, "memory")};
    char run[600];
    int batch = 0;
    zoe_options *o = NULL;
    zoe_train_result result = {0};
    zoe_status status = ZOE_OK;
    zoe__format(run, sizeof run, "%s-run-%ld", call->args[0], (long)getpid()); /* goes away with the pack */
    ZOE_TRY_OUT(zoe_options_new(&o, context));
    ZOE_TRY_OUT(find_batch(context, call, task, &batch));
    ZOE_TRY_OUT(set_options(from, task, run, o, context));
    ZOE_TRY_OUT(zoe__bench_set_int(o, "batch", batch));
    status = zoe_train(context, task->name, call->args, 1, o, &hooks, &result);
    if (status == ZOE_STOPPED && m.over) {
        zoe_context_clear(context);
        status = found(context, from, batch, &m, &result, out);
    }
out:
    zoe_train_result_clear(&result);
    zoe_options_free(&o);
    json_decref(m.samples);
    return status;
}

/* ---- all processes ---- */

typedef struct files_bench {
    zoe_context *context;
    const zoe_bench_call *call;
    const char *pack;
    size_t count;
    json_t *process[SOURCES][ZOE__MOST_PROCESSES];
    json_t *profiled[SOURCES];
    json_t *row[SOURCES];
    bool ok;
} files_bench;

static zoe_status run_one(files_bench *b, source from, bool profiled, json_t **out)
{
    const char *extra[4] = {NULL};
    char batch[32];
    size_t words = 0;
    zoe_bench_call child = *b->call;
    if (from == MEMORY) extra[words++] = "--memory";
    if (profiled) extra[words++] = "--ops";
    if (b->process[MEMORY][0]) { /* --batch max is settled */
        zoe__format(batch, sizeof batch, "--batch=%.0f", number(b->process[MEMORY][0], "batch"));
        extra[words++] = batch;
    }
    child.args = &b->pack;
    child.arg_count = 1;
    return zoe__bench_child(b->context, "train", &child, extra, zoe_options_float(b->call->options, "limit"), out);
}

/* The row of a file, with what only such steps have. */
static zoe_status make_row(files_bench *b, source from, size_t count)
{
    const zoe__roof none = {.fma = 0};
    json_t *const *of = b->process[from];
    const char *device = json_string_value(json_object_get(json_object_get(of[0], "device"), "id"));
    double wait = 0, peak = 0;
    bool ok, same = true;
    json_decref(b->row[from]);
    b->row[from] = NULL;
    ZOE_TRY(zoe__bench_row(b->context, of, count, device, &none, &b->row[from], &ok));
    for (size_t p = 0; p < count; p++) {
        wait += number(of[p], "data_wait") / (double)count;
        peak = fmax(peak, number(of[p], "peak_bytes"));
        const json_t *first = json_array_get(json_object_get(b->process[MEMORY][0], "losses"), 0);
        same = same && json_equal(first, json_array_get(json_object_get(of[p], "losses"), 0));
    }
    json_t *row = b->row[from];
    if (ok && !same) { /* the first step's batch is the same one */
        static const char *const none_of[] = {"median_ns", "ci95_ns", "min_ns", "mad_ns"};
        for (size_t i = 0; i < sizeof none_of / sizeof *none_of; i++) json_object_set_new(row, none_of[i], json_null());
        json_object_set_new(row, "samples_ns", json_array());
        json_object_set_new(row, "process_samples", json_array());
        json_object_set_new(row, "check", json_string("WRONG"));
    }
    b->ok = b->ok && ok && same;
    json_object_set_new(row, "peak_bytes", json_integer((json_int_t)peak));
    json_object_set(row, "images", json_object_get(of[0], "images"));
    json_object_set_new(row, "data_wait", json_real(wait));
    const json_t *busy = json_object_get(b->profiled[from], "device_busy");
    json_object_set_new(row, "device_busy", busy ? json_deep_copy(busy) : json_null());
    return ZOE_OK;
}

static zoe_status save(files_bench *b, zoe__saver *saver, bool complete)
{
    if (!saver->path) return ZOE_OK;
    json_t *rows = json_pack("[O, O]", b->row[MEMORY], b->row[FILES]);
    json_t *devices = json_pack("[O]", json_object_get(b->process[MEMORY][0], "device"));
    const zoe_status status = zoe__saver_write(saver, devices, rows, complete);
    json_decref(rows);
    json_decref(devices);
    return status;
}

/* {source, id, images_per_s, ci95, steps_per_s, data_wait, device_busy, ..} */
static json_t *sum_up(const json_t *row, source from)
{
    static const char *const same[] = {"id", "check", "images", "data_wait", "device_busy", "peak_bytes", "plan_bytes"};
    const double images = number(row, "images") * 1e9, median = number(row, "median_ns");
    const json_t *ci = json_object_get(row, "ci95_ns");
    json_t *out = json_pack("{s:s}", "source", source_name[from]);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        json_object_set(out, same[i], json_object_get(row, same[i]));
    json_object_set_new(out, "steps", json_integer((json_int_t)json_array_size(json_object_get(row, "samples_ns"))));
    if (!(median > 0)) return out;
    json_object_set_new(out, "images_per_s", json_real(images / median));
    json_object_set_new(out, "ci95",
                        json_pack("[f, f]", images / json_number_value(json_array_get(ci, 1)),
                                  images / json_number_value(json_array_get(ci, 0))));
    json_object_set_new(out, "steps_per_s", json_real(1e9 / median));
    return out;
}

static zoe_status write_text(zoe_context *context, const json_t *value, char **out)
{
    size_t size, i;
    json_t *row;
    FILE *text = open_memstream(out, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    fprintf(text, "%s, %s, %.0f windows a step, on %s\n", json_string_value(json_object_get(value, "task")),
            json_string_value(json_object_get(value, "net")), number(value, "batch"),
            json_string_value(json_object_get(json_object_get(value, "device"), "id")));
    json_array_foreach(json_object_get(value, "rows"), i, row)
    {
        const json_t *ci = json_object_get(row, "ci95");
        fprintf(text, "from %-7s", json_string_value(json_object_get(row, "source")));
        if (ci)
            fprintf(text, "%9.1f images/s (95 %% interval %.1f to %.1f)", number(row, "images_per_s"),
                    json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)));
        else
            fputs(" WRONG", text);
        fprintf(text, "; waiting for data %.1f %%, device busy %.1f %%\n", 100 * number(row, "data_wait"),
                100 * number(row, "device_busy"));
    }
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

static zoe_status report(files_bench *b, zoe_bench_report *out)
{
    const zoe_options *o = b->call->options;
    json_t *rows = json_array();
    for (int from = 0; from < SOURCES; from++) json_array_append_new(rows, sum_up(b->row[from], (source)from));
    json_t *value =
        json_pack("{s:s, s:i, s:s, s:s, s:I, s:s, s:o, s:O, s:o}", "suite", "train", "schema", 1, "task",
                  zoe_options_text(o, "task"), "net", zoe_options_text(o, "net"), "batch",
                  json_integer_value(json_object_get(b->process[MEMORY][0], "batch")), "check", b->ok ? "ok" : "WRONG",
                  "rows", rows, "device", json_object_get(b->process[MEMORY][0], "device"), "host", zoe__bench_host());
    ZOE_FAIL_IF(b->context, !value, ZOE_MEMORY, "no memory for the report");
    out->json = json_dumps(value, JSON_REAL_PRECISION(9));
    const zoe_status status = write_text(b->context, value, &out->text);
    json_decref(value);
    ZOE_TRY(status);
    ZOE_FAIL_IF(b->context, !out->json, ZOE_MEMORY, "no memory for the report");
    ZOE_FAIL_IF(b->context, !b->ok, ZOE_WRONG,
                "WRONG: losses of the first steps differ between processes, or between files and memory");
    return ZOE_OK;
}

/* Processes take turns: memory, files, memory, .. */
static zoe_status run_all(files_bench *b, zoe__saver *saver)
{
    for (size_t p = 0; p < b->count; p++) {
        b->ok = true;
        for (int from = 0; from < SOURCES; from++) ZOE_TRY(run_one(b, (source)from, false, &b->process[from][p]));
        for (int from = 0; from < SOURCES; from++) ZOE_TRY(make_row(b, (source)from, p + 1));
        ZOE_TRY(save(b, saver, false));
    }
    for (int from = 0; from < SOURCES; from++) {
        ZOE_TRY(run_one(b, (source)from, true, &b->profiled[from]));
        ZOE_TRY(make_row(b, (source)from, b->count));
    }
    return save(b, saver, true);
}

zoe_status zoe__train_files(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const zoe_options *o = call->options;
    const zoe_task_kind *task = zoe_task_find(context, zoe_options_text(o, "task"));
    files_bench *b = NULL;
    char folder[512] = "", pack[600], suite_id[64];
    zoe__saver saver = {.context = context};
    if (!task) return ZOE_USAGE;
    if (zoe_options_flag(o, "here")) {
        json_t *value = NULL;
        ZOE_FAIL_IF(context, call->arg_count != 1, ZOE_USAGE, "bench train --task --here: one pack");
        ZOE_TRY(measure(context, call, &value));
        out->json = json_dumps(value, JSON_REAL_PRECISION(17));
        json_decref(value);
        ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
        return ZOE_OK;
    }
    ZOE_TRY(zoe__calloc(context, &b, 1, sizeof *b));
    *b = (files_bench){
        .context = context, .call = call, .pack = pack, .count = (size_t)zoe_options_int(o, "processes"), .ok = true};
    const long long clips = (long long)zoe_options_int(o, "clips");
    zoe__format(suite_id, sizeof suite_id, "train-files-1, %lld clips", clips);
    zoe_status status = zoe__saver_start(&saver, context, o, "train", suite_id);
    if (status == ZOE_OK) status = zoe__bench_folder_make(context, folder, sizeof folder);
    if (status == ZOE_OK)
        status =
            zoe__bench_world(context, call, task->pairing ? "sounding" : "motion", clips, folder, pack, sizeof pack);
    if (status == ZOE_OK) status = run_all(b, &saver);
    if (status == ZOE_OK) status = report(b, out);
    for (int from = 0; from < SOURCES; from++) {
        for (size_t p = 0; p < b->count; p++) json_decref(b->process[from][p]);
        json_decref(b->profiled[from]);
        json_decref(b->row[from]);
    }
    free(b);
    zoe__saver_free(&saver);
    zoe__bench_folder_remove(folder);
    return status;
}
