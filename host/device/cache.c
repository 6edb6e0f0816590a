/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sha256.h"
#include "device/internal.h"

/* File: magic, key, checksum of the data, length (little-endian), data. A change of any of that is a new version. */
#define FORMAT_VERSION "1"
#define MAGIC          "ZOECACH" FORMAT_VERSION
enum { MAGIC_SIZE = 8, DIGEST_SIZE = 32, HEADER_SIZE = MAGIC_SIZE + 64 + DIGEST_SIZE + 8, PATH_SIZE = 4096 };
static const size_t ENTRY_LIMIT = (size_t)1 << 30;

zoe_status zoe__cache_folder(char **out, zoe_context *context)
{
    const char *off = zoe__environment("ZOE_CACHE"), *folder = zoe__environment("ZOE_CACHE_DIR");
    const char *xdg = zoe__environment("XDG_CACHE_HOME"), *home = zoe__environment("HOME");
    char path[PATH_SIZE];
    bool fits = true;
    *out = NULL;
    if (off && (!strcmp(off, "off") || !strcmp(off, "0"))) return ZOE_OK;
    if (folder)
        fits = zoe__format(path, sizeof path, "%s", folder);
    else if (xdg)
        fits = zoe__format(path, sizeof path, "%s/zoetrope", xdg);
    else if (home)
        fits = zoe__format(path, sizeof path, "%s/.cache/zoetrope", home);
    else
        return ZOE_OK;
    return fits ? zoe__strdup(context, out, path) : ZOE_OK;
}

void zoe__cache_key(char key[65], const char *const *texts)
{
    zoe__sha256 sha;
    uint8_t digest[DIGEST_SIZE];
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, MAGIC, MAGIC_SIZE);
    for (; *texts; texts++) zoe__sha256_add(&sha, *texts, strlen(*texts) + 1);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, key);
}

static void make_header(uint8_t header[HEADER_SIZE], const char *key, const void *data, size_t bytes)
{
    zoe__sha256 sha;
    memcpy(header, MAGIC, MAGIC_SIZE);
    memcpy(header + MAGIC_SIZE, key, 64);
    zoe__sha256_start(&sha);
    zoe__sha256_add(&sha, data, bytes);
    zoe__sha256_end(&sha, header + MAGIC_SIZE + 64);
    for (int i = 0; i < 8; i++) header[HEADER_SIZE - 8 + i] = (uint8_t)((uint64_t)bytes >> (8 * i));
}

static bool read_fully(int file, void *data, size_t bytes)
{
    for (size_t used = 0; used < bytes;) {
        const ssize_t n = read(file, (char *)data + used, bytes - used);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        used += (size_t)n;
    }
    return true;
}

/* The data of an open entry; NULL and *why: what is wrong. */
static void *read_entry(int file, const char *key, size_t *bytes, const char **why)
{
    uint8_t header[HEADER_SIZE], expected[HEADER_SIZE];
    struct stat info;
    *why = "not a file";
    if (fstat(file, &info) || !S_ISREG(info.st_mode)) return NULL;
    *why = "cut short";
    if (info.st_size < HEADER_SIZE || !read_fully(file, header, sizeof header)) return NULL;
    *why = "of another size than it says";
    uint64_t length = 0;
    for (int i = 0; i < 8; i++) length |= (uint64_t)header[HEADER_SIZE - 8 + i] << (8 * i);
    if (length > ENTRY_LIMIT || length != (uint64_t)info.st_size - HEADER_SIZE) return NULL;
    void *data = malloc(length ? (size_t)length : 1);
    *why = "unreadable";
    if (data && read_fully(file, data, (size_t)length)) {
        make_header(expected, key, data, (size_t)length);
        if (!memcmp(header, expected, sizeof header)) {
            *bytes = (size_t)length;
            return data;
        }
        *why = memcmp(header, expected, MAGIC_SIZE + 64) ? "another program's" : "corrupt";
    }
    free(data);
    return NULL;
}

