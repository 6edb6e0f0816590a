/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "roof ..": what the device could do at most, against which the others are held.
 *   roof fma floatN, roof mad floatN    chains of multiply-adds in registers; N = 1, 2, 4, 8, 16 lanes
 *   roof copy BYTES, roof triad BYTES   c = a, c = a + f b with arrays of that size; bytes read and written count;
 *                                       BYTES "quarter": all arrays together are a quarter of the device's memory, on
 *                                       a processor at most 1 GiB. What they hold repeats each 64 MiB
 *   roof local                          bytes that work-groups of 64 pass through local memory
 *   roof atomic                         counting in one place, a time each
 *   roof launch                         one kernel that does next to nothing, and waiting for it
 *   roof queue                          from such a launch to its start, by the device's clock
 *   roof mix N                          a pass over an array with N operations a byte read or written
 *   roof upload BYTES, roof download BYTES   from ordinary memory of the host and back; "roof pinned ..": from memory
 *                                       that the driver gave for it
 * doubleN and halfN stand for floatN with fma where the device has them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/once.h"
#include "device/device.h"

enum {
    CHAINS = 10,
    STEPS = 1 << 18,      /* of a run, always the same, as flops are */
    SIMT_STEPS = 1 << 14, /* of each of many more work-items */
    GROUP = 64,
    GROUPS_A_UNIT = 32,
    LOCAL_ROUNDS = 256,
    MIX_BYTES = 64 << 20
};

typedef enum kind { CHAIN, COPY, TRIAD, UPLOAD, DOWNLOAD, LOCAL, ATOMIC, LAUNCH, QUEUE, MIX } kind;

typedef struct roof {
    const zoe__once *once;
    zoe_device *device;
    zoe__kernel *kernel;
    zoe__mem *mem[3]; /* a, b, c; c is the result */
    size_t bytes;     /* of each */
    size_t period;    /* bytes, after which what a and b hold repeats */
    bool quarter;     /* the size depends on the device */
    float *host;
    zoe__mem *pinned; /* what host lies in; NULL: ordinary memory */
    size_t global, local;
    kind kind;
    double own; /* s of a sample, by our own count */
    int shrink; /* of the chains' length, where a device would take long: times count so often */
    char kernel_name[32];
    const char *type; /* of the chains' numbers */
    int lanes, steps;
    float factor, term;
    double flops, moved; /* of a run */
} roof;

static const float FACTOR = 0.5f;

/* "64K", "16M": bytes; 0: something else. */
static size_t read_size(const char *text)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    const size_t unit = *end == 'K' ? 1024 : *end == 'M' ? 1048576 : 0;
    return *text >= '1' && *text <= '9' && value <= 65536 && unit && !end[1] ? value * unit : 0;
}

/* "roof mix 0.25" .. "roof mix 128": four multiply-adds of each number are one operation a byte. */
static bool read_mix(roof *r, const char *id)
{
    for (r->steps = 1; r->steps <= 512; r->steps *= 2) {
        char text[32];
        zoe__format(text, sizeof text, "roof mix %g", r->steps / 4.0);
        if (strcmp(text, id)) continue;
        r->kind = MIX;
        r->bytes = MIX_BYTES;
        return true;
    }
    return false;
}

static bool read_chain(roof *r, const char *id)
{
    static const struct {
        const char *type;
        int least, most;
        const char *ops[2];
    } types[] = {{"float", 1, 16, {"fma", "mad"}}, {"double", 1, 8, {"fma", NULL}}, {"half", 2, 16, {"fma", NULL}}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int lanes = types[t].least; lanes <= types[t].most; lanes *= 2)
            for (int op = 0; op < 2 && types[t].ops[op]; op++) {
                char text[32];
                zoe__format(text, sizeof text, "roof %s %s%d", types[t].ops[op], types[t].type, lanes);
                if (strcmp(text, id)) continue;
                zoe__format(r->kernel_name, sizeof r->kernel_name, "roof_%s_%s%d", types[t].ops[op], types[t].type,
                            lanes);
                r->type = types[t].type;
                r->lanes = lanes;
                return true;
            }
    return false;
}

