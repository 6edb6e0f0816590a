/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe export RUN --out w.safetensors`: weights for other programs. */
#include <stdlib.h>
#include <string.h>

#include <zoe/checkpoint.h>

#include "cli/cli.h"

static zoe_status report(zoe__cli *cli, const zoe_checkpoint *checkpoint, const char *out, bool head)
{
    const zoe_checkpoint_info *info = zoe_checkpoint_get_info(checkpoint);
    size_t tensors = 0, numbers = 0;
    for (size_t i = 0; i < zoe_checkpoint_tensors(checkpoint); i++) {
        const zoe_checkpoint_tensor t = zoe_checkpoint_tensor_at(checkpoint, i);
        if (!head && !strncmp(t.name, "head.", 5)) continue;
        tensors++;
        numbers += t.count;
    }
    if (cli->json)
        return zoe__cli_print_json(cli, json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:o}", "out", zoe__cli_text(out),
                                                  "net", info->net, "task", info->task, "step", (json_int_t)info->step,
                                                  "tensors", (json_int_t)tensors, "numbers", (json_int_t)numbers,
                                                  "checkpoint", zoe__cli_text(zoe_checkpoint_path(checkpoint))));
    printf("%s: %s after %lld steps of %s, %zu tensors, %zu numbers\n", out, info->net, (long long)info->step,
           info->task, tensors, numbers);
    return ZOE_OK;
}

static zoe_status run(zoe__cli *cli)
{
    const char *out = zoe_options_text(cli->options, "out");
    const bool head = zoe_options_flag(cli->options, "head");
    zoe_checkpoint *checkpoint;
    char *note = NULL;
    ZOE_FAIL_IF(cli->context, !out, ZOE_USAGE, "--out w.safetensors is missing: the file to write");
    ZOE_TRY(zoe_checkpoint_open(&checkpoint, cli->context, cli->args[0], &note));
    if (note) zoe__log(cli->context, ZOE_LOG_WARN, "%s", note);
    free(note);
    zoe_status status = zoe_checkpoint_export_safetensors(checkpoint, cli->context, out, !head);
    if (status == ZOE_OK) status = report(cli, checkpoint, out, head);
    zoe_checkpoint_free(&checkpoint);
    return status;
}

static const zoe_option options[] = {
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "FILE", .help = "safetensors file to write"},
    {.name = "head", .type = ZOE_OPTION_FLAG, .help = "also the tensors of the pretext task's head, named head.*"},
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};

const zoe__verb zoe__verb_export = {
    .name = "export",
    .summary = "write the weights of a run for PyTorch",
    .usage = "RUN --out w.safetensors [options]",
    .examples = "zoe export run --out w.safetensors\n"
                "python -c 'import safetensors.torch as s; print(s.load_file(\"w.safetensors\").keys())'\n",
    .notes = "Names and shapes are torchvision's where torchvision has the network:\n"
             "  net = torchvision.models.resnet18(); net.fc = torch.nn.Identity()\n"
             "  net.load_state_dict(safetensors.torch.load_file(\"w.safetensors\"))\n"
             "RUN is a run folder (its newest good checkpoint) or a checkpoint file.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
