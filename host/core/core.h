/* SPDX-License-Identifier: Apache-2.0
 *
 * What every room uses: error macros, log, checked allocation, numbers. Internal.
 *
 * Errors are set where the fault is seen, once: the first text wins until zoe_context_clear(). */
#ifndef ZOE_CORE_H
#define ZOE_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zoe/context.h>

#define ZOE__PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Sets the text (unless one is set already) and returns status. */
zoe_status zoe__fail(zoe_context *context, zoe_status status, const char *format, ...) ZOE__PRINTF(3, 4);

void zoe__log(zoe_context *context, zoe_log_level level, const char *format, ...) ZOE__PRINTF(3, 4);
const char *zoe__context_helper(const zoe_context *context); /* NULL: none */

/* Return the status of expr from the calling function unless it is ZOE_OK. */
#define ZOE_TRY(expr)                                                                                                  \
    do {                                                                                                               \
        const zoe_status zoe__status_ = (expr);                                                                        \
        if (zoe__status_ != ZOE_OK) return zoe__status_;                                                               \
    } while (0)

/* The same for functions that own resources: needs a variable `status` and a label `out`. */
#define ZOE_TRY_OUT(expr)                                                                                              \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != ZOE_OK) goto out;                                                                                \
    } while (0)

#define ZOE_FAIL_IF(context, cond, code, ...)                                                                          \
    do {                                                                                                               \
        if (cond) return zoe__fail((context), (code), __VA_ARGS__);                                                    \
    } while (0)

#define ZOE_FAIL_IF_OUT(context, cond, code, ...)                                                                      \
    do {                                                                                                               \
        if (cond) {                                                                                                    \
            status = zoe__fail((context), (code), __VA_ARGS__);                                                        \
            goto out;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* Zeroed memory for count items of size bytes; *out is NULL and ZOE_MEMORY is set on overflow or lack. free() it. */
zoe_status zoe__calloc(zoe_context *context, void *out, size_t count, size_t size);

/* Grows *items (an array of *capacity items of size bytes) to hold at least count. */
zoe_status zoe__grow(zoe_context *context, void *items, size_t *capacity, size_t count, size_t size);

/* A copy of text to free(); ZOE_MEMORY. */
zoe_status zoe__strdup(zoe_context *context, char **out, const char *text);

/* Writes into out[size], always terminated; false when cut. */
bool zoe__format(char *out, size_t size, const char *format, ...) ZOE__PRINTF(3, 4);

double zoe__seconds(void); /* monotonic clock, s */

static inline size_t zoe__round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

#endif
