/* SPDX-License-Identifier: Apache-2.0
 *
 * Record <-> bytes. Little endian, fixed order, a version in front. Codec and pixel format go by name, because FFmpeg's
 * numbers change between its major versions. */
#include "media/record.h"

#include <libavutil/pixdesc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NAME_BYTES = 32, PACKET_BYTES = 17, FRAME_BYTES = 30, HEAD_BYTES = 256 };

typedef struct writer {
    uint8_t *at;
} writer;

typedef struct reader {
    const uint8_t *at, *end;
    bool bad;
} reader;

static void put(writer *w, const void *bytes, size_t n)
{
    if (n) memcpy(w->at, bytes, n);
    w->at += n;
}

static void put_u64(writer *w, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) *w->at++ = (uint8_t)(v >> 8 * i);
}

static void put_u32(writer *w, uint32_t v)
{
    put_u64(w, v, 4);
}

static void put_f64(writer *w, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u64(w, bits, 8);
}

static void put_f32(writer *w, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u32(w, bits);
}

static void put_name(writer *w, const char *name)
{
    char field[NAME_BYTES] = {0};
    zoe__format(field, sizeof field, "%s", name ? name : "");
    put(w, field, sizeof field);
}

static uint64_t get_u64(reader *r, int bytes)
{
    if (r->end - r->at < bytes) {
        r->bad = true;
        return 0;
    }
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)r->at[i] << 8 * i;
    r->at += bytes;
    return v;
}

static uint32_t get_u32(reader *r)
{
    return (uint32_t)get_u64(r, 4);
}

static int get_int(reader *r)
{
    return (int)(int32_t)get_u32(r);
}

