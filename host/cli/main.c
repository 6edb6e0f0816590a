/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe VERB ...`: finds the verb, reads its options, runs it, turns its status into the exit code. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/child.h"
#include "core/suggest.h"

#define X(name) extern const zoe__verb zoe__verb_##name;
#include "zoe_verbs.inc"
#undef X

static const zoe__verb *const verbs[] = {
#define X(name) &zoe__verb_##name,
#include "zoe_verbs.inc"
#undef X
};

const zoe__verb *zoe__verb_at(size_t index)
{
    return index < sizeof verbs / sizeof verbs[0] ? verbs[index] : NULL;
}

const zoe__verb *zoe__verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i]->name, name)) return verbs[i];
    return NULL;
}

static zoe_status unknown_verb(zoe_context *context, const char *name)
{
    zoe__suggestion suggestion = zoe__suggest_start(name);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) zoe__suggest_try(&suggestion, verbs[i]->name);
    if (suggestion.best)
        return zoe__fail(context, ZOE_USAGE, "unknown verb '%s'%s", name, zoe__suggest_text(&suggestion));
    return zoe__fail(context, ZOE_USAGE, "unknown verb '%s'; `zoe --help` lists them", name);
}

zoe_status zoe__cli_print_json(zoe__cli *cli, json_t *value)
{
    ZOE_FAIL_IF(cli->context, !value, ZOE_MEMORY, "out of memory: a JSON value");
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY;
    const bool bad = json_dumpf(value, stdout, flags) || putchar('\n') < 0 || fflush(stdout);
    json_decref(value);
    ZOE_FAIL_IF(cli->context, bad, ZOE_DISK, "stdout: %s", strerror(errno));
    return ZOE_OK;
}

static bool wants_help(const zoe__words *words)
{
    for (size_t i = 0; i < words->count && strcmp(words->items[i], "--"); i++)
        if (!strcmp(words->items[i], "--help") || !strcmp(words->items[i], "-h")) return true;
    return false;
}

static zoe_status check_words(zoe__cli *cli)
{
    const zoe__verb *verb = cli->verb;
    ZOE_FAIL_IF(cli->context, cli->arg_count < (size_t)verb->min_args, ZOE_USAGE, "too few words; usage: zoe %s %s",
                verb->name, verb->usage);
    ZOE_FAIL_IF(cli->context, verb->max_args >= 0 && cli->arg_count > (size_t)verb->max_args, ZOE_USAGE,
                "'%s' is one word too many; usage: zoe %s %s", cli->args[verb->max_args], verb->name, verb->usage);
    return ZOE_OK;
}

static zoe_status run_verb(zoe__cli *cli, int argc, char **argv)
{
    zoe__words words = {0}, args = {0};
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe_options_new(&cli->options, cli->context));
    ZOE_TRY_OUT(zoe__cli_expand(cli->context, &words, argc, argv));
    cli->help = wants_help(&words);
    cli->args = words.items;
    cli->arg_count = words.count;
    if (cli->verb->options) ZOE_TRY_OUT(zoe_options_add(cli->options, cli->verb->options));
    if (cli->verb->extend) ZOE_TRY_OUT(cli->verb->extend(cli));
    if (cli->help) {
        zoe__help_verb(stdout, cli->verb, cli->options);
        goto out;
    }
    ZOE_TRY_OUT(zoe__cli_parse(cli, &words, &args));
    cli->args = args.items;
    cli->arg_count = args.count;
    cli->json = zoe_options_flag(cli->options, "json");
    zoe__cli_log_quiet(cli->json);
    ZOE_TRY_OUT(check_words(cli));
    status = cli->verb->run(cli);
out:
    zoe_options_free(&cli->options);
    zoe__words_free(&words);
    zoe__words_free(&args);
    return status;
}

static zoe_status run(zoe_context *context, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (argc < 2) {
        zoe__help_all(stderr);
        return zoe__fail(context, ZOE_USAGE, "a verb is missing; try `zoe tasks` or `zoe train --help`");
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        puts("zoe " ZOE_VERSION);
        return ZOE_OK;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        zoe__help_all(stdout);
        return ZOE_OK;
    }
    zoe__cli cli = {.context = context, .verb = zoe__verb_find(word)};
    return cli.verb ? run_verb(&cli, argc - 2, argv + 2) : unknown_verb(context, word);
}

int main(int argc, char **argv)
{
    /* A write to a closed pipe or past a file-size limit must come back as an error, not kill the process. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    zoe_context *context;
    if (zoe_context_new(&context) != ZOE_OK) {
        fputs("zoe: out of memory\n", stderr);
        return zoe_status_exit_code(ZOE_MEMORY);
    }
    zoe_context_set_log(context, zoe__cli_log, NULL);
    zoe_context_set_helper(context, ZOE__CHILD_SELF);
    zoe_status status = run(context, argc, argv);
    zoe__cli_end_line();
    if (status == ZOE_OK && (fflush(stdout) || ferror(stdout)))
        status = zoe__fail(context, ZOE_DISK, "stdout: %s", strerror(errno));
    if (status != ZOE_OK) {
        const char *text = zoe_context_error(context);
        fprintf(stderr, "zoe: %s\n", *text ? text : zoe_status_text(status));
    }
    zoe_context_free(&context);
    return zoe_status_exit_code(status);
}
