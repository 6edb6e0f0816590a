/* SPDX-License-Identifier: Apache-2.0
 *
 * resnet18 leaves for PyTorch: weights as safetensors, input and outputs as .npy; torchvision_resnet18.py loads them by
 * load_state_dict and compares its own outputs to 1e-4. SKIPPED without PyTorch. Python: ZOE_TEST_PYTHON, else python3.
 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <zoe/backbone.h>
#include <zoe/checkpoint.h>
#include <zoe/op.h>

#include "core/philox.h"
#include "evaluate/npy.h"

enum { IMAGES = 2, CROP = 224, NO_PYTORCH = 77 };

static const char script[] = ZOE_SOURCE_DIR "/tests/evaluate/torchvision_resnet18.py";

static int run_python(const char *argument)
{
    const char *given = getenv("ZOE_TEST_PYTHON"), *python = given && *given ? given : "python3";
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        execlp(python, python, script, argument, (char *)NULL); /* a virtual environment is found by argv[0] */
        _exit(NO_PYTORCH);
    }
    int result = -1;
    return child > 0 && waitpid(child, &result, 0) == child && WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

typedef struct net {
    zoe_context *context;
    zoe_device *device;
    zoe_store *store;
    zoe_graph *graph;
    zoe_value input;
    const zoe_backbone *backbone;
} net;

static zoe_status build(net *n, zoe_plan **plan, bool batch_statistics)
{
    zoe_plan_options options = zoe_plan_options_default();
    options.batch_statistics = batch_statistics;
    ZOE_TRY(zoe_graph_new(&n->graph, n->context));
    n->input = zoe_input(n->graph, "x", ZOE_F32, (zoe_shape){IMAGES, 3, CROP, CROP});
    zoe_graph_keep(n->graph, n->backbone->build(n->graph, n->input, 0));
    for (size_t i = 0; i < zoe_graph_marks(n->graph); i++)
        zoe_graph_keep(n->graph, zoe_graph_mark_value(n->graph, zoe_graph_mark_name(n->graph, i)));
    return zoe_plan_new(plan, n->graph, n->store, &options);
}

static zoe_status write_array(net *n, const char *folder, const char *name, const float *data, size_t columns)
{
    char path[160];
    zoe__npy npy = {.file = {.fd = -1}};
    snprintf(path, sizeof path, "%s/%s.npy", folder, name);
    zoe_status status = zoe__npy_open(&npy, n->context, path, columns);
    if (status == ZOE_OK) status = zoe__npy_add(&npy, data, IMAGES);
    if (status == ZOE_OK) status = zoe__npy_commit(&npy);
    zoe__npy_abandon(&npy);
    return status;
}

/* Running figures that are not 0 and 1, weights and biases of batch norm neither: a swap would be seen. */
static zoe_status stir(net *n)
{
    zoe__random random;
    zoe__random_init(&random, 4, 4, 4);
    for (size_t i = 0; i < zoe_store_params(n->store); i++) {
        const zoe_param param = zoe_store_param(n->store, i);
        const size_t count = zoe_shape_count(param.shape);
        if (param.shape.c * param.shape.h * param.shape.w != 1) continue;
        float *plain = malloc(count * sizeof *plain);
        zoe_status status = plain ? zoe_store_get(n->store, i, plain) : ZOE_MEMORY;
        for (size_t k = 0; k < count && status == ZOE_OK; k++)
            plain[k] = plain[k] * (float)zoe__random_between(&random, 0.8, 1.2) +
                       (param.trainable ? (float)zoe__random_between(&random, -0.1, 0.1) : 0);
        if (status == ZOE_OK) status = zoe_store_set(n->store, i, plain);
        free(plain);
        ZOE_TRY(status);
    }
    return ZOE_OK;
}

static zoe_status forward(net *n, bool batch_statistics, const float *x, const char *folder)
{
    zoe_plan *plan = NULL;
    float *rows = NULL;
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(build(n, &plan, batch_statistics));
    ZOE_TRY_OUT(zoe_plan_write(plan, n->input, x));
    ZOE_TRY_OUT(zoe_plan_forward(plan));
    ZOE_TRY_OUT(zoe_plan_finish(plan));
    for (size_t i = 0; folder && i < zoe_graph_marks(n->graph); i++) {
        const char *name = zoe_graph_mark_name(n->graph, i);
        const zoe_value value = zoe_graph_mark_value(n->graph, name);
        const size_t count = zoe_shape_count(zoe_graph_shape(n->graph, value));
        rows = malloc(count * sizeof *rows);
        if (rows) ZOE_TRY_OUT(zoe_plan_read(plan, value, rows));
        if (rows) ZOE_TRY_OUT(write_array(n, folder, name, rows, count / IMAGES));
        free(rows);
        rows = NULL;
    }
out:
    free(rows);
    zoe_plan_free(&plan);
    if (!folder) zoe_graph_free(&n->graph);
    return status;
}

static zoe_status export(net *n, const char *folder)
{
    char path[160];
    zoe_checkpoint *checkpoint;
    const zoe_checkpoint_info info = {
        .net = "resnet18", .task = "shuffle-learn", .step = 3, .options = "{}", .state = "{}"};
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    ZOE_TRY(zoe_checkpoint_capture(&checkpoint, n->context, n->store, n->graph, &info));
    const zoe_status status = zoe_checkpoint_export_safetensors(checkpoint, n->context, path, true);
    zoe_checkpoint_free(&checkpoint);
    return status;
}

static zoe_status write_all(net *n, const float *x, const char *folder)
{
    const zoe_device_options device = zoe_device_options_default();
    n->backbone = zoe_backbone_find(n->context, "resnet18");
    ZOE_TRY(zoe_device_open(&n->device, n->context, &device));
    ZOE_TRY(zoe_store_new(&n->store, n->context, n->device, 1));
    for (int i = 0; i < 20; i++) ZOE_TRY(forward(n, true, x, NULL)); /* figures of the input */
    ZOE_TRY(stir(n));
    ZOE_TRY(write_array(n, folder, "x", x, 3 * CROP * CROP));
    ZOE_TRY(forward(n, false, x, folder));
    return export(n, folder);
}

static void test_resnet18(void **state)
{
    char folder[] = "/tmp/zoe-torchvision-XXXXXX";
    net n = {0};
    float *x = malloc((size_t)IMAGES * 3 * CROP * CROP * sizeof *x);
    zoe__random random;
    (void)state;
    if (run_python("probe") == NO_PYTORCH) {
        free(x);
        print_message("SKIPPED: no PyTorch with torchvision (set ZOE_TEST_PYTHON to a Python that has them)\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    assert_int_equal(zoe_context_new(&n.context), ZOE_OK);
    zoe__random_init(&random, 8, 8, 8);
    for (size_t i = 0; i < (size_t)IMAGES * 3 * CROP * CROP; i++) x[i] = (float)zoe__random_normal(&random);
    const zoe_status status = write_all(&n, x, folder);
    if (status != ZOE_OK) print_error("%s\n", zoe_context_error(n.context));
    const int compared = status == ZOE_OK ? run_python(folder) : -1;
    zoe_graph_free(&n.graph);
    zoe_store_free(&n.store);
    zoe_device_free(&n.device);
    zoe_context_free(&n.context);
    free(x);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(status, ZOE_OK);
    assert_int_equal(compared, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resnet18)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
