/* SPDX-License-Identifier: Apache-2.0
 *
 * `bench data` without clips: how many frames a second are decoded, by codec, size of the picture, number of threads
 * (each with a reader of its own, as a training has them) and order: each frame after the other, or random ones, each a
 * seek. The clips are drawn and encoded here, so that everybody has the same ones from the same encoder, and go through
 * a pack as all clips do. Right are frames with the hash that they had when their file was read from start to end, and
 * of which each is more like the picture that was drawn for its place than like those of its neighbours. */
#include "bench/data_decode.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <zoe/media.h>

#include "bench/run.h"
#include "bench/save.h"
#include "core/philox.h"
#include "media/synth.h"

enum { FRAMES = 50, FPS = 25, SEEKS = 16, MOST_THREADS = 64, MOST_SAMPLES = 10000, LEAST_SAMPLES = 3 };
static const double SECONDS = 0.5; /* of a row, in a process, unless --seconds says more */

static const struct {
    const char *name, *encoder;
} codecs[] = {{"h264", "libx264"}, {"mpeg4", "mpeg4"}, {"mpeg2", "mpeg2video"}, {"vp8", "libvpx"}};
static const int sizes[][2] = {{176, 144}, {640, 360}, {1280, 720}};
enum { CODECS = sizeof codecs / sizeof *codecs, SIZES = sizeof sizes / sizeof *sizes };

/* ---- the clips ---- */

static int triangle(int x, int period)
{
    const int at = x % period;
    return (at < period / 2 ? at : period - at) * 160 / period;
}

/* A number of the picture at time t: waves and a texture that move 3 pixels to the left and 1 up in a frame. */
static uint8_t drawn(int x, int y, int channel, int t)
{
    const int u = x + 3 * t, v = y + t;
    uint32_t grain = (uint32_t)(u / 2) * 2654435761u ^ (uint32_t)(v / 2) * 2246822519u;
    grain = (grain ^ grain >> 15) * 3266489917u;
    return (uint8_t)(40 + triangle(u + 20 * channel, 74) + triangle(v, 58) + (int)(grain >> 27));
}

/* "FOLDER/h264-176x144.mkv" */
static void clip_path(char *path, size_t size, const char *folder, int codec, int which)
{
    zoe__format(path, size, "%s/%s-%dx%d.mkv", folder, codecs[codec].name, sizes[which][0], sizes[which][1]);
}

static zoe_status write_file(zoe_context *context, const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ZOE_FAIL_IF(context, !file, ZOE_DISK, "%s: %s", path, strerror(errno));
    const bool whole = fwrite(bytes, 1, size, file) == size;
    ZOE_FAIL_IF(context, (fclose(file) != 0) | !whole, ZOE_DISK, "%s: cannot be written", path);
    return ZOE_OK;
}

static zoe_status make_clip(zoe_context *context, const char *folder, int codec, int which)
{
    const int w = sizes[which][0], h = sizes[which][1];
    uint8_t *rgb = NULL, *bytes = NULL;
    size_t size = 0;
    char path[640];
    ZOE_TRY(zoe__calloc(context, &rgb, (size_t)FRAMES * (size_t)w * (size_t)h, 3));
    uint8_t *to = rgb;
    for (int t = 0; t < FRAMES; t++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < 3; c++) *to++ = drawn(x, y, c, t);
    const zoe__synth_movie movie = {.rgb = rgb,
                                    .frames = FRAMES,
                                    .width = w,
                                    .height = h,
                                    .fps = FPS,
                                    .container = "mkv",
                                    .encoder = codecs[codec].encoder};
    zoe_status status = zoe__synth_encode(context, &movie, &bytes, &size);
    clip_path(path, sizeof path, folder, codec, which);
    if (status == ZOE_OK) status = write_file(context, path, bytes, size);
    av_free(bytes);
    free(rgb);
    return status;
}

