/* SPDX-License-Identifier: Apache-2.0
 *
 * A network twice in a graph: with a prefix each copy has weights and layers of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zoe/op.h>
#include <zoe/plan.h>

static zoe_value net(zoe_graph *graph, zoe_value x)
{
    zoe_linear_options linear = zoe_linear_options_default();
    linear.outputs = 3;
    linear.bias_options.init = ZOE_INIT_ALTERNATING;
    linear.bias_options.value = 2;
    x = zoe_linear(graph, "fc", x, &linear);
    zoe_graph_mark(graph, "fc", x);
    return x;
}

static void copies_have_their_own_names(void **state)
{
    (void)state;
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_device_options device_options = zoe_device_options_default();
    device_options.name = "host";
    const zoe_plan_options options = zoe_plan_options_default();
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe_device_open(&device, context, &device_options), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, context), ZOE_OK);
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){2, 4, 1, 1}), first = net(graph, x);
    zoe_graph_prefix(graph, "sound.");
    const zoe_value second = net(graph, x);
    zoe_graph_prefix(graph, NULL);
    zoe_graph_keep(graph, zoe_add(graph, "sum", first, second));
    assert_int_equal(zoe_graph_status(graph), ZOE_OK);
    assert_int_equal(zoe_graph_parameters(graph), 2 * (3 * 4 + 3));
    assert_int_equal(zoe_graph_mark_value(graph, "fc"), first);
    assert_int_equal(zoe_graph_mark_value(graph, "sound.fc"), second);
    assert_int_equal(zoe_store_new(&store, context, device, 1), ZOE_OK);
    assert_int_equal(zoe_plan_new(&plan, graph, store, &options), ZOE_OK);
    float bias[3], one[12], other[12];
    assert_int_equal(zoe_store_get(store, (size_t)zoe_store_find(store, "sound.fc.bias"), bias), ZOE_OK);
    assert_memory_equal(bias, ((float[]){2, -2, 2}), sizeof bias);
    assert_int_equal(zoe_store_get(store, (size_t)zoe_store_find(store, "fc.weight"), one), ZOE_OK);
    assert_int_equal(zoe_store_get(store, (size_t)zoe_store_find(store, "sound.fc.weight"), other), ZOE_OK);
    assert_memory_not_equal(one, other, sizeof one);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    zoe_device_free(&device);
    zoe_context_free(&context);
}

static void long_prefixes_are_mistakes(void **state)
{
    (void)state;
    zoe_context *context;
    zoe_graph *graph;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, context), ZOE_OK);
    zoe_graph_prefix(graph, "a prefix of far more than thirty-one bytes");
    assert_int_equal(zoe_graph_status(graph), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "longer than 31 bytes"));
    zoe_graph_free(&graph);
    zoe_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_have_their_own_names),
        cmocka_unit_test(long_prefixes_are_mistakes),
    };
    return cmocka_run_group_tests_name("graph/prefix", tests, NULL, NULL);
}
