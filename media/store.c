/* SPDX-License-Identifier: Apache-2.0 */
#include "media/store.h"

#include <zoe/media.h>

#include <sqlite3.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { APPLICATION = 0x5a4f4550, VERSION = 2 }; /* "ZOEP" */

static const int64_t MOST_SAMPLES = INT64_C(1) << 48;

/* Paths compare bytewise (SQLite's BINARY). */
static const char SCHEMA[] =
    "CREATE TABLE content(sha256 TEXT PRIMARY KEY, record BLOB NOT NULL);"
    "CREATE TABLE file(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, label TEXT NOT NULL, grp TEXT NOT NULL, reason TEXT NOT NULL, limits TEXT NOT NULL);"
    "CREATE INDEX file_sha256 ON file(sha256);";

/* What version 2 added. */
static const char SOUND_SCHEMA[] =
    "CREATE TABLE sound(sha256 TEXT PRIMARY KEY, state INTEGER NOT NULL, reason TEXT NOT NULL, codec TEXT NOT NULL,"
    " rate INTEGER NOT NULL, channels INTEGER NOT NULL, bytes INTEGER NOT NULL, first INTEGER NOT NULL,"
    " samples INTEGER NOT NULL, peak REAL NOT NULL, nans INTEGER NOT NULL, clipped INTEGER NOT NULL,"
    " faults INTEGER NOT NULL);"
    "CREATE TABLE pair(picture TEXT NOT NULL, sound TEXT NOT NULL, label TEXT NOT NULL, grp TEXT NOT NULL,"
    " PRIMARY KEY(picture, sound));"
    "CREATE INDEX pair_sound ON pair(sound);"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL);";

typedef enum query { FIND, CONTENT, PUT_CONTENT, PUT_SOUND, PUT_FILE, PUT_PAIR, RELABEL, QUERIES } query;

#define SOUND_COLUMNS                                                                                                  \
    "s.state, s.reason, s.codec, s.rate, s.channels, s.bytes, s.first, s.samples, s.peak, s.nans,"                     \
    " s.clipped, s.faults"

static const char *const SQL[QUERIES] = {
    [FIND] = "SELECT sha256, label, grp, reason, limits FROM file WHERE path=?1 AND size=?2 AND mtime_ns=?3",
    [CONTENT] = "SELECT length(c.record), " SOUND_COLUMNS " FROM content c LEFT JOIN sound s ON s.sha256=c.sha256"
                " WHERE c.sha256=?1",
    [PUT_CONTENT] = "INSERT OR REPLACE INTO content VALUES(?1, ?2)",
    [PUT_SOUND] = "INSERT OR REPLACE INTO sound VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [PUT_PAIR] = "INSERT OR REPLACE INTO pair VALUES(?1, ?2, ?3, ?4)",
    [PUT_FILE] = "INSERT OR REPLACE INTO file VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [RELABEL] = "UPDATE file SET label=?2, grp=?3 WHERE path=?1 AND (label<>?2 OR grp<>?3)",
};

struct zoe__store {
    char *folder;
    sqlite3 *db;
    sqlite3_stmt *query[QUERIES];
    int lock;
    int rate; /* of the sound */
    bool write;
};

const char *zoe__store_folder(const zoe__store *store)
{
    return store->folder;
}

bool zoe__store_data_path(const zoe__store *store, const char *sha256, char *path, size_t size)
{
    return zoe__format(path, size, "%s/data/%.2s/%s.zpk", store->folder, sha256, sha256);
}

bool zoe__store_pcm_path(const zoe__store *store, const char *sha256, char *path, size_t size)
{
    return zoe__format(path, size, "%s/data/%.2s/%s.pcm", store->folder, sha256, sha256);
}

bool zoe_pack_is(const char *path)
{
    char name[PATH_MAX];
    struct stat info;
    if (!path || !zoe__format(name, sizeof name, "%s/index.sqlite", path)) return false;
    if (stat(name, &info) < 0 || !S_ISREG(info.st_mode)) return false;
    FILE *file = fopen(name, "rbe");
    if (!file) return false;
    unsigned char head[72] = {0};
    const bool read = fread(head, 1, sizeof head, file) == sizeof head;
    fclose(file);
    const unsigned id = (unsigned)head[68] << 24 | (unsigned)head[69] << 16 | (unsigned)head[70] << 8 | head[71];
    return read && memcmp(head, "SQLite format 3", 16) == 0 && id == APPLICATION;
}

