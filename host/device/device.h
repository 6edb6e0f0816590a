/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a device: memory, kernels, queues. The only place that calls OpenCL, but for CLBlast
 * (ops/gemm_clblast.c). On the host device memory is plain memory, and there are no kernels.
 *
 * Inside zoe_device: one cl_context, one in-order queue for work and one for uploads. */
#ifndef ZOE__DEVICE_H
#define ZOE__DEVICE_H

#include <zoe/device.h>

#include "core/core.h"

/* A piece of device memory: a buffer of its own or a part of one. */
typedef struct zoe__mem zoe__mem;
typedef struct zoe__kernel zoe__kernel;

zoe_context *zoe__device_context(const zoe_device *device);
bool zoe__device_is_host(const zoe_device *device);

/* Zero-filled memory. ZOE_DEVICE_MEMORY names needed and available bytes. The counter below grows by bytes. */
zoe_status zoe__mem_new(zoe__mem **out, zoe_device *device, size_t bytes, const char *what);

/* The same where the driver keeps what it moves quickly: what zoe__mem_map() gives of it is a good source and target of
 * copies from and to other memory. */
zoe_status zoe__mem_new_pinned(zoe__mem **out, zoe_device *device, size_t bytes, const char *what);

/* A part of mem from offset (a multiple of info.base_align); freed on its own, before mem. */
zoe_status zoe__mem_part(zoe__mem **out, zoe__mem *mem, size_t offset, size_t bytes);
void zoe__mem_free(zoe__mem **mem);
size_t zoe__mem_bytes(const zoe__mem *mem);

/* Host device: the memory itself. Elsewhere NULL. */
void *zoe__mem_host(const zoe__mem *mem);
/* OpenCL: the cl_mem as void *. Host device: NULL. */
void *zoe__mem_handle(const zoe__mem *mem);

/* Blocking copies, in order with the work queue. */
zoe_status zoe__mem_write(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
zoe_status zoe__mem_read(zoe__mem *mem, size_t offset, void *data, size_t bytes);
zoe_status zoe__mem_zero(zoe__mem *mem); /* enqueued on the work queue */
/* Enqueued on the work queue: data must stay until the next zoe__device_finish(). */
zoe_status zoe__mem_write_later(zoe__mem *mem, size_t offset, const void *data, size_t bytes);

/* The memory of a part, to be filled by the host in place where the device works in the host's memory, and copied by
 * the driver elsewhere. What it held is lost; between the two calls nothing else may use it. */
zoe_status zoe__mem_map(zoe__mem *mem, void **data);
zoe_status zoe__mem_unmap(zoe__mem *mem, void *data);

/* Enqueue a copy on the upload queue: data must stay until the next zoe__device_finish(). Work enqueued after
 * zoe__device_fence() starts after all uploads before it. */
zoe_status zoe__mem_upload(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
zoe_status zoe__device_fence(zoe_device *device);

/* A kernel object of its own (its arguments are set once): cl/<program>.cl built with options (" -DA=1 -DB=2";
 * -cl-std=CL1.2 and the family's defines are added), through the program cache. cl/common.cl stands before every
 * program. */
zoe_status zoe__kernel_new(zoe__kernel **out, zoe_device *device, const char *program, const char *kernel,
                           const char *options);
void zoe__kernel_free(zoe__kernel **kernel);

/* Set argument number index. kind: 'm' const zoe__mem *const * (NULL pointer inside allowed: a null buffer), 'i' const
 * int *, 'f' const float *, 'l' const size_t * (bytes of local memory), 'u' const uint32_t *. */
zoe_status zoe__kernel_arg(zoe__kernel *kernel, unsigned index, char kind, const void *value);

/* Enqueue on the work queue; local may be NULL. With ZOE_SYNC=1 waits and names the kernel when it failed. */
zoe_status zoe__kernel_run(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local, const char *label);

/* The same, and *event stands for the launch until zoe__event_take() has waited for it, told how long the device was
 * busy with it (options.profile) and released it. A NULL event took no time. */
zoe_status zoe__kernel_run_event(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                 const char *label, void **event);
zoe_status zoe__event_take(zoe_device *device, void **event, double *seconds);
bool zoe__device_profiles(const zoe_device *device);           /* opened with options.profile */
void zoe__device_add_busy(zoe_device *device, double seconds); /* of work that has no event */

/* Work-group size the kernel can have on this device (CL_KERNEL_WORK_GROUP_SIZE). */
size_t zoe__kernel_max_group(const zoe__kernel *kernel);

zoe_status zoe__device_flush(zoe_device *device);
zoe_status zoe__device_finish(zoe_device *device); /* waits for both queues */

/* OpenCL: the cl_command_queue of the work queue, cl_context, cl_device_id as void *; host: NULL. */
void *zoe__device_queue(const zoe_device *device);
void *zoe__device_cl_context(const zoe_device *device);
void *zoe__device_cl_device(const zoe_device *device);

/* For reports and tests: counted since the device was opened. */
typedef struct zoe__device_counters {
    size_t bytes, peak_bytes; /* device memory held by us */
    size_t launches;          /* kernels enqueued */
    size_t waits;             /* calls that made the host wait: finish, blocking read or write */
    size_t programs_compiled; /* from source */
    size_t programs_loaded;   /* from the cache */
    double compile_seconds;
    double busy_seconds;  /* of the launches whose events were taken, by the device's clock */
    double queue_seconds; /* from the launch to the start, of the event that was taken last; 0: not told */
} zoe__device_counters;
const zoe__device_counters *zoe__device_get_counters(const zoe_device *device);

/* What is known of the device's speed (struct zoe__tuning, ops/conv2d.h): carried, never looked into. Borrowed: it must
 * outlive the plans that are compiled for the device. NULL: nothing. */
struct zoe__tuning;
void zoe__device_set_tuning(zoe_device *device, const struct zoe__tuning *tuning);
const struct zoe__tuning *zoe__device_get_tuning(const zoe_device *device);
struct zoe__tune_hook *zoe__device_own_tuning(const zoe_device *device); /* what it was opened with: tune/tuning.h */

/* "CL_OUT_OF_RESOURCES (-5)": static text for a code. */
const char *zoe__cl_error_name(int code);

/* The status and text for a failed OpenCL call: ZOE_DEVICE_MEMORY for -4, -6 on allocation and -61, else ZOE_DEVICE.
 * ZOE_OK for CL_SUCCESS. what: "clEnqueueNDRangeKernel conv2d_direct_forward (layer conv3)". */
zoe_status zoe__cl_check(zoe_device *device, int code, const char *what);

#endif
