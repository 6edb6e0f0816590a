/* SPDX-License-Identifier: Apache-2.0
 *
 * Turning comes first because a chroma plane turned after scaling gives other roundings than what players show. It is
 * done on the planes; formats whose chroma is not square (4:2:2) or whose samples share bytes are turned as RGB at the
 * end. */
#include "media/scale.h"
#include "media/record.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 8 }; /* samples: of 8, 16, 32 and 64 the fastest */

typedef struct key { /* what a scaler context was made for */
    int width, height, format, space, full, to_width, to_height;
} key;

struct zoe__scaler {
    struct SwsContext *sws;
    key made;
    AVFrame *turned;
    uint8_t *rows; /* the scaler writes past the width: it gets its own padded rows */
    size_t rows_capacity;
};

zoe_status zoe__scaler_new(zoe__scaler **out, zoe_context *context)
{
    ZOE_TRY(zoe__calloc(context, out, 1, sizeof **out));
    (*out)->turned = av_frame_alloc();
    if ((*out)->turned) return ZOE_OK;
    zoe__scaler_free(out);
    return zoe__fail(context, ZOE_MEMORY, "out of memory: a frame");
}

void zoe__scaler_free(zoe__scaler **scaler)
{
    if (!scaler || !*scaler) return;
    sws_freeContext((*scaler)->sws);
    av_frame_free(&(*scaler)->turned);
    av_free((*scaler)->rows);
    free(*scaler);
    *scaler = NULL;
}

/* to[x][y] = from[y][x] of w x h samples of `bytes` each: constants where it is called for whole blocks. */
static inline void transpose_block(const uint8_t *from, ptrdiff_t from_stride, uint8_t *to, ptrdiff_t to_stride, int w,
                                   int h, int bytes)
{
    for (int x = 0; x < w; x++)
        for (int y = 0; y < h; y++)
            memcpy(to + x * to_stride + (ptrdiff_t)y * bytes, from + y * from_stride + (ptrdiff_t)x * bytes,
                   (size_t)bytes);
}

/* In blocks, because each sample of a column lies in another line of the cache: those of a block stay there. */
static inline void transpose_blocks(const uint8_t *from, ptrdiff_t from_stride, uint8_t *to, ptrdiff_t to_stride, int w,
                                    int h, int bytes)
{
    for (int y = 0; y < h; y += BLOCK)
        for (int x = 0; x < w; x += BLOCK) {
            const uint8_t *in = from + y * from_stride + (ptrdiff_t)x * bytes;
            uint8_t *out = to + x * to_stride + (ptrdiff_t)y * bytes;
            if (w - x >= BLOCK && h - y >= BLOCK)
                transpose_block(in, from_stride, out, to_stride, BLOCK, BLOCK, bytes);
            else
                transpose_block(in, from_stride, out, to_stride, w - x < BLOCK ? w - x : BLOCK,
                                h - y < BLOCK ? h - y : BLOCK, bytes);
        }
}

static void transpose_plane(const uint8_t *from, ptrdiff_t from_stride, uint8_t *to, ptrdiff_t to_stride, int w, int h,
                            int bytes)
{
    switch (bytes) {
    case 1: transpose_blocks(from, from_stride, to, to_stride, w, h, 1); break;
    case 2: transpose_blocks(from, from_stride, to, to_stride, w, h, 2); break;
    case 3: transpose_blocks(from, from_stride, to, to_stride, w, h, 3); break;
    case 4: transpose_blocks(from, from_stride, to, to_stride, w, h, 4); break;
    default: transpose_blocks(from, from_stride, to, to_stride, w, h, bytes);
    }
}

