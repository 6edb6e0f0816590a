/* SPDX-License-Identifier: Apache-2.0
 *
 * The clips that `bench data` makes, processes that measure them, and what is told of it. */
#include "bench/data_made.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/run.h"
#include "bench/save.h"

enum { MOST_SAMPLES = 10000, LEAST_SAMPLES = 3, MOST_PATH = 512 };
static const double SECONDS = 0.5; /* of a row, in a process, unless --seconds says more */

static const zoe__made_kind *const kinds[] = {&zoe__made_decode, &zoe__made_sound, &zoe__made_augment};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---- the clips ---- */

int zoe__made_threads(const zoe_options *options)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN), asked = (long)zoe_options_int(options, "threads"),
               most = ZOE__MADE_THREADS;
    return (int)(asked ? asked : processors < 1 ? 1 : processors > most ? most : processors);
}

bool zoe__made_wants(const zoe_options *options, const char *id)
{
    const char *part = zoe_options_text(options, "cases");
    return !part || strstr(id, part);
}

static zoe_status make_folder(zoe_context *context, const char *path)
{
    ZOE_FAIL_IF(context, mkdir(path, 0777) && errno != EEXIST, ZOE_DISK, "%s: %s", path, strerror(errno));
    return ZOE_OK;
}

zoe_status zoe__made_folder(zoe__made_clips *clips, const char *name, char *path, size_t size)
{
    zoe__format(path, size, "%s/%s", clips->folder, name);
    for (size_t i = 0; i < clips->paths; i++)
        if (!strcmp(clips->path[i], name)) return ZOE_OK;
    clips->path[clips->paths++] = name;
    return make_folder(clips->context, path);
}

zoe_status zoe__made_file(zoe_context *context, const char *path, const void *bytes, size_t size)
{
    char part[700];
    zoe__format(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "wb");
    ZOE_FAIL_IF(context, !file, ZOE_DISK, "%s: %s", part, strerror(errno));
    bool whole = fwrite(bytes, 1, size, file) == size;
    const int code = whole ? 0 : errno;
    whole = fclose(file) == 0 && whole && rename(part, path) == 0;
    if (whole) return ZOE_OK;
    const zoe_status status =
        zoe__fail(context, ZOE_DISK, "%s: cannot be written: %s", path, strerror(code ? code : errno));
    unlink(part);
    return status;
}

zoe_status zoe__made_skip(zoe__made_clips *clips, const char *id, zoe_status status)
{
    if (status != ZOE_UNSUPPORTED) return status;
    json_array_append_new(clips->skipped, json_pack("{s:s, s:s, s:s}", "id", id, "device", "cpu", "reason",
                                                    zoe_context_error(clips->context)));
    zoe_context_clear(clips->context);
    return ZOE_OK;
}

/* The clips that are asked for and not there yet, and the pack of all, where rows need one. */
static zoe_status make_pack(zoe__made_clips *clips, const char *pack)
{
    char path[4][640];
    const char *paths[4];
    zoe_context *context = clips->context;
    for (size_t k = 0; k < KINDS; k++) ZOE_TRY(kinds[k]->prepare(clips));
    ZOE_FAIL_IF(context, !clips->wanted, ZOE_CONFIG, "bench data: no row has '%s' in its id",
                zoe_options_text(clips->options, "cases"));
    ZOE_FAIL_IF(context, json_array_size(clips->skipped) == clips->wanted, ZOE_UNSUPPORTED, "bench data: %s",
                json_string_value(json_object_get(json_array_get(clips->skipped, 0), "reason")));
    if (!clips->paths) return ZOE_OK;
    for (size_t i = 0; i < clips->paths; i++) {
        zoe__format(path[i], sizeof path[i], "%s/%s", clips->folder, clips->path[i]);
        paths[i] = path[i];
    }
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 0;
    return zoe_pack_index(context, paths, clips->paths, pack, &options);
}

/* ---- measuring, in a fresh process ---- */

double zoe__bench_cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *work(void *user)
{
    zoe__made_thread *t = user;
    t->status = t->row->work(t, t->row->user);
    return NULL;
}

zoe_status zoe__made_from(zoe__made *made, const zoe__made_thread *thread, zoe_status status)
{
    if (status == ZOE_OK) return ZOE_OK;
    zoe__fail(made->context, status, "%s", zoe_context_error(thread->context));
    zoe_context_clear(thread->context);
    return status;
}

