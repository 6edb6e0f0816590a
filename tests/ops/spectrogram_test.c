/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "op_test.h"
#include "spectrogram_golden.inc"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_spectrogram(graph, "spectrogram", x[0], ZOE_NO_VALUE, options);
}

static zoe_value build_gains(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_spectrogram(graph, "spectrogram", x[0], x[1], options);
}

/* A tone of another frequency in each sound, and noise. Gains between 0.9 and 1.1, and one of 0. */
static void fill(const op_case *test, int i, void *data, zoe__random *random)
{
    const int length = test->x[0].w;
    for (int n = 0; n < test->x[i].n; n++)
        if (i == 1)
            ((int32_t *)data)[n] = n == 1 ? 0 : zoe__random_range(random, 58982, 72090);
        else
            for (int k = 0; k < length; k++)
                ((float *)data)[n * length + k] =
                    0.1f * (float)sin(0.01 * (n + 1) * k) + 0.1f * (float)zoe__random_normal(random);
}

/* Sound in place of normal numbers, no gradient; the logarithm of a sum that is nearly 0 shows its rounding. */
#define CASE(text, options, n, l)                                                                                      \
    text, build, options, .inputs = 1, .x = {{n, 1, 1, l}}, .fill = fill, .ties = true, .both_lanes = true,            \
                          .tolerance = 1e-4
#define GAINS(text, options, n, l)                                                                                     \
    text, build_gains, options, .inputs = 2, .x = {{n, 1, 1, l}, {n, 1, 1, 1}}, .dtype = {ZOE_F32, ZOE_I32},           \
                                .fill = fill, .ties = true, .both_lanes = true, .tolerance = 1e-4

static const zoe_spectrogram_options l3 = {
    .window = 480, .hop = 240, .fft = 512, .log = true, .eps = 1e-5f, .pool_bins = 1, .pool_frames = 1, .std = 1};
static const zoe_spectrogram_options pooled = {.window = 480,
                                               .hop = 240,
                                               .fft = 512,
                                               .log = true,
                                               .eps = 1e-3f,
                                               .bins = 256,
                                               .pool_bins = 2,
                                               .pool_frames = 4,
                                               .mean = -3,
                                               .std = 1.5f};
static const zoe_spectrogram_options power = {
    .window = 100, .hop = 50, .fft = 128, .power = true, .pool_bins = 1, .pool_frames = 1, .std = 1};
static const zoe_spectrogram_options odd_window = {
    .window = 23, .hop = 7, .fft = 32, .pool_bins = 3, .pool_frames = 2, .std = 0.5f};
static const zoe_spectrogram_options smallest = {
    .window = 2, .hop = 1, .fft = 16, .pool_bins = 1, .pool_frames = 8, .std = 1};
static const zoe_spectrogram_options largest = {
    .window = 4096, .hop = 4096, .fft = 4096, .log = true, .eps = 1e-3f, .pool_bins = 1, .pool_frames = 1, .std = 1};
static const zoe_spectrogram_options large = {
    .window = 2048, .hop = 1024, .fft = 2048, .log = true, .eps = 1e-3f, .pool_bins = 1, .pool_frames = 1, .std = 1};
static const zoe_spectrogram_options mel = {.window = 480,
                                            .hop = 240,
                                            .fft = 512,
                                            .log = true,
                                            .eps = 1e-5f,
                                            .mels = 16,
                                            .rate = 48000,
                                            .high = 24000,
                                            .pool_bins = 1,
                                            .pool_frames = 1,
                                            .std = 1};
static const zoe_spectrogram_options mel_pooled = {.window = 200,
                                                   .hop = 80,
                                                   .fft = 256,
                                                   .power = true,
                                                   .log = true,
                                                   .eps = 1e-3f,
                                                   .mels = 40,
                                                   .rate = 8000,
                                                   .low = 50,
                                                   .high = 3800,
                                                   .pool_bins = 2,
                                                   .pool_frames = 2,
                                                   .std = 1};

