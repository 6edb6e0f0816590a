/* SPDX-License-Identifier: Apache-2.0
 *
 * World `sounding`: things of eight kinds bounce on a floor, and each impact plays one note of the kind's timbre.
 * Pitch, loudness, size, place and colour do not depend on each other: only the kind and the times of the impacts link
 * what is seen to what is heard. With pairs there are two things of different kinds, one on each side; only the first
 * sounds.
 *
 * All times are on one clock: frame k shows the things as they are at k / FPS s, an impact at t s starts its note at
 * sample t * RATE, rounded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/philox.h"
#include "media/synth.h"

enum {
    SIDE = 64,
    FPS = 25,
    FRAMES = 50,
    RATE = 48000,
    SAMPLES = FRAMES * RATE / FPS,
    KINDS = 8,
    NOTE_MOST = 24000,
    CLICK = 480,
    SPECTRUM = 32768,
    NOISE_STEPS = 1 << 14
};

/* Streams of the random numbers: clips with two things share nothing with those of one. */
enum { STREAM_THINGS, STREAM_BACKGROUND, STREAM_NOISE, STREAM_SOUND, STREAM_HISS, STREAMS };

static const double PI = 3.14159265358979323846, SECONDS = (double)FRAMES / FPS;

static const char *const kinds[KINDS] = {"bell", "reed", "hiss", "chirp", "flute", "buzz", "clicks", "thud"};

/* Length of a kind's note, samples. */
static const int note_samples[KINDS] = {24000, 10560, 14400, 9600, 14400, 24000, 14400, 24000};

typedef struct colour {
    double c[3];
} colour;

typedef struct thing {
    int kind;
    double radius, floor, height; /* rows: of the centre at the impact, and how far it jumps above that */
    double period, first;         /* s: between impacts, of the first one */
    double x0, drift;             /* mean column, columns a second */
    double turn;                  /* radians */
    colour paint;
} thing;

typedef struct scene {
    thing thing[2];
    int things;
    colour background[SIDE * SIDE], frame[SIDE * SIDE];
    float noise[NOISE_STEPS];
    double note[NOTE_MOST], sound[SAMPLES];
    double re[SPECTRUM], im[SPECTRUM];
} scene;

/* ---- what there is to see ---- */

static colour from_hsv(double hue, double saturation, double value)
{
    colour out;
    for (int i = 0; i < 3; i++) { /* each channel is a trapezium over the hue, a third of the circle apart */
        const double x = fmod(6 * hue + (i == 0 ? 0 : i == 1 ? 4 : 2), 6), off = fabs(x - 3) - 1;
        out.c[i] = value * (1 - saturation * (1 - fmin(fmax(off, 0), 1)));
    }
    return out;
}

static colour draw_colour(zoe__random *r, double saturation0, double saturation1, double value0, double value1)
{
    const double hue = zoe__random_uniform(r), saturation = zoe__random_between(r, saturation0, saturation1);
    return from_hsv(hue, saturation, zoe__random_between(r, value0, value1));
}

static thing draw_thing(zoe__random *r, int kind, double x0)
{
    thing t = {.kind = kind, .x0 = x0, .radius = zoe__random_between(r, 8, 13)};
    t.floor = zoe__random_between(r, 0.6 * SIDE, SIDE - 1 - t.radius);
    t.height = fmin(zoe__random_between(r, 8, fmax(9, t.floor - t.radius - 1)), t.floor - t.radius);
    t.period = zoe__random_between(r, 0.30, 0.50);
    t.first = zoe__random_between(r, 0, 0.5);
    t.drift = zoe__random_between(r, -4, 4);
    t.turn = zoe__random_between(r, -0.26, 0.26);
    t.paint = draw_colour(r, 0.6, 1, 0.7, 1);
    return t;
}

static void draw_things(zoe__random *r, scene *s, int kind)
{
    if (s->things == 1) {
        s->thing[0] = draw_thing(r, kind, zoe__random_between(r, 15, SIDE - 15));
        return;
    }
    double x[2];
    x[0] = zoe__random_between(r, 14, 18);
    x[1] = zoe__random_between(r, 45, 49);
    const int left = (int)zoe__random_below(r, 2), other = (kind + 1 + (int)zoe__random_below(r, KINDS - 1)) % KINDS;
    s->thing[0] = draw_thing(r, kind, x[left]);
    s->thing[1] = draw_thing(r, other, x[1 - left]);
}

