/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands for the opencl_*.c files in a build with ZOE_OPENCL=OFF: no devices but the host. */
#include "device/ahead.h"
#include "device/internal.h"

zoe_status zoe__opencl_list(zoe_context *context, zoe__device_entry **entries, size_t *count)
{
    *count = 0;
    return zoe__calloc(context, entries, 1, sizeof **entries);
}

zoe_status zoe__opencl_open(zoe_device *device, const zoe__device_entry *entry, unsigned part, unsigned parts,
                            const zoe_device_options *options)
{
    (void)part, (void)parts, (void)options;
    return zoe__fail(device->context, ZOE_DEVICE, "%s: this build has no OpenCL (ZOE_OPENCL=OFF)", entry->info.id);
}

zoe_status zoe__ahead_serve(zoe_device *device, int socket)
{
    (void)socket;
    return zoe__fail(device->context, ZOE_DEVICE, "this build has no OpenCL (ZOE_OPENCL=OFF)");
}

void *zoe__device_queue(const zoe_device *device)
{
    (void)device;
    return NULL;
}

void *zoe__device_cl_context(const zoe_device *device)
{
    (void)device;
    return NULL;
}

void *zoe__device_cl_device(const zoe_device *device)
{
    (void)device;
    return NULL;
}
