/* SPDX-License-Identifier: Apache-2.0
 *
 * RGB frames and sound to a file in memory. One thread and bit-exact flags: equal movies give equal bytes. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <math.h>
#include <string.h>

#include "core/core.h"
#include "media/synth.h"

enum { KEY_FRAME_EACH = 25 };

typedef struct encoder {
    zoe_context *context;
    AVFormatContext *container;
    AVCodecContext *codec;
    AVFrame *frame;
    AVCodecContext *sound; /* NULL: there is none */
    AVFrame *heard;        /* its samples */
    AVPacket *packet;
} encoder;

static zoe_status fault(zoe_context *context, int code, const char *what)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof text);
    return zoe__fail(context, code == AVERROR(ENOMEM) ? ZOE_MEMORY : ZOE_DATA, "encoder: cannot %s: %s", what, text);
}

static const AVCodec *choose(const char *name)
{
    if (name) return avcodec_find_encoder_by_name(name);
    const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");
    return x264 ? x264 : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

static zoe_status open_codec(encoder *e, const zoe__synth_movie *movie)
{
    const char *name = movie->encoder;
    const AVCodec *codec = choose(name);
    ZOE_FAIL_IF(e->context, !codec, ZOE_UNSUPPORTED, "FFmpeg has no video encoder %s",
                name ? name : "libx264 or mpeg4");
    e->codec = avcodec_alloc_context3(codec);
    ZOE_FAIL_IF(e->context, !e->codec, ZOE_MEMORY, "out of memory: a video encoder");
    AVCodecContext *c = e->codec;
    c->width = movie->width;
    c->height = movie->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){1, movie->fps};
    c->framerate = (AVRational){movie->fps, 1};
    if (movie->pcm) c->max_b_frames = 0; /* no frame before its turn: nothing moves the clock that sound shares */
    c->gop_size = KEY_FRAME_EACH;
    c->thread_count = 1;
    c->colorspace = AVCOL_SPC_SMPTE170M;
    c->color_primaries = AVCOL_PRI_SMPTE170M;
    c->color_trc = AVCOL_TRC_SMPTE170M;
    c->color_range = AVCOL_RANGE_MPEG;
    c->log_level_offset = 100; /* past every level: an encoder's notes are not for stderr */
    c->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    AVDictionary *options = NULL;
    if (codec->id == AV_CODEC_ID_H264) {
        av_dict_set(&options, "crf", "14", 0);
        av_dict_set(&options, "sc_threshold", "0", 0); /* key frames at their places only */
        /* x264's macroblock tree reads memory that it never wrote when pictures are this small (x264 164, AVX-512, with
         * B-frames): equal frames gave unequal files. Without its lookahead they are equal. */
        av_dict_set(&options, "rc-lookahead", "0", 0);
        av_dict_set(&options, "mbtree", "0", 0);
        av_dict_set(&options, "b_strategy", "0", 0);
    } else {
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = 2 * FF_QP2LAMBDA;
    }
    const int code = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    return code < 0 ? fault(e->context, code, "open") : ZOE_OK;
}

/* FLAC has no priming: its first sample is the sound's. */
static zoe_status open_sound(encoder *e, const zoe__synth_movie *movie)
{
    if (!movie->pcm) return ZOE_OK;
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_FLAC);
    ZOE_FAIL_IF(e->context, !codec, ZOE_UNSUPPORTED, "FFmpeg has no FLAC encoder");
    e->sound = avcodec_alloc_context3(codec);
    e->heard = av_frame_alloc();
    ZOE_FAIL_IF(e->context, !e->sound || !e->heard, ZOE_MEMORY, "out of memory: a sound encoder");
    e->sound->sample_fmt = AV_SAMPLE_FMT_S16;
    e->sound->sample_rate = movie->rate;
    e->sound->time_base = (AVRational){1, movie->rate};
    e->sound->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    e->sound->thread_count = 1;
    e->sound->flags |= AV_CODEC_FLAG_BITEXACT | AV_CODEC_FLAG_GLOBAL_HEADER;
    int code = avcodec_open2(e->sound, codec, NULL);
    if (code < 0) return fault(e->context, code, "open FLAC");
    e->heard->format = AV_SAMPLE_FMT_S16;
    e->heard->sample_rate = movie->rate;
    e->heard->ch_layout = e->sound->ch_layout;
    e->heard->nb_samples = e->sound->frame_size;
    code = av_frame_get_buffer(e->heard, 0);
    return code < 0 ? fault(e->context, code, "allocate sound") : ZOE_OK;
}

