/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: what a linear classifier makes of frozen features. A clip's features are the mean over its windows of sound
 * (or its frames) of a layer, whose map is first pooled to a few places by the maximum; logistic regression is trained
 * on all folds but one and asked about that one, for each fold. A fold is a group of the table (--group: ESC-10's
 * `fold`, the speaker of a digit) or, without groups, one of --folds shares of each label by content. Beside it the
 * same with random weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/options.h"
#include "evaluate/clips.h"
#include "evaluate/features.h"
#include "evaluate/logistic.h"
#include "evaluate/protocol.h"
#include "train/run.h"

typedef struct part {
    size_t clip;  /* number among the clips that are used */
    int of;       /* parts of that clip */
    int rank;     /* of a frame */
    double start; /* of a window, s */
} part;

typedef struct linear {
    zoe_context *context;
    const zoe_options *options;
    zoe__subject subject;
    zoe__clips clips;
    zoe_device *device;
    zoe_features_options how;
    bool audio;
    zoe_features *trained;
    size_t layer;
    zoe_layer shape;    /* of the layer, for one window */
    int grid_h, grid_w; /* places that a map is pooled to */
    size_t d;
    int width, height; /* of frames */
    size_t samples;    /* of windows */
    size_t *used;      /* numbers in the pack */
    size_t *label, *fold;
    size_t count, labels, folds, seen, unlabelled, unusable;
    part *parts;
    size_t part_count;
    int draws;
    double *accuracy, *random; /* [folds] */
    double chance;
} linear;

/* ---- clips, labels, folds ---- */

static bool can_be_used(const linear *l, const zoe_clip *clip)
{
    if (!l->audio) return clip->frames > 0;
    return clip->sound.state == ZOE_SOUND_GOOD;
}

static zoe_status choose_clips(linear *l)
{
    const zoe_pack *pack = l->clips.dataset.pack;
    const bool all = zoe_options_flag(l->options, "all");
    const size_t clips = zoe_pack_clips(pack);
    ZOE_TRY(zoe__calloc(l->context, &l->used, clips, sizeof *l->used));
    for (size_t i = 0; i < clips; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        if (!all && zoe__subject_has_seen(&l->subject, clip->sha256))
            l->seen++;
        else if (!*clip->label)
            l->unlabelled++;
        else if (!can_be_used(l, clip))
            l->unusable++;
        else
            l->used[l->count++] = i;
    }
    ZOE_FAIL_IF(l->context, l->count < 4, ZOE_DATA,
                "%zu clips to learn from: %zu have no %s, %zu no label, %zu were trained on (--all takes them too)",
                l->count, l->unusable, !l->audio ? "pictures" : "sound", l->unlabelled, l->seen);
    return ZOE_OK;
}

typedef struct named {
    const char *text, *then; /* sorted by text, among equals by `then` */
    size_t clip;
} named;

static int by_text(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    if (!order) order = strcmp(x->then, y->then);
    return order ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

/* out[clip] = number of its text; returns how many there are. */
static size_t number_texts(named *texts, size_t count, size_t *out)
{
    size_t number = 0;
    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(texts[i].text, texts[i - 1].text)) number++;
        out[texts[i].clip] = number;
    }
    return number + 1;
}

