/* SPDX-License-Identifier: Apache-2.0
 *
 * An untrusted file, opened so that FFmpeg sees bytes and nothing else: a regular file by descriptor, container formats
 * from a list, no other file or address, a deadline. Internal. */
#ifndef ZOE_MEDIA_SOURCE_H
#define ZOE_MEDIA_SOURCE_H

#include <core/core.h>
#include <zoe/media.h>

#include <libavformat/avformat.h>

typedef struct zoe__source {
    const char *path; /* borrowed */
    int fd;
    int64_t size, mtime_ns;
    double deadline; /* zoe__seconds() after which reading ends */
    char sha256[65];
    AVIOContext *io;
    AVFormatContext *format;
    int stream;       /* of pictures; -1: none. Streams that were not chosen are discarded */
    int sound_stream; /* -1: none */
    bool still;       /* set before demuxing: still pictures are taken, and only they */
} zoe__source;

/* Once a process: FFmpeg's log goes nowhere. */
void zoe__media_quiet(void);

/* Opens and checks the file: regular, not empty, within limits->max_file_bytes. Clear with zoe__source_close(). */
zoe_status zoe__source_open(zoe_context *context, zoe__source *source, const char *path,
                            const zoe_media_limits *limits);

/* SHA-256 of all bytes into source->sha256. */
zoe_status zoe__source_digest(zoe_context *context, zoe__source *source);

/* Opens the container and chooses the streams as the ffmpeg program does. ZOE_DATA: FFmpeg cannot open it, or finds
 * neither pictures nor sound. */
zoe_status zoe__source_demux(zoe_context *context, zoe__source *source, const zoe_media_limits *limits);

/* ZOE_TIME past the deadline. */
zoe_status zoe__source_check_time(zoe_context *context, const zoe__source *source, const zoe_media_limits *limits);

void zoe__source_close(zoe__source *source);

#endif