/* Copies one plane of w x h samples of `bytes` each; the result is h x w when transposed. Flips come after. */
static void turn_plane(const uint8_t *from, ptrdiff_t from_stride, uint8_t *to, ptrdiff_t to_stride, int w, int h,
                       int bytes, int orientation)
{
    const bool hflip = orientation & ZOE__HFLIP, vflip = orientation & ZOE__VFLIP;
    if (orientation & ZOE__TRANSPOSE) { /* hflip: rows are read from the last on; vflip: they are written so */
        const ptrdiff_t last_from = hflip ? h - 1 : 0, last_to = vflip ? w - 1 : 0;
        transpose_plane(from + last_from * from_stride, hflip ? -from_stride : from_stride, to + last_to * to_stride,
                        vflip ? -to_stride : to_stride, w, h, bytes);
        return;
    }
    for (int y = 0; y < h; y++) {
        const uint8_t *in = from + (vflip ? h - 1 - y : y) * from_stride;
        uint8_t *out = to + y * to_stride;
        if (!hflip)
            memcpy(out, in, (size_t)w * (size_t)bytes);
        else
            for (int x = 0; x < w; x++)
                memcpy(out + (ptrdiff_t)x * bytes, in + (ptrdiff_t)(w - 1 - x) * bytes, (size_t)bytes);
    }
}

/* Bytes of one sample of a plane when the frame can be turned as it is, else 0. */
static int turnable(const AVPixFmtDescriptor *d, int orientation, int plane)
{
    if (d->flags & (AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER))
        return 0;
    if (orientation & ZOE__TRANSPOSE && d->log2_chroma_w != d->log2_chroma_h) return 0;
    int bytes = 0;
    for (int c = 0; c < d->nb_components; c++)
        if (d->comp[c].plane == plane) bytes = d->comp[c].step;
    const bool packed = plane == 0 && d->nb_components > 1 && d->comp[1].plane == 0;
    return packed && (d->log2_chroma_w || d->log2_chroma_h) ? 0 : bytes;
}

static bool can_turn(const AVFrame *frame, int orientation)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    if (!d) return false;
    for (int plane = 0; plane < av_pix_fmt_count_planes((enum AVPixelFormat)frame->format); plane++)
        if (!turnable(d, orientation, plane)) return false;
    return true;
}

static zoe_status turn_frame(zoe__scaler *s, zoe_context *context, const AVFrame *frame, int orientation)
{
    AVFrame *to = s->turned;
    const bool transpose = orientation & ZOE__TRANSPOSE;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    const int width = transpose ? frame->height : frame->width, height = transpose ? frame->width : frame->height;
    if (!to->data[0] || to->format != frame->format || to->width != width || to->height != height) {
        av_frame_unref(to);
        to->format = frame->format;
        to->width = width;
        to->height = height;
        ZOE_FAIL_IF(context, av_frame_get_buffer(to, 0) < 0, ZOE_MEMORY, "out of memory: a frame of %d x %d", width,
                    height);
    }
    to->colorspace = frame->colorspace; /* all that prepare() looks at */
    to->color_range = frame->color_range;
    for (int plane = 0; plane < av_pix_fmt_count_planes((enum AVPixelFormat)frame->format); plane++) {
        const bool chroma = (plane == 1 || plane == 2) && !(d->flags & AV_PIX_FMT_FLAG_RGB);
        turn_plane(frame->data[plane], frame->linesize[plane], to->data[plane], to->linesize[plane],
                   chroma ? AV_CEIL_RSHIFT(frame->width, d->log2_chroma_w) : frame->width,
                   chroma ? AV_CEIL_RSHIFT(frame->height, d->log2_chroma_h) : frame->height,
                   turnable(d, orientation, plane), orientation);
    }
    return ZOE_OK;
}

static bool same_key(const key *a, const key *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format && a->space == b->space &&
           a->full == b->full && a->to_width == b->to_width && a->to_height == b->to_height;
}

