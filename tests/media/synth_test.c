/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoe/media.h>

#include "core/core.h"
#include "media/synth.h"

enum { SIDE = 64, FRAMES = 60, JOINTS = 9, FRAME_BYTES = SIDE * SIDE * 3 };

static const char *const kinds[] = {"walk", "jump", "wave", "jack", "bend", "squat", "kick", "sway"};

static zoe_context *context;
static char root[] = "/tmp/zoe-synth-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return zoe_context_new(&context) != ZOE_OK || !mkdtemp(root);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    zoe_context_free(&context);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *path_of(const char *set, int index, const char *suffix)
{
    static char path[512];
    assert_true(zoe__format(path, sizeof path, "%s/%s/%s/%05d.%s", root, set, kinds[index % 8], index, suffix));
    return path;
}

static void make(const char *set, int clips, uint64_t seed, int workers)
{
    char out[256];
    assert_true(zoe__format(out, sizeof out, "%s/%s", root, set));
    zoe_synth_options options = zoe_synth_options_default();
    options.clips = clips;
    options.seed = seed;
    options.workers = workers;
    const zoe_status status = zoe_synth(context, out, &options);
    if (status != ZOE_OK) print_error("%s\n", zoe_context_error(context));
    assert_int_equal(status, ZOE_OK);
}

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is missing", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static bool same_file(const char *set, const char *other, int index, const char *suffix)
{
    size_t size, other_size;
    char *bytes = read_file(path_of(set, index, suffix), &size);
    char *other_bytes = read_file(path_of(other, index, suffix), &other_size);
    const bool same = size == other_size && memcmp(bytes, other_bytes, size) == 0;
    free(bytes);
    free(other_bytes);
    return same;
}

static void test_workers_and_count_do_not_matter(void **state)
{
    (void)state;
    make("one", 9, 5, 1);
    make("three", 11, 5, 3);
    make("one", 9, 5, 2); /* replaces what is there */
    make("other", 9, 6, 2);
    for (int i = 0; i < 9; i++) {
        assert_true(same_file("one", "three", i, "mp4"));
        assert_true(same_file("one", "three", i, "json"));
        assert_false(same_file("one", "other", i, "mp4"));
        assert_false(same_file("one", "other", i, "json"));
    }
    assert_int_equal(access(path_of("three", 10, "mp4"), F_OK), 0);
    assert_int_not_equal(access(path_of("three", 11, "mp4"), F_OK), 0);
}

static int files_seen;

static int count_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)path, (void)info, (void)where;
    files_seen += type == FTW_F;
    return 0;
}

static void test_only_finished_files_are_left(void **state)
{
    (void)state;
    make("finished", 3, 1, 2);
    char out[256];
    assert_true(zoe__format(out, sizeof out, "%s/finished", root));
    files_seen = 0;
    assert_int_equal(nftw(out, count_one, 16, FTW_PHYS), 0);
    assert_int_equal(files_seen, 2 * 3);
}

static void check_frame(const json_t *points, int index)
{
    assert_int_equal(json_array_size(points), JOINTS);
    double lowest = 0;
    for (size_t j = 0; j < JOINTS; j++) {
        const json_t *point = json_array_get(points, j);
        assert_int_equal(json_array_size(point), 2);
        const double x = json_number_value(json_array_get(point, 0)), y = json_number_value(json_array_get(point, 1));
        assert_true(x > -30 && x < SIDE + 30 && y > -20 && y < SIDE + 4);
        if (j % 4 == 0 && j) lowest = fmax(lowest, y); /* 4 and 8: the feet */
    }
    /* The lower foot stands on y = 53..60, shaken by 3; only a jump leaves the floor. */
    if (index % 8 != 1) assert_true(lowest > 49.9 && lowest < 63.1);
}

