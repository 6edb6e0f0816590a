/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe evaluate PROTOCOL RUN CLIPS`: what a trained network is good for. */
#include <string.h>

#include <zoe/evaluate.h>

#include "cli/cli.h"

static zoe_status run(zoe__cli *cli)
{
    const zoe_protocol *protocol = zoe_protocol_find(cli->context, cli->args[0]);
    if (!protocol) return ZOE_USAGE;
    zoe_evaluation evaluation = {0};
    ZOE_TRY(protocol->run(cli->context, cli->args[1], cli->args + 2, cli->arg_count - 2, cli->options, &evaluation));
    zoe_status status = ZOE_OK;
    if (cli->json)
        status = zoe__cli_print_json(cli, json_loads(evaluation.json, 0, NULL));
    else
        fputs(evaluation.text, stdout);
    zoe_evaluation_free(&evaluation);
    return status;
}

/* The options depend on the protocol: the first word that is one; with --help those of all. */
static zoe_status extend(zoe__cli *cli)
{
    bool found = false;
    for (size_t i = 0; i < cli->arg_count && !found; i++)
        for (size_t p = 0; zoe_protocol_at(p) && !found; p++) {
            if (strcmp(zoe_protocol_at(p)->name, cli->args[i])) continue;
            found = true;
            ZOE_TRY(zoe_options_add(cli->options, zoe_protocol_at(p)->options));
        }
    for (size_t p = 0; !found && zoe_protocol_at(p); p++)
        ZOE_TRY(zoe_options_add(cli->options, zoe_protocol_at(p)->options));
    return ZOE_OK;
}

static const zoe_option options[] = {ZOE__OPTION_JSON, ZOE__OPTION_END};

const zoe__verb zoe__verb_evaluate = {
    .name = "evaluate",
    .summary = "measure what a trained network knows",
    .usage = "neighbours|retrieval|localise|linear RUN [CLIPS...] [options]",
    .examples = "zoe evaluate neighbours run                            # the run's own held-out clips\n"
                "zoe evaluate neighbours run clips --layer stage3       # one layer, on other clips\n"
                "zoe evaluate neighbours run weizmann --labels labels.csv --label action --group subject --json\n"
                "zoe evaluate retrieval run                             # of a run of avc, avc-l3, avc-ave, avc-avol\n"
                "zoe evaluate localise run two                          # clips of `zoe synth sounding --pairs`\n"
                "zoe evaluate linear run esc10 --stream audio --layer conv4 --labels labels.csv --label class --group "
                "fold\n",
    .notes =
        "neighbours: is the nearest frame (or second of sound) of another clip (another group, with --group) one "
        "of the same\n"
        "label? Frames 3, 9, 15, ... of each clip, cosine of a layer's features; beside it the same network with "
        "the weights it\n"
        "started from, and the frame's 16x16 pixels. Writes RUN/report/neighbours.png.\n"
        "retrieval: is a sound found by its picture, a picture by its sound, a late frame (sound) by an early one "
        "of the clip?\n"
        "localise: does the place that is heard lie on the thing that sounds? CLIP.json beside each clip has its "
        "boxes. Writes\n"
        "RUN/report/localise.png.\n"
        "linear: logistic regression on a layer's frozen features; each group (or fold) in turn is left out and "
        "asked about.\n"
        "Beside all of them stand random weights and chance. The label of a clip is its folder's name or comes "
        "from --labels.\n"
        "Clips that the run was trained on do not take part (known by content) unless --all is given. RUN is a run "
        "folder or a\n"
        "checkpoint file; CLIPS are files, folders, lists (*.txt) or a pack, and the run's own if none are "
        "given.\n",
    .options = options,
    .min_args = 2,
    .max_args = -1,
    .run = run,
    .extend = extend,
};