static zoe_status prepare(zoe__scaler *s, zoe_context *context, const AVFrame *f, int width, int height,
                          const char *name)
{
    const key wanted = {f->width, f->height, f->format, (int)f->colorspace, (int)f->color_range, width, height};
    if (s->sws && same_key(&wanted, &s->made)) return ZOE_OK;
    sws_freeContext(s->sws);
    s->sws = sws_alloc_context();
    ZOE_FAIL_IF(context, !s->sws, ZOE_MEMORY, "out of memory: a scaler");
    av_opt_set_int(s->sws, "srcw", f->width, 0);
    av_opt_set_int(s->sws, "srch", f->height, 0);
    av_opt_set_int(s->sws, "src_format", f->format, 0);
    av_opt_set_int(s->sws, "src_range", f->color_range == AVCOL_RANGE_JPEG, 0);
    av_opt_set_int(s->sws, "dstw", width, 0);
    av_opt_set_int(s->sws, "dsth", height, 0);
    av_opt_set_int(s->sws, "dst_format", AV_PIX_FMT_RGB24, 0);
    /* of RGB at odd widths the scaler would take the mean of the last pixel and what lies behind its row */
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    const bool odd = d && d->flags & AV_PIX_FMT_FLAG_RGB && f->width % 2;
    av_opt_set_int(s->sws, "sws_flags", odd ? SWS_AREA | SWS_FULL_CHR_H_INP : SWS_AREA, 0);
    /* 4:2:0 chroma lies between two rows, as the scale filter assumes */
    if (f->format == AV_PIX_FMT_YUV420P) av_opt_set_int(s->sws, "src_v_chr_pos", 128, 0);
    if (sws_init_context(s->sws, NULL, NULL) < 0) {
        sws_freeContext(s->sws);
        s->sws = NULL;
        return zoe__fail(context, ZOE_DATA, "%s: %s frames of %d x %d cannot be scaled to %d x %d", name,
                         av_get_pix_fmt_name((enum AVPixelFormat)f->format), f->width, f->height, width, height);
    }
    int *inverse, *table, source_full, target_full, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(s->sws, &inverse, &source_full, &table, &target_full, &brightness, &contrast,
                                 &saturation) >= 0) {
        const int *coefficients = sws_getCoefficients((int)f->colorspace); /* untagged: BT.601 */
        if (f->color_range != AVCOL_RANGE_UNSPECIFIED) source_full = f->color_range == AVCOL_RANGE_JPEG;
        sws_setColorspaceDetails(s->sws, coefficients, source_full, coefficients, target_full, brightness, contrast,
                                 saturation);
    }
    s->made = wanted;
    return ZOE_OK;
}

/* Into s->rows, *stride bytes a row. */
static zoe_status scale_rows(zoe__scaler *s, zoe_context *context, const AVFrame *frame, int width, int height,
                             int *stride, const char *name)
{
    ZOE_TRY(prepare(s, context, frame, width, height, name));
    *stride = (int)zoe__round_up((size_t)width * 3 + 64, 64);
    const size_t bytes = (size_t)*stride * (size_t)height + 64;
    if (bytes > s->rows_capacity) {
        av_freep(&s->rows);
        s->rows = av_mallocz(bytes);
        s->rows_capacity = s->rows ? bytes : 0;
        ZOE_FAIL_IF(context, !s->rows, ZOE_MEMORY, "out of memory: a picture of %d x %d", width, height);
    }
    uint8_t *const to[4] = {s->rows};
    const int to_stride[4] = {*stride};
    const int rows =
        sws_scale(s->sws, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, to, to_stride);
    ZOE_FAIL_IF(context, rows != height, ZOE_DATA, "%s: a frame cannot be scaled to %d x %d", name, width, height);
    return ZOE_OK;
}

zoe_status zoe__scale(zoe__scaler *s, zoe_context *context, const AVFrame *frame, int orientation, int width,
                      int height, uint8_t *rgb, const char *name)
{
    int stride;
    const size_t row = (size_t)width * 3;
    if (!orientation || can_turn(frame, orientation)) {
        if (orientation) {
            ZOE_TRY(turn_frame(s, context, frame, orientation));
            frame = s->turned;
        }
        ZOE_TRY(scale_rows(s, context, frame, width, height, &stride, name));
        for (int y = 0; y < height; y++) memcpy(rgb + (size_t)y * row, s->rows + (size_t)y * (size_t)stride, row);
        return ZOE_OK;
    }
    const bool transpose = orientation & ZOE__TRANSPOSE;
    const int w = transpose ? height : width, h = transpose ? width : height;
    ZOE_TRY(scale_rows(s, context, frame, w, h, &stride, name));
    turn_plane(s->rows, stride, rgb, (ptrdiff_t)row, w, h, 3, orientation);
    return ZOE_OK;
}
