/* SPDX-License-Identifier: Apache-2.0
 *
 * A pack on disk: index.sqlite (what is there), data/xx/SHA.zpk (packets of one clip) and data/xx/SHA.pcm (its sound).
 * Internal.
 *
 * Tables: `content` has one row for each different content, with an empty record where there are no pictures; `sound`
 * one with its sound; `file` one for each path: its content, or the reason why it was skipped; `pair` one for each row
 * of a table of pairs: two paths of `file` that make one clip, the pictures of the first and the sound of the second;
 * `setting` the rate of the sound. A clip appears by its rows' insert after its data files have been renamed into
 * place.
 *
 * Version 1 had no sound: such a pack can be read, and the first that writes to it makes the missing tables; its files
 * are then read again when they are named again. */
#ifndef ZOE_MEDIA_STORE_H
#define ZOE_MEDIA_STORE_H

#include "media/pcm.h"

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

/* Samples a second of all sound in the pack; 0: a pack of version 1. Setting it is for an empty pack. */
int zoe__store_rate(const zoe__store *store);
zoe_status zoe__store_set_rate(zoe_context *context, zoe__store *store, int rate);

/* The data file of a content into path[size], and the file of its sound. */
bool zoe__store_data_path(const zoe__store *store, const char *sha256, char *path, size_t size);
bool zoe__store_pcm_path(const zoe__store *store, const char *sha256, char *path, size_t size);

/* *found: the path is known with this size and mtime. *row is then filled from memory that lives until the next call.
 */
zoe_status zoe__store_find(zoe_context *context, zoe__store *store, const char *path, int64_t size, int64_t mtime_ns,
                           zoe__file_row *row, bool *found);

/* What there is of a content: the row with its sound, pictures, samples of sound. */
typedef struct zoe__content {
    bool found, pictures;
    zoe__sound sound;
} zoe__content;
zoe_status zoe__store_content(zoe_context *context, zoe__store *store, const char *sha256, zoe__content *content);

/* Commits one file; record is the content's record (size 0: no pictures), or NULL when the content is stored already or
 * the file was skipped; sound goes with record, NULL: it is not known. Replaces the path's row. */
zoe_status zoe__store_commit(zoe_context *context, zoe__store *store, const zoe__file_row *row, const uint8_t *record,
                             size_t record_size, const zoe__sound *sound);

/* begin: what follows, until the call with false, comes into the pack together (and at the cost of one write). */
zoe_status zoe__store_batch(zoe_context *context, zoe__store *store, bool begin);

/* Adds a pair of paths that are or will be in `file`; replaces an equal one. */
zoe_status zoe__store_pair(zoe_context *context, zoe__store *store, const char *picture, const char *sound,
                           const char *label, const char *group);

/* New label and group for a path. */
zoe_status zoe__store_relabel(zoe_context *context, zoe__store *store, const char *path, const char *label,
                              const char *group);

/* Deletes contents that no path leads to, with their data files. */
zoe_status zoe__store_sweep(zoe_context *context, zoe__store *store);

/* One clip: a content under its bytewise first path, or a pair. */
typedef struct zoe__clip_row {
    zoe__file_row file; /* of a pair: the picture's, with the pair's label and group */
    const uint8_t *record;
    size_t record_size;
    zoe__sound sound;         /* state ZOE_SOUND_UNKNOWN where the pack does not say */
    const char *sound_path;   /* of a pair; else the file's own */
    const char *sound_sha256; /* likewise */
    bool pair;
} zoe__clip_row;

/* Each readable content once, but for those that only serve pairs, and each pair whose two files are readable, in the
 * order of the paths; the callback's arguments are borrowed for the call. A status other than ZOE_OK ends the walk and
 * is returned. */
typedef zoe_status zoe__clip_visit(void *user, const zoe__clip_row *row);
zoe_status zoe__store_clips(zoe_context *context, zoe__store *store, zoe__clip_visit *visit, void *user);

/* Each skipped path, in order. */
typedef zoe_status zoe__skip_visit(void *user, const char *path, const char *reason);
zoe_status zoe__store_skips(zoe_context *context, zoe__store *store, zoe__skip_visit *visit, void *user);

#endif
