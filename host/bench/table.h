/* SPDX-License-Identifier: Apache-2.0
 *
 * A benchmark's document as text, Markdown and CSV. Internal. */
#ifndef ZOE__BENCH_TABLE_H
#define ZOE__BENCH_TABLE_H

#include <jansson.h>

#include "core/core.h"

/* A row in a line, without its end: speed with its interval, share of the roof, algorithm, id, marks. */
void zoe__table_line(char *line, size_t size, const json_t *row);

/* Speed of a row as people say it: "352.1 GFLOP/s", "12.4 GB/s", "70.1 us". */
void zoe__table_speed(char text[48], const json_t *row);

/* The same, its interval "[low, high]", "92 %" of the roof, and marks; "" where there is none. */
/* "0.0123 J (net 0.0101)"; "" where no counter told. */
void zoe__table_energy(char text[48], const json_t *row);

void zoe__table_cells(const json_t *row, char speed[48], char ci[48], char roof[16], char flags[96]);

/* All of it; *out to free(). */
zoe_status zoe__table_text(zoe_context *context, const json_t *document, char **out);
zoe_status zoe__table_markdown(zoe_context *context, json_t *const *documents, size_t count, char **out);
zoe_status zoe__table_csv(zoe_context *context, json_t *const *documents, size_t count, char **out);

#endif
