/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over an untrusted file: its packets go to the data file as they come, every frame is decoded once and
 * measured. What the decoder emits is the truth; counts and times of the container are not. */
#include "media/ingest.h"
#include "media/decoder.h"
#include "media/nonref.h"
#include "media/timeline.h"

#include <libavcodec/bsf.h>
#include <libavutil/display.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct ingest {
    zoe_context *context;
    zoe__source *source;
    const zoe_media_limits *limits;
    zoe__record *record;
    zoe__hearing hearing;
    FILE *out;
    uint64_t offset; /* bytes written */
    AVBSFContext *filter;
    AVCodecContext *decoder;
    AVFrame *frame;
    uint8_t *extradata; /* the current one */
    size_t extradata_size;
    zoe__greys greys;
    zoe__seen_packet *packets; /* record->packets of them */
    size_t packet_capacity;
    zoe__seen_frame *frames; /* record->frames of them */
    size_t frame_capacity;
    int first_width, first_height; /* before rotation; 0 = no frame yet */
} ingest;

/* Signs of the display matrix to flips and a transposition; other angles go to the nearest quarter turn. */
static int orientation_of(const int32_t m[9])
{
    if (fabs((double)m[1]) > fabs((double)m[0]))
        return ZOE__TRANSPOSE | (m[3] < 0 ? ZOE__HFLIP : 0) | (m[1] < 0 ? ZOE__VFLIP : 0);
    return (m[0] < 0 ? ZOE__HFLIP : 0) | (m[4] < 0 ? ZOE__VFLIP : 0);
}

static const int32_t *stream_matrix(const AVStream *stream)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 100)
    const AVPacketSideData *side = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
#endif
}

static bool is_key(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
    return frame->flags & AV_FRAME_FLAG_KEY;
#else
    return frame->key_frame;
#endif
}

/* The first shown frame settles size and orientation. */
static void note_first(ingest *in, const AVFrame *frame)
{
    if (in->first_width) return;
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    const int32_t *matrix = side && side->size >= 9 * sizeof(int32_t)
                                ? (const int32_t *)(const void *)side->data
                                : stream_matrix(in->source->format->streams[in->source->stream]);
    in->record->orientation = matrix ? orientation_of(matrix) : 0;
    in->first_width = frame->width;
    in->first_height = frame->height;
    const bool turned = in->record->orientation & ZOE__TRANSPOSE;
    in->record->width = turned ? frame->height : frame->width;
    in->record->height = turned ? frame->width : frame->height;
}

static zoe_status take_frame(ingest *in)
{
    const AVFrame *frame = in->frame;
    if (frame->pts < 0 || (uint64_t)frame->pts >= in->record->packets) return ZOE_OK;
    zoe__seen_packet *packet = &in->packets[frame->pts];
    const uint16_t nth = packet->outputs;
    if (packet->outputs < UINT8_MAX) packet->outputs++;
    if (frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT)) packet->bad = true;
    packet->key_frame = packet->key_frame || is_key(frame);
    if (packet->hidden) return ZOE_OK;
    ZOE_FAIL_IF(in->context, in->record->frames >= (size_t)in->limits->max_frames, ZOE_DATA, "%s: more than %d frames",
                in->source->path, in->limits->max_frames);
    note_first(in, frame);
    ZOE_TRY(zoe__grow(in->context, &in->frames, &in->frame_capacity, in->record->frames + 1, sizeof *in->frames));
    zoe__seen_frame *seen = &in->frames[in->record->frames];
    *seen = (zoe__seen_frame){.packet = (uint32_t)frame->pts,
                              .nth = (uint8_t)nth,
                              .hash = zoe__hash_frame(frame),
                              .vectors = zoe__measure_vectors(frame)};
    ZOE_TRY(zoe__measure_difference(in->context, &in->greys, frame, &seen->difference));
    if (++in->record->frames % 1000 == 0) in->source->deadline += in->limits->seconds_per_clip;
    return ZOE_OK;
}

