/* SPDX-License-Identifier: Apache-2.0
 *
 * What protocols share at their end. Internal. */
#ifndef ZOE_EVALUATE_PROTOCOL_H
#define ZOE_EVALUATE_PROTOCOL_H

#include <jansson.h>
#include <stdio.h>

#include <zoe/evaluate.h>

/* Fills *out with the JSON (whose reference it takes) and the text that write() prints of user. ZOE_MEMORY. */
typedef void zoe__evaluation_writer(FILE *out, const void *user);
zoe_status zoe__evaluation_tell(zoe_context *context, json_t *value, zoe__evaluation_writer *write, const void *user,
                                zoe_evaluation *out);

#endif
