/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernel objects: made once, arguments set once, launched many times. A launch allocates nothing of ours. */
#include "device/opencl.h"

#include <string.h>

/* A failed call on a kernel, with everything that helps to find it. Only built when it is needed. */
static zoe_status fail_kernel(const zoe__kernel *kernel, cl_int code, const char *call, const char *label)
{
    char what[256];
    const bool named = label && label[0] && strcmp(label, kernel->name);
    zoe__format(what, sizeof what, "%s %s%s%s%s", call, kernel->name, named ? " (layer " : "", named ? label : "",
                named ? ")" : "");
    return zoe__cl_check(kernel->device, code, what);
}

zoe_status zoe__opencl_kernel_new(zoe__kernel *kernel, const char *program, const char *options)
{
    zoe_device *device = kernel->device;
    size_t built;
    cl_int code;
    ZOE_TRY(zoe__program_get(&built, device, program, options));
    kernel->handle = clCreateKernel(device->opencl->programs[built].program, kernel->name, &code);
    ZOE_FAIL_IF(device->context, code == CL_INVALID_KERNEL_NAME, ZOE_BUILD, "cl/%s.cl has no kernel '%s'", program,
                kernel->name);
    if (code != CL_SUCCESS) return fail_kernel(kernel, code, "clCreateKernel", NULL);
    if (clGetKernelWorkGroupInfo(kernel->handle, device->opencl->device, CL_KERNEL_WORK_GROUP_SIZE,
                                 sizeof kernel->max_group, &kernel->max_group, NULL) != CL_SUCCESS ||
        !kernel->max_group)
        kernel->max_group = device->info.max_work_group;
    zoe__program_keep(device, built);
    const zoe_status status = zoe__program_first_use(&kernel->fresh, device, built, kernel->name);
    if (status != ZOE_OK) clReleaseKernel(kernel->handle);
    device->opencl->fresh_kernels += kernel->fresh;
    return status;
}

void zoe__opencl_kernel_free(zoe__kernel *kernel)
{
    kernel->device->opencl->fresh_kernels -= kernel->fresh;
    clReleaseKernel(kernel->handle);
}

zoe_status zoe__opencl_kernel_arg(zoe__kernel *kernel, unsigned index, char kind, const void *value)
{
    cl_int code;
    if (kind == 'm') {
        const zoe__mem *const *mem = value;
        const cl_mem handle = mem && *mem ? (*mem)->handle : NULL;
        code = clSetKernelArg(kernel->handle, index, sizeof handle, &handle);
    } else if (kind == 'l') {
        code = clSetKernelArg(kernel->handle, index, *(const size_t *)value, NULL);
    } else {
        ZOE_FAIL_IF(kernel->device->context, !strchr("ifu", kind) || !kind, ZOE_USAGE, "argument %u of %s: kind '%c'",
                    index, kernel->name, kind);
        code = clSetKernelArg(kernel->handle, index, 4, value);
    }
    if (code == CL_SUCCESS) return ZOE_OK;
    char call[64];
    zoe__format(call, sizeof call, "clSetKernelArg %u ('%c') of", index, kind);
    return fail_kernel(kernel, code, call, NULL);
}

/* ZOE_SYNC=1: the error of a kernel belongs to this launch and no other. */
static zoe_status run_and_wait(zoe__kernel *kernel, cl_uint dims, const size_t *global, const size_t *local,
                               const char *label)
{
    cl_command_queue queue = kernel->device->opencl->work;
    cl_event event = NULL;
    cl_int state = CL_COMPLETE;
    kernel->device->counters.waits++;
    cl_int code = clEnqueueNDRangeKernel(queue, kernel->handle, dims, NULL, global, local, 0, NULL, &event);
    if (code != CL_SUCCESS) return fail_kernel(kernel, code, "clEnqueueNDRangeKernel", label);
    code = clWaitForEvents(1, &event);
    if (clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) != CL_SUCCESS)
        state = CL_COMPLETE;
    clReleaseEvent(event);
    if (state < 0) code = state; /* says more than -14, "a command in the wait list failed" */
    return code == CL_SUCCESS ? ZOE_OK : fail_kernel(kernel, code, "running", label);
}

/* The launch that compiles: waits, so that it can be told which of how many kernels it is. */
static zoe_status run_fresh(zoe__kernel *kernel, cl_uint dims, const size_t *global, const size_t *local,
                            const char *label)
{
    zoe__opencl *cl = kernel->device->opencl;
    const double start = zoe__seconds();
    const size_t waits = kernel->device->counters.waits;
    kernel->fresh = false;
    cl->compiled_kernels++;
    zoe__compiling(kernel->device, "kernel %zu of %zu, %s", cl->compiled_kernels, cl->fresh_kernels, kernel->name);
    const zoe_status status = run_and_wait(kernel, dims, global, local, label);
    kernel->device->counters.compile_seconds += zoe__seconds() - start;
    zoe__log(kernel->device->context, ZOE_LOG_DEBUG, "kernel %s: compiled and run for the first time in %.3f s",
             kernel->name, zoe__seconds() - start);
    if (!kernel->device->sync) kernel->device->counters.waits = waits; /* a wait for the compiler is none for work */
    return status;
}

zoe_status zoe__opencl_kernel_run(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                  const char *label)
{
    if (kernel->fresh) return run_fresh(kernel, (cl_uint)dims, global, local, label);
    if (kernel->device->sync) return run_and_wait(kernel, (cl_uint)dims, global, local, label);
    const cl_int code = clEnqueueNDRangeKernel(kernel->device->opencl->work, kernel->handle, (cl_uint)dims, NULL,
                                               global, local, 0, NULL, NULL);
    return code == CL_SUCCESS ? ZOE_OK : fail_kernel(kernel, code, "clEnqueueNDRangeKernel", label);
}

zoe_status zoe__opencl_kernel_run_event(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                        const char *label, void **event)
{
    cl_event made = NULL;
    if (kernel->fresh) return run_fresh(kernel, (cl_uint)dims, global, local, label); /* no time of a launch */
    const cl_int code = clEnqueueNDRangeKernel(kernel->device->opencl->work, kernel->handle, (cl_uint)dims, NULL,
                                               global, local, 0, NULL, &made);
    *event = made;
    return code == CL_SUCCESS ? ZOE_OK : fail_kernel(kernel, code, "clEnqueueNDRangeKernel", label);
}

zoe_status zoe__opencl_event_take(zoe_device *device, void **event, double *seconds)
{
    cl_event taken = *event;
    cl_ulong queued = 0, start = 0, end = 0; /* ns */
    *event = NULL;
    cl_int code = clWaitForEvents(1, &taken);
    if (code == CL_SUCCESS)
        code = clGetEventProfilingInfo(taken, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
    if (code == CL_SUCCESS) code = clGetEventProfilingInfo(taken, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
    if (clGetEventProfilingInfo(taken, CL_PROFILING_COMMAND_QUEUED, sizeof queued, &queued, NULL) != CL_SUCCESS)
        queued = start;
    clReleaseEvent(taken);
    device->counters.queue_seconds = start > queued ? (double)(start - queued) * 1e-9 : 0;
    if (end > start) *seconds = (double)(end - start) * 1e-9;
    return zoe__cl_check(device, code, "clGetEventProfilingInfo");
}