static zoe_status name_clips(linear *l)
{
    const zoe_pack *pack = l->clips.dataset.pack;
    named *texts;
    bool grouped = true;
    ZOE_TRY(zoe__calloc(l->context, &l->label, l->count, sizeof *l->label));
    ZOE_TRY(zoe__calloc(l->context, &l->fold, l->count, sizeof *l->fold));
    ZOE_TRY(zoe__calloc(l->context, &texts, l->count, sizeof *texts));
    for (size_t i = 0; i < l->count; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, l->used[i]);
        grouped = grouped && *clip->group;
        texts[i] = (named){clip->group, clip->sha256, i};
    }
    if (grouped) l->folds = number_texts(texts, l->count, l->fold);
    for (size_t i = 0; i < l->count; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, l->used[i]);
        texts[i] = (named){clip->label, clip->sha256, i};
    }
    l->labels = number_texts(texts, l->count, l->label);
    if (!grouped) { /* dealt out label by label, in the order of the clips' hashes */
        l->folds = (size_t)zoe_options_int(l->options, "folds");
        for (size_t i = 0; i < l->count; i++) l->fold[texts[i].clip] = i % l->folds;
    }
    free(texts);
    ZOE_FAIL_IF(l->context, l->labels < 2, ZOE_DATA, "all %zu clips have the label '%s' (see --labels)", l->count,
                zoe_pack_clip(pack, l->used[0])->label);
    ZOE_FAIL_IF(l->context, l->count < l->folds, ZOE_DATA, "%zu clips: too few for %zu folds", l->count, l->folds);
    ZOE_FAIL_IF(l->context, l->folds < 2 || l->folds > 1000, ZOE_DATA,
                "%zu groups to leave out one at a time: 2 to 1000 (see --group)", l->folds);
    return ZOE_OK;
}

/* ---- parts of clips ---- */

static zoe_status add_part(linear *l, size_t *capacity, part p)
{
    ZOE_TRY(zoe__grow(l->context, &l->parts, capacity, l->part_count + 1, sizeof *l->parts));
    l->parts[l->part_count++] = p;
    return ZOE_OK;
}

/* --windows of them, from the first to the last that lies within the sound (the frames); one in the middle where there
 * is not room for two. */
static zoe_status cut(linear *l)
{
    const int wanted = (int)zoe_options_int(l->options, "windows");
    const double length = (double)l->samples / fmax(1, zoe_pack_sound_rate(l->clips.dataset.pack));
    size_t capacity = 0;
    for (size_t i = 0; i < l->count; i++) {
        const zoe_clip *clip = zoe_pack_clip(l->clips.dataset.pack, l->used[i]);
        const double room = clip->sound.end - clip->sound.start - length;
        const bool many = !l->audio ? clip->frames > 1 : room > 0;
        for (int k = 0; k < (many ? wanted : 1); k++) {
            const double share = many && wanted > 1 ? (double)k / (wanted - 1) : 0.5;
            ZOE_TRY(add_part(l, &capacity,
                             (part){.clip = i,
                                    .of = many ? wanted : 1,
                                    .rank = (int)(share * (clip->frames - 1)),
                                    .start = clip->sound.start + share * room}));
        }
    }
    return ZOE_OK;
}

/* Pictures or sounds of parts[0 .. n-1] into data. */
static zoe_status read_parts(const linear *l, zoe_reader *reader, const part *parts, size_t n, void *data)
{
    const size_t bytes = (size_t)l->width * (size_t)l->height * 3;
    for (size_t i = 0; i < n; i++) {
        const size_t clip = l->used[parts[i].clip];
        ZOE_TRY(!l->audio ? zoe_reader_frames(reader, clip, &parts[i].rank, 1, l->width, l->height,
                                              (uint8_t *)data + i * bytes)
                          : zoe_reader_sound(reader, clip, parts[i].start, l->samples, (float *)data + i * l->samples));
    }
    return ZOE_OK;
}

/* ---- features ---- */

/* Adds the map {C, H, W} pooled to {C, grid_h, grid_w}: maxima over windows as adaptive pooling has them. */
static void add_pooled(const linear *l, const float *map, float share, float *out)
{
    const int h = l->shape.shape.h, w = l->shape.shape.w;
    for (int c = 0; c < l->shape.shape.c; c++, map += (size_t)h * (size_t)w)
        for (int p = 0; p < l->grid_h; p++)
            for (int q = 0; q < l->grid_w; q++) {
                float largest = -INFINITY;
                for (int y = p * h / l->grid_h; y < ((p + 1) * h + l->grid_h - 1) / l->grid_h; y++)
                    for (int x = q * w / l->grid_w; x < ((q + 1) * w + l->grid_w - 1) / l->grid_w; x++)
                        largest = fmaxf(largest, map[y * w + x]);
                *out++ += share * largest;
            }
}

