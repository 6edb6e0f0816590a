/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps. A step walks the plan; the host waits once a micro-batch, for its loss. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "graph/graph.h"
#include "train/session.h"

double zoe__session_recent(const zoe__session *s, const double *ring)
{
    const int64_t n = s->recent < ZOE__RECENT ? s->recent : ZOE__RECENT;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ring[i];
    return n ? sum / (double)n : NAN;
}

/* ---- checkpoints ---- */

static char *state_text(const zoe__session *s)
{
    const int64_t windows = s->step * s->batch;
    json_t *state =
        json_pack("{s:I, s:I, s:f, s:s, s:s, s:i}", "epoch", (json_int_t)(windows / (int64_t)s->task.usable[0]),
                  "windows", (json_int_t)windows, "seconds", s->earlier_seconds + s->loop_seconds, "clips_sha256",
                  s->dataset.sha256, "device", s->result->device, "micro_batches", s->micro);
    const zoe_loss_scale scale = zoe_plan_get_loss_scale(s->replica[0].plan);
    if (zoe_device_get_info(s->replica[0].device)->half)
        json_object_set_new(state, "loss_scale",
                            json_pack("[f, i, I]", (double)scale.scale, (int)scale.steps, (json_int_t)scale.skipped));
    char *text = json_dumps(state, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(state);
    return text;
}

static char *options_text(const zoe__session *s)
{
    json_t *run = NULL;
    if (zoe__run_read_options(s->context, s->run.path, &run) != ZOE_OK) return NULL;
    char *text = json_dumps(json_object_get(run, "options"), JSON_COMPACT);
    json_decref(run);
    return text;
}

/* A step can leave weights that are not finite though its loss was: such a state must not push out a good one. */
static zoe_status check_finite(const zoe__session *s, const zoe_checkpoint *checkpoint)
{
    for (size_t i = 0; i < zoe_checkpoint_tensors(checkpoint); i++) {
        const zoe_checkpoint_tensor t = zoe_checkpoint_tensor_at(checkpoint, i);
        for (size_t k = 0; k < t.count; k++)
            ZOE_FAIL_IF(s->context, !isfinite(t.data[k]), ZOE_DIVERGED,
                        "step %lld: '%s' is not finite (a smaller --lr may help); no good checkpoint was overwritten",
                        (long long)s->step, t.name);
    }
    return ZOE_OK;
}

zoe_status zoe__session_keep(zoe__session *s)
{
    const double start = zoe__seconds();
    char *options = options_text(s), *state = state_text(s);
    zoe_checkpoint *checkpoint = NULL;
    zoe_status status = ZOE_OK;
    const zoe_checkpoint_info info = {
        .net = s->backbone->name, .task = s->kind->name, .step = s->step, .options = options, .state = state};
    ZOE_FAIL_IF_OUT(s->context, !state, ZOE_MEMORY, "out of memory: checkpoint");
    ZOE_TRY_OUT(zoe_plan_finish(s->replica[0].plan));
    ZOE_TRY_OUT(zoe_checkpoint_capture(&checkpoint, s->context, s->replica[0].store, s->replica[0].graph, &info));
    ZOE_TRY_OUT(check_finite(s, checkpoint));
    zoe_checkpoint_free(&s->good);
    s->good = checkpoint;
    s->good_recent = s->recent;
    s->good_saved = false;
    checkpoint = NULL;
out:
    s->saving_seconds += zoe__seconds() - start;
    zoe_checkpoint_free(&checkpoint);
    free(options);
    free(state);
    return status;
}

zoe_status zoe__session_save(zoe__session *s, bool last)
{
    char folder[ZOE__PATH];
    ZOE_TRY(zoe__session_keep(s));
    const double start = zoe__seconds();
    ZOE_FAIL_IF(s->context, !zoe__run_path(&s->run, folder, "checkpoints"), ZOE_DISK, "%s: path too long", s->run.path);
    ZOE_TRY(zoe_checkpoint_save(s->good, s->context, folder));
    s->good_saved = true;
    if (last) zoe_checkpoint_weights_sha256(s->good, s->result->weights_sha256);
    s->saving_seconds += zoe__seconds() - start;
    return ZOE_OK;
}

static zoe_status read_state(zoe__session *s, const zoe_checkpoint *checkpoint)
{
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(checkpoint);
    json_t *state = json_loads(info->state, JSON_REJECT_DUPLICATES, NULL);
    const char *clips = json_string_value(json_object_get(state, "clips_sha256"));
    const bool same = clips && !strcmp(clips, s->dataset.sha256);
    const json_t *micro = json_object_get(state, "micro_batches");
    const int before = micro ? (int)json_integer_value(micro) : s->micro;
    s->earlier_seconds = json_number_value(json_object_get(state, "seconds"));
    json_decref(state);
    s->step = info->step;
    ZOE_FAIL_IF(s->context, strcmp(info->net, s->backbone->name), ZOE_CONFIG,
                "%s: a checkpoint of network '%s', this run is of '%s'", zoe_checkpoint_path(checkpoint), info->net,
                s->backbone->name);
    ZOE_FAIL_IF(s->context, !same, ZOE_CONFIG, "%s: --resume, but the clips are not those the run was made with",
                s->run.path);
    ZOE_FAIL_IF(s->context, before != s->micro, ZOE_CONFIG,
                "%s: it was trained in %d micro-batches a step; here --max-memory leads to %d", s->run.path, before,
                s->micro);
    ZOE_FAIL_IF(s->context, s->step > s->steps, ZOE_CONFIG, "%s: it has %lld steps, --steps is %lld",
                zoe_checkpoint_path(checkpoint), (long long)s->step, (long long)s->steps);
    return ZOE_OK;
}

zoe_status zoe__session_restore(zoe__session *s)
{
    char folder[ZOE__PATH], *note = NULL;
    zoe_checkpoint *checkpoint = NULL;
    zoe__run_path(&s->run, folder, "checkpoints");
    if (s->run.fresh || zoe_checkpoint_files(folder) == 0) return ZOE_OK;
    ZOE_TRY(zoe_checkpoint_open(&checkpoint, s->context, folder, &note));
    if (note) {
        zoe__log(s->context, ZOE_LOG_WARN, "%s", note);
        zoe__run_log(&s->run, json_pack("{s:s, s:o}", "event", "fallback", "note", zoe__run_text(note)));
    }
    free(note);
    zoe_status status = read_state(s, checkpoint);
    if (status == ZOE_OK) status = zoe__replicas_restore(s, checkpoint);
    if (status == ZOE_OK) zoe_checkpoint_weights_sha256(checkpoint, s->result->weights_sha256);
    if (status != ZOE_OK) {
        zoe_checkpoint_free(&checkpoint);
        return status;
    }
    zoe__log(s->context, ZOE_LOG_INFO, "resumed at step %lld", (long long)s->step);
    s->good = checkpoint;
    s->good_saved = true;
    return ZOE_OK;
}

/* ---- one step ---- */

typedef struct loop {
    zoe__session *s;
    float *logits;    /* {G*B, classes} of a micro-batch */
    int labels;       /* G*B */
    double saved;     /* zoe__seconds() of the last checkpoint */
    double kept;      /* and of the last copy of the state in memory */
    double keeping;   /* seconds that the copy took */
    zoe__batch *only; /* hooks->one_batch: what every step gets */
} loop;

static int count_right(const loop *l, const int32_t *labels, int count)
{
    const int classes = l->s->task.classes;
    int right = 0;
    for (int i = 0; i < count; i++) {
        const float *row = l->logits + (size_t)i * (size_t)classes;
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (row[c] > row[best]) best = c;
        right += best == labels[i];
    }
    return right;
}

/* Loss and accuracy of a micro-batch: means over the windows of all devices. */
static zoe_status read_micro(loop *l, const zoe__batch *batch, double *loss, double *accuracy)
{
    zoe__session *s = l->s;
    const int tuples = s->task.tuples[ZOE_SPLIT_TRAIN];
    int right = 0;
    *loss = 0;
    for (int i = 0; i < s->replicas; i++) {
        const int32_t *labels;
        const int count = tuples * s->replica[i].windows;
        float value = NAN;
        ZOE_TRY(zoe__replicas_read(s, i, batch, &value, l->logits, &labels));
        *loss += (double)value * ((double)count / l->labels);
        right += count_right(l, labels, count);
    }
    *accuracy = (double)right / l->labels;
    return ZOE_OK;
}

static bool wants_one_batch(const zoe__session *s)
{
    return s->hooks && s->hooks->one_batch;
}

/* Forward and backward of one micro-batch; adds its loss and accuracy. */
static zoe_status micro_step(loop *l, int micro, double *loss, double *accuracy)
{
    zoe__session *s = l->s;
    zoe__batch *batch = l->only;
    double value, right;
    if (!batch) ZOE_TRY(zoe__loader_next(l->s->loader, &batch, &s->waited));
    if (wants_one_batch(s)) l->only = batch;
    ZOE_TRY(zoe__replicas_accumulate(s, batch, micro));
    ZOE_TRY(read_micro(l, batch, &value, &right));
    *loss += value;
    *accuracy += right;
    if (!l->only) zoe__loader_release(l->s->loader);
    ZOE_FAIL_IF(s->context, !isfinite(value), ZOE_DIVERGED,
                "step %lld: the loss is %g (a smaller --lr may help); no good checkpoint was overwritten",
                (long long)s->step, value);
    return ZOE_OK;
}

static zoe_status one_step(loop *l)
{
    zoe__session *s = l->s;
    double loss = 0, accuracy = 0;
    for (int m = 0; m < s->micro; m++) ZOE_TRY(micro_step(l, m, &loss, &accuracy));
    ZOE_TRY(zoe__replicas_update(s, zoe_schedule_lr(&s->schedule, s->step)));
    s->recent_loss[s->recent % ZOE__RECENT] = loss / s->micro;
    s->recent_accuracy[s->recent % ZOE__RECENT] = accuracy / s->micro;
    s->recent++;
    s->step++;
    s->loop_steps++;
    return ZOE_OK;
}

/* ---- telling ---- */

static double samples_per_s(const zoe__session *s)
{
    const double seconds = s->loop_seconds - s->saving_seconds;
    return seconds > 0 ? (double)(s->loop_steps * s->result->tuples_per_step) / seconds : NAN;
}

/* Of kernels whose events were taken, which a launch's next run does. */
static double busy_seconds(const zoe__session *s)
{
    double sum = 0;
    for (int i = 0; i < s->replicas; i++) sum += zoe__device_get_counters(s->replica[i].device)->busy_seconds;
    return s->hooks && s->hooks->profile ? sum / s->replicas : NAN;
}

static void tell(loop *l)
{
    zoe__session *s = l->s;
    const double per_step = s->loop_steps ? s->loop_seconds / (double)s->loop_steps : NAN;
    zoe__session_tell(
        s, &(zoe_train_progress){.stage = "train",
                                 .done = (size_t)s->step,
                                 .total = (size_t)s->steps,
                                 .epoch = s->step * s->batch / (int64_t)s->task.usable[0],
                                 .loss = zoe__session_recent(s, s->recent_loss),
                                 .accuracy = zoe__session_recent(s, s->recent_accuracy),
                                 .lr = zoe_schedule_lr(&s->schedule, s->step - 1),
                                 .samples_per_s = samples_per_s(s),
                                 .data_wait = s->loop_seconds > 0 ? s->waited / s->loop_seconds : 0,
                                 .eta = per_step * (double)(s->steps - s->step),
                                 .skipped = s->dataset.skipped + s->result->short_clips + zoe__loader_bad(l->s->loader),
                                 .seconds = s->loop_seconds,
                                 .waited = s->waited,
                                 .busy = busy_seconds(s)});
}

static zoe_status log_step(loop *l)
{
    zoe__session *s = l->s;
    const int64_t last = (s->recent - 1) % ZOE__RECENT;
    return zoe__run_log(&s->run, json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "step", (json_int_t)s->step,
                                           "epoch", (json_int_t)(s->step * s->batch / (int64_t)s->task.usable[0]),
                                           "loss", s->recent_loss[last], "accuracy", s->recent_accuracy[last], "lr",
                                           zoe_schedule_lr(&s->schedule, s->step - 1), "samples_per_s",
                                           samples_per_s(s), "data_wait", s->waited / s->loop_seconds, "seconds",
                                           s->earlier_seconds + s->loop_seconds));
}

