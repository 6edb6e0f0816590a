/* SPDX-License-Identifier: Apache-2.0
 *
 * Files to pack. Workers take files from one list; each reads, decodes and writes on its own and only the commit is
 * done under the lock. What a clip becomes depends on the file alone, so neither order nor number of workers shows. */
#include "media/gather.h"
#include "media/ingest.h"
#include "media/labels.h"
#include "media/pairs.h"
#include "media/store.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_WORKERS = 256, LABEL_BYTES = NAME_MAX + 1, REASON_BYTES = 1024 };

typedef struct job {
    const zoe_index_options *options;
    const zoe__names *files;
    const zoe__pairs *pairs; /* whose files come after those */
    const zoe__labels *labels;
    zoe__store *store;
    char limits[160]; /* signature of options->limits */
    atomic_size_t next;
    atomic_bool stop;

    pthread_mutex_t lock; /* guards what follows, the store and the progress function */
    size_t done, total, skipped;
    char first_bad[REASON_BYTES];
    zoe_status status; /* the first that ends the run */
    char error[REASON_BYTES];
} job;

zoe_index_options zoe_index_options_default(void)
{
    return (zoe_index_options){.limits = zoe_media_limits_default(), .label_column = "label", .max_bad = 0.05};
}

/* Ends the run; the lock is held. */
static void end_run(job *j, zoe_status status, const char *error)
{
    if (j->status == ZOE_OK) {
        j->status = status;
        zoe__format(j->error, sizeof j->error, "%s", error);
    }
    atomic_store(&j->stop, true);
}

/* Counts and tells one file; the lock is held. reason NULL: it was read. */
static void report(job *j, const char *file, const char *reason)
{
    j->done++;
    if (reason) {
        if (!j->skipped++) zoe__format(j->first_bad, sizeof j->first_bad, "%s: %s", file, reason);
    }
    const zoe_index_event event = {
        .file = file, .reason = reason, .done = j->done, .total = j->total, .skipped = j->skipped};
    if (j->options->progress && !j->options->progress(&event, j->options->user))
        end_run(j, ZOE_STOPPED, "indexing was stopped; what was read stays in the pack");
}

