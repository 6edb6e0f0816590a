/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data decode": how many frames a second are decoded, by codec, size of the picture, number of threads
 * (each with a reader of its own, as a training has them) and order: each frame after the other, or random ones, each a
 * seek. The clips are drawn and encoded here, so that everybody has the same ones from the same encoder, and go through
 * a pack as all clips do. Right are frames with the hash that they had when their file was read from start to end, and
 * of which each is more like the picture that was drawn for its place than like those of its neighbours. */
#include <libavutil/mem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/data_made.h"
#include "media/synth.h"

enum { FRAMES = 50, FPS = 25, SEEKS = 16 };

static const struct {
    const char *name, *encoder;
} codecs[] = {{"h264", "libx264"}, {"mpeg4", "mpeg4"}, {"mpeg2", "mpeg2video"}, {"vp8", "libvpx"}};
static const int sizes[][2] = {{176, 144}, {640, 360}, {1280, 720}};
enum { CODECS = sizeof codecs / sizeof *codecs, SIZES = sizeof sizes / sizeof *sizes };

/* ---- the clips ---- */

static int triangle(int x, int period)
{
    const int at = x % period;
    return (at < period / 2 ? at : period - at) * 160 / period;
}

/* A number of the picture at time t: waves and a texture that move 3 pixels to the left and 1 up in a frame. */
static uint8_t drawn(int x, int y, int channel, int t)
{
    const int u = x + 3 * t, v = y + t;
    uint32_t grain = (uint32_t)(u / 2) * 2654435761u ^ (uint32_t)(v / 2) * 2246822519u;
    grain = (grain ^ grain >> 15) * 3266489917u;
    return (uint8_t)(40 + triangle(u + 20 * channel, 74) + triangle(v, 58) + (int)(grain >> 27));
}

/* "FOLDER/h264-176x144.mkv" */
static void clip_path(char *path, size_t size, const char *folder, int codec, int which)
{
    zoe__format(path, size, "%s/%s-%dx%d.mkv", folder, codecs[codec].name, sizes[which][0], sizes[which][1]);
}

static zoe_status make_clip(zoe_context *context, const char *folder, int codec, int which)
{
    const int w = sizes[which][0], h = sizes[which][1];
    uint8_t *rgb = NULL, *bytes = NULL;
    size_t size = 0;
    char path[640];
    ZOE_TRY(zoe__calloc(context, &rgb, (size_t)FRAMES * (size_t)w * (size_t)h, 3));
    uint8_t *to = rgb;
    for (int t = 0; t < FRAMES; t++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < 3; c++) *to++ = drawn(x, y, c, t);
    const zoe__synth_movie movie = {.rgb = rgb,
                                    .frames = FRAMES,
                                    .width = w,
                                    .height = h,
                                    .fps = FPS,
                                    .container = "mkv",
                                    .encoder = codecs[codec].encoder};
    zoe_status status = zoe__synth_encode(context, &movie, &bytes, &size);
    clip_path(path, sizeof path, folder, codec, which);
    if (status == ZOE_OK) status = zoe__made_file(context, path, bytes, size);
    av_free(bytes);
    free(rgb);
    return status;
}

/* The id of one of the four rows of a clip; false: it was not asked for, or is another row's. */
static bool row_id(char *id, size_t size, const zoe_options *o, int codec, int which, bool many, bool seeks)
{
    const int threads = zoe__made_threads(o);
    zoe__format(id, size, "data decode %s %dx%d threads %d %s", codecs[codec].name, sizes[which][0], sizes[which][1],
                many ? threads : 1, seeks ? "random" : "sequential");
    return (!many || threads > 1) && zoe__made_wants(o, id);
}

static bool is_wanted(const zoe_options *o, int codec, int which)
{
    char id[96];
    for (int row = 0; row < 4; row++)
        if (row_id(id, sizeof id, o, codec, which, row / 2, row % 2)) return true;
    return false;
}

static bool is_there(const char *folder, int codec, int which)
{
    char path[640];
    clip_path(path, sizeof path, folder, codec, which);
    return access(path, R_OK) == 0;
}

static zoe_status prepare(zoe__made_clips *clips)
{
    char folder[600], id[64];
    for (int c = 0; c < CODECS; c++)
        for (int s = 0; s < SIZES; s++) {
            if (!is_wanted(clips->options, c, s)) continue;
            clips->wanted++;
            ZOE_TRY(zoe__made_folder(clips, "clips", folder, sizeof folder));
            if (is_there(folder, c, s)) continue;
            zoe__format(id, sizeof id, "data decode %s %dx%d", codecs[c].name, sizes[s][0], sizes[s][1]);
            ZOE_TRY(zoe__made_skip(clips, id, make_clip(clips->context, folder, c, s)));
        }
    return ZOE_OK;
}

/* ---- measuring, in a fresh process ---- */

