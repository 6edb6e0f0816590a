/* SPDX-License-Identifier: Apache-2.0
 *
 * Introduces: graph, store and plan. One convolution runs twice: on the host by its plain-C definition, and on a device
 * by kernels. The graph is the same; a plan compiles it for one device. They must agree.
 *
 *     ./02_one_op [DEVICE]        an id or part of a name, as in the list of 01_devices */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <zoe/zoe.h>

enum { N = 2, C = 5, H = 13, W = 17, K = 20, P = 7, Q = 9 }; /* pictures {N, C, H, W} to {N, K, P, Q} */

/* Any numbers will do; the same ones each time. */
static void fill(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] = sinf((float)(i * i % 1009));
}

/* y = conv2d(x) on one device. */
static zoe_status convolve(zoe_context *context, zoe_device *device, const float *x, float *y)
{
    zoe_graph *graph = NULL;
    zoe_store *store = NULL; /* holds the weights: made from a seed and their names, so equal on all devices */
    zoe_plan *plan = NULL;
    zoe_status status = zoe_graph_new(&graph, context);
    if (status == ZOE_OK) status = zoe_store_new(&store, context, device, 42);
    if (status != ZOE_OK) goto out;

    zoe_conv2d_options conv = zoe_conv2d_options_default();
    conv.filters = K;
    conv.stride_h = conv.stride_w = 2;
    conv.pad_h = conv.pad_w = 1;
    conv.relu = true;
    const zoe_value in = zoe_input(graph, "x", ZOE_F32, (zoe_shape){N, C, H, W});
    const zoe_value out = zoe_graph_keep(graph, zoe_conv2d(graph, "conv1", in, &conv)); /* keep: it will be read */

    const zoe_plan_options options = zoe_plan_options_default();
    status = zoe_plan_new(&plan, graph, store, &options); /* mistakes made while building show here */
    if (status == ZOE_OK) status = zoe_plan_write(plan, in, x);
    if (status == ZOE_OK) status = zoe_plan_forward(plan);
    if (status == ZOE_OK) status = zoe_plan_read(plan, out, y);
    if (status == ZOE_OK)
        printf("%-10s algorithm %s\n", zoe_device_get_info(device)->id, zoe_plan_launch(plan, 0).algorithm);
out:
    zoe_plan_free(&plan);
    zoe_store_free(&store);
    zoe_graph_free(&graph);
    return status;
}

static zoe_status convolve_on(zoe_context *context, const char *name, const float *x, float *y, char id[64])
{
    zoe_device *device;
    zoe_device_options options = zoe_device_options_default();
    options.name = name;
    zoe_status status = zoe_device_open(&device, context, &options);
    if (status != ZOE_OK) return status;
    memcpy(id, zoe_device_get_info(device)->id, 64);
    status = convolve(context, device, x, y);
    zoe_device_free(&device);
    return status;
}

int main(int argc, char **argv)
{
    static float x[N * C * H * W], expected[N * K * P * Q], found[N * K * P * Q];
    char id[64];
    zoe_context *context;
    if (zoe_context_new(&context) != ZOE_OK) return 1;
    fill(x, sizeof x / sizeof x[0]);
    zoe_status status = convolve_on(context, "host", x, expected, id);
    if (status == ZOE_OK) status = convolve_on(context, argc > 1 ? argv[1] : NULL, x, found, id);
    if (status != ZOE_OK) {
        fprintf(stderr, "02_one_op: %s\n", zoe_context_error(context));
        zoe_context_free(&context);
        return zoe_status_exit_code(status);
    }
    zoe_context_free(&context);
    double worst = 0;
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        const double difference = fabs((double)found[i] - (double)expected[i]);
        if (!(difference <= worst)) worst = difference; /* a NaN counts as well */
    }
    printf("largest difference of %d numbers: %.2g\n", N * K * P * Q, worst);
    if (!strcmp(id, "host")) {
        puts("SKIPPED: no OpenCL device here, the host was compared with itself");
        return 77;
    }
    return worst < 1e-5 ? 0 : zoe_status_exit_code(ZOE_WRONG);
}