static bool read_id(roof *r, const char *id)
{
    static const struct {
        const char *start;
        kind kind;
        bool sized;
    } forms[] = {{"roof copy ", COPY, true},
                 {"roof triad ", TRIAD, true},
                 {"roof upload ", UPLOAD, true},
                 {"roof download ", DOWNLOAD, true},
                 {"roof local", LOCAL, false},
                 {"roof atomic", ATOMIC, false},
                 {"roof launch", LAUNCH, false},
                 {"roof queue", QUEUE, false},
                 {"roof pinned upload ", UPLOAD, true},
                 {"roof pinned download ", DOWNLOAD, true}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const size_t length = strlen(forms[i].start);
        if (strncmp(id, forms[i].start, length)) continue;
        r->kind = forms[i].kind;
        if (forms[i].sized) r->bytes = read_size(id + length);
        r->quarter = (r->kind == COPY || r->kind == TRIAD) && !strcmp(id + length, "quarter");
        return forms[i].sized ? r->bytes > 0 || r->quarter : !id[length];
    }
    return read_mix(r, id) || read_chain(r, id);
}

/* ---- making it ---- */

static zoe_status set_arguments(roof *r, const char *kinds, const void *const *values)
{
    for (unsigned i = 0; kinds[i]; i++) ZOE_TRY(zoe__kernel_arg(r->kernel, i, kinds[i], values[i]));
    return ZOE_OK;
}

static bool is_simt(const roof *r)
{
    return zoe_device_get_info(r->device)->family == ZOE_FAMILY_SIMT;
}

/* As in roof.cl. */
static int chains_of(const roof *r)
{
    const bool wide = r->lanes == 16 || (r->lanes == 8 && !strcmp(r->type, "double"));
    return is_simt(r) && wide ? CHAINS / 2 : CHAINS;
}

/* Where there is no such unit a chain is done in software, and takes a hundred times as long: a short one is tried,
 * and the length is such that a run takes a quarter of a second at most. */
static zoe_status fit_chains(roof *r)
{
    enum { SHORTEST = 256 };
    const int whole = r->steps;
    double took = 0;
    r->steps = whole / SHORTEST;
    ZOE_TRY(zoe__kernel_arg(r->kernel, 1, 'i', &r->steps));
    for (int round = 0; round < 2; round++) { /* the first one compiles */
        const double start = zoe__seconds();
        ZOE_TRY(zoe__kernel_run(r->kernel, 1, &r->global, &r->local, "roof"));
        ZOE_TRY(zoe__device_finish(r->device));
        took = (zoe__seconds() - start) * SHORTEST;
    }
    for (; took > 0.25 && r->shrink < SHORTEST; took /= 4) r->shrink *= 4;
    r->steps = whole / r->shrink;
    return zoe__kernel_arg(r->kernel, 1, 'i', &r->steps);
}

static zoe_status make_chains(roof *r)
{
    const zoe_device_info *info = zoe_device_get_info(r->device);
    const bool half = !strcmp(r->type, "half"), twice = !strcmp(r->type, "double");
    ZOE_FAIL_IF(r->once->context, (half && !info->fp16) || (twice && !info->fp64), ZOE_UNSUPPORTED,
                "the device has no %s precision", half ? "half" : "double");
    if (half) r->factor = 0.5f; /* ends at 1, which it can hold */
    r->steps = r->kind != CHAIN ? 1 : is_simt(r) ? SIMT_STEPS : STEPS;
    r->bytes = r->global * sizeof(float);
    ZOE_TRY(zoe__mem_new(&r->mem[2], r->device, r->bytes, "the roof"));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "roof", r->kernel_name, NULL));
    ZOE_TRY(set_arguments(r, "miff", (const void *[]){&r->mem[2], &r->steps, &r->factor, &r->term}));
    if (r->kind == QUEUE) ZOE_TRY(zoe__kernel_run(r->kernel, 1, &r->global, &r->local, "roof")); /* compiled once */
    json_object_set_new(r->once->out, "dtype", json_string(half ? "float16" : twice ? "float64" : "float32"));
    r->flops = r->kind == CHAIN ? 2.0 * chains_of(r) * r->lanes * r->steps * (double)r->global : 0;
    if (r->kind == CHAIN) ZOE_TRY(fit_chains(r));
    return ZOE_OK;
}

/* Writes `period` bytes again and again, until the array is full. */
static zoe_status write_all(roof *r, int i, const void *data)
{
    for (size_t at = 0; at < r->bytes; at += r->period) {
        const size_t bytes = r->bytes - at < r->period ? r->bytes - at : r->period;
        ZOE_TRY(zoe__mem_write(r->mem[i], at, data, bytes));
    }
    return ZOE_OK;
}

static zoe_status new_array(roof *r, int i)
{
    ZOE_TRY(zoe__mem_new(&r->mem[i], r->device, r->bytes, "an array to move"));
    if (!r->period) r->period = r->bytes;
    if (!r->host) ZOE_TRY(zoe__calloc(r->once->context, &r->host, r->period, 1));
    zoe__once_fill(r->once, (uint32_t)i, r->host, r->period / sizeof(float));
    return write_all(r, i, r->host);
}

