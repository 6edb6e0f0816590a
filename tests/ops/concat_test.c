/* SPDX-License-Identifier: Apache-2.0
 *
 * concat_channels, concat_batch and slice_batch. */
#include "op_test.h"

typedef struct join {
    int count;
    bool channels;
} join;

static zoe_value build_join(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const join *o = options;
    return o->channels ? zoe_concat_channels(graph, "join", x, o->count) : zoe_concat_batch(graph, "join", x, o->count);
}

/* The same value three times, another between. */
static zoe_value build_repeats(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const join *o = options;
    const zoe_value values[4] = {x[0], x[1], x[0], x[0]};
    return o->channels ? zoe_concat_channels(graph, "join", values, 4) : zoe_concat_batch(graph, "join", values, 4);
}

typedef struct slice {
    int first, count;
} slice;

static zoe_value build_slice(zoe_graph *graph, const zoe_value *x, const void *options)
{
    const slice *o = options;
    return zoe_slice_batch(graph, "slice", x[0], o->first, o->count);
}

/* Two slices that overlap and an image that nobody takes. */
static zoe_value build_slices(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_add(graph, "sum", zoe_slice_batch(graph, "a", x[0], 0, 2), zoe_slice_batch(graph, "b", x[0], 1, 2));
}

static const join one = {1, true}, two = {2, true}, three = {3, true}, eight = {8, true};
static const join batch_one = {1, false}, batch_three = {3, false};
static const slice middle = {1, 2}, last = {2, 1}, all = {0, 3};

static const op_case cases[] = {
    {"one", build_join, &one, .inputs = 1, .x = {{2, 9, 3, 5}}},
    {"whole blocks", build_join, &two, .inputs = 2, .x = {{2, 8, 3, 5}, {2, 16, 3, 5}}},
    {"whole, then part", build_join, &two, .inputs = 2, .x = {{2, 8, 3, 5}, {2, 3, 3, 5}}},
    {"meeting in a block", build_join, &three, .inputs = 3, .x = {{2, 3, 3, 3}, {2, 3, 3, 3}, {2, 5, 3, 3}}},
    {"across blocks", build_join, &three, .inputs = 3, .x = {{1, 7, 1, 3}, {1, 17, 1, 3}, {1, 9, 1, 3}}},
    {"eight of one", build_join, &eight, .inputs = 8,
     .x = {{3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1},
           {3, 1, 1, 1}}},
    {"repeats", build_repeats, &three, .inputs = 2, .x = {{2, 5, 3, 1}, {2, 7, 3, 1}}},
    {"batch: one", build_join, &batch_one, .inputs = 1, .x = {{2, 9, 3, 5}}},
    {"batch: three", build_join, &batch_three, .inputs = 3, .x = {{2, 9, 3, 1}, {1, 9, 3, 1}, {3, 9, 3, 1}}},
    {"batch: repeats", build_repeats, &batch_three, .inputs = 2, .x = {{2, 5, 3, 1}, {1, 5, 3, 1}}},
    {"slice: middle", build_slice, &middle, .inputs = 1, .x = {{4, 9, 3, 2}}},
    {"slice: last", build_slice, &last, .inputs = 1, .x = {{3, 17, 1, 1}}},
    {"slice: all", build_slice, &all, .inputs = 1, .x = {{3, 3, 5, 5}}},
    {"slices", build_slices, NULL, .inputs = 1, .x = {{4, 9, 3, 3}}},
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
    const op_case a = {"height", build_join, &two, .inputs = 2, .x = {{2, 8, 3, 5}, {2, 8, 4, 5}}};
    op_test_mistake(&a, ZOE_SHAPE, "join (concat_channels): input 1 is 2x8x4x5, wanted 2x?x3x5");
    const join batch_two = {2, false}, nine = {9, true};
    const op_case b = {"channels", build_join, &batch_two, .inputs = 2, .x = {{2, 8, 3, 5}, {2, 7, 3, 5}}};
    op_test_mistake(&b, ZOE_SHAPE, "join (concat_batch): input 1 is 2x7x3x5, wanted ?x8x3x5");
    const op_case c = {"nine", build_join, &nine, .inputs = 1, .x = {{1, 1, 1, 1}}};
    op_test_mistake(&c, ZOE_CONFIG, "9 inputs, takes 1 to 8");
    const slice over = {2, 2};
    const op_case d = {"over", build_slice, &over, .inputs = 1, .x = {{3, 1, 1, 1}}};
    op_test_mistake(&d, ZOE_SHAPE, "slice (slice_batch): 2 images from 2 on are not within a batch of 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees),
        cmocka_unit_test(gradients),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("ops/concat", tests, NULL, NULL);
}