/* One sample: each of the threads does its work; s of the host and of all processors together, for one of its amount.
 */
static zoe_status take(zoe__made *made, const zoe__made_row *row, double *wall, double *cpu)
{
    const double start = zoe__seconds(), cpu_start = zoe__bench_cpu_seconds();
    int started = 1;
    zoe_status status = ZOE_OK;
    for (; started < row->threads; started++)
        if (pthread_create(&made->thread[started].thread, NULL, work, &made->thread[started])) break;
    if (started < row->threads) status = zoe__fail(made->context, ZOE_MEMORY, "cannot start a thread");
    work(&made->thread[0]);
    for (int i = 1; i < started; i++) pthread_join(made->thread[i].thread, NULL);
    *wall = (zoe__seconds() - start) / (row->threads * row->amount);
    *cpu = (zoe__bench_cpu_seconds() - cpu_start) / (row->threads * row->amount);
    for (int i = 0; i < started && status == ZOE_OK; i++)
        status = zoe__made_from(made, &made->thread[i], made->thread[i].status);
    return status;
}

zoe_status zoe__made_run(zoe__made *made, const zoe__made_row *row, zoe__made_times *times)
{
    const double seconds =
        zoe_options_given(made->options, "seconds") ? zoe_options_float(made->options, "seconds") : SECONDS;
    double wall = 0, cpu = 0;
    *times = (zoe__made_times){json_array(), json_array()};
    for (int i = 0; i < row->threads; i++) {
        made->thread[i].row = row;
        zoe__random_init(&made->thread[i].random, 1, (uint64_t)i, row->stream);
    }
    const double start = zoe__seconds();
    zoe_status status = take(made, row, &wall, &cpu); /* opens everything */
    for (int i = 0; status == ZOE_OK && i < MOST_SAMPLES; i++) {
        if (i >= LEAST_SAMPLES && zoe__seconds() - start >= seconds) break;
        status = take(made, row, &wall, &cpu);
        json_array_append_new(times->wall, json_real(wall * 1e9));
        json_array_append_new(times->cpu, json_real(cpu * 1e9));
    }
    return status;
}

void zoe__made_add(zoe__made *made, const zoe__made_row *row, zoe__made_times *times, bool right, const char *hash)
{
    json_array_append_new(made->cases, json_pack("{s:s, s:o, s:o, s:b, s:n, s:s, s:s, s:b}", "id", row->id,
                                                 "samples_ns", times->wall, "cpu_samples_ns", times->cpu, "ok", right,
                                                 "nmse", "hash", hash, "algorithm", row->algorithm, "tuned", false));
    *times = (zoe__made_times){NULL, NULL};
}

zoe_status zoe__made_forgive(zoe__made *made, zoe_status status, bool *right)
{
    if (status != ZOE_DATA) return status;
    zoe__log(made->context, ZOE_LOG_WARN, "%s", zoe_context_error(made->context));
    zoe_context_clear(made->context);
    *right = false;
    return ZOE_OK;
}

zoe_status zoe__made_find(const zoe__made *made, const char *end, size_t *clip, bool *found)
{
    const size_t size = strlen(end);
    char file[700];
    *found = true;
    for (*clip = 0; made->pack && *clip < zoe_pack_clips(made->pack); ++*clip) {
        const char *path = zoe_pack_clip(made->pack, *clip)->path;
        const size_t length = strlen(path);
        if (length >= size && !strcmp(path + length - size, end)) return ZOE_OK;
    }
    *found = false;
    zoe__format(file, sizeof file, "%s/..%s", made->pack_path, end);
    ZOE_FAIL_IF(made->context, access(file, F_OK) == 0, ZOE_DATA, "%s: not in the pack beside it", file);
    return ZOE_OK;
}

static zoe_status open_made(zoe__made *made)
{
    made->threads = zoe__made_threads(made->options);
    if (zoe_pack_is(made->pack_path)) ZOE_TRY(zoe_pack_open(&made->pack, made->context, made->pack_path));
    for (int i = 0; i < made->threads; i++) {
        zoe__made_thread *t = &made->thread[i];
        t->number = i;
        ZOE_FAIL_IF(made->context, zoe_context_new(&t->context) != ZOE_OK, ZOE_MEMORY, "out of memory: a thread");
        if (made->pack) ZOE_TRY(zoe_reader_new(&t->reader, t->context, made->pack));
    }
    return ZOE_OK;
}

