/* SPDX-License-Identifier: Apache-2.0 */
#include "media/timeline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fault marks. A fault lasts until the next good key packet. Pictures that follow a key packet but are shown before it
 * lean on what came before the key as well. */
static zoe_status mark_taints(zoe_context *context, zoe__record *record, const zoe__seen_packet *packets)
{
    uint8_t *taint; /* per packet: 1 = tainted, 2 = the group before was */
    int64_t *rank;
    ZOE_TRY(zoe__calloc(context, &taint, record->packets, 1));
    const zoe_status status = zoe__calloc(context, &rank, record->packets, sizeof *rank);
    if (status != ZOE_OK) {
        free(taint);
        return status;
    }
    for (size_t i = 0; i < record->packets; i++) rank[i] = -1;
    for (size_t i = record->frames; i-- > 0;) rank[record->frame_packet[i]] = (int64_t)i;
    bool bad = record->packets && !(record->packet[0].flags & ZOE__PACKET_KEY), bad_before = false;
    int64_t key_rank = -1;
    for (size_t i = 0; i < record->packets; i++) {
        if (record->packet[i].flags & ZOE__PACKET_KEY) {
            bad_before = bad;
            bad = false;
            key_rank = rank[i];
        }
        bad = bad || packets[i].bad;
        taint[i] = bad || (bad_before && rank[i] < key_rank);
    }
    record->clean = 0;
    for (size_t i = 0; i < record->frames; i++) {
        record->tainted[i] = taint[record->frame_packet[i]];
        record->clean += !record->tainted[i];
    }
    free(taint);
    free(rank);
    return ZOE_OK;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Raw times, s: presentation times where every frame has one; else, as in AVI and MPEG-PS, the sorted decoding times,
 * moved to the stream's start as the container tells it; else the rank. */
static void raw_times(zoe__record *record, const zoe__seen_packet *packets, const zoe__stream_clock *clock)
{
    bool all_pts = true, all_dts = true;
    const double unit = clock->unit;
    for (size_t i = 0; i < record->frames; i++) {
        const zoe__seen_packet *p = &packets[record->frame_packet[i]];
        all_pts = all_pts && p->pts != AV_NOPTS_VALUE;
        all_dts = all_dts && p->dts != AV_NOPTS_VALUE;
    }
    for (size_t i = 0; i < record->frames; i++) {
        const zoe__seen_packet *p = &packets[record->frame_packet[i]];
        record->times[i] = all_pts ? (double)p->pts * unit : all_dts ? (double)p->dts * unit : (double)i / clock->rate;
    }
    if (all_pts || !all_dts) return;
    qsort(record->times, record->frames, sizeof *record->times, by_value);
    const double shift = clock->start == AV_NOPTS_VALUE ? 0 : (double)clock->start * unit - record->times[0];
    for (size_t i = 0; i < record->frames; i++) record->times[i] += shift;
}

/* Times never run back. A small disorder (a decoder that learnt the delay late) is sorted; a large one is a new clock,
 * as in joined transport streams, and goes on from the old one. */
static void straighten(double *times, size_t n, double step)
{
    double worst = 0;
    for (size_t i = 1; i < n; i++) worst = fmax(worst, times[i - 1] - times[i]);
    if (worst > 0 && worst < 1.0) qsort(times, n, sizeof *times, by_value);
    if (worst < 1.0) return;
    double shift = 0, raw_before = n ? times[0] : 0;
    for (size_t i = 1; i < n; i++) {
        const double raw = times[i];
        if (raw < raw_before) shift += raw_before - raw + step;
        raw_before = raw;
        times[i] = raw + shift;
    }
}

static void set_times(zoe__record *record, const zoe__seen_packet *packets, const zoe__stream_clock *clock)
{
    const size_t n = record->frames;
    const double unit = clock->unit, rate = clock->rate;
    raw_times(record, packets, clock);
    straighten(record->times, n, 1 / rate);
    record->start = record->times[0];
    for (size_t i = 0; i < n; i++) record->times[i] -= record->start;
    const double last = record->times[n - 1];
    record->fps = n > 1 && last > 0 ? (double)(n - 1) / last : rate;
    const double shown = (double)packets[record->frame_packet[n - 1]].duration * unit; /* of the last frame */
    record->seconds = last + (shown > 0 && shown < 10 / record->fps ? shown : 1 / record->fps);
}

/* HEVC: only the highest temporal layer is certainly unused by others. */
static void settle_nonref(zoe__record *record, const zoe__seen_packet *packets)
{
    int top = -1;
    for (size_t i = 0; i < record->packets; i++)
        if (packets[i].temporal > top) top = packets[i].temporal;
    for (size_t i = 0; i < record->packets; i++)
        if (packets[i].temporal < top) record->packet[i].flags &= (uint8_t)~ZOE__PACKET_NONREF;
}

static zoe_status set_motion(zoe_context *context, zoe__record *record, const zoe__seen_frame *frames, double area)
{
    const size_t n = record->frames;
    for (size_t i = 0; i < n; i++) record->vectors = record->vectors || frames[i].vectors.any;
    for (size_t i = 0; i < n; i++) record->difference[i] = i ? frames[i].difference : 0;
    if (!record->vectors) {
        memcpy(record->motion, record->difference, n * sizeof *record->motion);
        return ZOE_OK;
    }
    zoe_status status = ZOE_OK;
    uint8_t *reference = NULL, *unknown = NULL;
    zoe__vectors *vectors = NULL;
    ZOE_TRY_OUT(zoe__calloc(context, &reference, n, 1));
    ZOE_TRY_OUT(zoe__calloc(context, &unknown, n, 1));
    ZOE_TRY_OUT(zoe__calloc(context, &vectors, n, sizeof *vectors));
    for (size_t i = 0; i < n; i++) {
        reference[i] = !(record->packet[frames[i].packet].flags & ZOE__PACKET_NONREF);
        vectors[i] = frames[i].vectors;
    }
    zoe__measure_motion(vectors, reference, unknown, n, area, record->motion);
out:
    free(reference);
    free(unknown);
    free(vectors);
    return status;
}

zoe_status zoe__timeline_build(zoe_context *context, zoe__record *record, zoe__seen_packet *packets,
                               const zoe__seen_frame *frames, const zoe__stream_clock *clock, double area)
{
    ZOE_TRY(zoe__record_frames(context, record));
    size_t silent = 0;
    for (size_t i = 0; i < record->packets; i++) {
        if (!packets[i].key_frame) record->packet[i].flags &= (uint8_t)~ZOE__PACKET_KEY;
        silent += packets[i].outputs != 1;
    }
    record->may_skip =
        silent <= record->packets / 8; /* with a packet a field, a picture is not left out by one packet */
    settle_nonref(record, packets);
    for (size_t i = 0; i < record->frames; i++) {
        record->frame_packet[i] = frames[i].packet;
        record->frame_nth[i] = frames[i].nth;
        record->hash[i] = frames[i].hash;
    }
    ZOE_TRY(mark_taints(context, record, packets));
    set_times(record, packets, clock);
    return set_motion(context, record, frames, area);
}
