/* SPDX-License-Identifier: Apache-2.0
 *
 * localise: does the place that a network hears in a picture lie on the thing that sounds? A clip CLIP.mkv has its
 * truth beside it, CLIP.json: `things` with `sounding` and a box for each frame. The place is the highest cell of the
 * map that the task's head makes of picture and sound; it is in a box if its middle is. Beside it: the box of a thing
 * that is silent, the middle of the picture, and the same network with random weights. Overlap: the places whose
 * probability is at least --threshold of the largest, against the box (intersection over union of pixels). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/options.h"
#include "evaluate/clips.h"
#include "evaluate/protocol.h"
#include "evaluate/streams.h"
#include "report/image.h"
#include "tasks/correspondence.h"
#include "train/run.h"

enum { MAX_THINGS = 8, CAPTION = 64 };

/* Boxes of the things in one frame, pixels of the clip's own size; (0, 0) is the middle of the upper left one. */
typedef struct truth {
    int things;
    bool sounding[MAX_THINGS];
    double box[MAX_THINGS][4]; /* x0, y0, x1, y1 */
} truth;

/* Shares of frames. */
typedef struct shares {
    double sounding, other, iou;
} shares;

typedef struct localise {
    zoe_context *context;
    const zoe_options *options;
    zoe__subject subject;
    zoe__clips clips;
    zoe_device *device;
    zoe__streams *streams;
    zoe_shape cells;
    zoe__pick *picks;
    truth *truths; /* [count] */
    size_t count, used_clips, seen, unusable, bad, silent_things;
    uint8_t *rgb;
    float *pcm, *map, *random_map; /* map: [count][H*W], logits */
    double *scores;
    shares trained, random;
    double centre;
    int draws;
    char sheet[ZOE__PATH];
} localise;

/* ---- truth ---- */

static bool read_box(const json_t *thing, int rank, double box[4])
{
    const json_t *numbers = json_array_get(json_object_get(thing, "boxes"), (size_t)rank);
    for (size_t i = 0; i < 4; i++) {
        const json_t *number = json_array_get(numbers, i);
        if (!json_is_number(number)) return false;
        box[i] = json_number_value(number);
    }
    return json_array_size(numbers) == 4 && box[2] >= box[0] && box[3] >= box[1];
}

static bool read_things(const json_t *clip, int rank, truth *out)
{
    const json_t *things = json_object_get(clip, "things");
    *out = (truth){.things = (int)json_array_size(things)};
    if (out->things < 1 || out->things > MAX_THINGS) return false;
    bool any = false;
    for (int i = 0; i < out->things; i++) {
        const json_t *thing = json_array_get(things, (size_t)i);
        out->sounding[i] = json_is_true(json_object_get(thing, "sounding"));
        any = any || out->sounding[i];
        if (!read_box(thing, rank, out->box[i])) return false;
    }
    return any;
}

/* CLIP.json beside CLIP.mkv; NULL: there is none. */
static zoe_status load_truth(const localise *l, const zoe_clip *clip, json_t **out)
{
    char path[ZOE__PATH];
    json_error_t error;
    *out = NULL;
    const char *dot = strrchr(clip->path, '.'), *slash = strrchr(clip->path, '/');
    const size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - clip->path) : strlen(clip->path);
    if (!zoe__format(path, sizeof path, "%.*s.json", (int)stem, clip->path)) return ZOE_OK;
    FILE *file = fopen(path, "rb");
    if (!file) return ZOE_OK;
    *out = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    ZOE_FAIL_IF(l->context, !*out, ZOE_DATA, "%s:%d: %s", path, error.line, error.text);
    return ZOE_OK;
}

/* ---- frames ---- */

/* Up to --frames frames of a clip, evenly between low and high. */
static zoe_status add_frames(localise *l, size_t clip, const json_t *things, int low, int high, size_t *capacity)
{
    const int wanted = (int)zoe_options_int(l->options, "frames"), all = high - low + 1;
    const int n = wanted < all ? wanted : all;
    size_t room = *capacity;
    for (int i = 0; i < n; i++) {
        const int rank = low + (int)((2 * (int64_t)i + 1) * all / (2 * n));
        truth t;
        ZOE_FAIL_IF(l->context, !read_things(things, rank, &t), ZOE_DATA,
                    "%s: its JSON has no boxes for frame %d, or no thing that sounds",
                    zoe_pack_clip(l->clips.dataset.pack, clip)->path, rank);
        room = *capacity;
        ZOE_TRY(zoe__grow(l->context, &l->truths, &room, l->count + 1, sizeof *l->truths));
        ZOE_TRY(zoe__grow(l->context, &l->picks, capacity, l->count + 1, sizeof *l->picks));
        l->truths[l->count] = t;
        l->picks[l->count++] = (zoe__pick){clip, rank};
    }
    l->used_clips++;
    return ZOE_OK;
}