/* ---- the loop ---- */

/* A copy of the state each 10 s, or more seldom where it would cost more than one hundredth of the time: as much is
 * lost at most when the device is. */
static zoe_status keep_now_and_then(loop *l)
{
    enum { SECONDS = 10, SHARE = 100 };
    const double start = zoe__seconds();
    if (start - l->kept < fmax(SECONDS, SHARE * l->keeping)) return ZOE_OK;
    ZOE_TRY(zoe__session_keep(l->s));
    l->kept = zoe__seconds();
    l->keeping = l->kept - start;
    return ZOE_OK;
}

static zoe_status steps(loop *l)
{
    zoe__session *s = l->s;
    const double every = zoe_options_float(s->options, "checkpoint-every"), start = zoe__seconds();
    const int64_t log_every = zoe_options_int(s->options, "log-every");
    l->saved = l->kept = start;
    zoe_status end = ZOE_OK;
    while (s->step < s->steps && !zoe__session_stop(s, &end)) {
        ZOE_TRY(one_step(l));
        s->loop_seconds = zoe__seconds() - start;
        if (s->step % log_every == 0 || s->step == s->steps || s->loop_steps == 1) ZOE_TRY(log_step(l));
        tell(l);
        if (s->step < s->steps && zoe__seconds() - l->saved >= every) {
            ZOE_TRY(zoe__session_save(s, false));
            l->saved = l->kept = zoe__seconds();
        } else if (s->step < s->steps) {
            ZOE_TRY(keep_now_and_then(l));
        }
    }
    if (s->loop_steps > 0 || s->step == 0)
        ZOE_TRY(zoe__session_save(s, true)); /* else the newest checkpoint is of this step */
    s->loop_seconds = zoe__seconds() - start;
    if (end == ZOE_OK) return ZOE_OK;
    zoe__run_log(&s->run, json_pack("{s:s, s:I, s:s}", "event", "stop", "step", (json_int_t)s->step, "reason",
                                    zoe_status_text(end)));
    return zoe__fail(s->context, end, "%s after step %lld of %lld; --resume goes on", zoe_status_text(end),
                     (long long)s->step, (long long)s->steps);
}

