/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of one clip: everything a reader needs besides the packets' bytes. Internal.
 *
 * Two orders live here. *Packets* stand in decode order, as the file holds them. *Frames* stand in display order: frame
 * i (its rank) is what a player shows i-th; frame_packet[i] says which packet it came from. Packets whose frames a
 * player does not show (before the start of an edit list, undecodable ones) have no frame. */
#ifndef ZOE_MEDIA_RECORD_H
#define ZOE_MEDIA_RECORD_H

#include <core/core.h>

#include <libavcodec/avcodec.h>

enum {
    ZOE__PACKET_KEY = 1,        /* decoding may start here */
    ZOE__PACKET_NONREF = 2,     /* no other picture needs it */
    ZOE__PACKET_CORRUPT = 4,    /* the container said so */
    ZOE__PACKET_EXTRADATA = 8,  /* its side data changes the decoder's extradata */
    ZOE__PACKET_DISPOSABLE = 16 /* the container's own mark, handed on to the decoder */
};

enum { ZOE__TRANSPOSE = 1, ZOE__HFLIP = 2, ZOE__VFLIP = 4 }; /* orientation: transpose first, flips after */

typedef struct zoe__packet {
    uint64_t offset; /* of its payload in the data file; the side data follows the payload */
    uint32_t size;   /* bytes of payload */
    uint32_t side;   /* bytes of side data: {u32 kind, u32 bytes, bytes...} */
    uint8_t flags;   /* ZOE__PACKET_* */
} zoe__packet;

typedef struct zoe__record {
    AVCodecParameters *par;     /* for the decoder */
    int orientation;            /* ZOE__TRANSPOSE | ... */
    int width, height;          /* as shown, of the first frame */
    int clean;                  /* frames without a taint */
    bool vectors;               /* motion comes from codec vectors */
    bool may_skip;              /* one frame a packet: packets nobody needs may be left out */
    double fps, seconds, start; /* start: time of the first shown frame on the file's clock, s */
    uint64_t data_bytes;        /* size of the data file */

    size_t packets;
    zoe__packet *packet;
    size_t packet_capacity;

    size_t frames; /* the arrays below have this length */
    uint32_t *frame_packet;
    uint8_t *frame_nth; /* 0, or n for the n-th further frame that came from one packet */
    uint64_t *hash;     /* of the decoded picture, zoe__hash_frame() */
    double *times;      /* s from the first shown frame */
    float *motion, *difference;
    uint8_t *tainted;
} zoe__record;

/* Allocates the per-frame arrays for record->frames (all zero). */
zoe_status zoe__record_frames(zoe_context *context, zoe__record *record);

void zoe__record_clear(zoe__record *record);

/* To bytes and back; *out is to be freed. The reader of bytes trusts nothing: ZOE_DATA when they are not a record, and
 * every index in the result is in range. `name` is for the message. */
zoe_status zoe__record_write(zoe_context *context, const zoe__record *record, uint8_t **out, size_t *size);
zoe_status zoe__record_read(zoe_context *context, zoe__record *record, const uint8_t *bytes, size_t size,
                            const char *name);

#endif
