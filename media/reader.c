/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames by rank. A *run* of the decoder starts at a key packet and is fed packet by packet; frames come out in display
 * order. A target goes on in the current run where that is no loss, else a new run starts at the last key packet from
 * which the target can be decoded.
 *
 * Starting in the middle is exact for healthy streams, and streams are not all healthy. Each frame's picture was hashed
 * when it was indexed, so every frame is checked here, and when it differs it is sought again with more caution:
 *   0  nearest key packet, pictures that nobody needs left out
 *   1  the same key packet, a new decoder, nothing left out
 *   2  from two key packets earlier
 *   3  from the first packet: what indexing did
 * What a frame needed is remembered in the pack. A frame that still differs at 3 comes from another FFmpeg or from
 * damage that decodes differently each time; it is taken as it is. */
#include "media/decoder.h"
#include "media/pack.h"
#include "media/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CAUTION = 3, OVERSHOOT = 16 };

/* State of each packet within the run. */
enum { NOT_SENT, SENT, GONE };

struct zoe_reader {
    zoe_context *context;
    zoe_pack *pack;
    zoe__pack_clip *clip; /* NULL: none is open */
    int fd;
    AVCodecContext *decoder;
    const AVCodecParameters *opened; /* what the decoder was opened with: the pack's */
    AVPacket *packet;
    AVFrame *frame;
    zoe__scaler *scaler;

    uint8_t *state; /* [packets] */
    size_t state_capacity;
    size_t run_start, next; /* first packet of the run; next to send */
    bool running, ended;    /* ended: the decoder was told that no more comes */
    bool drained;           /* it was told so before the last packet: this run has nothing more to give */
    bool sparse;            /* the run leaves out pictures that nobody asked for */
    size_t last_packet;     /* whose frame came out last, and how many did */
    int nth;

    uint8_t *wanted; /* [packets]: 1 = a frame of this packet is asked for */
    size_t wanted_capacity;
    int *order; /* positions in the request by rank */
    size_t order_capacity;
    int last_rank; /* of the last request; -1 */

    const zoe__pack_clip *heard; /* whose file of sound is open; NULL: none */
    int sound_fd;
    uint8_t *sound;
    size_t sound_capacity;
};

zoe_status zoe_reader_new(zoe_reader **out, zoe_context *context, zoe_pack *pack)
{
    *out = NULL;
    zoe_reader *r;
    ZOE_TRY(zoe__calloc(context, &r, 1, sizeof *r));
    *r = (zoe_reader){.context = context, .pack = pack, .fd = -1, .last_rank = -1, .sound_fd = -1};
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    zoe_status status = r->packet && r->frame ? ZOE_OK : zoe__fail(context, ZOE_MEMORY, "out of memory: a reader");
    if (status == ZOE_OK) status = zoe__scaler_new(&r->scaler, context);
    if (status != ZOE_OK) zoe_reader_free(&r);
    *out = r;
    return status;
}

/* The decoder stays: the next clip may be of the same kind. */
static void close_clip(zoe_reader *r)
{
    if (r->fd >= 0) close(r->fd);
    r->fd = -1;
    r->clip = NULL;
    r->running = false;
    r->last_rank = -1;
}

void zoe_reader_free(zoe_reader **reader)
{
    if (!reader || !*reader) return;
    zoe_reader *r = *reader;
    close_clip(r);
    avcodec_free_context(&r->decoder);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    zoe__scaler_free(&r->scaler);
    if (r->sound_fd >= 0) close(r->sound_fd);
    free(r->sound);
    free(r->state);
    free(r->wanted);
    free(r->order);
    free(r);
    *reader = NULL;
}

static zoe_status open_clip(zoe_reader *r, zoe__pack_clip *clip)
{
    if (r->clip == clip) return ZOE_OK;
    close_clip(r);
    char path[PATH_MAX];
    struct stat info;
    const size_t packets = clip->record.packets;
    ZOE_TRY(zoe__grow(r->context, &r->state, &r->state_capacity, packets, 1));
    ZOE_TRY(zoe__grow(r->context, &r->wanted, &r->wanted_capacity, packets, 1));
    memset(r->wanted, 0, packets);
    const bool named =
        zoe__format(path, sizeof path, "%s/data/%.2s/%s.zpk", r->pack->folder, clip->sha256, clip->sha256);
    r->fd = named ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ZOE_FAIL_IF(r->context, r->fd < 0 || fstat(r->fd, &info) < 0, ZOE_DATA, "%s: its data file in the pack: %s",
                clip->path, strerror(errno));
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size < clip->record.data_bytes) {
        close_clip(r);
        return zoe__fail(r->context, ZOE_DATA, "%s: its data file in the pack has %lld bytes, not %llu", clip->path,
                         (long long)info.st_size, (unsigned long long)clip->record.data_bytes);
    }
    r->clip = clip;
    return ZOE_OK;
}