static void draw_background(zoe__random *r, scene *s)
{
    const colour a = draw_colour(r, 0, 0.5, 0.1, 0.9), b = draw_colour(r, 0, 0.5, 0.1, 0.9);
    const double angle = zoe__random_between(r, 0, 2 * PI), dx = cos(angle) / 90, dy = sin(angle) / 90;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const double g = (x - (SIDE - 1) / 2.0) * dx + (y - (SIDE - 1) / 2.0) * dy + 0.5;
            for (int i = 0; i < 3; i++) s->background[y * SIDE + x].c[i] = a.c[i] * (1 - g) + b.c[i] * g;
        }
}

static void place(const thing *t, double time, double *x, double *y)
{
    const double beat = (time - t->first) / t->period, u = beat - floor(beat);
    *x = t->x0 + t->drift * (time - 1);
    *y = t->floor - t->height * 4 * u * (1 - u);
}

static bool stripe(double z)
{
    return fmod(floor(3.5 * z), 2) == 0;
}

static bool outside_dot(double x, double y)
{
    const double a = 2.2 * x - floor(2.2 * x) - 0.5, b = 2.2 * y - floor(2.2 * y) - 0.5;
    return a * a + b * b >= 0.09;
}

/* Is (x, y), in units of the thing's radius after its turn, part of it? *bright: not of a dark stripe or dot. */
static bool covers(int kind, double x, double y, bool *bright)
{
    const double ax = fabs(x), ay = fabs(y), distance = hypot(x, y), longer = fmax(ax, ay);
    *bright = true;
    switch (kind) {
    case 0: return distance < 1;
    case 1: *bright = stripe(y); return longer < 0.85;
    case 2: return y < 0.8 && y > 2 * ax - 1;
    case 3: return fmin(ax, ay) < 0.3 && longer < 1;
    case 4: return distance > 0.55 && distance < 1;
    case 5: *bright = stripe(x) != stripe(y); return ax + ay < 1.1;
    case 6: *bright = stripe(x); return longer < 0.85;
    default: *bright = outside_dot(x, y); return distance < 1;
    }
}

/* Paints the thing and writes its box. */
static void paint(scene *s, const thing *t, double time, float box[4])
{
    double cx, cy;
    place(t, time, &cx, &cy);
    const double c = cos(t->turn) / t->radius, n = sin(t->turn) / t->radius, reach = 1.25 * t->radius;
    const int x0 = (int)fmax(0, ceil(cx - reach)), x1 = (int)fmin(SIDE - 1, floor(cx + reach));
    const int y0 = (int)fmax(0, ceil(cy - reach)), y1 = (int)fmin(SIDE - 1, floor(cy + reach));
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            bool bright;
            if (!covers(t->kind, c * (x - cx) + n * (y - cy), -n * (x - cx) + c * (y - cy), &bright)) continue;
            for (int i = 0; i < 3; i++) s->frame[y * SIDE + x].c[i] = t->paint.c[i] * (bright ? 1 : 0.25);
        }
    box[0] = (float)(cx - t->radius);
    box[1] = (float)(cy - t->radius);
    box[2] = (float)(cx + t->radius);
    box[3] = (float)(cy + t->radius);
}

static void expose(const scene *s, zoe__random *r, uint8_t *rgb)
{
    for (int i = 0; i < SIDE * SIDE * 3; i += 2) {
        const uint32_t bits = zoe__random_u32(r);
        for (int k = 0; k < 2; k++) {
            const double value =
                s->frame[(i + k) / 3].c[(i + k) % 3] + (double)s->noise[(bits >> 16 * k) % NOISE_STEPS];
            rgb[i + k] = (uint8_t)(255 * fmin(fmax(value, 0), 1));
        }
    }
}

/* ---- what there is to hear ---- */

