/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds a case with its surroundings, compiles and runs it. */
#include "op_run.h"

#include <math.h>

#include "graph/state.h"

enum { SEED = 7, STEP = 3 };

static size_t case_number;
static double last_loss;

void op_set_number(size_t number)
{
    case_number = number;
}

double op_last_loss(void)
{
    return last_loss;
}

/* ---- ops that only tests have; on a device they run as plain C with copies ---- */

typedef struct sum_options {
    uint32_t stream; /* of the weights */
    int halo;        /* what it wishes around its input */
} sum_options;

static double sum_weight(const sum_options *o, size_t i)
{
    const uint32_t key[2] = {SEED, 0}, counter[4] = {(uint32_t)i, o->stream, 0, 0};
    return (double)(int32_t)(zoe__philox(key, counter).v[0] >> 20) / 2048 - 1; /* exact in float */
}

/* weighted_sum: loss = sum of w[i] * x[i] with fixed random weights. */
static void sum_forward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->x_shape[0]);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += sum_weight(ref->node->options, i) * ref->x[0][i];
    ref->y[0] = sum;
    last_loss += sum;
}

static void sum_backward(const zoe__ref *ref)
{
    const size_t count = zoe_shape_count(ref->x_shape[0]);
    for (size_t i = 0; ref->dx[0] && i < count; i++)
        ref->dx[0][i] += sum_weight(ref->node->options, i) * ref->loss_scale;
}

static zoe_status sum_plan(zoe_plan *plan, zoe__node *node)
{
    const sum_options *o = node->options;
    zoe__plan_halo(plan, node->input[0], o->halo);
    zoe__plan_gradient_halo(plan, node->input[0], o->halo);
    if (o->halo) zoe__plan_planar(plan, node->input[0]); /* granted only to pictures */
    return ZOE_UNSUPPORTED;
}

/* An op is asked for its wishes only if it has kernels; sum_plan then leaves the node to its definition. */
static zoe_status no_kernels(zoe_plan *plan, zoe__node *node)
{
    return zoe__fail(zoe__plan_context(plan), ZOE_WRONG, "%s has no kernels", node->name);
}

static const zoe__op weighted_sum = {
    .name = "weighted_sum",
    .is_loss = true,
    .ref_forward = sum_forward,
    .ref_backward = sum_backward,
    .plan = sum_plan,
    .forward = no_kernels,
    .backward = no_kernels,
};

/* probe: notes a loss made by the op under test. */
static void probe_forward(const zoe__ref *ref)
{
    ref->y[0] = ref->x[0][0];
    last_loss += ref->x[0][0];
}

static const zoe__op probe = {.name = "probe", .no_gradient = true, .ref_forward = probe_forward};

static void add_consumer(zoe_graph *graph, const zoe__op *op, zoe_value x, const char *name, uint32_t stream, int halo)
{
    sum_options options = {stream, halo};
    zoe__node node = {.op = op, .inputs = 1, .input = {x}, .options = &options, .options_bytes = sizeof options};
    snprintf(node.name, sizeof node.name, "%s", name);
    zoe__graph_add(graph, &node, (zoe_shape){1, 1, 1, 1});
}

/* ---- devices: OpenCL ones stay open (their programs are kept) until op_close_devices() ---- */

typedef struct open_device {
    op_device key;
    zoe_context *context;
    zoe_device *device;
} open_device;

static open_device opened[8];
static size_t opened_count;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void op_close_devices(void)
{
    for (; opened_count > 0; opened_count--) {
        zoe_device_free(&opened[opened_count - 1].device);
        zoe_context_free(&opened[opened_count - 1].context);
    }
}

/* The host device costs nothing to open again, so tests that run nothing else need not close anything. */
static void close_host(void)
{
    if (opened_count > 0 && zoe__device_is_host(opened[opened_count - 1].device)) {
        opened_count--;
        zoe_device_free(&opened[opened_count].device);
        zoe_context_free(&opened[opened_count].context);
    }
}

static open_device *get_device(const op_device *want)
{
    for (size_t i = 0; i < opened_count; i++)
        if (same_text(opened[i].key.name, want->name) && same_text(opened[i].key.family, want->family) &&
            opened[i].key.lanes == want->lanes)
            return &opened[i];
    assert_true(opened_count < COUNT(opened));
    open_device *device = &opened[opened_count];
    device->key = *want;
    assert_int_equal(zoe_context_new(&device->context), ZOE_OK);
    zoe_device_options options = zoe_device_options_default();
    options.name = want->name;
    options.family = want->family;
    options.lanes = want->lanes;
    if (zoe_device_open(&device->device, device->context, &options) != ZOE_OK)
        fail_msg("%s: %s", want->name, zoe_context_error(device->context));
    opened_count++;
    return device;
}

