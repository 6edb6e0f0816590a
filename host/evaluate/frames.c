/* SPDX-License-Identifier: Apache-2.0
 *
 * A job is one clip; jobs are handed out in order, and where a frame goes hangs on its pick only. */
#include "evaluate/frames.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_WORKERS = 64 };

zoe_status zoe__frames_pick(zoe__pick **out, size_t *count, size_t *without, zoe_context *context, const zoe_pack *pack,
                            const size_t *clips, size_t clip_count, int first, int every)
{
    size_t capacity = 0;
    *out = NULL;
    *count = *without = 0;
    for (size_t i = 0; i < clip_count; i++) {
        const int frames = zoe_pack_clip(pack, clips[i])->frames;
        *without += frames <= first;
        for (int rank = first; rank < frames; rank += every) {
            const zoe_status status = zoe__grow(context, out, &capacity, *count + 1, sizeof **out);
            if (status != ZOE_OK) {
                free(*out);
                *out = NULL;
                return status;
            }
            (*out)[(*count)++] = (zoe__pick){clips[i], rank};
        }
    }
    return ZOE_OK;
}

typedef struct crew {
    zoe_context *context;
    zoe_pack *pack;
    const zoe__pick *picks;
    size_t count;
    int width, height;
    uint8_t *rgb;
    uint8_t *bad; /* [count]: 1 = its clip does not decode */
    pthread_mutex_t mutex;
    /* under the mutex */
    size_t next; /* pick to hand out */
    size_t bad_clips;
    zoe_status failure; /* other than a bad clip */
    char message[512];
} crew;

/* Picks first .. first+n-1 are those of one clip. */
static size_t take(crew *c, size_t *first)
{
    pthread_mutex_lock(&c->mutex);
    *first = c->next;
    while (c->next < c->count && c->failure == ZOE_OK && c->picks[c->next].clip == c->picks[*first].clip) c->next++;
    const size_t n = c->next - *first;
    pthread_mutex_unlock(&c->mutex);
    return n;
}

static zoe_status decode(crew *c, zoe_context *context, zoe_reader *reader, size_t first, size_t n)
{
    int *ranks;
    ZOE_TRY(zoe__calloc(context, &ranks, n, sizeof *ranks));
    for (size_t i = 0; i < n; i++) ranks[i] = c->picks[first + i].rank;
    const size_t bytes = (size_t)c->width * (size_t)c->height * 3;
    const zoe_status status =
        zoe_reader_frames(reader, c->picks[first].clip, ranks, n, c->width, c->height, c->rgb + first * bytes);
    free(ranks);
    if (status != ZOE_DATA) return status;
    memset(c->bad + first, 1, n);
    pthread_mutex_lock(&c->mutex);
    c->bad_clips++;
    zoe__log(c->context, ZOE_LOG_WARN, "skipped: %s", zoe_context_error(context));
    pthread_mutex_unlock(&c->mutex);
    zoe_context_clear(context);
    return ZOE_OK;
}

static void *run(void *argument)
{
    crew *c = argument;
    zoe_context *context = NULL;
    zoe_reader *reader = NULL;
    size_t first, n;
    zoe_status status = zoe_context_new(&context);
    if (status == ZOE_OK) status = zoe_reader_new(&reader, context, c->pack);
    while (status == ZOE_OK && (n = take(c, &first)) > 0) status = decode(c, context, reader, first, n);
    if (status != ZOE_OK) {
        pthread_mutex_lock(&c->mutex);
        if (c->failure == ZOE_OK) {
            c->failure = status;
            zoe__format(c->message, sizeof c->message, "%s",
                        context ? zoe_context_error(context) : "out of memory: a worker");
        }
        pthread_mutex_unlock(&c->mutex);
    }
    zoe_reader_free(&reader);
    zoe_context_free(&context);
    return NULL;
}

/* This thread works too, so that a lack of threads is no fault. */
static void work(crew *c, int workers)
{
    pthread_t threads[MAX_WORKERS];
    int started = 0;
    if (workers <= 0) workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (workers > MAX_WORKERS) workers = MAX_WORKERS;
    while (started < workers - 1 && pthread_create(&threads[started], NULL, run, c) == 0) started++;
    run(c);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

static void drop_bad(crew *c, zoe__pick *picks, size_t *count)
{
    const size_t bytes = (size_t)c->width * (size_t)c->height * 3;
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->bad[i]) continue;
        if (kept != i) {
            picks[kept] = picks[i];
            memcpy(c->rgb + kept * bytes, c->rgb + i * bytes, bytes);
        }
        kept++;
    }
    *count = kept;
}

zoe_status zoe__frames_decode(zoe_context *context, zoe_pack *pack, zoe__pick *picks, size_t *count, int width,
                              int height, int workers, uint8_t *rgb, size_t *bad)
{
    crew c = {.context = context,
              .pack = pack,
              .picks = picks,
              .count = *count,
              .width = width,
              .height = height,
              .rgb = rgb};
    if (*count == 0) return ZOE_OK;
    ZOE_TRY(zoe__calloc(context, &c.bad, *count, 1));
    pthread_mutex_init(&c.mutex, NULL);
    work(&c, workers);
    pthread_mutex_destroy(&c.mutex);
    *bad += c.bad_clips;
    if (c.failure == ZOE_OK) drop_bad(&c, picks, count);
    free(c.bad);
    ZOE_FAIL_IF(context, c.failure != ZOE_OK, c.failure, "%s", c.message);
    return ZOE_OK;
}
