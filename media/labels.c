/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV as in RFC 4180: fields parted by commas, in double quotes where they hold commas, quotes or line ends. */
#include "media/labels.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TABLE_BYTES = 256 << 20, MAX_COLUMNS = 1024 };

typedef struct row {
    const char *file, *label, *group; /* in zoe__labels.text */
} row;

struct zoe__labels {
    bool has_label; /* has_label: labels come from the table */
    char *text;     /* the file; fields are terminated in place */
    row *rows;      /* sorted by file */
    size_t count, capacity;
};

static zoe_status slurp(zoe_context *context, const char *path, char **out)
{
    struct stat info;
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, !S_ISREG(info.st_mode) || info.st_size > MAX_TABLE_BYTES, ZOE_DATA,
                "%s: not a regular file of at most %d bytes", path, MAX_TABLE_BYTES);
    ZOE_TRY(zoe__calloc(context, out, (size_t)info.st_size + 1, 1));
    FILE *file = fopen(path, "rbe");
    const size_t n = file ? fread(*out, 1, (size_t)info.st_size, file) : 0;
    const bool good = file && n == (size_t)info.st_size && !memchr(*out, '\0', n);
    if (file) fclose(file);
    if (good) return ZOE_OK;
    free(*out);
    *out = NULL;
    return zoe__fail(context, ZOE_DATA, "%s: cannot be read as a table", path);
}

/* Cuts one field out at *at, terminates it, and moves on; *last: the line ends after it. NULL at the end of the text.
 */
static char *next_field(char **at, bool *last)
{
    char *from = *at, *to = *at, *field = *at;
    if (*from == '"') {
        from++;
        for (; *from; from++) {
            if (*from == '"' && *++from != '"') break; /* "" is a quote, " the end */
            *to++ = *from;
        }
    } else {
        while (*from && *from != ',' && *from != '\n' && *from != '\r') *to++ = *from++;
    }
    while (*from && *from != ',' && *from != '\n') from++; /* \r, and what follows a closing quote */
    *last = *from != ',';
    *at = *from ? from + 1 : from;
    *to = '\0';
    return field;
}

typedef struct columns {
    int file, label, group;
} columns;

/* The next line's wanted fields. False at the end of the text. */
static bool next_row(char **at, const columns *c, row *out)
{
    while (**at == '\n' || **at == '\r') ++*at;
    if (!**at) return false;
    *out = (row){"", "", ""};
    bool last = false;
    for (int i = 0; !last; i++) {
        const char *field = next_field(at, &last);
        if (i == c->file) out->file = field;
        if (i == c->label) out->label = field;
        if (i == c->group) out->group = field;
    }
    return true;
}

static zoe_status read_head(zoe_context *context, const char *path, char **at, const char *label, const char *group,
                            columns *c)
{
    char names[256] = "";
    size_t used = 0;
    *c = (columns){-1, -1, -1};
    if (strncmp(*at, "\xef\xbb\xbf", 3) == 0) *at += 3; /* a byte order mark */
    bool last = false;
    for (int i = 0; !last && i < MAX_COLUMNS; i++) {
        const char *field = next_field(at, &last);
        if (strcmp(field, "file") == 0) c->file = i;
        if (label && strcmp(field, label) == 0) c->label = i;
        if (group && strcmp(field, group) == 0) c->group = i;
        if (used < sizeof names) zoe__format(names + used, sizeof names - used, "%s%s", i ? ", " : "", field);
        used = strlen(names);
    }
    ZOE_FAIL_IF(context, !last, ZOE_DATA, "%s: more than %d columns", path, MAX_COLUMNS);
    const char *missing = c->file < 0 ? "file" : label && c->label < 0 ? label : group && c->group < 0 ? group : NULL;
    ZOE_FAIL_IF(context, missing, ZOE_CONFIG, "%s: no column '%s'; there are: %s", path, missing, names);
    return ZOE_OK;
}

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
    ZOE_TRY_OUT(slurp(context, csv, &labels->text));
    char *at = labels->text;
    columns c;
    ZOE_TRY_OUT(read_head(context, csv, &at, label, group, &c));
    for (row r; next_row(&at, &c, &r);) {
        ZOE_TRY_OUT(zoe__grow(context, &labels->rows, &labels->capacity, labels->count + 1, sizeof *labels->rows));
        labels->rows[labels->count++] = r;
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
    free((*labels)->text);
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
