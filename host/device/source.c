/* SPDX-License-Identifier: Apache-2.0 */
#include "device/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "device/internal.h"

enum { SOURCE_LIMIT = 16 << 20, PATH_SIZE = 4096 };

#define X(name)                                                                                                        \
    extern const unsigned char zoe__cl_##name[];                                                                       \
    extern const unsigned long zoe__cl_##name##_length;
#include "zoe_cl_sources.inc"
#undef X

static const struct {
    const char *name;
    const unsigned char *text;
    const unsigned long *length;
} embedded[] = {
#define X(name) {#name, zoe__cl_##name, &zoe__cl_##name##_length},
#include "zoe_cl_sources.inc"
#undef X
};

/* One file's text and the name it goes by in messages. */
typedef struct piece {
    char *owned; /* from ZOE_CL_DIR; NULL: embedded */
    const char *text;
    size_t length;
    char path[PATH_SIZE];
} piece;

static zoe_status read_all(zoe_context *context, FILE *file, piece *out)
{
    size_t capacity = 0, used = 0, n;
    do {
        ZOE_TRY(zoe__grow(context, &out->owned, &capacity, used + 4096, 1));
        n = fread(out->owned + used, 1, capacity - used, file);
        used += n;
        ZOE_FAIL_IF(context, used > SOURCE_LIMIT, ZOE_BUILD, "%s: more than %d bytes", out->path, SOURCE_LIMIT);
    } while (n);
    ZOE_FAIL_IF(context, ferror(file), ZOE_BUILD, "%s: %s", out->path, strerror(errno));
    out->text = out->owned;
    out->length = used;
    return ZOE_OK;
}

/* A missing file is fine: *out stays empty. A missing folder is not: it was asked for. */
static zoe_status from_folder(zoe_context *context, const char *folder, const char *name, piece *out)
{
    ZOE_FAIL_IF(context, !zoe__format(out->path, sizeof out->path, "%s/%s.cl", folder, name), ZOE_BUILD,
                "ZOE_CL_DIR: a path of more than %d bytes", PATH_SIZE - 1);
    struct stat info;
    ZOE_FAIL_IF(context, stat(folder, &info) < 0 || !S_ISDIR(info.st_mode), ZOE_BUILD, "ZOE_CL_DIR=%s: not a folder",
                folder);
    FILE *file = fopen(out->path, "rb");
    ZOE_FAIL_IF(context, !file && errno != ENOENT, ZOE_BUILD, "%s: %s", out->path, strerror(errno));
    if (!file) return ZOE_OK;
    const zoe_status status = read_all(context, file, out);
    fclose(file);
    return status;
}

static zoe_status find(zoe_context *context, const char *name, piece *out)
{
    const char *folder = zoe__environment("ZOE_CL_DIR");
    if (folder) ZOE_TRY(from_folder(context, folder, name, out));
    if (out->text) return ZOE_OK;
    zoe__format(out->path, sizeof out->path, "cl/%s.cl", name);
    for (size_t i = 0; i < sizeof embedded / sizeof embedded[0]; i++)
        if (!strcmp(embedded[i].name, name)) {
            out->text = (const char *)embedded[i].text;
            out->length = *embedded[i].length;
            return ZOE_OK;
        }
    return zoe__fail(context, ZOE_BUILD, "there is no kernel file cl/%s.cl%s%s", name, folder ? ", nor one in " : "",
                     folder ? folder : "");
}

zoe_status zoe__source_get(char **out, zoe_context *context, const char *name)
{
    *out = NULL;
    piece common = {0}, own = {0};
    zoe_status status = find(context, "common", &common);
    if (status == ZOE_OK) status = find(context, name, &own);
    if (status == ZOE_OK) {
        const size_t size = common.length + own.length + strlen(common.path) + strlen(own.path) + 64;
        status = zoe__calloc(context, out, size, 1);
        if (status == ZOE_OK)
            zoe__format(*out, size, "#line 1 \"%s\"\n%.*s\n#line 1 \"%s\"\n%.*s\n", common.path, (int)common.length,
                        common.text, own.path, (int)own.length, own.text);
    }
    free(common.owned);
    free(own.owned);
    return status;
}