void *zoe__cache_read(zoe_context *context, const char *folder, const char *key, const char *suffix, size_t *bytes)
{
    char path[PATH_SIZE];
    const char *why = NULL;
    *bytes = 0;
    if (!folder || !zoe__format(path, sizeof path, "%s/%s.%s", folder, key, suffix)) return NULL;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */
    if (file < 0) return NULL;
    void *data = read_entry(file, key, bytes, &why);
    close(file);
    if (!data) zoe__log(context, ZOE_LOG_DEBUG, "cache entry %s is %s: made anew", path, why);
    return data;
}

/* mkdir -p, readable by the owner only. */
static bool make_folder(const char *folder)
{
    char path[PATH_SIZE];
    if (!zoe__format(path, sizeof path, "%s", folder)) return false;
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') continue;
        *at = '\0';
        if (mkdir(path, 0700) && errno != EEXIST) return false;
        *at = '/';
    }
    return !mkdir(path, 0700) || errno == EEXIST;
}

bool zoe__cache_make_folder_of(const char *path)
{
    char folder[PATH_SIZE];
    if (!zoe__format(folder, sizeof folder, "%s", path)) return false;
    char *end = strrchr(folder, '/');
    if (!end || end == folder) return true;
    *end = '\0';
    return make_folder(folder);
}

static bool write_fully(int file, const void *data, size_t bytes)
{
    for (size_t used = 0; used < bytes;) {
        const ssize_t n = write(file, (const char *)data + used, bytes - used);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        used += (size_t)n;
    }
    return true;
}

bool zoe__cache_write(zoe_context *context, const char *folder, const char *key, const char *suffix, const void *data,
                      size_t bytes)
{
    static atomic_uint serial; /* two devices of one process may store the same entry at once */
    char path[PATH_SIZE], temporary[PATH_SIZE];
    uint8_t header[HEADER_SIZE];
    if (!folder || bytes > ENTRY_LIMIT || !zoe__format(path, sizeof path, "%s/%s.%s", folder, key, suffix))
        return false;
    if (!zoe__format(temporary, sizeof temporary, "%s/%s.%ld.%u", folder, key, (long)getpid(),
                     atomic_fetch_add(&serial, 1u)))
        return false;
    const int file = make_folder(folder) ? open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    bool ok = file >= 0;
    if (ok) {
        make_header(header, key, data, bytes);
        ok = write_fully(file, header, sizeof header) && write_fully(file, data, bytes);
        ok = !close(file) && ok;
        ok = ok && !rename(temporary, path);
        if (!ok) unlink(temporary);
    }
    if (!ok) zoe__log(context, ZOE_LOG_DEBUG, "cache entry %s not written: %s", path, strerror(errno));
    return ok;
}

zoe_status zoe__cache_get(void **program, bool *loaded, char key[65], zoe_context *context, const char *folder,
                          const char *identity, const zoe__program_provider *provider, const char *source,
                          const char *options)
{
    size_t bytes = 0;
    zoe__cache_key(key, (const char *const[]){identity, options, source, NULL});
    void *binary = zoe__cache_read(context, folder, key, "program", &bytes);
    *loaded = binary && provider->load(provider->user, binary, bytes, options, program);
    if (binary && !*loaded) zoe__log(context, ZOE_LOG_DEBUG, "cache entry %s is refused by the driver: made anew", key);
    free(binary);
    return *loaded ? ZOE_OK : provider->build(provider->user, source, options, program);
}

void zoe__cache_keep(zoe_context *context, const char *folder, const char *key, const zoe__program_provider *provider,
                     void *program)
{
    void *binary = NULL;
    size_t bytes = 0;
    if (!folder || !provider->save(provider->user, program, &binary, &bytes)) return;
    zoe__cache_write(context, folder, key, "program", binary, bytes);
    free(binary);
}
