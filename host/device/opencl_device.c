/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens and closes an OpenCL device: one context, one in-order queue for work, one for uploads. */
#include "device/opencl.h"

#include <stdlib.h>
#include <string.h>

#include "device/cache.h"

static zoe_status fence(zoe_device *device)
{
    zoe__opencl *cl = device->opencl;
    if (!cl->last_upload) return ZOE_OK;
    /* The upload queue is in order: its last event stands for all. Another queue may only wait for flushed ones. */
    ZOE_TRY(zoe__cl_check(device, clFlush(cl->uploads), "clFlush of the upload queue"));
    const cl_int code = clEnqueueBarrierWithWaitList(cl->work, 1, &cl->last_upload, NULL);
    clReleaseEvent(cl->last_upload);
    cl->last_upload = NULL;
    return zoe__cl_check(device, code, "clEnqueueBarrierWithWaitList");
}

static zoe_status flush(zoe_device *device)
{
    ZOE_TRY(zoe__cl_check(device, clFlush(device->opencl->uploads), "clFlush of the upload queue"));
    return zoe__cl_check(device, clFlush(device->opencl->work), "clFlush of the work queue");
}

static zoe_status finish(zoe_device *device)
{
    device->counters.waits++;
    ZOE_TRY(zoe__cl_check(device, clFinish(device->opencl->uploads), "clFinish of the upload queue"));
    return zoe__cl_check(device, clFinish(device->opencl->work),
                         "clFinish of the work queue (ZOE_SYNC=1 names the kernel)");
}

static void close_device(zoe_device *device)
{
    zoe__opencl *cl = device->opencl;
    if (cl->last_upload) clReleaseEvent(cl->last_upload);
    if (cl->uploads) clFinish(cl->uploads);
    if (cl->work) clFinish(cl->work);
    zoe__program_free_all(device);
    if (cl->uploads) clReleaseCommandQueue(cl->uploads);
    if (cl->work) clReleaseCommandQueue(cl->work);
    if (cl->context) clReleaseContext(cl->context);
    if (cl->is_part) clReleaseDevice(cl->device);
    free(cl->cache_folder);
    free(cl);
    device->opencl = NULL;
}

static const zoe__driver opencl_driver = {
    .mem_new = zoe__opencl_mem_new,
    .mem_part = zoe__opencl_mem_part,
    .mem_free = zoe__opencl_mem_free,
    .mem_write = zoe__opencl_mem_write,
    .mem_read = zoe__opencl_mem_read,
    .mem_zero = zoe__opencl_mem_zero,
    .mem_write_later = zoe__opencl_mem_write_later,
    .mem_upload = zoe__opencl_mem_upload,
    .mem_map = zoe__opencl_mem_map,
    .mem_unmap = zoe__opencl_mem_unmap,
    .fence = fence,
    .flush = flush,
    .finish = finish,
    .kernel_new = zoe__opencl_kernel_new,
    .kernel_free = zoe__opencl_kernel_free,
    .kernel_arg = zoe__opencl_kernel_arg,
    .kernel_run = zoe__opencl_kernel_run,
    .kernel_run_event = zoe__opencl_kernel_run_event,
    .event_take = zoe__opencl_event_take,
    .close = close_device,
};

/* By its own word: Mesa 22.3 has no clCreateSubDevices at all, and calling it crashes. */
static bool can_be_cut(cl_device_id device)
{
    cl_device_partition_property kinds[16] = {0};
    size_t size = 0;
    if (clGetDeviceInfo(device, CL_DEVICE_PARTITION_PROPERTIES, sizeof kinds, kinds, &size) != CL_SUCCESS) return false;
    for (size_t i = 0; i < size / sizeof kinds[0]; i++)
        if (kinds[i] == CL_DEVICE_PARTITION_EQUALLY) return true;
    return false;
}

/* Part `part` of the device cut into `parts` of equally many compute units (a remainder stays unused). */
static zoe_status take_part(zoe_device *device, unsigned part, unsigned parts)
{
    zoe_context *context = device->context;
    const char *id = device->info.id;
    const uint32_t units = device->info.compute_units;
    ZOE_FAIL_IF(context, units < parts, ZOE_DEVICE, "%s has %u compute units: not enough for %u parts", id, units,
                parts);
    ZOE_FAIL_IF(context, !can_be_cut(device->opencl->device), ZOE_DEVICE,
                "%s cannot be cut into parts: its driver has no way", id);
    const cl_device_partition_property equally[] = {CL_DEVICE_PARTITION_EQUALLY,
                                                    (cl_device_partition_property)(units / parts), 0};
    cl_uint made = 0;
    cl_int code = clCreateSubDevices(device->opencl->device, equally, 0, NULL, &made);
    ZOE_FAIL_IF(context, code != CL_SUCCESS || made < parts, ZOE_DEVICE,
                "%s cannot be cut into %u parts: clCreateSubDevices: %s", id, parts, zoe__cl_error_name(code));
    cl_device_id *devices = NULL;
    ZOE_TRY(zoe__calloc(context, &devices, made, sizeof *devices));
    code = clCreateSubDevices(device->opencl->device, equally, made, devices, NULL);
    if (code == CL_SUCCESS) {
        for (cl_uint i = 0; i < made; i++)
            if (i != part) clReleaseDevice(devices[i]);
        device->opencl->device = devices[part];
        device->opencl->is_part = true;
    }
    free(devices);
    return zoe__cl_check(device, code, "clCreateSubDevices");
}

