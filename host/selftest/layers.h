/* SPDX-License-Identifier: Apache-2.0
 *
 * How exact each algorithm is on each layer of a network. Internal. */
#ifndef ZOE__SELFTEST_LAYERS_H
#define ZOE__SELFTEST_LAYERS_H

#include <zoe/selftest.h>

zoe_status zoe__selftest_layers(zoe_context *context, const zoe_selftest_options *options, zoe_selftest_result *result);

#endif
