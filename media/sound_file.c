/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of sound alone by libsndfile, which gets our descriptor through functions of ours: the deadline holds. */
#include "media/sound.h"

#include <sndfile.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAMES_AT_ONCE = 4096 };

static const double SOUND_PER_DEADLINE = 40;

typedef struct stream {
    zoe__source *source;
    int64_t at;
} stream;

static sf_count_t stream_size(void *user)
{
    return ((const stream *)user)->source->size;
}

static sf_count_t stream_seek(sf_count_t offset, int whence, void *user)
{
    stream *s = user;
    const int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->source->size;
    if (offset > 0 && base > INT64_MAX - offset) return -1;
    if (base + offset < 0) return -1;
    return s->at = base + offset;
}

static sf_count_t stream_read(void *to, sf_count_t bytes, void *user)
{
    stream *s = user;
    sf_count_t done = 0;
    while (done < bytes && zoe__seconds() < s->source->deadline) {
        const ssize_t n = pread(s->source->fd, (char *)to + done, (size_t)(bytes - done), (off_t)s->at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        s->at += n;
        done += n;
    }
    return done;
}

static sf_count_t stream_tell(void *user)
{
    return ((const stream *)user)->at;
}

/* FFmpeg's name where it knows the file too. */
static void name_codec(const zoe__source *source, const SF_INFO *info, zoe__sound *sound)
{
    SF_FORMAT_INFO format = {.format = info->format & SF_FORMAT_TYPEMASK};
    const bool named = sf_command(NULL, SFC_GET_FORMAT_INFO, &format, sizeof format) == 0 && format.extension;
    const char *name = named ? format.extension : "sound";
    if (source->sound_stream >= 0)
        name = avcodec_get_name(source->format->streams[source->sound_stream]->codecpar->codec_id);
    zoe__format(sound->codec, sizeof sound->codec, "%s", name);
}

/* All samples of the file, one block after the other. */
static zoe_status read_all(zoe_context *context, SNDFILE *file, const zoe_media_limits *limits, zoe__source *source,
                           zoe__mixer *mixer)
{
    float *block;
    zoe_status status;
    double extended = 0;
    ZOE_TRY(zoe__calloc(context, &block, FRAMES_AT_ONCE * (size_t)mixer->channels, sizeof *block));
    for (;;) {
        const sf_count_t n = sf_readf_float(file, block, FRAMES_AT_ONCE);
        ZOE_TRY_OUT(zoe__source_check_time(context, source, limits));
        if (n <= 0) break;
        ZOE_TRY_OUT(zoe__mixer_add(mixer, (const uint8_t *[]){(const uint8_t *)block}, (int)n));
        extended += (double)n / mixer->rate;
        for (; extended > SOUND_PER_DEADLINE; extended -= SOUND_PER_DEADLINE)
            source->deadline += limits->seconds_per_clip;
    }
    ZOE_TRY_OUT(zoe__mixer_flush(mixer));
out:
    free(block);
    return status;
}

static zoe_status read_file(zoe_context *context, SNDFILE *file, const SF_INFO *info, const zoe_media_limits *limits,
                            zoe__source *source, zoe__mixer *mixer)
{
    const AVChannelLayout layout = {.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = info->channels};
    ZOE_TRY(zoe__mixer_form(mixer, AV_SAMPLE_FMT_FLT, &layout, info->samplerate));
    ZOE_TRY(read_all(context, file, limits, source, mixer));
    ZOE_FAIL_IF(context, !mixer->pcm->samples, ZOE_DATA, "%s: there is no sample in it", source->path);
    return ZOE_OK;
}

zoe_status zoe__sound_file(zoe_context *context, zoe__source *source, const zoe_media_limits *limits,
                           const char *pcm_path, int rate, zoe__sound *sound, bool *known)
{
    SF_VIRTUAL_IO io = {stream_size, stream_seek, stream_read, NULL, stream_tell};
    SF_INFO info = {0};
    stream bytes = {source, 0};
    zoe__pcm pcm;
    zoe__mixer mixer;
    source->deadline = zoe__seconds() + limits->seconds_per_clip;
    SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &bytes);
    *known = file != NULL;
    if (!file) return ZOE_OK;
    *sound = (zoe__sound){.state = ZOE_SOUND_GOOD, .rate = info.samplerate, .channels = info.channels};
    name_codec(source, &info, sound);
    zoe__pcm_init(&pcm, context, pcm_path, llround(limits->max_sound * rate));
    zoe__mixer_init(&mixer, context, source->path, &pcm, rate);
    zoe_status status = read_file(context, file, &info, limits, source, &mixer);
    if (status == ZOE_OK) status = zoe__sound_settle(sound, &pcm, &mixer);
    sf_close(file);
    zoe__pcm_close(&pcm);
    zoe__mixer_clear(&mixer);
    return status;
}
