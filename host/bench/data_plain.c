/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data augment" of the ops `picture` and `spectrogram` on the device `host`, by their definitions: the crop with
 * its flip; with an order of channels as well; with saturation and brightness; the spectrogram of a second with its
 * loudness. On OpenCL devices these are kernels, the first of each step. Each thread has a device of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/backbone.h>
#include <zoe/op.h>
#include <zoe/plan.h>

#include "bench/data_augment.h"

enum { PICTURES = 4, SOUNDS = 1, UNIT = 65536 };
static const double PI = 3.14159265358979323846;

typedef struct plain {
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    const void *settings;
    zoe_value in, table, out;
    uint8_t *bytes; /* pictures; NULL: sounds */
    float *pcm, *y;
    double (*turn)[2]; /* sounds: cos and sin of the fft steps of a turn */
    int32_t numbers[PICTURES * 6];
    size_t count; /* of y */
} plain;

static zoe_status begin(const zoe__act *act, zoe__made_thread *t, void **own, plain **out)
{
    plain *p;
    zoe_device_options options = zoe_device_options_default();
    ZOE_TRY(zoe__calloc(t->context, &p, 1, sizeof *p));
    *own = *out = p;
    p->settings = act->settings;
    options.name = "host";
    options.tuning = "off";
    ZOE_TRY(zoe_device_open(&p->device, t->context, &options));
    ZOE_TRY(zoe_store_new(&p->store, t->context, p->device, 1));
    return zoe_graph_new(&p->graph, t->context);
}

static zoe_status compile(plain *p, zoe__made_thread *t, zoe_value value)
{
    const zoe_plan_options options = zoe_plan_options_default();
    p->out = zoe_graph_keep(p->graph, value);
    ZOE_TRY(zoe_graph_status(p->graph));
    p->count = zoe_shape_count(zoe_graph_shape(p->graph, value));
    ZOE_TRY(zoe__calloc(t->context, &p->y, p->count, sizeof *p->y));
    return zoe_plan_new(&p->plan, p->graph, p->store, &options);
}

static void close_plain(void *own)
{
    plain *p = own;
    zoe_plan_free(&p->plan);
    zoe_graph_free(&p->graph);
    zoe_store_free(&p->store);
    zoe_device_free(&p->device);
    free(p->bytes);
    free(p->pcm);
    free(p->turn);
    free(p->y);
    free(p);
}

static zoe_status run(zoe__made_thread *t, void *own)
{
    plain *p = own;
    (void)t;
    ZOE_TRY(zoe_plan_write(p->plan, p->in, p->bytes ? (const void *)p->bytes : p->pcm));
    ZOE_TRY(zoe_plan_write(p->plan, p->table, p->numbers));
    ZOE_TRY(zoe_plan_forward(p->plan));
    return zoe_plan_read(p->plan, p->out, p->y);
}

static void *result(void *own, size_t *bytes)
{
    const plain *p = own;
    *bytes = p->count * sizeof *p->y;
    return p->y;
}

/* ---- pictures ---- */

typedef struct cut {
    int side, crop; /* pixels */
    bool colours, light;
} cut;

/* Sides that tasks take: `mini` of the small recipes, and the networks of the papers. */
static const cut small = {64, 56, false, false}, small_colours = {64, 56, true, false},
                 small_light = {64, 56, false, true}, large = {256, 224, false, false},
                 large_colours = {256, 224, true, false}, large_light = {256, 224, false, true};

static const float MEAN[3] = {0.485f, 0.456f, 0.406f}, STD[3] = {0.229f, 0.224f, 0.225f};

static int columns(const cut *c)
{
    return c->light ? 6 : 4;
}

