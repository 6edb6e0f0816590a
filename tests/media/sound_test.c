/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound out of files: where it stands against the pictures, what windows of it hold, what bad files come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"
#include "media/heard.h"

#include "core/core.h"
#include "core/philox.h"
#include "media/pcm.h"

#include <sndfile.h>
#include <sqlite3.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char root[64];
static zoe_context *context;

static int set_up(void **state)
{
    (void)state;
    clip_folder(root);
    return zoe_context_new(&context) != ZOE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    clip_folder_remove(root);
    return 0;
}

static void must(zoe_status status)
{
    if (status != ZOE_OK) print_error("%s\n", zoe_context_error(context));
    assert_int_equal(status, ZOE_OK);
}

/* A pack of one file or folder of root, opened. */
static zoe_pack *pack_of(const char *file, int rate)
{
    char folder[512];
    const char *path = clip_path(root, file);
    zoe_index_options options = zoe_index_options_default();
    options.sound_rate = rate;
    options.max_bad = 1;
    zoe_pack *pack;
    assert_true(zoe__format(folder, sizeof folder, "%s.%d.pack", path, rate));
    must(zoe_pack_index(context, &path, 1, folder, &options));
    must(zoe_pack_open(&pack, context, folder));
    return pack;
}

static zoe_sound sound_of(const char *file)
{
    static char reason[256];
    zoe_pack *pack = pack_of(file, 0);
    assert_int_equal(zoe_pack_clips(pack), 1);
    zoe_sound sound = zoe_pack_clip(pack, 0)->sound;
    zoe__format(reason, sizeof reason, "%s", sound.reason);
    sound.reason = reason;
    zoe_pack_free(&pack);
    return sound;
}

/* The window of n samples from `at` s on of the pack's first clip. */
static void window(zoe_pack *pack, double at, float *pcm, int n)
{
    zoe_reader *reader;
    must(zoe_reader_new(&reader, context, pack));
    must(zoe_reader_sound(reader, 0, at, (size_t)n, pcm));
    zoe_reader_free(&reader);
}

/* ---- the clock ---- */

/* The burst is heard when its picture is shown: exactly, but for what containers round (milliseconds: 48 samples; a
 * 90 kHz clock: less than one) and for delays that decoders have and AVI does not tell. */
static void sound_stands_on_the_clock_of_the_pictures(void **state)
{
    (void)state;
    enum { N = 48000 };
    static const struct {
        heard_spec spec;
        int most, more;
    } cases[] = {
        {{.file = "aac.mp4", .encoder = "aac", .pictures = "mpeg4", .rate = 44100}, 0, 0},
        {{.file = "aac48.mov", .encoder = "aac", .pictures = "mpeg4"}, 0, 0},
        {{.file = "late.mp4", .encoder = "aac", .pictures = "mpeg4", .delay = 0.5}, 48, 0},
        {{.file = "aac.mkv", .encoder = "aac", .pictures = "mpeg4"}, 48, 0},
        {{.file = "aac.ts", .encoder = "aac", .pictures = "mpeg2video"}, 1, 0},
        {{.file = "late.ts", .encoder = "aac", .pictures = "mpeg2video", .delay = 0.5}, 1, 0},
        {{.file = "early.ts", .encoder = "aac", .pictures = "mpeg2video", .delay = -0.25}, 1, 0},
        {{.file = "mp2.mpg", .encoder = "mp2", .pictures = "mpeg2video"}, 1, 0},
        {{.file = "late.mpg", .encoder = "mp2", .pictures = "mpeg2video", .delay = 0.5}, 1, 0},
        {{.file = "flac.mkv", .encoder = "flac", .pictures = "mpeg4"}, 0, 0},
        {{.file = "flac44.mkv", .encoder = "flac", .pictures = "mpeg4", .rate = 44100, .delay = 0.5}, 0, 0},
        {{.file = "early.mkv", .encoder = "flac", .pictures = "mpeg4", .delay = -0.25}, 0, 0},
        {{.file = "pcm.mov", .encoder = "pcm_s16le", .pictures = "mpeg4", .rate = 44100, .delay = 0.5}, 1, 0},
        {{.file = "pcm.avi", .encoder = "pcm_s16le", .pictures = "mpeg4"}, 0, 0},
        {{.file = "mp3.mp4", .encoder = "libmp3lame", .pictures = "mpeg4", .rate = 44100}, 1, 0},
        {{.file = "mp3.avi", .encoder = "libmp3lame", .pictures = "mpeg4"}, 0, 1105},
        {{.file = "opus.mp4", .encoder = "libopus", .pictures = "mpeg4"}, 1, 0},
        {{.file = "vorbis.mkv", .encoder = "libvorbis", .pictures = "mpeg4"}, 48, 0},
        {{.file = "alac.mov", .encoder = "alac", .pictures = "mpeg4"}, 0, 0},
        {{.file = "ac3.mkv", .encoder = "ac3", .pictures = "mpeg4"}, 48, 0},
    };
    float *pcm = malloc(N * sizeof *pcm);
    assert_non_null(pcm);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!heard_make(root, &cases[i].spec)) continue;
        zoe_pack *pack = pack_of(cases[i].spec.file, 0);
        const double at = 0.5 + cases[i].spec.delay;
        window(pack, at, pcm, N);
        const int late = heard_late(pcm, N, 48000, 0.5, 3000);
        if (abs(late - cases[i].more) > cases[i].most)
            print_error("%s: %d samples late, not %d +- %d\n", cases[i].spec.file, late, cases[i].more, cases[i].most);
        assert_in_range(late - cases[i].more + cases[i].most, 0, 2 * cases[i].most);
        const int rank = zoe_clip_rank_at(zoe_pack_clip(pack, 0), 1.001);
        /* FFmpeg's AVI writer puts the time before delayed pictures after the first of them */
        const int shown = strcmp(cases[i].spec.file, "mp3.avi") ? 25 : 24;
        if (rank != shown) print_error("%s: picture %d at 1 s\n", cases[i].spec.file, rank);
        assert_int_equal(rank, shown);
        zoe_pack_free(&pack);
    }
    free(pcm);
}

