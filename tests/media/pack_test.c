/* SPDX-License-Identifier: Apache-2.0
 *
 * Indexing: what goes in, what is skipped and why, killed and resumed, added to, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/clips.h"

#include "core/core.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
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

/* The call fails with this status and a text that holds all of the parts. */
static void must_fail(zoe_status got, zoe_status wanted, const char *part, const char *other)
{
    if (got != wanted)
        fail_msg("%s, not %s: %s", zoe_status_name(got), zoe_status_name(wanted), zoe_context_error(context));
    const char *text = zoe_context_error(context);
    if (!strstr(text, part) || (other && !strstr(text, other)))
        fail_msg("'%s' does not say '%s', '%s'", text, part, other ? other : "");
    zoe_context_clear(context);
}

static zoe_status index_one(const char *path, const char *pack, const zoe_index_options *options)
{
    return zoe_pack_index(context, &path, 1, pack, options);
}

static zoe_pack *open_pack(const char *folder)
{
    zoe_pack *pack;
    must(zoe_pack_open(&pack, context, folder));
    return pack;
}

static void make(const char *name, int first)
{
    const clip_spec spec = {.file = name, .encoder = "mpeg4", .b_frames = 1, .frames = 16, .first = first};
    assert_true(clip_make(root, &spec));
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(clip_path(root, name), 0777), 0);
}

static void write_text(const char *name, const char *text)
{
    clip_write(clip_path(root, name), text, strlen(text));
}

typedef struct count {
    size_t events, read, stop_after;
    char last_reason[256];
} count;

static bool tell(const zoe_index_event *event, void *user)
{
    count *c = user;
    c->events++;
    assert_int_equal(event->done, c->events);
    c->read += !event->reason;
    if (event->reason) zoe__format(c->last_reason, sizeof c->last_reason, "%s", event->reason);
    return !c->stop_after || c->events < c->stop_after;
}

/* 10 clips in world/a and world/b, one a copy, and what does not belong. */
static void make_world(void)
{
    if (access(clip_path(root, "world"), F_OK) == 0) return;
    make_folder("world");
    make_folder("world/a");
    make_folder("world/b");
    for (int i = 0; i < 9; i++) {
        char name[32];
        zoe__format(name, sizeof name, "world/%s/%d.%s", i % 2 ? "b" : "a", i, i < 5 ? "avi" : "mp4");
        make(name, 16 * i);
    }
    size_t size;
    uint8_t *bytes = clip_read(clip_path(root, "world/a/0.avi"), &size);
    clip_write(clip_path(root, "world/b/copy.avi"), bytes, size);
    free(bytes);
    write_text("world/notes.txt", "no list for a folder\n");
    write_text("world/a/0.json", "{}");
    write_text("world/.hidden.mp4", "not looked at");
}

/* Clips, labels, tables and pixels of two packs are the same. */
static void same_packs(const char *one, const char *two)
{
    zoe_pack *a = open_pack(one), *b = open_pack(two);
    zoe_reader *read_a, *read_b;
    uint8_t rgb_a[32 * 32 * 3], rgb_b[32 * 32 * 3];
    must(zoe_reader_new(&read_a, context, a));
    must(zoe_reader_new(&read_b, context, b));
    assert_int_equal(zoe_pack_clips(a), zoe_pack_clips(b));
    for (size_t i = 0; i < zoe_pack_clips(a); i++) {
        const zoe_clip *x = zoe_pack_clip(a, i), *y = zoe_pack_clip(b, i);
        const size_t n = (size_t)x->frames;
        assert_string_equal(x->path, y->path);
        assert_string_equal(x->label, y->label);
        assert_string_equal(x->group, y->group);
        assert_string_equal(x->sha256, y->sha256);
        assert_int_equal(x->frames, y->frames);
        assert_memory_equal(x->motion, y->motion, n * sizeof *x->motion);
        assert_memory_equal(x->difference, y->difference, n * sizeof *x->difference);
        assert_memory_equal(x->times, y->times, n * sizeof *x->times);
        assert_memory_equal(x->tainted, y->tainted, n);
        const int rank = (int)(i % n);
        must(zoe_reader_frames(read_a, i, &rank, 1, 32, 32, rgb_a));
        must(zoe_reader_frames(read_b, i, &rank, 1, 32, 32, rgb_b));
        assert_memory_equal(rgb_a, rgb_b, sizeof rgb_a);
    }
    zoe_reader_free(&read_a);
    zoe_reader_free(&read_b);
    zoe_pack_free(&a);
    zoe_pack_free(&b);
}

