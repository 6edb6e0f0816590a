/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of tasks and what opening one has in common. */
#include <zoe/task.h>

#include <string.h>

#include "core/core.h"
#include "core/suggest.h"

#define X(name) extern const zoe_task_kind zoe__task_##name;
#include "zoe_tasks.inc"
#undef X

static const zoe_task_kind *const kinds[] = {
#define X(name) &zoe__task_##name,
#include "zoe_tasks.inc"
#undef X
};

const zoe_task_kind *zoe_task_at(size_t index)
{
    return index < sizeof kinds / sizeof kinds[0] ? kinds[index] : NULL;
}

const zoe_task_kind *zoe_task_find(zoe_context *context, const char *name)
{
    zoe__suggestion suggestion = zoe__suggest_start(name);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!strcmp(kinds[i]->name, name)) return kinds[i];
        zoe__suggest_try(&suggestion, kinds[i]->name);
    }
    zoe__fail(context, ZOE_USAGE, "unknown task '%s'%s", name,
              suggestion.best ? zoe__suggest_text(&suggestion) : "; `zoe tasks` lists them");
    return NULL;
}

zoe_status zoe_task_open(zoe_task *task, zoe_context *context, const zoe_task_kind *kind, const zoe_options *options,
                         const zoe_backbone *backbone, const zoe_pack *pack, const zoe_task_clips *clips)
{
    *task = (zoe_task){.kind = kind,
                       .context = context,
                       .options = options,
                       .backbone = backbone,
                       .pack = pack,
                       .clips = {clips->clips[0], clips->clips[1]},
                       .clip_count = {clips->count[0], clips->count[1]},
                       .table_columns = 4,
                       .width = backbone->frame,
                       .height = backbone->frame};
    ZOE_FAIL_IF(context, backbone->spectrogram[0], ZOE_CONFIG,
                "--net %s: listens to sound; task '%s' shows it pictures", backbone->name, kind->name);
    if (zoe_options_text(options, "frame")) zoe_options_size(options, "frame", &task->width, &task->height);
    ZOE_FAIL_IF(context, task->width < backbone->crop || task->height < backbone->crop, ZOE_CONFIG,
                "--frame %dx%d: smaller than the %dx%d crop of network '%s'", task->width, task->height, backbone->crop,
                backbone->crop, backbone->name);
    const zoe_status status = kind->open(task);
    if (status != ZOE_OK) zoe_task_close(task);
    return status;
}

void zoe_task_close(zoe_task *task)
{
    if (task->kind && task->kind->close) task->kind->close(task);
    *task = (zoe_task){0};
}
