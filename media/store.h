/* SPDX-License-Identifier: Apache-2.0
 *
 * A pack on disk: index.sqlite (what is there) and data/xx/SHA.zpk (packets of one clip). Internal.
 *
 * Table `content` has one row for each different content, `file` one for each path: its content, or the reason why it
 * was skipped. A clip appears by one row insert after its data file has been renamed into place. */
#ifndef ZOE_MEDIA_STORE_H
#define ZOE_MEDIA_STORE_H

#include <core/core.h>

typedef struct zoe__store zoe__store;

/* One row of `file`. Strings are borrowed from the caller, or owned where zoe__store_find() filled them. */
typedef struct zoe__file_row {
    const char *path, *sha256, *label, *group, *reason; /* sha256 "" when skipped; reason "" when not */
    const char *limits;                                 /* under which it was skipped */
    int64_t size, mtime_ns;
} zoe__file_row;

/* write: makes the folder and the tables when absent and holds the pack's lock (ZOE_DISK when another process has it).
 * ZOE_DATA: no pack, or not of this version. */
zoe_status zoe__store_open(zoe__store **out, zoe_context *context, const char *folder, bool write);
void zoe__store_close(zoe__store **store);

const char *zoe__store_folder(const zoe__store *store);

/* The data file of a content into path[size]. */
bool zoe__store_data_path(const zoe__store *store, const char *sha256, char *path, size_t size);

/* *found: the path is known with this size and mtime. *row is then filled from memory that lives until the next call.
 */
zoe_status zoe__store_find(zoe_context *context, zoe__store *store, const char *path, int64_t size, int64_t mtime_ns,
                           zoe__file_row *row, bool *found);

zoe_status zoe__store_has_content(zoe_context *context, zoe__store *store, const char *sha256, bool *found);

/* Commits one file; record is the content's record, or NULL when the content is stored already or the file was skipped.
 * Replaces the path's row. */
zoe_status zoe__store_commit(zoe_context *context, zoe__store *store, const zoe__file_row *row, const uint8_t *record,
                             size_t record_size);

/* New label and group for a path. */
zoe_status zoe__store_relabel(zoe_context *context, zoe__store *store, const char *path, const char *label,
                              const char *group);

/* Deletes contents that no path leads to, with their data files. */
zoe_status zoe__store_sweep(zoe_context *context, zoe__store *store);

/* Each readable content once, under its bytewise first path, in the order of the paths; the callback's arguments are
 * borrowed for the call. A status other than ZOE_OK ends the walk and is returned. */
typedef zoe_status zoe__clip_visit(void *user, const zoe__file_row *row, const uint8_t *record, size_t record_size);
zoe_status zoe__store_clips(zoe_context *context, zoe__store *store, zoe__clip_visit *visit, void *user);

/* Each skipped path, in order. */
typedef zoe_status zoe__skip_visit(void *user, const char *path, const char *reason);
zoe_status zoe__store_skips(zoe_context *context, zoe__store *store, zoe__skip_visit *visit, void *user);

#endif
