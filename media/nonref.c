/* SPDX-License-Identifier: Apache-2.0 */
#include "media/nonref.h"

typedef struct nal_walk {
    const uint8_t *data;
    size_t size, at;
    int prefix; /* bytes of the length field; 0 = start codes */
} nal_walk;

/* The next unit of the stream; NULL at the end or when the lengths make no sense. */
static const uint8_t *next_nal(nal_walk *w, size_t *size)
{
    if (w->prefix) {
        if (w->size - w->at <= (size_t)w->prefix) return NULL;
        uint64_t n = 0;
        for (int i = 0; i < w->prefix; i++) n = n << 8 | w->data[w->at + (size_t)i];
        w->at += (size_t)w->prefix;
        if (n == 0 || n > w->size - w->at) return NULL;
        const uint8_t *nal = w->data + w->at;
        *size = (size_t)n;
        w->at += (size_t)n;
        return nal;
    }
    for (; w->at + 4 <= w->size; w->at++) {
        const uint8_t *p = w->data + w->at;
        if (p[0] || p[1] || p[2] != 1) continue;
        w->at += 3;
        *size = w->size - w->at; /* only the head of the unit is looked at */
        return w->data + w->at;
    }
    return NULL;
}

static bool h264_nonref(nal_walk w)
{
    size_t size;
    bool slices = false;
    for (const uint8_t *nal; (nal = next_nal(&w, &size));) {
        const int type = nal[0] & 31;
        if (type != 1 && type != 2 && type != 5) continue;
        if (nal[0] >> 5 & 3) return false;
        slices = true;
    }
    return slices;
}

static bool hevc_nonref(nal_walk w, int *temporal)
{
    size_t size;
    bool nonref = true, slices = false;
    for (const uint8_t *nal; (nal = next_nal(&w, &size));) {
        if (size < 2) return false;
        const int type = nal[0] >> 1 & 63, layer = (nal[0] & 1) << 5 | nal[1] >> 3, id = (nal[1] & 7) - 1;
        if (type > 31 || layer) continue;
        slices = true;
        *temporal = id;
        if (type > 14 || type % 2) nonref = false; /* TRAIL_N, TSA_N, STSA_N, RADL_N, RASL_N are the even ones */
    }
    return slices && nonref;
}

/* MPEG-1/2 picture header 00 00 01 00, type in bits 10..12; MPEG-4 VOP 00 00 01 b6, type in the first two bits. */
static bool mpeg_nonref(const uint8_t *data, size_t size, bool mpeg4)
{
    for (size_t i = 0; i + 6 <= size; i++) {
        if (data[i] || data[i + 1] || data[i + 2] != 1) continue;
        if (mpeg4 && data[i + 3] == 0xb6) return data[i + 4] >> 6 == 2;
        if (!mpeg4 && data[i + 3] == 0x00) return (data[i + 5] >> 3 & 7) == 3;
    }
    return false;
}

bool zoe__packet_nonref(enum AVCodecID codec, const uint8_t *extradata, size_t extradata_size, const uint8_t *data,
                        size_t size, int *temporal)
{
    *temporal = -1;
    nal_walk w = {data, size, 0, 0};
    switch (codec) {
    case AV_CODEC_ID_H264:
        if (extradata_size > 6 && extradata[0] == 1) w.prefix = (extradata[4] & 3) + 1;
        return h264_nonref(w);
    case AV_CODEC_ID_HEVC:
        if (extradata_size > 22 && (extradata[0] || extradata[1] || extradata[2] > 1))
            w.prefix = (extradata[21] & 3) + 1;
        return hevc_nonref(w, temporal);
    case AV_CODEC_ID_MPEG4: return mpeg_nonref(data, size, true);
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO: return mpeg_nonref(data, size, false);
    default: return false;
    }
}
