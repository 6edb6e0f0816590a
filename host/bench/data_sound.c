/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows "data sound": how many seconds of sound a second gives, by codec, number of threads (each with a reader of its
 * own) and order. A pack holds sound decoded, so the codec's own work is in the order `file`: a whole file from its
 * bytes to one channel of samples, as `zoe index` reads it, into memory. `sequential` and `random` are windows of a
 * second of the pack, as a training asks for them, each after the other, or anywhere, each a seek.
 *
 * The sounds are drawn in integers and encoded here. Right is a clip when every second of it is most like what was
 * drawn for it, and less like that when moved by half a millisecond to 20 ms either way; when windows that are asked at
 * random have the bits of the whole that was read at once; and when a file decodes to the bits of the pack. Lossless
 * codecs must give the very numbers that were drawn. */
#include <libavutil/mem.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/data_made.h"
#include "bench/once.h"
#include "media/ingest.h"
#include "media/synth.h"

enum {
    RATE = 48000,
    LENGTH = 20,
    SAMPLES = LENGTH * RATE,
    WINDOWS = 16 * LENGTH,
    STEP = RATE / 2000,
    STEPS = 40,
    LOOKS = 32
};
static const double LEAST_LIKENESS = 0.99; /* correlation of a second with what was drawn for it */

/* In containers that say how many samples an encoder put before the first one. */
static const struct {
    const char *name, *encoder, *container, *ending;
    int bit_rate;
    bool lossless;
} codecs[] = {
    {"pcm", "pcm_s16le", "wav", "wav", 0, true},
    {"flac", "flac", "matroska", "mka", 0, true},
    {"mp3", "libmp3lame", "mp3", "mp3", 128000, false},
    {"aac", "aac", "mp4", "m4a", 128000, false},
    {"vorbis", "libvorbis", "matroska", "mka", 128000, false},
    {"opus", "libopus", "matroska", "mka", 128000, false},
};
enum { CODECS = sizeof codecs / sizeof *codecs };

typedef enum order { FILE_ORDER, SEQUENTIAL, RANDOM, ORDERS } order;
static const char *const order_names[ORDERS] = {"file", "sequential", "random"};

/* ---- the clips ---- */

/* Tones whose frequency moves from one to the other, Hz, in one or both channels. */
static const struct {
    int from, to, height, channels;
} tones[] = {{180, 1300, 6000, 3}, {2900, 600, 4000, 1}, {700, 2300, 4000, 2}};

/* -height .. height, once up and down in 2^32 */
static int triangle(uint32_t phase, int height)
{
    const int at = (int)(phase >> 16), up = at < 32768 ? at : 65535 - at;
    return (up - 16384) * height / 16384;
}

/* Turns of a tone at sample t, in 2^-48. */
static uint64_t turns(int from, int to, uint64_t t)
{
    const uint64_t one = UINT64_C(1) << 48, start = (uint64_t)from * (one / RATE);
    const int64_t slope = (int64_t)(to - from) * (int64_t)(one / RATE / SAMPLES);
    return start * t + (uint64_t)slope * (t * (t - 1) / 2);
}

/* Sample t of a channel: tones and a little noise. */
static int16_t drawn(int t, int channel)
{
    uint32_t grain = (uint32_t)(2 * t + channel) * 2654435761u;
    grain = (grain ^ grain >> 15) * 2246822519u;
    int sum = (int)(grain >> 22) - 512;
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++)
        if (tones[i].channels >> channel & 1)
            sum += triangle((uint32_t)(turns(tones[i].from, tones[i].to, (uint64_t)t) >> 16), tones[i].height);
    return (int16_t)sum;
}

/* "/flac.mka" */
static void clip_name(char *name, size_t size, int codec)
{
    zoe__format(name, size, "/%s.%s", codecs[codec].name, codecs[codec].ending);
}

static zoe_status make_clip(zoe_context *context, const char *path, int codec)
{
    int16_t *pcm = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    ZOE_TRY(zoe__calloc(context, &pcm, SAMPLES, 2 * sizeof *pcm));
    for (int t = 0; t < SAMPLES; t++)
        for (int c = 0; c < 2; c++) pcm[2 * t + c] = drawn(t, c);
    const zoe__synth_record record = {.pcm = pcm,
                                      .samples = SAMPLES,
                                      .channels = 2,
                                      .rate = RATE,
                                      .container = codecs[codec].container,
                                      .encoder = codecs[codec].encoder,
                                      .bit_rate = codecs[codec].bit_rate};
    zoe_status status = zoe__synth_encode_sound(context, &record, &bytes, &size);
    if (status == ZOE_OK) status = zoe__made_file(context, path, bytes, size);
    av_free(bytes);
    free(pcm);
    return status;
}

/* The id of one of the rows of a clip; false: it was not asked for, or is another row's. */
static bool row_id(char *id, size_t size, const zoe_options *o, int codec, bool many, order which)
{
    const int threads = zoe__made_threads(o);
    zoe__format(id, size, "data sound %s threads %d %s", codecs[codec].name, many ? threads : 1, order_names[which]);
    return (!many || threads > 1) && zoe__made_wants(o, id);
}

