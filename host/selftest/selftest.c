/* SPDX-License-Identifier: Apache-2.0 */
#include <zoe/selftest.h>

#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/ahead.h"
#include "device/internal.h"
#include "device/source.h"
#include "graph/state.h"
#include "ops/conv2d.h"
#include "selftest/layers.h"
#include "selftest/run.h"

zoe_selftest_options zoe_selftest_options_default(void)
{
    return (zoe_selftest_options){0};
}

void zoe_selftest_result_free(zoe_selftest_result *result)
{
    free(result->json);
    free(result->text);
    *result = (zoe_selftest_result){0};
}

/* ---- running cases ---- */

typedef struct names {
    char (*item)[ZOE__VARIANT];
    size_t count, capacity;
} names;

static bool has(const names *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->item[i], name)) return true;
    return false;
}

static zoe_status add_name(zoe_context *context, names *list, const char *name)
{
    if (has(list, name)) return ZOE_OK;
    ZOE_TRY(zoe__grow(context, &list->item, &list->capacity, list->count + 1, sizeof *list->item));
    zoe__format(list->item[list->count++], ZOE__VARIANT, "%s", name);
    return ZOE_OK;
}

typedef struct session {
    zoe_context *context;
    zoe_device *device;
    const zoe_selftest_options *options;
    const names *wanted; /* only cases that have one of them; NULL: all */
    names checked;
    json_t *failed;
    size_t cases; /* executed */
} session;

static zoe_status repro(const session *s, const zoe__case *test, const char *variant, char *line, size_t size)
{
    const zoe_device_info *info = zoe_device_get_info(s->device);
    zoe__format(line, size, "zoe selftest --full --device %s --family %s%s --only %s --case '%s'", info->id,
                zoe_family_name(info->family), info->half ? " --storage fp16" : "", variant, test->name);
    return ZOE_OK;
}

static zoe_status note(session *s, const zoe__case *test, const zoe__verdict *v)
{
    char line[320], detail[512];
    if (!v->checked) return ZOE_OK;
    ZOE_TRY(add_name(s->context, &s->checked, v->variant));
    if (v->good) return zoe__trust_note(s->device->trust, v->variant, true, NULL);
    repro(s, test, v->variant, line, sizeof line);
    zoe__format(detail, sizeof detail, "NMSE %.3g\t%s", v->nmse, line);
    ZOE_TRY(zoe__trust_note(s->device->trust, v->variant, false, detail));
    json_array_append_new(s->failed,
                          json_pack("{s:s, s:s, s:o, s:s}", "kernel", v->variant, "parameters", v->parameters, "nmse",
                                    isfinite(v->nmse) ? json_real(v->nmse) : json_null(), "repro", line));
    return ZOE_OK;
}

/* What a dry look says of a round: is there anything that is asked for and not known to be wrong? */
static bool interesting(const session *s, const zoe__verdict *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (zoe__trust_is_bad(s->device, v[i].variant)) continue;
        if (s->options && s->options->only && strcmp(s->options->only, v[i].variant)) continue;
        if (s->wanted && !(has(s->wanted, v[i].variant) && !zoe__trust_is_known(s->device, v[i].variant))) continue;
        if (s->wanted && has(&s->checked, v[i].variant)) continue;
        return true;
    }
    return false;
}