/* The packet at which decoding must start for a frame: the last key that is shown no later than it, `back` keys
 * earlier. */
static size_t start_for(const zoe__pack_clip *clip, int rank, int back)
{
    const zoe__record *record = &clip->record;
    for (size_t p = record->frame_packet[rank] + (size_t)1; p-- > 0;) {
        if (!(record->packet[p].flags & ZOE__PACKET_KEY)) continue;
        if (clip->rank_of_packet[p] > rank) continue; /* the frame leads this key: it leans on earlier ones */
        if (back-- == 0) return p;
    }
    return 0;
}

static size_t start_at(const zoe__pack_clip *clip, int rank, int caution)
{
    return caution >= MOST_CAUTION ? 0 : start_for(clip, rank, caution == 2 ? 2 : 0);
}

/* A decoder of the one does for the other: clips of one camera or encoder are often like that, and a new decoder costs
 * as much as some frames. Sets of parameters that came later in the other clip's stream may stay in it: a picture that
 * differs from its hash is sought again with a new decoder. */
static bool same_kind(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a == b || (a->codec_id == b->codec_id && a->codec_tag == b->codec_tag && a->format == b->format &&
                      a->width == b->width && a->height == b->height && a->profile == b->profile &&
                      a->level == b->level && a->color_range == b->color_range && a->color_space == b->color_space &&
                      a->bits_per_coded_sample == b->bits_per_coded_sample && a->video_delay == b->video_delay &&
                      a->extradata_size == b->extradata_size &&
                      (!a->extradata_size || !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size)));
}

static zoe_status start_run(zoe_reader *r, size_t packet, bool sparse, bool new_decoder)
{
    const AVCodecParameters *par = r->clip->record.par;
    if (new_decoder || (r->decoder && !same_kind(r->opened, par))) avcodec_free_context(&r->decoder);
    if (r->decoder)
        avcodec_flush_buffers(r->decoder);
    else
        ZOE_TRY(zoe__decoder_open(r->context, &r->decoder, par, false, 0, r->clip->path));
    r->opened = par;
    memset(r->state, NOT_SENT, r->clip->record.packets);
    r->run_start = r->next = packet;
    r->sparse = sparse && r->clip->record.may_skip;
    r->ended = r->drained = false;
    r->running = true;
    r->last_packet = SIZE_MAX;
    return ZOE_OK;
}

/* May the target come from the run that is on? */
static bool run_serves(const zoe_reader *r, int rank, int caution)
{
    if (!r->running || r->drained || r->state[r->clip->record.frame_packet[rank]] == GONE) return false;
    if (caution > 0 && r->sparse) return false;
    const size_t start = start_at(r->clip, rank, caution);
    return r->run_start <= start && r->next >= start;
}

/* The decoder's extradata at the start of a run are those of the last packet before it that changed them. */
static zoe_status carry_extradata(zoe_reader *r)
{
    const zoe__record *record = &r->clip->record;
    if (r->next != r->run_start || record->packet[r->next].flags & ZOE__PACKET_EXTRADATA) return ZOE_OK;
    for (size_t p = r->next; p-- > 0;) {
        if (!(record->packet[p].flags & ZOE__PACKET_EXTRADATA)) continue;
        AVPacket *from = av_packet_alloc();
        ZOE_FAIL_IF(r->context, !from, ZOE_MEMORY, "out of memory: a packet");
        zoe_status status = zoe__packet_load(r->context, from, record, p, r->fd, r->clip->path);
        size_t size = 0;
        const uint8_t *data = status == ZOE_OK ? av_packet_get_side_data(from, AV_PKT_DATA_NEW_EXTRADATA, &size) : NULL;
        uint8_t *to = data ? av_packet_new_side_data(r->packet, AV_PKT_DATA_NEW_EXTRADATA, size) : NULL;
        if (to) memcpy(to, data, size);
        av_packet_free(&from);
        return status;
    }
    return ZOE_OK;
}

