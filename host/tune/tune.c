/* SPDX-License-Identifier: Apache-2.0
 *
 * The tuner: for each shape, the most arithmetic first, one candidate of each direction at a time is measured in the
 * child process, and what is faster than anything before is written down at once. */
#include <zoe/tune.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph/plan.h"
#include "tune/clblast.h"
#include "tune/database.h"
#include "tune/exchange.h"
#include "tune/items.h"
#include "tune/measure.h"
#include "tune/tuning.h"
#include "tune/worker.h"

enum { START_SECONDS = 120, DEFAULT_BATCH = 32 };
static const double LEAST_GAIN = 0.97; /* of the time without tuning: less is noise */

zoe_tune_options zoe_tune_options_default(void)
{
    return (zoe_tune_options){.time = 300, .limit = 60, .gemm = true};
}

typedef struct tuner {
    zoe_context *context;
    const zoe_tune_options *options;
    zoe__tune_items items;
    zoe__tune_database *database;
    zoe__worker worker;
    zoe__tune_device device;
    char id[64], family[16];
    bool clblast;
    double started;
    size_t measured, remembered, crashed, slow, wrong, refused; /* candidates */
    size_t number;                                              /* of the next measurement */
    zoe_tune_progress progress;
    json_t *entries;
    bool complete;
} tuner;

static double left(const tuner *t)
{
    return t->started + t->options->time - zoe__seconds();
}

static void tell(tuner *t)
{
    t->progress.seconds = zoe__seconds() - t->started;
    t->progress.time = t->options->time;
    t->progress.failed = t->crashed + t->slow + t->wrong + t->refused;
    if (t->options->progress) t->options->progress(&t->progress, t->options->user);
}

/* ---- the worker ---- */

static bool take(const json_t *object, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text && zoe__format(out, size, "%s", text);
}

static zoe_status read_hello(tuner *t, const json_t *hello)
{
    const char *error = json_string_value(json_object_get(hello, "error"));
    zoe__tune_device d = {.lanes = (int)json_integer_value(json_object_get(hello, "lanes"))};
    ZOE_FAIL_IF(t->context, error, ZOE_DEVICE, "%s", error);
    const bool complete = take(hello, "device", d.device, sizeof d.device) &&
                          take(hello, "driver", d.driver, sizeof d.driver) &&
                          take(hello, "runtime", d.runtime, sizeof d.runtime) &&
                          take(hello, "id", t->id, sizeof t->id) && take(hello, "family", t->family, sizeof t->family);
    ZOE_FAIL_IF(t->context, !complete, ZOE_DEVICE, "the tuner's worker says nothing of its device");
    ZOE_FAIL_IF(t->context, t->device.device[0] && !zoe__tune_device_equal(&t->device, &d), ZOE_DEVICE,
                "the device is gone: instead of '%s' there is '%s'", t->device.device, d.device);
    t->device = d;
    t->clblast = json_is_true(json_object_get(hello, "clblast"));
    return ZOE_OK;
}

/* A worker that says hello. One that cannot open the device means that the device is not there (any more). */
static zoe_status start_worker(tuner *t)
{
    char number[32];
    json_t *hello = NULL;
    if (t->worker.pid) return ZOE_OK;
    zoe__format(number, sizeof number, "%zu", t->number);
    setenv("ZOE_TUNE_NUMBER", number, 1);
    ZOE_TRY(zoe__worker_start(&t->worker));
    const zoe__answer answer = zoe__worker_wait(&t->worker, START_SECONDS, &hello);
    if (answer == ZOE__STOP) return ZOE_STOPPED;
    ZOE_FAIL_IF(t->context, answer != ZOE__ANSWERED, ZOE_DEVICE, "the tuner's worker (%s) %s while it opens the device",
                t->worker.words[0], answer == ZOE__TOO_SLOW ? "hangs" : "ends");
    const zoe_status status = read_hello(t, hello);
    json_decref(hello);
    return status;
}

/* ---- one shape ---- */

enum { MOST = 64 };

typedef struct candidate {
    char algorithm[24], parameters[256];
    bool done;
} candidate;

typedef struct race {
    const zoe__tune_item *item;
    candidate list[ZOE__DIRECTIONS][MOST];
    size_t count[ZOE__DIRECTIONS];
    zoe__tune_entry best[ZOE__DIRECTIONS]; /* algorithm "": none yet */
    double default_seconds[ZOE__DIRECTIONS];
} race;

