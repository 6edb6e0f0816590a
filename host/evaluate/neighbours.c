/* SPDX-License-Identifier: Apache-2.0
 *
 * neighbours: does a network find frames that show the same? Each frame 3, 9, 15, ... of each clip is a query; the
 * nearest frame of other clips (other groups where the table has them) by the cosine of a layer's features should have
 * its label. Beside it the same network with random weights (batch norm figures from the data) and the frame's 16x16
 * pixels. Random weights differ much from draw to draw: their shares are means over --draws networks, the first of
 * which has the weights that the run started from. Only clips that the run was not trained on count, by content. */
#include "evaluate/neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/options.h"
#include "evaluate/protocol.h"
#include "evaluate/sounds.h"
#include "train/run.h"

enum { SIDE = 16, SPECTROGRAM = 96 }; /* pixels */

const zoe_clip *zoe__neighbours_clip(const zoe__neighbours *n, size_t frame)
{
    return zoe_pack_clip(n->clips.dataset.pack, n->picks[frame].clip);
}

/* ---- which clips ---- */

static zoe_status choose_clips(zoe__neighbours *n, size_t **out, size_t *count)
{
    const bool all = zoe_options_flag(n->options, "all");
    const zoe_pack *pack = n->clips.dataset.pack;
    const size_t clips = zoe_pack_clips(pack);
    *count = 0;
    ZOE_FAIL_IF(n->context, !all && !n->subject.trained_known, ZOE_DATA,
                "%s: it does not say which clips it was trained on (no split.json); --all takes them all",
                zoe_checkpoint_path(n->subject.checkpoint));
    ZOE_TRY(zoe__calloc(n->context, out, clips, sizeof **out));
    for (size_t i = 0; i < clips; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        if (!all && zoe__subject_has_seen(&n->subject, clip->sha256))
            n->seen++;
        else if (!*clip->label)
            n->unlabelled++;
        else
            (*out)[(*count)++] = i;
    }
    ZOE_FAIL_IF(n->context, n->seen == clips, ZOE_DATA,
                "the run was trained on all %zu clips; give others, train with --holdout, or take them all with --all",
                clips);
    ZOE_FAIL_IF(n->context, *count == 0, ZOE_DATA, "none of the %zu clips that the run was not trained on has a label",
                n->unlabelled);
    return ZOE_OK;
}

/* ---- frames ---- */

static zoe_status check_memory(const zoe__neighbours *n, double bytes, const char *what)
{
    const double limit = zoe_options_float(n->options, "memory") * (1 << 20);
    ZOE_FAIL_IF(n->context, bytes > limit, ZOE_MEMORY,
                "%s of %zu frames take %.0f MiB, --memory is %.0f; a larger --every takes fewer frames", what, n->count,
                bytes / (1 << 20), limit / (1 << 20));
    return ZOE_OK;
}

/* Windows of sound; their spectrograms stand for the pictures, to look at and as the rule without learning. */
static zoe_status load_sounds(zoe__neighbours *n, const size_t *clips, size_t clip_count, int first, int every)
{
    zoe_pack *pack = n->clips.dataset.pack;
    ZOE_TRY(zoe__windows_pick(&n->windows, &n->picks, &n->count, &n->without, n->context, pack, clips, clip_count,
                              first, every));
    ZOE_FAIL_IF(n->context, n->count == 0, ZOE_DATA, "none of %zu clips has a window %d of good sound", clip_count,
                first);
    ZOE_TRY(check_memory(n, (double)n->count * (double)n->windows.samples * sizeof(float), "the sounds"));
    ZOE_TRY(zoe__calloc(n->context, &n->pcm, n->count, n->windows.samples * sizeof *n->pcm));
    ZOE_TRY(zoe__calloc(n->context, &n->rgb, n->count, (size_t)SPECTROGRAM * SPECTROGRAM * 3));
    ZOE_TRY(zoe__windows_read(&n->windows, n->context, pack, n->picks, n->count, n->pcm));
    return zoe__windows_draw(&n->windows, n->context, n->pcm, n->count, SPECTROGRAM, n->rgb);
}

