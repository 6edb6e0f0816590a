/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"

#include "core/core.h"
#include "media/source.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BITS = 8 };

#ifdef __has_feature
#    if __has_feature(address_sanitizer)
#        define WITH_LEAK_CHECK 1
#    endif
#endif
#if defined(WITH_LEAK_CHECK) || defined(__SANITIZE_ADDRESS__)
/* x265 leaks two small tables when its encoder closes. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:x265_malloc\n";
}
#endif

const char *clip_path(const char *root, const char *name)
{
    static char ring[64][512];
    static int at;
    char *path = ring[at = (at + 1) % 64];
    assert_true(zoe__format(path, sizeof ring[0], "%s/%s", root, name));
    return path;
}

void clip_folder(char root[64])
{
    zoe__media_quiet();
    zoe__format(root, 64, "/tmp/zoe-media-XXXXXX");
    assert_non_null(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

void clip_folder_remove(const char *root)
{
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void clip_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

uint8_t *clip_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

const char *clip_data(const char *name)
{
    static char path[512];
    const char *root = getenv("ZOE_TEST_DATA");
    zoe__format(path, sizeof path, "%s/%s", root ? root : ZOE_SOURCE_DIR "/../shared/data", name);
    if (access(path, R_OK) == 0) return path;
    print_message("SKIPPED: no test data at %s\n", path);
    return NULL;
}

/* A wave of triangles, 0..255. */
static int wave(int x, int period)
{
    const int phase = x % period;
    return (phase < period / 2 ? phase : period - phase) * 510 / period;
}

/* A smooth texture that moves by (-2, -1) a frame, under the blocks of the number. */
static void draw(uint8_t *rgb, int width, int height, int number)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint8_t *p = rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;
            const int u = x + 2 * number, v = y + number;
            p[0] = (uint8_t)((wave(u, 34) + wave(v, 26)) / 2);
            p[1] = (uint8_t)((wave(u + v, 46) + wave(v, 18)) / 2);
            p[2] = (uint8_t)((wave(u + 2 * v, 62) + wave(u, 22)) / 2);
            if (y < height / 3) memset(p, number >> (x * BITS / width) & 1 ? 255 : 0, 3);
        }
}

int clip_number(const uint8_t *rgb, int width, int height, int turned)
{
    const int w = turned % 2 ? height : width, h = turned % 2 ? width : height; /* as it was drawn */
    int number = 0;
    for (int bit = 0; bit < BITS; bit++) {
        const int x = (2 * bit + 1) * w / (2 * BITS), y = h / 6;
        const int at_x = turned == 0 ? x : turned == 1 ? h - 1 - y : turned == 2 ? w - 1 - x : y;
        const int at_y = turned == 0 ? y : turned == 1 ? x : turned == 2 ? h - 1 - y : w - 1 - x;
        number |= (rgb[((size_t)at_y * (size_t)width + (size_t)at_x) * 3 + 1] > 127) << bit;
    }
    return number;
}

typedef struct maker {
    const clip_spec *spec;
    AVFormatContext *format;
    AVStream *stream;
    AVCodecContext *encoder;
    AVFrame *frame;
    AVPacket *packet;
    struct SwsContext *scaler;
    uint8_t *rgb;
    int width, height, frames;
} maker;

static void open_encoder(maker *m, const AVCodec *codec)
{
    const clip_spec *s = m->spec;
    m->encoder = avcodec_alloc_context3(codec);
    assert_non_null(m->encoder);
    m->encoder->width = m->width;
    m->encoder->height = m->height;
    m->encoder->pix_fmt = av_get_pix_fmt(s->format ? s->format : "yuv420p");
    m->encoder->time_base = (AVRational){1, 25};
    m->encoder->framerate = (AVRational){25, 1};
    m->encoder->gop_size = s->gop ? s->gop : 12;
    m->encoder->max_b_frames = s->b_frames;
    m->encoder->bit_rate = 2000000;
    m->encoder->thread_count = 1;
    if (m->format->oformat->flags & AVFMT_GLOBALHEADER) m->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    AVDictionary *options = NULL;
    if (s->options) assert_true(av_dict_parse_string(&options, s->options, "=", ":", 0) >= 0);
    assert_true(avcodec_open2(m->encoder, codec, &options) >= 0);
    av_dict_free(&options);
}

