/* SPDX-License-Identifier: Apache-2.0
 *
 * A device can be lost in the middle of a run: reset by its driver, unplugged, out of memory for a moment. The last
 * good state is a copy in the host's memory: that of the last checkpoint, or a later one (loop.c), or, before the
 * first, what the seed gives. Steps are pure functions of that state and their number, so doing them again gives the
 * same bits. */
#include <string.h>

#include "train/session.h"

static bool is_lost(zoe_status status)
{
    return status == ZOE_DEVICE || status == ZOE_DEVICE_MEMORY;
}

static void take_error(zoe__session *s, char *text, size_t size)
{
    zoe__format(text, size, "%s", zoe_context_error(s->context));
    zoe_context_clear(s->context);
}

/* Back to s->good on devices opened anew. */
static zoe_status reopen(zoe__session *s)
{
    zoe__replicas_close(s);
    s->step = s->good ? zoe_checkpoint_get_info(s->good)->step : 0;
    s->recent = s->good ? s->good_recent : 0;
    ZOE_TRY(zoe__replicas_open(s));
    ZOE_TRY(zoe__tuned_restore(s));
    ZOE_TRY(zoe__replicas_plan(s, false));
    return s->good ? zoe__replicas_restore(s, s->good) : ZOE_OK;
}

/* What is left is the copy in memory: into the run folder with it. */
static zoe_status give_up(zoe__session *s, zoe_status status)
{
    char text[512], folder[ZOE__PATH];
    take_error(s, text, sizeof text);
    if (s->good && !s->good_saved) {
        ZOE_TRY(zoe__run_path(&s->run, folder, "checkpoints")
                    ? zoe_checkpoint_save(s->good, s->context, folder)
                    : zoe__fail(s->context, ZOE_DISK, "%s: path too long", s->run.path));
        s->good_saved = true;
    }
    return zoe__fail(s->context, status, "%s; the device was opened anew before; --resume goes on at step %lld", text,
                     s->good ? (long long)zoe_checkpoint_get_info(s->good)->step : 0LL);
}

static zoe_status train_and_measure(zoe__session *s)
{
    ZOE_TRY(zoe__session_loop(s));
    zoe__replicas_free_plans(s); /* their memory is for the plan of the figures */
    return zoe__session_evaluate(s);
}

zoe_status zoe__session_run(zoe__session *s)
{
    zoe_status status = train_and_measure(s);
    if (!is_lost(status)) return status;
    char text[512];
    const int64_t failed = s->step;
    take_error(s, text, sizeof text);
    s->reopened = true;
    status = reopen(s);
    if (status == ZOE_OK) {
        zoe__log(s->context, ZOE_LOG_WARN, "after step %lld: %s; the device was opened anew, on with step %lld",
                 (long long)failed, text, (long long)s->step + 1);
        zoe__run_log(&s->run, json_pack("{s:s, s:I, s:I, s:o}", "event", "device", "step", (json_int_t)s->step,
                                        "failed", (json_int_t)failed, "text", zoe__run_text(text)));
        status = train_and_measure(s);
    }
    return is_lost(status) || status == ZOE_BUILD ? give_up(s, status) : status;
}
