/* SPDX-License-Identifier: Apache-2.0
 *
 * Fresh processes that measure, and what they print. */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/bench.h"
#include "core/child.h"

enum { MOST_WORDS = 256 };

typedef struct command {
    const char *words[MOST_WORDS + 1];
    char *owned[MOST_WORDS];
    size_t count, owned_count;
} command;

void zoe__bench_end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

zoe_status zoe__bench_folder_make(zoe_context *context, char *folder, size_t size)
{
    const char *base = getenv("TMPDIR");
    zoe__format(folder, size, "%s/zoe-bench-XXXXXX", base ? base : "/tmp");
    if (mkdtemp(folder)) return ZOE_OK;
    const zoe_status status = zoe__fail(context, ZOE_DISK, "%s: cannot make a folder", folder);
    folder[0] = '\0';
    return status;
}

void zoe__bench_folder_remove(const char *folder)
{
    if (folder[0]) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static zoe_status add(zoe_context *context, command *c, const char *word)
{
    ZOE_FAIL_IF(context, c->count >= MOST_WORDS, ZOE_USAGE, "more than %d words and options", MOST_WORDS);
    c->words[c->count++] = word;
    return ZOE_OK;
}

/* "--name=value" of an option that was given; a flag has no value. */
static zoe_status add_option(zoe_context *context, command *c, const zoe_options *options, const zoe_option *option)
{
    static const char *const not_passed_on[] = {"json", "here", "processes", "out"};
    if (!zoe_options_given(options, option->name)) return ZOE_OK;
    for (size_t i = 0; i < sizeof not_passed_on / sizeof *not_passed_on; i++)
        if (!strcmp(option->name, not_passed_on[i])) return ZOE_OK;
    const bool flag = option->type == ZOE_OPTION_FLAG;
    if (flag && !zoe_options_flag(options, option->name)) return ZOE_OK;
    const char *value = flag ? "" : zoe_options_text(options, option->name);
    const size_t size = strlen(option->name) + strlen(value) + 4;
    char *text = NULL;
    ZOE_TRY(zoe__calloc(context, &text, size, 1));
    zoe__format(text, size, "--%s%s%s", option->name, flag ? "" : "=", value);
    c->owned[c->owned_count++] = text;
    return add(context, c, text);
}

static zoe_status make_command(zoe_context *context, command *c, const char *suite, const zoe_bench_call *call,
                               const char *const *extra)
{
    ZOE_TRY(add(context, c, call->program));
    ZOE_TRY(add(context, c, "bench"));
    ZOE_TRY(add(context, c, suite));
    for (size_t i = 0; i < zoe_options_count(call->options); i++)
        ZOE_TRY(add_option(context, c, call->options, zoe_options_at(call->options, i)));
    ZOE_TRY(add(context, c, "--here"));
    ZOE_TRY(add(context, c, "--json"));
    for (; extra && *extra; extra++) ZOE_TRY(add(context, c, *extra));
    ZOE_TRY(add(context, c, "--"));
    for (size_t i = 0; i < call->arg_count; i++) ZOE_TRY(add(context, c, call->args[i]));
    c->words[c->count] = NULL;
    return ZOE_OK;
}

zoe_status zoe__bench_child(zoe_context *context, const char *suite, const zoe_bench_call *call,
                            const char *const *extra, double seconds, json_t **out)
{
    command c = {.count = 0};
    char *text = NULL;
    *out = NULL;
    zoe_status status = make_command(context, &c, suite, call, extra);
    if (status == ZOE_OK) status = zoe__child_run(context, c.words, seconds, &text);
    if (status == ZOE_OK) {
        *out = json_loads(text, 0, NULL);
        if (!json_is_object(*out)) {
            json_decref(*out);
            *out = NULL;
            status =
                zoe__fail(context, ZOE_DATA, "%s bench %s --here did not print a JSON object", call->program, suite);
        }
    }
    for (size_t i = 0; i < c.owned_count; i++) free(c.owned[i]);
    free(text);
    return status;
}

zoe_status zoe__bench_samples(zoe_context *context, json_t *const *processes, size_t count, const char *key,
                              zoe__samples *out)
{
    size_t total = 0;
    *out = (zoe__samples){.groups = count};
    for (size_t p = 0; p < count; p++) total += json_array_size(json_object_get(processes[p], key));
    ZOE_TRY(zoe__calloc(context, &out->values, total, sizeof *out->values));
    ZOE_TRY(zoe__calloc(context, &out->first, count + 1, sizeof *out->first));
    total = 0;
    for (size_t p = 0; p < count; p++) {
        size_t i;
        json_t *value;
        json_array_foreach(json_object_get(processes[p], key), i, value) out->values[total++] =
            json_number_value(value);
        out->first[p + 1] = total;
    }
    return ZOE_OK;
}
