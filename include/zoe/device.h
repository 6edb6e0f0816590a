/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices: what there is, and one opened for work. Every platform and device of the ICD loader, and `host`, which runs
 * the plain-C references and needs no driver. */
#ifndef ZOE_DEVICE_H
#define ZOE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which kernels a device gets, by capability and never by vendor: `vector` for CPU-like devices (work-groups of one,
 * explicit vectors), `simt` for GPUs and everything else, `host` for the plain-C references. */
typedef enum zoe_family { ZOE_FAMILY_HOST, ZOE_FAMILY_VECTOR, ZOE_FAMILY_SIMT } zoe_family;

const char *zoe_family_name(zoe_family family); /* "host", "vector", "simt" */

typedef struct zoe_device_info {
    char id[64];        /* stable: "pocl:0", "intel-cpu:0", "rusticl:0", "host"; sub-devices "pocl:0/1" */
    char name[128];     /* of the device */
    char platform[128]; /* name of the platform */
    char vendor[128];
    char driver[128];  /* driver version */
    char version[128]; /* OpenCL version text of the device */
    char uuid[40];     /* hex; "" when not given */
    char pci[24];      /* "0000:03:00.0"; "" when not given */
    char alias_of[64]; /* id of an earlier entry that is the same device by the same driver; "" = none */
    zoe_family family;
    bool is_cpu, is_gpu;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t global_mem_bytes, max_alloc_bytes, local_mem_bytes;
    uint32_t vector_width; /* float lanes by the driver's word: the larger of preferred and native */
    uint32_t lanes;        /* float lanes of the vector family's arithmetic: 8 or 16 */
    uint32_t max_work_group;
    uint32_t base_align; /* bytes a sub-buffer's origin must be a multiple of */
    uint32_t sub_group;  /* the narrowest sub-group that kernels can be compiled for; 0: not known */
    bool fp16, fp64, subgroups;
    bool sub_group_8; /* kernels can be compiled for sub-groups of 8 that read each other's registers */
    bool half; /* opened with storage fp16 */
} zoe_device_info;

/* All devices in order of preference: GPUs, PoCL, Intel's CPU runtime, other CPUs, `host`, then those used only by name
 * (llvmpipe). *out is the caller's to free(). A platform without a device is normal, so is a machine without a driver.
 */
zoe_status zoe_device_list(zoe_context *context, zoe_device_info **out, size_t *count);

typedef struct zoe_device zoe_device;

typedef struct zoe_device_options {
    const char *name;    /* an id, a part of a name, "cpu", "gpu", "host"; NULL: the default device */
    const char *family;  /* "vector" or "simt" to override; NULL: by capability */
    const char *storage; /* of activations and their gradients: "fp32", or "fp16": half the memory and its traffic,
                            arithmetic and weights in fp32, kernels of the simt family; NULL: fp32 */
    int lanes;           /* 8 or 16 to override; 0: by capability */
    uint64_t max_memory; /* bytes; counts as the device's memory where that is more; 0: no limit */
    const char *tuning;  /* what was measured (`zoe tune`): NULL: the user's database; "off": nothing; a path */
    bool selftest;       /* plans test kernels that nobody tested on this device, driver and build, before they use
                            them: zoe/selftest.h; false */
    bool profile;        /* take the time of each launch: zoe_plan_profile(); false */
} zoe_device_options;

zoe_device_options zoe_device_options_default(void);

/* Opens a device; the caller owns it. ZOE_DEVICE: no such device (the message lists what there is, or how to get PoCL).
 */
zoe_status zoe_device_open(zoe_device **out, zoe_context *context, const zoe_device_options *options);
void zoe_device_free(zoe_device **device);

const zoe_device_info *zoe_device_get_info(const zoe_device *device); /* borrowed */

#ifdef __cplusplus
}
#endif
#endif
