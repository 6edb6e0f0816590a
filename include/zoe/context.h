/* SPDX-License-Identifier: Apache-2.0
 *
 * The context: error text and log of one thread of work. Every object is made from a context and writes its error
 * text there; a context is used by one thread at a time (give each worker thread its own). */
#ifndef ZOE_CONTEXT_H
#define ZOE_CONTEXT_H

#include <zoe/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_context zoe_context;

/* PROGRESS: how far something slow is; the next line of this level may take its place. */
typedef enum zoe_log_level { ZOE_LOG_DEBUG, ZOE_LOG_INFO, ZOE_LOG_WARN, ZOE_LOG_PROGRESS } zoe_log_level;

/* Called with one line without a newline; user is the pointer given with it. */
typedef void zoe_log_function(zoe_log_level level, const char *line, void *user);

/* Makes a context; the caller owns it. ZOE_MEMORY is the only failure. */
zoe_status zoe_context_new(zoe_context **out);

/* Frees and nulls; accepts a pointer to NULL. Objects made from the context must be gone. */
void zoe_context_free(zoe_context **context);

/* The text of the last error: one line, "" when none was set since the last clear. Borrowed, valid until the next
 * failing call on this context. */
const char *zoe_context_error(const zoe_context *context);

/* Forget the last error text. A status that was handled needs this, or the next error keeps the first text. */
void zoe_context_clear(zoe_context *context);

/* Send log lines to fn (NULL: nowhere, the default). The library itself never prints. */
void zoe_context_set_log(zoe_context *context, zoe_log_function *fn, void *user);

/* The file of the program `zoe` (NULL: none, the default; borrowed): with it, kernels for PoCL are compiled by several
 * processes at once, which makes a first start about half as long. */
void zoe_context_set_helper(zoe_context *context, const char *program);

#ifdef __cplusplus
}
#endif
#endif
