/* SPDX-License-Identifier: Apache-2.0 */
#include "report/image.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"
#include "report/font.h"

enum { SIDE_MAX = 32768 };

static void store(uint8_t *pixel, uint32_t colour)
{
    pixel[0] = (uint8_t)(colour >> 16);
    pixel[1] = (uint8_t)(colour >> 8);
    pixel[2] = (uint8_t)colour;
}

static uint8_t *at(zoe__image *image, int x, int y)
{
    return image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

static int clamp(int64_t value, int high)
{
    return value < 0 ? 0 : value > high ? high : (int)value;
}

zoe_status zoe__image_new(zoe__image *out, zoe_context *context, int width, int height, uint32_t colour)
{
    *out = (zoe__image){0};
    ZOE_FAIL_IF(context, width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX, ZOE_CONFIG,
                "image of %d x %d: each side must be in 1..%d", width, height, SIDE_MAX);
    ZOE_TRY(zoe__calloc(context, &out->rgb, (size_t)width * (size_t)height, 3));
    out->width = width;
    out->height = height;
    zoe__image_fill(out, 0, 0, width, height, colour);
    return ZOE_OK;
}

void zoe__image_free(zoe__image *image)
{
    if (!image) return;
    free(image->rgb);
    *image = (zoe__image){0};
}

void zoe__image_fill(zoe__image *image, int x, int y, int width, int height, uint32_t colour)
{
    const int x1 = clamp((int64_t)x + width, image->width), y1 = clamp((int64_t)y + height, image->height);
    for (int row = clamp(y, image->height); row < y1; row++)
        for (int column = clamp(x, image->width); column < x1; column++) store(at(image, column, row), colour);
}

void zoe__image_frame(zoe__image *image, int x, int y, int width, int height, int thickness, uint32_t colour)
{
    zoe__image_fill(image, x, y, width, thickness, colour);
    zoe__image_fill(image, x, y + height - thickness, width, thickness, colour);
    zoe__image_fill(image, x, y, thickness, height, colour);
    zoe__image_fill(image, x + width - thickness, y, thickness, height, colour);
}

void zoe__image_blit(zoe__image *image, int x, int y, const uint8_t *rgb, int width, int height, int scale)
{
    const int x0 = clamp(x, image->width), x1 = clamp((int64_t)x + (int64_t)width * scale, image->width);
    const int y0 = clamp(y, image->height), y1 = clamp((int64_t)y + (int64_t)height * scale, image->height);
    for (int row = y0; row < y1; row++) {
        const uint8_t *line = rgb + (size_t)((row - y) / scale) * (size_t)width * 3;
        for (int column = x0; column < x1; column++) memcpy(at(image, column, row), line + (column - x) / scale * 3, 3);
    }
}

static void draw_glyph(zoe__image *image, int x, int y, char character, int scale, uint32_t colour)
{
    const unsigned index = (unsigned char)character - (unsigned)ZOE__FONT_FIRST;
    const uint8_t *columns = zoe__font[index < ZOE__FONT_COUNT ? index : '?' - ZOE__FONT_FIRST];
    for (int column = 0; column < ZOE__FONT_COLUMNS; column++)
        for (int row = 0; row < ZOE__FONT_ROWS; row++)
            if (columns[column] >> row & 1)
                zoe__image_fill(image, x + column * scale, y + row * scale, scale, scale, colour);
}

void zoe__image_text(zoe__image *image, int x, int y, const char *text, int scale, uint32_t colour)
{
    for (int column = 0; *text; text++) {
        if (*text == '\n') {
            column = 0;
            y += ZOE__GLYPH_HEIGHT * scale;
        } else {
            draw_glyph(image, x + column++ * ZOE__GLYPH_WIDTH * scale, y, *text, scale, colour);
        }
    }
}

void zoe__image_text_size(const char *text, int scale, int *width, int *height)
{
    int lines = 1, column = 0, widest = 0;
    for (; *text; text++) {
        lines += *text == '\n';
        column = *text == '\n' ? 0 : column + 1;
        if (column > widest) widest = column;
    }
    if (width) *width = widest * ZOE__GLYPH_WIDTH * scale;
    if (height) *height = lines * ZOE__GLYPH_HEIGHT * scale;
}

/* The picture goes through libpng's simplified interface: it has no longjmp to leak past. */
static zoe_status write_stream(const zoe__image *image, zoe_context *context, const char *path, FILE *file)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height,
                     .format = PNG_FORMAT_RGB};
    errno = 0;
    const int written = png_image_write_to_stdio(&png, file, 0, image->rgb, image->width * 3, NULL);
    const int code = errno;
    png_image_free(&png);
    ZOE_FAIL_IF(context, !written, ZOE_DISK, "%s: cannot write the picture: %s", path,
                code ? strerror(code) : png.message);
    return ZOE_OK;
}

zoe_status zoe__image_write_png(const zoe__image *image, zoe_context *context, const char *path)
{
    char temporary[4096];
    ZOE_FAIL_IF(context, !zoe__format(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()), ZOE_DISK,
                "%.200s...: path is longer than %zu bytes", path, sizeof temporary);
    struct stat info; /* the rename would put a picture in the place of /dev/null */
    ZOE_FAIL_IF(context, stat(path, &info) == 0 && !S_ISREG(info.st_mode), ZOE_DISK,
                "%s: cannot write: it is there and not a regular file", path);
    FILE *file = fopen(temporary, "wb");
    ZOE_FAIL_IF(context, !file, ZOE_DISK, "%s: cannot write: %s", path, strerror(errno));
    zoe_status status = write_stream(image, context, path, file);
    if (fclose(file) != 0) status = zoe__fail(context, ZOE_DISK, "%s: cannot write: %s", path, strerror(errno));
    if (status == ZOE_OK && rename(temporary, path) != 0)
        status = zoe__fail(context, ZOE_DISK, "%s: cannot put the file in place: %s", path, strerror(errno));
    if (status != ZOE_OK) unlink(temporary);
    return status;
}