static bool file_is_there(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* The content is stored, rows and data both. The lock is held. */
static zoe_status is_stored(zoe_context *context, job *j, const char *sha256, bool *stored)
{
    char data[PATH_MAX], pcm[PATH_MAX];
    zoe__content content;
    ZOE_TRY(zoe__store_content(context, j->store, sha256, &content));
    *stored = content.found && content.sound.state != ZOE_SOUND_UNKNOWN &&
              zoe__store_data_path(j->store, sha256, data, sizeof data) &&
              zoe__store_pcm_path(j->store, sha256, pcm, sizeof pcm) && (!content.pictures || file_is_there(data)) &&
              (!content.sound.samples || file_is_there(pcm));
    return ZOE_OK;
}

/* Already known by path, size and time? Then only its label can be new. The lock is held. */
static zoe_status look_up(zoe_context *context, job *j, const zoe__source *source, const zoe__file_row *wanted,
                          bool *known, char reason[REASON_BYTES])
{
    zoe__file_row row;
    bool found;
    reason[0] = '\0';
    *known = false;
    ZOE_TRY(zoe__store_find(context, j->store, source->path, source->size, source->mtime_ns, &row, &found));
    if (!found) return ZOE_OK;
    if (row.reason[0]) {
        *known = strcmp(row.limits, j->limits) == 0;
        zoe__format(reason, REASON_BYTES, "%s", row.reason);
        return ZOE_OK;
    }
    ZOE_TRY(is_stored(context, j, row.sha256, known));
    return *known ? zoe__store_relabel(context, j->store, source->path, wanted->label, wanted->group) : ZOE_OK;
}

/* Moves a finished file of data or sound to its place; the lock is held. */
static zoe_status place_file(zoe_context *context, const char *temporary, const char *path)
{
    char folder[PATH_MAX];
    zoe__format(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    ZOE_FAIL_IF(context, mkdir(folder, 0777) < 0 && errno != EEXIST, ZOE_DISK, "%s: cannot be made: %s", folder,
                strerror(errno));
    ZOE_FAIL_IF(context, rename(temporary, path) < 0, ZOE_DISK, "%s: cannot be written: %s", path, strerror(errno));
    return ZOE_OK;
}

/* Where a worker writes before it is known what its file is. */
typedef struct scratch {
    char data[PATH_MAX], pcm[PATH_MAX];
} scratch;

static bool name_scratch(const job *j, int number, scratch *out)
{
    const char *folder = zoe__store_folder(j->store);
    return zoe__format(out->data, sizeof out->data, "%s/data/tmp-%ld-%d", folder, (long)getpid(), number) &&
           zoe__format(out->pcm, sizeof out->pcm, "%s/data/tmp-%ld-%d-pcm", folder, (long)getpid(), number);
}

/* Files first, rows last; the lock is held. */
static zoe_status place(zoe_context *context, job *j, const zoe__file_row *row, const scratch *from,
                        const zoe__ingested *in)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t size = 0;
    zoe_status status;
    if (in->record.frames)
        ZOE_TRY_OUT(zoe__record_write(context, &in->record, &bytes, &size));
    else
        ZOE_TRY_OUT(zoe__calloc(context, &bytes, 1, 1));
    if (in->record.frames && zoe__store_data_path(j->store, row->sha256, path, sizeof path))
        ZOE_TRY_OUT(place_file(context, from->data, path));
    if (in->sound.samples && zoe__store_pcm_path(j->store, row->sha256, path, sizeof path))
        ZOE_TRY_OUT(place_file(context, from->pcm, path));
    ZOE_TRY_OUT(zoe__store_commit(context, j->store, row, bytes, size, &in->sound));
out:
    free(bytes);
    return status;
}

/* Reads one file whose path is not known yet. */
static zoe_status read_file(zoe_context *context, job *j, zoe__source *source, zoe__file_row *row,
                            const scratch *temporary, bool still)
{
    bool stored = false;
    zoe_status status;
    ZOE_TRY(zoe__source_digest(context, source));
    row->sha256 = source->sha256;
    pthread_mutex_lock(&j->lock);
    status = is_stored(context, j, source->sha256, &stored);
    if (status == ZOE_OK && stored) status = zoe__store_commit(context, j->store, row, NULL, 0, NULL);
    pthread_mutex_unlock(&j->lock);
    if (status != ZOE_OK || stored) return status;
    zoe__ingested in = {
        .data_path = temporary->data, .pcm_path = temporary->pcm, .rate = zoe__store_rate(j->store), .still = still};
    status = zoe__ingest(context, source, &j->options->limits, &in);
    if (status == ZOE_OK) {
        pthread_mutex_lock(&j->lock);
        status = place(context, j, row, temporary, &in);
        pthread_mutex_unlock(&j->lock);
    }
    unlink(temporary->data); /* gone already when it was placed */
    unlink(temporary->pcm);
    zoe__record_clear(&in.record);
    return status;
}

/* The worker's error text without the path in front. */
static void reason_of(const zoe_context *context, const char *path, char reason[REASON_BYTES])
{
    const char *text = zoe_context_error(context);
    const size_t n = strlen(path);
    if (strncmp(text, path, n) == 0 && strncmp(text + n, ": ", 2) == 0) text += n + 2;
    zoe__format(reason, REASON_BYTES, "%s", text);
}

/* A bad file's row. Faults that may pass (a deadline, no permission) are kept without size: the next run tries again.
 */
static zoe_status commit_skip(zoe_context *context, job *j, const zoe__source *source, zoe__file_row *row, bool passing,
                              const char *reason)
{
    row->sha256 = "";
    row->reason = reason;
    row->limits = j->limits;
    row->size = passing ? -1 : source->size;
    row->mtime_ns = source->mtime_ns;
    zoe_context_clear(context);
    return zoe__store_commit(context, j->store, row, NULL, 0, NULL);
}

/* One file to read: `of` is NULL, or says where a table of pairs names it. */
typedef struct item {
    const char *path;
    const zoe__pair_file *of;
} item;

static size_t items(const job *j)
{
    return j->files->count + j->pairs->files;
}

static item item_at(const job *j, size_t i)
{
    if (i < j->files->count) return (item){j->files->name[i], NULL};
    const zoe__pair_file *file = &j->pairs->file[i - j->files->count];
    return (item){file->path, file};
}

/* Reads the file, or finds that it need not; a reason it was skipped for before goes to reason. */
static zoe_status take_file(zoe_context *context, job *j, const item *it, zoe__source *source, zoe__file_row *row,
                            const scratch *temporary, char reason[REASON_BYTES])
{
    bool known = false;
    zoe_status status = zoe__source_open(context, source, it->path, &j->options->limits);
    row->size = source->size;
    row->mtime_ns = source->mtime_ns;
    if (status != ZOE_OK) return status;
    pthread_mutex_lock(&j->lock);
    status = look_up(context, j, source, row, &known, reason);
    pthread_mutex_unlock(&j->lock);
    if (status != ZOE_OK || known) return status;
    reason[0] = '\0';
    return read_file(context, j, source, row, temporary, it->of && it->of->picture);
}

static void do_file(zoe_context *context, job *j, const item *it, const scratch *temporary)
{
    char label[LABEL_BYTES] = "", reason[REASON_BYTES] = "", why[REASON_BYTES];
    zoe__source source;
    zoe__file_row row = {.path = it->path, .label = "", .group = "", .reason = "", .limits = ""};
    if (!it->of) zoe__labels_find(j->labels, it->path, label, sizeof label, &row.label, &row.group);
    zoe_status status = take_file(context, j, it, &source, &row, temporary, reason);
    const bool passing = status == ZOE_TIME || source.fd < 0;
    zoe__source_close(&source);
    pthread_mutex_lock(&j->lock);
    if (status == ZOE_DATA || status == ZOE_TIME) {
        reason_of(context, it->path, why);
        zoe__format(reason, sizeof reason, "%s", why);
        if (it->of) zoe__format(reason, sizeof reason, "%s line %d: %s", it->of->table, it->of->line, why);
        status = commit_skip(context, j, &source, &row, passing, reason);
    }
    if (status == ZOE_OK)
        report(j, it->path, reason[0] ? reason : NULL);
    else
        end_run(j, status, zoe_context_error(context));
    pthread_mutex_unlock(&j->lock);
    zoe_context_clear(context);
}

typedef struct worker {
    job *job;
    int number;
    pthread_t thread;
    bool started;
} worker;

static void *work(void *argument)
{
    const worker *w = argument;
    job *j = w->job;
    scratch temporary;
    zoe_context *context;
    if (zoe_context_new(&context) != ZOE_OK || !name_scratch(j, w->number, &temporary)) {
        pthread_mutex_lock(&j->lock);
        end_run(j, ZOE_MEMORY, "out of memory: a worker");
        pthread_mutex_unlock(&j->lock);
        zoe_context_free(&context);
        return NULL;
    }
    while (!atomic_load(&j->stop)) {
        const size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= items(j)) break;
        const item it = item_at(j, i);
        do_file(context, j, &it, &temporary);
    }
    zoe_context_free(&context);
    return NULL;
}

