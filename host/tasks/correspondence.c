/* SPDX-License-Identifier: Apache-2.0
 *
 * Audio-visual correspondence (Arandjelovic & Zisserman, ICCV 2017 and ECCV 2018): half of the samples are a frame with
 * the sound around it (class 1), half a frame with sound of another clip (class 0).
 *
 * The sound of a sample is centred on the time of a frame, in both classes: were it anywhere in a wrong pair, the
 * network would learn from the sound alone whether it starts at a multiple of the time between frames (the paper: 87.6
 * % instead of 81.9 %, with worse features). `--negatives anywhere` does that, to show it. */
#include "tasks/correspondence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/philox.h"

enum { STREAM = 0x4156, UNIT = 65536 }; /* sets our draws apart from others of the same seed */

/* A clip that can be used: a window of sound fits around frames low..high. */
typedef struct usable {
    size_t clip;
    int low, high;
} usable;

/* Clips of a split, by label: those of label i are first[i] .. first[i+1]-1. */
typedef struct pool {
    usable *clips;
    size_t count, *first, labels;
    size_t *label; /* [count] */
} pool;

typedef struct settings {
    bool by_label, anywhere, flip;
    double brightness, saturation, volume;
    double window; /* s */
    pool pools[2];
} settings;

/* ---- sampler ---- */

static bool is_still(const zoe_clip *clip)
{
    return clip->frames == 1;
}

/* Where the window starts that goes with frame `rank` of a clip. The sound of a still picture has no place in time: any
 * window of it, or, when it is shorter than one, all of it somewhere in the window (in the middle when nothing is
 * random). */
static double window_start(const settings *s, const zoe_clip *clip, int rank, zoe__random *random)
{
    if (!is_still(clip)) return clip->times[rank] - s->window / 2;
    const double room = clip->sound.end - clip->sound.start - s->window;
    return clip->sound.start + room * (random ? zoe__random_uniform(random) : 0.5);
}

static size_t draw_other(const settings *s, const pool *p, size_t place, zoe__random *random)
{
    const size_t first = s->by_label ? p->first[p->label[place]] : place;
    const size_t count = s->by_label ? p->first[p->label[place] + 1] - first : 1;
    const size_t drawn = zoe__random_below(random, (uint32_t)(p->count - count));
    return drawn < first ? drawn : drawn + count;
}

static size_t draw_same(const settings *s, const pool *p, size_t place, zoe__random *random)
{
    if (!s->by_label) return place;
    const size_t first = p->first[p->label[place]], count = p->first[p->label[place] + 1] - first;
    return first + zoe__random_below(random, (uint32_t)count);
}

static void vary(const zoe_task *task, const settings *s, zoe__random *random, zoe_sample *out)
{
    const int crop = task->backbone->crop;
    out->top = zoe__random_range(random, 0, task->height - crop);
    out->left = zoe__random_range(random, 0, task->width - crop);
    out->flip = zoe__random_below(random, 2) && s->flip;
    out->saturation = (int)lrint(UNIT * (1 + zoe__random_between(random, -s->saturation, s->saturation)));
    out->brightness = (int)lrint(UNIT * zoe__random_between(random, -s->brightness, s->brightness));
    out->gain = (int)lrint(UNIT * (1 + zoe__random_between(random, -s->volume, s->volume)));
}

void zoe__avc_sample(const zoe_task *task, zoe_split split, uint64_t seed, int64_t epoch, uint32_t index,
                     uint32_t attempt, zoe_sample *out)
{
    const settings *s = task->state;
    const pool *p = &s->pools[split];
    const uint64_t stream =
        (uint64_t)STREAM << 48 | (uint64_t)split << 40 | (uint64_t)(attempt & 255) << 32 | (uint32_t)epoch;
    zoe__random random, *shift = split == ZOE_SPLIT_TRAIN ? &random : NULL;
    zoe__random_init(&random, seed, stream, index);
    const bool same = index & 1;
    const size_t place = zoe__random_below(&random, (uint32_t)p->count);
    const size_t heard = same ? draw_same(s, p, place, &random) : draw_other(s, p, place, &random);
    const int rank = zoe__random_range(&random, p->clips[place].low, p->clips[place].high);
    const int other = zoe__random_range(&random, p->clips[heard].low, p->clips[heard].high);
    const zoe_clip *clip = zoe_pack_clip(task->pack, p->clips[heard].clip);
    *out = (zoe_sample){.clip = p->clips[place].clip,
                        .frames = 1,
                        .ranks = {rank},
                        .labels = {same},
                        .top = (task->height - task->backbone->crop) / 2,
                        .left = (task->width - task->backbone->crop) / 2,
                        .saturation = UNIT,
                        .gain = UNIT,
                        .sound_clip = p->clips[heard].clip};
    out->sound_start = window_start(s, clip, heard == place ? rank : other, shift);
    if (s->anywhere && !same && !is_still(clip)) out->sound_start += zoe__random_uniform(&random) / clip->fps;
    if (split == ZOE_SPLIT_TRAIN) vary(task, s, &random, out);
}

