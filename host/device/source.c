/* SPDX-License-Identifier: Apache-2.0 */
#include "device/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/sha256.h"
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

const char *zoe__source_at(size_t index)
{
    return index < sizeof embedded / sizeof embedded[0] ? embedded[index].name : NULL;
}

/* Kernel files that take no options and whose file-scope names nobody else has. */
static const char *const bundled[] = {
    "adam",
    "add",
    "average_pool",
    "batch_norm",
    "conv2d_direct_turn",
    "picture",
    "concat_channels",
    "copy",
    "dropout",
    "global_average_pool",
    "halo",
    "l2_normalise",
    "relu",
    "sgd",
    "slice_batch",
    "softmax_cross_entropy",
    "sum_parts",
};
enum { BUNDLED = sizeof bundled / sizeof bundled[0] };

bool zoe__source_is_bundled(const char *name)
{
    for (int i = 0; i < BUNDLED; i++)
        if (!strcmp(bundled[i], name)) return true;
    return false;
}

/* Files that stand in front of a program's own. */
static const struct {
    const char *program, *part;
} parts[] = {{"conv2d_winograd", "conv2d_winograd_shared"}, {"conv2d_winograd_weights", "conv2d_winograd_shared"}};
enum { PARTS = sizeof parts / sizeof parts[0] };

bool zoe__source_is_part(const char *name)
{
    for (int i = 0; i < PARTS; i++)
        if (!strcmp(parts[i].part, name)) return true;
    return !strcmp(name, "common");
}

/* Appends a file behind its #line. */
static zoe_status append(char **text, size_t *capacity, size_t *used, zoe_context *context, const char *name)
{
    piece file = {0};
    zoe_status status = find(context, name, &file);
    const size_t needed = *used + file.length + strlen(file.path) + 32;
    if (status == ZOE_OK) status = zoe__grow(context, text, capacity, needed, 1);
    if (status == ZOE_OK) {
        zoe__format(*text + *used, *capacity - *used, "#line 1 \"%s\"\n%.*s\n", file.path, (int)file.length, file.text);
        *used += strlen(*text + *used);
    }
    free(file.owned);
    return status;
}

zoe_status zoe__source_get(char **out, zoe_context *context, const char *name)
{
    size_t capacity = 0, used = 0;
    *out = NULL;
    zoe_status status = append(out, &capacity, &used, context, "common");
    if (strcmp(name, ZOE__BUNDLE)) {
        for (int i = 0; i < PARTS && status == ZOE_OK; i++)
            if (!strcmp(parts[i].program, name)) status = append(out, &capacity, &used, context, parts[i].part);
        if (status == ZOE_OK) status = append(out, &capacity, &used, context, name);
    } else {
        for (int i = 0; i < BUNDLED && status == ZOE_OK; i++)
            status = append(out, &capacity, &used, context, bundled[i]);
    }
    if (status != ZOE_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

void zoe__build_id(char text[64])
{
    zoe__sha256 sha;
    uint8_t digest[32];
    char hex[65];
    zoe__sha256_start(&sha);
    for (size_t i = 0; i < sizeof embedded / sizeof embedded[0]; i++)
        zoe__sha256_add(&sha, embedded[i].text, *embedded[i].length);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
    zoe__format(text, 64, "%s-%.16s%s", ZOE_VERSION, hex, zoe__environment("ZOE_CL_DIR") ? "+ZOE_CL_DIR" : "");
}