/* What FFmpeg and libsndfile read as sound alone starts at 0. */
static void files_of_sound_start_at_their_start(void **state)
{
    (void)state;
    enum { N = 48000 };
    static const heard_spec cases[] = {
        {.file = "a.wav", .encoder = "pcm_s16le", .rate = 44100, .channels = 2},
        {.file = "a.flac", .encoder = "flac"},
        {.file = "a.aiff", .encoder = "pcm_s16be", .rate = 22050},
        {.file = "a.au", .encoder = "pcm_s16be", .rate = 192000},
        {.file = "a.caf", .encoder = "pcm_s16le", .rate = 8000},
        {.file = "a.ogg", .encoder = "libvorbis", .rate = 44100},
        {.file = "a.opus", .encoder = "libopus"},
        {.file = "a.mp3", .encoder = "libmp3lame", .rate = 44100},
        {.file = "a.m4a", .encoder = "aac", .rate = 44100},
        {.file = "six.wav", .encoder = "pcm_s24le", .channels = 6},
        {.file = "a.wv", .encoder = "wavpack", .rate = 44100},
        {.file = "late.mka", .encoder = "flac", .delay = 0.7},
    };
    float *pcm = malloc(N * sizeof *pcm);
    assert_non_null(pcm);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!heard_make(root, &cases[i])) continue;
        zoe_pack *pack = pack_of(cases[i].file, 0);
        const zoe_clip *clip = zoe_pack_clip(pack, 0);
        assert_int_equal(clip->frames, 0);
        assert_int_equal(clip->sound.state, ZOE_SOUND_GOOD);
        assert_int_equal(clip->sound.first, 0);
        assert_int_equal(clip->sound.channels, cases[i].channels ? cases[i].channels : 1);
        assert_int_equal(clip->sound.rate, cases[i].rate ? cases[i].rate : 48000);
        assert_true(fabs(clip->seconds - 3) < 0.06);
        window(pack, 0.5, pcm, N);
        const int late = heard_late(pcm, N, 48000, 0.5, 3000);
        if (late) print_error("%s: %d samples late\n", cases[i].file, late);
        assert_int_equal(late, 0);
        zoe_pack_free(&pack);
    }
    free(pcm);
}

