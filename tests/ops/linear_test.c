/* SPDX-License-Identifier: Apache-2.0
 *
 * linear: each algorithm against the definition on odd shapes, the definition against finite differences, mistakes. */
#include "op_test.h"

typedef struct row {
    const char *name;
    zoe_shape x;
    int outputs;
    bool bias, relu;
} row;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_linear(graph, "fc", x[0], options);
}

enum { MOST = 16 };

typedef struct table {
    zoe_linear_options options[MOST];
    op_case cases[MOST];
} table;

static const op_case *make_cases(table *t, const row *rows, size_t count, const char *const *algorithms,
                                 bool both_lanes)
{
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        const row *r = &rows[i];
        t->options[i] = (zoe_linear_options){.outputs = r->outputs,
                                             .bias = r->bias,
                                             .relu = r->relu,
                                             .weight_options = {ZOE_INIT_HE_NORMAL, 0, 1, 1},
                                             .bias_options = {ZOE_INIT_GAUSSIAN, 0.5f, 1, 1}};
        t->cases[i] = (op_case){.name = r->name,
                                .build = build,
                                .options = &t->options[i],
                                .inputs = 1,
                                .x = {r->x},
                                .algorithms = algorithms,
                                .both_lanes = both_lanes,
                                .ties = r->relu};
    }
    return t->cases;
}

static const row packed_rows[] = {
    {"one image", {1, 16, 1, 1}, 16, true, true},
    {"one output, odd inputs", {3, 13, 1, 1}, 1, true, false},
    {"from a picture", {5, 9, 3, 5}, 33, true, true},
    {"three channels", {2, 3, 4, 7}, 17, false, true},
    {"12 images a tile", {33, 24, 2, 2}, 48, true, false},
    {"14 images a tile, three vectors", {41, 8, 3, 1}, 32, true, true},
    {"many inputs: parts and chunks", {4, 40, 9, 7}, 80, true, true},
    {"many filters: chunks of k", {17, 8, 1, 2}, 200, false, false},
};

static const row plain_rows[] = {
    {"from a picture", {3, 9, 3, 2}, 17, true, true},
};

static const row clblast_rows[] = {
    {"from a picture", {3, 9, 3, 2}, 17, true, true},
    {"vector", {5, 13, 1, 1}, 6, false, false},
};

static const row gradient_rows[] = {
    {"from a picture", {3, 2, 2, 3}, 4, true, false},
    {"relu", {2, 5, 1, 1}, 3, true, true},
};

static void test_algorithm(const row *rows, size_t count, const char *name, bool both_lanes)
{
    const char *const algorithms[] = {name, NULL};
    table t;
    op_test_devices(make_cases(&t, rows, count, algorithms, both_lanes), count);
}

static void packed_agrees(void **state)
{
    (void)state;
    test_algorithm(packed_rows, COUNT(packed_rows), "packed", true);
}

static void plain_agrees(void **state)
{
    (void)state;
    test_algorithm(plain_rows, COUNT(plain_rows), "plain", false);
}

static void tiled_agrees(void **state)
{
    (void)state;
    test_algorithm(packed_rows, COUNT(packed_rows), "tiled", false);
}

static void clblast_agrees(void **state)
{
    (void)state;
#if ZOE_CLBLAST
    test_algorithm(clblast_rows, COUNT(clblast_rows), "clblast", false);
#else
    (void)clblast_rows;
    print_message("SKIPPED: built without CLBlast\n");
    skip();
#endif
}

static void gradients(void **state)
{
    (void)state;
    table t;
    op_test_gradients(make_cases(&t, gradient_rows, COUNT(gradient_rows), NULL, false), COUNT(gradient_rows));
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        row row;
        zoe_status status;
        const char *part;
    } wrong[] = {
        {{"outputs", {1, 8, 4, 4}, 0, true, true}, ZOE_CONFIG, "0 outputs"},
        {{"weights", {1, 65536, 1, 1}, 65536, true, true}, ZOE_CONFIG, "65536 inputs x 65536 outputs"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        table t;
        op_test_mistake(make_cases(&t, &wrong[i].row, 1, NULL, false), wrong[i].status, wrong[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients),    cmocka_unit_test(mistakes),       cmocka_unit_test(packed_agrees),
        cmocka_unit_test(plain_agrees), cmocka_unit_test(tiled_agrees),   cmocka_unit_test(clblast_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