static zoe_status add_stream(encoder *e, const AVCodecContext *codec)
{
    AVStream *stream = avformat_new_stream(e->container, NULL);
    ZOE_FAIL_IF(e->context, !stream, ZOE_MEMORY, "out of memory: a stream");
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = codec->framerate;
    const int code = avcodec_parameters_from_context(stream->codecpar, codec);
    return code < 0 ? fault(e->context, code, "describe a stream") : ZOE_OK;
}

static zoe_status open_container(encoder *e, const char *ending)
{
    const char *format = strcmp(ending, "mkv") ? ending : "matroska";
    int code = avformat_alloc_output_context2(&e->container, NULL, format, NULL);
    if (code < 0) return fault(e->context, code, "make the container");
    e->container->flags |= AVFMT_FLAG_BITEXACT; /* no version, no date */
    ZOE_TRY(add_stream(e, e->codec));
    if (e->sound) ZOE_TRY(add_stream(e, e->sound));
    code = avio_open_dyn_buf(&e->container->pb);
    if (code >= 0) code = avformat_write_header(e->container, NULL);
    return code < 0 ? fault(e->context, code, "start the container") : ZOE_OK;
}

static zoe_status open_frame(encoder *e)
{
    const int width = e->codec->width, height = e->codec->height;
    e->frame = av_frame_alloc();
    e->packet = av_packet_alloc();
    ZOE_FAIL_IF(e->context, !e->frame || !e->packet, ZOE_MEMORY, "out of memory: a video frame");
    e->frame->format = AV_PIX_FMT_YUV420P;
    e->frame->width = width;
    e->frame->height = height;
    e->frame->colorspace = e->codec->colorspace;
    e->frame->color_primaries = e->codec->color_primaries;
    e->frame->color_trc = e->codec->color_trc;
    e->frame->color_range = e->codec->color_range;
    const int code = av_frame_get_buffer(e->frame, 0);
    return code < 0 ? fault(e->context, code, "allocate a frame") : ZOE_OK;
}

/* BT.601 to limited range, in 1/65536: Y = 16 + 219 (.299 R + .587 G + .114 B) / 255, C = 128 + 224 / 255 x the rows
 * below. libswscale is not used here: its kernels read past the end of the picture. */
enum { HALF = 1 << 15, ONE_SHIFT = 16 };
static const int luma[3] = {16829, 33039, 6416};
static const int chroma[2][3] = {{-9714, -19070, 28784}, {28784, -24103, -4681}};

static void luma_row(uint8_t *out, const uint8_t *rgb, int width)
{
    for (int x = 0; x < width; x++, rgb += 3)
        out[x] = (uint8_t)(16 + ((luma[0] * rgb[0] + luma[1] * rgb[1] + luma[2] * rgb[2] + HALF) >> ONE_SHIFT));
}

/* Chroma of two rows: it lies at the even columns, half way between the rows, as H.264 and MPEG-4 have it by default:
 * weights 1 2 1 across, 1 1 down. */
static void chroma_row(uint8_t *const out[2], const uint8_t *upper, const uint8_t *lower, int width)
{
    for (int x = 0; x < width; x += 2) {
        const int left = (x ? x - 1 : 0) * 3, middle = x * 3, right = (x + 1) * 3;
        int sum[3]; /* 8 x the mean */
        for (int c = 0; c < 3; c++)
            sum[c] = upper[left + c] + lower[left + c] + 2 * (upper[middle + c] + lower[middle + c]) +
                     upper[right + c] + lower[right + c];
        for (int plane = 0; plane < 2; plane++) {
            const int *weight = chroma[plane], value = weight[0] * sum[0] + weight[1] * sum[1] + weight[2] * sum[2];
            out[plane][x / 2] = (uint8_t)(((128 << (ONE_SHIFT + 3)) + value + 8 * HALF) >> (ONE_SHIFT + 3));
        }
    }
}

