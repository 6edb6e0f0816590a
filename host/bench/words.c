/* SPDX-License-Identifier: Apache-2.0
 *
 * What `zoe bench` can be told besides the suites, generated from host/bench/CMakeLists.txt. */
#include <string.h>

#include "bench/bench.h"
#include "core/suggest.h"

#define X(name) extern const zoe_bench_suite zoe__bench_word_##name;
#include "zoe_bench_words.inc"
#undef X

static const zoe_bench_suite *const words[] = {
#define X(name) &zoe__bench_word_##name,
#include "zoe_bench_words.inc"
#undef X
};

const zoe_bench_suite *zoe__bench_word_at(size_t index)
{
    return index < sizeof words / sizeof *words ? words[index] : NULL;
}

const zoe_bench_suite *zoe__bench_find(zoe_context *context, const char *name)
{
    zoe__suggestion nearest = zoe__suggest_start(name);
    for (size_t i = 0; zoe_bench_suite_at(i); i++) {
        if (!strcmp(zoe_bench_suite_at(i)->name, name)) return zoe_bench_suite_at(i);
        zoe__suggest_try(&nearest, zoe_bench_suite_at(i)->name);
    }
    for (size_t i = 0; zoe__bench_word_at(i); i++) {
        if (!strcmp(words[i]->name, name)) return words[i];
        zoe__suggest_try(&nearest, words[i]->name);
    }
    zoe__fail(context, ZOE_USAGE, "unknown suite '%s'%s", name,
              nearest.best ? zoe__suggest_text(&nearest) : "; `zoe bench list` shows them");
    return NULL;
}
