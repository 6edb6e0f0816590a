/* SPDX-License-Identifier: Apache-2.0
 *
 * A ticket is one window; tickets are handed out in order. Ticket t is place t % B of batch t / B, which lies in slot
 * (t / B) % DEPTH. A worker waits before it writes into a slot that the consumer has not released. */
#include "train/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH = 4, MAX_WORKERS = 64, MAX_ATTEMPTS = 64 };

typedef struct slot {
    zoe__batch batch;
    int missing; /* windows not yet there */
} slot;

struct zoe__loader {
    zoe_context *context;
    zoe__loader_options options;
    int frames, tuples; /* F and G of the split */
    size_t frame_bytes;
    pthread_mutex_t mutex;
    pthread_cond_t ready, room; /* a batch is complete; a slot is free (or stop) */
    slot slots[DEPTH];
    pthread_t threads[MAX_WORKERS];
    int thread_count;
    /* under the mutex */
    int64_t ticket;   /* next to hand out, counted from 0 at the first batch */
    int64_t released; /* batches that the consumer is done with */
    bool stop;
    zoe_status failure;
    char message[512];
    uint8_t *is_bad; /* by clip of the pack */
    size_t bad;
};

/* ---- workers ---- */

typedef struct worker {
    zoe__loader *loader;
    zoe_context *context;
    zoe_reader *reader;
    uint8_t *scratch; /* frames of one sample */
    float *pcm;       /* its sound */
} worker;

static void fail(zoe__loader *loader, zoe_status status, const char *message)
{
    pthread_mutex_lock(&loader->mutex);
    if (loader->failure == ZOE_OK) {
        loader->failure = status;
        zoe__format(loader->message, sizeof loader->message, "%s", message);
    }
    loader->stop = true;
    pthread_cond_broadcast(&loader->ready);
    pthread_cond_broadcast(&loader->room);
    pthread_mutex_unlock(&loader->mutex);
}

/* Notes a clip that does not decode; the text of the reader's fault is in w->context and is taken from there. */
static zoe_status note_bad(worker *w, size_t clip)
{
    zoe__loader *loader = w->loader;
    char reason[400];
    zoe__format(reason, sizeof reason, "%s", zoe_context_error(w->context));
    zoe_context_clear(w->context);
    pthread_mutex_lock(&loader->mutex);
    const bool first = !loader->is_bad[clip];
    loader->is_bad[clip] = 1;
    loader->bad += first;
    const size_t bad = loader->bad, all = loader->options.task->usable[loader->options.split];
    if (first) zoe__log(loader->context, ZOE_LOG_WARN, "skipped: %s", reason);
    pthread_mutex_unlock(&loader->mutex);
    if ((double)bad > loader->options.max_bad * (double)all)
        return zoe__fail(w->context, ZOE_BAD_FILES,
                         "%zu of %zu clips do not decode, more than --max-bad %g; the last: %s", bad, all,
                         loader->options.max_bad, reason);
    return ZOE_OK;
}

static size_t sound_samples(const zoe_task *task)
{
    return task->listener ? (size_t)task->listener->sound->samples : 0;
}

/* *clip is the one at fault when this is ZOE_DATA. */
static zoe_status read_sample(worker *w, const zoe_sample *sample, size_t *clip)
{
    const zoe_task *task = w->loader->options.task;
    *clip = sample->clip;
    ZOE_TRY(zoe_reader_frames(w->reader, sample->clip, sample->ranks, (size_t)sample->frames, task->width, task->height,
                              w->scratch));
    *clip = sample->sound_clip;
    if (!task->listener) return ZOE_OK;
    return zoe_reader_sound(w->reader, sample->sound_clip, sample->sound_start, sound_samples(task), w->pcm);
}

