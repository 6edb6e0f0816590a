/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of things in a training: options, device, run folder, clips, network, checkpoint, steps, figures. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "graph/graph.h"
#include "train/inspect.h"
#include "train/session.h"

bool zoe__session_stop(const zoe__session *s, zoe_status *status)
{
    if (s->hooks && s->hooks->stop && s->hooks->stop(s->hooks->user))
        *status = ZOE_STOPPED;
    else if (s->loop_steps > 0 && zoe__seconds() >= s->deadline)
        *status = ZOE_TIME; /* after a step there is something to keep */
    else
        return false;
    return true;
}

void zoe__session_tell(zoe__session *s, const zoe_train_progress *progress)
{
    if (s->hooks && s->hooks->progress) s->hooks->progress(progress, s->hooks->user);
}

/* ---- options ---- */

static zoe_status read_schedule(zoe__session *s)
{
    const zoe_options *o = s->options;
    const char *kind = zoe_options_text(o, "schedule");
    zoe_schedule *schedule = &s->schedule;
    *schedule = zoe_schedule_default();
    schedule->kind = !strcmp(kind, "constant") ? ZOE_SCHEDULE_CONSTANT
                     : !strcmp(kind, "step")   ? ZOE_SCHEDULE_STEP
                                               : ZOE_SCHEDULE_COSINE;
    schedule->base = zoe_options_float(o, "lr");
    schedule->warmup = zoe_options_int(o, "warmup");
    schedule->steps = s->steps;
    schedule->gamma = zoe_options_float(o, "gamma");
    ZOE_FAIL_IF(s->context, !(schedule->base > 0), ZOE_CONFIG, "--lr %g: it must be more than 0", schedule->base);
    const size_t count = zoe_options_items(o, "milestones"),
                 room = sizeof schedule->milestones / sizeof schedule->milestones[0];
    ZOE_FAIL_IF(s->context, count > room, ZOE_CONFIG, "--milestones: %zu, at most %zu", count, room);
    for (size_t i = 0; i < room; i++)
        schedule->milestones[i] = i < count ? zoe_options_item_int(o, "milestones", i) : 0;
    for (size_t i = 1; i < count; i++)
        ZOE_FAIL_IF(s->context, schedule->milestones[i] <= schedule->milestones[i - 1], ZOE_CONFIG,
                    "--milestones %s: not ascending", zoe_options_text(o, "milestones"));
    return ZOE_OK;
}

static zoe_status read_options(zoe__session *s)
{
    const zoe_options *o = s->options;
    s->seed = (uint64_t)zoe_options_int(o, "seed");
    s->steps = zoe_options_int(o, "steps");
    s->batch = (int)zoe_options_int(o, "batch");
    s->micro = (int)zoe_options_int(o, "micro");
    s->deadline = zoe_options_text(o, "time") ? s->started + zoe_options_float(o, "time") : INFINITY;
    ZOE_FAIL_IF(s->context, s->batch % s->micro, ZOE_CONFIG, "--batch %d: not a multiple of --micro %d", s->batch,
                s->micro);
    const bool resume = zoe_options_flag(o, "resume"), force = zoe_options_flag(o, "force");
    ZOE_FAIL_IF(s->context, resume && force, ZOE_USAGE, "--resume and --force: only one of them");
    ZOE_FAIL_IF(s->context, !zoe_options_text(o, "out") && !zoe_options_flag(o, "dry-run"), ZOE_USAGE,
                "--out RUN is missing: the folder to make");
    s->backbone = zoe_backbone_find(s->context, zoe_options_text(o, "net"));
    if (!s->backbone) return ZOE_USAGE;
    return read_schedule(s);
}

static zoe_optimizer_options read_optimizer(const zoe_options *o)
{
    zoe_optimizer_options optimizer = zoe_optimizer_options_default();
    optimizer.name = zoe_options_text(o, "optimizer");
    optimizer.momentum = (float)zoe_options_float(o, "momentum");
    optimizer.nesterov = zoe_options_flag(o, "nesterov");
    optimizer.weight_decay = (float)zoe_options_float(o, "weight-decay");
    return optimizer;
}

static zoe_status check_paths(zoe__session *s, const char *const *clips, size_t count)
{
    struct stat info;
    ZOE_FAIL_IF(s->context, count == 0, ZOE_USAGE, "CLIPS are missing: files, folders, a list *.txt or a pack");
    for (size_t i = 0; i < count; i++)
        ZOE_FAIL_IF(s->context, stat(clips[i], &info) < 0, ZOE_DATA, "%s: %s", clips[i], strerror(errno));
    const char *labels = zoe_options_text(s->options, "labels");
    ZOE_FAIL_IF(s->context, labels && stat(labels, &info) < 0, ZOE_DATA, "--labels %s: %s", labels, strerror(errno));
    return ZOE_OK;
}