/* Complex numbers in place, by halves; n a power of two. */
static void transform(double *re, double *im, int n)
{
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n / 2;
        for (; j & bit; bit /= 2) j ^= bit;
        j |= bit;
        if (i >= j) continue;
        const double a = re[i], b = im[i];
        re[i] = re[j], im[i] = im[j];
        re[j] = a, im[j] = b;
    }
    for (int half = 1; half < n; half *= 2)
        for (int k = 0; k < half; k++) {
            const double c = cos(PI * k / half), d = sin(PI * k / half);
            for (int i = k; i < n; i += 2 * half) {
                const double x = re[i + half] * c - im[i + half] * d, y = re[i + half] * d + im[i + half] * c;
                re[i + half] = re[i] - x, im[i + half] = im[i] - y;
                re[i] += x, im[i] += y;
            }
        }
}

/* White noise that has nothing below `low` and above `high` Hz, its greatest value 1: normal numbers in the bins of the
 * band, and the real part of their transform. */
static void draw_band(zoe__random *r, scene *s, int samples, double low, double high)
{
    double most = 1e-9;
    for (int k = 0; k < SPECTRUM; k++) {
        const double f = (double)k * RATE / SPECTRUM;
        const bool inside = k <= SPECTRUM / 2 && f >= low && f <= high;
        s->re[k] = inside ? zoe__random_normal(r) : 0;
        s->im[k] = inside ? zoe__random_normal(r) : 0;
    }
    transform(s->re, s->im, SPECTRUM);
    for (int i = 0; i < samples; i++) most = fmax(most, fabs(s->re[i]));
    for (int i = 0; i < samples; i++) s->note[i] = s->re[i] / most;
}

/* Sum of sines: partial q of `count`, every `step`-th, has frequency q * hertz and amplitude 1 / q. */
static double partials(double turns, int count, int step)
{
    double sum = 0;
    for (int q = 1; q <= count; q += step) sum += sin(q * turns) / q;
    return sum;
}

static double bell(double s, double g)
{
    static const double ratio[4] = {1, 2.76, 5.40, 8.93}, loud[4] = {1, 0.7, 0.5, 0.35};
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += loud[i] * sin(2 * PI * 520 * g * ratio[i] * s);
    return sum * exp(-s / 0.15);
}

static double chirp_turns(double s, double g) /* f = 600 g 2^(3 s / 0.2) */
{
    return 2 * PI * 600 * g * (0.2 / (3 * log(2))) * (exp2(3 * s / 0.2) - 1);
}

static double flute(double s, double g) /* vibrato of 12 Hz, 8 % deep */
{
    const double turns = 2 * PI * 900 * g * (s - 0.08 / (2 * PI * 12) * cos(2 * PI * 12 * s));
    return sin(turns) + 0.2 * sin(2 * turns);
}

static double thump(double s, double g)
{
    return 0.7 * sin(2 * PI * (60 * s + 5 * g * (1 - exp(-s / 0.05)))) * exp(-s / 0.1);
}

/* Sample at s of end seconds; `noise` is the band noise there. */
static double note_at(int kind, double s, double end, double g, double noise)
{
    switch (kind) {
    case 0: return bell(s, g);
    case 1: return partials(2 * PI * 300 * g * s, 15, 2) * fmin(1, fmin(s / 0.01, (end - s) / 0.03));
    case 2: return noise * exp(-s / 0.06);
    case 3: return partials(chirp_turns(s, g), 3, 1) * pow(sin(PI * s / end), 2);
    case 4: return flute(s, g) * sin(PI * s / end);
    case 5: return partials(2 * PI * 110 * g * s, 40, 1) * 0.5 * (1 + cos(2 * PI * 35 * s)) * exp(-s / 0.2);
    default: return noise * exp(-s / 0.12) + thump(s, g);
    }
}

static void draw_clicks(zoe__random *r, scene *s, int samples, double g)
{
    double burst[CLICK];
    for (int i = 0; i < CLICK; i++) burst[i] = zoe__random_normal(r) * exp(-i / 96.0);
    memset(s->note, 0, (size_t)samples * sizeof *s->note);
    for (int j = 0; j < 8; j++) {
        const int at = (int)(j * RATE / (30 * g));
        for (int i = 0; at + CLICK <= samples && i < CLICK; i++) s->note[at + i] += burst[i];
    }
}