/* Draws until a sample decodes and is accepted: a pure function of the data. */
static zoe_status draw(worker *w, int64_t window, zoe_sample *sample)
{
    const zoe__loader_options *o = &w->loader->options;
    const zoe_task *task = o->task;
    for (uint32_t attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        task->kind->sample(task, o->split, o->seed, window / o->epoch, (uint32_t)(window % o->epoch), attempt, sample);
        size_t clip;
        const zoe_status status = read_sample(w, sample, &clip);
        if (status == ZOE_DATA) {
            ZOE_TRY(note_bad(w, clip));
            continue;
        }
        ZOE_TRY(status);
        if (!task->kind->accept || task->kind->accept(task, sample, w->scratch)) return ZOE_OK;
    }
    return zoe__fail(w->context, ZOE_DATA,
                     "no usable tuple in %d draws: the clips do not decode, or --differ is too large", MAX_ATTEMPTS);
}

static void store(const worker *w, zoe__batch *batch, int place, const zoe_sample *sample)
{
    const zoe__loader *loader = w->loader;
    const zoe_task *task = loader->options.task;
    const uint8_t *rgb = w->scratch;
    const int n = loader->options.batch, columns = task->table_columns;
    for (int k = 0; k < loader->frames; k++) {
        const size_t image = (size_t)k * (size_t)n + (size_t)place;
        memcpy(batch->bytes + image * loader->frame_bytes, rgb + (size_t)k * loader->frame_bytes, loader->frame_bytes);
        const int32_t row[6] = {sample->top,     sample->left,       sample->flip,
                                sample->colours, sample->saturation, sample->brightness};
        memcpy(batch->table + (size_t)columns * image, row, (size_t)columns * sizeof *row);
    }
    for (int g = 0; g < loader->tuples; g++) batch->labels[g * n + place] = sample->labels[g];
    if (batch->pixels) batch->pixels[place] = task->kind->pixel_rule(task, sample, rgb);
    if (!batch->sound) return;
    memcpy(batch->sound + (size_t)place * sound_samples(task), w->pcm, sound_samples(task) * sizeof(float));
    batch->gains[place] = sample->gain;
}

/* Takes the next ticket and waits for its slot; false: stop. */
static bool take(zoe__loader *loader, int64_t *ticket)
{
    const int64_t all = loader->options.count * loader->options.batch;
    pthread_mutex_lock(&loader->mutex);
    *ticket = loader->ticket;
    bool go = !loader->stop && *ticket < all;
    if (go) loader->ticket++;
    while (go && *ticket / loader->options.batch >= loader->released + DEPTH) {
        pthread_cond_wait(&loader->room, &loader->mutex);
        go = !loader->stop;
    }
    pthread_mutex_unlock(&loader->mutex);
    return go;
}

static zoe_status work(worker *w)
{
    zoe__loader *loader = w->loader;
    const zoe__loader_options *o = &loader->options;
    int64_t ticket;
    zoe_sample sample;
    while (take(loader, &ticket)) {
        slot *s = &loader->slots[ticket / o->batch % DEPTH];
        int64_t window = o->first * o->batch + ticket;
        if (o->windows > 0 && window >= o->windows) window = o->windows - 1;
        ZOE_TRY(draw(w, window, &sample));
        store(w, &s->batch, (int)(ticket % o->batch), &sample);
        pthread_mutex_lock(&loader->mutex);
        if (--s->missing == 0) pthread_cond_broadcast(&loader->ready);
        pthread_mutex_unlock(&loader->mutex);
    }
    return ZOE_OK;
}

