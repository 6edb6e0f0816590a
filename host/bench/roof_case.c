/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "roof ..": what the device could do at most, against which the others are held.
 *   roof fma float8, roof fma float16   fused multiply-adds in registers
 *   roof copy BYTES, roof triad BYTES   c = a, c = a + f b with arrays of that size; bytes read and written count
 *   roof launch                         one kernel that does next to nothing, and waiting for it
 *   roof upload BYTES, roof download BYTES   from ordinary memory of the host and back */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/once.h"
#include "core/sha256.h"
#include "device/device.h"

enum { ACCUMULATORS = 10, FMA_STEPS = 1000000, GROUP = 64, GROUPS_A_UNIT = 32 };

typedef struct roof {
    const zoe__once *once;
    zoe_device *device;
    zoe__kernel *kernel;
    zoe__mem *mem[3]; /* a, b, c; the result is the last one that is there */
    size_t bytes;     /* of each */
    float *host;
    size_t global, local;
    enum { FMA, COPY, TRIAD, LAUNCH, UPLOAD, DOWNLOAD } kind;
    int lanes, steps;
    double flops, moved; /* of a run */
} roof;

static const float FACTOR = 0.5f;

/* "64K", "16M": bytes, a multiple of 32; 0: something else. */
static size_t read_size(const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    const size_t unit = *end == 'K' ? 1024 : *end == 'M' ? 1048576 : 0;
    return value >= 1 && value <= 65536 && unit && !end[1] ? value * unit : 0;
}

static bool read_id(roof *r, const char *id)
{
    static const char *const sized[] = {
        [COPY] = "roof copy ", [TRIAD] = "roof triad ", [UPLOAD] = "roof upload ", [DOWNLOAD] = "roof download "};
    if (!strcmp(id, "roof fma float8") || !strcmp(id, "roof fma float16")) {
        r->kind = FMA;
        r->lanes = strchr(id, '8') ? 8 : 16;
        return true;
    }
    if (!strcmp(id, "roof launch")) {
        r->kind = LAUNCH;
        return true;
    }
    for (int k = COPY; k <= DOWNLOAD; k++) {
        if (!sized[k] || strncmp(id, sized[k], strlen(sized[k]))) continue;
        r->kind = k;
        r->bytes = read_size(id + strlen(sized[k]));
        return r->bytes > 0;
    }
    return false;
}

/* ---- making it ---- */

static zoe_status set_arguments(roof *r, const char *kinds, const void *const *values)
{
    for (unsigned i = 0; kinds[i]; i++) ZOE_TRY(zoe__kernel_arg(r->kernel, i, kinds[i], values[i]));
    return ZOE_OK;
}

static zoe_status make_fma(roof *r, bool vector)
{
    static const float factor = 0.999f, term = 0.5f;
    r->steps = r->kind == LAUNCH ? 1 : vector ? FMA_STEPS : FMA_STEPS / 1000;
    r->flops = 2.0 * ACCUMULATORS * r->lanes * r->steps * (double)r->global;
    r->bytes = r->global * sizeof(float);
    ZOE_TRY(zoe__mem_new(&r->mem[2], r->device, r->bytes, "the roof"));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "lanes", r->lanes == 16 ? "lanes_16" : "lanes_8", NULL));
    return set_arguments(r, "miff", (const void *[]){&r->mem[2], &r->steps, &factor, &term});
}

static zoe_status make_memory(roof *r, bool vector)
{
    const int count = (int)(r->bytes / 32), ranges = vector;
    const bool triad = r->kind == TRIAD;
    r->moved = (double)r->bytes * (triad ? 3 : 2);
    r->flops = triad ? (double)r->bytes / 2 : 0;
    for (int i = 0; i < 3; i++) {
        if (i == 1 && !triad) continue;
        ZOE_TRY(zoe__mem_new(&r->mem[i], r->device, r->bytes, "an array to move"));
        zoe__once_fill(r->once, (uint32_t)i, r->host, r->bytes / sizeof(float));
        ZOE_TRY(zoe__mem_write(r->mem[i], 0, r->host, r->bytes));
    }
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "bandwidth", triad ? "bandwidth_triad" : "bandwidth_copy", NULL));
    if (!triad) return set_arguments(r, "mmii", (const void *[]){&r->mem[0], &r->mem[2], &count, &ranges});
    return set_arguments(r, "mmmfii", (const void *[]){&r->mem[0], &r->mem[1], &r->mem[2], &FACTOR, &count, &ranges});
}

static zoe_status make_transfer(roof *r)
{
    r->moved = (double)r->bytes;
    ZOE_TRY(zoe__mem_new(&r->mem[2], r->device, r->bytes, "an array to move"));
    zoe__once_fill(r->once, 0, r->host, r->bytes / sizeof(float));
    return zoe__mem_write(r->mem[2], 0, r->host, r->bytes);
}

static zoe_status make(roof *r)
{
    const zoe_device_info *info = zoe_device_get_info(r->device);
    const bool vector = info->family == ZOE_FAMILY_VECTOR;
    r->local = vector ? 1 : GROUP;
    r->global = info->compute_units * (vector ? 1 : (size_t)GROUP * GROUPS_A_UNIT);
    if (r->kind == LAUNCH) r->lanes = 8;
    if (r->bytes) ZOE_TRY(zoe__calloc(r->once->context, &r->host, r->bytes, 1));
    if (r->kind == UPLOAD || r->kind == DOWNLOAD) return make_transfer(r);
    if (r->kind == COPY || r->kind == TRIAD) return make_memory(r, vector);
    ZOE_TRY(make_fma(r, vector));
    return zoe__calloc(r->once->context, &r->host, r->bytes, 1);
}