static void open_file(maker *m, const char *path)
{
    assert_true(avcodec_parameters_from_context(m->stream->codecpar, m->encoder) >= 0);
    m->stream->time_base = m->encoder->time_base;
    m->stream->avg_frame_rate = m->encoder->framerate;
    if (m->spec->matrix) {
        uint8_t *side = av_stream_new_side_data(m->stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
        assert_non_null(side);
        memcpy(side, m->spec->matrix, 9 * sizeof(int32_t));
    }
    assert_true(avio_open(&m->format->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(m->format, NULL) >= 0);
}

static void drain(maker *m)
{
    while (avcodec_receive_packet(m->encoder, m->packet) >= 0) {
        m->packet->pts -= m->spec->cut;
        m->packet->dts -= m->spec->cut;
        av_packet_rescale_ts(m->packet, m->encoder->time_base, m->stream->time_base);
        m->packet->stream_index = 0;
        assert_true(av_interleaved_write_frame(m->format, m->packet) >= 0);
    }
}

static void encode(maker *m)
{
    m->frame->format = m->encoder->pix_fmt;
    m->frame->width = m->width;
    m->frame->height = m->height;
    assert_true(av_frame_get_buffer(m->frame, 0) >= 0);
    m->scaler = sws_getContext(m->width, m->height, AV_PIX_FMT_RGB24, m->width, m->height, m->encoder->pix_fmt,
                               SWS_BICUBIC, NULL, NULL, NULL);
    assert_non_null(m->scaler);
    for (int i = 0; i < m->frames; i++) {
        draw(m->rgb, m->width, m->height, m->spec->first + i);
        const uint8_t *from[4] = {m->rgb};
        const int stride[4] = {3 * m->width};
        assert_true(av_frame_make_writable(m->frame) >= 0);
        sws_scale(m->scaler, from, stride, 0, m->height, m->frame->data, m->frame->linesize);
        m->frame->pts = m->spec->uneven ? i * 3 + i * i % 3 : i;
        assert_true(avcodec_send_frame(m->encoder, m->frame) >= 0);
        drain(m);
    }
    avcodec_send_frame(m->encoder, NULL);
    drain(m);
}

bool clip_make(const char *root, const clip_spec *spec)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(spec->encoder);
    if (!codec) {
        print_message("SKIPPED: FFmpeg has no encoder %s\n", spec->encoder);
        return false;
    }
    maker m = {.spec = spec,
               .width = spec->width ? spec->width : 96,
               .height = spec->height ? spec->height : 80,
               .frames = spec->frames ? spec->frames : 60};
    const char *path = clip_path(root, spec->file);
    assert_true(avformat_alloc_output_context2(&m.format, NULL, NULL, path) >= 0);
    m.stream = avformat_new_stream(m.format, NULL);
    m.frame = av_frame_alloc();
    m.packet = av_packet_alloc();
    m.rgb = malloc((size_t)m.width * (size_t)m.height * 3 + 64);
    assert_true(m.stream && m.frame && m.packet && m.rgb);
    open_encoder(&m, codec);
    open_file(&m, path);
    encode(&m);
    assert_true(av_write_trailer(m.format) >= 0);
    avio_closep(&m.format->pb);
    avformat_free_context(m.format);
    avcodec_free_context(&m.encoder);
    av_frame_free(&m.frame);
    av_packet_free(&m.packet);
    sws_freeContext(m.scaler);
    free(m.rgb);
    return true;
}