/* ---- clips ---- */

static bool index_progress(const zoe_index_event *event, void *user)
{
    zoe__session *s = user;
    zoe_status ignored;
    zoe__session_tell(s, &(zoe_train_progress){.stage = "index",
                                               .done = event->done,
                                               .total = event->total,
                                               .loss = NAN,
                                               .accuracy = NAN,
                                               .eta = NAN,
                                               .skipped = event->skipped});
    if (event->reason) zoe__log(s->context, ZOE_LOG_WARN, "skipped: %s: %s", event->file, event->reason);
    return !zoe__session_stop(s, &ignored);
}

static json_t *hashes(const zoe__dataset *dataset, zoe_split split)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dataset->count[split]; i++)
        json_array_append_new(list, json_string(zoe_pack_clip(dataset->pack, dataset->clips[split][i])->sha256));
    return list;
}

/* Which clips were trained on: evaluations leave them out. */
static zoe_status write_split(zoe__session *s)
{
    return zoe__run_write_json(&s->run, "split.json",
                               json_pack("{s:s, s:o, s:o}", "sha256", s->dataset.sha256, "train",
                                         hashes(&s->dataset, ZOE_SPLIT_TRAIN), "held_out",
                                         s->dataset.held_out ? hashes(&s->dataset, ZOE_SPLIT_HELD_OUT) : json_array()));
}

static void count_clips(zoe__session *s)
{
    zoe_train_result *r = s->result;
    r->held_out = s->dataset.held_out;
    r->clips = s->task.usable[0];
    r->held_out_clips = s->dataset.held_out ? s->task.usable[1] : 0;
    r->skipped_files = s->dataset.skipped;
    r->short_clips = s->dataset.count[0] - s->task.usable[0];
    if (s->dataset.held_out) r->short_clips += s->dataset.count[1] - s->task.usable[1];
}

static zoe_status open_clips(zoe__session *s, const char *const *clips, size_t count)
{
    char folder[ZOE__PATH];
    ZOE_FAIL_IF(s->context, !zoe__run_path(&s->run, folder, "pack"), ZOE_DISK, "%s: path too long", s->run.path);
    zoe_status status = zoe__dataset_open(&s->dataset, s->context, clips, count, folder, s->options, index_progress, s);
    zoe_status why;
    if (status == ZOE_STOPPED && zoe__session_stop(s, &why)) {
        zoe_context_clear(s->context);
        return zoe__fail(s->context, why, "%s while reading the clips; --resume goes on", zoe_status_text(why));
    }
    ZOE_TRY(status);
    ZOE_TRY(zoe__dataset_split(&s->dataset, s->context, s->options));
    const zoe_task_clips by_split = {.clips = {s->dataset.clips[0], s->dataset.clips[1]},
                                     .count = {s->dataset.count[0], s->dataset.count[1]}};
    ZOE_TRY(zoe_task_open(&s->task, s->context, s->kind, s->options, s->backbone, s->dataset.pack, &by_split));
    count_clips(s);
    if (s->result->short_clips)
        zoe__log(s->context, ZOE_LOG_WARN, "skipped: %zu of %zu clips are too short for one tuple",
                 s->result->short_clips, zoe_pack_clips(s->dataset.pack));
    return ZOE_OK;
}

/* ---- network ---- */

zoe_status zoe__session_plan(zoe__session *s, zoe__replica *replica, bool dry)
{
    const ptrdiff_t number = replica - s->replica;
    zoe_plan_options plan = zoe_plan_options_default();
    plan.training = true;
    plan.micro_batches = s->micro;
    plan.conv = zoe_options_text(s->options, "conv");
    plan.linear = zoe_options_text(s->options, "linear");
    plan.exact = zoe_options_flag(s->options, "exact");
    plan.fuse = !zoe_options_flag(s->options, "no-fuse");
    plan.optimizer = read_optimizer(s->options);
    plan.seed = s->seed + ((uint64_t)number << 56); /* shares differ in what dropout leaves out */
    plan.gradients_only = number > 0;
    plan.dry = dry;
    ZOE_TRY(zoe_store_new(&replica->store, s->context, replica->device, s->seed));
    ZOE_TRY(zoe_graph_new(&replica->graph, s->context));
    s->kind->build(&s->task, replica->graph, replica->windows, ZOE_SPLIT_TRAIN, &replica->values);
    ZOE_TRY(zoe_graph_status(replica->graph));
    return zoe_plan_new(&replica->plan, replica->graph, replica->store, &plan);
}

