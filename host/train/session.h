/* SPDX-License-Identifier: Apache-2.0
 *
 * One training session: what the files of the trainer share. Internal. */
#ifndef ZOE_TRAIN_SESSION_H
#define ZOE_TRAIN_SESSION_H

#include <zoe/checkpoint.h>
#include <zoe/plan.h>
#include <zoe/task.h>
#include <zoe/train.h>

#include "train/dataset.h"
#include "train/loader.h"
#include "train/replicas.h"
#include "train/run.h"

enum { ZOE__RECENT = 50 }; /* steps of the running means */

struct zoe__session {
    zoe_context *context;
    const zoe_options *options;
    const zoe_train_hooks *hooks;
    zoe_train_result *result;
    const zoe_task_kind *kind;
    const zoe_backbone *backbone;
    zoe__replica replica[ZOE_TRAIN_DEVICES]; /* the devices; the first owns the weights */
    int replicas;
    float *sum, *term; /* of several: numbers of one parameter on their way */
    zoe__run run;
    zoe__dataset dataset;
    zoe_task task;
    zoe__loader *loader; /* of the steps */
    zoe_schedule schedule;
    uint64_t seed;
    int batch, micro;                            /* windows of a step; micro-batches of a step */
    int64_t steps, step;                         /* wanted; done */
    double started, deadline;                    /* zoe__seconds(); INFINITY = none */
    double earlier_seconds;                      /* of training in earlier sessions */
    double loop_seconds, waited, saving_seconds; /* of this session; the first includes the others */
    int64_t loop_steps;                          /* of this session */
    double recent_loss[ZOE__RECENT], recent_accuracy[ZOE__RECENT];
    int64_t recent; /* values put into the rings so far */
    /* The last good state, in the host's memory (recover.c); NULL: what seed and names give. */
    zoe_checkpoint *good;
    int64_t good_recent; /* recent, then */
    bool good_saved;     /* it is in the run folder */
    bool reopened;       /* a device was lost once */
};

/* Starts decoding for the first steps while the device's kernels compile, where it is known already which those are. */
zoe_status zoe__session_read_ahead(zoe__session *s);

/* The steps, with log and checkpoints. ZOE_STOPPED, ZOE_TIME, ZOE_DIVERGED, ZOE_BAD_FILES, ... */
zoe_status zoe__session_loop(zoe__session *s);

/* Writes a checkpoint of the state after s->step steps; the last one's hash goes into the result. ZOE_DIVERGED: a
 * weight is not finite; nothing is written. */
zoe_status zoe__session_save(zoe__session *s, bool last);

/* Copies the state after s->step steps to s->good; ZOE_DIVERGED as above. */
zoe_status zoe__session_keep(zoe__session *s);

/* Takes up the newest good checkpoint, if there is one. */
zoe_status zoe__session_restore(zoe__session *s);

/* recover.c: the steps and the figures. When the device fails (ZOE_DEVICE, ZOE_DEVICE_MEMORY) it is opened anew, once,
 * and the training goes on from s->good: the same bits. When it fails again, s->good is written as a checkpoint and the
 * error returned. */
zoe_status zoe__session_run(zoe__session *s);

/* train.c: the network on one device, for its share. */
zoe_status zoe__session_plan(zoe__session *s, zoe__replica *replica, bool dry);

/* tuned.c: what was measured of the device, as the run saw it at its first start (RUN/tuning.json): a run that goes on
 * takes the same algorithms, whatever has been tuned since; so does one whose device was lost. Restore before, record
 * after the plan is made. ZOE_DATA: the file is damaged. */
zoe_status zoe__tuned_restore(zoe__session *s);
zoe_status zoe__tuned_record(zoe__session *s);

/* Held-out figures into s->result. */
zoe_status zoe__session_evaluate(zoe__session *s);

/* True when somebody wants an end: *status says why. */
bool zoe__session_stop(const zoe__session *s, zoe_status *status);

void zoe__session_tell(zoe__session *s, const zoe_train_progress *progress);

/* Means of the last steps; NaN before the first. */
double zoe__session_recent(const zoe__session *s, const double *ring);

#endif
