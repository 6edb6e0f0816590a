/* SPDX-License-Identifier: Apache-2.0
 *
 * Turned frames, number by number: scaling a frame with an orientation gives the bits of scaling one that was turned
 * here, by the definition; frames that can only be turned as RGB give their own picture, turned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/philox.h"
#include "media/record.h"
#include "media/scale.h"

enum { ORIENTATIONS = 8, WIDTH = 44, HEIGHT = 36 }; /* the size that frames are scaled to */

static zoe_context *context;
static zoe__scaler *scaler; /* one for all: what it keeps of a frame must not be seen in the next */

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK || zoe__scaler_new(&scaler, context) != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe__scaler_free(&scaler);
    zoe_context_free(&context);
    return 0;
}

/* w x h numbers of a plane, `bytes` each; where one of the result comes from: record.h, transpose first, flips after.
 */
static void turn(const uint8_t *from, int from_stride, uint8_t *to, int to_stride, int w, int h, int bytes, int how)
{
    const int tw = how & ZOE__TRANSPOSE ? h : w, th = how & ZOE__TRANSPOSE ? w : h;
    for (int y = 0; y < th; y++)
        for (int x = 0; x < tw; x++) {
            const int right = how & ZOE__HFLIP ? tw - 1 - x : x, down = how & ZOE__VFLIP ? th - 1 - y : y;
            const int u = how & ZOE__TRANSPOSE ? down : right, v = how & ZOE__TRANSPOSE ? right : down;
            memcpy(to + y * to_stride + x * bytes, from + v * from_stride + u * bytes, (size_t)bytes);
        }
}

static AVFrame *frame_of(enum AVPixelFormat format, int w, int h)
{
    AVFrame *f = av_frame_alloc();
    assert_non_null(f);
    f->format = format;
    f->width = w;
    f->height = h;
    f->colorspace = AVCOL_SPC_SMPTE170M;
    f->color_range = AVCOL_RANGE_MPEG;
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    return f;
}

typedef struct plane {
    int w, h, bytes; /* of one sample of the plane: all of its components */
} plane;

static plane plane_of(const AVFrame *f, int which)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    const bool chroma = which == 1 || which == 2;
    plane p = {chroma ? AV_CEIL_RSHIFT(f->width, d->log2_chroma_w) : f->width,
               chroma ? AV_CEIL_RSHIFT(f->height, d->log2_chroma_h) : f->height, 0};
    for (int c = 0; c < d->nb_components; c++)
        if (d->comp[c].plane == which) p.bytes = d->comp[c].step;
    return p;
}

/* Every byte of its own, also behind the rows, where nothing may look; those of samples of 10 bits stay within them. */
static AVFrame *noise(enum AVPixelFormat format, int w, int h, uint32_t seed)
{
    AVFrame *f = frame_of(format, w, h);
    const bool ten = av_pix_fmt_desc_get(format)->comp[0].depth == 10;
    zoe__random random;
    zoe__random_init(&random, 7, 0, seed);
    for (int c = 0; c < av_pix_fmt_count_planes(format); c++)
        for (int i = 0; i < plane_of(f, c).h * f->linesize[c]; i++)
            f->data[c][i] = (uint8_t)zoe__random_below(&random, ten && i % 2 ? 4 : 256);
    return f;
}

static AVFrame *turned_copy(const AVFrame *f, int how)
{
    const bool transpose = how & ZOE__TRANSPOSE;
    AVFrame *to =
        frame_of((enum AVPixelFormat)f->format, transpose ? f->height : f->width, transpose ? f->width : f->height);
    to->colorspace = f->colorspace;
    to->color_range = f->color_range;
    for (int c = 0; c < av_pix_fmt_count_planes((enum AVPixelFormat)f->format); c++) {
        const plane p = plane_of(f, c), turned = plane_of(to, c);
        memset(to->data[c], 0, (size_t)turned.h * (size_t)to->linesize[c]);
        turn(f->data[c], f->linesize[c], to->data[c], to->linesize[c], p.w, p.h, p.bytes, how);
    }
    return to;
}

static void scaled(const AVFrame *f, int how, int w, int h, uint8_t *rgb)
{
    memset(rgb, 0xa5, (size_t)w * (size_t)h * 3);
    assert_int_equal(zoe__scale(scaler, context, f, how, w, h, rgb, "noise"), ZOE_OK);
}

static void compare(const AVFrame *f, int how, const uint8_t *got, const uint8_t *wanted, int w, int h)
{
    for (int i = 0; i < 3 * w * h; i++)
        if (got[i] != wanted[i])
            fail_msg("%s %dx%d, orientation %d: x %d, y %d, channel %d is %d, not %d",
                     av_get_pix_fmt_name((enum AVPixelFormat)f->format), f->width, f->height, how, i / 3 % w, i / 3 / w,
                     i % 3, got[i], wanted[i]);
}