/* Batch norm sees a micro-batch of one device only; nothing else looks at more than one picture, but for the loss,
 * which is a mean.
 */
static bool looks_across_pictures(const zoe__session *s)
{
    const zoe_graph *graph = s->replica[0].graph;
    for (size_t n = 0; n < zoe__graph_nodes(graph); n++)
        if (!strcmp(zoe__graph_node_const(graph, n)->op->name, "batch_norm")) return true;
    return false;
}

/* --max-memory: the fewest micro-batches that fit. The plan makes workspaces smaller by itself. */
static zoe_status choose_micro(zoe__session *s)
{
    const int wanted = s->micro;
    zoe_status status = ZOE_OK;
    if (!zoe_options_text(s->options, "max-memory")) return ZOE_OK;
    for (; s->micro <= s->batch / s->replicas; s->micro++) {
        if (s->batch % s->micro) continue;
        zoe_context_clear(s->context);
        status = zoe__replicas_share(s, true);
        if (status == ZOE_OK) status = zoe__replicas_plan(s, true);
        if (status != ZOE_DEVICE_MEMORY) break;
        zoe__replicas_free_networks(s);
    }
    if (status == ZOE_DEVICE_MEMORY) {
        char text[512];
        zoe__format(text, sizeof text, "%s", zoe_context_error(s->context));
        zoe_context_clear(s->context);
        zoe__fail(s->context, status, "--max-memory %s is too little for one window at a time: %s",
                  zoe_options_text(s->options, "max-memory"), text);
    }
    if (status == ZOE_OK && s->micro > wanted)
        zoe__log(s->context, ZOE_LOG_INFO, "--max-memory %s: %d micro-batches of %d windows%s",
                 zoe_options_text(s->options, "max-memory"), s->micro, s->batch / s->micro,
                 looks_across_pictures(s) ? "; batch norm takes the figures of each micro-batch by itself" : "");
    zoe__replicas_free_networks(s);
    return status;
}

static zoe_status take_peak(zoe__session *s)
{
    zoe_plan_holder *list;
    size_t count;
    zoe_train_result *r = s->result;
    ZOE_TRY(zoe_plan_peak(s->replica[0].plan, &list, &count));
    const zoe_status status = zoe__calloc(s->context, &r->peak, count, sizeof *r->peak);
    for (; status == ZOE_OK && r->peak_count < count; r->peak_count++) {
        zoe_train_holder *to = &r->peak[r->peak_count];
        zoe__format(to->what, sizeof to->what, "%s", list[r->peak_count].what);
        zoe__format(to->name, sizeof to->name, "%s", list[r->peak_count].name);
        to->bytes = list[r->peak_count].bytes;
    }
    free(list);
    return status;
}

void zoe_train_result_clear(zoe_train_result *result)
{
    free(result->peak);
    result->peak = NULL;
    result->peak_count = 0;
}

static void take_share(zoe__session *s, const zoe__replica *replica)
{
    zoe_train_result *r = s->result;
    const zoe_plan *plan = replica->plan;
    zoe_train_share *share = &r->shares[r->share_count++];
    share->windows = replica->windows;
    share->peak_bytes = zoe_plan_get_memory(plan).peak_bytes;
    zoe__format(share->device, sizeof share->device, "%s", replica->id);
    for (size_t i = 0; i < zoe_plan_launches(plan); i++) {
        const zoe_launch_info launch = zoe_plan_launch(plan, i);
        const bool once = !strcmp(launch.pass, "update") || !strcmp(launch.pass, "prepare");
        r->flops += launch.flops * (once ? 1 : s->micro);
    }
}

static zoe_status make_plan(zoe__session *s, bool dry)
{
    ZOE_TRY(choose_micro(s));
    ZOE_TRY(zoe__replicas_share(s, dry));
    ZOE_TRY(zoe__replicas_plan(s, dry));
    const zoe_plan_memory memory = zoe_plan_get_memory(s->replica[0].plan);
    zoe_train_result *r = s->result;
    r->parameters = zoe_graph_parameters(s->replica[0].graph);
    r->arena_bytes = memory.arena_bytes;
    r->unshared_bytes = memory.unshared_bytes;
    r->input_bytes = memory.input_bytes;
    r->parameter_bytes = memory.parameter_bytes;
    r->peak_bytes = memory.peak_bytes;
    r->micro_batches = s->micro;
    r->tuples_per_step = s->batch * s->task.tuples[ZOE_SPLIT_TRAIN];
    r->images_per_step = s->batch * s->task.frames[ZOE_SPLIT_TRAIN];
    for (int i = 0; i < s->replicas; i++) take_share(s, &s->replica[i]);
    return take_peak(s);
}

