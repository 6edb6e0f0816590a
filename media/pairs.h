/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of pairs: CSV with the head `picture,sound,label`, one pair a line. Internal. */
#ifndef ZOE_MEDIA_PAIRS_H
#define ZOE_MEDIA_PAIRS_H

#include <core/core.h>

typedef struct zoe__pair {
    char *picture, *sound, *label, *group; /* paths: relative to here, or to the table's folder */
} zoe__pair;

/* A file that the tables name, once. */
typedef struct zoe__pair_file {
    const char *path;  /* of a pair */
    const char *table; /* that names it first */
    int line;
    bool picture;
} zoe__pair_file;

typedef struct zoe__pairs {
    zoe__pair *pair;
    size_t count, capacity;
    zoe__pair_file *file; /* sorted by path */
    size_t files, file_capacity;
} zoe__pairs;

/* Adds the rows of a table. label, group: names of the columns; group NULL: groups are "". ZOE_DATA: no such head, a
 * line without picture or sound (with its number); ZOE_CONFIG: no such column of groups or labels. */
zoe_status zoe__pairs_read(zoe_context *context, zoe__pairs *pairs, const char *table, const char *label,
                           const char *group);

/* After the last table: each file once. ZOE_DATA: one file as picture and as sound. */
zoe_status zoe__pairs_settle(zoe_context *context, zoe__pairs *pairs);

void zoe__pairs_clear(zoe__pairs *pairs);

#endif
