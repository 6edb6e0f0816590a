/* SPDX-License-Identifier: Apache-2.0
 *
 * The child that compiles. A driver that compiles at the first launch must be made to launch: one work-group, with the
 * numbers of the real launch, on buffers of zeros that are large in addresses only: a few MiB that are mapped again and
 * again, for each argument its own. What comes out is of no use. */
#include "device/ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/opencl.h"

enum { FIELDS = 8, ARGUMENTS = 64, MOST_MAPS = 512 };

typedef struct buffer {
    size_t bytes, window; /* addresses; memory behind them */
    char *at;
    cl_mem mem;
} buffer;

typedef struct server {
    zoe_device *device;
    buffer buffers[ARGUMENTS];
} server;

/* ---- buffers ---- */

static void *map_again_and_again(size_t bytes, size_t window)
{
    const int file = memfd_create("zoe", MFD_CLOEXEC);
    char *at = MAP_FAILED;
    if (file >= 0 && !ftruncate(file, (off_t)window))
        at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool good = at != MAP_FAILED;
    for (size_t done = 0; good && done < bytes; done += window)
        good = mmap(at + done, window, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED;
    if (file >= 0) close(file);
    if (good) return at;
    if (at != MAP_FAILED) munmap(at, bytes);
    return NULL;
}

/* Buffer number i with at least so many bytes, all zero. */
static cl_mem zeros(server *s, int i, size_t bytes)
{
    buffer *b = &s->buffers[i];
    cl_int code;
    if (b->mem && b->bytes >= bytes) {
        memset(b->at, 0, b->window);
        return b->mem;
    }
    if (b->mem) {
        clReleaseMemObject(b->mem);
        munmap(b->at, b->bytes);
    }
    *b = (buffer){.window = zoe__round_up(bytes / MOST_MAPS + 1, (size_t)4 << 20)};
    b->bytes = zoe__round_up(bytes, b->window) + b->window;
    b->at = map_again_and_again(b->bytes, b->window);
    if (!b->at) return NULL;
    b->mem =
        clCreateBuffer(s->device->opencl->context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, b->bytes, b->at, &code);
    if (code == CL_SUCCESS) return b->mem;
    munmap(b->at, b->bytes);
    *b = (buffer){0};
    return NULL;
}

/* ---- a line ---- */

/* Cuts a line at its tabs; false: it has others than eight fields. */
static bool cut(char *line, char *field[FIELDS])
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at; count++) {
        if (count == FIELDS) return false;
        field[count] = at;
        at = strchr(at, '\t');
        if (at) *at++ = '\0';
    }
    return count == FIELDS;
}

static cl_int set_argument(server *s, cl_kernel kernel, cl_uint i, const char *word, size_t bytes)
{
    if (*word == 'm') {
        const cl_mem mem = zeros(s, (int)i, bytes);
        return mem ? clSetKernelArg(kernel, i, sizeof mem, &mem) : CL_OUT_OF_HOST_MEMORY;
    }
    if (*word == 'l') return clSetKernelArg(kernel, i, strtoul(word + 1, NULL, 10), NULL);
    if (*word == 'f') {
        const float value = strtof(word + 1, NULL);
        return clSetKernelArg(kernel, i, sizeof value, &value);
    }
    if (*word == 'u') {
        const cl_uint value = (cl_uint)strtoul(word + 1, NULL, 10);
        return clSetKernelArg(kernel, i, sizeof value, &value);
    }
    const cl_int value = (cl_int)strtol(word + 1, NULL, 10);
    return clSetKernelArg(kernel, i, sizeof value, &value);
}

static bool compile(server *s, char *line)
{
    zoe__opencl *cl = s->device->opencl;
    char *field[FIELDS], *rest = NULL;
    size_t built, global[3], local[3];
    cl_uint count = 0;
    cl_int code;
    if (!cut(line, field)) return false;
    const int dims = (int)strtol(field[4], NULL, 10);
    const size_t bytes = strtoul(field[7], NULL, 10);
    if (dims < 1 || dims > 3 || sscanf(field[5], "%zu %zu %zu", &global[0], &global[1], &global[2]) != 3 ||
        sscanf(field[6], "%zu %zu %zu", &local[0], &local[1], &local[2]) != 3)
        return false;
    if (zoe__program_get(&built, s->device, field[0], field[2]) != ZOE_OK) return false;
    cl_kernel kernel = clCreateKernel(cl->programs[built].program, field[1], &code);
    if (code != CL_SUCCESS) return false;
    for (char *word = strtok_r(field[3], " ", &rest); word && code == CL_SUCCESS; word = strtok_r(NULL, " ", &rest)) {
        code = count < ARGUMENTS ? set_argument(s, kernel, count, word, bytes) : CL_INVALID_ARG_INDEX;
        count++;
    }
    if (code == CL_SUCCESS)
        code = clEnqueueNDRangeKernel(cl->work, kernel, (cl_uint)dims, NULL, global, local[0] ? local : NULL, 0, NULL,
                                      NULL);
    if (code == CL_SUCCESS) code = clFinish(cl->work);
    clReleaseKernel(kernel);
    return code == CL_SUCCESS;
}

zoe_status zoe__ahead_serve(zoe_device *device, int socket)
{
    server s = {.device = device};
    char *line = NULL;
    size_t room = 0;
    ZOE_FAIL_IF(device->context, !device->opencl, ZOE_USAGE, "the device 'host' has no compiler");
    FILE *lines = fdopen(socket, "r");
    while (lines && getline(&line, &room, lines) > 0) {
        const char answer = compile(&s, line) ? '+' : '-';
        zoe_context_clear(device->context);
        if (write(socket, &answer, 1) != 1) break;
    }
    _exit(0); /* what is to be kept lies in the driver's cache */
}
