/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames by rank: the picture with number n must stand at rank n, whatever container, codec, order of asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"

#include "core/core.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    if (status != ZOE_OK) fail_msg("%s: %s", zoe_status_name(status), zoe_context_error(context));
}

/* Indexes one file into a pack of its own and opens it. */
static zoe_pack *pack_of(const char *name)
{
    char folder[256];
    zoe__format(folder, sizeof folder, "%s/%s.pack", root, name);
    const char *path = clip_path(root, name);
    zoe_pack *pack;
    must(zoe_pack_index(context, &path, 1, folder, NULL));
    must(zoe_pack_open(&pack, context, folder));
    assert_int_equal(zoe_pack_clips(pack), 1);
    return pack;
}

static uint32_t draw_number(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Random triples, then single frames, then all at once, each picture's number checked; sizes other than the clip's too.
 */
static void check_ranks(const char *name, zoe_pack *pack, int first, int turned)
{
    const zoe_clip *clip = zoe_pack_clip(pack, 0);
    zoe_reader *reader;
    must(zoe_reader_new(&reader, context, pack));
    const size_t bytes = (size_t)clip->width * (size_t)clip->height * 3;
    uint8_t *rgb = malloc(3 * bytes);
    assert_non_null(rgb);
    uint32_t random = 1;
    for (int round = 0; round < 40; round++) {
        int ranks[3];
        for (int i = 0; i < 3; i++) ranks[i] = (int)(draw_number(&random) % (uint32_t)clip->frames);
        must(zoe_reader_frames(reader, 0, ranks, 3, 0, 0, rgb));
        for (int i = 0; i < 3; i++) {
            const int shown = clip_number(rgb + (size_t)i * bytes, clip->width, clip->height, turned);
            if (shown != ((first + ranks[i]) & 255))
                fail_msg("%s: ranks %d %d %d: rank %d shows picture %d, not %d", name, ranks[0], ranks[1], ranks[2],
                         ranks[i], shown, first + ranks[i]);
        }
    }
    for (int rank = 0; rank < clip->frames; rank++) {
        must(zoe_reader_frames(reader, 0, &rank, 1, 64, 64, rgb));
        if (clip_number(rgb, 64, 64, turned) != ((first + rank) & 255))
            fail_msg("%s: one by one: rank %d shows picture %d", name, rank, clip_number(rgb, 64, 64, turned));
    }
    free(rgb);
    zoe_reader_free(&reader);
}

/* The pictures again from a reader that reads the clip backwards: bit for bit the same. */
static void check_backwards(const char *name, zoe_pack *pack)
{
    const zoe_clip *clip = zoe_pack_clip(pack, 0);
    const size_t bytes = 32 * 24 * 3, n = (size_t)clip->frames;
    uint8_t *all = malloc(n * bytes), one[32 * 24 * 3];
    int *ranks = malloc(n * sizeof *ranks);
    assert_true(all && ranks);
    for (size_t i = 0; i < n; i++) ranks[i] = (int)i;
    zoe_reader *reader;
    must(zoe_reader_new(&reader, context, pack));
    must(zoe_reader_frames(reader, 0, ranks, n, 32, 24, all));
    for (size_t i = n; i-- > 0;) {
        must(zoe_reader_frames(reader, 0, &ranks[i], 1, 32, 24, one));
        if (memcmp(one, all + i * bytes, bytes)) fail_msg("%s: rank %zu read backwards differs", name, i);
    }
    zoe_reader_free(&reader);
    free(all);
    free(ranks);
}

/* The texture moves by 2.2 pixels a frame, the upper third stands still. */
static void check_table(const char *name, const zoe_clip *clip)
{
    double motion = 0;
    assert_true(clip->times[0] == 0);
    for (int i = 1; i < clip->frames; i++) {
        assert_true(clip->times[i] > clip->times[i - 1]);
        assert_true(clip->difference[i] > 0.5f);
        assert_true(clip->motion[i] >= 0);
        motion += clip->motion[i] / (clip->frames - 1);
        assert_int_equal(zoe_clip_rank_at(clip, clip->times[i] + 1e-6), i);
    }
    const bool vectors = memcmp(clip->motion, clip->difference, (size_t)clip->frames * sizeof(float)) != 0;
    if (vectors && !(motion > 0.5 && motion < 4)) fail_msg("%s: mean motion %g pixels", name, motion);
    assert_true(clip->seconds > clip->times[clip->frames - 1]);
    assert_int_equal(clip->clean, clip->frames);
    assert_int_equal(zoe_clip_rank_at(clip, -1), 0);
    assert_int_equal(zoe_clip_rank_at(clip, 1e9), clip->frames - 1);
}

static const clip_spec healthy[] = {
    {.file = "h264.mp4", .encoder = "libx264", .b_frames = 3, .gop = 20},
    {.file = "h264_pyramid.mp4",
     .encoder = "libx264",
     .options = "x264-params=b-pyramid=normal:bframes=5:keyint=30:b-adapt=0"},
    {.file = "h264_open.mp4", .encoder = "libx264", .options = "x264-params=open-gop=1:bframes=3:keyint=12:b-adapt=0"},
    {.file = "h264_refresh.mkv", .encoder = "libx264", .options = "x264-params=intra-refresh=1:keyint=20"},
    {.file = "h264_open.ts", .encoder = "libx264", .options = "x264-params=open-gop=1:bframes=3:keyint=12:b-adapt=0"},
    {.file = "h264_interlaced.ts", .encoder = "libx264", .options = "x264-params=tff=1:bframes=2:keyint=12"},
    {.file = "h264_444.mp4", .encoder = "libx264", .format = "yuv444p", .b_frames = 2},
    {.file = "h264_10bit.mkv", .encoder = "libx264", .format = "yuv420p10le", .b_frames = 2},
    {.file = "h264_odd.mp4", .encoder = "libx264", .format = "yuv444p", .width = 97, .height = 75, .b_frames = 2},
    {.file = "h264_uneven.mp4", .encoder = "libx264", .b_frames = 3, .uneven = true},
    {.file = "h264.avi", .encoder = "libx264", .b_frames = 2},
    {.file = "h264.flv", .encoder = "libx264", .b_frames = 2},
    {.file = "raw.h264", .encoder = "libx264", .b_frames = 2},
    {.file = "hevc.mp4",
     .encoder = "libx265",
     .b_frames = 4,
     .options = "x265-params=log-level=none:open-gop=1:keyint=15"},
    {.file = "hevc_layers.ts",
     .encoder = "libx265",
     .b_frames = 4,
     .options = "x265-params=log-level=none:temporal-layers=1:keyint=15:b-adapt=0"},
    {.file = "vp9.webm",
     .encoder = "libvpx-vp9",
     .options = "deadline=realtime:cpu-used=8:auto-alt-ref=1:lag-in-frames=8"},
    {.file = "vp8.webm", .encoder = "libvpx", .options = "deadline=realtime:cpu-used=8:auto-alt-ref=1:lag-in-frames=8"},
    {.file = "mpeg4_b.avi", .encoder = "mpeg4", .b_frames = 2},
    {.file = "mpeg4_b.mp4", .encoder = "mpeg4", .b_frames = 2},
    {.file = "packed.avi", .encoder = "libxvid", .b_frames = 2},
    {.file = "mpeg2.mpg", .encoder = "mpeg2video", .b_frames = 2},
    {.file = "mpeg2_interlaced.mpg", .encoder = "mpeg2video", .b_frames = 2, .options = "flags=+ildct+ilme"},
    {.file = "mpeg2.ts", .encoder = "mpeg2video", .b_frames = 2},
    {.file = "mpeg1.mpg", .encoder = "mpeg1video", .b_frames = 2},
    {.file = "mjpeg.avi", .encoder = "mjpeg", .format = "yuvj420p"},
    {.file = "mjpeg.mov", .encoder = "mjpeg", .format = "yuvj422p"},
    {.file = "ffv1.mkv", .encoder = "ffv1", .format = "bgr0"},
    {.file = "huffyuv.avi", .encoder = "huffyuv", .format = "yuv422p"},
    {.file = "flv1.flv", .encoder = "flv"},
    {.file = "wmv2.wmv", .encoder = "wmv2"},
    {.file = "theora.ogv", .encoder = "libtheora"},
    {.file = "raw.y4m", .encoder = "wrapped_avframe"},
};

static void every_codec_is_exact(void **state)
{
    (void)state;
    int made = 0;
    for (size_t i = 0; i < sizeof healthy / sizeof *healthy; i++) {
        const clip_spec *spec = &healthy[i];
        if (!clip_make(root, spec)) continue;
        made++;
        zoe_pack *pack = pack_of(spec->file);
        const zoe_clip *clip = zoe_pack_clip(pack, 0);
        /* packed MPEG-4: the encoder's last B pictures get lost in the container */
        if (clip->frames != 60 && !(strcmp(spec->file, "packed.avi") == 0 && clip->frames >= 57))
            fail_msg("%s: %d frames of 60", spec->file, clip->frames);
        assert_int_equal(clip->width, spec->width ? spec->width : 96);
        assert_int_equal(clip->height, spec->height ? spec->height : 80);
        check_table(spec->file, clip);
        check_ranks(spec->file, pack, 0, 0);
        check_backwards(spec->file, pack);
        zoe_pack_free(&pack);
    }
    assert_true(made >= 8); /* FFmpeg's own encoders are always there */
}

/* Clockwise quarter turns, and a mirror image. */
static const int32_t turns[4][9] = {{65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30},
                                    {0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30},
                                    {-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30},
                                    {0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30}};

static void rotation_is_applied(void **state)
{
    (void)state;
    static const struct {
        const char *encoder, *format;
        int width, height;
    } kinds[] = {{"mpeg4", "yuv420p", 96, 80}, {"mjpeg", "yuvj422p", 90, 74}, {"mjpeg", "yuvj444p", 97, 75}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int turn = 0; turn < 4; turn++) {
            char name[32];
            zoe__format(name, sizeof name, "turn%zu_%d.mov", k, turn);
            const clip_spec spec = {.file = name,
                                    .encoder = kinds[k].encoder,
                                    .format = kinds[k].format,
                                    .frames = 20,
                                    .width = kinds[k].width,
                                    .height = kinds[k].height,
                                    .matrix = turns[turn]};
            assert_true(clip_make(root, &spec));
            zoe_pack *pack = pack_of(name);
            assert_int_equal(zoe_pack_clip(pack, 0)->width, turn % 2 ? kinds[k].height : kinds[k].width);
            assert_int_equal(zoe_pack_clip(pack, 0)->height, turn % 2 ? kinds[k].width : kinds[k].height);
            check_ranks(name, pack, 0, turn);
            zoe_pack_free(&pack);
        }
}

static void edit_list_is_honoured(void **state)
{
    (void)state;
    for (int cut = 1; cut < 40; cut += 9) {
        char name[32];
        zoe__format(name, sizeof name, "cut%d.mp4", cut);
        const clip_spec spec = {.file = name, .encoder = "mpeg4", .b_frames = 2, .cut = cut};
        assert_true(clip_make(root, &spec));
        zoe_pack *pack = pack_of(name);
        assert_int_equal(zoe_pack_clip(pack, 0)->frames, 60 - cut);
        check_table(name, zoe_pack_clip(pack, 0));
        check_ranks(name, pack, cut, 0);
        zoe_pack_free(&pack);
    }
}

/* A file that ends early has its first frames, exactly, and a clear error beyond. */
static void truncated_file_keeps_its_frames(void **state)
{
    (void)state;
    static const clip_spec specs[] = {{.file = "whole.ts", .encoder = "mpeg2video", .b_frames = 2},
                                      {.file = "whole.avi", .encoder = "mpeg4", .b_frames = 2},
                                      {.file = "whole.mpg", .encoder = "mpeg1video", .b_frames = 2},
                                      {.file = "whole.mkv", .encoder = "mpeg4", .b_frames = 2}};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        size_t size;
        char name[32];
        assert_true(clip_make(root, &specs[i]));
        uint8_t *bytes = clip_read(clip_path(root, specs[i].file), &size);
        zoe__format(name, sizeof name, "short_%s", specs[i].file);
        clip_write(clip_path(root, name), bytes, size * 6 / 10);
        free(bytes);
        zoe_pack *pack = pack_of(name);
        const zoe_clip *clip = zoe_pack_clip(pack, 0);
        assert_in_range(clip->frames, 20, 50);
        zoe_reader *reader;
        must(zoe_reader_new(&reader, context, pack));
        uint8_t rgb[64 * 64 * 3];
        for (int rank = clip->frames - 1; rank >= 0; rank--) {
            must(zoe_reader_frames(reader, 0, &rank, 1, 64, 64, rgb));
            /* the last reference picture may be there without the B pictures before it */
            const int shown = clip_number(rgb, 64, 64, 0);
            if (!clip->tainted[rank] && shown != rank &&
                !(rank == clip->frames - 1 && shown > rank && shown <= rank + 2))
                fail_msg("%s: rank %d of %d shows picture %d", name, rank, clip->frames, shown);
        }
        for (int step = 0; step < 3; step++) {
            const int beyond = (int[]){clip->frames, 1000000, -1}[step];
            char wanted[64];
            assert_int_equal(zoe_reader_frames(reader, 0, &beyond, 1, 64, 64, rgb), ZOE_DATA);
            zoe__format(wanted, sizeof wanted, "no frame %d, the clip has %d", beyond, clip->frames);
            assert_non_null(strstr(zoe_context_error(context), name));
            assert_non_null(strstr(zoe_context_error(context), wanted));
            zoe_context_clear(context);
        }
        zoe_reader_free(&reader);
        zoe_pack_free(&pack);
    }
}

