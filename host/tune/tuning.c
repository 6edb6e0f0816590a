/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/tuning.h"

#include <stdlib.h>
#include <string.h>

#include "graph/state.h"
#include "ops/conv2d.h"

struct zoe__tune_hook {
    zoe__tuning hook;
    zoe__tune_table *table;
};

const char *zoe__tune_direction_name(int direction)
{
    static const char *const names[ZOE__DIRECTIONS] = {"forward", "data", "weights"};
    return direction >= 0 && direction < ZOE__DIRECTIONS ? names[direction] : "?";
}

void zoe__tune_shape_of(zoe__tune_shape *shape, const zoe__conv2d *v)
{
    *shape = (zoe__tune_shape){.n = v->n,
                               .c = v->c,
                               .h = v->h,
                               .w = v->w,
                               .k = v->k,
                               .r = v->r,
                               .s = v->s,
                               .stride_h = v->stride_h,
                               .stride_w = v->stride_w,
                               .pad_h = v->pad_h,
                               .pad_w = v->pad_w,
                               .groups = v->groups};
}

bool zoe__tune_conv_of(zoe__conv2d *conv, const char *op, const zoe__tune_shape *t)
{
    const bool linear = !strcmp(op, "linear");
    if (t->h + 2 * t->pad_h < t->r || t->w + 2 * t->pad_w < t->s || t->c % t->groups || t->k % t->groups) return false;
    if (linear && (t->r != t->h || t->s != t->w || t->pad_h || t->pad_w || t->groups != 1)) return false;
    *conv = (zoe__conv2d){.n = t->n,
                          .c = t->c,
                          .h = t->h,
                          .w = t->w,
                          .k = t->k,
                          .r = t->r,
                          .s = t->s,
                          .p = (t->h + 2 * t->pad_h - t->r) / t->stride_h + 1,
                          .q = (t->w + 2 * t->pad_w - t->s) / t->stride_w + 1,
                          .stride_h = t->stride_h,
                          .stride_w = t->stride_w,
                          .pad_h = t->pad_h,
                          .pad_w = t->pad_w,
                          .groups = t->groups,
                          .op = linear ? "linear" : "conv2d"};
    return true;
}

static bool find(void *user, const char *op, zoe__direction direction, const zoe__conv2d *conv, zoe__choice *out)
{
    zoe__tune_shape shape;
    double distance = 0;
    zoe__tune_shape_of(&shape, conv);
    const zoe__tune_entry *row = zoe__tune_table_find(user, op, zoe__tune_direction_name(direction), &shape, &distance);
    /* Where nothing was faster than the estimate, the estimate holds for other shapes too. */
    if (!row || (distance > 0 && row->seconds >= row->default_seconds) ||
        !zoe__tune_parameters_read(out->parameter, ZOE__CHOICE_PARAMETERS, row->parameters))
        return false;
    out->algorithm = row->algorithm;
    return true;
}

zoe_status zoe__tuning_open(zoe__tune_hook **out, zoe_context *context, const zoe_device_info *info, const char *place)
{
    zoe__tune_hook *made = NULL;
    *out = NULL;
    ZOE_TRY(zoe__calloc(context, &made, 1, sizeof *made));
    const zoe_status status = zoe__tune_table_open(&made->table, context, info, place);
    if (status != ZOE_OK) {
        free(made);
        return status;
    }
    made->hook = (zoe__tuning){.find = find, .user = made->table};
    *out = made;
    return ZOE_OK;
}

void zoe__tuning_close(zoe__tune_hook **hook)
{
    if (!*hook) return;
    zoe__tune_table_free(&(*hook)->table);
    free(*hook);
    *hook = NULL;
}

const zoe__tuning *zoe__tuning_hook(const zoe__tune_hook *hook)
{
    return hook ? &hook->hook : NULL;
}

zoe__tune_table *zoe__tuning_table(const zoe__tune_hook *hook)
{
    return hook ? hook->table : NULL;
}

/* ---- what a plan took ---- */

static bool same_choice(const zoe__tune_entry *row, const zoe__choice *choice)
{
    int parameter[ZOE__CHOICE_PARAMETERS];
    return !strcmp(row->algorithm, choice->algorithm) &&
           zoe__tune_parameters_read(parameter, ZOE__CHOICE_PARAMETERS, row->parameters) &&
           !memcmp(parameter, choice->parameter, sizeof parameter);
}

static const char *origin(const zoe__tune_table *table, const zoe__node *node, int direction,
                          const zoe__tune_shape *shape, const zoe__choice *choice)
{
    double distance = 0;
    const char *name = zoe__tune_direction_name(direction);
    const zoe__tune_entry *row = table ? zoe__tune_table_find(table, node->op->name, name, shape, &distance) : NULL;
    if (!row || !same_choice(row, choice)) return "default";
    if (zoe__tune_table_is_shipped(table, row)) return "shipped";
    return distance > 0 ? "nearest" : "measured";
}

static json_t *choice_json(zoe_plan *plan, const zoe__node *node, int direction)
{
    const zoe__choice *choice = &plan->nodes[node->number].choice[direction];
    char parameters[64];
    zoe__conv2d conv;
    zoe__tune_shape shape;
    node->op->as_conv2d(plan->graph, node, &conv);
    zoe__tune_shape_of(&shape, &conv);
    zoe__format(parameters, sizeof parameters, "%d,%d,%d,%d", choice->parameter[0], choice->parameter[1],
                choice->parameter[2], choice->parameter[3]);
    const zoe__tune_table *table = zoe__tuning_table(zoe__device_own_tuning(plan->device));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "layer", node->name, "op", node->op->name, "direction",
                     zoe__tune_direction_name(direction), "algorithm", choice->algorithm, "parameters", parameters,
                     "from", origin(table, node, direction, &shape, choice));
}

json_t *zoe__tune_choices(zoe_plan *plan)
{
    json_t *list = json_array();
    for (size_t n = 0; n < zoe__graph_nodes(plan->graph); n++) {
        const zoe__node *node = zoe__graph_node_const(plan->graph, n);
        const zoe__node_state *state = &plan->nodes[n];
        if (!node->op->as_conv2d || state->reference) continue;
        for (int d = 0; d < ZOE__DIRECTIONS; d++) {
            const bool wanted = d == ZOE__TO_OUTPUT || (state->backward && (d != ZOE__TO_DATA || state->dx_wanted[0]));
            if (wanted) json_array_append_new(list, choice_json(plan, node, d));
        }
    }
    return list;
}