/* Packets are missing in the middle: what comes after them stays where it belongs. */
static void gaps_are_silence(void **state)
{
    (void)state;
    enum { N = 48000 };
    static const heard_spec spec = {
        .file = "gap.mkv", .encoder = "flac", .pictures = "mpeg4", .gap = 0.4, .seconds = 3};
    if (!heard_make(root, &spec)) return;
    zoe_pack *pack = pack_of(spec.file, 0);
    const zoe_sound *sound = &zoe_pack_clip(pack, 0)->sound;
    assert_true(fabs(sound->end - 3) < 0.002);
    float *pcm = malloc(N * sizeof *pcm);
    assert_non_null(pcm);
    window(pack, 0.5, pcm, N);
    assert_int_equal(heard_late(pcm, N, 48000, 0.5, 100), 0);
    free(pcm);
    zoe_pack_free(&pack);
}

/* ---- windows ---- */

/* Any window, in any order, holds the very samples that reading the whole once gives; outside there is silence. */
static void windows_are_exact(void **state)
{
    (void)state;
    static const heard_spec cases[] = {
        {.file = "w.mp4", .encoder = "aac", .pictures = "mpeg4", .rate = 44100},
        {.file = "w.mkv", .encoder = "libopus", .pictures = "mpeg4"},
        {.file = "w.avi", .encoder = "libmp3lame", .pictures = "mpeg4"},
        {.file = "wl.mkv", .encoder = "flac", .pictures = "mpeg4", .delay = 0.3},
        {.file = "wv.mkv", .encoder = "libvorbis", .pictures = "mpeg4"},
        {.file = "w3.mkv", .encoder = "ac3", .pictures = "mpeg4"},
        {.file = "wp.mov", .encoder = "pcm_s16le", .pictures = "mpeg4"},
    };
    enum { WHOLE = 5 * 48000, BEFORE = 48000, MOST = 20000 };
    float *whole = malloc(WHOLE * sizeof *whole), *part = malloc(MOST * sizeof *part);
    assert_true(whole && part);
    zoe__random random;
    zoe__random_init(&random, 1, 2, 3);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        if (!heard_make(root, &cases[c])) continue;
        zoe_pack *pack = pack_of(cases[c].file, 0);
        const zoe_sound *sound = &zoe_pack_clip(pack, 0)->sound;
        zoe_reader *reader;
        must(zoe_reader_new(&reader, context, pack));
        must(zoe_reader_sound(reader, 0, -1, WHOLE, whole));
        for (int i = 0; i < WHOLE; i++)
            if (i - BEFORE < sound->first || i - BEFORE >= sound->first + sound->samples) assert_true(whole[i] == 0);
        for (int i = 0; i < 200; i++) {
            const int n = zoe__random_range(&random, 1, MOST);
            const int from = zoe__random_range(&random, 0, WHOLE - n);
            must(zoe_reader_sound(reader, 0, (double)(from - BEFORE) / 48000, (size_t)n, part));
            assert_memory_equal(part, whole + from, (size_t)n * sizeof *part);
        }
        must(zoe_reader_sound(reader, 0, 1e8, 10, part));
        for (int i = 0; i < 10; i++) assert_true(part[i] == 0);
        zoe_reader_free(&reader);
        zoe_pack_free(&pack);
    }
    free(whole);
    free(part);
}

/* Two readings of a file give the same bits, at any rate. */
static void sound_is_repeatable(void **state)
{
    (void)state;
    enum { N = 3 * 16000 };
    static const heard_spec spec = {.file = "twice.mp4", .encoder = "aac", .pictures = "mpeg4", .channels = 2};
    if (!heard_make(root, &spec)) return;
    float *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b);
    assert_true(a && b);
    zoe_pack *first = pack_of(spec.file, 16000);
    size_t size;
    uint8_t *bytes = clip_read(clip_path(root, spec.file), &size);
    clip_write(clip_path(root, "again.mp4"), bytes, size);
    free(bytes);
    zoe_pack *second = pack_of("again.mp4", 16000);
    assert_int_equal(zoe_pack_sound_rate(first), 16000);
    window(first, 0, a, N);
    window(second, 0, b, N);
    assert_memory_equal(a, b, N * sizeof *a);
    assert_int_equal(heard_late(a, N, 16000, 0, 50), 0);
    zoe_pack_free(&first);
    zoe_pack_free(&second);
    /* one rate a pack */
    const char *path = clip_path(root, "again.mp4"), *folder = clip_path(root, "again.mp4.16000.pack");
    zoe_index_options options = zoe_index_options_default();
    options.sound_rate = 48000;
    assert_int_equal(zoe_pack_index(context, &path, 1, folder, &options), ZOE_CONFIG);
    assert_non_null(strstr(zoe_context_error(context), "16000"));
    zoe_context_clear(context);
    free(a);
    free(b);
}

