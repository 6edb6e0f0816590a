/* SPDX-License-Identifier: Apache-2.0
 *
 * The definitions against PyTorch: golden_data.h, made by golden.py. */
#include <math.h>

#include "golden_data.h"
#include "op_test.h"

static void fill(const op_case *test, int i, void *data, zoe__random *random)
{
    (void)random;
    if (i == 1) {
        memcpy(data, (int32_t[]){0, 3, 1, 4}, 4 * sizeof(int32_t));
        return;
    }
    for (size_t k = 0; k < zoe_shape_count(test->x[i]); k++)
        ((float *)data)[k] = (float)((int)((k * 37 + 11) % 257) - 128) / 64;
}

static zoe_value relu(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_relu(graph, "op", x[0]);
}

static zoe_value max_pool(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_max_pool(graph, "op", x[0], options);
}

static zoe_value average_pool(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_average_pool(graph, "op", x[0], options);
}

static zoe_value global_average_pool(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_global_average_pool(graph, "op", x[0]);
}

static zoe_value global_max_pool(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_global_max_pool(graph, "op", x[0]);
}

static zoe_value batch_norm(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_batch_norm(graph, "op", x[0], options);
}

static zoe_value lrn(zoe_graph *graph, const zoe_value *x, const void *options)
{
    return zoe_lrn(graph, "op", x[0], options);
}

static zoe_value l2_normalise(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_l2_normalise(graph, "op", x[0], 1e-12f);
}

static zoe_value softmax_cross_entropy(zoe_graph *graph, const zoe_value *x, const void *options)
{
    (void)options;
    return zoe_softmax_cross_entropy(graph, "op", x[0], x[1]);
}

static const zoe_pool_options padded = {.kernel = 3, .stride = 2, .pad = 1, .count_include_pad = false};
static const zoe_pool_options caffe = {.kernel = 3, .stride = 2, .ceil = true};
static const zoe_pool_options padded_ceil = {
    .kernel = 3, .stride = 2, .pad = 1, .ceil = true, .count_include_pad = true};
static const zoe_batch_norm_options plain = {.eps = 1e-3f, .momentum = 0.1f};
static const zoe_lrn_options five = {.size = 5, .alpha = 0.5f, .beta = 0.75f, .k = 2};

typedef struct golden {
    op_case test;
    const double *y, *dx;
    size_t y_count, dx_count;
} golden;

#define GOLDEN(name, op, o, ...)                                                                                       \
    {                                                                                                                  \
        .test = {#name, op, o, .fill = fill, __VA_ARGS__}, .y = name##_y, .dx = name##_dx, .y_count = COUNT(name##_y), \
        .dx_count = COUNT(name##_dx)                                                                                   \
    }

static const golden goldens[] = {
    GOLDEN(relu, relu, NULL, .inputs = 1, .x = {{1, 3, 3, 3}}),
    GOLDEN(max_pool, max_pool, &padded, .inputs = 1, .x = {{1, 2, 7, 6}}),
    GOLDEN(max_pool_ceil, max_pool, &caffe, .inputs = 1, .x = {{1, 2, 6, 8}}),
    GOLDEN(average_pool, average_pool, &padded_ceil, .inputs = 1, .x = {{1, 2, 6, 7}}),
    GOLDEN(average_pool_pixels, average_pool, &padded, .inputs = 1, .x = {{1, 2, 6, 7}}),
    GOLDEN(global_average_pool, global_average_pool, NULL, .inputs = 1, .x = {{2, 3, 3, 5}}),
    GOLDEN(global_max_pool, global_max_pool, NULL, .inputs = 1, .x = {{2, 3, 3, 5}}),
    GOLDEN(batch_norm, batch_norm, &plain, .inputs = 1, .x = {{2, 3, 3, 4}}),
    GOLDEN(lrn, lrn, &five, .inputs = 1, .x = {{1, 9, 2, 3}}),
    GOLDEN(l2_normalise, l2_normalise, NULL, .inputs = 1, .x = {{2, 5, 2, 2}}),
    GOLDEN(softmax_cross_entropy, softmax_cross_entropy, NULL, .inputs = 2, .x = {{4, 5, 1, 1}, {4, 1, 1, 1}},
           .dtype = {ZOE_F32, ZOE_I32}, .is_loss = true),
};

static void check(const op_result *result, const char *name, const double *wanted, size_t count, const char *op)
{
    const op_tensor *got = op_result_find(result, name);
    assert_int_equal(got->count, count);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got->data[i] - wanted[i]) <= 2e-6 * fmax(1, fabs(wanted[i]))))
            fail_msg("%s: %s[%zu] is %.9g, PyTorch %.9g", op, name, i, (double)got->data[i], wanted[i]);
}

static void like_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(goldens); i++) {
        op_result result;
        op_run(&result, &goldens[i].test, &(op_device){.name = "host"}, 0);
        check(&result, "y", goldens[i].y, goldens[i].y_count, goldens[i].test.name);
        check(&result, "dx0", goldens[i].dx, goldens[i].dx_count, goldens[i].test.name);
        op_result_free(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_pytorch)};
    return cmocka_run_group_tests_name("ops/golden", tests, NULL, NULL);
}
