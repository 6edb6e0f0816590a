/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data augment scale": a decoded frame to RGB at the size that a task sees, by area, as readers do it
 * (media/scale.c); `turned` is one of a telephone that was held upright. The frames are drawn as planes, so that no
 * codec is in the figure. */
#include <libavutil/frame.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/data_augment.h"
#include "media/record.h"
#include "media/scale.h"

enum { FRAMES = 4 };

typedef struct size {
    int from_w, from_h, to_w, to_h, orientation;
} size;

/* Sizes that tasks take: the small recipes' 64x64, the papers' 340x256. */
static const size clip_small = {640, 360, 64, 64, 0}, clip_paper = {640, 360, 340, 256, 0},
                  film = {1280, 720, 340, 256, 0}, turned = {1280, 720, 340, 256, ZOE__TRANSPOSE | ZOE__HFLIP};

typedef struct scaling {
    const size *size;
    zoe__scaler *scaler;
    AVFrame *frame[FRAMES];
    uint8_t *rgb;   /* [FRAMES][to_h][to_w][3] */
    double *wanted; /* [to_h][to_w][3], of one frame */
} scaling;

static int triangle(int x, int period)
{
    const int at = x % period;
    return (at < period / 2 ? at : period - at) * 200 / period;
}

/* Plane c of frame k at x, y, in its own samples: waves in all, a fine texture in the light. */
static uint8_t drawn(int x, int y, int c, int k)
{
    uint32_t grain = (uint32_t)(x + 7 * k) * 2654435761u ^ (uint32_t)y * 2246822519u;
    grain = (grain ^ grain >> 15) * 3266489917u;
    if (c) return (uint8_t)(64 + triangle(x + 31 * k, 120 + 60 * c) / 2 + triangle(y, 150) / 2);
    return (uint8_t)(20 + triangle(x + 9 * k, 260) + triangle(y + 5 * k, 190) * 2 / 5 + (int)(grain >> 27));
}

static zoe_status make_frame(zoe_context *context, AVFrame **out, const size *s, int k)
{
    AVFrame *f = *out = av_frame_alloc();
    ZOE_FAIL_IF(context, !f, ZOE_MEMORY, "out of memory: a frame");
    f->format = AV_PIX_FMT_YUV420P;
    f->width = s->from_w;
    f->height = s->from_h;
    f->colorspace = AVCOL_SPC_SMPTE170M;
    f->color_range = AVCOL_RANGE_MPEG;
    ZOE_FAIL_IF(context, av_frame_get_buffer(f, 0) < 0, ZOE_MEMORY, "out of memory: a frame of %dx%d", s->from_w,
                s->from_h);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < s->from_h >> (c > 0); y++)
            for (int x = 0; x < s->from_w >> (c > 0); x++) f->data[c][y * f->linesize[c] + x] = drawn(x, y, c, k);
    return ZOE_OK;
}

static zoe_status open_scaling(const zoe__act *act, zoe__made *made, zoe__made_thread *t, void **own)
{
    scaling *s;
    (void)made;
    ZOE_TRY(zoe__calloc(t->context, &s, 1, sizeof *s));
    *own = s;
    s->size = act->settings;
    ZOE_TRY(zoe__scaler_new(&s->scaler, t->context));
    for (int k = 0; k < FRAMES; k++) ZOE_TRY(make_frame(t->context, &s->frame[k], s->size, k));
    ZOE_TRY(zoe__calloc(t->context, &s->wanted, (size_t)s->size->to_w * (size_t)s->size->to_h, 3 * sizeof(double)));
    return zoe__calloc(t->context, &s->rgb, (size_t)FRAMES * (size_t)s->size->to_w * (size_t)s->size->to_h, 3);
}

static void close_scaling(void *own)
{
    scaling *s = own;
    zoe__scaler_free(&s->scaler);
    for (int k = 0; k < FRAMES; k++) av_frame_free(&s->frame[k]);
    free(s->rgb);
    free(s->wanted);
    free(s);
}

static zoe_status scale_frames(zoe__made_thread *t, void *own)
{
    const scaling *s = own;
    const size_t bytes = (size_t)s->size->to_w * (size_t)s->size->to_h * 3;
    for (int k = 0; k < FRAMES; k++)
        ZOE_TRY(zoe__scale(s->scaler, t->context, s->frame[k], s->size->orientation, s->size->to_w, s->size->to_h,
                           s->rgb + (size_t)k * bytes, "a drawn frame"));
    return ZOE_OK;
}

