/* SPDX-License-Identifier: Apache-2.0
 *
 * The face of a device: opening by name, and for memory and kernels the checks and counters that all drivers share. */
#include "device/internal.h"

#include <stdlib.h>
#include <string.h>

#include "ops/gemm_clblast.h"
#include "selftest/trust.h"
#include "tune/tuning.h"

zoe_device_options zoe_device_options_default(void)
{
    return (zoe_device_options){0};
}

const char *zoe_family_name(zoe_family family)
{
    static const char *const names[] = {"host", "vector", "simt"};
    return (unsigned)family < 3 ? names[family] : "?";
}

const char *zoe__environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

bool zoe__wants_half(const zoe_device_options *options)
{
    return options->storage && !strcmp(options->storage, "fp16");
}

static zoe_status check_options(zoe_context *context, const zoe_device_options *options)
{
    ZOE_FAIL_IF(context, options->family && strcmp(options->family, "vector") && strcmp(options->family, "simt"),
                ZOE_USAGE, "family '%s': vector or simt", options->family);
    ZOE_FAIL_IF(context, options->storage && strcmp(options->storage, "fp32") && strcmp(options->storage, "fp16"),
                ZOE_USAGE, "storage '%s': fp32 or fp16", options->storage);
    ZOE_FAIL_IF(context, zoe__wants_half(options) && options->family && strcmp(options->family, "simt"), ZOE_CONFIG,
                "storage fp16: only kernels of family simt know it, not of '%s'", options->family);
    ZOE_FAIL_IF(context, options->lanes != 0 && options->lanes != 8 && options->lanes != 16, ZOE_USAGE,
                "lanes %d: 8, 16, or 0 for what is measured", options->lanes);
    return ZOE_OK;
}

static zoe_status open_host(zoe_device *device, const zoe_device_options *options)
{
    ZOE_FAIL_IF(device->context, options->family, ZOE_USAGE,
                "family '%s' needs an OpenCL device: 'host' has no kernels", options->family);
    ZOE_FAIL_IF(device->context, zoe__wants_half(options), ZOE_CONFIG,
                "storage fp16 needs an OpenCL device: 'host' has doubles");
    return zoe__host_open(device);
}

/* Enumerates only when the name is not "host": no driver is loaded for that. */
static zoe_status open_listed(zoe_device *device, const zoe_device_options *options)
{
    zoe_context *context = device->context;
    zoe__device_entry *entries = NULL;
    size_t count = 0, index = 0;
    char base[256];
    unsigned part = 0, parts = 1;
    ZOE_FAIL_IF(context, !zoe__device_split_name(options->name ? options->name : "", base, sizeof base, &part, &parts),
                ZOE_USAGE, "a device name of more than %zu characters", sizeof base - 1);
    ZOE_TRY(zoe__device_entries(context, &entries, &count));
    zoe_status status = zoe__device_select(context, entries, count, base, &index);
    if (status == ZOE_OK) {
        const zoe__device_entry *entry = &entries[index];
        if (entry->device) {
            status = zoe__opencl_open(device, entry, part, parts, options);
        } else if (parts > 1) {
            status = zoe__fail(context, ZOE_DEVICE, "the device 'host' has no parts");
        } else {
            zoe__log(context, ZOE_LOG_WARN,
                     "no OpenCL device: using the slow plain-C references (apt-get install pocl-opencl-icd gives one)");
            status = open_host(device, options);
        }
    }
    free(entries);
    return status;
}

zoe_status zoe_device_open(zoe_device **out, zoe_context *context, const zoe_device_options *options)
{
    *out = NULL;
    const zoe_device_options chosen = options ? *options : zoe_device_options_default();
    ZOE_TRY(check_options(context, &chosen));
    zoe_device *device;
    ZOE_TRY(zoe__calloc(context, &device, 1, sizeof *device));
    device->context = context;
    const char *sync = zoe__environment("ZOE_SYNC");
    device->sync = sync && strcmp(sync, "0") != 0;
    device->profile = chosen.profile;
    const bool host = chosen.name && !strcmp(chosen.name, "host");
    zoe_status status = host ? open_host(device, &chosen) : open_listed(device, &chosen);
    if (status != ZOE_OK) {
        free(device);
        return status;
    }
    if (chosen.max_memory && device->info.global_mem_bytes > chosen.max_memory)
        device->info.global_mem_bytes = chosen.max_memory;
    status = zoe__tuning_open(&device->own_tuning, context, &device->info, chosen.tuning);
    if (status != ZOE_OK) {
        zoe_device_free(&device);
        return status;
    }
    device->tuning = zoe__tuning_hook(device->own_tuning);
    status = zoe__trust_open(&device->trust, device, chosen.selftest);
    if (status != ZOE_OK) {
        zoe_device_free(&device);
        return status;
    }
    *out = device;
    return ZOE_OK;
}

