/* SPDX-License-Identifier: Apache-2.0
 *
 * An OpenCL layer that makes calls fail (OPENCL_LAYERS names it to the loader, which stands it between us and the
 * driver). zoe_fault_set(n, code): call number n of those below from now on returns code, n = 0: none does.
 * zoe_fault_idle(1): kernels are not launched, so that what is left of a step is the host's work (graph/host_cost.c).
 *
 * For whole processes (fault_sweep.sh) the environment says what happens; calls that ask (clGetDeviceInfo, ..) count
 * too then:
 *   ZOE_FAULT_AT=N      call number N returns ZOE_FAULT_CODE; with ZOE_FAULT_FOR_GOOD all from then on do;
 *   ZOE_FAULT_SKIP=N    launch number N is not done, and nobody is told;
 *   ZOE_FAULT_KERNEL=X  no launch of kernel X is done, and nobody is told;
 *   ZOE_FAULT_COUNT=F   "CALLS LAUNCHES SKIPPED" go to file F at the end. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl_layer.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void zoe_fault_set(long at, int code);
EXPORT long zoe_fault_calls(void);
EXPORT void zoe_fault_idle(int on);
EXPORT CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info name, size_t size, void *value, size_t *needed);
EXPORT CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target,
                                                   cl_uint *entries_out, const struct _cl_icd_dispatch **layer_out);

static struct _cl_icd_dispatch layer;
static const struct _cl_icd_dispatch *next;
static atomic_long calls, launches, skipped;
static long fail_at, skip_at;
static int fail_code, idle;
static bool whole, for_good;
static const char *skip_kernel;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void read_environment(void)
{
    fail_at = number("ZOE_FAULT_AT");
    fail_code = (int)number("ZOE_FAULT_CODE");
    for_good = number("ZOE_FAULT_FOR_GOOD") != 0;
    skip_at = number("ZOE_FAULT_SKIP");
    skip_kernel = getenv("ZOE_FAULT_KERNEL");
    whole = fail_at || skip_at || skip_kernel || getenv("ZOE_FAULT_COUNT");
}

__attribute__((destructor)) static void write_counts(void)
{
    const char *path = getenv("ZOE_FAULT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld %ld %ld\n", calls, launches, skipped);
    fclose(file);
}

void zoe_fault_set(long at, int code)
{
    calls = 0;
    fail_at = at;
    fail_code = code;
}

long zoe_fault_calls(void)
{
    return calls;
}

void zoe_fault_idle(int on)
{
    idle = on;
}

static bool strikes(void)
{
    const long now = ++calls;
    return fail_at && (now == fail_at || (for_good && now > fail_at));
}

/* "" without an answer. */
static void name_of(cl_kernel kernel, char name[128])
{
    name[0] = '\0';
    if (next->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, 128, name, NULL) != CL_SUCCESS) name[0] = '\0';
}

static bool skips(cl_kernel kernel)
{
    char name[128];
    const bool at = ++launches == skip_at;
    if (at || skip_kernel) name_of(kernel, name);
    if (at) fprintf(stderr, "fault: launch %ld, of %s, is not done\n", skip_at, name);
    return at || idle || (skip_kernel && !strcmp(name, skip_kernel));
}

/* Functions that return a code, and those that return an object and put the code into *e. */
#define CODE(name, parameters, ...)                                                                                    \
    static CL_API_ENTRY cl_int CL_API_CALL my_##name parameters                                                        \
    {                                                                                                                  \
        return strikes() ? fail_code : next->name(__VA_ARGS__);                                                        \
    }
#define ASKS(name, parameters, ...)                                                                                    \
    static CL_API_ENTRY cl_int CL_API_CALL my_##name parameters                                                        \
    {                                                                                                                  \
        return whole && strikes() ? fail_code : next->name(__VA_ARGS__);                                               \
    }
#define OBJECT(type, name, parameters, ...)                                                                            \
    static CL_API_ENTRY type CL_API_CALL my_##name parameters                                                          \
    {                                                                                                                  \
        if (!strikes()) return next->name(__VA_ARGS__);                                                                \
        if (e) *e = fail_code;                                                                                         \
        return NULL;                                                                                                   \
    }
#define WAITS cl_uint waits, const cl_event *list, cl_event *event

typedef void CL_CALLBACK context_callback(const char *, const void *, size_t, void *);
typedef void CL_CALLBACK program_callback(cl_program, void *);

OBJECT(cl_context, clCreateContext,
       (const cl_context_properties *p, cl_uint n, const cl_device_id *d, context_callback *f, void *u, cl_int *e), p,
       n, d, f, u, e)
OBJECT(cl_command_queue, clCreateCommandQueue, (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *e),
       c, d, p, e)
OBJECT(cl_mem, clCreateBuffer, (cl_context c, cl_mem_flags f, size_t s, void *h, cl_int *e), c, f, s, h, e)
OBJECT(cl_mem, clCreateSubBuffer, (cl_mem m, cl_mem_flags f, cl_buffer_create_type t, const void *i, cl_int *e), m, f,
       t, i, e)
