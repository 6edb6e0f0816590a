/* SPDX-License-Identifier: Apache-2.0
 *
 * Between a store on a device and a checkpoint in memory. */
#include "train/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "core/sha256.h"
#include "graph/graph.h"

/* True when a node of the graph that is a linear layer has the parameter: its weight is a matrix, though its shape {K,
 * C, 1, 1} could be that of a 1x1 convolution. */
static bool is_linear(const zoe_graph *graph, const char *name)
{
    for (size_t n = 0; graph && n < zoe__graph_nodes(graph); n++) {
        const zoe__node *node = zoe__graph_node_const(graph, n);
        if (strcmp(node->op->name, "linear")) continue;
        for (int p = 0; p < node->params; p++)
            if (!strcmp(zoe__graph_param_spec(graph, node->param[p])->name, name)) return true;
    }
    return false;
}

static bool is_bias(const char *name)
{
    const size_t length = strlen(name);
    return length > 5 && !strcmp(name + length - 5, ".bias");
}

static zoe_status describe(zoe_checkpoint *c, zoe_context *context, const zoe_param *param, const zoe_graph *graph)
{
    zoe__tensor *t = &c->tensors[c->tensor_count];
    const zoe_shape s = param->shape;
    const bool vector = s.c == 1 && s.h == 1 && s.w == 1;
    const int home = param->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
    *t = (zoe__tensor){.rank = 4,
                       .dims = {s.n, s.c, s.h, s.w},
                       .trainable = param->trainable,
                       .first = c->floats[home],
                       .count = zoe_shape_count(s)};
    if (!is_linear(graph, param->name))
        t->rank = vector ? 1 : 4;
    else
        t->rank = vector && is_bias(param->name) ? 1 : 2;
    c->floats[home] += t->count;
    ZOE_TRY(zoe__strdup(context, &t->name, param->name));
    c->tensor_count++;
    return ZOE_OK;
}

static zoe_status copy_out(zoe_checkpoint *c, zoe_store *store, int states)
{
    for (size_t i = 0; i < c->tensor_count; i++) {
        const zoe__tensor *t = &c->tensors[i];
        const int home = t->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
        ZOE_TRY(zoe_store_get(store, i, c->sections[home] + t->first));
        for (int k = 0; t->trainable && k < states; k++)
            ZOE_TRY(zoe_store_get_state(store, i, k, c->sections[ZOE__SECTION_STATE0 + k] + t->first));
    }
    return ZOE_OK;
}

static zoe_status copy_info(zoe_checkpoint *c, zoe_context *context, const zoe_checkpoint_info *info)
{
    const char *from[4] = {info->net, info->task, info->options ? info->options : "{}",
                           info->state ? info->state : "{}"};
    const char **to[4] = {&c->info.net, &c->info.task, &c->info.options, &c->info.state};
    for (int i = 0; i < 4; i++) {
        char *copy;
        ZOE_TRY(zoe__strdup(context, &copy, from[i]));
        *to[i] = copy;
    }
    c->info.step = info->step;
    return ZOE_OK;
}

zoe_status zoe_checkpoint_capture(zoe_checkpoint **out, zoe_context *context, zoe_store *store, const zoe_graph *graph,
                                  const zoe_checkpoint_info *info)
{
    zoe_checkpoint *c = NULL;
    zoe_status status = ZOE_OK;
    const size_t count = zoe_store_params(store);
    const int states = zoe_store_states(store);
    *out = NULL;
    ZOE_TRY(zoe__calloc(context, &c, 1, sizeof *c));
    ZOE_TRY_OUT(copy_info(c, context, info));
    ZOE_TRY_OUT(zoe__calloc(context, &c->tensors, count, sizeof *c->tensors));
    for (size_t i = 0; i < count; i++) {
        const zoe_param param = zoe_store_param(store, i);
        ZOE_TRY_OUT(describe(c, context, &param, graph));
    }
    for (int k = 0; k < states && k < 2; k++) c->floats[ZOE__SECTION_STATE0 + k] = c->floats[ZOE__SECTION_WEIGHTS];
    for (int s = 0; s < ZOE__SECTIONS; s++)
        if (c->floats[s]) ZOE_TRY_OUT(zoe__calloc(context, &c->sections[s], c->floats[s], sizeof(float)));
    ZOE_TRY_OUT(copy_out(c, store, states < 2 ? states : 2));
out:
    if (status != ZOE_OK) zoe_checkpoint_free(&c);
    *out = c;
    return status;
}

