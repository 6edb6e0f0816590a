/* SPDX-License-Identifier: Apache-2.0
 *
 * A rollback journal and not a write-ahead log: readers of a folder that they cannot write in need no second file. */
#include "tune/database.h"

#include <sqlite3.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/cache.h"
#include "device/source.h"

#define APPLICATION 1515144532 /* "ZOET" */
#define VERSION     1
#define TEXT(x)     #x
#define TEXT_OF(x)  TEXT(x)

enum { PATH_SIZE = 4096, PATIENCE_MS = 10000, READER_PATIENCE_MS = 500 };

#define KEY "device, driver, runtime, lanes, op, direction, shape"
#define KEY_COLUMNS                                                                                                    \
    "device TEXT NOT NULL, driver TEXT NOT NULL, runtime TEXT NOT NULL, lanes INTEGER NOT NULL, op TEXT NOT NULL,"     \
    " direction TEXT NOT NULL, shape TEXT NOT NULL, algorithm TEXT NOT NULL, parameters TEXT NOT NULL,"

static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS entry(" KEY_COLUMNS
    " seconds REAL NOT NULL, default_seconds REAL NOT NULL, nmse REAL NOT NULL, time INTEGER NOT NULL,"
    " PRIMARY KEY(" KEY "));"
    "CREATE TABLE IF NOT EXISTS candidate(" KEY_COLUMNS
    " result TEXT NOT NULL, seconds REAL NOT NULL, nmse REAL NOT NULL, time INTEGER NOT NULL, build TEXT NOT NULL,"
    " PRIMARY KEY(" KEY ", algorithm, parameters));"
    "PRAGMA application_id=" TEXT_OF(APPLICATION) ";"
                                                  "PRAGMA user_version=" TEXT_OF(VERSION) ";"
                                                                                          "COMMIT";

typedef enum query { PUT_ENTRY, PUT_NEWER, PUT_CANDIDATE, FIND_CANDIDATE, ALL, OF_DEVICE, QUERIES } query;

#define ENTRY_COLUMNS KEY ", algorithm, parameters, seconds, default_seconds, nmse, time"
static const char *const SQL[QUERIES] = {
    [PUT_ENTRY] = "INSERT OR REPLACE INTO entry(" ENTRY_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PUT_NEWER] = "INSERT INTO entry(" ENTRY_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
                  " ON CONFLICT DO UPDATE SET algorithm=excluded.algorithm, parameters=excluded.parameters,"
                  " seconds=excluded.seconds, default_seconds=excluded.default_seconds, nmse=excluded.nmse,"
                  " time=excluded.time WHERE excluded.time>=time",
    [PUT_CANDIDATE] = "INSERT OR REPLACE INTO candidate(" KEY ", algorithm, parameters, seconds, result, nmse, time,"
                      " build) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [FIND_CANDIDATE] = "SELECT result, seconds, nmse FROM candidate WHERE device=?1 AND driver=?2 AND runtime=?3 AND"
                       " lanes=?4 AND op=?5 AND direction=?6 AND shape=?7 AND algorithm=?8 AND parameters=?9 AND"
                       " build=?14",
    [ALL] = "SELECT " ENTRY_COLUMNS " FROM entry ORDER BY " KEY,
    [OF_DEVICE] = "SELECT " ENTRY_COLUMNS " FROM entry WHERE device=?1 AND driver=?2 AND runtime=?3 AND lanes=?4"
                  " ORDER BY " KEY,
};

struct zoe__tune_database {
    zoe_context *context;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *query[QUERIES];
    char build[64];
};

zoe_status zoe__tune_database_path(char **out, zoe_context *context)
{
    const char *place = getenv("ZOE_TUNING");
    char *folder = NULL, path[PATH_SIZE];
    *out = NULL;
    if (place && *place) return strcmp(place, "off") ? zoe__strdup(context, out, place) : ZOE_OK;
    ZOE_TRY(zoe__cache_folder(&folder, context));
    if (!folder) return ZOE_OK;
    const bool fits = zoe__format(path, sizeof path, "%s/tuning.sqlite", folder);
    free(folder);
    return fits ? zoe__strdup(context, out, path) : ZOE_OK;
}

