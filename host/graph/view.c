/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain NCHW at the door, nChw8c with a halo inside. */
#include "graph/state.h"

#include <string.h>

#include "core/half.h"

size_t zoe__view_floats(zoe_shape shape, int halo, bool planar)
{
    const size_t planes = planar ? (size_t)shape.c : zoe__round_up((size_t)shape.c, 8);
    return (size_t)shape.n * planes * (size_t)(shape.h + 2 * halo) * (size_t)(shape.w + 2 * halo);
}

size_t zoe__view_offset(const zoe__view *view, int n, int c, int h, int w)
{
    const size_t rows = (size_t)(view->shape.h + 2 * view->halo), columns = (size_t)(view->shape.w + 2 * view->halo);
    const size_t row = (size_t)(h + view->halo), column = (size_t)(w + view->halo);
    if (view->planar) return (((size_t)n * (size_t)view->c8 + (size_t)c) * rows + row) * columns + column;
    return ((((size_t)n * (size_t)view->c8 + (size_t)(c / 8)) * rows + row) * columns + column) * 8 + (size_t)(c % 8);
}

int zoe__view_step(const zoe__view *view)
{
    return view->planar ? 1 : 8;
}

void zoe__view_pack(const zoe__view *view, const float *plain, float *raw)
{
    memset(raw, 0, view->floats * sizeof *raw);
    const int step = zoe__view_step(view);
    for (int n = 0; n < view->shape.n; n++)
        for (int c = 0; c < view->shape.c; c++)
            for (int h = 0; h < view->shape.h; h++) {
                float *row = raw + zoe__view_offset(view, n, c, h, 0);
                for (int w = 0; w < view->shape.w; w++) row[w * step] = *plain++;
            }
}

void zoe__view_unpack(const zoe__view *view, const float *raw, float *plain)
{
    const int step = zoe__view_step(view);
    for (int n = 0; n < view->shape.n; n++)
        for (int c = 0; c < view->shape.c; c++)
            for (int h = 0; h < view->shape.h; h++) {
                const float *row = raw + zoe__view_offset(view, n, c, h, 0);
                for (int w = 0; w < view->shape.w; w++) *plain++ = row[w * step];
            }
}

zoe_status zoe__view_read(const zoe__view *view, float *raw)
{
    ZOE_TRY(zoe__mem_read(view->mem, 0, raw, view->floats * view->number));
    if (view->number == sizeof(uint16_t)) zoe__floats_from_halves(raw, view->floats);
    return ZOE_OK;
}

void zoe__view_narrow(const zoe__view *view, float *raw)
{
    if (view->number == sizeof(uint16_t)) zoe__halves_from_floats(raw, view->floats);
}