/* About blocks of 8, 16, 32 and 64 in all directions, and less than one; some follow one of equal width or height. */
static const int sizes[][2] = {{64, 64}, {1, 1},   {2, 6},   {7, 5},    {8, 9},    {8, 34},    {15, 34}, {33, 31},
                               {63, 2},  {3, 100}, {65, 47}, {130, 66}, {97, 129}, {256, 128}, {160, 90}};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Samples of 1, 2, 3, 4, 6 and 8 bytes; chroma halved, pairs of chroma, planes of RGB, alpha. */
static const enum AVPixelFormat planes[] = {AV_PIX_FMT_YUV420P,  AV_PIX_FMT_YUV444P,     AV_PIX_FMT_GRAY8,
                                            AV_PIX_FMT_NV12,     AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_RGB24,
                                            AV_PIX_FMT_RGBA,     AV_PIX_FMT_RGB48LE,     AV_PIX_FMT_GBRP,
                                            AV_PIX_FMT_YUVA420P, AV_PIX_FMT_GRAY16LE,    AV_PIX_FMT_RGBA64LE};

static void planes_are_turned_before_scaling(void **state)
{
    static uint8_t got[WIDTH * HEIGHT * 3], wanted[sizeof got];
    (void)state;
    for (size_t k = 0; k < sizeof planes / sizeof *planes; k++)
        for (int s = 0; s < SIZES; s++) {
            AVFrame *f = noise(planes[k], sizes[s][0], sizes[s][1], (uint32_t)s);
            for (int how = 0; how < ORIENTATIONS; how++) {
                f->colorspace = how / 2 % 2 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
                f->color_range = how / 4 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
                AVFrame *copy = turned_copy(f, how);
                scaled(copy, 0, WIDTH, HEIGHT, wanted);
                scaled(f, how, WIDTH, HEIGHT, got);
                compare(f, how, got, wanted, WIDTH, HEIGHT);
                av_frame_free(&copy);
            }
            av_frame_free(&f);
        }
}

/* Nothing is lost where a frame keeps its size: a wrong row cannot hide in a mean. */
static void every_number_is_in_its_place(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++) {
        const int w = sizes[s][0], h = sizes[s][1];
        AVFrame *f = noise(AV_PIX_FMT_RGB24, w, h, (uint32_t)s);
        uint8_t *got = malloc((size_t)w * (size_t)h * 3), *wanted = malloc((size_t)w * (size_t)h * 3);
        assert_true(got && wanted);
        for (int how = 0; how < ORIENTATIONS; how++) {
            const int tw = how & ZOE__TRANSPOSE ? h : w, th = how & ZOE__TRANSPOSE ? w : h;
            turn(f->data[0], f->linesize[0], wanted, 3 * tw, w, h, 3, how);
            scaled(f, how, tw, th, got);
            compare(f, how, got, wanted, tw, th);
        }
        free(got);
        free(wanted);
        av_frame_free(&f);
    }
}

static void is_turned_as_rgb(enum AVPixelFormat format, int w, int h, int how)
{
    static uint8_t got[WIDTH * HEIGHT * 3], wanted[sizeof got], plain[sizeof got];
    const bool transpose = how & ZOE__TRANSPOSE;
    const int plain_w = transpose ? HEIGHT : WIDTH, plain_h = transpose ? WIDTH : HEIGHT;
    AVFrame *f = noise(format, w, h, (uint32_t)how);
    scaled(f, 0, plain_w, plain_h, plain);
    turn(plain, 3 * plain_w, wanted, 3 * WIDTH, plain_w, plain_h, 3, how);
    scaled(f, how, WIDTH, HEIGHT, got);
    compare(f, how, got, wanted, WIDTH, HEIGHT);
    av_frame_free(&f);
}

/* 4:2:2 that is only mirrored is turned as planes; where two pixels share bytes, widths are even. */
static void others_are_turned_as_rgb(void **state)
{
    (void)state;
    for (int s = 0; s < SIZES; s++)
        for (int how = 0; how < ORIENTATIONS; how++) {
            const int w = sizes[s][0], h = sizes[s][1];
            if (how & ZOE__TRANSPOSE) is_turned_as_rgb(AV_PIX_FMT_YUV422P, w, h, how);
            if (w % 2 == 0) is_turned_as_rgb(AV_PIX_FMT_YUYV422, w, h, how);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(planes_are_turned_before_scaling),
                                       cmocka_unit_test(every_number_is_in_its_place),
                                       cmocka_unit_test(others_are_turned_as_rgb)};
    return cmocka_run_group_tests_name("media scale", tests, set_up, tear_down);
}
