/* SPDX-License-Identifier: Apache-2.0
 *
 * The sound of one content in the pack: data/xx/SHA.pcm, one channel, little endian, after a magic of 8 bytes. Samples
 * are 16-bit integers (value x 32768) as long as every one of them is exactly such a number, as from FLAC or WAV, else
 * float32: nothing is rounded. Internal. */
#ifndef ZOE_MEDIA_PCM_H
#define ZOE_MEDIA_PCM_H

#include <core/core.h>
#include <zoe/media.h>

#include <stdio.h>

#define ZOE__PCM_MAGIC "ZOEPCM1\n"

enum { ZOE__SOUND_CODEC = 32, ZOE__SOUND_REASON = 512 };

/* One row of the table `sound`. */
typedef struct zoe__sound {
    zoe_sound_state state;
    char reason[ZOE__SOUND_REASON], codec[ZOE__SOUND_CODEC];
    int rate, channels; /* of the source */
    int bytes;          /* of a stored sample: 2 or 4 */
    int64_t first, samples;
    double peak;
    int64_t nans, clipped, faults;
} zoe__sound;

typedef struct zoe__pcm {
    zoe_context *context;
    const char *path; /* borrowed; of the file that is written */
    FILE *file;       /* NULL until the first sample */
    int bytes;
    int64_t samples, most; /* most: more are refused */
    float peak;
} zoe__pcm;

/* Prepares writing to path; nothing is written before the first sample. */
void zoe__pcm_init(zoe__pcm *pcm, zoe_context *context, const char *path, int64_t most);

/* Appends n samples, clamped to [-1, 1). ZOE_DISK; ZOE_DATA: more than `most`. */
zoe_status zoe__pcm_add(zoe__pcm *pcm, const float *samples, size_t n);

/* Makes what was written durable. */
zoe_status zoe__pcm_finish(zoe__pcm *pcm);

/* Closes the file in any case. */
void zoe__pcm_close(zoe__pcm *pcm);

/* Reads n samples from the one with the index `first` on out of the file behind fd; outside 0..samples-1 they are 0.
 * scratch holds at least n samples of `bytes`. */
zoe_status zoe__pcm_read(zoe_context *context, int fd, const zoe__sound *sound, int64_t first, size_t n, void *scratch,
                         float *out, const char *name);

/* Bytes that the file of this sound has. */
int64_t zoe__pcm_size(const zoe__sound *sound);

#endif