static void start_entry(const tuner *t, const race *r, int d, const candidate *c, zoe__tune_entry *e)
{
    *e = (zoe__tune_entry){.device = t->device, .shape = r->item->shape, .time = (int64_t)time(NULL)};
    zoe__format(e->op, sizeof e->op, "%s", r->item->op);
    zoe__format(e->direction, sizeof e->direction, "%s", zoe__tune_direction_name(d));
    zoe__format(e->algorithm, sizeof e->algorithm, "%s", c->algorithm);
    zoe__format(e->parameters, sizeof e->parameters, "%s", c->parameters);
}

/* A candidate's time is known: the fastest so far is written down. The choice without tuning stays unless something is
 * clearly faster. */
static zoe_status enter(tuner *t, race *r, int d, const candidate *c, double seconds, double nmse)
{
    zoe__tune_entry *best = &r->best[d];
    const bool is_default = c == &r->list[d][0];
    if (is_default) r->default_seconds[d] = seconds;
    const double limit = r->default_seconds[d] > 0 ? LEAST_GAIN * r->default_seconds[d] : INFINITY;
    if (!is_default && (seconds > limit || (best->algorithm[0] && seconds >= best->seconds))) return ZOE_OK;
    start_entry(t, r, d, c, best);
    best->seconds = seconds;
    best->default_seconds = r->default_seconds[d];
    best->nmse = nmse;
    return zoe__tune_database_put_entry(t->database, best, false, NULL);
}

static zoe_status note(tuner *t, const race *r, int d, candidate *c, const char *result, double seconds, double nmse)
{
    zoe__tune_entry e;
    start_entry(t, r, d, c, &e);
    e.seconds = seconds;
    e.nmse = nmse;
    c->done = true;
    t->measured++;
    return zoe__tune_database_put_candidate(t->database, &(zoe__tune_candidate){&e, result});
}

/* What was measured before, by this build, counts as measured now. */
static zoe_status recall(tuner *t, race *r, int d, candidate *c)
{
    zoe__tune_entry e;
    char result[24];
    bool found = false;
    start_entry(t, r, d, c, &e);
    if (!t->options->again) ZOE_TRY(zoe__tune_database_find_candidate(t->database, &e, result, &found));
    if (!found) return ZOE_OK;
    c->done = true;
    t->remembered++;
    return strcmp(result, "ok") ? ZOE_OK : enter(t, r, d, c, e.seconds, e.nmse);
}

static zoe_status ask_candidates(tuner *t, race *r)
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    json_t *answer = NULL;
    zoe__tune_shape_text(shape, &r->item->shape);
    ZOE_TRY(start_worker(t));
    const zoe__answer kind = zoe__worker_ask(
        &t->worker,
        json_pack("{s:s, s:s, s:s, s:b}", "do", "candidates", "op", r->item->op, "shape", shape, "data", r->item->data),
        t->options->limit, &answer);
    if (kind == ZOE__STOP) return ZOE_STOPPED;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        const json_t *list = json_object_get(answer, zoe__tune_direction_name(d));
        for (size_t i = 0; i < json_array_size(list) && r->count[d] < MOST; i++) {
            candidate *c = &r->list[d][r->count[d]];
            if (take(json_array_get(list, i), "algorithm", c->algorithm, sizeof c->algorithm) &&
                take(json_array_get(list, i), "parameters", c->parameters, sizeof c->parameters))
                r->count[d]++;
        }
    }
    json_decref(answer);
    return ZOE_OK;
}

static json_t *question(tuner *t, const race *r, candidate *const pick[ZOE__DIRECTIONS])
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    json_t *choices = json_object(), *best = json_object();
    zoe__tune_shape_text(shape, &r->item->shape);
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        if (!pick[d]) continue;
        const char *name = zoe__tune_direction_name(d);
        json_object_set_new(
            choices, name, json_pack("{s:s, s:s}", "algorithm", pick[d]->algorithm, "parameters", pick[d]->parameters));
        if (r->best[d].algorithm[0]) json_object_set_new(best, name, json_real(r->best[d].seconds));
    }
    return json_pack("{s:s, s:I, s:s, s:s, s:b, s:o, s:o}", "do", "measure", "number", (json_int_t)t->number, "op",
                     r->item->op, "shape", shape, "data", r->item->data && pick[ZOE__TO_DATA], "choices", choices,
                     "best", best);
}

