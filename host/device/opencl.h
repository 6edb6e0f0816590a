/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenCL driver's own state, shared by the opencl_*.c files. */
#ifndef ZOE__OPENCL_H
#define ZOE__OPENCL_H

#include <CL/cl.h>

#include "device/internal.h"

/* A built program, kept until the device closes. */
typedef struct zoe__program {
    char *name, *options;
    cl_program program;
    char key[65];   /* in the disk cache */
    bool unkept;    /* compiled, and not in the disk cache yet */
    bool cold;      /* built from source, and not out of the driver's own cache */
    uint64_t *seen; /* hashes of the names of the kernels made of it */
    size_t seen_count, seen_capacity;
} zoe__program;

typedef struct zoe__opencl {
    cl_device_id device;
    bool is_part; /* made by clCreateSubDevices: to release */
    cl_context context;
    cl_command_queue work, uploads;
    cl_event last_upload; /* of those that no fence has covered; NULL: none */
    zoe__program *programs;
    size_t program_count, program_capacity;
    size_t fresh_kernels, compiled_kernels; /* whose first launch compiles; of these launched */
    double announced;                       /* zoe__seconds() of the last line about compiling */
    char *cache_folder;                     /* NULL: no disk cache of ours */
    char identity[1024];                    /* platform, device and driver with their versions: part of a cache key */
} zoe__opencl;

/* Reads everything about a device; id, rank and alias_of are the list's. The code of the first query that failed,
 * of those that every driver must answer; 0: none did. */
int zoe__opencl_info(zoe_device_info *info, cl_platform_id platform, cl_device_id device);

/* The program cl/NAME.cl with these options, built at most once a device; *out is an index, for the programs may move.
 */
zoe_status zoe__program_get(size_t *out, zoe_device *device, const char *name, const char *options);

/* All the options that such a program is built with. */
zoe_status zoe__program_options(char *out, size_t size, zoe_device *device, const char *options);

/* To be called once a kernel of the program exists: stores it in the disk cache if it is not there. */
/* True at the first call for a kernel of a program whose kernels are yet to be compiled (ZOE__QUIRK_LAZY). */
zoe_status zoe__program_first_use(bool *first, zoe_device *device, size_t index, const char *kernel);

/* Compilers are silent for seconds: from the second second on, says what is going on. */
void zoe__compiling(zoe_device *device, const char *format, ...) ZOE__PRINTF(2, 3);

void zoe__program_keep(zoe_device *device, size_t index);
void zoe__program_free_all(zoe_device *device);

/* 16 when the device's arithmetic gains by it (measured, and remembered in the disk cache), else 8. */
uint32_t zoe__lanes_choose(zoe_device *device);

zoe_status zoe__opencl_mem_new(zoe__mem *mem, const char *what);
zoe_status zoe__opencl_mem_part(zoe__mem *part);
void zoe__opencl_mem_free(zoe__mem *mem);
zoe_status zoe__opencl_mem_write(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
zoe_status zoe__opencl_mem_read(zoe__mem *mem, size_t offset, void *data, size_t bytes);
zoe_status zoe__opencl_mem_zero(zoe__mem *mem);
zoe_status zoe__opencl_mem_write_later(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
zoe_status zoe__opencl_mem_upload(zoe__mem *mem, size_t offset, const void *data, size_t bytes);
zoe_status zoe__opencl_mem_map(zoe__mem *mem, void **data);
zoe_status zoe__opencl_mem_unmap(zoe__mem *mem, void *data);

zoe_status zoe__opencl_kernel_new(zoe__kernel *kernel, const char *program, const char *options);
void zoe__opencl_kernel_free(zoe__kernel *kernel);
zoe_status zoe__opencl_kernel_arg(zoe__kernel *kernel, unsigned index, char kind, const void *value);
zoe_status zoe__opencl_kernel_run(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                  const char *label);
zoe_status zoe__opencl_kernel_run_event(zoe__kernel *kernel, int dims, const size_t *global, const size_t *local,
                                        const char *label, void **event);
zoe_status zoe__opencl_event_take(zoe_device *device, void **event, double *seconds);

#endif
