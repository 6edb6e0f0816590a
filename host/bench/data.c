/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite data: what a sample costs the processor before any device sees it, on one thread: three random frames of a clip
 * at 224x224; a random second of sound; its spectrogram on the host. A figure is CPU time a sample, the mean over all
 * clips of a round. Every frame is compared with the hash that it had when its file was read from start to end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/media.h>

#include "bench/bench.h"
#include "bench/data_made.h"
#include "bench/run.h"
#include "bench/save.h"
#include "core/philox.h"
#include "core/sha256.h"

enum { FRAMES = 3, SIDE = 224, MOST_PROCESSES = 100, MOST_ROUNDS = 10000 };

/* ---- in a fresh process ---- */

typedef struct work {
    zoe_context *context;
    zoe_pack *pack;
    zoe_reader *reader;
    uint8_t *rgb;
    float *pcm, *spectrum;
    size_t window; /* samples of a second */
    uint64_t seed;
    zoe_spectrum_options options;
} work;

/* One sample of a clip; *done false: the clip has none. */
typedef zoe_status draw(work *w, size_t clip, zoe__random *random, bool *done);

static zoe_status draw_frames(work *w, size_t clip, zoe__random *random, bool *done)
{
    const zoe_clip *c = zoe_pack_clip(w->pack, clip);
    int ranks[FRAMES];
    *done = c->frames >= FRAMES && c->clean == c->frames;
    if (!*done) return ZOE_OK;
    for (int i = 0; i < FRAMES; i++) ranks[i] = (int)zoe__random_below(random, (uint32_t)c->frames);
    return zoe_reader_frames(w->reader, clip, ranks, FRAMES, SIDE, SIDE, w->rgb);
}

static zoe_status draw_sound(work *w, size_t clip, zoe__random *random, bool *done)
{
    const zoe_sound *s = &zoe_pack_clip(w->pack, clip)->sound;
    *done = w->window > 0 && s->state == ZOE_SOUND_GOOD && s->end - s->start > 1;
    if (!*done) return ZOE_OK;
    return zoe_reader_sound(w->reader, clip, zoe__random_between(random, s->start, s->end - 1), w->window, w->pcm);
}

static zoe_status draw_spectrum(work *w, size_t clip, zoe__random *random, bool *done)
{
    ZOE_TRY(draw_sound(w, clip, random, done));
    return *done ? zoe_spectrum(w->context, &w->options, w->pcm, w->window, w->spectrum) : ZOE_OK;
}

