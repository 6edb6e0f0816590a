/* SPDX-License-Identifier: Apache-2.0 */
#include "core/half.h"

#include <math.h>
#include <string.h>

enum { SIGN = 0x8000, INFINITE = 0x7c00, QUIET = 0x7e00 };

uint16_t zoe__half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & SIGN);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return sign | QUIET;
    if (magnitude >= 0x477ff000) return sign | INFINITE; /* 65520 */
    if (magnitude < 0x38800000)                          /* below 2^-14 halves are multiples of 2^-24 */
        return sign | (uint16_t)lrintf(fabsf(value) * 0x1p24f);
    const uint32_t rest = magnitude & 0x1fff, kept = (magnitude - 0x38000000) >> 13;
    return sign | (uint16_t)(kept + (rest > 0x1000 || (rest == 0x1000 && kept & 1)));
}

float zoe__half_value(uint16_t half)
{
    const float sign = half & SIGN ? -1.0f : 1.0f;
    const int exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * (float)fraction * 0x1p-24f;
    return sign * ldexpf((float)(fraction | 0x400), exponent - 25);
}

void zoe__halves_from_floats(void *memory, size_t count)
{
    char *at = memory;
    for (size_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, at + i * sizeof value, sizeof value);
        const uint16_t half = zoe__half_of(value);
        memcpy(at + i * sizeof half, &half, sizeof half);
    }
}

void zoe__floats_from_halves(void *memory, size_t count)
{
    char *at = memory;
    for (size_t i = count; i-- > 0;) {
        uint16_t half;
        memcpy(&half, at + i * sizeof half, sizeof half);
        const float value = zoe__half_value(half);
        memcpy(at + i * sizeof value, &value, sizeof value);
    }
}