/* Sends the next packet that is needed, or the end. */
static zoe_status feed(zoe_reader *r)
{
    const zoe__record *record = &r->clip->record;
    while (r->sparse && r->next < record->packets && record->packet[r->next].flags & ZOE__PACKET_NONREF &&
           !r->wanted[r->next])
        r->state[r->next++] = GONE;
    if (r->next >= record->packets) {
        avcodec_send_packet(r->decoder, NULL);
        r->ended = true;
        return ZOE_OK;
    }
    ZOE_TRY(zoe__packet_load(r->context, r->packet, record, r->next, r->fd, r->clip->path));
    ZOE_TRY(carry_extradata(r));
    r->state[r->next++] = SENT;
    avcodec_send_packet(r->decoder, r->packet); /* a packet that the decoder refuses was refused at indexing too */
    av_packet_unref(r->packet);
    return ZOE_OK;
}

/* Rank of the frame in r->frame, -1 when it is not shown. Marks its packet as gone. */
static int identify(zoe_reader *r)
{
    const zoe__pack_clip *clip = r->clip;
    const zoe__record *record = &clip->record;
    if (r->frame->pts < 0 || (uint64_t)r->frame->pts >= record->packets) return -1;
    const size_t packet = (size_t)r->frame->pts;
    r->nth = packet == r->last_packet ? r->nth + 1 : 0;
    r->last_packet = packet;
    r->state[packet] = GONE;
    const int32_t first = clip->rank_of_packet[packet];
    if (first < 0) return -1;
    for (size_t i = (size_t)first; i < record->frames && i < (size_t)first + OVERSHOOT; i++)
        if (record->frame_packet[i] == packet && record->frame_nth[i] == r->nth) return (int)i;
    return -1;
}

/* Once the last frame that is asked for was sent, the decoder is told that no more comes: it gives it out at once, not
 * after the packets that it would wait for. */
static void drain(zoe_reader *r)
{
    avcodec_send_packet(r->decoder, NULL);
    r->ended = r->drained = true;
}

/* Runs the decoder until the frame of this rank is in r->frame. *found false: it does not come in this run. last: this
 * run serves no other frame after it. */
static zoe_status pull(zoe_reader *r, int rank, bool last, bool *found)
{
    const size_t packet = r->clip->record.frame_packet[rank];
    *found = false;
    for (;;) {
        const int error = avcodec_receive_frame(r->decoder, r->frame);
        if (error == AVERROR_EOF) return ZOE_OK;
        if (error < 0) { /* EAGAIN, or damage in the packet before */
            if (r->ended && error != AVERROR(EAGAIN)) return ZOE_OK;
            if (last && r->state[packet] == SENT && !r->ended)
                drain(r);
            else
                ZOE_TRY(feed(r));
            continue;
        }
        const int came = identify(r);
        *found = came == rank;
        if (*found || came > rank + OVERSHOOT) return ZOE_OK;
    }
}

/* Brings frame `rank` into r->frame, with as much caution as it takes. */
static zoe_status find(zoe_reader *r, int rank, bool sparse, bool last)
{
    zoe__pack_clip *clip = r->clip;
    const zoe__record *record = &clip->record;
    int caution = atomic_load_explicit(&clip->caution[rank], memory_order_relaxed);
    if (record->tainted[rank] && caution == 0) caution = 1;
    for (;; caution++) {
        bool found;
        if (!run_serves(r, rank, caution))
            ZOE_TRY(start_run(r, start_at(clip, rank, caution), sparse && caution == 0, caution > 0));
        ZOE_TRY(pull(r, rank, last && r->sparse, &found));
        if (found && atomic_load_explicit(&clip->foreign, memory_order_relaxed)) break;
        if (found && zoe__hash_frame(r->frame) == record->hash[rank]) break;
        if (caution == MOST_CAUTION) {
            ZOE_FAIL_IF(r->context, !found, ZOE_DATA, "%s: frame %d of %zu does not decode", clip->path, rank,
                        record->frames);
            if (record->tainted[rank]) break;
            atomic_store(&clip->foreign, true);
            zoe__log(r->context, ZOE_LOG_WARN, "%s: decodes differently than when it was indexed (another FFmpeg?)",
                     clip->path);
            break;
        }
        r->running = false; /* the next attempt starts afresh */
    }
    if (caution > 0) atomic_store_explicit(&clip->caution[rank], (uint8_t)caution, memory_order_relaxed);
    return ZOE_OK;
}