static zoe_status choose_frames(localise *l)
{
    const zoe_pack *pack = l->clips.dataset.pack;
    const bool all = zoe_options_flag(l->options, "all");
    size_t capacity = 0, without = 0;
    for (size_t i = 0; i < zoe_pack_clips(pack); i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        int low, high;
        json_t *things;
        if (!all && zoe__subject_has_seen(&l->subject, clip->sha256)) {
            l->seen++;
            continue;
        }
        if (!zoe__avc_frames(zoe__streams_task(l->streams), clip, &low, &high)) {
            l->unusable++;
            continue;
        }
        ZOE_TRY(load_truth(l, clip, &things));
        const zoe_status status = things ? add_frames(l, i, things, low, high, &capacity) : ZOE_OK;
        without += !things;
        json_decref(things);
        ZOE_TRY(status);
    }
    ZOE_FAIL_IF(l->context, l->count == 0, ZOE_DATA,
                "no clip to look at: %zu have no JSON beside them, %zu no window of sound around a frame, %zu were "
                "trained on (--all takes them too)",
                without, l->unusable, l->seen);
    return ZOE_OK;
}

/* Picks of clips that do not decode are dropped by zoe__frames_decode(): truths follow. */
static void drop_truths(localise *l, const zoe__pick *before, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < l->count; i++)
        if (before[i].clip == l->picks[kept].clip && before[i].rank == l->picks[kept].rank)
            l->truths[kept++] = l->truths[i];
}

static zoe_status load(localise *l)
{
    const zoe_task *task = zoe__streams_task(l->streams);
    zoe_pack *pack = l->clips.dataset.pack;
    const size_t before = l->count, bytes = (size_t)task->width * (size_t)task->height * 3;
    zoe__pick *copy;
    ZOE_TRY(zoe__calloc(l->context, &l->rgb, before, bytes));
    ZOE_TRY(zoe__calloc(l->context, &l->pcm, before, zoe__streams_samples(l->streams) * sizeof(float)));
    ZOE_TRY(zoe__calloc(l->context, &copy, before, sizeof *copy));
    memcpy(copy, l->picks, before * sizeof *copy);
    const zoe_status status = zoe__frames_decode(l->context, pack, l->picks, &l->count, task->width, task->height,
                                                 (int)zoe_options_int(l->options, "workers"), l->rgb, &l->bad);
    if (status == ZOE_OK) drop_truths(l, copy, before);
    free(copy);
    ZOE_TRY(status);
    ZOE_FAIL_IF(l->context, l->count == 0, ZOE_DATA, "no frame of the clips decodes");
    return zoe__streams_hear(l->streams, l->context, pack, l->picks, l->count, l->pcm);
}

/* ---- places ---- */

/* The middle of a place of the map, or of the picture (place SIZE_MAX), in pixels of the clip's own size. */
static void middle_of(const localise *l, const zoe_clip *clip, size_t place, double *x, double *y)
{
    const zoe_task *task = zoe__streams_task(l->streams);
    const int crop = task->backbone->crop, columns = l->cells.w, rows = l->cells.h;
    double cx = task->width / 2.0, cy = task->height / 2.0;
    if (place != SIZE_MAX) {
        cx = (task->width - crop) / 2 + ((double)(place % (size_t)columns) + 0.5) * crop / columns;
        cy = (task->height - crop) / 2 + ((double)(place / (size_t)columns) + 0.5) * crop / rows;
    }
    *x = cx * clip->width / task->width - 0.5;
    *y = cy * clip->height / task->height - 0.5;
}

static bool in_box(const double box[4], double x, double y)
{
    return x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3];
}

/* Is the point in a box of a thing that sounds (or of one that is silent)? */
static bool hits(const truth *t, bool sounding, double x, double y)
{
    bool hit = false;
    for (int i = 0; i < t->things; i++) hit = hit || (t->sounding[i] == sounding && in_box(t->box[i], x, y));
    return hit;
}