static void folder_is_searched(void **state)
{
    (void)state;
    make_world();
    count c = {0};
    zoe_index_options options = zoe_index_options_default();
    options.progress = tell;
    options.user = &c;
    const char *folder = clip_path(root, "world.pack");
    must(index_one(clip_path(root, "world"), folder, &options));
    assert_int_equal(c.events, 10);
    assert_int_equal(c.read, 10);
    zoe_pack *pack = open_pack(folder);
    assert_int_equal(zoe_pack_clips(pack), 9); /* the copy is stored once, under the first of its paths */
    assert_int_equal(zoe_pack_skipped(pack, NULL), 0);
    for (size_t i = 0; i < 9; i++) {
        const zoe_clip *clip = zoe_pack_clip(pack, i);
        assert_int_equal(clip->frames, 16);
        assert_int_equal(strlen(clip->sha256), 64);
        assert_string_equal(clip->label, strstr(clip->path, "/a/") ? "a" : "b");
        assert_string_equal(clip->group, "");
        assert_null(strstr(clip->path, "copy"));
        if (i) assert_true(strcmp(zoe_pack_clip(pack, i - 1)->path, clip->path) < 0);
    }
    assert_null(zoe_pack_clip(pack, 9));
    assert_true(zoe_pack_is(folder));
    assert_false(zoe_pack_is(clip_path(root, "world")));
    zoe_pack_free(&pack);
}

static void workers_and_order_do_not_show(void **state)
{
    (void)state;
    make_world();
    for (int workers = 1; workers <= 4; workers += 3) {
        zoe_index_options options = zoe_index_options_default();
        options.workers = workers;
        char name[32];
        zoe__format(name, sizeof name, "workers%d.pack", workers);
        const char *folder = clip_path(root, name);
        /* backwards, in two calls */
        must(index_one(clip_path(root, "world/b"), folder, &options));
        must(index_one(clip_path(root, "world"), folder, &options));
    }
    must(index_one(clip_path(root, "world"), clip_path(root, "once.pack"), NULL));
    same_packs(clip_path(root, "once.pack"), clip_path(root, "workers1.pack"));
    same_packs(clip_path(root, "once.pack"), clip_path(root, "workers4.pack"));
}

static void lists_files_and_packs_go_in(void **state)
{
    (void)state;
    char text[1024];
    make_world();
    zoe__format(text, sizeof text, "# a list\r\n%s/world/a/0.avi\r\n\nworld/a/2.avi\n%s/world/b\n", root, root);
    write_text("list.txt", text); /* the second line is found beside the list */
    must(index_one(clip_path(root, "list.txt"), clip_path(root, "list.pack"), NULL));
    zoe_pack *pack = open_pack(clip_path(root, "list.pack"));
    assert_int_equal(zoe_pack_clips(pack), 6);
    zoe_pack_free(&pack);
    const char *paths[] = {clip_path(root, "list.pack"), clip_path(root, "world/a")};
    must(zoe_pack_index(context, paths, 2, clip_path(root, "union.pack"), NULL));
    must(index_one(clip_path(root, "world"), clip_path(root, "once.pack"), NULL));
    same_packs(clip_path(root, "union.pack"), clip_path(root, "once.pack"));
    must(index_one(clip_path(root, "union.pack"), clip_path(root, "union.pack"), NULL)); /* itself: nothing to do */
    must_fail(index_one(clip_path(root, "absent"), clip_path(root, "x.pack"), NULL), ZOE_DATA, "absent",
              "No such file");
    write_text("binary.txt", "x");
    clip_write(clip_path(root, "binary.txt"), "a\0b\n", 4);
    must_fail(index_one(clip_path(root, "binary.txt"), clip_path(root, "x.pack"), NULL), ZOE_DATA, "binary.txt",
              "line 1");
    write_text("empty.txt", "# nothing\n");
    must_fail(index_one(clip_path(root, "empty.txt"), clip_path(root, "x.pack"), NULL), ZOE_DATA, "empty.txt",
              "no path");
    /* links to files and folders are followed, a link that leads back up is not */
    make_folder("links");
    make_folder("links/sub");
    char there[512];
    zoe__format(there, sizeof there, "%s/world/a", root);
    assert_int_equal(symlink(there, clip_path(root, "links/sub/a")), 0);
    assert_int_equal(symlink("../..", clip_path(root, "links/sub/up")), 0);
    assert_int_equal(symlink("..", clip_path(root, "links/sub/self")), 0);
    must(index_one(clip_path(root, "links"), clip_path(root, "links.pack"), NULL));
    pack = open_pack(clip_path(root, "links.pack"));
    assert_true(zoe_pack_clips(pack) >= 5);
    assert_non_null(strstr(zoe_pack_clip(pack, 0)->path, "links/sub/a/0.avi"));
    zoe_pack_free(&pack);
    make_folder("bare");
    must_fail(index_one(clip_path(root, "bare"), clip_path(root, "x.pack"), NULL), ZOE_DATA, "bare", "no video file");
}