/* Arrays that fill a quarter of the device's memory together. The result is looked at as a whole: the host needs room
 * for it, and where it shares the device's memory for all of them. */
static zoe_status find_quarter(roof *r)
{
    enum { MIB = 1 << 20, PERIOD = 64 << 20 };
    const zoe_device_info *info = zoe_device_get_info(r->device);
    const uint64_t arrays = r->kind == TRIAD ? 3 : 2, all = info->global_mem_bytes / 4, most = (uint64_t)1 << 30;
    uint64_t bytes = (info->is_cpu && all > most ? most : all) / arrays;
    if (bytes > info->max_alloc_bytes) bytes = info->max_alloc_bytes;
    r->bytes = (size_t)(bytes / MIB * MIB);
    r->period = r->bytes < PERIOD ? r->bytes : PERIOD;
    const double room = (double)r->bytes * (info->is_cpu ? (double)arrays + 1 : 1) + 4.0 * PERIOD;
    ZOE_FAIL_IF(r->once->context, !r->bytes || room > (double)zoe__memory_available(), ZOE_UNSUPPORTED,
                "the host has no %.0f MiB for arrays of a quarter of the device's memory and their result", room / MIB);
    return ZOE_OK;
}

static zoe_status make_transfer(roof *r)
{
    void *place = NULL;
    r->moved = (double)r->bytes;
    if (!strncmp(r->once->id, "roof pinned", 11)) {
        ZOE_TRY(zoe__mem_new_pinned(&r->pinned, r->device, r->bytes, "memory for transfers"));
        ZOE_TRY(zoe__mem_map(r->pinned, &place));
        r->host = place;
    }
    return new_array(r, 2);
}

static zoe_status make_mix(roof *r, bool vector)
{
    const int count = (int)(r->bytes / (vector ? 512 : 128)), ranges = vector;
    r->moved = 2.0 * (double)r->bytes;
    r->flops = 2.0 * r->steps * (double)(r->bytes / sizeof(float));
    ZOE_TRY(new_array(r, 0));
    ZOE_TRY(new_array(r, 2));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "roof", "roof_mix", NULL));
    return set_arguments(r, "mmffiii",
                         (const void *[]){&r->mem[0], &r->mem[2], &r->factor, &r->term, &r->steps, &count, &ranges});
}

static zoe_status make_memory(roof *r, bool vector)
{
    if (r->quarter) ZOE_TRY(find_quarter(r));
    const int count = (int)(r->bytes / 32), ranges = vector;
    const bool triad = r->kind == TRIAD;
    r->moved = (double)r->bytes * (triad ? 3 : 2);
    ZOE_TRY(new_array(r, 0));
    if (triad) ZOE_TRY(new_array(r, 1));
    ZOE_TRY(new_array(r, 2));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "roof", triad ? "roof_triad" : "roof_copy", NULL));
    if (!triad) return set_arguments(r, "mmii", (const void *[]){&r->mem[0], &r->mem[2], &count, &ranges});
    return set_arguments(r, "mmmfii", (const void *[]){&r->mem[0], &r->mem[1], &r->mem[2], &FACTOR, &count, &ranges});
}

static zoe_status make_local(roof *r)
{
    static const int rounds = LOCAL_ROUNDS; /* even: everything is where it was */
    const size_t box = GROUP * sizeof(float);
    r->local = GROUP;
    r->global = zoe_device_get_info(r->device)->compute_units * (size_t)GROUP * GROUPS_A_UNIT;
    r->bytes = r->global * sizeof(float);
    r->moved = 2.0 * LOCAL_ROUNDS * (double)r->bytes;
    ZOE_TRY(new_array(r, 0));
    ZOE_TRY(new_array(r, 2));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "roof", "roof_local", NULL));
    return set_arguments(r, "mmli", (const void *[]){&r->mem[0], &r->mem[2], &box, &rounds});
}

static zoe_status make_atomic(roof *r)
{
    static const int rounds = 1;
    r->bytes = sizeof(float);
    r->local = 1;
    r->global = 4096;
    ZOE_TRY(zoe__mem_new(&r->mem[2], r->device, r->bytes, "a counter"));
    ZOE_TRY(zoe__kernel_new(&r->kernel, r->device, "roof", "roof_atomic", NULL));
    return set_arguments(r, "mi", (const void *[]){&r->mem[2], &rounds});
}

