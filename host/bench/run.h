/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the cases of a suite on one or more devices, each in fresh processes, and keeps what they found. Internal. */
#ifndef ZOE__BENCH_RUN_H
#define ZOE__BENCH_RUN_H

#include "bench/bench.h"
#include "bench/record.h"

typedef struct zoe__bench_list {
    const char *suite, *suite_id; /* figures of different suite_ids are not compared */
    const char *const *ids;       /* ended by NULL */
    int least, most;              /* processes of a case; between them, until the interval is `goal` narrow */
    double seconds, warm;         /* of measuring and of warming up in a process */
    double case_seconds;          /* no further process that would pass it; without compilation */
    double goal;                  /* half a 95 % interval over the median; 0: none */
    double host_flops;            /* larger cases are left out on the device 'host' */
    int places;                   /* numbers of a result that are compared with the definition */
} zoe__bench_list;

/* The lists that there are, in the order of their length; NULL past the end. */
const zoe__bench_list *zoe__bench_list_at(size_t index);
zoe_status zoe__bench_list_find(zoe_context *context, const char *suite, const zoe__bench_list **out);

enum { ZOE__MOST_DEVICES = 8 };

/* On what: words that zoe_device_open() takes, NULL for the first device. same: all stand for one device, which is
 * measured as if it were several; the ids of the later ones end in " again". */
typedef struct zoe__bench_devices {
    const char *asked[ZOE__MOST_DEVICES];
    size_t count;
    bool same;
} zoe__bench_devices;

/* Options: ZOE__RUN_OPTIONS. *document: what was found (also after ZOE_WRONG and ZOE_DEVICE), the caller's; with -o it
 * is in the file as well, case by case. With several devices their processes take turns: A B B A. */
zoe_status zoe__bench_run(zoe_context *context, const zoe_bench_call *call, const zoe__bench_list *list,
                          const zoe__bench_devices *devices, json_t **document);

/* The same on the devices of the options, and both texts of a report. */
zoe_status zoe__bench_run_suite(zoe_context *context, const zoe_bench_call *call, const zoe__bench_list *list,
                                zoe_bench_report *out);

/* clang-format off */
#define ZOE__RUN_OPTIONS                                                                                               \
    {.name = "device", .letter = 'd', .type = ZOE_OPTION_LIST, .value = "DEVICE", .flags = ZOE_OPTION_REPEAT,          \
     .help = "id or part of a name from `zoe devices`; several (-d A -d B) take turns; none: the first of them"},      \
    {.name = "out", .letter = 'o', .type = ZOE_OPTION_TEXT, .value = "FILE.json",                                      \
     .help = "file that gets each case as soon as it is finished"},                                                    \
    {.name = "strict", .type = ZOE_OPTION_FLAG,                                                                        \
     .help = "refuse where the machine is busy or throttled; leave out what was not tuned"},                           \
    {.name = "limit", .type = ZOE_OPTION_SECONDS, .low = 1, .high = 1e6, .fallback = "10m",                            \
     .help = "for a process with its compilation; a longer one is given up"},                                          \
    {.name = "processes", .type = ZOE_OPTION_INT, .low = 1, .high = 100, .value = "P", .unit = "processes",            \
     .help = "fresh processes of each case; none: the suite's"},                                                       \
    {.name = "seconds", .type = ZOE_OPTION_SECONDS, .low = 0.001, .high = 1e5,                                         \
     .help = "of measuring in each process; none: the suite's"},                                                       \
    {.name = "cases", .type = ZOE_OPTION_TEXT, .value = "TEXT",                                                        \
     .help = "only cases with this text in their id"},                                                                 \
    ZOE__OPTION_FAMILY, ZOE__OPTION_STORAGE, ZOE__OPTION_CONV, ZOE__OPTION_LINEAR, ZOE__OPTION_EXACT, ZOE__OPTION_MAX_MEMORY,               \
    ZOE__OPTION_NO_TUNING

/* For words that run a list of cases that is not in their name. */
#define ZOE__LIST_OPTION                                                                                               \
    {.name = "list", .type = ZOE_OPTION_TEXT, .value = "SUITE", .fallback = "quick",                                   \
     .help = "whose cases: quick, roof, gemm, standard or full"}
/* clang-format on */

/* ---- row.c ---- */

/* What a device does at most, as far as cases "roof .." were measured. */
typedef struct zoe__roof {
    double fma; /* FLOP/s; 0: not known */
    struct {
        double bytes, speed; /* of an array; bytes/s */
    } memory[20];
    size_t count;
} zoe__roof;
void zoe__roof_add(zoe__roof *roof, const json_t *row);

/* A row of schema 1 of what the processes of a case printed. *ok false: it is WRONG. */
zoe_status zoe__bench_row(zoe_context *context, json_t *const *processes, size_t count, const char *device,
                          const zoe__roof *roof, json_t **row, bool *ok);

/* Half of a row's 95 % interval over its median; INFINITY where it has none. */
double zoe__bench_spread(const json_t *row);

#endif
