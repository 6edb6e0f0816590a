/* SPDX-License-Identifier: Apache-2.0
 *
 * The clips of a run: one pack and which of its clips are trained on. Internal. */
#ifndef ZOE_TRAIN_DATASET_H
#define ZOE_TRAIN_DATASET_H

#include <zoe/media.h>
#include <zoe/option.h>
#include <zoe/task.h>

#include "core/core.h"

/* Rows that every verb which reads clips shares: labels, label, group, holdout, holdout-groups, workers, max-bad,
 * cache. */
#define ZOE__DATASET_OPTIONS                                                                                           \
    {.name = "labels",                                                                                                 \
     .type = ZOE_OPTION_TEXT,                                                                                          \
     .value = "FILE.csv",                                                                                              \
     .help = "table with a column `file`; none: the label of a clip is its folder's name"},                            \
        {.name = "label",                                                                                              \
         .type = ZOE_OPTION_TEXT,                                                                                      \
         .value = "COLUMN",                                                                                            \
         .fallback = "label",                                                                                          \
         .help = "column of --labels with the label"},                                                                 \
        {.name = "group",                                                                                              \
         .type = ZOE_OPTION_TEXT,                                                                                      \
         .value = "COLUMN",                                                                                            \
         .help = "column of --labels with the group (a subject); none: each clip is its own"},                         \
        {.name = "workers",                                                                                            \
         .type = ZOE_OPTION_INT,                                                                                       \
         .low = 0,                                                                                                     \
         .high = 256,                                                                                                  \
         .unit = "threads",                                                                                            \
         .fallback = "0",                                                                                              \
         .help = "that read and decode; 0: one a processor",                                                           \
         .flags = ZOE_OPTION_FREE},                                                                                    \
        {.name = "cache",                                                                                              \
         .type = ZOE_OPTION_INT,                                                                                       \
         .low = 0,                                                                                                     \
         .high = 1 << 20,                                                                                              \
         .unit = "MiB",                                                                                                \
         .fallback = "512",                                                                                            \
         .help = "of decoded frames kept in memory",                                                                   \
         .flags = ZOE_OPTION_FREE},                                                                                    \
    {                                                                                                                  \
        .name = "max-bad", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .fallback = "0.05",                          \
        .help = "share of unusable files past which to give up (exit code 9)", .flags = ZOE_OPTION_FREE                \
    }

typedef struct zoe__dataset {
    zoe_pack *pack;
    zoe_context *context; /* where zoe__dataset_close() tells what the readers saw */
    size_t skipped;       /* files that the pack lists as unusable */
    size_t *clips[2];     /* numbers in the pack, by zoe_split, ascending */
    size_t count[2];
    bool held_out;   /* false: no held-out share, both splits are all clips */
    char sha256[65]; /* of the content hashes of both splits: changes when the data does */
} zoe__dataset;

/* Called for each file while a pack is made; false stops it. */
typedef bool zoe__dataset_progress(const zoe_index_event *event, void *user);

/* Opens the pack `paths[0]` in place when it is the only path and no --labels are given, else reads the paths into a
 * pack at pack_folder. Errors as zoe_pack_index() and zoe_pack_open(). */
zoe_status zoe__dataset_open(zoe__dataset *dataset, zoe_context *context, const char *const *paths, size_t count,
                             const char *pack_folder, const zoe_options *options, zoe__dataset_progress *progress,
                             void *user);

/* ZOE_USAGE: columns of a table that is not given. */
zoe_status zoe__dataset_check_options(zoe_context *context, const zoe_options *options);

/* Splits by --holdout (share of clips, by content hash: the same clips whatever the seed, names and order) or
 * --holdout-groups. ZOE_CONFIG: one side would be empty, or an unknown group. */
zoe_status zoe__dataset_split(zoe__dataset *dataset, zoe_context *context, const zoe_options *options);

void zoe__dataset_close(zoe__dataset *dataset);

#endif
