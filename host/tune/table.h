/* SPDX-License-Identifier: Apache-2.0
 *
 * What an open device knows about its own tuning: rows of the user's database that are of this device, driver and
 * runtime, and rows that are shipped for its runtime. Read once, when the device opens; never written. Internal. */
#ifndef ZOE__TUNE_TABLE_H
#define ZOE__TUNE_TABLE_H

#include "tune/entry.h"

typedef struct zoe__tune_table {
    zoe__tune_device device;
    zoe__tune_entry *rows;           /* those of the user first */
    size_t count, capacity, shipped; /* how many of them at the end are shipped */
    bool gemm_applied;               /* CLBlast has been told: clblast.h */
    char source[32];                 /* "database", "run", "none" */
} zoe__tune_table;

/* place: NULL: the user's database; "off": an empty table; else the path of a database. A missing or unreadable
 * database is no error, a damaged one is set aside with a warning; only ZOE_MEMORY fails. */
zoe_status zoe__tune_table_open(zoe__tune_table **out, zoe_context *context, const zoe_device_info *info,
                                const char *place);
void zoe__tune_table_free(zoe__tune_table **table);

zoe_status zoe__tune_table_add(zoe__tune_table *table, zoe_context *context, const zoe__tune_entry *row);

/* The row whose shape is nearest, among those at most ZOE__TUNE_FAR away; a row that is shipped counts as 1 further.
 * A tie goes to the first. NULL: none. */
#define ZOE__TUNE_FAR 2.0
const zoe__tune_entry *zoe__tune_table_find(const zoe__tune_table *table, const char *op, const char *direction,
                                            const zoe__tune_shape *shape, double *distance);

/* Whether a row is one of those that are shipped. */
bool zoe__tune_table_is_shipped(const zoe__tune_table *table, const zoe__tune_entry *row);

/* A run remembers the table it was trained with, so that --resume repeats it bit by bit whatever was tuned since:
 * {"format", "source", "rows": [..]}. Reading replaces all rows; ZOE_DATA: not such a value. */
json_t *zoe__tune_table_json(const zoe__tune_table *table);
zoe_status zoe__tune_table_restore(zoe__tune_table *table, zoe_context *context, const json_t *value);

#endif
