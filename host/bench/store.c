/* SPDX-License-Identifier: Apache-2.0
 *
 * The collection's SQLite file. */
#include "bench/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/record.h"
#include "device/cache.h"

enum { APPLICATION = 0x7a6f6562 /* "zoeb" */, VERSION = 1, PATIENCE_MS = 10000 };

struct zoe__bench_store {
    zoe_context *context;
    char *path;
    sqlite3 *db;
};

/* Two processes may find the file empty: the second waits for the lock, and then there are tables. */
static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS run("
    " id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, suite TEXT NOT NULL, suite_id TEXT NOT NULL,"
    " started TEXT NOT NULL, version TEXT NOT NULL, build TEXT NOT NULL, cpu TEXT, complete INTEGER NOT NULL,"
    " document TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS device("
    " run INTEGER NOT NULL REFERENCES run(id), id TEXT NOT NULL, name TEXT, platform TEXT,"
    " driver TEXT, version TEXT, family TEXT, PRIMARY KEY(run, id));"
    "CREATE TABLE IF NOT EXISTS \"case\"("
    " run INTEGER NOT NULL REFERENCES run(id), device TEXT NOT NULL, id TEXT NOT NULL, flops REAL,"
    " median_ns REAL, low_ns REAL, high_ns REAL, \"check\" TEXT NOT NULL, nmse REAL, roof_share REAL, algorithm TEXT,"
    " tuned INTEGER, PRIMARY KEY(run, device, id));"
    "CREATE TABLE IF NOT EXISTS sample("
    " run INTEGER NOT NULL, device TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL,"
    " ns REAL NOT NULL, PRIMARY KEY(run, device, id, number)) WITHOUT ROWID;";

static zoe_status sql_error(zoe__bench_store *s, const char *what)
{
    const int code = sqlite3_errcode(s->db) & 0xff;
    const bool bad = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
    return zoe__fail(s->context, bad ? ZOE_DATA : ZOE_DISK, "%s: %s: %s", s->path, what, sqlite3_errmsg(s->db));
}

static zoe_status execute(zoe__bench_store *s, const char *sql, const char *what)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? ZOE_OK : sql_error(s, what);
}

static zoe_status pragma(zoe__bench_store *s, const char *name, long long *value)
{
    char sql[64];
    sqlite3_stmt *statement = NULL;
    zoe__format(sql, sizeof sql, "PRAGMA %s", name);
    const bool got =
        sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW;
    *value = got ? sqlite3_column_int64(statement, 0) : 0;
    const zoe_status status = got ? ZOE_OK : sql_error(s, "cannot be read");
    sqlite3_finalize(statement);
    return status;
}

static zoe_status make_tables(zoe__bench_store *s)
{
    char sql[128];
    zoe__format(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", APPLICATION, VERSION);
    ZOE_TRY(execute(s, SCHEMA, "cannot be made"));
    return execute(s, sql, "cannot be made");
}

static zoe_status check_or_make(zoe__bench_store *s, bool create)
{
    long long pages, application, version;
    ZOE_TRY(pragma(s, "page_count", &pages));
    if (!pages && create) return make_tables(s);
    ZOE_TRY(pragma(s, "application_id", &application));
    ZOE_TRY(pragma(s, "user_version", &version));
    ZOE_FAIL_IF(s->context, application != APPLICATION, ZOE_DATA, "%s: no collection of benchmarks", s->path);
    ZOE_FAIL_IF(s->context, version != VERSION, ZOE_DATA, "%s: a collection of version %lld, this program reads %d",
                s->path, version, VERSION);
    return ZOE_OK;
}

static zoe_status find_path(zoe__bench_store *s, const char *path)
{
    char *folder = NULL;
    if (path) return zoe__strdup(s->context, &s->path, path);
    ZOE_TRY(zoe__cache_folder(&folder, s->context));
    const size_t size = strlen(folder) + 32;
    const zoe_status status = zoe__calloc(s->context, &s->path, size, 1);
    if (status == ZOE_OK) zoe__format(s->path, size, "%s/benchmarks.sqlite", folder);
    free(folder);
    return status;
}

zoe_status zoe__bench_store_open(zoe__bench_store **out, zoe_context *context, const char *path, bool create)
{
    zoe__bench_store *s = NULL;
    zoe_status status = ZOE_OK;
    *out = NULL;
    ZOE_TRY(zoe__calloc(context, &s, 1, sizeof *s));
    s->context = context;
    ZOE_TRY_OUT(find_path(s, path));
    ZOE_FAIL_IF_OUT(context, !create && access(s->path, F_OK), ZOE_DATA,
                    "%s: there is no collection of benchmarks; `zoe bench import FILE.json` makes one", s->path);
    if (create && !path) (void)zoe__cache_make_folder_of(s->path);
    const int flags = create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
        status = sql_error(s, "cannot be opened");
        goto out;
    }
    sqlite3_busy_timeout(s->db, PATIENCE_MS);
    ZOE_TRY_OUT(check_or_make(s, create));
    *out = s;
    s = NULL;
out:
    zoe__bench_store_free(&s);
    return status;
}

