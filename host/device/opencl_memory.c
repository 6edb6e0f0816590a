/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenCL memory. New memory is filled with zeros at once: many drivers allocate at first use only, so this is also
 * where a lack of memory shows, and not in the middle of a training step. Large buffers of CPU devices are pages of the
 * host, which are zeros by themselves. */
#include "device/opencl.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { FILL_UNIT = 16, LARGE_PAGE = 2 << 20 };

static cl_int fill(const zoe__mem *mem)
{
    cl_command_queue queue = mem->device->opencl->work;
    static const cl_uchar zeros[FILL_UNIT] = {0};
    const size_t size = mem->root ? mem->bytes : zoe__round_up(mem->bytes ? mem->bytes : 1, FILL_UNIT);
    const size_t whole = size / FILL_UNIT * FILL_UNIT, rest = size - whole;
    cl_int code = CL_SUCCESS;
    if (whole) code = clEnqueueFillBuffer(queue, mem->handle, zeros, FILL_UNIT, 0, whole, 0, NULL, NULL);
    if (code == CL_SUCCESS && rest)
        code = clEnqueueFillBuffer(queue, mem->handle, zeros, 1, whole, rest, 0, NULL, NULL);
    return code;
}

/* Whatever a driver says when memory is made, these mean that there is none. */
static bool means_no_memory(cl_int code)
{
    return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
           code == CL_INVALID_BUFFER_SIZE;
}

#ifdef MADV_HUGEPAGE
/* The address that mmap() gave stands before the pages, its length behind it. */
typedef struct mapping {
    void *address;
    size_t bytes;
} mapping;

static void CL_CALLBACK unmap(cl_mem handle, void *user)
{
    const mapping *m = user;
    (void)handle;
    munmap(m->address, m->bytes);
    free(user);
}

/* CPU devices work in the host's memory, and ours can have large pages: reading is 1.6 times as fast for it on two
 * cores, and the planes of an activation do not cost a look-up each. It comes as zeros, and is made when it is touched,
 * by the kernels, on all cores. NULL where that is not to be had. */
static cl_mem create_in_large_pages(zoe__mem *mem, size_t size)
{
    const zoe_device_info *info = &mem->device->info;
    if (mem->pinned || !info->is_cpu || info->family != ZOE_FAMILY_VECTOR || size < 2 * (size_t)LARGE_PAGE) return NULL;
    mapping *m = malloc(sizeof *m);
    if (!m) return NULL;
    m->bytes = size + LARGE_PAGE;
    m->address = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->address != MAP_FAILED) {
        char *pages = (char *)m->address + (LARGE_PAGE - (uintptr_t)m->address % LARGE_PAGE) % LARGE_PAGE;
        (void)madvise(pages, size, MADV_HUGEPAGE); /* a wish: without them it works as well */
        cl_mem handle =
            clCreateBuffer(mem->device->opencl->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, pages, NULL);
        if (handle && clSetMemObjectDestructorCallback(handle, unmap, m) == CL_SUCCESS) return handle;
        if (handle) clReleaseMemObject(handle); /* unused so far */
        munmap(m->address, m->bytes);
    }
    free(m);
    return NULL;
}
#else
static cl_mem create_in_large_pages(zoe__mem *mem, size_t size)
{
    (void)mem, (void)size;
    return NULL;
}
#endif

