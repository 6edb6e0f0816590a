/* SPDX-License-Identifier: Apache-2.0
 *
 * What indexing and reading share, so that both decode alike. Internal.
 *
 * Packets go in with their ordinal in the place of a time stamp: the frame that comes out with pts n came from packet
 * n, whatever the container's times say. */
#ifndef ZOE_MEDIA_DECODER_H
#define ZOE_MEDIA_DECODER_H

#include "media/record.h"

/* Side data that decoding needs; its index here is its kind in a data file: {u32 kind, u32 bytes, bytes...}. */
enum { ZOE__SIDE_KINDS = 3 };
extern const enum AVPacketSideDataType zoe__side_kinds[ZOE__SIDE_KINDS];

/* Opens a decoder with one thread. vectors: export motion vectors. max_pixels: 0 = FFmpeg's own limit. */
zoe_status zoe__decoder_open(zoe_context *context, AVCodecContext **out, const AVCodecParameters *par, bool vectors,
                             int64_t max_pixels, const char *name);

/* Reads packet `ordinal` of the data file behind fd into packet, side data too. */
zoe_status zoe__packet_load(zoe_context *context, AVPacket *packet, const zoe__record *record, size_t ordinal, int fd,
                            const char *name);

/* Gives the packet the time stamp and flags under which it is decoded. */
void zoe__packet_dress(AVPacket *packet, size_t ordinal, uint8_t flags);

/* 64 bits over the visible part of all planes. */
uint64_t zoe__hash_frame(const AVFrame *frame);

#endif
