/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/option.h>

#include "core/suggest.h"

static const zoe_option table[] = {
    {.name = "flag", .letter = 'f', .type = ZOE_OPTION_FLAG},
    {.name = "count", .type = ZOE_OPTION_INT, .low = 1, .high = 10, .unit = "frames", .fallback = "4"},
    {.name = "any", .type = ZOE_OPTION_INT},
    {.name = "rate", .type = ZOE_OPTION_FLOAT, .low = 0, .high = 1},
    {.name = "time", .type = ZOE_OPTION_SECONDS, .low = 0, .high = 1e6},
    {.name = "memory", .type = ZOE_OPTION_BYTES, .low = 1, .high = 1e15},
    {.name = "word", .type = ZOE_OPTION_WORD, .value = "cosine|step|constant", .fallback = "cosine"},
    {.name = "size", .type = ZOE_OPTION_SIZE, .low = 8, .high = 4096},
    {.name = "ranks", .type = ZOE_OPTION_INTS, .low = 0, .high = 100, .fallback = "1,2"},
    {.name = "names", .type = ZOE_OPTION_LIST},
    {.name = NULL},
};

static zoe_context *context;
static zoe_options *options;

static void refused(const char *name, const char *text, const char *part)
{
    assert_int_equal(zoe_options_set(options, name, text), ZOE_USAGE);
    if (!strstr(zoe_context_error(context), part))
        fail_msg("--%s %s: '%s' lacks '%s'", name, text, zoe_context_error(context), part);
    zoe_context_clear(context);
}

static void taken(const char *name, const char *text)
{
    assert_int_equal(zoe_options_set(options, name, text), ZOE_OK);
}

static void values_of_each_type(void **state)
{
    (void)state;
    int width, height;
    assert_int_equal(zoe_options_int(options, "count"), 4);
    assert_false(zoe_options_given(options, "count"));
    taken("count", "10");
    assert_int_equal(zoe_options_int(options, "count"), 10);
    assert_true(zoe_options_given(options, "count"));
    taken("any", "-9007199254740993");
    assert_true(zoe_options_int(options, "any") == INT64_C(-9007199254740993));
    taken("rate", "2.5e-1");
    assert_true(zoe_options_float(options, "rate") == 0.25);
    taken("time", "1.5m");
    assert_true(zoe_options_float(options, "time") == 90);
    taken("memory", "4096");
    assert_true(zoe_options_float(options, "memory") == 4096);
    taken("memory", "256M");
    assert_true(zoe_options_float(options, "memory") == 256.0 * 1024 * 1024);
    taken("memory", "1.5G");
    assert_true(zoe_options_float(options, "memory") == 1.5 * 1024 * 1024 * 1024);
    taken("time", "2h");
    assert_true(zoe_options_float(options, "time") == 7200);
    taken("size", "320x240");
    zoe_options_size(options, "size", &width, &height);
    assert_true(width == 320 && height == 240);
    taken("names", "a,bc,d e");
    assert_int_equal(zoe_options_items(options, "names"), 3);
    assert_string_equal(zoe_options_item(options, "names", 2), "d e");
    assert_null(zoe_options_item(options, "names", 3));
    assert_int_equal(zoe_options_items(options, "ranks"), 2);
    taken("ranks", "7,0,3");
    assert_int_equal(zoe_options_item_int(options, "ranks", 0), 7);
    assert_int_equal(zoe_options_items(options, "ranks"), 3);
    assert_false(zoe_options_flag(options, "flag"));
    taken("flag", "true");
    assert_true(zoe_options_flag(options, "flag"));
    assert_null(zoe_options_text(options, "nothing"));
}

static void nonsense_is_refused_with_value_and_limit(void **state)
{
    (void)state;
    refused("count", "0", "at least 1 frames");
    refused("count", "11", "at most 10 frames");
    refused("count", "3x", "not an integer");
    refused("count", "", "not an integer");
    refused("count", " 3", "not an integer");
    refused("any", "99999999999999999999", "64 bits");
    refused("rate", "nan", "not a number");
    refused("rate", "inf", "not a number");
    refused("rate", "1.01", "at most 1");
    refused("time", "5d", "not a duration");
    refused("memory", "0", "at least 1");
    refused("memory", "-2G", "at least 1");
    refused("memory", "G", "not a size");
    refused("memory", "2GB", "not a size");
    refused("memory", "2000T", "at most");
    refused("word", "cosin", "did you mean 'cosine'?");
    refused("word", "zebra", "one of cosine|step|constant");
    refused("size", "320", "not a size");
    refused("size", "320x-4", "not a size");
    refused("size", "4x320", "at least 8");
    refused("ranks", "1,,2", "empty item");
    refused("ranks", "1,101", "at most 100");
    refused("ranks", "1,b", "not an integer");
    refused("cuont", "3", "did you mean '--count'?");
    refused("xyzzy", "3", "unknown option --xyzzy");
}

static void defaults_give_way_to_values(void **state)
{
    (void)state;
    assert_int_equal(zoe_options_set_default(options, "count", "7"), ZOE_OK);
    assert_int_equal(zoe_options_int(options, "count"), 7);
    taken("count", "2");
    assert_int_equal(zoe_options_set_default(options, "count", "8"), ZOE_OK);
    assert_int_equal(zoe_options_int(options, "count"), 2);
    assert_int_equal(zoe_options_set_default(options, "count", "80"), ZOE_USAGE);
    zoe_context_clear(context);
}

static void a_table_with_a_bad_default_is_refused(void **state)
{
    (void)state;
    static const zoe_option bad[] = {{.name = "worse", .type = ZOE_OPTION_INT, .low = 1, .high = 2, .fallback = "3"},
                                     {.name = NULL}};
    assert_int_equal(zoe_options_add(options, bad), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "--worse"));
    zoe_context_clear(context);
}

static const char *nearest(const char *word)
{
    static const char *const words[] = {"shuffle-learn", "train", "tasks", "tune", "info", "index"};
    zoe__suggestion s = zoe__suggest_start(word);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) zoe__suggest_try(&s, words[i]);
    return s.best ? s.best : "";
}

static void suggestions(void **state)
{
    (void)state;
    assert_string_equal(nearest("shufle-lern"), "shuffle-learn");
    assert_string_equal(nearest("shuffle"), "shuffle-learn"); /* begun */
    assert_string_equal(nearest("trian"), "train");           /* swapped */
    assert_string_equal(nearest("traim"), "train");
    assert_string_equal(nearest("tux"), "");
    assert_string_equal(nearest("elephant"), "");
    assert_string_equal(nearest(""), "");
}

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK || zoe_options_new(&options, context) != ZOE_OK ||
           zoe_options_add(options, table) != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_options_free(&options);
    zoe_context_free(&context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_of_each_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nonsense_is_refused_with_value_and_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(defaults_give_way_to_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_with_a_bad_default_is_refused, set_up, tear_down),
        cmocka_unit_test(suggestions),
    };
    return cmocka_run_group_tests_name("core/option", tests, NULL, NULL);
}
