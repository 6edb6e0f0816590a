/* SPDX-License-Identifier: Apache-2.0
 *
 * What a training step costs the host by itself: host_cost NET STEPS. Kernels are prepared but not launched (the layer
 * of ../device/fault_layer.c), so that `valgrind --tool=callgrind` counts our instructions and those of the layer
 * (host_cost.sh). Prints the launches of a step. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zoe/backbone.h>
#include <zoe/op.h>
#include <zoe/plan.h>

typedef struct training {
    zoe_context *context;
    zoe_device *device;
    zoe_graph *graph;
    zoe_store *store;
    zoe_plan *plan;
} training;

static zoe_status prepare(training *t, const char *net)
{
    zoe_device_options device = zoe_device_options_default();
    zoe_plan_options options = zoe_plan_options_default();
    device.name = "pocl";
    options.training = true;
    const zoe_backbone *backbone = zoe_backbone_find(t->context, net);
    if (!backbone) return ZOE_USAGE;
    zoe_status status = zoe_device_open(&t->device, t->context, &device);
    if (status == ZOE_OK) status = zoe_store_new(&t->store, t->context, t->device, 1);
    if (status == ZOE_OK) status = zoe_graph_new(&t->graph, t->context);
    if (status != ZOE_OK) return status;
    const zoe_value x = zoe_input(t->graph, "x", ZOE_F32, zoe_backbone_input(backbone, 2));
    const zoe_value labels = zoe_input(t->graph, "labels", ZOE_I32, (zoe_shape){2, 1, 1, 1});
    const zoe_value features = backbone->build(t->graph, x, 0);
    zoe_softmax_cross_entropy(t->graph, "loss", zoe_backbone_classify(backbone, t->graph, features, 2), labels);
    return zoe_plan_new(&t->plan, t->graph, t->store, &options);
}

static zoe_status run(training *t, int steps)
{
    size_t prepares = 0;
    for (int i = 0; i < steps; i++) {
        zoe_status status = zoe_plan_accumulate(t->plan, i, 0);
        if (status == ZOE_OK) status = zoe_plan_update(t->plan, 0.01);
        if (status == ZOE_OK) status = zoe_plan_finish(t->plan);
        if (status != ZOE_OK) return status;
    }
    for (size_t i = 0; i < zoe_plan_launches(t->plan); i++)
        prepares += !strcmp(zoe_plan_launch(t->plan, i).pass, "prepare");
    printf("%zu\n", zoe_plan_launches(t->plan));
    fprintf(stderr, "%zu of them when weights have changed\n", prepares);
    return ZOE_OK;
}

int main(int argc, char **argv)
{
    training t = {0};
    setenv("OPENCL_LAYERS", FAULT_LAYER, 1); /* before the loader starts */
    void *layer = dlopen(FAULT_LAYER, RTLD_NOW | RTLD_LOCAL), *symbol = layer ? dlsym(layer, "zoe_fault_idle") : NULL;
    void (*set_idle)(int on);
    memcpy(&set_idle, &symbol, sizeof set_idle);
    if (argc != 3 || !symbol || zoe_context_new(&t.context) != ZOE_OK) return 2;
    set_idle(1);
    zoe_status status = prepare(&t, argv[1]);
    if (status == ZOE_OK) status = run(&t, (int)strtol(argv[2], NULL, 10));
    if (status != ZOE_OK) fprintf(stderr, "host_cost: %s\n", zoe_context_error(t.context));
    zoe_plan_free(&t.plan);
    zoe_store_free(&t.store);
    zoe_graph_free(&t.graph);
    zoe_device_free(&t.device);
    zoe_context_free(&t.context);
    return zoe_status_exit_code(status);
}
