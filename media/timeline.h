/* SPDX-License-Identifier: Apache-2.0
 *
 * What indexing notes of each packet and frame, and the timeline made from it. Internal. */
#ifndef ZOE_MEDIA_TIMELINE_H
#define ZOE_MEDIA_TIMELINE_H

#include "media/measure.h"
#include "media/record.h"

typedef struct zoe__seen_packet {
    int64_t pts, dts, duration; /* in units of the stream's time base */
    int temporal;               /* HEVC's temporal id, else -1 */
    bool hidden;                /* before the start of an edit list: decoded, not shown */
    bool bad;                   /* the decoder or the container complained */
    bool key_frame;             /* a frame came out of it that is a key frame to the decoder too */
    uint16_t outputs;           /* frames that came out of it, hidden ones too */
} zoe__seen_packet;

typedef struct zoe__seen_frame {
    uint32_t packet;
    uint8_t nth;
    uint64_t hash;
    float difference;
    zoe__vectors vectors;
} zoe__seen_frame;

/* What the container says of a stream's times. */
typedef struct zoe__stream_clock {
    double unit;   /* s, of a packet's times */
    double rate;   /* frames a second, where there are no times */
    int64_t start; /* of the first frame, in units; AV_NOPTS_VALUE: it does not say */
} zoe__stream_clock;

/* From what was seen to the record's frames: times, motion, taints, and the final flags of its packets. area: of a
 * frame, pixels. */
zoe_status zoe__timeline_build(zoe_context *context, zoe__record *record, zoe__seen_packet *packets,
                               const zoe__seen_frame *frames, const zoe__stream_clock *clock, double area);

#endif