static json_t *devices(const zoe__session *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->replicas; i++) {
        const zoe_device_info *device = zoe_device_get_info(s->replica[i].device);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:i}", "device", device->id, "name", device->name,
                                              "driver", device->driver, "family", zoe_family_name(device->family),
                                              "windows", s->replica[i].windows));
    }
    return list;
}

static json_t *start_line(const zoe__session *s)
{
    const zoe_device_info *device = zoe_device_get_info(s->replica[0].device);
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i, s:o}", "event",
                     s->run.fresh ? "start" : "resume", "version", ZOE_VERSION, "step", (json_int_t)s->step, "device",
                     s->result->device, "name", device->name, "driver", device->driver, "family",
                     zoe_family_name(device->family), "clips", (json_int_t)s->task.usable[0], "held_out_clips",
                     (json_int_t)s->result->held_out_clips, "skipped_files", (json_int_t)s->dataset.skipped,
                     "short_clips", (json_int_t)s->result->short_clips, "parameters", (json_int_t)s->result->parameters,
                     "micro_batches", s->micro, "devices", devices(s));
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static zoe_status write_result(zoe__session *s)
{
    const zoe_train_result *r = s->result;
    json_t *value = json_pack(
        "{s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "steps", (json_int_t)r->steps, "held_out",
        (int)r->held_out, "loss", number(r->loss), "accuracy", number(r->accuracy), "balanced_accuracy",
        number(r->balanced_accuracy), "auc", number(r->auc), "pixel_rule_auc", number(r->pixel_rule_auc), "train_loss",
        number(r->train_loss), "samples_per_s", number(r->samples_per_s), "data_wait", number(r->data_wait), "seconds",
        number(r->seconds), "device", r->device, "weights_sha256", r->weights_sha256);
    return zoe__run_write_json(&s->run, "result.json", value);
}

/* ---- the session ---- */

static zoe_status train(zoe__session *s, const char *const *clips, size_t count)
{
    ZOE_TRY(open_clips(s, clips, count));
    ZOE_TRY(zoe__tuned_restore(s));
    ZOE_TRY(zoe__session_read_ahead(s));
    ZOE_TRY(make_plan(s, false));
    ZOE_TRY(zoe__tuned_record(s));
    ZOE_TRY(write_split(s));
    ZOE_TRY(zoe__session_restore(s));
    ZOE_TRY(zoe__run_started(&s->run));
    ZOE_TRY(zoe__run_log(&s->run, start_line(s)));
    ZOE_TRY(zoe__session_run(s));
    return write_result(s);
}

/* Errors that were there before the first step and will be there again: the folder they left is of no use. */
static bool is_hopeless(const zoe__session *s, zoe_status status)
{
    const bool early = s->step == 0 && s->loop_steps == 0;
    return early && (status == ZOE_USAGE || status == ZOE_CONFIG || status == ZOE_SHAPE || status == ZOE_UNSUPPORTED ||
                     status == ZOE_DATA || status == ZOE_DEVICE_MEMORY || status == ZOE_BUILD);
}

static void close_session(zoe__session *s, zoe_status status)
{
    zoe__loader_free(&s->loader);
    zoe__replicas_free_networks(s);
    zoe_checkpoint_free(&s->good);
    zoe_task_close(&s->task);
    zoe__dataset_close(&s->dataset);
    zoe__run_close(&s->run, is_hopeless(s, status));
    zoe__replicas_close(s);
}

/* Only plans. A pack is looked at; files are not read, so that nothing is known about their clips. */
static zoe_status dry_run(zoe__session *s, const char *const *clips, size_t count)
{
    zoe_task_clips by_split = {0};
    if (count == 1 && zoe_pack_is(clips[0])) {
        ZOE_TRY(zoe__dataset_open(&s->dataset, s->context, clips, 1, "", s->options, NULL, NULL));
        ZOE_TRY(zoe__dataset_split(&s->dataset, s->context, s->options));
        by_split = (zoe_task_clips){.clips = {s->dataset.clips[0], s->dataset.clips[1]},
                                    .count = {s->dataset.count[0], s->dataset.count[1]}};
    }
    ZOE_TRY(zoe_task_open(&s->task, s->context, s->kind, s->options, s->backbone, s->dataset.pack, &by_split));
    count_clips(s);
    return make_plan(s, true);
}