json_t *zoe__libav_version(void)
{
    const unsigned version = avcodec_version();
    return json_sprintf("libavcodec %u.%u.%u", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                        AV_VERSION_MICRO(version));
}

static zoe_status measure_here(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    zoe__made *made = NULL;
    ZOE_TRY(zoe__calloc(context, &made, 1, sizeof *made));
    *made =
        (zoe__made){.context = context, .options = call->options, .pack_path = call->args[0], .cases = json_array()};
    zoe_status status = open_made(made);
    for (size_t k = 0; k < KINDS && status == ZOE_OK; k++) status = kinds[k]->measure(made);
    if (status == ZOE_OK)
        *out =
            json_pack("{s:O, s:o, s:i}", "cases", made->cases, "libav", zoe__libav_version(), "threads", made->threads);
    json_decref(made->cases);
    for (int i = 0; i < made->threads; i++) {
        zoe_reader_free(&made->thread[i].reader);
        zoe_context_free(&made->thread[i].context);
    }
    zoe_pack_free(&made->pack);
    free(made);
    return status;
}

/* ---- all processes ---- */

json_t *zoe__bench_processor(const json_t *libav, int threads)
{
    json_t *host = zoe__bench_host();
    json_t *out = json_pack("[{s:s, s:O, s:s, s:O, s:s, s:s, s:s, s:i, s:i}]", "id", "cpu", "name",
                            json_object_get(host, "cpu"), "platform", "libav", "driver", libav, "version", "", "type",
                            "cpu", "family", "host", "compute_units", threads, "lanes", 1);
    json_decref(host);
    return out;
}

/* cpu_ns of each row: the median of what processors took together for a frame, a second of sound, a sample. */
static zoe_status add_cpu(zoe_context *context, json_t *const *processes, size_t count, json_t *rows)
{
    size_t i;
    json_t *row, *of[ZOE__MOST_PROCESSES];
    json_array_foreach(rows, i, row)
    {
        zoe__samples samples = {0};
        zoe__median_ci t = {0};
        const bool ok = !strcmp(json_string_value(json_object_get(row, "check")), "ok");
        for (size_t p = 0; p < count; p++) of[p] = json_array_get(json_object_get(processes[p], "cases"), i);
        zoe_status status = ok ? zoe__bench_samples(context, of, count, "cpu_samples_ns", &samples) : ZOE_OK;
        if (ok && status == ZOE_OK) status = zoe__median_interval(context, &samples, &t);
        free(samples.values);
        free(samples.first);
        ZOE_TRY(status);
        json_object_set_new(row, "cpu_ns", ok ? json_real(t.median) : json_null());
    }
    return ZOE_OK;
}

