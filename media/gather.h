/* SPDX-License-Identifier: Apache-2.0
 *
 * From what the user names (files, folders, lists, packs) to a list of files. Internal. */
#ifndef ZOE_MEDIA_GATHER_H
#define ZOE_MEDIA_GATHER_H

#include <core/core.h>

typedef struct zoe__names {
    char **name;
    size_t count, capacity;
} zoe__names;

/* What there is to read: each list sorted bytewise, each name once. */
typedef struct zoe__gathered {
    zoe__names files, packs, tables;
} zoe__gathered;

/* Folders are searched to the bottom for names that end like video or sound files; files that are named are taken
 * whatever they are called; *.txt is a list, one path a line, blank lines and # comments ignored, a path that does not
 * exist from here is tried from the list's folder; *.csv is a table of pairs. ZOE_DATA: a path that does not exist, a
 * folder without such a file, a list that is not text. */
zoe_status zoe__gather(zoe_context *context, const char *const *paths, size_t count, zoe__gathered *out);
void zoe__gathered_clear(zoe__gathered *gathered);

/* `name` as it is where that exists, else beside the file `base` where that exists, else as it is. False: too long. */
bool zoe__path_beside(const char *base, const char *name, char *out, size_t size);

void zoe__names_clear(zoe__names *names);

#endif
