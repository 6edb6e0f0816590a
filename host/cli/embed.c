/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe embed RUN FILES --out F.npy`: features of files for other programs. */
#include <string.h>

#include <zoe/evaluate.h>

#include "cli/cli.h"
#include "evaluate/features.h"

static zoe_status report(zoe__cli *cli, const char *out, const zoe_embed_result *r)
{
    if (cli->json)
        return zoe__cli_print_json(cli,
                                   json_pack("{s:o, s:s, s:I, s:I, s:I, s:I}", "out", zoe__cli_text(out), "layer",
                                             r->layer, "rows", (json_int_t)r->rows, "columns", (json_int_t)r->columns,
                                             "clips", (json_int_t)r->clips, "skipped", (json_int_t)r->skipped));
    printf("%s: layer %s, %zu rows of %zu numbers, %zu clips, %zu skipped\n", out, r->layer, r->rows, r->columns,
           r->clips, r->skipped);
    return ZOE_OK;
}

static zoe_status run(zoe__cli *cli)
{
    const zoe_options *o = cli->options;
    const char *out = zoe_options_text(o, "out");
    zoe_embed_result result;
    zoe_embed_options options = zoe_embed_options_default();
    ZOE_FAIL_IF(cli->context, !out, ZOE_USAGE, "--out F.npy is missing: the file to write");
    options.features = zoe__features_options_from(o);
    options.features.audio = !strcmp(zoe_options_text(o, "stream"), "audio");
    options.layer = zoe_options_text(o, "layer");
    options.first = (int)zoe_options_int(o, "first");
    options.every = (int)zoe_options_int(o, "every");
    /* Windows of sound lie side by side: all of them. */
    if (options.features.audio && !zoe_options_given(o, "first")) options.first = 0;
    if (options.features.audio && !zoe_options_given(o, "every")) options.every = 1;
    options.workers = (int)zoe_options_int(o, "workers");
    options.max_bad = zoe_options_float(o, "max-bad");
    ZOE_TRY(zoe_embed(cli->context, cli->args[0], cli->args + 1, cli->arg_count - 1, out, &options, &result));
    return report(cli, out, &result);
}

static const zoe_option options[] = {
    {.name = "stream",
     .type = ZOE_OPTION_WORD,
     .value = "vision|audio",
     .fallback = "vision",
     .help = "of a run of pictures and sounds: whose features"},
    {.name = "layer",
     .letter = 'l',
     .type = ZOE_OPTION_TEXT,
     .value = "LAYER",
     .help = "whose numbers are written; none: the one that pretext heads take"},
    {.name = "out",
     .letter = 'o',
     .type = ZOE_OPTION_TEXT,
     .value = "F.npy",
     .help = "file to write; F.csv beside it says what each row is"},
    {.name = "first",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 1 << 20,
     .unit = "frames",
     .fallback = "3",
     .help = "rank of the first frame of a clip; of sounds, number of the first window (default 0)"},
    {.name = "every",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1 << 20,
     .unit = "frames",
     .fallback = "6",
     .help = "distance of the frames; of windows of sound (default 1)"},
    ZOE__OPTION_BATCH,
    {.name = "workers",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 256,
     .unit = "threads",
     .fallback = "0",
     .help = "that read and decode; 0: one a processor"},
    {.name = "max-bad",
     .type = ZOE_OPTION_FLOAT,
     .low = 0,
     .high = 1,
     .fallback = "0.05",
     .help = "share of unusable files past which to give up (exit code 9)"},
    ZOE__DEVICE_OPTIONS,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};

const zoe__verb zoe__verb_embed = {
    .name = "embed",
    .summary = "write a layer's features of files as a NumPy array",
    .usage = "RUN FILES... --out F.npy [options]",
    .examples = "zoe embed run clips --layer stage3 --out f.npy        # frames 3, 9, 15, ... of each clip\n"
                "zoe embed run a.mp4 --first 0 --every 1 --out a.npy   # all frames of one file\n"
                "zoe embed run sounds --stream audio --out s.npy       # of a run of avc-ave: each second, comparable "
                "with frames\n",
    .notes = "One row a frame: the layer's channels x rows x columns one after another, float32; the middle crop of "
             "the frame, as in\n"
             "held-out figures. F.csv has a line for each row: row,file,rank,seconds,label. FILES are files, folders, "
             "lists (*.txt) or a\n"
             "pack; rows come in the order of the paths.\n",
    .options = options,
    .min_args = 2,
    .max_args = -1,
    .run = run,
};
