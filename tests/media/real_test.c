/* SPDX-License-Identifier: Apache-2.0
 *
 * Real and broken files: nothing crashes or hangs, every readable clip reads the same at random as in one pass, and as
 * the ffmpeg program decodes it, where that is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"

#include "core/core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 40, HEIGHT = 30, BYTES = WIDTH * HEIGHT * 3, MOST_FRAMES = 400 };

static char root[64];
static zoe_context *context;
static bool have_ffmpeg;

static int set_up(void **state)
{
    (void)state;
    clip_folder(root);
    have_ffmpeg = system("ffmpeg -version >/dev/null 2>&1") == 0;
    if (!have_ffmpeg) print_message("SKIPPED: no ffmpeg program to compare with\n");
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

/* Pixels of one pass, by the ffmpeg program. A damaged file may end its exit code in an error. */
static void check_ffmpeg(const zoe_clip *clip, const uint8_t *ours)
{
    char command[1024];
    if (!have_ffmpeg || clip->clean != clip->frames || strchr(clip->path, '\'')) return;
    zoe__format(command, sizeof command,
                "ffmpeg -nostdin -v quiet -y -threads 1 -i '%s' -an -sn -fps_mode passthrough"
                " -vf scale=%d:%d:flags=area,format=rgb24 -f rawvideo %s/raw",
                clip->path, WIDTH, HEIGHT, root);
    if (system(command) != 0) print_message("ffmpeg complains about %s\n", clip->path);
    size_t size;
    uint8_t *theirs = clip_read(clip_path(root, "raw"), &size);
    if (size != (size_t)clip->frames * BYTES)
        fail_msg("%s: ffmpeg shows %zu frames, we %d", clip->path, size / BYTES, clip->frames);
    for (size_t i = 0; i < size; i++) /* one level: formats that ffmpeg converts in two steps */
        if (abs(ours[i] - theirs[i]) > 1) fail_msg("%s: rank %zu differs from ffmpeg's", clip->path, i / BYTES);
    free(theirs);
}

static void check_clip(zoe_pack *pack, size_t index)
{
    const zoe_clip *clip = zoe_pack_clip(pack, index);
    if (clip->frames == 0 || clip->frames > MOST_FRAMES) return; /* 0: a file of sound alone */
    const size_t n = (size_t)clip->frames;
    uint8_t *all = malloc(n * BYTES), three[3 * BYTES];
    int *ranks = malloc(n * sizeof *ranks);
    assert_true(all && ranks);
    zoe_reader *one, *other;
    must(zoe_reader_new(&one, context, pack));
    must(zoe_reader_new(&other, context, pack));
    for (size_t i = 0; i < n; i++) ranks[i] = (int)i;
    must(zoe_reader_frames(one, index, ranks, n, WIDTH, HEIGHT, all));
    uint32_t random = (uint32_t)index;
    for (int round = 0; round < 8; round++) {
        int asked[3];
        for (int i = 0; i < 3; i++) {
            random = random * 1664525u + 1013904223u;
            asked[i] = (int)((random >> 8) % n);
        }
        must(zoe_reader_frames(other, index, asked, 3, WIDTH, HEIGHT, three));
        for (int i = 0; i < 3; i++)
            if (memcmp(three + i * BYTES, all + (size_t)asked[i] * BYTES, BYTES))
                fail_msg("%s: asked for %d %d %d, rank %d differs", clip->path, asked[0], asked[1], asked[2], asked[i]);
    }
    check_ffmpeg(clip, all);
    zoe_reader_free(&one);
    zoe_reader_free(&other);
    free(ranks);
    free(all);
}

/* Indexes all of these paths, whatever they are, and checks each clip; at least `least` must be readable. */
static void check_paths(const char *const *paths, size_t count, const char *name, size_t least)
{
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 1;
    options.limits.min_clean = 0;
    options.limits.seconds_per_clip = 30;
    const char *folder = clip_path(root, name);
    must(zoe_pack_index(context, paths, count, folder, &options));
    zoe_pack *pack;
    must(zoe_pack_open(&pack, context, folder));
    assert_true(zoe_pack_clips(pack) >= least);
    for (size_t i = 0; i < zoe_pack_clips(pack); i++) check_clip(pack, i);
    zoe_pack_free(&pack);
}

/* Every file of the four folders by its name: pictures and sound must be refused politely. */
static void odd_media_go_through(void **state)
{
    (void)state;
    static const char *const folders[] = {"video", "generated", "audio", "image"};
    const char *data = clip_data("odd_media");
    if (!data) skip();
    char **paths = calloc(4096, sizeof *paths);
    size_t count = 0;
    assert_non_null(paths);
    for (int i = 0; i < 4; i++) {
        char path[1024];
        zoe__format(path, sizeof path, "%s/%s", data, folders[i]);
        DIR *folder = opendir(path);
        assert_non_null(folder);
        for (const struct dirent *entry; (entry = readdir(folder)) && count < 4096;) {
            if (entry->d_name[0] == '.' || strstr(entry->d_name, ".txt")) continue;
            zoe__format(path, sizeof path, "%s/%s/%s", data, folders[i], entry->d_name);
            paths[count] = strdup(path);
            assert_non_null(paths[count++]);
        }
        closedir(folder);
    }
    assert_true(count > 200);
    check_paths((const char *const *)paths, count, "odd.pack", 25);
    for (size_t i = 0; i < count; i++) free(paths[i]);
    free(paths);
}

static void real_clips_are_exact(void **state)
{
    (void)state;
    const char *data = clip_data("video_actions");
    if (!data) skip();
    char misc[512], asl[512], weizmann[512];
    zoe__format(misc, sizeof misc, "%s/misc", data);
    zoe__format(asl, sizeof asl, "%s/asl", data);
    zoe__format(weizmann, sizeof weizmann, "%s/weizmann", data);
    check_paths((const char *const[]){misc, asl, weizmann}, 3, "real.pack", 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_media_go_through),
        cmocka_unit_test(real_clips_are_exact),
    };
    return cmocka_run_group_tests_name("media real", tests, set_up, tear_down);
}