/* Logit at a point of the crop, between the middles of the places by straight lines. u, v: in units of places. */
static double between(const localise *l, const float *map, double u, double v)
{
    const double x = fmin(fmax(u - 0.5, 0), l->cells.w - 1), y = fmin(fmax(v - 0.5, 0), l->cells.h - 1);
    const int x0 = (int)x, y0 = (int)y, x1 = x0 + (x0 < l->cells.w - 1), y1 = y0 + (y0 < l->cells.h - 1);
    const double fx = x - x0, fy = y - y0;
    const float *top = map + (size_t)y0 * (size_t)l->cells.w, *below = map + (size_t)y1 * (size_t)l->cells.w;
    return (1 - fy) * ((1 - fx) * (double)top[x0] + fx * (double)top[x1]) +
           fy * ((1 - fx) * (double)below[x0] + fx * (double)below[x1]);
}

static double probability(double logit)
{
    return 1 / (1 + exp(-logit));
}

static size_t highest(const localise *l, const float *map)
{
    const size_t places = zoe_shape_count(l->cells);
    size_t best = 0;
    for (size_t i = 1; i < places; i++)
        if (map[i] > map[best]) best = i;
    return best;
}

/* Pixels of the crop, one by one. */
static double overlap(const localise *l, const zoe_clip *clip, const truth *t, const float *map)
{
    const zoe_task *task = zoe__streams_task(l->streams);
    const int crop = task->backbone->crop, left = (task->width - crop) / 2, top = (task->height - crop) / 2;
    const double threshold = zoe_options_float(l->options, "threshold") * probability((double)map[highest(l, map)]);
    size_t both = 0, either = 0;
    for (int i = 0; i < crop; i++)
        for (int j = 0; j < crop; j++) {
            const double x = (left + j + 0.5) * clip->width / task->width - 0.5;
            const double y = (top + i + 0.5) * clip->height / task->height - 0.5;
            const bool hot =
                probability(between(l, map, (j + 0.5) * l->cells.w / crop, (i + 0.5) * l->cells.h / crop)) >= threshold;
            const bool box = hits(t, true, x, y);
            both += hot && box;
            either += hot || box;
        }
    return either ? (double)both / (double)either : 0;
}

/* ---- measuring ---- */

/* Logits of the places of all frames into map. */
static zoe_status look(localise *l, zoe__streams *streams, float *map)
{
    size_t last[2];
    float *rows[2] = {NULL, NULL};
    const void *const data[2] = {l->rgb, l->pcm};
    zoe_status status = ZOE_OK;
    for (int stream = 0; stream < 2; stream++) {
        ZOE_TRY_OUT(zoe__streams_find(streams, (zoe__stream)stream, NULL, &last[stream]));
        ZOE_TRY_OUT(zoe__calloc(l->context, &rows[stream], l->count,
                                zoe__streams_layer(streams, (zoe__stream)stream, last[stream]).count * sizeof(float)));
        ZOE_TRY_OUT(
            zoe__streams_compute(streams, (zoe__stream)stream, data[stream], l->count, last[stream], rows[stream]));
    }
    status = zoe__streams_compare(streams, rows[0], rows[1], l->count, l->scores, map);
out:
    free(rows[0]);
    free(rows[1]);
    return status;
}

static void measure(const localise *l, const float *map, shares *out)
{
    const size_t places = zoe_shape_count(l->cells);
    double sounding = 0, other = 0, iou = 0;
    for (size_t i = 0; i < l->count; i++) {
        const zoe_clip *clip = zoe_pack_clip(l->clips.dataset.pack, l->picks[i].clip);
        double x, y;
        middle_of(l, clip, highest(l, map + i * places), &x, &y);
        sounding += hits(&l->truths[i], true, x, y);
        other += hits(&l->truths[i], false, x, y);
        iou += overlap(l, clip, &l->truths[i], map + i * places);
    }
    out->sounding += sounding / (double)l->count;
    out->other += other / (double)l->count;
    out->iou += iou / (double)l->count;
}

static zoe_status measure_random(localise *l, const zoe_features_options *how)
{
    const size_t places = zoe_shape_count(l->cells);
    ZOE_TRY(zoe__calloc(l->context, &l->random_map, l->count, places * sizeof *l->random_map));
    for (int draw = 0; draw < l->draws; draw++) {
        zoe__streams *random;
        ZOE_TRY(zoe__streams_new(&random, l->context, l->device, &l->subject, how, draw));
        zoe_status status = zoe__streams_calibrate(random, l->rgb, l->pcm, l->count);
        if (status == ZOE_OK) status = look(l, random, l->random_map);
        zoe__streams_free(&random);
        ZOE_TRY(status);
        measure(l, l->random_map, &l->random);
    }
    l->random.sounding /= l->draws;
    l->random.other /= l->draws;
    l->random.iou /= l->draws;
    return ZOE_OK;
}

