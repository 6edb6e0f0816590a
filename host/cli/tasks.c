/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe tasks`: what can be learnt. */
#include <zoe/task.h>

#include "cli/cli.h"

static zoe_status run(zoe__cli *cli)
{
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; zoe_task_at(i); i++)
            json_array_append_new(
                list, json_pack("{s:s, s:s}", "name", zoe_task_at(i)->name, "summary", zoe_task_at(i)->summary));
        return zoe__cli_print_json(cli, list);
    }
    for (size_t i = 0; zoe_task_at(i); i++) printf("%-16s %s\n", zoe_task_at(i)->name, zoe_task_at(i)->summary);
    return ZOE_OK;
}

static const zoe_option options[] = {ZOE__OPTION_JSON, ZOE__OPTION_END};

const zoe__verb zoe__verb_tasks = {
    .name = "tasks",
    .summary = "list the pretext tasks",
    .usage = "[--json]",
    .examples = "zoe tasks\n"
                "zoe train shuffle-learn --help     # options of a task\n",
    .options = options,
    .run = run,
};