static bool is_wanted(const zoe_options *o, int codec)
{
    char id[96];
    for (int row = 0; row < 2 * ORDERS; row++)
        if (row_id(id, sizeof id, o, codec, row / ORDERS, (order)(row % ORDERS))) return true;
    return false;
}

static zoe_status prepare(zoe__made_clips *clips)
{
    char folder[600], path[640], name[32], id[64];
    for (int c = 0; c < CODECS; c++) {
        if (!is_wanted(clips->options, c)) continue;
        clips->wanted++;
        ZOE_TRY(zoe__made_folder(clips, "sounds", folder, sizeof folder));
        clip_name(name, sizeof name, c);
        zoe__format(path, sizeof path, "%s%s", folder, name);
        if (access(path, R_OK) == 0) continue;
        zoe__format(id, sizeof id, "data sound %s", codecs[c].name);
        ZOE_TRY(zoe__made_skip(clips, id, make_clip(clips->context, path, c)));
    }
    return ZOE_OK;
}

/* ---- measuring, in a fresh process ---- */

typedef struct own {
    float *pcm;       /* a second */
    int fd;           /* memory that a file is decoded into */
    zoe__sound sound; /* what was decoded last */
} own;

typedef struct listen {
    zoe__made *made;
    own own[ZOE__MADE_THREADS];
    float *wanted, *whole, *again; /* [SAMPLES]: as drawn, mixed to one channel; of the pack; of the file */
    void *scratch;
    char hash[65]; /* of the whole */
    size_t clip;   /* the one that is looked at */
    int codec;
    bool seeks, right;
} listen;

static zoe_status read_windows(zoe__made_thread *t, void *user)
{
    listen *l = user;
    for (int i = 0; i < WINDOWS; i++) {
        const uint32_t next = (uint32_t)(i % LENGTH * RATE);
        const uint32_t at = l->seeks ? zoe__random_below(&t->random, SAMPLES - RATE + 1) : next;
        ZOE_TRY(zoe_reader_sound(t->reader, l->clip, (double)at / RATE, RATE, l->own[t->number].pcm));
    }
    return ZOE_OK;
}

/* The whole file, as when it is indexed, but for its SHA-256 and the disk. */
static zoe_status read_file(zoe__made_thread *t, void *user)
{
    listen *l = user;
    own *mine = &l->own[t->number];
    const char *path = zoe_pack_clip(l->made->pack, l->clip)->sound.path;
    const zoe_media_limits limits = zoe_media_limits_default();
    char memory[48];
    zoe__source source;
    zoe__format(memory, sizeof memory, "/proc/self/fd/%d", mine->fd);
    zoe__ingested out = {.pcm_path = memory, .data_path = "/dev/null", .rate = RATE};
    zoe_status status = zoe__source_open(t->context, &source, path, &limits);
    if (status == ZOE_OK) status = zoe__ingest(t->context, &source, &limits, &out);
    zoe__record_clear(&out.record);
    zoe__source_close(&source);
    mine->sound = out.sound;
    return status;
}

/* ---- right? ---- */

