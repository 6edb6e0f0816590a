/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of a benchmark's file around its cases, and -o of suites whose processes measure all cases together.
 * Internal. */
#ifndef ZOE__SAVE_H
#define ZOE__SAVE_H

#include <jansson.h>

#include <zoe/option.h>

#include "core/core.h"

/* All keys before the cases; takes the reference to devices. NULL: no memory. */
json_t *zoe__bench_head(const zoe_options *options, const char *suite, const char *suite_id, json_t *devices);

/* The key "end". skipped: borrowed, may be NULL. */
json_t *zoe__bench_end(double seconds, double compile_s, json_t *skipped);

/* A file that is written anew, as a whole, when another process is done. */
typedef struct zoe__saver {
    zoe_context *context;
    const char *path; /* NULL: nothing is written */
    json_t *head;
    json_t *skipped; /* for its end; borrowed, may be NULL */
    json_t *seeds;   /* the same, while it is not complete: what a later run need not do again */
    double started;
} zoe__saver;

/* By --out of the options. Not yet a file. */
zoe_status zoe__saver_start(zoe__saver *saver, zoe_context *context, const zoe_options *options, const char *suite,
                            const char *suite_id);

/* devices, rows: arrays, borrowed. complete: no process is missing. */
zoe_status zoe__saver_write(zoe__saver *saver, json_t *devices, json_t *rows, bool complete);

/* The file that is there already, when it is of a run that was interrupted, of this build, suite, options and device;
 * else NULL. The caller's. */
json_t *zoe__saver_earlier(zoe__saver *saver, const json_t *device);
void zoe__saver_free(zoe__saver *saver);

#define ZOE__OPTION_SAVE                                                                                               \
    {                                                                                                                  \
        .name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "FILE.json",                                   \
        .help = "file for `zoe bench report` and `compare`, whole after each process"                                  \
    }

#endif
