/* SPDX-License-Identifier: Apache-2.0
 *
 * Status codes, error texts, the log and checked memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"

static zoe_context *context;

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return context != NULL;
}

/* The table that README and docs/formats.md promise; values are stable. */
static void status_codes(void **state)
{
    (void)state;
    static const struct {
        int value, exit_code;
        const char *name;
    } rows[] = {
        {0, 0, "ZOE_OK"},          {1, 2, "ZOE_USAGE"},    {2, 3, "ZOE_CONFIG"},     {3, 3, "ZOE_SHAPE"},
        {4, 3, "ZOE_UNSUPPORTED"}, {5, 4, "ZOE_DATA"},     {6, 5, "ZOE_DEVICE"},     {7, 5, "ZOE_DEVICE_MEMORY"},
        {8, 5, "ZOE_BUILD"},       {9, 5, "ZOE_MEMORY"},   {10, 6, "ZOE_WRONG"},     {11, 6, "ZOE_DIVERGED"},
        {12, 7, "ZOE_DISK"},       {13, 8, "ZOE_STOPPED"}, {14, 9, "ZOE_BAD_FILES"}, {15, 10, "ZOE_TIME"},
    };
    const size_t count = sizeof rows / sizeof rows[0];
    assert_true(count <= ZOE_STATUS_COUNT);
    for (size_t i = 0; i < count; i++) {
        const zoe_status status = (zoe_status)rows[i].value;
        assert_string_equal(zoe_status_name(status), rows[i].name);
        assert_int_equal(zoe_status_exit_code(status), rows[i].exit_code);
    }
    for (int i = 0; i < ZOE_STATUS_COUNT; i++) {
        assert_true(strlen(zoe_status_text((zoe_status)i)) > 0);
        assert_in_range(zoe_status_exit_code((zoe_status)i), i == 0 ? 0 : 2, 10); /* only ZOE_OK is a success */
    }
    const int unknown[] = {-1, ZOE_STATUS_COUNT, 1000};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(zoe_status_name((zoe_status)unknown[i]), "ZOE_?");
        assert_string_equal(zoe_status_text((zoe_status)unknown[i]), "unknown status");
        assert_int_equal(zoe_status_exit_code((zoe_status)unknown[i]), 2);
    }
}

static void the_first_text_stays(void **state)
{
    (void)state;
    assert_string_equal(zoe_context_error(context), "");
    assert_int_equal(zoe__fail(context, ZOE_DATA, "%s: %d of %d", "a.mp4", 3, 2), ZOE_DATA);
    assert_int_equal(zoe__fail(context, ZOE_DISK, "something later"), ZOE_DISK);
    assert_string_equal(zoe_context_error(context), "a.mp4: 3 of 2");
    zoe_context_clear(context);
    assert_string_equal(zoe_context_error(context), "");
    zoe__fail(context, ZOE_DISK, "something else");
    assert_string_equal(zoe_context_error(context), "something else");
}

/* Names of files and texts of drivers hold anything; a message is one line. */
static void a_text_is_one_line(void **state)
{
    (void)state;
    zoe__fail(context, ZOE_DATA, "%s", "a\nb\tc\r\x1b[31md\x7f \xc3\xa4");
    assert_string_equal(zoe_context_error(context), "a b c  [31md  \xc3\xa4");
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    zoe__fail(context, ZOE_DATA, "%s", longer);
    const size_t length = strlen(zoe_context_error(context));
    assert_in_range(length, 500, sizeof longer - 2);
}

static void no_context_is_fine(void **state)
{
    (void)state;
    assert_int_equal(zoe__fail(NULL, ZOE_MEMORY, "nobody hears"), ZOE_MEMORY);
    zoe__log(NULL, ZOE_LOG_WARN, "nobody hears");
    zoe_context_free(NULL);
    zoe_context *none = NULL;
    zoe_context_free(&none);
}

typedef struct heard {
    int count;
    zoe_log_level level;
    char line[64];
} heard;

static void hear(zoe_log_level level, const char *line, void *user)
{
    heard *h = user;
    h->count++;
    h->level = level;
    zoe__format(h->line, sizeof h->line, "%s", line);
}

