/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zoe/checkpoint.h>

static const char format_name[] = "zoe-run-1";

bool zoe__run_path(const zoe__run *run, char path[ZOE__PATH], const char *name)
{
    return zoe__format(path, ZOE__PATH, "%s/%s", run->path, name);
}

/* ---- options.json ---- */

static json_t *read_json(const char *folder, const char *name)
{
    char path[ZOE__PATH];
    if (!zoe__format(path, sizeof path, "%s/%s", folder, name)) return NULL;
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static json_t *read_run_options(const char *path)
{
    json_t *value = read_json(path, "options.json");
    const char *format = json_string_value(json_object_get(value, "format"));
    if (format && !strcmp(format, format_name)) return value;
    json_decref(value);
    return NULL;
}

bool zoe__run_is(const char *path)
{
    json_t *value = read_run_options(path);
    json_decref(value);
    return value != NULL;
}

zoe_status zoe__run_read_options(zoe_context *context, const char *path, json_t **out)
{
    struct stat info;
    ZOE_FAIL_IF(context, stat(path, &info) < 0, ZOE_DATA, "%s: %s", path, strerror(errno));
    *out = read_run_options(path);
    ZOE_FAIL_IF(context, !*out, ZOE_DATA, "%s: not a run folder (no options.json of ours in it)", path);
    return ZOE_OK;
}

zoe_status zoe__run_apply_options(const json_t *run_options, zoe_options *options)
{
    const char *name;
    json_t *text;
    json_object_foreach(json_object_get(run_options, "options"), name,
                        text) if (json_is_string(text) && zoe_options_find(options, name))
        ZOE_TRY(zoe_options_set(options, name, json_string_value(text)));
    return ZOE_OK;
}

json_t *zoe__run_read_split(const char *path)
{
    return read_json(path, "split.json");
}

json_t *zoe__run_text(const char *bytes)
{
    json_t *text = json_string(bytes);
    if (text || !bytes) return text ? text : json_null();
    char escaped[ZOE__PATH];
    size_t n = 0;
    for (; *bytes && n + 4 < sizeof escaped; bytes++) {
        const unsigned char byte = (unsigned char)*bytes;
        if (byte < 0x80)
            escaped[n++] = (char)byte;
        else
            n += (size_t)snprintf(escaped + n, 4, "%%%02X", byte);
    }
    escaped[n] = '\0';
    return json_string(escaped);
}

static json_t *describe(const char *task, const char *const *clips, size_t count, const zoe_options *options)
{
    json_t *paths = json_array(), *values = json_object();
    for (size_t i = 0; i < count; i++) {
        char *path = realpath(clips[i], NULL);
        json_array_append_new(paths, zoe__run_text(path ? path : clips[i]));
        free(path);
    }
    for (size_t i = 0; zoe_options_at(options, i); i++) {
        const char *name = zoe_options_at(options, i)->name;
        json_object_set_new(values, name, zoe__run_text(zoe_options_text(options, name)));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "format", format_name, "version", ZOE_VERSION, "task", task, "clips",
                     paths, "options", values);
}

/* The same text, or the same number. */
static bool same(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    if (!strcmp(a, b)) return true;
    char *end_a, *end_b;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);
    return end_a != a && end_b != b && !*end_a && !*end_b && x == y;
}

static zoe_status compare(zoe__run *run, json_t *now, const zoe_options *options)
{
    json_t *then = NULL;
    ZOE_TRY(zoe__run_read_options(run->context, run->path, &then));
    zoe_status status = ZOE_OK;
    const char *task = json_string_value(json_object_get(then, "task")),
               *wanted = json_string_value(json_object_get(now, "task"));
    if (!same(task, wanted))
        status = zoe__fail(run->context, ZOE_CONFIG, "%s: --resume with task '%s', but the run is of '%s'", run->path,
                           wanted, task ? task : "");
    const json_t *old = json_object_get(then, "options");
    for (size_t i = 0; zoe_options_at(options, i) && status == ZOE_OK; i++) {
        const zoe_option *option = zoe_options_at(options, i);
        const json_t *value = json_object_get(old, option->name);
        if ((option->flags & ZOE_OPTION_FREE) || !value) continue;
        const char *before = json_string_value(value);
        const char *text = json_string_value(json_object_get(json_object_get(now, "options"), option->name));
        if (!same(before, text))
            status = zoe__fail(run->context, ZOE_CONFIG, "%s: --resume with --%s %s, but the run has %s", run->path,
                               option->name, text ? text : "(none)", before ? before : "(none)");
    }
    if (status == ZOE_OK && !json_equal(json_object_get(then, "clips"), json_object_get(now, "clips")))
        status = zoe__fail(run->context, ZOE_CONFIG, "%s: --resume with other CLIPS than the run has", run->path);
    json_decref(then);
    return status;
}

