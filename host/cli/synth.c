/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe synth`: clips of a synthetic world, as real video files. */
#include <zoe/media.h>

#include "cli/cli.h"

static zoe_status report(zoe__cli *cli, const char *out, const zoe_synth_options *synth, double seconds)
{
    if (cli->json)
        return zoe__cli_print_json(cli, json_pack("{s:s, s:s, s:i, s:I, s:b, s:f}", "world", synth->world, "out", out,
                                                  "clips", synth->clips, "seed", (json_int_t)synth->seed, "pairs",
                                                  (int)synth->pairs, "seconds", seconds));
    printf("%d clips of world %s, seed %llu, in %s (%.1f s)\n", synth->clips, synth->world,
           (unsigned long long)synth->seed, out, seconds);
    return ZOE_OK;
}

static zoe_status run(zoe__cli *cli)
{
    const double start = zoe__seconds();
    const char *out = zoe_options_text(cli->options, "out");
    ZOE_FAIL_IF(cli->context, !out, ZOE_USAGE, "--out DIR is missing: where should the clips go?");
    const zoe_synth_options synth = {.world = cli->args[0],
                                     .clips = (int)zoe_options_int(cli->options, "clips"),
                                     .seed = (uint64_t)zoe_options_int(cli->options, "seed"),
                                     .workers = (int)zoe_options_int(cli->options, "workers"),
                                     .pairs = zoe_options_flag(cli->options, "pairs")};
    ZOE_TRY(zoe_synth(cli->context, out, &synth));
    return report(cli, out, &synth, zoe__seconds() - start);
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "DIR",
     .help = "folder for the clips, made when absent; files of the same names are replaced"},
    {.name = "clips", .letter = 'n', .type = ZOE_OPTION_INT, .low = 1, .high = 1000000, .value = "N", .unit = "clips",
     .fallback = "240", .help = "how many; clip i is of kind i mod 8, the same whatever N is"},
    {.name = "seed", .letter = 's', .type = ZOE_OPTION_INT, .low = 0, .high = 9007199254740992.0, .value = "S",
     .fallback = "1", .help = "another seed, other clips"},
    {.name = "pairs", .type = ZOE_OPTION_FLAG, .help = "of sounding: two things in each clip, of which one sounds"},
    {.name = "workers", .letter = 'j', .type = ZOE_OPTION_INT, .low = 0, .high = 256, .value = "N", .unit = "threads",
     .fallback = "0", .help = "0: one for each processor; the clips do not depend on it", .flags = ZOE_OPTION_FREE},
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_synth = {
    .name = "synth",
    .summary = "make the clips of a synthetic world",
    .usage = "WORLD --out DIR [options]",
    .examples = "zoe synth motion --out clips                       # 240 clips to train on\n"
                "zoe synth motion --out held-out --clips 96 --seed 2\n"
                "zoe synth sounding --out clips --clips 400         # things that bounce and are heard\n"
                "zoe synth sounding --pairs --out two --clips 200 --seed 2\n",
    .notes =
        "Worlds:\n"
        "  motion    figures that walk, jump, wave, jack, bend, squat, kick and sway, filmed by a shaking hand; 64 x "
        "64\n"
        "            pixels, 60 frames at 25 a second. Writes DIR/KIND/NNNNN.mp4, and beside each clip NNNNN.json "
        "{kind,\n"
        "            fps, joints: for each frame [x, y] of head; left elbow, hand, knee, foot; right elbow, hand, "
        "knee,\n"
        "            foot}.\n"
        "  sounding  things that bounce, each impact heard when it is seen in the timbre of its kind: bell, reed, "
        "hiss,\n"
        "            chirp, flute, buzz, clicks, thud; 64 x 64 pixels, 50 frames at 25 a second, sound of 48 kHz. "
        "Writes\n"
        "            DIR/KIND/NNNNN.mkv (FLAC), and NNNNN.json {fps, things: [{kind, sounding, boxes: for each frame\n"
        "            [x0, y0, x1, y1]}]}.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
