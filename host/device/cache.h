/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk cache of compiled programs and small facts: $ZOE_CACHE_DIR, else $XDG_CACHE_HOME/zoetrope, else
 * ~/.cache/zoetrope; ZOE_CACHE=off: none. An entry is one file, named by the SHA-256 of everything that made it and
 * written under a temporary name; whatever is wrong with it (absent, cut, corrupt, another's, refused by the driver) is
 * a reason to make it anew and never an error. Knows no OpenCL: a test drives it with a made-up driver. */
#ifndef ZOE__CACHE_H
#define ZOE__CACHE_H

#include "core/core.h"

/* The folder (not made yet), *out to free(); NULL when the cache is off or nobody has a home. */
zoe_status zoe__cache_folder(char **out, zoe_context *context);

/* Hex SHA-256 over texts, each with its end: ("ab","c") differs from ("a","bc"). Ended by NULL. */
void zoe__cache_key(char key[65], const char *const *texts);

/* The bytes stored under FOLDER/KEY.SUFFIX, to free(); NULL: there is no sound entry. */
void *zoe__cache_read(zoe_context *context, const char *folder, const char *key, const char *suffix, size_t *bytes);

/* Makes the folder that path is to lie in, readable by the owner only. */
bool zoe__cache_make_folder_of(const char *path);

/* Stores bytes; false (and a debug line) when that is not possible. */
bool zoe__cache_write(zoe_context *context, const char *folder, const char *key, const char *suffix, const void *data,
                      size_t bytes);

/* A driver as the cache sees it; a program is the driver's own object. */
typedef struct zoe__program_provider {
    void *user;
    /* Compiles. ZOE_BUILD with the compiler's words. */
    zoe_status (*build)(void *user, const char *source, const char *options, void **program);
    /* Takes a binary; false: refused, and nothing is left behind. */
    bool (*load)(void *user, const void *binary, size_t bytes, const char *options, void **program);
    /* The binary of a program, to free(); false: it has none. */
    bool (*save)(void *user, void *program, void **binary, size_t *bytes);
} zoe__program_provider;

/* Loads the program from folder (NULL: no cache), else builds it. identity: platform, device and driver with their
 * versions. *loaded tells which; after a build, zoe__cache_keep() stores it under key. */
zoe_status zoe__cache_get(void **program, bool *loaded, char key[65], zoe_context *context, const char *folder,
                          const char *identity, const zoe__program_provider *provider, const char *source,
                          const char *options);

/* Some drivers finish a program only when a kernel of it is made: so this is a step of its own. */
void zoe__cache_keep(zoe_context *context, const char *folder, const char *key, const zoe__program_provider *provider,
                     void *program);

#endif