/* The threads of the larger of the two rows. */
static int thread_count(const zoe_options *o)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN), asked = (long)zoe_options_int(o, "threads");
    return (int)(asked ? asked : processors < 1 ? 1 : processors > MOST_THREADS ? MOST_THREADS : processors);
}

/* The id of one of the four rows of a clip; false: it was not asked for, or is another row's. */
static bool row_id(char *id, size_t size, const zoe_options *o, int codec, int which, bool many, bool seeks)
{
    const char *part = zoe_options_text(o, "cases");
    const int threads = thread_count(o);
    zoe__format(id, size, "data decode %s %dx%d threads %d %s", codecs[codec].name, sizes[which][0], sizes[which][1],
                many ? threads : 1, seeks ? "random" : "sequential");
    return (!many || threads > 1) && (!part || strstr(id, part));
}

static bool is_wanted(const zoe_options *o, int codec, int which)
{
    char id[96];
    for (int row = 0; row < 4; row++)
        if (row_id(id, sizeof id, o, codec, which, row / 2, row % 2)) return true;
    return false;
}

static bool is_there(const char *folder, int codec, int which)
{
    char path[640];
    clip_path(path, sizeof path, folder, codec, which);
    return access(path, R_OK) == 0;
}

/* The clips that are asked for and not there yet, and the pack of all. A codec that FFmpeg cannot encode is left out
 * with its reason. */
static zoe_status make_pack(zoe_context *context, const zoe_options *o, const char *folder, const char *pack,
                            json_t *skipped)
{
    char clips[600], id[64];
    size_t wanted = 0;
    const char *const paths[] = {clips};
    zoe__format(clips, sizeof clips, "%s/clips", folder);
    ZOE_FAIL_IF(context, mkdir(clips, 0777) && errno != EEXIST, ZOE_DISK, "%s: %s", clips, strerror(errno));
    for (int c = 0; c < CODECS; c++)
        for (int s = 0; s < SIZES; s++) {
            if (!is_wanted(o, c, s)) continue;
            wanted++;
            const zoe_status status = is_there(clips, c, s) ? ZOE_OK : make_clip(context, clips, c, s);
            if (status == ZOE_OK) continue;
            if (status != ZOE_UNSUPPORTED) return status;
            zoe__format(id, sizeof id, "data decode %s %dx%d", codecs[c].name, sizes[s][0], sizes[s][1]);
            json_array_append_new(
                skipped, json_pack("{s:s, s:s, s:s}", "id", id, "device", "cpu", "reason", zoe_context_error(context)));
            zoe_context_clear(context);
        }
    ZOE_FAIL_IF(context, !wanted, ZOE_CONFIG, "bench data: no row has '%s' in its id", zoe_options_text(o, "cases"));
    ZOE_FAIL_IF(context, json_array_size(skipped) == wanted, ZOE_UNSUPPORTED, "bench data: %s",
                json_string_value(json_object_get(json_array_get(skipped, 0), "reason")));
    zoe_index_options options = zoe_index_options_default();
    options.max_bad = 0;
    return zoe_pack_index(context, paths, 1, pack, &options);
}

/* ---- measuring, in a fresh process ---- */

typedef struct helper {
    pthread_t thread;
    zoe_context *context;
    zoe_reader *reader;
    uint8_t *rgb;
    zoe__random random;
    size_t clip;
    bool seeks; /* random frames; else all in order */
    zoe_status status;
} helper;

typedef struct decode {
    zoe_context *context;
    zoe_pack *pack;
    const zoe_options *options;
    int threads; /* that there are */
    helper helper[MOST_THREADS];
    size_t foreign; /* clips that did not come out as they were indexed, so far */
    bool *bad;      /* of each clip */
    json_t *cases;
} decode;

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *read_frames(void *user)
{
    helper *h = user;
    const int count = h->seeks ? SEEKS : FRAMES;
    h->status = ZOE_OK;
    for (int i = 0; i < count && h->status == ZOE_OK; i++) {
        const int rank = h->seeks ? (int)zoe__random_below(&h->random, FRAMES) : i;
        h->status = zoe_reader_frames(h->reader, h->clip, &rank, 1, 0, 0, h->rgb);
    }
    return NULL;
}

