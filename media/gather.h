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

/* Fills files (sorted bytewise, each once) and packs. Folders are searched to the bottom for names that end like video
 * files; files that are named are taken whatever they are called; *.txt is a list, one path a line, blank lines and #
 * comments ignored, a path that does not exist from here is tried from the list's folder. ZOE_DATA: a path that does
 * not exist, a folder without a video file, a list that is not text. */
zoe_status zoe__gather(zoe_context *context, const char *const *paths, size_t count, zoe__names *files,
                       zoe__names *packs);

void zoe__names_clear(zoe__names *names);

#endif
