/* SPDX-License-Identifier: Apache-2.0
 *
 * Wrong numbers on purpose, for the tests of the self-test (ZOE_BREAK): every third of x changes. */

__kernel void break_numbers(__global float *x, int count, int each)
{
    const int first = (int)get_global_id(0) * each, end = min(first + each, count);
    for (int i = first + (3 - first % 3) % 3; i < end; i += 3) x[i] = 1.5f * x[i] + 0.25f;
}