void zoe__bench_store_free(zoe__bench_store **store)
{
    if (!store || !*store) return;
    sqlite3_close((*store)->db);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

/* ---- adding ---- */

/* Binds a JSON value to a place: text, number, boolean, or NULL. */
static void bind(sqlite3_stmt *statement, int place, const json_t *value)
{
    if (json_is_string(value))
        sqlite3_bind_text(statement, place, json_string_value(value), -1, SQLITE_TRANSIENT);
    else if (json_is_boolean(value))
        sqlite3_bind_int(statement, place, json_is_true(value));
    else if (json_is_number(value))
        sqlite3_bind_double(statement, place, json_number_value(value));
    else
        sqlite3_bind_null(statement, place);
}

/* Runs an insertion whose places are first `run` (where it has one), then these keys of the object. */
static zoe_status insert(zoe__bench_store *s, const char *sql, sqlite3_int64 run, const json_t *object,
                         const char *const *keys)
{
    sqlite3_stmt *statement = NULL;
    int place = 1;
    bool done = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK;
    if (done && run) sqlite3_bind_int64(statement, place++, run);
    for (; done && *keys; keys++) bind(statement, place++, json_object_get(object, *keys));
    done = done && sqlite3_step(statement) == SQLITE_DONE;
    const zoe_status status = done ? ZOE_OK : sql_error(s, "cannot be written");
    sqlite3_finalize(statement);
    return status;
}

static zoe_status add_samples(zoe__bench_store *s, sqlite3_int64 run, const json_t *row)
{
    sqlite3_stmt *statement = NULL;
    size_t i;
    json_t *ns;
    bool done =
        sqlite3_prepare_v2(s->db, "INSERT INTO sample VALUES(?1, ?2, ?3, ?4, ?5)", -1, &statement, NULL) == SQLITE_OK;
    json_array_foreach(json_object_get(row, "samples_ns"), i, ns)
    {
        if (!done) break;
        sqlite3_bind_int64(statement, 1, run);
        bind(statement, 2, json_object_get(row, "device"));
        bind(statement, 3, json_object_get(row, "id"));
        sqlite3_bind_int64(statement, 4, (sqlite3_int64)i);
        bind(statement, 5, ns);
        done = sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK;
    }
    const zoe_status status = done ? ZOE_OK : sql_error(s, "cannot be written");
    sqlite3_finalize(statement);
    return status;
}

static zoe_status add_cases(zoe__bench_store *s, sqlite3_int64 run, const json_t *document)
{
    static const char *const keys[] = {"device", "id",   "flops",      "median_ns", "low_ns", "high_ns",
                                       "check",  "nmse", "roof_share", "algorithm", "tuned",  NULL};
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "cases"), i, row)
    {
        const json_t *ci = json_object_get(row, "ci95_ns");
        json_t *flat = json_copy(row);
        json_object_set(flat, "low_ns", json_array_get(ci, 0));
        json_object_set(flat, "high_ns", json_array_get(ci, 1));
        const zoe_status status =
            insert(s, "INSERT INTO \"case\" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)", run, flat, keys);
        json_decref(flat);
        ZOE_TRY(status);
        ZOE_TRY(add_samples(s, run, row));
    }
    return ZOE_OK;
}

static zoe_status add_devices(zoe__bench_store *s, sqlite3_int64 run, const json_t *document)
{
    static const char *const keys[] = {"id", "name", "platform", "driver", "version", "family", NULL};
    size_t i;
    json_t *device;
    json_array_foreach(json_object_get(document, "devices"), i, device)
        ZOE_TRY(insert(s, "INSERT INTO device VALUES(?1,?2,?3,?4,?5,?6,?7)", run, device, keys));
    return ZOE_OK;
}

static zoe_status add_run(zoe__bench_store *s, const json_t *document, bool *added)
{
    static const char *const keys[] = {"sha256", "suite", "suite_id", "started",  "version",
                                       "build",  "cpu",   "complete", "document", NULL};
    const json_t *tool = json_object_get(document, "tool"), *host = json_object_get(document, "host");
    json_t *flat = json_copy((json_t *)document);
    char hex[65];
    zoe__record_sha256(document, hex); /* of a file that names none, too */
    json_object_set_new(flat, "sha256", json_string(hex));
    char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_object_set(flat, "version", json_object_get(tool, "version"));
    json_object_set(flat, "build", json_object_get(tool, "build"));
    json_object_set(flat, "cpu", json_object_get(host, "cpu"));
    json_object_set_new(flat, "document", json_string(text ? text : ""));
    free(text);
    const zoe_status status =
        insert(s,
               "INSERT INTO run(sha256, suite, suite_id, started, version, build, cpu,"
               " complete, document) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9) ON CONFLICT(sha256) DO NOTHING",
               0, flat, keys);
    json_decref(flat);
    *added = status == ZOE_OK && sqlite3_changes(s->db) == 1;
    return status;
}

zoe_status zoe__bench_store_add(zoe__bench_store *s, const json_t *document, bool *added)
{
    *added = false;
    ZOE_TRY(execute(s, "BEGIN IMMEDIATE", "cannot be written"));
    zoe_status status = add_run(s, document, added);
    const sqlite3_int64 run = sqlite3_last_insert_rowid(s->db);
    if (status == ZOE_OK && *added) status = add_devices(s, run, document);
    if (status == ZOE_OK && *added) status = add_cases(s, run, document);
    if (status == ZOE_OK) status = execute(s, "COMMIT", "cannot be written");
    if (status != ZOE_OK) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* ---- reading ---- */

zoe_status zoe__bench_store_all(zoe__bench_store *s, const char *suite, json_t **documents)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(s->db, "SELECT document FROM run WHERE ?1 IS NULL OR suite=?1 ORDER BY started, id",
                                  -1, &statement, NULL);
    zoe_status status = ZOE_OK;
    *documents = json_array();
    if (code == SQLITE_OK && suite) sqlite3_bind_text(statement, 1, suite, -1, SQLITE_STATIC);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *document = json_loads((const char *)sqlite3_column_text(statement, 0), 0, NULL);
        json_array_append_new(*documents, document ? document : json_null());
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE) status = sql_error(s, "cannot be read");
    sqlite3_finalize(statement);
    if (status == ZOE_OK) return ZOE_OK;
    json_decref(*documents);
    *documents = NULL;
    return status;
}
