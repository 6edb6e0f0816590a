/* SPDX-License-Identifier: Apache-2.0
 *
 * The self-test: every kernel variant that a device would use against the definition, in double, three times each with
 * the same bits. What fails is put into quarantine: plans take the next algorithm, or the definition. A device opened
 * with zoe_device_options.selftest tests what a plan needs by itself, once for each device, driver and build. */
#ifndef ZOE_SELFTEST_H
#define ZOE_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_selftest_options {
    const char *device, *family, *storage;                   /* as zoe_device_options */
    bool full;                                               /* all shapes and parameters; false: each variant once */
    bool list;                                               /* run nothing: only the names of what `full` runs */
    const char *only;                                        /* one variant; NULL: all */
    const char *test;                                        /* one case, by its name; NULL: all */
    const char *net;                                         /* measure the layers of this backbone or run instead */
    int batch, width, height;                                /* of a backbone; 0: 2, and its own size */
    void (*progress)(size_t done, size_t total, void *user); /* may be NULL */
    bool (*stop)(void *user);                                /* true: end with ZOE_STOPPED; may be NULL */
    void *user;
} zoe_selftest_options;
zoe_selftest_options zoe_selftest_options_default(void);

typedef struct zoe_selftest_result {
    char *json; /* docs/formats.md */
    char *text; /* for people; with list one variant a line */
} zoe_selftest_result;
void zoe_selftest_result_free(zoe_selftest_result *result);

/* ZOE_WRONG: something failed; the result says what, and stands in the quarantine. */
zoe_status zoe_selftest(zoe_context *context, const zoe_selftest_options *options, zoe_selftest_result *result);

#ifdef __cplusplus
}
#endif
#endif
