/* SPDX-License-Identifier: Apache-2.0 */
#include "media/pack.h"
#include "media/source.h"
#include "media/store.h"

#include <stdlib.h>
#include <string.h>

typedef struct loader {
    zoe_context *context;
    zoe_pack *pack;
} loader;

static zoe_status map_packets(zoe_context *context, zoe__pack_clip *clip)
{
    const zoe__record *record = &clip->record;
    ZOE_TRY(zoe__calloc(context, &clip->rank_of_packet, record->packets, sizeof *clip->rank_of_packet));
    for (size_t i = 0; i < record->packets; i++) clip->rank_of_packet[i] = -1;
    for (size_t i = record->frames; i-- > 0;) clip->rank_of_packet[record->frame_packet[i]] = (int32_t)i;
    return zoe__calloc(context, &clip->caution, record->frames, sizeof *clip->caution);
}

/* Two contents make another one: the digits of both, added. */
static void name_pair(char out[65], const char *a, const char *b)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 64; i++) {
        const char *x = strchr(digits, a[i]), *y = strchr(digits, b[i]);
        out[i] = digits[(size_t)((x ? x - digits : 0) + (y ? y - digits : 0)) % 16];
    }
    out[64] = '\0';
}

static zoe_status load_clip(void *user, const zoe__clip_row *row)
{
    const loader *l = user;
    zoe_pack *pack = l->pack;
    const char *path = row->file.path;
    ZOE_TRY(zoe__grow(l->context, &pack->clips, &pack->capacity, pack->count + 1, sizeof *pack->clips));
    zoe__pack_clip *clip = &pack->clips[pack->count++]; /* zeroed: freeing works from here on */
    if (row->record_size) ZOE_TRY(zoe__record_read(l->context, &clip->record, row->record, row->record_size, path));
    ZOE_FAIL_IF(l->context, strlen(row->file.sha256) != 64 || strlen(row->sound_sha256) != 64, ZOE_DATA,
                "%s: the pack has no content hash for it", path);
    zoe__format(clip->sha256, sizeof clip->sha256, "%s", row->file.sha256);
    zoe__format(clip->sound_sha256, sizeof clip->sound_sha256, "%s", row->sound_sha256);
    zoe__format(clip->name_sha256, sizeof clip->name_sha256, "%s", row->file.sha256);
    if (row->pair) name_pair(clip->name_sha256, clip->sha256, clip->sound_sha256);
    clip->sound = row->sound;
    clip->pair = row->pair;
    ZOE_TRY(zoe__strdup(l->context, &clip->path, path));
    ZOE_TRY(zoe__strdup(l->context, &clip->label, row->file.label));
    ZOE_TRY(zoe__strdup(l->context, &clip->group, row->file.group));
    ZOE_TRY(zoe__strdup(l->context, &clip->sound_path, row->sound_path));
    return map_packets(l->context, clip);
}

static zoe_status load_skip(void *user, const char *path, const char *reason)
{
    const loader *l = user;
    zoe_pack *pack = l->pack;
    ZOE_TRY(
        zoe__grow(l->context, &pack->skipped, &pack->skipped_capacity, pack->skipped_count + 1, sizeof *pack->skipped));
    char *file, *why;
    ZOE_TRY(zoe__strdup(l->context, &file, path));
    pack->skipped[pack->skipped_count++].file = file;
    ZOE_TRY(zoe__strdup(l->context, &why, reason));
    pack->skipped[pack->skipped_count - 1].reason = why;
    return ZOE_OK;
}

static zoe_sound sound_face(const zoe_pack *pack, const zoe__pack_clip *clip)
{
    const zoe__sound *s = &clip->sound;
    const double rate = pack->rate ? pack->rate : 1;
    return (zoe_sound){.state = s->state,
                       .path = clip->sound_path,
                       .reason = s->reason,
                       .codec = s->codec,
                       .rate = s->rate,
                       .channels = s->channels,
                       .first = s->first,
                       .samples = s->samples,
                       .start = (double)s->first / rate,
                       .end = (double)(s->first + s->samples) / rate,
                       .peak = s->peak,
                       .nans = s->nans,
                       .clipped = s->clipped,
                       .faults = s->faults};
}

/* After the last clip: the array moves no more, pointers into it may be given out. */
static void make_faces(zoe_pack *pack)
{
    for (size_t i = 0; i < pack->count; i++) {
        zoe__pack_clip *clip = &pack->clips[i];
        const zoe__record *r = &clip->record;
        const zoe_sound sound = sound_face(pack, clip);
        clip->face = (zoe_clip){.path = clip->path,
                                .pair = clip->pair,
                                .label = clip->label,
                                .group = clip->group,
                                .sha256 = clip->name_sha256,
                                .frames = (int)r->frames,
                                .clean = r->clean,
                                .width = r->width,
                                .height = r->height,
                                .fps = r->fps,
                                .seconds = r->frames ? r->seconds : sound.end,
                                .motion = r->motion,
                                .difference = r->difference,
                                .times = r->times,
                                .tainted = r->tainted,
                                .sound = sound};
    }
}

