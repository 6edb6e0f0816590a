/* SPDX-License-Identifier: Apache-2.0
 *
 * What the constructors and the device sides of the ops share. Internal. */
#ifndef ZOE__NODE_H
#define ZOE__NODE_H

#include "graph/plan.h"

/* A node of op called name that reads inputs[count]. false after a mistake: a value of another graph, too many of them,
 * or one of the wrong type (bytes or labels where op->integer_inputs has no bit). */
bool zoe__node_begin(zoe_graph *graph, zoe__node *node, const zoe__op *op, const char *name, const zoe_value *inputs,
                     int count);

static inline bool zoe__shape_equal(zoe_shape a, zoe_shape b)
{
    return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

/* Bytes of a tensor without what only fills its layout. */
static inline double zoe__view_bytes(const zoe__view *view)
{
    return view ? (double)zoe_shape_count(view->shape) * (double)view->number : 0;
}

/* A launch that visits each pixel (8 channels) of `planes` planes of h x w once: ZOE_FOR_PIXELS of cl/common.cl. One
 * work-item takes *rows rows in the vector family and one pixel in simt. What is computed never depends on the split.
 * The kernel's last two arguments are planes and *rows. */
zoe__launch_spec zoe__spec_pixels(zoe_plan *plan, const char *program, const char *kernel, int planes, int h, int w,
                                  int *rows);

/* A launch of at least `items` independent work-items; the kernel leaves those past `items` alone. */
zoe__launch_spec zoe__spec_items(zoe_plan *plan, const char *program, const char *kernel, size_t items);

/* A launch of `groups` work-groups of ZOE_GROUP work-items (1 in the vector family, 64 in simt): they reduce together.
 */
zoe__launch_spec zoe__spec_groups(zoe_plan *plan, const char *program, const char *kernel, size_t groups);

/* y planes first_y.. (+)= x planes first_x.., `planes` of them (plane = image * C8 + block). H and W of both agree. */
zoe_status zoe__launch_copy(zoe_plan *plan, const zoe__node *node, const zoe__view *x, int first_x, const zoe__view *y,
                            int first_y, int planes, int add);

#endif