/* ---- values ---- */

static void write_sound(const char *file, int format, int rate, int channels, const float *values, int frames)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *out = sf_open(clip_path(root, file), SFM_WRITE, &info);
    assert_non_null(out);
    sf_command(out, SFC_SET_CLIPPING, NULL, SF_TRUE);
    assert_int_equal(sf_writef_float(out, values, frames), frames);
    sf_close(out);
}

static void integers_stay_what_they_are(void **state)
{
    (void)state;
    enum { N = 10000 };
    int16_t values[N];
    float pcm[N];
    zoe__random random;
    zoe__random_init(&random, 5, 6, 7);
    for (int i = 0; i < N; i++) values[i] = (int16_t)zoe__random_range(&random, INT16_MIN, INT16_MAX);
    SF_INFO info = {.samplerate = 48000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *out = sf_open(clip_path(root, "ints.wav"), SFM_WRITE, &info);
    assert_int_equal(sf_write_short(out, values, N), N);
    sf_close(out);
    zoe_pack *pack = pack_of("ints.wav", 0);
    window(pack, 0, pcm, N);
    for (int i = 0; i < N; i++) assert_true(pcm[i] == (float)values[i] / 32768);
    zoe_pack_free(&pack);
}

static void channels_are_mixed_to_their_mean(void **state)
{
    (void)state;
    enum { N = 4800 };
    float two[2 * N], seven[9 * N], pcm[N];
    for (int i = 0; i < N; i++) {
        two[2 * i] = 0.5f, two[2 * i + 1] = -0.25f;
        for (int c = 0; c < 9; c++) seven[9 * i + c] = c ? 0.1f : 0.9f;
    }
    write_sound("two.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 2, two, N);
    write_sound("nine.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 9, seven, N);
    zoe_pack *pack = pack_of("two.wav", 0);
    window(pack, 0, pcm, N);
    for (int i = 0; i < N; i++) assert_true(fabsf(pcm[i] - 0.125f) < 1e-6f);
    zoe_pack_free(&pack);
    pack = pack_of("nine.wav", 0);
    window(pack, 0, pcm, N);
    for (int i = 0; i < N; i++) assert_true(fabsf(pcm[i] - 1.7f / 9) < 1e-6f);
    zoe_pack_free(&pack);
}

static void what_is_no_number_is_counted(void **state)
{
    (void)state;
    enum { N = 4800 };
    float values[N], pcm[N];
    for (int i = 0; i < N; i++) values[i] = 0.3f * sinf((float)i * 0.1f);
    values[100] = NAN, values[200] = INFINITY, values[300] = 2, values[301] = -3;
    write_sound("nan.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 48000, 1, values, N);
    zoe_pack *pack = pack_of("nan.wav", 0);
    const zoe_sound *sound = &zoe_pack_clip(pack, 0)->sound;
    assert_int_equal(sound->nans, 2);
    assert_int_equal(sound->clipped, 2);
    window(pack, 0, pcm, N);
    for (int i = 0; i < N; i++) assert_true(pcm[i] >= -1 && pcm[i] < 1);
    assert_true(pcm[100] == 0 && pcm[200] == 0 && pcm[301] == -1 && pcm[300] > 0.9999f);
    zoe_pack_free(&pack);
}

/* Integers first, a fraction late: the file that was begun with 16 bits is widened. */
static void mixed_precision_keeps_every_sample(void **state)
{
    (void)state;
    enum { N = 30000, TURN = 20001 };
    float *values = malloc(N * sizeof *values), *pcm = malloc(N * sizeof *pcm), *scratch = malloc(N * sizeof *scratch);
    assert_true(values && pcm && scratch);
    for (int i = 0; i < N; i++) values[i] = (float)(i % 3000 - 1500) / 32768 + (i >= TURN ? 0x1p-20f : 0);
    zoe__pcm out;
    const char *path = clip_path(root, "widened.pcm");
    zoe__pcm_init(&out, context, path, N);
    for (int i = 0; i < N; i += 777) must(zoe__pcm_add(&out, values + i, (size_t)(N - i < 777 ? N - i : 777)));
    assert_int_equal(zoe__pcm_add(&out, values, 1), ZOE_DATA); /* the limit */
    zoe_context_clear(context);
    must(zoe__pcm_finish(&out));
    const zoe__sound sound = {.samples = out.samples, .bytes = out.bytes};
    zoe__pcm_close(&out);
    assert_int_equal(sound.bytes, 4);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    must(zoe__pcm_read(context, fileno(file), &sound, 0, N, scratch, pcm, path));
    assert_memory_equal(pcm, values, N * sizeof *pcm);
    fclose(file);
    free(values);
    free(pcm);
    free(scratch);
}

/* ---- what cannot be used ---- */

static void states_tell_what_is_wrong(void **state)
{
    (void)state;
    static const clip_spec mute = {.file = "mute.mp4", .encoder = "mpeg4", .frames = 25};
    static const heard_spec silent = {.file = "silent.mkv", .encoder = "flac", .pictures = "mpeg4", .silent = true};
    static const heard_spec garbage = {.file = "garbage.mkv", .encoder = "flac", .pictures = "mpeg4", .garbage = true};
    static const heard_spec far = {.file = "far.mkv", .encoder = "flac", .pictures = "mpeg4", .delay = 20};
    static const heard_spec brief = {.file = "brief.mkv", .encoder = "flac", .pictures = "mpeg4", .seconds = 0.1};
    if (clip_make(root, &mute)) assert_int_equal(sound_of("mute.mp4").state, ZOE_SOUND_NONE);
    assert_true(heard_make(root, &silent) && heard_make(root, &garbage) && heard_make(root, &far));
    assert_true(heard_make(root, &brief));
    zoe_sound sound = sound_of("silent.mkv");
    assert_int_equal(sound.state, ZOE_SOUND_SILENT);
    assert_int_equal(sound.samples, 3 * 48000);
    sound = sound_of("garbage.mkv");
    assert_int_equal(sound.state, ZOE_SOUND_BROKEN);
    assert_true(sound.reason[0] && sound.samples == 0);
    sound = sound_of("far.mkv");
    assert_int_equal(sound.state, ZOE_SOUND_BROKEN);
    assert_non_null(strstr(sound.reason, "do not overlap"));
    sound = sound_of("brief.mkv"); /* shorter than any window: it is there, and a task says what it needs */
    assert_int_equal(sound.samples, 4800);
    /* a broken one reads as silence */
    zoe_pack *pack = pack_of("garbage.mkv", 0);
    float pcm[100];
    window(pack, 0, pcm, 100);
    for (int i = 0; i < 100; i++) assert_true(pcm[i] == 0);
    zoe_pack_free(&pack);
}

/* A WAV file with these fields and 1000 samples. */
static void write_wav(const char *file, uint32_t rate, uint16_t channels, uint16_t bits, uint32_t data_bytes)
{
    uint8_t wav[44 + 2000] = "RIFF....WAVEfmt ";
    const struct {
        int at, bytes;
        uint32_t value;
    } fields[] = {{4, 4, 36 + data_bytes}, {16, 4, 16}, {20, 2, 1},    {22, 2, channels},  {24, 4, rate},
                  {28, 4, rate * 2},       {32, 2, 2},  {34, 2, bits}, {40, 4, data_bytes}};
    memcpy(wav + 36, "data", 4);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (int b = 0; b < fields[i].bytes; b++) wav[fields[i].at + b] = (uint8_t)(fields[i].value >> 8 * b);
    for (int i = 0; i < 2000; i++) wav[44 + i] = (uint8_t)(i * 7);
    clip_write(clip_path(root, file), wav, sizeof wav);
}

/* Lying headers: read as far as they go, or skipped with one reason. */
static void bad_headers_are_survived(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint32_t rate;
        uint16_t channels, bits;
        uint32_t bytes;
        const char *reason; /* NULL: it is read */
    } cases[] = {
        {"fine.wav", 8000, 1, 16, 2000, NULL},          {"slow.wav", 1, 1, 16, 2000, "sample rate of 1 Hz"},
        {"fast.wav", 2000000000, 1, 16, 2000, "Hz"},    {"none.wav", 0, 1, 16, 2000, ""},
        {"nobody.wav", 48000, 0, 16, 2000, ""},         {"crowd.wav", 48000, 65535, 16, 2000, ""},
        {"longer.wav", 48000, 1, 16, 0x7fffffff, NULL}, {"empty.wav", 48000, 1, 16, 0, ""},
        {"bits.wav", 48000, 1, 77, 2000, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_wav(cases[i].file, cases[i].rate, cases[i].channels, cases[i].bits, cases[i].bytes);
        const char *path = clip_path(root, cases[i].file), *folder = clip_path(root, "headers.pack");
        const zoe_status status = zoe_pack_index(context, &path, 1, folder, NULL);
        if (!cases[i].reason) {
            must(status);
            continue;
        }
        if (status == ZOE_OK) print_error("%s was read\n", path);
        assert_true(status == ZOE_DATA || status == ZOE_BAD_FILES);
        assert_non_null(strstr(zoe_context_error(context), cases[i].file));
        assert_non_null(strstr(zoe_context_error(context), cases[i].reason));
        assert_null(strchr(zoe_context_error(context), '\n'));
        zoe_context_clear(context);
    }
    zoe_pack *pack;
    must(zoe_pack_open(&pack, context, clip_path(root, "headers.pack")));
    assert_int_equal(zoe_pack_clips(pack), 2);
    zoe_pack_free(&pack);
}

/* Files of the real world that broke other programs: no crash, no hang, a reason for each one that is skipped. */
static void odd_files_are_survived(void **state)
{
    (void)state;
    char data[512];
    const char *there = clip_data("odd_media");
    if (!there) return;
    zoe__format(data, sizeof data, "%s/audio", there);
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 1;
    options.limits.seconds_per_clip = 20;
    const char *path = data, *folder = clip_path(root, "odd.pack");
    must(zoe_pack_index(context, &path, 1, folder, &options));
    zoe_pack *pack;
    zoe_reader *reader;
    float pcm[4800];
    must(zoe_pack_open(&pack, context, folder));
    must(zoe_reader_new(&reader, context, pack));
    const zoe_skipped *skipped;
    const size_t skips = zoe_pack_skipped(pack, &skipped);
    assert_true(zoe_pack_clips(pack) > 20 && skips > 5);
    for (size_t i = 0; i < skips; i++) assert_true(skipped[i].reason[0]);
    for (size_t i = 0; i < zoe_pack_clips(pack); i++) must(zoe_reader_sound(reader, i, 0.1, 4800, pcm));
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
}

/* ---- packs of before ---- */

static void packs_without_sound_still_open(void **state)
{
    (void)state;
    static const heard_spec spec = {.file = "old.mkv", .encoder = "flac", .pictures = "mpeg4"};
    if (!heard_make(root, &spec)) return;
    zoe_pack *pack = pack_of(spec.file, 0);
    zoe_pack_free(&pack);
    sqlite3 *db;
    char index[600];
    const char *folder = clip_path(root, "old.mkv.0.pack");
    zoe__format(index, sizeof index, "%s/index.sqlite", folder);
    assert_int_equal(sqlite3_open(index, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE sound; DROP TABLE pair; DROP TABLE setting; PRAGMA user_version=1;",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    must(zoe_pack_open(&pack, context, folder));
    assert_int_equal(zoe_pack_clips(pack), 1);
    assert_int_equal(zoe_pack_clip(pack, 0)->frames, 75);
    assert_int_equal(zoe_pack_clip(pack, 0)->sound.state, ZOE_SOUND_UNKNOWN);
    assert_int_equal(zoe_pack_sound_rate(pack), 0);
    float pcm[10];
    window(pack, 1, pcm, 10);
    zoe_pack_free(&pack);
    assert_int_equal(sound_of(spec.file).state, ZOE_SOUND_GOOD); /* named again: read again */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_stands_on_the_clock_of_the_pictures),
        cmocka_unit_test(files_of_sound_start_at_their_start),
        cmocka_unit_test(gaps_are_silence),
        cmocka_unit_test(windows_are_exact),
        cmocka_unit_test(sound_is_repeatable),
        cmocka_unit_test(integers_stay_what_they_are),
        cmocka_unit_test(channels_are_mixed_to_their_mean),
        cmocka_unit_test(what_is_no_number_is_counted),
        cmocka_unit_test(mixed_precision_keeps_every_sample),
        cmocka_unit_test(states_tell_what_is_wrong),
        cmocka_unit_test(bad_headers_are_survived),
        cmocka_unit_test(odd_files_are_survived),
        cmocka_unit_test(packs_without_sound_still_open),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
