/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases "gemm FORM MxNxK by openblas": what the processor can do without OpenCL, by the library of the system if it is
 * there. FORM: nn C = A B, nt C = A B^T, tn C = A^T B, all row by row. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/case_id.h"
#include "bench/once.h"
#include "core/philox.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TURNED = 112 }; /* as in cblas.h */
typedef void sgemm_function(int order, int turn_a, int turn_b, int m, int n, int k, float alpha, const float *a,
                            int lda, const float *b, int ldb, float beta, float *c, int ldc);

typedef struct product {
    const zoe__once *once;
    zoe__gemm_id id;
    void *library;
    sgemm_function *sgemm;
    float *a, *b, *c;
    bool a_turned, b_turned;
} product;

static zoe_status find_library(product *p)
{
    void *symbol;
    p->library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    symbol = p->library ? dlsym(p->library, "cblas_sgemm") : NULL;
    ZOE_FAIL_IF(p->once->context, !symbol, ZOE_CONFIG, "OpenBLAS is not installed (libopenblas.so.0)");
    memcpy(&p->sgemm, &symbol, sizeof p->sgemm); /* ISO C has no way from an object's to a function's address */
    return ZOE_OK;
}

static zoe_status run(void *user, int times)
{
    const product *p = user;
    const int m = p->id.m, n = p->id.n, k = p->id.k;
    for (int t = 0; t < times; t++)
        p->sgemm(ROW_MAJOR, p->a_turned ? TURNED : PLAIN, p->b_turned ? TURNED : PLAIN, m, n, k, 1, p->a,
                 p->a_turned ? m : k, p->b, p->b_turned ? k : n, 0, p->c, n);
    return ZOE_OK;
}

static zoe_status spoil(void *user)
{
    product *p = user;
    memset(p->c, 0xff, (size_t)p->id.m * (size_t)p->id.n * sizeof *p->c);
    return ZOE_OK;
}

static double wanted(const product *p, size_t row, size_t column)
{
    const size_t m = (size_t)p->id.m, n = (size_t)p->id.n, k = (size_t)p->id.k;
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += (double)p->a[p->a_turned ? i * m + row : row * k + i] *
               (double)p->b[p->b_turned ? column * k + i : i * n + column];
    return sum;
}

static zoe_status check(void *user, bool numbers, char hash[65], double *nmse, double *most)
{
    const product *p = user;
    const size_t count = (size_t)p->id.m * (size_t)p->id.n;
    const size_t places = (size_t)zoe_options_int(p->once->options, "places");
    double differences = 0, squares = 0, largest = 0;
    zoe__random random;
    zoe__once_hash(p->c, count * sizeof *p->c, hash);
    if (!numbers) return ZOE_OK;
    zoe__random_init(&random, zoe__once_seed(p->once->id), 9, 0);
    *most = 0;
    for (size_t i = 0; i < (count < places ? count : places); i++) {
        const size_t at = count < places ? i : zoe__random_u32(&random) % count;
        const double value = wanted(p, at / (size_t)p->id.n, at % (size_t)p->id.n), d = fabs((double)p->c[at] - value);
        differences += d * d;
        squares += value * value;
        *most = !(d <= *most) ? d : *most;
        largest = fmax(largest, fabs(value));
    }
    *nmse = differences / fmax(squares, 1e-30);
    *most /= fmax(largest, 1e-30);
    return ZOE_OK;
}

static zoe_status fill(product *p)
{
    const size_t m = (size_t)p->id.m, n = (size_t)p->id.n, k = (size_t)p->id.k;
    ZOE_TRY(zoe__calloc(p->once->context, &p->a, m * k, sizeof *p->a));
    ZOE_TRY(zoe__calloc(p->once->context, &p->b, n * k, sizeof *p->b));
    ZOE_TRY(zoe__calloc(p->once->context, &p->c, m * n, sizeof *p->c));
    zoe__once_fill(p->once, 1, p->a, m * k);
    zoe__once_fill(p->once, 2, p->b, n * k);
    return ZOE_OK;
}

zoe_status zoe__once_gemm(const zoe__once *once, bool *known)
{
    product p = {.once = once};
    zoe_status status = ZOE_OK;
    *known = zoe__gemm_id_read(&p.id, once->id) && !strcmp(p.id.how, "openblas");
    if (!*known) return ZOE_OK;
    const double start = zoe__seconds();
    const double flops = zoe__case_flops(once->id), m = p.id.m, n = p.id.n, k = p.id.k;
    p.a_turned = p.id.form[0] == 't';
    p.b_turned = p.id.form[1] == 't';
    ZOE_TRY_OUT(find_library(&p));
    ZOE_TRY_OUT(fill(&p));
    json_object_set_new(once->out, "setup_s", json_real(zoe__seconds() - start));
    json_object_set_new(once->out, "flops", json_real(flops));
    json_object_set_new(once->out, "bytes", json_real(4 * (m * k + n * k + m * n)));
    json_object_set_new(once->out, "algorithm", json_string("openblas"));
    const zoe__once_work work = {
        .user = &p, .run = run, .spoil = spoil, .check = check, .limits = zoe__bench_limits(false), .on_cpu = true};
    ZOE_TRY_OUT(zoe__once_measure(once, &work));
out:
    free(p.a);
    free(p.b);
    free(p.c);
    if (p.library) dlclose(p.library);
    return status;
}