static zoe_status make_rows(zoe_context *context, json_t *const *processes, size_t count, json_t **rows)
{
    ZOE_TRY(zoe__bench_rows(context, processes, count, "cpu", 0, rows));
    return add_cpu(context, processes, count, *rows);
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const zoe__made_kind *kind_of(const char *id)
{
    for (size_t k = 1; k < KINDS; k++)
        if (!strncmp(id, kinds[k]->start, strlen(kinds[k]->start))) return kinds[k];
    return kinds[0];
}

/* A line of the table, and what the row says in its unit; false: it is WRONG. */
static bool tell_row(FILE *text, json_t *row)
{
    const char *id = json_string_value(json_object_get(row, "id"));
    const zoe__made_kind *kind = kind_of(id);
    const json_t *ci = json_object_get(row, "ci95_ns");
    const double median = number(row, "median_ns");
    const bool right = median > 0;
    fprintf(text, "%-60s", id);
    if (right)
        fprintf(text, " %8.1f %s (%.1f to %.1f), CPU %.4g ms a %s\n", 1e9 / median, kind->unit,
                1e9 / json_number_value(json_array_get(ci, 1)), 1e9 / json_number_value(json_array_get(ci, 0)),
                number(row, "cpu_ns") * 1e-6, kind->each);
    else
        fputs(" WRONG\n", text);
    json_object_set_new(row, kind->key, right ? json_real(1e9 / median) : json_null());
    return right;
}

static zoe_status report(zoe_context *context, json_t *rows, const json_t *skipped, zoe_bench_report *out)
{
    size_t size, i, wrong = 0;
    json_t *row;
    FILE *text = open_memstream(&out->text, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    json_array_foreach(rows, i, row) wrong += !tell_row(text, row);
    json_array_foreach(skipped, i, row)
        fprintf(text, "%-60s left out: %s\n", json_string_value(json_object_get(row, "id")),
                json_string_value(json_object_get(row, "reason")));
    const bool written = fclose(text) == 0;
    json_t *json = json_pack("{s:s, s:i, s:O, s:O, s:o}", "suite", "data", "schema", 1, "cases", rows, "skipped",
                             skipped, "host", zoe__bench_host());
    out->json = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    ZOE_FAIL_IF(context, !out->json || !written, ZOE_MEMORY, "no memory for the report");
    ZOE_FAIL_IF(context, wrong, ZOE_WRONG, "WRONG: %zu of %zu rows: not what was drawn, indexed or computed plainly",
                wrong, json_array_size(rows));
    return ZOE_OK;
}

/* The rows so far, and the file with them. */
static zoe_status tell(zoe__saver *saver, json_t *const *processes, size_t count, bool complete, json_t **rows)
{
    json_decref(*rows);
    *rows = NULL;
    ZOE_TRY(make_rows(saver->context, processes, count, rows));
    json_t *devices = zoe__bench_processor(json_object_get(processes[0], "libav"),
                                           (int)json_integer_value(json_object_get(processes[0], "threads")));
    const zoe_status status = zoe__saver_write(saver, devices, *rows, complete);
    json_decref(devices);
    return status;
}

/* The folder of the clips: the one that was named, and stays, or one that goes away. */
static zoe_status find_folder(zoe_context *context, const zoe_options *o, char *own, size_t size, const char **folder)
{
    *folder = zoe_options_text(o, "made");
    if (!*folder) {
        ZOE_TRY(zoe__bench_folder_make(context, own, size));
        *folder = own;
    }
    ZOE_FAIL_IF(context, strlen(*folder) > MOST_PATH, ZOE_USAGE, "--made %.60s...: a path of %zu bytes, at most %d",
                *folder, strlen(*folder), MOST_PATH);
    return make_folder(context, *folder);
}

static zoe_status run_processes(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    static const char *const words[] = {"--decode", NULL};
    const zoe_options *o = call->options;
    json_t *processes[ZOE__MOST_PROCESSES] = {NULL}, *rows = NULL, *skipped = json_array();
    char own[512] = "", pack[640];
    const char *folder, *const name = pack;
    zoe_bench_call child = *call;
    zoe__saver saver = {.context = context};
    zoe__made_clips clips = {.context = context, .options = o, .skipped = skipped};
    const size_t count = (size_t)zoe_options_int(o, "processes");
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(find_folder(context, o, own, sizeof own, &folder));
    zoe__format(pack, sizeof pack, "%s/pack", folder);
    ZOE_TRY_OUT(zoe__saver_start(&saver, context, o, "data", "data-made-2"));
    saver.skipped = skipped;
    clips.folder = folder;
    ZOE_TRY_OUT(make_pack(&clips, pack));
    child.args = &name;
    child.arg_count = 1;
    for (size_t p = 0; p < count; p++) {
        ZOE_TRY_OUT(zoe__bench_child(context, "data", &child, words, zoe_options_float(o, "limit"), &processes[p]));
        ZOE_TRY_OUT(tell(&saver, processes, p + 1, p + 1 == count, &rows));
    }
    status = report(context, rows, skipped, out);
out:
    for (size_t p = 0; p < count; p++) json_decref(processes[p]);
    json_decref(rows);
    json_decref(skipped);
    zoe__saver_free(&saver);
    zoe__bench_folder_remove(own);
    return status;
}

zoe_status zoe__data_made(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    json_t *value = NULL;
    if (!zoe_options_flag(call->options, "here")) return run_processes(context, call, out);
    zoe__bench_end_with_parent();
    ZOE_TRY(measure_here(context, call, &value));
    out->json = json_dumps(value, JSON_REAL_PRECISION(9));
    json_decref(value);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}
