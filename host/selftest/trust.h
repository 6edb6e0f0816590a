/* SPDX-License-Identifier: Apache-2.0
 *
 * Which kernel variants of a device are known to be right, and which are wrong and in quarantine. Internal.
 *
 * A variant is "OP.forward", "OP.backward", "OPTIMIZER.update", and of conv2d and linear "OP.ALGORITHM.forward",
 * ".data",
 * ".weights" and "OP.mask" (ReLU's mask and the gradient of the bias). What was found out holds for (device, driver,
 * build) and lies in two files in the folder of the cache: selftest-KEY.txt names what is right, quarantine.txt what is
 * wrong, a line each, to be read by people; who deletes a line has the variant tested again. */
#ifndef ZOE__TRUST_H
#define ZOE__TRUST_H

#include "device/device.h"
#include "graph/plan.h"

typedef struct zoe__trust zoe__trust;

enum { ZOE__VARIANT = 96 };

/* Reads the files. test: plans of this device may find variants that nobody tested: test them first. The environment
 * variable ZOE_BREAK=NAME (builds with ZOE_TEST_HOOKS) makes that variant write wrong numbers; then files are neither
 * read nor written. *out is NULL on the host device. */
zoe_status zoe__trust_open(zoe__trust **out, zoe_device *device, bool test);
void zoe__trust_close(zoe__trust **trust);

/* Whether plans of the device test first; the self-test's own plans must not. */
bool zoe__trust_tests(const zoe_device *device);
void zoe__trust_set_testing(zoe_device *device, bool test);

/* Takes a device as if nothing were known of it; nothing is written until zoe__trust_save(). */
void zoe__trust_forget(zoe__trust *trust);

bool zoe__trust_is_bad(const zoe_device *device, const char *variant);
bool zoe__trust_is_known(const zoe_device *device, const char *variant);
/* NULL past the end. */
const char *zoe__trust_bad_at(const zoe__trust *trust, size_t index);

/* A verdict. detail: NMSE and the line that repeats it, of a bad one. */
zoe_status zoe__trust_note(zoe__trust *trust, const char *variant, bool good, const char *detail);
/* Writes what was noted; where that is impossible, a debug line and ZOE_OK. */
zoe_status zoe__trust_save(zoe__trust *trust);
/* The path of quarantine.txt; "" = none. */
const char *zoe__trust_quarantine(const zoe__trust *trust);

/* Tests what a plan of graph would use and nobody tested before; what is wrong is put into quarantine with a warning.
 * Costs the making of a dry plan where all is known. Nothing where the device was not opened for that. */
/* Notes the launches of the self-test that zoe__trust_graph() would run (device/ahead.h). */
zoe_status zoe__trust_foresee(zoe_device *device, zoe_graph *graph, const zoe_plan_options *options);
zoe_status zoe__trust_graph(zoe_device *device, zoe_graph *graph, const zoe_plan_options *options);

/* ZOE_BREAK: after the launches of a variant, one that spoils `count` numbers of mem, each of so many bytes (4 or 2),
 * if it is the one that is meant. */
zoe_status zoe__break(zoe_plan *plan, const zoe__node *node, const char *variant, zoe__mem *mem, size_t count,
                      size_t bytes);

#endif
