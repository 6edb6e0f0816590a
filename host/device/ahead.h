/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling before the first launch, by several processes at once. PoCL compiles in the thread that asks, a program
 * when it is built and a kernel when it is first launched for a size of work-groups, and keeps the results on disk. So
 * what a training will launch is listed first, by plans made dry; child processes (`zoe devices --compiler`) fill the
 * cache; then everything goes on as if it had always been full. What a child does not manage is compiled as ever: a
 * child may crash, hang or be missing.
 *
 * Only for devices that are like that (ZOE__QUIRK_LAZY), and where the context knows a helper
 * (zoe_context_set_helper()). ZOE_COMPILERS=N: how many at most; 0: none. */
#ifndef ZOE__AHEAD_H
#define ZOE__AHEAD_H

#include "device/device.h"

/* A launch. arguments: words divided by spaces, "m" a buffer, "i-3" an int, "u5" an unsigned, "f0x1p-1" a float, "l64"
 * bytes of local memory. No buffer has more than `bytes` bytes. */
typedef struct zoe__ahead_launch {
    const char *program, *kernel, *options, *arguments;
    int dims;
    const size_t *global, *local;
    size_t bytes;
} zoe__ahead_launch;

/* Opens the device's list. false: this device gains nothing by it, or a list is open already. */
bool zoe__ahead_begin(zoe_device *device);

/* Adds to the list, if one is open; what is known to be compiled, and what is there already, is left out. */
zoe_status zoe__ahead_note(zoe_device *device, const zoe__ahead_launch *launch);

/* Also shows each such launch to somebody, list or not (tests/vendor). NULL: nobody any more. */
typedef void zoe__ahead_watcher(void *user, const zoe__ahead_launch *launch);
void zoe__ahead_watch(zoe_device *device, zoe__ahead_watcher *watcher, void *user);

/* How long the list is, and back to such a length. */
size_t zoe__ahead_count(const zoe_device *device);
void zoe__ahead_cut(zoe_device *device, size_t count);

/* Compiles the list, if it is long enough to be worth it, and closes it. */
void zoe__ahead_compile(zoe_device *device);
void zoe__ahead_drop(zoe_device *device);

/* The child: reads launches from socket, a line each, answers each with '+' (compiled) or '-', and ends the process
 * when the other side is gone. Returns only after a failure at the start. */
zoe_status zoe__ahead_serve(zoe_device *device, int socket);

#endif