static void table_gives_labels_and_groups(void **state)
{
    (void)state;
    make_world();
    write_text("labels.csv",
               "\xef\xbb\xbf"
               "subject,file,\"what, then\"\r\n"
               "s1,0.avi,\"run \"\"fast\"\"\"\r\ns2,b/1.avi,\"a,b\"\r\ns3,1.avi,wrong\r\n\r\ns4,2.avi,\"two\nlines\"");
    zoe_index_options options = zoe_index_options_default();
    options.labels_csv = clip_path(root, "labels.csv");
    options.label_column = "what, then";
    options.group_column = "subject";
    const char *folder = clip_path(root, "table.pack");
    must(index_one(clip_path(root, "world"), folder, NULL));
    must(index_one(clip_path(root, "world"), folder, &options)); /* only the labels change */
    static const char *const wanted[][3] = {{"a/0.avi", "run \"fast\"", "s1"},
                                            {"b/1.avi", "a,b", "s2"},
                                            {"a/2.avi", "two\nlines", "s4"},
                                            {"b/3.avi", "", ""}};
    zoe_pack *pack = open_pack(folder);
    int seen = 0;
    for (size_t i = 0; i < zoe_pack_clips(pack); i++)
        for (size_t k = 0; k < 4; k++) {
            const zoe_clip *clip = zoe_pack_clip(pack, i);
            if (!strstr(clip->path, wanted[k][0])) continue;
            assert_string_equal(clip->label, wanted[k][1]);
            assert_string_equal(clip->group, wanted[k][2]);
            seen++;
        }
    assert_int_equal(seen, 4);
    zoe_pack_free(&pack);
    options.label_column = "nothing";
    must_fail(index_one(clip_path(root, "world"), folder, &options), ZOE_CONFIG, "no column 'nothing'",
              "subject, file");
    options.labels_csv = clip_path(root, "absent.csv");
    must_fail(index_one(clip_path(root, "world"), folder, &options), ZOE_DATA, "absent.csv", NULL);
    options.labels_csv = clip_path(root, "labels.csv");
    options.label_column = NULL; /* groups only: labels stay folder names */
    must(index_one(clip_path(root, "world/a/0.avi"), folder, &options));
    pack = open_pack(folder);
    assert_string_equal(zoe_pack_clip(pack, 0)->label, "a");
    assert_string_equal(zoe_pack_clip(pack, 0)->group, "s1");
    zoe_pack_free(&pack);
}

/* Killed at many moments and started again, a pack ends like one that was never killed. */
static void killed_run_is_gone_on_with(void **state)
{
    (void)state;
    make_world();
    const char *folder = clip_path(root, "killed.pack");
    for (int kill_ms = 1; kill_ms < 60; kill_ms += 4) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            index_one(clip_path(root, "world"), folder, NULL);
            _exit(0);
        }
        const struct timespec wait = {.tv_nsec = kill_ms * 1000000L};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (zoe_pack_is(folder)) { /* whole at any moment */
            zoe_pack *pack = open_pack(folder);
            zoe_reader *reader;
            uint8_t rgb[16 * 16 * 3];
            must(zoe_reader_new(&reader, context, pack));
            for (size_t i = 0; i < zoe_pack_clips(pack); i++)
                must(zoe_reader_frames(reader, i, &(int){15}, 1, 16, 16, rgb));
            zoe_reader_free(&reader);
            zoe_pack_free(&pack);
        }
    }
    must(index_one(clip_path(root, "world"), folder, NULL));
    must(index_one(clip_path(root, "world"), clip_path(root, "once.pack"), NULL));
    same_packs(folder, clip_path(root, "once.pack"));
}

