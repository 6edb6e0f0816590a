/* SPDX-License-Identifier: Apache-2.0 */
#include "media/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TABLE_BYTES = 256 << 20, MAX_COLUMNS = 1024 };

zoe_status zoe__table_read(zoe__table *table, zoe_context *context, const char *path)
{
    struct stat info;
    *table = (zoe__table){.line = 1};
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, !S_ISREG(info.st_mode) || info.st_size > MAX_TABLE_BYTES, ZOE_DATA,
                "%s: not a regular file of at most %d bytes", path, MAX_TABLE_BYTES);
    ZOE_TRY(zoe__calloc(context, &table->text, (size_t)info.st_size + 1, 1));
    FILE *file = fopen(path, "rbe");
    const size_t n = file ? fread(table->text, 1, (size_t)info.st_size, file) : 0;
    const bool good = file && n == (size_t)info.st_size && !memchr(table->text, '\0', n);
    if (file) fclose(file);
    table->at = table->text;
    if (good && strncmp(table->at, "\xef\xbb\xbf", 3) == 0) table->at += 3; /* a byte order mark */
    if (good) return ZOE_OK;
    zoe__table_clear(table);
    return zoe__fail(context, ZOE_DATA, "%s: cannot be read as a table", path);
}

void zoe__table_clear(zoe__table *table)
{
    free(table->text);
    *table = (zoe__table){0};
}

bool zoe__table_more(zoe__table *table)
{
    for (; *table->at == '\n' || *table->at == '\r'; table->at++) table->line += *table->at == '\n';
    return *table->at;
}

const char *zoe__table_field(zoe__table *table, bool *last)
{
    char *from = table->at, *to = from, *field = from;
    if (*from == '"') {
        from++;
        for (; *from; from++) {
            if (*from == '"' && *++from != '"') break; /* "" is a quote, " the end */
            table->line += *from == '\n';
            *to++ = *from;
        }
    } else {
        while (*from && *from != ',' && *from != '\n' && *from != '\r') *to++ = *from++;
    }
    while (*from && *from != ',' && *from != '\n') from++; /* \r, and what follows a closing quote */
    *last = *from != ',';
    table->line += *from == '\n';
    table->at = *from ? from + 1 : from;
    *to = '\0';
    return field;
}

zoe_status zoe__table_head(zoe_context *context, zoe__table *table, const char *path, const char *const *names,
                           int count, int *column, char *known, size_t size)
{
    bool last = !zoe__table_more(table);
    size_t used = 0;
    known[0] = '\0';
    for (int i = 0; i < count; i++) column[i] = -1;
    for (int c = 0; !last && c < MAX_COLUMNS; c++) {
        const char *field = zoe__table_field(table, &last);
        for (int i = 0; i < count; i++)
            if (names[i] && strcmp(field, names[i]) == 0) column[i] = c;
        if (used < size) zoe__format(known + used, size - used, "%s%s", c ? ", " : "", field);
        used = strlen(known);
    }
    ZOE_FAIL_IF(context, !last, ZOE_DATA, "%s: more than %d columns", path, MAX_COLUMNS);
    return ZOE_OK;
}

bool zoe__table_row(zoe__table *table, const int *column, int count, const char **fields)
{
    if (!zoe__table_more(table)) return false;
    for (int i = 0; i < count; i++) fields[i] = "";
    bool last = false;
    for (int c = 0; !last; c++) {
        const char *field = zoe__table_field(table, &last);
        for (int i = 0; i < count; i++)
            if (c == column[i]) fields[i] = field;
    }
    return true;
}