/* rows[count][d] */
static zoe_status describe(const linear *l, zoe_features *net, float *rows)
{
    const size_t block = (size_t)l->how.batch;
    const size_t bytes = !l->audio ? (size_t)l->width * (size_t)l->height * 3 : l->samples * sizeof(float);
    zoe_reader *reader = NULL;
    void *data = NULL;
    float *maps = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe_reader_new(&reader, l->context, l->clips.dataset.pack));
    ZOE_TRY_OUT(zoe__calloc(l->context, &data, block, bytes));
    ZOE_TRY_OUT(zoe__calloc(l->context, &maps, block, l->shape.count * sizeof *maps));
    memset(rows, 0, l->count * l->d * sizeof *rows);
    for (size_t first = 0; first < l->part_count; first += block) {
        const size_t n = l->part_count - first < block ? l->part_count - first : block;
        ZOE_TRY_OUT(read_parts(l, reader, l->parts + first, n, data));
        ZOE_TRY_OUT(zoe_features_compute(net, data, n, &l->layer, &maps, 1));
        for (size_t i = 0; i < n; i++) {
            const part *p = &l->parts[first + i];
            add_pooled(l, maps + i * l->shape.count, 1 / (float)p->of, rows + p->clip * l->d);
        }
    }
out:
    zoe_reader_free(&reader);
    free(data);
    free(maps);
    return status;
}

/* ---- networks ---- */

static zoe_status open_trained(linear *l)
{
    int rate;
    ZOE_TRY(zoe__features_new(&l->trained, l->context, l->device, &l->subject.spec, &l->how));
    ZOE_TRY(zoe_features_find(l->trained, zoe_options_text(l->options, "layer"), &l->layer));
    l->shape = zoe_features_layer(l->trained, l->layer);
    zoe_features_frame(l->trained, &l->width, &l->height);
    l->samples = zoe_features_samples(l->trained, &rate);
    const int rows = (int)zoe_options_int(l->options, "rows"), columns = (int)zoe_options_int(l->options, "columns");
    const int h = l->shape.shape.h, w = l->shape.shape.w;
    l->grid_h = rows ? rows : l->audio ? 4 : 2;
    l->grid_w = columns ? columns : l->audio ? 3 : 2;
    if (l->grid_h > h) l->grid_h = h;
    if (l->grid_w > w) l->grid_w = w;
    l->d = (size_t)l->shape.shape.c * (size_t)l->grid_h * (size_t)l->grid_w;
    return ZOE_OK;
}

/* Batch norm figures from up to 512 parts, spread over all. */
static zoe_status calibrate(const linear *l, zoe_features *net)
{
    const size_t n = l->part_count < 512 ? l->part_count : 512;
    const size_t bytes = !l->audio ? (size_t)l->width * (size_t)l->height * 3 : l->samples * sizeof(float);
    zoe_reader *reader = NULL;
    uint8_t *data = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe_reader_new(&reader, l->context, l->clips.dataset.pack));
    ZOE_TRY_OUT(zoe__calloc(l->context, &data, n, bytes));
    for (size_t i = 0; i < n; i++)
        ZOE_TRY_OUT(read_parts(l, reader, l->parts + i * l->part_count / n, 1, data + i * bytes));
    status = zoe__features_calibrate(net, data, n);
out:
    zoe_reader_free(&reader);
    free(data);
    return status;
}

static zoe_status open_random(const linear *l, int draw, zoe_features **net)
{
    zoe__features_spec start = l->subject.spec;
    start.checkpoint = NULL;
    start.draw = draw;
    start.seed += start.pairs ? 0 : (uint64_t)draw * 0x9E3779B97F4A7C15u;
    ZOE_TRY(zoe__features_new(net, l->context, l->device, &start, &l->how));
    return calibrate(l, *net);
}

/* ---- the probe ---- */

