/* SPDX-License-Identifier: Apache-2.0 */
#include "train/safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if ZOE_TEST_HOOKS
/* True when this operation shall fail (errno is set); may not return at all. */
static bool fault(void)
{
    static atomic_long operations;
    const char *text = getenv("ZOE_FAIL_WRITE");
    if (!text) return false;
    char *end;
    const long wanted = strtol(text, &end, 10);
    if (atomic_fetch_add(&operations, 1) + 1 != wanted) return false;
    if (!strcmp(end, ":kill")) raise(SIGKILL);
    errno = ENOSPC;
    return true;
}
#else
static bool fault(void)
{
    return false;
}
#endif

static zoe_status disk(zoe__safe_file *file, const char *what)
{
    return zoe__fail(file->context, ZOE_DISK, "%s: cannot %s: %s", file->path, what, strerror(errno));
}

zoe_status zoe__safe_open(zoe__safe_file *file, zoe_context *context, const char *path)
{
    *file = (zoe__safe_file){.context = context, .fd = -1};
    if (!zoe__format(file->path, sizeof file->path, "%s", path) ||
        !zoe__format(file->temporary, sizeof file->temporary, "%s.tmp", path))
        return zoe__fail(context, ZOE_DISK, "a path of more than %d bytes: %.60s...", ZOE__PATH - 5, path);
    struct stat info; /* the rename would put a file in the place of /dev/null */
    ZOE_FAIL_IF(context, stat(path, &info) == 0 && !S_ISREG(info.st_mode), ZOE_DISK,
                "%s: cannot write: it is there and not a regular file", path);
    if (!fault()) file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return file->fd < 0 ? disk(file, "open a temporary file") : ZOE_OK;
}

zoe_status zoe__safe_write(zoe__safe_file *file, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes > 0) {
        const size_t part = bytes < (4u << 20) ? bytes : 4u << 20;
        const ssize_t n = fault() ? -1 : write(file->fd, at, part);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return disk(file, "write");
        at += n;
        bytes -= (size_t)n;
    }
    return ZOE_OK;
}

static zoe_status sync_folder(zoe__safe_file *file)
{
    char folder[ZOE__PATH];
    zoe__format(folder, sizeof folder, "%s", file->path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        zoe__format(folder, sizeof folder, ".");
    else if (slash == folder)
        slash[1] = '\0';
    else
        *slash = '\0';
    const int fd = fault() ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk(file, "open the folder");
    /* Some file systems have no fsync for folders and say EINVAL: they need none. */
    const bool bad = fsync(fd) < 0 && errno != EINVAL;
    const int code = errno;
    close(fd);
    errno = code;
    return bad ? disk(file, "sync the folder") : ZOE_OK;
}

zoe_status zoe__safe_commit(zoe__safe_file *file)
{
    if (fault() || fsync(file->fd) < 0) return disk(file, "sync");
    const int fd = file->fd;
    file->fd = -1;
    if (close(fd) < 0) {
        const zoe_status status = disk(file, "close");
        unlink(file->temporary);
        return status;
    }
    if (fault() || rename(file->temporary, file->path) < 0) {
        const zoe_status status = disk(file, "rename");
        unlink(file->temporary);
        return status;
    }
    return sync_folder(file);
}

void zoe__safe_abandon(zoe__safe_file *file)
{
    if (file->fd < 0) return;
    close(file->fd);
    file->fd = -1;
    unlink(file->temporary);
}

zoe_status zoe__safe_write_text(zoe_context *context, const char *path, const char *text)
{
    zoe__safe_file file;
    zoe_status status = zoe__safe_open(&file, context, path);
    if (status == ZOE_OK) status = zoe__safe_write(&file, text, strlen(text));
    if (status == ZOE_OK) status = zoe__safe_commit(&file);
    zoe__safe_abandon(&file);
    return status;
}

zoe_status zoe__make_folder(zoe_context *context, const char *path)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) return ZOE_OK;
    const int code = errno;
    const bool there = code == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    ZOE_FAIL_IF(context, !there, ZOE_DISK, "%s: cannot make the folder: %s", path, strerror(code));
    return ZOE_OK;
}
