/* SPDX-License-Identifier: Apache-2.0
 *
 * Two benchmarks side by side. Internal. */
#ifndef ZOE__BENCH_COMPARE_H
#define ZOE__BENCH_COMPARE_H

#include <jansson.h>

#include "bench/statistics.h"

/* The samples of a row, by process; free() values and first. ZOE_DATA. */
zoe_status zoe__row_samples(zoe_context *context, const json_t *row, zoe__samples *out);

/* A row that counts: right, and not marked invalid. */
bool zoe__row_counts(const json_t *row);

/* {cases: [{id, ratio, ci95, verdict}], geomean, geomean_ci95, suite_id, a, b, only_a, only_b, left_out}: speed of b's
 * rows over a's of the same id, above 1 where b is faster. device_a, device_b: only rows of that device; NULL: each id
 * must be there once. A verdict is "faster" or "slower" where the interval leaves 1 out and the difference is 3 % or
 * more, else "same". ZOE_DATA: nothing to compare, or figures of different suites. */
zoe_status zoe__compare(zoe_context *context, const json_t *a, const char *device_a, const json_t *b,
                        const char *device_b, json_t **out);

/* For people; *out to free(). */
zoe_status zoe__compare_text(zoe_context *context, const json_t *comparison, char **out);

#endif
