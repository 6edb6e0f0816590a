/* SPDX-License-Identifier: Apache-2.0
 *
 * World `sounding`: what is heard is what is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "media/clips.h"

#include "core/core.h"
#include "media/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, FRAMES = 50, SAMPLES = 96000, KINDS = 8, FRAME_BYTES = SIDE * SIDE * 3 };

static const char *const kinds[KINDS] = {"bell", "reed", "hiss", "chirp", "flute", "buzz", "clicks", "thud"};

static char root[64];
static zoe_context *context;
static const zoe__synth_world *world;

static int set_up(void **state)
{
    (void)state;
    clip_folder(root);
    return zoe_context_new(&context) != ZOE_OK || zoe__synth_find(&world, context, "sounding") != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    clip_folder_remove(root);
    return 0;
}

static void draw(zoe__synth_clip *clip, uint64_t seed, uint32_t index, int things)
{
    *clip = (zoe__synth_clip){.rgb = malloc(FRAMES * FRAME_BYTES),
                              .points = calloc((size_t)world->points, sizeof(float)),
                              .pcm = malloc(SAMPLES * sizeof(float))};
    assert_true(clip->rgb && clip->points && clip->pcm);
    assert_int_equal(world->draw(context, seed, index, things, clip), ZOE_OK);
}

static void clear(zoe__synth_clip *clip)
{
    free(clip->rgb);
    free(clip->points);
    free(clip->pcm);
}

static void make(const char *set, bool pairs, int clips, int workers)
{
    const zoe_synth_options options = {
        .world = "sounding", .clips = clips, .seed = 21, .workers = workers, .pairs = pairs};
    assert_int_equal(zoe_synth(context, clip_path(root, set), &options), ZOE_OK);
}

static void content_depends_on_seed_and_index_alone(void **state)
{
    (void)state;
    make("one", false, 17, 1);
    make("many", false, 16, 3);
    for (int i = 0; i < 16; i++)
        for (int json = 0; json < 2; json++) {
            char a[64], b[64];
            size_t n, m;
            zoe__format(a, sizeof a, "one/%s/%05d.%s", kinds[i % KINDS], i, json ? "json" : "mkv");
            zoe__format(b, sizeof b, "many/%s/%05d.%s", kinds[i % KINDS], i, json ? "json" : "mkv");
            uint8_t *x = clip_read(clip_path(root, a), &n), *y = clip_read(clip_path(root, b), &m);
            assert_int_equal(n, m);
            assert_memory_equal(x, y, n);
            free(x);
            free(y);
        }
}

/* Through the file and the pack: the very samples that were drawn, in 16 bits; pictures but for what coding costs. */
static void reading_gives_what_was_drawn(void **state)
{
    (void)state;
    make("back", false, 8, 2);
    const char *path = clip_path(root, "back"), *folder = clip_path(root, "back.pack");
    zoe_pack *pack;
    zoe_reader *reader;
    assert_int_equal(zoe_pack_index(context, &path, 1, folder, NULL), ZOE_OK);
    assert_int_equal(zoe_pack_open(&pack, context, folder), ZOE_OK);
    assert_int_equal(zoe_reader_new(&reader, context, pack), ZOE_OK);
    assert_int_equal(zoe_pack_clips(pack), 8);
    float *pcm = malloc(SAMPLES * sizeof *pcm);
    uint8_t *rgb = malloc(FRAMES * FRAME_BYTES);
    int ranks[FRAMES];
    assert_true(pcm && rgb);
    for (int k = 0; k < FRAMES; k++) ranks[k] = k;
    for (size_t i = 0; i < 8; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        zoe__synth_clip drawn;
        draw(&drawn, 21, (uint32_t)strtol(strrchr(clip->path, '/') + 1, NULL, 10), 1);
        assert_string_equal(clip->label, kinds[drawn.kind[0]]);
        assert_int_equal(clip->frames, FRAMES);
        assert_int_equal(clip->sound.first, 0);
        assert_int_equal(clip->sound.samples, SAMPLES);
        assert_int_equal(zoe_reader_sound(reader, i, 0, SAMPLES, pcm), ZOE_OK);
        for (int k = 0; k < SAMPLES; k++) assert_true(pcm[k] == rintf(drawn.pcm[k] * 32768) / 32768);
        assert_int_equal(zoe_reader_frames(reader, i, ranks, FRAMES, 0, 0, rgb), ZOE_OK);
        double squares = 0;
        for (int k = 0; k < FRAMES * FRAME_BYTES; k++) squares += pow(rgb[k] - drawn.rgb[k], 2);
        assert_true(sqrt(squares / (FRAMES * FRAME_BYTES)) < 15); /* 7.65 of it is noise that no codec keeps */
        clear(&drawn);
    }
    free(pcm);
    free(rgb);
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
}

