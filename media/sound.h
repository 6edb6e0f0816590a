/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound out of a file, on the way into the pack: the decoder of one stream of a container, or libsndfile for files of
 * sound alone. Internal.
 *
 * A stream is placed by the time of its first sample, and then samples are counted, because containers round the times
 * of packets. Only where a packet's time is off by more than a tenth of a second, packets are missing: silence is put
 * in. */
#ifndef ZOE_MEDIA_SOUND_H
#define ZOE_MEDIA_SOUND_H

#include "media/mixer.h"
#include "media/source.h"

#include <libavcodec/avcodec.h>

typedef struct zoe__hearing {
    zoe_context *context;
    zoe__source *source; /* borrowed */
    const zoe_media_limits *limits;
    zoe__pcm pcm;
    zoe__mixer mixer;
    zoe__sound sound;
    AVCodecContext *decoder;
    AVFrame *frame;
    AVRational time_base;
    bool begun;      /* a sample came out */
    double start;    /* s, of the first sample on the file's clock */
    double expected; /* s, of the next one by counting */
    int64_t packets;
    double extended; /* s of sound for which the deadline was moved */
} zoe__hearing;

/* Opens the decoder of source->sound_stream; the sound goes to pcm_path at `rate`. A stream that cannot be decoded is
 * no error: the sound is ZOE_SOUND_BROKEN and packets are ignored. */
zoe_status zoe__hearing_open(zoe__hearing *hearing, zoe_context *context, zoe__source *source,
                             const zoe_media_limits *limits, const char *pcm_path, int rate);

/* One packet of the stream; NULL: its end. */
zoe_status zoe__hearing_packet(zoe__hearing *hearing, const AVPacket *packet);

/* Settles hearing->sound. The clock's zero is at `zero` s of the file's clock, and pictures are shown for `seconds`
 * from there on; without pictures (seconds 0) the sound's first sample is zero. */
zoe_status zoe__hearing_finish(zoe__hearing *hearing, double zero, double seconds);

void zoe__hearing_clear(zoe__hearing *hearing);

/* Reads the whole file by libsndfile; *known false: it is none of its formats, nothing was done. ZOE_DATA: it is, but
 * cannot be read. */
zoe_status zoe__sound_file(zoe_context *context, zoe__source *source, const zoe_media_limits *limits,
                           const char *pcm_path, int rate, zoe__sound *sound, bool *known);

/* State and counts of a sound whose samples have been written; the file of one that is not good is removed. */
zoe_status zoe__sound_settle(zoe__sound *sound, zoe__pcm *pcm, const zoe__mixer *mixer);

#endif