/* ---- network ---- */

static zoe_value linear(zoe_graph *graph, const char *name, zoe_value x, int outputs, bool relu)
{
    zoe_linear_options options = zoe_linear_options_default();
    options.outputs = outputs;
    options.relu = relu;
    options.weight_options.init = ZOE_INIT_XAVIER_UNIFORM;
    return zoe_linear(graph, name, x, &options);
}

static zoe_value by_places(zoe_graph *graph, const char *name, zoe_value x, int outputs, bool relu)
{
    zoe_conv2d_options options = zoe_conv2d_options_default();
    options.filters = outputs;
    options.kernel_h = options.kernel_w = 1;
    options.relu = relu;
    options.weight_options.init = ZOE_INIT_XAVIER_UNIFORM;
    return zoe_conv2d(graph, name, x, &options);
}

zoe_value zoe__avc_embed(zoe_graph *graph, const char *name, zoe_value features)
{
    char first[64], second[64];
    zoe__format(first, sizeof first, "%s.fc1", name);
    zoe__format(second, sizeof second, "%s.fc2", name);
    return linear(graph, second, linear(graph, first, features, ZOE__EMBEDDING, true), ZOE__EMBEDDING, false);
}

zoe_value zoe__avc_embed_map(zoe_graph *graph, const char *name, zoe_value map)
{
    char first[64], second[64];
    zoe__format(first, sizeof first, "%s.conv1", name);
    zoe__format(second, sizeof second, "%s.conv2", name);
    return by_places(graph, second, by_places(graph, first, map, ZOE__EMBEDDING, true), ZOE__EMBEDDING, false);
}

zoe_value zoe__avc_by_distance(zoe_graph *graph, const char *name, zoe_value picture, zoe_value sound)
{
    char distance[64], fc[64];
    zoe__format(distance, sizeof distance, "%s.distance", name);
    zoe__format(fc, sizeof fc, "%s.fc", name);
    zoe_linear_options options = zoe_linear_options_default();
    options.outputs = 2;
    options.weight_options.init = options.bias_options.init = ZOE_INIT_ALTERNATING;
    options.weight_options.value = 2;
    options.bias_options.value = -2;
    return zoe_linear(graph, fc, zoe_distance(graph, distance, picture, sound, 1e-6f), &options);
}

zoe_value zoe__avc_by_cells(zoe_graph *graph, zoe_value picture, zoe_value sound)
{
    zoe_conv2d_options scale = zoe_conv2d_options_default();
    scale.filters = scale.kernel_h = scale.kernel_w = 1;
    scale.weight_options.init = ZOE_INIT_CONSTANT;
    scale.weight_options.value = 0.1f;
    const zoe_value cells = zoe_conv2d(graph, "head.scale", zoe_cell_dot(graph, "head.dot", picture, sound), &scale);
    zoe_graph_mark(graph, "cells", cells);
    return zoe_pad_channels(graph, "head.logits", zoe_global_max_pool(graph, "head.max", cells), 1, 0);
}

zoe_value zoe__avc_by_layers(zoe_graph *graph, zoe_value picture, zoe_value sound)
{
    const zoe_value both = zoe_concat_channels(graph, "head.both", (zoe_value[]){picture, sound}, 2);
    return linear(graph, "head.fc2", linear(graph, "head.fc1", both, ZOE__EMBEDDING, true), 2, false);
}

bool zoe__avc_no_map(const zoe_task *task)
{
    (void)task;
    return false;
}

bool zoe__avc_with_map(const zoe_task *task)
{
    (void)task;
    return true;
}

static zoe_value build_picture(const zoe_task *task, zoe_graph *graph, int batch, zoe_task_graph *out)
{
    const zoe_backbone *net = task->backbone;
    zoe_picture_options picture = zoe_picture_options_default();
    picture.height = picture.width = net->crop;
    picture.bgr = net->bgr;
    memcpy(picture.mean, net->mean, sizeof picture.mean);
    memcpy(picture.std, net->std, sizeof picture.std);
    out->bytes = zoe_input(graph, "bytes", ZOE_U8, (zoe_shape){batch, 3, task->height, task->width});
    out->table = zoe_input(graph, "table", ZOE_I32, (zoe_shape){batch, task->table_columns, 1, 1});
    const zoe_value x = zoe_picture(graph, "picture", out->bytes, out->table, &picture);
    const zoe_value features = net->build(graph, x, 0);
    return task->kind->pairing->uses_map(task) ? zoe_graph_mark_value(graph, net->map) : features;
}