static zoe_status judge(tuner *t, race *r, int d, candidate *c, const json_t *figures)
{
    if (!json_is_object(figures)) {
        t->refused++;
        return note(t, r, d, c, "refused", 0, 0);
    }
    const double seconds = json_number_value(json_object_get(figures, "seconds"));
    const double nmse = json_number_value(json_object_get(figures, "nmse"));
    const bool half = t->options->storage && !strcmp(t->options->storage, "fp16");
    const bool wrong = !(nmse <= zoe__most_nmse(half)), idle = !(seconds > 0);
    if (wrong) t->wrong++;
    if (idle && !wrong) t->refused++;
    ZOE_TRY(note(t, r, d, c, wrong ? "wrong" : idle ? "refused" : "ok", seconds, nmse));
    return wrong || idle ? ZOE_OK : enter(t, r, d, c, seconds, nmse);
}

static zoe_status give_up(tuner *t, race *r, candidate *const pick[ZOE__DIRECTIONS], const char *result,
                          size_t *counter)
{
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (pick[d]) {
            (*counter)++;
            ZOE_TRY(note(t, r, d, pick[d], result, 0, 0));
        }
    return ZOE_OK;
}

/* Measures a candidate of each direction that has one. *failed: the worker did not survive it. */
static zoe_status try_together(tuner *t, race *r, candidate *const pick[ZOE__DIRECTIONS], bool alone, bool *failed)
{
    json_t *answer = NULL;
    *failed = false;
    ZOE_TRY(start_worker(t));
    const double patience = left(t) < t->options->limit ? left(t) : t->options->limit;
    const zoe__answer kind = zoe__worker_ask(&t->worker, question(t, r, pick), patience > 0 ? patience : 0, &answer);
    t->number++;
    if (kind == ZOE__STOP) return ZOE_STOPPED;
    if (kind == ZOE__TOO_SLOW && patience < t->options->limit) return ZOE_TIME; /* cut short: says nothing of it */
    if (kind != ZOE__ANSWERED) {
        *failed = true;
        if (!alone) return ZOE_OK;
        return kind == ZOE__CRASHED ? give_up(t, r, pick, "crashed", &t->crashed)
                                    : give_up(t, r, pick, "too slow", &t->slow);
    }
    zoe_status status = ZOE_OK;
    const char *error = json_string_value(json_object_get(answer, "error"));
    const char *name = json_string_value(json_object_get(answer, "status"));
    if (error) {
        *failed = true;
        if (name && !strcmp(name, "ZOE_DEVICE")) zoe__worker_end(&t->worker); /* its OpenCL context may be spoilt */
        zoe__log(t->context, ZOE_LOG_DEBUG, "candidate refused: %s", error);
        if (alone) status = give_up(t, r, pick, "refused", &t->refused);
    }
    for (int d = 0; d < ZOE__DIRECTIONS && !error && status == ZOE_OK; d++)
        if (pick[d]) status = judge(t, r, d, pick[d], json_object_get(answer, zoe__tune_direction_name(d)));
    json_decref(answer);
    return status;
}

/* All directions at once; whoever failed together is tried alone. */
static zoe_status try_round(tuner *t, race *r, size_t round)
{
    candidate *pick[ZOE__DIRECTIONS] = {NULL};
    int picked = 0;
    bool failed = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        if (round >= r->count[d]) continue;
        candidate *c = &r->list[d][round];
        ZOE_TRY(recall(t, r, d, c));
        if (c->done) continue;
        pick[d] = c;
        picked++;
    }
    if (!picked) return ZOE_OK;
    if (left(t) <= 0) return ZOE_TIME;
    tell(t);
    ZOE_TRY(try_together(t, r, pick, picked == 1, &failed));
    for (int d = 0; failed && picked > 1 && d < ZOE__DIRECTIONS; d++) {
        candidate *one[ZOE__DIRECTIONS] = {NULL};
        one[d] = pick[d];
        bool again;
        if (pick[d]) ZOE_TRY(try_together(t, r, one, true, &again));
    }
    return ZOE_OK;
}

