/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of checkpoints: two are kept; a damaged newer one gives way to the older, and that is said. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/checkpoint.h"
#include "train/safe_file.h"

enum { KEPT = 2, NAME = 32 };

void zoe__checkpoint_name(char *name, size_t size, int64_t step)
{
    zoe__format(name, size, "step-%09lld.zoe", (long long)step);
}

static bool is_checkpoint_name(const char *name, int64_t *step)
{
    long long n;
    char again[NAME];
    if (sscanf(name, "step-%lld.zoe", &n) != 1 || n < 0) return false;
    zoe__checkpoint_name(again, sizeof again, n);
    *step = n;
    return !strcmp(name, again);
}

static int descending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Steps of the checkpoints of a folder, newest first; *out is to free(). A folder that is not there has none. */
static zoe_status list(zoe_context *context, const char *folder, int64_t **out, size_t *count)
{
    size_t capacity = 0;
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir) return ZOE_OK;
    zoe_status status = ZOE_OK;
    int64_t step;
    for (struct dirent *entry = readdir(dir); entry && status == ZOE_OK; entry = readdir(dir)) {
        if (!is_checkpoint_name(entry->d_name, &step)) continue;
        status = zoe__grow(context, out, &capacity, *count + 1, sizeof **out);
        if (status == ZOE_OK) (*out)[(*count)++] = step;
    }
    closedir(dir);
    if (*count) qsort(*out, *count, sizeof **out, descending);
    return status;
}

size_t zoe_checkpoint_files(const char *folder)
{
    int64_t *steps;
    size_t count;
    list(NULL, folder, &steps, &count);
    free(steps);
    return count;
}

static zoe_status join(zoe_context *context, char path[ZOE__PATH], const char *folder, int64_t step)
{
    char name[NAME];
    zoe__checkpoint_name(name, sizeof name, step);
    ZOE_FAIL_IF(context, !zoe__format(path, ZOE__PATH, "%s/%s", folder, name), ZOE_DISK,
                "a path of more than %d bytes: %.60s...", ZOE__PATH - 1, folder);
    return ZOE_OK;
}

/* What a process that was killed while it wrote has left; a run folder has one writer at a time. */
static void remove_leftovers(const char *folder)
{
    char path[ZOE__PATH];
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        const char *tail = strstr(entry->d_name, ".zoe.tmp");
        if (strncmp(entry->d_name, "step-", 5) || !tail || tail[8]) continue;
        if (zoe__format(path, sizeof path, "%s/%s", folder, entry->d_name)) unlink(path);
    }
    closedir(dir);
}

zoe_status zoe_checkpoint_save(const zoe_checkpoint *checkpoint, zoe_context *context, const char *folder)
{
    char path[ZOE__PATH];
    ZOE_TRY(zoe__make_folder(context, folder));
    remove_leftovers(folder);
    ZOE_TRY(join(context, path, folder, checkpoint->info.step));
    ZOE_TRY(zoe_checkpoint_write(checkpoint, context, path));
    int64_t *steps;
    size_t count, kept = 0;
    zoe_status status = list(context, folder, &steps, &count);
    /* Files of later steps are left from before a fall-back to an older checkpoint: they are damaged and go too. */
    for (size_t i = 0; i < count && status == ZOE_OK; i++) {
        if (steps[i] <= checkpoint->info.step && kept++ < KEPT) continue;
        if (join(context, path, folder, steps[i]) == ZOE_OK) unlink(path);
    }
    free(steps);
    return status;
}

/* "A; reading the older B" */
static void say(char **note, const char *reason, const char *used)
{
    if (!note) return;
    const size_t size = strlen(reason) + strlen(used) + 32;
    *note = malloc(size);
    if (*note) zoe__format(*note, size, "%s; using the older %s", reason, used);
}

static zoe_status open_newest(zoe_checkpoint **out, zoe_context *context, const char *folder, char **note)
{
    int64_t *steps;
    size_t count;
    char path[ZOE__PATH], reason[512] = "";
    zoe_status status = list(context, folder, &steps, &count);
    if (status == ZOE_OK && count == 0) status = zoe__fail(context, ZOE_DATA, "%s: no checkpoint in it", folder);
    for (size_t i = 0; i < count; i++) {
        status = join(context, path, folder, steps[i]);
        if (status == ZOE_OK) status = zoe_checkpoint_read(out, context, path);
        if (status == ZOE_OK && reason[0]) say(note, reason, path);
        if (status != ZOE_DATA || i + 1 == count) break;
        if (!reason[0]) zoe__format(reason, sizeof reason, "%s", zoe_context_error(context));
        zoe_context_clear(context);
    }
    free(steps);
    return status;
}

zoe_status zoe_checkpoint_open(zoe_checkpoint **out, zoe_context *context, const char *path, char **note)
{
    struct stat info;
    char folder[ZOE__PATH];
    *out = NULL;
    if (note) *note = NULL;
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode)) return zoe_checkpoint_read(out, context, path);
    const bool is_run = zoe__format(folder, sizeof folder, "%s/checkpoints", path) && stat(folder, &info) == 0;
    return open_newest(out, context, is_run ? folder : path, note);
}