static zoe_status load_frames(zoe__neighbours *n)
{
    size_t *clips = NULL, clip_count;
    const zoe_options *o = n->options;
    const int width = n->subject.spec.width, height = n->subject.spec.height;
    zoe_pack *pack = n->clips.dataset.pack;
    zoe_status status = choose_clips(n, &clips, &clip_count);
    if (status == ZOE_OK && n->windows.samples) {
        const int first = zoe_options_given(o, "first") ? (int)zoe_options_int(o, "first") : 0;
        const int every = zoe_options_given(o, "every") ? (int)zoe_options_int(o, "every") : 1;
        status = load_sounds(n, clips, clip_count, first, every);
        free(clips);
        return status;
    }
    if (status == ZOE_OK)
        status = zoe__frames_pick(&n->picks, &n->count, &n->without, n->context, pack, clips, clip_count,
                                  (int)zoe_options_int(o, "first"), (int)zoe_options_int(o, "every"));
    free(clips);
    ZOE_TRY(status);
    ZOE_FAIL_IF(n->context, n->count == 0, ZOE_DATA, "none of %zu clips has a frame %d", clip_count,
                (int)zoe_options_int(o, "first"));
    const size_t bytes = (size_t)width * (size_t)height * 3;
    ZOE_TRY(check_memory(n, (double)n->count * (double)bytes, "the pixels"));
    ZOE_TRY(zoe__calloc(n->context, &n->rgb, n->count, bytes));
    return zoe__frames_decode(n->context, pack, n->picks, &n->count, width, height, (int)zoe_options_int(o, "workers"),
                              n->rgb, &n->bad);
}

typedef struct named {
    const char *text;
    size_t frame;
} named;

static int by_text(const void *a, const void *b)
{
    const named *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order ? order : (x->frame > y->frame) - (x->frame < y->frame);
}

/* out[frame] = number of its text among the sorted texts; returns how many there are. */
static size_t number_texts(named *texts, size_t count, size_t *out)
{
    size_t number = 0;
    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(texts[i].text, texts[i - 1].text)) number++;
        out[texts[i].frame] = number;
    }
    return count ? number + 1 : 0;
}

/* A clip without a group is its own; two files of the same content are one clip. */
static zoe_status name_frames(zoe__neighbours *n)
{
    named *texts;
    size_t groups;
    ZOE_FAIL_IF(n->context, n->count == 0, ZOE_DATA, "no frame of the clips decodes");
    ZOE_TRY(zoe__calloc(n->context, &n->label, n->count, sizeof *n->label));
    ZOE_TRY(zoe__calloc(n->context, &n->group, n->count, sizeof *n->group));
    ZOE_TRY(zoe__calloc(n->context, &texts, n->count, sizeof *texts));
    for (size_t i = 0; i < n->count; i++) texts[i] = (named){zoe__neighbours_clip(n, i)->sha256, i};
    n->used_clips = number_texts(texts, n->count, n->group);
    for (size_t i = 0; i < n->count; i++) texts[i] = (named){zoe__neighbours_clip(n, i)->label, i};
    n->labels = number_texts(texts, n->count, n->label);
    for (size_t i = 0; i < n->count; i++) {
        const zoe_clip *clip = zoe__neighbours_clip(n, i);
        texts[i] = (named){*clip->group ? clip->group : clip->sha256, i};
    }
    groups = number_texts(texts, n->count, n->group);
    free(texts);
    ZOE_FAIL_IF(n->context, groups < 2, ZOE_DATA,
                "all %zu frames are of one clip or group: there is no other to find a neighbour in", n->count);
    if (n->labels == 1)
        zoe__log(n->context, ZOE_LOG_WARN, "all frames have the label '%s': every neighbour is right (see --labels)",
                 zoe__neighbours_clip(n, 0)->label);
    n->chance = zoe__rows_chance(n->count, n->label, n->group);
    return ZOE_OK;
}

/* ---- neighbours ---- */

/* Normalises the rows. */
static zoe_status find(zoe__neighbours *n, float *rows, size_t d, zoe__found *out)
{
    ZOE_TRY(zoe__calloc(n->context, &out->nearest, n->count, sizeof *out->nearest));
    zoe__rows_normalise(rows, n->count, d);
    ZOE_TRY(zoe__rows_nearest(n->context, rows, n->count, d, n->group, (int)zoe_options_int(n->options, "workers"),
                              out->nearest));
    out->shares = zoe__rows_shares(out->nearest, n->count, n->label);
    return ZOE_OK;
}

static zoe_status find_by_pixels(zoe__neighbours *n)
{
    float *rows;
    ZOE_TRY(zoe__calloc(n->context, &rows, n->count, SIDE * SIDE * 3 * sizeof *rows));
    zoe__rows_pixels(n->rgb, n->count, n->subject.spec.width, n->subject.spec.height, SIDE, rows);
    const zoe_status status = find(n, rows, SIDE * SIDE * 3, &n->pixels);
    free(rows);
    return status;
}

