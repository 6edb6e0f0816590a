/* SPDX-License-Identifier: Apache-2.0
 *
 * A collection of benchmarks in one SQLite file: tables run (with the whole document), device, "case" and sample, for
 * questions over many devices and days. Internal. */
#ifndef ZOE__BENCH_STORE_H
#define ZOE__BENCH_STORE_H

#include <jansson.h>

#include "core/core.h"

typedef struct zoe__bench_store zoe__bench_store;

/* path NULL: benchmarks.sqlite in the cache folder. create: made where there is none. ZOE_DATA: not such a file,
 * damaged or of another schema version; it is left as it is. ZOE_DISK. */
zoe_status zoe__bench_store_open(zoe__bench_store **out, zoe_context *context, const char *path, bool create);
void zoe__bench_store_free(zoe__bench_store **store);

/* One that is there already (by its SHA-256) stays as it is: *added false. All of it or nothing. */
zoe_status zoe__bench_store_add(zoe__bench_store *store, const json_t *document, bool *added);

/* All documents, oldest first; suite: only of that suite, NULL: of all. The caller's array. */
zoe_status zoe__bench_store_all(zoe__bench_store *store, const char *suite, json_t **documents);

#define ZOE__STORE_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "store", .type = ZOE_OPTION_TEXT, .value = "FILE.sqlite",                                              \
        .help = "the collection; none: benchmarks.sqlite in the cache folder"                                          \
    }

#endif
