/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

typedef struct pad {
    int before, after;
} pad;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const pad *p = options;
    return zoe_pad_channels(graph, "pad", x[0], p->before, p->after);
}

static const pad logit = {1, 0}, both = {3, 7}, blocks = {8, 16}, none = {0, 0}, negative = {-1, 0};

static const op_case cases[] = {
    {"a logit", build, &logit, .inputs = 1, .x = {{5, 1, 1, 1}}},
    {"both sides", build, &both, .inputs = 1, .x = {{2, 13, 3, 5}}},
    {"whole blocks", build, &blocks, .inputs = 1, .x = {{2, 8, 2, 2}}},
    {"none", build, &none, .inputs = 1, .x = {{2, 9, 2, 3}}},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

static void gradients(void **state)
{
    (void)state;
    op_test_gradients(cases, COUNT(cases));
}

static void mistakes(void **state)
{
    (void)state;
    const op_case test = {"negative", build, &negative, .inputs = 1, .x = {{2, 9, 1, 1}}};
    op_test_mistake(&test, ZOE_CONFIG, "pad (pad_channels): -1 and 0 channels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/pad_channels", tests, NULL, NULL);
}