static zoe_status database_fault(zoe_context *context, const zoe__store *store)
{
    const int code = store->db ? sqlite3_errcode(store->db) : SQLITE_NOMEM;
    const bool data = code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_SCHEMA || code == SQLITE_ERROR;
    return zoe__fail(context, data ? ZOE_DATA : ZOE_DISK, "%s/index.sqlite: %s", store->folder,
                     store->db ? sqlite3_errmsg(store->db) : "out of memory");
}

static zoe_status execute(zoe_context *context, zoe__store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ZOE_OK : database_fault(context, store);
}

static zoe_status pragma_int(zoe_context *context, zoe__store *store, const char *sql, int *out)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) return database_fault(context, store);
    const int code = sqlite3_step(statement);
    *out = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
    const zoe_status status = code == SQLITE_ROW ? ZOE_OK : database_fault(context, store);
    sqlite3_finalize(statement);
    return status;
}

/* Makes the folder and those above it. */
static zoe_status make_folders(zoe_context *context, const char *folder)
{
    char path[PATH_MAX];
    ZOE_FAIL_IF(context, !zoe__format(path, sizeof path, "%s", folder), ZOE_DISK, "%.100s...: the path is too long",
                folder);
    for (char *slash = path + 1; *path; slash++) {
        const char end = *slash;
        if (end != '/' && end != '\0') continue;
        *slash = '\0';
        ZOE_FAIL_IF(context, mkdir(path, 0777) < 0 && errno != EEXIST, ZOE_DISK, "%s: cannot be made: %s", path,
                    strerror(errno));
        *slash = end;
        if (end == '\0') break;
    }
    struct stat info;
    ZOE_FAIL_IF(context, stat(folder, &info) < 0 || !S_ISDIR(info.st_mode), ZOE_DISK, "%s: not a folder", folder);
    return ZOE_OK;
}

/* What a killed run left behind. The lock is held: nobody else is writing. */
static void remove_leftovers(const zoe__store *store)
{
    char path[PATH_MAX];
    if (!zoe__format(path, sizeof path, "%s/data", store->folder)) return;
    DIR *folder = opendir(path);
    if (!folder) return;
    for (const struct dirent *entry; (entry = readdir(folder));)
        if (strncmp(entry->d_name, "tmp-", 4) == 0 &&
            zoe__format(path, sizeof path, "%s/data/%s", store->folder, entry->d_name))
            unlink(path);
    closedir(folder);
}

static zoe_status prepare_folder(zoe_context *context, zoe__store *store)
{
    char path[PATH_MAX];
    ZOE_TRY(make_folders(context, store->folder));
    ZOE_FAIL_IF(context, !zoe__format(path, sizeof path, "%s/data", store->folder), ZOE_DISK,
                "%.100s...: the path is too long", store->folder);
    ZOE_TRY(make_folders(context, path));
    zoe__format(path, sizeof path, "%s/lock", store->folder);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    ZOE_FAIL_IF(context, store->lock < 0, ZOE_DISK, "%s: cannot be written: %s", path, strerror(errno));
    ZOE_FAIL_IF(context, flock(store->lock, LOCK_EX | LOCK_NB) < 0, ZOE_DISK,
                "%s: another process is writing to this pack", store->folder);
    remove_leftovers(store);
    return ZOE_OK;
}

static zoe_status connect(zoe_context *context, zoe__store *store, const char *path, int flags)
{
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | flags, NULL) != SQLITE_OK)
        return database_fault(context, store);
    sqlite3_busy_timeout(store->db, 10000);
    return ZOE_OK;
}

