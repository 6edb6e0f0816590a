/* SPDX-License-Identifier: Apache-2.0
 *
 * Which chains the rules take and which they must leave; what a launch of a fused node calls itself. */
#include "ops/op_test.h"

#include "graph/graph.h"

#include "fusion/fusion.h"

typedef struct fixture {
    zoe_context *context;
    zoe_graph *graph, *fused;
    zoe_value x;
} fixture;

static int set_up(void **state)
{
    static fixture f;
    f = (fixture){0};
    assert_int_equal(zoe_context_new(&f.context), ZOE_OK);
    assert_int_equal(zoe_graph_new(&f.graph, f.context), ZOE_OK);
    f.x = zoe_input(f.graph, "x", ZOE_F32, (zoe_shape){2, 8, 6, 6});
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    zoe_graph_free(&f->fused);
    zoe_graph_free(&f->graph);
    zoe_context_free(&f->context);
    return 0;
}

static zoe_value batch_norm(fixture *f, const char *name, zoe_value x)
{
    const zoe_batch_norm_options options = zoe_batch_norm_options_default();
    return zoe_batch_norm(f->graph, name, x, &options);
}

static zoe_value pool(fixture *f, zoe_value x, int kernel)
{
    zoe_pool_options options = zoe_pool_options_default();
    options.kernel = kernel;
    options.pad = kernel > 6 ? kernel / 2 : 0;
    return zoe_max_pool(f->graph, "pool", x, &options);
}

/* Names of the ops after fusion, in order. */
static void check(fixture *f, const char *expected)
{
    char names[256] = "";
    assert_int_equal(zoe_graph_status(f->graph), ZOE_OK);
    assert_int_equal(zoe__fuse(&f->fused, f->graph, NULL), ZOE_OK);
    const zoe_graph *graph = f->fused ? f->fused : f->graph;
    for (size_t n = 0; n < zoe__graph_nodes(graph); n++) {
        strncat(names, n ? " " : "", sizeof names - strlen(names) - 1);
        strncat(names, zoe__graph_node_const(graph, n)->op->name, sizeof names - strlen(names) - 1);
    }
    assert_string_equal(names, expected);
}

static void takes_the_longest_chain(void **state)
{
    fixture *f = *state;
    const zoe_value y = zoe_relu(f->graph, "relu", batch_norm(f, "bn", f->x));
    const zoe_value pooled = pool(f, y, 2);
    check(f, "batch_norm+relu+max_pool");
    const zoe__node *node = zoe__graph_node_const(f->fused, 0);
    assert_string_equal(node->name, "bn");
    assert_int_equal(node->output, pooled);
    assert_int_equal(node->params, 4);
    assert_int_equal(zoe__graph_value(f->fused, y)->node, ZOE__NOBODY);
    assert_int_equal(zoe__graph_value(f->graph, y)->node, 1); /* the graph itself is as it was */
}

static void leaves_what_is_kept(void **state)
{
    fixture *f = *state;
    pool(f, zoe_graph_keep(f->graph, zoe_relu(f->graph, "relu", batch_norm(f, "bn", f->x))), 2);
    check(f, "batch_norm+relu max_pool");
}

static void leaves_what_two_read(void **state)
{
    fixture *f = *state;
    const zoe_value y = batch_norm(f, "bn", f->x);
    zoe_add(f->graph, "add", zoe_relu(f->graph, "relu", y), y);
    check(f, "batch_norm relu add");
}

static void leaves_windows_that_are_too_large(void **state)
{
    fixture *f = *state;
    pool(f, zoe_relu(f->graph, "relu", batch_norm(f, "bn", f->x)), 16);
    check(f, "batch_norm+relu max_pool");
}

static void takes_one_of_two_batch_norms(void **state)
{
    fixture *f = *state;
    const zoe_value a = batch_norm(f, "a", f->x), b = batch_norm(f, "b", f->x);
    zoe_relu(f->graph, "relu", zoe_add(f->graph, "add", a, b));
    check(f, "batch_norm batch_norm+add+relu");
}

static void leaves_a_sum_with_its_own_input(void **state)
{
    fixture *f = *state;
    const zoe_value y = batch_norm(f, "bn", f->x);
    zoe_relu(f->graph, "relu", zoe_add(f->graph, "add", y, f->x));
    check(f, "batch_norm add+relu");
}

static void leaves_a_value_added_to_itself(void **state)
{
    fixture *f = *state;
    zoe_relu(f->graph, "relu", zoe_add(f->graph, "add", f->x, f->x));
    check(f, "add relu");
    assert_null(f->fused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_the_longest_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_two_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_windows_that_are_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_one_of_two_batch_norms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_a_sum_with_its_own_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_a_value_added_to_itself, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
