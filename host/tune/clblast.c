/* SPDX-License-Identifier: Apache-2.0
 *
 * A set has 17 numbers: XGEMM_MIN_INDIRECT_SIZE (below which size CLBlast multiplies without packing; 0: it always
 * packs) and the 16 of its kernel Xgemm. Work-groups of MDIMC x NDIMC make tiles of MWG x NWG outputs from slices of
 * KWG, KWI unrolled; VWM and VWN are vector widths; SA and SB stage A and B in local memory with MDIMA and NDIMB
 * threads across; STRM and STRN interleave. GEMMK is 0 here: kernel 1 gives wrong results before CLBlast 1.6.3. */
#include "tune/clblast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/device.h"
#include "ops/gemm_clblast.h"
#include "selftest/probe.h"
#include "tune/tuning.h"

enum { INDIRECT, GEMMK, KREG, KWG, KWI, MDIMA, MDIMC, MWG, NDIMB, NDIMC, NWG, SA, SB, STRM, STRN, VWM, VWN, COUNT };

static const char *const names[COUNT] = {"XGEMM_MIN_INDIRECT_SIZE",
                                         "GEMMK",
                                         "KREG",
                                         "KWG",
                                         "KWI",
                                         "MDIMA",
                                         "MDIMC",
                                         "MWG",
                                         "NDIMB",
                                         "NDIMC",
                                         "NWG",
                                         "SA",
                                         "SB",
                                         "STRM",
                                         "STRN",
                                         "VWM",
                                         "VWN"};

static bool read_set(const char *text, size_t set[COUNT])
{
    for (int i = 0; i < COUNT; i++) {
        const size_t length = strlen(names[i]);
        char *end;
        if (strncmp(text, names[i], length) || text[length] != '=') return false;
        text += length + 1;
        if (*text < '0' || *text > '9') return false;
        const unsigned long value = strtoul(text, &end, 10);
        if (value > 1 << 20 || *end != (i + 1 < COUNT ? ',' : '\0')) return false;
        set[i] = value;
        text = end + 1;
    }
    return true;
}

static bool multiple(size_t a, size_t b)
{
    return b > 0 && a > 0 && a % b == 0;
}

/* What the kernel's source takes for granted. */
static bool holds(const size_t *v, const zoe_device_info *info)
{
    static const int powers[] = {KWG, KWI, MDIMA, MDIMC, NDIMB, NDIMC, VWM, VWN};
    for (size_t i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        const size_t value = v[powers[i]];
        if (value < 1 || value > 128 || (value & (value - 1))) return false;
    }
    if (v[GEMMK] != 0 || v[KREG] != 1 || v[SA] > 1 || v[SB] > 1 || v[STRM] > 1 || v[STRN] > 1) return false;
    if (v[VWM] > 16 || v[VWN] > 16 || v[MWG] > 1024 || v[NWG] > 1024) return false;
    if (!multiple(v[KWG], v[KWI])) return false;
    if (!multiple(v[MWG], v[MDIMC] * v[VWM]) || !multiple(v[NWG], v[NDIMC] * v[VWN])) return false;
    if (!multiple(v[MWG], v[MDIMA] * v[VWM]) || !multiple(v[NWG], v[NDIMB] * v[VWN])) return false;
    const size_t group = v[MDIMC] * v[NDIMC];
    if (!multiple(group, v[MDIMA]) || !multiple(group, v[NDIMB])) return false;
    if (!multiple(v[KWG], group / v[MDIMA]) || !multiple(v[KWG], group / v[NDIMB])) return false;
    const size_t staged = 4 * v[KWG] * (v[SA] * v[MWG] + v[SB] * v[NWG]);
    return group <= info->max_work_group && staged <= info->local_mem_bytes;
}

bool zoe__clblast_valid(const char *parameters, const zoe_device_info *info)
{
    size_t set[COUNT];
    return read_set(parameters, set) && holds(set, info);
}

/* MDIMC NDIMC, outputs a work-item in either direction, VWM VWN, KWG KWI, staged or not. First what won on CPUs under
 * PoCL (small groups, wide vectors, nothing staged), then what GPUs like. */
static const int shapes[][9] = {
    {4, 4, 8, 8, 8, 8, 32, 2, 0},   {1, 1, 16, 6, 16, 2, 32, 2, 0},  {1, 1, 8, 6, 8, 2, 32, 2, 0},
    {2, 2, 16, 8, 16, 4, 32, 2, 0}, {1, 1, 32, 4, 16, 4, 32, 4, 0},  {1, 2, 16, 8, 8, 4, 64, 2, 0},
    {2, 1, 8, 12, 8, 4, 32, 2, 0},  {1, 1, 16, 12, 16, 4, 64, 4, 0}, {8, 8, 4, 4, 2, 2, 16, 2, 1},
    {16, 8, 4, 8, 2, 2, 16, 2, 1},  {16, 16, 4, 4, 4, 2, 32, 2, 1},  {8, 16, 8, 4, 4, 4, 16, 2, 0},
};

bool zoe__clblast_candidate(size_t index, char parameters[256])
{
    parameters[0] = '\0';
    if (index == 0) return true;
    if (index > sizeof shapes / sizeof shapes[0]) return false;
    const int *s = shapes[index - 1];
    const int value[COUNT] = {0,    0,           1,    s[6], s[7], s[0], s[0], s[0] * s[2], s[1],
                              s[1], s[1] * s[3], s[8], s[8], 0,    0,    s[4], s[5]};
    for (int i = 0; i < COUNT; i++) {
        const size_t used = strlen(parameters);
        zoe__format(parameters + used, 256 - used, "%s%s=%d", i ? "," : "", names[i], value[i]);
    }
    return true;
}

