/* SPDX-License-Identifier: Apache-2.0
 *
 * The tuning database on disk: SQLite, one file, many readers and tuners at a time. Internal.
 *
 * Where: ZOE_TUNING if set ("off": nowhere), else tuning.sqlite in the folder of the cache (device/cache.h). */
#ifndef ZOE__TUNE_DATABASE_H
#define ZOE__TUNE_DATABASE_H

#include "tune/entry.h"

typedef struct zoe__tune_database zoe__tune_database;

/* What became of one candidate; `ok` alone can win. */
typedef struct zoe__tune_candidate {
    const zoe__tune_entry *entry; /* its key, algorithm and parameters; seconds and nmse */
    const char *result;           /* "ok", "wrong", "crashed", "too slow", "refused" */
} zoe__tune_candidate;

/* The path, to free(); NULL: there is none. */
zoe_status zoe__tune_database_path(char **out, zoe_context *context);

/* Opens path for writing and makes it (with its folder) where it is missing; to read only, *out is NULL where it is
 * missing or cannot be opened, and that is ZOE_OK. A file that is damaged or not ours is renamed to PATH.damaged-N with
 * a warning first. ZOE_DISK. */
zoe_status zoe__tune_database_open(zoe__tune_database **out, zoe_context *context, const char *path, bool write);
void zoe__tune_database_close(zoe__tune_database **database);

/* Each call is one transaction. put_entry replaces the row of the same key, unless it is of a later time and newer is
 * asked for (*kept then becomes true; may be NULL). */
zoe_status zoe__tune_database_put_entry(zoe__tune_database *database, const zoe__tune_entry *entry, bool newer,
                                        bool *kept);
zoe_status zoe__tune_database_put_candidate(zoe__tune_database *database, const zoe__tune_candidate *candidate);

/* Between the two all calls are one transaction; closing without the second leaves everything as it was. */
zoe_status zoe__tune_database_begin(zoe__tune_database *database);
zoe_status zoe__tune_database_commit(zoe__tune_database *database);

/* Whether this candidate was measured by this version; fills result[24], entry->seconds and entry->nmse. */
zoe_status zoe__tune_database_find_candidate(zoe__tune_database *database, zoe__tune_entry *entry, char result[24],
                                             bool *found);

/* All rows, or those of one device (NULL: all), in a fixed order. */
typedef zoe_status zoe__tune_row(const zoe__tune_entry *entry, void *user);
zoe_status zoe__tune_database_each(zoe__tune_database *database, const zoe__tune_device *device, zoe__tune_row *fn,
                                   void *user);

#endif
