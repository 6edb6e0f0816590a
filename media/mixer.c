/* SPDX-License-Identifier: Apache-2.0 */
#include "media/mixer.h"

#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SILENCE_BLOCK = 4096 };

void zoe__mixer_init(zoe__mixer *mixer, zoe_context *context, const char *path, zoe__pcm *pcm, int out_rate)
{
    *mixer =
        (zoe__mixer){.context = context, .path = path, .pcm = pcm, .out_rate = out_rate, .format = AV_SAMPLE_FMT_NONE};
}

/* Without a known layout every channel weighs the same. */
static bool set_equal_weights(struct SwrContext *swr, int channels)
{
    double weights[ZOE__SOUND_CHANNELS];
    for (int c = 0; c < channels; c++) weights[c] = 1.0 / channels;
    return swr_set_matrix(swr, weights, channels) >= 0;
}

static zoe_status open_resampler(zoe__mixer *m)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO; /* not const: FFmpeg 5.1 */
    const bool good = swr_alloc_set_opts2(&m->swr, &mono, AV_SAMPLE_FMT_FLT, m->out_rate, &m->layout, m->format,
                                          m->rate, 0, NULL) >= 0 &&
                      av_opt_set_sample_fmt(m->swr, "internal_sample_fmt", AV_SAMPLE_FMT_FLTP, 0) >= 0 &&
                      av_opt_set_double(m->swr, "rematrix_maxval", 1, 0) >= 0 &&
                      (m->layout.order != AV_CHANNEL_ORDER_UNSPEC || set_equal_weights(m->swr, m->channels)) &&
                      swr_init(m->swr) >= 0;
    if (!good) swr_free(&m->swr);
    ZOE_FAIL_IF(m->context, !good, ZOE_DATA, "%s: its sound (%d channels at %d Hz) cannot be mixed", m->path,
                m->channels, m->rate);
    return ZOE_OK;
}

zoe_status zoe__mixer_form(zoe__mixer *mixer, enum AVSampleFormat format, const AVChannelLayout *layout, int rate)
{
    zoe__mixer *m = mixer;
    AVChannelLayout wanted = {0};
    const int channels = layout->nb_channels;
    ZOE_FAIL_IF(m->context, rate < ZOE__SOUND_RATE_LOW || rate > ZOE__SOUND_RATE_HIGH, ZOE_DATA,
                "%s: a sample rate of %d Hz, the limits are %d and %d", m->path, rate, ZOE__SOUND_RATE_LOW,
                ZOE__SOUND_RATE_HIGH);
    ZOE_FAIL_IF(m->context, channels < 1 || channels > ZOE__SOUND_CHANNELS, ZOE_DATA,
                "%s: sound of %d channels, the limit is %d", m->path, channels, ZOE__SOUND_CHANNELS);
    if (layout->order == AV_CHANNEL_ORDER_NATIVE)
        av_channel_layout_copy(&wanted, layout);
    else
        av_channel_layout_default(&wanted, channels);
    const bool same = m->swr && format == m->format && rate == m->rate && channels == m->channels &&
                      av_channel_layout_compare(&wanted, &m->layout) == 0;
    if (same) {
        av_channel_layout_uninit(&wanted);
        return ZOE_OK;
    }
    ZOE_TRY(zoe__mixer_flush(m));
    swr_free(&m->swr);
    av_channel_layout_uninit(&m->layout);
    m->layout = wanted;
    m->format = format;
    m->rate = rate;
    m->channels = channels;
    m->taken = 0;
    return open_resampler(m);
}

/* ---- what the source holds ---- */

#define COUNT_CLIPPED(name, type, low, high)                                                                           \
    static int64_t name(const uint8_t *bytes, size_t n)                                                                \
    {                                                                                                                  \
        int64_t clipped = 0;                                                                                           \
        const type *x = (const type *)(const void *)bytes;                                                             \
        for (size_t i = 0; i < n; i++) clipped += x[i] <= (low) || x[i] >= (high);                                     \
        return clipped;                                                                                                \
    }
COUNT_CLIPPED(clipped_u8, uint8_t, 0, UINT8_MAX)
COUNT_CLIPPED(clipped_s16, int16_t, INT16_MIN, INT16_MAX)
COUNT_CLIPPED(clipped_s32, int32_t, INT32_MIN, INT32_MAX - 255) /* 24 bits fill the upper bytes */

/* In place: no NaN, no infinity, nothing that overflows in a sum. */
#define CLEAN(name, type)                                                                                              \
    static void name(zoe__mixer *m, uint8_t *bytes, size_t n)                                                          \
    {                                                                                                                  \
        type *x = (type *)(void *)bytes;                                                                               \
        for (size_t i = 0; i < n; i++) {                                                                               \
            if (!isfinite(x[i])) {                                                                                     \
                m->nans++;                                                                                             \
                x[i] = 0;                                                                                              \
            }                                                                                                          \
            m->clipped += x[i] <= -1 || x[i] >= (type)(1 - 0x1p-15);                                                   \
            if (x[i] < -1e6 || x[i] > 1e6) x[i] = x[i] < 0 ? (type)-1e6 : (type)1e6;                                   \
        }                                                                                                              \
    }
