/* SPDX-License-Identifier: Apache-2.0
 *
 * A run as evaluations see it: its network, its options, and what it was trained on. Internal. */
#ifndef ZOE_EVALUATE_SUBJECT_H
#define ZOE_EVALUATE_SUBJECT_H

#include <jansson.h>

#include "evaluate/features.h"
#include "train/safe_file.h"

typedef struct zoe__subject {
    zoe_context *context;
    char folder[ZOE__PATH]; /* the run's; "" = a checkpoint file that lies in no run folder */
    zoe_checkpoint *checkpoint;
    json_t *options; /* of the run: {name: text} */
    zoe__features_spec spec;
    char **trained; /* content hashes of the clips it was trained on, ascending */
    size_t trained_count;
    bool trained_known; /* false: the run does not say */
} zoe__subject;

/* The subject must not move afterwards. path: a run folder or a checkpoint file. ZOE_DATA: neither, or no good
 * checkpoint. A damaged newer checkpoint is logged. */
zoe_status zoe__subject_open(zoe__subject *subject, zoe_context *context, const char *path);
void zoe__subject_close(zoe__subject *subject);

/* Text of an option of the run; NULL: it has none of that name. */
const char *zoe__subject_option(const zoe__subject *subject, const char *name);

bool zoe__subject_has_seen(const zoe__subject *subject, const char *sha256);

/* The folder of the run's clips: its own pack, or the one it was given. ZOE_DATA: neither is there. */
zoe_status zoe__subject_pack(const zoe__subject *subject, char path[ZOE__PATH]);

#endif