static void test_json(void **state)
{
    (void)state;
    make("json", 16, 3, 2);
    for (int i = 0; i < 16; i++) {
        json_error_t error;
        json_t *clip = json_load_file(path_of("json", i, "json"), 0, &error);
        assert_non_null(clip);
        assert_string_equal(json_string_value(json_object_get(clip, "kind")), kinds[i % 8]);
        assert_int_equal(json_integer_value(json_object_get(clip, "fps")), 25);
        const json_t *joints = json_object_get(clip, "joints");
        assert_int_equal(json_array_size(joints), FRAMES);
        for (size_t t = 0; t < FRAMES; t++) check_frame(json_array_get(joints, t), i);
        json_decref(clip);
    }
}

/* Frames in the file, key frames at their places and the tags of colour. */
static void check_container(const char *path, enum AVCodecID codec)
{
    AVFormatContext *container = NULL;
    assert_int_equal(avformat_open_input(&container, path, NULL, NULL), 0);
    assert_true(avformat_find_stream_info(container, NULL) >= 0);
    assert_int_equal(container->nb_streams, 1);
    const AVStream *stream = container->streams[0];
    assert_int_equal(stream->codecpar->codec_id, codec);
    assert_int_equal(stream->codecpar->width, SIDE);
    assert_int_equal(stream->codecpar->height, SIDE);
    assert_int_equal(stream->codecpar->color_space, AVCOL_SPC_SMPTE170M);
    assert_int_not_equal(stream->codecpar->color_range, AVCOL_RANGE_JPEG);
    assert_int_equal(stream->avg_frame_rate.num, 25 * stream->avg_frame_rate.den);
    AVPacket *packet = av_packet_alloc();
    int packets = 0;
    while (av_read_frame(container, packet) == 0) {
        const int rank = (int)lround((double)packet->pts * av_q2d(stream->time_base) * 25);
        assert_int_equal(!!(packet->flags & AV_PKT_FLAG_KEY), rank % 25 == 0);
        packets++;
        av_packet_unref(packet);
    }
    assert_int_equal(packets, FRAMES);
    av_packet_free(&packet);
    avformat_close_input(&container);
}

static void test_container(void **state)
{
    (void)state;
    make("container", 2, 7, 1);
    const bool x264 = avcodec_find_encoder_by_name("libx264");
    check_container(path_of("container", 1, "mp4"), x264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_MPEG4);
}

static void draw_clip(uint64_t seed, uint32_t index, uint8_t **rgb, float **joints)
{
    const zoe__synth_world *world;
    assert_int_equal(zoe__synth_find(&world, context, "motion"), ZOE_OK);
    *rgb = malloc(FRAMES * FRAME_BYTES);
    *joints = malloc(FRAMES * JOINTS * 2 * sizeof(float));
    assert_true(*rgb && *joints);
    zoe__synth_clip clip = {.rgb = *rgb, .points = *joints};
    assert_int_equal(world->draw(context, seed, index, 1, &clip), ZOE_OK);
}

static void test_mpeg4_without_x264(void **state)
{
    (void)state;
    uint8_t *rgb, *bytes;
    float *joints;
    size_t size;
    draw_clip(1, 0, &rgb, &joints);
    zoe__synth_movie movie = {
        .rgb = rgb, .frames = FRAMES, .width = SIDE, .height = SIDE, .fps = 25, .container = "mp4", .encoder = "mpeg4"};
    assert_int_equal(zoe__synth_encode(context, &movie, &bytes, &size), ZOE_OK);
    char path[256];
    assert_true(zoe__format(path, sizeof path, "%s/mpeg4.mp4", root));
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    av_free(bytes);
    AVFormatContext *container = NULL;
    assert_int_equal(avformat_open_input(&container, path, NULL, NULL), 0);
    assert_int_equal(container->streams[0]->codecpar->codec_id, AV_CODEC_ID_MPEG4);
    assert_int_equal(container->streams[0]->nb_frames, FRAMES);
    avformat_close_input(&container);
    movie.encoder = "no-such";
    assert_int_equal(zoe__synth_encode(context, &movie, &bytes, &size), ZOE_UNSUPPORTED);
    assert_non_null(strstr(zoe_context_error(context), "no-such"));
    zoe_context_clear(context);
    free(rgb);
    free(joints);
}

