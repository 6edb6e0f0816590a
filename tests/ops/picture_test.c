/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_picture(graph, "picture", x[0], x[1], options);
}

static const zoe_picture_options whole = {.height = 5, .width = 7, .std = {1, 1, 1}};
static const zoe_picture_options crop = {
    .height = 3, .width = 4, .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}};
static const zoe_picture_options caffe = {.height = 9,
                                          .width = 2,
                                          .mean = {0.408f, 0.459f, 0.482f},
                                          .std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
                                          .bgr = true};

/* Bytes; crops from two pixels before the edge to two past it, flips. */
static void fill(const op_case *test, int i, void *data, zoe__random *random)
{
    const zoe_picture_options *o = test->options;
    if (i == 0)
        for (size_t k = 0; k < zoe_shape_count(test->x[0]); k++)
            ((uint8_t *)data)[k] = (uint8_t)zoe__random_below(random, 256);
    for (int n = 0; i == 1 && n < test->x[1].n; n++) {
        int32_t *row = (int32_t *)data + test->x[1].c * n;
        row[0] = zoe__random_range(random, -2, test->x[0].h - o->height + 2);
        row[1] = zoe__random_range(random, -2, test->x[0].w - o->width + 2);
        row[2] = n % 2;
        row[3] = n % 8 - 1; /* orders of colours, and numbers that are none */
        if (test->x[1].c == 4) continue;
        row[4] = zoe__random_range(random, 0, 131072);
        row[5] = zoe__random_range(random, -20000, 20000);
    }
}

#define CASE(text, options, n, h, w)                                                                                   \
    text, build, options, .inputs = 2, .x = {{n, 3, h, w}, {n, 4, 1, 1}}, .dtype = {ZOE_U8, ZOE_I32}, .fill = fill,    \
                          .ties = true

static const op_case cases[] = {
    {CASE("whole", &whole, 2, 5, 7)},
    {CASE("crop", &crop, 9, 8, 9)},
    {CASE("caffe", &caffe, 3, 11, 5)},
    {"colours", build, &crop, .inputs = 2, .x = {{9, 3, 8, 9}, {9, 6, 1, 1}}, .dtype = {ZOE_U8, ZOE_I32}, .fill = fill,
     .ties = true},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

static void fill_hand(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)test;
    (void)random;
    for (int k = 0; i == 0 && k < 18; k++) ((uint8_t *)data)[k] = (uint8_t)(10 * k);
    if (i == 1) memcpy(data, (int32_t[]){1, 1, 1, 0}, 4 * sizeof(int32_t));
}

/* Bytes 0, 10, .. of 2 rows of 3 pixels; row 1, columns 1 and 2, flipped, blue first. */
static void figures_by_hand(void **state)
{
    (void)state;
    const zoe_picture_options o = {.height = 1, .width = 2, .mean = {0.5f, 0, 0}, .std = {1, 0.5f, 1}, .bgr = true};
    op_case test = {CASE("hand", &o, 1, 2, 3)};
    test.fill = fill_hand;
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *y = op_result_find(&host, "y")->data;
    const double wanted[6] = {170 / 255.0 - 0.5, 140 / 255.0 - 0.5, 320 / 255.0, 260 / 255.0, 150 / 255.0, 120 / 255.0};
    for (int k = 0; k < 6; k++) assert_float_equal(y[k], wanted[k], 1e-6);
    op_result_free(&host);
}

static void fill_colours(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)test;
    (void)random;
    if (i == 0) memcpy(data, (uint8_t[]){100, 50, 200, 255, 0, 10}, 6);
    if (i == 1) memcpy(data, (int32_t[]){0, 0, 0, 0, 0, 6554, 0, 0, 0, 0, 131072, 0}, 12 * sizeof(int32_t));
}

/* No saturation and a tenth of white added; twice the saturation, cut at both ends. */
static void colours_by_hand(void **state)
{
    (void)state;
    const zoe_picture_options o = {.height = 1, .width = 1, .std = {1, 1, 1}};
    const op_case test = {"hand",
                          build,
                          &o,
                          .inputs = 2,
                          .x = {{2, 3, 1, 1}, {2, 6, 1, 1}},
                          .dtype = {ZOE_U8, ZOE_I32},
                          .fill = fill_colours};
    op_result host;
    op_run(&host, &test, &(op_device){.name = "host"}, 0);
    const float *y = op_result_find(&host, "y")->data;
    const double grey = (29.9 + 29.35 + 22.8) / 255 + 6554 / 65536.0;
    const double wanted[6] = {grey, grey, grey, 1, 0, 0};
    for (int k = 0; k < 6; k++) assert_float_equal(y[k], wanted[k], 1e-6);
    op_result_free(&host);
}

static void mistakes(void **state)
{
    (void)state;
    const zoe_picture_options high = {.height = 6, .width = 7, .std = {1, 1, 1}}, flat = {.height = 5, .width = 7};
    const op_case a = {CASE("high", &high, 2, 5, 7)}, b = {CASE("flat", &flat, 2, 5, 7)};
    op_test_mistake(&a, ZOE_SHAPE, "picture (picture): crop 6x7 (height x width) is not within 5x7");
    op_test_mistake(&b, ZOE_CONFIG, "std[0] = 0 must be above 0");
    op_case c = {CASE("table", &whole, 2, 5, 7)};
    c.x[1].n = 3;
    op_test_mistake(&c, ZOE_SHAPE, "table is 3x4x1x1, wanted 2x4x1x1 or 2x6x1x1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(colours_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/picture", tests, NULL, NULL);
}
