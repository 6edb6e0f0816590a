/* SPDX-License-Identifier: Apache-2.0
 *
 * Sampled values against the whole definition, and one measurement on a device. */
#include <math.h>

#include "ops/op_test.h"
#include "selftest/probe.h"
#include "selftest/sample.h"
#include "tune/measure.h"

static const zoe__conv2d convs[] = {
    {.n = 2, .c = 3, .h = 9, .w = 7, .k = 5, .r = 3, .s = 3, .p = 9, .q = 7, 1, 1, 1, 1, 1},
    {.n = 1, .c = 8, .h = 11, .w = 10, .k = 12, .r = 3, .s = 5, .p = 5, .q = 5, 2, 2, 0, 2, 1},
    {.n = 3, .c = 8, .h = 6, .w = 6, .k = 4, .r = 1, .s = 3, .p = 6, .q = 6, 1, 1, 0, 1, 2},
    {.n = 2, .c = 16, .h = 14, .w = 30, .k = 24, .r = 3, .s = 3, .p = 14, .q = 30, 1, 1, 1, 1, 1},
};

typedef struct network {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    zoe_value x, y;
} network;

static void open_network(network *net, const zoe__conv2d *v)
{
    zoe_plan_options options = zoe_plan_options_default();
    zoe_conv2d_options o = zoe_conv2d_options_default();
    o.filters = v->k;
    o.kernel_h = v->r;
    o.kernel_w = v->s;
    o.stride_h = v->stride_h;
    o.stride_w = v->stride_w;
    o.pad_h = v->pad_h;
    o.pad_w = v->pad_w;
    o.groups = v->groups;
    o.bias = false;
    options.training = options.input_gradients = true;
    assert_int_equal(zoe_context_new(&net->context), ZOE_OK);
    assert_int_equal(zoe_device_open(&net->device, net->context, &(zoe_device_options){.name = "host"}), ZOE_OK);
    assert_int_equal(zoe_graph_new(&net->graph, net->context), ZOE_OK);
    assert_int_equal(zoe_store_new(&net->store, net->context, net->device, 0), ZOE_OK);
    net->x = zoe_input(net->graph, "x", ZOE_F32, (zoe_shape){v->n, v->c, v->h, v->w});
    net->y = zoe_graph_keep(net->graph, zoe_conv2d(net->graph, "conv", net->x, &o));
    zoe__probe_loss(net->graph, "loss", net->y, ZOE__STREAM_DY);
    assert_int_equal(zoe_plan_new(&net->plan, net->graph, net->store, &options), ZOE_OK);
}

static void close_network(network *net)
{
    zoe_plan_free(&net->plan);
    zoe_store_free(&net->store);
    zoe_graph_free(&net->graph);
    zoe_device_free(&net->device);
    zoe_context_free(&net->context);
}

/* The host device runs the definition: sampled values must be its values, and a single wrong one must be seen. */
static void samples_are_the_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(convs); i++) {
        const zoe__conv2d *v = &convs[i];
        network net;
        float *data[ZOE__DIRECTIONS];
        open_network(&net, v);
        for (int d = 0; d < ZOE__DIRECTIONS; d++)
            data[d] = calloc(zoe__sample_values(v, (zoe__direction)d), sizeof *data[d]);
        zoe__probe_fill(ZOE__STREAM_WEIGHT, data[2], zoe__sample_values(v, ZOE__TO_WEIGHTS));
        zoe__probe_fill(ZOE__STREAM_X, data[1], zoe__sample_values(v, ZOE__TO_DATA));
        assert_int_equal(zoe_store_set(net.store, 0, data[2]), ZOE_OK);
        assert_int_equal(zoe_plan_write(net.plan, net.x, data[1]), ZOE_OK);
        assert_int_equal(zoe_plan_accumulate(net.plan, 0, 0), ZOE_OK);
        assert_int_equal(zoe_plan_finish(net.plan), ZOE_OK);
        assert_int_equal(zoe_plan_read(net.plan, net.y, data[0]), ZOE_OK);
        assert_int_equal(zoe_plan_read_gradient(net.plan, net.x, data[1]), ZOE_OK);
        assert_int_equal(zoe_store_get_gradient(net.store, 0, data[2]), ZOE_OK);
        for (int d = 0; d < ZOE__DIRECTIONS; d++) {
            const size_t all = zoe__sample_values(v, (zoe__direction)d);
            zoe__sampled s = zoe__sample_check(v, (zoe__direction)d, data[d], all, 1e12);
            if (!(s.most < 1e-6)) fail_msg("case %zu, direction %d: off by %g at %zu", i, d, s.most, s.where);
            s = zoe__sample_check(v, (zoe__direction)d, data[d], 64, 1e12);
            assert_true(s.nmse < 1e-12);
            data[d][all - 1] += 1; /* a corner: always among those that are looked at */
            s = zoe__sample_check(v, (zoe__direction)d, data[d], 64, 1e12);
            assert_true(s.nmse > 1e-6);
            data[d][all - 1] = NAN;
            assert_true(isinf(zoe__sample_check(v, (zoe__direction)d, data[d], 64, 1e12).nmse));
            free(data[d]);
        }
        close_network(&net);
    }
}

static void every_candidate_is_right(void **state)
{
    enum { ROOM = 64 };
    zoe_context *context;
    zoe_device *device;
    zoe_device_options options = zoe_device_options_default();
    (void)state;
    options.name = op_test_device();
    if (!options.name) skip();
    options.profile = true;
    options.tuning = "off";
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_int_equal(zoe_device_open(&device, context, &options), ZOE_OK);
    for (size_t i = 0; i < COUNT(convs); i++)
        for (int d = 0; d < ZOE__DIRECTIONS; d++) {
            zoe__measure_job job = {.op = "conv2d", .conv = convs[i], .data = true};
            zoe__choice candidates[ROOM];
            zoe__measured measured[ZOE__DIRECTIONS];
            size_t count;
            assert_int_equal(zoe__measure_candidates(device, &job, (zoe__direction)d, candidates, ROOM, &count),
                             ZOE_OK);
            assert_true(count > 0);
            for (size_t k = 0; k < count; k++) {
                job.choice[d] = candidates[k];
                if (zoe__measure(device, &job, measured) != ZOE_OK) fail_msg("%s", zoe_context_error(context));
                if (!measured[d].there || !(measured[d].nmse < 1e-9) || !(measured[d].seconds > 0))
                    fail_msg("case %zu, direction %d, %s %d,%d,%d,%d: there %d, nmse %g, %g s", i, d,
                             candidates[k].algorithm, candidates[k].parameter[0], candidates[k].parameter[1],
                             candidates[k].parameter[2], candidates[k].parameter[3], measured[d].there,
                             measured[d].nmse, measured[d].seconds);
            }
            job.choice[d] = (zoe__choice){.algorithm = "no such"};
            assert_int_equal(zoe__measure(device, &job, measured), ZOE_OK);
            assert_false(measured[d].there);
            job.choice[d] = (zoe__choice){.algorithm = candidates[0].algorithm, .parameter = {7777}};
            assert_int_equal(zoe__measure(device, &job, measured), ZOE_OK);
            assert_false(measured[d].there); /* not among what it offers */
        }
    zoe_device_free(&device);
    zoe_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples_are_the_definition),
                                       cmocka_unit_test(every_candidate_is_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