/* r->order = positions 0..n-1 of the request by rank (a heap sort: no comparison function sees the reader). */
static zoe_status sort_request(zoe_reader *r, const int *ranks, size_t n)
{
    ZOE_TRY(zoe__grow(r->context, &r->order, &r->order_capacity, n, sizeof *r->order));
    int *o = r->order;
    for (size_t i = 0; i < n; i++) o[i] = (int)i;
    for (size_t end = n, root = n / 2; end > 1;) {
        int moved;
        if (root > 0) {
            moved = o[--root];
        } else {
            moved = o[--end];
            o[end] = o[0];
        }
        size_t at = root;
        for (size_t child = 2 * at + 1; child < end; child = 2 * at + 1) {
            if (child + 1 < end && ranks[o[child + 1]] > ranks[o[child]]) child++;
            if (ranks[o[child]] <= ranks[moved]) break;
            o[at] = o[child];
            at = child;
        }
        o[at] = moved;
    }
    return ZOE_OK;
}

/* No later frame of the request comes from the run that gives number i of them: there is none, or it leans on a key
 * packet past this one. */
static bool is_last(const zoe_reader *r, const int *ranks, size_t i, size_t n)
{
    const int rank = ranks[r->order[i]], most = ranks[r->order[n - 1]];
    if (rank == most) return true;
    while (ranks[r->order[i]] == rank) i++;
    return start_for(r->clip, ranks[r->order[i]], 0) > r->clip->record.frame_packet[rank];
}

/* Decodes n frames of the open clip; ranks are in range. */
static zoe_status decode(zoe_reader *r, const int *ranks, size_t n, int width, int height, uint8_t *rgb)
{
    const size_t bytes = (size_t)width * (size_t)height * 3;
    const zoe__record *record = &r->clip->record;
    ZOE_TRY(sort_request(r, ranks, n));
    const int first = ranks[r->order[0]];
    const bool walking = first > r->last_rank && first <= r->last_rank + 8; /* soon the next ones will be asked for */
    for (size_t i = 0; i < n; i++) r->wanted[record->frame_packet[ranks[i]]] = 1;
    zoe_status status = ZOE_OK;
    const uint8_t *before = NULL; /* where the picture of the rank before went */
    for (size_t i = 0; i < n && status == ZOE_OK; i++) {
        const int rank = ranks[r->order[i]];
        uint8_t *to = rgb + (size_t)r->order[i] * bytes;
        if (before && rank == ranks[r->order[i - 1]]) {
            memcpy(to, before, bytes);
        } else {
            status = find(r, rank, !walking, is_last(r, ranks, i, n));
            if (status == ZOE_OK)
                status = zoe__scale(r->scaler, r->context, r->frame, r->clip->record.orientation, width, height, to,
                                    r->clip->path);
            av_frame_unref(r->frame);
        }
        before = to;
    }
    for (size_t i = 0; i < n; i++) r->wanted[record->frame_packet[ranks[i]]] = 0;
    if (status == ZOE_OK)
        r->last_rank = ranks[r->order[n - 1]];
    else
        r->running = false;
    return status;
}

/* Decodes the whole clip into the shared cache, which this reader was chosen to fill. */
static zoe_status fill_cache(zoe_reader *r, zoe__pack_clip *clip, int width, int height)
{
    const size_t bytes = (size_t)width * (size_t)height * 3;
    zoe_status status = open_clip(r, clip);
    for (int i = 0; i < clip->face.frames && status == ZOE_OK; i++) {
        r->last_rank = i - 1; /* walking: nothing is left out */
        status = decode(r, &i, 1, width, height, clip->pixels + (size_t)i * bytes);
    }
    zoe__pack_cache_settle(r->pack, clip, status == ZOE_OK);
    return status;
}

