/* SPDX-License-Identifier: Apache-2.0
 *
 * The tuner's child process, from the outside: lines of JSON to it and from it, with a deadline. Internal. */
#ifndef ZOE__TUNE_WORKER_H
#define ZOE__TUNE_WORKER_H

#include <jansson.h>
#include <sys/types.h>

#include "core/core.h"

typedef struct zoe__worker {
    zoe_context *context;
    const char *const *words; /* program and its arguments, ended by NULL */
    bool (*stop)(void *user); /* may be NULL */
    void *user;
    pid_t pid; /* 0: none runs */
    int to, from;
    char *line; /* what has been read and not answered yet */
    size_t used, capacity;
} zoe__worker;

typedef enum zoe__answer { ZOE__ANSWERED, ZOE__CRASHED, ZOE__TOO_SLOW, ZOE__STOP } zoe__answer;

/* ZOE_DISK: no process can be made. It says hello by itself: zoe__worker_wait() for it. */
zoe_status zoe__worker_start(zoe__worker *worker);
/* Ends it, whatever it is doing. */
void zoe__worker_end(zoe__worker *worker);

/* Sends one value (its reference is taken) and waits for one, or only waits. Anything but ZOE__ANSWERED ends the
 * worker; *out is the caller's. */
zoe__answer zoe__worker_ask(zoe__worker *worker, json_t *question, double seconds, json_t **out);
zoe__answer zoe__worker_wait(zoe__worker *worker, double seconds, json_t **out);

#endif
