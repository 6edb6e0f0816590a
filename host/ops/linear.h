/* SPDX-License-Identifier: Apache-2.0
 *
 * The algorithms of linear that are its own; the others are conv2d's. Internal. */
#ifndef ZOE__LINEAR_H
#define ZOE__LINEAR_H

#include "ops/conv2d.h"

extern const zoe__conv2d_algorithm zoe__linear_packed;

#endif