/* Two sizes in one transport stream: all frames come at the first one's size. */
static void size_may_change(void **state)
{
    (void)state;
    const clip_spec a = {.file = "a.ts", .encoder = "mpeg2video", .b_frames = 2, .frames = 30},
                    b = {
                        .file = "b.ts", .encoder = "mpeg2video", .frames = 30, .width = 160, .height = 96, .first = 30};
    size_t size_a, size_b;
    assert_true(clip_make(root, &a) && clip_make(root, &b));
    uint8_t *bytes = clip_read(clip_path(root, "a.ts"), &size_a), *more = clip_read(clip_path(root, "b.ts"), &size_b);
    bytes = realloc(bytes, size_a + size_b);
    assert_non_null(bytes);
    memcpy(bytes + size_a, more, size_b);
    clip_write(clip_path(root, "both.ts"), bytes, size_a + size_b);
    free(bytes);
    free(more);
    zoe_pack *pack = pack_of("both.ts");
    const zoe_clip *clip = zoe_pack_clip(pack, 0);
    assert_in_range(clip->frames, 58, 60); /* the join may cost pictures */
    assert_int_equal(clip->width, 96);
    zoe_reader *reader;
    must(zoe_reader_new(&reader, context, pack));
    uint8_t rgb[96 * 80 * 3];
    for (int k = 0; k < clip->frames; k++) {
        const int rank = (k * 13 + 31) % clip->frames;
        must(zoe_reader_frames(reader, 0, &rank, 1, 0, 0, rgb));
        const int shown = clip_number(rgb, 96, 80, 0);
        if (shown != rank && shown != rank + 60 - clip->frames)
            fail_msg("rank %d of %d shows picture %d", rank, clip->frames, shown);
    }
    zoe_reader_free(&reader);
    check_backwards("both.ts", pack);
    zoe_pack_free(&pack);
}

