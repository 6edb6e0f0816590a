/* SPDX-License-Identifier: Apache-2.0
 *
 * `zoe look CLIP`: frames of a clip as PNG files. The clip goes through a pack in a temporary folder, so what is seen
 * here is what training sees. `zoe look RUN --samples`: tuples of the run's task and what its network says to them. */
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
    index.limits.min_clean = 0; /* look at damage, too */
    ZOE_TRY(zoe_pack_index(cli->context, &clip, 1, folder, &index));
    return zoe_pack_open(pack, cli->context, folder);
}

/* ---- frames to files ---- */

typedef struct view {
    zoe_reader *reader;
    const zoe_clip *clip;
    int width, height;
    json_t *written; /* [{rank, seconds, file}] */
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

static zoe_status write_all(zoe__cli *cli, view *v)
{
    const char *out = zoe_options_text(cli->options, "out");
    zoe_options_size(cli->options, "size", &v->width, &v->height);
    if (!v->width && !v->height) v->width = v->clip->width, v->height = v->clip->height;
    ZOE_FAIL_IF(cli->context, !v->width || !v->height, ZOE_USAGE, "--size: both sides, or 0x0 for the clip's own");
    if (!zoe_options_given(cli->options, "at")) return write_ranks(cli, v, out);
    const double at = zoe_options_float(cli->options, "at");
    ZOE_FAIL_IF(cli->context, at >= v->clip->seconds, ZOE_DATA,
                "%s: there is no frame at %g s, the clip has %g s (%d frames)", v->clip->path, at, v->clip->seconds,
                v->clip->frames);
    return write_frame(cli, v, zoe_clip_rank_at(v->clip, at), out);
}

static zoe_status report(zoe__cli *cli, const view *v)
{
    if (cli->json)
        return zoe__cli_print_json(cli, json_pack("{s:o, s:i, s:f, s:f, s:i, s:i, s:O}", "clip",
                                                  zoe__cli_text(v->clip->path), "frames", v->clip->frames, "seconds",
                                                  v->clip->seconds, "fps", v->clip->fps, "width", v->clip->width,
                                                  "height", v->clip->height, "written", v->written));
    size_t i;
    json_t *row;
    json_array_foreach(v->written, i, row)
        printf("%s: frame %lld of %d, at %.3f s\n", json_string_value(json_object_get(row, "file")),
               json_integer_value(json_object_get(row, "rank")), v->clip->frames,
               json_real_value(json_object_get(row, "seconds")));
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

static zoe_status run(zoe__cli *cli)
{
    if (zoe_options_flag(cli->options, "samples")) return look_at_samples(cli);
    const bool ranks = zoe_options_given(cli->options, "ranks"), at = zoe_options_given(cli->options, "at");
    ZOE_FAIL_IF(cli->context, ranks == at, ZOE_USAGE, "one of --ranks N,N... and --at TIME is needed");
    ZOE_FAIL_IF(cli->context, !zoe_options_text(cli->options, "out"), ZOE_USAGE, "--out is missing: %s",
                ranks ? "the folder for the frames" : "the PNG file");
    char folder[PATH_MAX];
    zoe_pack *pack = NULL;
    view v = {.written = json_array()};
    zoe_status status;
    ZOE_TRY_OUT(make_pack(cli, cli->args[0], folder, sizeof folder, &pack));
    ZOE_FAIL_IF_OUT(cli->context, zoe_pack_clips(pack) != 1, ZOE_DATA, "%s: one clip is needed, here are %zu",
                    cli->args[0], zoe_pack_clips(pack));
    v.clip = zoe_pack_clip(pack, 0);
    ZOE_TRY_OUT(zoe_reader_new(&v.reader, cli->context, pack));
    ZOE_TRY_OUT(write_all(cli, &v));
    ZOE_TRY_OUT(report(cli, &v));
out:
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
    {.name = "at", .type = ZOE_OPTION_SECONDS, .low = 0, .high = 1e9, .value = "TIME", .unit = "s",
     .help = "the frame that a player shows at this time, written to the file of --out"},
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
    .summary = "see what training sees: frames of a clip, tuples of a run",
    .usage = "CLIP --ranks N,N... --out DIR | CLIP --at TIME --out FILE.png | RUN --samples",
    .examples =
        "zoe look clip.mp4 --ranks 0,7,3 --size 224x224 --out frames   # frames/0.png, frames/3.png, frames/7.png\n"
        "zoe look clip.mp4 --at 1.5 --out still.png\n"
        "zoe look run --samples                                        # run/report/samples.png\n",
    .notes = "Frames count as a player shows them: edit lists are honoured, rotation is applied, the sample aspect "
             "ratio is not.\n"
             "Colours are taken as tagged, BT.601 limited range when untagged. A frame past the end is an error (exit "
             "code 4);\n"
             "those before it are written.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
