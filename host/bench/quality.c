/* SPDX-License-Identifier: Apache-2.0
 *
 * Suite quality: not how fast steps are, but how long it takes until something is learnt. A network is trained on the
 * synthetic world from several seeds; from time to time it is asked which frames of held-out clips are alike, and the
 * clock stops when a fixed share of the answers is right. Questions do not count. As in MLPerf the best and the worst
 * seed are left out, so that one may fail. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoe/evaluate.h>
#include <zoe/train.h>

#include "bench/bench.h"
#include "bench/learn.h"
#include "bench/run.h"
#include "bench/save.h"

enum { LEAST_SEEDS = 3, MOST_SEEDS = 99 };
static const char TASK[] = "shuffle-learn", NET[] = "mini", LAYER[] = "stage3", HOLDOUT[] = "0.2857";

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- one seed ---- */

typedef struct learner {
    zoe_context *context;
    const zoe_options *options;
    const char *pack;
    char run[600];      /* folder, beside the pack */
    size_t done, pause; /* steps; where to ask next */
    json_t *curve;      /* [[steps, s, share]] */
    double share;
    zoe_train_result result;
} learner;

static void note_step(const zoe_train_progress *progress, void *user)
{
    learner *l = user;
    if (!strcmp(progress->stage, "train")) l->done = progress->done;
}

static bool shall_pause(void *user)
{
    const learner *l = user;
    return l->done >= l->pause;
}

/* Until l->pause or to the end. */
static zoe_status train_on(learner *l)
{
    zoe_options *o = NULL;
    zoe_status status = ZOE_OK;
    const zoe_train_hooks hooks = {.progress = note_step, .stop = shall_pause, .user = l};
    const bool first = l->done == 0;
    ZOE_TRY_OUT(zoe_options_new(&o, l->context));
    ZOE_TRY_OUT(zoe_train_options(o, l->context, TASK));
    ZOE_TRY_OUT(zoe__bench_pass_on(l->options, o));
    ZOE_TRY_OUT(zoe_options_set(o, "net", NET));
    ZOE_TRY_OUT(zoe_options_set(o, "out", l->run));
    ZOE_TRY_OUT(zoe_options_set(o, "holdout", HOLDOUT));
    ZOE_TRY_OUT(zoe__bench_set_int(o, "steps", zoe_options_int(l->options, "steps")));
    ZOE_TRY_OUT(zoe__bench_set_int(o, "batch", zoe_options_int(l->options, "batch")));
    ZOE_TRY_OUT(zoe__bench_set_int(o, "seed", zoe_options_int(l->options, "seed")));
    if (!first) ZOE_TRY_OUT(zoe_options_set(o, "resume", "true"));
    zoe_train_result_clear(&l->result);
    status = zoe_train(l->context, TASK, &l->pack, 1, o, &hooks, &l->result);
    if (status == ZOE_STOPPED) {
        zoe_context_clear(l->context);
        status = ZOE_OK;
    }
    l->done = (size_t)l->result.steps;
out:
    zoe_options_free(&o);
    return status;
}

/* Whose nearest frame of another clip shows the same kind of motion, 0..1. */
static zoe_status ask(learner *l)
{
    const zoe_protocol *protocol = zoe_protocol_find(l->context, "neighbours");
    zoe_options *o = NULL;
    zoe_evaluation found = {0};
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe_options_new(&o, l->context));
    ZOE_TRY_OUT(zoe_options_add(o, protocol->options));
    ZOE_TRY_OUT(zoe__bench_pass_on(l->options, o));
    ZOE_TRY_OUT(zoe_options_set(o, "layer", LAYER));
    ZOE_TRY_OUT(zoe_options_set(o, "draws", "1"));
    ZOE_TRY_OUT(protocol->run(l->context, l->run, NULL, 0, o, &found));
    json_t *json = json_loads(found.json, 0, NULL);
    l->share = number(json_array_get(json_object_get(json, "layers"), 0), "top1");
    json_array_append_new(l->curve, json_pack("[I, f, f]", (json_int_t)l->done, l->result.seconds, l->share));
    json_decref(json);
out:
    zoe_evaluation_free(&found);
    zoe_options_free(&o);
    return status;
}