static void *run(void *argument)
{
    worker w = {.loader = argument};
    if (zoe_context_new(&w.context) != ZOE_OK) {
        fail(w.loader, ZOE_MEMORY, "out of memory: a worker");
        return NULL;
    }
    /* The pack's motion-tested clips and accept() can ask for up to ZOE_MAX_FRAMES frames. */
    zoe_status status = zoe__calloc(w.context, &w.scratch, ZOE_MAX_FRAMES, w.loader->frame_bytes);
    const size_t samples = sound_samples(w.loader->options.task);
    if (status == ZOE_OK && samples) status = zoe__calloc(w.context, &w.pcm, samples, sizeof *w.pcm);
    if (status == ZOE_OK) status = zoe_reader_new(&w.reader, w.context, (zoe_pack *)w.loader->options.task->pack);
    if (status == ZOE_OK) status = work(&w);
    if (status != ZOE_OK) fail(w.loader, status, zoe_context_error(w.context));
    zoe_reader_free(&w.reader);
    free(w.scratch);
    free(w.pcm);
    zoe_context_free(&w.context);
    return NULL;
}

/* ---- batches ---- */

static size_t frame_bytes(const zoe_task *task)
{
    return (size_t)task->width * (size_t)task->height * 3;
}

zoe_status zoe__batch_make(zoe__batch *batch, const zoe_task *task, zoe_split split, int n)
{
    const size_t windows = (size_t)n, images = (size_t)task->frames[split] * windows, samples = sound_samples(task);
    zoe_context *context = task->context;
    ZOE_TRY(zoe__calloc(context, &batch->bytes, images, frame_bytes(task)));
    ZOE_TRY(zoe__calloc(context, &batch->table, images * (size_t)task->table_columns, sizeof(int32_t)));
    ZOE_TRY(zoe__calloc(context, &batch->labels, (size_t)task->tuples[split] * windows, sizeof(int32_t)));
    if (samples) ZOE_TRY(zoe__calloc(context, &batch->sound, windows, samples * sizeof(float)));
    return samples ? zoe__calloc(context, &batch->gains, windows, sizeof(int32_t)) : ZOE_OK;
}

void zoe__batch_free(zoe__batch *batch)
{
    free(batch->bytes);
    free(batch->table);
    free(batch->labels);
    free(batch->sound);
    free(batch->gains);
    free(batch->pixels);
    *batch = (zoe__batch){0};
}

/* Rows first .. first+count-1 of each of `groups` groups of n rows. */
static void cut_rows(void *to, const void *from, size_t row, int groups, int n, int first, int count)
{
    for (int g = 0; g < groups; g++)
        memcpy((char *)to + (size_t)(g * count) * row, (const char *)from + (size_t)(g * n + first) * row,
               (size_t)count * row);
}

void zoe__batch_cut(zoe__batch *out, const zoe__batch *batch, const zoe_task *task, zoe_split split, int n, int first,
                    int count)
{
    const int frames = task->frames[split];
    out->number = batch->number;
    cut_rows(out->bytes, batch->bytes, frame_bytes(task), frames, n, first, count);
    cut_rows(out->table, batch->table, (size_t)task->table_columns * sizeof(int32_t), frames, n, first, count);
    cut_rows(out->labels, batch->labels, sizeof(int32_t), task->tuples[split], n, first, count);
    if (!batch->sound) return;
    cut_rows(out->sound, batch->sound, sound_samples(task) * sizeof(float), 1, n, first, count);
    cut_rows(out->gains, batch->gains, sizeof(int32_t), 1, n, first, count);
}

/* ---- the consumer's side ---- */

zoe_status zoe__batch_write(const zoe__batch *batch, const zoe_task *task, zoe_plan *plan, const zoe_task_graph *values)
{
    ZOE_TRY(zoe_plan_write(plan, values->bytes, batch->bytes));
    ZOE_TRY(zoe_plan_write(plan, values->table, batch->table));
    ZOE_TRY(zoe_plan_write(plan, values->labels, batch->labels));
    if (!task->listener) return ZOE_OK;
    ZOE_TRY(zoe_plan_write(plan, values->sound, batch->sound));
    return zoe_plan_write(plan, values->gains, batch->gains);
}