static zoe_status run_workers(zoe_context *context, job *j)
{
    size_t n = j->options->workers > 0 ? (size_t)j->options->workers : (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (n > MAX_WORKERS) n = MAX_WORKERS;
    if (n > items(j)) n = items(j);
    worker *workers;
    ZOE_TRY(zoe__calloc(context, &workers, n, sizeof *workers));
    size_t started = 0;
    for (size_t i = 0; i < n; i++) {
        workers[i] = (worker){.job = j, .number = (int)i};
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
        started += workers[i].started;
    }
    for (size_t i = 0; i < n; i++)
        if (workers[i].started) pthread_join(workers[i].thread, NULL);
    free(workers);
    ZOE_FAIL_IF(context, n && !started, ZOE_MEMORY, "no worker thread can be started");
    return ZOE_OK;
}

static zoe_status copy_file(zoe_context *context, const char *from, const char *to)
{
    FILE *in = fopen(from, "rbe"), *out = fopen(to, "wbe");
    char buffer[1 << 16];
    bool read_good = in, write_good = out;
    for (size_t n; read_good && write_good && (n = fread(buffer, 1, sizeof buffer, in)) > 0;)
        write_good = fwrite(buffer, 1, n, out) == n;
    read_good = read_good && !ferror(in);
    write_good = write_good && fflush(out) == 0 && fsync(fileno(out)) == 0;
    if (in) fclose(in);
    if (out && fclose(out) != 0) write_good = false;
    ZOE_FAIL_IF(context, !read_good, ZOE_DATA, "%s: cannot be read: %s", from, strerror(errno));
    ZOE_FAIL_IF(context, !write_good, ZOE_DISK, "%s: cannot be written: %s", to, strerror(errno));
    return ZOE_OK;
}

typedef struct import {
    zoe_context *context;
    job *job;
    const zoe__store *from;
} import;

/* Files of one content of another pack. */
static zoe_status import_content(const import *im, const char *sha256, bool pictures, bool sound)
{
    job *j = im->job;
    char from[PATH_MAX], to[PATH_MAX], temporary[PATH_MAX];
    zoe__format(temporary, sizeof temporary, "%s/data/tmp-%ld-import", zoe__store_folder(j->store), (long)getpid());
    if (pictures && zoe__store_data_path(im->from, sha256, from, sizeof from) &&
        zoe__store_data_path(j->store, sha256, to, sizeof to)) {
        ZOE_TRY(copy_file(im->context, from, temporary));
        ZOE_TRY(place_file(im->context, temporary, to));
    }
    if (sound && zoe__store_pcm_path(im->from, sha256, from, sizeof from) &&
        zoe__store_pcm_path(j->store, sha256, to, sizeof to)) {
        ZOE_TRY(copy_file(im->context, from, temporary));
        ZOE_TRY(place_file(im->context, temporary, to));
    }
    return ZOE_OK;
}

/* One content with the file that has it. size -1: the pack does not say, the file is looked at again when it is named.
 */
static zoe_status import_file(const import *im, zoe__file_row *row, const uint8_t *record, size_t record_size,
                              const zoe__sound *sound)
{
    job *j = im->job;
    bool stored;
    if (record_size) { /* nothing damaged gets in */
        zoe__record check;
        ZOE_TRY(zoe__record_read(im->context, &check, record, record_size, row->path));
        zoe__record_clear(&check);
    }
    ZOE_TRY(is_stored(im->context, j, row->sha256, &stored));
    if (!stored) ZOE_TRY(import_content(im, row->sha256, record_size > 0, sound->samples > 0));
    return zoe__store_commit(im->context, j->store, row, stored ? NULL : record, record_size,
                             sound->state == ZOE_SOUND_UNKNOWN ? NULL : sound);
}

/* One clip of another pack; nothing is decoded. */
static zoe_status import_clip(void *user, const zoe__clip_row *row)
{
    static const zoe__sound none = {.state = ZOE_SOUND_NONE};
    const import *im = user;
    job *j = im->job;
    char label[LABEL_BYTES];
    zoe__file_row mine = row->file;
    if (!row->pair && j->options->labels_csv)
        zoe__labels_find(j->labels, mine.path, label, sizeof label, &mine.label, &mine.group);
    ZOE_TRY(import_file(im, &mine, row->record, row->record_size, row->pair ? &none : &row->sound));
    if (row->pair) {
        zoe__file_row other = {.path = row->sound_path,
                               .sha256 = row->sound_sha256,
                               .label = "",
                               .group = "",
                               .reason = "",
                               .limits = "",
                               .size = -1};
        ZOE_TRY(import_file(im, &other, row->record, 0, &row->sound));
        ZOE_TRY(zoe__store_pair(im->context, j->store, mine.path, other.path, mine.label, mine.group));
    }
    report(j, mine.path, NULL);
    return j->status;
}

static zoe_status count_clip(void *user, const zoe__clip_row *row)
{
    (void)row;
    ++*(size_t *)user;
    return ZOE_OK;
}

static bool same_folder(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static zoe_status import_packs(zoe_context *context, job *j, const zoe__names *packs)
{
    for (size_t i = 0; i < packs->count; i++) {
        if (same_folder(packs->name[i], zoe__store_folder(j->store))) continue;
        zoe__store *from;
        ZOE_TRY(zoe__store_open(&from, context, packs->name[i], false));
        const int rate = zoe__store_rate(from), mine = zoe__store_rate(j->store);
        if (rate && rate != mine) {
            zoe__store_close(&from);
            return zoe__fail(context, ZOE_CONFIG,
                             "%s: its sound has %d samples a second, that of %s %d: they do not mix", packs->name[i],
                             rate, zoe__store_folder(j->store), mine);
        }
        const import im = {context, j, from};
        zoe_status status = zoe__store_clips(context, from, count_clip, &j->total);
        if (status == ZOE_OK) status = zoe__store_clips(context, from, import_clip, (void *)&im);
        zoe__store_close(&from);
        ZOE_TRY(status);
    }
    return ZOE_OK;
}

/* Too few good ones? */
static zoe_status judge(zoe_context *context, job *j)
{
    size_t clips = 0;
    ZOE_TRY(zoe__store_clips(context, j->store, count_clip, &clips));
    if (clips == 0) {
        ZOE_FAIL_IF(context, j->skipped == 1, ZOE_DATA, "no usable clip: %s", j->first_bad);
        return zoe__fail(context, ZOE_DATA, "no usable clip in %zu files; the first: %s", j->done, j->first_bad);
    }
    const double share = j->done ? (double)j->skipped / (double)j->done : 0;
    ZOE_FAIL_IF(context, share > j->options->max_bad, ZOE_BAD_FILES,
                "%zu of %zu files are bad (%.1f %%, the limit is %g %%); the first: %s", j->skipped, j->done,
                100 * share, 100 * j->options->max_bad, j->first_bad);
    return ZOE_OK;
}

/* Before the files are read: a killed run leaves no file of a pair as a clip of its own. */
static zoe_status store_pairs(zoe_context *context, job *j)
{
    for (size_t i = 0; i < j->pairs->count; i++) {
        const zoe__pair *p = &j->pairs->pair[i];
        ZOE_TRY(zoe__store_pair(context, j->store, p->picture, p->sound, p->label, p->group));
    }
    return ZOE_OK;
}

static zoe_status fill(zoe_context *context, job *j, const zoe__names *packs)
{
    ZOE_TRY(import_packs(context, j, packs));
    ZOE_TRY(zoe__store_batch(context, j->store, true));
    const zoe_status status = store_pairs(context, j);
    ZOE_TRY(zoe__store_batch(context, j->store, false));
    ZOE_TRY(status);
    ZOE_TRY(run_workers(context, j));
    ZOE_FAIL_IF(context, j->status != ZOE_OK, j->status, "%s", j->error);
    ZOE_TRY(zoe__store_sweep(context, j->store));
    return judge(context, j);
}

/* One rate a pack. */
static zoe_status settle_rate(zoe_context *context, job *j, const char *out)
{
    const int wanted = j->options->sound_rate, now = zoe__store_rate(j->store);
    ZOE_FAIL_IF(context, wanted && (wanted < 1000 || wanted > 192000), ZOE_CONFIG,
                "a sound rate of %d Hz, the limits are 1000 and 192000", wanted);
    ZOE_FAIL_IF(context, wanted && now && wanted != now, ZOE_CONFIG,
                "%s: its sound has %d samples a second, not %d: another rate needs a new pack", out, now, wanted);
    return now ? ZOE_OK : zoe__store_set_rate(context, j->store, wanted ? wanted : 48000);
}

zoe_status zoe_pack_index(zoe_context *context, const char *const *paths, size_t count, const char *out,
                          const zoe_index_options *options)
{
    const zoe_index_options standard = zoe_index_options_default();
    if (!options) options = &standard;
    const zoe_media_limits *l = &options->limits;
    zoe__gathered what = {0};
    zoe__pairs pairs = {0};
    zoe__labels *labels = NULL;
    job j = {.options = options, .files = &what.files, .pairs = &pairs, .lock = PTHREAD_MUTEX_INITIALIZER};
    zoe_status status;
    ZOE_FAIL_IF(context, !count || !out || !out[0], ZOE_CONFIG, "nothing to index, or no folder for the pack");
    zoe__format(j.limits, sizeof j.limits, "%lld %lld %d %d %g %g %g", (long long)l->max_file_bytes,
                (long long)l->max_pixels, l->max_streams, l->max_frames, l->seconds_per_clip, l->min_clean,
                l->max_sound);
    ZOE_TRY_OUT(zoe__gather(context, paths, count, &what));
    for (size_t i = 0; i < what.tables.count; i++)
        ZOE_TRY_OUT(zoe__pairs_read(context, &pairs, what.tables.name[i],
                                    options->label_column && !options->labels_csv ? options->label_column : "label",
                                    options->labels_csv ? NULL : options->group_column));
    ZOE_TRY_OUT(zoe__pairs_settle(context, &pairs));
    ZOE_TRY_OUT(zoe__labels_load(&labels, context, options->labels_csv, options->label_column, options->group_column));
    ZOE_TRY_OUT(zoe__store_open(&j.store, context, out, true));
    ZOE_TRY_OUT(settle_rate(context, &j, out));
    j.labels = labels;
    j.total = items(&j);
    ZOE_TRY_OUT(fill(context, &j, &what.packs));
out:
    zoe__store_close(&j.store);
    zoe__labels_free(&labels);
    zoe__pairs_clear(&pairs);
    zoe__gathered_clear(&what);
    pthread_mutex_destroy(&j.lock);
    return status;
}