/* NULL drains. A packet that the decoder refuses is noted, never fatal. */
static zoe_status decode(ingest *in, const AVPacket *packet)
{
    zoe__seen_packet *seen = packet ? &in->packets[packet->pts] : NULL;
    int error = avcodec_send_packet(in->decoder, packet);
    if (error < 0 && seen) seen->bad = true;
    for (;;) {
        error = avcodec_receive_frame(in->decoder, in->frame);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return ZOE_OK;
        if (error < 0) {
            if (seen) seen->bad = true;
            return ZOE_OK;
        }
        const zoe_status status = take_frame(in);
        av_frame_unref(in->frame);
        ZOE_TRY(status);
        ZOE_TRY(zoe__source_check_time(in->context, in->source, in->limits));
    }
}

static zoe_status write_bytes(ingest *in, const void *bytes, size_t n)
{
    if (n && fwrite(bytes, 1, n, in->out) != n)
        return zoe__fail(in->context, ZOE_DISK, "cannot write to the pack: %s", strerror(errno));
    in->offset += n;
    return ZOE_OK;
}

static zoe_status write_side(ingest *in, const AVPacket *packet, zoe__packet *entry)
{
    for (uint32_t kind = 0; kind < ZOE__SIDE_KINDS; kind++) {
        size_t size = 0;
        const uint8_t *data = av_packet_get_side_data(packet, zoe__side_kinds[kind], &size);
        if (!data || size > INT32_MAX / 4) continue;
        const uint32_t n = (uint32_t)size;
        const uint8_t head[8] = {(uint8_t)kind,     0, 0, 0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
                                 (uint8_t)(n >> 24)};
        ZOE_TRY(write_bytes(in, head, sizeof head));
        ZOE_TRY(write_bytes(in, data, n));
        entry->side += n + 8;
        if (zoe__side_kinds[kind] != AV_PKT_DATA_NEW_EXTRADATA) continue;
        entry->flags |= ZOE__PACKET_EXTRADATA;
        uint8_t *copy;
        ZOE_TRY(zoe__calloc(in->context, &copy, n, 1));
        memcpy(copy, data, n);
        free(in->extradata);
        in->extradata = copy;
        in->extradata_size = n;
    }
    return ZOE_OK;
}

/* Stores and decodes one packet of the stream, after the filter. */
static zoe_status take_packet(ingest *in, AVPacket *packet)
{
    zoe__record *record = in->record;
    if (packet->size <= 0) return ZOE_OK;
    ZOE_FAIL_IF(in->context, record->packets / 2 >= (size_t)in->limits->max_frames, ZOE_DATA,
                "%s: more than %d packets", in->source->path, 2 * in->limits->max_frames);
    ZOE_FAIL_IF(in->context, in->offset / 4 > (uint64_t)in->source->size + (1 << 20), ZOE_DATA,
                "%s: its packets add up to more than four times the file", in->source->path);
    ZOE_TRY(
        zoe__grow(in->context, &record->packet, &record->packet_capacity, record->packets + 1, sizeof *record->packet));
    ZOE_TRY(zoe__grow(in->context, &in->packets, &in->packet_capacity, record->packets + 1, sizeof *in->packets));
    const size_t ordinal = record->packets++;
    zoe__packet *entry = &record->packet[ordinal];
    *entry = (zoe__packet){.offset = in->offset, .size = (uint32_t)packet->size};
    ZOE_TRY(write_bytes(in, packet->data, (size_t)packet->size));
    ZOE_TRY(write_side(in, packet, entry));
    int temporal;
    const bool nonref = zoe__packet_nonref(record->par->codec_id, in->extradata, in->extradata_size, packet->data,
                                           (size_t)packet->size, &temporal);
    entry->flags |= (packet->flags & AV_PKT_FLAG_KEY ? ZOE__PACKET_KEY : 0) | (nonref ? ZOE__PACKET_NONREF : 0) |
                    (packet->flags & AV_PKT_FLAG_CORRUPT ? ZOE__PACKET_CORRUPT : 0) |
                    (packet->flags & AV_PKT_FLAG_DISPOSABLE ? ZOE__PACKET_DISPOSABLE : 0);
    in->packets[ordinal] = (zoe__seen_packet){.pts = packet->pts,
                                              .dts = packet->dts,
                                              .duration = packet->duration,
                                              .temporal = temporal,
                                              .hidden = packet->flags & AV_PKT_FLAG_DISCARD,
                                              .bad = packet->flags & AV_PKT_FLAG_CORRUPT};
    zoe__packet_dress(packet, ordinal, entry->flags);
    return decode(in, packet);
}

