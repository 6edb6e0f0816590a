/* SPDX-License-Identifier: Apache-2.0 */
#include "media/gather.h"

#include <zoe/media.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 32, MAX_LIST_BYTES = 64 << 20 };

/* How files with moving pictures or sound end; still pictures are read where a table of pairs names them. */
static const char *const ENDINGS[] = {
    "mp4", "m4v",  "mov",  "qt",   "avi", "divx", "mkv", "webm", "ts",  "mts", "m2ts", "m2t",  "mpg",   "mpeg", "mpe",
    "m1v", "m2v",  "vob",  "ogv",  "ogm", "flv",  "f4v", "wmv",  "asf", "3gp", "3g2",  "mjpg", "mjpeg", "mxf",  "dv",
    "wav", "wave", "flac", "ogg",  "oga", "opus", "mp3", "m4a",  "aac", "aif", "aiff", "aifc", "au",    "snd",  "caf",
    "w64", "rf64", "wma",  "wv",   "ape", "tta",  "mpc", "spx",  "mka", "ac3", "eac3", "dts",  "amr",   "mp2",  "mpa",
    "voc", "sph",  "y4m",  "h264", "264", "h265", "265", "hevc", "ivf", "obu", "nut",  "rm",   "rmvb",  "mpv",  "vc1"};

typedef struct gather {
    zoe_context *context;
    zoe__names *files, *packs, *tables;
} gather;

static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash) ? dot + 1 : "";
}

static bool plausible(const char *path)
{
    const char *ending = ending_of(path);
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        if (strcasecmp(ending, ENDINGS[i]) == 0) return true;
    return false;
}

static zoe_status add(zoe_context *context, zoe__names *names, const char *name)
{
    ZOE_TRY(zoe__grow(context, &names->name, &names->capacity, names->count + 1, sizeof *names->name));
    ZOE_TRY(zoe__strdup(context, &names->name[names->count], name));
    names->count++;
    return ZOE_OK;
}

/* The folders above the one that is searched: links may lead back up. */
typedef struct above {
    const struct above *next;
    dev_t device;
    ino_t inode;
    int depth;
} above;

static bool is_above(const above *chain, const struct stat *info)
{
    for (; chain; chain = chain->next)
        if (chain->device == info->st_dev && chain->inode == info->st_ino) return true;
    return false;
}

static zoe_status search(gather *g, const char *folder, const above *chain)
{
    const int depth = chain ? chain->depth + 1 : 0;
    struct stat self;
    ZOE_FAIL_IF(g->context, stat(folder, &self) < 0, ZOE_DATA, "%s: %s", folder, strerror(errno));
    const above here = {chain, self.st_dev, self.st_ino, depth};
    ZOE_FAIL_IF(g->context, depth > MAX_DEPTH, ZOE_DATA, "%s: folders more than %d deep", folder, MAX_DEPTH);
    DIR *open_folder = opendir(folder);
    ZOE_FAIL_IF(g->context, !open_folder, ZOE_DATA, "%s: %s", folder, strerror(errno));
    const size_t n = strlen(folder);
    const char *between = n && folder[n - 1] == '/' ? "" : "/";
    zoe_status status = ZOE_OK;
    for (const struct dirent *entry; status == ZOE_OK && (entry = readdir(open_folder));) {
        char path[PATH_MAX];
        struct stat info;
        if (entry->d_name[0] == '.') continue; /* hidden, and the folder itself */
        if (!zoe__format(path, sizeof path, "%s%s%s", folder, between, entry->d_name)) continue;
        if (stat(path, &info) < 0) continue; /* a link to nowhere */
        if (S_ISDIR(info.st_mode)) {
            /* the data of a pack are not files of the user */
            if (!is_above(&here, &info) && !zoe_pack_is(path)) status = search(g, path, &here);
        } else if (plausible(entry->d_name)) {
            status = add(g->context, g->files, path);
        }
    }
    closedir(open_folder);
    return status;
}

static zoe_status take_folder(gather *g, const char *folder)
{
    if (zoe_pack_is(folder)) return add(g->context, g->packs, folder);
    const size_t before = g->files->count;
    ZOE_TRY(search(g, folder, NULL));
    ZOE_FAIL_IF(g->context, g->files->count == before, ZOE_DATA, "%s: no video file in this folder, nor a sound file",
                folder);
    return ZOE_OK;
}