static zoe_status open_pictures(const zoe__act *act, zoe__made *made, zoe__made_thread *t, void **own)
{
    const cut *c = act->settings;
    plain *p;
    zoe__random random;
    (void)made;
    ZOE_TRY(begin(act, t, own, &p));
    const size_t bytes = (size_t)PICTURES * (size_t)c->side * (size_t)c->side * 3;
    ZOE_TRY(zoe__calloc(t->context, &p->bytes, bytes, 1));
    zoe__random_init(&random, 3, (uint64_t)c->side, 0);
    for (size_t i = 0; i < bytes; i++) { /* waves and grain: branches of the light must not be a matter of luck */
        const int x = (int)(i / 3) % c->side, y = (int)(i / 3) / c->side, channel = (int)(i % 3);
        const double wave = sin(0.11 * x + channel) + cos(0.07 * y + 0.5 * channel);
        p->bytes[i] = (uint8_t)(112 + 48 * wave + zoe__random_below(&random, 32));
    }
    for (int n = 0; n < PICTURES; n++) {
        int32_t *row = p->numbers + n * columns(c);
        row[0] = zoe__random_range(&random, 0, c->side - c->crop);
        row[1] = zoe__random_range(&random, 0, c->side - c->crop);
        row[2] = n % 2;
        row[3] = c->colours ? 1 + n % 5 : 0;
        if (!c->light) continue;
        row[4] = (int32_t)lrint(UNIT * zoe__random_between(&random, 0.6, 1.4));
        row[5] = (int32_t)lrint(UNIT * zoe__random_between(&random, -0.3, 0.3));
    }
    zoe_picture_options picture = zoe_picture_options_default();
    picture.height = picture.width = c->crop;
    memcpy(picture.mean, MEAN, sizeof picture.mean);
    memcpy(picture.std, STD, sizeof picture.std);
    p->in = zoe_input(p->graph, "bytes", ZOE_U8, (zoe_shape){PICTURES, 3, c->side, c->side});
    p->table = zoe_input(p->graph, "table", ZOE_I32, (zoe_shape){PICTURES, columns(c), 1, 1});
    return compile(p, t, zoe_picture(p->graph, "picture", p->in, p->table, &picture));
}

/* Channel c of a pixel by the formula of zoe/op.h. */
static double pixel(const uint8_t *rgb, const int32_t *row, bool light, int c)
{
    static const char orders[6][4] = {"RGB", "RBG", "GRB", "GBR", "BRG", "BGR"};
    const char letter = orders[row[3]][c];
    const double v = rgb[letter == 'R' ? 0 : letter == 'G' ? 1 : 2];
    const double grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
    const double bright = light ? grey + (double)row[4] / UNIT * (v - grey) + 255.0 * row[5] / UNIT : v;
    return (fmin(fmax(bright, 0), 255) / 255 - (double)MEAN[c]) / (double)STD[c];
}

static bool judge_pictures(const void *own)
{
    const plain *p = own;
    const cut *k = p->settings;
    const float *y = p->y;
    bool right = true;
    for (int n = 0; n < PICTURES; n++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < k->crop; i++)
                for (int j = 0; j < k->crop; j++) {
                    const int32_t *row = p->numbers + n * columns(k);
                    const int line = row[0] + i, column = row[1] + (row[2] ? k->crop - 1 - j : j);
                    const uint8_t *rgb = p->bytes + 3 * ((n * k->side + line) * k->side + column);
                    right = right && fabs((double)*y++ - pixel(rgb, row, k->light, c)) < 1e-5;
                }
    return right;
}

/* ---- sound ---- */