/* As many layers at a time as --memory allows: first .. first+count-1. */
static size_t layers_at_once(const zoe__neighbours *n, size_t first)
{
    const double limit = zoe_options_float(n->options, "memory") * (1 << 20);
    double bytes = 0;
    size_t last = first;
    while (last < n->layer_count) {
        bytes += (double)n->count * (double)n->layers[last].count * sizeof(float);
        if (bytes > limit && last > first) break;
        last++;
    }
    return last - first;
}

/* Adds the shares of one more random network; the neighbours of the first stay for the pictures. */
static zoe_status find_drawn(zoe__neighbours *n, float *rows, zoe__layer_found *layer, int draw)
{
    zoe__found found = {0};
    const zoe_status status = find(n, rows, layer->count, &found);
    layer->random.shares.top1 += found.shares.top1;
    layer->random.shares.top5 += found.shares.top5;
    if (draw == 0)
        layer->random.nearest = found.nearest;
    else
        free(found.nearest);
    return status;
}

/* draw: -1 = the trained network, else the number of the random one. */
static zoe_status find_some(zoe__neighbours *n, zoe_features *features, int draw, size_t first, size_t count)
{
    size_t layers[64] = {0};
    float *rows[64] = {0};
    zoe_status status = ZOE_OK;
    for (size_t i = 0; i < count; i++) {
        const zoe__layer_found *layer = &n->layers[first + i];
        layers[i] = layer->layer;
        ZOE_TRY_OUT(check_memory(n, (double)n->count * (double)layer->count * sizeof(float), layer->name));
        ZOE_TRY_OUT(zoe__calloc(n->context, &rows[i], n->count, layer->count * sizeof(float)));
    }
    ZOE_TRY_OUT(zoe_features_compute(features, n->pcm ? (const void *)n->pcm : n->rgb, n->count, layers, rows, count));
    for (size_t i = 0; i < count; i++) {
        zoe__layer_found *layer = &n->layers[first + i];
        ZOE_TRY_OUT(draw < 0 ? find(n, rows[i], layer->count, &layer->trained) : find_drawn(n, rows[i], layer, draw));
        free(rows[i]); /* the next one may need the room */
        rows[i] = NULL;
    }
out:
    for (size_t i = 0; i < count; i++) free(rows[i]);
    return status;
}

static zoe_status find_by_network(zoe__neighbours *n, zoe_features *features, int draw)
{
    for (size_t first = 0; first < n->layer_count;) {
        size_t count = layers_at_once(n, first);
        if (count > 64) count = 64;
        ZOE_TRY(find_some(n, features, draw, first, count));
        first += count;
    }
    return ZOE_OK;
}

/* Before anything slow, so that a wrong word is told at once. */
static zoe_status choose_layers(zoe__neighbours *n)
{
    const char *name = zoe_options_text(n->options, "layer");
    const size_t all = zoe_features_layers(n->trained);
    size_t only = 0;
    if (name) ZOE_TRY(zoe_features_find(n->trained, name, &only));
    n->layer_count = name ? 1 : all;
    ZOE_TRY(zoe__calloc(n->context, &n->layers, n->layer_count, sizeof *n->layers));
    for (size_t i = 0; i < n->layer_count; i++) {
        const size_t number = name ? only : i;
        const zoe_layer layer = zoe_features_layer(n->trained, number);
        n->layers[i] = (zoe__layer_found){.layer = number, .count = layer.count};
        zoe__format(n->layers[i].name, sizeof n->layers[i].name, "%s", layer.name);
    }
    return ZOE_OK;
}

/* Seeds far from the small numbers that people train with. */
static uint64_t seed_of_draw(const zoe__neighbours *n, int draw)
{
    return n->subject.spec.seed + (uint64_t)draw * 0x9E3779B97F4A7C15u;
}

static zoe_status compare_random(zoe__neighbours *n, const zoe_features_options *options)
{
    zoe__features_spec start = n->subject.spec;
    start.checkpoint = NULL;
    for (int draw = 0; draw < n->draws; draw++) {
        zoe__log(n->context, ZOE_LOG_DEBUG, "features of %zu frames, random weights %d of %d", n->count, draw + 1,
                 n->draws);
        start.draw = draw;
        if (!start.pairs) start.seed = seed_of_draw(n, draw);
        ZOE_TRY(zoe__features_new(&n->random, n->context, n->device, &start, options));
        ZOE_TRY(zoe__features_calibrate(n->random, n->pcm ? (const void *)n->pcm : n->rgb, n->count));
        ZOE_TRY(find_by_network(n, n->random, draw));
        zoe_features_free(&n->random);
    }
    for (size_t i = 0; i < n->layer_count; i++) {
        n->layers[i].random.shares.top1 /= n->draws;
        n->layers[i].random.shares.top5 /= n->draws;
    }
    return ZOE_OK;
}