static const op_case cases[] = {
    {CASE("a second for L3", &l3, 2, 48000)},
    {GAINS("pooled, with gains", &pooled, 3, 48240)},
    {CASE("power", &power, 2, 777)},
    {CASE("odd window", &odd_window, 3, 100)},
    {GAINS("smallest transform", &smallest, 2, 20)},
    {CASE("largest transform", &largest, 1, 8200)},
    {CASE("largest of the vector family", &large, 1, 3100)},
    {CASE("one frame", &l3, 1, 480)},
    {CASE("mel", &mel, 2, 2000)},
    {GAINS("mel, pooled", &mel_pooled, 2, 1100)},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

/* ---- PyTorch ---- */

static void fill_golden(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    for (int k = 0; k < test->x[i].w; k++) ((float *)data)[k] = (float)((k * 37 + 11) % 257 - 128) / 256;
}

static void check_golden(const char *name, const zoe_spectrogram_options *options, int samples, const double *wanted,
                         size_t count)
{
    op_result host;
    op_case test = {CASE("golden", options, 1, samples)};
    test.fill = fill_golden;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const op_tensor *y = op_result_find(&host, "y");
    assert_int_equal(y->count, count);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)y->data[i] - wanted[i]) <= 2e-6 * fmax(1, fabs(wanted[i]))))
            fail_msg("%s[%zu] is %.9g, PyTorch %.9g", name, i, (double)y->data[i], wanted[i]);
    op_result_free(&host);
}

static void like_pytorch(void **state)
{
    (void)state;
    check_golden("l3", &l3, 480, golden_l3, COUNT(golden_l3));
    check_golden("power", &power, 250, golden_power, COUNT(golden_power));
    check_golden("mel", &mel, 1200, golden_mel, COUNT(golden_mel));
    check_golden("pooled", &pooled, 480 + 7 * 240, golden_pooled, COUNT(golden_pooled));
}

/* ---- tones: the loudest bin is that of the tone ---- */

static double tone; /* Hz */

static void fill_tone(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    for (int k = 0; k < test->x[i].w; k++) ((float *)data)[k] = 0.3f * (float)sin(6.283185307179586 * tone * k / 48000);
}

static void tones_peak_at_their_bin(void **state)
{
    (void)state;
    const char *name = op_test_device();
    op_case test = {CASE("tone", &l3, 1, 48000)};
    test.fill = fill_tone;
    for (int bin = 3; bin < 256; bin += 23) {
        op_result result;
        tone = bin * 48000.0 / 512;
        op_run(&result, &test, &(op_device){.name = name ? name : "host"}, OP_INFERENCE);
        const op_tensor *y = op_result_find(&result, "y");
        assert_int_equal(y->count, 257 * 199);
        for (int column = 0; column < 199; column++) {
            int best = 0;
            for (int k = 1; k < 257; k++)
                if (y->data[k * 199 + column] > y->data[best * 199 + column]) best = k;
            assert_int_equal(best, bin);
        }
        op_result_free(&result);
    }
}

static void mistakes(void **state)
{
    (void)state;
    zoe_spectrogram_options o = l3;
    op_case test = {CASE("short", &o, 2, 479)};
    op_test_mistake(&test, ZOE_SHAPE, "spectrogram (spectrogram): 479 samples give 257 rows and 0 columns");
    o.fft = 500;
    op_test_mistake(&test, ZOE_CONFIG, "fft: a power of 2 from 16 to 4096");
    o.fft = 256;
    op_test_mistake(&test, ZOE_CONFIG, "window: 2 to fft samples");
    o = l3;
    o.pool_frames = 3;
    op_test_mistake(&test, ZOE_CONFIG, "pool_frames: 1, 2, 4 or 8");
    o = l3;
    o.eps = 0;
    op_test_mistake(&test, ZOE_CONFIG, "eps: above 0 with log");
    o = mel;
    o.high = o.low;
    op_test_mistake(&test, ZOE_CONFIG, "0 <= low < high");
    o = l3;
    test.x[0] = (zoe_shape){2, 2, 1, 480};
    op_test_mistake(&test, ZOE_SHAPE, "sound is 2x2x1x480, wanted Nx1x1xL");
    op_case gains = {GAINS("gains", &l3, 2, 480)};
    gains.x[1].n = 3;
    op_test_mistake(&gains, ZOE_SHAPE, "gains must be of type I32, 2x1x1x1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(like_pytorch),
        cmocka_unit_test(tones_peak_at_their_bin),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/spectrogram", tests, NULL, NULL);
}