/* `name` without slashes at its end, "/" stays. */
static bool trimmed(const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    while (n > 1 && name[n - 1] == '/') n--;
    return n > 0 && zoe__format(out, size, "%.*s", (int)n, name);
}

bool zoe__path_beside(const char *base, const char *name, char *out, size_t size)
{
    struct stat info;
    const char *slash = strrchr(base, '/');
    if (stat(name, &info) < 0 && name[0] != '/' && slash &&
        zoe__format(out, size, "%.*s/%s", (int)(slash - base), base, name) && stat(out, &info) == 0)
        return true;
    return zoe__format(out, size, "%s", name);
}

/* A line of a list: relative to here, else to the list's folder. What does not exist is kept: it is skipped with a
 * reason. */
static zoe_status take_line(gather *g, const char *list, const char *line)
{
    char path[PATH_MAX], name[PATH_MAX];
    struct stat info;
    if (!trimmed(line, name, sizeof name)) return ZOE_OK;
    ZOE_FAIL_IF(g->context, !zoe__path_beside(list, name, path, sizeof path), ZOE_DATA, "%s: %.100s...: too long", list,
                name);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return take_folder(g, path);
    return add(g->context, g->files, path);
}

static zoe_status take_list(gather *g, const char *list)
{
    struct stat info;
    ZOE_FAIL_IF(g->context, stat(list, &info) < 0, ZOE_DATA, "%s: %s", list, strerror(errno));
    ZOE_FAIL_IF(g->context, !S_ISREG(info.st_mode), ZOE_DATA, "%s: a list must be a regular file", list);
    ZOE_FAIL_IF(g->context, info.st_size > MAX_LIST_BYTES, ZOE_DATA, "%s: a list of %lld bytes, the limit is %d", list,
                (long long)info.st_size, MAX_LIST_BYTES);
    FILE *file = fopen(list, "re");
    ZOE_FAIL_IF(g->context, !file, ZOE_DATA, "%s: %s", list, strerror(errno));
    zoe_status status = ZOE_OK;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    const size_t before = g->files->count + g->packs->count;
    for (int number = 1; status == ZOE_OK && (n = getline(&line, &capacity, file)) >= 0; number++) {
        if (memchr(line, '\0', (size_t)n) || n >= PATH_MAX) {
            status =
                zoe__fail(g->context, ZOE_DATA, "%s: line %d is not a path; a list has one path a line", list, number);
            break;
        }
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        const char *path = line + (number == 1 && !strncmp(line, "\xef\xbb\xbf", 3) ? 3 : 0); /* a byte order mark */
        if (*path && *path != '#') status = take_line(g, list, path);
    }
    free(line);
    fclose(file);
    ZOE_TRY(status);
    ZOE_FAIL_IF(g->context, g->files->count + g->packs->count == before, ZOE_DATA, "%s: no path in this list", list);
    return ZOE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_unique(zoe__names *names)
{
    if (!names->count) return;
    qsort(names->name, names->count, sizeof *names->name, by_name);
    size_t kept = 1;
    for (size_t i = 1; i < names->count; i++) {
        if (strcmp(names->name[kept - 1], names->name[i]) == 0)
            free(names->name[i]);
        else
            names->name[kept++] = names->name[i];
    }
    names->count = kept;
}

zoe_status zoe__gather(zoe_context *context, const char *const *paths, size_t count, zoe__gathered *out)
{
    gather g = {context, &out->files, &out->packs, &out->tables};
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat info;
        ZOE_FAIL_IF(context, !trimmed(paths[i], path, sizeof path), ZOE_DATA, "'%.100s' is not a path", paths[i]);
        ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
        if (S_ISDIR(info.st_mode))
            ZOE_TRY(take_folder(&g, path));
        else if (S_ISREG(info.st_mode) && strcasecmp(ending_of(path), "txt") == 0)
            ZOE_TRY(take_list(&g, path));
        else if (S_ISREG(info.st_mode) && strcasecmp(ending_of(path), "csv") == 0)
            ZOE_TRY(add(context, g.tables, path));
        else
            ZOE_TRY(add(context, g.files, path));
    }
    sort_unique(g.files);
    sort_unique(g.packs);
    sort_unique(g.tables);
    return ZOE_OK;
}

void zoe__gathered_clear(zoe__gathered *gathered)
{
    zoe__names_clear(&gathered->files);
    zoe__names_clear(&gathered->packs);
    zoe__names_clear(&gathered->tables);
}

void zoe__names_clear(zoe__names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->name[i]);
    free(names->name);
    *names = (zoe__names){0};
}