/* A new index comes into place whole. */
static zoe_status create_index(zoe_context *context, zoe__store *store, const char *path)
{
    char temporary[PATH_MAX], sql[128];
    ZOE_FAIL_IF(context, !zoe__format(temporary, sizeof temporary, "%s/data/tmp-index", store->folder), ZOE_DISK,
                "%.100s...: the path is too long", store->folder);
    zoe__format(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION, VERSION);
    ZOE_TRY(connect(context, store, temporary, SQLITE_OPEN_CREATE));
    ZOE_TRY(execute(context, store, sql));
    ZOE_TRY(execute(context, store, SCHEMA));
    ZOE_TRY(execute(context, store, SOUND_SCHEMA));
    sqlite3_close(store->db);
    store->db = NULL;
    ZOE_FAIL_IF(context, rename(temporary, path) < 0, ZOE_DISK, "%s: cannot be written: %s", path, strerror(errno));
    return ZOE_OK;
}

/* A pack of version 1. A reader gets the missing tables, empty, in its own memory. */
static zoe_status upgrade(zoe_context *context, zoe__store *store)
{
    char sql[64];
    if (!store->write) {
        ZOE_TRY(execute(context, store, "ATTACH ':memory:' AS later"));
        return execute(context, store,
                       "CREATE TABLE later.sound(sha256, state, reason, codec, rate, channels, bytes, first, samples,"
                       " peak, nans, clipped, faults); CREATE TABLE later.pair(picture, sound, label, grp);"
                       "CREATE TABLE later.setting(name, value)");
    }
    zoe__format(sql, sizeof sql, "PRAGMA user_version=%d; COMMIT", VERSION);
    ZOE_TRY(execute(context, store, "BEGIN IMMEDIATE"));
    zoe_status status;
    ZOE_TRY_OUT(execute(context, store, SOUND_SCHEMA));
    ZOE_TRY_OUT(execute(context, store, sql));
    return ZOE_OK;
out:
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static zoe_status read_rate(zoe_context *context, zoe__store *store)
{
    return pragma_int(context, store, "SELECT ifnull(max(value), 0) FROM setting WHERE name='rate'", &store->rate);
}

static zoe_status open_database(zoe_context *context, zoe__store *store)
{
    char path[PATH_MAX];
    ZOE_FAIL_IF(context, !zoe__format(path, sizeof path, "%s/index.sqlite", store->folder), ZOE_DISK,
                "%.100s...: the path is too long", store->folder);
    if (store->write && access(path, F_OK) < 0) ZOE_TRY(create_index(context, store, path));
    /* readers open for writing, too: what a killed writer left half done must be rolled back. SQLite falls back to
     * reading where it may not write. */
    ZOE_TRY(connect(context, store, path, 0));
    int application = 0, version = 0;
    ZOE_TRY(pragma_int(context, store, "PRAGMA application_id", &application));
    ZOE_TRY(pragma_int(context, store, "PRAGMA user_version", &version));
    ZOE_FAIL_IF(context, application != APPLICATION, ZOE_DATA, "%s: index.sqlite is not that of a pack", store->folder);
    ZOE_FAIL_IF(context, version < 1 || version > VERSION, ZOE_DATA,
                "%s: a pack of version %d, this program reads 1 to %d", store->folder, version, VERSION);
    return version < VERSION ? upgrade(context, store) : read_rate(context, store);
}

int zoe__store_rate(const zoe__store *store)
{
    return store->rate;
}

zoe_status zoe__store_set_rate(zoe_context *context, zoe__store *store, int rate)
{
    char sql[96];
    zoe__format(sql, sizeof sql, "INSERT OR REPLACE INTO setting VALUES('rate', %d)", rate);
    ZOE_TRY(execute(context, store, sql));
    store->rate = rate;
    return ZOE_OK;
}

zoe_status zoe__store_open(zoe__store **out, zoe_context *context, const char *folder, bool write)
{
    *out = NULL;
    zoe_status status;
    zoe__store *store;
    ZOE_TRY(zoe__calloc(context, &store, 1, sizeof *store));
    store->lock = -1;
    store->write = write;
    ZOE_TRY_OUT(zoe__strdup(context, &store->folder, folder));
    if (write)
        ZOE_TRY_OUT(prepare_folder(context, store));
    else
        ZOE_FAIL_IF_OUT(context, !zoe_pack_is(folder), ZOE_DATA, "%s: not a pack (a folder with index.sqlite)", folder);
    ZOE_TRY_OUT(open_database(context, store));
    for (int i = 0; i < QUERIES; i++)
        if (sqlite3_prepare_v2(store->db, SQL[i], -1, &store->query[i], NULL) != SQLITE_OK)
            ZOE_TRY_OUT(database_fault(context, store));
    *out = store;
    return ZOE_OK;
out:
    zoe__store_close(&store);
    return status;
}

void zoe__store_close(zoe__store **store)
{
    if (!store || !*store) return;
    for (int i = 0; i < QUERIES; i++) sqlite3_finalize((*store)->query[i]);
    sqlite3_close((*store)->db);
    if ((*store)->lock >= 0) close((*store)->lock);
    free((*store)->folder);
    free(*store);
    *store = NULL;
}

/* Binds text to the statement's next parameters; borrowed until the statement is reset. */
static void bind_texts(sqlite3_stmt *statement, int first, const char *const *texts, int n)
{
    for (int i = 0; i < n; i++) sqlite3_bind_text(statement, first + i, texts[i] ? texts[i] : "", -1, SQLITE_STATIC);
}

static const char *text_at(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

zoe_status zoe__store_find(zoe_context *context, zoe__store *store, const char *path, int64_t size, int64_t mtime_ns,
                           zoe__file_row *row, bool *found)
{
    sqlite3_stmt *q = store->query[FIND];
    sqlite3_reset(q);
    sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 2, size);
    sqlite3_bind_int64(q, 3, mtime_ns);
    const int code = sqlite3_step(q);
    *found = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE) return database_fault(context, store);
    *row = (zoe__file_row){.path = path, .size = size, .mtime_ns = mtime_ns};
    if (!*found) return ZOE_OK;
    row->sha256 = text_at(q, 0);
    row->label = text_at(q, 1);
    row->group = text_at(q, 2);
    row->reason = text_at(q, 3);
    row->limits = text_at(q, 4);
    return ZOE_OK;
}

