/* SPDX-License-Identifier: Apache-2.0
 *
 * World `motion`: a figure of sticks makes one of 8 kinds of movement, filmed by a shaking hand in flickering light.
 *
 *   phase(t) = p0 +- 2 pi / P (t + 0.4 Tm / (2 pi) sin(2 pi t / Tm + q))    P in 52..76, Tm in 30..60 frames
 *   angle(t) = mean + N(0, 5) + gain amplitude sin(phase - lag)             degrees
 *
 * Angles count from straight down, + towards +x; elbow and knee from the limb above. Lags of 90 degrees make the path
 * of most kinds a loop in the space of poses, so that a pose is not passed twice within half a period.
 *
 * Why the hand shakes: with a tripod, or a smooth path of the camera alone, "the middle is in order when it is near
 * both ends in pixels" solves the task without learning (AUC above .93). The shake of the background, an independent
 * one of the figure and the flicker of the light bring this rule down to about .62. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "core/philox.h"
#include "media/synth.h"

#define PI     3.14159265358979323846
#define DEGREE (PI / 180.0)

enum { SIDE = 64, MARGIN = 16, WIDE = SIDE + 2 * MARGIN, FRAMES = 60, FPS = 25, KINDS = 8, NOISE_STEPS = 4096 };
enum { WALK, JUMP, WAVE, JACK, BEND, SQUAT, KICK, SWAY };
enum { TORSO, ARM_L, ELBOW_L, ARM_R, ELBOW_R, HIP_L, KNEE_L, HIP_R, KNEE_R, ANGLES };

/* The first nine are the joints of the JSON, in this order. */
enum { HEAD, EL_L, HA_L, KN_L, FO_L, EL_R, HA_R, KN_R, FO_R, JOINTS, HIP = JOINTS, NECK, POINTS };

/* Each part of a clip draws from a stream of its own: a change of one leaves the others as they are. */
enum { STREAM_FIGURE, STREAM_BACKGROUND, STREAM_CAMERA, STREAM_LIGHT, STREAM_NOISE };

static const char *const kinds[KINDS] = {"walk", "jump", "wave", "jack", "bend", "squat", "kick", "sway"};

typedef struct swing {
    double mean, amplitude, lag; /* degrees */
} swing;

/* clang-format off */
static const swing moves[KINDS][ANGLES] = {
    /*          torso          arm L            elbow L          arm R           elbow R
     *          hip L          knee L           hip R            knee R */
    [WALK] = {{0, 0, 0}, {0, 32, 180}, {25, 12, 180}, {0, 32, 0}, {25, 12, 0},
              {0, 32, 0}, {-25, 25, 90}, {0, 32, 180}, {-25, 25, 270}},
    [JUMP] = {{0, 0, 0}, {-80, 70, 90}, {0, 0, 0}, {80, 70, 270}, {0, 0, 0},
              {-22, 18, 0}, {30, 30, 180}, {22, 18, 180}, {-30, 30, 0}},
    [WAVE] = {{0, 0, 0}, {-12, 0, 0}, {0, 0, 0}, {115, 40, 0}, {30, 50, 90},
              {-8, 0, 0}, {0, 0, 0}, {8, 0, 0}, {0, 0, 0}},
    [JACK] = {{0, 0, 0}, {-85, 65, 180}, {-15, 25, 270}, {85, 65, 0}, {15, 25, 90},
              {-20, 14, 180}, {0, 0, 0}, {20, 14, 0}, {0, 0, 0}},
    [BEND] = {{50, 42, 0}, {40, 30, 90}, {0, 0, 0}, {50, 30, 90}, {0, 0, 0},
              {-8, 0, 0}, {0, 0, 0}, {8, 0, 0}, {0, 0, 0}},
    [SQUAT] = {{12, 10, 0}, {55, 40, 90}, {0, 0, 0}, {65, 40, 90}, {0, 0, 0},
               {42, 38, 0}, {-70, 55, 0}, {52, 38, 0}, {-78, 55, 0}},
    [KICK] = {{-6, 8, 0}, {-30, 20, 0}, {0, 0, 0}, {12, 0, 0}, {0, 0, 0},
              {-8, 0, 0}, {0, 0, 0}, {42, 48, 0}, {-35, 35, 90}},
    [SWAY] = {{0, 30, 0}, {-165, 22, 90}, {0, 0, 0}, {165, 22, 90}, {0, 0, 0},
              {-8, 8, 0}, {0, 0, 0}, {8, 8, 0}, {0, 0, 0}},
};
/* clang-format on */