typedef struct decode {
    zoe__made *made;
    uint8_t *rgb[ZOE__MADE_THREADS]; /* of each thread: a frame of any size */
    size_t foreign;                  /* clips that did not come out as they were indexed, so far */
    size_t clip;                     /* the one that is looked at */
    bool seeks;                      /* random frames; else all in order */
    bool right;                      /* so far, all of the clip */
} decode;

static zoe_status read_frames(zoe__made_thread *t, void *user)
{
    decode *d = user;
    const int count = d->seeks ? SEEKS : FRAMES;
    for (int i = 0; i < count; i++) {
        const int rank = d->seeks ? (int)zoe__random_below(&t->random, FRAMES) : i;
        ZOE_TRY(zoe_reader_frames(t->reader, d->clip, &rank, 1, 0, 0, d->rgb[t->number]));
    }
    return ZOE_OK;
}

/* Of some of the numbers of a frame: squared differences from what was drawn for time t. */
static double distance(const uint8_t *rgb, int w, int h, int t)
{
    double sum = 0;
    for (int y = 0; y < h; y += 5)
        for (int x = 0; x < w; x += 7)
            for (int c = 0; c < 3; c++) {
                const double d = (double)rgb[3 * (y * w + x) + c] - drawn(x, y, c, t);
                sum += d * d;
            }
    return sum;
}

/* Each frame is the one of its place. */
static zoe_status look_at_frames(decode *d)
{
    const zoe_clip *c = zoe_pack_clip(d->made->pack, d->clip);
    const zoe__made_thread *t = &d->made->thread[0];
    d->right = c->frames == FRAMES;
    for (int k = 0; k < FRAMES && d->right; k++) {
        ZOE_TRY(zoe__made_from(d->made, t, zoe_reader_frames(t->reader, d->clip, &k, 1, 0, 0, d->rgb[0])));
        const double here = distance(d->rgb[0], c->width, c->height, k);
        d->right = here < distance(d->rgb[0], c->width, c->height, k - 1) &&
                   here < distance(d->rgb[0], c->width, c->height, k + 1);
    }
    return ZOE_OK;
}

/* What is wrong with frames is told by the row. */
static zoe_status wrong_or(decode *d, zoe_status status)
{
    const size_t foreign = zoe_pack_foreign(d->made->pack, NULL);
    if (foreign > d->foreign) d->right = false;
    d->foreign = foreign;
    return zoe__made_forgive(d->made, status, &d->right);
}

static zoe_status measure_clip(decode *d, int codec, int which)
{
    char end[64], id[96];
    bool looked = false, found;
    if (!is_wanted(d->made->options, codec, which)) return ZOE_OK;
    d->right = true;
    zoe__format(end, sizeof end, "/clips/%s-%dx%d.mkv", codecs[codec].name, sizes[which][0], sizes[which][1]);
    ZOE_TRY(zoe__made_find(d->made, end, &d->clip, &found));
    if (!found) return ZOE_OK;
    for (int i = 0; i < 4; i++) {
        const bool many = i / 2;
        zoe__made_times times;
        d->seeks = i % 2;
        if (!row_id(id, sizeof id, d->made->options, codec, which, many, d->seeks)) continue;
        if (!looked) ZOE_TRY(wrong_or(d, look_at_frames(d)));
        looked = true;
        const zoe__made_row row = {.id = id,
                                   .algorithm = codecs[codec].name,
                                   .threads = many ? d->made->threads : 1,
                                   .stream = (uint32_t)(SIZES * codec + which),
                                   .amount = d->seeks ? SEEKS : FRAMES,
                                   .work = read_frames,
                                   .user = d};
        const zoe_status status = wrong_or(d, zoe__made_run(d->made, &row, &times));
        zoe__made_add(d->made, &row, &times, d->right, "");
        ZOE_TRY(status);
    }
    return ZOE_OK;
}

static zoe_status measure(zoe__made *made)
{
    const int *largest = sizes[SIZES - 1];
    decode d = {.made = made};
    zoe_status status = ZOE_OK;
    for (size_t i = 0; made->pack && i < zoe_pack_clips(made->pack); i++) {
        const zoe_clip *clip = zoe_pack_clip(made->pack, i);
        ZOE_FAIL_IF(made->context, clip->width > largest[0] || clip->height > largest[1], ZOE_DATA,
                    "%s: %dx%d: not a clip that was made for this", clip->path, clip->width, clip->height);
    }
    for (int i = 0; i < made->threads && status == ZOE_OK; i++)
        status = zoe__calloc(made->context, &d.rgb[i], (size_t)largest[0] * (size_t)largest[1], 3);
    for (int c = 0; c < CODECS; c++)
        for (int s = 0; s < SIZES && status == ZOE_OK; s++) status = measure_clip(&d, c, s);
    for (int i = 0; i < made->threads; i++) free(d.rgb[i]);
    return status;
}

const zoe__made_kind zoe__made_decode = {.start = "data decode ",
                                         .unit = "frames/s",
                                         .key = "frames_per_s",
                                         .each = "frame",
                                         .prepare = prepare,
                                         .measure = measure};
