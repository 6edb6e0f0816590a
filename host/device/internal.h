/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this room share. A device is a zoe_device with a driver: a table of functions, one for the plain-C
 * host (host.c), one for OpenCL (opencl_*.c). Common checks and counters stand in device.c, so a driver only does the
 * work. */
#ifndef ZOE__DEVICE_INTERNAL_H
#define ZOE__DEVICE_INTERNAL_H

#include "device/device.h"

/* Known facts about drivers (quirks.c). */
enum {
    ZOE__QUIRK_OWN_CACHE = 1u << 0, /* do not read its binaries: it caches by itself, or they are no use */
    ZOE__QUIRK_SIMT = 1u << 1,      /* says CPU, but the vector family is pathological on it */
    ZOE__QUIRK_BY_NAME = 1u << 2,   /* never chosen unless asked for by name */
    ZOE__QUIRK_LAZY = 1u << 3,      /* a program costs much by itself, its kernels only when they are launched */
    ZOE__QUIRK_NO_HINTS = 1u << 4,  /* does not know clang's builtins for the caches */
};

typedef struct zoe__quirk {
    const char *platform, *device, *driver; /* parts of the names that must occur; NULL: any */
    unsigned flags;
    const char *reason; /* versions seen and what goes wrong */
    const char *test;   /* the test that shows it */
} zoe__quirk;

extern const zoe__quirk zoe__quirks[];
extern const size_t zoe__quirk_count;

/* All flags that apply. */
unsigned zoe__quirk_flags(const char *platform, const char *device, const char *driver);

/* What drivers need in the environment; call it before the loader reads them. */
void zoe__quirk_environment(void);

/* A text that is another one when the driver's own cache of kernels is another one (or was removed); false: it has
 * none. */
bool zoe__quirk_cache_id(const char *platform, char *text, size_t size);

/* ZOE_DISK where a file-size limit would make the driver end the process. */
zoe_status zoe__quirk_check_file_limit(zoe_context *context, const char *platform);

/* One listed device; platform and device are OpenCL's ids (NULL: the host). */
typedef struct zoe__device_entry {
    zoe_device_info info;
    void *platform, *device;
    unsigned quirks;
    int rank; /* order of preference, small first */
} zoe__device_entry;

enum { ZOE__RANK_GPU, ZOE__RANK_POCL, ZOE__RANK_INTEL_CPU, ZOE__RANK_CPU, ZOE__RANK_HOST, ZOE__RANK_BY_NAME };

/* Every device of every platform, in the loader's order; the caller frees *entries. None is fine. */
zoe_status zoe__opencl_list(zoe_context *context, zoe__device_entry **entries, size_t *count);

/* All of them and the host, sorted by preference, aliases marked; the caller frees *entries. */
zoe_status zoe__device_entries(zoe_context *context, zoe__device_entry **entries, size_t *count);

/* Sorts by rank (stable) and fills alias_of: another platform shows the same device (UUID or PCI address) by the same
 * driver. */
void zoe__device_order(zoe__device_entry *entries, size_t count);

/* The entry that name (NULL or "": the default) means. ZOE_DEVICE with a text that lists what there is. */
zoe_status zoe__device_select(zoe_context *context, const zoe__device_entry *entries, size_t count, const char *name,
                              size_t *index);

/* "pocl:0/1" or "pocl:0/1of4" into "pocl:0", part 1 of parts 2 (or 4). No suffix: *parts = 1. false: base is cut. */
bool zoe__device_split_name(const char *name, char *base, size_t size, unsigned *part, unsigned *parts);

/* options.storage is fp16. */
bool zoe__wants_half(const zoe_device_options *options);

void zoe__host_info(zoe_device_info *info);

struct zoe__mem {
    zoe_device *device;
    size_t bytes;
    size_t offset;         /* in root */
    struct zoe__mem *root; /* of a part: the buffer it lies in; else NULL */
    bool pinned;           /* OpenCL: lies where the driver keeps what it moves quickly */
    void *host;            /* host driver: the bytes */
    void *handle;          /* OpenCL: the cl_mem */
};

struct zoe__kernel {
    zoe_device *device;
    void *handle; /* cl_kernel */
    size_t max_group;
    bool fresh; /* its first launch will compile it */
    char name[96];
};

/* What a kind of device can do. Sizes and offsets are checked before. */
typedef struct zoe__driver {
    zoe_status (*mem_new)(zoe__mem *mem, const char *what);
    zoe_status (*mem_part)(zoe__mem *part);
    void (*mem_free)(zoe__mem *mem);
    zoe_status (*mem_write)(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
    zoe_status (*mem_read)(zoe__mem *mem, size_t offset, void *data, size_t bytes);
    zoe_status (*mem_zero)(zoe__mem *mem);
    zoe_status (*mem_write_later)(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
    zoe_status (*mem_upload)(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
    zoe_status (*mem_map)(zoe__mem *mem, void **data);
    zoe_status (*mem_unmap)(zoe__mem *mem, void *data);
    zoe_status (*fence)(zoe_device *device);
    zoe_status (*flush)(zoe_device *device);
    zoe_status (*finish)(zoe_device *device);
    zoe_status (*kernel_new)(zoe__kernel *kernel, const char *program, const char *options);
    void (*kernel_free)(zoe__kernel *kernel);
    zoe_status (*kernel_arg)(zoe__kernel *kernel, unsigned index, char kind, const void *value);
    zoe_status (*kernel_run)(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                             const char *label);
    zoe_status (*kernel_run_event)(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                   const char *label, void **event);
    zoe_status (*event_take)(zoe_device *device, void **event, double *seconds);
    void (*close)(zoe_device *device);
} zoe__driver;

extern const zoe__driver zoe__host_driver;

struct zoe__opencl;       /* opencl.h */
struct zoe__ahead_launch; /* ahead.h */

struct zoe_device {
    zoe_context *context;
    const zoe__driver *driver;
    struct zoe__opencl *opencl; /* NULL on the host */
    zoe_device_info info;
    zoe__device_counters counters;
    unsigned quirks;
    const struct zoe__tuning *tuning;
    struct zoe__trust *trust;          /* which kernels are right: selftest/trust.h */
    struct zoe__tune_hook *own_tuning; /* what the device was opened with: tune/tuning.h */
    struct zoe__ahead *ahead;          /* what is to be compiled before it is launched: ahead.h; NULL */
    void (*watcher)(void *, const struct zoe__ahead_launch *); /* zoe__ahead_watch(); NULL */
    void *watcher_user;
    bool sync, profile; /* ZOE_SYNC=1; options.profile */
};

void zoe__ahead_free(zoe_device *device);

/* Fill a zeroed device; on failure nothing of it is left open. */
zoe_status zoe__host_open(zoe_device *device);
zoe_status zoe__opencl_open(zoe_device *device, const zoe__device_entry *entry, unsigned part, unsigned parts,
                            const zoe_device_options *options);

/* An environment variable that is set and not empty, else NULL. */
const char *zoe__environment(const char *name);

#endif