typedef struct point {
    double x, y;
} point;

typedef struct lengths {
    double torso, arm, forearm, thigh, shin, head; /* pixels; head: radius */
} lengths;

typedef struct figure {
    point points[FRAMES][POINTS];
    lengths length;
    double radius;       /* of a limb, pixels */
    float colours[2][3]; /* trunk and legs; arms and head */
} figure;

typedef struct clip {
    figure body;
    point camera[FRAMES]; /* corner of the frame on the background */
    double light[FRAMES];
    float background[WIDE][WIDE][3];
    float frame[SIDE][SIDE][3];
    float noise[NOISE_STEPS]; /* quantiles of the sensor's noise */
} clip;

/* ---- the figure ---- */

static point step(point from, double length, double angle)
{
    return (point){from.x + length * sin(angle), from.y + length * cos(angle)};
}

static void draw_phase(zoe__random *random, double phase[FRAMES])
{
    const double period = zoe__random_between(random, 52, 76), modulation = zoe__random_between(random, 30, 60);
    const double shift = zoe__random_between(random, 0, 2 * PI), start = zoe__random_between(random, 0, 2 * PI);
    const double sign = zoe__random_uniform(random) < 0.5 ? 1 : -1;
    for (int t = 0; t < FRAMES; t++) {
        const double swung = 0.4 * modulation / (2 * PI) * sin(2 * PI * t / modulation + shift);
        phase[t] = start + sign * 2 * PI / period * (t + swung);
    }
}

/* The points of one frame, the hip at (0, 0). angle: radians. */
static void pose(point p[POINTS], const double angle[ANGLES], const lengths *l)
{
    p[HIP] = (point){0, 0};
    p[NECK] = step(p[HIP], -l->torso, -angle[TORSO]);
    p[HEAD] = step(p[NECK], -(l->head + 1), -angle[TORSO]);
    p[EL_L] = step(p[NECK], l->arm, angle[ARM_L]);
    p[HA_L] = step(p[EL_L], l->forearm, angle[ARM_L] + angle[ELBOW_L]);
    p[KN_L] = step(p[HIP], l->thigh, angle[HIP_L]);
    p[FO_L] = step(p[KN_L], l->shin, angle[HIP_L] + angle[KNEE_L]);
    p[EL_R] = step(p[NECK], l->arm, angle[ARM_R]);
    p[HA_R] = step(p[EL_R], l->forearm, angle[ARM_R] + angle[ELBOW_R]);
    p[KN_R] = step(p[HIP], l->thigh, angle[HIP_R]);
    p[FO_R] = step(p[KN_R], l->shin, angle[HIP_R] + angle[KNEE_R]);
}

static void draw_poses(zoe__random *random, figure *f, int kind, const double phase[FRAMES])
{
    const double gain = zoe__random_between(random, 0.85, 1.1);
    double offset[ANGLES];
    for (int j = 0; j < ANGLES; j++) offset[j] = moves[kind][j].mean + 5 * zoe__random_normal(random);
    for (int t = 0; t < FRAMES; t++) {
        double angle[ANGLES];
        for (int j = 0; j < ANGLES; j++) {
            const swing *s = &moves[kind][j];
            angle[j] = (offset[j] + gain * s->amplitude * sin(phase[t] - s->lag * DEGREE)) * DEGREE;
        }
        pose(f->points[t], angle, &f->length);
    }
}