/* The pack's reader sees the frames that were drawn, in their order and in their colours: what is left is coding (rms
 * about 4, most of it chroma at half the resolution). */
static void test_read_back(void **state)
{
    (void)state;
    make("back", 8, 13, 2);
    char clips[256], folder[256];
    zoe__format(clips, sizeof clips, "%s/back", root);
    zoe__format(folder, sizeof folder, "%s/back-pack", root);
    zoe_index_options options = zoe_index_options_default();
    zoe_pack *pack;
    zoe_reader *reader;
    assert_int_equal(zoe_pack_index(context, (const char *const[]){clips}, 1, folder, &options), ZOE_OK);
    assert_int_equal(zoe_pack_open(&pack, context, folder), ZOE_OK);
    assert_int_equal(zoe_reader_new(&reader, context, pack), ZOE_OK);
    assert_int_equal(zoe_pack_clips(pack), 8);
    uint8_t *drawn, *read = malloc(FRAMES * FRAME_BYTES);
    float *joints;
    int ranks[FRAMES];
    for (int t = 0; t < FRAMES; t++) ranks[t] = t;
    for (size_t i = 0; i < 8; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        const int index = (int)strtol(strrchr(clip->path, '/') + 1, NULL, 10);
        assert_string_equal(clip->label, kinds[index]);
        assert_int_equal(clip->frames, FRAMES);
        draw_clip(13, (uint32_t)index, &drawn, &joints);
        assert_int_equal(zoe_reader_frames(reader, i, ranks, FRAMES, 0, 0, read), ZOE_OK);
        for (int t = 0; t < FRAMES; t++) {
            double squares = 0, bias[3] = {0};
            for (int k = t * FRAME_BYTES; k < (t + 1) * FRAME_BYTES; k++) {
                const int difference = read[k] - drawn[k];
                squares += difference * difference;
                bias[k % 3] += difference;
            }
            const double rms = sqrt(squares / FRAME_BYTES);
            if (rms > 8) fail_msg("clip %d frame %d: rms %.2f", index, t, rms);
            for (int c = 0; c < 3; c++)
                if (fabs(bias[c]) / (SIDE * SIDE) > 2) fail_msg("clip %d frame %d: channel %d shifts", index, t, c);
        }
        free(drawn);
        free(joints);
    }
    free(read);
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
}

static double brightness(const uint8_t *pixel)
{
    return (pixel[0] + pixel[1] + pixel[2]) / 3.0;
}

/* The head is a light disc of radius 3.1 and more at joint 0, so shake and mirror must be in the joints too. */
static void test_joints_lie_on_the_figure(void **state)
{
    (void)state;
    double head = 0, everywhere = 0;
    int seen = 0;
    for (uint32_t index = 0; index < 16; index++) {
        uint8_t *rgb;
        float *joints;
        draw_clip(11, index, &rgb, &joints);
        for (int t = 0; t < FRAMES; t++) {
            const int x = (int)lroundf(joints[t * JOINTS * 2]), y = (int)lroundf(joints[t * JOINTS * 2 + 1]);
            if (x < 0 || y < 0 || x >= SIDE || y >= SIDE) continue;
            const uint8_t *frame = rgb + t * FRAME_BYTES;
            head += brightness(frame + (y * SIDE + x) * 3);
            for (int i = 0; i < SIDE * SIDE; i++) everywhere += brightness(frame + 3 * i) / (SIDE * SIDE);
            seen++;
        }
        free(rgb);
        free(joints);
    }
    assert_true(seen > 14 * FRAMES);
    /* Mean colour of a figure 212, of a background 95, light 1 on average. */
    if (head / seen < 200 || head / seen > 225) fail_msg("head %.1f", head / seen);
    if (everywhere / seen > 125) fail_msg("everywhere %.1f", everywhere / seen);
}