static const struct {
    const char *name, *what;
    draw *draw;
} kinds[] = {
    {"frames", "three random frames at 224x224", draw_frames},
    {"sound", "a random second of sound", draw_sound},
    {"spectrogram", "the same and its spectrogram on the host", draw_spectrum},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Rounds over all clips until the time is over; round 0 opens everything once and does not count. */
static zoe_status take_rounds(work *w, draw *sample, double seconds, json_t *samples)
{
    const double start = zoe__seconds();
    for (uint32_t round = 0; round < MOST_ROUNDS && (round < 3 || zoe__seconds() - start < seconds); round++) {
        const double before = zoe__bench_cpu_seconds();
        size_t count = 0;
        for (size_t i = 0; i < zoe_pack_clips(w->pack); i++) {
            zoe__random random;
            bool done;
            zoe__random_init(&random, w->seed, i, round);
            ZOE_TRY(sample(w, i, &random, &done));
            count += done;
        }
        if (count == 0) return ZOE_OK;
        if (round > 0)
            json_array_append_new(samples, json_real((zoe__bench_cpu_seconds() - before) * 1e9 / (double)count));
    }
    return ZOE_OK;
}

static zoe_status open_work(work *w, const char *folder)
{
    int bins = 0, frames = 0;
    ZOE_TRY(zoe_pack_open(&w->pack, w->context, folder));
    ZOE_TRY(zoe_reader_new(&w->reader, w->context, w->pack));
    ZOE_TRY(zoe__calloc(w->context, &w->rgb, (size_t)FRAMES * SIDE * SIDE, 3));
    w->window = (size_t)zoe_pack_sound_rate(w->pack);
    w->options = zoe_spectrum_options_default();
    if (w->window < (size_t)w->options.window) w->window = 0;
    if (w->window == 0) return ZOE_OK;
    ZOE_TRY(zoe_spectrum_shape(w->context, &w->options, w->window, &bins, &frames));
    ZOE_TRY(zoe__calloc(w->context, &w->pcm, w->window, sizeof *w->pcm));
    return zoe__calloc(w->context, &w->spectrum, (size_t)bins * (size_t)frames, sizeof *w->spectrum);
}

static zoe_status sample_here(zoe_context *context, const char *folder, const zoe_options *options, json_t **out)
{
    const double seconds = zoe_options_float(options, "seconds");
    work w = {.context = context, .seed = (uint64_t)zoe_options_int(options, "seed")};
    json_t *json = json_object();
    zoe_status status = open_work(&w, folder);
    for (int k = 0; k < KINDS && status == ZOE_OK; k++) {
        json_t *samples = json_array();
        status = take_rounds(&w, kinds[k].draw, seconds, samples);
        json_object_set_new(json, kinds[k].name, samples);
    }
    if (status == ZOE_OK) {
        json_object_set_new(json, "clips", json_integer((json_int_t)zoe_pack_clips(w.pack)));
        json_object_set_new(json, "libav", zoe__libav_version());
        json_object_set_new(json, "foreign", json_integer((json_int_t)zoe_pack_foreign(w.pack, NULL)));
        *out = json;
    } else {
        json_decref(json);
    }
    free(w.rgb);
    free(w.pcm);
    free(w.spectrum);
    zoe_reader_free(&w.reader);
    zoe_pack_free(&w.pack);
    return status;
}

/* ---- in the process that was asked ---- */

/* Files become a pack that lives as long as the benchmark. */
static zoe_status make_pack(zoe_context *context, const zoe_bench_call *call, char *folder, size_t size,
                            double *seconds)
{
    ZOE_TRY(zoe__bench_folder_make(context, folder, size));
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 1;
    const double start = zoe__bench_cpu_seconds();
    ZOE_TRY(zoe_pack_index(context, call->args, call->arg_count, folder, &options));
    *seconds = zoe__bench_cpu_seconds() - start;
    return ZOE_OK;
}

static zoe_status make_case(zoe_context *context, json_t *const *processes, size_t count, int kind, bool right,
                            FILE *text, json_t *cases)
{
    zoe__samples samples = {0};
    zoe__median_ci ns = {0};
    char id[64];
    if (json_array_size(json_object_get(processes[0], kinds[kind].name)) == 0) return ZOE_OK; /* no such clips */
    zoe_status status = zoe__bench_samples(context, processes, count, kinds[kind].name, &samples);
    if (status == ZOE_OK) status = zoe__median_interval(context, &samples, &ns);
    json_t *all = json_array();
    for (size_t i = 0; status == ZOE_OK && right && i < samples.first[samples.groups]; i++)
        json_array_append_new(all, json_real(samples.values[i]));
    free(samples.values);
    free(samples.first);
    if (status != ZOE_OK) {
        json_decref(all);
        return status;
    }
    zoe__format(id, sizeof id, "data/%s", kinds[kind].name);
    json_t *row = json_pack("{s:s, s:s, s:n, s:o, s:o, s:o, s:s, s:n, s:n, s:s, s:b}", "id", id, "device", "cpu",
                            "flops", "samples_ns", all, "median_ns", right ? json_real(ns.median) : json_null(),
                            "ci95_ns", right ? json_pack("[f, f]", ns.low, ns.high) : json_null(), "check",
                            right ? "ok" : "WRONG", "nmse", "roof_share", "algorithm", "media", "tuned", false);
    if (right)
        fprintf(text, "  %-44s %8.3f ms (95 %%: %.3f to %.3f)\n", kinds[kind].what, ns.median * 1e-6, ns.low * 1e-6,
                ns.high * 1e-6);
    json_array_append_new(cases, row);
    return ZOE_OK;
}

static zoe_status report(zoe_context *context, json_t *const *processes, size_t count, double indexing,
                         zoe_bench_report *out)
{
    size_t bytes;
    json_t *cases = json_array();
    json_int_t foreign = 0;
    const json_int_t clips = json_integer_value(json_object_get(processes[0], "clips"));
    zoe_status status = ZOE_OK;
    FILE *text = open_memstream(&out->text, &bytes);
    if (!text) {
        json_decref(cases);
        return zoe__fail(context, ZOE_MEMORY, "out of memory: the report");
    }
    for (size_t p = 0; p < count; p++) foreign += json_integer_value(json_object_get(processes[p], "foreign"));
    fprintf(text, "CPU time a sample, %lld clips, one thread\n", (long long)clips);
    for (int k = 0; k < KINDS && status == ZOE_OK; k++)
        status = make_case(context, processes, count, k, foreign == 0, text, cases);
    if (foreign) fprintf(text, "  WRONG: frames of %lld clips differ from what was indexed\n", (long long)foreign);
    if (indexing > 0) fprintf(text, "  %-44s %8.3f ms a clip\n", "indexing, once", indexing * 1e3 / (double)clips);
    fclose(text);
    json_t *json = json_pack("{s:i, s:s, s:I, s:f, s:O, s:o}", "schema", 1, "suite", "data", "clips", clips,
                             "indexing_cpu_seconds", indexing, "cases", cases, "host", zoe__bench_host());
    out->json = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    json_decref(cases);
    ZOE_TRY(status);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "out of memory: the report");
    ZOE_FAIL_IF(context, foreign, ZOE_WRONG, "WRONG: frames of %lld clips differ from what was indexed",
                (long long)foreign);
    return ZOE_OK;
}