/* Through the filter, where there is one; NULL ends the stream. */
static zoe_status push(ingest *in, AVPacket *packet)
{
    if (!in->filter) return packet ? take_packet(in, packet) : ZOE_OK;
    if (av_bsf_send_packet(in->filter, packet) < 0) return ZOE_OK;
    AVPacket *out = av_packet_alloc();
    ZOE_FAIL_IF(in->context, !out, ZOE_MEMORY, "out of memory: a packet");
    zoe_status status = ZOE_OK;
    while (status == ZOE_OK && av_bsf_receive_packet(in->filter, out) >= 0) {
        status = take_packet(in, out);
        av_packet_unref(out);
    }
    av_packet_free(&out);
    return status;
}

/* "Packed" MPEG-4 (Xvid, DivX in AVI) puts two pictures into one packet: the filter gives each its own. */
static zoe_status open_filter(ingest *in, const AVStream *stream)
{
    if (avcodec_parameters_copy(in->record->par, stream->codecpar) < 0)
        return zoe__fail(in->context, ZOE_MEMORY, "out of memory: codec parameters");
    if (stream->codecpar->codec_id != AV_CODEC_ID_MPEG4) return ZOE_OK;
    const AVBitStreamFilter *kind = av_bsf_get_by_name("mpeg4_unpack_bframes");
    if (!kind || av_bsf_alloc(kind, &in->filter) < 0) return ZOE_OK;
    in->filter->time_base_in = stream->time_base;
    const bool good = avcodec_parameters_copy(in->filter->par_in, stream->codecpar) >= 0 &&
                      av_bsf_init(in->filter) >= 0 &&
                      avcodec_parameters_copy(in->record->par, in->filter->par_out) >= 0;
    ZOE_FAIL_IF(in->context, !good, ZOE_DATA, "%s: its MPEG-4 stream cannot be unpacked", in->source->path);
    return ZOE_OK;
}

static zoe_status start(ingest *in, const char *data_path)
{
    if (in->source->stream < 0) return ZOE_OK;
    const AVStream *stream = in->source->format->streams[in->source->stream];
    in->record->par = avcodec_parameters_alloc();
    in->frame = av_frame_alloc();
    ZOE_FAIL_IF(in->context, !in->record->par || !in->frame, ZOE_MEMORY, "out of memory: codec parameters");
    ZOE_TRY(open_filter(in, stream));
    const AVCodecParameters *par = in->record->par;
    in->extradata_size = (size_t)par->extradata_size;
    ZOE_TRY(zoe__calloc(in->context, &in->extradata, in->extradata_size, 1));
    if (par->extradata_size) memcpy(in->extradata, par->extradata, in->extradata_size);
    ZOE_TRY(zoe__decoder_open(in->context, &in->decoder, par, true, in->limits->max_pixels, in->source->path));
    in->out = fopen(data_path, "wbe");
    ZOE_FAIL_IF(in->context, !in->out, ZOE_DISK, "%s: cannot be written: %s", data_path, strerror(errno));
    return write_bytes(in, ZOE__DATA_MAGIC, sizeof ZOE__DATA_MAGIC - 1);
}

/* Ends at the end of the file, or where the container breaks off: what came before stays. */
static zoe_status read_stream(ingest *in)
{
    zoe_status status = ZOE_OK;
    AVPacket *packet = av_packet_alloc();
    ZOE_FAIL_IF(in->context, !packet, ZOE_MEMORY, "out of memory: a packet");
    while (status == ZOE_OK && av_read_frame(in->source->format, packet) >= 0) {
        if (packet->stream_index == in->source->stream) status = push(in, packet);
        if (packet->stream_index == in->source->sound_stream) status = zoe__hearing_packet(&in->hearing, packet);
        av_packet_unref(packet);
        if (status == ZOE_OK) status = zoe__source_check_time(in->context, in->source, in->limits);
    }
    av_packet_free(&packet);
    ZOE_TRY(status);
    ZOE_TRY(zoe__source_check_time(in->context, in->source, in->limits)); /* the deadline ends av_read_frame() too */
    if (in->source->sound_stream >= 0) ZOE_TRY(zoe__hearing_packet(&in->hearing, NULL));
    if (in->source->stream < 0) return ZOE_OK;
    ZOE_TRY(push(in, NULL));
    return decode(in, NULL);
}