static void the_log_goes_to_the_function(void **state)
{
    (void)state;
    heard h = {0};
    zoe__log(context, ZOE_LOG_WARN, "before");
    zoe_context_set_log(context, hear, &h);
    zoe__log(context, ZOE_LOG_INFO, "%d\nlines", 2);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.level, ZOE_LOG_INFO);
    assert_string_equal(h.line, "2 lines");
    assert_string_equal(zoe_context_error(context), ""); /* the log is no error */
    zoe_context_set_log(context, NULL, NULL);
    zoe__log(context, ZOE_LOG_INFO, "after");
    assert_int_equal(h.count, 1);
}

static zoe_status try_twice(zoe_status first, int *ran)
{
    ZOE_TRY(first);
    (*ran)++;
    ZOE_FAIL_IF(context, *ran > 1, ZOE_SHAPE, "ran %d times", *ran);
    return ZOE_OK;
}

static zoe_status try_out(zoe_status first, int *left)
{
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(first);
    ZOE_FAIL_IF_OUT(context, true, ZOE_CONFIG, "always");
out:
    (*left)++;
    return status;
}

static void the_macros_pass_statuses_on(void **state)
{
    (void)state;
    int ran = 0, left = 0;
    assert_int_equal(try_twice(ZOE_TIME, &ran), ZOE_TIME);
    assert_int_equal(ran, 0);
    assert_int_equal(try_twice(ZOE_OK, &ran), ZOE_OK);
    assert_int_equal(try_twice(ZOE_OK, &ran), ZOE_SHAPE);
    assert_string_equal(zoe_context_error(context), "ran 2 times");
    assert_int_equal(try_out(ZOE_DISK, &left), ZOE_DISK);
    assert_int_equal(try_out(ZOE_OK, &left), ZOE_CONFIG);
    assert_int_equal(left, 2);
}

static void memory_is_zeroed_and_checked(void **state)
{
    (void)state;
    int *numbers = NULL;
    assert_int_equal(zoe__calloc(context, &numbers, 100, sizeof *numbers), ZOE_OK);
    for (int i = 0; i < 100; i++) assert_int_equal(numbers[i], 0);
    free(numbers);
    assert_int_equal(zoe__calloc(context, &numbers, 0, sizeof *numbers), ZOE_OK); /* nothing is a place too */
    assert_non_null(numbers);
    free(numbers);
    numbers = (int *)(void *)&numbers;
    assert_int_equal(zoe__calloc(context, &numbers, SIZE_MAX / 2, 4), ZOE_MEMORY); /* 2^64 - 4 more than there is */
    assert_null(numbers);
    assert_non_null(strstr(zoe_context_error(context), "out of memory"));
}

static void arrays_grow(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    for (size_t n = 1; n <= 1000; n++) {
        assert_int_equal(zoe__grow(context, &items, &capacity, n, sizeof *items), ZOE_OK);
        assert_true(capacity >= n);
        assert_int_equal(items[n - 1], 0);
        items[n - 1] = (int)n;
    }
    for (size_t n = 1; n <= 1000; n++) assert_int_equal(items[n - 1], (int)n);
    const size_t before = capacity;
    int *const same = items;
    assert_int_equal(zoe__grow(context, &items, &capacity, SIZE_MAX / 2, sizeof *items), ZOE_MEMORY);
    assert_int_equal(zoe__grow(context, &items, &capacity, SIZE_MAX, sizeof *items), ZOE_MEMORY);
    assert_true(capacity == before && items == same); /* what was there still is */
    assert_int_equal(items[999], 1000);
    free(items);
}

static void formats_say_when_they_cut(void **state)
{
    (void)state;
    char text[4];
    assert_true(zoe__format(text, sizeof text, "%s", "abc"));
    assert_string_equal(text, "abc");
    assert_false(zoe__format(text, sizeof text, "%s", "abcd"));
    assert_string_equal(text, "abc");
    char *copy = NULL;
    assert_int_equal(zoe__strdup(context, &copy, "a text"), ZOE_OK);
    assert_string_equal(copy, "a text");
    free(copy);
    assert_int_equal(zoe__round_up(0, 16), 0);
    assert_int_equal(zoe__round_up(1, 16), 16);
    assert_int_equal(zoe__round_up(32, 16), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_codes),
        cmocka_unit_test_setup_teardown(the_first_text_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_text_is_cut, set_up, tear_down),
        cmocka_unit_test(no_context_is_fine),
        cmocka_unit_test_setup_teardown(the_log_goes_to_the_function, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_macros_pass_statuses_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_is_zeroed_and_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(formats_say_when_they_cut, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("core/context", tests, NULL, NULL);
}