static zoe_value build_sound(const zoe_task *task, zoe_graph *graph, int batch, zoe_task_graph *out)
{
    const zoe_backbone *net = task->listener;
    out->sound = zoe_input(graph, "sound", ZOE_F32, (zoe_shape){batch, 1, 1, net->sound->samples});
    out->gains = zoe_input(graph, "gains", ZOE_I32, (zoe_shape){batch, 1, 1, 1});
    zoe_graph_prefix(graph, ZOE_SOUND_PREFIX);
    const zoe_value x = zoe_spectrogram(graph, "spectrogram", out->sound, out->gains, &net->sound->spectrogram);
    const zoe_value features = net->build(graph, x, 0);
    zoe_graph_prefix(graph, NULL);
    return features;
}

void zoe__avc_build(const zoe_task *task, zoe_graph *graph, int batch, zoe_split split, zoe_task_graph *out)
{
    const zoe_pairing *pairing = task->kind->pairing;
    const zoe_value features = build_picture(task, graph, batch, out), heard = build_sound(task, graph, batch, out);
    const zoe_value picture = pairing->picture(task, graph, features), sound = pairing->sound(task, graph, heard);
    out->labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){batch, 1, 1, 1});
    out->logits = zoe_graph_keep(graph, pairing->compare(task, graph, picture, sound));
    out->loss = zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", out->logits, out->labels));
    if (split == ZOE_SPLIT_TRAIN && pairing->help) pairing->help(task, graph, features, sound, out->labels);
}

/* ---- opening ---- */

static zoe_status read_settings(zoe_task *task, settings *s)
{
    const zoe_options *o = task->options;
    s->by_label = !strcmp(zoe_options_text(o, "pair-by"), "label");
    s->anywhere = !strcmp(zoe_options_text(o, "negatives"), "anywhere");
    s->flip = !strcmp(zoe_options_text(o, "flip"), "yes");
    s->brightness = zoe_options_float(o, "brightness");
    s->saturation = zoe_options_float(o, "saturation");
    s->volume = zoe_options_float(o, "volume");
    task->listener = zoe_backbone_find(task->context, zoe_options_text(o, "sound-net"));
    if (!task->listener) return ZOE_USAGE;
    ZOE_FAIL_IF(task->context, !task->listener->sound, ZOE_CONFIG,
                "--sound-net %s: sees pictures; one that listens: %s", task->listener->name,
                "avc-audio, avc-audio-8k, l3-audio, ave-audio");
    ZOE_FAIL_IF(task->context, task->kind->pairing->uses_map(task) && !task->backbone->map, ZOE_CONFIG,
                "--net %s: has no map of places; one that has: avc-vision, l3-vision, ave-vision",
                task->backbone->name);
    s->window = (double)task->listener->sound->samples / task->listener->sound->rate;
    for (int split = 0; split < 2; split++) task->frames[split] = task->tuples[split] = 1;
    task->classes = 2;
    task->table_columns = 6;
    return ZOE_OK;
}

/* Why clips are left out. */
typedef struct left_out {
    size_t no_picture, no_sound, silent, broken, apart;
} left_out;

/* The frames around which a window fits into the sound; false: none. */
static bool fits(const settings *s, const zoe_clip *clip, usable *out)
{
    const double edge = 1e-6;
    out->low = 0;
    out->high = clip->frames - 1;
    if (is_still(clip)) return true;
    while (out->low <= out->high && clip->times[out->low] - s->window / 2 < clip->sound.start - edge) out->low++;
    while (out->high >= out->low && clip->times[out->high] + s->window / 2 > clip->sound.end + edge) out->high--;
    return out->low <= out->high;
}

static bool consider(const settings *s, const zoe_clip *clip, usable *out, left_out *why)
{
    size_t *reason = !clip->frames                           ? &why->no_picture
                     : clip->sound.state == ZOE_SOUND_BROKEN ? &why->broken
                     : clip->sound.state == ZOE_SOUND_SILENT ? &why->silent
                     : clip->sound.state != ZOE_SOUND_GOOD   ? &why->no_sound
                     : !fits(s, clip, out)                   ? &why->apart
                                                             : NULL;
    if (reason) ++*reason;
    return !reason;
}

bool zoe__avc_frames(const zoe_task *task, const zoe_clip *clip, int *low, int *high)
{
    left_out why = {0};
    usable u = {0};
    const bool there = consider(task->state, clip, &u, &why);
    *low = u.low;
    *high = u.high;
    return there;
}

