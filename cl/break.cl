/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrong numbers on purpose, for the tests of the self-test (ZOE_BREAK): every third of x changes. */

#define EVERY_THIRD                                                                                                    \
    int first = (int)get_global_id(0) * each, end = min(first + each, count), i = first + (3 - first % 3) % 3;         \
    i < end;                                                                                                           \
    i += 3

__kernel void break_floats(__global float *x, int count, int each)
{
    for (EVERY_THIRD) x[i] = 1.5f * x[i] + 0.25f;
}

__kernel void break_halves(__global half *x, int count, int each)
{
    for (EVERY_THIRD) vstore_half(1.5f * vload_half(i, x) + 0.25f, i, x);
}
