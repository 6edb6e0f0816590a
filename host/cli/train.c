/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe train`: the trainer with a progress line and signals. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <zoe/task.h>
#include <zoe/train.h>

#include "cli/cli.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = number;
}

/* The first SIGINT or SIGTERM asks for a checkpoint and an end; a second SIGINT ends at once. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGTERM, &action, NULL);
}

static bool stop(void *user)
{
    (void)user;
    return stop_wanted != 0;
}

/* ---- the progress line ---- */

static void duration(char *out, size_t size, double seconds)
{
    const long s = seconds < 1e8 ? (long)seconds : 0;
    if (!isfinite(seconds) || seconds >= 1e8)
        zoe__format(out, size, "?");
    else if (s >= 3600)
        zoe__format(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        zoe__format(out, size, "%ld:%02ld", s / 60, s % 60);
}

static void describe(char *line, size_t size, const zoe_train_progress *p)
{
    char eta[24];
    duration(eta, sizeof eta, p->eta);
    if (!strcmp(p->stage, "train"))
        zoe__format(
            line, size,
            "epoch %lld  step %zu/%zu  loss %.4f  accuracy %.3f  %.0f samples/s  waiting for data %.0f %%  ETA %s  "
            "skipped %zu",
            (long long)p->epoch, p->done, p->total, p->loss, p->accuracy, p->samples_per_s, 100 * p->data_wait, eta,
            p->skipped);
    else if (!strcmp(p->stage, "index"))
        zoe__format(line, size, "reading clips: %zu of %zu  skipped %zu", p->done, p->total, p->skipped);
    else
        zoe__format(line, size, "measuring: %zu of %zu tuples", p->done, p->total);
}

static void progress(const zoe_train_progress *p, void *user)
{
    char line[256], *stage = user; /* [16]: of the last line */
    const bool new_stage = strcmp(stage, p->stage) != 0, last = p->done == p->total;
    if (!zoe__cli_line_due(new_stage || last)) return;
    if (new_stage) zoe__cli_end_line();
    zoe__format(stage, 16, "%s", p->stage);
    describe(line, sizeof line, p);
    zoe__cli_line(line);
    if (last) zoe__cli_end_line();
}

/* ---- results ---- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *memory_json(const zoe_train_result *r)
{
    json_t *peak = json_array();
    for (size_t i = 0; i < r->peak_count; i++)
        json_array_append_new(peak, json_pack("{s:s, s:s, s:I}", "what", r->peak[i].what, "name", r->peak[i].name,
                                              "bytes", (json_int_t)r->peak[i].bytes));
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "peak_bytes", (json_int_t)r->peak_bytes, "arena_bytes",
                     (json_int_t)r->arena_bytes, "unshared_bytes", (json_int_t)r->unshared_bytes, "input_bytes",
                     (json_int_t)r->input_bytes, "parameter_bytes", (json_int_t)r->parameter_bytes, "peak", peak);
}

static json_t *shares_json(const zoe_train_result *r)
{
    json_t *shares = json_array();
    for (int i = 0; i < r->share_count; i++)
        json_array_append_new(shares,
                              json_pack("{s:s, s:i, s:I}", "device", r->shares[i].device, "windows",
                                        r->shares[i].windows, "peak_bytes", (json_int_t)r->shares[i].peak_bytes));
    return shares;
}

static json_t *result_json(const zoe__cli *cli, const zoe_train_result *r, zoe_status status)
{
    json_t *value = json_object();
    const char *run = zoe_options_text(cli->options, "out");
    const struct {
        const char *name;
        double value;
    } figures[] = {{"loss", r->loss},
                   {"accuracy", r->accuracy},
                   {"balanced_accuracy", r->balanced_accuracy},
                   {"auc", r->auc},
                   {"pixel_rule_auc", r->pixel_rule_auc},
                   {"train_loss", r->train_loss},
                   {"data_wait", r->data_wait},
                   {"samples_per_s", r->samples_per_s},
                   {"seconds", r->seconds}};
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"steps", r->steps},
                  {"clips", (int64_t)r->clips},
                  {"held_out_clips", (int64_t)r->held_out_clips},
                  {"skipped_files", (int64_t)r->skipped_files},
                  {"short_clips", (int64_t)r->short_clips},
                  {"bad_clips", (int64_t)r->bad_clips},
                  {"parameters", (int64_t)r->parameters},
                  {"tuples_per_step", r->tuples_per_step},
                  {"micro_batches", r->micro_batches}};
    json_object_set_new(value, "run", run ? zoe__cli_text(run) : json_null());
    json_object_set_new(value, "status", json_string(zoe_status_text(status)));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(value, counts[i].name, json_integer(counts[i].value));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        json_object_set_new(value, figures[i].name, number(figures[i].value));
    json_object_set_new(value, "held_out", json_boolean(r->held_out));
    json_object_set_new(value, "flops_per_step", json_real(r->flops));
    json_object_set_new(value, "memory", memory_json(r));
    json_object_set_new(value, "device", json_string(r->device));
    json_object_set_new(value, "devices", shares_json(r));
    json_object_set_new(value, "weights_sha256", r->weights_sha256[0] ? json_string(r->weights_sha256) : json_null());
    return value;
}

static const double MIB = 1024 * 1024;

/* The largest parts of the memory, and the rest in one line. */
static void print_peak(const zoe_train_result *r)
{
    enum { SHOWN = 15 };
    double rest = 0;
    printf("memory        %.1f MiB (%zu bytes)%s where it is fullest: %.1f of activations and workspaces (%.1f without "
           "sharing), %.1f of inputs, %.1f of parameters and their state\n",
           (double)r->peak_bytes / MIB, r->peak_bytes, r->share_count > 1 ? " on the first device" : "",
           (double)r->arena_bytes / MIB, (double)r->unshared_bytes / MIB, (double)r->input_bytes / MIB,
           (double)r->parameter_bytes / MIB);
    for (size_t i = 0; i < r->peak_count; i++) {
        const zoe_train_holder *h = &r->peak[i];
        if (i < SHOWN)
            printf("%12.2f  %s%s%s\n", (double)h->bytes / MIB, h->what, h->name[0] ? " " : "", h->name);
        else
            rest += (double)h->bytes;
    }
    if (rest > 0) printf("%12.2f  %zu others\n", rest / MIB, r->peak_count - SHOWN);
}

static void print_dry(const zoe__cli *cli, const zoe_train_result *r)
{
    printf("network       %s, %zu parameters\n", zoe_options_text(cli->options, "net"), r->parameters);
    printf("device        %s\n", r->device);
    if (r->clips || r->short_clips)
        printf("clips         %zu long enough, %zu too short\n", r->clips, r->short_clips);
    else
        printf("clips         not read (those of a pack are counted)\n");
    printf("step          %d tuples in %d micro-batch%s, %.3g GFLOP\n", r->tuples_per_step, r->micro_batches,
           r->micro_batches == 1 ? "" : "es", r->flops / 1e9);
    printf("steps         %lld\n", (long long)zoe_options_int(cli->options, "steps"));
    for (int i = 0; i < r->share_count && r->share_count > 1; i++)
        printf("share         %d windows of each micro-batch and %.1f MiB on %s\n", r->shares[i].windows,
               (double)r->shares[i].peak_bytes / MIB, r->shares[i].device);
    print_peak(r);
}

static void print_result(const zoe__cli *cli, const zoe_train_result *r)
{
    const char *run = zoe_options_text(cli->options, "out");
    printf("run                 %s, %lld steps in %.1f s on %s (%.0f samples/s, %.0f %% of it waiting for data)\n", run,
           (long long)r->steps, r->seconds, r->device, isfinite(r->samples_per_s) ? r->samples_per_s : 0,
           isfinite(r->data_wait) ? 100 * r->data_wait : 0);
    printf("clips               %zu trained on, %zu held out, %zu too short, %zu files skipped\n", r->clips,
           r->held_out_clips, r->short_clips, r->skipped_files);
    printf("figures             of %s clips\n", r->held_out ? "held-out" : "the training");
    printf("loss                %.4f\naccuracy            %.4f\nbalanced accuracy   %.4f (chance 0.5)\n", r->loss,
           r->accuracy, r->balanced_accuracy);
    printf("AUC                 %.4f (chance 0.5", r->auc);
    if (isfinite(r->pixel_rule_auc)) printf("; the pixel rule %.4f", r->pixel_rule_auc);
    printf(")\n");
    printf("weights SHA-256     %s\n", r->weights_sha256);
    const zoe_task_kind *kind = zoe_task_find(cli->context, cli->args[0]);
    printf("next: zoe evaluate %s %s CLIPS\n", kind && kind->pairing ? "retrieval" : "neighbours", run);
}

static zoe_status report(zoe__cli *cli, const zoe_train_result *result, zoe_status status)
{
    if (status != ZOE_OK && status != ZOE_STOPPED && status != ZOE_TIME) return status;
    if (cli->json) {
        const zoe_status printed = zoe__cli_print_json(cli, result_json(cli, result, status));
        return status != ZOE_OK ? status : printed;
    }
    if (status == ZOE_OK) (zoe_options_flag(cli->options, "dry-run") ? print_dry : print_result)(cli, result);
    return status;
}

static zoe_status run(zoe__cli *cli)
{
    zoe_train_result result;
    char stage[16] = "";
    const zoe_train_hooks hooks = {.progress = progress, .stop = stop, .user = stage};
    catch_signals();
    zoe_status status =
        zoe_train(cli->context, cli->args[0], cli->args + 1, cli->arg_count - 1, cli->options, &hooks, &result);
    zoe__cli_end_line();
    status = report(cli, &result, status);
    zoe_train_result_clear(&result);
    return status;
}

/* The options depend on the task: the first word that is one. */
static zoe_status extend(zoe__cli *cli)
{
    ZOE_TRY(zoe_options_add(cli->options, zoe_train_option_table()));
    for (size_t i = 0; i < cli->arg_count; i++)
        for (size_t t = 0; zoe_task_at(t); t++)
            if (!strcmp(zoe_task_at(t)->name, cli->args[i]))
                return zoe_options_add(cli->options, zoe_task_at(t)->options);
    if (!cli->help && cli->arg_count && cli->args[0][0] != '-')
        return zoe_task_find(cli->context, cli->args[0]) ? ZOE_OK : ZOE_USAGE;
    for (size_t t = 0; zoe_task_at(t); t++) ZOE_TRY(zoe_options_add(cli->options, zoe_task_at(t)->options));
    return ZOE_OK;
}

static const zoe_option options[] = {ZOE__OPTION_JSON, ZOE__OPTION_END};

const zoe__verb zoe__verb_train = {
    .name = "train",
    .summary = "train a network by a pretext task",
    .usage = "TASK CLIPS... --out RUN [options]",
    .examples = "zoe train shuffle-learn clips --out run                       # learn from a folder of videos\n"
                "zoe train shuffle-learn clips --out run --resume              # go on after a stop or a crash\n"
                "zoe train shuffle-learn pack --out run --holdout 0.2 --json   # figures on clips it never saw\n"
                "zoe train shuffle-learn pack --out run --net resnet18 --batch 16 --dry-run\n",
    .notes = "CLIPS are files, folders, lists (*.txt, one path a line) or a pack made by `zoe index`. SIGINT and "
             "SIGTERM write a\n"
             "checkpoint and end with exit code 8, --time with 10; --resume with the same options goes on and gives "
             "the same bits\n"
             "as if nothing had happened.\n",
    .options = options,
    .min_args = 2,
    .max_args = -1,
    .run = run,
    .extend = extend,
};