double zoe__avc_window(const zoe_task *task, const zoe_clip *clip, int rank)
{
    return window_start(task->state, clip, rank, NULL);
}

static int by_label(const void *a, const void *b, void *pack)
{
    const usable *x = a, *y = b;
    const int order = strcmp(zoe_pack_clip(pack, x->clip)->label, zoe_pack_clip(pack, y->clip)->label);
    return order ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

static zoe_status sort_labels(const zoe_task *task, pool *p)
{
    ZOE_TRY(zoe__calloc(task->context, &p->label, p->count + 1, sizeof *p->label));
    ZOE_TRY(zoe__calloc(task->context, &p->first, p->count + 1, sizeof *p->first));
    qsort_r(p->clips, p->count, sizeof *p->clips, by_label, (void *)task->pack);
    for (size_t i = 0; i < p->count; i++) {
        const char *label = zoe_pack_clip(task->pack, p->clips[i].clip)->label;
        ZOE_FAIL_IF(task->context, !*label, ZOE_DATA, "%s: has no label, --pair-by label needs one",
                    zoe_pack_clip(task->pack, p->clips[i].clip)->path);
        if (!i || strcmp(label, zoe_pack_clip(task->pack, p->clips[i - 1].clip)->label)) p->first[p->labels++] = i;
        p->label[i] = p->labels - 1;
    }
    p->first[p->labels] = p->count;
    ZOE_FAIL_IF(task->context, p->labels < 2, ZOE_DATA,
                "--pair-by label: all %zu clips have the label '%s', there is no wrong pair", p->count,
                zoe_pack_clip(task->pack, p->clips[0].clip)->label);
    return ZOE_OK;
}

static zoe_status collect_usable(zoe_task *task, settings *s, zoe_split split)
{
    pool *p = &s->pools[split];
    left_out why = {0};
    ZOE_TRY(zoe__calloc(task->context, &p->clips, task->clip_count[split] + 1, sizeof *p->clips));
    for (size_t i = 0; i < task->clip_count[split]; i++) {
        usable *u = &p->clips[p->count];
        u->clip = task->clips[split][i];
        p->count += consider(s, zoe_pack_clip(task->pack, u->clip), u, &why);
    }
    task->usable[split] = p->count;
    char reasons[256];
    zoe__format(
        reasons, sizeof reasons,
        "%zu without pictures, %zu without sound, %zu silent, %zu with broken sound, %zu without %.3f s of sound "
        "around a frame",
        why.no_picture, why.no_sound, why.silent, why.broken, why.apart, s->window);
    const char *name = split == ZOE_SPLIT_TRAIN ? "training" : "held-out";
    ZOE_FAIL_IF(task->context, p->count < 2, ZOE_DATA, "%zu of %zu %s clips can be used, 2 are needed: %s", p->count,
                task->clip_count[split], name, reasons);
    if (p->count < task->clip_count[split])
        zoe__log(task->context, ZOE_LOG_WARN, "skipped %zu of %zu %s clips: %s", task->clip_count[split] - p->count,
                 task->clip_count[split], name, reasons);
    return s->by_label ? sort_labels(task, p) : ZOE_OK;
}

zoe_status zoe__avc_open(zoe_task *task)
{
    settings *s;
    ZOE_TRY(zoe__calloc(task->context, &task->state, 1, sizeof *s));
    s = task->state;
    ZOE_TRY(read_settings(task, s));
    if (!task->pack) return ZOE_OK;
    const int rate = zoe_pack_sound_rate(task->pack), wanted = task->listener->sound->rate;
    ZOE_FAIL_IF(task->context, rate && rate != wanted, ZOE_CONFIG,
                "the pack has sound at %d Hz, --sound-net %s listens at %d (zoe index --rate)", rate,
                task->listener->name, wanted);
    ZOE_TRY(collect_usable(task, s, ZOE_SPLIT_TRAIN));
    return collect_usable(task, s, ZOE_SPLIT_HELD_OUT);
}

void zoe__avc_close(zoe_task *task)
{
    settings *s = task->state;
    for (int split = 0; s && split < 2; split++) {
        free(s->pools[split].clips);
        free(s->pools[split].first);
        free(s->pools[split].label);
    }
    free(s);
    task->state = NULL;
}

zoe_status zoe__avc_defaults(zoe_options *options, const char *const (*small)[2], const char *const (*paper)[2])
{
    const char *const(*row)[2] = strcmp(zoe_options_text(options, "recipe"), "paper") ? small : paper;
    for (; (*row)[0]; row++)
        if (zoe_options_find(options, (*row)[0])) ZOE_TRY(zoe_options_set_default(options, (*row)[0], (*row)[1]));
    return ZOE_OK;
}
