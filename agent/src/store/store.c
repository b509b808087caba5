/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Opening, migrating, transactions. */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

/* Sentence of the last store_open() that failed: there is no store then to ask. */
static char open_error[256];

const char *store_error(const Store *s) {
        return s ? s->error : open_error;
}

int store_failed(Store *s, int code) {
        int system = sqlite3_system_errno(s->db);

        (void) snprintf(s->error, sizeof(s->error), "%s", sqlite3_errmsg(s->db));
        switch (code & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_CANTOPEN:
                return system > 0 ? -system : -EIO;
        default:
                return -EIO;
        }
}

static int run(Store *s, const char *sql) {
        int r = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

        return r == SQLITE_OK ? 0 : store_failed(s, r);
}

/* The first column of the first row, as text into buffer. 0, or a result code of SQLite. */
static int ask(Store *s, const char *sql, char *buffer, size_t size) {
        sqlite3_stmt *statement = NULL;
        int r = sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL);

        buffer[0] = '\0';
        if (r == SQLITE_OK) {
                r = sqlite3_step(statement);
                if (r == SQLITE_ROW)
                        (void) snprintf(buffer, size, "%s", (const char *) sqlite3_column_text(statement, 0));
                if (r == SQLITE_ROW || r == SQLITE_DONE)
                        r = SQLITE_OK;
        }
        (void) sqlite3_finalize(statement);
        return r;
}

static bool means_corrupt(int code) {
        return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* SQLite makes a database as the umask says; ours is private from its first moment. The log beside it takes its mode from it. */
static int make_file(Store *s, const char *path) {
        auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd >= 0 || errno == EEXIST)
                return 0;
        (void) snprintf(s->error, sizeof(s->error), "cannot make %s: %s", path, strerror(errno));
        return -errno;
}

static int connect_file(Store *s, const char *path) {
        int r = make_file(s, path);

        if (r < 0)
                return r;
        r = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (r != SQLITE_OK)
                return s->db ? store_failed(s, r) : -ENOMEM;
        /* SQLite would go on with a file that it cannot write, and fail later with a sentence that does not say so. */
        if (sqlite3_db_readonly(s->db, "main") == 1) {
                (void) snprintf(s->error, sizeof(s->error), "%s cannot be written", path);
                return -EROFS;
        }
        /* A second process is only ever a person with the sqlite3 tool, or a backup; the loop waits no longer for them than this. */
        (void) sqlite3_busy_timeout(s->db, 1000);
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        /* Half of the default: our statements are short. */
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 512, 64);
        return 0;
}

/* Reads only. Until it has said yes, closing must not move the log into a file that may be broken. */
static int check(Store *s, size_t n_migrations, size_t *ret_version) {
        char answer[200];
        int r;

        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        r = ask(s, "PRAGMA quick_check(1)", answer, sizeof(answer));
        if (means_corrupt(r) || (r == SQLITE_OK && strcmp(answer, "ok") != 0)) {
                (void) snprintf(s->error, sizeof(s->error), "%s", r == SQLITE_OK ? answer : sqlite3_errmsg(s->db));
                return STORE_E_CORRUPT;
        }
        if (r == SQLITE_OK)
                r = ask(s, "PRAGMA user_version", answer, sizeof(answer));
        if (r != SQLITE_OK)
                return store_failed(s, r);
        *ret_version = strtoul(answer, NULL, 10);
        if (*ret_version > n_migrations) {
                (void) snprintf(s->error, sizeof(s->error), "schema version %s, this program knows %zu", answer, n_migrations);
                return STORE_E_NEWER;
        }
        (void) sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        return 0;
}

/* FULL: a commit that was reported is on the disk, power cut or not. Memory is bounded by cache_size (KiB). */
static int configure(Store *s) {
        static const char settings[] =
                        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512; PRAGMA mmap_size = 0;"
                        "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 1048576; PRAGMA wal_autocheckpoint = 256;";
        char mode[16];
        int r = run(s, settings);

        if (r == 0)
                r = ask(s, "PRAGMA journal_mode", mode, sizeof(mode));
        if (r < 0)
                return r;
        if (r == SQLITE_OK && strcmp(mode, "wal") != 0) {
                (void) snprintf(s->error, sizeof(s->error), "the file system cannot do write-ahead logging");
                return -EIO;
        }
        return r == SQLITE_OK ? 0 : store_failed(s, r);
}

static int migrate_one(Store *s, const Migration *migration, size_t version) {
        char sql[48], broken[64];
        int r;

        (void) snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", version);
        r = run(s, "BEGIN IMMEDIATE");
        if (r == 0)
                r = run(s, migration->sql);
        if (r == 0 && (ask(s, "PRAGMA foreign_key_check", broken, sizeof(broken)) != SQLITE_OK || broken[0])) {
                (void) snprintf(s->error, sizeof(s->error), "migration %s leaves rows of %s without their parents", migration->name,
                                broken);
                r = -EIO;
        }
        if (r == 0)
                r = run(s, sql);
        if (r == 0)
                r = run(s, "COMMIT");
        if (r < 0 && !sqlite3_get_autocommit(s->db))
                (void) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* Foreign keys are off meanwhile: a migration that rebuilds a table drops the old one, whose children must stay. */
static int migrate(Store *s, const Migration *migrations, size_t n, size_t version) {
        int r = run(s, "PRAGMA foreign_keys = OFF");

        for (; r == 0 && version < n; version++)
                r = migrate_one(s, &migrations[version], version + 1);
        return r < 0 ? r : run(s, "PRAGMA foreign_keys = ON");
}

DEFINE_CLEANUP(Store, store_close)

int store_open_with(const char *path, const Migration *migrations, size_t n, Store **ret_store) {
        auto_call(store_close_cleanup) Store *s = calloc(1, sizeof(*s));
        size_t version = 0;
        int r;

        if (!s)
                return -ENOMEM;
        r = connect_file(s, path);
        if (r == 0)
                r = check(s, n, &version);
        if (r == 0)
                r = configure(s);
        if (r == 0)
                r = migrate(s, migrations, n, version);
        if (r != 0) {
                memcpy(open_error, s->error, sizeof(open_error));
                return r;
        }
        /* The check has filled the cache with pages that nobody asked for. */
        (void) sqlite3_db_release_memory(s->db);
        *ret_store = handover(s);
        return 0;
}

int store_open(const char *path, Store **ret_store) {
        return store_open_with(path, store_migrations, store_n_migrations, ret_store);
}

Store *store_close(Store *s) {
        if (s) {
                for (size_t i = 0; i < s->n_prepared; i++)
                        (void) sqlite3_finalize(s->prepared[i].statement);
                (void) sqlite3_close(s->db);
                free(s);
        }
        return NULL;
}

/* --- transactions --- */

int64_t store_changes(const Store *s) {
        return sqlite3_total_changes64(s->db);
}

int store_begin(Store *s) {
        int r;

        assert(!s->in_transaction);
        r = run(s, "BEGIN IMMEDIATE");
        s->in_transaction = r == 0;
        return r;
}

int store_commit(Store *s) {
        int r;

        assert(s->in_transaction);
        /* Without a transaction, taken back by SQLite itself, COMMIT fails as it should. */
        r = run(s, "COMMIT");
        if (r < 0)
                store_rollback(s);
        s->in_transaction = false;
        return r;
}

void store_rollback(Store *s) {
        if (!sqlite3_get_autocommit(s->db))
                (void) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        s->in_transaction = false;
}
