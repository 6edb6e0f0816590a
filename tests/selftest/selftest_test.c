/* SPDX-License-Identifier: Apache-2.0
 *
 * The self-test finds nothing where nothing is wrong, exactly what is broken where something is, and plans then compute
 * what they should. */
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <zoe/selftest.h>

#include "graph/graph.h"
#include "ops/op_test.h"
#include "selftest/trust.h"

#define X(name) extern const zoe__op zoe__op_##name;
#include "zoe_ops.inc"
#undef X

static char folder[] = "/tmp/zoe-selftest-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    setenv("ZOE_CACHE_DIR", folder, 1);
    unsetenv("ZOE_CACHE");
    unsetenv("ZOE_BREAK");
    return 0;
}

static int tear_down(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static zoe_selftest_options on_device(void)
{
    zoe_selftest_options o = zoe_selftest_options_default();
    o.device = op_test_device();
    o.family = getenv("ZOE_TEST_FAMILY");
    if (!o.device) {
        print_message("SKIPPED: no OpenCL device here\n");
        skip();
    }
    return o;
}

static json_t *run(const zoe_selftest_options *options, zoe_status wanted)
{
    zoe_context *context;
    zoe_selftest_result result;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    const zoe_status status = zoe_selftest(context, options, &result);
    if (status != wanted) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
    json_t *value = json_loads(result.json, 0, NULL);
    assert_non_null(value);
    zoe_selftest_result_free(&result);
    zoe_context_free(&context);
    return value;
}

static const char *failed_at(const json_t *value, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(value, "failed"), i), key));
}

static size_t checked(const json_t *value)
{
    return (size_t)json_integer_value(json_object_get(value, "checked"));
}

static bool lists(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!strcmp(json_string_value(json_array_get(list, i)), name)) return true;
    return false;
}

static json_t *variants(void)
{
    zoe_selftest_options options = on_device();
    options.list = true;
    json_t *value = run(&options, ZOE_OK), *list = json_incref(json_object_get(value, "variants"));
    json_decref(value);
    return list;
}

static void nothing_is_wrong(void **state)
{
    (void)state;
    zoe_selftest_options options = on_device();
    json_t *quick = run(&options, ZOE_OK), *list = variants();
    assert_true(checked(quick) > 30);
    assert_int_equal(json_array_size(json_object_get(quick, "failed")), 0);
    options.full = true;
    json_t *full = run(&options, ZOE_OK);
    assert_int_equal(checked(full), json_array_size(list)); /* --list is what --full runs */
    json_decref(full);
    json_decref(quick);
    json_decref(list);
}

/* Whoever adds an op adds a case. */
static void every_op_has_a_case(void **state)
{
    static const zoe__op *const ops[] = {
#define X(name) &zoe__op_##name,
#include "zoe_ops.inc"
#undef X
    };
    json_t *list = variants();
    (void)state;
    for (size_t i = 0; i < COUNT(ops); i++) {
        char name[ZOE__VARIANT];
        if (!ops[i]->forward || ops[i]->as_conv2d) continue;
        snprintf(name, sizeof name, "%s.forward", ops[i]->name);
        if (!lists(list, name)) fail_msg("no case of host/selftest/cases.c runs %s", name);
        snprintf(name, sizeof name, "%s.backward", ops[i]->name);
        if (ops[i]->backward && !ops[i]->no_gradient && !lists(list, name))
            fail_msg("no case of host/selftest/cases.c runs %s", name);
    }
    json_decref(list);
}

/* One after the other is broken: exactly that one is found, and nothing of it stays. */
static void what_is_broken_is_found(void **state)
{
    char path[128];
    json_t *list = variants();
    (void)state;
#if !ZOE_TEST_HOOKS
    skip();
#endif
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        zoe_selftest_options options = on_device();
        options.only = name;
        setenv("ZOE_BREAK", name, 1);
        json_t *value = run(&options, ZOE_WRONG);
        unsetenv("ZOE_BREAK");
        if (json_array_size(json_object_get(value, "failed")) != 1 || strcmp(failed_at(value, 0, "kernel"), name))
            fail_msg("%s is broken: %s", name, json_dumps(value, 0));
        assert_true(lists(json_object_get(value, "quarantined"), name));
        assert_non_null(strstr(failed_at(value, 0, "repro"), name));
        json_decref(value);
    }
    snprintf(path, sizeof path, "%s/quarantine.txt", folder);
    assert_int_equal(access(path, F_OK), -1);
    json_decref(list);
}

/* ---- a network with one broken kernel trains as one without ---- */

