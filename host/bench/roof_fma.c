/* SPDX-License-Identifier: Apache-2.0
 *
 * What the device could do at most: fused multiply-adds in registers, by the chains of cl/roof.cl. */
#include "bench/bench.h"
#include "device/device.h"

enum { ACCUMULATORS = 10, STEPS = 100000, ROUNDS = 8, GROUP = 64, GROUPS_A_UNIT = 32 };

/* Best of some rounds with one width of vectors. */
static zoe_status measure(zoe_device *device, const char *name, int lanes, double *flops)
{
    const zoe_device_info *info = zoe_device_get_info(device);
    const bool vector = info->family == ZOE_FAMILY_VECTOR;
    const size_t local = vector ? 1 : GROUP,
                 global = info->compute_units * (vector ? 1 : (size_t)GROUP * GROUPS_A_UNIT);
    const int steps = vector ? STEPS : STEPS / 100;
    const float factor = 0.999f, term = 0.5f;
    zoe__mem *out = NULL;
    zoe__kernel *kernel = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__mem_new(&out, device, global * sizeof(float), "roof"));
    ZOE_TRY_OUT(zoe__kernel_new(&kernel, device, "roof", name, NULL));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 0, 'm', &out));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 1, 'i', &steps));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 2, 'f', &factor));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 3, 'f', &term));
    for (int round = 0; round <= ROUNDS; round++) { /* round 0 warms up */
        const double start = zoe__seconds();
        ZOE_TRY_OUT(zoe__kernel_run(kernel, 1, &global, &local, NULL));
        ZOE_TRY_OUT(zoe__device_finish(device));
        const double took = zoe__seconds() - start, done = 2.0 * ACCUMULATORS * lanes * steps * (double)global;
        if (round > 0 && done / took > *flops) *flops = done / took;
    }
out:
    zoe__kernel_free(&kernel);
    zoe__mem_free(&out);
    return status;
}

zoe_status zoe__roof_fma(zoe_device *device, double *flops)
{
    *flops = 0;
    if (zoe__device_is_host(device)) return ZOE_OK;
    if (zoe_device_get_info(device)->family != ZOE_FAMILY_VECTOR) return measure(device, "roof_fma_float4", 4, flops);
    ZOE_TRY(measure(device, "roof_fma_float8", 8, flops));
    return measure(device, "roof_fma_float16", 16, flops);
}
