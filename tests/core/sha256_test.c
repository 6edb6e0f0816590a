/* SPDX-License-Identifier: Apache-2.0
 *
 * Against the examples of FIPS 180-4 and against itself in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/sha256.h"

static void hash(const char *text, size_t bytes, size_t piece, char hex[65])
{
    zoe__sha256 sha;
    uint8_t digest[32];
    zoe__sha256_start(&sha);
    for (size_t at = 0; at < bytes; at += piece)
        zoe__sha256_add(&sha, text + at, bytes - at < piece ? bytes - at : piece);
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
}

static void known_answers(void **state)
{
    (void)state;
    static char million[1000000];
    memset(million, 'a', sizeof million);
    const char *const two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char hex[65];
    hash("", 0, 1, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash("abc", 3, 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash(two_blocks, strlen(two_blocks), 7, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    hash(million, sizeof million, 999, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    char text[300], whole[65], pieces[65];
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 37);
    for (size_t bytes = 1; bytes < sizeof text; bytes += 11) {
        hash(text, bytes, bytes, whole);
        for (size_t piece = 1; piece < 70; piece += 9) {
            hash(text, bytes, piece, pieces);
            assert_string_equal(whole, pieces);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(pieces_do_not_matter),
    };
    return cmocka_run_group_tests_name("core/sha256", tests, NULL, NULL);
}
