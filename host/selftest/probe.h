/* SPDX-License-Identifier: Apache-2.0
 *
 * A node alone, with numbers that anybody can compute again: what tuner and self-test put around it. Internal. */
#ifndef ZOE__PROBE_H
#define ZOE__PROBE_H

#include "graph/plan.h"

/* Number i of a stream, in [-1, 1), exact in float; cl/probe.cl has the same function. */
float zoe__probe_number(uint32_t stream, uint32_t i);
void zoe__probe_fill(uint32_t stream, float *data, size_t count);

/* A loss whose gradient to x is number i of the stream for element i (plain order). Its value is the sum of x times
 * those numbers on the host device, and is not computed elsewhere: it costs no more than writing the gradient. */
#define ZOE__PROBE_PLANAR 0x80000000u /* with a stream: x of few channels may lie as it is, as before a first layer */
#define ZOE__PROBE_HALO   0x40000000u /* and it has two pixels of zeros around it, as before a convolution */
zoe_value zoe__probe_loss(zoe_graph *graph, const char *name, zoe_value x, uint32_t stream);

#endif
