/* SPDX-License-Identifier: Apache-2.0 */
#include "media/pairs.h"
#include "media/gather.h"
#include "media/table.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE, SOUND, LABEL, GROUP, COLUMNS };

static zoe_status read_head(zoe_context *context, zoe__table *table, const char *path, const char *label,
                            const char *group, int column[COLUMNS])
{
    const char *const names[COLUMNS] = {"picture", "sound", label, group};
    char known[256];
    ZOE_TRY(zoe__table_head(context, table, path, names, COLUMNS, column, known, sizeof known));
    ZOE_FAIL_IF(context, column[PICTURE] < 0 || column[SOUND] < 0, ZOE_DATA,
                "%s: line 1: a table of pairs has the head picture,sound,label, not: %s", path, known);
    for (int i = LABEL; i < COLUMNS; i++)
        ZOE_FAIL_IF(context, names[i] && column[i] < 0, ZOE_CONFIG, "%s: no column '%s'; there are: %s", path, names[i],
                    known);
    return ZOE_OK;
}

static zoe_status add_file(zoe_context *context, zoe__pairs *pairs, const char *path, const char *table, int line,
                           bool picture)
{
    ZOE_TRY(zoe__grow(context, &pairs->file, &pairs->file_capacity, pairs->files + 1, sizeof *pairs->file));
    pairs->file[pairs->files++] = (zoe__pair_file){path, table, line, picture};
    return ZOE_OK;
}

static zoe_status add_pair(zoe_context *context, zoe__pairs *pairs, const char *table, int line,
                           const char *const *fields)
{
    char path[PATH_MAX];
    ZOE_TRY(zoe__grow(context, &pairs->pair, &pairs->capacity, pairs->count + 1, sizeof *pairs->pair));
    zoe__pair *pair = &pairs->pair[pairs->count++]; /* zeroed: clearing works from here on */
    char **const paths[] = {&pair->picture, &pair->sound};
    for (int i = PICTURE; i <= SOUND; i++) {
        ZOE_FAIL_IF(context, !fields[i][0], ZOE_DATA, "%s: line %d: no %s", table, line, i ? "sound" : "picture");
        ZOE_FAIL_IF(context, !zoe__path_beside(table, fields[i], path, sizeof path), ZOE_DATA,
                    "%s: line %d: the path is too long", table, line);
        ZOE_TRY(zoe__strdup(context, paths[i], path));
        ZOE_TRY(add_file(context, pairs, *paths[i], table, line, i == PICTURE));
    }
    ZOE_TRY(zoe__strdup(context, &pair->label, fields[LABEL]));
    return zoe__strdup(context, &pair->group, fields[GROUP]);
}

zoe_status zoe__pairs_read(zoe_context *context, zoe__pairs *pairs, const char *table, const char *label,
                           const char *group)
{
    zoe__table text;
    zoe_status status;
    int column[COLUMNS];
    const char *fields[COLUMNS];
    const size_t before = pairs->count;
    ZOE_TRY(zoe__table_read(&text, context, table));
    ZOE_TRY_OUT(read_head(context, &text, table, label, group, column));
    while (zoe__table_more(&text)) {
        const int line = text.line;
        zoe__table_row(&text, column, COLUMNS, fields);
        ZOE_TRY_OUT(add_pair(context, pairs, table, line, fields));
    }
    ZOE_FAIL_IF_OUT(context, pairs->count == before, ZOE_DATA, "%s: no pair in this table", table);
out:
    zoe__table_clear(&text);
    return status;
}

static int by_path(const void *a, const void *b)
{
    const zoe__pair_file *x = a, *y = b;
    const int order = strcmp(x->path, y->path);
    return order ? order : x->line - y->line;
}

zoe_status zoe__pairs_settle(zoe_context *context, zoe__pairs *pairs)
{
    zoe__pair_file *f = pairs->file;
    size_t kept = 0;
    if (pairs->files) qsort(f, pairs->files, sizeof *f, by_path);
    for (size_t i = 0; i < pairs->files; i++) {
        const bool again = kept && strcmp(f[kept - 1].path, f[i].path) == 0;
        ZOE_FAIL_IF(context, again && f[kept - 1].picture != f[i].picture, ZOE_DATA,
                    "%s: line %d: %s is a picture and a sound", f[i].table, f[i].line, f[i].path);
        if (!again) f[kept++] = f[i];
    }
    pairs->files = kept;
    return ZOE_OK;
}

void zoe__pairs_clear(zoe__pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->pair[i].picture);
        free(pairs->pair[i].sound);
        free(pairs->pair[i].label);
        free(pairs->pair[i].group);
    }
    free(pairs->pair);
    free(pairs->file);
    *pairs = (zoe__pairs){0};
}