static void take_figures(loop *l, zoe_status status)
{
    zoe__session *s = l->s;
    zoe_train_result *r = s->result;
    r->steps = s->step;
    r->train_loss = zoe__session_recent(s, s->recent_loss);
    r->samples_per_s = samples_per_s(s);
    r->data_wait = s->loop_seconds > 0 ? s->waited / s->loop_seconds : NAN;
    r->seconds = s->earlier_seconds + s->loop_seconds;
    if (l->s->loader) r->bad_clips = zoe__loader_bad(l->s->loader);
    if (status == ZOE_OK || status == ZOE_STOPPED || status == ZOE_TIME) return;
    zoe__run_log(&s->run, json_pack("{s:s, s:I, s:o}", "event", "error", "step", (json_int_t)s->step, "text",
                                    zoe__run_text(zoe_context_error(s->context))));
}

/* Past --max-bad the run ends, and what it has learnt so far is kept. */
static zoe_status keep_what_is_there(zoe__session *s, zoe_status status)
{
    if (status != ZOE_BAD_FILES || s->loop_steps == 0) return status;
    char text[512];
    zoe__format(text, sizeof text, "%s", zoe_context_error(s->context));
    zoe_context_clear(s->context);
    ZOE_TRY(zoe__session_save(s, true));
    return zoe__fail(s->context, status, "%s", text);
}

