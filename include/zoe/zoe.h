/* SPDX-License-Identifier: Apache-2.0
 *
 * All public headers, in the order in which they are best read. */
#ifndef ZOE_ZOE_H
#define ZOE_ZOE_H

/* clang-format off */
#include <zoe/status.h>
#include <zoe/context.h>
#include <zoe/device.h>
#include <zoe/tensor.h>
#include <zoe/graph.h>
#include <zoe/op.h>
#include <zoe/optimizer.h>
#include <zoe/plan.h>
#include <zoe/backbone.h>
#include <zoe/media.h>
#include <zoe/option.h>
#include <zoe/task.h>
#include <zoe/checkpoint.h>
#include <zoe/train.h>
#include <zoe/evaluate.h>
/* clang-format on */

#endif
