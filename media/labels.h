/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels and groups of files from a table (CSV) or from folder names. Internal. */
#ifndef ZOE_MEDIA_LABELS_H
#define ZOE_MEDIA_LABELS_H

#include <core/core.h>

typedef struct zoe__labels zoe__labels;

/* csv NULL: labels are folder names. Else a table with a head line and a column `file`; label and group name its other
 * columns, either may be NULL: labels are folder names then, and groups "". ZOE_CONFIG: a column is not there;
 * ZOE_DATA: the table cannot be read. */
zoe_status zoe__labels_load(zoe__labels **out, zoe_context *context, const char *csv, const char *label,
                            const char *group);
void zoe__labels_free(zoe__labels **labels);

/* Label and group of a path: the row whose file is the path, or its last parts ("sub/a.mp4"), or its base name; the
 * longest match wins; "" where the table has none. The texts live with labels or in
 * scratch[size]. */
void zoe__labels_find(const zoe__labels *labels, const char *path, char *scratch, size_t size, const char **label,
                      const char **group);

#endif
