/* SPDX-License-Identifier: Apache-2.0
 *
 * Optimisers on host and device against the formulas of zoe/optimizer.h, worked out here on their own.
 * The loss is sum of a[i] * w[i] + b/2 * w[i]^2, so the gradient is a[i] + b w[i]. */
#include <math.h>

#include "graph/plan.h"
#include "ops/op_test.h"

enum { STEPS = 6, NUMBERS = 53 };

static const double B = 0.25;

/* Multiples of 1/16 in -1 .. 1. */
static double slope(size_t i)
{
    return (double)((int)(i * 7 % 33) - 16) / 16;
}

static float start(size_t i)
{
    return (float)((int)(i * 5 % 17) - 8) / 8;
}

/* ---- a graph with nothing but parameters ---- */

static void bowl_forward(const zoe__ref *ref)
{
    double sum = 0;
    for (size_t i = 0; i < NUMBERS; i++) {
        const double w = (double)ref->weight[0][i];
        sum += slope(i) * w + B / 2 * w * w;
    }
    ref->y[0] = sum + ref->x[0][0];
}

static void bowl_backward(const zoe__ref *ref)
{
    for (size_t i = 0; i < NUMBERS; i++)
        ref->dweight[0][i] += (slope(i) + B * (double)ref->weight[0][i]) * ref->loss_scale;
}

static const zoe__op bowl = {
    .name = "bowl", .is_loss = true, .ref_forward = bowl_forward, .ref_backward = bowl_backward};

static void add_bowl(zoe_graph *graph, const char *name, zoe_value x, float lr_mult, float decay_mult)
{
    zoe__node node = {.op = &bowl, .inputs = 1, .input = {x}, .params = 1};
    snprintf(node.name, sizeof node.name, "%s", name);
    const zoe_param_options options = {.init = ZOE_INIT_CONSTANT, .lr_mult = lr_mult, .decay_mult = decay_mult};
    node.param[0] = zoe__graph_param(graph, name, "w", (zoe_shape){NUMBERS, 1, 1, 1}, options, true);
    zoe__graph_add(graph, &node, (zoe_shape){1, 1, 1, 1});
}

static const float lr_mults[2] = {1, 2}, decay_mults[2] = {1, 0};

typedef struct numbers {
    float weight[2][NUMBERS];
    float state[2][2][NUMBERS]; /* parameter, number of the state */
} numbers;

static double rate(int step)
{
    return 0.1 / (1 + step);
}

#define ok(expr)                                                                                                       \
    do {                                                                                                               \
        if ((expr) != ZOE_OK) fail_msg("%s: %s: %s", device->name, #expr, zoe_context_error(context));                 \
    } while (0)

static void run(numbers *out, const zoe_optimizer_options *optimizer, const op_device *device, int micro_batches)
{
    zoe_context *context;
    zoe_device *opened;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    ok(zoe_device_open(&opened, context, &(zoe_device_options){.name = device->name, .family = device->family}));
    ok(zoe_graph_new(&graph, context));
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){1, 1, 1, 1});
    add_bowl(graph, "a", x, lr_mults[0], decay_mults[0]);
    add_bowl(graph, "b", x, lr_mults[1], decay_mults[1]);
    ok(zoe_store_new(&store, context, opened, 1));
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    options.optimizer = *optimizer;
    options.micro_batches = micro_batches;
    ok(zoe_plan_new(&plan, graph, store, &options));
    float first[NUMBERS];
    for (size_t i = 0; i < NUMBERS; i++) first[i] = start(i);
    for (size_t p = 0; p < 2; p++) ok(zoe_store_set(store, p, first));
    for (int step = 0; step < STEPS; step++) {
        for (int micro = 0; micro < micro_batches; micro++) {
            ok(zoe_plan_write(plan, x, &(float){0}));
            ok(zoe_plan_accumulate(plan, step, micro));
            ok(zoe_plan_finish(plan));
        }
        ok(zoe_plan_update(plan, rate(step)));
        ok(zoe_plan_finish(plan));
    }
    for (size_t p = 0; p < 2; p++) {
        ok(zoe_store_get(store, p, out->weight[p]));
        for (int k = 0; k < zoe_store_states(store); k++) ok(zoe_store_get_state(store, p, k, out->state[p][k]));
    }
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    zoe_device_free(&opened);
    zoe_context_free(&context);
}

/* ---- the formulas ---- */

static void sgd(const zoe_optimizer_options *o, int p, size_t i, double *w, double *state)
{
    for (int step = 0; step < STEPS; step++) {
        const double g = slope(i) + B * *w + (double)o->weight_decay * (double)decay_mults[p] * *w;
        state[0] = (double)o->momentum * state[0] + g;
        const double direction = o->nesterov ? g + (double)o->momentum * state[0] : state[0];
        *w -= rate(step) * (double)lr_mults[p] * direction;
    }
}

