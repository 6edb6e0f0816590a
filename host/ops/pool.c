/* SPDX-License-Identifier: Apache-2.0
 *
 * What max_pool and average_pool share: options and the size of the output. */
#include "ops/pool.h"

zoe_pool_options zoe_pool_options_default(void)
{
    return (zoe_pool_options){.kernel = 2, .stride = 2, .pad = 0, .ceil = false, .count_include_pad = true};
}

/* Number of windows along an axis; below 1 when the kernel does not fit. */
static int outputs(const zoe_pool_options *o, int size)
{
    const int room = size + 2 * o->pad - o->kernel;
    if (!o->ceil) return room < 0 ? 0 : room / o->stride + 1;
    if (room <= -o->stride) return 0;
    int count = (room > 0 ? (room + o->stride - 1) / o->stride : 0) + 1;
    if ((count - 1) * o->stride >= size + o->pad) count--;
    return count;
}

zoe_value zoe__pool_add(zoe_graph *graph, const zoe__op *op, const char *name, zoe_value x,
                        const zoe_pool_options *options, size_t aux)
{
    zoe__node node;
    if (!zoe__node_begin(graph, &node, op, name, &x, 1)) return ZOE_NO_VALUE;
    zoe_pool_options o = *options;
    if (o.kernel < 1 || o.kernel > 4096 || o.stride < 1 || o.stride > 4096)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (%s): kernel %d and stride %d must be in 1..4096", name,
                                  op->name, o.kernel, o.stride);
    if (o.pad < 0 || o.pad >= o.kernel)
        return zoe__graph_mistake(graph, ZOE_CONFIG, "%s (%s): pad %d must be at least 0 and less than kernel %d", name,
                                  op->name, o.pad, o.kernel);
    const zoe_shape s = zoe_graph_shape(graph, x);
    const zoe_shape y = {s.n, s.c, outputs(&o, s.h), outputs(&o, s.w)};
    if (y.h < 1 || y.w < 1)
        return zoe__graph_mistake(graph, ZOE_SHAPE, "%s (%s): kernel %d does not fit into %dx%d with pad %d", name,
                                  op->name, o.kernel, s.h, s.w, o.pad);
    node.options = &o;
    node.options_bytes = sizeof o;
    node.aux_doubles[0] = aux * zoe_shape_count(y);
    return zoe__graph_add(graph, &node, y);
}
