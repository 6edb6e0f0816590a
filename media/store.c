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

enum { APPLICATION = 0x5a4f4550, VERSION = 1 }; /* "ZOEP" */

/* Paths compare bytewise (SQLite's BINARY). */
static const char SCHEMA[] =
    "CREATE TABLE content(sha256 TEXT PRIMARY KEY, record BLOB NOT NULL);"
    "CREATE TABLE file(path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, label TEXT NOT NULL, grp TEXT NOT NULL, reason TEXT NOT NULL, limits TEXT NOT NULL);"
    "CREATE INDEX file_sha256 ON file(sha256);";

typedef enum query { FIND, HAS, PUT_CONTENT, PUT_FILE, RELABEL, QUERIES } query;

static const char *const SQL[QUERIES] = {
    [FIND] = "SELECT sha256, label, grp, reason, limits FROM file WHERE path=?1 AND size=?2 AND mtime_ns=?3",
    [HAS] = "SELECT 1 FROM content WHERE sha256=?1",
    [PUT_CONTENT] = "INSERT OR REPLACE INTO content VALUES(?1, ?2)",
    [PUT_FILE] = "INSERT OR REPLACE INTO file VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [RELABEL] = "UPDATE file SET label=?2, grp=?3 WHERE path=?1 AND (label<>?2 OR grp<>?3)",
};

struct zoe__store {
    char *folder;
    sqlite3 *db;
    sqlite3_stmt *query[QUERIES];
    int lock;
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
    sqlite3_close(store->db);
    store->db = NULL;
    ZOE_FAIL_IF(context, rename(temporary, path) < 0, ZOE_DISK, "%s: cannot be written: %s", path, strerror(errno));
    return ZOE_OK;
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
    ZOE_FAIL_IF(context, version != VERSION, ZOE_DATA, "%s: a pack of version %d, this program reads %d", store->folder,
                version, VERSION);
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

zoe_status zoe__store_has_content(zoe_context *context, zoe__store *store, const char *sha256, bool *found)
{
    sqlite3_stmt *q = store->query[HAS];
    bind_texts(q, 1, &sha256, 1);
    const int code = sqlite3_step(q);
    *found = code == SQLITE_ROW;
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

zoe_status zoe__store_commit(zoe_context *context, zoe__store *store, const zoe__file_row *row, const uint8_t *record,
                             size_t record_size)
{
    sqlite3_reset(store->query[FIND]); /* an open read would keep the commit from ending */
    ZOE_TRY(execute(context, store, "BEGIN IMMEDIATE"));
    zoe_status status;
    if (record) {
        sqlite3_stmt *q = store->query[PUT_CONTENT];
        bind_texts(q, 1, &row->sha256, 1);
        sqlite3_bind_blob64(q, 2, record, record_size, SQLITE_STATIC);
        ZOE_TRY_OUT(step_once(context, store, PUT_CONTENT));
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

/* Runs a query of one text column for each row. */
zoe_status zoe__store_sweep(zoe_context *context, zoe__store *store)
{
    static const char ORPHANS[] = "SELECT sha256 FROM content WHERE sha256 NOT IN (SELECT sha256 FROM file)";
    sqlite3_stmt *q = NULL;
    char path[PATH_MAX];
    sqlite3_reset(store->query[FIND]);
    ZOE_TRY(execute(context, store, "BEGIN IMMEDIATE"));
    zoe_status status = ZOE_OK;
    if (sqlite3_prepare_v2(store->db, ORPHANS, -1, &q, NULL) != SQLITE_OK) ZOE_TRY_OUT(database_fault(context, store));
    while (sqlite3_step(q) == SQLITE_ROW)
        if (zoe__store_data_path(store, text_at(q, 0), path, sizeof path)) unlink(path);
    sqlite3_finalize(q);
    ZOE_TRY_OUT(execute(context, store, "DELETE FROM content WHERE sha256 NOT IN (SELECT sha256 FROM file)"));
    ZOE_TRY_OUT(execute(context, store, "COMMIT"));
    return ZOE_OK;
out:
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

zoe_status zoe__store_clips(zoe_context *context, zoe__store *store, zoe__clip_visit *visit, void *user)
{
    static const char CLIPS[] = "SELECT f.path, f.size, f.mtime_ns, f.sha256, f.label, f.grp, c.record FROM file f"
                                " JOIN content c ON c.sha256=f.sha256 WHERE f.reason='' AND f.path="
                                "(SELECT min(path) FROM file WHERE sha256=f.sha256 AND reason='') ORDER BY f.path";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(store->db, CLIPS, -1, &q, NULL) != SQLITE_OK) return database_fault(context, store);
    zoe_status status = ZOE_OK;
    int code = SQLITE_DONE;
    while (status == ZOE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
        const zoe__file_row row = {.path = text_at(q, 0),
                                   .size = sqlite3_column_int64(q, 1),
                                   .mtime_ns = sqlite3_column_int64(q, 2),
                                   .sha256 = text_at(q, 3),
                                   .label = text_at(q, 4),
                                   .group = text_at(q, 5),
                                   .reason = "",
                                   .limits = ""};
        status = visit(user, &row, sqlite3_column_blob(q, 6), (size_t)sqlite3_column_bytes(q, 6));
    }
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