static void stopped_run_keeps_what_it_read(void **state)
{
    (void)state;
    make_world();
    count c = {.stop_after = 4};
    zoe_index_options options = zoe_index_options_default();
    options.workers = 1;
    options.progress = tell;
    options.user = &c;
    const char *folder = clip_path(root, "stopped.pack");
    must_fail(index_one(clip_path(root, "world"), folder, &options), ZOE_STOPPED, "stopped", NULL);
    assert_int_equal(c.events, 4);
    zoe_pack *pack = open_pack(folder);
    assert_int_equal(zoe_pack_clips(pack), 4);
    zoe_pack_free(&pack);
    must(index_one(clip_path(root, "world"), folder, NULL));
    must(index_one(clip_path(root, "world"), clip_path(root, "once.pack"), NULL));
    same_packs(folder, clip_path(root, "once.pack"));
}

/* A file that is there unchanged is not opened again: its bytes may be garbage by now. A changed one is read. */
static void unchanged_files_are_not_read_again(void **state)
{
    (void)state;
    make("known.avi", 0);
    const char *path = clip_path(root, "known.avi"), *folder = clip_path(root, "known.pack");
    must(index_one(path, folder, NULL));
    struct stat info;
    size_t size;
    assert_int_equal(stat(path, &info), 0);
    uint8_t *bytes = clip_read(path, &size), *garbage = calloc(size, 1);
    assert_non_null(garbage);
    clip_write(path, garbage, size);
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){info.st_atim, info.st_mtim}, 0), 0);
    must(index_one(path, folder, NULL));
    assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[]){{1, 0}, {1, 0}}, 0), 0);
    must_fail(index_one(path, folder, NULL), ZOE_DATA, "known.avi", "not a video file");
    zoe_pack *pack = open_pack(folder);
    const zoe_skipped *skipped;
    assert_int_equal(zoe_pack_clips(pack), 0); /* the old content is gone with its last path */
    assert_int_equal(zoe_pack_skipped(pack, &skipped), 1);
    assert_string_equal(skipped[0].file, path);
    zoe_pack_free(&pack);
    clip_write(path, bytes, size);
    must(index_one(path, folder, NULL));
    pack = open_pack(folder);
    assert_int_equal(zoe_pack_clips(pack), 1);
    assert_int_equal(zoe_pack_skipped(pack, &skipped), 0);
    zoe_pack_free(&pack);
    free(bytes);
    free(garbage);
}

/* Headers that promise too much: 65000 x 65000, 5000 x 5000 and, inside an AVI of 96 x 80, 64000 x 64000 pixels. */
static void make_giants(void)
{
    write_text("bad/titan.y4m", "YUV4MPEG2 W65000 H65000 F25:1 Ip A1:1 C420jpeg\nFRAME\n0000000000000000000000000");
    write_text("bad/giant.y4m", "YUV4MPEG2 W5000 H5000 F25:1 Ip A1:1 C420jpeg\nFRAME\n0000000000000000000000000");
    size_t size;
    const clip_spec spec = {.file = "bad/giant.avi", .encoder = "mjpeg", .format = "yuvj420p", .frames = 4};
    assert_true(clip_make(root, &spec));
    uint8_t *bytes = clip_read(clip_path(root, "bad/giant.avi"), &size);
    for (size_t i = 0; i + 9 < size; i++) /* JPEG's start of frame: precision 8, 80 rows, 96 columns */
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0 && bytes[i + 4] == 8) memset(bytes + i + 5, 0xfa, 4);
    clip_write(clip_path(root, "bad/giant.avi"), bytes, size);
    free(bytes);
}