/* ---- files of the folder ---- */

zoe_status zoe__run_write_json(zoe__run *run, const char *name, json_t *value)
{
    char path[ZOE__PATH], *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    ZOE_FAIL_IF(run->context, !text, ZOE_MEMORY, "out of memory: %s", name);
    zoe_status status = zoe__run_path(run, path, name)
                            ? zoe__safe_write_text(run->context, path, text)
                            : zoe__fail(run->context, ZOE_DISK, "%s: path too long", run->path);
    free(text);
    return status;
}

/* Appends; a line that a killed process left half gets its end first. */
static zoe_status open_log(zoe__run *run)
{
    char path[ZOE__PATH];
    zoe__run_path(run, path, "log.jsonl");
    run->log = fopen(path, "a+b");
    ZOE_FAIL_IF(run->context, !run->log, ZOE_DISK, "%s: %s", path, strerror(errno));
    if (fseek(run->log, -1, SEEK_END) == 0 && fgetc(run->log) != '\n') {
        fseek(run->log, 0, SEEK_END);
        fputc('\n', run->log);
    }
    fseek(run->log, 0, SEEK_END);
    return ZOE_OK;
}

zoe_status zoe__run_log(zoe__run *run, json_t *line)
{
    ZOE_FAIL_IF(run->context, !line, ZOE_MEMORY, "out of memory: a line of the log");
    const bool bad = json_dumpf(line, run->log, JSON_COMPACT | JSON_REAL_PRECISION(9)) || fputc('\n', run->log) < 0 ||
                     fflush(run->log);
    json_decref(line);
    ZOE_FAIL_IF(run->context, bad, ZOE_DISK, "%s/log.jsonl: %s", run->path, strerror(errno));
    return ZOE_OK;
}

/* ---- opening ---- */

/* Empty but for what a process that was killed right after it made the folder can have left. */
static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return false;
    bool empty = true;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && strcmp(entry->d_name, "lock") &&
            strcmp(entry->d_name, "options.json.tmp"))
            empty = false;
    closedir(dir);
    return empty;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

static zoe_status remove_tree(zoe_context *context, const char *path)
{
    ZOE_FAIL_IF(context, nftw(path, remove_entry, 32, FTW_DEPTH | FTW_PHYS) != 0, ZOE_DISK, "%s: cannot delete: %s",
                path, strerror(errno));
    return ZOE_OK;
}

static bool has_checkpoints(const char *path)
{
    char folder[ZOE__PATH];
    return zoe__format(folder, sizeof folder, "%s/checkpoints", path) && zoe_checkpoint_files(folder) > 0;
}

/* Out of the way, but not gone: the new run may never start. What a killed process left there before is the better of
 * the two if the run has no checkpoint yet. */
static zoe_status set_aside(zoe__run *run)
{
    struct stat info;
    char aside[ZOE__PATH];
    ZOE_FAIL_IF(run->context, !zoe__format(aside, sizeof aside, "%s.old", run->path), ZOE_DISK, "%s: path too long",
                run->path);
    if (lstat(aside, &info) == 0) {
        ZOE_FAIL_IF(run->context, !zoe__run_is(aside), ZOE_CONFIG,
                    "%s: exists and is not a run folder; --force needs the name", aside);
        const bool keep = has_checkpoints(aside) && !has_checkpoints(run->path);
        ZOE_TRY(remove_tree(run->context, keep ? run->path : aside));
        if (keep) memcpy(run->aside, aside, sizeof run->aside);
        if (keep) return ZOE_OK;
    }
    ZOE_FAIL_IF(run->context, rename(run->path, aside) < 0, ZOE_DISK, "%s: cannot be renamed to %s: %s", run->path,
                aside, strerror(errno));
    memcpy(run->aside, aside, sizeof run->aside);
    return ZOE_OK;
}

zoe_status zoe__run_started(zoe__run *run)
{
    if (!run->aside[0]) return ZOE_OK;
    const zoe_status status = remove_tree(run->context, run->aside);
    run->aside[0] = '\0';
    return status;
}

