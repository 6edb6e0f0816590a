/* SPDX-License-Identifier: Apache-2.0
 *
 * 8 or 16 lanes? No capability tells: a width that the hardware does in two halves (Zen 4) still takes half as many
 * instructions and has twice the room in registers, or else (AVX2) only spills. So it is measured, once, by the inner
 * loop of a convolution (cl/lanes.cl). Sums depend on the width, hence the answer is remembered: the same device with
 * the same driver keeps its bits. */
#include "device/opencl.h"

#include <stdlib.h>
#include <string.h>

#include "device/cache.h"

/* 64 Mflop in one work-item: half a millisecond with 16 lanes, which is less than a time slice, so that on a busy
 * machine some rounds still have a core to themselves. */
enum { DEPTH = 64, ROWS_8 = 6, ROWS_16 = 14, ROUNDS = 15 }; /* as in lanes.cl */
enum {
    FLOPS = 64 << 20,
    PASSES_8 = FLOPS / (DEPTH * ROWS_8 * 2 * 8 * 2),
    PASSES_16 = FLOPS / (DEPTH * ROWS_16 * 2 * 16 * 2)
};

/* At equal speed 16 lanes win: their kernels read each value for twice as many sums, also outside of this loop. On Zen
 * 4, where the loop gains 1.0 to 1.2, whole steps gain as much and more (docs/architecture.md). */
static const double LEAST_GAIN = 0.9;

typedef struct width {
    const char *kernel_name;
    int passes;
    zoe__kernel *kernel;
    double best; /* s */
} width;

static zoe_status prepare(zoe_device *device, width *w, const zoe__mem *data)
{
    const float value = 1e-3f;
    ZOE_TRY(zoe__kernel_new(&w->kernel, device, "lanes", w->kernel_name, NULL));
    ZOE_TRY(zoe__kernel_arg(w->kernel, 0, 'm', &data));
    ZOE_TRY(zoe__kernel_arg(w->kernel, 1, 'i', &w->passes));
    return zoe__kernel_arg(w->kernel, 2, 'f', &value);
}

static zoe_status time_once(zoe_device *device, width *w, bool counts)
{
    const size_t one = 1;
    const double start = zoe__seconds();
    ZOE_TRY(zoe__kernel_run(w->kernel, 1, &one, &one, NULL));
    ZOE_TRY(zoe__device_finish(device));
    const double took = zoe__seconds() - start;
    if (counts && took < w->best) w->best = took;
    return ZOE_OK;
}

/* The best of some rounds of either width, one after the other: another process disturbs both alike. */
static zoe_status measure(zoe_device *device, double *gain)
{
    width widths[2] = {{"lanes_8", PASSES_8, NULL, 1e9}, {"lanes_16", PASSES_16, NULL, 1e9}};
    zoe__mem *data = NULL;
    zoe_status status = zoe__mem_new(&data, device, DEPTH * (ROWS_16 + 2 * 16) * sizeof(float), "lanes");
    for (int i = 0; i < 2 && status == ZOE_OK; i++) status = prepare(device, &widths[i], data);
    for (int round = 0; round <= ROUNDS && status == ZOE_OK; round++) /* round 0 compiles and warms up */
        for (int i = 0; i < 2 && status == ZOE_OK; i++) status = time_once(device, &widths[i], round > 0);
    for (int i = 0; i < 2; i++) zoe__kernel_free(&widths[i].kernel);
    zoe__mem_free(&data);
    *gain = widths[0].best / widths[1].best;
    return status;
}

/* 8 or 16; 0: not known. */
static uint32_t remembered(zoe_device *device, const char *key)
{
    size_t bytes;
    char *data = zoe__cache_read(device->context, device->opencl->cache_folder, key, "lanes", &bytes);
    const uint32_t lanes = !data || bytes != 1 ? 0 : (uint32_t)data[0];
    free(data);
    return lanes == 8 || lanes == 16 ? lanes : 0;
}

uint32_t zoe__lanes_choose(zoe_device *device)
{
    char key[65];
    double gain = 0;
    if (device->info.family != ZOE_FAMILY_VECTOR || device->info.vector_width < 16) return 8;
    zoe__cache_key(key, (const char *const[]){"lanes by a register tile", device->opencl->identity, NULL});
    uint32_t lanes = remembered(device, key);
    if (lanes) return lanes;
    if (measure(device, &gain) != ZOE_OK) {
        zoe__log(device->context, ZOE_LOG_WARN, "8 lanes, as measuring failed: %s", zoe_context_error(device->context));
        zoe_context_clear(device->context);
        return 8;
    }
    lanes = gain >= LEAST_GAIN ? 16 : 8;
    zoe__log(device->context, ZOE_LOG_DEBUG, "%s: 16 lanes are %.2f times as fast as 8: using %u", device->info.id,
             gain, lanes);
    const char data = (char)lanes;
    zoe__cache_write(device->context, device->opencl->cache_folder, key, "lanes", &data, 1);
    return lanes;
}
