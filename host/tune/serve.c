/* SPDX-License-Identifier: Apache-2.0
 *
 * The tuner's child process, from the inside. A line of JSON comes in, one goes out:
 *   (at the start)                                              -> {device, driver, runtime, lanes, id} or {error}
 *   {do: "candidates", op, shape, data}                         -> {forward: [{algorithm, parameters}, ..], ..}
 *   {do: "measure", number, op, shape, data, choices, best}     -> {forward: {seconds, nmse, ..} or null, ..} or
 * {error} {do: "gemm", number, shape, parameters}                     -> {seconds, nmse} or {error} */
#include <zoe/tune.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/gemm_clblast.h"
#include "tune/clblast.h"
#include "tune/measure.h"
#include "tune/tuning.h"

enum { MOST_CANDIDATES = 64 };

typedef struct server {
    zoe_context *context;
    zoe_device *device;
    int out;
} server;

/* ---- faults on purpose: ZOE_TUNE_FAULT=crash:DIRECTION, hang:DIRECTION, wrong:DIRECTION, vanish:N ---- */

#if ZOE_TEST_HOOKS
/* What stands behind "KIND:"; NULL: another kind, or none. */
static const char *fault(const char *kind)
{
    const char *text = getenv("ZOE_TUNE_FAULT");
    const size_t length = strlen(kind);
    return text && !strncmp(text, kind, length) && text[length] == ':' ? text + length + 1 : NULL;
}

static void misbehave(const json_t *question)
{
    const json_t *choices = json_object_get(question, "choices");
    const char *vanish = fault("vanish"), *crash = fault("crash"), *hang = fault("hang");
    if (crash && json_object_get(choices, crash)) abort();
    while (hang && json_object_get(choices, hang)) sleep(1);
    if (vanish && json_integer_value(json_object_get(question, "number")) >= strtol(vanish, NULL, 10)) _exit(1);
}
#endif

/* Numbers of measurements go on when a worker takes the place of another. */
static bool vanished(void)
{
#if ZOE_TEST_HOOKS
    const char *number = getenv("ZOE_TUNE_NUMBER"), *vanish = fault("vanish");
    return number && vanish && strtol(number, NULL, 10) >= strtol(vanish, NULL, 10);
#else
    return false;
#endif
}

/* ---- answers ---- */

static json_t *error_json(server *s, zoe_status status)
{
    json_t *value = json_pack("{s:s, s:s}", "error", zoe_context_error(s->context), "status", zoe_status_name(status));
    zoe_context_clear(s->context);
    return value;
}

static json_t *choice_json(const zoe__choice *c)
{
    char parameters[64];
    zoe__format(parameters, sizeof parameters, "%d,%d,%d,%d", c->parameter[0], c->parameter[1], c->parameter[2],
                c->parameter[3]);
    return json_pack("{s:s, s:s}", "algorithm", c->algorithm, "parameters", parameters);
}

static bool read_job(zoe__measure_job *job, const json_t *question)
{
    zoe__tune_shape shape;
    const char *op = json_string_value(json_object_get(question, "op"));
    const char *text = json_string_value(json_object_get(question, "shape"));
    *job = (zoe__measure_job){.data = json_is_true(json_object_get(question, "data"))};
    if (!op || !text || !zoe__format(job->op, sizeof job->op, "%s", op)) return false;
    if (!zoe__tune_shape_read(&shape, text) || !zoe__tune_conv_of(&job->conv, op, &shape)) return false;
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        const char *name = zoe__tune_direction_name(d);
        const json_t *choice = json_object_get(json_object_get(question, "choices"), name);
        const char *parameters = json_string_value(json_object_get(choice, "parameters"));
        job->choice[d].algorithm = json_string_value(json_object_get(choice, "algorithm"));
        job->best[d] = json_number_value(json_object_get(json_object_get(question, "best"), name));
        if (parameters && !zoe__tune_parameters_read(job->choice[d].parameter, ZOE__CHOICE_PARAMETERS, parameters))
            return false;
    }
    return true;
}

static json_t *answer_candidates(server *s, const zoe__measure_job *job)
{
    json_t *answer = json_object();
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        zoe__choice choices[MOST_CANDIDATES];
        size_t count = 0;
        json_t *list = json_array();
        json_object_set_new(answer, zoe__tune_direction_name(d), list);
        if (d == ZOE__TO_DATA && !job->data) continue;
        const zoe_status status =
            zoe__measure_candidates(s->device, job, (zoe__direction)d, choices, MOST_CANDIDATES, &count);
        if (status != ZOE_OK) {
            json_decref(answer);
            return error_json(s, status);
        }
        for (size_t i = 0; i < count; i++) json_array_append_new(list, choice_json(&choices[i]));
    }
    return answer;
}

