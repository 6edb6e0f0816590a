/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parallel.h"

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

enum { MOST_THREADS = 16 };

typedef struct range {
    size_t first, count;
    zoe__range_function *fn;
    void *user;
    pthread_t thread;
    bool threaded;
} range;

static void *run(void *argument)
{
    const range *r = argument;
    r->fn(r->first, r->count, r->user);
    return NULL;
}

void zoe__parallel(size_t count, size_t least, zoe__range_function *fn, void *user)
{
    range ranges[MOST_THREADS];
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t pieces = processors < 1 ? 1 : processors < MOST_THREADS ? (size_t)processors : MOST_THREADS;
    if (pieces * least > count) pieces = count / least;
    if (pieces < 2) {
        fn(0, count, user);
        return;
    }
    for (size_t i = 0; i < pieces; i++) {
        const size_t each = count / pieces;
        ranges[i] =
            (range){.first = i * each, .count = i + 1 < pieces ? each : count - i * each, .fn = fn, .user = user};
        if (i > 0) ranges[i].threaded = pthread_create(&ranges[i].thread, NULL, run, &ranges[i]) == 0;
    }
    for (size_t i = 0; i < pieces; i++)
        if (!ranges[i].threaded) run(&ranges[i]);
    for (size_t i = 0; i < pieces; i++)
        if (ranges[i].threaded) pthread_join(ranges[i].thread, NULL);
}
