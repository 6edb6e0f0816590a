/* SPDX-License-Identifier: Apache-2.0
 *
 * A program outside the project: installed headers and archives only. Trains one number on the host device. */
#include <math.h>
#include <stdio.h>

#include <zoe/zoe.h>

/* One linear layer {1 x 1} towards class 1 of two; prints the loss before and after. */
static zoe_status learn(zoe_context *context, zoe_device *device, float loss[2])
{
    zoe_graph *graph = NULL;
    zoe_store *store = NULL;
    zoe_plan *plan = NULL;
    zoe_status status = zoe_graph_new(&graph, context);
    if (status == ZOE_OK) status = zoe_store_new(&store, context, device, 1);
    if (status != ZOE_OK) goto out;
    zoe_linear_options linear = zoe_linear_options_default();
    linear.outputs = 2;
    const zoe_value x = zoe_input(graph, "x", ZOE_F32, (zoe_shape){1, 1, 1, 1});
    const zoe_value labels = zoe_input(graph, "labels", ZOE_I32, (zoe_shape){1, 1, 1, 1});
    const zoe_value value =
        zoe_graph_keep(graph, zoe_softmax_cross_entropy(graph, "loss", zoe_linear(graph, "fc", x, &linear), labels));
    zoe_plan_options options = zoe_plan_options_default();
    options.training = true;
    status = zoe_plan_new(&plan, graph, store, &options);
    const float one = 1;
    const int label = 1;
    for (int step = 0; step < 20 && status == ZOE_OK; step++) {
        status = zoe_plan_write(plan, x, &one);
        if (status == ZOE_OK) status = zoe_plan_write(plan, labels, &label);
        if (status == ZOE_OK) status = zoe_plan_accumulate(plan, step, 0);
        if (status == ZOE_OK) status = zoe_plan_read(plan, value, &loss[step > 0]);
        if (status == ZOE_OK) status = zoe_plan_update(plan, 0.1);
    }
    if (status == ZOE_OK) status = zoe_plan_finish(plan);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    return status;
}

int main(void)
{
    zoe_context *context;
    zoe_device *device = NULL;
    float loss[2] = {NAN, NAN};
    if (zoe_context_new(&context) != ZOE_OK) return 1;
    zoe_device_options options = zoe_device_options_default();
    options.name = "host";
    zoe_status status = zoe_device_open(&device, context, &options);
    if (status == ZOE_OK) status = learn(context, device, loss);
    if (status != ZOE_OK)
        fprintf(stderr, "consumer: %s\n", zoe_context_error(context));
    else
        printf("loss %.3f -> %.3f\n", (double)loss[0], (double)loss[1]);
    const int code = status == ZOE_OK && loss[1] < 0.5f * loss[0] ? 0 : 1;
    zoe_device_free(&device);
    zoe_context_free(&context);
    return code;
}