/* ---- inputs and parameters ---- */

/* Distinct numbers (k + 1/2) / 64 around 0 in random order: no two meet, and none meets 0, when one moves by 2^-10. */
static void fill_grid(float *data, size_t count, zoe__random *random)
{
    for (size_t i = 0; i < count; i++) data[i] = ((float)i - (float)(count / 2) + 0.5f) / 64;
    for (size_t i = count; i > 1; i--) {
        const size_t k = zoe__random_below(random, (uint32_t)i);
        const float other = data[k];
        data[k] = data[i - 1];
        data[i - 1] = other;
    }
}

static void fill_input(op_setup *setup, int i)
{
    const op_case *test = setup->test;
    const size_t count = zoe_shape_count(test->x[i]);
    zoe__random random;
    zoe__random_init(&random, SEED, case_number, (uint32_t)i);
    setup->data[i] = calloc(count, sizeof(float));
    assert_non_null(setup->data[i]);
    float *data = setup->data[i];
    if (test->dtype[i] == ZOE_F32 && setup->surroundings & OP_GRID)
        fill_grid(data, count, &random);
    else if (test->fill)
        test->fill(test, i, data, &random);
    else
        for (size_t k = 0; k < count; k++)
            data[k] = (float)zoe__random_normal(&random) * (test->scale != 0 ? test->scale : 1) + test->offset;
}

static void fill_param(op_setup *setup, size_t index)
{
    const zoe_param param = zoe_store_param(setup->store, index);
    const size_t count = zoe_shape_count(param.shape);
    zoe__random random;
    zoe__random_init(&random, SEED, case_number, 100 + (uint32_t)index);
    float *data = calloc(count, sizeof *data);
    assert_non_null(data);
    const bool positive = strstr(param.name, "running_var") != NULL;
    for (size_t i = 0; i < count; i++) {
        data[i] = (float)zoe__random_range(&random, -1024, 1024) / 1024; /* a grid, for finite differences */
        if (positive) data[i] = fabsf(data[i]) + 0.5f;
    }
    op_ok(setup, zoe_store_set(setup->store, index, data));
    free(data);
}

/* ---- build, compile, run ---- */

static void build(op_setup *setup)
{
    const op_case *test = setup->test;
    const int s = setup->surroundings, halo = s & OP_HALO ? 2 : 0;
    zoe_value reached[8];
    for (int i = 0; i < test->inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "x%d", i);
        reached[i] = setup->x[i] = zoe_input(setup->graph, name, test->dtype[i], test->x[i]);
        if (test->dtype[i] != ZOE_F32) continue;
        snprintf(name, sizeof name, "through%d", i);
        if (s & OP_THROUGH) reached[i] = zoe_slice_batch(setup->graph, name, reached[i], 0, test->x[i].n);
        snprintf(name, sizeof name, "before%d", i);
        if (s & OP_BEFORE) add_consumer(setup->graph, &weighted_sum, reached[i], name, 10 + (uint32_t)i, 0);
    }
    setup->y = zoe_graph_keep(setup->graph, test->build(setup->graph, reached, test->options));
    for (int i = 0; i < test->inputs && (s & OP_AFTER); i++) {
        char name[32];
        snprintf(name, sizeof name, "after%d", i);
        if (test->dtype[i] == ZOE_F32)
            add_consumer(setup->graph, &weighted_sum, reached[i], name, 20 + (uint32_t)i, halo ? 1 : 0);
    }
    add_consumer(setup->graph, test->is_loss ? &probe : &weighted_sum, setup->y, "loss", 1, halo);
    op_ok(setup, zoe_graph_status(setup->graph));
}

