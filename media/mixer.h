/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound of any form to one channel at the pack's rate, into a PCM file. Internal. */
#ifndef ZOE_MEDIA_MIXER_H
#define ZOE_MEDIA_MIXER_H

#include "media/pcm.h"

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

struct SwrContext;

/* What is taken: of a source, and of it at once. */
enum {
    ZOE__SOUND_CHANNELS = 64,
    ZOE__SOUND_RATE_LOW = 1000,
    ZOE__SOUND_RATE_HIGH = 1000000,
    ZOE__MIXER_MOST = 1 << 20
};

typedef struct zoe__mixer {
    zoe_context *context;
    const char *path; /* borrowed; for messages */
    zoe__pcm *pcm;    /* borrowed; where the sound goes */
    int out_rate;
    struct SwrContext *swr; /* for the form below; NULL: none yet */
    enum AVSampleFormat format;
    int rate, channels;
    AVChannelLayout layout;
    uint8_t *clean; /* copy of floating-point input without NaN */
    size_t clean_capacity;
    float *mixed;
    size_t mixed_capacity;
    int64_t nans, clipped, taken; /* taken: samples of the present form */
} zoe__mixer;

void zoe__mixer_init(zoe__mixer *mixer, zoe_context *context, const char *path, zoe__pcm *pcm, int out_rate);

/* Sets the form of what comes next; what was added before is finished first. layout without order: by its number of
 * channels. ZOE_DATA: a form out of the limits. */
zoe_status zoe__mixer_form(zoe__mixer *mixer, enum AVSampleFormat format, const AVChannelLayout *layout, int rate);

/* n samples a channel of the form: data[channel] where it is planar, else data[0]. NaN and infinities become 0 and are
 * counted, samples at full scale are counted. Mixed as libswresample does for integers: weights that add up to 1. */
zoe_status zoe__mixer_add(zoe__mixer *mixer, const uint8_t *const *data, int n);

/* n samples of silence at the form's rate. */
zoe_status zoe__mixer_silence(zoe__mixer *mixer, int64_t n);

/* What is still in the resampler. */
zoe_status zoe__mixer_flush(zoe__mixer *mixer);

void zoe__mixer_clear(zoe__mixer *mixer);

#endif
