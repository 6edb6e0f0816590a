/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "report/font.h"
#include "report/image.h"

static zoe_context *context;
static char folder[] = "/tmp/zoe-image-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK || !mkdtemp(folder);
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return rmdir(folder); /* fails when a test leaves a file, a temporary one too */
}

static uint32_t pixel(const zoe__image *image, int x, int y)
{
    const uint8_t *p = image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int count(const zoe__image *image, uint32_t colour)
{
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) n += pixel(image, x, y) == colour;
    return n;
}

static void make(zoe__image *image, int width, int height)
{
    assert_int_equal(zoe__image_new(image, context, width, height, 0x010203), ZOE_OK);
}

static void test_new(void **state)
{
    (void)state;
    zoe__image image;
    make(&image, 5, 3);
    assert_int_equal(count(&image, 0x010203), 15);
    zoe__image_free(&image);
    assert_null(image.rgb);
    zoe__image_free(&image);
    assert_int_equal(zoe__image_new(&image, context, 0, 3, 0), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "0 x 3"));
    assert_null(image.rgb);
    zoe_context_clear(context);
    assert_int_equal(zoe__image_new(&image, context, 3, 40000, 0), ZOE_CONFIG);
    zoe_context_clear(context);
}

static void test_fill_is_clipped(void **state)
{
    (void)state;
    zoe__image image;
    make(&image, 7, 5);
    zoe__image_fill(&image, -2, 3, 4, 100, 0xff0000);
    assert_int_equal(count(&image, 0xff0000), 2 * 2);
    assert_int_equal(pixel(&image, 1, 4), 0xff0000);
    assert_int_equal(pixel(&image, 2, 4), 0x010203);
    zoe__image_fill(&image, 7, 0, 3, 3, 0x00ff00);
    zoe__image_fill(&image, 0, -9, 3, 3, 0x00ff00);
    assert_int_equal(count(&image, 0x00ff00), 0);
    zoe__image_free(&image);
}

static void test_frame(void **state)
{
    (void)state;
    zoe__image image;
    make(&image, 12, 9);
    zoe__image_frame(&image, 1, 1, 10, 7, 2, 0xffffff);
    assert_int_equal(count(&image, 0xffffff), 10 * 7 - 6 * 3);
    assert_int_equal(pixel(&image, 0, 0), 0x010203);
    assert_int_equal(pixel(&image, 3, 3), 0x010203);
    assert_int_equal(pixel(&image, 2, 2), 0xffffff);
    assert_int_equal(pixel(&image, 10, 7), 0xffffff);
    zoe__image_free(&image);
}

static void test_blit_scales_and_clips(void **state)
{
    (void)state;
    const uint8_t source[2 * 2 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
    zoe__image image;
    make(&image, 8, 8);
    zoe__image_blit(&image, 1, 2, source, 2, 2, 3);
    assert_int_equal(count(&image, 0xff0000), 9);
    assert_int_equal(count(&image, 0x090909), 9);
    assert_int_equal(pixel(&image, 1, 2), 0xff0000);
    assert_int_equal(pixel(&image, 4, 2), 0x00ff00);
    assert_int_equal(pixel(&image, 3, 5), 0x0000ff);
    zoe__image_fill(&image, 0, 0, 8, 8, 0);
    zoe__image_blit(&image, -4, -4, source, 2, 2, 3); /* only 2 x 2 of the last square are inside */
    assert_int_equal(count(&image, 0x090909), 4);
    assert_int_equal(count(&image, 0), 60);
    zoe__image_free(&image);
}

static void test_every_glyph_is_drawn_and_unlike_the_others(void **state)
{
    (void)state;
    for (int a = 0; a < ZOE__FONT_COUNT; a++) {
        int ink = 0;
        for (int column = 0; column < ZOE__FONT_COLUMNS; column++) ink += zoe__font[a][column];
        assert_int_equal(ink == 0, a == 0); /* the space alone is empty */
        for (int b = 0; b < a; b++) assert_memory_not_equal(zoe__font[a], zoe__font[b], ZOE__FONT_COLUMNS);
    }
}

static void test_text(void **state)
{
    (void)state;
    zoe__image image, other;
    make(&image, 40, 40);
    make(&other, 40, 40);
    zoe__image_text(&image, 2, 3, "|\n_", 2, 0xffffff);
    assert_int_equal(count(&image, 0xffffff), (7 + 5) * 4);
    assert_int_equal(pixel(&image, 2 + 2 * 2, 3), 0xffffff);
    assert_int_equal(pixel(&image, 2, 3 + (9 + 7) * 2), 0xffffff);
    int width, height;
    zoe__image_text_size("ab\nabc\n", 2, &width, &height);
    assert_int_equal(width, 3 * 6 * 2);
    assert_int_equal(height, 3 * 9 * 2);
    zoe__image_fill(&image, 0, 0, 40, 40, 0x010203);
    zoe__image_text(&image, 0, 0, "\xc3\x1f\x7f", 1, 0xffffff);
    zoe__image_text(&other, 0, 0, "???", 1, 0xffffff);
    assert_memory_equal(image.rgb, other.rgb, 40 * 40 * 3);
    zoe__image_text(&image, 38, 36, "W", 3, 0xffffff); /* runs over the edge: clipped */
    zoe__image_free(&image);
    zoe__image_free(&other);
}

static void test_png_round_trip(void **state)
{
    (void)state;
    zoe__image image;
    make(&image, 13, 7);
    for (int i = 0; i < 13 * 7 * 3; i++) image.rgb[i] = (uint8_t)(i * 37);
    char path[256];
    assert_true(zoe__format(path, sizeof path, "%s/a.png", folder));
    for (int turn = 0; turn < 2; turn++) assert_int_equal(zoe__image_write_png(&image, context, path), ZOE_OK);
    png_image png = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&png, path));
    png.format = PNG_FORMAT_RGB;
    assert_int_equal(png.width, 13);
    assert_int_equal(png.height, 7);
    uint8_t back[13 * 7 * 3];
    assert_true(png_image_finish_read(&png, NULL, back, 0, NULL));
    assert_memory_equal(back, image.rgb, sizeof back);
    assert_int_equal(unlink(path), 0);
    zoe__image_free(&image);
}