zoe_status zoe__clblast_apply(zoe_device *device, const char *parameters)
{
    size_t set[COUNT];
    ZOE_FAIL_IF(zoe__device_context(device), !zoe__clblast_valid(parameters, zoe_device_get_info(device)),
                ZOE_UNSUPPORTED, "CLBlast would not survive the parameters '%s'", parameters);
    read_set(parameters, set);
    ZOE_TRY(zoe__gemm_override(device, "GemmRoutine", 1, names, set));
    return zoe__gemm_override(device, "Xgemm", COUNT - 1, names + 1, set + 1);
}

zoe_status zoe__clblast_apply_tuned(zoe_device *device)
{
    zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(device));
    const zoe__tune_entry *best = NULL;
    double most = 0;
    if (!table || table->gemm_applied) return ZOE_OK;
    table->gemm_applied = true;
    for (size_t i = 0; i < table->count; i++) {
        const zoe__tune_entry *row = &table->rows[i];
        const double size = (double)row->shape.n * row->shape.k * row->shape.c;
        if (strcmp(row->op, "gemm") || !row->parameters[0] || size <= most) continue;
        if (!zoe__clblast_valid(row->parameters, zoe_device_get_info(device))) continue;
        most = size;
        best = row;
    }
    return best ? zoe__clblast_apply(device, best->parameters) : ZOE_OK;
}

/* ---- measuring ---- */

enum { STREAM_A = 4, STREAM_B = 5, SAMPLES = 256, ROUNDS = 9 };
static const double ENOUGH_SECONDS = 0.3;

typedef struct product {
    zoe_device *device;
    zoe__gemm gemm;
    zoe__mem *temporary;
    float *host;
} product;

static zoe_status new_matrix(product *p, zoe__mem **out, size_t count, int stream)
{
    ZOE_TRY(zoe__mem_new(out, p->device, count * sizeof(float), "a matrix to multiply"));
    if (!stream) return ZOE_OK;
    zoe__probe_fill((uint32_t)stream, p->host, count);
    return zoe__mem_write(*out, 0, p->host, count * sizeof(float));
}

static zoe_status make(product *p, const zoe__tune_shape *shape)
{
    const size_t m = (size_t)shape->n, n = (size_t)shape->k, k = (size_t)shape->c;
    const size_t most = m * k > n * k ? (m * k > m * n ? m * k : m * n) : (n * k > m * n ? n * k : m * n);
    size_t floats = 0;
    p->gemm = (zoe__gemm){.transpose_b = true,
                          .m = shape->n,
                          .n = shape->k,
                          .k = shape->c,
                          .a_ld = shape->c,
                          .b_ld = shape->c,
                          .c_ld = shape->k};
    ZOE_TRY(zoe__calloc(zoe__device_context(p->device), &p->host, most, sizeof(float)));
    ZOE_TRY(new_matrix(p, &p->gemm.a, m * k, STREAM_A));
    ZOE_TRY(new_matrix(p, &p->gemm.b, n * k, STREAM_B));
    ZOE_TRY(new_matrix(p, &p->gemm.c, m * n, 0));
    ZOE_TRY(zoe__gemm_temporary_of(p->device, &p->gemm, &floats));
    return zoe__mem_new(&p->temporary, p->device, floats * sizeof(float), "CLBlast's own memory");
}

static zoe_status check(product *p, double *nmse)
{
    const int m = p->gemm.m, n = p->gemm.n, k = p->gemm.k;
    double differences = 0, squares = 0;
    ZOE_TRY(zoe__mem_read(p->gemm.c, 0, p->host, (size_t)m * (size_t)n * sizeof(float)));
    for (int i = 0; i < SAMPLES; i++) {
        const int row = (int)((int64_t)i * 7919 % m), column = i % 2 ? n - 1 - i % n : (int)((int64_t)i * 104729 % n);
        double sum = 0;
        for (int j = 0; j < k; j++)
            sum += (double)zoe__probe_number(STREAM_A, (uint32_t)(row * k + j)) *
                   (double)zoe__probe_number(STREAM_B, (uint32_t)(column * k + j));
        const double d = (double)p->host[(size_t)row * (size_t)n + (size_t)column] - sum;
        differences += isfinite(d) ? d * d : INFINITY;
        squares += sum * sum;
    }
    *nmse = differences / fmax(squares, 1e-30);
    return ZOE_OK;
}

static zoe_status time_it(product *p, double *seconds)
{
    double total = 0;
    for (int round = 0; round < ROUNDS && (round < 2 || total < ENOUGH_SECONDS); round++) {
        const double start = zoe__seconds();
        ZOE_TRY(zoe__gemm_run(p->device, &p->gemm, p->temporary));
        ZOE_TRY(zoe__device_finish(p->device));
        const double took = zoe__seconds() - start;
        total += took;
        if (!round || took < *seconds) *seconds = took;
    }
    return ZOE_OK;
}

zoe_status zoe__clblast_measure(zoe_device *device, const zoe__tune_shape *shape, const char *parameters,
                                double *seconds, double *nmse)
{
    product p = {.device = device};
    zoe_status status = ZOE_OK;
    if (parameters[0]) ZOE_TRY(zoe__clblast_apply(device, parameters));
    ZOE_TRY_OUT(make(&p, shape));
    ZOE_TRY_OUT(zoe__gemm_run(device, &p.gemm, p.temporary)); /* compiles */
    ZOE_TRY_OUT(check(&p, nmse));
    status = time_it(&p, seconds);
out:
    zoe__mem_free(&p.gemm.a);
    zoe__mem_free(&p.gemm.b);
    zoe__mem_free(&p.gemm.c);
    zoe__mem_free(&p.temporary);
    free(p.host);
    return status;
}