static zoe_status compare(localise *l, const zoe_features_options *how)
{
    ZOE_TRY(zoe__calloc(l->context, &l->map, l->count, zoe_shape_count(l->cells) * sizeof *l->map));
    ZOE_TRY(zoe__calloc(l->context, &l->scores, l->count, sizeof *l->scores));
    ZOE_TRY(look(l, l->streams, l->map));
    measure(l, l->map, &l->trained);
    for (size_t i = 0; i < l->count; i++) {
        double x, y;
        middle_of(l, zoe_pack_clip(l->clips.dataset.pack, l->picks[i].clip), SIZE_MAX, &x, &y);
        l->centre += hits(&l->truths[i], true, x, y) / (double)l->count;
        for (int k = 0; k < l->truths[i].things; k++) l->silent_things += !l->truths[i].sounding[k];
    }
    l->draws = (int)zoe_options_int(l->options, "draws");
    return measure_random(l, how);
}

/* ---- pictures: frame, and the heat of the map over it ---- */

static uint8_t mix(int a, int b, double share)
{
    return (uint8_t)lrint(a + (b - a) * share);
}

/* A box of the clip's pixels as a frame in the crop. */
static void draw_box(const localise *l, zoe__image *image, const zoe_clip *clip, const double box[4], uint32_t colour)
{
    const zoe_task *task = zoe__streams_task(l->streams);
    const int crop = task->backbone->crop, left = (task->width - crop) / 2, top = (task->height - crop) / 2;
    const int x0 = (int)lrint((box[0] + 0.5) * task->width / clip->width - 0.5) - left;
    const int y0 = (int)lrint((box[1] + 0.5) * task->height / clip->height - 0.5) - top;
    const int x1 = (int)lrint((box[2] + 0.5) * task->width / clip->width - 0.5) - left;
    const int y1 = (int)lrint((box[3] + 0.5) * task->height / clip->height - 0.5) - top;
    zoe__image_frame(image, x0, y0, x1 - x0 + 1, y1 - y0 + 1, 1, colour);
}

/* The crop of frame i, as it is and with red where it sounds (probability, of the frame's largest). */
static zoe_status draw_frame(const localise *l, size_t i, zoe__image *plain, zoe__image *heat)
{
    const zoe_task *task = zoe__streams_task(l->streams);
    const zoe_clip *clip = zoe_pack_clip(l->clips.dataset.pack, l->picks[i].clip);
    const int crop = task->backbone->crop, left = (task->width - crop) / 2, top = (task->height - crop) / 2;
    const float *map = l->map + i * zoe_shape_count(l->cells);
    const double largest = probability((double)map[highest(l, map)]);
    ZOE_TRY(zoe__image_new(plain, l->context, crop, crop, ZOE__BLACK));
    ZOE_TRY(zoe__image_new(heat, l->context, crop, crop, ZOE__BLACK));
    for (int y = 0; y < crop; y++)
        for (int x = 0; x < crop; x++) {
            const uint8_t *from = l->rgb + (i * (size_t)task->width * (size_t)task->height +
                                            (size_t)(top + y) * (size_t)task->width + (size_t)(left + x)) *
                                               3;
            const double p =
                probability(between(l, map, (x + 0.5) * l->cells.w / crop, (y + 0.5) * l->cells.h / crop)) / largest;
            const int grey = (from[0] * 3 + from[1] * 6 + from[2]) / 10;
            uint8_t *to = heat->rgb + ((size_t)y * (size_t)crop + (size_t)x) * 3;
            memcpy(plain->rgb + ((size_t)y * (size_t)crop + (size_t)x) * 3, from, 3);
            to[0] = mix(grey, 255, 0.8 * p);
            to[1] = mix(grey, p > 0.75 ? 220 : 40, 0.8 * p);
            to[2] = mix(grey, 0, 0.8 * p);
        }
    for (int k = 0; k < l->truths[i].things; k++)
        draw_box(l, plain, clip, l->truths[i].box[k], l->truths[i].sounding[k] ? ZOE__GREEN : ZOE__RED);
    return ZOE_OK;
}

