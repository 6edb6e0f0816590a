/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/child.h"

static char logged[256];

static void note(zoe_log_level level, const char *line, void *user)
{
    (void)level;
    (void)user;
    strncat(logged, line, sizeof logged - strlen(logged) - 1);
    strncat(logged, "|", sizeof logged - strlen(logged) - 1);
}

/* Runs a line of the shell; checks status, error text and what went to the log; *out is what it wrote. */
static void check(const char *script, double seconds, zoe_status wanted, const char *text, const char *log, char **out)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    zoe_context *context;
    char *written = NULL;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    zoe_context_set_log(context, note, NULL);
    logged[0] = '\0';
    const zoe_status status = zoe__child_run(context, argv, seconds, &written);
    if (status != wanted || !strstr(zoe_context_error(context), text) || strcmp(logged, log))
        fail_msg("%s: %s, '%s', log '%s'", script, zoe_status_name(status), zoe_context_error(context), logged);
    assert_true((written != NULL) == (status == ZOE_OK));
    if (out)
        *out = written;
    else
        free(written);
    zoe_context_free(&context);
}

static void keeps_what_it_wrote(void **state)
{
    (void)state;
    char *out = NULL;
    check("echo one; echo zoe: note >&2; echo two", 20, ZOE_OK, "", "note|", &out);
    assert_string_equal(out, "one\ntwo\n");
    free(out);
    check("true", 20, ZOE_OK, "", "", &out);
    assert_string_equal(out, "");
    free(out);
    check("head -c 300000 /dev/zero | tr '\\0' x", 20, ZOE_OK, "", "", &out);
    assert_int_equal(strlen(out), 300000);
    free(out);
}

static void tells_how_it_failed(void **state)
{
    (void)state;
    check("echo zoe: first >&2; echo zoe: no such thing >&2; exit 2", 20, ZOE_USAGE, "no such thing", "first|", NULL);
    check("exit 6", 20, ZOE_WRONG, "wrong result", "", NULL);
    check("exit 77", 20, ZOE_DEVICE, "exit code 77", "", NULL);
    check("echo last words >&2; kill -SEGV $$", 20, ZOE_DEVICE, "signal 11 (Segmentation fault): last words", "", NULL);
    check("sleep 30", 0.2, ZOE_TIME, "not done after 0.2 s", "", NULL);
    check("exec >&- 2>&-; sleep 30", 0.2, ZOE_TIME, "not done after 0.2 s", "", NULL);
}

static void cannot_start(void **state)
{
    (void)state;
    const char *const argv[] = {"/nowhere/at/all", NULL};
    zoe_context *context;
    char *out = NULL;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe__child_run(context, argv, 5, &out), ZOE_DEVICE);
    assert_non_null(strstr(zoe_context_error(context), "/nowhere/at/all: cannot start a process: No such file"));
    assert_null(out);
    zoe_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_it_wrote),
        cmocka_unit_test(tells_how_it_failed),
        cmocka_unit_test(cannot_start),
    };
    return cmocka_run_group_tests_name("core/child", tests, NULL, NULL);
}
