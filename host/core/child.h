/* SPDX-License-Identifier: Apache-2.0
 *
 * A child process with a deadline: what may crash, hang or must start fresh runs there. Internal. */
#ifndef ZOE__CHILD_H
#define ZOE__CHILD_H

#include "core/core.h"

/* Runs argv[0] (a path; argv ends with NULL) and waits at most `seconds` for it. *out is what it wrote on stdout, ended
 * by a zero, the caller's to free() (NULL after a failure; at most 64 MiB). Lines of its stderr go to the log as they
 * come, but for the last one of a child that fails: that becomes the error text, without "zoe: " before it.
 * Its exit code becomes the status that has it. ZOE_DEVICE: ended by a signal (named); ZOE_TIME: past the deadline, and
 * killed. */
zoe_status zoe__child_run(zoe_context *context, const char *const *argv, double seconds, char **out);

/* From now on SIGINT and SIGTERM end zoe__child_run() with ZOE_STOPPED, and its child; a second SIGINT ends all. */
void zoe__child_catch_signals(void);

/* This program's own file, for argv[0]. */
#define ZOE__CHILD_SELF "/proc/self/exe"

#endif