static zoe_status run_case(session *s, const zoe__case *test, bool full, bool list)
{
    zoe__expected *expected = NULL;
    zoe_status status = ZOE_OK;
    bool last = false;
    for (size_t round = 0; !last && status == ZOE_OK; round++) {
        zoe__verdict v[ZOE__VERDICTS];
        size_t count, ahead = zoe__ahead_count(s->device);
        status = zoe__selftest_case(s->device, test, round, full, false, NULL, v, &count, &last);
        if (status != ZOE_OK) continue;
        if (!interesting(s, v, count)) {
            zoe__ahead_cut(s->device, ahead);
            continue;
        }
        for (size_t i = 0; list && i < count && status == ZOE_OK; i++)
            status = add_name(s->context, &s->checked, v[i].variant);
        if (list || status != ZOE_OK) continue;
        if (!expected) status = zoe__expected_new(&expected, s->context, test, zoe_device_get_info(s->device)->half);
        bool ignored;
        if (status == ZOE_OK)
            status = zoe__selftest_case(s->device, test, round, full, true, expected, v, &count, &ignored);
        s->cases++;
        for (size_t i = 0; i < count && status == ZOE_OK; i++) status = note(s, test, &v[i]);
    }
    zoe__expected_free(&expected);
    return status;
}

static zoe_status run_cases(session *s, bool full, bool list)
{
    const zoe_selftest_options *o = s->options;
    for (size_t i = 0; i < zoe__case_count; i++) {
        const zoe__case *test = &zoe__cases[i];
        if ((!full && !test->quick) || (o && o->test && strcmp(o->test, test->name))) continue;
        if (o && o->stop && o->stop(o->user)) return ZOE_STOPPED;
        if (o && o->progress && !list) o->progress(i, zoe__case_count, o->user);
        ZOE_TRY(run_case(s, test, full, list));
    }
    return ZOE_OK;
}

static void close_session(session *s)
{
    free(s->checked.item);
    json_decref(s->failed);
}

/* ---- what a plan needs, before its first use ---- */

static zoe_status names_of_node(const zoe_plan *plan, const zoe__node *node, names *list)
{
    const zoe__node_state *state = &plan->nodes[node->number];
    char name[ZOE__VARIANT];
    if (state->reference) return ZOE_OK;
    if (!node->op->as_conv2d) {
        zoe__format(name, sizeof name, "%s.forward", node->op->name);
        ZOE_TRY(add_name(plan->context, list, name));
        if (!state->backward || node->op->no_gradient) return ZOE_OK;
        zoe__format(name, sizeof name, "%s.backward", node->op->name);
        return add_name(plan->context, list, name);
    }
    zoe__conv2d conv;
    node->op->as_conv2d(plan->graph, node, &conv);
    for (int d = 0; d < ZOE__DIRECTIONS; d++) {
        if (d != ZOE__TO_OUTPUT && !state->backward) continue;
        if (d == ZOE__TO_DATA && !state->dx_wanted[0]) continue;
        zoe__conv2d_variant(name, &conv, state->choice[d].algorithm, (zoe__direction)d);
        ZOE_TRY(add_name(plan->context, list, name));
    }
    if (state->moments_most) {
        zoe__format(name, sizeof name, "%s.%s.moments", node->op->name, state->choice[0].algorithm);
        ZOE_TRY(add_name(plan->context, list, name));
    }
    if (!state->backward || !(conv.bias || conv.relu)) return ZOE_OK;
    zoe__conv2d_variant(name, &conv, NULL, ZOE__TO_OUTPUT);
    return add_name(plan->context, list, name);
}

/* The variants that a plan of graph would use today. */
static zoe_status names_of_graph(zoe_device *device, zoe_graph *graph, const zoe_plan_options *options, names *list)
{
    zoe_context *context = zoe__device_context(device);
    zoe_plan_options dry = *options;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = ZOE_OK;
    char name[ZOE__VARIANT];
    dry.dry = true;
    ZOE_TRY_OUT(zoe_store_new(&store, context, device, 0));
    ZOE_TRY_OUT(zoe_plan_new(&plan, graph, store, &dry));
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++)
        ZOE_TRY_OUT(names_of_node(plan, zoe__graph_node_const(plan->graph, n), list));
    zoe__format(name, sizeof name, "%s.update", options->optimizer.name);
    if (options->training && !zoe__trust_is_bad(device, name)) status = add_name(context, list, name);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    return status;
}

