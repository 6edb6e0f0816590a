/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of a device: each (file, options) is built once and kept until the device closes. */
#include "device/opencl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cache.h"
#include "device/source.h"

/* "-cl-std=CL1.2", the family, the lanes, where the narrowest sub-group is a wide one its width, the storage, then the
 * caller's own. Never relaxed maths here. No warnings, for PoCL counts them on stderr, but to who works on the kernels.
 */
zoe_status zoe__program_options(char *out, size_t size, zoe_device *device, const char *options)
{
    const bool vector = device->info.family == ZOE_FAMILY_VECTOR;
    char sub_group[32] = "";
    if (!vector && device->info.sub_group >= 16)
        zoe__format(sub_group, sizeof sub_group, " -DZOE_SUB_GROUP=%u", device->info.sub_group);
    ZOE_FAIL_IF(device->context,
                !zoe__format(out, size, "-cl-std=CL1.2%s%s -DZOE_FAMILY_%s=1 -DZOE_LANES=%u%s%s %s",
                             zoe__environment("ZOE_CL_DIR") ? "" : " -w",
                             device->quirks & ZOE__QUIRK_NO_HINTS ? " -DZOE_NO_HINTS=1" : "",
                             vector ? "VECTOR" : "SIMT", device->info.lanes, sub_group,
                             device->info.half ? " -DZOE_HALF=1" : "", options),
                ZOE_BUILD, "build options of more than %zu characters", size - 1);
    return ZOE_OK;
}

static char *build_log(zoe__opencl *cl, cl_program program)
{
    size_t size = 0;
    if (clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) != CL_SUCCESS) return NULL;
    char *text = calloc(size + 1, 1);
    if (text) clGetProgramBuildInfo(program, cl->device, CL_PROGRAM_BUILD_LOG, size, text, NULL);
    return text;
}

/* Sends the log line by line and returns the first line that tells of an error (else the first), cut out of text. */
static const char *send_log(zoe_context *context, zoe_log_level level, char *text)
{
    const char *first = NULL, *error = NULL;
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        if (end) *end = '\0';
        if (*line) zoe__log(context, level, "%s", line);
        if (*line && !first) first = line;
        if (!error && (strstr(line, "error:") || strstr(line, "error :"))) error = line;
        line = end ? end + 1 : NULL;
    }
    return error ? error : first;
}

/* What the provider's functions work on. */
typedef struct job {
    zoe_device *device;
    const char *name;
    double seconds; /* that the build took */
} job;

void zoe__compiling(zoe_device *device, const char *format, ...)
{
    const double now = zoe__seconds();
    char text[256];
    va_list args;
    if (device->counters.compile_seconds < 1 || now - device->opencl->announced < 0.1) return;
    device->opencl->announced = now;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    zoe__log(device->context, ZOE_LOG_PROGRESS, "compiling for %s, once: %s", device->info.id, text);
}

static zoe_status build(void *user, const char *source, const char *options, void **program)
{
    job *at = user;
    zoe_device *device = at->device;
    zoe__opencl *cl = device->opencl;
    cl_int code;
    ZOE_TRY(zoe__quirk_check_file_limit(device->context, device->info.platform));
    cl_program made = clCreateProgramWithSource(cl->context, 1, &source, NULL, &code);
    ZOE_TRY(zoe__cl_check(device, code, "clCreateProgramWithSource"));
    zoe__compiling(device, "program %zu, cl/%s.cl", device->counters.programs_compiled + 1, at->name);
    const double start = zoe__seconds();
    code = clBuildProgram(made, 1, &cl->device, options, NULL, NULL);
    at->seconds = zoe__seconds() - start;
    device->counters.compile_seconds += at->seconds;
    zoe__log(device->context, ZOE_LOG_DEBUG, "program cl/%s.cl: built in %.3f s", at->name, at->seconds);
    device->counters.programs_compiled++;
    char *text = build_log(cl, made);
    const char *line = send_log(device->context, code == CL_SUCCESS ? ZOE_LOG_DEBUG : ZOE_LOG_WARN, text);
    zoe_status status = ZOE_OK;
    if (code != CL_SUCCESS) {
        status = zoe__fail(device->context, ZOE_BUILD, "cl/%s.cl does not compile on %s: %s: %s", at->name,
                           device->info.id, zoe__cl_error_name(code), line ? line : "the driver gives no reason");
        clReleaseProgram(made);
        made = NULL;
    }
    *program = made;
    free(text);
    return status;
}

