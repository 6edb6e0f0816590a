/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data augment draw": requests that a task's sampler draws: clip, frames or sound, label, place of the crop,
 * flip, order of channels, light, loudness. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/task.h>
#include <zoe/train.h>

#include "bench/data_augment.h"

enum { DRAWS = 1024, NUMBERS = 14 + ZOE_MAX_FRAMES + ZOE_MAX_TUPLES };
static const uint64_t SEED = 1;

typedef struct drawing {
    zoe_options *options;
    zoe_task task;
    bool open, backwards;
    size_t *clips, count;
    int64_t (*drawn)[NUMBERS]; /* [DRAWS] */
} drawing;

static zoe_status collect(zoe_context *context, const zoe_pack *pack, drawing *d)
{
    ZOE_TRY(zoe__calloc(context, &d->clips, zoe_pack_clips(pack), sizeof *d->clips));
    for (size_t i = 0; i < zoe_pack_clips(pack); i++)
        if (strstr(zoe_pack_clip(pack, i)->path, ZOE__MADE_WORLD)) d->clips[d->count++] = i;
    return ZOE_OK;
}

static zoe_status open_drawing(const zoe__act *act, zoe__made *made, zoe__made_thread *t, void **own)
{
    const zoe_task_kind *kind = zoe_task_find(t->context, act->settings);
    drawing *d;
    ZOE_TRY(zoe__calloc(t->context, &d, 1, sizeof *d));
    *own = d;
    if (!kind) return ZOE_USAGE;
    d->backwards = t->number % 2;
    ZOE_TRY(zoe__calloc(t->context, &d->drawn, DRAWS, sizeof *d->drawn));
    ZOE_TRY(collect(t->context, made->pack, d));
    ZOE_TRY(zoe_options_new(&d->options, t->context));
    ZOE_TRY(zoe_train_options(d->options, t->context, kind->name));
    ZOE_TRY(kind->set_defaults(d->options));
    const zoe_backbone *net = zoe_backbone_find(t->context, zoe_options_text(d->options, "net"));
    if (!net) return ZOE_CONFIG;
    const zoe_task_clips clips = {.clips = {d->clips, d->clips}, .count = {d->count, d->count}};
    ZOE_TRY(zoe_task_open(&d->task, t->context, kind, d->options, net, made->pack, &clips));
    d->open = true;
    return ZOE_OK;
}

static void close_drawing(void *own)
{
    drawing *d = own;
    if (d->open) zoe_task_close(&d->task);
    zoe_options_free(&d->options);
    free(d->clips);
    free(d->drawn);
    free(d);
}

static void draw_one(const drawing *d, uint32_t index, zoe_sample *sample)
{
    d->task.kind->sample(&d->task, ZOE_SPLIT_TRAIN, SEED, 0, index, 0, sample);
}

/* All that a sample says, without the room between its parts. */
static void to_numbers(const zoe_sample *s, int64_t out[NUMBERS])
{
    int64_t start;
    memcpy(&start, &s->sound_start, sizeof start);
    const int64_t first[14] = {
        (int64_t)s->clip,       s->frames, s->top, s->left, s->flip, s->colours, s->saturation, s->brightness, s->gain,
        (int64_t)s->sound_clip, start,     0,      0,       0};
    memcpy(out, first, sizeof first);
    for (int i = 0; i < ZOE_MAX_FRAMES; i++) out[14 + i] = s->ranks[i];
    for (int i = 0; i < ZOE_MAX_TUPLES; i++) out[14 + ZOE_MAX_FRAMES + i] = s->labels[i];
}

/* Every second thread from the last one on: what is drawn depends on its number only. */
static zoe_status draw_all(zoe__made_thread *t, void *own)
{
    const drawing *d = own;
    (void)t;
    for (uint32_t i = 0; i < DRAWS; i++) {
        const uint32_t index = d->backwards ? DRAWS - 1 - i : i;
        zoe_sample sample;
        draw_one(d, index, &sample);
        to_numbers(&sample, d->drawn[index]);
    }
    return ZOE_OK;
}

