/* SPDX-License-Identifier: Apache-2.0
 *
 * Does not compile: the error is on line 7. */

__kernel void broken(__global float *out)
{
    out[0] = no_such_name;
}
