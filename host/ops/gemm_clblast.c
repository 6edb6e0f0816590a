/* SPDX-License-Identifier: Apache-2.0
 *
 * CLBlast's SGEMM as an entry of a plan. The one place besides host/device that calls OpenCL, and the only one that
 * calls CLBlast. Parameters are those of the device's tuning, else CLBlast's own defaults. */
#include "ops/gemm_clblast.h"

#if ZOE_CLBLAST

#    include <stdlib.h>

#    include <clblast_c.h>

#    include "tune/clblast.h"

bool zoe__gemm_available(void)
{
    return true;
}

void zoe__gemm_forget(void)
{
    CLBlastClearCache();
}

typedef struct call {
    zoe__gemm gemm;
    cl_mem a, b, c, temporary;
    char layer[ZOE__NAME];
} call;

static CLBlastTranspose transposed(bool yes)
{
    return yes ? CLBlastTransposeYes : CLBlastTransposeNo;
}

/* CLBlast passes OpenCL's codes through, and has its own. */
static zoe_status check(zoe_device *device, CLBlastStatusCode code, const char *layer)
{
    if (code == CLBlastSuccess) return ZOE_OK;
    char what[160];
    zoe__format(what, sizeof what, "CLBlastSgemm (layer %s)", layer);
    if ((int)code > -100) return zoe__cl_check(device, (int)code, what);
    return zoe__fail(zoe__device_context(device), ZOE_DEVICE, "%s: CLBlast's status %d", what, (int)code);
}

static zoe_status run(zoe_device *device, void *user)
{
    const call *c = user;
    const zoe__gemm *g = &c->gemm;
    cl_command_queue queue = zoe__device_queue(device);
    const CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transposed(g->transpose_a), transposed(g->transpose_b), (size_t)g->m, (size_t)g->n,
        (size_t)g->k, 1.0f, c->a, g->a_first, (size_t)g->a_ld, c->b, g->b_first, (size_t)g->b_ld, g->add ? 1.0f : 0.0f,
        c->c, g->c_first, (size_t)g->c_ld, &queue, NULL, c->temporary);
    return check(device, code, c->layer);
}

zoe_status zoe__gemm_run(zoe_device *device, const zoe__gemm *gemm, zoe__mem *temporary)
{
    const call c = {*gemm,
                    zoe__mem_handle(gemm->a),
                    zoe__mem_handle(gemm->b),
                    zoe__mem_handle(gemm->c),
                    zoe__mem_handle(temporary),
                    "alone"};
    return run(device, (void *)&c);
}

zoe_status zoe__gemm_override(zoe_device *device, const char *kernel, size_t count, const char *const *names,
                              const size_t *values)
{
    const CLBlastStatusCode code = CLBlastOverrideParameters(
        zoe__device_cl_device(device), kernel, CLBlastPrecisionSingle, count, (const char **)names, values);
    ZOE_FAIL_IF(zoe__device_context(device), code != CLBlastSuccess, ZOE_UNSUPPORTED,
                "CLBlast does not take parameters for %s: status %d", kernel, (int)code);
    return ZOE_OK;
}

zoe_status zoe__gemm_temporary(zoe_plan *plan, const zoe__gemm *g, size_t *floats)
{
    zoe_device *device = zoe__plan_device(plan);
    ZOE_TRY(zoe__clblast_apply_tuned(device));
    return zoe__gemm_temporary_of(device, g, floats);
}

zoe_status zoe__gemm_temporary_of(zoe_device *device, const zoe__gemm *g, size_t *floats)
{
    cl_command_queue queue = zoe__device_queue(device);
    size_t bytes = 0;
    const CLBlastStatusCode code =
        CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transposed(g->transpose_a), transposed(g->transpose_b),
                                   (size_t)g->m, (size_t)g->n, (size_t)g->k, g->a_first, (size_t)g->a_ld, g->b_first,
                                   (size_t)g->b_ld, g->c_first, (size_t)g->c_ld, &queue, &bytes);
    *floats = zoe__round_up(bytes / sizeof(float) + 1, 64);
    return check(device, code, "planning");
}

zoe_status zoe__gemm_emit(zoe_plan *plan, const zoe__node *node, const zoe__gemm *gemm, zoe__mem *temporary)
{
    const double flops = 2.0 * gemm->m * gemm->n * gemm->k;
    call *c = NULL;
    ZOE_TRY(zoe__calloc(zoe__plan_context(plan), &c, 1, sizeof *c));
    c->gemm = *gemm;
    if (!zoe__plan_get_options(plan)->dry) {
        c->a = zoe__mem_handle(gemm->a);
        c->b = zoe__mem_handle(gemm->b);
        c->c = zoe__mem_handle(gemm->c);
        c->temporary = zoe__mem_handle(temporary);
    }
    zoe__format(c->layer, sizeof c->layer, "%s", node->name);
    return zoe__plan_call(plan, node, "CLBlastSgemm", flops, run, c);
}

#else

bool zoe__gemm_available(void)
{
    return false;
}

void zoe__gemm_forget(void)
{
}

zoe_status zoe__gemm_temporary(zoe_plan *plan, const zoe__gemm *gemm, size_t *floats)
{
    (void)gemm;
    *floats = 0;
    return zoe__fail(zoe__plan_context(plan), ZOE_UNSUPPORTED, "built without CLBlast");
}

zoe_status zoe__gemm_temporary_of(zoe_device *device, const zoe__gemm *gemm, size_t *floats)
{
    (void)gemm;
    *floats = 0;
    return zoe__fail(zoe__device_context(device), ZOE_UNSUPPORTED, "built without CLBlast");
}

zoe_status zoe__gemm_run(zoe_device *device, const zoe__gemm *gemm, zoe__mem *temporary)
{
    (void)gemm;
    (void)temporary;
    return zoe__fail(zoe__device_context(device), ZOE_UNSUPPORTED, "built without CLBlast");
}

zoe_status zoe__gemm_override(zoe_device *device, const char *kernel, size_t count, const char *const *names,
                              const size_t *values)
{
    (void)count;
    (void)names;
    (void)values;
    return zoe__fail(zoe__device_context(device), ZOE_UNSUPPORTED, "built without CLBlast: %s", kernel);
}

zoe_status zoe__gemm_emit(zoe_plan *plan, const zoe__node *node, const zoe__gemm *gemm, zoe__mem *temporary)
{
    (void)node;
    (void)gemm;
    (void)temporary;
    return zoe__fail(zoe__plan_context(plan), ZOE_UNSUPPORTED, "built without CLBlast");
}

#endif