static double get_f64(reader *r)
{
    const uint64_t bits = get_u64(r, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static float get_f32(reader *r)
{
    const uint32_t bits = get_u32(r);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void get_name(reader *r, char field[NAME_BYTES])
{
    memset(field, 0, NAME_BYTES);
    if (r->end - r->at < NAME_BYTES) {
        r->bad = true;
        return;
    }
    memcpy(field, r->at, NAME_BYTES);
    field[NAME_BYTES - 1] = '\0';
    r->at += NAME_BYTES;
}

zoe_status zoe__record_frames(zoe_context *context, zoe__record *record)
{
    const size_t n = record->frames;
    ZOE_TRY(zoe__calloc(context, &record->frame_packet, n, sizeof *record->frame_packet));
    ZOE_TRY(zoe__calloc(context, &record->frame_nth, n, sizeof *record->frame_nth));
    ZOE_TRY(zoe__calloc(context, &record->hash, n, sizeof *record->hash));
    ZOE_TRY(zoe__calloc(context, &record->times, n, sizeof *record->times));
    ZOE_TRY(zoe__calloc(context, &record->motion, n, sizeof *record->motion));
    ZOE_TRY(zoe__calloc(context, &record->difference, n, sizeof *record->difference));
    return zoe__calloc(context, &record->tainted, n, sizeof *record->tainted);
}

void zoe__record_clear(zoe__record *record)
{
    avcodec_parameters_free(&record->par);
    free(record->packet);
    free(record->frame_packet);
    free(record->frame_nth);
    free(record->hash);
    free(record->times);
    free(record->motion);
    free(record->difference);
    free(record->tainted);
    *record = (zoe__record){0};
}

static void put_parameters(writer *w, const AVCodecParameters *par)
{
    put_name(w, avcodec_get_name(par->codec_id));
    put_name(w, par->format < 0 ? "" : av_get_pix_fmt_name((enum AVPixelFormat)par->format));
    put_u32(w, par->codec_tag);
    put_u32(w, (uint32_t)par->width);
    put_u32(w, (uint32_t)par->height);
    put_u32(w, (uint32_t)par->profile);
    put_u32(w, (uint32_t)par->level);
    put_u32(w, (uint32_t)par->bits_per_coded_sample);
    put_u32(w, (uint32_t)par->bits_per_raw_sample);
    put_u32(w, (uint32_t)par->field_order);
    put_u32(w, (uint32_t)par->color_range);
    put_u32(w, (uint32_t)par->color_primaries);
    put_u32(w, (uint32_t)par->color_trc);
    put_u32(w, (uint32_t)par->color_space);
    put_u32(w, (uint32_t)par->chroma_location);
    put_u32(w, (uint32_t)par->video_delay);
    put_u32(w, (uint32_t)par->extradata_size);
    put(w, par->extradata, (size_t)par->extradata_size);
}

static zoe_status get_parameters(zoe_context *context, reader *r, AVCodecParameters *par, const char *name)
{
    char codec[NAME_BYTES], format[NAME_BYTES];
    get_name(r, codec);
    get_name(r, format);
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get_by_name(codec);
    ZOE_FAIL_IF(context, !descriptor || descriptor->type != AVMEDIA_TYPE_VIDEO, ZOE_DATA,
                "%s: the pack's record names no known video codec", name);
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = descriptor->id;
    par->format = format[0] ? av_get_pix_fmt(format) : AV_PIX_FMT_NONE;
    par->codec_tag = get_u32(r);
    par->width = get_int(r);
    par->height = get_int(r);
    par->profile = get_int(r);
    par->level = get_int(r);
    par->bits_per_coded_sample = get_int(r);
    par->bits_per_raw_sample = get_int(r);
    par->field_order = (enum AVFieldOrder)get_int(r);
    par->color_range = (enum AVColorRange)get_int(r);
    par->color_primaries = (enum AVColorPrimaries)get_int(r);
    par->color_trc = (enum AVColorTransferCharacteristic)get_int(r);
    par->color_space = (enum AVColorSpace)get_int(r);
    par->chroma_location = (enum AVChromaLocation)get_int(r);
    par->video_delay = get_int(r);
    const uint32_t bytes = get_u32(r);
    ZOE_FAIL_IF(context, r->bad || bytes > (size_t)(r->end - r->at), ZOE_DATA, "%s: the pack's record is cut short",
                name);
    if (!bytes) return ZOE_OK;
    par->extradata = av_mallocz(bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    ZOE_FAIL_IF(context, !par->extradata, ZOE_MEMORY, "out of memory: %u bytes of extradata", bytes);
    memcpy(par->extradata, r->at, bytes);
    par->extradata_size = (int)bytes;
    r->at += bytes;
    return ZOE_OK;
}

zoe_status zoe__record_write(zoe_context *context, const zoe__record *record, uint8_t **out, size_t *size)
{
    const size_t most = HEAD_BYTES + (size_t)record->par->extradata_size + record->packets * PACKET_BYTES +
                        record->frames * FRAME_BYTES;
    ZOE_TRY(zoe__calloc(context, out, most, 1));
    writer w = {*out};
    put_u32(&w, VERSION);
    put_parameters(&w, record->par);
    put_u32(&w, (uint32_t)record->orientation);
    put_u32(&w, (uint32_t)record->width);
    put_u32(&w, (uint32_t)record->height);
    put_u32(&w, (uint32_t)record->clean);
    put_u32(&w, (record->vectors ? 1u : 0u) | (record->may_skip ? 2u : 0u));
    put_f64(&w, record->fps);
    put_f64(&w, record->seconds);
    put_f64(&w, record->start);
    put_u64(&w, record->data_bytes, 8);
    put_u32(&w, (uint32_t)record->packets);
    put_u32(&w, (uint32_t)record->frames);
    for (size_t i = 0; i < record->packets; i++) {
        const zoe__packet *p = &record->packet[i];
        put_u64(&w, p->offset, 8);
        put_u32(&w, p->size);
        put_u32(&w, p->side);
        put_u64(&w, p->flags, 1);
    }
    for (size_t i = 0; i < record->frames; i++) {
        put_u32(&w, record->frame_packet[i]);
        put_u64(&w, record->frame_nth[i], 1);
        put_u64(&w, record->hash[i], 8);
        put_f64(&w, record->times[i]);
        put_f32(&w, record->motion[i]);
        put_f32(&w, record->difference[i]);
        put_u64(&w, record->tainted[i], 1);
    }
    *size = (size_t)(w.at - *out);
    return ZOE_OK;
}

static bool get_packets(reader *r, zoe__record *record)
{
    for (size_t i = 0; i < record->packets; i++) {
        zoe__packet *p = &record->packet[i];
        p->offset = get_u64(r, 8);
        p->size = get_u32(r);
        p->side = get_u32(r);
        p->flags = (uint8_t)get_u64(r, 1);
        const uint64_t bytes = (uint64_t)p->size + p->side;
        if (p->size > INT32_MAX - AV_INPUT_BUFFER_PADDING_SIZE || p->side > INT32_MAX) return false;
        if (p->offset > record->data_bytes || bytes > record->data_bytes - p->offset) return false;
    }
    return true;
}

static bool get_frames(reader *r, zoe__record *record)
{
    for (size_t i = 0; i < record->frames; i++) {
        record->frame_packet[i] = get_u32(r);
        record->frame_nth[i] = (uint8_t)get_u64(r, 1);
        record->hash[i] = get_u64(r, 8);
        record->times[i] = get_f64(r);
        record->motion[i] = get_f32(r);
        record->difference[i] = get_f32(r);
        record->tainted[i] = (uint8_t)get_u64(r, 1);
        if (record->frame_packet[i] >= record->packets) return false;
        if (!isfinite(record->times[i]) || !isfinite(record->motion[i]) || !isfinite(record->difference[i]))
            return false;
    }
    return true;
}

static bool plausible(const zoe__record *record, const reader *r)
{
    const size_t rest = (size_t)(r->end - r->at);
    return !r->bad && record->frames > 0 && record->width > 0 && record->height > 0 && record->width <= 1 << 16 &&
           record->height <= 1 << 16 && isfinite(record->fps) && isfinite(record->seconds) && isfinite(record->start) &&
           record->clean >= 0 && (size_t)record->clean <= record->frames && record->orientation >= 0 &&
           record->orientation < 8 && record->packets <= rest / PACKET_BYTES && record->frames <= rest / FRAME_BYTES &&
           record->packets * PACKET_BYTES + record->frames * FRAME_BYTES == rest;
}

zoe_status zoe__record_read(zoe_context *context, zoe__record *record, const uint8_t *bytes, size_t size,
                            const char *name)
{
    *record = (zoe__record){0};
    reader r = {bytes, bytes + size, false};
    zoe_status status = ZOE_OK;
    const uint32_t version = get_u32(&r);
    ZOE_FAIL_IF(context, version != VERSION, ZOE_DATA, "%s: the pack's record has version %u, this program reads %d",
                name, version, VERSION);
    record->par = avcodec_parameters_alloc();
    ZOE_FAIL_IF(context, !record->par, ZOE_MEMORY, "out of memory: codec parameters");
    ZOE_TRY_OUT(get_parameters(context, &r, record->par, name));
    record->orientation = get_int(&r);
    record->width = get_int(&r);
    record->height = get_int(&r);
    record->clean = get_int(&r);
    const uint32_t flags = get_u32(&r);
    record->vectors = flags & 1;
    record->may_skip = flags & 2;
    record->fps = get_f64(&r);
    record->seconds = get_f64(&r);
    record->start = get_f64(&r);
    record->data_bytes = get_u64(&r, 8);
    record->packets = get_u32(&r);
    record->frames = get_u32(&r);
    ZOE_FAIL_IF_OUT(context, !plausible(record, &r), ZOE_DATA, "%s: the pack's record is damaged", name);
    ZOE_TRY_OUT(zoe__calloc(context, &record->packet, record->packets, sizeof *record->packet));
    ZOE_TRY_OUT(zoe__record_frames(context, record));
    ZOE_FAIL_IF_OUT(context, !get_packets(&r, record) || !get_frames(&r, record), ZOE_DATA,
                    "%s: the pack's record is damaged", name);
out:
    if (status != ZOE_OK) zoe__record_clear(record);
    return status;
}
