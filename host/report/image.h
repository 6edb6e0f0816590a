/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures in memory: rectangles, thumbnails, text, contact sheets, PNG files. Internal.
 *
 * Colours are 0xRRGGBB. Drawing is clipped to the image: nothing outside is an error. A fault of memory or disk goes to
 * the context. */
#ifndef ZOE_REPORT_IMAGE_H
#define ZOE_REPORT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

/* RGB bytes [height][width][3], without padding. A zeroed struct is an empty image. */
typedef struct zoe__image {
    int width, height;
    uint8_t *rgb;
} zoe__image;

enum { ZOE__GLYPH_WIDTH = 6, ZOE__GLYPH_HEIGHT = 9 }; /* cell of one character at scale 1, gaps included */

enum {
    ZOE__BLACK = 0x000000,
    ZOE__WHITE = 0xffffff,
    ZOE__GREY = 0x808080,
    ZOE__GREEN = 0x2e9e44, /* right, in order */
    ZOE__RED = 0xd03a3a,   /* wrong, out of order */
    ZOE__BLUE = 0x2f6fd0   /* neither: a query, a reference */
};

/* Fills *out with a new image of one colour; the caller frees it. ZOE_CONFIG: a side outside 1..32768; ZOE_MEMORY. */
zoe_status zoe__image_new(zoe__image *out, zoe_context *context, int width, int height, uint32_t colour);

/* Frees the bytes and empties the struct; an empty image is fine. */
void zoe__image_free(zoe__image *image);

void zoe__image_fill(zoe__image *image, int x, int y, int width, int height, uint32_t colour);

/* A frame of `thickness` pixels just inside the rectangle. */
void zoe__image_frame(zoe__image *image, int x, int y, int width, int height, int thickness, uint32_t colour);

/* Draws rgb [height][width][3] with its corner at (x, y), each pixel as a square of scale x scale (scale >= 1). */
void zoe__image_blit(zoe__image *image, int x, int y, const uint8_t *rgb, int width, int height, int scale);

/* Draws text in the 5x8 font, upper left corner at (x, y); '\n' starts a new line, other bytes outside 32..126 show as
 * '?'. */
void zoe__image_text(zoe__image *image, int x, int y, const char *text, int scale, uint32_t colour);

/* Size of text in pixels: the widest line, all lines. Either pointer may be NULL. */
void zoe__image_text_size(const char *text, int scale, int *width, int *height);

/* Writes a PNG under a temporary name in the same folder and renames it, so that `path` is never half a file. ZOE_DISK.
 */
zoe_status zoe__image_write_png(const zoe__image *image, zoe_context *context, const char *path);

/* One cell of a contact sheet. Everything is borrowed. */
typedef struct zoe__thumb {
    const uint8_t *rgb;   /* [height][width][3]; NULL: no picture, the caption stands alone */
    int width, height;    /* of rgb */
    const char *caption;  /* below the picture, '\n' allowed; NULL: none */
    uint32_t border;      /* colour of the frame around it */
    int border_thickness; /* 0: no frame */
} zoe__thumb;

/* Makes a sheet of rows x columns cells (thumbs row by row) on white, `title` (NULL: none) above. Cells of one sheet
 * have one size, that of the largest picture and the widest caption. *out is new: the caller frees it. Errors as
 * zoe__image_new(). */
zoe_status zoe__image_sheet(zoe__image *out, zoe_context *context, const char *title, const zoe__thumb *thumbs,
                            int rows, int columns, int scale);

#endif
