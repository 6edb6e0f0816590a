/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes. Every function that can fail returns a zoe_status; the one-line text with the numbers
 * is held by the zoe_context (context.h). The list is one X-macro, so enum, name, text and the exit code
 * of the command line can never disagree. Values are stable: new codes are added at the end. */
#ifndef ZOE_STATUS_H
#define ZOE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, exit code of `zoe`, default text) */
#define ZOE_STATUS_MAP(X)                                                                                              \
    X(OK, 0, "ok")                                                                                                     \
    X(USAGE, 2, "wrong usage")                                                                                         \
    X(CONFIG, 3, "invalid configuration")                                                                              \
    X(SHAPE, 3, "shapes disagree")                                                                                     \
    X(UNSUPPORTED, 3, "not supported")                                                                                 \
    X(DATA, 4, "unusable data")                                                                                        \
    X(DEVICE, 5, "device error")                                                                                       \
    X(DEVICE_MEMORY, 5, "not enough device memory")                                                                    \
    X(BUILD, 5, "kernel does not compile")                                                                             \
    X(MEMORY, 5, "not enough host memory")                                                                             \
    X(WRONG, 6, "wrong result")                                                                                        \
    X(DIVERGED, 6, "loss is not finite")                                                                               \
    X(DISK, 7, "disk error")                                                                                           \
    X(STOPPED, 8, "stopped at request")                                                                                \
    X(BAD_FILES, 9, "too many bad files")                                                                              \
    X(TIME, 10, "time limit reached")

typedef enum zoe_status {
#define ZOE_STATUS_ENUM(name, exit_code, text) ZOE_##name,
    ZOE_STATUS_MAP(ZOE_STATUS_ENUM)
#undef ZOE_STATUS_ENUM
        ZOE_STATUS_COUNT
} zoe_status;

/* Borrowed, constant strings: "ZOE_DATA", "unusable data"; for an unknown value "ZOE_?" and "unknown status". */
const char *zoe_status_name(zoe_status status);
const char *zoe_status_text(zoe_status status);

/* The documented exit code of the command line for a status (0 to 10; 2 for an unknown value). */
int zoe_status_exit_code(zoe_status status);

#ifdef __cplusplus
}
#endif
#endif