static zoe_status open_sound(const zoe__act *act, zoe__made *made, zoe__made_thread *t, void **own)
{
    const zoe_backbone *net = zoe_backbone_find(t->context, act->settings);
    plain *p;
    zoe__random random;
    (void)made;
    ZOE_FAIL_IF(t->context, !net || !net->sound, ZOE_CONFIG, "%s: no network that listens",
                (const char *)act->settings);
    ZOE_TRY(begin(act, t, own, &p));
    p->settings = net->sound;
    ZOE_TRY(zoe__calloc(t->context, &p->pcm, (size_t)net->sound->samples, sizeof *p->pcm));
    const int steps = net->sound->spectrogram.fft;
    ZOE_TRY(zoe__calloc(t->context, &p->turn, (size_t)steps, sizeof *p->turn));
    for (int i = 0; i < steps; i++) {
        p->turn[i][0] = cos(2 * PI * i / steps);
        p->turn[i][1] = sin(2 * PI * i / steps);
    }
    zoe__random_init(&random, 4, 0, 0);
    for (int i = 0; i < net->sound->samples; i++)
        p->pcm[i] = (float)(0.5 * sin(i * (0.01 + 1e-6 * i)) + zoe__random_between(&random, -0.1, 0.1));
    p->numbers[0] = UNIT * 9 / 10;
    p->in = zoe_input(p->graph, "sound", ZOE_F32, (zoe_shape){SOUNDS, 1, 1, net->sound->samples});
    p->table = zoe_input(p->graph, "gains", ZOE_I32, (zoe_shape){SOUNDS, 1, 1, 1});
    return compile(p, t, zoe_spectrogram(p->graph, "spectrogram", p->in, p->table, &net->sound->spectrogram));
}

/* Logarithm of the loudness of a bin in a frame, by the sum of the formula. */
static double level(const plain *p, const zoe_spectrogram_options *o, int bin, int frame)
{
    double re = 0, im = 0;
    for (int i = 0; i < o->window; i++) {
        const double hann = (1 - cos(2 * PI * i / o->window)) / 2, x = (double)p->pcm[frame * o->hop + i] * hann;
        re += x * p->turn[i * bin % o->fft][0];
        im -= x * p->turn[i * bin % o->fft][1];
    }
    const double square = (re * re + im * im) * p->numbers[0] / UNIT * p->numbers[0] / UNIT;
    return log((o->power ? square : sqrt(square)) + (double)o->eps);
}

/* Of pooled levels too, each number. */
static bool judge_sound(const void *own)
{
    const plain *p = own;
    const zoe_sound_input *s = p->settings;
    const zoe_spectrogram_options *o = &s->spectrogram;
    const zoe_shape shape = zoe_spectrogram_shape(o, SOUNDS, s->samples);
    bool right = !o->mels && o->log && zoe_shape_count(shape) == p->count;
    for (size_t at = 0; at < p->count && right; at++) {
        const int row = (int)at / shape.w * o->pool_bins, column = (int)at % shape.w * o->pool_frames;
        double sum = 0;
        for (int i = 0; i < o->pool_bins * o->pool_frames; i++)
            sum += level(p, o, row + i / o->pool_frames, column + i % o->pool_frames);
        const double mean = sum / (o->pool_bins * o->pool_frames);
        right = fabs((double)p->y[at] - (mean - (double)o->mean) / (double)o->std) < 1e-3;
    }
    return right;
}

#define CUT(text, times, of)                                                                                           \
    {                                                                                                                  \
        .name = text, .algorithm = "definition", .amount = PICTURES, .rounds = times, .settings = &(of),               \
        .open = open_pictures, .work = run, .result = result, .judge = judge_pictures, .close = close_plain            \
    }
#define HEAR(net)                                                                                                      \
    {                                                                                                                  \
        .name = "gain+spectrogram " net, .algorithm = "definition", .amount = SOUNDS, .rounds = 2, .settings = (net),  \
        .open = open_sound, .work = run, .result = result, .judge = judge_sound, .close = close_plain                  \
    }
const zoe__act zoe__acts_plain[] = {CUT("crop+flip 64x64 to 56x56", 64, small),
                                    CUT("crop+flip+colours 64x64 to 56x56", 64, small_colours),
                                    CUT("crop+flip+light 64x64 to 56x56", 64, small_light),
                                    CUT("crop+flip 256x256 to 224x224", 4, large),
                                    CUT("crop+flip+colours 256x256 to 224x224", 4, large_colours),
                                    CUT("crop+flip+light 256x256 to 224x224", 4, large_light),
                                    HEAR("avc-audio"),
                                    HEAR("l3-audio"),
                                    {.name = NULL}};
