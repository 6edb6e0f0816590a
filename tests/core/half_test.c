/* SPDX-License-Identifier: Apache-2.0
 *
 * All halves there and back, and each boundary between two neighbours: IEEE 754's rounding to nearest, ties to even. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/half.h"

/* Value of a half by the definition of the format. */
static double meaning(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const double magnitude = exponent ? ldexp(1 + fraction / 1024.0, exponent - 15) : ldexp(fraction / 1024.0, -14);
    return half >> 15 ? -magnitude : magnitude;
}

static void every_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        const float value = zoe__half_value((uint16_t)h);
        if ((h & 0x7c00) == 0x7c00) {
            assert_true(h & 0x3ff ? isnan(value) : isinf(value) && (value < 0) == (h >> 15));
            assert_true(h & 0x3ff ? isnan(zoe__half_value(zoe__half_of(value))) : zoe__half_of(value) == h);
            continue;
        }
        assert_true((double)value == meaning((uint16_t)h) && !signbit(value) == !(h >> 15));
        assert_int_equal(zoe__half_of(value), h);
    }
}

/* Between h and h + 1: the middle goes to the even one, what is next to it to the nearer one. */
static void every_middle(void **state)
{
    (void)state;
    for (uint16_t h = 0; h < 0x7bff; h++) {
        const uint16_t next = (uint16_t)(h + 1);
        const float middle = (float)((meaning(h) + meaning(next)) / 2);
        for (int sign = 0; sign < 2; sign++) {
            const uint16_t bit = sign ? 0x8000 : 0;
            const float s = sign ? -1.0f : 1.0f;
            assert_int_equal(zoe__half_of(s * middle), (h & 1 ? next : h) | bit);
            assert_int_equal(zoe__half_of(s * nextafterf(middle, 0)), h | bit);
            assert_int_equal(zoe__half_of(s * nextafterf(middle, INFINITY)), next | bit);
        }
    }
    assert_int_equal(zoe__half_of(65519.996f), 0x7bff);
    assert_int_equal(zoe__half_of(65520.0f), 0x7c00);
    assert_int_equal(zoe__half_of(-3e38f), 0xfc00);
    assert_int_equal(zoe__half_of(1e-30f), 0);
}

static void in_place(void **state)
{
    (void)state;
    float numbers[37], wanted[37];
    for (int i = 0; i < 37; i++) wanted[i] = numbers[i] = (float)(i * i - 300) / 8;
    zoe__halves_from_floats(numbers, 37);
    for (int i = 0; i < 37; i++) assert_int_equal(((uint16_t *)(void *)numbers)[i], zoe__half_of(wanted[i]));
    zoe__floats_from_halves(numbers, 37);
    assert_memory_equal(numbers, wanted, sizeof wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half),
        cmocka_unit_test(every_middle),
        cmocka_unit_test(in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
