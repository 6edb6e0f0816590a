/* SPDX-License-Identifier: Apache-2.0
 *
 * A benchmark's file, schema 1 (docs/formats.md, docs/benchmark.schema.json): one JSON object, a case a line. The file
 * is whole at every moment: a finished case is written in the place of the object's end, with that end behind it, and
 * synchronised, so that a crash keeps what was finished. Internal. */
#ifndef ZOE__RECORD_H
#define ZOE__RECORD_H

#include <jansson.h>

#include "core/core.h"

enum { ZOE__BENCH_SCHEMA = 1 };

typedef struct zoe__record zoe__record;

/* head: all keys but cases, complete, end and sha256; takes the reference. path NULL: only in memory. A file that is
 * there already is replaced. ZOE_DISK. */
zoe_status zoe__record_new(zoe__record **out, zoe_context *context, const char *path, json_t *head);

/* Takes the reference to row. */
zoe_status zoe__record_append(zoe__record *record, json_t *row);

/* end: an object with what is known only now; takes the reference. complete: all cases were done. */
zoe_status zoe__record_end(zoe__record *record, json_t *end, bool complete);

/* The document as it is now; borrowed. */
json_t *zoe__record_document(const zoe__record *record);
void zoe__record_free(zoe__record **record);

/* Reads and checks a file. ZOE_DATA: not a benchmark of this schema, damaged, or changed (its SHA-256 is another); the
 * text says where. The caller's to json_decref(). */
zoe_status zoe__record_load(json_t **out, zoe_context *context, const char *path);

/* What zoe__record_load() checks, of a document from elsewhere; name stands for it in texts. */
zoe_status zoe__record_check(zoe_context *context, const json_t *document, const char *name);

/* Hex SHA-256 of a document without its key sha256: of its parts with sorted keys and no blanks. */
void zoe__record_sha256(const json_t *document, char hex[65]);

#endif
