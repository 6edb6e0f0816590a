/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe tune`: what is fastest on this device, found out once. With --worker it is its own child process. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zoe/tune.h>

#include "cli/cli.h"
#include "core/child.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = number;
}

/* Whatever was measured is written down already: a signal loses the candidate at hand. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

static bool stop(void *user)
{
    (void)user;
    return stop_wanted != 0;
}

typedef struct display {
    bool terminal;
    double shown; /* zoe__seconds() of the last line */
    size_t item;
    bool open; /* a line without its end stands on the terminal */
} display;

static void end_line(display *d)
{
    if (d->open) fputc('\n', stderr);
    d->open = false;
}

static void progress(const zoe_tune_progress *p, void *user)
{
    display *d = user;
    const double now = zoe__seconds(), least = d->terminal ? 0.1 : 5;
    if (p->item == d->item && now - d->shown < least) return;
    d->shown = now;
    d->item = p->item;
    fprintf(stderr,
            d->terminal ? "\r%zu/%zu %s: candidate %zu/%zu, %.0f of %.0f s, %zu failed\033[K"
                        : "%zu/%zu %s: candidate %zu/%zu, %.0f of %.0f s, %zu failed\n",
            p->item, p->items, p->what, p->candidate, p->candidates, p->seconds, p->time, p->failed);
    d->open = d->terminal;
}

static void log_line(zoe_log_level level, const char *line, void *user)
{
    if (level == ZOE_LOG_DEBUG && !getenv("ZOE_DEBUG")) return;
    end_line(user);
    fprintf(stderr, "zoe: %s\n", line);
}

static zoe_status print(zoe__cli *cli, zoe_tune_result *result)
{
    zoe_status status = ZOE_OK;
    if (cli->json)
        status = zoe__cli_print_json(cli, json_loads(result->json, 0, NULL));
    else
        fputs(result->text, stdout);
    zoe_tune_result_free(result);
    return status;
}

static zoe_status run_tuner(zoe__cli *cli)
{
    const zoe_options *o = cli->options;
    const char *words[12] = {ZOE__CHILD_SELF, "tune", "--worker"};
    size_t count = 3;
    zoe_tune_options options = zoe_tune_options_default();
    zoe_tune_result result;
    display d = {.terminal = isatty(STDERR_FILENO)};
    options.device = zoe_options_text(o, "device");
    options.family = zoe_options_text(o, "family");
    options.storage = zoe_options_text(o, "storage");
    if (options.device) {
        words[count++] = "--device";
        words[count++] = options.device;
    }
    if (options.family) {
        words[count++] = "--family";
        words[count++] = options.family;
    }
    words[count++] = "--storage";
    words[count++] = options.storage;
    options.worker = words;
    options.batch = (int)zoe_options_int(o, "batch");
    zoe_options_size(o, "size", &options.width, &options.height);
    options.time = zoe_options_float(o, "time");
    options.limit = zoe_options_float(o, "candidate-time");
    options.again = zoe_options_flag(o, "again");
    options.gemm = !zoe_options_flag(o, "no-clblast");
    options.database = zoe_options_text(o, "database");
    options.progress = progress;
    options.stop = stop;
    options.user = &d;
    catch_signals();
    zoe_context_set_log(cli->context, log_line, &d);
    zoe_status status = zoe_tune(cli->context, cli->args[0], &options, &result);
    end_line(&d);
    zoe_context_set_log(cli->context, NULL, NULL);
    if (!result.json) return status;
    if (!cli->json) {
        json_t *value = json_loads(result.json, 0, NULL);
        const json_t *failed = json_object_get(value, "failed");
        printf("%s, %s: %lld candidates measured, %lld known before; %lld crashed, %lld too slow, %lld wrong, %lld "
               "refused; %s\n",
               json_string_value(json_object_get(value, "id")), json_string_value(json_object_get(value, "net")),
               json_integer_value(json_object_get(value, "measured")),
               json_integer_value(json_object_get(value, "remembered")),
               json_integer_value(json_object_get(failed, "crashed")),
               json_integer_value(json_object_get(failed, "too_slow")),
               json_integer_value(json_object_get(failed, "wrong")),
               json_integer_value(json_object_get(failed, "refused")),
               json_is_true(json_object_get(value, "complete")) ? "complete" : "cut short: the same command goes on");
        json_decref(value);
    }
    const zoe_status printed = print(cli, &result);
    return status != ZOE_OK ? status : printed;
}

static zoe_status run_files(zoe__cli *cli)
{
    const zoe_options *o = cli->options;
    const char *database = zoe_options_text(o, "database");
    const char *to = zoe_options_text(o, "export"), *from = zoe_options_text(o, "import");
    zoe_tune_result result;
    size_t rows = 0;
    if (from) ZOE_TRY(zoe_tune_import(cli->context, database, from, &rows));
    if (to) ZOE_TRY(zoe_tune_export(cli->context, database, to, &rows));
    if (zoe_options_flag(o, "show")) {
        ZOE_TRY(zoe_tune_show(cli->context, database, &result));
        return print(cli, &result);
    }
    if (cli->json)
        return zoe__cli_print_json(
            cli, json_pack("{s:o, s:I}", "file", zoe__cli_text(to ? to : from), "rows", (json_int_t)rows));
    printf("%s: %zu rows\n", to ? to : from, rows);
    return ZOE_OK;
}

static zoe_status run(zoe__cli *cli)
{
    const zoe_options *o = cli->options;
    const bool files = zoe_options_text(o, "export") || zoe_options_text(o, "import") || zoe_options_flag(o, "show");
    if (zoe_options_flag(o, "worker"))
        return zoe_tune_worker(cli->context, zoe_options_text(o, "device"), zoe_options_text(o, "family"),
                               zoe_options_text(o, "storage"), STDIN_FILENO, STDOUT_FILENO);
    if (files && cli->arg_count)
        return zoe__fail(cli->context, ZOE_USAGE,
                         "--show, --export and --import stand alone: '%s' is one word too many", cli->args[0]);
    ZOE_FAIL_IF(cli->context, !files && cli->arg_count != 1, ZOE_USAGE,
                "a network or a run is missing; usage: zoe tune %s", cli->verb->usage);
    return files ? run_files(cli) : run_tuner(cli);
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "batch", .letter = 'b', .type = ZOE_OPTION_INT, .low = 1, .high = 65536, .unit = "pictures",
     .help = "images the layers see at a time; none: 32, a run's own"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 1, .high = 8192, .unit = "pixels",
     .help = "of the input; none: what the network was made for"},
    {.name = "time", .type = ZOE_OPTION_SECONDS, .low = 0.1, .high = 1e7, .value = "TIME", .fallback = "5m",
     .help = "for everything; the most arithmetic comes first"},
    {.name = "candidate-time", .type = ZOE_OPTION_SECONDS, .low = 0.1, .high = 1e6, .value = "TIME", .fallback = "60",
     .help = "for one candidate with its compilation; a longer one is given up"},
    {.name = "again", .type = ZOE_OPTION_FLAG, .help = "measure also what was measured before"},
    {.name = "no-clblast", .type = ZOE_OPTION_FLAG, .help = "leave CLBlast's own parameters alone"},
    {.name = "database", .type = ZOE_OPTION_TEXT, .value = "FILE", .help = "another database than the user's"},
    {.name = "export", .type = ZOE_OPTION_TEXT, .value = "FILE", .help = "write all rows of the database as JSON"},
    {.name = "import", .type = ZOE_OPTION_TEXT, .value = "FILE",
     .help = "take up the rows of such a file; of two rows of one key the later stays"},
    {.name = "show", .type = ZOE_OPTION_FLAG, .help = "print the rows of the database"},
    {.name = "worker", .type = ZOE_OPTION_FLAG, .help = "the tuner's child process", .flags = ZOE_OPTION_HIDDEN},
    ZOE__OPTION_DEVICE,
    ZOE__OPTION_FAMILY,
    ZOE__OPTION_STORAGE,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_tune = {
    .name = "tune",
    .summary = "find the fastest algorithms for a network on a device",
    .usage = "NET|RUN [options] | --show | --export FILE | --import FILE",
    .examples = "zoe tune resnet18 --batch 16 --size 112x112 --time 3m\n"
                "zoe tune run                                    # the layers of a run at its batch\n"
                "zoe tune --show\n"
                "zoe tune --export here.json; zoe tune --import there.json\n",
    .notes =
        "Each algorithm, with each of its parameters, is timed on each layer's shape, forward and both backward\n"
        "directions, in a child process: what crashes, hangs or gives wrong numbers costs its candidate only. The\n"
        "winners stand in a database that every later training, evaluation and benchmark on this device reads; for\n"
        "other shapes the nearest row counts. --no-tuning of those verbs leaves it out. A stopped tuner is gone on\n"
        "with by the same command. Exit codes: 5 no device, or it is gone; 7 the database cannot be written;\n"
        "8 stopped. docs/tuning.md has the whole story.\n",
    .options = options,
    .max_args = 1,
    .run = run,
};