static zoe_status take_lock(zoe__run *run)
{
    char path[ZOE__PATH];
    zoe__run_path(run, path, "lock");
    run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ZOE_FAIL_IF(run->context, run->lock < 0, ZOE_DISK, "%s: %s", path, strerror(errno));
    ZOE_FAIL_IF(run->context, flock(run->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK, ZOE_CONFIG,
                "%s: another process is training in it", run->path);
    return ZOE_OK;
}

/* What to do with a path that exists. Sets run->fresh. */
static zoe_status look(zoe__run *run, zoe__run_mode mode)
{
    struct stat info;
    run->fresh = true;
    run->existed = lstat(run->path, &info) == 0;
    if (!run->existed) return ZOE_OK;
    ZOE_FAIL_IF(run->context, stat(run->path, &info) < 0 || !S_ISDIR(info.st_mode), ZOE_CONFIG,
                "%s: exists and is not a folder", run->path);
    run->empty = is_empty(run->path);
    if (run->empty) return ZOE_OK;
    const bool ours = zoe__run_is(run->path);
    ZOE_FAIL_IF(run->context, mode == ZOE__RUN_NEW, ZOE_CONFIG,
                "%s: exists; --resume goes on with it, --force replaces it", run->path);
    ZOE_FAIL_IF(run->context, !ours, ZOE_CONFIG, "%s: exists and is not a run folder (no options.json of ours in it)",
                run->path);
    run->fresh = mode == ZOE__RUN_FORCE;
    return ZOE_OK;
}

/* Is what --force deletes also what is to be trained on? `now` has the clips' real paths. */
static zoe_status spare_clips(zoe__run *run, const json_t *now)
{
    char *real = realpath(run->path, NULL);
    json_t *text = zoe__run_text(real), *clip;
    const char *folder = json_string_value(text);
    const size_t length = folder ? strlen(folder) : 0;
    zoe_status status = ZOE_OK;
    size_t i;
    json_array_foreach(json_object_get(now, "clips"), i, clip)
    {
        const char *path = json_string_value(clip);
        if (status == ZOE_OK && path && length && !strncmp(path, folder, length) && strchr("/", path[length]))
            status =
                zoe__fail(run->context, ZOE_CONFIG, "%s: --force would delete the CLIPS in it: %s", run->path, path);
    }
    json_decref(text);
    free(real);
    return status;
}

static zoe_status open_run(zoe__run *run, zoe__run_mode mode, json_t *now, const zoe_options *options)
{
    ZOE_TRY(look(run, mode));
    if (!run->fresh || run->existed) ZOE_TRY(take_lock(run)); /* before anything is deleted */
    if (!run->fresh) {
        ZOE_TRY(compare(run, now, options));
        return open_log(run);
    }
    if (run->existed && !run->empty) {
        ZOE_TRY(spare_clips(run, now));
        close(run->lock);
        run->lock = -1;
        ZOE_TRY(set_aside(run));
    }
    ZOE_TRY(zoe__make_folder(run->context, run->path));
    if (run->lock < 0) ZOE_TRY(take_lock(run));
    ZOE_TRY(zoe__run_write_json(run, "options.json", json_incref(now)));
    return open_log(run);
}

zoe_status zoe__run_open(zoe__run *run, zoe_context *context, const char *path, zoe__run_mode mode, const char *task,
                         const char *const *clips, size_t count, const zoe_options *options)
{
    *run = (zoe__run){.context = context, .lock = -1};
    ZOE_FAIL_IF(context, !*path || !zoe__format(run->path, sizeof run->path, "%s", path), ZOE_USAGE,
                "--out '%.60s': not a path of at most %zu bytes", path, sizeof run->path - 1);
    for (size_t n = strlen(run->path); n > 1 && run->path[n - 1] == '/'; n--) run->path[n - 1] = '\0';
    json_t *now = describe(task, clips, count, options);
    ZOE_FAIL_IF(context, !now, ZOE_MEMORY, "out of memory: options.json");
    const zoe_status status = open_run(run, mode, now, options);
    json_decref(now);
    if (status != ZOE_OK) zoe__run_close(run, false);
    return status;
}

void zoe__run_close(zoe__run *run, bool discard)
{
    if (run->log) fclose(run->log);
    const bool restore = run->aside[0] != '\0';
    if (restore || (discard && run->fresh && run->lock >= 0)) nftw(run->path, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
    if (restore && rename(run->aside, run->path) < 0)
        zoe__log(run->context, ZOE_LOG_WARN, "%s: the old run stands in %s: %s", run->path, run->aside,
                 strerror(errno));
    if (run->lock >= 0) close(run->lock);
    *run = (zoe__run){.lock = -1};
}
