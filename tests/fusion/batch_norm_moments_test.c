/* SPDX-License-Identifier: Apache-2.0
 *
 * The convolution before a batch norm leaves the moments of what it stores: no launch of the batch norm reads them off
 * the picture again. */
#include "ops/op_run.h"

typedef struct chain_options {
    int filters, kernel, stride, pad, groups;
    bool relu;
} chain_options;

static zoe_value build(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const chain_options *o = options;
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = o->filters;
    conv.kernel_h = conv.kernel_w = o->kernel;
    conv.stride_h = conv.stride_w = o->stride;
    conv.pad_h = conv.pad_w = o->pad;
    conv.groups = o->groups;
    conv.bias = false;
    const zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    const zoe_value y = zoe_batch_norm(graph, "bn", zoe_conv2d(graph, "conv", x[0], &conv), &norm);
    return o->relu ? zoe_relu(graph, "relu", y) : y;
}

static const chain_options usual = {32, 3, 1, 1, 1, false}, odd = {19, 3, 2, 1, 1, false},
                           single = {48, 1, 1, 0, 1, true}, groups = {64, 5, 1, 2, 2, false};

static const op_case cases[] = {
    {"3x3", build, &usual, .inputs = 1, .x = {{2, 16, 9, 15}}, .both_lanes = true, .tolerance = 1e-4},
    {"odd, stride 2", build, &odd, .inputs = 1, .x = {{3, 8, 11, 7}}, .both_lanes = true, .tolerance = 1e-4},
    {"planar", build, &odd, .inputs = 1, .x = {{2, 3, 13, 17}}, .both_lanes = true, .tolerance = 1e-4},
    {"1x1", build, &single, .inputs = 1, .x = {{4, 24, 5, 6}}, .both_lanes = true, .tolerance = 1e-4},
    {"groups", build, &groups, .inputs = 1, .x = {{2, 32, 6, 5}}, .both_lanes = true, .tolerance = 1e-4},
    {"several chunks", build, &usual, .inputs = 1, .x = {{3, 8, 61, 67}}, .both_lanes = true, .tolerance = 1e-4},
    {"far from 0", build, &usual, .inputs = 1, .x = {{2, 16, 20, 16}}, .offset = 10, .both_lanes = true,
     .tolerance = 1e-3},
};

static void agrees(void **state)
{
    (void)state;
    op_test_devices(cases, COUNT(cases));
}

static int launches_of(const op_device *device, int surroundings, const char *kernel)
{
    op_setup setup;
    int count = 0;
    op_setup_new(&setup, &cases[3], device, surroundings);
    for (size_t i = 0; i < zoe_plan_launches(setup.plan); i++)
        count += strcmp(zoe_plan_launch(setup.plan, i).kernel, kernel) == 0;
    op_setup_free(&setup);
    return count;
}

static void nobody_reads_the_picture_again(void **state)
{
    (void)state;
    const op_device device = {.name = op_test_device(), .family = "vector"};
    if (!device.name) skip();
    assert_int_equal(launches_of(&device, 0, "batch_norm_moments"), 0);
    assert_int_equal(launches_of(&device, OP_UNFUSED, "batch_norm_moments"), 1);
    op_close_devices();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees), cmocka_unit_test(nobody_reads_the_picture_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
