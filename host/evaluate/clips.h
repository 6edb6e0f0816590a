/* SPDX-License-Identifier: Apache-2.0
 *
 * The clips an evaluation is given: a pack as it is, or files that are read into one for the time being. Internal. */
#ifndef ZOE_EVALUATE_CLIPS_H
#define ZOE_EVALUATE_CLIPS_H

#include "evaluate/subject.h"
#include "train/dataset.h"

typedef struct zoe__clips {
    zoe__dataset dataset;
    char scratch[ZOE__PATH]; /* folder to remove; "" = none */
} zoe__clips;

/* count 0: the clips of the run. options has the rows of ZOE__DATASET_OPTIONS. Skipped files are logged. Errors as
 * zoe__dataset_open(). */
zoe_status zoe__clips_open(zoe__clips *clips, zoe_context *context, const zoe__subject *subject,
                           const char *const *paths, size_t count, const zoe_options *options);
void zoe__clips_close(zoe__clips *clips);

#endif
