/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench data` without clips: decoding by codec, size, threads and order, of clips that it makes itself. Internal. */
#ifndef ZOE__DATA_DECODE_H
#define ZOE__DATA_DECODE_H

#include "bench/bench.h"

/* All of it; in a process that was told --here, the measuring of the pack that it was given. */
zoe_status zoe__data_decode(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out);

/* "libavcodec 59.37.100" */
json_t *zoe__libav_version(void);

/* The entry of "devices" for what runs on processors alone; threads: at most. */
json_t *zoe__bench_processor(const json_t *libav, int threads);

#endif