/* One sample: each of the threads reads its frames; s of the host and of all processors together, a frame. */
static zoe_status take(decode *d, int threads, double *wall, double *cpu)
{
    const double start = zoe__seconds(), cpu_start = cpu_seconds();
    int started = 1;
    zoe_status status = ZOE_OK;
    for (; started < threads; started++)
        if (pthread_create(&d->helper[started].thread, NULL, read_frames, &d->helper[started])) break;
    if (started < threads) status = zoe__fail(d->context, ZOE_MEMORY, "cannot start a thread");
    read_frames(&d->helper[0]);
    for (int i = 1; i < started; i++) pthread_join(d->helper[i].thread, NULL);
    const double frames = (double)threads * (d->helper[0].seeks ? SEEKS : FRAMES);
    *wall = (zoe__seconds() - start) / frames;
    *cpu = (cpu_seconds() - cpu_start) / frames;
    for (int i = 0; i < threads && status == ZOE_OK; i++)
        if (d->helper[i].status != ZOE_OK)
            status = zoe__fail(d->context, d->helper[i].status, "%s", zoe_context_error(d->helper[i].context));
    return status;
}

/* Of some of the numbers of a frame: squared differences from what was drawn for time t. */
static double distance(const uint8_t *rgb, int w, int h, int t)
{
    double sum = 0;
    for (int y = 0; y < h; y += 5)
        for (int x = 0; x < w; x += 7)
            for (int c = 0; c < 3; c++) {
                const double d = (double)rgb[3 * (y * w + x) + c] - drawn(x, y, c, t);
                sum += d * d;
            }
    return sum;
}

/* Each frame is the one of its place. */
static zoe_status look_at_frames(decode *d, size_t clip, bool *right)
{
    const zoe_clip *c = zoe_pack_clip(d->pack, clip);
    *right = c->frames == FRAMES;
    for (int t = 0; t < FRAMES && *right; t++) {
        ZOE_TRY(zoe_reader_frames(d->helper[0].reader, clip, &t, 1, 0, 0, d->helper[0].rgb));
        const double here = distance(d->helper[0].rgb, c->width, c->height, t);
        *right = here < distance(d->helper[0].rgb, c->width, c->height, t - 1) &&
                 here < distance(d->helper[0].rgb, c->width, c->height, t + 1);
    }
    return ZOE_OK;
}

/* What is wrong with frames is told by the row, not by the end of everything. */
static zoe_status wrong_or(decode *d, size_t clip, zoe_status status)
{
    const size_t foreign = zoe_pack_foreign(d->pack, NULL);
    if (foreign > d->foreign) d->bad[clip] = true;
    d->foreign = foreign;
    if (status != ZOE_DATA) return status;
    zoe__log(d->context, ZOE_LOG_WARN, "%s", zoe_context_error(d->context));
    zoe_context_clear(d->context);
    d->bad[clip] = true;
    return ZOE_OK;
}

