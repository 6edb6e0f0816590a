/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe help`: the same tables as man pages and completions. */
#include <string.h>

#include "cli/cli.h"

static zoe_status show(zoe__cli *cli, const zoe__verb *verb, bool man)
{
    zoe_options *options = NULL;
    zoe__cli other = {.context = cli->context, .verb = verb, .help = true};
    zoe_status status = zoe_options_new(&options, cli->context);
    if (status == ZOE_OK && verb->options) status = zoe_options_add(options, verb->options);
    other.options = options;
    if (status == ZOE_OK && verb->extend) status = verb->extend(&other);
    if (status == ZOE_OK) (man ? zoe__help_man : zoe__help_verb)(stdout, verb, options);
    zoe_options_free(&options);
    return status;
}

static zoe_status run(zoe__cli *cli)
{
    const bool man = zoe_options_flag(cli->options, "man");
    if (zoe_options_flag(cli->options, "completion")) {
        zoe__help_completion(stdout);
        return ZOE_OK;
    }
    if (cli->arg_count == 1) {
        const zoe__verb *verb = zoe__verb_find(cli->args[0]);
        ZOE_FAIL_IF(cli->context, !verb, ZOE_USAGE, "unknown verb '%s'; `zoe --help` lists them", cli->args[0]);
        return show(cli, verb, man);
    }
    if (!man) zoe__help_all(stdout);
    for (size_t i = 0; man && zoe__verb_at(i); i++) ZOE_TRY(show(cli, zoe__verb_at(i), true));
    return ZOE_OK;
}

static const zoe_option options[] = {
    {.name = "man", .type = ZOE_OPTION_FLAG, .help = "a man page in roff (without VERB: one after the other)"},
    {.name = "completion", .type = ZOE_OPTION_FLAG, .help = "completions for bash, to be sourced"},
    {.name = NULL},
};

const zoe__verb zoe__verb_help = {
    .name = "help",
    .summary = "help, man pages and completions",
    .usage = "[VERB] [--man] [--completion]",
    .examples = "zoe help train\n"
                "zoe help train --man | man -l -\n"
                "source <(zoe help --completion)\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
