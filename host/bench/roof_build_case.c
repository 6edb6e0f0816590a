/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "roof build cold" and "roof build cached": from source to the end of a program's first kernel, with empty
 * caches and with full ones. Ours and the drivers' caches lie in a folder of this process, as far as a driver can be
 * told; some read that once, so that a process has one cold sample. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/once.h"
#include "device/device.h"

enum { CACHED_SAMPLES = 5 };

static zoe_status make_folder(zoe_context *context, char *folder, size_t size)
{
    static const char *const variables[] = {"ZOE_CACHE_DIR", "POCL_CACHE_DIR",        "CUDA_CACHE_PATH",
                                            "NEO_CACHE_DIR", "MESA_SHADER_CACHE_DIR", "AMD_COMGR_CACHE_DIR",
                                            "cl_cache_dir"};
    ZOE_TRY(zoe__bench_folder_make(context, folder, size));
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) setenv(variables[i], folder, 1);
    return ZOE_OK;
}

/* One step of ten chains from 0.5, 1, .. */
static bool is_right(float got)
{
    double sum = 0;
    for (int k = 1; k <= 10; k++) sum += 0.5 * k * (double)0.999f + 0.5;
    return fabs((double)got - sum) < 1e-5 * sum;
}

/* Opens the device anew, so that nothing is left of the last time. */
static zoe_status build(const zoe__once *once, double *seconds, bool *right)
{
    static const int steps = 1;
    static const float factor = 0.999f, term = 0.5f;
    static const size_t one = 1;
    zoe_device *device = NULL;
    zoe__mem *out = NULL;
    zoe__kernel *kernel = NULL;
    float got = 0;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__once_open(once, true, &device));
    if (zoe__device_is_host(device)) {
        status = zoe__fail(once->context, ZOE_UNSUPPORTED, "%s: the device 'host' has no kernels", once->id);
        goto out;
    }
    ZOE_TRY_OUT(zoe__mem_new(&out, device, sizeof got, "a number"));
    ZOE_TRY_OUT(zoe__device_finish(device));
    const double start = zoe__seconds();
    ZOE_TRY_OUT(zoe__kernel_new(&kernel, device, "roof", "roof_mad_float1", NULL));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 0, 'm', &out));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 1, 'i', &steps));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 2, 'f', &factor));
    ZOE_TRY_OUT(zoe__kernel_arg(kernel, 3, 'f', &term));
    ZOE_TRY_OUT(zoe__kernel_run(kernel, 1, &one, &one, "roof"));
    ZOE_TRY_OUT(zoe__device_finish(device));
    *seconds = zoe__seconds() - start;
    ZOE_TRY_OUT(zoe__mem_read(out, 0, &got, sizeof got));
    *right = *right && is_right(got);
out:
    zoe__kernel_free(&kernel);
    zoe__mem_free(&out);
    zoe_device_free(&device);
    return status;
}

zoe_status zoe__once_build(const zoe__once *once, bool *known)
{
    const bool cold = !strcmp(once->id, "roof build cold"), cached = !strcmp(once->id, "roof build cached");
    char folder[512];
    bool right = true;
    double seconds = 0;
    json_t *samples = json_array();
    zoe_status status = ZOE_OK;
    *known = cold || cached;
    if (*known) status = make_folder(once->context, folder, sizeof folder);
    if (!*known || status != ZOE_OK) {
        json_decref(samples);
        return status;
    }
    status = build(once, &seconds, &right);
    if (cold && right) json_array_append_new(samples, json_real(seconds * 1e9));
    for (int i = 0; cached && status == ZOE_OK && i < CACHED_SAMPLES; i++) {
        status = build(once, &seconds, &right);
        if (right) json_array_append_new(samples, json_real(seconds * 1e9));
    }
    if (!right) json_array_clear(samples);
    json_object_set_new(once->out, "flops", json_real(0));
    json_object_set_new(once->out, "samples_ns", samples);
    json_object_set_new(once->out, "ok", json_boolean(right));
    json_object_set_new(once->out, "nmse", right ? json_real(0) : json_null());
    zoe__bench_folder_remove(folder);
    return status;
}