static zoe_status disk_error(zoe__tune_database *d, const char *what)
{
    return zoe__fail(d->context, ZOE_DISK, "%s: %s: %s", d->path, what, d->db ? sqlite3_errmsg(d->db) : "no memory");
}

static void close_handle(zoe__tune_database *d)
{
    for (int i = 0; i < QUERIES; i++) {
        sqlite3_finalize(d->query[i]);
        d->query[i] = NULL;
    }
    sqlite3_close(d->db);
    d->db = NULL;
}

void zoe__tune_database_close(zoe__tune_database **database)
{
    if (!database || !*database) return;
    close_handle(*database);
    free((*database)->path);
    free(*database);
    *database = NULL;
}

/* The integer that a pragma answers; -1 and *code: why there is none. */
static int pragma_number(zoe__tune_database *d, const char *sql, int *code)
{
    sqlite3_stmt *statement = NULL;
    int value = -1;
    *code = sqlite3_prepare_v2(d->db, sql, -1, &statement, NULL);
    if (*code == SQLITE_OK) *code = sqlite3_step(statement);
    if (*code == SQLITE_ROW) value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool is_sound(zoe__tune_database *d)
{
    sqlite3_stmt *statement = NULL;
    bool sound = false;
    if (sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        sound = !strcmp((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    return sound;
}

/* What is wrong with the open file; NULL: nothing. *empty: it has no tables yet. */
static const char *fault_of(zoe__tune_database *d, bool *empty)
{
    int code;
    const int pages = pragma_number(d, "PRAGMA page_count", &code);
    if (code == SQLITE_NOTADB) return "not a database";
    if (code == SQLITE_CORRUPT) return "damaged";
    if (code != SQLITE_ROW) return NULL; /* busy, no permission: not the file's fault */
    *empty = pages == 0;
    if (*empty) return NULL;
    if (pragma_number(d, "PRAGMA application_id", &code) != APPLICATION && code == SQLITE_ROW)
        return "of another program";
    if (pragma_number(d, "PRAGMA user_version", &code) != VERSION && code == SQLITE_ROW) return "of another version";
    if (code == SQLITE_CORRUPT || !is_sound(d)) return "damaged";
    return NULL;
}

static zoe_status open_handle(zoe__tune_database *d, bool write, bool *opened)
{
    const int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    *opened = sqlite3_open_v2(d->path, &d->db, flags, NULL) == SQLITE_OK;
    if (*opened) {
        sqlite3_busy_timeout(d->db, write ? PATIENCE_MS : READER_PATIENCE_MS);
        return ZOE_OK;
    }
    const zoe_status status = write ? disk_error(d, "cannot open") : ZOE_OK;
    close_handle(d);
    return status;
}

/* Renames the file to the first free PATH.damaged-N; its journal, which belongs to it, too. */
static bool set_aside(zoe__tune_database *d, const char *fault)
{
    char to[PATH_SIZE + 32], journal[PATH_SIZE + 32], journal_to[PATH_SIZE + 64];
    struct stat info;
    close_handle(d);
    if (lstat(d->path, &info) || !S_ISREG(info.st_mode)) return false;
    for (int i = 1; i < 1000; i++) {
        if (!zoe__format(to, sizeof to, "%s.damaged-%d", d->path, i)) return false;
        if (!lstat(to, &info)) continue;
        if (rename(d->path, to)) return false;
        if (zoe__format(journal, sizeof journal, "%s-journal", d->path) &&
            zoe__format(journal_to, sizeof journal_to, "%s-journal", to) && rename(journal, journal_to) &&
            errno != ENOENT)
            zoe__log(d->context, ZOE_LOG_DEBUG, "%s: %s", journal, strerror(errno));
        zoe__log(d->context, ZOE_LOG_WARN, "tuning database %s is %s: set aside as %s", d->path, fault, to);
        return true;
    }
    return false;
}

/* Readers of a file that they can neither use nor rename go on without it. */
static zoe_status open_sound(zoe__tune_database *d, bool write, bool *opened)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        bool empty = false;
        ZOE_TRY(open_handle(d, write, opened));
        if (!*opened) return ZOE_OK;
        const char *fault = fault_of(d, &empty);
        if (fault) {
            *opened = false;
            if (set_aside(d, fault)) {
                if (!write) return ZOE_OK;
                continue;
            }
            close_handle(d);
            ZOE_FAIL_IF(d->context, write, ZOE_DISK, "%s: it is %s and cannot be set aside", d->path, fault);
            zoe__log(d->context, ZOE_LOG_WARN, "tuning database %s is %s: not used", d->path, fault);
            return ZOE_OK;
        }
        if (empty && !write) {
            close_handle(d);
            *opened = false;
            return ZOE_OK;
        }
        if (empty && sqlite3_exec(d->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK) return disk_error(d, "cannot be made");
        return ZOE_OK;
    }
    return zoe__fail(d->context, ZOE_DISK, "%s: damaged again at once", d->path);
}

zoe_status zoe__tune_database_open(zoe__tune_database **out, zoe_context *context, const char *path, bool write)
{
    zoe__tune_database *d = NULL;
    bool opened = false;
    *out = NULL;
    if (!write && access(path, F_OK)) return ZOE_OK;
    ZOE_FAIL_IF(context, write && !zoe__cache_make_folder_of(path), ZOE_DISK, "%s: its folder cannot be made: %s", path,
                strerror(errno));
    ZOE_TRY(zoe__calloc(context, &d, 1, sizeof *d));
    d->context = context;
    zoe__build_id(d->build);
    zoe_status status = zoe__strdup(context, &d->path, path);
    if (status == ZOE_OK) status = open_sound(d, write, &opened);
    if (status != ZOE_OK || !opened) zoe__tune_database_close(&d);
    *out = d;
    return status;
}

static zoe_status prepare(zoe__tune_database *d, query q, sqlite3_stmt **out)
{
    if (!d->query[q] && sqlite3_prepare_v2(d->db, SQL[q], -1, &d->query[q], NULL) != SQLITE_OK)
        return disk_error(d, "query");
    sqlite3_reset(d->query[q]);
    *out = d->query[q];
    return ZOE_OK;
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
    sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT);
}

static void bind_device(sqlite3_stmt *s, const zoe__tune_device *device)
{
    bind_text(s, 1, device->device);
    bind_text(s, 2, device->driver);
    bind_text(s, 3, device->runtime);
    sqlite3_bind_int(s, 4, device->lanes);
}

static void bind_key(sqlite3_stmt *s, const zoe__tune_entry *e)
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    bind_device(s, &e->device);
    bind_text(s, 5, e->op);
    bind_text(s, 6, e->direction);
    zoe__tune_shape_text(shape, &e->shape);
    bind_text(s, 7, shape);
    bind_text(s, 8, e->algorithm);
    bind_text(s, 9, e->parameters);
    sqlite3_bind_double(s, 10, e->seconds);
}

static zoe_status run(zoe__tune_database *d, sqlite3_stmt *s)
{
    const int code = sqlite3_step(s);
    const zoe_status status = code == SQLITE_DONE ? ZOE_OK : disk_error(d, "not written");
    sqlite3_reset(s);
    return status;
}

zoe_status zoe__tune_database_put_entry(zoe__tune_database *d, const zoe__tune_entry *e, bool newer, bool *kept)
{
    sqlite3_stmt *s = NULL;
    ZOE_TRY(prepare(d, newer ? PUT_NEWER : PUT_ENTRY, &s));
    bind_key(s, e);
    sqlite3_bind_double(s, 11, e->default_seconds);
    sqlite3_bind_double(s, 12, e->nmse);
    sqlite3_bind_int64(s, 13, e->time);
    ZOE_TRY(run(d, s));
    if (kept) *kept = sqlite3_changes(d->db) == 0;
    return ZOE_OK;
}

zoe_status zoe__tune_database_put_candidate(zoe__tune_database *d, const zoe__tune_candidate *c)
{
    sqlite3_stmt *s = NULL;
    ZOE_TRY(prepare(d, PUT_CANDIDATE, &s));
    bind_key(s, c->entry);
    bind_text(s, 11, c->result);
    sqlite3_bind_double(s, 12, c->entry->nmse);
    sqlite3_bind_int64(s, 13, c->entry->time);
    bind_text(s, 14, d->build);
    return run(d, s);
}

zoe_status zoe__tune_database_find_candidate(zoe__tune_database *d, zoe__tune_entry *e, char result[24], bool *found)
{
    sqlite3_stmt *s = NULL;
    ZOE_TRY(prepare(d, FIND_CANDIDATE, &s));
    bind_key(s, e);
    bind_text(s, 14, d->build);
    const int code = sqlite3_step(s);
    *found = code == SQLITE_ROW;
    if (*found) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        zoe__format(result, 24, "%s", text ? text : "");
        e->seconds = sqlite3_column_double(s, 1);
        e->nmse = sqlite3_column_double(s, 2);
    }
    const zoe_status status = *found || code == SQLITE_DONE ? ZOE_OK : disk_error(d, "not read");
    sqlite3_reset(s);
    return status;
}