zoe_status zoe__loader_next(zoe__loader *loader, zoe__batch **out, double *waited)
{
    slot *s = &loader->slots[loader->released % DEPTH];
    const double start = zoe__seconds();
    pthread_mutex_lock(&loader->mutex);
    while (s->missing > 0 && loader->failure == ZOE_OK) pthread_cond_wait(&loader->ready, &loader->mutex);
    const bool there = s->missing == 0;
    pthread_mutex_unlock(&loader->mutex);
    *waited += zoe__seconds() - start;
    ZOE_FAIL_IF(loader->context, !there, loader->failure, "%s", loader->message);
    s->batch.number = loader->options.first + loader->released;
    *out = &s->batch;
    return ZOE_OK;
}

void zoe__loader_release(zoe__loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    loader->slots[loader->released % DEPTH].missing = loader->options.batch;
    loader->released++;
    pthread_cond_broadcast(&loader->room);
    pthread_mutex_unlock(&loader->mutex);
}

size_t zoe__loader_bad(zoe__loader *loader)
{
    pthread_mutex_lock(&loader->mutex);
    const size_t bad = loader->bad;
    pthread_mutex_unlock(&loader->mutex);
    return bad;
}

void zoe__loader_free(zoe__loader **out)
{
    if (!out || !*out) return;
    zoe__loader *loader = *out;
    pthread_mutex_lock(&loader->mutex);
    loader->stop = true;
    pthread_cond_broadcast(&loader->room);
    pthread_mutex_unlock(&loader->mutex);
    for (int i = 0; i < loader->thread_count; i++) pthread_join(loader->threads[i], NULL);
    for (int i = 0; i < DEPTH; i++) zoe__batch_free(&loader->slots[i].batch);
    free(loader->is_bad);
    pthread_cond_destroy(&loader->ready);
    pthread_cond_destroy(&loader->room);
    pthread_mutex_destroy(&loader->mutex);
    free(loader);
    *out = NULL;
}

static zoe_status make_slots(zoe__loader *loader)
{
    const zoe__loader_options *o = &loader->options;
    const bool rule = o->split == ZOE_SPLIT_HELD_OUT && o->task->kind->pixel_rule;
    for (int i = 0; i < DEPTH; i++) {
        slot *s = &loader->slots[i];
        s->missing = o->batch;
        ZOE_TRY(zoe__batch_make(&s->batch, o->task, o->split, o->batch));
        if (rule) ZOE_TRY(zoe__calloc(loader->context, &s->batch.pixels, (size_t)o->batch, sizeof(double)));
    }
    return zoe__calloc(loader->context, &loader->is_bad, zoe_pack_clips(o->task->pack), 1);
}

static zoe_status start(zoe__loader *loader)
{
    int workers = loader->options.workers;
    if (workers <= 0) workers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    workers = workers < 1 ? 1 : workers > MAX_WORKERS ? MAX_WORKERS : workers;
    while (loader->thread_count < workers) {
        const int code = pthread_create(&loader->threads[loader->thread_count], NULL, run, loader);
        ZOE_FAIL_IF(loader->context, code, ZOE_MEMORY, "cannot start worker thread %d: %s", loader->thread_count,
                    strerror(code));
        loader->thread_count++;
    }
    return ZOE_OK;
}

zoe_status zoe__loader_new(zoe__loader **out, zoe_context *context, const zoe__loader_options *options)
{
    *out = NULL;
    zoe__loader *loader;
    ZOE_TRY(zoe__calloc(context, &loader, 1, sizeof *loader));
    loader->context = context;
    loader->options = *options;
    loader->frames = options->task->frames[options->split];
    loader->tuples = options->task->tuples[options->split];
    loader->frame_bytes = frame_bytes(options->task);
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->ready, NULL);
    pthread_cond_init(&loader->room, NULL);
    zoe_status status = make_slots(loader);
    if (status == ZOE_OK) status = start(loader);
    if (status != ZOE_OK) zoe__loader_free(&loader);
    *out = loader;
    return status;
}
