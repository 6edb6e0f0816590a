/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of suites, generated from host/bench/CMakeLists.txt. */
#include <stdlib.h>
#include <string.h>

#include <zoe/bench.h>

#include "core/core.h"
#include "core/suggest.h"

#define X(name) extern const zoe_bench_suite zoe__suite_##name;
#include "zoe_suites.inc"
#undef X

static const zoe_bench_suite *const suites[] = {
#define X(name) &zoe__suite_##name,
#include "zoe_suites.inc"
#undef X
};

const zoe_bench_suite *zoe_bench_suite_at(size_t index)
{
    return index < sizeof suites / sizeof *suites ? suites[index] : NULL;
}

const zoe_bench_suite *zoe_bench_suite_find(zoe_context *context, const char *name)
{
    zoe__suggestion nearest = zoe__suggest_start(name);
    for (size_t i = 0; zoe_bench_suite_at(i); i++) {
        if (!strcmp(zoe_bench_suite_at(i)->name, name)) return zoe_bench_suite_at(i);
        zoe__suggest_try(&nearest, zoe_bench_suite_at(i)->name);
    }
    zoe__fail(context, ZOE_USAGE, "unknown suite '%s'%s", name,
              nearest.best ? zoe__suggest_text(&nearest) : "; `zoe bench --help` lists them");
    return NULL;
}

void zoe_bench_report_free(zoe_bench_report *report)
{
    free(report->json);
    free(report->text);
    *report = (zoe_bench_report){0};
}
