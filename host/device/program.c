/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of a device: each (file, options) is built once and kept until the device closes. */
#include "device/opencl.h"

#include <stdlib.h>
#include <string.h>

#include "device/source.h"

/* "-cl-std=CL1.2", the family, the lanes, then the caller's own. Never relaxed maths here. */
static zoe_status full_options(char *out, size_t size, zoe_device *device, const char *options)
{
    const char *family = device->info.family == ZOE_FAMILY_VECTOR ? "VECTOR" : "SIMT";
    ZOE_FAIL_IF(device->context,
                !zoe__format(out, size, "-cl-std=CL1.2 -DZOE_FAMILY_%s=1 -DZOE_LANES=%u %s", family, device->info.lanes,
                             options),
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

static zoe_status build(cl_program *out, zoe_device *device, const char *name, const char *source, const char *options)
{
    zoe__opencl *cl = device->opencl;
    cl_int code;
    cl_program program = clCreateProgramWithSource(cl->context, 1, &source, NULL, &code);
    ZOE_TRY(zoe__cl_check(device, code, "clCreateProgramWithSource"));
    const double start = zoe__seconds();
    code = clBuildProgram(program, 1, &cl->device, options, NULL, NULL);
    device->counters.compile_seconds += zoe__seconds() - start;
    device->counters.programs_compiled++;
    char *text = build_log(cl, program);
    const char *line = send_log(device->context, code == CL_SUCCESS ? ZOE_LOG_DEBUG : ZOE_LOG_WARN, text);
    zoe_status status = ZOE_OK;
    if (code != CL_SUCCESS) {
        status = zoe__fail(device->context, ZOE_BUILD, "cl/%s.cl does not compile on %s (%s): %s", name, device->info.id,
                           zoe__cl_error_name(code), line ? line : "the driver gives no reason");
        clReleaseProgram(program);
    } else {
        *out = program;
    }
    free(text);
    return status;
}

static zoe_status keep(zoe_device *device, const char *name, const char *options, cl_program program)
{
    zoe__opencl *cl = device->opencl;
    ZOE_TRY(zoe__grow(device->context, &cl->programs, &cl->program_capacity, cl->program_count + 1, sizeof *cl->programs));
    zoe__program *kept = &cl->programs[cl->program_count];
    ZOE_TRY(zoe__strdup(device->context, &kept->name, name));
    const zoe_status status = zoe__strdup(device->context, &kept->options, options);
    if (status != ZOE_OK) {
        free(kept->name);
        return status;
    }
    kept->program = program;
    cl->program_count++;
    return ZOE_OK;
}

zoe_status zoe__program_get(cl_program *out, zoe_device *device, const char *name, const char *options)
{
    zoe__opencl *cl = device->opencl;
    char full[4096];
    ZOE_TRY(full_options(full, sizeof full, device, options));
    for (size_t i = 0; i < cl->program_count; i++)
        if (!strcmp(cl->programs[i].name, name) && !strcmp(cl->programs[i].options, full)) {
            *out = cl->programs[i].program;
            return ZOE_OK;
        }
    char *source;
    ZOE_TRY(zoe__source_get(&source, device->context, name));
    zoe_status status = build(out, device, name, source, full);
    free(source);
    ZOE_TRY(status);
    status = keep(device, name, full, *out);
    if (status != ZOE_OK) clReleaseProgram(*out);
    return status;
}

void zoe__program_free_all(zoe_device *device)
{
    zoe__opencl *cl = device->opencl;
    for (size_t i = 0; i < cl->program_count; i++) {
        clReleaseProgram(cl->programs[i].program);
        free(cl->programs[i].name);
        free(cl->programs[i].options);
    }
    free(cl->programs);
    cl->programs = NULL;
    cl->program_count = cl->program_capacity = 0;
}
