/* SPDX-License-Identifier: Apache-2.0
 *
 * A run folder: who may use it, its options, its log. Internal. */
#ifndef ZOE_TRAIN_RUN_H
#define ZOE_TRAIN_RUN_H

#include <jansson.h>
#include <stdio.h>

#include <zoe/option.h>

#include "core/core.h"
#include "train/safe_file.h"

typedef struct zoe__run {
    zoe_context *context;
    char path[ZOE__PATH - 64]; /* without a slash at its end */
    int lock;                  /* of RUN/lock; -1 = none */
    FILE *log;
    bool fresh;            /* made by this call: nothing of an earlier session is in it */
    bool existed, empty;   /* the folder was there before; with nothing in it */
    char aside[ZOE__PATH]; /* FORCE: where the old run stands until zoe__run_started(); "" = nowhere */
} zoe__run;

typedef enum zoe__run_mode { ZOE__RUN_NEW, ZOE__RUN_RESUME, ZOE__RUN_FORCE } zoe__run_mode;

/* Opens or makes the folder, locks it, checks or writes options.json, opens the log. clips are the paths as given.
 * ZOE_CONFIG: it exists (and the mode is NEW), it is no run folder, it is in use, or an option differs (the message
 * names it). ZOE_DISK. */
zoe_status zoe__run_open(zoe__run *run, zoe_context *context, const char *path, zoe__run_mode mode, const char *task,
                         const char *const *clips, size_t count, const zoe_options *options);

/* The new run can do what the old one did: that is deleted now. */
zoe_status zoe__run_started(zoe__run *run);

/* Closes. What FORCE would have replaced comes back if the new run never started. With discard a fresh folder is
 * removed again (nothing of worth is in it). */
void zoe__run_close(zoe__run *run, bool discard);

/* PATH of something in the folder. False: too long. */
bool zoe__run_path(const zoe__run *run, char path[ZOE__PATH], const char *name);

/* One JSON object as a line of log.jsonl; takes the reference. ZOE_DISK. */
zoe_status zoe__run_log(zoe__run *run, json_t *line);

/* Writes a JSON value as a file of the folder, atomically; takes the reference. */
zoe_status zoe__run_write_json(zoe__run *run, const char *name, json_t *value);

/* A JSON text of a path or message; bytes of one that is not UTF-8 become %XX. NULL: JSON's null. */
json_t *zoe__run_text(const char *bytes);

/* True when path is a folder with our options.json. */
bool zoe__run_is(const char *path);

/* options.json of a run: {format, version, task, clips: [..], options: {name: text}}; the caller's to json_decref().
 * ZOE_DATA: not a run folder. */
zoe_status zoe__run_read_options(zoe_context *context, const char *path, json_t **out);

/* Sets every option of a run on a set that has rows for it (others are left out). */
zoe_status zoe__run_apply_options(const json_t *run_options, zoe_options *options);

/* split.json: content hashes {"train": [..], "held_out": [..]}. NULL without a text when the run has none. */
json_t *zoe__run_read_split(const char *path);

#endif