static void warn(const session *s)
{
    size_t i;
    json_t *row;
    json_array_foreach(s->failed, i, row) zoe__log(
        s->context, ZOE_LOG_WARN, "%s is wrong on %s (%s): put into quarantine%s%s, the next algorithm takes over",
        json_string_value(json_object_get(row, "kernel")), zoe_device_get_info(s->device)->id,
        json_string_value(json_object_get(row, "parameters")), *zoe__trust_quarantine(s->device->trust) ? ", " : "",
        zoe__trust_quarantine(s->device->trust));
}

/* Tests what is not known; what has no case counts as good, so that it is not looked for each time. *wrong: something
 * is in quarantine now that was not before. */
static zoe_status test_names(zoe_device *device, const names *list, bool *wrong)
{
    session s = {.context = zoe__device_context(device), .device = device, .wanted = list, .failed = json_array()};
    zoe_status status = run_cases(&s, false, false);
    for (size_t i = 0; i < list->count && status == ZOE_OK; i++)
        if (!zoe__trust_is_known(device, list->item[i]))
            status = zoe__trust_note(device->trust, list->item[i], true, NULL);
    *wrong = json_array_size(s.failed) > 0;
    warn(&s);
    if (status == ZOE_OK) status = zoe__trust_save(device->trust);
    close_session(&s);
    return status;
}

/* Dry looks at the cases leave their launches on the device's list. */
zoe_status zoe__trust_foresee(zoe_device *device, zoe_graph *graph, const zoe_plan_options *options)
{
    names list = {0};
    session s = {.context = zoe__device_context(device), .device = device, .wanted = &list, .failed = json_array()};
    bool unknown = false;
    zoe_status status = zoe__trust_tests(device) ? names_of_graph(device, graph, options, &list) : ZOE_OK;
    for (size_t k = 0; k < list.count; k++) unknown = unknown || !zoe__trust_is_known(device, list.item[k]);
    if (status == ZOE_OK && unknown) status = run_cases(&s, false, true);
    free(list.item);
    close_session(&s);
    return status;
}

zoe_status zoe__trust_graph(zoe_device *device, zoe_graph *graph, const zoe_plan_options *options)
{
    if (!zoe__trust_tests(device)) return ZOE_OK;
    zoe_status status = ZOE_OK;
    bool wrong = true;
    for (int i = 0; wrong && i < 16 && status == ZOE_OK; i++) { /* what takes over needs its own test */
        names list = {0};
        bool unknown = false;
        wrong = false;
        status = names_of_graph(device, graph, options, &list);
        for (size_t k = 0; k < list.count; k++) unknown = unknown || !zoe__trust_is_known(device, list.item[k]);
        if (status == ZOE_OK && unknown) {
            const double start = zoe__seconds();
            zoe__log(zoe__device_context(device), ZOE_LOG_INFO,
                     "self-test of the kernels that are new on this device, driver or build ...");
            status = test_names(device, &list, &wrong);
            zoe__log(zoe__device_context(device), ZOE_LOG_DEBUG, "self-test: %.2f s", zoe__seconds() - start);
        }
        free(list.item);
    }
    return status;
}

/* ---- the verb ---- */

static json_t *summary(session *s, double started)
{
    const zoe_device_info *info = zoe_device_get_info(s->device);
    char build[64];
    json_t *bad = json_array();
    zoe__build_id(build);
    for (size_t i = 0; zoe__trust_bad_at(s->device->trust, i); i++)
        json_array_append_new(bad, json_string(zoe__trust_bad_at(s->device->trust, i)));
    return json_pack("{s:s, s:s, s:s, s:I, s:O, s:o, s:f}", "device", info->id, "driver", info->driver, "build", build,
                     "checked", (json_int_t)s->checked.count, "failed", s->failed, "quarantined", bad, "seconds",
                     zoe__seconds() - started);
}

