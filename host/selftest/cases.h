/* SPDX-License-Identifier: Apache-2.0
 *
 * What the self-test runs: small graphs with one op each (or what fusion makes one of). A new op gets a row in cases.c;
 * a test finds ops without one. Internal. */
#ifndef ZOE__SELFTEST_CASES_H
#define ZOE__SELFTEST_CASES_H

#include "graph/graph.h"

enum { ZOE__CASE_INPUTS = 3 };

/* What an input is filled with; F32 inputs get numbers of a stream. */
typedef enum zoe__fill {
    ZOE__FILL_NUMBERS,
    ZOE__FILL_LABELS,
    ZOE__FILL_BYTES,
    ZOE__FILL_TABLE,
    ZOE__FILL_GAINS
} zoe__fill;

typedef struct zoe__case {
    const char *name; /* unique; part of a repro */
    zoe_value (*build)(zoe_graph *graph, const zoe_value *x, const int *number);
    int number[8]; /* for build */
    zoe_shape x[ZOE__CASE_INPUTS];
    zoe__fill fill[ZOE__CASE_INPUTS];
    const char *optimizer; /* also an update by it; NULL */
    bool quick;            /* in the quick version too */
    bool halo;             /* zeros are wanted around the output, and looked at */
    bool first;            /* as where a network begins: no gradient of x, few channels as they are */
} zoe__case;

extern const zoe__case zoe__cases[];
extern const size_t zoe__case_count;

static inline int zoe__case_inputs(const zoe__case *c)
{
    int count = 0;
    while (count < ZOE__CASE_INPUTS && c->x[count].n) count++;
    return count;
}

#endif
