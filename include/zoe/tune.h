/* SPDX-License-Identifier: Apache-2.0
 *
 * The tuner: which algorithm, with which parameters, is fastest for each convolution and linear layer of a network on
 * a device. What it finds goes into the user's tuning database, which every device reads when it opens
 * (zoe_device_options.tuning). docs/tuning.md says how it works. */
#ifndef ZOE_TUNE_H
#define ZOE_TUNE_H

#include <stdbool.h>
#include <stddef.h>

#include <zoe/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoe_tune_progress {
    size_t item, items;           /* shapes */
    size_t candidate, candidates; /* of this shape */
    const char *what;             /* "conv2d 8x64x56x56 64x3x3 stride 1x1 pad 1x1 groups 1"; borrowed for the call */
    double seconds, time;         /* gone, allowed */
    size_t failed;                /* candidates that crashed, hung, were wrong or refused */
} zoe_tune_progress;

typedef struct zoe_tune_options {
    const char *device, *family, *storage; /* as zoe_device_options */
    int batch;                             /* of a backbone; 0: 32. A run has its own */
    int width, height;                     /* of a backbone's input; 0, 0: what it was made for */
    double time;                           /* s, for everything; 300 */
    double limit;                          /* s, for one candidate, its compilation included; 60 */
    bool again;                            /* also what was measured before */
    bool gemm;                             /* CLBlast's parameters too, after all else; true */
    const char *database;                  /* path; NULL: the user's */
    /* A program that calls zoe_tune_worker(), with its words, ended by NULL: measurements run in it, so that a crash
     * costs a candidate and nothing else. */
    const char *const *worker;
    void (*progress)(const zoe_tune_progress *progress, void *user); /* may be NULL */
    bool (*stop)(void *user); /* asked often; true: end with ZOE_STOPPED, nothing is lost; may be NULL */
    void *user;
} zoe_tune_options;
zoe_tune_options zoe_tune_options_default(void);

typedef struct zoe_tune_result {
    char *json; /* {device, .., entries: [..]}: docs/formats.md */
    char *text; /* a table for people */
} zoe_tune_result;
void zoe_tune_result_free(zoe_tune_result *result);

/* what: the name of a backbone, or a run folder. ZOE_CONFIG: no such network, or the size does not fit it. ZOE_DEVICE:
 * the device cannot be opened, or is gone; what was measured is kept. ZOE_DISK: the database. */
zoe_status zoe_tune(zoe_context *context, const char *what, const zoe_tune_options *options, zoe_tune_result *result);

/* Rows of the database at path (NULL: the user's), to and from a JSON file. Of two rows of one key the later measured
 * one stays. *rows (may be NULL): how many were written; taken. */
zoe_status zoe_tune_export(zoe_context *context, const char *database, const char *file, size_t *rows);
zoe_status zoe_tune_import(zoe_context *context, const char *database, const char *file, size_t *rows);
zoe_status zoe_tune_show(zoe_context *context, const char *database, zoe_tune_result *result);

/* The other side of options.worker: answers questions on the file descriptors in and out until in ends. */
zoe_status zoe_tune_worker(zoe_context *context, const char *device, const char *family, const char *storage, int in,
                           int out);

#ifdef __cplusplus
}
#endif
#endif