/* Share of right answers in one fold, by what the others teach. */
static zoe_status probe_fold(const linear *l, const float *rows, size_t fold, double *accuracy)
{
    size_t *which, n = 0, asked = 0, right = 0;
    zoe__logistic model;
    ZOE_TRY(zoe__calloc(l->context, &which, l->count, sizeof *which));
    for (size_t i = 0; i < l->count; i++)
        if (l->fold[i] != fold) which[n++] = i;
    const zoe_status status = zoe__logistic_fit(&model, l->context, rows, l->d, which, n, l->label, l->labels,
                                                zoe_options_float(l->options, "strength"));
    free(which);
    ZOE_TRY(status);
    for (size_t i = 0; i < l->count; i++) {
        if (l->fold[i] != fold) continue;
        asked++;
        right += zoe__logistic_answer(&model, rows + i * l->d) == l->label[i];
    }
    zoe__logistic_free(&model);
    *accuracy = asked ? (double)right / (double)asked : NAN;
    return ZOE_OK;
}

static zoe_status probe(const linear *l, zoe_features *net, double *sums)
{
    float *rows;
    ZOE_TRY(zoe__calloc(l->context, &rows, l->count, l->d * sizeof *rows));
    zoe_status status = describe(l, net, rows);
    for (size_t fold = 0; fold < l->folds && status == ZOE_OK; fold++) {
        double accuracy = 0;
        status = probe_fold(l, rows, fold, &accuracy);
        sums[fold] += accuracy;
    }
    free(rows);
    return status;
}

static zoe_status measure(linear *l)
{
    size_t most = 0;
    ZOE_TRY(zoe__calloc(l->context, &l->accuracy, l->folds, sizeof *l->accuracy));
    ZOE_TRY(zoe__calloc(l->context, &l->random, l->folds, sizeof *l->random));
    ZOE_TRY(probe(l, l->trained, l->accuracy));
    l->draws = (int)zoe_options_int(l->options, "draws");
    for (int draw = 0; draw < l->draws; draw++) {
        zoe_features *net = NULL;
        zoe_status status = open_random(l, draw, &net);
        if (status == ZOE_OK) status = probe(l, net, l->random);
        zoe_features_free(&net);
        ZOE_TRY(status);
    }
    for (size_t fold = 0; fold < l->folds; fold++) l->random[fold] /= l->draws;
    for (size_t label = 0; label < l->labels; label++) {
        size_t count = 0;
        for (size_t i = 0; i < l->count; i++) count += l->label[i] == label;
        if (count > most) most = count;
    }
    l->chance = (double)most / (double)l->count;
    return ZOE_OK;
}

/* ---- results ---- */

static void mean_and_deviation(const double *values, size_t n, double *mean, double *deviation)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) square += (values[i] - *mean) * (values[i] - *mean);
    *deviation = n > 1 ? sqrt(square / (double)(n - 1)) : 0;
}

static json_t *result_json(const linear *l)
{
    double mean, deviation, random_mean, random_deviation;
    json_t *folds = json_array();
    mean_and_deviation(l->accuracy, l->folds, &mean, &deviation);
    mean_and_deviation(l->random, l->folds, &random_mean, &random_deviation);
    for (size_t i = 0; i < l->folds; i++) json_array_append_new(folds, json_real(l->accuracy[i]));
    return json_pack("{s:s, s:o, s:s, s:s, s:I, s:I, s:f, s:f, s:o, s:{s:f, s:f}, s:f, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "protocol", "linear", "checkpoint", zoe__run_text(zoe_checkpoint_path(l->subject.checkpoint)),
                     "stream", l->audio ? "audio" : "vision", "layer", l->shape.name, "numbers", (json_int_t)l->d,
                     "folds", (json_int_t)l->folds, "accuracy", mean, "std", deviation, "by_fold", folds, "random",
                     "accuracy", random_mean, "std", random_deviation, "chance", l->chance, "clips",
                     (json_int_t)l->count, "labels", (json_int_t)l->labels, "random_draws", (json_int_t)l->draws,
                     "seen_clips", (json_int_t)l->seen, "unlabelled_clips", (json_int_t)l->unlabelled, "unusable_clips",
                     (json_int_t)l->unusable);
}

