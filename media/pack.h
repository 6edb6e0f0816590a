/* SPDX-License-Identifier: Apache-2.0
 *
 * A pack in memory, shared by readers. Internal. */
#ifndef ZOE_MEDIA_PACK_H
#define ZOE_MEDIA_PACK_H

#include "media/pcm.h"
#include "media/record.h"

#include <zoe/media.h>

#include <pthread.h>
#include <stdatomic.h>

enum { ZOE__CACHE_EMPTY, ZOE__CACHE_FILLING, ZOE__CACHE_READY, ZOE__CACHE_REFUSED };

typedef struct zoe__pack_clip {
    zoe_clip face;
    zoe__record record;
    zoe__sound sound;
    char *path, *label, *group;
    char sha256[65];       /* names the data file */
    char sound_sha256[65]; /* names the file of the sound; differs in a pair */
    char name_sha256[65];  /* of the clip: that of its file, of both files of a pair */
    char *sound_path;
    bool pair;
    int32_t *rank_of_packet;  /* [packets]: rank of the packet's first frame, -1 = none */
    _Atomic uint8_t *caution; /* [frames]: how carefully this frame must be sought, see reader.c */
    atomic_bool foreign;      /* decodes differently here than where it was indexed: hashes mean nothing */
    atomic_int cache_state;   /* ZOE__CACHE_*; pixels, width, height may be read when READY */
    uint8_t *pixels;
    int cache_width, cache_height;
} zoe__pack_clip;

struct zoe_pack {
    char *folder;
    int rate;
    zoe__pack_clip *clips;
    size_t count, capacity;
    zoe_skipped *skipped;
    size_t skipped_count, skipped_capacity;
    size_t cache_limit;
    atomic_size_t cache_used;
};

/* The shared decoded copy of a clip at this size, or NULL. *fill: the caller has been chosen to make it: it must decode
 * all frames into clip->pixels and end with zoe__pack_cache_settle(). */
const uint8_t *zoe__pack_cache_get(zoe_pack *pack, zoe__pack_clip *clip, int width, int height, bool *fill);
void zoe__pack_cache_settle(zoe_pack *pack, zoe__pack_clip *clip, bool good);

#endif
