/* SPDX-License-Identifier: Apache-2.0
 *
 * Normal numbers by the million. Internal. */
#ifndef ZOE_NORMALS_H
#define ZOE_NORMALS_H

#include <stddef.h>

#include "core/philox.h"

/* out[i] = sd times the number that a fresh stream's zoe__random_normal() gives at its call first + i, to within one
 * unit in the last place. Any part of a stream can be had by itself: threads may share the work. */
void zoe__normals(const zoe__random *stream, uint32_t first, size_t count, double sd, float *out);

#endif