static void to_yuv(AVFrame *frame, const uint8_t *rgb)
{
    const int width = frame->width, stride = 3 * width;
    for (int y = 0; y < frame->height; y++) luma_row(frame->data[0] + y * frame->linesize[0], rgb + y * stride, width);
    for (int y = 0; y < frame->height; y += 2) {
        uint8_t *const out[2] = {frame->data[1] + y / 2 * frame->linesize[1],
                                 frame->data[2] + y / 2 * frame->linesize[2]};
        chroma_row(out, rgb + y * stride, rgb + (y + 1) * stride, width);
    }
}

/* Sends one frame to the encoder of stream `index` (NULL: the end) and writes the packets that come out. */
static zoe_status encode(encoder *e, int index, const AVFrame *frame)
{
    AVCodecContext *codec = index ? e->sound : e->codec;
    int code = avcodec_send_frame(codec, frame);
    while (code >= 0) {
        code = avcodec_receive_packet(codec, e->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return ZOE_OK;
        if (code < 0) break;
        if (!index) e->packet->duration = 1;
        e->packet->stream_index = index;
        av_packet_rescale_ts(e->packet, codec->time_base, e->container->streams[index]->time_base);
        code = av_interleaved_write_frame(e->container, e->packet);
    }
    return fault(e->context, code, "encode a frame");
}

static zoe_status encode_pictures(encoder *e, const zoe__synth_movie *movie)
{
    const size_t bytes = (size_t)movie->width * (size_t)movie->height * 3;
    for (int t = 0; t < movie->frames; t++) {
        const int code = av_frame_make_writable(e->frame); /* the encoder may still hold the last one */
        if (code < 0) return fault(e->context, code, "allocate a frame");
        to_yuv(e->frame, movie->rgb + (size_t)t * bytes);
        e->frame->pts = t;
        ZOE_TRY(encode(e, 0, e->frame));
    }
    return encode(e, 0, NULL);
}

static zoe_status encode_sound(encoder *e, const zoe__synth_movie *movie)
{
    for (int at = 0; e->sound && at < movie->samples; at += e->sound->frame_size) {
        const int code = av_frame_make_writable(e->heard);
        if (code < 0) return fault(e->context, code, "allocate sound");
        const int rest = movie->samples - at, n = rest < e->sound->frame_size ? rest : e->sound->frame_size;
        int16_t *to = (int16_t *)(void *)e->heard->data[0];
        for (int i = 0; i < n; i++) {
            const float x = movie->pcm[at + i] * 32768;
            to[i] = (int16_t)lrintf(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
        }
        e->heard->nb_samples = n;
        e->heard->pts = at;
        ZOE_TRY(encode(e, 1, e->heard));
    }
    return e->sound ? encode(e, 1, NULL) : ZOE_OK;
}

zoe_status zoe__synth_encode(zoe_context *context, const zoe__synth_movie *movie, uint8_t **out, size_t *size)
{
    encoder e = {.context = context};
    uint8_t *bytes = NULL;
    int length = 0;
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY_OUT(open_codec(&e, movie));
    ZOE_TRY_OUT(open_sound(&e, movie));
    ZOE_TRY_OUT(open_container(&e, movie->container));
    ZOE_TRY_OUT(open_frame(&e));
    ZOE_TRY_OUT(encode_pictures(&e, movie));
    ZOE_TRY_OUT(encode_sound(&e, movie));
    const int code = av_write_trailer(e.container);
    if (code < 0) ZOE_TRY_OUT(fault(context, code, "finish the container"));
    length = avio_close_dyn_buf(e.container->pb, &bytes);
    e.container->pb = NULL;
    ZOE_FAIL_IF_OUT(context, length <= 0, ZOE_MEMORY, "out of memory: an encoded clip");
    *out = bytes;
    *size = (size_t)length;
    bytes = NULL;
out:
    if (e.container && e.container->pb) avio_close_dyn_buf(e.container->pb, &bytes);
    av_free(bytes);
    avformat_free_context(e.container);
    avcodec_free_context(&e.codec);
    avcodec_free_context(&e.sound);
    av_frame_free(&e.frame);
    av_frame_free(&e.heard);
    av_packet_free(&e.packet);
    return status;
}