static void bad_files_are_skipped_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *file, *reason;
    } bad[] = {{"bad/absent_link.mp4", NULL}, /* a link to nowhere is no file */
               {"bad/empty.mp4", "empty"},
               {"bad/fifo.mp4", "FIFO"},
               {"bad/giant.y4m", "limit"},
               {"bad/titan.y4m", "not a video"},
               {"bad/giant.avi", "no frame decodes"},
               {"bad/playlist.avi", "not a video"},
               {"bad/text.mp4", "not a video"}};
    make_world();
    make_folder("bad");
    make_giants();
    write_text("bad/empty.mp4", "");
    write_text("bad/text.mp4", "this is a letter, not a film\n");
    char list[256];
    zoe__format(list, sizeof list, "ffconcat version 1.0\nfile '%s/world/a/0.avi'\n", root);
    write_text("bad/playlist.avi", list);
    assert_int_equal(mkfifo(clip_path(root, "bad/fifo.mp4"), 0600), 0);
    assert_int_equal(symlink("/nowhere/at/all.mp4", clip_path(root, "bad/absent_link.mp4")), 0);

    const char *folder = clip_path(root, "bad.pack");
    for (size_t i = 1; i < 8; i++) /* each alone: the one line says it all */
        must_fail(index_one(clip_path(root, bad[i].file), folder, NULL), ZOE_DATA, strrchr(bad[i].file, '/') + 1,
                  bad[i].reason);
    must_fail(index_one(clip_path(root, "bad"), folder, NULL), ZOE_DATA, "no usable clip in 7 files", NULL);
    const char *paths[] = {clip_path(root, "bad"), clip_path(root, "world")};
    must_fail(zoe_pack_index(context, paths, 2, folder, NULL), ZOE_BAD_FILES, "7 of 17 files are bad", "limit is 5 %");
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 0.5;
    must(zoe_pack_index(context, paths, 2, folder, &options));
    zoe_pack *pack = open_pack(folder);
    const zoe_skipped *skipped;
    assert_int_equal(zoe_pack_clips(pack), 9);
    assert_int_equal(zoe_pack_skipped(pack, &skipped), 7);
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 1; k < 8; k++)
            if (strstr(skipped[i].file, bad[k].file)) assert_non_null(strstr(skipped[i].reason, bad[k].reason));
    zoe_pack_free(&pack);
}

static void limits_hold(void **state)
{
    (void)state;
    make("limit.avi", 0);
    const char *path = clip_path(root, "limit.avi"), *folder = clip_path(root, "limit.pack");
    zoe_index_options options = zoe_index_options_default();
    options.limits.max_frames = 15;
    must_fail(index_one(path, folder, &options), ZOE_DATA, "more than 15 frames", NULL);
    options = zoe_index_options_default();
    options.limits.max_pixels = 96 * 80 - 1;
    must_fail(index_one(path, folder, &options), ZOE_DATA, "96 x 80 = 7680 pixels", NULL);
    options = zoe_index_options_default();
    options.limits.max_file_bytes = 1000;
    must_fail(index_one(path, folder, &options), ZOE_DATA, "limit is 1000", NULL);
    options = zoe_index_options_default();
    options.limits.seconds_per_clip = 0;
    must_fail(index_one(path, folder, &options), ZOE_DATA, "took longer", NULL);
    must(index_one(path, folder, NULL)); /* other limits: it is tried again */
}

static void disk_faults_are_told(void **state)
{
    (void)state;
    make_world();
    must_fail(index_one(clip_path(root, "world"), clip_path(root, "world/a/0.json/pack"), NULL), ZOE_DISK,
              "0.json/pack", NULL);
    must_fail(index_one(clip_path(root, "world"), clip_path(root, "world/a/0.json"), NULL), ZOE_DISK, "0.json",
              "not a folder");
    const struct rlimit no = {8 << 10, RLIM_INFINITY};
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){no.rlim_cur, before.rlim_max}), 0);
    const zoe_status status = index_one(clip_path(root, "world"), clip_path(root, "full.pack"), NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    must_fail(status, ZOE_DISK, "", NULL);
    must(index_one(clip_path(root, "world"), clip_path(root, "full.pack"), NULL)); /* and gone on with */
    must(index_one(clip_path(root, "world"), clip_path(root, "once.pack"), NULL));
    same_packs(clip_path(root, "full.pack"), clip_path(root, "once.pack"));
}

