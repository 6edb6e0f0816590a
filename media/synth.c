/* SPDX-License-Identifier: Apache-2.0
 *
 * zoe_synth(): the table of worlds, one thread a processor, files written whole or not at all. */
#include <errno.h>
#include <libavutil/mem.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoe/media.h>

#include "core/core.h"
#include "core/suggest.h"
#include "media/synth.h"

enum { PATH_BYTES = 4096, WORKERS_MAX = 256 };

static const double PI = 3.14159265358979323846;

#define X(name) extern const zoe__synth_world zoe__##name;
#include "zoe_worlds.inc"
#undef X

static const zoe__synth_world *const worlds[] = {
#define X(name) &zoe__##name,
#include "zoe_worlds.inc"
#undef X
};

enum { WORLDS = sizeof worlds / sizeof worlds[0] };

/* What the workers share. Which of them makes a clip does not matter to its content. */
typedef struct job {
    const zoe__synth_world *world;
    const char *out;
    uint64_t seed;
    int clips, things;
    atomic_int next;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards status and error */
    zoe_status status;
    char error[1024];
} job;

typedef struct worker {
    job *job;
    zoe_context *context;
    zoe__synth_clip clip;
    pthread_t thread;
    bool started;
} worker;

zoe_synth_options zoe_synth_options_default(void)
{
    return (zoe_synth_options){.world = "motion", .clips = 240, .seed = 1};
}

zoe_status zoe__synth_find(const zoe__synth_world **out, zoe_context *context, const char *name)
{
    char known[512] = "";
    zoe__suggestion suggestion = zoe__suggest_start(name ? name : "");
    for (int i = 0; i < WORLDS; i++) {
        *out = worlds[i];
        if (name && strcmp(name, worlds[i]->name) == 0) return ZOE_OK;
        zoe__suggest_try(&suggestion, worlds[i]->name);
        const size_t used = strlen(known);
        zoe__format(known + used, sizeof known - used, "%s%s", i ? ", " : "", worlds[i]->name);
    }
    *out = NULL;
    return zoe__fail(context, ZOE_CONFIG, "unknown world '%s'; known: %s%s", name ? name : "", known,
                     zoe__suggest_text(&suggestion));
}

/* ---- files ---- */

static zoe_status make_folder(zoe_context *context, const char *path)
{
    char part[PATH_BYTES];
    ZOE_FAIL_IF(context, !zoe__format(part, sizeof part, "%s", path), ZOE_DISK, "%.200s...: path is too long", path);
    for (char *p = part + 1;; p++) {
        const char end = *p;
        if (end && end != '/') continue;
        *p = '\0';
        struct stat info;
        if (mkdir(part, 0777) != 0) {
            const int code = errno;
            const bool folder = stat(part, &info) == 0 && S_ISDIR(info.st_mode);
            ZOE_FAIL_IF(context, !folder, ZOE_DISK, "%s: cannot make the folder: %s", part, strerror(code));
        }
        if (!end) return ZOE_OK;
        *p = end;
    }
}

/* Under a temporary name first: a reader never sees half a file. */
static zoe_status write_file(zoe_context *context, const char *path, const void *bytes, size_t size)
{
    char temporary[PATH_BYTES + 32];
    ZOE_FAIL_IF(context, !zoe__format(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()), ZOE_DISK,
                "%.200s...: path is too long", path);
    FILE *file = fopen(temporary, "wb");
    ZOE_FAIL_IF(context, !file, ZOE_DISK, "%s: cannot write: %s", path, strerror(errno));
    int code = fwrite(bytes, 1, size, file) == size ? 0 : errno;
    if (fclose(file) != 0 && !code) code = errno;
    if (!code && rename(temporary, path) != 0) code = errno;
    if (code) unlink(temporary);
    ZOE_FAIL_IF(context, code, ZOE_DISK, "%s: cannot write: %s", path, strerror(code));
    return ZOE_OK;
}

static zoe_status clip_path(zoe_context *context, char path[PATH_BYTES], const job *j, int index, const char *suffix)
{
    const char *kind = j->world->kinds[index % j->world->kind_count];
    ZOE_FAIL_IF(context, !zoe__format(path, PATH_BYTES, "%s/%s/%05d.%s", j->out, kind, index, suffix), ZOE_DISK,
                "%.200s...: path is too long", j->out);
    return ZOE_OK;
}

void zoe__synth_print_numbers(FILE *out, const float *numbers, int n)
{
    for (int i = 0; i < n; i++) {
        const long hundredths = lroundf(100 * numbers[i]), size = labs(hundredths);
        fprintf(out, "%s%s%ld.%02ld", i ? ", " : "", hundredths < 0 ? "-" : "", size / 100, size % 100);
    }
}

/* Newton's method on the distribution function, each quantile starting from the one nearer to the median. */
void zoe__synth_noise_table(float *table, int steps, double sd)
{
    double z = 0;
    for (int i = steps / 2; i < steps; i++) {
        const double upper_tail = 1 - (i + 0.5) / steps;
        for (int turn = 0; turn < 4; turn++)
            z += (0.5 * erfc(z / sqrt(2)) - upper_tail) * sqrt(2 * PI) * exp(0.5 * z * z);
        table[i] = (float)(sd * z);
        table[steps - 1 - i] = -table[i];
    }
}