static zoe_status compare(zoe__neighbours *n, const zoe_features_options *options)
{
    n->draws = (int)zoe_options_int(n->options, "draws");
    ZOE_TRY(find_by_pixels(n));
    zoe__log(n->context, ZOE_LOG_DEBUG, "features of %zu frames, trained weights", n->count);
    ZOE_TRY(find_by_network(n, n->trained, -1));
    zoe_features_free(&n->trained);
    ZOE_TRY(compare_random(n, options));
    for (size_t i = 1; i < n->layer_count; i++)
        if (n->layers[i].trained.shares.top1 > n->layers[n->best].trained.shares.top1) n->best = i;
    return ZOE_OK;
}

/* ---- results ---- */

static json_t *shares_json(zoe__shares shares)
{
    return json_pack("{s:f, s:f}", "top1", shares.top1, "top5", shares.top5);
}

static json_t *result_json(const zoe__neighbours *n)
{
    json_t *layers = json_array(), *value = json_object();
    for (size_t i = 0; i < n->layer_count; i++) {
        const zoe__layer_found *l = &n->layers[i];
        json_array_append_new(layers, json_pack("{s:s, s:I, s:f, s:f, s:o}", "layer", l->name, "numbers",
                                                (json_int_t)l->count, "top1", l->trained.shares.top1, "top5",
                                                l->trained.shares.top5, "random", shares_json(l->random.shares)));
    }
    json_object_set_new(value, "protocol", json_string("neighbours"));
    json_object_set_new(value, "checkpoint", zoe__run_text(zoe_checkpoint_path(n->subject.checkpoint)));
    json_object_set_new(value, "chance", json_real(n->chance.top1));
    json_object_set_new(value, "chance_top5", json_real(n->chance.top5));
    json_object_set_new(value, "pixels", shares_json(n->pixels.shares));
    json_object_set_new(value, "layers", layers);
    json_object_set_new(value, "best_layer", json_string(n->layers[n->best].name));
    const struct {
        const char *name;
        size_t value;
    } counts[] = {{"frames", n->count},        {"clips", n->used_clips},
                  {"labels", n->labels},       {"random_draws", (size_t)n->draws},
                  {"seen_clips", n->seen},     {"unlabelled_clips", n->unlabelled},
                  {"short_clips", n->without}, {"bad_clips", n->bad}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(value, counts[i].name, json_integer((json_int_t)counts[i].value));
    json_object_set_new(value, "sheet", zoe__run_text(n->sheet));
    return value;
}

static void write_table(FILE *out, const void *user)
{
    const zoe__neighbours *n = user;
    fprintf(out, "%zu frames of %zu clips, %zu labels; nearest frame of another clip by cosine, shares in %%\n",
            n->count, n->used_clips, n->labels);
    if (n->seen) fprintf(out, "left out: %zu clips that the run was trained on (--all takes them too)\n", n->seen);
    if (n->unlabelled) fprintf(out, "left out: %zu clips without a label\n", n->unlabelled);
    if (n->without + n->bad)
        fprintf(out, "left out: %zu clips too short, %zu that do not decode\n", n->without, n->bad);
    fprintf(out, "\n%-16s %8s %8s   %8s %8s\n", "", "trained", "", "random", "");
    fprintf(out, "%-16s %8s %8s   %8s %8s\n", "layer", "top-1", "top-5", "top-1", "top-5");
    for (size_t i = 0; i < n->layer_count; i++) {
        const zoe__layer_found *l = &n->layers[i];
        fprintf(out, "%-16s %8.1f %8.1f   %8.1f %8.1f%s\n", l->name, 100 * l->trained.shares.top1,
                100 * l->trained.shares.top5, 100 * l->random.shares.top1, 100 * l->random.shares.top5,
                i == n->best && n->layer_count > 1 ? "   best" : "");
    }
    fprintf(out, "%-16s %8.1f %8.1f\n", "pixels 16x16", 100 * n->pixels.shares.top1, 100 * n->pixels.shares.top5);
    fprintf(out, "%-16s %8.1f %8.1f\n", "chance", 100 * n->chance.top1, 100 * n->chance.top5);
    fprintf(out, "pictures: %s\n", n->sheet);
}

/* ---- the protocol ---- */

static void free_found(zoe__found *found)
{
    free(found->nearest);
}

static void close_all(zoe__neighbours *n)
{
    for (size_t i = 0; n->layers && i < n->layer_count; i++) {
        free_found(&n->layers[i].trained);
        free_found(&n->layers[i].random);
    }
    free(n->layers);
    free_found(&n->pixels);
    free(n->picks);
    free(n->rgb);
    free(n->pcm);
    free(n->label);
    free(n->group);
    zoe_features_free(&n->trained);
    zoe_features_free(&n->random);
    zoe_device_free(&n->device);
    zoe__clips_close(&n->clips);
    zoe__subject_close(&n->subject);
}

static zoe_status run_with(zoe__neighbours *n, const char *run, const char *const *clips, size_t count)
{
    zoe_features_options options = zoe__features_options_from(n->options);
    options.audio = !strcmp(zoe_options_text(n->options, "stream"), "audio");
    ZOE_TRY(zoe__subject_open(&n->subject, n->context, run));
    ZOE_TRY(zoe__device_open_for(&n->device, n->context, &options));
    ZOE_TRY(zoe__features_new(&n->trained, n->context, n->device, &n->subject.spec, &options));
    n->windows.samples = zoe_features_samples(n->trained, &n->windows.rate);
    if (n->windows.samples) n->subject.spec.width = n->subject.spec.height = SPECTROGRAM;
    ZOE_TRY(choose_layers(n));
    ZOE_TRY(zoe__neighbours_place(n));
    ZOE_TRY(zoe__clips_open(&n->clips, n->context, &n->subject, clips, count, n->options));
    ZOE_TRY(load_frames(n));
    ZOE_TRY(name_frames(n));
    ZOE_TRY(compare(n, &options));
    return zoe__neighbours_draw(n);
}

static zoe_status run_protocol(zoe_context *context, const char *run, const char *const *clips, size_t count,
                               const zoe_options *options, zoe_evaluation *out)
{
    *out = (zoe_evaluation){0};
    zoe__neighbours *n;
    ZOE_TRY(zoe__calloc(context, &n, 1, sizeof *n));
    n->context = context;
    n->options = options;
    zoe_status status = run_with(n, run, clips, count);
    if (status == ZOE_OK) status = zoe__evaluation_tell(context, result_json(n), write_table, n, out);
    close_all(n);
    free(n);
    return status;
}

static const zoe_option rows[] = {
    {.name = "stream",
     .type = ZOE_OPTION_WORD,
     .value = "vision|audio",
     .fallback = "vision",
     .help = "of a run of pictures and sounds: whose features; sounds are taken a window after the other"},
    {.name = "layer",
     .letter = 'l',
     .type = ZOE_OPTION_TEXT,
     .value = "LAYER",
     .help = "only this layer; none: every named one"},
    {.name = "all", .letter = 'a', .type = ZOE_OPTION_FLAG, .help = "also clips that the run was trained on"},
    {.name = "out",
     .letter = 'o',
     .type = ZOE_OPTION_TEXT,
     .value = "DIR",
     .help = "folder for the pictures; none: report/ in the run folder"},
    {.name = "first",
     .type = ZOE_OPTION_INT,
     .low = 0,
     .high = 1 << 20,
     .unit = "frames",
     .fallback = "3",
     .help = "rank of the first frame of a clip"},
    {.name = "every",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1 << 20,
     .unit = "frames",
     .fallback = "6",
     .help = "distance of the frames"},
    {.name = "draws",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 100,
     .unit = "networks",
     .fallback = "3",
     .help = "random networks to compare with; their shares are averaged"},
    {.name = "queries",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 200,
     .fallback = "12",
     .help = "rows of the contact sheet"},
    {.name = "memory",
     .type = ZOE_OPTION_INT,
     .low = 1,
     .high = 1 << 20,
     .unit = "MiB",
     .fallback = "2048",
     .help = "for the features of all frames"},
    ZOE__OPTION_BATCH,
    ZOE__DATASET_OPTIONS,
    ZOE__DEVICE_OPTIONS,
    {.name = NULL},
};

const zoe_protocol zoe__protocol_neighbours = {
    .name = "neighbours",
    .summary = "is the nearest frame of another clip one of the same label?",
    .options = rows,
    .run = run_protocol,
};