static void write_table(FILE *out, const void *user)
{
    const linear *l = user;
    double mean, deviation;
    fprintf(out, "%zu clips, %zu labels, %zu folds; layer %s, %zu numbers a clip\n", l->count, l->labels, l->folds,
            l->shape.name, l->d);
    if (l->seen) fprintf(out, "left out: %zu clips that the run was trained on (--all takes them too)\n", l->seen);
    if (l->unlabelled + l->unusable)
        fprintf(out, "left out: %zu clips without a label, %zu without %s\n", l->unlabelled, l->unusable,
                l->audio ? "good sound" : "pictures");
    mean_and_deviation(l->accuracy, l->folds, &mean, &deviation);
    fprintf(out, "\naccuracy in %%, mean over folds +- standard deviation\n");
    fprintf(out, "%-16s %8.1f +- %.1f\n", "trained", 100 * mean, 100 * deviation);
    mean_and_deviation(l->random, l->folds, &mean, &deviation);
    fprintf(out, "%-16s %8.1f +- %.1f\n", "random weights", 100 * mean, 100 * deviation);
    fprintf(out, "%-16s %8.1f\n", "chance", 100 * l->chance);
}

/* ---- the protocol ---- */

static zoe_status run_with(linear *l, const char *run, const char *const *clips, size_t count)
{
    l->how = zoe__features_options_from(l->options);
    l->audio = l->how.audio = !strcmp(zoe_options_text(l->options, "stream"), "audio");
    ZOE_TRY(zoe__subject_open(&l->subject, l->context, run));
    ZOE_TRY(zoe__device_open_for(&l->device, l->context, &l->how));
    ZOE_TRY(open_trained(l));
    ZOE_TRY(zoe__clips_open(&l->clips, l->context, &l->subject, clips, count, l->options));
    ZOE_TRY(choose_clips(l));
    ZOE_TRY(name_clips(l));
    ZOE_TRY(cut(l));
    return measure(l);
}

static zoe_status run_protocol(zoe_context *context, const char *run, const char *const *clips, size_t count,
                               const zoe_options *options, zoe_evaluation *out)
{
    linear l = {.context = context, .options = options};
    *out = (zoe_evaluation){0};
    zoe_status status = run_with(&l, run, clips, count);
    if (status == ZOE_OK) status = zoe__evaluation_tell(context, result_json(&l), write_table, &l, out);
    zoe_features_free(&l.trained);
    free(l.used);
    free(l.label);
    free(l.fold);
    free(l.parts);
    free(l.accuracy);
    free(l.random);
    zoe_device_free(&l.device);
    zoe__clips_close(&l.clips);
    zoe__subject_close(&l.subject);
    return status;
}

static const zoe_option rows[] = {
    {.name = "stream",
     .type = ZOE_OPTION_WORD,
     .value = "audio|vision",
     .fallback = "vision",
     .help = "whose features: those of sounds or of pictures"},
    {.name = "layer", .letter = 'l', .type = ZOE_OPTION_TEXT, .value = "LAYER", .help = "none: the last one"},
    {.name = "rows",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 64,
     .fallback = "0",
     .help = "places a map is pooled to; 0: 4 of a spectrogram, 2 of a picture"},
    {.name = "columns",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 64,
     .fallback = "0",
     .help = "0: 3 of a spectrogram, 2 of a picture"},
    {.name = "windows",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1000,
     .fallback = "5",
     .help = "windows of sound, or frames, of a clip, whose features are averaged"},
    {.name = "folds",
     .type = ZOE_OPTION_INT,
     .low = 2,
     .high = 1000,
     .fallback = "5",
     .help = "without --group: shares that are left out one at a time"},
    {.name = "strength",
     .type = ZOE_OPTION_FLOAT,
     .low = 1e-9,
     .high = 1e9,
     .fallback = "0.01",
     .help = "inverse of the penalty on the classifier's weights"},
    {.name = "all", .letter = 'a', .type = ZOE_OPTION_FLAG, .help = "also clips that the run was trained on"},
    {.name = "draws",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 100,
     .unit = "networks",
     .fallback = "3",
     .help = "random networks to compare with; their shares are averaged"},
    ZOE__OPTION_BATCH,
    ZOE__DATASET_OPTIONS,
    ZOE__DEVICE_OPTIONS,
    {.name = NULL},
};

const zoe_protocol zoe__protocol_linear = {
    .name = "linear",
    .summary = "what does a linear classifier make of the features?",
    .options = rows,
    .run = run_protocol,
};
