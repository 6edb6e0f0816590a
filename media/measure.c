/* SPDX-License-Identifier: Apache-2.0 */
#include "media/measure.h"

#include <libavutil/motion_vector.h>
#include <libavutil/pixdesc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

zoe__vectors zoe__measure_vectors(const AVFrame *frame)
{
    zoe__vectors sum = {0};
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_MOTION_VECTORS);
    if (!side) return sum;
    const size_t n = side->size / sizeof(AVMotionVector);
    for (size_t i = 0; i < n; i++) {
        AVMotionVector v;
        memcpy(&v, side->data + i * sizeof v, sizeof v);
        if (!v.motion_scale) continue;
        const double area = (double)v.w * v.h, length = hypot(v.motion_x, v.motion_y) / v.motion_scale;
        if (v.source < 0)
            sum.past += length * area, sum.past_area += area;
        else
            sum.future += length * area, sum.future_area += area;
        sum.any = true;
    }
    return sum;
}

/* Luma can be taken as it lies: 8 bits in plane 0, a sample a byte. */
static bool plain_luma(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    return format && !(format->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM)) &&
           format->comp[0].plane == 0 && format->comp[0].step == 1 && format->comp[0].depth == 8 &&
           format->comp[0].offset == 0;
}

static bool full_range(const AVFrame *frame)
{
    const char *name = av_get_pix_fmt_name((enum AVPixelFormat)frame->format);
    const bool grey = av_pix_fmt_count_planes((enum AVPixelFormat)frame->format) == 1;
    return frame->color_range == AVCOL_RANGE_JPEG || (name && strncmp(name, "yuvj", 4) == 0) ||
           (grey && frame->color_range == AVCOL_RANGE_UNSPECIFIED);
}

/* Sum of absolute differences; a row is short enough for 32 bits. */
static uint32_t row_difference(const uint8_t *a, const uint8_t *b, int n)
{
    uint32_t sum = 0;
    for (int i = 0; i < n; i++) sum += (uint32_t)abs(a[i] - b[i]);
    return sum;
}

static zoe_status take_greys(zoe_context *context, zoe__greys *g, const AVFrame *frame, bool *stretch)
{
    *stretch = false;
    if (plain_luma(frame) && frame->width == g->width && frame->height == g->height) {
        for (int y = 0; y < g->height; y++)
            memcpy(g->now + (size_t)y * (size_t)g->width, frame->data[0] + (ptrdiff_t)y * frame->linesize[0],
                   (size_t)g->width);
        *stretch = !full_range(frame);
        return ZOE_OK;
    }
    g->scaler = sws_getCachedContext(g->scaler, frame->width, frame->height, (enum AVPixelFormat)frame->format,
                                     g->width, g->height, AV_PIX_FMT_GRAY8, SWS_AREA, NULL, NULL, NULL);
    ZOE_FAIL_IF(context, !g->scaler, ZOE_DATA, "frames of pixel format %d cannot be converted", frame->format);
    const int stride = (int)zoe__round_up((size_t)g->width, 64);
    uint8_t *rows; /* the scaler may write past the width */
    ZOE_TRY(zoe__calloc(context, &rows, (size_t)stride * (size_t)g->height + 64, 1));
    uint8_t *const to[4] = {rows};
    const int to_stride[4] = {stride};
    sws_scale(g->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, to, to_stride);
    for (int y = 0; y < g->height; y++)
        memcpy(g->now + (size_t)y * (size_t)g->width, rows + (size_t)y * (size_t)stride, (size_t)g->width);
    free(rows);
    return ZOE_OK;
}

zoe_status zoe__measure_difference(zoe_context *context, zoe__greys *g, const AVFrame *frame, float *out)
{
    *out = 0;
    if (!g->now) {
        g->width = frame->width;
        g->height = frame->height;
        ZOE_TRY(zoe__calloc(context, &g->now, (size_t)g->width * (size_t)g->height, 1));
        ZOE_TRY(zoe__calloc(context, &g->before, (size_t)g->width * (size_t)g->height, 1));
    }
    uint8_t *spare = g->before;
    g->before = g->now;
    g->now = spare;
    bool stretch;
    ZOE_TRY(take_greys(context, g, frame, &stretch));
    if (g->filled) {
        uint64_t sum = 0;
        for (int y = 0; y < g->height; y++)
            sum += row_difference(g->now + (size_t)y * (size_t)g->width, g->before + (size_t)y * (size_t)g->width,
                                  g->width);
        *out = (float)((double)sum / ((double)g->width * g->height) * (stretch ? 255.0 / 219.0 : 1.0));
    }
    g->filled = true;
    return ZOE_OK;
}

void zoe__greys_clear(zoe__greys *g)
{
    free(g->now);
    free(g->before);
    sws_freeContext(g->scaler);
    *g = (zoe__greys){0};
}

enum { SEARCH = 64 }; /* frames; keeps the time linear whatever the file says */

/* Distance from frame i to the nearest reference on one side; 1 when there is none. */
static double span(const uint8_t *reference, size_t n, size_t i, int step)
{
    size_t k = i;
    for (int d = 1; d <= SEARCH; d++) {
        k += (size_t)step; /* wraps below 0 to a huge k */
        if (k >= n) break;
        if (reference[k]) return d;
    }
    return 1;
}

static void fill_unknown(const uint8_t *unknown, size_t n, float *motion)
{
    for (size_t i = 0; i < n; i++) {
        if (!unknown[i]) continue;
        size_t low = i, high = i;
        while (low > 1 && unknown[low] && i - low < SEARCH) low--; /* frame 0 has no motion to lend */
        while (high + 1 < n && unknown[high] && high - i < SEARCH) high++;
        const bool has_low = low > 0 && !unknown[low], has_high = !unknown[high];
        motion[i] = has_low && has_high ? (motion[low] + motion[high]) / 2
                    : has_low           ? motion[low]
                    : has_high          ? motion[high]
                                        : 0;
    }
}

void zoe__measure_motion(const zoe__vectors *vectors, const uint8_t *reference, uint8_t *unknown, size_t n, double area,
                         float *motion)
{
    for (size_t i = 0; i < n; i++) {
        const zoe__vectors *v = &vectors[i];
        double sum = 0;
        if (v->past > 0) sum += v->past / span(reference, n, i, -1);
        if (v->future > 0) sum += v->future / span(reference, n, i, 1);
        motion[i] = v->any ? (float)(sum / (v->past_area + v->future_area)) : 0;
        unknown[i] = v->past_area + v->future_area < area / 10;
    }
    fill_unknown(unknown, n, motion);
    if (n) motion[0] = 0;
}
