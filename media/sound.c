/* SPDX-License-Identifier: Apache-2.0 */
#include "media/sound.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* How far a packet's time may be from the counted one: containers round, decoders learn late; and how much sound moves
 * the deadline on by the limit, as 1000 frames do. */
static const double MOST_DRIFT = 0.1, SOUND_PER_DEADLINE = 40;

static const double SILENT = 0x1p-14;

/* The message becomes the reason, and the clip goes on without sound. */
static void give_up(zoe__hearing *h)
{
    const char *text = zoe_context_error(h->context);
    const size_t n = strlen(h->source->path);
    if (strncmp(text, h->source->path, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    zoe__format(h->sound.reason, sizeof h->sound.reason, "%s", text);
    h->sound.state = ZOE_SOUND_BROKEN;
    zoe_context_clear(h->context);
}

/* Only what the file itself is to blame for is forgiven. */
static zoe_status forgive(zoe__hearing *h, zoe_status status)
{
    if (status != ZOE_DATA) return status;
    give_up(h);
    return ZOE_OK;
}

static zoe_status start_decoder(zoe__hearing *h, const AVStream *stream)
{
    const AVCodecParameters *par = stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    zoe__format(h->sound.codec, sizeof h->sound.codec, "%s", avcodec_get_name(par->codec_id));
    ZOE_FAIL_IF(h->context, !codec, ZOE_DATA, "no decoder for codec %s", h->sound.codec);
    h->decoder = avcodec_alloc_context3(codec);
    h->frame = av_frame_alloc();
    ZOE_FAIL_IF(h->context, !h->decoder || !h->frame, ZOE_MEMORY, "out of memory: a decoder");
    int error = avcodec_parameters_to_context(h->decoder, par);
    h->decoder->thread_count = 1;
    h->decoder->pkt_timebase = stream->time_base; /* the decoder moves times when it drops priming */
    h->decoder->max_samples = ZOE__MIXER_MOST;
    if (error >= 0) error = avcodec_open2(h->decoder, codec, NULL);
    ZOE_FAIL_IF(h->context, error < 0, ZOE_DATA, "the decoder for %s does not start: %s", codec->name,
                av_err2str(error));
    return ZOE_OK;
}

zoe_status zoe__hearing_open(zoe__hearing *hearing, zoe_context *context, zoe__source *source,
                             const zoe_media_limits *limits, const char *pcm_path, int rate)
{
    zoe__hearing *h = hearing;
    *h = (zoe__hearing){.context = context, .source = source, .limits = limits};
    zoe__pcm_init(&h->pcm, context, pcm_path, llround(limits->max_sound * rate));
    zoe__mixer_init(&h->mixer, context, source->path, &h->pcm, rate);
    if (source->sound_stream < 0) return ZOE_OK;
    const AVStream *stream = source->format->streams[source->sound_stream];
    h->time_base = stream->time_base;
    h->sound.state = ZOE_SOUND_GOOD;
    h->sound.rate = stream->codecpar->sample_rate;
    h->sound.channels = stream->codecpar->ch_layout.nb_channels;
    return forgive(h, start_decoder(h, stream));
}

/* Where the frame belongs by its time; fills what is missing before it. */
static zoe_status place(zoe__hearing *h)
{
    const int64_t pts = h->frame->pts != AV_NOPTS_VALUE ? h->frame->pts : h->frame->best_effort_timestamp;
    const bool timed = pts != AV_NOPTS_VALUE && h->time_base.den;
    const double time = timed ? (double)pts * av_q2d(h->time_base) : h->expected;
    const double late = time - h->expected;
    if (!h->begun) {
        h->start = time;
    } else if (late > MOST_DRIFT) {
        ZOE_FAIL_IF(h->context, late > h->limits->max_sound, ZOE_DATA, "a gap of %g s at %g s", late,
                    h->expected - h->start);
        ZOE_TRY(zoe__mixer_silence(&h->mixer, llround(late * h->frame->sample_rate)));
    } else if (late >= -MOST_DRIFT) {
        return ZOE_OK;
    }
    h->begun = true;
    h->expected = time; /* a jump back is a new clock: counting goes on, from the new time */
    return ZOE_OK;
}

static zoe_status take_frame(zoe__hearing *h)
{
    const AVFrame *frame = h->frame;
    if (frame->nb_samples <= 0) return ZOE_OK;
    ZOE_TRY(zoe__mixer_form(&h->mixer, (enum AVSampleFormat)frame->format, &frame->ch_layout, frame->sample_rate));
    ZOE_TRY(place(h));
    h->sound.rate = frame->sample_rate;
    h->sound.channels = frame->ch_layout.nb_channels;
    ZOE_TRY(zoe__mixer_add(&h->mixer, (const uint8_t *const *)frame->extended_data, frame->nb_samples));
    const double seconds = (double)frame->nb_samples / frame->sample_rate;
    h->expected += seconds;
    h->extended += seconds;
    for (; h->extended > SOUND_PER_DEADLINE; h->extended -= SOUND_PER_DEADLINE)
        h->source->deadline += h->limits->seconds_per_clip;
    return ZOE_OK;
}

/* NULL drains. */
static zoe_status decode(zoe__hearing *h, const AVPacket *packet)
{
    int error = avcodec_send_packet(h->decoder, packet);
    bool bad = error < 0 && error != AVERROR_EOF;
    for (;;) {
        error = avcodec_receive_frame(h->decoder, h->frame);
        if (error < 0) break;
        const zoe_status status = take_frame(h);
        av_frame_unref(h->frame);
        ZOE_TRY(status);
        ZOE_TRY(zoe__source_check_time(h->context, h->source, h->limits));
    }
    bad = bad || (error != AVERROR(EAGAIN) && error != AVERROR_EOF);
    h->sound.faults += bad;
    return ZOE_OK;
}

zoe_status zoe__hearing_packet(zoe__hearing *hearing, const AVPacket *packet)
{
    zoe__hearing *h = hearing;
    if (h->sound.state != ZOE_SOUND_GOOD) return ZOE_OK;
    h->packets += packet != NULL;
    zoe_status status = decode(h, packet);
    if (status == ZOE_OK && !packet) status = zoe__mixer_flush(&h->mixer);
    return forgive(h, status);
}

/* What a stream must have to be of use. */
static zoe_status judge(zoe__hearing *h, double offset, double seconds)
{
    zoe__sound *s = &h->sound;
    ZOE_FAIL_IF(h->context, !(fabs(offset) < 1e9), ZOE_DATA, "it starts at %g s", offset);
    s->first = llround(offset * h->mixer.out_rate);
    ZOE_FAIL_IF(h->context, !h->packets, ZOE_DATA, "its stream of %s is empty", s->codec);
    ZOE_FAIL_IF(h->context, !h->pcm.samples, ZOE_DATA, "no sample decodes (%lld packets of %s)", (long long)h->packets,
                s->codec);
    ZOE_FAIL_IF(h->context, (double)s->faults > (1 - h->limits->min_clean) * (double)h->packets, ZOE_DATA,
                "%lld of %lld packets of %s decode with a fault (limit %g %%)", (long long)s->faults,
                (long long)h->packets, s->codec, 100 * (1 - h->limits->min_clean));
    const double start = (double)s->first / h->mixer.out_rate;
    const double end = start + (double)h->pcm.samples / h->mixer.out_rate;
    ZOE_FAIL_IF(h->context, seconds > 0 && (end <= 0 || start >= seconds), ZOE_DATA,
                "sound (%.3f to %.3f s) and pictures (0 to %.3f s) do not overlap", start, end, seconds);
    return ZOE_OK;
}

zoe_status zoe__hearing_finish(zoe__hearing *hearing, double zero, double seconds)
{
    zoe__hearing *h = hearing;
    if (h->sound.state == ZOE_SOUND_GOOD) {
        const double offset = seconds > 0 ? h->start - zero : 0;
        ZOE_TRY(forgive(h, judge(h, offset, seconds)));
    }
    return zoe__sound_settle(&h->sound, &h->pcm, &h->mixer);
}

zoe_status zoe__sound_settle(zoe__sound *sound, zoe__pcm *pcm, const zoe__mixer *mixer)
{
    sound->nans = mixer->nans;
    sound->clipped = mixer->clipped;
    sound->bytes = pcm->bytes;
    if (sound->state != ZOE_SOUND_GOOD) {
        zoe__pcm_close(pcm);
        unlink(pcm->path);
        sound->first = 0;
        return ZOE_OK;
    }
    sound->samples = pcm->samples;
    sound->peak = (double)pcm->peak;
    if (sound->peak <= SILENT) sound->state = ZOE_SOUND_SILENT;
    return zoe__pcm_finish(pcm);
}

void zoe__hearing_clear(zoe__hearing *hearing)
{
    zoe__pcm_close(&hearing->pcm);
    zoe__mixer_clear(&hearing->mixer);
    avcodec_free_context(&hearing->decoder);
    av_frame_free(&hearing->frame);
}
