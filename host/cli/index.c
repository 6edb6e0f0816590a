/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe index`: files to a pack, with a progress line. */
#include <signal.h>
#include <unistd.h>

#include <zoe/media.h>

#include "cli/cli.h"
#include "cli/hear.h"
#include "train/dataset.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = number;
}

/* The first signal ends after the clips at hand; a second SIGINT ends at once, which loses no more than those. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGTERM, &action, NULL);
}

typedef struct display {
    bool terminal;
    double shown; /* zoe__seconds() of the last line */
    bool open;    /* a line without its end stands on the terminal */
} display;

static void end_line(display *d)
{
    if (d->open) fputc('\n', stderr);
    d->open = false;
}

/* A terminal gets one line that changes; anything else a line every few seconds. Skipped files always show. */
static bool progress(const zoe_index_event *event, void *user)
{
    display *d = user;
    const double now = zoe__seconds(), least = d->terminal ? 0.1 : 5;
    if (event->reason) {
        end_line(d);
        fprintf(stderr, "zoe: skipped %s: %s\n", event->file, event->reason);
    }
    if (event->done == event->total || now - d->shown >= least) {
        d->shown = now;
        fprintf(stderr, d->terminal ? "\r%zu of %zu files, %zu skipped\033[K" : "%zu of %zu files, %zu skipped\n",
                event->done, event->total, event->skipped);
        d->open = d->terminal;
    }
    return !stop_wanted;
}

static zoe_status report(zoe__cli *cli, const char *folder, double seconds)
{
    zoe_pack *pack;
    ZOE_TRY(zoe_pack_open(&pack, cli->context, folder));
    const zoe_skipped *skipped;
    const size_t clips = zoe_pack_clips(pack), skips = zoe_pack_skipped(pack, &skipped);
    int64_t frames = 0;
    double length = 0;
    for (size_t i = 0; i < clips; i++) {
        frames += zoe_pack_clip(pack, i)->frames;
        length += zoe_pack_clip(pack, i)->seconds;
    }
    zoe_status status = ZOE_OK;
    if (cli->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < skips; i++)
            json_array_append_new(list, json_pack("{s:o, s:o}", "file", zoe__cli_text(skipped[i].file), "reason",
                                                  zoe__cli_text(skipped[i].reason)));
        status = zoe__cli_print_json(
            cli, json_pack("{s:o, s:I, s:I, s:f, s:o, s:o, s:f}", "pack", zoe__cli_text(folder), "clips",
                           (json_int_t)clips, "frames", (json_int_t)frames, "seconds", length, "sound",
                           zoe__sounds_json(pack), "skipped", list, "indexing_seconds", seconds));
    } else {
        printf("%s: %zu clips, %lld frames, %.1f s, %zu files skipped (%.1f s)\n", folder, clips, (long long)frames,
               length, skips, seconds);
        json_t *sounds = zoe__sounds_json(pack);
        zoe__sounds_print(sounds);
        json_decref(sounds);
    }
    zoe_pack_free(&pack);
    return status;
}

static zoe_status run(zoe__cli *cli)
{
    const double start = zoe__seconds();
    const char *out = zoe_options_text(cli->options, "out");
    ZOE_FAIL_IF(cli->context, !out, ZOE_USAGE, "--out PACK is missing: where should the pack go?");
    ZOE_TRY(zoe__dataset_check_options(cli->context, cli->options));
    display d = {.terminal = isatty(STDERR_FILENO), .shown = start};
    zoe_index_options index = zoe_index_options_default();
    index.workers = (int)zoe_options_int(cli->options, "workers");
    index.labels_csv = zoe_options_text(cli->options, "labels");
    index.label_column = zoe_options_text(cli->options, "label");
    index.group_column = zoe_options_text(cli->options, "group");
    index.sound_rate = (int)zoe_options_int(cli->options, "rate");
    index.max_bad = zoe_options_float(cli->options, "max-bad");
    index.limits.min_clean = zoe_options_float(cli->options, "min-clean");
    index.limits.seconds_per_clip = zoe_options_float(cli->options, "clip-time");
    index.limits.max_file_bytes = zoe_options_int(cli->options, "max-file") << 20;
    index.limits.max_frames = (int)zoe_options_int(cli->options, "max-frames");
    index.progress = progress;
    index.user = &d;
    catch_signals();
    const zoe_status status = zoe_pack_index(cli->context, cli->args, cli->arg_count, out, &index);
    end_line(&d);
    if (status != ZOE_OK && status != ZOE_BAD_FILES) return status;
    const zoe_status reported =
        report(cli, out, zoe__seconds() - start); /* over max-bad the pack is complete nevertheless */
    return status != ZOE_OK ? status : reported;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "PACK",
     .help = "folder of the pack, made when absent; an existing pack is gone on with or added to"},
    {.name = "workers", .letter = 'j', .type = ZOE_OPTION_INT, .low = 0, .high = 256, .value = "N", .unit = "threads",
     .fallback = "0", .help = "0: one for each processor; the pack does not depend on it", .flags = ZOE_OPTION_FREE},
    {.name = "labels", .type = ZOE_OPTION_TEXT, .value = "FILE.csv",
     .help = "table with a column 'file' (base names or relative paths); none: the label is the folder's name"},
    {.name = "label", .type = ZOE_OPTION_TEXT, .value = "COLUMN", .help = "column of --labels with the label"},
    {.name = "group", .type = ZOE_OPTION_TEXT, .value = "COLUMN", .help = "column of --labels with the group (a subject)"},
    {.name = "rate", .type = ZOE_OPTION_INT, .low = 0, .high = 192000, .value = "N", .unit = "Hz", .fallback = "0",
     .help = "samples a second of the sound in the pack, 1000 or more; 0: the pack's own, 48000 for a new one"},
    {.name = "max-bad", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .value = "SHARE", .fallback = "0.05",
     .help = "share of skipped files past which the exit code is 9"},
    {.name = "min-clean", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1, .value = "SHARE", .fallback = "0.5",
     .help = "a clip with a smaller share of frames without a fault is skipped"},
    {.name = "clip-time", .type = ZOE_OPTION_SECONDS, .low = 0.1, .high = 86400, .value = "TIME", .fallback = "60",
     .help = "a file that takes longer to read is skipped; each 1000 frames may take as long again"},
    {.name = "max-file", .type = ZOE_OPTION_INT, .low = 1, .high = 1 << 30, .value = "N", .unit = "MiB", .fallback = "8192",
     .help = "a larger file is skipped"},
    {.name = "max-frames", .type = ZOE_OPTION_INT, .low = 1, .high = 1 << 28, .value = "N", .unit = "frames",
     .fallback = "1048576", .help = "a longer clip is skipped"},
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_index = {
    .name = "index",
    .summary = "read clips into a pack, once",
    .usage = "CLIPS... --out PACK [options]",
    .examples = "zoe index clips/ --out pack                        # folders are searched to the bottom\n"
                "zoe index a.mp4 more/ list.txt other-pack -o pack  # adds; what is there unchanged is not read again\n"
                "zoe index weizmann/ -o pack --labels weizmann/labels.csv --label action --group subject\n",
    .notes = "CLIPS are files of video or sound, folders, lists (*.txt, one path a line), tables of pairs (*.csv with "
             "the head\n"
             "picture,sound,label: a clip of each line) and packs. A killed run is gone on with by the same command. "
             "Sound is kept as\n"
             "one channel on the clock of the pictures. Files that cannot be used are skipped and listed with their "
             "reason by\n"
             "`zoe info PACK`.\n"
             "Exit codes: 4 no usable clip, 7 the pack cannot be written, 8 stopped by a signal, 9 over --max-bad (the "
             "pack\n"
             "is complete nevertheless).\n",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
