/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe bench SUITE`: how fast is this device, checked and with its spread? */
#include <string.h>

#include <zoe/bench.h>

#include "bench/bench.h"
#include "cli/cli.h"
#include "core/child.h"

/* The suite or word that is asked for: --suite's, else the first one among the words. Options may stand before it. */
static const char *name_of(const zoe__cli *cli)
{
    const char *named = zoe_options_text(cli->options, "suite");
    if (named) return named;
    for (size_t i = 0; i < cli->arg_count; i++) {
        if (!strncmp(cli->args[i], "--suite=", 8)) return cli->args[i] + 8;
        if (!strcmp(cli->args[i], "--suite") && i + 1 < cli->arg_count) return cli->args[i + 1];
    }
    for (size_t i = 0; i < cli->arg_count; i++) {
        for (size_t s = 0; zoe_bench_suite_at(s); s++)
            if (!strcmp(zoe_bench_suite_at(s)->name, cli->args[i])) return cli->args[i];
        for (size_t s = 0; zoe__bench_word_at(s); s++)
            if (!strcmp(zoe__bench_word_at(s)->name, cli->args[i])) return cli->args[i];
    }
    return cli->arg_count ? cli->args[0] : NULL;
}

static zoe_status run(zoe__cli *cli)
{
    const char *named = zoe_options_text(cli->options, "suite"), *name = named ? named : name_of(cli);
    ZOE_FAIL_IF(cli->context, !name, ZOE_USAGE, "a suite is missing; usage: zoe bench %s", cli->verb->usage);
    const zoe_bench_suite *suite = zoe__bench_find(cli->context, named ? named : cli->args[0]);
    if (!suite) return ZOE_USAGE;
    const size_t words = named ? 0 : 1;
    const zoe_bench_call call = {.args = cli->args + words,
                                 .arg_count = cli->arg_count - words,
                                 .options = cli->options,
                                 .program = ZOE__CHILD_SELF};
    zoe_bench_report report = {0};
    zoe__child_catch_signals(); /* what is finished is kept, folders go away */
    const zoe_status status = suite->run(cli->context, &call, &report);
    zoe_status printed = ZOE_OK;
    if (report.json && (cli->json || !report.text))
        printed = zoe__cli_print_json(cli, json_loads(report.json, 0, NULL));
    else if (report.text)
        fputs(report.text, stdout);
    zoe_bench_report_free(&report);
    return status != ZOE_OK ? status : printed;
}

static zoe_status add_all(zoe__cli *cli)
{
    for (size_t s = 0; zoe_bench_suite_at(s); s++)
        ZOE_TRY(zoe_options_add(cli->options, zoe_bench_suite_at(s)->options));
    for (size_t s = 0; zoe__bench_word_at(s); s++)
        ZOE_TRY(zoe_options_add(cli->options, zoe__bench_word_at(s)->options));
    return ZOE_OK;
}

/* The options depend on the suite; with --help and without one, those of all. */
static zoe_status extend(zoe__cli *cli)
{
    const char *name = name_of(cli);
    const zoe_bench_suite *suite = name ? zoe__bench_find(cli->context, name) : NULL;
    if (suite) return zoe_options_add(cli->options, suite->options);
    zoe_context_clear(cli->context); /* said when the words are read */
    return add_all(cli);
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "suite", .type = ZOE_OPTION_TEXT, .value = "SUITE", .help = "the same as the word SUITE"},
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_bench = {
    .name = "bench",
    .summary = "measure how fast a device trains",
    .usage = "SUITE [options]",
    .examples = "zoe bench quick -o mine.json\n"
                "zoe bench report mine.json theirs.json -o page.html\n"
                "zoe bench compare pocl:0 intel-cpu:0\n"
                "zoe bench train --net l3-vision --batch 8 --size 224x224\n"
                "zoe bench train --net resnet18 --batch 16 --size 112x112 --device intel --json\n",
    .notes =
        "Suites: quick (a minute), standard (to publish), full, roof, gemm; train (whole steps of a network), conv\n"
        "(each of its layers alone), data (decoding, sound, augmentation), quality (time until something is learnt).\n"
        "Other words: list [SUITE], compare A B, null, report [FILES] [-o PAGE.html], import FILES, export -o FOLDER,\n"
        "describe [ID], once ID.\n"
        "What is measured runs in fresh processes, one after the other;\n"
        "figures are medians with their 95 % interval. A wrong result prints WRONG and no speed, exit 6.\n"
        "docs/benchmarking.md says what each figure is.\n",
    .options = options,
    .max_args = -1,
    .run = run,
    .extend = extend,
};