static zoe_status set_defaults(zoe_options *options, const zoe_task_kind *kind)
{
    if (!strcmp(zoe_options_text(options, "optimizer"), "sgd")) ZOE_TRY(zoe_options_set_default(options, "lr", "0.1"));
    return kind->set_defaults ? kind->set_defaults(options) : ZOE_OK;
}

zoe_status zoe_train(zoe_context *context, const char *task, const char *const *clips, size_t count,
                     zoe_options *options, const zoe_train_hooks *hooks, zoe_train_result *result)
{
    *result = (zoe_train_result){.loss = NAN,
                                 .accuracy = NAN,
                                 .balanced_accuracy = NAN,
                                 .auc = NAN,
                                 .pixel_rule_auc = NAN,
                                 .train_loss = NAN,
                                 .samples_per_s = NAN,
                                 .data_wait = NAN};
    zoe__session session = {.context = context,
                            .options = options,
                            .hooks = hooks,
                            .result = result,
                            .run = {.lock = -1},
                            .started = zoe__seconds()},
                 *s = &session;
    zoe_status status = ZOE_OK;
    s->kind = zoe_task_find(context, task);
    if (!s->kind) return ZOE_USAGE;
    ZOE_TRY(set_defaults(options, s->kind));
    ZOE_TRY(zoe__dataset_check_options(context, options));
    ZOE_TRY(read_options(s));
    ZOE_TRY(check_paths(s, clips, count));
    ZOE_TRY_OUT(zoe__replicas_open(s));
    if (zoe_options_flag(options, "dry-run")) {
        status = dry_run(s, clips, count);
        goto out;
    }
    const zoe__run_mode mode = zoe_options_flag(options, "resume")  ? ZOE__RUN_RESUME
                               : zoe_options_flag(options, "force") ? ZOE__RUN_FORCE
                                                                    : ZOE__RUN_NEW;
    ZOE_TRY_OUT(
        zoe__run_open(&s->run, context, zoe_options_text(options, "out"), mode, s->kind->name, clips, count, options));
    status = train(s, clips, count);
out:
    close_session(s, status);
    return status;
}

/* ---- looking at a run ---- */

static zoe_status inspect(zoe__session *s, const json_t *run, zoe_options *options, const zoe_device_options *device)
{
    const zoe_task_clips none = {0};
    zoe_device_options wanted = *device;
    const char *task = json_string_value(json_object_get(run, "task"));
    s->kind = zoe_task_find(s->context, task ? task : "");
    if (!s->kind) return ZOE_DATA;
    ZOE_TRY(zoe_train_options(options, s->context, task));
    ZOE_TRY(zoe__run_apply_options(run, options));
    ZOE_TRY(read_options(s));
    if (!wanted.name) wanted.name = zoe_options_item(options, "device", 0);
    if (!wanted.family) wanted.family = zoe_options_text(options, "family");
    if (!wanted.storage || !strcmp(wanted.storage, "fp32")) wanted.storage = zoe_options_text(options, "storage");
    wanted.max_memory = (uint64_t)zoe_options_float(options, "max-memory");
    if (!wanted.tuning && zoe_options_flag(options, "no-tuning")) wanted.tuning = "off";
    ZOE_TRY(zoe_device_open(&s->replica[0].device, s->context, &wanted));
    ZOE_TRY(zoe_task_open(&s->task, s->context, s->kind, options, s->backbone, NULL, &none));
    return make_plan(s, true);
}

zoe_status zoe__train_inspect(zoe_context *context, const char *run, const zoe_device_options *device,
                              zoe__inspect_function *fn, void *user)
{
    zoe_train_result result = {0};
    zoe_options *options = NULL;
    json_t *run_options = NULL;
    zoe__session s = {.context = context, .result = &result, .replicas = 1, .run = {.lock = -1}};
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe_options_new(&options, context));
    s.options = options;
    ZOE_TRY_OUT(zoe__run_read_options(context, run, &run_options));
    ZOE_TRY_OUT(inspect(&s, run_options, options, device));
    status = fn(s.replica[0].plan, zoe_device_get_info(s.replica[0].device), user);
out:
    zoe_train_result_clear(&result);
    close_session(&s, ZOE_OK);
    json_decref(run_options);
    zoe_options_free(&options);
    return status;
}
