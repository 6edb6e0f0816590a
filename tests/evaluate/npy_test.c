/* SPDX-License-Identifier: Apache-2.0
 *
 * The array file, byte by byte as NumPy's format description has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "evaluate/npy.h"

static char folder[64];

static size_t slurp(const char *path, uint8_t *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    const size_t n = fread(out, 1, size, file);
    fclose(file);
    return n;
}

static void test_read_back(void **state)
{
    static const float rows[3][2] = {{1, -2}, {3.5f, 4}, {5, 1e-30f}};
    uint8_t data[512];
    float back[3][2];
    char path[96], header[128];
    zoe__npy npy;
    (void)state;
    snprintf(path, sizeof path, "%s/f.npy", folder);
    assert_int_equal(zoe__npy_open(&npy, NULL, path, 2), ZOE_OK);
    assert_int_equal(zoe__npy_add(&npy, &rows[0][0], 1), ZOE_OK);
    assert_int_equal(zoe__npy_add(&npy, &rows[1][0], 2), ZOE_OK);
    assert_true(access(path, F_OK) != 0); /* not there before it is whole */
    assert_int_equal(zoe__npy_commit(&npy), ZOE_OK);
    zoe__npy_abandon(&npy);
    const size_t n = slurp(path, data, sizeof data);
    assert_memory_equal(data, "\x93NUMPY\x01\x00", 8);
    const size_t length = (size_t)(data[8] | data[9] << 8), start = 10 + length;
    assert_int_equal(start % 64, 0);
    assert_int_equal(n, start + sizeof rows);
    memcpy(header, data + 10, length);
    header[length] = '\0';
    assert_non_null(strstr(header, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"));
    assert_int_equal(header[length - 1], '\n');
    assert_int_equal(strspn(strchr(header, '}') + 1, " \n"), length - (size_t)(strchr(header, '}') + 1 - header));
    memcpy(back, data + start, sizeof back);
    assert_memory_equal(back, rows, sizeof rows);
}

static void test_abandoned_leaves_nothing(void **state)
{
    char path[96], temporary[104];
    zoe__npy npy;
    const float row[1] = {1};
    (void)state;
    snprintf(path, sizeof path, "%s/g.npy", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_int_equal(zoe__npy_open(&npy, NULL, path, 1), ZOE_OK);
    assert_int_equal(zoe__npy_add(&npy, row, 1), ZOE_OK);
    zoe__npy_abandon(&npy);
    assert_true(access(path, F_OK) != 0);
    assert_true(access(temporary, F_OK) != 0);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/zoe-npy-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[96];
    (void)state;
    snprintf(path, sizeof path, "%s/f.npy", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read_back),
                                       cmocka_unit_test(test_abandoned_leaves_nothing)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
