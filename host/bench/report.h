/* SPDX-License-Identifier: Apache-2.0
 *
 * The page that shows one or more benchmarks: one HTML file that needs nothing else. Internal. */
#ifndef ZOE__BENCH_REPORT_H
#define ZOE__BENCH_REPORT_H

#include <stdio.h>

#include <jansson.h>

#include "core/core.h"

/* One device of one document: what a colour stands for. */
typedef struct zoe__series {
    const json_t *document;
    const char *device; /* in document */
    char label[96];     /* the device, with the file's number where several have it */
    size_t file;
    json_t *comparison; /* with the base (zoe__compare()); NULL: the base itself, or nothing in common */
} zoe__series;

typedef struct zoe__report {
    zoe_context *context;
    json_t *const *documents;
    const char *const *names; /* of the files */
    size_t document_count;
    zoe__series *series;
    size_t series_count, base;
} zoe__report;

/* base: "DEVICE" or NULL (the first). ZOE_USAGE: no such device. */
zoe_status zoe__report_new(zoe__report *report, zoe_context *context, json_t *const *documents,
                           const char *const *names, size_t count, const char *base);
void zoe__report_free(zoe__report *report);

zoe_status zoe__report_html(const zoe__report *report, char **out);

/* The row of a series with that id; NULL: none. */
const json_t *zoe__series_row(const zoe__series *series, const char *id);
const char *zoe__series_colour(size_t index);

/* Text as HTML and XML have it. */
void zoe__html_text(FILE *out, const char *text);

/* report_plots.c: pictures in SVG; nothing where there is nothing to show. */
void zoe__plot_ranking(FILE *out, const zoe__report *report);
void zoe__plot_bars(FILE *out, const zoe__report *report);
void zoe__plot_roofline(FILE *out, const zoe__report *report);
void zoe__plot_ratios(FILE *out, const zoe__report *report);

#endif