/* {seed, reached, steps, seconds, share, loss, curve, device} */
static zoe_status learn_here(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    const zoe_options *o = call->options;
    const size_t steps = (size_t)zoe_options_int(o, "steps"), every = (size_t)zoe_options_int(o, "every");
    const long long seed = (long long)zoe_options_int(o, "seed");
    const double target = zoe_options_float(o, "target");
    learner l = {.context = context, .options = o, .pack = call->args[0], .curve = json_array()};
    bool reached = false;
    zoe_status status = ZOE_OK;
    zoe__format(l.run, sizeof l.run, "%s-run-%lld", call->args[0], seed);
    while (!reached && l.done < steps) {
        l.pause = l.done + every;
        ZOE_TRY_OUT(train_on(&l));
        ZOE_TRY_OUT(ask(&l));
        reached = l.share >= target;
    }
    json_t *device = zoe__bench_look_at_device(context, o);
    status = device ? ZOE_OK : ZOE_DEVICE;
    if (status == ZOE_OK)
        *out =
            json_pack("{s:I, s:b, s:I, s:f, s:f, s:f, s:O, s:o}", "seed", (json_int_t)seed, "reached", reached, "steps",
                      (json_int_t)l.done, "seconds", l.result.seconds, "share", l.share, "loss",
                      isfinite(l.result.train_loss) ? l.result.train_loss : -1.0, "curve", l.curve, "device", device);
out:
    zoe_train_result_clear(&l.result);
    json_decref(l.curve);
    return status;
}

/* ---- all seeds ---- */

static zoe_status learn_seed(zoe_context *context, const zoe_bench_call *call, const char *pack, size_t seed,
                             json_t **out)
{
    char word[48];
    const char *const extra[] = {word, NULL};
    zoe_bench_call child = *call;
    zoe__format(word, sizeof word, "--seed=%zu", seed + 1);
    child.args = &pack;
    child.arg_count = 1;
    ZOE_TRY(zoe__bench_child(context, "quality", &child, extra, zoe_options_float(call->options, "limit"), out));
    char line[160];
    zoe__format(line, sizeof line, "seed %zu: %s after %.1f s, %.0f steps: %.3f right", seed + 1,
                json_is_true(json_object_get(*out, "reached")) ? "reached" : "not reached", number(*out, "seconds"),
                number(*out, "steps"), number(*out, "share"));
    zoe__log(context, ZOE_LOG_PROGRESS, "%s", line);
    return ZOE_OK;
}

