/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV as in RFC 4180: fields parted by commas, in double quotes where they hold commas, quotes or line ends. Internal.
 */
#ifndef ZOE_MEDIA_TABLE_H
#define ZOE_MEDIA_TABLE_H

#include <core/core.h>

typedef struct zoe__table {
    char *text; /* the file; fields are terminated in place */
    char *at;
    int line; /* of the next field, from 1 */
} zoe__table;

/* Reads the file whole; clear with zoe__table_clear(). ZOE_DATA: it cannot be read or is no text. */
zoe_status zoe__table_read(zoe__table *table, zoe_context *context, const char *path);
void zoe__table_clear(zoe__table *table);

/* Skips empty lines; false at the end of the text. */
bool zoe__table_more(zoe__table *table);

/* The next field, which lives as long as the table; *last: the line ends after it. */
const char *zoe__table_field(zoe__table *table, bool *last);

/* Reads the head line and finds `count` names in it: column[i] of names[i], -1 where it is missing; a NULL name is
 * missing. The names that there are go to known[size], for messages. ZOE_DATA: too many columns. */
zoe_status zoe__table_head(zoe_context *context, zoe__table *table, const char *path, const char *const *names,
                           int count, int *column, char *known, size_t size);

/* The next line's fields of those columns, "" where the line has none. False at the end of the text. */
bool zoe__table_row(zoe__table *table, const int *column, int count, const char **fields);

#endif
