/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zoe/media.h>
#include <zoe/task.h>

#include "train/run.h"

/* RUN, or RUN of RUN/checkpoints and RUN/checkpoints/FILE. */
static void find_folder(zoe__subject *s, const char *path)
{
    char *real = realpath(path, NULL);
    for (int up = 0; real && up < 3; up++) {
        if (zoe__run_is(real)) {
            zoe__format(s->folder, sizeof s->folder, "%s", real);
            break;
        }
        char *slash = strrchr(real, '/');
        if (!slash || slash == real) break;
        *slash = '\0';
    }
    free(real);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static zoe_status read_split(zoe__subject *s)
{
    json_t *split = s->folder[0] ? zoe__run_read_split(s->folder) : NULL;
    const json_t *train = json_object_get(split, "train");
    const size_t count = json_array_size(train);
    zoe_status status = ZOE_OK;
    s->trained_known = json_is_array(train);
    if (count) ZOE_TRY_OUT(zoe__calloc(s->context, &s->trained, count, sizeof *s->trained));
    for (size_t i = 0; i < count; i++) {
        const char *hash = json_string_value(json_array_get(train, i));
        if (!hash) continue;
        ZOE_TRY_OUT(zoe__strdup(s->context, &s->trained[s->trained_count], hash));
        s->trained_count++;
    }
    if (s->trained_count) qsort(s->trained, s->trained_count, sizeof *s->trained, by_text);
out:
    json_decref(split);
    return status;
}

const char *zoe__subject_option(const zoe__subject *subject, const char *name)
{
    return json_string_value(json_object_get(subject->options, name));
}

static zoe_status read_spec(zoe__subject *s)
{
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(s->checkpoint);
    s->options = json_loads(info->options, JSON_REJECT_DUPLICATES, NULL);
    const char *seed = zoe__subject_option(s, "seed"), *frame = zoe__subject_option(s, "frame");
    const zoe_backbone *backbone = zoe_backbone_find(s->context, info->net);
    if (!backbone) return ZOE_CONFIG;
    s->spec = (zoe__features_spec){.backbone = backbone,
                                   .width = backbone->frame,
                                   .height = backbone->frame,
                                   .seed = seed ? strtoull(seed, NULL, 10) : 0,
                                   .checkpoint = s->checkpoint};
    const zoe_task_kind *kind = zoe_task_find(s->context, info->task);
    if (kind && kind->pairing) s->spec.pairs = s;
    zoe_context_clear(s->context); /* a checkpoint of a task that is not built in still has its backbone */
    if (!frame) return ZOE_OK;
    char *end;
    const long width = strtol(frame, &end, 10), height = *end == 'x' ? strtol(end + 1, NULL, 10) : 0;
    ZOE_FAIL_IF(s->context, width < 1 || height < 1 || width > 32768 || height > 32768, ZOE_DATA,
                "%s: its option frame is '%s', not a size", zoe_checkpoint_path(s->checkpoint), frame);
    s->spec.width = (int)width;
    s->spec.height = (int)height;
    return ZOE_OK;
}

/* A folder that is no run gets that said, rather than that it has no checkpoint. */
static zoe_status check_kind(zoe__subject *s, const char *path)
{
    struct stat info;
    ZOE_FAIL_IF(s->context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode) || s->folder[0]) return ZOE_OK;
    char checkpoints[ZOE__PATH];
    const bool fits = zoe__format(checkpoints, sizeof checkpoints, "%s/checkpoints", path);
    ZOE_FAIL_IF(s->context, !fits || (zoe_checkpoint_files(path) == 0 && zoe_checkpoint_files(checkpoints) == 0),
                ZOE_DATA, "%s: not a run folder (no options.json of ours in it)", path);
    return ZOE_OK;
}

zoe_status zoe__subject_open(zoe__subject *subject, zoe_context *context, const char *path)
{
    char *note = NULL;
    *subject = (zoe__subject){.context = context};
    find_folder(subject, path);
    zoe_status status = check_kind(subject, path);
    if (status == ZOE_OK) status = zoe_checkpoint_open(&subject->checkpoint, context, path, &note);
    if (note) zoe__log(context, ZOE_LOG_WARN, "%s", note);
    free(note);
    if (status == ZOE_OK) status = read_spec(subject);
    if (status == ZOE_OK) status = read_split(subject);
    if (status != ZOE_OK) zoe__subject_close(subject);
    return status;
}

void zoe__subject_close(zoe__subject *subject)
{
    for (size_t i = 0; i < subject->trained_count; i++) free(subject->trained[i]);
    free(subject->trained);
    zoe_checkpoint_free(&subject->checkpoint);
    json_decref(subject->options);
    *subject = (zoe__subject){0};
}

bool zoe__subject_has_seen(const zoe__subject *subject, const char *sha256)
{
    return subject->trained_count &&
           bsearch(&sha256, subject->trained, subject->trained_count, sizeof *subject->trained, by_text);
}

zoe_status zoe__subject_pack(const zoe__subject *subject, char path[ZOE__PATH])
{
    ZOE_FAIL_IF(subject->context, !subject->folder[0], ZOE_DATA, "%s: not in a run folder, so its clips are not known",
                zoe_checkpoint_path(subject->checkpoint));
    if (zoe__format(path, ZOE__PATH, "%s/pack", subject->folder) && zoe_pack_is(path)) return ZOE_OK;
    json_t *run;
    ZOE_TRY(zoe__run_read_options(subject->context, subject->folder, &run));
    const json_t *clips = json_object_get(run, "clips");
    const char *first = json_string_value(json_array_get(clips, 0));
    const bool found =
        json_array_size(clips) == 1 && first && zoe_pack_is(first) && zoe__format(path, ZOE__PATH, "%s", first);
    zoe_status status = ZOE_OK;
    if (!found)
        status =
            zoe__fail(subject->context, ZOE_DATA, "%s: neither its own pack nor the one it was given (%s) is there",
                      subject->folder, first ? first : "none");
    json_decref(run);
    return status;
}