static void print_summary(FILE *out, const session *s, const json_t *value)
{
    size_t i;
    json_t *row;
    json_array_foreach(s->failed, i, row)
        fprintf(out, "FAILED %s: %s, NMSE %.3g\n       %s\n", json_string_value(json_object_get(row, "kernel")),
                json_string_value(json_object_get(row, "parameters")), json_number_value(json_object_get(row, "nmse")),
                json_string_value(json_object_get(row, "repro")));
    fprintf(out, "%s: %zu kernel variants checked in %zu cases, %zu failures, %.1f s\n",
            json_string_value(json_object_get(value, "device")), s->checked.count, s->cases, json_array_size(s->failed),
            json_number_value(json_object_get(value, "seconds")));
    if (json_array_size(s->failed) && *zoe__trust_quarantine(s->device->trust))
        fprintf(out, "quarantine: %s\n", zoe__trust_quarantine(s->device->trust));
}

static zoe_status write_result(session *s, json_t *value, bool list, zoe_selftest_result *result)
{
    size_t length = 0;
    FILE *out = open_memstream(&result->text, &length);
    if (out && list)
        for (size_t i = 0; i < s->checked.count; i++) fprintf(out, "%s\n", s->checked.item[i]);
    else if (out && value)
        print_summary(out, s, value);
    const bool good = out && !fclose(out);
    result->json = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    ZOE_FAIL_IF(s->context, !good || !result->json, ZOE_MEMORY, "out of memory: result of the self-test");
    return ZOE_OK;
}

static json_t *list_json(const session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->checked.count; i++) json_array_append_new(list, json_string(s->checked.item[i]));
    return json_pack("{s:o}", "variants", list);
}

static zoe_status check_words(session *s)
{
    const zoe_selftest_options *o = s->options;
    bool found = !o->test;
    for (size_t i = 0; i < zoe__case_count; i++) found = found || !strcmp(zoe__cases[i].name, o->test);
    ZOE_FAIL_IF(s->context, !found, ZOE_USAGE, "there is no case '%s'", o->test);
    return ZOE_OK;
}

static zoe_status run(session *s, double started, zoe_selftest_result *result)
{
    const zoe_selftest_options *o = s->options;
    ZOE_TRY(check_words(s));
    zoe__trust_forget(s->device->trust);
    ZOE_TRY(run_cases(s, o->full || o->list || o->only || o->test, o->list));
    ZOE_FAIL_IF(s->context, o->only && !s->checked.count, ZOE_USAGE,
                "there is no kernel variant '%s' here; --list names them", o->only);
    if (o->list) return write_result(s, list_json(s), true, result);
    if (!o->only && !o->test) ZOE_TRY(zoe__trust_save(s->device->trust));
    ZOE_TRY(write_result(s, summary(s, started), false, result));
    ZOE_FAIL_IF(s->context, json_array_size(s->failed), ZOE_WRONG, "%zu of %zu kernel variants are wrong on %s",
                json_array_size(s->failed), s->checked.count, zoe_device_get_info(s->device)->id);
    return ZOE_OK;
}

zoe_status zoe_selftest(zoe_context *context, const zoe_selftest_options *options, zoe_selftest_result *result)
{
    const double started = zoe__seconds();
    session s = {.context = context, .options = options, .failed = json_array()};
    zoe_device_options device = zoe_device_options_default();
    zoe_status status = ZOE_OK;
    *result = (zoe_selftest_result){0};
    device.name = options->device;
    device.family = options->family;
    device.storage = options->storage;
    if (options->net) {
        close_session(&s);
        return zoe__selftest_layers(context, options, result);
    }
    ZOE_TRY_OUT(zoe_device_open(&s.device, context, &device));
    ZOE_FAIL_IF_OUT(context, zoe__device_is_host(s.device), ZOE_DEVICE,
                    "the device 'host' runs the definitions themselves: there is nothing to test");
    status = run(&s, started, result);
out:
    zoe_device_free(&s.device);
    close_session(&s);
    return status;
}