/* One note of the kind into s->note, its greatest value 1. */
static void draw_note(zoe__random *r, scene *s, int kind, double g)
{
    const int n = note_samples[kind];
    double most = 1e-9;
    if (kind == 2) draw_band(r, s, n, 6000 * g, 14000);
    if (kind == 7) draw_band(r, s, n, 20, 800 * g);
    if (kind == 6)
        draw_clicks(r, s, n, g);
    else
        for (int i = 0; i < n; i++) s->note[i] = note_at(kind, (double)i / RATE, (double)(n - 1) / RATE, g, s->note[i]);
    for (int i = 0; i < n; i++) most = fmax(most, fabs(s->note[i]));
    for (int i = 0; i < n; i++) s->note[i] /= most;
}

static void draw_sound(zoe__random *r, zoe__random *hiss, scene *s, float *pcm)
{
    const thing *t = &s->thing[0];
    const double g = exp2(zoe__random_between(r, -0.5, 0.5));
    const int n = note_samples[t->kind];
    double most = 1e-9;
    draw_note(r, s, t->kind, g);
    memset(s->sound, 0, sizeof s->sound);
    for (int j = -2; j < (int)(SECONDS / t->period) + 2; j++) {
        const int at = (int)lround((t->first + j * t->period) * RATE);
        const double gain = zoe__random_between(r, 0.7, 1);
        for (int i = at < 0 ? -at : 0; i < n && at + i < SAMPLES; i++) s->sound[at + i] += gain * s->note[i];
    }
    for (int i = 0; i < SAMPLES; i++) most = fmax(most, fabs(s->sound[i]));
    const double scale = zoe__random_between(r, 0.3, 0.9) / most, sd = pow(10, zoe__random_between(r, -3, -2));
    zoe__synth_noise_table(s->noise, NOISE_STEPS, sd);
    for (int i = 0; i < SAMPLES; i++)
        pcm[i] = (float)(s->sound[i] * scale + (double)s->noise[zoe__random_u32(hiss) % NOISE_STEPS]);
}

/* ---- the clip ---- */

static zoe_status draw(zoe_context *context, uint64_t seed, uint32_t index, int things, zoe__synth_clip *clip)
{
    scene *s;
    zoe__random random[STREAMS];
    ZOE_TRY(zoe__calloc(context, &s, 1, sizeof *s));
    s->things = things;
    for (int i = 0; i < STREAMS; i++) zoe__random_init(&random[i], seed, index, (uint32_t)(i + STREAMS * (things - 1)));
    draw_things(&random[STREAM_THINGS], s, (int)(index % KINDS));
    draw_background(&random[STREAM_BACKGROUND], s);
    zoe__synth_noise_table(s->noise, NOISE_STEPS, 0.03);
    for (int k = 0; k < FRAMES; k++) {
        memcpy(s->frame, s->background, sizeof s->frame);
        for (int i = things; i-- > 0;)
            paint(s, &s->thing[i], (double)k / FPS, clip->points + (size_t)(i * FRAMES + k) * 4);
        expose(s, &random[STREAM_NOISE], clip->rgb + (size_t)k * SIDE * SIDE * 3);
    }
    draw_sound(&random[STREAM_SOUND], &random[STREAM_HISS], s, clip->pcm);
    for (int i = 0; i < things; i++) clip->kind[i] = s->thing[i].kind;
    free(s);
    return ZOE_OK;
}

static void describe(FILE *out, const zoe__synth_world *world, const zoe__synth_clip *clip, int things)
{
    const float *box = clip->points;
    fprintf(out, "{\"fps\": %d, \"things\": [", world->fps);
    for (int i = 0; i < things; i++) {
        fprintf(out, "%s\n{\"kind\": \"%s\", \"sounding\": %s, \"boxes\": [", i ? "," : "", kinds[clip->kind[i]],
                i ? "false" : "true");
        for (int k = 0; k < FRAMES; k++, box += 4) {
            fprintf(out, "%s\n[", k ? "," : "");
            zoe__synth_print_numbers(out, box, 4);
            fprintf(out, "]");
        }
        fprintf(out, "]}");
    }
    fprintf(out, "\n]}\n");
}

const zoe__synth_world zoe__synth_sounding = {
    .name = "sounding",
    .kinds = kinds,
    .kind_count = KINDS,
    .ending = "mkv",
    .width = SIDE,
    .height = SIDE,
    .frames = FRAMES,
    .fps = FPS,
    .rate = RATE,
    .samples = SAMPLES,
    .points = 2 * FRAMES * 4,
    .things = 2,
    .draw = draw,
    .describe = describe,
};