/* Puts the lower foot on the floor and the figure on its way, shakes it and mirrors half of all clips. */
static void place(zoe__random *random, figure *f, int kind, const double phase[FRAMES], double scale)
{
    const double ground = SIDE - 7 + zoe__random_between(random, -4, 3);
    const double start = SIDE / 2 + zoe__random_between(random, -8, 8);
    const double pace = zoe__random_between(random, 0.25, 0.55) * (zoe__random_uniform(random) < 0.5 ? 1 : -1);
    const int mirrored = zoe__random_uniform(random) < 0.5;
    for (int t = 0; t < FRAMES; t++) {
        point *p = f->points[t];
        point root = {start, ground - fmax(p[FO_L].y, p[FO_R].y)};
        if (kind == WALK) root.x += pace * (t - FRAMES / 2);
        if (kind == JUMP) root.y -= 7 * scale * fmax(0, sin(phase[t]));
        root.x += zoe__random_between(random, -3, 3);
        root.y += zoe__random_between(random, -3, 3);
        for (int i = 0; i < POINTS; i++) {
            p[i].x += root.x;
            p[i].y += root.y;
            if (mirrored) p[i].x = SIDE - 1 - p[i].x;
        }
    }
}

static void draw_figure(zoe__random *random, figure *f, int kind)
{
    double phase[FRAMES];
    draw_phase(random, phase);
    const double scale = zoe__random_between(random, 0.8, 1.05);
    double *const length[] = {&f->length.torso, &f->length.arm,  &f->length.forearm,
                              &f->length.thigh, &f->length.shin, &f->length.head};
    static const double mean[] = {15, 8, 8, 10, 10, 4.2};
    for (int i = 0; i < 6; i++) *length[i] = mean[i] * scale * zoe__random_between(random, 0.92, 1.08);
    draw_poses(random, f, kind, phase);
    place(random, f, kind, phase, scale);
    for (int i = 0; i < 6; i++) f->colours[i / 3][i % 3] = (float)zoe__random_between(random, 170, 255);
    f->radius = scale * zoe__random_between(random, 1.5, 2.3);
}

/* ---- what is behind it, and the hand ---- */

/* Coloured noise on a 9 x 9 grid, bilinear between its points. */
static void draw_clouds(zoe__random *random, float image[WIDE][WIDE][3])
{
    double grid[9][9][3], base[3];
    const double level = zoe__random_between(random, 60, 130);
    for (int c = 0; c < 3; c++) base[c] = level + 12 * zoe__random_normal(random);
    for (int i = 0; i < 9 * 9 * 3; i++) grid[i / 27][i / 3 % 9][i % 3] = base[i % 3] + 12 * zoe__random_normal(random);
    for (int y = 0; y < WIDE; y++)
        for (int x = 0; x < WIDE; x++) {
            const double gy = y * 7.999 / (WIDE - 1), gx = x * 7.999 / (WIDE - 1);
            const int i = (int)gy, j = (int)gx;
            const double fy = gy - i, fx = gx - j;
            for (int c = 0; c < 3; c++)
                image[y][x][c] = (float)((1 - fy) * ((1 - fx) * grid[i][j][c] + fx * grid[i][j + 1][c]) +
                                         fy * ((1 - fx) * grid[i + 1][j][c] + fx * grid[i + 1][j + 1][c]));
        }
}

static void add_grating(zoe__random *random, float image[WIDE][WIDE][3])
{
    const double angle = zoe__random_between(random, 0, PI), wave = zoe__random_between(random, 0.15, 0.9);
    const double shift = zoe__random_between(random, 0, 2 * PI), amplitude = zoe__random_between(random, 2, 6);
    for (int y = 0; y < WIDE; y++)
        for (int x = 0; x < WIDE; x++) {
            const double value = amplitude * cos(wave * (x * cos(angle) + y * sin(angle)) + shift);
            for (int c = 0; c < 3; c++) image[y][x][c] += (float)value;
        }
}

static void add_rectangle(zoe__random *random, float image[WIDE][WIDE][3])
{
    const int x0 = zoe__random_range(random, -8, WIDE - 5), y0 = zoe__random_range(random, -8, WIDE - 5);
    const int x1 = x0 + zoe__random_range(random, 6, 27), y1 = y0 + zoe__random_range(random, 6, 27);
    float shade[3];
    for (int c = 0; c < 3; c++) shade[c] = (float)(10 * zoe__random_normal(random));
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < WIDE; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < WIDE; x++)
            for (int c = 0; c < 3; c++) image[y][x][c] += shade[c];
}