static zoe_status make(roof *r)
{
    const zoe_device_info *info = zoe_device_get_info(r->device);
    const bool vector = info->family == ZOE_FAMILY_VECTOR;
    r->local = vector ? 1 : GROUP;
    r->global = info->compute_units * (vector ? 1 : (size_t)GROUP * GROUPS_A_UNIT);
    r->shrink = 1;
    r->factor = 0.999f;
    r->term = 0.5f;
    if (r->kind == LAUNCH || r->kind == QUEUE) {
        r->lanes = 1;
        r->type = "float";
        zoe__format(r->kernel_name, sizeof r->kernel_name, "roof_mad_float1");
    }
    if (r->kind == CHAIN || r->kind == LAUNCH || r->kind == QUEUE) return make_chains(r);
    if (r->kind == MIX) return make_mix(r, vector);
    if (r->kind == LOCAL) return make_local(r);
    if (r->kind == ATOMIC) return make_atomic(r);
    if (r->kind == COPY || r->kind == TRIAD) return make_memory(r, vector);
    return make_transfer(r);
}

/* ---- the work ---- */

/* Launches on an idle device, and how long each waited there. */
static zoe_status run_queue(roof *r, int times)
{
    r->own = 0;
    for (int t = 0; t < times; t++) {
        void *event = NULL;
        double busy;
        ZOE_TRY(zoe__kernel_run_event(r->kernel, 1, &r->global, &r->local, "roof", &event));
        ZOE_TRY(zoe__event_take(r->device, &event, &busy));
        r->own += zoe__device_get_counters(r->device)->queue_seconds;
    }
    ZOE_FAIL_IF(r->once->context, !(r->own > 0), ZOE_UNSUPPORTED, "the device does not tell when it starts");
    return ZOE_OK;
}

static zoe_status run(void *user, int times)
{
    roof *r = user;
    if (r->kind == QUEUE) return run_queue(r, times);
    const double start = zoe__seconds();
    for (int t = 0; t < times; t++) {
        if (r->kind == UPLOAD)
            ZOE_TRY(zoe__mem_write(r->mem[2], 0, r->host, r->bytes));
        else if (r->kind == DOWNLOAD)
            ZOE_TRY(zoe__mem_read(r->mem[2], 0, r->host, r->bytes));
        else
            ZOE_TRY(zoe__kernel_run(r->kernel, 1, &r->global, &r->local, "roof"));
        if (r->kind == LAUNCH) ZOE_TRY(zoe__device_finish(r->device));
    }
    ZOE_TRY(zoe__device_finish(r->device));
    r->own = (zoe__seconds() - start) * r->shrink;
    return ZOE_OK;
}

static zoe_status spoil(void *user)
{
    roof *r = user;
    uint8_t *nan = NULL;
    const size_t bytes = r->period ? r->period : r->bytes;
    if (r->kind == ATOMIC) return zoe__mem_zero(r->mem[2]);
    if (r->kind == DOWNLOAD) {
        memset(r->host, 0xff, r->bytes);
        return ZOE_OK;
    }
    ZOE_TRY(zoe__calloc(r->once->context, &nan, bytes, 1));
    memset(nan, 0xff, bytes);
    const zoe_status status = r->period ? write_all(r, 2, nan) : zoe__mem_write(r->mem[2], 0, nan, bytes);
    free(nan);
    return status;
}

/* What a result must be, number i. part[]: the numbers of a and b, or of what was sent. */
static double wanted(const roof *r, size_t i, float *const part[3])
{
    if (r->kind == TRIAD) return (double)part[0][i] + (double)FACTOR * (double)part[1][i];
    if (r->kind == MIX) { /* the recurrence from a on, summed up */
        const double m = pow((double)r->factor, r->steps);
        return (double)part[0][i] * m + (double)r->term * (1 - m) / (1 - (double)r->factor);
    }
    return (double)part[r->kind == UPLOAD || r->kind == DOWNLOAD ? 2 : 0][i];
}

/* The chains end at one number, wherever they are: the recurrence from t, 2t, .. , in every lane. */
static double end_of_chains(const roof *r)
{
    double sum = 0;
    for (int k = 1; k <= chains_of(r); k++) {
        double a = 0.5 * k;
        for (int s = 0; s < r->steps; s++) a = a * (double)r->factor + (double)r->term;
        sum += a;
    }
    return sum * r->lanes;
}

