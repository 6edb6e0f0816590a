/* SPDX-License-Identifier: Apache-2.0
 *
 * The arena: nothing that lives at the same time overlaps, alignment, limits, and that sharing saves memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/philox.h"
#include "graph/state.h"

enum { BLOCKS = 120, ALIGN = 128 };

static void assert_no_overlap(const zoe__block *blocks, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++) {
            const zoe__block *a = &blocks[i], *b = &blocks[j];
            const bool same_time = a->first <= b->last && b->first <= a->last;
            const bool same_place =
                a->slab == b->slab && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
            assert_false(same_time && same_place);
            if (same_place) assert_true(a->shared && b->shared);
        }
}

static void random_blocks_never_overlap(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        zoe__random random;
        zoe__random_init(&random, seed, 0, 0);
        zoe__block blocks[BLOCKS] = {{0}};
        size_t total = 0, slab_bytes[8];
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i].bytes = 128u * (1 + zoe__random_below(&random, 50));
            blocks[i].first = zoe__random_range(&random, 0, 60);
            blocks[i].last = blocks[i].first + zoe__random_range(&random, 0, 12);
            total += blocks[i].bytes;
        }
        const int slabs = zoe__arena_place(blocks, BLOCKS, ALIGN, SIZE_MAX / 2, slab_bytes, 8);
        assert_int_equal(slabs, 1);
        assert_no_overlap(blocks, BLOCKS);
        assert_true(slab_bytes[0] < total / 2); /* lives are a fifth of the time: at least half is saved */
        for (int i = 0; i < BLOCKS; i++) assert_int_equal(blocks[i].offset % ALIGN, 0);
    }
}

static void small_limit_makes_several_slabs(void **state)
{
    (void)state;
    zoe__block blocks[6] = {{0}};
    size_t slab_bytes[8];
    for (int i = 0; i < 6; i++) blocks[i] = (zoe__block){.bytes = 1024, .first = 0, .last = 9};
    assert_int_equal(zoe__arena_place(blocks, 6, ALIGN, 2048, slab_bytes, 8), 3);
    assert_no_overlap(blocks, 6);
    assert_int_equal(slab_bytes[2], 2048);
    assert_int_equal(zoe__arena_place(blocks, 6, ALIGN, 2048, slab_bytes, 2), -1); /* too few slabs */
    assert_int_equal(zoe__arena_place(blocks, 6, ALIGN, 1000, slab_bytes, 8), -1); /* a block over the limit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_blocks_never_overlap),
        cmocka_unit_test(small_limit_makes_several_slabs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