/* A better time of a candidate that is known to be right. */
static zoe_status remember(tuner *t, const race *r, int d, const candidate *c, double seconds)
{
    zoe__tune_entry e;
    char result[24];
    bool found;
    start_entry(t, r, d, c, &e);
    const int64_t now = e.time;
    ZOE_TRY(zoe__tune_database_find_candidate(t->database, &e, result, &found));
    if (!found || strcmp(result, "ok")) return ZOE_OK;
    e.seconds = seconds;
    e.time = now;
    return zoe__tune_database_put_candidate(t->database, &(zoe__tune_candidate){&e, "ok"});
}

/* Once more, without a verdict: the time of each pick, kept where it is less than *seconds. */
static zoe_status time_again(tuner *t, race *r, candidate *const pick[ZOE__DIRECTIONS], double seconds[ZOE__DIRECTIONS])
{
    json_t *answer = NULL;
    ZOE_TRY(start_worker(t));
    const double patience = left(t) < t->options->limit ? left(t) : t->options->limit;
    const zoe__answer kind = zoe__worker_ask(&t->worker, question(t, r, pick), patience > 0 ? patience : 0, &answer);
    if (kind == ZOE__STOP) return ZOE_STOPPED;
    for (int d = 0; d < ZOE__DIRECTIONS && answer; d++) {
        const double now =
            json_number_value(json_object_get(json_object_get(answer, zoe__tune_direction_name(d)), "seconds"));
        if (now > 0 && now < seconds[d]) seconds[d] = now;
    }
    json_decref(answer);
    return ZOE_OK;
}

/* The choice without tuning may have had bad luck: it and the winner run twice more, one after the other, and the
 * winner must still win. */
static zoe_status confirm(tuner *t, race *r)
{
    enum { TIMES = 2 };
    candidate *first[ZOE__DIRECTIONS] = {NULL}, *winner[ZOE__DIRECTIONS] = {NULL};
    double before[ZOE__DIRECTIONS] = {0}, after[ZOE__DIRECTIONS] = {0};
    bool any = false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        for (size_t i = 1; i < r->count[d]; i++)
            if (!strcmp(r->list[d][i].algorithm, r->best[d].algorithm) &&
                !strcmp(r->list[d][i].parameters, r->best[d].parameters))
                winner[d] = &r->list[d][i];
        if (!winner[d] || !(r->default_seconds[d] > 0)) continue;
        first[d] = &r->list[d][0];
        before[d] = r->default_seconds[d];
        after[d] = r->best[d].seconds;
        any = true;
    }
    for (int i = 0; any && i < TIMES; i++) {
        if (left(t) <= 0) return ZOE_TIME;
        ZOE_TRY(time_again(t, r, first, before));
        ZOE_TRY(time_again(t, r, winner, after));
    }
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        if (!first[d]) continue;
        const bool still = after[d] <= LEAST_GAIN * before[d];
        ZOE_TRY(remember(t, r, d, first[d], before[d]));
        ZOE_TRY(remember(t, r, d, winner[d], after[d]));
        const double nmse = r->best[d].nmse;
        start_entry(t, r, d, still ? winner[d] : first[d], &r->best[d]);
        r->best[d].seconds = still ? after[d] : before[d];
        r->best[d].default_seconds = before[d];
        r->best[d].nmse = nmse;
        ZOE_TRY(zoe__tune_database_put_entry(t->database, &r->best[d], false, NULL));
    }
    return ZOE_OK;
}

static json_t *result_json(const zoe__tune_entry *e, const zoe__tune_item *item)
{
    json_t *value = zoe__tune_entry_json(e);
    json_object_set_new(value, "speedup",
                        json_real(e->seconds > 0 && e->default_seconds > 0 ? e->default_seconds / e->seconds : 1));
    if (item) json_object_set(value, "layers", item->layers);
    return value;
}

static zoe_status tune_item(tuner *t, const zoe__tune_item *item)
{
    race *r = NULL;
    const size_t measured = t->measured;
    size_t rounds = 0;
    char what[ZOE__TUNE_SHAPE_TEXT + 16], shape[ZOE__TUNE_SHAPE_TEXT];
    ZOE_TRY(zoe__calloc(t->context, &r, 1, sizeof *r));
    r->item = item;
    zoe__tune_shape_text(shape, &item->shape);
    zoe__format(what, sizeof what, "%s %s", item->op, shape);
    t->progress.what = what;
    t->progress.candidate = 0;
    zoe_status status = ask_candidates(t, r);
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (rounds < r->count[d]) rounds = r->count[d];
    t->progress.candidates = rounds;
    for (size_t round = 0; round < rounds && status == ZOE_OK; round++) {
        t->progress.candidate = round + 1;
        status = try_round(t, r, round);
    }
    if (status == ZOE_OK && t->measured > measured) status = confirm(t, r);
    for (int d = 0; d < ZOE__DIRECTIONS; d++)
        if (r->best[d].algorithm[0]) json_array_append_new(t->entries, result_json(&r->best[d], item));
    free(r);
    t->progress.what = "";
    return status;
}