static int by_time(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Times without the best and the worst; those that did not reach it are the worst. */
static json_t *middle_times(json_t *const *seeds, size_t count, bool *right, double *mean)
{
    double times[MOST_SEEDS];
    json_t *out = json_array();
    *right = true;
    *mean = 0;
    for (size_t i = 0; i < count; i++)
        times[i] = json_is_true(json_object_get(seeds[i], "reached")) ? number(seeds[i], "seconds") : INFINITY;
    qsort(times, count, sizeof *times, by_time);
    for (size_t i = 1; i + 1 < count; i++) {
        *right = *right && isfinite(times[i]);
        *mean += times[i] / (double)(count - 2);
    }
    for (size_t i = 1; *right && i + 1 < count; i++) json_array_append_new(out, json_real(times[i] * 1e9));
    return out;
}

/* A row as other suites have it, each time one of a process of its own, and what the seeds came to. */
static zoe_status make_row(zoe_context *context, const zoe_options *o, json_t *const *seeds, size_t count, json_t **row,
                           bool *right)
{
    static const char *const kept[] = {"seed", "reached", "steps", "seconds", "share", "loss", "curve"};
    const zoe__roof none = {.fma = 0};
    json_t *of[MOST_SEEDS] = {NULL}, *results = json_array();
    const char *device = json_string_value(json_object_get(json_object_get(seeds[0], "device"), "id"));
    char id[160];
    double mean;
    json_t *times = middle_times(seeds, count, right, &mean);
    const size_t groups = *right ? json_array_size(times) : 1;
    zoe__format(id, sizeof id, "quality %s %s %lld clips %lld steps batch %lld, %s %g right", TASK, NET,
                (long long)zoe_options_int(o, "clips"), (long long)zoe_options_int(o, "steps"),
                (long long)zoe_options_int(o, "batch"), LAYER, zoe_options_float(o, "target"));
    for (size_t i = 0; i < groups; i++) {
        json_t *one = json_array();
        if (*right) json_array_append(one, json_array_get(times, i));
        of[i] = json_pack("{s:s, s:o, s:b, s:n, s:s, s:s}", "id", id, "samples_ns", one, "ok", *right, "nmse", "hash",
                          "", "algorithm", "train");
    }
    bool ok;
    const zoe_status status = zoe__bench_row(context, of, groups, device, &none, row, &ok);
    for (size_t i = 0; i < groups; i++) json_decref(of[i]);
    for (size_t s = 0; s < count; s++) {
        json_t *one = json_object();
        for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
            json_object_set(one, kept[k], json_object_get(seeds[s], kept[k]));
        json_array_append_new(results, one);
    }
    if (status == ZOE_OK) {
        json_object_set_new(*row, "mean_ns", *right ? json_real(mean * 1e9) : json_null());
        json_object_set(*row, "seeds", results);
    }
    json_decref(results);
    json_decref(times);
    return status;
}

static zoe_status write_text(zoe_context *context, const json_t *row, char **out)
{
    size_t size, i;
    json_t *one;
    FILE *text = open_memstream(out, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    fprintf(text, "%s, on %s\n", json_string_value(json_object_get(row, "id")),
            json_string_value(json_object_get(row, "device")));
    json_array_foreach(json_object_get(row, "seeds"), i, one)
        fprintf(text, "seed %-3.0f %8.1f s %6.0f steps  loss %.3f  %.3f right%s\n", number(one, "seed"),
                number(one, "seconds"), number(one, "steps"), number(one, "loss"), number(one, "share"),
                json_is_true(json_object_get(one, "reached")) ? "" : ", not reached");
    if (json_is_number(json_object_get(row, "mean_ns")))
        fprintf(text, "%.1f s on average without the best and the worst\n", number(row, "mean_ns") * 1e-9);
    else
        fputs("WRONG: more than one seed did not get there\n", text);
    ZOE_FAIL_IF(context, fclose(text) != 0, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

/* Text, JSON and the file of all seeds. */
static zoe_status report(zoe_context *context, const zoe_bench_call *call, json_t *const *seeds, size_t count,
                         zoe__saver *saver, zoe_bench_report *out)
{
    json_t *row = NULL;
    bool right;
    ZOE_TRY(make_row(context, call->options, seeds, count, &row, &right));
    json_t *rows = json_pack("[O]", row), *devices = json_pack("[O]", json_object_get(seeds[0], "device"));
    zoe_status status = zoe__saver_write(saver, devices, rows, true);
    if (status == ZOE_OK) status = write_text(context, row, &out->text);
    out->json = json_dumps(row, JSON_REAL_PRECISION(9));
    json_decref(rows);
    json_decref(devices);
    json_decref(row);
    ZOE_TRY(status);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    ZOE_FAIL_IF(context, !right, ZOE_WRONG, "WRONG: more than one of %zu seeds did not get %g of the answers right",
                count, zoe_options_float(call->options, "target"));
    return ZOE_OK;
}

/* Seeds that an earlier run of the same file finished: borrowed by their number. */
static zoe_status take_up(zoe__saver *saver, const zoe_options *o, json_t **seeds, size_t count)
{
    size_t i, kept = 0;
    json_t *one;
    if (!saver->path || access(saver->path, R_OK)) return ZOE_OK;
    json_t *device = zoe__bench_look_at_device(saver->context, o);
    if (!device) return ZOE_DEVICE;
    json_t *earlier = zoe__saver_earlier(saver, device);
    json_array_foreach(json_object_get(json_object_get(earlier, "end"), "seeds"), i, one)
    {
        const json_int_t seed = json_integer_value(json_object_get(one, "seed"));
        if (seed < 1 || seed > (json_int_t)count || seeds[seed - 1]) continue;
        seeds[seed - 1] = json_copy(one);
        json_object_set(seeds[seed - 1], "device", device);
        kept++;
    }
    if (kept) zoe__log(saver->context, ZOE_LOG_INFO, "going on: %zu of %zu seeds are in %s", kept, count, saver->path);
    json_decref(earlier);
    json_decref(device);
    return ZOE_OK;
}

/* Finished seeds are in the file at once. */
static zoe_status keep_seeds(zoe__saver *saver, json_t *const *seeds, size_t count)
{
    json_t *rows = json_array(), *devices = json_array(), *kept = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!seeds[i]) continue;
        json_t *one = json_copy(seeds[i]);
        if (!json_array_size(devices)) json_array_append(devices, json_object_get(one, "device"));
        json_object_del(one, "device");
        json_array_append_new(kept, one);
    }
    saver->seeds = kept;
    const zoe_status status = zoe__saver_write(saver, devices, rows, false);
    saver->seeds = NULL;
    json_decref(kept);
    json_decref(rows);
    json_decref(devices);
    return status;
}

static zoe_status run_seeds(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    const size_t count = (size_t)zoe_options_int(call->options, "seeds");
    json_t *seeds[MOST_SEEDS] = {NULL};
    char folder[512] = "", pack[600];
    zoe__saver saver = {.context = context};
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__saver_start(&saver, context, call->options, "quality", "quality-1"));
    ZOE_TRY_OUT(take_up(&saver, call->options, seeds, count));
    ZOE_TRY_OUT(zoe__bench_folder_make(context, folder, sizeof folder));
    ZOE_TRY_OUT(
        zoe__bench_world(context, call, "motion", zoe_options_int(call->options, "clips"), folder, pack, sizeof pack));
    for (size_t i = 0; i < count; i++) {
        if (seeds[i]) continue;
        ZOE_TRY_OUT(learn_seed(context, call, pack, i, &seeds[i]));
        ZOE_TRY_OUT(keep_seeds(&saver, seeds, count));
    }
    status = report(context, call, seeds, count, &saver, out);
out:
    for (size_t i = 0; i < count; i++) json_decref(seeds[i]);
    zoe__saver_free(&saver);
    zoe__bench_folder_remove(folder);
    return status;
}

static zoe_status run(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    json_t *value = NULL;
    const bool here = zoe_options_flag(call->options, "here");
    ZOE_FAIL_IF(context, call->arg_count != (here ? 1 : 0), ZOE_USAGE, "bench quality: '%s' is one word too many",
                call->arg_count ? call->args[0] : "");
    if (!here) return run_seeds(context, call, out);
    zoe__bench_end_with_parent();
    ZOE_TRY(learn_here(context, call, &value));
    out->json = json_dumps(value, JSON_REAL_PRECISION(9));
    json_decref(value);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}

/* clang-format off */
static const zoe_option options[] = {
    ZOE__DEVICE_OPTIONS,
    {.name = "seeds", .type = ZOE_OPTION_INT, .low = LEAST_SEEDS, .high = MOST_SEEDS, .unit = "seeds", .fallback = "5",
     .help = "trainings, one after the other; the best and the worst are left out"},
    {.name = "clips", .type = ZOE_OPTION_INT, .low = 16, .high = 100000, .unit = "clips", .fallback = "336",
     .help = "of the world 'motion', two sevenths of them held out"},
    {.name = "steps", .type = ZOE_OPTION_INT, .low = 1, .high = 1e6, .unit = "steps", .fallback = "1500",
     .help = "of a training at most"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "windows",
     .fallback = "32", .help = "windows in a step"},
    {.name = "every", .type = ZOE_OPTION_INT, .low = 1, .high = 1e6, .unit = "steps", .fallback = "50",
     .help = "between two times that it is asked"},
    {.name = "target", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "0.62",
     .help = "share of right answers that ends a training"},
    {.name = "limit", .type = ZOE_OPTION_SECONDS, .low = 1, .high = 1e6, .fallback = "2h",
     .help = "for a training; a longer one is given up"},
    {.name = "seed", .type = ZOE_OPTION_INT, .low = 0, .high = 1e9, .fallback = "1", .flags = ZOE_OPTION_HIDDEN,
     .help = "with --here: which one"},
    {.name = "here", .type = ZOE_OPTION_FLAG, .flags = ZOE_OPTION_HIDDEN,
     .help = "one training, in this process, on the pack that is named"},
    ZOE__OPTION_SAVE,
    {.name = NULL},
};
/* clang-format on */

const zoe_bench_suite zoe__suite_quality = {
    .name = "quality",
    .summary = "time of training until the features are good for something: five seeds",
    .usage = "[--target X] [--seeds N]",
    .options = options,
    .run = run,
};
