/* SPDX-License-Identifier: Apache-2.0
 *
 * Which packets no other picture needs, told from the bitstream. Internal. */
#ifndef ZOE_MEDIA_NONREF_H
#define ZOE_MEDIA_NONREF_H

#include <libavcodec/codec_id.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the picture in data[size] is certainly not referred to. H.264: every slice has nal_ref_idc 0; HEVC: every
 * slice is of a sub-layer non-reference type in layer 0 with temporal id 0..6 written to *temporal (the caller keeps
 * those of the highest id only); MPEG-1/2/4: a B picture. extradata tells length-prefixed from start-code streams.
 * *temporal = -1 where the codec has none. */
bool zoe__packet_nonref(enum AVCodecID codec, const uint8_t *extradata, size_t extradata_size, const uint8_t *data,
                        size_t size, int *temporal);

#endif