void op_setup_new(op_setup *setup, const op_case *test, const op_device *device, int surroundings)
{
    *setup = (op_setup){.test = test, .surroundings = surroundings};
    open_device *open = get_device(device);
    setup->context = open->context;
    setup->device = open->device;
    snprintf(setup->where, sizeof setup->where,
             "ZOE_TEST_CASE=%zu '%s', device %s, family %s, lanes %d, %s, surroundings %d", case_number, test->name,
             device->name, device->family ? device->family : "default", device->lanes,
             device->algorithm ? device->algorithm : "auto", surroundings);
    op_ok(setup, zoe_graph_new(&setup->graph, setup->context));
    build(setup);
    op_ok(setup, zoe_store_new(&setup->store, setup->context, setup->device, SEED));
    zoe_plan_options options = zoe_plan_options_default();
    options.training = !(surroundings & OP_INFERENCE);
    options.batch_statistics = (surroundings & OP_STATISTICS) != 0;
    options.micro_batches = surroundings & OP_MICRO ? 2 : 1;
    options.conv = options.linear = device->algorithm ? device->algorithm : "auto";
    options.seed = SEED;
    options.input_gradients = options.training;
    options.poison = true;
    options.workspace_bytes = test->workspace_bytes;
    options.fuse = !(surroundings & OP_UNFUSED);
    const struct zoe__tuning *before = zoe__device_get_tuning(setup->device);
    if (test->tuning) zoe__device_set_tuning(setup->device, test->tuning);
    op_ok(setup, zoe_plan_new(&setup->plan, setup->graph, setup->store, &options));
    zoe__device_set_tuning(setup->device, before);
    for (int i = 0; i < test->inputs; i++) fill_input(setup, i);
    for (size_t i = 0; i < zoe_store_params(setup->store); i++) fill_param(setup, i);
}

void op_setup_free(op_setup *setup)
{
    zoe_plan_free(&setup->plan);
    zoe_store_free(&setup->store);
    zoe_graph_free(&setup->graph);
    for (int i = 0; i < setup->test->inputs; i++) free(setup->data[i]);
    if (zoe__device_is_host(setup->device)) close_host();
}

void op_setup_step(op_setup *setup)
{
    last_loss = 0;
    for (int micro = 0; micro < (setup->surroundings & OP_MICRO ? 2 : 1); micro++) {
        for (int i = 0; i < setup->test->inputs; i++)
            op_ok(setup, zoe_plan_write(setup->plan, setup->x[i], setup->data[i]));
        if (setup->surroundings & OP_INFERENCE)
            op_ok(setup, zoe_plan_forward(setup->plan));
        else
            op_ok(setup, zoe_plan_accumulate(setup->plan, STEP, micro));
        op_ok(setup, zoe_plan_finish(setup->plan));
    }
}

/* ---- results ---- */

static float *add_tensor(op_result *result, size_t count, const char *prefix, const char *name)
{
    assert_true(result->count < OP_MAX_TENSORS);
    op_tensor *tensor = &result->tensor[result->count++];
    snprintf(tensor->name, sizeof tensor->name, "%s%s", prefix, name);
    tensor->count = count;
    tensor->data = calloc(count, sizeof *tensor->data);
    assert_non_null(tensor->data);
    return tensor->data;
}

static void collect_params(op_result *result, op_setup *setup)
{
    for (size_t i = 0; i < zoe_store_params(setup->store); i++) {
        const zoe_param param = zoe_store_param(setup->store, i);
        const size_t count = zoe_shape_count(param.shape);
        if (!param.trainable)
            op_ok(setup, zoe_store_get(setup->store, i, add_tensor(result, count, "", param.name)));
        else if (!(setup->surroundings & OP_INFERENCE))
            op_ok(setup, zoe_store_get_gradient(setup->store, i, add_tensor(result, count, "d ", param.name)));
    }
}

/* Everything in a tensor's memory that is not one of its numbers must be zero. */
static void check_padding(const op_setup *setup, const zoe__view *view, const char *name)
{
    const zoe_shape s = view->shape;
    float *raw = calloc(view->floats, sizeof *raw);
    assert_non_null(raw);
    op_ok(setup, zoe__mem_read(view->mem, 0, raw, view->floats * sizeof *raw));
    for (int n = 0; n < s.n; n++)
        for (int c = 0; c < s.c; c++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++) raw[zoe__view_offset(view, n, c, h, w)] = 0;
    for (size_t i = 0; i < view->floats; i++)
        if (!(raw[i] == 0))
            fail_msg("%s: %s: padding %zu of %zu is %g, wanted 0", setup->where, name, i, view->floats, (double)raw[i]);
    free(raw);
}

static void mark_used(uint8_t *slab, const zoe_plan *plan, int number, int block, size_t bytes)
{
    if (block >= 0 && plan->blocks[block].slab == number) memset(slab + plan->blocks[block].offset, 0, bytes);
}

