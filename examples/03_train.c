/* SPDX-License-Identifier: Apache-2.0
 *
 * Introduces: training. A pretext task in small: pictures are turned by 0, 90, 180 or 270 degrees and a network, a
 * small relative of the backbone `mini`, says by how much. Nobody labels anything: the label is what we did.
 *
 *     ./03_train [DEVICE] */
#include <stdint.h>
#include <stdio.h>

#include <zoe/zoe.h>

enum { B = 32, SIDE = 16, TURNS = 4, STEPS = 60 };

static int draw(uint32_t *state, int n) /* 0..n-1 (xorshift) */
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (int)(*state % (uint32_t)n);
}

/* A noisy picture of a lamp above a table, at a random place, turned `turns` times. */
static void picture(uint32_t *state, int turns, float *x)
{
    float upright[SIDE][SIDE];
    const int top = 1 + draw(state, 4), left = 1 + draw(state, 6);
    for (int h = 0; h < SIDE; h++)
        for (int w = 0; w < SIDE; w++) {
            const int y = h - top, z = w - left;
            const int lamp = y >= 0 && y < 3 && z >= 2 && z < 5, table = y >= 7 && y < 9 && z >= 0 && z < 8;
            upright[h][w] = (float)(lamp || table) + 0.01f * (float)(draw(state, 60) - 30);
        }
    for (int h = 0; h < SIDE; h++)
        for (int w = 0; w < SIDE; w++) {
            const int last = SIDE - 1;
            const int from_h = turns == 0 ? h : turns == 1 ? w : turns == 2 ? last - h : last - w;
            const int from_w = turns == 0 ? w : turns == 1 ? last - h : turns == 2 ? last - w : h;
            x[h * SIDE + w] = upright[from_h][from_w];
        }
}

typedef struct network {
    zoe_value x, labels, logits, loss;
} network;

static network build(zoe_graph *graph)
{
    network net;
    const zoe_batch_norm_options norm = zoe_batch_norm_options_default();
    const zoe_pool_options pool = zoe_pool_options_default();
    zoe_conv2d_options conv = zoe_conv2d_options_default();
    zoe_linear_options linear = zoe_linear_options_default();
    conv.filters = 16;
    conv.pad_h = conv.pad_w = 1;
    conv.bias = false; /* batch norm has one */
    linear.outputs = TURNS;
    net.x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){B, 1, SIDE, SIDE});
    net.labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){B, 1, 1, 1});
    zoe_value y = zoe_conv2d(graph, "conv1", net.x, &conv);
    y = zoe_max_pool(graph, "pool1", zoe_relu(graph, "relu1", zoe_batch_norm(graph, "bn1", y, &norm)), &pool);
    y = zoe_conv2d(graph, "conv2", y, &conv);
    y = zoe_max_pool(graph, "pool2", zoe_relu(graph, "relu2", zoe_batch_norm(graph, "bn2", y, &norm)), &pool);
    net.logits = zoe_graph_keep(graph, zoe_linear(graph, "fc", y, &linear));
    net.loss = zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", net.logits, net.labels));
    return net;
}

/* One step: forward, backward, update. *right: share of right answers before the update. */
static zoe_status step(zoe_plan *plan, const network *net, uint32_t *state, int64_t number, float *loss, float *right)
{
    static float x[B][SIDE * SIDE], logits[B][TURNS];
    int32_t labels[B];
    for (int i = 0; i < B; i++) picture(state, labels[i] = draw(state, TURNS), x[i]);
    zoe_status status = zoe_plan_write(plan, net->x, x);
    if (status == ZOE_OK) status = zoe_plan_write(plan, net->labels, labels);
    if (status == ZOE_OK) status = zoe_plan_accumulate(plan, number, 0); /* enqueued: the host does not wait */
    if (status == ZOE_OK) status = zoe_plan_update(plan, 0.02);
    if (status == ZOE_OK) status = zoe_plan_read(plan, net->loss, loss); /* here it does */
    if (status == ZOE_OK) status = zoe_plan_read(plan, net->logits, &logits[0][0]);
    *right = 0;
    for (int i = 0; i < B; i++) {
        int best = 0;
        for (int c = 1; c < TURNS; c++)
            if (logits[i][c] > logits[i][best]) best = c;
        *right += (float)(best == labels[i]) / B;
    }
    return status;
}

int main(int argc, char **argv)
{
    zoe_context *context;
    zoe_device *device = NULL;
    zoe_graph *graph = NULL;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    float loss = 0, right = 0;
    uint32_t state = 2016;
    if (zoe_context_new(&context) != ZOE_OK) return 1;
    zoe_device_options where = zoe_device_options_default();
    where.name = argc > 1 ? argv[1] : NULL;
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    zoe_status status = zoe_device_open(&device, context, &where);
    if (status == ZOE_OK) status = zoe_store_new(&store, context, device, 1);
    if (status == ZOE_OK) status = zoe_graph_new(&graph, context);
    const network net = status == ZOE_OK ? build(graph) : (network){0};
    if (status == ZOE_OK) status = zoe_plan_new(&plan, graph, store, &options);
    for (int i = 0; i < STEPS && status == ZOE_OK; i++) {
        status = step(plan, &net, &state, i, &loss, &right);
        if (i % 10 == 9) printf("step %d  loss %.3f  right %.2f\n", i + 1, (double)loss, (double)right);
    }
    if (status != ZOE_OK) fprintf(stderr, "03_train: %s\n", zoe_context_error(context));
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    zoe_device_free(&device);
    zoe_context_free(&context);
    return status != ZOE_OK ? zoe_status_exit_code(status) : right < 0.9f;
}
