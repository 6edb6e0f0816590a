/* SPDX-License-Identifier: Apache-2.0 */
#include "media/labels.h"
#include "media/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
    const char *file, *label, *group; /* in zoe__labels.table */
} row;

struct zoe__labels {
    bool has_label; /* has_label: labels come from the table */
    zoe__table table;
    row *rows; /* sorted by file */
    size_t count, capacity;
};

static int by_file(const void *a, const void *b)
{
    return strcmp(((const row *)a)->file, ((const row *)b)->file);
}

zoe_status zoe__labels_load(zoe__labels **out, zoe_context *context, const char *csv, const char *label,
                            const char *group)
{
    *out = NULL;
    zoe_status status = ZOE_OK;
    zoe__labels *labels;
    ZOE_TRY(zoe__calloc(context, &labels, 1, sizeof *labels));
    *out = labels;
    if (!csv) return ZOE_OK;
    labels->has_label = label;
    const char *const names[] = {"file", label, group};
    const char *fields[3];
    char known[256];
    int column[3];
    ZOE_TRY_OUT(zoe__table_read(&labels->table, context, csv));
    ZOE_TRY_OUT(zoe__table_head(context, &labels->table, csv, names, 3, column, known, sizeof known));
    for (int i = 0; i < 3; i++)
        ZOE_FAIL_IF_OUT(context, names[i] && column[i] < 0, ZOE_CONFIG, "%s: no column '%s'; there are: %s", csv,
                        names[i], known);
    while (zoe__table_row(&labels->table, column, 3, fields)) {
        ZOE_TRY_OUT(zoe__grow(context, &labels->rows, &labels->capacity, labels->count + 1, sizeof *labels->rows));
        labels->rows[labels->count++] = (row){fields[0], fields[1], fields[2]};
    }
    if (labels->count) qsort(labels->rows, labels->count, sizeof *labels->rows, by_file);
    return ZOE_OK;
out:
    zoe__labels_free(out);
    return status;
}

void zoe__labels_free(zoe__labels **labels)
{
    if (!labels || !*labels) return;
    zoe__table_clear(&(*labels)->table);
    free((*labels)->rows);
    free(*labels);
    *labels = NULL;
}

/* Name of the folder that the file is in; of "a.mp4" alone, of the working folder's. */
static const char *folder_name(const char *path, char *scratch, size_t size)
{
    char whole[PATH_MAX];
    if (!strchr(path, '/')) {
        if (!realpath(path, whole)) return "";
        path = whole;
    }
    const char *slash = strrchr(path, '/'), *start = slash;
    while (start > path && start[-1] != '/') start--;
    if (!zoe__format(scratch, size, "%.*s", (int)(slash - start), start)) return "";
    return strcmp(scratch, ".") == 0 || strcmp(scratch, "..") == 0 ? "" : scratch;
}

void zoe__labels_find(const zoe__labels *labels, const char *path, char *scratch, size_t size, const char **label,
                      const char **group)
{
    *group = "";
    *label = labels->has_label ? "" : folder_name(path, scratch, size);
    for (const char *tail = path; tail && labels->count; tail = strchr(tail, '/'), tail = tail ? tail + 1 : NULL) {
        const row key = {.file = tail};
        const row *found = bsearch(&key, labels->rows, labels->count, sizeof *labels->rows, by_file);
        if (!found) continue;
        if (labels->has_label) *label = found->label;
        *group = found->group;
        return;
    }
}