/* The columns SOUND_COLUMNS from `first` on; NULL where there is no row. */
static void read_sound(sqlite3_stmt *q, int first, zoe__sound *sound)
{
    *sound = (zoe__sound){.state = ZOE_SOUND_UNKNOWN};
    if (sqlite3_column_type(q, first) == SQLITE_NULL) return;
    const int state = sqlite3_column_int(q, first);
    sound->state = state >= ZOE_SOUND_NONE && state <= ZOE_SOUND_UNKNOWN ? (zoe_sound_state)state : ZOE_SOUND_UNKNOWN;
    zoe__format(sound->reason, sizeof sound->reason, "%s", text_at(q, first + 1));
    zoe__format(sound->codec, sizeof sound->codec, "%s", text_at(q, first + 2));
    sound->rate = sqlite3_column_int(q, first + 3);
    sound->channels = sqlite3_column_int(q, first + 4);
    sound->bytes = sqlite3_column_int(q, first + 5) == 4 ? 4 : 2;
    sound->first = sqlite3_column_int64(q, first + 6);
    sound->samples = sqlite3_column_int64(q, first + 7);
    sound->peak = sqlite3_column_double(q, first + 8);
    sound->nans = sqlite3_column_int64(q, first + 9);
    sound->clipped = sqlite3_column_int64(q, first + 10);
    sound->faults = sqlite3_column_int64(q, first + 11);
    if (sound->samples < 0 || sound->samples > MOST_SAMPLES || sound->first < -MOST_SAMPLES ||
        sound->first > MOST_SAMPLES)
        *sound = (zoe__sound){.state = ZOE_SOUND_UNKNOWN}; /* a damaged row must not lead out of a file */
}

zoe_status zoe__store_content(zoe_context *context, zoe__store *store, const char *sha256, zoe__content *content)
{
    sqlite3_stmt *q = store->query[CONTENT];
    bind_texts(q, 1, &sha256, 1);
    const int code = sqlite3_step(q);
    *content = (zoe__content){.found = code == SQLITE_ROW};
    if (content->found) {
        content->pictures = sqlite3_column_int(q, 0) > 0;
        read_sound(q, 1, &content->sound);
    }
    sqlite3_reset(q);
    return code == SQLITE_ROW || code == SQLITE_DONE ? ZOE_OK : database_fault(context, store);
}

