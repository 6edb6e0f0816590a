/* SPDX-License-Identifier: Apache-2.0
 *
 * The trainer: clips in, a run folder out.
 *
 *     zoe_options *options;
 *     zoe_options_new(&options, context);
 *     zoe_train_options(options, "shuffle-learn");
 *     zoe_options_set(options, "out", "run");
 *     zoe_train_result result;
 *     zoe_status status = zoe_train(context, "shuffle-learn", clips, 1, options, NULL, &result);
 *     zoe_train_result_clear(&result);
 *
 * A run folder holds options.json (effective options), split.json (which clips were trained on, by content hash),
 * log.jsonl, checkpoints/, pack/ (when files were given), result.json. Same options, clips, device, driver and build:
 * same bits, also after kill -9 and --resume. docs/formats.md has the files. */
#ifndef ZOE_TRAIN_H
#define ZOE_TRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/option.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The trainer's own rows, ended by a row without a name. */
const zoe_option *zoe_train_option_table(void);

/* Adds the trainer's rows and those of the task to a set. ZOE_USAGE: no such task. */
zoe_status zoe_train_options(zoe_options *options, zoe_context *context, const char *task);

/* How far it is; texts are borrowed for the call. */
typedef struct zoe_train_progress {
    const char *stage;  /* "index": reading files; "train"; "evaluate" */
    size_t done, total; /* index: files; train: steps; evaluate: tuples */
    int64_t epoch;
    double loss, accuracy; /* of the training tuples, means of the last steps */
    double lr;
    double samples_per_s; /* tuples a second in this session */
    double data_wait;     /* share of the time spent waiting for data, 0..1 */
    double eta;           /* s until the last step; NaN while unknown */
    size_t skipped;       /* files and clips skipped so far */
    double seconds;       /* of this session's steps, s */
    double waited;        /* of them, waiting for data, s */
    double busy;          /* s that the devices' kernels took, their mean; NaN without hooks->profile */
} zoe_train_progress;

typedef struct zoe_train_hooks {
    void (*progress)(const zoe_train_progress *progress, void *user); /* after each step and file; may be NULL */
    bool (*stop)(
        void *user); /* asked after each step and file: true = write a checkpoint and return ZOE_STOPPED; may be NULL */
    void *user;
    /* For benchmarks. */
    bool profile;   /* the devices' own clocks run (progress->busy); steps take a little longer */
    bool one_batch; /* the first batch is used in every step: nothing is read meanwhile */
} zoe_train_hooks;

/* One part of the memory of the plan where it is fullest, as in zoe_plan_holder. */
typedef struct zoe_train_holder {
    char what[32], name[96];
    size_t bytes;
} zoe_train_holder;

enum { ZOE_TRAIN_DEVICES = 8 }; /* at most, in one training */

/* One of the devices of a training. */
typedef struct zoe_train_share {
    char device[64];   /* id */
    int windows;       /* of each micro-batch */
    size_t peak_bytes; /* as in zoe_plan_memory */
} zoe_train_share;

/* Figures that do not exist (no step done yet, one class only) are NaN. */
typedef struct zoe_train_result {
    int64_t steps; /* done, those of earlier sessions too */
    bool held_out; /* the figures below are of held-out clips; else of the training clips */
    double loss, accuracy, balanced_accuracy, auc,
        pixel_rule_auc;           /* on --tuples tuples, half of each class, centre crop */
    double train_loss;            /* mean of the last 50 steps */
    double samples_per_s;         /* tuples a second, this session */
    double data_wait;             /* share of this session's time, 0..1 */
    double seconds;               /* of training in all sessions */
    size_t clips, held_out_clips; /* long enough, by split */
    size_t skipped_files, short_clips,
        bad_clips; /* not readable; too short for one tuple; found undecodable while training */
    size_t parameters;
    double flops; /* of a step: forward, backward, update */
    size_t arena_bytes, unshared_bytes, input_bytes, parameter_bytes,
        peak_bytes;         /* as in zoe_plan_memory, of the first device, whose optimiser state the others lack */
    zoe_train_holder *peak; /* what holds peak_bytes, the largest first; zoe_train_result_clear() */
    size_t peak_count;
    int micro_batches;
    int tuples_per_step;
    int images_per_step; /* pictures that go through the network */
    zoe_train_share shares[ZOE_TRAIN_DEVICES];
    int share_count;  /* devices; 0 = not known */
    char device[256]; /* ids, several with commas between; "" = not known */
    char weights_sha256[65];
} zoe_train_result;

/* Trains, or with `dry-run` only plans. result is filled as far as known even on failure. ZOE_STOPPED and ZOE_TIME: a
 * checkpoint was written (unless no step was done). ZOE_DIVERGED: the loss is not finite; the last good checkpoint
 * stays. */
zoe_status zoe_train(zoe_context *context, const char *task, const char *const *clips, size_t count,
                     zoe_options *options, const zoe_train_hooks *hooks, zoe_train_result *result);

/* Frees what the result owns. */
void zoe_train_result_clear(zoe_train_result *result);

#ifdef __cplusplus
}
#endif
#endif
