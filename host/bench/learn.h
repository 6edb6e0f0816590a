/* SPDX-License-Identifier: Apache-2.0
 *
 * What suites share that train on clips of a synthetic world. Internal. */
#ifndef ZOE__BENCH_LEARN_H
#define ZOE__BENCH_LEARN_H

#include "bench/bench.h"

/* Makes so many clips of a world (seed 5) and their pack in folder, each in a process of its own (--limit). pack: its
 * path. */
zoe_status zoe__bench_world(zoe_context *context, const zoe_bench_call *call, const char *world, long long clips,
                            const char *folder, char *pack, size_t size);

/* What was said about the device and its algorithms goes on to a training and what is asked of it. */
zoe_status zoe__bench_pass_on(const zoe_options *from, zoe_options *to);

zoe_status zoe__bench_set_int(zoe_options *to, const char *name, long long value);

/* The device of the options as in a file's "devices"; NULL with a text: it cannot be opened. */
json_t *zoe__bench_look_at_device(zoe_context *context, const zoe_options *options);

/* ---- train_files.c: `bench train --task`; in a process that was told --here on the pack that it was given ---- */
zoe_status zoe__train_files(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out);

#endif
