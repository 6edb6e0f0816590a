/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are old or new, never half: written under a temporary name in the same folder, fsync, rename, fsync of the
 * folder. Internal.
 *
 * With ZOE_TEST_HOOKS the environment variable ZOE_FAIL_WRITE=N makes operation number N of the process (open, write,
 * fsync, rename, fsync of the folder; counted from 1) fail with ENOSPC; ZOE_FAIL_WRITE=N:kill kills the process there
 * instead. */
#ifndef ZOE_TRAIN_SAFE_FILE_H
#define ZOE_TRAIN_SAFE_FILE_H

#include <stddef.h>

#include "core/core.h"

enum { ZOE__PATH = 4096 };

typedef struct zoe__safe_file {
    zoe_context *context;
    int fd; /* -1: not open */
    char path[ZOE__PATH], temporary[ZOE__PATH];
} zoe__safe_file;

/* All: ZOE_DISK with the path and the system's reason. */
zoe_status zoe__safe_open(zoe__safe_file *file, zoe_context *context, const char *path);
zoe_status zoe__safe_write(zoe__safe_file *file, const void *data, size_t bytes);
zoe_status zoe__safe_commit(zoe__safe_file *file);

/* Closes and removes the temporary file unless it was committed. Call it always. */
void zoe__safe_abandon(zoe__safe_file *file);

/* The whole of a small file in one call. */
zoe_status zoe__safe_write_text(zoe_context *context, const char *path, const char *text);

/* Makes a folder (its parents must be there); fine when it is there. ZOE_DISK. */
zoe_status zoe__make_folder(zoe_context *context, const char *path);

#endif
