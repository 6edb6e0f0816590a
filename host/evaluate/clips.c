/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/clips.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool log_skipped(const zoe_index_event *event, void *user)
{
    if (event->reason) zoe__log(user, ZOE_LOG_WARN, "skipped: %s: %s", event->file, event->reason);
    return true;
}

static zoe_status make_scratch(zoe__clips *clips, zoe_context *context)
{
    const char *folder = getenv("TMPDIR");
    ZOE_FAIL_IF(
        context,
        !zoe__format(clips->scratch, sizeof clips->scratch - 8, "%s/zoe-XXXXXX", folder && *folder ? folder : "/tmp"),
        ZOE_DISK, "TMPDIR: path too long");
    if (mkdtemp(clips->scratch)) return ZOE_OK;
    const zoe_status status = zoe__fail(context, ZOE_DISK, "%s: %s", clips->scratch, strerror(errno));
    clips->scratch[0] = '\0';
    return status;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static zoe_status open_paths(zoe__clips *clips, zoe_context *context, const char *const *paths, size_t count,
                             const zoe_options *options)
{
    struct stat info;
    char folder[ZOE__PATH] = "";
    for (size_t i = 0; i < count; i++)
        ZOE_FAIL_IF(context, stat(paths[i], &info) < 0, ZOE_DATA, "%s: %s", paths[i], strerror(errno));
    if (count != 1 || !zoe_pack_is(paths[0]) || zoe_options_text(options, "labels")) {
        ZOE_TRY(make_scratch(clips, context));
        zoe__format(folder, sizeof folder, "%s/pack", clips->scratch);
    }
    return zoe__dataset_open(&clips->dataset, context, paths, count, folder, options, log_skipped, context);
}

zoe_status zoe__clips_open(zoe__clips *clips, zoe_context *context, const zoe__subject *subject,
                           const char *const *paths, size_t count, const zoe_options *options)
{
    char own[ZOE__PATH];
    const char *path = own;
    *clips = (zoe__clips){0};
    if (count == 0) {
        ZOE_TRY(zoe__subject_pack(subject, own));
        paths = &path;
        count = 1;
    }
    const zoe_status status = open_paths(clips, context, paths, count, options);
    if (status != ZOE_OK) zoe__clips_close(clips);
    return status;
}

void zoe__clips_close(zoe__clips *clips)
{
    zoe__dataset_close(&clips->dataset);
    if (clips->scratch[0]) nftw(clips->scratch, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    clips->scratch[0] = '\0';
}