/* The part's own figures under the whole's id and family. */
static zoe_status rename_part(zoe_device *device, cl_platform_id platform, unsigned part, unsigned parts)
{
    const zoe_device_info whole = device->info;
    const cl_int code = zoe__opencl_info(&device->info, platform, device->opencl->device);
    device->info.family = whole.family;
    if (parts == 2)
        zoe__format(device->info.id, sizeof device->info.id, "%.48s/%u", whole.id, part);
    else
        zoe__format(device->info.id, sizeof device->info.id, "%.40s/%uof%u", whole.id, part, parts);
    return zoe__cl_check(device, code, "clGetDeviceInfo");
}

static zoe_status open_queues(zoe_device *device, cl_platform_id platform)
{
    zoe__opencl *cl = device->opencl;
    cl_int code;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)platform, 0};
    cl->context = clCreateContext(properties, 1, &cl->device, NULL, NULL, &code);
    ZOE_TRY(zoe__cl_check(device, code, "clCreateContext"));
    const cl_command_queue_properties kind = device->profile ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl->work = clCreateCommandQueue(cl->context, cl->device, kind, &code);
    ZOE_TRY(zoe__cl_check(device, code, "clCreateCommandQueue for work"));
    cl->uploads = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    return zoe__cl_check(device, code, "clCreateCommandQueue for uploads");
}

/* Who made a program: everything a compiled program depends on, but for its source and options. */
static void set_identity(zoe_device *device, cl_platform_id platform)
{
    const zoe_device_info *info = &device->info;
    char version[512] = "";
    clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof version - 1, version, NULL);
    zoe__format(device->opencl->identity, sizeof device->opencl->identity, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%u %u",
                info->platform, version, info->vendor, info->name, info->driver, info->version, info->uuid,
                info->vector_width, info->max_work_group);
}

static zoe_status choose_lanes(zoe_device *device, const zoe_device_options *options)
{
    const char *text = zoe__environment("ZOE_LANES");
    ZOE_FAIL_IF(device->context, text && strcmp(text, "8") && strcmp(text, "16"), ZOE_CONFIG, "ZOE_LANES=%s: 8 or 16",
                text);
    if (options->lanes)
        device->info.lanes = (uint32_t)options->lanes;
    else if (text)
        device->info.lanes = !strcmp(text, "16") ? 16 : 8;
    else
        device->info.lanes = zoe__lanes_choose(device);
    return ZOE_OK;
}

zoe_status zoe__opencl_open(zoe_device *device, const zoe__device_entry *entry, unsigned part, unsigned parts,
                            const zoe_device_options *options)
{
    ZOE_TRY(zoe__calloc(device->context, &device->opencl, 1, sizeof *device->opencl));
    zoe_status status = ZOE_OK;
    device->driver = &opencl_driver;
    device->info = entry->info;
    device->quirks = entry->quirks;
    device->opencl->device = entry->device;
    if (parts > 1) {
        ZOE_TRY_OUT(take_part(device, part, parts));
        ZOE_TRY_OUT(rename_part(device, entry->platform, part, parts));
    }
    if (options->family) device->info.family = !strcmp(options->family, "vector") ? ZOE_FAMILY_VECTOR : ZOE_FAMILY_SIMT;
    device->info.half = zoe__wants_half(options);
    if (device->info.half) device->info.family = ZOE_FAMILY_SIMT;
    ZOE_TRY_OUT(open_queues(device, entry->platform));
    set_identity(device, entry->platform);
    ZOE_TRY_OUT(zoe__cache_folder(&device->opencl->cache_folder, device->context));
    ZOE_TRY_OUT(choose_lanes(device, options));
    device->counters = (zoe__device_counters){0};
    return ZOE_OK;
out:
    close_device(device);
    return status;
}

void *zoe__device_queue(const zoe_device *device)
{
    return device->opencl ? device->opencl->work : NULL;
}

void *zoe__device_cl_context(const zoe_device *device)
{
    return device->opencl ? device->opencl->context : NULL;
}

void *zoe__device_cl_device(const zoe_device *device)
{
    return device->opencl ? device->opencl->device : NULL;
}