static double nominal_rate(const AVStream *stream)
{
    const AVRational rates[2] = {stream->avg_frame_rate, stream->r_frame_rate};
    for (int i = 0; i < 2; i++)
        if (rates[i].num > 0 && rates[i].den > 0) return av_q2d(rates[i]);
    return 25;
}

/* A file of sound alone is as good as its sound. */
static zoe_status finish_sound(ingest *in)
{
    const zoe__sound *sound = &in->hearing.sound;
    const bool pictures = in->source->stream >= 0;
    ZOE_TRY(zoe__hearing_finish(&in->hearing, in->record->start, pictures ? in->record->seconds : 0));
    ZOE_FAIL_IF(in->context, !pictures && sound->state == ZOE_SOUND_BROKEN, ZOE_DATA, "%s: %s", in->source->path,
                sound->reason);
    return ZOE_OK;
}

static zoe_status finish(ingest *in)
{
    zoe__record *record = in->record;
    if (in->source->stream < 0) return finish_sound(in);
    ZOE_FAIL_IF(in->context, record->frames == 0, ZOE_DATA, "%s: no frame decodes (%zu packets of %s)",
                in->source->path, record->packets, avcodec_get_name(record->par->codec_id));
    const AVStream *stream = in->source->format->streams[in->source->stream];
    const zoe__stream_clock clock = {.unit = stream->time_base.den ? av_q2d(stream->time_base) : 0,
                                     .rate = nominal_rate(stream),
                                     .start = stream->start_time};
    ZOE_TRY(zoe__timeline_build(in->context, record, in->packets, in->frames, &clock,
                                (double)in->first_width * in->first_height));
    ZOE_FAIL_IF(in->context, record->clean < in->limits->min_clean * (double)record->frames, ZOE_DATA,
                "%s: only %d of %zu frames decode without a fault (limit %g %%)", in->source->path, record->clean,
                record->frames, 100 * in->limits->min_clean);
    record->data_bytes = in->offset;
    const bool good = fflush(in->out) == 0 && fsync(fileno(in->out)) == 0;
    ZOE_FAIL_IF(in->context, !good, ZOE_DISK, "cannot write to the pack: %s", strerror(errno));
    return finish_sound(in);
}

/* Files without pictures go to libsndfile first: it is the specialist. FFmpeg takes those that it does not know. */
static zoe_status open_source(ingest *in, zoe__ingested *out, bool *done)
{
    zoe__source *source = in->source;
    *done = false;
    source->still = out->still;
    zoe_status status = zoe__source_demux(in->context, source, in->limits);
    if (out->still || (status != ZOE_OK && status != ZOE_DATA) || source->stream >= 0) return status;
    char reason[ZOE__SOUND_REASON];
    zoe__format(reason, sizeof reason, "%s", zoe_context_error(in->context));
    zoe_context_clear(in->context);
    ZOE_TRY(zoe__sound_file(in->context, source, in->limits, out->pcm_path, out->rate, &out->sound, done));
    ZOE_FAIL_IF(in->context, !*done && status != ZOE_OK, status, "%s", reason);
    return ZOE_OK;
}

zoe_status zoe__ingest(zoe_context *context, zoe__source *source, const zoe_media_limits *limits, zoe__ingested *out)
{
    out->record = (zoe__record){0};
    out->sound = (zoe__sound){0};
    ingest in = {.context = context, .source = source, .limits = limits, .record = &out->record};
    zoe_status status;
    bool done;
    ZOE_TRY(open_source(&in, out, &done));
    if (done) return ZOE_OK;
    ZOE_TRY_OUT(start(&in, out->data_path));
    ZOE_TRY_OUT(zoe__hearing_open(&in.hearing, context, source, limits, out->pcm_path, out->rate));
    ZOE_TRY_OUT(read_stream(&in));
    ZOE_TRY_OUT(finish(&in));
    out->sound = in.hearing.sound;
out:
    zoe__hearing_clear(&in.hearing);
    if (in.out && fclose(in.out) != 0 && status == ZOE_OK)
        status = zoe__fail(context, ZOE_DISK, "cannot write to the pack: %s", strerror(errno));
    av_bsf_free(&in.filter);
    avcodec_free_context(&in.decoder);
    av_frame_free(&in.frame);
    free(in.extradata);
    free(in.packets);
    free(in.frames);
    zoe__greys_clear(&in.greys);
    return status;
}
