/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe look CLIP`: frames of a clip as PNG files, its sound as WAV files and spectrograms. The clip goes through a pack
 * in a temporary folder, so what is seen here is what training sees. `zoe look RUN --samples`: tuples of the run's task
 * and what its network says to them. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoe/evaluate.h>
#include <zoe/media.h>

#include "cli/cli.h"
#include "cli/hear.h"
#include "report/image.h"

/* ---- the temporary pack ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    if (folder[0]) nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Fills folder[size]; "" when the clip is in a pack already. */
static zoe_status make_pack(zoe__cli *cli, const char *clip, char *folder, size_t size, zoe_pack **pack)
{
    folder[0] = '\0';
    if (zoe_pack_is(clip)) return zoe_pack_open(pack, cli->context, clip);
    const char *root = getenv("TMPDIR");
    ZOE_FAIL_IF(cli->context, !zoe__format(folder, size, "%s/zoe-look-XXXXXX", root && root[0] ? root : "/tmp"),
                ZOE_DISK, "TMPDIR is too long");
    if (!mkdtemp(folder)) {
        const zoe_status status = zoe__fail(cli->context, ZOE_DISK, "%s: %s", folder, strerror(errno));
        folder[0] = '\0';
        return status;
    }
    zoe_index_options index = zoe_index_options_default();
    index.workers = 1;
    index.sound_rate = (int)zoe_options_int(cli->options, "rate");
    index.limits.min_clean = 0; /* look at damage, too */
    ZOE_TRY(zoe_pack_index(cli->context, &clip, 1, folder, &index));
    return zoe_pack_open(pack, cli->context, folder);
}

/* ---- frames to files ---- */

typedef struct view {
    zoe_reader *reader;
    const zoe_clip *clip;
    int width, height;
    zoe__second second; /* of sound; empty without */
    json_t *written;    /* [{rank, seconds, file}], [{seconds, samples, rate, file}] */
} view;

static zoe_status write_frame(zoe__cli *cli, view *v, int rank, const char *path)
{
    zoe__image image;
    ZOE_TRY(zoe__image_new(&image, cli->context, v->width, v->height, ZOE__BLACK));
    zoe_status status = zoe_reader_frames(v->reader, 0, &rank, 1, v->width, v->height, image.rgb);
    if (status == ZOE_OK) status = zoe__image_write_png(&image, cli->context, path);
    zoe__image_free(&image);
    if (status != ZOE_OK) return status;
    json_array_append_new(v->written, json_pack("{s:i, s:f, s:o}", "rank", rank, "seconds", v->clip->times[rank],
                                                "file", zoe__cli_text(path)));
    return ZOE_OK;
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static zoe_status make_folders(zoe__cli *cli, const char *folder)
{
    char path[PATH_MAX];
    ZOE_FAIL_IF(cli->context, !zoe__format(path, sizeof path, "%s/", folder), ZOE_DISK, "--out: the path is too long");
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        ZOE_FAIL_IF(cli->context, mkdir(path, 0777) < 0 && errno != EEXIST, ZOE_DISK, "%s: %s", path, strerror(errno));
        *slash = '/';
    }
    return ZOE_OK;
}

/* DIR/RANK.png for each rank. In rising order, so that the decoder runs once; the frames that exist are written even
 * when others do not. */
static zoe_status write_ranks(zoe__cli *cli, view *v, const char *out)
{
    const size_t n = zoe_options_items(cli->options, "ranks");
    int64_t *ranks;
    ZOE_TRY(zoe__calloc(cli->context, &ranks, n, sizeof *ranks));
    for (size_t i = 0; i < n; i++) ranks[i] = zoe_options_item_int(cli->options, "ranks", i);
    qsort(ranks, n, sizeof *ranks, by_value);
    zoe_status status = make_folders(cli, out);
    for (size_t i = 0; i < n && status == ZOE_OK; i++) {
        char path[PATH_MAX];
        if (i && ranks[i] == ranks[i - 1]) continue;
        if (!zoe__format(path, sizeof path, "%s/%lld.png", out, (long long)ranks[i]))
            status = zoe__fail(cli->context, ZOE_DISK, "--out: the path is too long");
        else
            status = write_frame(cli, v, (int)ranks[i], path); /* rising: what follows a missing rank is missing, too */
    }
    free(ranks);
    return status;
}

static zoe_status settle_size(zoe__cli *cli, view *v)
{
    zoe_options_size(cli->options, "size", &v->width, &v->height);
    if (!v->width && !v->height) v->width = v->clip->width, v->height = v->clip->height;
    ZOE_FAIL_IF(cli->context, v->clip->frames && (!v->width || !v->height), ZOE_USAGE,
                "--size: both sides, or 0x0 for the clip's own");
    return ZOE_OK;
}

/* ---- a moment: the frame, and the second of sound that starts there ---- */

static json_t *written_sound(const view *v, double at, const char *path)
{
    return json_pack("{s:f, s:i, s:i, s:o}", "seconds", at, "samples", v->second.samples, "rate", v->second.rate,
                     "file", zoe__cli_text(path));
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* The frame in the upper left corner, below it the spectrogram, at least as wide. Without pictures or sound only the
 * other part. */
static zoe_status write_moment(zoe__cli *cli, view *v, double at, const char *path)
{
    const zoe_clip *clip = v->clip;
    const bool sound = v->second.pcm != NULL;
    ZOE_FAIL_IF(cli->context, clip->frames && (at < 0 || at >= clip->seconds), ZOE_DATA,
                "%s: there is no frame at %g s, the clip has %g s (%d frames)", clip->path, at, clip->seconds,
                clip->frames);
    ZOE_FAIL_IF(cli->context, !clip->frames && !sound, ZOE_DATA, "%s: neither pictures nor sound", clip->path);
    const int height = clip->frames ? v->height : 0, least = sound ? v->second.frames : 0;
    const int width = clip->frames && v->width > least ? v->width : least;
    const int rank = clip->frames ? zoe_clip_rank_at(clip, at) : -1;
    zoe__image image;
    uint8_t *rgb = NULL;
    ZOE_TRY(zoe__image_new(&image, cli->context, width, height + (sound ? v->second.bins : 0), ZOE__BLACK));
    zoe_status status;
    if (clip->frames) {
        ZOE_TRY_OUT(zoe__calloc(cli->context, &rgb, (size_t)v->width * (size_t)v->height, 3));
        ZOE_TRY_OUT(zoe_reader_frames(v->reader, 0, &rank, 1, v->width, v->height, rgb));
        zoe__image_blit(&image, 0, 0, rgb, v->width, v->height, 1);
    }
    if (sound) zoe__second_draw(&v->second, &image, 0, height, width);
    ZOE_TRY_OUT(zoe__image_write_png(&image, cli->context, path));
    json_array_append_new(v->written, clip->frames ? json_pack("{s:i, s:f, s:o}", "rank", rank, "seconds",
                                                               clip->times[rank], "file", zoe__cli_text(path))
                                                   : written_sound(v, at, path));
out:
    zoe__image_free(&image);
    free(rgb);
    return status;
}

static zoe_status write_spectrogram(zoe__cli *cli, view *v, const char *path)
{
    if (ends_with(path, ".npy")) return zoe__second_write_npy(cli, &v->second, path);
    zoe__image image;
    ZOE_TRY(zoe__image_new(&image, cli->context, v->second.frames, v->second.bins, ZOE__BLACK));
    zoe__second_draw(&v->second, &image, 0, 0, v->second.frames);
    const zoe_status status = zoe__image_write_png(&image, cli->context, path);
    zoe__image_free(&image);
    return status;
}

static zoe_status write_at(zoe__cli *cli, view *v, zoe_pack *pack)
{
    const char *out = zoe_options_text(cli->options, "out"), *sound = zoe_options_text(cli->options, "sound");
    const char *spectrogram = zoe_options_text(cli->options, "spectrogram");
    const double at = zoe_options_given(cli->options, "at") ? zoe_options_float(cli->options, "at") : 0;
    const zoe_sound_state state = v->clip->sound.state;
    if (sound || spectrogram || state == ZOE_SOUND_GOOD || state == ZOE_SOUND_SILENT)
        ZOE_TRY(zoe__second_read(cli, &v->second, pack, v->reader, 0, at));
    if (sound) {
        ZOE_TRY(zoe__second_write_wav(cli, &v->second, sound));
        json_array_append_new(v->written, written_sound(v, at, sound));
    }
    if (spectrogram) {
        ZOE_TRY(write_spectrogram(cli, v, spectrogram));
        json_array_append_new(v->written, written_sound(v, at, spectrogram));
    }
    return out ? write_moment(cli, v, at, out) : ZOE_OK;
}

static zoe_status report(zoe__cli *cli, const view *v)
{
    const zoe_clip *clip = v->clip;
    if (cli->json)
        return zoe__cli_print_json(
            cli, json_pack("{s:o, s:i, s:f, s:f, s:i, s:i, s:o, s:O}", "clip", zoe__cli_text(clip->path), "frames",
                           clip->frames, "seconds", clip->seconds, "fps", clip->fps, "width", clip->width, "height",
                           clip->height, "sound", zoe__sound_json(&clip->sound), "written", v->written));
    size_t i;
    json_t *row;
    json_array_foreach(v->written, i, row)
    {
        const char *file = json_string_value(json_object_get(row, "file"));
        const double seconds = json_real_value(json_object_get(row, "seconds"));
        const json_t *rank = json_object_get(row, "rank");
        if (rank)
            printf("%s: frame %lld of %d, at %.3f s\n", file, json_integer_value(rank), clip->frames, seconds);
        else
            printf("%s: %lld samples of sound from %.3f s on, at %lld Hz\n", file,
                   json_integer_value(json_object_get(row, "samples")), seconds,
                   json_integer_value(json_object_get(row, "rate")));
    }
    return ZOE_OK;
}

/* ---- samples of a run ---- */

static zoe_status look_at_samples(zoe__cli *cli)
{
    const char *run = cli->args[0], *out = zoe_options_text(cli->options, "out");
    char path[PATH_MAX], folder[PATH_MAX];
    zoe_samples_options options = zoe_samples_options_default();
    zoe_samples_result result;
    options.tuples = (int)zoe_options_int(cli->options, "tuples");
    options.seed = (uint64_t)zoe_options_int(cli->options, "seed");
    options.features.device = zoe_options_text(cli->options, "device");
    const bool fits =
        zoe__format(folder, sizeof folder, "%s/report", run) &&
        (out ? zoe__format(path, sizeof path, "%s", out) : zoe__format(path, sizeof path, "%s/samples.png", folder));
    ZOE_FAIL_IF(cli->context, !fits, ZOE_DISK, "%.60s...: the path is too long", out ? out : run);
    const bool made = !out && mkdir(folder, 0777) == 0;
    ZOE_FAIL_IF(cli->context, !out && !made && errno == EROFS, ZOE_DISK, "%s: cannot make the folder: %s", folder,
                strerror(errno)); /* what else goes wrong here is told below */
    const zoe_status status = zoe_samples(cli->context, run, path, &options, &result);
    if (status != ZOE_OK && made) rmdir(folder);
    ZOE_TRY(status);
    if (cli->json)
        return zoe__cli_print_json(cli,
                                   json_pack("{s:o, s:i, s:i, s:b}", "sheet", zoe__cli_text(path), "tuples",
                                             result.tuples, "right", result.right, "held_out", (int)result.held_out));
    printf("%s: %d of %d tuples of %s clips answered rightly\n", path, result.right, result.tuples,
           result.held_out ? "held-out" : "training");
    return ZOE_OK;
}

/* Which of the verb's forms is it? */
static zoe_status check_words(zoe__cli *cli, bool *by_rank)
{
    const zoe_options *o = cli->options;
    const char *spectrogram = zoe_options_text(o, "spectrogram");
    const bool ranks = zoe_options_given(o, "ranks"), at = zoe_options_given(o, "at");
    const bool heard = zoe_options_text(o, "sound") || spectrogram;
    ZOE_FAIL_IF(cli->context, ranks ? at || heard : !at && !heard, ZOE_USAGE,
                "one of --ranks N,N... and --at TIME is needed");
    ZOE_FAIL_IF(cli->context, !heard && !zoe_options_text(o, "out"), ZOE_USAGE, "--out is missing: %s",
                ranks ? "the folder for the frames" : "the PNG file");
    ZOE_FAIL_IF(cli->context, spectrogram && !ends_with(spectrogram, ".npy") && !ends_with(spectrogram, ".png"),
                ZOE_USAGE, "--spectrogram %s: the file's name must end in .npy or .png", spectrogram);
    *by_rank = ranks;
    return ZOE_OK;
}

static zoe_status run(zoe__cli *cli)
{
    if (zoe_options_flag(cli->options, "samples")) return look_at_samples(cli);
    bool by_rank = false;
    ZOE_TRY(check_words(cli, &by_rank));
    char folder[PATH_MAX];
    zoe_pack *pack = NULL;
    view v = {.written = json_array()};
    zoe_status status;
    ZOE_TRY_OUT(make_pack(cli, cli->args[0], folder, sizeof folder, &pack));
    ZOE_FAIL_IF_OUT(cli->context, zoe_pack_clips(pack) != 1, ZOE_DATA, "%s: one clip is needed, here are %zu",
                    cli->args[0], zoe_pack_clips(pack));
    v.clip = zoe_pack_clip(pack, 0);
    ZOE_TRY_OUT(zoe_reader_new(&v.reader, cli->context, pack));
    ZOE_TRY_OUT(settle_size(cli, &v));
    if (by_rank)
        ZOE_TRY_OUT(write_ranks(cli, &v, zoe_options_text(cli->options, "out")));
    else
        ZOE_TRY_OUT(write_at(cli, &v, pack));
    ZOE_TRY_OUT(report(cli, &v));
out:
    zoe__second_clear(&v.second);
    zoe_reader_free(&v.reader);
    zoe_pack_free(&pack);
    remove_folder(folder);
    json_decref(v.written);
    return status;
}

/* clang-format off */
static const zoe_option options[] = {
    {.name = "ranks", .letter = 'r', .type = ZOE_OPTION_INTS, .low = 0, .high = 1 << 28, .value = "N,N...",
     .help = "frames in display order, 0 = the first that a player shows; written as DIR/N.png"},
    {.name = "at", .type = ZOE_OPTION_SECONDS, .low = -1e9, .high = 1e9, .value = "TIME", .unit = "s",
     .help = "the frame that a player shows at this time above the spectrogram of the second of sound that starts there, "
             "written to the file of --out; 0 for --sound and --spectrogram if none"},
    {.name = "sound", .type = ZOE_OPTION_TEXT, .value = "FILE.wav",
     .help = "write the second of sound that starts at --at: 16 bits, one channel, silence outside the stream"},
    {.name = "spectrogram", .type = ZOE_OPTION_TEXT, .value = "FILE.npy|FILE.png",
     .help = "write its log spectrogram: float32 257 x 199, the lowest frequency first, or a picture"},
    {.name = "rate", .type = ZOE_OPTION_INT, .low = 1000, .high = 192000, .value = "N", .unit = "Hz", .fallback = "48000",
     .help = "samples a second of the sound; a PACK has its own"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 0, .high = 32768, .value = "WxH", .unit = "pixels", .fallback = "0x0",
     .help = "the whole frame is scaled to it by area; 0x0: as shown"},
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "DIR|FILE.png",
     .help = "folder for --ranks (made when absent), file for --at"},
    {.name = "samples", .type = ZOE_OPTION_FLAG,
     .help = "of a RUN: a sheet of its task's tuples with labels and answers; --out FILE.png, RUN/report/samples.png if none"},
    {.name = "tuples", .type = ZOE_OPTION_INT, .low = 1, .high = 1000, .fallback = "16", .help = "rows of the sheet of --samples"},
    {.name = "seed", .type = ZOE_OPTION_INT, .low = 0, .high = 9007199254740992.0, .fallback = "0",
     .help = "of the tuples of --samples"},
    ZOE__OPTION_DEVICE,
    ZOE__OPTION_JSON,
    ZOE__OPTION_END,
};
/* clang-format on */

const zoe__verb zoe__verb_look = {
    .name = "look",
    .summary = "see and hear what training does: frames and sound of a clip, tuples of a run",
    .usage = "CLIP --ranks N,N... --out DIR | CLIP --at TIME --out FILE.png | CLIP --sound FILE.wav | RUN --samples",
    .examples =
        "zoe look clip.mp4 --ranks 0,7,3 --size 224x224 --out frames   # frames/0.png, frames/3.png, frames/7.png\n"
        "zoe look clip.mp4 --at 1.5 --out still.png                    # the frame, below it the sound\n"
        "zoe look clip.mp4 --at 1.5 --sound second.wav --spectrogram second.npy\n"
        "zoe look run --samples                                        # run/report/samples.png\n",
    .notes = "Frames count as a player shows them: edit lists are honoured, rotation is applied, the sample aspect "
             "ratio is not.\n"
             "Colours are taken as tagged, BT.601 limited range when untagged. A frame past the end is an error (exit "
             "code 4);\n"
             "those before it are written.\n"
             "Time 0 is the first displayed frame, or the start of a file without pictures. A spectrogram is log(|X| + "
             "1e-5)\n"
             "of windows of 480 samples (periodic Hann), one each 240, transformed with 512 points.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