static void test_draw_is_pure(void **state)
{
    (void)state;
    uint8_t *a, *b, *c;
    float *joints_a, *joints_b, *joints_c;
    draw_clip(UINT64_C(0x123456789abcdef0), 3, &a, &joints_a);
    draw_clip(UINT64_C(0x123456789abcdef0), 3, &b, &joints_b);
    draw_clip(UINT64_C(0x023456789abcdef0), 3, &c, &joints_c); /* the upper half of the seed counts */
    assert_memory_equal(a, b, FRAMES * FRAME_BYTES);
    assert_memory_equal(joints_a, joints_b, FRAMES * JOINTS * 2 * sizeof(float));
    assert_memory_not_equal(a, c, FRAMES * FRAME_BYTES);
    free(a), free(b), free(c);
    free(joints_a), free(joints_b), free(joints_c);
}

static void test_nothing_is_printed(void **state)
{
    (void)state;
    char path[256];
    assert_true(zoe__format(path, sizeof path, "%s/printed", root));
    fflush(NULL);
    const int saved_out = dup(1), saved_err = dup(2), file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(saved_out >= 0 && saved_err >= 0 && file >= 0);
    dup2(file, 1), dup2(file, 2);
    zoe_synth_options options = {.world = "motion", .clips = 1, .seed = 1};
    char out[256];
    zoe__format(out, sizeof out, "%s/quiet", root);
    const zoe_status status = zoe_synth(context, out, &options);
    fflush(NULL);
    dup2(saved_out, 1), dup2(saved_err, 2);
    close(saved_out), close(saved_err), close(file);
    assert_int_equal(status, ZOE_OK);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 0);
}

static void expect(zoe_status wanted, const char *out, zoe_synth_options options, const char *word)
{
    assert_int_equal(zoe_synth(context, out, &options), wanted);
    if (!strstr(zoe_context_error(context), word)) fail_msg("'%s' lacks '%s'", zoe_context_error(context), word);
    zoe_context_clear(context);
}

static void test_errors(void **state)
{
    (void)state;
    char file[256], below[256], blocked[256];
    zoe__format(file, sizeof file, "%s/a-file", root);
    zoe__format(below, sizeof below, "%s/a-file/deeper", root);
    zoe__format(blocked, sizeof blocked, "%s/blocked", root);
    fclose(fopen(file, "wb"));
    zoe_synth_options options = zoe_synth_options_default();
    options.clips = 1;
    expect(ZOE_DISK, file, options, "a-file");
    expect(ZOE_DISK, below, options, "a-file");
    expect(ZOE_DISK, "", options, "empty");
    char *longer = malloc(5001);
    memset(longer, 'x', 5000);
    longer[5000] = '\0';
    expect(ZOE_DISK, longer, options, "too long");
    free(longer);
    expect(ZOE_DISK, "/dev/null/x", options, "/dev/null");
    options.clips = 0;
    expect(ZOE_CONFIG, root, options, "clips is 0");
    options.clips = 1;
    options.workers = -1;
    expect(ZOE_CONFIG, root, options, "workers is -1");
    options.workers = 2;
    options.world = "motions";
    expect(ZOE_CONFIG, root, options, "'motions'; known: motion");
    /* A folder where the clip should go: the rename fails, in a worker, and the text of the worker comes through. */
    options.world = "motion";
    make("blocked", 1, 1, 1);
    assert_int_equal(unlink(path_of("blocked", 0, "mp4")), 0);
    assert_int_equal(mkdir(path_of("blocked", 0, "mp4"), 0700), 0);
    expect(ZOE_DISK, blocked, options, "walk/00000.mp4: cannot write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_and_count_do_not_matter),
        cmocka_unit_test(test_only_finished_files_are_left),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_container),
        cmocka_unit_test(test_mpeg4_without_x264),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_joints_lie_on_the_figure),
        cmocka_unit_test(test_draw_is_pure),
        cmocka_unit_test(test_nothing_is_printed),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