void zoe_device_free(zoe_device **device)
{
    if (!device || !*device) return;
    if ((*device)->opencl) zoe__gemm_forget();
    (*device)->driver->close(*device);
    zoe__tuning_close(&(*device)->own_tuning);
    zoe__trust_close(&(*device)->trust);
    zoe__ahead_free(*device);
    free(*device);
    *device = NULL;
}

const zoe_device_info *zoe_device_get_info(const zoe_device *device)
{
    return &device->info;
}

zoe_context *zoe__device_context(const zoe_device *device)
{
    return device->context;
}

bool zoe__device_is_host(const zoe_device *device)
{
    return !device->opencl;
}

void zoe__device_set_tuning(zoe_device *device, const struct zoe__tuning *tuning)
{
    device->tuning = tuning;
}

struct zoe__tune_hook *zoe__device_own_tuning(const zoe_device *device)
{
    return device->own_tuning;
}

const struct zoe__tuning *zoe__device_get_tuning(const zoe_device *device)
{
    return device->tuning;
}

const zoe__device_counters *zoe__device_get_counters(const zoe_device *device)
{
    return &device->counters;
}

/* Room for bytes more: against the largest buffer, then against what is not held by us yet. */
static zoe_status check_room(const zoe_device *device, size_t bytes, const char *what)
{
    const zoe_device_info *info = &device->info;
    const uint64_t held = device->counters.bytes;
    ZOE_FAIL_IF(device->context, bytes > info->max_alloc_bytes, ZOE_DEVICE_MEMORY,
                "%s: %zu bytes needed, the largest buffer of %s is %llu bytes", what, bytes, info->id,
                (unsigned long long)info->max_alloc_bytes);
    const uint64_t available = held < info->global_mem_bytes ? info->global_mem_bytes - held : 0;
    ZOE_FAIL_IF(device->context, bytes > available, ZOE_DEVICE_MEMORY,
                "%s: %zu bytes needed, %llu bytes available on %s (%llu of %llu are in use)", what, bytes,
                (unsigned long long)available, info->id, (unsigned long long)held,
                (unsigned long long)info->global_mem_bytes);
    return ZOE_OK;
}

static zoe_status new_mem(zoe__mem **out, zoe_device *device, size_t bytes, const char *what, bool pinned)
{
    *out = NULL;
    ZOE_TRY(check_room(device, bytes, what));
    zoe__mem *mem;
    ZOE_TRY(zoe__calloc(device->context, &mem, 1, sizeof *mem));
    mem->device = device;
    mem->bytes = bytes;
    mem->pinned = pinned;
    const zoe_status status = device->driver->mem_new(mem, what);
    if (status != ZOE_OK) {
        free(mem);
        return status;
    }
    device->counters.bytes += bytes;
    if (device->counters.bytes > device->counters.peak_bytes) device->counters.peak_bytes = device->counters.bytes;
    *out = mem;
    return ZOE_OK;
}

zoe_status zoe__mem_new(zoe__mem **out, zoe_device *device, size_t bytes, const char *what)
{
    return new_mem(out, device, bytes, what, false);
}

zoe_status zoe__mem_new_pinned(zoe__mem **out, zoe_device *device, size_t bytes, const char *what)
{
    return new_mem(out, device, bytes, what, true);
}

static zoe_status check_range(const zoe__mem *mem, size_t offset, size_t bytes, const char *verb)
{
    ZOE_FAIL_IF(mem->device->context, offset > mem->bytes || bytes > mem->bytes - offset, ZOE_USAGE,
                "%s: %zu bytes at %zu of a memory of %zu bytes", verb, bytes, offset, mem->bytes);
    return ZOE_OK;
}

zoe_status zoe__mem_part(zoe__mem **out, zoe__mem *mem, size_t offset, size_t bytes)
{
    *out = NULL;
    zoe_device *device = mem->device;
    ZOE_TRY(check_range(mem, offset, bytes, "part"));
    ZOE_FAIL_IF(device->context, bytes == 0 || offset % device->info.base_align, ZOE_USAGE,
                "part: %zu bytes at %zu; it must hold something and start at a multiple of %u", bytes, offset,
                device->info.base_align);
    zoe__mem *part;
    ZOE_TRY(zoe__calloc(device->context, &part, 1, sizeof *part));
    part->device = device;
    part->bytes = bytes;
    part->root = mem->root ? mem->root : mem; /* OpenCL has no part of a part */
    part->offset = mem->offset + offset;
    const zoe_status status = device->driver->mem_part(part);
    if (status != ZOE_OK) {
        free(part);
        return status;
    }
    *out = part;
    return ZOE_OK;
}

