/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory by lifetime: the largest block first, each at the lowest free place among those that live at the same time. */
#include "graph/state.h"

#include <stdlib.h>

static bool same_time(const zoe__block *a, const zoe__block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool same_place(const zoe__block *a, const zoe__block *b)
{
    return a->slab == b->slab && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

static int by_size(const void *a, const void *b)
{
    const zoe__block *x = *(zoe__block *const *)a, *y = *(zoe__block *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y; /* stable: the layout depends on nothing but the graph */
}

/* The lowest offset in slab where block overlaps none of the placed ones; SIZE_MAX when over limit. */
static size_t lowest(const zoe__block *block, zoe__block *const *placed, size_t count, int slab, size_t align,
                     size_t limit)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < count; i++) {
            const zoe__block *other = placed[i];
            if (other->slab != slab || !same_time(block, other)) continue;
            if (offset < other->offset + other->bytes && other->offset < offset + block->bytes) {
                offset = zoe__round_up(other->offset + other->bytes, align);
                moved = true;
            }
        }
    }
    return offset + block->bytes <= limit ? offset : SIZE_MAX;
}

static void mark_shared(zoe__block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (same_place(&blocks[i], &blocks[j])) blocks[i].shared = blocks[j].shared = true;
}

int zoe__arena_place(zoe__block *blocks, size_t count, size_t align, size_t limit, size_t *slab_bytes, int max_slabs)
{
    if (!count) return 0;
    zoe__block **order = calloc(count, sizeof *order);
    if (!order) return -1;
    for (size_t i = 0; i < count; i++) order[i] = &blocks[i];
    qsort(order, count, sizeof *order, by_size);
    int slabs = 0;
    for (size_t i = 0; i < count && slabs >= 0; i++) {
        zoe__block *block = order[i];
        block->shared = false;
        for (int slab = 0;; slab++) {
            if (slab == max_slabs || block->bytes > limit) {
                slabs = -1;
                break;
            }
            const size_t offset = lowest(block, order, i, slab, align, limit);
            if (offset == SIZE_MAX) continue;
            block->slab = slab;
            block->offset = offset;
            if (slab >= slabs) slab_bytes[slabs++] = 0;
            if (slab_bytes[slab] < offset + block->bytes) slab_bytes[slab] = offset + block->bytes;
            break;
        }
    }
    free(order);
    if (slabs > 0) mark_shared(blocks, count);
    return slabs;
}
