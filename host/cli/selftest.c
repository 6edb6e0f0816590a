/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe selftest`: are the kernels right on this device? */
#include <signal.h>
#include <unistd.h>

#include <zoe/selftest.h>

#include "cli/cli.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static bool stop(void *user)
{
    (void)user;
    return stop_wanted != 0;
}

typedef struct display {
    bool terminal, open;
    double shown; /* zoe__seconds() of the last line */
} display;

static void progress(size_t done, size_t total, void *user)
{
    display *d = user;
    const double now = zoe__seconds();
    if (now - d->shown < (d->terminal ? 0.1 : 5)) return;
    d->shown = now;
    fprintf(stderr, d->terminal ? "\rself-test: %zu of %zu\033[K" : "self-test: %zu of %zu\n", done, total);
    d->open = d->terminal;
}

static zoe_status run(zoe__cli *cli)
{
    const zoe_options *o = cli->options;
    zoe_selftest_options options = zoe_selftest_options_default();
    zoe_selftest_result result;
    display d = {.terminal = isatty(STDERR_FILENO), .shown = zoe__seconds()};
    options.device = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    options.full = zoe_options_flag(o, "full");
    options.list = zoe_options_flag(o, "list");
    options.only = zoe_options_text(o, "only");
    options.test = zoe_options_text(o, "case");
    options.net = cli->arg_count ? cli->args[0] : NULL;
    options.batch = (int)zoe_options_int(o, "batch");
    zoe_options_size(o, "size", &options.width, &options.height);
    options.progress = progress;
    options.stop = stop;
    options.user = &d;
    if (!options.net && (options.batch || options.width))
        return zoe__fail(cli->context, ZOE_USAGE, "--batch and --size go with a network: zoe selftest NET");
    catch_signals();
    const zoe_status status = zoe_selftest(cli->context, &options, &result);
    if (d.open) fputc('\n', stderr);
    if (!result.json) return status;
    zoe_status printed = ZOE_OK;
    if (cli->json)
        printed = zoe__cli_print_json(cli, json_loads(result.json, 0, NULL));
    else
        fputs(result.text, stdout);
    zoe_selftest_result_free(&result);
    return status != ZOE_OK ? status : printed;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "full", .type = ZOE_OPTION_FLAG, .help = "all shapes and parameters, not one of each"},
    {.name = "list", .type = ZOE_OPTION_FLAG, .help = "only name the kernel variants that --full runs, one a line"},
    {.name = "only", .type = ZOE_OPTION_TEXT, .value = "VARIANT", .help = "one kernel variant, as --list names it"},
    {.name = "case", .type = ZOE_OPTION_TEXT, .value = "CASE", .help = "one case, as a failure names it"},
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "pictures",
     .help = "of a network; none: 2"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 1, .high = 8192, .unit = "pixels",
     .help = "of a network's input; none: what it was made for"},
    ZOE__OPTION_DEVICE,
    ZOE__OPTION_FAMILY,
    ZOE__OPTION_STORAGE,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_selftest = {
    .name = "selftest",
    .summary = "test the kernels on a device against their definitions",
    .usage = "[NET|RUN] [--full] [--list] [options]",
    .examples = "zoe selftest                             # each kernel variant once\n"
                "zoe selftest --full --device intel-cpu   # all shapes and parameters\n"
                "zoe selftest resnet18                    # how exact is each algorithm on each layer?\n",
    .notes =
        "Each variant runs three times, on memory full of NaN, and is compared with the plain-C definition in\n"
        "double; the bits must be the same each time. A variant that fails is put into quarantine, in a file that\n"
        "the output names: from then on the next algorithm, or the definition, takes its place. Training and\n"
        "evaluation test by themselves what they need, once for each device, driver and build.\n"
        "Exit code 6 when something is wrong.\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