static zoe_status place_sheet(localise *l)
{
    const char *out = zoe_options_text(l->options, "out");
    char folder[ZOE__PATH];
    bool fits = zoe__format(folder, sizeof folder, "%s", out ? out : ".");
    if (!out && l->subject.folder[0]) fits = zoe__format(folder, sizeof folder, "%s/report", l->subject.folder);
    fits = fits && zoe__format(l->sheet, sizeof l->sheet, "%s/localise.png", folder);
    ZOE_FAIL_IF(l->context, !fits, ZOE_DISK, "%.60s...: path too long", out ? out : l->subject.folder);
    return zoe__make_folder(l->context, folder);
}

typedef struct sheet {
    zoe__image *images; /* two for each frame */
    zoe__thumb *thumbs;
    char (*captions)[CAPTION];
    size_t shown;
} sheet;

static void fill_thumbs(const localise *l, sheet *s, size_t k, size_t i)
{
    const zoe_clip *clip = zoe_pack_clip(l->clips.dataset.pack, l->picks[i].clip);
    const float *map = l->map + i * zoe_shape_count(l->cells);
    double x, y;
    middle_of(l, clip, highest(l, map), &x, &y);
    const bool right = hits(&l->truths[i], true, x, y);
    zoe__format(s->captions[k], CAPTION, "%.20s", clip->label);
    zoe__format(s->captions[s->shown + k], CAPTION, "p %.2f", probability((double)map[highest(l, map)]));
    for (int half = 0; half < 2; half++)
        s->thumbs[2 * k + (size_t)half] = (zoe__thumb){.rgb = s->images[2 * k + (size_t)half].rgb,
                                                       .width = s->images[2 * k + (size_t)half].width,
                                                       .height = s->images[2 * k + (size_t)half].height,
                                                       .caption = s->captions[half ? s->shown + k : k],
                                                       .border = right ? ZOE__GREEN : ZOE__RED,
                                                       .border_thickness = 2};
}

static zoe_status draw(localise *l)
{
    const size_t wanted = (size_t)zoe_options_int(l->options, "pictures");
    sheet s = {.shown = wanted < l->count ? wanted : l->count};
    enum { ACROSS = 6 }; /* cells of a row: three frames */
    const size_t rows = (2 * s.shown + ACROSS - 1) / ACROSS;
    char title[256];
    zoe__image image = {0};
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__calloc(l->context, &s.images, 2 * s.shown, sizeof *s.images));
    ZOE_TRY_OUT(zoe__calloc(l->context, &s.captions, 2 * s.shown, sizeof *s.captions));
    ZOE_TRY_OUT(zoe__calloc(l->context, &s.thumbs, rows * ACROSS, sizeof *s.thumbs));
    for (size_t k = 0; k < s.shown; k++) {
        const size_t i = k * l->count / s.shown;
        ZOE_TRY_OUT(draw_frame(l, i, &s.images[2 * k], &s.images[2 * k + 1]));
        fill_thumbs(l, &s, k, i);
    }
    zoe__format(title, sizeof title,
                "left: boxes, green = sounds, red = silent; right: where the network hears it; border green = highest "
                "place in the box\npointing %.1f %%, the silent thing %.1f %%, random weights %.1f %%",
                100 * l->trained.sounding, 100 * l->trained.other, 100 * l->random.sounding);
    const int crop = zoe__streams_task(l->streams)->backbone->crop, scale = crop >= 128 ? 1 : (128 + crop - 1) / crop;
    ZOE_TRY_OUT(zoe__image_sheet(&image, l->context, title, s.thumbs, (int)rows, ACROSS, scale));
    status = zoe__image_write_png(&image, l->context, l->sheet);
out:
    for (size_t k = 0; s.images && k < 2 * s.shown; k++) zoe__image_free(&s.images[k]);
    zoe__image_free(&image);
    free(s.images);
    free(s.captions);
    free(s.thumbs);
    return status;
}

/* ---- results ---- */

static json_t *result_json(const localise *l)
{
    return json_pack("{s:s, s:o, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:o}",
                     "protocol", "localise", "checkpoint", zoe__run_text(zoe_checkpoint_path(l->subject.checkpoint)),
                     "clips", (json_int_t)l->used_clips, "frames", (json_int_t)l->count, "pointing",
                     l->trained.sounding, "other", l->trained.other, "centre", l->centre, "random", l->random.sounding,
                     "random_other", l->random.other, "iou", l->trained.iou, "random_iou", l->random.iou, "threshold",
                     zoe_options_float(l->options, "threshold"), "random_draws", (json_int_t)l->draws, "seen_clips",
                     (json_int_t)l->seen, "unusable_clips", (json_int_t)l->unusable, "bad_clips", (json_int_t)l->bad,
                     "sheet", zoe__run_text(l->sheet));
}

