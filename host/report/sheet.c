/* SPDX-License-Identifier: Apache-2.0
 *
 * Contact sheets: one grid for all of them, so that samples, neighbours and errors look alike. */
#include <limits.h>

#include "core/core.h"
#include "report/image.h"

enum { GAP = 6, TEXT_COLOUR = 0x202020 };

typedef struct layout {
    int picture_width, picture_height; /* of the largest picture, border included */
    int caption_width, caption_height;
    int cell_width, cell_height; /* with the gap right of it and below */
    int top;                     /* height of the title */
} layout;

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static layout measure(const char *title, const zoe__thumb *thumbs, int cells, int scale)
{
    layout l = {0};
    for (int i = 0; i < cells; i++) {
        const zoe__thumb *thumb = &thumbs[i];
        if (thumb->rgb) {
            l.picture_width = larger(l.picture_width, thumb->width * scale + 2 * thumb->border_thickness);
            l.picture_height = larger(l.picture_height, thumb->height * scale + 2 * thumb->border_thickness);
        }
        int width = 0, height = 0;
        if (thumb->caption) zoe__image_text_size(thumb->caption, 1, &width, &height);
        l.caption_width = larger(l.caption_width, width);
        l.caption_height = larger(l.caption_height, height);
    }
    l.cell_width = larger(l.picture_width, l.caption_width) + GAP;
    l.cell_height = l.picture_height + (l.caption_height ? 2 + l.caption_height : 0) + GAP;
    if (title) zoe__image_text_size(title, 1, NULL, &l.top);
    if (title) l.top += GAP;
    return l;
}

static void draw_thumb(zoe__image *sheet, const zoe__thumb *thumb, const layout *l, int x, int y, int scale)
{
    const int thick = thumb->border_thickness;
    if (thumb->rgb) {
        zoe__image_frame(sheet, x, y, thumb->width * scale + 2 * thick, thumb->height * scale + 2 * thick, thick,
                         thumb->border);
        zoe__image_blit(sheet, x + thick, y + thick, thumb->rgb, thumb->width, thumb->height, scale);
    }
    /* A caption without a picture is a heading: it stands in the middle of the cell. */
    const int below = thumb->rgb ? l->picture_height + 2 : l->picture_height / 2;
    if (thumb->caption) zoe__image_text(sheet, x, y + below, thumb->caption, 1, TEXT_COLOUR);
}

zoe_status zoe__image_sheet(zoe__image *out, zoe_context *context, const char *title, const zoe__thumb *thumbs,
                            int rows, int columns, int scale)
{
    *out = (zoe__image){0};
    ZOE_FAIL_IF(context, rows < 1 || columns < 1 || rows > 4096 || columns > 4096 || scale < 1 || scale > 64,
                ZOE_CONFIG, "contact sheet of %d x %d cells at scale %d: cells must be in 1..4096, scale in 1..64",
                rows, columns, scale);
    const layout l = measure(title, thumbs, rows * columns, scale);
    int title_width = 0;
    if (title) zoe__image_text_size(title, 1, &title_width, NULL);
    int64_t width = (int64_t)columns * l.cell_width + GAP, height = (int64_t)rows * l.cell_height + l.top + GAP;
    if (width < title_width + 2 * GAP) width = title_width + 2 * GAP;
    ZOE_TRY(zoe__image_new(out, context, width > INT_MAX ? INT_MAX : (int)width,
                           height > INT_MAX ? INT_MAX : (int)height, ZOE__WHITE));
    if (title) zoe__image_text(out, GAP, GAP, title, 1, TEXT_COLOUR);
    for (int i = 0; i < rows * columns; i++)
        draw_thumb(out, &thumbs[i], &l, GAP + i % columns * l.cell_width, GAP + l.top + i / columns * l.cell_height,
                   scale);
    return ZOE_OK;
}