void zoe__mem_free(zoe__mem **mem)
{
    if (!mem || !*mem) return;
    (*mem)->device->driver->mem_free(*mem);
    if (!(*mem)->root) (*mem)->device->counters.bytes -= (*mem)->bytes;
    free(*mem);
    *mem = NULL;
}

size_t zoe__mem_bytes(const zoe__mem *mem)
{
    return mem->bytes;
}

void *zoe__mem_host(const zoe__mem *mem)
{
    return mem->host;
}

void *zoe__mem_handle(const zoe__mem *mem)
{
    return mem->handle;
}

zoe_status zoe__mem_write(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    ZOE_TRY(check_range(mem, offset, bytes, "write"));
    return bytes ? mem->device->driver->mem_write(mem, offset, data, bytes) : ZOE_OK;
}

zoe_status zoe__mem_read(zoe__mem *mem, size_t offset, void *data, size_t bytes)
{
    ZOE_TRY(check_range(mem, offset, bytes, "read"));
    return bytes ? mem->device->driver->mem_read(mem, offset, data, bytes) : ZOE_OK;
}

zoe_status zoe__mem_zero(zoe__mem *mem)
{
    return mem->bytes ? mem->device->driver->mem_zero(mem) : ZOE_OK;
}

zoe_status zoe__mem_write_later(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    ZOE_TRY(check_range(mem, offset, bytes, "write"));
    return bytes ? mem->device->driver->mem_write_later(mem, offset, data, bytes) : ZOE_OK;
}

zoe_status zoe__mem_map(zoe__mem *mem, void **data)
{
    return mem->device->driver->mem_map(mem, data);
}

zoe_status zoe__mem_unmap(zoe__mem *mem, void *data)
{
    return mem->device->driver->mem_unmap(mem, data);
}

zoe_status zoe__mem_upload(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    ZOE_TRY(check_range(mem, offset, bytes, "upload"));
    return bytes ? mem->device->driver->mem_upload(mem, offset, data, bytes) : ZOE_OK;
}

zoe_status zoe__device_fence(zoe_device *device)
{
    return device->driver->fence(device);
}

zoe_status zoe__device_flush(zoe_device *device)
{
    return device->driver->flush(device);
}

zoe_status zoe__device_finish(zoe_device *device)
{
    return device->driver->finish(device);
}

zoe_status zoe__kernel_new(zoe__kernel **out, zoe_device *device, const char *program, const char *kernel,
                           const char *options)
{
    *out = NULL;
    zoe__kernel *made;
    ZOE_TRY(zoe__calloc(device->context, &made, 1, sizeof *made));
    made->device = device;
    zoe_status status = ZOE_OK;
    ZOE_FAIL_IF_OUT(device->context, !zoe__format(made->name, sizeof made->name, "%s", kernel), ZOE_USAGE,
                    "kernel name '%s' has more than %zu characters", kernel, sizeof made->name - 1);
    ZOE_TRY_OUT(device->driver->kernel_new(made, program, options ? options : ""));
    *out = made;
    return ZOE_OK;
out:
    free(made);
    return status;
}

void zoe__kernel_free(zoe__kernel **kernel)
{
    if (!kernel || !*kernel) return;
    (*kernel)->device->driver->kernel_free(*kernel);
    free(*kernel);
    *kernel = NULL;
}

zoe_status zoe__kernel_arg(zoe__kernel *kernel, unsigned index, char kind, const void *value)
{
    return kernel->device->driver->kernel_arg(kernel, index, kind, value);
}

zoe_status zoe__kernel_run(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local, const char *label)
{
    kernel->device->counters.launches++;
    return kernel->device->driver->kernel_run(kernel, dims, global, local, label);
}

zoe_status zoe__kernel_run_event(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                 const char *label, void **event)
{
    kernel->device->counters.launches++;
    return kernel->device->driver->kernel_run_event(kernel, dims, global, local, label, event);
}

zoe_status zoe__event_take(zoe_device *device, void **event, double *seconds)
{
    *seconds = 0;
    if (!*event) return ZOE_OK;
    ZOE_TRY(device->driver->event_take(device, event, seconds));
    zoe__device_add_busy(device, *seconds);
    return ZOE_OK;
}

void zoe__device_add_busy(zoe_device *device, double seconds)
{
    device->counters.busy_seconds += seconds;
}

bool zoe__device_profiles(const zoe_device *device)
{
    return device->profile;
}

size_t zoe__kernel_max_group(const zoe__kernel *kernel)
{
    return kernel->max_group;
}
