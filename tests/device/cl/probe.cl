/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of the device tests only. */

/* out[i] = a * in[i] + b + shift, with one argument of each kind; scratch passes through local memory. in may be null: zeros. */
__kernel void probe_affine(__global const float *in, __global float *out, const int n, const float a, const uint shift,
                           __local float *scratch)
{
    const int i = get_global_id(0);
    if (i >= n) return;
    scratch[get_local_id(0)] = in ? in[i] : 0.0f;
    out[i] = a * scratch[get_local_id(0)] + (float)shift;
}

/* out[i] = Philox(key, (i, 1, 2, 3)). */
__kernel void probe_philox(__global uint4 *out, const uint key0, const uint key1)
{
    const uint i = get_global_id(0);
    out[i] = zoe_philox((uint2)(key0, key1), (uint4)(i, 1u, 2u, 3u));
}

/* What the host defined: {family is vector, lanes, PROBE}. */
#ifndef PROBE
#define PROBE 0
#endif
__kernel void probe_defines(__global int *out)
{
#ifdef ZOE_FAMILY_VECTOR
    out[0] = 1;
#else
    out[0] = 0;
#endif
    out[1] = ZOE_LANES;
    out[2] = PROBE;
}