static bool load(void *user, const void *binary, size_t bytes, const char *options, void **program)
{
    const job *at = user;
    zoe__opencl *cl = at->device->opencl;
    cl_int taken = CL_SUCCESS, code;
    const unsigned char *data = binary;
    cl_program made = clCreateProgramWithBinary(cl->context, 1, &cl->device, &bytes, &data, &taken, &code);
    if (code == CL_SUCCESS && taken == CL_SUCCESS) code = clBuildProgram(made, 1, &cl->device, options, NULL, NULL);
    if (code == CL_SUCCESS && taken == CL_SUCCESS) {
        at->device->counters.programs_loaded++;
        *program = made;
        return true;
    }
    if (made) clReleaseProgram(made);
    return false;
}

static bool save(void *user, void *program, void **binary, size_t *bytes)
{
    (void)user;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL) != CL_SUCCESS || !*bytes)
        return false;
    unsigned char *data = malloc(*bytes);
    if (data && clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof data, &data, NULL) == CL_SUCCESS) {
        *binary = data;
        return true;
    }
    free(data);
    return false;
}

static void free_program(zoe__program *program)
{
    if (program->program) clReleaseProgram(program->program);
    free(program->name);
    free(program->options);
    free(program->seen);
    *program = (zoe__program){0};
}

/* Where programs of this device are stored; NULL: nowhere. */
static const char *program_folder(const zoe_device *device)
{
    return device->quirks & ZOE__QUIRK_OWN_CACHE ? NULL : device->opencl->cache_folder;
}

/* Fills the next free place; it counts only when all went well. */
static zoe_status add_program(zoe_device *device, const char *name, const char *options, const char *source)
{
    zoe__opencl *cl = device->opencl;
    ZOE_TRY(
        zoe__grow(device->context, &cl->programs, &cl->program_capacity, cl->program_count + 1, sizeof *cl->programs));
    zoe__program *made = &cl->programs[cl->program_count];
    job at = {device, name, 0};
    const zoe__program_provider provider = {&at, build, load, save};
    bool loaded = false;
    void *program = NULL;
    zoe_status status = zoe__strdup(device->context, &made->name, name);
    if (status == ZOE_OK) status = zoe__strdup(device->context, &made->options, options);
    if (status == ZOE_OK)
        status = zoe__cache_get(&program, &loaded, made->key, device->context, program_folder(device), cl->identity,
                                &provider, source, options);
    made->program = program;
    made->unkept = !loaded;
    /* PoCL's cache is not ours to ask, but what comes out of it takes 0.02 s and what does not 0.09 s and more. */
    made->cold = !loaded && at.seconds > 0.05;
    if (status == ZOE_OK)
        cl->program_count++;
    else
        free_program(made);
    return status;
}

zoe_status zoe__program_get(size_t *out, zoe_device *device, const char *name, const char *options)
{
    zoe__opencl *cl = device->opencl;
    char full[4096];
    if (device->quirks & ZOE__QUIRK_LAZY && !*options && zoe__source_is_bundled(name)) name = ZOE__BUNDLE;
    ZOE_TRY(zoe__program_options(full, sizeof full, device, options));
    for (size_t i = 0; i < cl->program_count; i++)
        if (!strcmp(cl->programs[i].name, name) && !strcmp(cl->programs[i].options, full)) {
            *out = i;
            return ZOE_OK;
        }
    char *source;
    ZOE_TRY(zoe__source_get(&source, device->context, name));
    const zoe_status status = add_program(device, name, full, source);
    free(source);
    *out = cl->program_count - 1;
    return status;
}

zoe_status zoe__program_first_use(bool *first, zoe_device *device, size_t index, const char *kernel)
{
    zoe__program *program = &device->opencl->programs[index];
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    *first = false;
    if (!(device->quirks & ZOE__QUIRK_LAZY) || !program->cold) return ZOE_OK;
    for (; *kernel; kernel++) hash = (hash ^ (unsigned char)*kernel) * 1099511628211u;
    for (size_t i = 0; i < program->seen_count; i++)
        if (program->seen[i] == hash) return ZOE_OK;
    ZOE_TRY(zoe__grow(device->context, &program->seen, &program->seen_capacity, program->seen_count + 1,
                      sizeof *program->seen));
    program->seen[program->seen_count++] = hash;
    *first = true;
    return ZOE_OK;
}

void zoe__program_keep(zoe_device *device, size_t index)
{
    zoe__opencl *cl = device->opencl;
    zoe__program *program = &cl->programs[index];
    const zoe__program_provider provider = {NULL, build, load, save};
    if (!program->unkept) return;
    program->unkept = false;
    zoe__cache_keep(device->context, program_folder(device), program->key, &provider, program->program);
}

void zoe__program_free_all(zoe_device *device)
{
    zoe__opencl *cl = device->opencl;
    for (size_t i = 0; i < cl->program_count; i++) free_program(&cl->programs[i]);
    free(cl->programs);
    cl->programs = NULL;
    cl->program_count = cl->program_capacity = 0;
}
