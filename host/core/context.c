/* SPDX-License-Identifier: Apache-2.0
 *
 * The context holds a fixed buffer, so that an error of memory has a text too. */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct zoe_context {
    char error[1024];
    zoe_log_function *log;
    void *user;
    const char *helper;
};

zoe_status zoe_context_new(zoe_context **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? ZOE_OK : ZOE_MEMORY;
}

void zoe_context_free(zoe_context **context)
{
    if (!context) return;
    free(*context);
    *context = NULL;
}

const char *zoe_context_error(const zoe_context *context)
{
    return context->error;
}

void zoe_context_clear(zoe_context *context)
{
    context->error[0] = '\0';
}

void zoe_context_set_log(zoe_context *context, zoe_log_function *fn, void *user)
{
    context->log = fn;
    context->user = user;
}

void zoe_context_set_helper(zoe_context *context, const char *program)
{
    context->helper = program;
}

const char *zoe__context_helper(const zoe_context *context)
{
    return context->helper;
}

/* One line, always: text from drivers and files may hold newlines and control characters. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) *text = ' ';
}

zoe_status zoe__fail(zoe_context *context, zoe_status status, const char *format, ...)
{
    if (context && !context->error[0]) {
        va_list args;
        va_start(args, format);
        vsnprintf(context->error, sizeof context->error, format, args);
        va_end(args);
        flatten(context->error);
    }
    return status;
}

void zoe__log(zoe_context *context, zoe_log_level level, const char *format, ...)
{
    if (!context || !context->log) return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    flatten(line);
    context->log(level, line, context->user);
}

zoe_status zoe__calloc(zoe_context *context, void *out, size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    memcpy(out, &memory, sizeof memory); /* out is the address of a pointer of any type */
    ZOE_FAIL_IF(context, !memory, ZOE_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
    return ZOE_OK;
}

zoe_status zoe__grow(zoe_context *context, void *items, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity) return ZOE_OK;
    size_t wanted = *capacity ? *capacity : 16;
    while (wanted < count && wanted <= SIZE_MAX / 2) wanted *= 2;
    void *old;
    memcpy(&old, items, sizeof old);
    void *grown = wanted < count || wanted > SIZE_MAX / size ? NULL : realloc(old, wanted * size);
    ZOE_FAIL_IF(context, !grown, ZOE_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
    memset((char *)grown + *capacity * size, 0, (wanted - *capacity) * size);
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return ZOE_OK;
}

zoe_status zoe__strdup(zoe_context *context, char **out, const char *text)
{
    *out = strdup(text);
    ZOE_FAIL_IF(context, !*out, ZOE_MEMORY, "out of memory: a text of %zu bytes", strlen(text));
    return ZOE_OK;
}

bool zoe__format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(out, size, format, args);
    va_end(args);
    return n >= 0 && (size_t)n < size;
}

double zoe__seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