CLEAN(clean_float, float)
CLEAN(clean_double, double)

static void inspect(zoe__mixer *m, uint8_t *bytes, size_t n)
{
    switch (av_get_packed_sample_fmt(m->format)) {
    case AV_SAMPLE_FMT_U8: m->clipped += clipped_u8(bytes, n); break;
    case AV_SAMPLE_FMT_S16: m->clipped += clipped_s16(bytes, n); break;
    case AV_SAMPLE_FMT_S32: m->clipped += clipped_s32(bytes, n); break;
    case AV_SAMPLE_FMT_FLT: clean_float(m, bytes, n); break;
    case AV_SAMPLE_FMT_DBL: clean_double(m, bytes, n); break;
    default: break; /* 64-bit integers: no decoder of a format that is read here gives them */
    }
}

/* ---- mixing ---- */

/* n samples of the form in, or NULL to drain; what comes out goes to the file. */
static zoe_status convert(zoe__mixer *m, const uint8_t **data, int n)
{
    const int most = swr_get_out_samples(m->swr, n);
    ZOE_FAIL_IF(m->context, most < 0, ZOE_DATA, "%s: its sound cannot be resampled", m->path);
    ZOE_TRY(zoe__grow(m->context, &m->mixed, &m->mixed_capacity, (size_t)most + 1, sizeof *m->mixed));
    uint8_t *to = (uint8_t *)m->mixed;
    const int got = swr_convert(m->swr, &to, most, data, n);
    ZOE_FAIL_IF(m->context, got < 0, ZOE_DATA, "%s: its sound cannot be resampled: %s", m->path, av_err2str(got));
    return zoe__pcm_add(m->pcm, m->mixed, (size_t)got);
}

zoe_status zoe__mixer_add(zoe__mixer *mixer, const uint8_t *const *data, int n)
{
    zoe__mixer *m = mixer;
    const bool planar = av_sample_fmt_is_planar(m->format);
    const int planes = planar ? m->channels : 1;
    ZOE_FAIL_IF(m->context, n < 0 || n > ZOE__MIXER_MOST, ZOE_DATA, "%s: %d samples in one packet", m->path, n);
    const size_t items = (size_t)n * (size_t)(planar ? 1 : m->channels);
    const size_t bytes = items * (size_t)av_get_bytes_per_sample(m->format);
    const uint8_t *planes_in[ZOE__SOUND_CHANNELS] = {0};
    ZOE_TRY(zoe__grow(m->context, &m->clean, &m->clean_capacity, bytes * (size_t)planes, 1));
    for (int p = 0; p < planes; p++) {
        uint8_t *copy = m->clean + (size_t)p * bytes;
        if (n) memcpy(copy, data[p], bytes);
        inspect(m, copy, items);
        planes_in[p] = copy;
    }
    m->taken += n;
    return n ? convert(m, planes_in, n) : ZOE_OK;
}

zoe_status zoe__mixer_silence(zoe__mixer *mixer, int64_t n)
{
    zoe__mixer *m = mixer;
    const bool planar = av_sample_fmt_is_planar(m->format);
    const size_t bytes =
        (size_t)SILENCE_BLOCK * (size_t)(planar ? 1 : m->channels) * (size_t)av_get_bytes_per_sample(m->format);
    const uint8_t *planes[ZOE__SOUND_CHANNELS];
    ZOE_TRY(zoe__grow(m->context, &m->clean, &m->clean_capacity, bytes, 1));
    memset(m->clean, av_get_packed_sample_fmt(m->format) == AV_SAMPLE_FMT_U8 ? 0x80 : 0, bytes);
    for (int c = 0; c < ZOE__SOUND_CHANNELS; c++) planes[c] = m->clean;
    m->taken += n;
    for (; n > 0; n -= SILENCE_BLOCK) ZOE_TRY(convert(m, planes, n < SILENCE_BLOCK ? (int)n : SILENCE_BLOCK));
    return ZOE_OK;
}

zoe_status zoe__mixer_flush(zoe__mixer *mixer)
{
    return mixer->swr && mixer->taken ? convert(mixer, NULL, 0) : ZOE_OK;
}

void zoe__mixer_clear(zoe__mixer *mixer)
{
    swr_free(&mixer->swr);
    av_channel_layout_uninit(&mixer->layout);
    free(mixer->clean);
    free(mixer->mixed);
    mixer->clean = NULL;
    mixer->mixed = NULL;
}
