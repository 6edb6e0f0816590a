/* SPDX-License-Identifier: Apache-2.0
 *
 * The known answers are those that the authors publish with Random123 (kat_vectors, philox4x32 10). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/normals.h"
#include "core/parallel.h"
#include "core/philox.h"

static void known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } rows[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const zoe__philox4 out = zoe__philox(rows[i].key, rows[i].counter);
        for (int k = 0; k < 4; k++)
            if (out.v[k] != rows[i].answer[k])
                fail_msg("vector %zu, word %d: 0x%08x, expected 0x%08x", i, k, out.v[k], rows[i].answer[k]);
    }
}

/* A stream is the blocks of its counter one after the other: position first, then the stream's three words. */
static void a_stream_is_its_counters(void **state)
{
    (void)state;
    const uint64_t seed = 0x0123456789abcdefu, a = 0xfedcba9876543210u;
    const uint32_t b = 0xdeadbeef;
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    zoe__random random;
    zoe__random_init(&random, seed, a, b);
    for (uint32_t position = 0; position < 3; position++) {
        const uint32_t counter[4] = {position, 0x76543210, 0xfedcba98, b};
        const zoe__philox4 block = zoe__philox(key, counter);
        for (int k = 0; k < 4; k++) assert_int_equal(zoe__random_u32(&random), block.v[k]);
    }
}

static uint64_t first_words(uint64_t seed, uint64_t a, uint32_t b)
{
    zoe__random random;
    zoe__random_init(&random, seed, a, b);
    const uint64_t high = zoe__random_u32(&random);
    return high << 32 | zoe__random_u32(&random);
}

static void streams_differ(void **state)
{
    (void)state;
    const uint64_t first = first_words(1, 2, 3);
    assert_true(first == first_words(1, 2, 3));
    assert_true(first != first_words(2, 2, 3));
    assert_true(first != first_words(1, 3, 3));
    assert_true(first != first_words(1, 2, 4));
    assert_true(first != first_words(1 + (UINT64_C(1) << 32), 2, 3)); /* the high words count too */
    assert_true(first != first_words(1, 2 + (UINT64_C(1) << 32), 3));
}

static void below_is_in_range_and_even(void **state)
{
    (void)state;
    enum { SIDES = 6, DRAWS = 60000 };
    int count[SIDES] = {0};
    zoe__random random;
    zoe__random_init(&random, 5, 0, 0);
    for (int i = 0; i < DRAWS; i++) {
        const uint32_t x = zoe__random_below(&random, SIDES);
        assert_true(x < SIDES);
        count[x]++;
    }
    for (int i = 0; i < SIDES; i++) assert_in_range(count[i], DRAWS / SIDES - 400, DRAWS / SIDES + 400); /* 4.4 sd */
    for (int i = 0; i < 100; i++) assert_int_equal(zoe__random_below(&random, 1), 0);
    bool high = false;
    for (int i = 0; i < 100; i++) high = high || zoe__random_below(&random, UINT32_MAX) > UINT32_MAX / 2;
    assert_true(high);
}

static void range_has_both_ends(void **state)
{
    (void)state;
    bool low = false, high = false;
    zoe__random random;
    zoe__random_init(&random, 6, 0, 0);
    for (int i = 0; i < 200; i++) {
        const int x = zoe__random_range(&random, -2, 2);
        assert_true(x >= -2 && x <= 2);
        low = low || x == -2;
        high = high || x == 2;
    }
    assert_true(low && high);
    assert_int_equal(zoe__random_range(&random, 7, 7), 7);
}

static void moments(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    double uniform = 0, sum = 0, squares = 0, fourth = 0;
    zoe__random random;
    zoe__random_init(&random, 7, 0, 0);
    for (int i = 0; i < DRAWS; i++) {
        const double u = zoe__random_uniform(&random), x = zoe__random_normal(&random);
        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(x));
        uniform += u;
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    assert_true(fabs(uniform / DRAWS - 0.5) < 0.004); /* 4.4 sd */
    assert_true(fabs(sum / DRAWS) < 0.014);
    assert_true(fabs(squares / DRAWS - 1) < 0.02);
    assert_true(fabs(fourth / DRAWS - 3) < 0.14);
    for (int i = 0; i < 100; i++) {
        const double x = zoe__random_between(&random, -3, -2);
        assert_true(x >= -3 && x < -2);
    }
}

/* By the million they are the same numbers, from wherever one starts. */
static void many_normals_are_the_same(void **state)
{
    (void)state;
    enum { COUNT = 20011 };
    static float all[COUNT], part[COUNT];
    zoe__random stream, fresh;
    zoe__random_init(&stream, 8, 9, 10);
    fresh = stream;
    zoe__normals(&fresh, 0, COUNT, 0.5, all);
    for (int i = 0; i < COUNT; i++) {
        const float wanted = (float)(0.5 * zoe__random_normal(&stream));
        assert_true(fabsf(all[i] - wanted) <= 1.2e-7f * fabsf(wanted));
    }
    zoe__normals(&fresh, 77, 1001, 0.5, part);
    assert_memory_equal(part, all + 77, 1001 * sizeof *part);
}

static void add_one(size_t first, size_t count, void *user)
{
    int *items = user;
    for (size_t i = first; i < first + count; i++) items[i]++;
}

static void every_item_once(void **state)
{
    (void)state;
    static int items[10007];
    const size_t counts[] = {0, 1, 99, 100, 101, 1000, 10007};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        memset(items, 0, sizeof items);
        zoe__parallel(counts[c], 100, add_one, items);
        for (size_t i = 0; i < 10007; i++) assert_int_equal(items[i], i < counts[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_stream_is_its_counters),
        cmocka_unit_test(streams_differ),
        cmocka_unit_test(below_is_in_range_and_even),
        cmocka_unit_test(range_has_both_ends),
        cmocka_unit_test(moments),
        cmocka_unit_test(many_normals_are_the_same),
        cmocka_unit_test(every_item_once),
    };
    return cmocka_run_group_tests_name("core/philox", tests, NULL, NULL);
}