static zoe_status step_once(zoe_context *context, zoe__store *store, query which)
{
    const int code = sqlite3_step(store->query[which]);
    const zoe_status status = code == SQLITE_DONE ? ZOE_OK : database_fault(context, store);
    sqlite3_reset(store->query[which]);
    sqlite3_clear_bindings(store->query[which]);
    return status;
}

static zoe_status put_sound(zoe_context *context, zoe__store *store, const char *sha256, const zoe__sound *sound)
{
    sqlite3_stmt *q = store->query[PUT_SOUND];
    bind_texts(q, 1, &sha256, 1);
    sqlite3_bind_int(q, 2, (int)sound->state);
    bind_texts(q, 3, (const char *[]){sound->reason, sound->codec}, 2);
    const int64_t numbers[] = {sound->rate, sound->channels, sound->bytes, sound->first, sound->samples};
    for (int i = 0; i < 5; i++) sqlite3_bind_int64(q, 5 + i, numbers[i]);
    sqlite3_bind_double(q, 10, sound->peak);
    sqlite3_bind_int64(q, 11, sound->nans);
    sqlite3_bind_int64(q, 12, sound->clipped);
    sqlite3_bind_int64(q, 13, sound->faults);
    return step_once(context, store, PUT_SOUND);
}

zoe_status zoe__store_batch(zoe_context *context, zoe__store *store, bool begin)
{
    sqlite3_reset(store->query[FIND]);
    return execute(context, store, begin ? "BEGIN IMMEDIATE" : "COMMIT");
}

zoe_status zoe__store_pair(zoe_context *context, zoe__store *store, const char *picture, const char *sound,
                           const char *label, const char *group)
{
    bind_texts(store->query[PUT_PAIR], 1, (const char *[]){picture, sound, label, group}, 4);
    return step_once(context, store, PUT_PAIR);
}