zoe_status zoe_reader_frames(zoe_reader *reader, size_t clip, const int *ranks, size_t n, int width, int height,
                             uint8_t *rgb)
{
    zoe_reader *r = reader;
    ZOE_FAIL_IF(r->context, clip >= r->pack->count, ZOE_DATA, "clip %zu of %zu does not exist", clip, r->pack->count);
    zoe__pack_clip *c = &r->pack->clips[clip];
    if (!n) return ZOE_OK;
    ZOE_FAIL_IF(r->context, n > INT32_MAX, ZOE_DATA, "%s: %zu frames at once", c->path, n);
    if (width == 0 && height == 0) width = c->face.width, height = c->face.height;
    ZOE_FAIL_IF(r->context, width < 1 || height < 1 || width > 1 << 15 || height > 1 << 15, ZOE_CONFIG,
                "a picture of %d x %d: sides must be 1 to %d", width, height, 1 << 15);
    ZOE_FAIL_IF(r->context, !c->face.frames, ZOE_DATA, "%s: it has no pictures", c->path);
    for (size_t i = 0; i < n; i++)
        ZOE_FAIL_IF(r->context, ranks[i] < 0 || ranks[i] >= c->face.frames, ZOE_DATA,
                    "%s: there is no frame %d, the clip has %d (0 to %d)", c->path, ranks[i], c->face.frames,
                    c->face.frames - 1);
    bool fill;
    const uint8_t *cached = zoe__pack_cache_get(r->pack, c, width, height, &fill);
    if (fill && fill_cache(r, c, width, height) == ZOE_OK)
        cached = c->pixels;
    else if (fill)
        zoe_context_clear(r->context); /* the frames asked for may be good ones */
    const size_t bytes = (size_t)width * (size_t)height * 3;
    for (size_t i = 0; cached && i < n; i++) memcpy(rgb + i * bytes, cached + (size_t)ranks[i] * bytes, bytes);
    if (cached) return ZOE_OK;
    ZOE_TRY(open_clip(r, c));
    return decode(r, ranks, n, width, height, rgb);
}

static zoe_status open_sound(zoe_reader *r, const zoe__pack_clip *clip)
{
    if (r->heard == clip) return ZOE_OK;
    if (r->sound_fd >= 0) close(r->sound_fd);
    r->heard = NULL;
    char path[PATH_MAX];
    struct stat info;
    const bool named =
        zoe__format(path, sizeof path, "%s/data/%.2s/%s.pcm", r->pack->folder, clip->sound_sha256, clip->sound_sha256);
    r->sound_fd = named ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ZOE_FAIL_IF(r->context, r->sound_fd < 0 || fstat(r->sound_fd, &info) < 0, ZOE_DATA,
                "%s: the file of its sound in the pack: %s", clip->path, strerror(errno));
    ZOE_FAIL_IF(r->context, !S_ISREG(info.st_mode) || info.st_size < zoe__pcm_size(&clip->sound), ZOE_DATA,
                "%s: the file of its sound in the pack has %lld bytes, not %lld", clip->path, (long long)info.st_size,
                (long long)zoe__pcm_size(&clip->sound));
    r->heard = clip;
    return ZOE_OK;
}

zoe_status zoe_reader_sound(zoe_reader *reader, size_t clip, double seconds, size_t n, float *pcm)
{
    zoe_reader *r = reader;
    ZOE_FAIL_IF(r->context, clip >= r->pack->count, ZOE_DATA, "clip %zu of %zu does not exist", clip, r->pack->count);
    const zoe__pack_clip *c = &r->pack->clips[clip];
    const zoe__sound *s = &c->sound;
    ZOE_FAIL_IF(r->context, n > INT32_MAX, ZOE_DATA, "%s: %zu samples at once", c->path, n);
    if (!s->samples || !(fabs(seconds) < 1e9)) {
        memset(pcm, 0, n * sizeof *pcm);
        return ZOE_OK;
    }
    ZOE_TRY(open_sound(r, c));
    ZOE_TRY(zoe__grow(r->context, &r->sound, &r->sound_capacity, n * (size_t)s->bytes, 1));
    return zoe__pcm_read(r->context, r->sound_fd, s, llround(seconds * r->pack->rate) - s->first, n, r->sound, pcm,
                         c->path);
}