static zoe_status start_loader(zoe__session *s)
{
    const zoe__loader_options options = {.task = &s->task,
                                         .split = ZOE_SPLIT_TRAIN,
                                         .seed = s->seed,
                                         .batch = s->batch / s->micro,
                                         .first = s->step * s->micro,
                                         .count = wants_one_batch(s) ? 1 : (s->steps - s->step) * s->micro,
                                         .epoch = (int64_t)s->task.usable[0],
                                         .workers = (int)zoe_options_int(s->options, "workers"),
                                         .max_bad = zoe_options_float(s->options, "max-bad")};
    return zoe__loader_new(&s->loader, s->context, &options);
}

zoe_status zoe__session_read_ahead(zoe__session *s)
{
    enum { MOST_BYTES = 64 << 20 }; /* of a batch: larger ones wait until the plan has found that there is room */
    const zoe_task *task = &s->task;
    const size_t window = (size_t)task->frames[ZOE_SPLIT_TRAIN] * (size_t)task->width * (size_t)task->height * 3 +
                          (task->listener ? (size_t)task->listener->sound->samples * sizeof(float) : 0);
    const bool small = (size_t)(s->batch / s->micro) <= MOST_BYTES / (window ? window : 1);
    return s->run.fresh && small && !zoe_options_text(s->options, "max-memory") ? start_loader(s) : ZOE_OK;
}

zoe_status zoe__session_loop(zoe__session *s)
{
    loop l = {.s = s, .labels = s->task.tuples[ZOE_SPLIT_TRAIN] * (s->batch / s->micro)};
    zoe_status status = ZOE_OK;
    if (s->step < s->steps) {
        ZOE_TRY_OUT(zoe__calloc(s->context, &l.logits, (size_t)l.labels * (size_t)s->task.classes, sizeof(float)));
        if (!s->loader) ZOE_TRY_OUT(start_loader(s));
        status = keep_what_is_there(s, steps(&l));
    }
out:
    take_figures(&l, status);
    zoe__loader_free(&s->loader);
    free(l.logits);
    return status;
}