/* How far `got` is from it all. */
static zoe_status compare(const roof *r, const float *got, double *nmse, double *most)
{
    const size_t count = r->bytes / sizeof(float), period = r->period ? r->period / sizeof(float) : count;
    const bool same = r->kind == CHAIN || r->kind == LAUNCH || r->kind == QUEUE;
    const double one = same ? end_of_chains(r) : 0;
    double differences = 0, squares = 0, largest = 0, scale = 0;
    float *part[3] = {NULL};
    zoe_status status = ZOE_OK;
    for (uint32_t p = 0; !same && p < 3; p++) {
        const bool sent = r->kind == UPLOAD || r->kind == DOWNLOAD;
        if (p == 2 ? !sent : sent || (p == 1 && r->kind != TRIAD)) continue;
        ZOE_TRY_OUT(zoe__calloc(r->once->context, &part[p], period, sizeof **part));
        zoe__once_fill(r->once, p, part[p], period);
    }
    for (size_t i = 0; i < count; i++) {
        const double value = same ? one : wanted(r, i % period, part), d = fabs((double)got[i] - value);
        differences += isfinite(d) ? d * d : INFINITY;
        squares += value * value;
        largest = fmax(largest, isfinite(d) ? d : INFINITY);
        scale = fmax(scale, fabs(value));
    }
    *nmse = differences / fmax(squares, 1e-30);
    *most = largest / fmax(scale, 1e-30);
out:
    for (int p = 0; p < 3; p++) free(part[p]);
    return status;
}

/* A multiple of what one run counts: how many runs there were, nobody knows here. */
static void compare_count(const float *got, double *nmse, double *most)
{
    int32_t counted;
    memcpy(&counted, got, sizeof counted);
    *nmse = *most = counted > 0 && counted % 4096 == 0 ? 0 : INFINITY;
}

static zoe_status check(void *user, bool numbers, char hash[65], double *nmse, double *most)
{
    roof *r = user;
    float *got = NULL;
    zoe_status status = zoe__calloc(r->once->context, &got, r->bytes, 1);
    if (status == ZOE_OK && r->kind == DOWNLOAD) memcpy(got, r->host, r->bytes);
    if (status == ZOE_OK && r->kind != DOWNLOAD) status = zoe__mem_read(r->mem[2], 0, got, r->bytes);
    if (status == ZOE_OK) {
        zoe__once_hash(got, r->bytes, hash);
        if (numbers && r->kind == ATOMIC) compare_count(got, nmse, most);
        if (numbers && r->kind != ATOMIC) status = compare(r, got, nmse, most);
    }
    free(got);
    return status;
}

static void describe(const roof *r)
{
    json_t *out = r->once->out;
    json_object_set_new(out, "flops", json_real(r->flops));
    json_object_set_new(out, "bytes", json_real(r->moved));
    json_object_set_new(out, "effective", json_false());
    json_object_set_new(out, "algorithm", json_null());
    json_object_set_new(out, "tuned", json_null());
}

/* A long chain of roundings in one direction is off by the square root of the NMSE everywhere. */
static const zoe__limits half = {1e-5, 4e-3}, single = {1e-8, 1e-4};

zoe_status zoe__once_roof(const zoe__once *once, bool *known)
{
    roof r = {.once = once, .kind = CHAIN};
    zoe_status status = ZOE_OK;
    *known = read_id(&r, once->id);
    if (!*known) return ZOE_OK;
    const double start = zoe__seconds();
    ZOE_TRY_OUT(zoe__once_open(once, false, &r.device));
    if (zoe__device_is_host(r.device)) {
        status = zoe__fail(once->context, ZOE_UNSUPPORTED, "%s: the device 'host' has no kernels", once->id);
        goto out;
    }
    ZOE_TRY_OUT(make(&r));
    json_object_set_new(once->out, "setup_s", json_real(zoe__seconds() - start));
    describe(&r);
    const zoe__once_work work = {.user = &r,
                                 .run = run,
                                 .spoil = spoil,
                                 .check = check,
                                 .limits = r.type && !strcmp(r.type, "half") ? half : single,
                                 .seconds = r.kind == QUEUE || r.kind == CHAIN ? &r.own : NULL,
                                 .on_cpu = zoe_device_get_info(r.device)->is_cpu};
    ZOE_TRY_OUT(zoe__once_measure(once, &work));
    json_object_set_new(once->out, "compile_s", json_real(zoe__device_get_counters(r.device)->compile_seconds));
out:
    zoe__kernel_free(&r.kernel);
    for (int i = 0; i < 3; i++) zoe__mem_free(&r.mem[i]);
    if (!r.pinned) free(r.host);
    if (r.pinned && r.host) (void)zoe__mem_unmap(r.pinned, r.host);
    zoe__mem_free(&r.pinned);
    zoe_device_free(&r.device);
    return status;
}