static zoe_status measure_row(decode *d, size_t clip, const char *id, const char *codec, int threads, bool seeks)
{
    const double seconds =
        zoe_options_given(d->options, "seconds") ? zoe_options_float(d->options, "seconds") : SECONDS;
    json_t *samples = json_array(), *cpu_samples = json_array();
    zoe_status status = ZOE_OK;
    for (int i = 0; i < threads; i++) {
        d->helper[i].clip = clip;
        d->helper[i].seeks = seeks;
        zoe__random_init(&d->helper[i].random, 1, (uint64_t)i, (uint32_t)clip);
    }
    const double start = zoe__seconds();
    double wall = 0, cpu = 0;
    status = take(d, threads, &wall, &cpu); /* opens everything */
    for (int i = 0; status == ZOE_OK && i < MOST_SAMPLES; i++) {
        if (i >= LEAST_SAMPLES && zoe__seconds() - start >= seconds) break;
        status = take(d, threads, &wall, &cpu);
        json_array_append_new(samples, json_real(wall * 1e9));
        json_array_append_new(cpu_samples, json_real(cpu * 1e9));
    }
    status = wrong_or(d, clip, status);
    json_array_append_new(d->cases, json_pack("{s:s, s:o, s:o, s:b, s:n, s:s, s:s, s:b}", "id", id, "samples_ns",
                                              samples, "cpu_samples_ns", cpu_samples, "ok", !d->bad[clip], "nmse",
                                              "hash", "", "algorithm", codec, "tuned", false));
    return status;
}

/* Which clip of the pack that is; false: it was not made. */
static bool find_clip(const decode *d, int codec, int which, size_t *clip)
{
    char name[64];
    zoe__format(name, sizeof name, "/%s-%dx%d.mkv", codecs[codec].name, sizes[which][0], sizes[which][1]);
    for (*clip = 0; *clip < zoe_pack_clips(d->pack); ++*clip) {
        const char *path = zoe_pack_clip(d->pack, *clip)->path;
        const size_t length = strlen(path), end = strlen(name);
        if (length >= end && !strcmp(path + length - end, name)) return true;
    }
    return false;
}

static zoe_status measure_clip(decode *d, int codec, int which)
{
    size_t clip;
    bool looked = false;
    if (!find_clip(d, codec, which, &clip)) return ZOE_OK;
    for (int row = 0; row < 4; row++) {
        char id[96];
        const bool many = row / 2, seeks = row % 2;
        bool right = true;
        if (!row_id(id, sizeof id, d->options, codec, which, many, seeks)) continue;
        if (!looked) ZOE_TRY(wrong_or(d, clip, look_at_frames(d, clip, &right)));
        looked = true;
        if (!right) d->bad[clip] = true;
        ZOE_TRY(measure_row(d, clip, id, codecs[codec].name, many ? d->threads : 1, seeks));
    }
    return ZOE_OK;
}

static zoe_status open_decode(decode *d, const char *pack)
{
    const int *largest = sizes[SIZES - 1];
    d->threads = thread_count(d->options);
    ZOE_TRY(zoe_pack_open(&d->pack, d->context, pack));
    ZOE_TRY(zoe__calloc(d->context, &d->bad, zoe_pack_clips(d->pack), sizeof *d->bad));
    for (int i = 0; i < d->threads; i++) {
        helper *h = &d->helper[i];
        ZOE_FAIL_IF(d->context, zoe_context_new(&h->context) != ZOE_OK, ZOE_MEMORY, "out of memory: a thread");
        ZOE_TRY(zoe_reader_new(&h->reader, h->context, d->pack));
        ZOE_TRY(zoe__calloc(d->context, &h->rgb, (size_t)largest[0] * (size_t)largest[1], 3));
    }
    for (size_t i = 0; i < zoe_pack_clips(d->pack); i++) {
        const zoe_clip *clip = zoe_pack_clip(d->pack, i);
        ZOE_FAIL_IF(d->context, clip->width > largest[0] || clip->height > largest[1], ZOE_DATA,
                    "%s: %dx%d: not a clip that was made for this", clip->path, clip->width, clip->height);
    }
    return ZOE_OK;
}

json_t *zoe__libav_version(void)
{
    const unsigned version = avcodec_version();
    return json_sprintf("libavcodec %u.%u.%u", AV_VERSION_MAJOR(version), AV_VERSION_MINOR(version),
                        AV_VERSION_MICRO(version));
}