static json_t *answer_measure(server *s, const zoe__measure_job *job)
{
    zoe__measured measured[ZOE__DIRECTIONS];
    const zoe_status status = zoe__measure(s->device, job, measured);
    if (status != ZOE_OK) return error_json(s, status);
    json_t *answer = json_object();
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        zoe__measured *m = &measured[d];
#if ZOE_TEST_HOOKS
        if (fault("wrong") && !strcmp(fault("wrong"), zoe__tune_direction_name(d))) m->nmse = 1;
#endif
        json_object_set_new(answer, zoe__tune_direction_name(d),
                            m->there ? json_pack("{s:f, s:f, s:s}", "seconds", m->seconds, "nmse",
                                                 isfinite(m->nmse) ? m->nmse : 1e30, "algorithm", m->choice.algorithm)
                                     : json_null());
    }
    return answer;
}

static json_t *answer_gemm(server *s, const json_t *question)
{
    zoe__tune_shape shape;
    double seconds = 0, nmse = 0;
    const char *text = json_string_value(json_object_get(question, "shape"));
    const char *parameters = json_string_value(json_object_get(question, "parameters"));
    if (!text || !parameters || !zoe__tune_shape_read(&shape, text))
        return json_pack("{s:s}", "error", "no such shape");
    const zoe_status status = zoe__clblast_measure(s->device, &shape, parameters, &seconds, &nmse);
    if (status != ZOE_OK) return error_json(s, status);
    return json_pack("{s:f, s:f}", "seconds", seconds, "nmse", isfinite(nmse) ? nmse : 1e30);
}

static json_t *answer(server *s, const json_t *question)
{
    zoe__measure_job job;
    const char *what = json_string_value(json_object_get(question, "do"));
#if ZOE_TEST_HOOKS
    if (what && strcmp(what, "candidates")) misbehave(question);
#endif
    if (what && !strcmp(what, "gemm")) return answer_gemm(s, question);
    if (!what || !read_job(&job, question)) return json_pack("{s:s}", "error", "not a question");
    return !strcmp(what, "candidates") ? answer_candidates(s, &job) : answer_measure(s, &job);
}

static bool send_line(server *s, json_t *value)
{
    const bool sent = value && json_dumpfd(value, s->out, JSON_COMPACT) == 0 && write(s->out, "\n", 1) == 1;
    json_decref(value);
    return sent;
}

static json_t *hello(server *s)
{
    const zoe_device_info *info = zoe_device_get_info(s->device);
    zoe__tune_device d;
    zoe__tune_device_of(&d, info);
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:b}", "device", d.device, "driver", d.driver, "runtime",
                     d.runtime, "lanes", d.lanes, "id", info->id, "family", zoe_family_name(info->family), "clblast",
                     zoe__gemm_available());
}

static zoe_status open_device(server *s, const char *device, const char *family, const char *storage)
{
    zoe_device_options options = zoe_device_options_default();
    options.name = device;
    options.family = family;
    options.storage = storage;
    options.tuning = "off";
    options.profile = true;
    ZOE_FAIL_IF(s->context, vanished(), ZOE_DEVICE, "the device is gone (ZOE_TUNE_FAULT)");
    ZOE_TRY(zoe_device_open(&s->device, s->context, &options));
    ZOE_FAIL_IF(s->context, zoe__device_is_host(s->device), ZOE_DEVICE,
                "the device 'host' has no kernels: there is nothing to tune");
    return ZOE_OK;
}

zoe_status zoe_tune_worker(zoe_context *context, const char *device, const char *family, const char *storage, int in,
                           int out)
{
    server s = {.context = context, .out = out};
    char *line = NULL;
    size_t room = 0;
    const zoe_status status = open_device(&s, device, family, storage);
    bool going = send_line(&s, status == ZOE_OK ? hello(&s) : error_json(&s, status)) && status == ZOE_OK;
    FILE *questions = going ? fdopen(in, "r") : NULL;
    while (questions && going && getline(&line, &room, questions) > 0) {
        json_t *question = json_loads(line, 0, NULL);
        going = send_line(&s, answer(&s, question));
        json_decref(question);
    }
    free(line);
    if (questions) fclose(questions);
    zoe_device_free(&s.device);
    return ZOE_OK;
}