/* ---- the work ---- */

static zoe_status run(void *user, int times)
{
    roof *r = user;
    for (int t = 0; t < times; t++) {
        if (r->kind == UPLOAD)
            ZOE_TRY(zoe__mem_write(r->mem[2], 0, r->host, r->bytes));
        else if (r->kind == DOWNLOAD)
            ZOE_TRY(zoe__mem_read(r->mem[2], 0, r->host, r->bytes));
        else
            ZOE_TRY(zoe__kernel_run(r->kernel, 1, &r->global, &r->local, "roof"));
        if (r->kind == LAUNCH) ZOE_TRY(zoe__device_finish(r->device));
    }
    return zoe__device_finish(r->device);
}

static zoe_status spoil(void *user)
{
    roof *r = user;
    uint8_t *nan = NULL;
    if (r->kind == DOWNLOAD) {
        memset(r->host, 0xff, r->bytes);
        return ZOE_OK;
    }
    ZOE_TRY(zoe__calloc(r->once->context, &nan, r->bytes, 1));
    memset(nan, 0xff, r->bytes);
    const zoe_status status = zoe__mem_write(r->mem[2], 0, nan, r->bytes);
    free(nan);
    return status;
}

/* What a result must be, number i. part[]: the numbers of a and b. */
static double wanted(const roof *r, size_t i, float *const part[2])
{
    if (r->kind == TRIAD) return (double)part[0][i] + (double)FACTOR * (double)part[1][i];
    if (r->kind != FMA && r->kind != LAUNCH) return (double)part[0][i];
    double sum = 0; /* the recurrence a = a m + t, from t, 2t, .. , in every lane */
    for (int k = 1; k <= ACCUMULATORS; k++) {
        double a = 0.5 * k;
        for (int s = 0; s < r->steps; s++) a = a * (double)0.999f + 0.5;
        sum += a;
    }
    return sum * r->lanes;
}

static zoe_status check(void *user, bool numbers, char hash[65], double *nmse, double *most)
{
    roof *r = user;
    const size_t count = r->bytes / sizeof(float);
    float *part[2] = {NULL}, *got = NULL;
    double differences = 0, squares = 0, largest = 0, scale = 0;
    zoe__sha256 sha;
    uint8_t digest[32];
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(zoe__calloc(r->once->context, &got, count, sizeof *got));
    if (r->kind == DOWNLOAD)
        memcpy(got, r->host, r->bytes);
    else
        ZOE_TRY_OUT(zoe__mem_read(r->mem[2], 0, got, r->bytes));
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, got, r->bytes);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hash);
    for (uint32_t p = 0; numbers && p < 2; p++) {
        ZOE_TRY_OUT(zoe__calloc(r->once->context, &part[p], count, sizeof **part));
        zoe__once_fill(r->once, p, part[p], count);
    }
    const bool same = r->kind == FMA || r->kind == LAUNCH; /* all are one number */
    const double one = same && numbers ? wanted(r, 0, part) : 0;
    for (size_t i = 0; numbers && i < count; i++) {
        const double value = same ? one : wanted(r, i, part), d = fabs((double)got[i] - value);
        differences += isfinite(d) ? d * d : INFINITY;
        squares += value * value;
        largest = fmax(largest, isfinite(d) ? d : INFINITY);
        scale = fmax(scale, fabs(value));
    }
    *nmse = differences / fmax(squares, 1e-30);
    *most = largest / fmax(scale, 1e-30);
out:
    free(part[0]);
    free(part[1]);
    free(got);
    return status;
}

static void describe(const roof *r)
{
    json_t *out = r->once->out;
    json_object_set_new(out, "flops", json_real(r->kind == LAUNCH ? 0 : r->flops));
    json_object_set_new(out, "bytes", json_real(r->moved));
    json_object_set_new(out, "effective", json_false());
    json_object_set_new(out, "algorithm", json_null());
    json_object_set_new(out, "tuned", json_null());
}

zoe_status zoe__once_roof(const zoe__once *once, bool *known)
{
    /* The recurrence forgets where it began, so single roundings stay: 1e-9 is far above float's 1e-13. */
    roof r = {.once = once};
    zoe_status status = ZOE_OK;
    *known = read_id(&r, once->id);
    if (!*known) return ZOE_OK;
    const double start = zoe__seconds();
    ZOE_TRY_OUT(zoe__once_open(once, &r.device));
    if (zoe__device_is_host(r.device)) {
        status = zoe__fail(once->context, ZOE_UNSUPPORTED, "%s: the device 'host' has no kernels", once->id);
        goto out;
    }
    ZOE_TRY_OUT(make(&r));
    json_object_set_new(once->out, "setup_s", json_real(zoe__seconds() - start));
    describe(&r);
    const zoe__once_work work = {.user = &r, .run = run, .spoil = spoil, .check = check, .limit = 1e-9};
    ZOE_TRY_OUT(zoe__once_measure(once, &work));
    json_object_set_new(once->out, "compile_s", json_real(zoe__device_get_counters(r.device)->compile_seconds));
out:
    zoe__kernel_free(&r.kernel);
    for (int i = 0; i < 3; i++) zoe__mem_free(&r.mem[i]);
    free(r.host);
    zoe_device_free(&r.device);
    return status;
}
