/* SPDX-License-Identifier: Apache-2.0
 *
 * CLBlast's own parameters. Its OverrideParameters() takes any set of numbers with the right names, and an invalid one
 * ends the process when it is used: so every set, from the tuner, the database or anybody's file, is checked here
 * first. A set is a text "KWG=32,KWI=2,..". Internal. */
#ifndef ZOE__TUNE_CLBLAST_H
#define ZOE__TUNE_CLBLAST_H

#include <zoe/device.h>

#include "tune/entry.h"

/* The text stands for a complete set that satisfies the kernel's constraints and the device's limits. */
bool zoe__clblast_valid(const char *parameters, const zoe_device_info *info);

/* Set number index of those that the tuner tries ("" is CLBlast's own choice, number 0); false past the end. */
bool zoe__clblast_candidate(size_t index, char parameters[256]);

/* Gives a valid set to CLBlast, for all products of this device from now on. ZOE_UNSUPPORTED: it is not valid, or this
 * build has no CLBlast. */
zoe_status zoe__clblast_apply(zoe_device *device, const char *parameters);

/* The best row of the device's table, if there is one; once a device. */
zoe_status zoe__clblast_apply_tuned(zoe_device *device);

/* C = A B^T with m = shape->n, n = shape->k, k = shape->c under these parameters ("": as they are). */
zoe_status zoe__clblast_measure(zoe_device *device, const zoe__tune_shape *shape, const char *parameters,
                                double *seconds, double *nmse);

#endif
