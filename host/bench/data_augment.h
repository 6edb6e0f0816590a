/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data augment": an act is one thing that the host does to make a sample. Internal. */
#ifndef ZOE__DATA_AUGMENT_H
#define ZOE__DATA_AUGMENT_H

#include "bench/data_made.h"

typedef struct zoe__act {
    const char *name;      /* in the id */
    const char *algorithm; /* who does it */
    int amount;            /* samples that one call of work makes */
    int rounds;            /* calls for a time: some milliseconds, so that starting a thread is not what is measured */
    bool clips;            /* it needs those of FOLDER/world */
    const void *settings;
    /* What a thread works with; *own is closed also when it is half made. */
    zoe_status (*open)(const struct zoe__act *act, zoe__made *made, zoe__made_thread *thread, void **own);
    zoe_status (*work)(zoe__made_thread *thread, void *own); /* gives the same result each time, in all threads */
    void *(*result)(void *own, size_t *bytes);               /* of the last work; borrowed */
    bool (*judge)(const void *own);                          /* is it that of a plain computation? */
    void (*close)(void *own);
} zoe__act;

/* In the paths of the clips that acts need. */
#define ZOE__MADE_WORLD "/world/clips/"

/* Lists end with a name that is NULL. */
extern const zoe__act zoe__acts_scale[], zoe__acts_draw[], zoe__acts_plain[];

#endif