static void adam(const zoe_optimizer_options *o, int p, size_t i, double *w, double *state)
{
    const double b1 = (double)o->beta1, b2 = (double)o->beta2;
    for (int step = 0; step < STEPS; step++) {
        const double g = slope(i) + B * *w + (double)o->weight_decay * (double)decay_mults[p] * *w, t = step + 1;
        state[0] += (1 - b1) * (g - state[0]);
        state[1] += (1 - b2) * (g * g - state[1]);
        const double mean = state[0] / (1 - pow(b1, t)), square = state[1] / (1 - pow(b2, t));
        *w -= rate(step) * (double)lr_mults[p] * mean / (sqrt(square) + (double)o->eps);
    }
}

typedef void formula(const zoe_optimizer_options *o, int p, size_t i, double *w, double *state);

static void check(const numbers *got, const zoe_optimizer_options *o, formula *by_hand, const char *where)
{
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < NUMBERS; i++) {
            double w = (double)start(i), state[2] = {0, 0};
            by_hand(o, p, i, &w, state);
            if (!(fabs((double)got->weight[p][i] - w) <= 2e-6))
                fail_msg("%s: w%d[%zu] is %.9g, wanted %.9g", where, p, i, (double)got->weight[p][i], w);
            for (int k = 0; k < (by_hand == adam ? 2 : 1); k++)
                if (!(fabs((double)got->state[p][k][i] - state[k]) <= 2e-6))
                    fail_msg("%s: state %d of w%d[%zu] is %.9g, wanted %.9g", where, k, p, i,
                             (double)got->state[p][k][i], state[k]);
        }
}

static const zoe_optimizer_options variants[] = {
    {.name = "sgd", .momentum = 0.9f, .weight_decay = 0.01f},
    {.name = "sgd", .momentum = 0.5f, .nesterov = true, .weight_decay = 0.1f},
    {.name = "sgd"},
    {.name = "adam", .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f},
    {.name = "adam", .beta1 = 0.5f, .beta2 = 0.75f, .eps = 1e-3f, .weight_decay = 0.1f},
};

static void check_device(const op_device *device)
{
    for (size_t v = 0; v < COUNT(variants); v++)
        for (int micro_batches = 1; micro_batches <= 2; micro_batches++) {
            char where[128];
            snprintf(where, sizeof where, "%s %s variant %zu (%s), %d micro-batches", device->name,
                     device->family ? device->family : "", v, variants[v].name, micro_batches);
            numbers got;
            run(&got, &variants[v], device, micro_batches);
            check(&got, &variants[v], strcmp(variants[v].name, "adam") == 0 ? adam : sgd, where);
        }
}

static void host_agrees(void **state)
{
    (void)state;
    check_device(&(op_device){.name = "host"});
}

static void device_agrees(void **state)
{
    (void)state;
    const char *name = op_test_device();
    if (!name) {
        print_message("SKIPPED: no OpenCL device here\n");
        skip();
    }
    check_device(&(op_device){.name = name, .family = "vector"});
    check_device(&(op_device){.name = name, .family = "simt"});
}

/* Three steps that a head can follow, straight through the descriptor: gradient 1, momentum 1/2, rate 0.1. */
static void sgd_by_hand(void **state)
{
    (void)state;
    const zoe__optimizer *optimizer = zoe__optimizer_find(NULL, "sgd");
    const zoe_optimizer_options options = {.name = "sgd", .momentum = 0.5f};
    const zoe__scalars scalars = {.lr = 0.1f};
    const double velocity[3] = {1, 1.5, 1.75}, weight[3] = {0.9, 0.75, 0.575}, gradient = 1;
    float w = 1, v = 0;
    float *states[2] = {&v, NULL};
    for (int step = 0; step < 3; step++) {
        optimizer->reference(&options, &scalars, 1, 1, 1, &w, &gradient, states);
        assert_float_equal(v, velocity[step], 1e-6);
        assert_float_equal(w, weight[step], 1e-6);
    }
}

static void mistakes(void **state)
{
    (void)state;
    zoe_context *context;
    assert_int_equal(zoe_context_new(&context), ZOE_OK);
    assert_null(zoe__optimizer_find(context, "adan"));
    assert_string_equal(zoe_context_error(context), "no optimizer 'adan'; did you mean 'adam'?");
    zoe_context_free(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_agrees),
        cmocka_unit_test(device_agrees),
        cmocka_unit_test(sgd_by_hand),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests_name("train/optimizer", tests, NULL, NULL);
}