static zoe_status measure_here(zoe_context *context, const zoe_bench_call *call, json_t **out)
{
    decode *d = NULL;
    ZOE_TRY(zoe__calloc(context, &d, 1, sizeof *d));
    *d = (decode){.context = context, .options = call->options, .cases = json_array()};
    zoe_status status = open_decode(d, call->args[0]);
    for (int c = 0; c < CODECS; c++)
        for (int s = 0; s < SIZES && status == ZOE_OK; s++) status = measure_clip(d, c, s);
    if (status == ZOE_OK)
        *out = json_pack("{s:O, s:o, s:i}", "cases", d->cases, "libav", zoe__libav_version(), "threads", d->threads);
    json_decref(d->cases);
    for (int i = 0; i < d->threads; i++) {
        zoe_reader_free(&d->helper[i].reader);
        zoe_context_free(&d->helper[i].context);
        free(d->helper[i].rgb);
    }
    zoe_pack_free(&d->pack);
    free(d->bad);
    free(d);
    return status;
}

/* ---- all processes ---- */

json_t *zoe__bench_processor(const json_t *libav, int threads)
{
    json_t *host = zoe__bench_host();
    json_t *out = json_pack("[{s:s, s:O, s:s, s:O, s:s, s:s, s:s, s:i, s:i}]", "id", "cpu", "name",
                            json_object_get(host, "cpu"), "platform", "libav", "driver", libav, "version", "", "type",
                            "cpu", "family", "host", "compute_units", threads, "lanes", 1);
    json_decref(host);
    return out;
}

/* cpu_ns of each row: the median of what processors took together for a frame. */
static zoe_status add_cpu(zoe_context *context, json_t *const *processes, size_t count, json_t *rows)
{
    size_t i;
    json_t *row, *of[ZOE__MOST_PROCESSES];
    json_array_foreach(rows, i, row)
    {
        zoe__samples samples = {0};
        zoe__median_ci t = {0};
        const bool ok = !strcmp(json_string_value(json_object_get(row, "check")), "ok");
        for (size_t p = 0; p < count; p++) of[p] = json_array_get(json_object_get(processes[p], "cases"), i);
        zoe_status status = ok ? zoe__bench_samples(context, of, count, "cpu_samples_ns", &samples) : ZOE_OK;
        if (ok && status == ZOE_OK) status = zoe__median_interval(context, &samples, &t);
        free(samples.values);
        free(samples.first);
        ZOE_TRY(status);
        json_object_set_new(row, "cpu_ns", ok ? json_real(t.median) : json_null());
    }
    return ZOE_OK;
}

