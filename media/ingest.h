/* SPDX-License-Identifier: Apache-2.0
 *
 * One file in; a record, a data file and a file of sound out. Internal. */
#ifndef ZOE_MEDIA_INGEST_H
#define ZOE_MEDIA_INGEST_H

#include "media/record.h"
#include "media/sound.h"
#include "media/source.h"

/* The first bytes of a data file. */
#define ZOE__DATA_MAGIC "ZOEPKT1\n"

/* What becomes of a file, and where it is written. */
typedef struct zoe__ingested {
    const char *data_path, *pcm_path; /* borrowed; written where there are pictures, sound */
    int rate;                         /* of the sound */
    bool still;                       /* a still picture is wanted */
    zoe__record record;               /* frames = 0: no pictures */
    zoe__sound sound;
} zoe__ingested;

/* Reads and decodes the opened source once, writes packets and sound and fills record and sound (clear the record also
 * after a failure). ZOE_DATA, ZOE_TIME: this file is unusable; ZOE_DISK: a file cannot be written. Sound that cannot be
 * used is no failure where there are pictures. */
zoe_status zoe__ingest(zoe_context *context, zoe__source *source, const zoe_media_limits *limits, zoe__ingested *out);

#endif