/* Of one second at `at` with what was drawn `lag` samples later. */
static double likeness(const listen *l, int at, int lag)
{
    double xy = 0, xx = 0, yy = 0;
    for (int i = 0; i < RATE; i++) {
        const int t = at + i + lag;
        const double x = (double)l->whole[at + i], y = t >= 0 && t < SAMPLES ? (double)l->wanted[t] : 0;
        xy += x * y;
        xx += x * x;
        yy += y * y;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static bool is_in_place(const listen *l, int at)
{
    const double here = likeness(l, at, 0);
    bool best = here >= LEAST_LIKENESS;
    for (int i = 1; i <= STEPS && best; i++)
        best = here > likeness(l, at, i * STEP) && here > likeness(l, at, -i * STEP);
    return best;
}

static zoe_status read_here(listen *l, int at, size_t n, float *pcm)
{
    const zoe__made_thread *t = &l->made->thread[0];
    return zoe__made_from(l->made, t, zoe_reader_sound(t->reader, l->clip, (double)at / RATE, n, pcm));
}

/* Reads the whole and judges it. */
static zoe_status look_at_sound(listen *l)
{
    const zoe_sound *s = &zoe_pack_clip(l->made->pack, l->clip)->sound;
    zoe__random random;
    zoe__random_init(&random, 2, 0, (uint32_t)l->codec);
    l->hash[0] = '\0';
    l->right = s->state == ZOE_SOUND_GOOD && (!codecs[l->codec].lossless || (s->samples == SAMPLES && s->first == 0));
    if (!l->right) return ZOE_OK;
    ZOE_TRY(read_here(l, 0, SAMPLES, l->whole));
    zoe__once_hash(l->whole, SAMPLES * sizeof *l->whole, l->hash);
    if (codecs[l->codec].lossless) l->right = !memcmp(l->whole, l->wanted, SAMPLES * sizeof *l->whole);
    for (int i = 0; i < LENGTH && l->right; i++) l->right = is_in_place(l, i * RATE);
    for (int i = 0; i < LOOKS && l->right; i++) {
        const int at = (int)zoe__random_below(&random, SAMPLES - RATE + 1);
        ZOE_TRY(read_here(l, at, RATE, l->own[0].pcm));
        l->right = !memcmp(l->own[0].pcm, l->whole + at, RATE * sizeof *l->whole);
    }
    return ZOE_OK;
}

/* What each thread decoded from the file is what the pack has. */
static zoe_status look_at_files(listen *l, int threads)
{
    const zoe_sound *s = &zoe_pack_clip(l->made->pack, l->clip)->sound;
    for (int i = 0; i < threads && l->right; i++) {
        const own *mine = &l->own[i];
        l->right =
            mine->sound.state == ZOE_SOUND_GOOD && mine->sound.samples == s->samples && mine->sound.first == s->first;
        if (!l->right) return ZOE_OK;
        ZOE_TRY(zoe__pcm_read(l->made->context, mine->fd, &mine->sound, -mine->sound.first, SAMPLES, l->scratch,
                              l->again, s->path));
        l->right = !memcmp(l->again, l->whole, SAMPLES * sizeof *l->whole);
    }
    return ZOE_OK;
}

/* ---- rows ---- */

static zoe_status measure_row(listen *l, const char *id, bool many, order which)
{
    zoe__made_times times;
    const bool file = which == FILE_ORDER;
    const zoe__made_row row = {.id = id,
                               .algorithm = codecs[l->codec].name,
                               .threads = many ? l->made->threads : 1,
                               .stream = (uint32_t)l->codec,
                               .amount = file ? LENGTH : WINDOWS,
                               .work = file ? read_file : read_windows,
                               .user = l};
    l->seeks = which == RANDOM;
    zoe_status status = zoe__made_run(l->made, &row, &times);
    if (file && status == ZOE_OK) status = look_at_files(l, row.threads);
    status = zoe__made_forgive(l->made, status, &l->right);
    zoe__made_add(l->made, &row, &times, l->right, l->hash);
    return status;
}

static zoe_status measure_clip(listen *l, int codec)
{
    char end[64], name[32], id[96];
    bool looked = false, found;
    if (!is_wanted(l->made->options, codec)) return ZOE_OK;
    clip_name(name, sizeof name, codec);
    zoe__format(end, sizeof end, "/sounds%s", name);
    ZOE_TRY(zoe__made_find(l->made, end, &l->clip, &found));
    if (!found) return ZOE_OK;
    l->codec = codec;
    for (int i = 0; i < 2 * ORDERS; i++) {
        if (!row_id(id, sizeof id, l->made->options, codec, i / ORDERS, (order)(i % ORDERS))) continue;
        if (!looked) ZOE_TRY(zoe__made_forgive(l->made, look_at_sound(l), &l->right));
        looked = true;
        ZOE_TRY(measure_row(l, id, i / ORDERS, (order)(i % ORDERS)));
    }
    return ZOE_OK;
}

static zoe_status open_own(listen *l)
{
    zoe_context *context = l->made->context;
    for (int i = 0; i < l->made->threads; i++) {
        ZOE_TRY(zoe__calloc(context, &l->own[i].pcm, RATE, sizeof(float)));
        l->own[i].fd = memfd_create("zoe sound", MFD_CLOEXEC);
        ZOE_FAIL_IF(context, l->own[i].fd < 0, ZOE_MEMORY, "no memory for decoded sound");
    }
    ZOE_TRY(zoe__calloc(context, &l->wanted, SAMPLES, sizeof(float)));
    ZOE_TRY(zoe__calloc(context, &l->whole, SAMPLES, sizeof(float)));
    ZOE_TRY(zoe__calloc(context, &l->again, SAMPLES, sizeof(float)));
    ZOE_TRY(zoe__calloc(context, &l->scratch, SAMPLES, sizeof(float)));
    for (int t = 0; t < SAMPLES; t++) l->wanted[t] = (float)(drawn(t, 0) + drawn(t, 1)) / 65536;
    return ZOE_OK;
}

static zoe_status measure(zoe__made *made)
{
    bool wanted = false;
    listen *l = NULL;
    for (int c = 0; c < CODECS; c++) wanted = wanted || is_wanted(made->options, c);
    if (!wanted) return ZOE_OK;
    ZOE_TRY(zoe__calloc(made->context, &l, 1, sizeof *l));
    l->made = made;
    for (int i = 0; i < ZOE__MADE_THREADS; i++) l->own[i].fd = -1;
    zoe_status status = open_own(l);
    for (int c = 0; c < CODECS && status == ZOE_OK; c++) status = measure_clip(l, c);
    for (int i = 0; i < made->threads; i++) {
        free(l->own[i].pcm);
        if (l->own[i].fd >= 0) close(l->own[i].fd);
    }
    free(l->wanted);
    free(l->whole);
    free(l->again);
    free(l->scratch);
    free(l);
    return status;
}

const zoe__made_kind zoe__made_sound = {.start = "data sound ",
                                        .unit = "s/s",
                                        .key = "seconds_per_s",
                                        .each = "second",
                                        .prepare = prepare,
                                        .measure = measure};
