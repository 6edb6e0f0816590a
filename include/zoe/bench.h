/* SPDX-License-Identifier: Apache-2.0
 *
 * The benchmark: how fast a device trains, checked and with its spread. A suite is one file host/bench/NAME.c.
 *
 * What is measured is run in fresh processes (the caller's own program with other options), so that no measurement
 * profits or suffers from the one before it. docs/benchmarking.md says what the figures are. */
#ifndef ZOE_BENCH_H
#define ZOE_BENCH_H

#include <zoe/option.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a suite found; both texts are the caller's: zoe_bench_report_free(). */
typedef struct zoe_bench_report {
    char *json; /* one JSON object (docs/formats.md) */
    char *text; /* for people, ends with \n */
} zoe_bench_report;
void zoe_bench_report_free(zoe_bench_report *report);

typedef struct zoe_bench_call {
    const char *const *args; /* words after the suite's name */
    size_t arg_count;
    const zoe_options *options;
    const char *program; /* path of a program that takes `bench SUITE` and the same options */
} zoe_bench_call;

typedef struct zoe_bench_suite {
    const char *name, *summary;
    const char *usage;         /* what follows the name */
    const zoe_option *options; /* all its rows */
    /* ZOE_WRONG: a result was wrong; the report is there nevertheless and says which. */
    zoe_status (*run)(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out);
} zoe_bench_suite;

/* NULL past the end. Borrowed, constant. */
const zoe_bench_suite *zoe_bench_suite_at(size_t index);
/* NULL with text ("did you mean") when unknown. */
const zoe_bench_suite *zoe_bench_suite_find(zoe_context *context, const char *name);

#ifdef __cplusplus
}
#endif
#endif