static void write_table(FILE *out, const void *user)
{
    const localise *l = user;
    fprintf(out, "%zu frames of %zu clips; shares in %% whose highest place lies in the box\n", l->count,
            l->used_clips);
    if (l->seen) fprintf(out, "left out: %zu clips that the run was trained on (--all takes them too)\n", l->seen);
    if (l->unusable + l->bad)
        fprintf(out, "left out: %zu clips without sound around a frame, %zu that do not decode\n", l->unusable, l->bad);
    fprintf(out, "\n%-16s %8s %8s %8s\n", "", "sounding", "silent", "IoU");
    fprintf(out, "%-16s %8.1f %8.1f %8.3f\n", "trained", 100 * l->trained.sounding, 100 * l->trained.other,
            l->trained.iou);
    fprintf(out, "%-16s %8.1f %8.1f %8.3f\n", "random weights", 100 * l->random.sounding, 100 * l->random.other,
            l->random.iou);
    fprintf(out, "%-16s %8.1f\n", "centre", 100 * l->centre);
    fprintf(out, "pictures: %s\n", l->sheet);
}

/* ---- the protocol ---- */

static zoe_status run_with(localise *l, const char *run, const char *const *clips, size_t count)
{
    const zoe_options *o = l->options;
    const zoe_features_options how = zoe__features_options_from(o);
    ZOE_TRY(zoe__subject_open(&l->subject, l->context, run));
    ZOE_TRY(zoe__device_open_for(&l->device, l->context, &how));
    ZOE_TRY(zoe__streams_new(&l->streams, l->context, l->device, &l->subject, &how, ZOE__TRAINED));
    l->cells = zoe__streams_cells(l->streams);
    ZOE_FAIL_IF(l->context, zoe_shape_count(l->cells) == 0, ZOE_CONFIG,
                "%s: a run of '%s' has no map of places; avc-avol has one, and avc with --fuse cells",
                zoe_checkpoint_path(l->subject.checkpoint), zoe__streams_task(l->streams)->kind->name);
    ZOE_TRY(place_sheet(l));
    ZOE_TRY(zoe__clips_open(&l->clips, l->context, &l->subject, clips, count, o));
    ZOE_TRY(choose_frames(l));
    ZOE_TRY(load(l));
    ZOE_TRY(compare(l, &how));
    return draw(l);
}

static zoe_status run_protocol(zoe_context *context, const char *run, const char *const *clips, size_t count,
                               const zoe_options *options, zoe_evaluation *out)
{
    localise l = {.context = context, .options = options};
    *out = (zoe_evaluation){0};
    zoe_status status = run_with(&l, run, clips, count);
    if (status == ZOE_OK) status = zoe__evaluation_tell(context, result_json(&l), write_table, &l, out);
    free(l.picks);
    free(l.truths);
    free(l.rgb);
    free(l.pcm);
    free(l.map);
    free(l.random_map);
    free(l.scores);
    zoe__streams_free(&l.streams);
    zoe_device_free(&l.device);
    zoe__clips_close(&l.clips);
    zoe__subject_close(&l.subject);
    return status;
}

static const zoe_option rows[] = {
    {.name = "all", .letter = 'a', .type = ZOE_OPTION_FLAG, .help = "also clips that the run was trained on"},
    {.name = "out",
     .letter = 'o',
     .type = ZOE_OPTION_TEXT,
     .value = "DIR",
     .help = "folder for the pictures; none: report/ in the run folder"},
    {.name = "frames",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1 << 16,
     .unit = "frames",
     .fallback = "4",
     .help = "of each clip, spread over it"},
    {.name = "threshold",
     .type = ZOE_OPTION_FLOAT,
     .low = 0,
     .high = 1,
     .fallback = "0.5",
     .help = "share of a frame's largest probability from which a place counts for the overlap"},
    {.name = "draws",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 100,
     .unit = "networks",
     .fallback = "3",
     .help = "random networks to compare with; their shares are averaged"},
    {.name = "pictures",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1000,
     .unit = "frames",
     .fallback = "24",
     .help = "frames on the contact sheet"},
    ZOE__OPTION_BATCH,
    ZOE__DATASET_OPTIONS,
    ZOE__DEVICE_OPTIONS,
    {.name = NULL},
};

const zoe_protocol zoe__protocol_localise = {
    .name = "localise",
    .summary = "does the place that is heard lie on the thing that sounds?",
    .options = rows,
    .run = run_protocol,
};
