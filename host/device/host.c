/* SPDX-License-Identifier: Apache-2.0
 *
 * The host as a device: memory is plain memory, work is done by the plain-C references, nothing is ever waited for. */
#include "device/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_ALIGN = 64 };

/* The processor's name as Linux tells it; other systems keep the fallback. */
static void processor_name(char *out, size_t size)
{
    zoe__format(out, size, "this processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[512];
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        line[strcspn(line, "\n")] = '\0';
        zoe__format(out, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    fclose(file);
}

void zoe__host_info(zoe_device_info *info)
{
    *info = (zoe_device_info){.id = "host",
                              .platform = "plain C",
                              .vendor = "Zoetrope",
                              .driver = ZOE_VERSION,
                              .version = "C11",
                              .family = ZOE_FAMILY_HOST,
                              .is_cpu = true,
                              .vector_width = 1,
                              .lanes = 8,
                              .max_work_group = 1,
                              .base_align = HOST_ALIGN,
                              .fp64 = true};
    processor_name(info->name, sizeof info->name);
    const long units = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    info->compute_units = units > 0 ? (uint32_t)units : 1;
    info->global_mem_bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 30;
    info->max_alloc_bytes = info->global_mem_bytes;
}

static zoe_status host_mem_new(zoe__mem *mem, const char *what)
{
    const size_t size = zoe__round_up(mem->bytes ? mem->bytes : 1, HOST_ALIGN);
    if (size >= mem->bytes) mem->host = aligned_alloc(HOST_ALIGN, size);
    ZOE_FAIL_IF(mem->device->context, !mem->host, ZOE_DEVICE_MEMORY, "%s: %zu bytes needed, the system has no more",
                what, mem->bytes);
    memset(mem->host, 0, size);
    return ZOE_OK;
}

static zoe_status host_mem_part(zoe__mem *part)
{
    part->host = (char *)part->root->host + part->offset;
    return ZOE_OK;
}

static void host_mem_free(zoe__mem *mem)
{
    if (!mem->root) free(mem->host);
}

static zoe_status host_mem_write(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    memcpy((char *)mem->host + offset, data, bytes);
    return ZOE_OK;
}

static zoe_status host_mem_read(zoe__mem *mem, size_t offset, void *data, size_t bytes)
{
    memcpy(data, (const char *)mem->host + offset, bytes);
    return ZOE_OK;
}

static zoe_status host_mem_map(zoe__mem *mem, void **data)
{
    *data = mem->host;
    return ZOE_OK;
}

static zoe_status host_mem_unmap(zoe__mem *mem, void *data)
{
    (void)mem, (void)data;
    return ZOE_OK;
}

static zoe_status host_mem_zero(zoe__mem *mem)
{
    memset(mem->host, 0, mem->bytes);
    return ZOE_OK;
}

static zoe_status host_nothing(zoe_device *device)
{
    (void)device;
    return ZOE_OK;
}

static zoe_status host_kernel_new(zoe__kernel *kernel, const char *program, const char *options)
{
    (void)options;
    return zoe__fail(kernel->device->context, ZOE_UNSUPPORTED,
                     "kernel %s of cl/%s.cl: the device 'host' runs no kernels", kernel->name, program);
}

static void host_close(zoe_device *device)
{
    (void)device;
}

/* The functions on kernels are missing: there is no way to make one. */
const zoe__driver zoe__host_driver = {
    .mem_new = host_mem_new,
    .mem_part = host_mem_part,
    .mem_free = host_mem_free,
    .mem_write = host_mem_write,
    .mem_read = host_mem_read,
    .mem_zero = host_mem_zero,
    .mem_write_later = host_mem_write,
    .mem_upload = host_mem_write,
    .mem_map = host_mem_map,
    .mem_unmap = host_mem_unmap,
    .fence = host_nothing,
    .flush = host_nothing,
    .finish = host_nothing,
    .kernel_new = host_kernel_new,
    .close = host_close,
};

zoe_status zoe__host_open(zoe_device *device)
{
    zoe__host_info(&device->info);
    device->driver = &zoe__host_driver;
    return ZOE_OK;
}