zoe_status zoe__store_commit(zoe_context *context, zoe__store *store, const zoe__file_row *row, const uint8_t *record,
                             size_t record_size, const zoe__sound *sound)
{
    sqlite3_reset(store->query[FIND]); /* an open read would keep the commit from ending */
    ZOE_TRY(execute(context, store, "BEGIN IMMEDIATE"));
    zoe_status status;
    if (record) {
        sqlite3_stmt *q = store->query[PUT_CONTENT];
        bind_texts(q, 1, &row->sha256, 1);
        sqlite3_bind_blob64(q, 2, record, record_size, SQLITE_STATIC);
        ZOE_TRY_OUT(step_once(context, store, PUT_CONTENT));
        if (sound) ZOE_TRY_OUT(put_sound(context, store, row->sha256, sound));
    }
    sqlite3_stmt *q = store->query[PUT_FILE];
    bind_texts(q, 1, &row->path, 1);
    sqlite3_bind_int64(q, 2, row->size);
    sqlite3_bind_int64(q, 3, row->mtime_ns);
    bind_texts(q, 4, (const char *[]){row->sha256, row->label, row->group, row->reason, row->limits}, 5);
    ZOE_TRY_OUT(step_once(context, store, PUT_FILE));
    ZOE_TRY_OUT(execute(context, store, "COMMIT"));
    return ZOE_OK;
out:
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

zoe_status zoe__store_relabel(zoe_context *context, zoe__store *store, const char *path, const char *label,
                              const char *group)
{
    bind_texts(store->query[RELABEL], 1, (const char *[]){path, label, group}, 3);
    return step_once(context, store, RELABEL);
}

zoe_status zoe__store_sweep(zoe_context *context, zoe__store *store)
{
    static const char ORPHANS[] = "SELECT sha256 FROM content WHERE sha256 NOT IN (SELECT sha256 FROM file)";
    sqlite3_stmt *q = NULL;
    char path[PATH_MAX];
    sqlite3_reset(store->query[FIND]);
    ZOE_TRY(execute(context, store, "BEGIN IMMEDIATE"));
    zoe_status status = ZOE_OK;
    if (sqlite3_prepare_v2(store->db, ORPHANS, -1, &q, NULL) != SQLITE_OK) ZOE_TRY_OUT(database_fault(context, store));
    while (sqlite3_step(q) == SQLITE_ROW) {
        if (zoe__store_data_path(store, text_at(q, 0), path, sizeof path)) unlink(path);
        if (zoe__store_pcm_path(store, text_at(q, 0), path, sizeof path)) unlink(path);
    }
    sqlite3_finalize(q);
    ZOE_TRY_OUT(execute(context, store,
                        "DELETE FROM content WHERE sha256 NOT IN (SELECT sha256 FROM file);"
                        "DELETE FROM sound WHERE sha256 NOT IN (SELECT sha256 FROM file)"));
    ZOE_TRY_OUT(execute(context, store, "COMMIT"));
    return ZOE_OK;
out:
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static zoe_status visit_clip(sqlite3_stmt *q, zoe__clip_visit *visit, void *user)
{
    static const uint8_t none[1] = {0};
    zoe__clip_row row = {.file = {.path = text_at(q, 0),
                                  .size = sqlite3_column_int64(q, 1),
                                  .mtime_ns = sqlite3_column_int64(q, 2),
                                  .sha256 = text_at(q, 3),
                                  .label = text_at(q, 4),
                                  .group = text_at(q, 5),
                                  .reason = "",
                                  .limits = ""},
                         .record = sqlite3_column_blob(q, 6),
                         .record_size = (size_t)sqlite3_column_bytes(q, 6),
                         .sound_path = text_at(q, 7),
                         .sound_sha256 = text_at(q, 8),
                         .pair = sqlite3_column_int(q, 9)};
    if (!row.record) row.record = none; /* SQLite's way to say: no bytes */
    read_sound(q, 10, &row.sound);
    return visit(user, &row);
}

/* Readable, and there for itself, not for a pair. */
#define ALONE(f)                                                                                                       \
    f ".reason='' AND NOT EXISTS (SELECT 1 FROM pair WHERE picture=" f ".path)"                                        \
      " AND NOT EXISTS (SELECT 1 FROM pair WHERE sound=" f ".path)"

zoe_status zoe__store_clips(zoe_context *context, zoe__store *store, zoe__clip_visit *visit, void *user)
{
    static const char CLIPS[] =
        "SELECT f.path, f.size, f.mtime_ns, f.sha256, f.label, f.grp, c.record, f.path, f.sha256, "
        "0, " SOUND_COLUMNS " FROM file f JOIN content c ON c.sha256=f.sha256 LEFT JOIN sound s ON s.sha256=f.sha256 "
        "WHERE " ALONE("f") " AND f.path=(SELECT min(g.path) FROM file g WHERE g.sha256=f.sha256 AND " ALONE(
            "g") ")"
                 " UNION ALL"
                 " SELECT f.path, f.size, f.mtime_ns, f.sha256, p.label, p.grp, c.record, p.sound, g.sha256, "
                 "1, " SOUND_COLUMNS " FROM pair p JOIN file f ON f.path=p.picture AND f.reason='' JOIN "
                 "content c ON c.sha256=f.sha256"
                 " JOIN file g ON g.path=p.sound AND g.reason='' JOIN sound s ON s.sha256=g.sha256"
                 " ORDER BY 1, 8";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(store->db, CLIPS, -1, &q, NULL) != SQLITE_OK) return database_fault(context, store);
    zoe_status status = ZOE_OK;
    int code = SQLITE_DONE;
    while (status == ZOE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) status = visit_clip(q, visit, user);
    if (status == ZOE_OK && code != SQLITE_DONE) status = database_fault(context, store);
    sqlite3_finalize(q);
    return status;
}

zoe_status zoe__store_skips(zoe_context *context, zoe__store *store, zoe__skip_visit *visit, void *user)
{
    static const char SKIPS[] = "SELECT path, reason FROM file WHERE reason<>'' ORDER BY path";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(store->db, SKIPS, -1, &q, NULL) != SQLITE_OK) return database_fault(context, store);
    zoe_status status = ZOE_OK;
    int code = SQLITE_DONE;
    while (status == ZOE_OK && (code = sqlite3_step(q)) == SQLITE_ROW)
        status = visit(user, text_at(q, 0), text_at(q, 1));
    if (status == ZOE_OK && code != SQLITE_DONE) status = database_fault(context, store);
    sqlite3_finalize(q);
    return status;
}
