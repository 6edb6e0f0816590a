/* SPDX-License-Identifier: Apache-2.0
 *
 * What the constructors and the device sides of the ops share. */
#include "ops/node.h"

bool zoe__node_begin(zoe_graph *graph, zoe__node *node, const zoe__op *op, const char *name, const zoe_value *inputs,
                     int count)
{
    if (!zoe__graph_ready(graph, name, NULL, 0)) return false;
    if (count < 1 || count > ZOE__MAX_INPUTS) {
        zoe__graph_mistake(graph, ZOE_CONFIG, "%s (%s): %d inputs, takes 1 to %d", name, op->name, count,
                           ZOE__MAX_INPUTS);
        return false;
    }
    if (!zoe__graph_ready(graph, name, inputs, count)) return false;
    *node = (zoe__node){.op = op, .inputs = count};
    if (!zoe__format(node->name, sizeof node->name, "%s%s", zoe__graph_get_prefix(graph), name)) {
        zoe__graph_mistake(graph, ZOE_CONFIG, "name '%.40s...' is longer than %d bytes", name, ZOE__NAME - 1);
        return false;
    }
    for (int i = 0; i < count; i++) {
        node->input[i] = inputs[i];
        const bool integer = (op->integer_inputs >> i) & 1;
        if (!integer && zoe__graph_value(graph, inputs[i])->dtype != ZOE_F32) {
            zoe__graph_mistake(graph, ZOE_SHAPE, "%s (%s): input %d must be of type F32", name, op->name, i);
            return false;
        }
    }
    return true;
}

static bool vector_family(zoe_plan *plan)
{
    return zoe_device_get_info(zoe__plan_device(plan))->family == ZOE_FAMILY_VECTOR;
}

enum { GROUP = 64 }; /* work-items of a simt work-group: ZOE_GROUP of cl/common.cl */

zoe__launch_spec zoe__spec_pixels(zoe_plan *plan, const char *program, const char *kernel, int planes, int h, int w,
                                  int *rows)
{
    const size_t all_rows = (size_t)planes * (size_t)h;
    zoe__launch_spec spec = {.program = program, .kernel = kernel, .dims = 1, .local = {1}};
    *rows = 1;
    if (vector_family(plan)) {
        /* A few work-items for each compute unit, so that a late one costs little; none of less than 256 pixels. */
        const size_t units = zoe_device_get_info(zoe__plan_device(plan))->compute_units;
        const size_t shares = 4 * (units ? units : 1);
        const size_t even = (all_rows + shares - 1) / shares, least = (256 + (size_t)w - 1) / (size_t)w;
        *rows = (int)(even > least ? even : least);
        spec.global[0] = (all_rows + (size_t)*rows - 1) / (size_t)*rows;
        return spec;
    }
    spec.global[0] = zoe__round_up(all_rows * (size_t)w, GROUP);
    spec.local[0] = GROUP;
    return spec;
}

zoe__launch_spec zoe__spec_items(zoe_plan *plan, const char *program, const char *kernel, size_t items)
{
    zoe__launch_spec spec = {.program = program, .kernel = kernel, .dims = 1, .global = {items}, .local = {1}};
    if (vector_family(plan)) return spec;
    spec.global[0] = zoe__round_up(items, GROUP);
    spec.local[0] = GROUP;
    return spec;
}

zoe__launch_spec zoe__spec_groups(zoe_plan *plan, const char *program, const char *kernel, size_t groups)
{
    const size_t group = vector_family(plan) ? 1 : GROUP;
    return (zoe__launch_spec){
        .program = program, .kernel = kernel, .dims = 1, .global = {groups * group}, .local = {group}};
}

zoe_status zoe__launch_copy(zoe_plan *plan, const zoe__node *node, const zoe__view *x, int first_x, const zoe__view *y,
                            int first_y, int planes, int add)
{
    int rows;
    zoe__launch_spec spec = zoe__spec_pixels(plan, "copy", "copy_planes", planes, y->shape.h, y->shape.w, &rows);
    spec.bytes = (2.0 + add) * planes * y->shape.h * y->shape.w * 8 * (double)y->number;
    return zoe__plan_launch(plan, node, &spec, "vviiiii", x, y, first_x, first_y, add, planes, rows);
}
