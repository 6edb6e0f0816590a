/* SPDX-License-Identifier: Apache-2.0
 *
 * One case on a device against the definition. Internal. */
#ifndef ZOE__SELFTEST_RUN_H
#define ZOE__SELFTEST_RUN_H

#include "selftest/cases.h"
#include "selftest/trust.h"

/* Of one variant in one case. */
typedef struct zoe__verdict {
    char variant[ZOE__VARIANT];
    char parameters[192]; /* shape, algorithm's parameters, lanes, and what is wrong */
    bool good, checked;   /* not checked: what it starts from was wrong already */
    double nmse;
} zoe__verdict;

enum { ZOE__VERDICTS = 4 };

/* The variants of a case, one by one in rounds: round 0 is the choice without tuning, others are further candidates for
 * algorithms (all parameters with full). count 0: no such round, or the case is not one node on this device. With run
 * the case is executed three times and judged; expected: what zoe__expected_new() made of it. */
typedef struct zoe__expected zoe__expected;
zoe_status zoe__selftest_case(zoe_device *device, const zoe__case *test, size_t round, bool full, bool run,
                              const zoe__expected *expected, zoe__verdict verdict[ZOE__VERDICTS], size_t *count,
                              bool *last);

/* The case by its definition, on the host device. */
zoe_status zoe__expected_new(zoe__expected **out, zoe_context *context, const zoe__case *test, bool half);
void zoe__expected_free(zoe__expected **expected);

#endif