/* Bits flipped in the middle: every way to a frame gives what one pass from the start gives. */
static void damage_reads_the_same_every_way(void **state)
{
    (void)state;
    static const clip_spec specs[] = {{.file = "hurt.avi", .encoder = "mpeg4", .b_frames = 2},
                                      {.file = "hurt.mpg", .encoder = "mpeg2video", .b_frames = 2},
                                      {.file = "hurt.mkv", .encoder = "libx264", .b_frames = 3}};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        size_t size;
        if (!clip_make(root, &specs[i])) continue;
        uint8_t *bytes = clip_read(clip_path(root, specs[i].file), &size);
        uint32_t random = 3;
        for (int n = 0; n < 5; n++) bytes[size / 2 + draw_number(&random) % (size / 4)] ^= (uint8_t)(1u << n);
        clip_write(clip_path(root, specs[i].file), bytes, size);
        free(bytes);
        zoe_pack *pack = pack_of(specs[i].file);
        const zoe_clip *clip = zoe_pack_clip(pack, 0);
        assert_true(clip->clean > clip->frames / 2);
        check_backwards(specs[i].file, pack);
        zoe_pack_free(&pack);
    }
}

typedef struct visitor {
    zoe_pack *pack;
    uint32_t random;
    int wrong;
    char error[256];
} visitor;