static double loss_after_training(const char *broken, int *bad)
{
    enum { IMAGES = 4, STEPS = 3 };
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_device_options options = zoe_device_options_default();
    zoe_plan_options training = zoe_plan_options_default();
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    zoe_linear_options linear = zoe_linear_options_default();
    const zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    static float data[IMAGES * 3 * 12 * 12]; /* few channels: they lie as they are where all readers like it */
    static const int32_t labels[IMAGES] = {0, 1, 2, 1};
    float loss = 0;
    zoe__random random;
    zoe__random_init(&random, 1, 2, 3);
    for (size_t i = 0; i < COUNT(data); i++) data[i] = (float)zoe__random_normal(&random);
    setenv("ZOE_BREAK", broken, 1);
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    options.name = op_test_device();
    options.family = getenv("ZOE_TEST_FAMILY");
    options.selftest = true;
    assert_int_equal(zoe_device_open(&device, context, &options), ZOE_OK);
    assert_int_equal(zoe_graph_new(&graph, context), ZOE_OK);
    assert_int_equal(zoe_store_new(&store, context, device, 3), ZOE_OK);
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){IMAGES, 3, 12, 12});
    const zoe_value y = zoe_input(graph, "y", ZOE_I32, (zoe_shape){IMAGES, 1, 1, 1});
    conv.filters = 16;
    conv.pad_h = conv.pad_w = 1;
    linear.outputs = 5;
    zoe_value v = zoe_conv2d(graph, "conv1", x, &conv);
    v = zoe_relu(graph, "relu1", zoe_batch_norm(graph, "bn1", v, &norm));
    v = zoe_conv2d(graph, "conv2", v, &conv);
    v = zoe_linear(graph, "fc", zoe_global_average_pool(graph, "pool", v), &linear);
    const zoe_value l = zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", v, y));
    training.training = true;
    training.optimizer.name = "sgd";
    if (zoe_plan_new(&plan, graph, store, &training) != ZOE_OK) fail_msg("%s: %s", broken, zoe_context_error(context));
    for (int step = 0; step < STEPS; step++) {
        assert_int_equal(zoe_plan_write(plan, x, data), ZOE_OK);
        assert_int_equal(zoe_plan_write(plan, y, labels), ZOE_OK);
        assert_int_equal(zoe_plan_accumulate(plan, step, 0), ZOE_OK);
        assert_int_equal(zoe_plan_read(plan, l, &loss), ZOE_OK);
        assert_int_equal(zoe_plan_update(plan, 0.1), ZOE_OK);
    }
    *bad = zoe__trust_is_bad(device, broken);
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    zoe_device_free(&device);
    zoe_context_free(&context);
    unsetenv("ZOE_BREAK");
    return (double)loss;
}

static bool in_the_network(const char *variant)
{
    static const char *const ops[] = {"conv2d",  "linear", "batch_norm", "relu", "global_average_pool",
                                      "softmax", "sgd"};
    for (size_t i = 0; i < COUNT(ops); i++)
        if (!strncmp(variant, ops[i], strlen(ops[i]))) return true;
    return false;
}

static void training_goes_on_without_it(void **state)
{
    json_t *list = variants();
    int bad;
    (void)state;
#if !ZOE_TEST_HOOKS
    skip();
#endif
    const double wanted = loss_after_training("nothing of that name", &bad);
    assert_false(bad);
    size_t used = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!in_the_network(name)) continue;
        const double loss = loss_after_training(name, &bad);
        used += bad != 0;
        if (!(loss - wanted < 1e-4 && wanted - loss < 1e-4))
            fail_msg("with %s broken (found: %d) the loss is %.9g, not %.9g", name, bad, loss, wanted);
    }
    assert_true(used >= 10); /* of conv2d, linear, batch norm, pool, loss, sgd */
    json_decref(list);
}

/* ---- the files ---- */

static void verdicts_last(void **state)
{
    zoe_context *context;
    zoe_device *device;
    zoe_device_options options = zoe_device_options_default();
    char path[128];
    (void)state;
    on_device();
    options.name = op_test_device();
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    for (int round = 0; round < 3; round++) {
        zoe__trust *trust;
        assert_int_equal(zoe_device_open(&device, context, &options), ZOE_OK);
        assert_int_equal(zoe__trust_open(&trust, device, false), ZOE_OK);
        if (round == 0) {
            zoe__trust_forget(trust);
            assert_int_equal(zoe__trust_note(trust, "made.up", true, NULL), ZOE_OK);
            assert_int_equal(zoe__trust_note(trust, "also.made.up", false, "NMSE 1\tzoe selftest"), ZOE_OK);
            assert_int_equal(zoe__trust_save(trust), ZOE_OK);
        } else if (round == 1) { /* as a later process sees it; then somebody lifts the quarantine */
            assert_true(zoe__trust_is_known(device, "made.up"));
            assert_true(zoe__trust_is_bad(device, "also.made.up"));
            snprintf(path, sizeof path, "%s/quarantine.txt", folder);
            assert_int_equal(unlink(path), 0);
        } else {
            assert_false(zoe__trust_is_known(device, "also.made.up"));
        }
        zoe__trust_close(&trust);
        zoe_device_free(&device);
    }
    zoe_context_free(&context);
}

static void layers_of_a_network(void **state)
{
    (void)state;
    zoe_selftest_options options = on_device();
    options.net = "mini";
    options.batch = 1;
    options.width = options.height = 24;
    json_t *value = run(&options, ZOE_OK), *row;
    size_t i;
    assert_true(json_array_size(json_object_get(value, "layers")) >= 10);
    json_array_foreach(json_object_get(value, "layers"), i, row)
    {
        const double nmse = json_number_value(json_object_get(row, "nmse"));
        assert_true(nmse < 1e-9 && json_is_number(json_object_get(row, "nmse")));
        assert_true(json_is_number(json_object_get(row, "max_error")));
    }
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_op_has_a_case),     cmocka_unit_test(nothing_is_wrong),
        cmocka_unit_test(what_is_broken_is_found), cmocka_unit_test(training_goes_on_without_it),
        cmocka_unit_test(verdicts_last),           cmocka_unit_test(layers_of_a_network),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