/* ---- CLBlast's parameters, on the product with the most arithmetic ---- */

static zoe__tune_shape largest_product(const tuner *t)
{
    const zoe__conv2d *v = &t->items.item[0].conv;
    const double taps = (double)(v->c / v->groups) * v->r * v->s;
    double rows = (double)v->n * v->p * v->q;
    if (rows * taps > 1 << 24) rows = (1 << 24) / taps; /* as many columns as conv2d_clblast.c makes at a time */
    return (zoe__tune_shape){.n = rows < 1 ? 1 : (int)rows,
                             .c = (int)taps,
                             .h = 1,
                             .w = 1,
                             .k = v->k / v->groups,
                             .r = 1,
                             .s = 1,
                             .stride_h = 1,
                             .stride_w = 1,
                             .groups = 1};
}

typedef struct product_race {
    zoe__tune_entry entry, best;
    double default_seconds;
} product_race;

static zoe_status take_product(tuner *t, product_race *p, const char *result)
{
    const bool ok = !strcmp(result, "ok");
    t->measured++;
    if (p->entry.parameters[0] == '\0' && ok) p->default_seconds = p->entry.seconds;
    ZOE_TRY(zoe__tune_database_put_candidate(t->database, &(zoe__tune_candidate){&p->entry, result}));
    p->entry.default_seconds = p->default_seconds;
    const bool enough =
        !p->entry.parameters[0] || !(p->default_seconds > 0) || p->entry.seconds <= LEAST_GAIN * p->default_seconds;
    if (!ok || !enough || (p->best.algorithm[0] && p->entry.seconds >= p->best.seconds)) return ZOE_OK;
    p->best = p->entry;
    return zoe__tune_database_put_entry(t->database, &p->best, false, NULL);
}

static zoe_status try_product(tuner *t, product_race *p)
{
    char shape[ZOE__TUNE_SHAPE_TEXT], result[24];
    bool found = false;
    json_t *answer = NULL;
    if (!t->options->again) ZOE_TRY(zoe__tune_database_find_candidate(t->database, &p->entry, result, &found));
    if (found) {
        t->remembered++;
        t->measured--;
        return take_product(t, p, result);
    }
    if (left(t) <= 0) return ZOE_TIME;
    ZOE_TRY(start_worker(t));
    tell(t);
    zoe__tune_shape_text(shape, &p->entry.shape);
    const double patience = left(t) < t->options->limit ? left(t) : t->options->limit;
    const zoe__answer kind =
        zoe__worker_ask(&t->worker,
                        json_pack("{s:s, s:I, s:s, s:s}", "do", "gemm", "number", (json_int_t)t->number++, "shape",
                                  shape, "parameters", p->entry.parameters),
                        patience, &answer);
    if (kind == ZOE__STOP) return ZOE_STOPPED;
    if (kind == ZOE__TOO_SLOW && patience < t->options->limit) return ZOE_TIME;
    p->entry.seconds = json_number_value(json_object_get(answer, "seconds"));
    p->entry.nmse = json_number_value(json_object_get(answer, "nmse"));
    const bool refused = kind == ZOE__ANSWERED && !(p->entry.seconds > 0);
    const bool wrong = kind == ZOE__ANSWERED && !refused && !(p->entry.nmse <= zoe__most_nmse(false));
    json_decref(answer);
    t->crashed += kind == ZOE__CRASHED;
    t->slow += kind == ZOE__TOO_SLOW;
    t->refused += refused;
    t->wrong += wrong;
    return take_product(t, p,
                        kind == ZOE__CRASHED    ? "crashed"
                        : kind == ZOE__TOO_SLOW ? "too slow"
                        : refused               ? "refused"
                        : wrong                 ? "wrong"
                                                : "ok");
}

