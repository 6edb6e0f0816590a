/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound alone to a file in memory. One thread and bit-exact flags: equal sounds give equal bytes. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <string.h>

#include "core/core.h"
#include "media/synth.h"

enum { FRAME = 1024 }; /* samples of a frame where the encoder does not care */

typedef struct recorder {
    zoe_context *context;
    const zoe__synth_record *record;
    AVFormatContext *container;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
} recorder;

static zoe_status fault(const recorder *r, int code, const char *what)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof text);
    return zoe__fail(r->context, code == AVERROR(ENOMEM) ? ZOE_MEMORY : ZOE_DATA, "sound encoder %s: cannot %s: %s",
                     r->record->encoder, what, text);
}

/* The form of samples that the encoder takes: what an encoder takes is asked in another way by each FFmpeg, so the
 * known ones are tried. */
static int open_as(recorder *r, const AVCodec *codec, enum AVSampleFormat format)
{
    const zoe__synth_record *record = r->record;
    avcodec_free_context(&r->codec);
    AVCodecContext *c = r->codec = avcodec_alloc_context3(codec);
    if (!c) return AVERROR(ENOMEM);
    av_channel_layout_default(&c->ch_layout, record->channels);
    c->sample_fmt = format;
    c->sample_rate = record->rate;
    c->time_base = (AVRational){1, record->rate};
    c->bit_rate = record->bit_rate;
    c->thread_count = 1;
    c->log_level_offset = 100; /* a form that is refused is no news for stderr */
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (r->container->oformat->flags & AVFMT_GLOBALHEADER) c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return avcodec_open2(c, codec, NULL);
}

static zoe_status open_codec(recorder *r)
{
    static const enum AVSampleFormat forms[] = {AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P, AV_SAMPLE_FMT_FLTP,
                                                AV_SAMPLE_FMT_FLT};
    const AVCodec *codec = avcodec_find_encoder_by_name(r->record->encoder);
    ZOE_FAIL_IF(r->context, !codec || codec->type != AVMEDIA_TYPE_AUDIO, ZOE_UNSUPPORTED,
                "FFmpeg has no sound encoder %s", r->record->encoder);
    int code = AVERROR(EINVAL);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && code == AVERROR(EINVAL); i++)
        code = open_as(r, codec, forms[i]);
    ZOE_FAIL_IF(r->context, code == AVERROR(EINVAL), ZOE_UNSUPPORTED,
                "FFmpeg's encoder %s takes no sound of %d channels at %d Hz", r->record->encoder, r->record->channels,
                r->record->rate);
    return code < 0 ? fault(r, code, "open") : ZOE_OK;
}

static zoe_status start_container(recorder *r)
{
    int code = avformat_alloc_output_context2(&r->container, NULL, r->record->container, NULL);
    if (code < 0) return fault(r, code, "make the container");
    r->container->flags |= AVFMT_FLAG_BITEXACT; /* no version, no date */
    ZOE_TRY(open_codec(r));
    AVStream *stream = avformat_new_stream(r->container, NULL);
    ZOE_FAIL_IF(r->context, !stream, ZOE_MEMORY, "out of memory: a stream");
    stream->time_base = r->codec->time_base;
    code = avcodec_parameters_from_context(stream->codecpar, r->codec);
    if (code >= 0) code = avio_open_dyn_buf(&r->container->pb);
    if (code >= 0) code = avformat_write_header(r->container, NULL);
    return code < 0 ? fault(r, code, "start the container") : ZOE_OK;
}

static zoe_status make_frame(recorder *r, int samples)
{
    AVFrame *frame = r->frame;
    av_frame_unref(frame); /* the encoder may still hold the last one */
    frame->format = r->codec->sample_fmt;
    frame->sample_rate = r->record->rate;
    frame->nb_samples = samples;
    int code = av_channel_layout_copy(&frame->ch_layout, &r->codec->ch_layout);
    if (code >= 0) code = av_frame_get_buffer(frame, 0);
    return code < 0 ? fault(r, code, "allocate a frame") : ZOE_OK;
}

/* Samples at .. of the record, in the form of the frame. */
static void fill_frame(const recorder *r, int at)
{
    const int channels = r->record->channels;
    const bool planar = av_sample_fmt_is_planar(r->codec->sample_fmt);
    const bool whole = av_get_packed_sample_fmt(r->codec->sample_fmt) == AV_SAMPLE_FMT_S16;
    for (int i = 0; i < r->frame->nb_samples; i++)
        for (int c = 0; c < channels; c++) {
            const int16_t x = r->record->pcm[(size_t)(at + i) * (size_t)channels + (size_t)c];
            void *plane = r->frame->extended_data[planar ? c : 0];
            const int place = planar ? i : i * channels + c;
            if (whole)
                ((int16_t *)plane)[place] = x;
            else
                ((float *)plane)[place] = (float)x / 32768;
        }
}

/* Sends a frame (NULL: the end) and writes the packets that come out. */
static zoe_status encode(recorder *r, const AVFrame *frame)
{
    int code = avcodec_send_frame(r->codec, frame);
    while (code >= 0) {
        code = avcodec_receive_packet(r->codec, r->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return ZOE_OK;
        if (code < 0) break;
        av_packet_rescale_ts(r->packet, r->codec->time_base, r->container->streams[0]->time_base);
        code = av_interleaved_write_frame(r->container, r->packet);
    }
    return fault(r, code, "encode a frame");
}

static zoe_status encode_all(recorder *r)
{
    const int most = r->codec->frame_size > 0 ? r->codec->frame_size : FRAME;
    r->frame = av_frame_alloc();
    r->packet = av_packet_alloc();
    ZOE_FAIL_IF(r->context, !r->frame || !r->packet, ZOE_MEMORY, "out of memory: a frame of sound");
    for (int at = 0; at < r->record->samples; at += most) {
        const int rest = r->record->samples - at;
        ZOE_TRY(make_frame(r, rest < most ? rest : most));
        fill_frame(r, at);
        r->frame->pts = at;
        ZOE_TRY(encode(r, r->frame));
    }
    return encode(r, NULL);
}

zoe_status zoe__synth_encode_sound(zoe_context *context, const zoe__synth_record *record, uint8_t **out, size_t *size)
{
    recorder r = {.context = context, .record = record};
    uint8_t *bytes = NULL;
    int length = 0;
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY_OUT(start_container(&r));
    ZOE_TRY_OUT(encode_all(&r));
    const int code = av_write_trailer(r.container);
    if (code < 0) ZOE_TRY_OUT(fault(&r, code, "finish the container"));
    length = avio_close_dyn_buf(r.container->pb, &bytes);
    r.container->pb = NULL;
    ZOE_FAIL_IF_OUT(context, length <= 0, ZOE_MEMORY, "out of memory: an encoded sound");
    *out = bytes;
    *size = (size_t)length;
    bytes = NULL;
out:
    if (r.container && r.container->pb) avio_close_dyn_buf(r.container->pb, &bytes);
    av_free(bytes);
    avformat_free_context(r.container);
    avcodec_free_context(&r.codec);
    av_frame_free(&r.frame);
    av_packet_free(&r.packet);
    return status;
}
