/* SPDX-License-Identifier: Apache-2.0 */
#include "media/decoder.h"

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const enum AVPacketSideDataType zoe__side_kinds[ZOE__SIDE_KINDS] = {AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_DATA_PALETTE,
                                                                    AV_PKT_DATA_PARAM_CHANGE};

zoe_status zoe__decoder_open(zoe_context *context, AVCodecContext **out, const AVCodecParameters *par, bool vectors,
                             int64_t max_pixels, const char *name)
{
    *out = NULL;
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    ZOE_FAIL_IF(context, !codec, ZOE_DATA, "%s: no decoder for codec %s", name, avcodec_get_name(par->codec_id));
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    ZOE_FAIL_IF(context, !decoder, ZOE_MEMORY, "out of memory: a decoder");
    int error = avcodec_parameters_to_context(decoder, par);
    decoder->thread_count = 1;
    if (max_pixels) decoder->max_pixels = max_pixels;
    if (vectors) decoder->flags2 |= AV_CODEC_FLAG2_EXPORT_MVS;
    if (error >= 0) error = avcodec_open2(decoder, codec, NULL);
    if (error < 0) avcodec_free_context(&decoder);
    *out = decoder;
    ZOE_FAIL_IF(context, error < 0, ZOE_DATA, "%s: the decoder for %s does not start: %s", name, codec->name,
                av_err2str(error));
    return ZOE_OK;
}

static bool read_all(int fd, uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size) {
        const ssize_t n = pread(fd, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool attach_side(AVPacket *packet, const uint8_t *side, size_t size)
{
    while (size >= 8) {
        const uint32_t kind = u32_at(side), bytes = u32_at(side + 4);
        side += 8, size -= 8;
        if (kind >= ZOE__SIDE_KINDS || bytes > size) return false;
        uint8_t *to = av_packet_new_side_data(packet, zoe__side_kinds[kind], bytes);
        if (!to) return false;
        memcpy(to, side, bytes);
        side += bytes, size -= bytes;
    }
    return size == 0;
}

void zoe__packet_dress(AVPacket *packet, size_t ordinal, uint8_t flags)
{
    packet->pts = packet->dts = (int64_t)ordinal;
    packet->flags = (flags & ZOE__PACKET_KEY ? AV_PKT_FLAG_KEY : 0) |
                    (flags & ZOE__PACKET_CORRUPT ? AV_PKT_FLAG_CORRUPT : 0) |
                    (flags & ZOE__PACKET_DISPOSABLE ? AV_PKT_FLAG_DISPOSABLE : 0);
}

zoe_status zoe__packet_load(zoe_context *context, AVPacket *packet, const zoe__record *record, size_t ordinal, int fd,
                            const char *name)
{
    const zoe__packet *p = &record->packet[ordinal];
    av_packet_unref(packet);
    ZOE_FAIL_IF(context, av_new_packet(packet, (int)p->size) < 0, ZOE_MEMORY, "out of memory: a packet of %u bytes",
                p->size);
    ZOE_FAIL_IF(context, !read_all(fd, packet->data, p->size, p->offset), ZOE_DATA,
                "%s: packet %zu is missing from the pack's data file", name, ordinal);
    if (p->side) {
        uint8_t *side = malloc(p->side);
        const bool good =
            side && read_all(fd, side, p->side, p->offset + p->size) && attach_side(packet, side, p->side);
        free(side);
        ZOE_FAIL_IF(context, !good, ZOE_DATA, "%s: packet %zu has damaged side data", name, ordinal);
    }
    zoe__packet_dress(packet, ordinal, p->flags);
    return ZOE_OK;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Four independent lanes: as fast as memory for whole frames. */
static uint64_t hash_row(uint64_t h, const uint8_t *p, size_t n)
{
    uint64_t a = h, b = ~h, c = h << 1 | 1, d = h >> 1;
    for (; n >= 32; n -= 32, p += 32) {
        a = mix(a, load64(p));
        b = mix(b, load64(p + 8));
        c = mix(c, load64(p + 16));
        d = mix(d, load64(p + 24));
    }
    h = mix(mix(a, b), mix(c, d));
    for (; n >= 8; n -= 8, p += 8) h = mix(h, load64(p));
    for (; n; n--, p++) h = mix(h, *p);
    return h;
}

uint64_t zoe__hash_frame(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    uint64_t h = mix(mix(mix(1, (uint64_t)frame->format), (uint64_t)frame->width), (uint64_t)frame->height);
    if (!format) return h;
    const bool palette = format->flags & AV_PIX_FMT_FLAG_PAL;
    for (int plane = 0; plane < av_pix_fmt_count_planes((enum AVPixelFormat)frame->format); plane++) {
        if (palette && plane == 1) break;
        const bool chroma = plane == 1 || plane == 2;
        const int rows = chroma ? AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h) : frame->height;
        const int bytes = av_image_get_linesize((enum AVPixelFormat)frame->format, frame->width, plane);
        for (int y = 0; y < rows && bytes > 0; y++)
            h = hash_row(h, frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane], (size_t)bytes);
    }
    return palette && frame->data[1] ? hash_row(h, frame->data[1], 1024) : h;
}