/* What a process saw of a kind, as the cases of other suites have it. */
static json_t *seen_of(const json_t *process, int kind)
{
    char id[64];
    zoe__format(id, sizeof id, "data/%s", kinds[kind].name);
    const bool right = json_integer_value(json_object_get(process, "foreign")) == 0;
    return json_pack("{s:s, s:O, s:b, s:n, s:s, s:s, s:b}", "id", id, "samples_ns",
                     json_object_get(process, kinds[kind].name), "ok", right, "nmse", "hash", "", "algorithm", "media",
                     "tuned", false);
}

static zoe_status save(zoe__saver *saver, json_t *const *processes, size_t count, bool complete)
{
    const zoe__roof none = {.fma = 0};
    json_t *rows = json_array(), *devices = zoe__bench_processor(json_object_get(processes[0], "libav"), 1);
    zoe_status status = ZOE_OK;
    for (int k = 0; k < KINDS && status == ZOE_OK; k++) {
        json_t *of[MOST_PROCESSES] = {NULL}, *row = NULL;
        bool ok;
        if (!json_array_size(json_object_get(processes[0], kinds[k].name))) continue; /* no such clips */
        for (size_t p = 0; p < count; p++) of[p] = seen_of(processes[p], k);
        status = zoe__bench_row(saver->context, of, count, "cpu", &none, &row, &ok);
        if (status == ZOE_OK) json_array_append_new(rows, row);
        for (size_t p = 0; p < count; p++) json_decref(of[p]);
    }
    if (status == ZOE_OK) status = zoe__saver_write(saver, devices, rows, complete);
    json_decref(rows);
    json_decref(devices);
    return status;
}

/* Figures of other clips are not compared: data-1 and a hash of the clips' own. */
static zoe_status start_saver(zoe__saver *saver, zoe_context *context, const zoe_options *options, const char *folder)
{
    zoe_pack *pack = NULL;
    zoe__sha256 sha;
    uint8_t digest[32];
    char hex[65], id[48];
    *saver = (zoe__saver){.context = context};
    if (!zoe_options_given(options, "out")) return ZOE_OK;
    ZOE_TRY(zoe_pack_open(&pack, context, folder));
    zoe__sha256_start(&sha);
    for (size_t i = 0; i < zoe_pack_clips(pack); i++)
        zoe__sha256_add(&sha, zoe_pack_clip(pack, i)->sha256, strlen(zoe_pack_clip(pack, i)->sha256));
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
    zoe_pack_free(&pack);
    zoe__format(id, sizeof id, "data-1 %.12s", hex);
    return zoe__saver_start(saver, context, options, "data", id);
}

static zoe_status print_here(zoe_context *context, const char *folder, const zoe_options *options,
                             zoe_bench_report *out)
{
    json_t *json = NULL;
    zoe__bench_end_with_parent();
    ZOE_TRY(sample_here(context, folder, options, &json));
    out->json = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "out of memory: the report");
    return ZOE_OK;
}