static zoe_status make_rows(zoe_context *context, json_t *const *processes, size_t count, json_t **rows)
{
    ZOE_TRY(zoe__bench_rows(context, processes, count, "cpu", 0, rows));
    return add_cpu(context, processes, count, *rows);
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static zoe_status report(zoe_context *context, json_t *rows, const json_t *skipped, zoe_bench_report *out)
{
    size_t size, i, wrong = 0;
    json_t *row;
    FILE *text = open_memstream(&out->text, &size);
    ZOE_FAIL_IF(context, !text, ZOE_MEMORY, "no memory for the report");
    json_array_foreach(rows, i, row)
    {
        const json_t *ci = json_object_get(row, "ci95_ns");
        const double median = number(row, "median_ns");
        fprintf(text, "%-50s", json_string_value(json_object_get(row, "id")));
        if (median > 0)
            fprintf(text, " %8.1f frames/s (%.1f to %.1f), CPU %.3f ms a frame\n", 1e9 / median,
                    1e9 / json_number_value(json_array_get(ci, 1)), 1e9 / json_number_value(json_array_get(ci, 0)),
                    number(row, "cpu_ns") * 1e-6);
        else
            fputs(" WRONG\n", text);
        wrong += !(median > 0);
        json_object_set_new(row, "frames_per_s", median > 0 ? json_real(1e9 / median) : json_null());
    }
    json_array_foreach(skipped, i, row)
        fprintf(text, "%-50s left out: %s\n", json_string_value(json_object_get(row, "id")),
                json_string_value(json_object_get(row, "reason")));
    const bool written = fclose(text) == 0;
    json_t *json = json_pack("{s:s, s:i, s:O, s:O, s:o}", "suite", "data", "schema", 1, "cases", rows, "skipped",
                             skipped, "host", zoe__bench_host());
    out->json = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    ZOE_FAIL_IF(context, !out->json || !written, ZOE_MEMORY, "no memory for the report");
    ZOE_FAIL_IF(context, wrong, ZOE_WRONG, "WRONG: %zu of %zu rows: frames are not those that were drawn or indexed",
                wrong, json_array_size(rows));
    return ZOE_OK;
}

/* The rows so far, and the file with them. */
static zoe_status tell(zoe__saver *saver, json_t *const *processes, size_t count, bool complete, json_t **rows)
{
    json_decref(*rows);
    *rows = NULL;
    ZOE_TRY(make_rows(saver->context, processes, count, rows));
    json_t *devices = zoe__bench_processor(json_object_get(processes[0], "libav"),
                                           (int)json_integer_value(json_object_get(processes[0], "threads")));
    const zoe_status status = zoe__saver_write(saver, devices, *rows, complete);
    json_decref(devices);
    return status;
}

/* The folder of the clips: the one that was named, and stays, or one that goes away. */
static zoe_status find_folder(zoe_context *context, const zoe_options *o, char *own, size_t size, const char **folder)
{
    *folder = zoe_options_text(o, "made");
    if (!*folder) {
        ZOE_TRY(zoe__bench_folder_make(context, own, size));
        *folder = own;
    }
    ZOE_FAIL_IF(context, mkdir(*folder, 0777) && errno != EEXIST, ZOE_DISK, "%s: %s", *folder, strerror(errno));
    return ZOE_OK;
}

static zoe_status run_processes(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    static const char *const words[] = {"--decode", NULL};
    const zoe_options *o = call->options;
    json_t *processes[ZOE__MOST_PROCESSES] = {NULL}, *rows = NULL, *skipped = json_array();
    char own[512] = "", pack[640];
    const char *folder, *const name = pack;
    zoe_bench_call child = *call;
    zoe__saver saver = {.context = context};
    const size_t count = (size_t)zoe_options_int(o, "processes");
    zoe_status status = ZOE_OK;
    ZOE_TRY_OUT(find_folder(context, o, own, sizeof own, &folder));
    zoe__format(pack, sizeof pack, "%s/pack", folder);
    ZOE_TRY_OUT(zoe__saver_start(&saver, context, o, "data", "data-decode-1"));
    saver.skipped = skipped;
    ZOE_TRY_OUT(make_pack(context, o, folder, pack, skipped));
    child.args = &name;
    child.arg_count = 1;
    for (size_t p = 0; p < count; p++) {
        ZOE_TRY_OUT(zoe__bench_child(context, "data", &child, words, zoe_options_float(o, "limit"), &processes[p]));
        ZOE_TRY_OUT(tell(&saver, processes, p + 1, p + 1 == count, &rows));
    }
    status = report(context, rows, skipped, out);
out:
    for (size_t p = 0; p < count; p++) json_decref(processes[p]);
    json_decref(rows);
    json_decref(skipped);
    zoe__saver_free(&saver);
    zoe__bench_folder_remove(own);
    return status;
}

zoe_status zoe__data_decode(zoe_context *context, const zoe_bench_call *call, zoe_bench_report *out)
{
    json_t *value = NULL;
    if (!zoe_options_flag(call->options, "here")) return run_processes(context, call, out);
    zoe__bench_end_with_parent();
    ZOE_TRY(measure_here(context, call, &value));
    out->json = json_dumps(value, JSON_REAL_PRECISION(9));
    json_decref(value);
    ZOE_FAIL_IF(context, !out->json, ZOE_MEMORY, "no memory for the report");
    return ZOE_OK;
}
