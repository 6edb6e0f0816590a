/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound that is encoded in memory: lossless numbers come back, equal sounds give equal bytes, what cannot be encoded is
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "media/ingest.h"
#include "media/synth.h"

enum { SAMPLES = 10007, RATE = 48000 }; /* no multiple of any encoder's frame */

static zoe_context *context;
static int16_t pcm[SAMPLES * 2];

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLES * 2; i++) pcm[i] = (int16_t)lrint(9000 * sin(0.001 * i * (1 + i % 2)) + i % 23);
    return zoe_context_new(&context);
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return 0;
}

static zoe__synth_record record_of(const char *encoder, const char *container)
{
    return (zoe__synth_record){
        .pcm = pcm, .samples = SAMPLES, .channels = 2, .rate = RATE, .container = container, .encoder = encoder};
}

/* What `zoe index` makes of a file with these bytes: its samples, one channel. */
static zoe__sound hear(const uint8_t *bytes, size_t size, float *out)
{
    char path[] = "/tmp/zoe-record-XXXXXX", to[64];
    const zoe_media_limits limits = zoe_media_limits_default();
    zoe__source source;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    zoe__format(to, sizeof to, "%s.pcm", path);
    zoe__ingested read = {.data_path = "/dev/null", .pcm_path = to, .rate = RATE};
    assert_int_equal(zoe__source_open(context, &source, path, &limits), ZOE_OK);
    assert_int_equal(zoe__ingest(context, &source, &limits, &read), ZOE_OK);
    zoe__source_close(&source);
    zoe__record_clear(&read.record);
    FILE *file = fopen(to, "rb");
    assert_non_null(file);
    float *scratch = calloc(SAMPLES, sizeof *scratch);
    assert_non_null(scratch);
    assert_int_equal(zoe__pcm_read(context, fileno(file), &read.sound, 0, SAMPLES, scratch, out, path), ZOE_OK);
    free(scratch);
    fclose(file);
    unlink(path);
    unlink(to);
    return read.sound;
}

static void lossless_numbers_come_back(void **state)
{
    static const char *const of[][2] = {{"pcm_s16le", "wav"}, {"flac", "matroska"}};
    static float heard[SAMPLES];
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const zoe__synth_record record = record_of(of[k][0], of[k][1]);
        uint8_t *bytes, *again;
        size_t size, size_again;
        assert_int_equal(zoe__synth_encode_sound(context, &record, &bytes, &size), ZOE_OK);
        assert_int_equal(zoe__synth_encode_sound(context, &record, &again, &size_again), ZOE_OK);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, again, size);
        const zoe__sound sound = hear(bytes, size, heard);
        assert_int_equal(sound.samples, SAMPLES);
        assert_int_equal(sound.channels, 2);
        for (int i = 0; i < SAMPLES; i++)
            if (heard[i] != (float)(pcm[2 * i] + pcm[2 * i + 1]) / 65536) fail_msg("%s: sample %d", of[k][0], i);
        av_free(bytes);
        av_free(again);
    }
}

/* Each with its own form of samples; what is lost is little. */
static void others_come_close(void **state)
{
    static const char *const of[][2] = {
        {"libmp3lame", "mp3"}, {"aac", "mp4"}, {"libvorbis", "matroska"}, {"libopus", "matroska"}};
    static float heard[SAMPLES];
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        zoe__synth_record record = record_of(of[k][0], of[k][1]);
        uint8_t *bytes;
        size_t size;
        record.bit_rate = 160000;
        const zoe_status status = zoe__synth_encode_sound(context, &record, &bytes, &size);
        if (!avcodec_find_encoder_by_name(of[k][0])) {
            assert_int_equal(status, ZOE_UNSUPPORTED);
            continue;
        }
        assert_int_equal(status, ZOE_OK);
        hear(bytes, size, heard);
        double off = 0, all = 0;
        for (int i = 0; i < SAMPLES; i++) {
            const double wanted = (double)(pcm[2 * i] + pcm[2 * i + 1]) / 65536;
            off += ((double)heard[i] - wanted) * ((double)heard[i] - wanted);
            all += wanted * wanted;
        }
        if (!(off < 0.05 * all)) fail_msg("%s: %g of %g", of[k][0], off, all);
        av_free(bytes);
    }
}

static void what_cannot_be_encoded_is_told(void **state)
{
    uint8_t *bytes;
    size_t size;
    (void)state;
    static const char *const no_sound[] = {"nonesuch", "mpeg4"};
    for (int k = 0; k < 2; k++) {
        const zoe__synth_record record = record_of(no_sound[k], "matroska");
        assert_int_equal(zoe__synth_encode_sound(context, &record, &bytes, &size), ZOE_UNSUPPORTED);
        assert_null(bytes);
        assert_non_null(strstr(zoe_context_error(context), no_sound[k]));
        zoe_context_clear(context);
    }
    zoe__synth_record record = record_of("flac", "matroska");
    record.channels = 12; /* FLAC ends at 8 */
    record.samples = SAMPLES / 6;
    assert_int_equal(zoe__synth_encode_sound(context, &record, &bytes, &size), ZOE_UNSUPPORTED);
    assert_non_null(strstr(zoe_context_error(context), "12 channels at 48000 Hz"));
    zoe_context_clear(context);
    record = record_of("flac", "nonesuch");
    assert_int_equal(zoe__synth_encode_sound(context, &record, &bytes, &size), ZOE_DATA);
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lossless_numbers_come_back),
                                       cmocka_unit_test(others_come_close),
                                       cmocka_unit_test(what_cannot_be_encoded_is_told)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