zoe_status zoe__tune_database_begin(zoe__tune_database *d)
{
    return sqlite3_exec(d->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK ? ZOE_OK : disk_error(d, "begin");
}

zoe_status zoe__tune_database_commit(zoe__tune_database *d)
{
    return sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? ZOE_OK : disk_error(d, "commit");
}

static bool take_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return text && zoe__format(out, size, "%s", text);
}

/* Through JSON's checks: a database may have been written by anybody. */
static bool read_row(sqlite3_stmt *s, zoe__tune_entry *e)
{
    char shape[ZOE__TUNE_SHAPE_TEXT];
    zoe__tune_entry row = {0};
    const bool complete =
        take_text(s, 0, row.device.device, sizeof row.device.device) &&
        take_text(s, 1, row.device.driver, sizeof row.device.driver) &&
        take_text(s, 2, row.device.runtime, sizeof row.device.runtime) && take_text(s, 4, row.op, sizeof row.op) &&
        take_text(s, 5, row.direction, sizeof row.direction) && take_text(s, 6, shape, sizeof shape) &&
        zoe__tune_shape_read(&row.shape, shape) && take_text(s, 7, row.algorithm, sizeof row.algorithm) &&
        take_text(s, 8, row.parameters, sizeof row.parameters);
    row.device.lanes = sqlite3_column_int(s, 3);
    row.seconds = sqlite3_column_double(s, 9);
    row.default_seconds = sqlite3_column_double(s, 10);
    row.nmse = sqlite3_column_double(s, 11);
    row.time = sqlite3_column_int64(s, 12);
    json_t *value = complete ? zoe__tune_entry_json(&row) : NULL;
    const bool good = value && zoe__tune_entry_read(e, value);
    json_decref(value);
    return good;
}

zoe_status zoe__tune_database_each(zoe__tune_database *d, const zoe__tune_device *device, zoe__tune_row *fn, void *user)
{
    sqlite3_stmt *s = NULL;
    zoe_status status = ZOE_OK;
    int code;
    ZOE_TRY(prepare(d, device ? OF_DEVICE : ALL, &s));
    if (device) bind_device(s, device);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && status == ZOE_OK) {
        zoe__tune_entry entry;
        if (read_row(s, &entry)) status = fn(&entry, user);
    }
    if (status == ZOE_OK && code != SQLITE_DONE) status = disk_error(d, "not read");
    sqlite3_reset(s);
    return status;
}
