/* SPDX-License-Identifier: Apache-2.0
 *
 * The training plan of a run, without its memory: what `zoe info --plan` lists. Internal. */
#ifndef ZOE_TRAIN_INSPECT_H
#define ZOE_TRAIN_INSPECT_H

#include <zoe/device.h>
#include <zoe/plan.h>

/* Compiles the plan of the run folder's options on a device (NULL name: the run's own) and shows it to fn. ZOE_DATA:
 * not a run. */
typedef zoe_status zoe__inspect_function(const zoe_plan *plan, const zoe_device_info *device, void *user);
zoe_status zoe__train_inspect(zoe_context *context, const char *run, const zoe_device_options *device,
                              zoe__inspect_function *fn, void *user);

#endif