OBJECT(cl_program, clCreateProgramWithSource, (cl_context c, cl_uint n, const char **s, const size_t *l, cl_int *e), c,
       n, s, l, e)
OBJECT(cl_kernel, clCreateKernel, (cl_program p, const char *s, cl_int *e), p, s, e)
CODE(clBuildProgram, (cl_program p, cl_uint n, const cl_device_id *d, const char *o, program_callback *f, void *u), p,
     n, d, o, f, u)
CODE(clSetKernelArg, (cl_kernel k, cl_uint i, size_t s, const void *v), k, i, s, v)
static CL_API_ENTRY cl_int CL_API_CALL my_clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint n,
                                                                 const size_t *o, const size_t *g, const size_t *l,
                                                                 WAITS)
{
    if (strikes()) return fail_code;
    if (!skips(k)) return next->clEnqueueNDRangeKernel(q, k, n, o, g, l, waits, list, event);
    skipped++;
    if (event && !idle) return next->clEnqueueMarkerWithWaitList(q, waits, list, event);
    if (event) *event = NULL;
    return CL_SUCCESS;
}
CODE(clEnqueueReadBuffer, (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t s, void *p, WAITS), q, m, b, o, s,
     p, waits, list, event)
CODE(clEnqueueWriteBuffer, (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t s, const void *p, WAITS), q, m, b,
     o, s, p, waits, list, event)
CODE(clEnqueueFillBuffer, (cl_command_queue q, cl_mem m, const void *p, size_t n, size_t o, size_t s, WAITS), q, m, p,
     n, o, s, waits, list, event)
CODE(clEnqueueBarrierWithWaitList, (cl_command_queue q, WAITS), q, waits, list, event)
static CL_API_ENTRY cl_int CL_API_CALL my_clWaitForEvents(cl_uint n, const cl_event *list)
{
    return strikes() ? fail_code : idle ? CL_SUCCESS : next->clWaitForEvents(n, list);
}
CODE(clFinish, (cl_command_queue q), q)
CODE(clFlush, (cl_command_queue q), q)
ASKS(clGetPlatformInfo, (cl_platform_id p, cl_platform_info i, size_t s, void *v, size_t *n), p, i, s, v, n)
ASKS(clGetDeviceIDs, (cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id *d, cl_uint *o), p, t, n, d, o)
ASKS(clGetDeviceInfo, (cl_device_id d, cl_device_info i, size_t s, void *v, size_t *n), d, i, s, v, n)
ASKS(clGetProgramInfo, (cl_program p, cl_program_info i, size_t s, void *v, size_t *n), p, i, s, v, n)
ASKS(clGetProgramBuildInfo, (cl_program p, cl_device_id d, cl_program_build_info i, size_t s, void *v, size_t *n), p, d,
     i, s, v, n)
ASKS(clGetKernelWorkGroupInfo, (cl_kernel k, cl_device_id d, cl_kernel_work_group_info i, size_t s, void *v, size_t *n),
     k, d, i, s, v, n)
ASKS(clGetEventInfo, (cl_event e, cl_event_info i, size_t s, void *v, size_t *n), e, i, s, v, n)

cl_int clGetLayerInfo(cl_layer_info name, size_t size, void *value, size_t *needed)
{
    static const char title[] = "zoetrope faults";
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *from = name == CL_LAYER_API_VERSION ? (const void *)&version : title;
    const size_t n = name == CL_LAYER_API_VERSION ? sizeof version : sizeof title;
    if (name != CL_LAYER_API_VERSION && name != CL_LAYER_NAME) return CL_INVALID_VALUE;
    if (value && size < n) return CL_INVALID_VALUE;
    if (value) memcpy(value, from, n);
    if (needed) *needed = n;
    return CL_SUCCESS;
}

cl_int clInitLayer(cl_uint entries, const struct _cl_icd_dispatch *target, cl_uint *entries_out,
                   const struct _cl_icd_dispatch **layer_out)
{
    const size_t known = sizeof layer / sizeof(void *);
    next = target;
    memcpy(&layer, target, (entries < known ? entries : known) * sizeof(void *));
#define USE(name) layer.name = my_##name
    USE(clCreateContext), USE(clCreateCommandQueue), USE(clCreateBuffer), USE(clCreateSubBuffer);
    USE(clCreateProgramWithSource), USE(clCreateKernel), USE(clBuildProgram), USE(clSetKernelArg);
    USE(clEnqueueNDRangeKernel), USE(clEnqueueReadBuffer), USE(clEnqueueWriteBuffer), USE(clEnqueueFillBuffer);
    USE(clEnqueueBarrierWithWaitList), USE(clWaitForEvents), USE(clFinish), USE(clFlush);
    USE(clGetPlatformInfo), USE(clGetDeviceIDs), USE(clGetDeviceInfo), USE(clGetProgramInfo);
    USE(clGetProgramBuildInfo), USE(clGetKernelWorkGroupInfo), USE(clGetEventInfo);
    *entries_out = (cl_uint)known;
    *layer_out = &layer;
    return CL_SUCCESS;
}