static const zoe__tensor *find(const zoe_checkpoint *c, const char *name)
{
    for (size_t i = 0; i < c->tensor_count; i++)
        if (!strcmp(c->tensors[i].name, name)) return &c->tensors[i];
    return NULL;
}

static zoe_status check(const zoe_checkpoint *c, zoe_context *context, const zoe_param *param, const zoe__tensor *t)
{
    const char *path = zoe_checkpoint_path(c);
    ZOE_FAIL_IF(context, !t, ZOE_CONFIG, "%s: a checkpoint of network '%s', task '%s': it has no '%s'", path,
                c->info.net, c->info.task, param->name);
    const int *d = t->dims;
    const zoe_shape s = param->shape;
    ZOE_FAIL_IF(context, d[0] != s.n || d[1] != s.c || d[2] != s.h || d[3] != s.w || t->trainable != param->trainable,
                ZOE_CONFIG, "%s: a checkpoint of network '%s', task '%s': '%s' is %dx%dx%dx%d, here it is %dx%dx%dx%d",
                path, c->info.net, c->info.task, param->name, d[0], d[1], d[2], d[3], s.n, s.c, s.h, s.w);
    return ZOE_OK;
}

zoe_status zoe_checkpoint_restore(const zoe_checkpoint *checkpoint, zoe_context *context, zoe_store *store)
{
    const int states = zoe_store_states(store);
    for (size_t i = 0; i < zoe_store_params(store); i++) { /* all checks before the first change */
        const zoe_param param = zoe_store_param(store, i);
        ZOE_TRY(check(checkpoint, context, &param, find(checkpoint, param.name)));
    }
    for (size_t i = 0; i < zoe_store_params(store); i++) {
        const zoe_param param = zoe_store_param(store, i);
        const zoe__tensor *t = find(checkpoint, param.name);
        const int home = t->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
        ZOE_TRY(zoe_store_set(store, i, checkpoint->sections[home] + t->first));
        for (int k = 0; t->trainable && k < states && k < 2; k++)
            if (checkpoint->sections[ZOE__SECTION_STATE0 + k])
                ZOE_TRY(zoe_store_set_state(store, i, k, checkpoint->sections[ZOE__SECTION_STATE0 + k] + t->first));
    }
    return ZOE_OK;
}

static int by_name(const void *a, const void *b)
{
    const zoe__tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

void zoe_checkpoint_weights_sha256(const zoe_checkpoint *checkpoint, char hex[65])
{
    hex[0] = '\0';
    const zoe__tensor **sorted = calloc(checkpoint->tensor_count + 1, sizeof *sorted);
    if (!sorted) return;
    for (size_t i = 0; i < checkpoint->tensor_count; i++) sorted[i] = &checkpoint->tensors[i];
    qsort(sorted, checkpoint->tensor_count, sizeof *sorted, by_name);
    zoe__sha256 sha;
    zoe__sha256_start(&sha);
    for (size_t i = 0; i < checkpoint->tensor_count; i++) {
        const zoe__tensor *t = sorted[i];
        const int home = t->trainable ? ZOE__SECTION_WEIGHTS : ZOE__SECTION_RUNNING;
        const uint32_t rank = (uint32_t)t->rank;
        zoe__sha256_add(&sha, t->name, strlen(t->name) + 1);
        zoe__sha256_add(&sha, &rank, sizeof rank);
        for (int d = 0; d < t->rank; d++) {
            const uint32_t n = (uint32_t)t->dims[d];
            zoe__sha256_add(&sha, &n, sizeof n);
        }
        zoe__sha256_add(&sha, checkpoint->sections[home] + t->first, t->count * sizeof(float));
    }
    uint8_t digest[32];
    zoe__sha256_end(&sha, digest);
    zoe__sha256_hex(digest, hex);
    free(sorted);
}