/* Guard bytes: what no tensor, aux or workspace of the arena covers must be as poisoned as it was. */
static void check_guards(const op_setup *setup)
{
    const zoe_plan *plan = setup->plan;
    for (int number = 0; number < plan->slab_count; number++) {
        const size_t bytes = zoe__mem_bytes(plan->slabs[number]);
        uint8_t *now = calloc(bytes, 1), *unused = calloc(bytes, 1);
        assert_true(now && unused);
        op_ok(setup, zoe__mem_read(plan->slabs[number], 0, now, bytes));
        memset(unused, 0xff, bytes);
        for (size_t v = 0; v < zoe__graph_values(plan->graph); v++) {
            mark_used(unused, plan, number, plan->values[v].block, plan->values[v].view.floats * sizeof(float));
            mark_used(unused, plan, number, plan->values[v].gradient_block,
                      plan->values[v].gradient_view.floats * sizeof(float));
        }
        for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
            const zoe__node_state *node = &plan->nodes[n];
            for (int k = 0; k < ZOE__MAX_AUX; k++)
                mark_used(unused, plan, number, node->aux_block[k], node->aux[k] * sizeof(float));
            const size_t blocks = ((size_t)plan->values[zoe__graph_node(plan->graph, n)->output].view.shape.c + 7) / 8;
            if (node->moments_most)
                mark_used(unused, plan, number, node->moments_block,
                          blocks * 24 * (size_t)node->moments_most * sizeof(float));
            for (int pass = 0; pass < 2; pass++)
                mark_used(unused, plan, number, node->workspace_block[pass], node->workspace[pass] * sizeof(float));
        }
        size_t guards = 0;
        for (size_t i = 0; i < bytes; i++) {
            guards += unused[i] != 0;
            if (unused[i] && now[i] != 0xff)
                fail_msg("%s: byte %zu of the arena is nobody's, and was written", setup->where, i);
        }
        assert_true(guards > 0);
        free(now);
        free(unused);
    }
}

/* The plan has a launch of the fused op, or, when told not to fuse, none. */
static void check_fused(const op_setup *setup)
{
    bool found = false;
    for (size_t i = 0; i < zoe_plan_launches(setup->plan); i++)
        found = found || strcmp(zoe_plan_launch(setup->plan, i).op, setup->test->fused) == 0;
    const bool wanted = !zoe__device_is_host(setup->device) && !(setup->surroundings & OP_UNFUSED);
    if (found != wanted)
        fail_msg("%s: %s '%s' in the plan", setup->where, found ? "there is" : "there is no", setup->test->fused);
}

void op_run(op_result *result, const op_case *test, const op_device *device, int surroundings)
{
    op_setup setup;
    *result = (op_result){0};
    op_setup_new(&setup, test, device, surroundings);
    if (test->fused) check_fused(&setup);
    op_setup_step(&setup);
    if (surroundings & OP_TWICE) op_setup_step(&setup);
    const zoe__value_state *values = setup.plan->values;
    const bool raw = !zoe__device_is_host(setup.device);
    op_ok(&setup, zoe_plan_read(setup.plan, setup.y,
                                add_tensor(result, zoe_shape_count(zoe_graph_shape(setup.graph, setup.y)), "y", "")));
    if (raw) check_padding(&setup, &values[setup.y].view, "y");
    if (raw && surroundings & OP_HALO && !test->is_loss) assert_int_equal(values[setup.y].view.halo, 2);
    for (int i = 0; i < test->inputs && !(surroundings & OP_INFERENCE); i++) {
        if (test->dtype[i] != ZOE_F32 || !values[setup.x[i]].gradient) continue;
        char name[16];
        snprintf(name, sizeof name, "dx%d", i);
        op_ok(&setup, zoe_plan_read_gradient(setup.plan, setup.x[i],
                                             add_tensor(result, zoe_shape_count(test->x[i]), name, "")));
        if (raw) check_padding(&setup, &values[setup.x[i]].gradient_view, name);
    }
    if (raw) check_guards(&setup);
    collect_params(result, &setup);
    op_setup_free(&setup);
}

void op_result_free(op_result *result)
{
    for (int i = 0; i < result->count; i++) free(result->tensor[i].data);
    *result = (op_result){0};
}

const op_tensor *op_result_find(const op_result *result, const char *name)
{
    for (int i = 0; i < result->count; i++)
        if (strcmp(result->tensor[i].name, name) == 0) return &result->tensor[i];
    fail_msg("no tensor %s", name);
    return NULL;
}
