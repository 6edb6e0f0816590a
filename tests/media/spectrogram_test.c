/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's spectrogram against its definition, summed in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/core.h"
#include "core/philox.h"

#include <zoe/media.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static zoe_context *context;

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return 0;
}

static float *spectrum(const zoe_spectrum_options *o, const float *pcm, size_t n, int *bins, int *frames)
{
    assert_int_equal(zoe_spectrum_shape(context, o, n, bins, frames), ZOE_OK);
    float *out = malloc((size_t)*bins * (size_t)*frames * sizeof *out);
    assert_non_null(out);
    assert_int_equal(zoe_spectrum(context, o, pcm, n, out), ZOE_OK);
    return out;
}

/* |X| of one bin of one frame. */
static double magnitude(const zoe_spectrum_options *o, const float *pcm, int bin)
{
    double re = 0, im = 0;
    for (int i = 0; i < o->window; i++) {
        const double x = (double)pcm[i] * (0.5 - 0.5 * cos(2 * PI * i / o->window)), a = 2 * PI * i * bin / o->fft;
        re += x * cos(a);
        im -= x * sin(a);
    }
    return hypot(re, im);
}

static void check(const zoe_spectrum_options *o, int n)
{
    int bins, frames;
    float *pcm = malloc((size_t)n * sizeof *pcm);
    zoe__random random;
    zoe__random_init(&random, 3, (uint64_t)n, 1);
    for (int i = 0; i < n; i++) pcm[i] = (float)zoe__random_between(&random, -1, 1) * (i < n / 2 ? 1 : 1e-6f);
    float *weights = calloc((size_t)(o->mels * (o->fft / 2 + 1)), sizeof *weights);
    assert_true(pcm && (weights || !o->mels));
    if (o->mels) zoe_spectrum_mel(o, weights);
    float *out = spectrum(o, pcm, (size_t)n, &bins, &frames);
    for (int f = 0; f < frames; f += 3)
        for (int b = 0; b < bins; b += 7) {
            double x = 0;
            for (int k = o->mels ? 0 : b; k <= (o->mels ? o->fft / 2 : b); k++) {
                const double m = magnitude(o, pcm + f * o->hop, k);
                x += (o->power ? m * m : m) * (o->mels ? (double)weights[b * (o->fft / 2 + 1) + k] : 1);
            }
            assert_true(fabs((double)out[b * frames + f] - log(x + o->epsilon)) < 2e-6);
        }
    free(out);
    free(weights);
    free(pcm);
}

static void holds_what_is_defined(void **state)
{
    (void)state;
    zoe_spectrum_options o = zoe_spectrum_options_default();
    check(&o, 4800);
    o.power = true;
    check(&o, 3000);
    o = (zoe_spectrum_options){.window = 200, .hop = 80, .fft = 256, .epsilon = 1e-3, .mels = 16, .rate = 8000};
    check(&o, 1000);
    o = (zoe_spectrum_options){.window = 64, .hop = 7, .fft = 64, .epsilon = 1};
    check(&o, 500);
}

/* A second at 48 kHz is 257 x 199; a tone of f Hz has its peak at bin f * 512 / 48000; silence is log(1e-5). */
static void tones_peak_at_their_bin(void **state)
{
    (void)state;
    enum { N = 48000 };
    float *pcm = malloc(N * sizeof *pcm);
    assert_non_null(pcm);
    const zoe_spectrum_options o = zoe_spectrum_options_default();
    for (int hertz = 300; hertz < 24000; hertz += 1700) {
        int bins, frames;
        for (int i = 0; i < N; i++) pcm[i] = 0.5f * (float)sin(2 * PI * hertz * i / N);
        float *out = spectrum(&o, pcm, N, &bins, &frames);
        assert_int_equal(bins, 257);
        assert_int_equal(frames, 199);
        for (int f = 0; f < frames; f++) {
            int best = 0;
            for (int b = 1; b < bins; b++)
                if (out[b * frames + f] > out[best * frames + f]) best = b;
            assert_true(fabs(best - hertz * 512.0 / 48000) <= 0.75);
        }
        free(out);
    }
    memset(pcm, 0, N * sizeof *pcm);
    int bins, frames;
    float *out = spectrum(&o, pcm, N, &bins, &frames);
    for (int i = 0; i < bins * frames; i++) assert_true(fabs((double)out[i] - log(1e-5)) < 1e-6);
    free(out);
    free(pcm);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    const zoe_spectrum_options good = zoe_spectrum_options_default();
    zoe_spectrum_options bad[6] = {good, good, good, good, good, good};
    bad[0].fft = 500, bad[1].window = 513, bad[2].hop = 0, bad[3].epsilon = 0, bad[4].mels = -1, bad[5].window = 0;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(zoe_spectrum_shape(context, &bad[i], 48000, NULL, NULL), ZOE_CONFIG);
        zoe_context_clear(context);
    }
    assert_int_equal(zoe_spectrum_shape(context, &good, 479, NULL, NULL), ZOE_CONFIG);
    zoe_context_clear(context);
    assert_int_equal(zoe_spectrum_shape(context, &good, 480, NULL, NULL), ZOE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_is_defined),
        cmocka_unit_test(tones_peak_at_their_bin),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
