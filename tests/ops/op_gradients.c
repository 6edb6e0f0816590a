/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition's gradients against central differences, both in double on device host:
 * (loss(v + eps) - loss(v - eps)) / (2 eps) for each number v of each input and each trained parameter. */
#include "op_run.h"

#include <math.h>

/* A power of two that float inputs of the grid (multiples of 1/128) can be moved by exactly. */
static const float EPS = 1.0f / 1024;

static void forget_running_figures(op_setup *setup)
{
    for (size_t i = 0; i < zoe_store_params(setup->store); i++) {
        const zoe_param param = zoe_store_param(setup->store, i);
        if (param.trainable) continue;
        float *ones = calloc(zoe_shape_count(param.shape), sizeof *ones);
        assert_non_null(ones);
        for (size_t k = 0; k < zoe_shape_count(param.shape); k++) ones[k] = 1;
        op_ok(setup, zoe_store_set(setup->store, i, ones));
        free(ones);
    }
}

static double loss_of(op_setup *setup)
{
    forget_running_figures(setup);
    op_setup_step(setup);
    return op_last_loss();
}

static void check_one(const op_setup *setup, const char *name, size_t i, double difference, double gradient,
                      double largest)
{
    const double error = fabs(difference - gradient);
    if (!(error <= 2e-5 * fmax(largest, 1)))
        fail_msg("%s: %s[%zu]: the definition's gradient is %.9g, the difference quotient %.9g", setup->where, name, i,
                 gradient, difference);
}

static double largest_of(const op_tensor *tensor)
{
    double largest = 0;
    for (size_t i = 0; i < tensor->count; i++) largest = fmax(largest, fabs((double)tensor->data[i]));
    return largest;
}

static void check_input(op_setup *setup, const op_result *result, int k)
{
    char name[8];
    snprintf(name, sizeof name, "dx%d", k);
    const op_tensor *gradient = op_result_find(result, name);
    float *data = setup->data[k];
    for (size_t i = 0; i < gradient->count; i++) {
        const float kept = data[i];
        data[i] = kept + EPS;
        const double up = loss_of(setup);
        data[i] = kept - EPS;
        const double down = loss_of(setup);
        data[i] = kept;
        check_one(setup, name, i, (up - down) / (2 * (double)EPS), (double)gradient->data[i], largest_of(gradient));
    }
}

static void check_param(op_setup *setup, const op_result *result, size_t k)
{
    const zoe_param param = zoe_store_param(setup->store, k);
    char name[32];
    snprintf(name, sizeof name, "d %s", param.name);
    const op_tensor *gradient = op_result_find(result, name);
    float *data = calloc(gradient->count, sizeof *data);
    assert_non_null(data);
    op_ok(setup, zoe_store_get(setup->store, k, data));
    for (size_t i = 0; i < gradient->count; i++) {
        const float kept = data[i];
        data[i] = kept + EPS;
        op_ok(setup, zoe_store_set(setup->store, k, data));
        const double up = loss_of(setup);
        data[i] = kept - EPS;
        op_ok(setup, zoe_store_set(setup->store, k, data));
        const double down = loss_of(setup);
        data[i] = kept;
        op_ok(setup, zoe_store_set(setup->store, k, data));
        check_one(setup, name, i, (up - down) / (2 * (double)EPS), (double)gradient->data[i], largest_of(gradient));
    }
    free(data);
}

/* With a second reader of the inputs, so that a gradient that overwrites instead of adding shows. */
void op_test_gradients(const op_case *cases, size_t count)
{
    size_t checked = 0;
    for (size_t c = 0; c < count; c++) {
        const char *only = getenv("ZOE_TEST_CASE");
        op_set_number(c);
        if (cases[c].ties || (only && *only && (size_t)atoll(only) != c)) continue;
        size_t numbers = 0;
        for (int i = 0; i < cases[c].inputs; i++) numbers += zoe_shape_count(cases[c].x[i]);
        if (numbers > 400) continue; /* two passes for each number */
        op_result result;
        op_setup setup;
        const op_device host = {.name = "host"};
        op_run(&result, &cases[c], &host, OP_GRID | OP_AFTER);
        op_setup_new(&setup, &cases[c], &host, OP_GRID | OP_AFTER);
        for (int i = 0; i < cases[c].inputs; i++)
            if (cases[c].dtype[i] == ZOE_F32) check_input(&setup, &result, i);
        for (size_t k = 0; k < zoe_store_params(setup.store); k++)
            if (zoe_store_param(setup.store, k).trainable) check_param(&setup, &result, k);
        op_setup_free(&setup);
        op_result_free(&result);
        checked++;
    }
    const char *only = getenv("ZOE_TEST_CASE");
    if (checked == 0 && !(only && *only)) fail_msg("no case is small enough for finite differences");
}