static void draw_background(zoe__random *random, float image[WIDE][WIDE][3])
{
    draw_clouds(random, image);
    for (int i = 0; i < 2; i++) add_grating(random, image);
    for (int i = 0; i < 10; i++) add_rectangle(random, image);
    float *values = &image[0][0][0];
    for (int i = 0; i < WIDE * WIDE * 3; i++) values[i] = fminf(fmaxf(values[i], 0), 255);
}

/* One axis of the hand: three slow sines and a shake of each frame, within the margin of the background. */
static void draw_path(zoe__random *random, double path[FRAMES])
{
    for (int t = 0; t < FRAMES; t++) path[t] = 0;
    for (int i = 0; i < 3; i++) {
        const double period = zoe__random_between(random, 12, 40), shift = zoe__random_between(random, 0, 2 * PI);
        for (int t = 0; t < FRAMES; t++) path[t] += 4 * sin(2 * PI * t / period + shift);
    }
    for (int t = 0; t < FRAMES; t++) {
        const double slow = fmin(fmax(path[t], -10), 10), shaken = slow + zoe__random_between(random, -4, 4);
        path[t] = MARGIN + fmin(fmax(shaken, 1 - MARGIN), MARGIN - 1);
    }
}

static void draw_camera(zoe__random *random, point camera[FRAMES])
{
    double x[FRAMES], y[FRAMES];
    draw_path(random, y);
    draw_path(random, x);
    for (int t = 0; t < FRAMES; t++) camera[t] = (point){x[t], y[t]};
}

/* ---- one frame ---- */

static void render_background(clip *c, int t)
{
    const int x0 = (int)c->camera[t].x, y0 = (int)c->camera[t].y;
    const float fx = (float)(c->camera[t].x - x0), fy = (float)(c->camera[t].y - y0);
    for (int y = 0; y < SIDE; y++) {
        const float *upper = c->background[y0 + y][x0], *lower = c->background[y0 + y + 1][x0];
        float *out = c->frame[y][0];
        for (int i = 0; i < SIDE * 3; i++) {
            const float left = upper[i] * (1 - fy) + lower[i] * fy;
            const float right = upper[i + 3] * (1 - fy) + lower[i + 3] * fy;
            out[i] = left * (1 - fx) + right * fx;
        }
    }
}

static int inside(double value)
{
    return value < 0 ? 0 : value > SIDE ? SIDE : (int)value;
}

/* A capsule from a to b: coverage = clip(radius + 1/2 - distance to the segment, 0, 1). */
static void render_capsule(clip *c, point a, point b, double radius, const float colour[3])
{
    const double reach = radius + 0.5, dx = b.x - a.x, dy = b.y - a.y, squared = fmax(dx * dx + dy * dy, 1e-6);
    const int x1 = inside(fmax(a.x, b.x) + reach + 1), y1 = inside(fmax(a.y, b.y) + reach + 1);
    for (int y = inside(fmin(a.y, b.y) - reach); y < y1; y++)
        for (int x = inside(fmin(a.x, b.x) - reach); x < x1; x++) {
            const double px = x - a.x, py = y - a.y, u = fmin(fmax((px * dx + py * dy) / squared, 0), 1);
            const double ex = px - u * dx, ey = py - u * dy;
            const float cover = (float)fmin(fmax(reach - sqrt(ex * ex + ey * ey), 0), 1);
            for (int i = 0; i < 3; i++) c->frame[y][x][i] = c->frame[y][x][i] * (1 - cover) + cover * colour[i];
        }
}