/* The parabola of y over frame number through three frames. */
static void parabola(const double y[3], double k, double out[3])
{
    const double a = (y[0] - 2 * y[1] + y[2]) / 2, b = (y[2] - y[0]) / 2 - 2 * a * (k + 1);
    out[0] = a, out[1] = b, out[2] = y[1] - a * (k + 1) * (k + 1) - b * (k + 1);
}

/* Times of impacts, s, from the boxes: where one flight's parabola meets the next one's. */
static int impacts(const float *boxes, double *out)
{
    int n = 0;
    double y[FRAMES];
    for (int k = 0; k < FRAMES; k++) y[k] = ((double)boxes[4 * k + 1] + (double)boxes[4 * k + 3]) / 2;
    for (int k = 2; k + 3 < FRAMES; k++) { /* an impact between k and k + 1: rows grow, then shrink */
        double p[3], q[3];
        parabola(&y[k - 2], k - 2, p);
        parabola(&y[k + 1], k + 1, q);
        if (!(y[k] > y[k - 1] && y[k + 1] > y[k + 2] && p[0] > 0 && q[0] > 0)) continue;
        const double a = p[0] - q[0], b = p[1] - q[1], c = p[2] - q[2];
        const double root_of = b * b - 4 * a * c > 0 ? sqrt(b * b - 4 * a * c) : 0;
        double t = -c / b; /* equal curvature: a straight line */
        if (fabs(a) > 1e-3 && fabs((-b + root_of) / (2 * a) - k - 0.5) < 1) t = (-b + root_of) / (2 * a);
        if (fabs(a) > 1e-3 && fabs((-b - root_of) / (2 * a) - k - 0.5) < 1) t = (-b - root_of) / (2 * a);
        if (t >= k - 0.1 && t <= k + 1.1) out[n++] = t / 25;
    }
    return n;
}

static double energy(const float *pcm, double from, double to)
{
    double sum = 0;
    for (int i = (int)(from * 48000); i < (int)(to * 48000); i++) sum += (double)pcm[i] * (double)pcm[i];
    return sum / ((to - from) * 48000);
}

/* Notes that begin at once are louder just after each impact than just before it. */
static void impacts_are_heard_when_they_are_seen(void **state)
{
    (void)state;
    static const int sudden[] = {2, 6, 7}; /* hiss, clicks, thud */
    int checked = 0;
    for (uint32_t round = 0; round < 4; round++)
        for (size_t i = 0; i < sizeof sudden / sizeof *sudden; i++) {
            zoe__synth_clip clip;
            double times[FRAMES];
            draw(&clip, 5, round * KINDS + (uint32_t)sudden[i], 1);
            const int n = impacts(clip.points, times);
            for (int k = 0; k < n; k++) {
                if (times[k] < 0.05 || times[k] > 1.9) continue;
                /* an impact on a frame fits two parabolas: leave it */
                if ((k && times[k] - times[k - 1] < 0.05) || (k + 1 < n && times[k + 1] - times[k] < 0.05)) continue;
                assert_true(energy(clip.pcm, times[k] + 0.001, times[k] + 0.011) >
                            5 * energy(clip.pcm, times[k] - 0.011, times[k] - 0.001));
                checked++;
            }
            clear(&clip);
        }
    assert_true(checked > 30);
}