static zoe_status write_description(worker *w, int index)
{
    char path[PATH_BYTES], *text = NULL;
    size_t size = 0;
    const zoe__synth_world *world = w->job->world;
    ZOE_TRY(clip_path(w->context, path, w->job, index, "json"));
    FILE *stream = open_memstream(&text, &size);
    ZOE_FAIL_IF(w->context, !stream, ZOE_MEMORY, "out of memory: the description of a clip");
    world->describe(stream, world, &w->clip, w->job->things);
    const bool complete = !ferror(stream);
    zoe_status status = fclose(stream) == 0 && complete ? write_file(w->context, path, text, size) : ZOE_MEMORY;
    if (status == ZOE_MEMORY) zoe__fail(w->context, ZOE_MEMORY, "out of memory: the description of a clip");
    free(text);
    return status;
}

/* ---- clips ---- */

static zoe_status make_clip(worker *w, int index)
{
    char path[PATH_BYTES];
    uint8_t *bytes;
    size_t size;
    const zoe__synth_world *world = w->job->world;
    ZOE_TRY(clip_path(w->context, path, w->job, index, world->ending));
    ZOE_TRY(world->draw(w->context, w->job->seed, (uint32_t)index, w->job->things, &w->clip));
    const zoe__synth_movie movie = {.rgb = w->clip.rgb,
                                    .frames = world->frames,
                                    .width = world->width,
                                    .height = world->height,
                                    .fps = world->fps,
                                    .pcm = w->clip.pcm,
                                    .samples = world->samples,
                                    .rate = world->rate,
                                    .container = world->ending};
    ZOE_TRY(zoe__synth_encode(w->context, &movie, &bytes, &size));
    const zoe_status status = write_file(w->context, path, bytes, size);
    av_free(bytes);
    ZOE_TRY(status);
    return write_description(w, index);
}

static void *work(void *argument)
{
    worker *w = argument;
    job *j = w->job;
    for (int index; !atomic_load(&j->failed) && (index = atomic_fetch_add(&j->next, 1)) < j->clips;) {
        const zoe_status status = make_clip(w, index);
        if (status == ZOE_OK) continue;
        pthread_mutex_lock(&j->lock);
        if (j->status == ZOE_OK) {
            j->status = status;
            zoe__format(j->error, sizeof j->error, "%s", zoe_context_error(w->context));
        }
        pthread_mutex_unlock(&j->lock);
        atomic_store(&j->failed, true);
    }
    return NULL;
}

static zoe_status start(zoe_context *context, job *j, worker *w)
{
    const zoe__synth_world *world = j->world;
    const size_t frames = (size_t)world->frames;
    w->job = j;
    ZOE_FAIL_IF(context, zoe_context_new(&w->context) != ZOE_OK, ZOE_MEMORY, "out of memory: a worker");
    ZOE_TRY(zoe__calloc(context, &w->clip.rgb, frames, (size_t)world->height * (size_t)world->width * 3));
    ZOE_TRY(zoe__calloc(context, &w->clip.points, (size_t)world->points, sizeof(float)));
    if (world->rate) ZOE_TRY(zoe__calloc(context, &w->clip.pcm, (size_t)world->samples, sizeof(float)));
    const int code = pthread_create(&w->thread, NULL, work, w);
    ZOE_FAIL_IF(context, code, ZOE_MEMORY, "cannot start a worker thread: %s", strerror(code));
    w->started = true;
    return ZOE_OK;
}

static zoe_status run(zoe_context *context, job *j, int workers)
{
    worker *team;
    zoe_status status = ZOE_OK;
    ZOE_TRY(zoe__calloc(context, &team, (size_t)workers, sizeof *team));
    for (int i = 0; i < workers && status == ZOE_OK; i++) status = start(context, j, &team[i]);
    if (status != ZOE_OK) atomic_store(&j->failed, true);
    for (int i = 0; i < workers; i++) {
        if (team[i].started) pthread_join(team[i].thread, NULL);
        zoe_context_free(&team[i].context);
        free(team[i].clip.rgb);
        free(team[i].clip.points);
        free(team[i].clip.pcm);
    }
    free(team);
    ZOE_TRY(status);
    return j->status == ZOE_OK ? ZOE_OK : zoe__fail(context, j->status, "%s", j->error);
}

zoe_status zoe_synth(zoe_context *context, const char *out, const zoe_synth_options *options)
{
    job j = {.out = out, .seed = options->seed, .clips = options->clips, .things = options->pairs ? 2 : 1};
    ZOE_TRY(zoe__synth_find(&j.world, context, options->world));
    ZOE_FAIL_IF(context, j.things > j.world->things, ZOE_CONFIG, "world %s has no clips of two things", j.world->name);
    ZOE_FAIL_IF(context, options->clips < 1, ZOE_CONFIG, "clips is %d: at least 1 is needed", options->clips);
    ZOE_FAIL_IF(context, options->workers < 0, ZOE_CONFIG, "workers is %d: 0 (each processor) or more",
                options->workers);
    ZOE_FAIL_IF(context, !out[0], ZOE_DISK, "the output folder has an empty name");
    for (int i = 0; i < j.world->kind_count && i < j.clips; i++) {
        char folder[PATH_BYTES];
        ZOE_FAIL_IF(context, !zoe__format(folder, sizeof folder, "%s/%s", out, j.world->kinds[i]), ZOE_DISK,
                    "%.200s...: path is too long", out);
        ZOE_TRY(make_folder(context, folder));
    }
    long workers = options->workers ? options->workers : sysconf(_SC_NPROCESSORS_ONLN);
    if (workers > options->clips) workers = options->clips;
    if (workers > WORKERS_MAX) workers = WORKERS_MAX;
    pthread_mutex_init(&j.lock, NULL);
    const zoe_status status = run(context, &j, workers < 1 ? 1 : (int)workers);
    pthread_mutex_destroy(&j.lock);
    return status;
}