/* A pack that was damaged gives an error or its frames, never a crash. */
static void damaged_pack_is_refused(void **state)
{
    (void)state;
    make("hurt.avi", 0);
    const char *folder = clip_path(root, "hurt.pack"), *index = clip_path(root, "hurt.pack/index.sqlite");
    must(index_one(clip_path(root, "hurt.avi"), folder, NULL));
    zoe_pack *pack = open_pack(folder);
    char data[512];
    const char *sha = zoe_pack_clip(pack, 0)->sha256;
    assert_true(zoe__format(data, sizeof data, "%s/data/%.2s/%s.zpk", folder, sha, sha));
    zoe_pack_free(&pack);
    size_t size;
    uint8_t *bytes = clip_read(index, &size), *broken = malloc(size), rgb[16 * 16 * 3];
    assert_non_null(broken);
    uint32_t random = 5;
    for (int round = 0; round < 200; round++) {
        memcpy(broken, bytes, size);
        for (int k = 0; k < 20; k++) {
            random = random * 1664525u + 1013904223u;
            broken[(random >> 8) % size] ^= (uint8_t)(random >> 4);
        }
        clip_write(index, broken, size);
        if (zoe_pack_open(&pack, context, folder) == ZOE_OK) {
            zoe_reader *reader;
            must(zoe_reader_new(&reader, context, pack));
            for (size_t i = 0; i < zoe_pack_clips(pack); i++)
                for (int rank = 0; rank < 16; rank += 5) zoe_reader_frames(reader, i, &rank, 1, 16, 16, rgb);
            zoe_reader_free(&reader);
            zoe_pack_free(&pack);
        }
        zoe_context_clear(context);
    }
    clip_write(index, "SQLite format 3", 16);
    must_fail(zoe_pack_open(&pack, context, folder), ZOE_DATA, "hurt.pack", NULL);
    clip_write(index, bytes, size);
    free(broken);
    free(bytes);
    assert_int_equal(truncate(data, 1000), 0);
    pack = open_pack(folder);
    zoe_reader *reader;
    must(zoe_reader_new(&reader, context, pack));
    must_fail(zoe_reader_frames(reader, 0, &(int){0}, 1, 16, 16, rgb), ZOE_DATA, "hurt.avi", "1000 bytes");
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
    assert_int_equal(unlink(data), 0);
    must(index_one(clip_path(root, "hurt.avi"), folder, NULL)); /* what is missing is read again */
    pack = open_pack(folder);
    must(zoe_reader_new(&reader, context, pack));
    must(zoe_reader_frames(reader, 0, &(int){9}, 1, 16, 16, rgb));
    assert_int_equal(clip_number(rgb, 16, 16, 0), 9);
    zoe_reader_free(&reader);
    zoe_pack_free(&pack);
    must_fail(zoe_pack_open(&pack, context, root), ZOE_DATA, "not a pack", NULL);
}

/* Two processes do not write to one pack at a time; readers are free. */
static void pack_has_one_writer(void **state)
{
    (void)state;
    make_world();
    const char *folder = clip_path(root, "locked.pack");
    must(index_one(clip_path(root, "world/a"), folder, NULL));
    const int fd = open(clip_path(root, "locked.pack/lock"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    must_fail(index_one(clip_path(root, "world"), folder, NULL), ZOE_DISK, "locked.pack", "another process");
    zoe_pack *pack = open_pack(folder); /* reading goes on */
    assert_int_equal(zoe_pack_clips(pack), 5);
    zoe_pack_free(&pack);
    close(fd);
    must(index_one(clip_path(root, "world"), folder, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_is_searched),
        cmocka_unit_test(workers_and_order_do_not_show),
        cmocka_unit_test(lists_files_and_packs_go_in),
        cmocka_unit_test(table_gives_labels_and_groups),
        cmocka_unit_test(killed_run_is_gone_on_with),
        cmocka_unit_test(stopped_run_keeps_what_it_read),
        cmocka_unit_test(unchanged_files_are_not_read_again),
        cmocka_unit_test(bad_files_are_skipped_with_a_reason),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(disk_faults_are_told),
        cmocka_unit_test(damaged_pack_is_refused),
        cmocka_unit_test(pack_has_one_writer),
    };
    return cmocka_run_group_tests_name("media pack", tests, set_up, tear_down);
}