zoe_status zoe__opencl_mem_new(zoe__mem *mem, const char *what)
{
    zoe_device *device = mem->device;
    /* Rounded up, so that the end of a buffer can be filled in whole units. */
    const size_t size = zoe__round_up(mem->bytes ? mem->bytes : 1, FILL_UNIT);
    cl_int code = CL_SUCCESS;
    mem->handle = create_in_large_pages(mem, size);
    if (mem->handle) return ZOE_OK;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (mem->pinned ? CL_MEM_ALLOC_HOST_PTR : 0);
    mem->handle = clCreateBuffer(device->opencl->context, flags, size, NULL, &code);
    if (code == CL_SUCCESS) {
        device->counters.waits++;
        code = fill(mem);
        if (code == CL_SUCCESS) code = clFinish(device->opencl->work);
        if (code != CL_SUCCESS) clReleaseMemObject(mem->handle);
    }
    if (code == CL_SUCCESS) return ZOE_OK;
    const zoe_device_info *info = &device->info;
    return zoe__fail(device->context, means_no_memory(code) ? ZOE_DEVICE_MEMORY : ZOE_DEVICE,
                     "%s: %zu bytes needed; %s refused (%s) with %zu of its %llu bytes in use by us", what, mem->bytes,
                     info->id, zoe__cl_error_name(code), device->counters.bytes,
                     (unsigned long long)info->global_mem_bytes);
}

zoe_status zoe__opencl_mem_part(zoe__mem *part)
{
    cl_int code;
    const cl_buffer_region region = {part->offset, part->bytes};
    part->handle =
        clCreateSubBuffer(part->root->handle, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    return zoe__cl_check(part->device, code, "clCreateSubBuffer");
}

void zoe__opencl_mem_free(zoe__mem *mem)
{
    clReleaseMemObject(mem->handle);
}

zoe_status zoe__opencl_mem_write(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    mem->device->counters.waits++;
    return zoe__cl_check(
        mem->device,
        clEnqueueWriteBuffer(mem->device->opencl->work, mem->handle, CL_TRUE, offset, bytes, data, 0, NULL, NULL),
        "clEnqueueWriteBuffer");
}

zoe_status zoe__opencl_mem_read(zoe__mem *mem, size_t offset, void *data, size_t bytes)
{
    mem->device->counters.waits++;
    return zoe__cl_check(
        mem->device,
        clEnqueueReadBuffer(mem->device->opencl->work, mem->handle, CL_TRUE, offset, bytes, data, 0, NULL, NULL),
        "clEnqueueReadBuffer (ZOE_SYNC=1 names the kernel if one failed)");
}

zoe_status zoe__opencl_mem_zero(zoe__mem *mem)
{
    return zoe__cl_check(mem->device, fill(mem), "clEnqueueFillBuffer");
}

zoe_status zoe__opencl_mem_write_later(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    const cl_int code =
        clEnqueueWriteBuffer(mem->device->opencl->work, mem->handle, CL_FALSE, offset, bytes, data, 0, NULL, NULL);
    return zoe__cl_check(mem->device, code, "clEnqueueWriteBuffer");
}

zoe_status zoe__opencl_mem_upload(zoe__mem *mem, size_t offset, const void *data, size_t bytes)
{
    zoe__opencl *cl = mem->device->opencl;
    cl_event event = NULL;
    const cl_int code = clEnqueueWriteBuffer(cl->uploads, mem->handle, CL_FALSE, offset, bytes, data, 0, NULL, &event);
    ZOE_TRY(zoe__cl_check(mem->device, code, "clEnqueueWriteBuffer (upload)"));
    if (cl->last_upload) clReleaseEvent(cl->last_upload);
    cl->last_upload = event;
    return ZOE_OK;
}

zoe_status zoe__opencl_mem_map(zoe__mem *mem, void **data)
{
    cl_int code;
    mem->device->counters.waits++;
    *data = clEnqueueMapBuffer(mem->device->opencl->work, mem->handle, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0,
                               mem->bytes, 0, NULL, NULL, &code);
    return zoe__cl_check(mem->device, code, "clEnqueueMapBuffer");
}

zoe_status zoe__opencl_mem_unmap(zoe__mem *mem, void *data)
{
    const cl_int code = clEnqueueUnmapMemObject(mem->device->opencl->work, mem->handle, data, 0, NULL, NULL);
    return zoe__cl_check(mem->device, code, "clEnqueueUnmapMemObject");
}
