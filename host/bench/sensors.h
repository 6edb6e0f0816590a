/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the machine, by Linux's files. Internal. */
#ifndef ZOE__SENSORS_H
#define ZOE__SENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Adds temperature_C (the hottest sensor), clock_MHz (mean of the processors), throttled (events since the start of
 * the machine), ecc_errors (corrected), gpu_temperature_C, gpu_clock_MHz, battery ("Discharging", ..); what cannot be
 * read is null, with the reason in not_known: {key: reason}. */
void zoe__sensors_add(json_t *host);

/* Throttle events of all processors since the start of the machine; 0 where nobody counts. */
double zoe__throttle_events(void);

/* A path below /sys; with ZOE_TEST_HOOKS the variable ZOE_SYS stands for /sys. */
bool zoe__sys_path(char *out, size_t size, const char *path);

/* The first line of a file; false: it cannot be read (errno says why). */
bool zoe__sys_text(const char *path, char *out, size_t size);

#endif