static void *result(void *own, size_t *bytes)
{
    const scaling *s = own;
    *bytes = (size_t)FRAMES * (size_t)s->size->to_w * (size_t)s->size->to_h * 3;
    return s->rgb;
}

/* ---- the plain computation: means over areas, then BT.601 ---- */

/* Mean of plane c over x0..x1, y0..y1 in its samples; those at the edges count by their share. */
static double area(const AVFrame *f, int c, double x0, double x1, double y0, double y1)
{
    double sum = 0;
    for (int y = (int)y0; y < y1; y++)
        for (int x = (int)x0; x < x1; x++)
            sum +=
                (fmin(x + 1, x1) - fmax(x, x0)) * (fmin(y + 1, y1) - fmax(y, y0)) * f->data[c][y * f->linesize[c] + x];
    return sum / ((x1 - x0) * (y1 - y0));
}

/* RGB of the pixel x, y of frame k. */
static void plain(const scaling *s, int k, int x, int y, double rgb[3])
{
    const size *z = s->size;
    const bool turn = z->orientation & ZOE__TRANSPOSE;
    const int across = z->orientation & ZOE__HFLIP ? z->to_w - 1 - x : x;
    const int u = turn ? y : across, v = turn ? across : y, w = turn ? z->to_h : z->to_w, h = turn ? z->to_w : z->to_h;
    double yuv[3];
    for (int c = 0; c < 3; c++) {
        const double step_x = (double)(z->from_w >> (c > 0)) / w, step_y = (double)(z->from_h >> (c > 0)) / h;
        yuv[c] = area(s->frame[k], c, u * step_x, (u + 1) * step_x, v * step_y, (v + 1) * step_y);
    }
    const double light = 255 * (yuv[0] - 16) / 219, b = (yuv[1] - 128) * 255 / 224, r = (yuv[2] - 128) * 255 / 224;
    rgb[0] = light + 1.402 * r;
    rgb[1] = light - 0.344136 * b - 0.714136 * r;
    rgb[2] = light + 1.772 * b;
    for (int c = 0; c < 3; c++) rgb[c] = fmin(fmax(rgb[c], 0), 255);
}

/* The scaler rounds down, and places chroma on its own grid: a few levels. */
static const double MOST_MEAN = 3, MOST_ONE = 12;

/* Mean difference of a frame from what is wanted `right` and `down` of each place, within the edges. */
static double difference(const scaling *s, const uint8_t *rgb, int right, int down)
{
    const int w = s->size->to_w, h = s->size->to_h;
    double sum = 0;
    for (int y = 1; y < h - 1; y++)
        for (int i = 3; i < 3 * (w - 1); i++)
            sum += fabs(rgb[3 * y * w + i] - s->wanted[3 * ((y + down) * w + right) + i]);
    return sum / (3.0 * (w - 2) * (h - 2));
}

/* Near the plain numbers, and nearer than to those of the next place in any direction; at the edges near. */
static bool judge(const void *own)
{
    static const int moves[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
    const scaling *s = own;
    const int w = s->size->to_w, h = s->size->to_h, numbers = 3 * w * h;
    bool right = true;
    for (int k = 0; k < FRAMES && right; k++) {
        const uint8_t *rgb = s->rgb + k * numbers;
        for (int i = 0; i < w * h; i++) plain(s, k, i % w, i / w, s->wanted + 3 * i);
        for (int i = 0; i < numbers && right; i++) right = fabs(rgb[i] - s->wanted[i]) <= MOST_ONE;
        const double here = difference(s, rgb, 0, 0);
        right = right && here <= MOST_MEAN;
        for (int i = 0; i < 4 && right; i++) right = here < difference(s, rgb, moves[i][0], moves[i][1]);
    }
    return right;
}

#define SCALE(text, times, of)                                                                                         \
    {                                                                                                                  \
        .name = text, .algorithm = "libswscale", .amount = FRAMES, .rounds = times, .settings = &(of),                 \
        .open = open_scaling, .work = scale_frames, .result = result, .judge = judge, .close = close_scaling           \
    }
const zoe__act zoe__acts_scale[] = {SCALE("scale 640x360 to 64x64", 32, clip_small),
                                    SCALE("scale 640x360 to 340x256", 6, clip_paper),
                                    SCALE("scale 1280x720 to 340x256", 4, film),
                                    SCALE("scale 1280x720 turned to 340x256", 1, turned),
                                    {.name = NULL}};