static void *visit(void *argument)
{
    visitor *v = argument;
    zoe_context *own;
    zoe_reader *reader = NULL;
    uint8_t rgb[3 * 64 * 48 * 3];
    if (zoe_context_new(&own) != ZOE_OK || zoe_reader_new(&reader, own, v->pack) != ZOE_OK) v->wrong = -1;
    for (int round = 0; round < 60 && v->wrong >= 0; round++) {
        int ranks[3];
        const size_t clip = draw_number(&v->random) % zoe_pack_clips(v->pack);
        for (int i = 0; i < 3; i++) ranks[i] = (int)(draw_number(&v->random) % 60);
        if (zoe_reader_frames(reader, clip, ranks, 3, 64, 48, rgb) != ZOE_OK) {
            zoe__format(v->error, sizeof v->error, "%s", zoe_context_error(own));
            v->wrong = -1;
        }
        for (int i = 0; i < 3 && v->wrong >= 0; i++)
            v->wrong += clip_number(rgb + i * 64 * 48 * 3, 64, 48, 0) != ((int)clip * 60 + ranks[i]);
    }
    zoe_reader_free(&reader);
    zoe_context_free(&own);
    return NULL;
}

/* Four threads, without a cache, with one that holds half of the clips, with one that holds all. */
static void readers_share_a_pack(void **state)
{
    (void)state;
    const char *paths[4];
    for (int i = 0; i < 4; i++) {
        char name[16];
        zoe__format(name, sizeof name, "many%d.avi", i);
        const clip_spec spec = {.file = name, .encoder = "mpeg4", .b_frames = 2, .first = 60 * i};
        assert_true(clip_make(root, &spec));
        paths[i] = clip_path(root, name);
    }
    const char *folder = clip_path(root, "many.pack");
    must(zoe_pack_index(context, paths, 4, folder, NULL));
    for (int cache = 0; cache <= 4; cache += 2) {
        zoe_pack *pack;
        must(zoe_pack_open(&pack, context, folder));
        zoe_pack_set_cache(pack, (size_t)cache * 60 * 64 * 48 * 3);
        visitor visitors[4];
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) {
            visitors[i] = (visitor){.pack = pack, .random = (uint32_t)i + 1};
            assert_int_equal(pthread_create(&threads[i], NULL, visit, &visitors[i]), 0);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
            if (visitors[i].wrong)
                fail_msg("cache of %d clips: thread %d: %d wrong frames %s", cache, i, visitors[i].wrong,
                         visitors[i].error);
        }
        zoe_pack_free(&pack);
    }
}

