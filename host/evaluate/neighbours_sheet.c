/* SPDX-License-Identifier: Apache-2.0
 *
 * The pictures of the protocol `neighbours`. Columns: the query; a frame that only its label would find (any of another
 * clip with the same one); what the run's best layer, random weights and pixels find. A green frame has the query's
 * label, a red one another. */
#include "evaluate/neighbours.h"

#include <stdlib.h>
#include <string.h>

#include "core/philox.h"
#include "report/image.h"

enum { SHOWN = 3, COLUMNS = 2 + 3 * SHOWN, CAPTION = 40, QUERY_STREAM = 0x5155 };

typedef struct sheet {
    zoe__neighbours *n;
    zoe__random random;
    zoe__thumb *thumbs;
    char (*captions)[CAPTION];
    size_t used;
} sheet;

/* One cell: a frame (SIZE_MAX: there is none) and, above its label, who found it. */
static void add(sheet *s, size_t frame, size_t query, uint32_t colour, const char *by, int place)
{
    const zoe__neighbours *n = s->n;
    const size_t bytes = (size_t)n->subject.spec.width * (size_t)n->subject.spec.height * 3;
    char *caption = s->captions[s->used], number[16] = "";
    zoe__thumb *thumb = &s->thumbs[s->used++];
    if (place > 0) zoe__format(number, sizeof number, " %d", place);
    zoe__format(caption, CAPTION, "%.20s%s\n%.15s", by, number,
                frame == SIZE_MAX ? "-" : zoe__neighbours_clip(n, frame)->label);
    *thumb = (zoe__thumb){.caption = caption};
    if (frame == SIZE_MAX) return;
    *thumb = (zoe__thumb){.rgb = n->rgb + frame * bytes,
                          .width = n->subject.spec.width,
                          .height = n->subject.spec.height,
                          .caption = caption,
                          .border = colour                               ? colour
                                    : n->label[frame] == n->label[query] ? ZOE__GREEN
                                                                         : ZOE__RED,
                          .border_thickness = 2};
}

/* A frame of the query's label out of another group, each as likely; SIZE_MAX: there is none. */
static size_t draw_by_label(sheet *s, size_t query)
{
    const zoe__neighbours *n = s->n;
    size_t chosen = SIZE_MAX;
    uint32_t met = 0;
    for (size_t i = 0; i < n->count; i++)
        if (n->label[i] == n->label[query] && n->group[i] != n->group[query] &&
            zoe__random_below(&s->random, ++met) == 0)
            chosen = i;
    return chosen;
}

static void add_row(sheet *s, size_t query)
{
    const zoe__neighbours *n = s->n;
    const zoe__layer_found *best = &n->layers[n->best];
    const struct {
        const char *name;
        const zoe__found *found;
    } by[3] = {{"trained", &best->trained}, {"random", &best->random}, {"pixels", &n->pixels}};
    add(s, query, query, ZOE__BLUE, "query", 0);
    add(s, draw_by_label(s, query), query, 0, "by label", 0);
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < SHOWN; i++) add(s, by[k].found->nearest[query][i], query, 0, by[k].name, i + 1);
}

/* A frame of each label in turn, drawn at random. */
static size_t draw_query(sheet *s, size_t row)
{
    const zoe__neighbours *n = s->n;
    size_t chosen = 0;
    uint32_t met = 0;
    for (size_t i = 0; i < n->count; i++)
        if (n->label[i] == row % n->labels && zoe__random_below(&s->random, ++met) == 0) chosen = i;
    return chosen;
}

zoe_status zoe__neighbours_place(zoe__neighbours *n)
{
    const char *out = zoe_options_text(n->options, "out");
    char folder[ZOE__PATH];
    bool fits = zoe__format(folder, sizeof folder, "%s", out ? out : ".");
    if (!out && n->subject.folder[0]) fits = zoe__format(folder, sizeof folder, "%s/report", n->subject.folder);
    fits = fits && zoe__format(n->sheet, sizeof n->sheet, "%s/neighbours.png", folder);
    ZOE_FAIL_IF(n->context, !fits, ZOE_DISK, "%.60s...: path too long", out ? out : n->subject.folder);
    return zoe__make_folder(n->context, folder);
}

zoe_status zoe__neighbours_draw(zoe__neighbours *n)
{
    sheet s = {.n = n};
    zoe__image image = {0};
    char title[256];
    const size_t wanted = (size_t)zoe_options_int(n->options, "queries"), rows = wanted < n->count ? wanted : n->count;
    zoe_status status = ZOE_OK;
    zoe__random_init(&s.random, n->subject.spec.seed, QUERY_STREAM, 0);
    ZOE_TRY_OUT(zoe__calloc(n->context, &s.thumbs, rows * COLUMNS, sizeof *s.thumbs));
    ZOE_TRY_OUT(zoe__calloc(n->context, &s.captions, rows * COLUMNS, sizeof *s.captions));
    for (size_t row = 0; row < rows; row++) add_row(&s, draw_query(&s, row));
    zoe__format(title, sizeof title,
                "nearest frames of other clips by cosine, layer %s; green: the query's label, red: another\n"
                "top-1: trained %.1f %%, random weights %.1f %%, pixels %.1f %%, chance %.1f %%",
                n->layers[n->best].name, 100 * n->layers[n->best].trained.shares.top1,
                100 * n->layers[n->best].random.shares.top1, 100 * n->pixels.shares.top1, 100 * n->chance.top1);
    const int width = n->subject.spec.width, scale = width >= 96 ? 1 : 96 / width > 4 ? 4 : (96 + width - 1) / width;
    ZOE_TRY_OUT(zoe__image_sheet(&image, n->context, title, s.thumbs, (int)rows, COLUMNS, scale));
    status = zoe__image_write_png(&image, n->context, n->sheet);
out:
    zoe__image_free(&image);
    free(s.thumbs);
    free(s.captions);
    return status;
}
