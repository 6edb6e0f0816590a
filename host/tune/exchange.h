/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows as a JSON file, to be carried to another machine or into host/tune/defaults.json:
 *     {"format": "zoe-tuning-1", "version": "0.1.0", "entries": [{row}, ..]} Internal. */
#ifndef ZOE__TUNE_EXCHANGE_H
#define ZOE__TUNE_EXCHANGE_H

#include <zoe/tune.h>

#include "tune/database.h"

#define ZOE__TUNE_FORMAT "zoe-tuning-1"

/* All rows of a database (NULL: none), those of one device only where one is given. *out is the caller's. */
zoe_status zoe__tune_export(zoe_context *context, zoe__tune_database *database, const zoe__tune_device *device,
                            json_t **out);

/* Each row of value to fn. ZOE_DATA names the first row that is wrong; rows are checked before any is given out. */
zoe_status zoe__tune_each_json(zoe_context *context, const json_t *value, const char *name, zoe__tune_row *fn,
                               void *user);

/* JSON and a table of its "entries"; takes the reference (NULL counts as a lack of memory). */
zoe_status zoe__tune_result_set(zoe_context *context, json_t *value, zoe_tune_result *result);

#endif
