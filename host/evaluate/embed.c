/* SPDX-License-Identifier: Apache-2.0
 *
 * Features of files, chunk by chunk: however many files there are, memory stays bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/clips.h"
#include "evaluate/frames.h"
#include "evaluate/npy.h"
#include "evaluate/sounds.h"

enum { CHUNK_BYTES = 128 << 20 }; /* of pixels, and of features */

typedef struct embedding {
    zoe_context *context;
    const zoe_embed_options *options;
    zoe_embed_result *result;
    zoe_options *set; /* rows that opening clips reads */
    zoe__subject subject;
    zoe__clips clips;
    zoe_device *device;
    zoe_features *features;
    size_t layer;
    zoe__pick *picks;
    size_t count, last_clip; /* picks; number of the clip of the last row */
    size_t chunk;            /* frames */
    zoe__windows windows;    /* of sounds; 0 samples: pictures */
    void *data;              /* a chunk of pictures or sounds */
    float *rows;
    zoe__npy npy;
    FILE *table;
    char *text; /* of table */
    size_t text_size;
} embedding;

zoe_embed_options zoe_embed_options_default(void)
{
    return (zoe_embed_options){.features = zoe_features_options_default(), .first = 3, .every = 6, .max_bad = 0.05};
}

/* ---- the table ---- */

static bool table_path(char path[ZOE__PATH], const char *out)
{
    const size_t n = strlen(out), stem = n > 4 && !strcmp(out + n - 4, ".npy") ? n - 4 : n;
    return zoe__format(path, ZOE__PATH, "%.*s.csv", (int)stem, out);
}

