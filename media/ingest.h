/* SPDX-License-Identifier: Apache-2.0
 *
 * One file in, one record and one data file out. Internal. */
#ifndef ZOE_MEDIA_INGEST_H
#define ZOE_MEDIA_INGEST_H

#include "media/record.h"
#include "media/source.h"

/* The first bytes of a data file. */
#define ZOE__DATA_MAGIC "ZOEPKT1\n"

/* Reads and decodes the opened source once, writes the packets to data_path and fills the record (to be cleared also
 * after a failure). ZOE_DATA, ZOE_TIME: this file is unusable; ZOE_DISK: data_path cannot be written. */
zoe_status zoe__ingest(zoe_context *context, zoe__source *source, const zoe_media_limits *limits, const char *data_path,
                       zoe__record *record);

#endif