static zoe_status tune_products(tuner *t)
{
    product_race p = {.entry = {.device = t->device, .shape = largest_product(t)}};
    zoe_status status = ZOE_OK;
    if (!t->options->gemm || !t->clblast || !t->items.count) return ZOE_OK;
    zoe__format(p.entry.op, sizeof p.entry.op, "gemm");
    zoe__format(p.entry.direction, sizeof p.entry.direction, "Xgemm");
    zoe__format(p.entry.algorithm, sizeof p.entry.algorithm, "clblast");
    t->progress.what = "CLBlast's parameters";
    t->progress.candidate = t->progress.candidates = 0;
    for (size_t i = 0; zoe__clblast_candidate(i, p.entry.parameters); i++) t->progress.candidates++;
    for (size_t i = 0; status == ZOE_OK && zoe__clblast_candidate(i, p.entry.parameters); i++) {
        t->progress.candidate = i + 1;
        p.entry.time = (int64_t)time(NULL);
        p.entry.seconds = p.entry.nmse = 0;
        status = try_product(t, &p);
    }
    if (p.best.algorithm[0]) json_array_append_new(t->entries, result_json(&p.best, NULL));
    t->progress.what = "";
    return status;
}

/* ---- the whole ---- */

static zoe_status tune_all(tuner *t)
{
    ZOE_TRY(start_worker(t));
    t->progress.items = t->items.count;
    for (size_t i = 0; i < t->items.count; i++) {
        t->progress.item = i + 1;
        ZOE_TRY(tune_item(t, &t->items.item[i]));
    }
    ZOE_TRY(tune_products(t));
    t->complete = true;
    return ZOE_OK;
}

static json_t *summary(const tuner *t)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:[i,i], s:f, s:b, s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:O}", "id",
        t->id, "device", t->device.device, "driver", t->device.driver, "runtime", t->device.runtime, "lanes",
        t->device.lanes, "family", t->family, "net", t->items.net, "batch", t->items.batch, "size", t->items.input.w,
        t->items.input.h, "seconds", zoe__seconds() - t->started, "complete", (int)t->complete, "measured",
        (json_int_t)t->measured, "remembered", (json_int_t)t->remembered, "failed", "crashed", (json_int_t)t->crashed,
        "too_slow", (json_int_t)t->slow, "wrong", (json_int_t)t->wrong, "refused", (json_int_t)t->refused, "entries",
        t->entries);
}

static zoe_status open_database(tuner *t)
{
    char *path = NULL;
    ZOE_TRY(t->options->database ? zoe__strdup(t->context, &path, t->options->database)
                                 : zoe__tune_database_path(&path, t->context));
    ZOE_FAIL_IF(t->context, !path, ZOE_CONFIG,
                "there is no place for the tuning database: ZOE_TUNING or ZOE_CACHE is off");
    const zoe_status status = zoe__tune_database_open(&t->database, t->context, path, true);
    free(path);
    return status;
}

zoe_status zoe_tune(zoe_context *context, const char *what, const zoe_tune_options *options, zoe_tune_result *result)
{
    tuner t = {.context = context,
               .options = options,
               .worker = {.context = context, .words = options->worker, .stop = options->stop, .user = options->user},
               .started = zoe__seconds()};
    zoe_device_options device = zoe_device_options_default();
    zoe_status status = ZOE_OK;
    *result = (zoe_tune_result){0};
    device.name = options->device;
    device.family = options->family;
    device.storage = options->storage;
    ZOE_FAIL_IF(context, !options->worker || !options->worker[0], ZOE_USAGE,
                "the tuner needs a program for its worker");
    t.entries = json_array();
    t.progress.what = "";
    ZOE_TRY_OUT(zoe__tune_items_load(&t.items, context, what, &device, options->batch, options->width, options->height,
                                     DEFAULT_BATCH));
    ZOE_TRY_OUT(open_database(&t));
    status = tune_all(&t);
    if (status == ZOE_TIME) status = ZOE_OK; /* as long as it was allowed to */
    if (status == ZOE_OK || status == ZOE_STOPPED) {
        const zoe_status written = zoe__tune_result_set(context, summary(&t), result);
        if (status == ZOE_OK) status = written;
    }
out:
    zoe__worker_end(&t.worker);
    zoe__tune_database_close(&t.database);
    zoe__tune_items_free(&t.items);
    json_decref(t.entries);
    return status;
}