static void put_field(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_row(embedding *e, size_t row, const zoe__pick *pick)
{
    const zoe_clip *clip = zoe_pack_clip(e->clips.dataset.pack, pick->clip);
    if (pick->clip != e->last_clip) e->result->clips++;
    e->last_clip = pick->clip;
    fprintf(e->table, "%zu,", row);
    put_field(e->table, clip->path);
    fprintf(e->table, ",%d,%.6f,", pick->rank,
            e->windows.samples ? zoe__windows_start(&e->windows, clip, pick->rank) : clip->times[pick->rank]);
    put_field(e->table, clip->label);
    fputc('\n', e->table);
}

static zoe_status write_table(embedding *e, const char *out)
{
    char path[ZOE__PATH];
    const bool good = e->table && !ferror(e->table) && fclose(e->table) == 0;
    e->table = NULL;
    ZOE_FAIL_IF(e->context, !good, ZOE_MEMORY, "out of memory: table of %zu rows", e->result->rows);
    ZOE_FAIL_IF(e->context, !table_path(path, out), ZOE_DISK, "%.60s...: path too long", out);
    return zoe__safe_write_text(e->context, path, e->text);
}

/* ---- the work ---- */

static zoe_status choose_frames(embedding *e)
{
    const zoe_pack *pack = e->clips.dataset.pack;
    const size_t clips = zoe_pack_clips(pack);
    size_t *all, without = 0;
    ZOE_TRY(zoe__calloc(e->context, &all, clips, sizeof *all));
    for (size_t i = 0; i < clips; i++) all[i] = i;
    const int first = e->options->first, every = e->options->every;
    const zoe_status status =
        e->windows.samples
            ? zoe__windows_pick(&e->windows, &e->picks, &e->count, &without, e->context, pack, all, clips, first, every)
            : zoe__frames_pick(&e->picks, &e->count, &without, e->context, pack, all, clips, first, every);
    free(all);
    e->result->skipped = e->clips.dataset.skipped + without;
    ZOE_TRY(status);
    ZOE_FAIL_IF(e->context, e->count == 0, ZOE_DATA, "none of %zu clips has a %s %d", clips,
                e->windows.samples ? "window of sound" : "frame", first);
    return ZOE_OK;
}

static zoe_status make_room(embedding *e)
{
    const zoe_layer layer = zoe_features_layer(e->features, e->layer);
    const size_t pixels = (size_t)e->subject.spec.width * (size_t)e->subject.spec.height * 3;
    const size_t bytes = e->windows.samples ? e->windows.samples * sizeof(float) : pixels;
    const size_t largest = bytes > layer.count * sizeof(float) ? bytes : layer.count * sizeof(float);
    e->chunk = CHUNK_BYTES / largest;
    if (e->chunk < 1) e->chunk = 1;
    if (e->chunk > e->count) e->chunk = e->count;
    ZOE_TRY(zoe__calloc(e->context, &e->data, e->chunk, bytes));
    return zoe__calloc(e->context, &e->rows, e->chunk, layer.count * sizeof(float));
}

static zoe_status one_chunk(embedding *e, size_t first)
{
    size_t n = e->count - first < e->chunk ? e->count - first : e->chunk;
    if (e->windows.samples)
        ZOE_TRY(zoe__windows_read(&e->windows, e->context, e->clips.dataset.pack, e->picks + first, n, e->data));
    else
        ZOE_TRY(zoe__frames_decode(e->context, e->clips.dataset.pack, e->picks + first, &n, e->subject.spec.width,
                                   e->subject.spec.height, e->options->workers, e->data, &e->result->skipped));
    ZOE_TRY(zoe_features_compute(e->features, e->data, n, &e->layer, &e->rows, 1));
    ZOE_TRY(zoe__npy_add(&e->npy, e->rows, n));
    for (size_t i = 0; i < n; i++) put_row(e, e->result->rows + i, &e->picks[first + i]);
    e->result->rows += n;
    return ZOE_OK;
}

static zoe_status open_clips(embedding *e, const char *const *files, size_t count)
{
    static const zoe_option rows[] = {ZOE__DATASET_OPTIONS, {.name = NULL}};
    char text[32];
    ZOE_TRY(zoe_options_new(&e->set, e->context));
    ZOE_TRY(zoe_options_add(e->set, rows));
    zoe__format(text, sizeof text, "%d", e->options->workers);
    ZOE_TRY(zoe_options_set(e->set, "workers", text));
    zoe__format(text, sizeof text, "%.9g", e->options->max_bad);
    ZOE_TRY(zoe_options_set(e->set, "max-bad", text));
    ZOE_TRY(zoe_options_set(e->set, "cache", "0"));
    return zoe__clips_open(&e->clips, e->context, &e->subject, files, count, e->set);
}

static zoe_status embed(embedding *e, const char *run, const char *const *files, size_t count, const char *out)
{
    const zoe_embed_options *o = e->options;
    ZOE_FAIL_IF(e->context, o->first < 0 || o->every < 1, ZOE_USAGE,
                "frames %d, %d, ...: the first is at least 0, the distance 1", o->first, o->first + o->every);
    ZOE_FAIL_IF(e->context, count == 0, ZOE_USAGE, "FILES are missing: files, folders, a list *.txt or a pack");
    ZOE_TRY(zoe__subject_open(&e->subject, e->context, run));
    ZOE_TRY(zoe__device_open_for(&e->device, e->context, &o->features));
    ZOE_TRY(zoe__features_new(&e->features, e->context, e->device, &e->subject.spec, &o->features));
    ZOE_TRY(zoe_features_find(e->features, o->layer, &e->layer));
    e->windows.samples = zoe_features_samples(e->features, &e->windows.rate);
    const zoe_layer layer = zoe_features_layer(e->features, e->layer);
    zoe__format(e->result->layer, sizeof e->result->layer, "%s", layer.name);
    e->result->columns = layer.count;
    ZOE_TRY(open_clips(e, files, count));
    ZOE_TRY(choose_frames(e));
    ZOE_TRY(make_room(e));
    ZOE_TRY(zoe__npy_open(&e->npy, e->context, out, layer.count));
    e->table = open_memstream(&e->text, &e->text_size);
    ZOE_FAIL_IF(e->context, !e->table, ZOE_MEMORY, "out of memory: table");
    fputs("row,file,rank,seconds,label\n", e->table);
    for (size_t first = 0; first < e->count; first += e->chunk) ZOE_TRY(one_chunk(e, first));
    ZOE_FAIL_IF(e->context, e->result->rows == 0, ZOE_DATA, "no frame of the clips decodes");
    ZOE_TRY(write_table(e, out));
    return zoe__npy_commit(&e->npy);
}

zoe_status zoe_embed(zoe_context *context, const char *run, const char *const *files, size_t count, const char *out,
                     const zoe_embed_options *options, zoe_embed_result *result)
{
    embedding *e;
    *result = (zoe_embed_result){0};
    ZOE_TRY(zoe__calloc(context, &e, 1, sizeof *e));
    e->context = context;
    e->options = options;
    e->result = result;
    e->last_clip = SIZE_MAX;
    e->npy.file.fd = -1;
    const zoe_status status = embed(e, run, files, count, out);
    zoe__npy_abandon(&e->npy);
    if (e->table) fclose(e->table);
    free(e->text);
    free(e->data);
    free(e->rows);
    free(e->picks);
    zoe_features_free(&e->features);
    zoe_device_free(&e->device);
    zoe__clips_close(&e->clips);
    zoe__subject_close(&e->subject);
    zoe_options_free(&e->set);
    free(e);
    return status;
}