/* The same pixels as the ffmpeg program, where it is installed. */
static void pixels_equal_those_of_ffmpeg(void **state)
{
    (void)state;
    if (system("ffmpeg -version >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: no ffmpeg program to compare with\n");
        skip();
    }
    static const clip_spec specs[] = {
        {.file = "p0.mp4", .encoder = "mpeg4", .b_frames = 2},
        {.file = "p1.mov", .encoder = "mpeg4", .matrix = turns[1]},
        {.file = "p2.mov", .encoder = "mpeg4", .matrix = turns[3], .b_frames = 2},
        {.file = "p3.mp4", .encoder = "mpeg4", .b_frames = 2, .cut = 17},
        {.file = "p4.avi", .encoder = "mjpeg", .format = "yuvj422p"},
        {.file = "p5.mpg", .encoder = "mpeg2video", .b_frames = 2, .options = "flags=+ildct+ilme"},
        {.file = "p6.mkv", .encoder = "ffv1", .format = "yuv420p10le"},
        {.file = "p7.mkv", .encoder = "ffv1", .format = "gray"},
        {.file = "p8.mp4", .encoder = "libx264", .b_frames = 3, .options = "colorspace=bt709:color_range=tv"},
        {.file = "p9.mp4", .encoder = "libx264", .b_frames = 3, .options = "color_range=pc"}};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        for (int own_size = 0; own_size < 2; own_size++) {
            char command[1024];
            if (!clip_make(root, &specs[i])) continue;
            zoe__format(command, sizeof command,
                        "ffmpeg -nostdin -v quiet -y -threads 1 -i %s/%s -fps_mode passthrough -vf %sformat=rgb24 -f "
                        "rawvideo %s/raw",
                        root, specs[i].file, own_size ? "scale=flags=area," : "scale=70:50:flags=area,", root);
            assert_int_equal(system(command), 0);
            size_t size;
            uint8_t *theirs = clip_read(clip_path(root, "raw"), &size);
            zoe_pack *pack = pack_of(specs[i].file);
            const zoe_clip *clip = zoe_pack_clip(pack, 0);
            const int w = own_size ? clip->width : 70, h = own_size ? clip->height : 50;
            const size_t bytes = (size_t)w * (size_t)h * 3;
            if (size != bytes * (size_t)clip->frames)
                fail_msg("%s: ffmpeg has %zu bytes, we %d frames", specs[i].file, size, clip->frames);
            zoe_reader *reader;
            must(zoe_reader_new(&reader, context, pack));
            uint8_t *ours = malloc(bytes);
            assert_non_null(ours);
            for (int k = 0; k < clip->frames; k++) {
                const int rank = (k * 7 + 3) % clip->frames;
                must(zoe_reader_frames(reader, 0, &rank, 1, own_size ? 0 : w, own_size ? 0 : h, ours));
                if (memcmp(ours, theirs + (size_t)rank * bytes, bytes))
                    fail_msg("%s: rank %d differs from ffmpeg's", specs[i].file, rank);
            }
            free(ours);
            free(theirs);
            zoe_reader_free(&reader);
            zoe_pack_free(&pack);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_is_exact),  cmocka_unit_test(rotation_is_applied),
        cmocka_unit_test(edit_list_is_honoured), cmocka_unit_test(truncated_file_keeps_its_frames),
        cmocka_unit_test(size_may_change),       cmocka_unit_test(damage_reads_the_same_every_way),
        cmocka_unit_test(readers_share_a_pack),  cmocka_unit_test(pixels_equal_those_of_ffmpeg),
    };
    return cmocka_run_group_tests_name("media reader", tests, set_up, tear_down);
}
