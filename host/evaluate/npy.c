/* SPDX-License-Identifier: Apache-2.0
 *
 * "\x93NUMPY", version, length of the header, a Python dictionary padded with spaces so that the data begins at byte
 * 128. The shape is written twice: with 0 rows at first, with all of them at the end. */
#include "evaluate/npy.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { HEAD = 128, BEFORE_TEXT = 10 };

static void fill_head(const zoe__npy *npy, char head[HEAD + 1])
{
    memset(head, ' ', HEAD);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = HEAD - BEFORE_TEXT;
    head[9] = 0;
    zoe__format(head + BEFORE_TEXT, HEAD + 1 - BEFORE_TEXT,
                "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", npy->rows, npy->columns);
    head[BEFORE_TEXT + strlen(head + BEFORE_TEXT)] = ' ';
    head[HEAD - 1] = '\n';
}

zoe_status zoe__npy_open(zoe__npy *npy, zoe_context *context, const char *path, size_t columns)
{
    char head[HEAD + 1];
    npy->rows = 0;
    npy->columns = columns;
    ZOE_TRY(zoe__safe_open(&npy->file, context, path));
    fill_head(npy, head);
    return zoe__safe_write(&npy->file, head, HEAD);
}

zoe_status zoe__npy_add(zoe__npy *npy, const float *rows, size_t count)
{
    npy->rows += count;
    return zoe__safe_write(&npy->file, rows, count * npy->columns * sizeof *rows);
}

zoe_status zoe__npy_commit(zoe__npy *npy)
{
    char head[HEAD + 1];
    fill_head(npy, head);
    const bool bad = lseek(npy->file.fd, 0, SEEK_SET) < 0;
    ZOE_FAIL_IF(npy->file.context, bad, ZOE_DISK, "%s: %s", npy->file.path, strerror(errno));
    ZOE_TRY(zoe__safe_write(&npy->file, head, HEAD));
    return zoe__safe_commit(&npy->file);
}

void zoe__npy_abandon(zoe__npy *npy)
{
    zoe__safe_abandon(&npy->file);
}