static void render_figure(clip *c, int t)
{
    enum { TRUNK, LIMB };
    static const struct {
        int from, to;
        double radius;
        int colour;
    } limbs[] = {{HIP, NECK, 1.5, TRUNK}, {NECK, EL_L, 1, LIMB},   {EL_L, HA_L, 0.9, LIMB},
                 {HIP, KN_L, 1.1, TRUNK}, {KN_L, FO_L, 1, TRUNK},  {NECK, EL_R, 1, LIMB},
                 {EL_R, HA_R, 0.9, LIMB}, {HIP, KN_R, 1.1, TRUNK}, {KN_R, FO_R, 1, TRUNK}};
    const figure *f = &c->body;
    const point *p = f->points[t];
    for (size_t i = 0; i < sizeof limbs / sizeof limbs[0]; i++)
        render_capsule(c, p[limbs[i].from], p[limbs[i].to], f->radius * limbs[i].radius, f->colours[limbs[i].colour]);
    render_capsule(c, p[HEAD], p[HEAD], f->length.head, f->colours[LIMB]);
}

static void expose(clip *c, int t, zoe__random *random, uint8_t *rgb)
{
    const float light = (float)c->light[t], *values = &c->frame[0][0][0];
    for (int i = 0; i < SIDE * SIDE * 3; i += 2) {
        const uint32_t bits = zoe__random_u32(random);
        for (int k = 0; k < 2; k++) {
            const float noise = c->noise[(bits >> 16 * k) % NOISE_STEPS], value = values[i + k] * light + noise + 0.5f;
            rgb[i + k] = (uint8_t)fminf(fmaxf(value, 0), 255);
        }
    }
}

static zoe_status draw(zoe_context *context, uint64_t seed, uint32_t index, int things, zoe__synth_clip *out)
{
    uint8_t *rgb = out->rgb;
    float *joints = out->points;
    (void)things;
    clip *c;
    ZOE_TRY(zoe__calloc(context, &c, 1, sizeof *c));
    zoe__random random;
    zoe__random_init(&random, seed, index, STREAM_FIGURE);
    draw_figure(&random, &c->body, (int)(index % KINDS));
    zoe__random_init(&random, seed, index, STREAM_BACKGROUND);
    draw_background(&random, c->background);
    zoe__random_init(&random, seed, index, STREAM_CAMERA);
    draw_camera(&random, c->camera);
    zoe__random_init(&random, seed, index, STREAM_LIGHT);
    for (int t = 0; t < FRAMES; t++) c->light[t] = zoe__random_between(&random, 0.85, 1.15);
    zoe__synth_noise_table(c->noise, NOISE_STEPS, 3); /* 737 280 draws are needed a clip */
    zoe__random_init(&random, seed, index, STREAM_NOISE);
    for (int t = 0; t < FRAMES; t++) {
        render_background(c, t);
        render_figure(c, t);
        expose(c, t, &random, rgb + (size_t)t * SIDE * SIDE * 3);
        for (int j = 0; j < JOINTS; j++) {
            joints[(t * JOINTS + j) * 2] = (float)c->body.points[t][j].x;
            joints[(t * JOINTS + j) * 2 + 1] = (float)c->body.points[t][j].y;
        }
    }
    out->kind[0] = (int)(index % KINDS);
    free(c);
    return ZOE_OK;
}

static void describe(FILE *out, const zoe__synth_world *world, const zoe__synth_clip *drawn, int things)
{
    const float *joints = drawn->points;
    (void)things;
    fprintf(out, "{\"kind\": \"%s\", \"fps\": %d, \"joints\": [", kinds[drawn->kind[0]], world->fps);
    for (int t = 0; t < FRAMES; t++) {
        fprintf(out, "%s\n[", t ? "," : "");
        for (int i = 0; i < JOINTS; i++, joints += 2) {
            fprintf(out, "%s[", i ? ", " : "");
            zoe__synth_print_numbers(out, joints, 2);
            fprintf(out, "]");
        }
        fprintf(out, "]");
    }
    fprintf(out, "\n]}\n");
}

const zoe__synth_world zoe__synth_motion = {
    .name = "motion",
    .kinds = kinds,
    .kind_count = KINDS,
    .width = SIDE,
    .height = SIDE,
    .frames = FRAMES,
    .fps = FPS,
    .ending = "mp4",
    .points = FRAMES * JOINTS * 2,
    .things = 1,
    .draw = draw,
    .describe = describe,
};
