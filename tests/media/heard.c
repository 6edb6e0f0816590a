/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"
#include "media/heard.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswresample/swresample.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

double heard_burst(double seconds)
{
    const double u = seconds - 1;
    return 0.6 * exp(-(u / 0.008) * (u / 0.008)) * cos(2 * PI * 1500 * u);
}

int heard_late(const float *pcm, int n, int rate, double start, int most)
{
    double best = 0, energy = 0;
    int late = 99999;
    const int from = (int)((1 - 0.03 - start) * rate), to = (int)((1 + 0.03 - start) * rate);
    for (int i = from; i < to; i++) energy += pow(heard_burst(start + (double)i / rate), 2);
    for (int shift = -most; shift <= most; shift++) {
        double sum = 0;
        for (int i = from; i < to; i++)
            if (i + shift >= 0 && i + shift < n) sum += (double)pcm[i + shift] * heard_burst(start + (double)i / rate);
        if (sum > best && sum > 0.7 * energy) best = sum, late = shift;
    }
    return late;
}

typedef struct maker {
    const heard_spec *spec;
    AVFormatContext *format;
    AVCodecContext *sound, *pictures;
    AVPacket *packet;
    AVFrame *frame;
    int stream; /* of the sound */
} maker;

static AVStream *add_stream(maker *m, AVCodecContext *codec)
{
    AVStream *stream = avformat_new_stream(m->format, NULL);
    assert_non_null(stream);
    if (m->format->oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    codec->thread_count = 1;
    assert_true(avcodec_open2(codec, codec->codec, NULL) >= 0);
    assert_true(avcodec_parameters_from_context(stream->codecpar, codec) >= 0);
    stream->time_base = codec->time_base;
    return stream;
}

static void write_packets(maker *m, AVCodecContext *codec, int stream, double delay)
{
    const heard_spec *s = m->spec;
    while (avcodec_receive_packet(codec, m->packet) >= 0) {
        AVPacket *p = m->packet;
        const double at = (double)p->pts * av_q2d(codec->time_base);
        const int64_t shift = llround(delay / av_q2d(codec->time_base));
        p->pts += shift;
        p->dts += shift;
        p->stream_index = stream;
        if (stream == m->stream && s->garbage)
            for (int i = 0; i < p->size; i++) p->data[i] = (uint8_t)(i * 2654435761u >> 13);
        if (stream == m->stream && s->gap > 0 && at >= 1.5 && at < 1.5 + s->gap) {
            av_packet_unref(p);
            continue;
        }
        if (codec == m->pictures) p->duration = 1;
        av_packet_rescale_ts(p, codec->time_base, m->format->streams[stream]->time_base);
        assert_true(av_interleaved_write_frame(m->format, p) >= 0);
    }
}

static void encode_pictures(maker *m)
{
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->format = m->pictures->pix_fmt;
    frame->width = m->pictures->width;
    frame->height = m->pictures->height;
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    const int count = m->spec->frames ? m->spec->frames : 75;
    for (int i = 0; i < count; i++) {
        assert_true(av_frame_make_writable(frame) >= 0);
        for (int p = 0; p < 3; p++)
            memset(frame->data[p], p ? 128 : 16 + 2 * i,
                   (size_t)frame->linesize[p] * (size_t)(p ? frame->height / 2 : frame->height));
        frame->pts = i;
        assert_true(avcodec_send_frame(m->pictures, frame) >= 0);
        write_packets(m, m->pictures, 0, 0);
    }
    avcodec_send_frame(m->pictures, NULL);
    write_packets(m, m->pictures, 0, 0);
    av_frame_free(&frame);
}

/* Through libswresample for the encoder's sample format. */
static void encode_sound(maker *m)
{
    const heard_spec *s = m->spec;
    AVCodecContext *c = m->sound;
    struct SwrContext *swr = NULL;
    const int total = (int)lround((s->seconds > 0 ? s->seconds : 3) * c->sample_rate);
    const int step = c->frame_size ? c->frame_size : 1024;
    assert_true(swr_alloc_set_opts2(&swr, &c->ch_layout, c->sample_fmt, c->sample_rate, &c->ch_layout,
                                    AV_SAMPLE_FMT_FLT, c->sample_rate, 0, NULL) >= 0);
    assert_true(swr_init(swr) >= 0);
    float *values = calloc((size_t)step * (size_t)c->ch_layout.nb_channels, sizeof *values);
    assert_non_null(values);
    for (int at = 0; at < total; at += step) {
        AVFrame *f = av_frame_alloc();
        assert_non_null(f);
        f->format = c->sample_fmt;
        f->sample_rate = c->sample_rate;
        f->nb_samples = total - at < step ? total - at : step;
        assert_true(av_channel_layout_copy(&f->ch_layout, &c->ch_layout) >= 0);
        assert_true(av_frame_get_buffer(f, 0) >= 0);
        for (int i = 0; i < f->nb_samples; i++)
            for (int ch = 0; ch < c->ch_layout.nb_channels; ch++)
                values[i * c->ch_layout.nb_channels + ch] =
                    s->silent ? 0 : (float)heard_burst((double)(at + i) / c->sample_rate);
        const uint8_t *from[] = {(const uint8_t *)values};
        assert_int_equal(swr_convert(swr, f->extended_data, f->nb_samples, from, f->nb_samples), f->nb_samples);
        f->pts = at;
        assert_true(avcodec_send_frame(c, f) >= 0);
        av_frame_free(&f);
        write_packets(m, c, m->stream, s->delay);
    }
    avcodec_send_frame(c, NULL);
    write_packets(m, c, m->stream, s->delay);
    free(values);
    swr_free(&swr);
}

static void open_streams(maker *m, const AVCodec *sound, const AVCodec *pictures)
{
    const heard_spec *s = m->spec;
    if (pictures) {
        m->pictures = avcodec_alloc_context3(pictures);
        assert_non_null(m->pictures);
        m->pictures->width = m->pictures->height = 64;
        m->pictures->pix_fmt = AV_PIX_FMT_YUV420P;
        m->pictures->time_base = (AVRational){1, 25};
        m->pictures->framerate = (AVRational){25, 1};
        add_stream(m, m->pictures)->avg_frame_rate = m->pictures->framerate;
        m->stream = 1;
    }
    m->sound = avcodec_alloc_context3(sound);
    assert_non_null(m->sound);
    m->sound->sample_rate = s->rate ? s->rate : 48000;
    m->sound->time_base = (AVRational){1, m->sound->sample_rate};
    m->sound->sample_fmt = sound->sample_fmts ? sound->sample_fmts[0] : AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&m->sound->ch_layout, s->channels ? s->channels : 1);
    add_stream(m, m->sound);
}

bool heard_make(const char *root, const heard_spec *spec)
{
    const AVCodec *sound = avcodec_find_encoder_by_name(spec->encoder);
    const AVCodec *pictures = spec->pictures ? avcodec_find_encoder_by_name(spec->pictures) : NULL;
    if (!sound || (spec->pictures && !pictures)) {
        print_message("SKIPPED %s: FFmpeg has no encoder %s\n", spec->file, sound ? spec->pictures : spec->encoder);
        return false;
    }
    maker m = {.spec = spec};
    const char *path = clip_path(root, spec->file);
    assert_true(avformat_alloc_output_context2(&m.format, NULL, NULL, path) >= 0);
    m.format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    m.packet = av_packet_alloc();
    assert_non_null(m.packet);
    open_streams(&m, sound, pictures);
    assert_true(avio_open(&m.format->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(m.format, NULL) >= 0);
    if (pictures) encode_pictures(&m);
    encode_sound(&m);
    assert_true(av_write_trailer(m.format) >= 0);
    avio_closep(&m.format->pb);
    avformat_free_context(m.format);
    avcodec_free_context(&m.sound);
    avcodec_free_context(&m.pictures);
    av_packet_free(&m.packet);
    return true;
}