zoe_status zoe_pack_open(zoe_pack **out, zoe_context *context, const char *folder)
{
    *out = NULL;
    zoe_status status;
    zoe__store *store = NULL;
    zoe_pack *pack;
    zoe__media_quiet();
    ZOE_TRY(zoe__calloc(context, &pack, 1, sizeof *pack));
    loader l = {context, pack};
    ZOE_TRY_OUT(zoe__strdup(context, &pack->folder, folder));
    ZOE_TRY_OUT(zoe__store_open(&store, context, folder, false));
    pack->rate = zoe__store_rate(store);
    ZOE_TRY_OUT(zoe__store_clips(context, store, load_clip, &l));
    ZOE_TRY_OUT(zoe__store_skips(context, store, load_skip, &l));
    make_faces(pack);
    *out = pack;
    pack = NULL;
out:
    zoe__store_close(&store);
    zoe_pack_free(&pack);
    return status;
}

void zoe_pack_free(zoe_pack **pack)
{
    if (!pack || !*pack) return;
    zoe_pack *p = *pack;
    for (size_t i = 0; i < p->count; i++) {
        zoe__pack_clip *clip = &p->clips[i];
        zoe__record_clear(&clip->record);
        free(clip->path);
        free(clip->label);
        free(clip->group);
        free(clip->sound_path);
        free(clip->rank_of_packet);
        free(clip->caution);
        free(clip->pixels);
    }
    for (size_t i = 0; i < p->skipped_count; i++) {
        free((char *)p->skipped[i].file);
        free((char *)p->skipped[i].reason);
    }
    free(p->clips);
    free(p->skipped);
    free(p->folder);
    free(p);
    *pack = NULL;
}

size_t zoe_pack_clips(const zoe_pack *pack)
{
    return pack->count;
}

const zoe_clip *zoe_pack_clip(const zoe_pack *pack, size_t clip)
{
    return clip < pack->count ? &pack->clips[clip].face : NULL;
}

int zoe_pack_sound_rate(const zoe_pack *pack)
{
    return pack->rate;
}

size_t zoe_pack_skipped(const zoe_pack *pack, const zoe_skipped **out)
{
    if (out) *out = pack->skipped;
    return pack->skipped_count;
}

int zoe_clip_rank_at(const zoe_clip *clip, double seconds)
{
    int low = 0, high = clip->frames; /* times[low] <= seconds < times[high], but for the ends */
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (clip->times[middle] <= seconds)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t zoe_pack_foreign(const zoe_pack *pack, const char **first)
{
    size_t n = 0;
    for (size_t i = 0; i < pack->count; i++) {
        if (!atomic_load_explicit(&pack->clips[i].foreign, memory_order_relaxed)) continue;
        if (n++ == 0 && first) *first = pack->clips[i].face.path;
    }
    return n;
}

void zoe_pack_set_cache(zoe_pack *pack, size_t bytes)
{
    pack->cache_limit = bytes;
}

/* The first readers fill the cache until it is full; nothing is ever put out, because a sampler that walks through all
 * clips would find every clip just put out. */
const uint8_t *zoe__pack_cache_get(zoe_pack *pack, zoe__pack_clip *clip, int width, int height, bool *fill)
{
    *fill = false;
    if (!pack->cache_limit) return NULL;
    int state = atomic_load_explicit(&clip->cache_state, memory_order_acquire);
    if (state == ZOE__CACHE_READY)
        return clip->cache_width == width && clip->cache_height == height ? clip->pixels : NULL;
    if (state != ZOE__CACHE_EMPTY) return NULL;
    if (!atomic_compare_exchange_strong(&clip->cache_state, &state, ZOE__CACHE_FILLING)) return NULL;
    const size_t bytes = (size_t)width * (size_t)height * 3;
    const size_t most = pack->cache_limit / (bytes ? bytes : 1);
    const size_t wanted = clip->record.frames <= most ? clip->record.frames * bytes : 0;
    size_t used = atomic_load(&pack->cache_used);
    do {
        if (!wanted || wanted > pack->cache_limit - used) {
            atomic_store(&clip->cache_state, ZOE__CACHE_REFUSED);
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&pack->cache_used, &used, used + wanted));
    clip->pixels = malloc(wanted);
    clip->cache_width = width;
    clip->cache_height = height;
    *fill = clip->pixels != NULL;
    if (!*fill) zoe__pack_cache_settle(pack, clip, false);
    return NULL;
}

void zoe__pack_cache_settle(zoe_pack *pack, zoe__pack_clip *clip, bool good)
{
    if (!good) {
        free(clip->pixels);
        clip->pixels = NULL;
        atomic_fetch_sub(&pack->cache_used,
                         clip->record.frames * (size_t)clip->cache_width * (size_t)clip->cache_height * 3);
    }
    atomic_store_explicit(&clip->cache_state, good ? ZOE__CACHE_READY : ZOE__CACHE_REFUSED, memory_order_release);
}
