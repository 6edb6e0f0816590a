/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of pairs: a picture and a sound a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"

#include "core/core.h"

#include <sndfile.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 8, SAMPLES = 4800 };

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

static void write_text(const char *file, const char *text)
{
    clip_write(clip_path(root, file), text, strlen(text));
}

/* A grey picture, and a sound of one level. */
static void make_picture(const char *file, int grey)
{
    char bytes[64 + SIDE * SIDE];
    zoe__format(bytes, sizeof bytes, "P5\n%d %d\n255\n", SIDE, SIDE);
    const size_t head = strlen(bytes);
    memset(bytes + head, grey, SIDE * SIDE);
    clip_write(clip_path(root, file), bytes, head + SIDE * SIDE);
}

static void make_sound(const char *file, float level)
{
    SF_INFO info = {.samplerate = 48000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *out = sf_open(clip_path(root, file), SFM_WRITE, &info);
    float values[SAMPLES];
    assert_non_null(out);
    for (int i = 0; i < SAMPLES; i++) values[i] = level;
    assert_int_equal(sf_writef_float(out, values, SAMPLES), SAMPLES);
    sf_close(out);
}

static void make_files(void)
{
    char name[32];
    mkdir(clip_path(root, "files"), 0777);
    for (int i = 0; i < 3; i++) {
        zoe__format(name, sizeof name, "files/%d.pgm", i);
        make_picture(name, 50 + 60 * i);
        zoe__format(name, sizeof name, "files/%d.wav", i);
        make_sound(name, 0.25f * (float)(i + 1));
    }
}

static zoe_status index_table(const char *table, const char *folder, const zoe_index_options *options)
{
    const char *path = clip_path(root, table);
    return zoe_pack_index(context, &path, 1, clip_path(root, folder), options);
}

static void check_clip(zoe_pack *pack, zoe_reader *reader, size_t at, int picture, int sound, const char *label)
{
    const zoe_clip *clip = zoe_pack_clip(pack, at);
    char name[32];
    uint8_t rgb[SIDE * SIDE * 3];
    float pcm[4];
    assert_non_null(clip);
    zoe__format(name, sizeof name, "files/%d.pgm", picture);
    assert_non_null(strstr(clip->path, name));
    zoe__format(name, sizeof name, "files/%d.wav", sound);
    assert_non_null(strstr(clip->sound.path, name));
    assert_string_equal(clip->label, label);
    assert_true(clip->pair);
    assert_int_equal(clip->frames, 1);
    assert_int_equal(clip->sound.samples, SAMPLES);
    assert_int_equal(strlen(clip->sha256), 64);
    must(zoe_reader_frames(reader, at, &(int){0}, 1, 0, 0, rgb));
    assert_true(abs(rgb[0] - (50 + 60 * picture)) <= 2);
    must(zoe_reader_sound(reader, at, 0.01, 4, pcm));
    assert_true(fabsf(pcm[0] - 0.25f * (float)(sound + 1)) < 1e-3f);
}

static void check_pack(const char *folder)
{
    zoe_pack *pack;
    zoe_reader *reader;
    must(zoe_pack_open(&pack, context, clip_path(root, folder)));
    must(zoe_reader_new(&reader, context, pack));
    assert_int_equal(zoe_pack_clips(pack), 4);
    check_clip(pack, reader, 0, 0, 0, "zero");
    check_clip(pack, reader, 1, 0, 1, "zero, again");
    check_clip(pack, reader, 2, 1, 1, "one");
    check_clip(pack, reader, 3, 2, 2, "");
    for (size_t i = 1; i < 4; i++)
        assert_string_not_equal(zoe_pack_clip(pack, 0)->sha256, zoe_pack_clip(pack, i)->sha256);
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
}

static const char TABLE[] = "picture,sound,label\nfiles/1.pgm,files/1.wav,one\r\n\nfiles/0.pgm,files/0.wav,zero\n"
                            "files/0.pgm,files/1.wav,\"zero, again\"\nfiles/2.pgm,files/2.wav,\n";

static void each_line_is_a_clip(void **state)
{
    (void)state;
    make_files();
    write_text("pairs.csv", TABLE);
    must(index_table("pairs.csv", "pairs.pack", NULL));
    check_pack("pairs.pack");
    must(index_table("pairs.csv", "pairs.pack", NULL)); /* again: nothing new */
    check_pack("pairs.pack");
    must(index_table("pairs.pack", "copy.pack", NULL)); /* from pack to pack */
    check_pack("copy.pack");
}

static void columns_may_be_more(void **state)
{
    (void)state;
    make_files();
    write_text("more.csv", "speaker,label,sound,picture\nanna,x,files/0.wav,files/0.pgm\n");
    zoe_index_options options = zoe_index_options_default();
    options.group_column = "speaker";
    options.label_column = NULL; /* as by the command line, where only groups are asked for */
    must(index_table("more.csv", "more.pack", &options));
    zoe_pack *pack;
    must(zoe_pack_open(&pack, context, clip_path(root, "more.pack")));
    assert_string_equal(zoe_pack_clip(pack, 0)->group, "anna");
    assert_string_equal(zoe_pack_clip(pack, 0)->label, "x");
    zoe_pack_free(&pack);
}

static void faults_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        zoe_status status;
        const char *says;
    } cases[] = {
        {"file,label\na,b\n", ZOE_DATA, "line 1: a table of pairs has the head picture,sound,label, not: file, label"},
        {"", ZOE_DATA, "line 1"},
        {"picture,sound,label\n", ZOE_DATA, "no pair"},
        {"picture,sound\nfiles/0.pgm,files/0.wav\n", ZOE_CONFIG, "no column 'label'"},
        {"picture,sound,label\nfiles/0.pgm,files/0.wav,a\n,files/0.wav,a\n", ZOE_DATA, "line 3: no picture"},
        {"picture,sound,label\n\"files/0.pgm\",,a\n", ZOE_DATA, "line 2: no sound"},
        {"picture,sound,label\nfiles/0.pgm,files/0.pgm,a\n", ZOE_DATA, "is a picture and a sound"},
        {"picture,sound,label\nfiles/gone.pgm,files/0.wav,a\n", ZOE_DATA, "fault.csv line 2: No such file"},
        {"picture,sound,label\nfiles/0.wav,files/1.wav,a\n", ZOE_DATA, "fault.csv line 2: not a picture"},
    };
    make_files();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[32];
        write_text("fault.csv", cases[i].text);
        zoe__format(folder, sizeof folder, "fault%zu.pack", i);
        const zoe_status status = index_table("fault.csv", folder, NULL);
        if (!strstr(zoe_context_error(context), cases[i].says)) print_error("%s\n", zoe_context_error(context));
        assert_int_equal(status, cases[i].status);
        assert_non_null(strstr(zoe_context_error(context), cases[i].says));
        assert_null(strchr(zoe_context_error(context), '\n'));
        zoe_context_clear(context);
    }
}

/* One of three lines has no picture: it is counted, and the others are there. */
static void a_bad_line_is_skipped(void **state)
{
    (void)state;
    make_files();
    write_text("some.csv", "picture,sound,label\nfiles/0.pgm,files/0.wav,a\nfiles/gone.pgm,files/1.wav,b\n"
                           "files/2.pgm,files/2.wav,c\n");
    assert_int_equal(index_table("some.csv", "some.pack", NULL), ZOE_BAD_FILES);
    zoe_context_clear(context);
    zoe_pack *pack;
    const zoe_skipped *skipped;
    must(zoe_pack_open(&pack, context, clip_path(root, "some.pack")));
    assert_int_equal(zoe_pack_clips(pack), 2);
    assert_int_equal(zoe_pack_skipped(pack, &skipped), 1);
    assert_non_null(strstr(skipped[0].reason, "some.csv line 3"));
    zoe_pack_free(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_a_clip),
        cmocka_unit_test(columns_may_be_more),
        cmocka_unit_test(faults_name_the_line),
        cmocka_unit_test(a_bad_line_is_skipped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
