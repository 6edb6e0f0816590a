/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that are shipped: host/tune/defaults.json, embedded. Internal. */
#ifndef ZOE__TUNE_DEFAULTS_H
#define ZOE__TUNE_DEFAULTS_H

#include "tune/database.h"

/* ZOE_DATA: the embedded table is damaged (a test reads it). */
zoe_status zoe__tune_defaults_each(zoe_context *context, zoe__tune_row *fn, void *user);

#endif