static void *result(void *own, size_t *bytes)
{
    const drawing *d = own;
    *bytes = DRAWS * sizeof *d->drawn;
    return d->drawn;
}

/* ---- right? ---- */

/* Is the middle frame of a tuple between the others exactly where the label says so? */
static bool is_order_told(const drawing *d, const zoe_sample *s)
{
    const zoe_clip *clip = zoe_pack_clip(d->task.pack, s->clip);
    const int low = s->ranks[0] < s->ranks[2] ? s->ranks[0] : s->ranks[2], high = s->ranks[0] + s->ranks[2] - low;
    bool right = s->frames == 4 && low >= 0 && high < clip->frames;
    for (int g = 0; g < 2; g++) {
        const int middle = s->ranks[g ? 3 : 1];
        right = right && middle >= 0 && middle < clip->frames && (middle > low && middle < high) == s->labels[g];
    }
    return right;
}

/* Does the picture's own sound lie around its frame exactly where the label says so? */
static bool is_sound_told(const drawing *d, const zoe_sample *s)
{
    const zoe_sound_input *heard = d->task.listener->sound;
    const zoe_clip *clip = zoe_pack_clip(d->task.pack, s->clip), *other = zoe_pack_clip(d->task.pack, s->sound_clip);
    const double length = (double)heard->samples / heard->rate, middle = s->sound_start + length / 2,
                 volume = zoe_options_float(d->task.options, "volume");
    bool right = s->frames == 1 && s->ranks[0] >= 0 && s->ranks[0] < clip->frames &&
                 fabs(s->gain / 65536.0 - 1) <= volume + 1e-4 && s->sound_start >= other->sound.start - 1e-6 &&
                 s->sound_start + length <= other->sound.end + 1e-6;
    if (right && s->labels[0]) right = s->clip == s->sound_clip && fabs(middle - clip->times[s->ranks[0]]) < 1e-9;
    return right && (s->labels[0] || s->clip != s->sound_clip);
}

/* Each one as it is when drawn alone, and by the rules; crops at all places, half of them flipped. */
static bool judge(const void *own)
{
    const drawing *d = own;
    const int room_y = d->task.height - d->task.backbone->crop, room_x = d->task.width - d->task.backbone->crop;
    int flips = 0, low_y = room_y, high_y = 0, low_x = room_x, high_x = 0;
    bool right = true;
    for (uint32_t i = 0; i < DRAWS && right; i++) {
        zoe_sample s;
        int64_t alone[NUMBERS];
        draw_one(d, i, &s);
        to_numbers(&s, alone);
        right = !memcmp(alone, d->drawn[i], sizeof alone) && s.top >= 0 && s.top <= room_y && s.left >= 0 &&
                s.left <= room_x && (d->task.listener ? is_sound_told(d, &s) : is_order_told(d, &s));
        low_y = s.top < low_y ? s.top : low_y;
        high_y = s.top > high_y ? s.top : high_y;
        low_x = s.left < low_x ? s.left : low_x;
        high_x = s.left > high_x ? s.left : high_x;
        flips += s.flip;
    }
    const bool everywhere = low_y == 0 && high_y == room_y && low_x == 0 && high_x == room_x;
    return right && everywhere && flips > DRAWS * 2 / 5 && flips < DRAWS * 3 / 5;
}

#define DRAW(text, times)                                                                                              \
    {                                                                                                                  \
        .name = "draw " text, .algorithm = "sampler", .amount = DRAWS, .rounds = times, .clips = true,                 \
        .settings = (text), .open = open_drawing, .work = draw_all, .result = result, .judge = judge,                  \
        .close = close_drawing                                                                                         \
    }
/* avc-ave and avc-avol have the sampler of avc-l3. */
const zoe__act zoe__acts_draw[] = {DRAW("shuffle-learn", 16), DRAW("avc-l3", 64), {.name = NULL}};