/* Words that only one of the two ways knows. */
static zoe_status check_words(zoe_context *context, const zoe_bench_call *call)
{
    static const char *const of_decode[] = {"cases", "made", "threads", "spoil"};
    const bool here = zoe_options_flag(call->options, "here"), decode = zoe_options_flag(call->options, "decode");
    ZOE_FAIL_IF(context, here && call->arg_count == 0, ZOE_USAGE, "bench data --here: a pack is missing");
    for (size_t i = 0; i < sizeof of_decode / sizeof *of_decode && !decode; i++)
        ZOE_FAIL_IF(context, call->arg_count && zoe_options_given(call->options, of_decode[i]), ZOE_USAGE,
                    "bench data: --%s is of the clips that it makes itself, not of '%s'", of_decode[i], call->args[0]);
    ZOE_FAIL_IF(context, !call->arg_count && zoe_options_given(call->options, "seed"), ZOE_USAGE,
                "bench data: --seed needs a pack or files");
    return ZOE_OK;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    char folder[512] = "";
    double indexing = 0;
    json_t *processes[MOST_PROCESSES] = {0};
    zoe_status status = ZOE_OK;
    const bool decode = zoe_options_flag(call->options, "decode");
    ZOE_TRY(check_words(context, call));
    if (call->arg_count == 0 || decode) return zoe__data_made(context, call, out);
    const char *pack = call->args[0];
    const bool is_pack = call->arg_count == 1 && zoe_pack_is(pack);
    if (is_pack && zoe_options_flag(call->options, "here")) return print_here(context, pack, call->options, out);
    if (!is_pack) status = make_pack(context, call, folder, sizeof folder, &indexing);
    if (!is_pack) pack = folder;
    zoe_bench_call child = *call;
    child.args = &pack;
    child.arg_count = 1;
    const size_t count = (size_t)zoe_options_int(call->options, "processes");
    const double limit = zoe_options_float(call->options, "limit");
    zoe__saver saver = {.context = context};
    if (status == ZOE_OK) status = start_saver(&saver, context, call->options, pack);
    for (size_t p = 0; p < count && status == ZOE_OK; p++) {
        status = zoe__bench_child(context, "data", &child, NULL, limit, &processes[p]);
        if (status == ZOE_OK && saver.path) status = save(&saver, processes, p + 1, p + 1 == count);
    }
    if (status == ZOE_OK) status = report(context, processes, count, indexing, out);
    for (size_t p = 0; p < count; p++) json_decref(processes[p]);
    zoe__saver_free(&saver);
    zoe__bench_folder_remove(folder);
    return status;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "seconds", .letter = 's', .type = ZOE_OPTION_SECONDS, .low = 0.01, .high = 3600, .unit = "s",
     .fallback = "3", .help = "how long each process takes samples of each kind; without clips: 0.5 a row"},
    {.name = "processes", .type = ZOE_OPTION_INT, .low = 1, .high = 100, .value = "P", .unit = "processes",
     .fallback = "3", .help = "fresh processes that measure one after the other"},
    {.name = "limit", .type = ZOE_OPTION_SECONDS, .low = 1, .high = 1e6, .fallback = "10m",
     .help = "for a process; a longer one is given up"},
    {.name = "seed", .type = ZOE_OPTION_INT, .low = 0, .high = 9007199254740991, .fallback = "1",
     .help = "draws other frames and seconds"},
    {.name = "cases", .type = ZOE_OPTION_TEXT, .value = "TEXT",
     .help = "without clips: only rows with this text in their id"},
    {.name = "threads", .type = ZOE_OPTION_INT, .low = 0, .high = 64, .unit = "threads", .fallback = "0",
     .help = "without clips: rows of one thread and of so many; 0: one a processor"},
    {.name = "made", .type = ZOE_OPTION_TEXT, .value = "FOLDER",
     .help = "without clips: where those that it makes stay, and are when they were made before"},
    {.name = "decode", .type = ZOE_OPTION_FLAG, .flags = ZOE_OPTION_HIDDEN,
     .help = "with --here: the rows of clips that were made, of the pack that is named"},
    {.name = "spoil", .type = ZOE_OPTION_FLAG, .flags = ZOE_OPTION_HIDDEN,
     .help = "tests: a number of what augmentation gave is changed before it is judged"},
    ZOE__OPTION_SAVE,
    {.name = "here", .type = ZOE_OPTION_FLAG,
     .help = "measure once, in this process: what the fresh processes are told"},
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__suite_data = {
    .name = "data",
    .summary = "decoding, sound and augmentation by codec, size, threads and order; of clips: CPU time",
    .usage = "[PACK|FILES...]",
    .options = options,
    .run = run,
};