static void check_thing(const json_t *thing, bool sounding)
{
    const json_t *boxes = json_object_get(thing, "boxes");
    assert_int_equal(json_is_true(json_object_get(thing, "sounding")), sounding);
    assert_int_equal(json_array_size(boxes), FRAMES);
    for (size_t k = 0; k < FRAMES; k++) {
        const json_t *box = json_array_get(boxes, k);
        double v[4];
        assert_int_equal(json_array_size(box), 4);
        for (size_t i = 0; i < 4; i++) v[i] = json_number_value(json_array_get(box, i));
        assert_true(v[2] - v[0] > 15.9 && v[2] - v[0] < 26.1 && fabs(v[2] - v[0] - v[3] + v[1]) < 0.03);
        assert_true(v[0] > -3 && v[2] < SIDE + 3 && v[1] > -0.1 && v[3] < SIDE);
    }
}

static void boxes_are_told(void **state)
{
    (void)state;
    for (int pairs = 0; pairs < 2; pairs++) {
        int left = 0;
        make(pairs ? "two" : "single", pairs, 16, 2);
        for (int i = 0; i < 16; i++) {
            char name[64];
            zoe__format(name, sizeof name, "%s/%s/%05d.json", pairs ? "two" : "single", kinds[i % KINDS], i);
            json_t *file = json_load_file(clip_path(root, name), 0, NULL);
            const json_t *things = json_object_get(file, "things"), *first = json_array_get(things, 0);
            assert_int_equal(json_integer_value(json_object_get(file, "fps")), 25);
            assert_int_equal(json_array_size(things), 1 + pairs);
            assert_string_equal(json_string_value(json_object_get(first, "kind")), kinds[i % KINDS]);
            check_thing(first, true);
            if (pairs) {
                const json_t *other = json_array_get(things, 1);
                check_thing(other, false);
                assert_string_not_equal(json_string_value(json_object_get(other, "kind")), kinds[i % KINDS]);
                const json_t *box = json_array_get(json_object_get(first, "boxes"), 25);
                left += json_number_value(json_array_get(box, 0)) < SIDE / 2.0 - 13;
            }
            json_decref(file);
        }
        if (pairs) assert_in_range(left, 3, 13); /* either side */
    }
}

/* Loudness and noise are in their ranges; what is drawn is not black, not white, not the same twice. */
static void sounds_are_within_their_ranges(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 24; i++) {
        zoe__synth_clip clip, next;
        draw(&clip, 9, i, 1);
        draw(&next, 9, i + KINDS, 1);
        float peak = 0;
        for (int k = 0; k < SAMPLES; k++) peak = fmaxf(peak, fabsf(clip.pcm[k]));
        assert_true(peak > 0.29f && peak < 0.95f);
        assert_memory_not_equal(clip.pcm, next.pcm, SAMPLES * sizeof(float));
        assert_memory_not_equal(clip.rgb, next.rgb, FRAMES * FRAME_BYTES);
        clear(&clip);
        clear(&next);
    }
}

static void other_worlds_have_no_pairs(void **state)
{
    (void)state;
    const zoe_synth_options options = {.world = "motion", .clips = 1, .pairs = true};
    assert_int_equal(zoe_synth(context, clip_path(root, "none"), &options), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "two things"));
    zoe_context_clear(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_depends_on_seed_and_index_alone), cmocka_unit_test(reading_gives_what_was_drawn),
        cmocka_unit_test(impacts_are_heard_when_they_are_seen),    cmocka_unit_test(boxes_are_told),
        cmocka_unit_test(sounds_are_within_their_ranges),          cmocka_unit_test(other_worlds_have_no_pairs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
