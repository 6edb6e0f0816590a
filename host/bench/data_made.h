/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench data` without clips: rows of clips that it makes itself. A kind of rows is one file: data_decode.c (frames by
 * codec, size, threads and order), data_sound.c (sound by codec, threads and order), data_augment.c (what makes samples
 * of frames and sound). data_made.c runs them in fresh processes and tells what they found. Internal. */
#ifndef ZOE__DATA_MADE_H
#define ZOE__DATA_MADE_H

#include <pthread.h>

#include <zoe/media.h>

#include "bench/bench.h"
#include "core/philox.h"

/* All of it; in a process that was told --here, the measuring of the pack that it was given. */
zoe_status zoe__data_made(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out);

/* "libavcodec 59.37.100" */
json_t *zoe__libav_version(void);

double zoe__bench_cpu_seconds(void); /* of this process, all threads together */

/* The entry of "devices" for what runs on processors alone; threads: at most. */
json_t *zoe__bench_processor(const json_t *libav, int threads);

/* ---- making clips, in the process that was asked ---- */

typedef struct zoe__made_clips {
    zoe_context *context;
    const zoe_options *options;
    const char *folder;
    json_t *skipped;     /* what cannot be made, with its reason */
    size_t wanted;       /* clips, or rows that need none, that were asked for */
    const char *path[4]; /* folders below `folder` for the pack, by their last name */
    size_t paths;
} zoe__made_clips;

/* The threads of the larger of two rows. */
int zoe__made_threads(const zoe_options *options);

/* Was the row asked for (--cases)? */
bool zoe__made_wants(const zoe_options *options, const char *id);

/* Makes the folder `name` (a constant) below the others, once, and puts it into the pack. path: where it is. */
zoe_status zoe__made_folder(zoe__made_clips *clips, const char *name, char *path, size_t size);

/* A file as a whole or not at all. */
zoe_status zoe__made_file(zoe_context *context, const char *path, const void *bytes, size_t size);

/* A clip that FFmpeg cannot encode (ZOE_UNSUPPORTED) is left out with its reason; what else went wrong is returned. */
zoe_status zoe__made_skip(zoe__made_clips *clips, const char *id, zoe_status status);

/* ---- measuring, in a fresh process ---- */

enum { ZOE__MADE_THREADS = 64 };

typedef struct zoe__made_thread {
    pthread_t thread;
    int number;
    zoe_context *context;
    zoe_reader *reader; /* NULL: there is no pack */
    zoe__random random; /* begun anew for each row */
    const struct zoe__made_row *row;
    zoe_status status;
} zoe__made_thread;

typedef struct zoe__made {
    zoe_context *context;
    const zoe_options *options;
    const char *pack_path; /* beside it there is room for files of ours */
    zoe_pack *pack;        /* NULL: no row needs clips */
    int threads;           /* that there are */
    zoe__made_thread thread[ZOE__MADE_THREADS];
    json_t *cases;
} zoe__made;

typedef struct zoe__made_row {
    const char *id, *algorithm;
    int threads;
    uint32_t stream; /* of the threads' random numbers */
    double amount;   /* frames, seconds of sound or samples that one call of `work` gives */
    zoe_status (*work)(zoe__made_thread *thread, void *user);
    void *user;
} zoe__made_row;

/* Times of a row, ns of the unit of its amount. */
typedef struct zoe__made_times {
    json_t *wall, *cpu;
} zoe__made_times;

/* Takes samples until the time of a row is over: in each sample every thread does its work once. The first one is not
 * counted. zoe__made_add() takes the times, whatever came out. */
zoe_status zoe__made_run(zoe__made *made, const zoe__made_row *row, zoe__made_times *times);

/* Adds the row. hash: of what came out, equal in all processes; "" where nothing is compared. */
void zoe__made_add(zoe__made *made, const zoe__made_row *row, zoe__made_times *times, bool right, const char *hash);

/* The status of something that a thread did, with its text as ours. */
zoe_status zoe__made_from(zoe__made *made, const zoe__made_thread *thread, zoe_status status);

/* What is wrong with the data (ZOE_DATA) is told by the row, not by the end of everything: *right becomes false. */
zoe_status zoe__made_forgive(zoe__made *made, zoe_status status, bool *right);

/* The clip of the pack whose path ends so ("/sounds/flac.mka", below the folder of all); *found false: it was not made.
 * ZOE_DATA: it was, but the pack has it not. */
zoe_status zoe__made_find(const zoe__made *made, const char *end, size_t *clip, bool *found);

/* ---- kinds of rows ---- */

typedef struct zoe__made_kind {
    const char *start; /* of its ids: "data decode " */
    const char *unit;  /* "frames/s" */
    const char *key;   /* in --json: "frames_per_s" */
    const char *each;  /* "frame" */
    zoe_status (*prepare)(zoe__made_clips *clips);
    zoe_status (*measure)(zoe__made *made);
} zoe__made_kind;

extern const zoe__made_kind zoe__made_decode, zoe__made_sound, zoe__made_augment;

#endif