static void test_png_errors_name_the_file(void **state)
{
    (void)state;
    zoe__image image;
    make(&image, 64, 64);
    char path[256];
    assert_true(zoe__format(path, sizeof path, "%s/absent/a.png", folder));
    assert_int_equal(zoe__image_write_png(&image, context, path), ZOE_DISK);
    assert_non_null(strstr(zoe_context_error(context), "absent/a.png"));
    zoe_context_clear(context);
    assert_true(zoe__format(path, sizeof path, "%s/folder.png", folder));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(zoe__image_write_png(&image, context, path), ZOE_DISK); /* and no temporary file is left */
    assert_non_null(strstr(zoe_context_error(context), "folder.png"));
    zoe_context_clear(context);
    assert_int_equal(rmdir(path), 0);
    zoe__image_free(&image);
}

static void test_full_disk(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) skip();
    zoe__image image;
    make(&image, 64, 64);
    char path[256], temporary[300];
    assert_true(zoe__format(path, sizeof path, "%s/a.png", folder));
    assert_true(zoe__format(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()));
    assert_int_equal(symlink("/dev/full", temporary), 0);
    assert_int_equal(zoe__image_write_png(&image, context, path), ZOE_DISK);
    assert_non_null(strstr(zoe_context_error(context), "a.png"));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(temporary, F_OK), 0);
    zoe_context_clear(context);
    zoe__image_free(&image);
}

static void test_sheet(void **state)
{
    (void)state;
    uint8_t red[4 * 3 * 3], blue[2 * 2 * 3];
    for (int i = 0; i < 12; i++) memcpy(red + 3 * i, (uint8_t[]){200, 0, 0}, 3);
    for (int i = 0; i < 4; i++) memcpy(blue + 3 * i, (uint8_t[]){0, 0, 200}, 3);
    const zoe__thumb thumbs[] = {
        {.rgb = red,
         .width = 4,
         .height = 3,
         .caption = "walk 0.93\nrank 7",
         .border = ZOE__GREEN,
         .border_thickness = 2},
        {.rgb = blue, .width = 2, .height = 2, .border = ZOE__RED, .border_thickness = 1},
        {.caption = "random"},
        {0},
    };
    zoe__image sheet;
    assert_int_equal(
        zoe__image_sheet(&sheet, context, "a title that is wider than both of the columns", thumbs, 2, 2, 5), ZOE_OK);
    assert_int_equal(count(&sheet, 0xc80000), 12 * 25);
    assert_int_equal(count(&sheet, 0x0000c8), 4 * 25);
    assert_int_equal(count(&sheet, ZOE__GREEN), 24 * 19 - 20 * 15);
    assert_int_equal(count(&sheet, ZOE__RED), 12 * 12 - 10 * 10);
    int width;
    zoe__image_text_size("a title that is wider than both of the columns", 1, &width, NULL);
    assert_true(sheet.width >= width);
    assert_true(count(&sheet, 0x202020) > 100);
    for (int y = 0; y < sheet.height; y++) assert_int_equal(pixel(&sheet, sheet.width - 1, y), ZOE__WHITE);
    zoe__image_free(&sheet);
    assert_int_equal(zoe__image_sheet(&sheet, context, NULL, thumbs, 0, 2, 5), ZOE_CONFIG);
    zoe_context_clear(context);
    assert_null(sheet.rgb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new),
        cmocka_unit_test(test_fill_is_clipped),
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_blit_scales_and_clips),
        cmocka_unit_test(test_every_glyph_is_drawn_and_unlike_the_others),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_png_round_trip),
        cmocka_unit_test(test_png_errors_name_the_file),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_sheet),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
