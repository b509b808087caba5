/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the store does when the file, the disk or the process fails. Needs root: it mounts small file systems, in a namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "store/internal.h"

static char directory[] = "/tmp/nanoscale-faults-XXXXXX";
static char path[64];

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(directory) || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -1;
        (void) snprintf(path, sizeof(path), "%s/nanoscale.db", directory);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        return rmdir(directory);
}

/* Each test has an empty file system of 1 MiB. */
static int mount_disk(void **state) {
        (void) state;
        return mount("tmpfs", directory, "tmpfs", 0, "size=1m");
}

static int unmount_disk(void **state) {
        (void) state;
        return umount2(directory, MNT_DETACH);
}

static Store *open_store(void) {
        Store *s = NULL;

        assert_int_equal(store_open(path, &s), 0);
        return s;
}

static char *setting(Store *s, const char *key) {
        char *value = NULL;

        assert_int_equal(store_setting_get(s, key, &value), 0);
        return value;
}

static void assert_setting(Store *s, const char *key, const char *wanted) {
        char *value = setting(s, key);

        assert_string_equal(value, wanted);
        free(value);
}

static void read_only_directory(void **state) {
        Store *s = NULL;

        (void) state;
        assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(store_open(path, &s), -EROFS);
        assert_null(s);
        assert_non_null(strstr(store_error(NULL), path));
        assert_int_equal(store_open("/nonexistent/nanoscale.db", &s), -ENOENT);
}

static void read_only_later(void **state) {
        Store *s = NULL;

        (void) state;
        store_close(open_store());
        assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_int_equal(store_open(path, &s), -EROFS);
        assert_true(strlen(store_error(NULL)) > 0);
}

/* Fills what is left, to the last page. */
static void fill_disk(void) {
        static const char page[4096];
        char file[80];
        int fd;

        (void) snprintf(file, sizeof(file), "%s/ballast", directory);
        fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, page, sizeof(page)) == (ssize_t) sizeof(page))
                ;
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(close(fd), 0);
}

static void full_disk(void **state) {
        static char big[64 * 1024];
        char *value = NULL, file[80];
        Store *s = open_store();
        int r;

        (void) state;
        memset(big, 'x', sizeof(big) - 1);
        assert_int_equal(store_setting_put(s, "before", "kept"), 0);
        fill_disk();
        assert_int_equal(store_setting_put(s, "big", big), -ENOSPC);
        assert_true(strlen(store_error(s)) > 0);
        assert_int_equal(store_setting_get(s, "big", &value), STORE_E_ABSENT);

        /* Within a transaction: all or nothing, and what is written after the failure is not kept on its own. */
        assert_int_equal(store_begin(s), 0);
        r = store_setting_put(s, "first", "1");
        if (r == 0)
                r = store_setting_put(s, "big", big);
        if (r == 0)
                r = store_commit(s);
        else {
                (void) store_setting_put(s, "after", "1");
                store_rollback(s);
        }
        assert_int_equal(r, -ENOSPC);
        assert_int_equal(store_setting_get(s, "first", &value), STORE_E_ABSENT);
        assert_int_equal(store_setting_get(s, "after", &value), STORE_E_ABSENT);

        /* With room again it goes on, without being opened anew. */
        (void) snprintf(file, sizeof(file), "%s/ballast", directory);
        assert_int_equal(unlink(file), 0);
        assert_int_equal(store_setting_put(s, "big", big), 0);
        assert_setting(s, "before", "kept");
        store_close(s);
        s = open_store();
        assert_setting(s, "big", big);
        store_close(s);
}

/* A transaction that SQLite took back by itself does not let later writes of it through one by one. */
static void rolled_back_behind_the_caller(void **state) {
        char *value = NULL;
        Store *s = open_store();

        (void) state;
        assert_int_equal(store_begin(s), 0);
        assert_int_equal(store_setting_put(s, "first", "1"), 0);
        assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_setting_put(s, "second", "2"), -EIO);
        assert_true(store_commit(s) < 0);
        assert_int_equal(store_setting_get(s, "second", &value), STORE_E_ABSENT);
        store_close(s);
}

/* In a child: writes, and tells over the pipe when it is in the middle; never returns. */
static void write_until_killed(int fd) {
        Store *s = NULL;

        if (store_open(path, &s) != 0 || store_setting_put(s, "committed", "yes") != 0 || store_begin(s) != 0 ||
            store_setting_put(s, "open", "yes") != 0 || store_setting_put(s, "committed", "no") != 0 || write(fd, "x", 1) != 1)
                _exit(1);
        for (;;)
                (void) pause();
}

static void killed_in_a_transaction(void **state) {
        int ends[2], status;
        char byte, *value = NULL;
        Store *s;
        pid_t pid;

        (void) state;
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                write_until_killed(ends[1]);
        assert_int_equal(close(ends[1]), 0);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(close(ends[0]), 0);

        s = open_store();
        assert_setting(s, "committed", "yes");
        assert_int_equal(store_setting_get(s, "open", &value), STORE_E_ABSENT);
        store_close(s);
}

/* At any moment of its first start: what is there afterwards is a database, or nothing yet. */
static void killed_while_it_is_made(void **state) {
        (void) state;
        for (useconds_t after_us = 0; after_us < 12000; after_us += 200) {
                static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
                pid_t pid = fork();
                int status;

                assert_true(pid >= 0);
                if (pid == 0) {
                        Store *s = NULL;

                        _exit(store_open(path, &s));
                }
                (void) usleep(after_us);
                (void) kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                store_close(open_store());
                for (size_t i = 0; i < ELEMENTS(suffixes); i++) {
                        char file[80];

                        (void) snprintf(file, sizeof(file), "%s%s", path, suffixes[i]);
                        (void) unlink(file);
                }
        }
}

static size_t read_all(const char *name, char *buffer, size_t size) {
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        assert_true(fd >= 0);
        n = read(fd, buffer, size);
        assert_true(n >= 0);
        assert_int_equal(close(fd), 0);
        return (size_t) n;
}

static void write_all(const char *name, const char *bytes, size_t n, off_t at) {
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t) n);
        assert_int_equal(close(fd), 0);
}

/* Bytes in the way, at several places of a real database; the file is the same before and after. */
static void corrupt_file(void **state) {
        static char before[512 * 1024], after[512 * 1024], noise[2000];
        off_t places[] = { 0, 100, 4096, 0 };
        Store *s = open_store();
        const char *settings;
        size_t n;

        (void) state;
        for (int i = 0; i < 40; i++) {
                char key[16];

                (void) snprintf(key, sizeof(key), "key%d", i);
                assert_int_equal(store_setting_put(s, key, "value"), 0);
        }
        store_close(s);
        memset(noise, 0xa5, sizeof(noise));
        n = read_all(path, before, sizeof(before));
        settings = memmem(before, n, "key39value", 10);
        assert_non_null(settings);
        places[3] = (settings - before) / 4096 * 4096; /* the page of the settings */
        for (size_t i = 0; i < ELEMENTS(places); i++) {
                static char broken[512 * 1024];

                memcpy(broken, before, n);
                memcpy(broken + places[i], noise, places[i] == 0 ? 20 : sizeof(noise));
                write_all(path, broken, n, 0);
                s = NULL;
                assert_int_equal(store_open(path, &s), STORE_E_CORRUPT);
                assert_null(s);
                assert_true(strlen(store_error(NULL)) > 0);
                assert_int_equal(read_all(path, after, sizeof(after)), n);
                assert_memory_equal(after, broken, n);
        }
        write_all(path, before, n, 0);
        s = open_store();
        assert_setting(s, "key7", "value");
        store_close(s);
}

static void no_database_at_all(void **state) {
        static const char text[] =
                        "This is a letter, and not a database. It is longer than the header of one, so that it is looked at for real.";
        char after[256];
        Store *s = NULL;

        (void) state;
        write_all(path, text, sizeof(text), 0);
        assert_int_equal(store_open(path, &s), STORE_E_CORRUPT);
        assert_int_equal(read_all(path, after, sizeof(after)), sizeof(text));
        assert_memory_equal(after, text, sizeof(text));
}

/* A corrupt file with a log beside it that nobody has moved in yet: both stay as they are. */
static void corrupt_file_with_log(void **state) {
        static char before[512 * 1024], after[512 * 1024], noise[4000];
        char log[80];
        int status;
        size_t n;
        pid_t pid;
        Store *s = open_store();

        (void) state;
        store_close(s);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* Ends without closing, so that the log stays. */
                Store *other = NULL;

                _exit(store_open(path, &other) == 0 && store_setting_put(other, "key", "value") == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void) snprintf(log, sizeof(log), "%s-wal", path);
        memset(noise, 0xa5, sizeof(noise));
        for (off_t page = 1; page < 4; page++)
                write_all(path, noise, sizeof(noise), page * 4096);
        n = read_all(path, before, sizeof(before));
        assert_true(read_all(log, after, sizeof(after)) > 0);
        assert_int_equal(store_open(path, &s), STORE_E_CORRUPT);
        assert_int_equal(read_all(path, after, sizeof(after)), n);
        assert_memory_equal(after, before, n);
        assert_true(read_all(log, after, sizeof(after)) > 0);
}

/* --- schema versions --- */

static void newer_schema(void **state) {
        Store *s = open_store();

        (void) state;
        assert_int_equal(sqlite3_exec(s->db, "PRAGMA user_version = 9999", NULL, NULL, NULL), SQLITE_OK);
        store_close(s);
        s = NULL;
        assert_int_equal(store_open(path, &s), STORE_E_NEWER);
        assert_null(s);
        assert_non_null(strstr(store_error(NULL), "9999"));
}

/* All migrations of this version, then more. */
static size_t with_more(Migration *list, size_t size, const Migration *more, size_t n_more) {
        assert_true(store_n_migrations + n_more <= size);
        memcpy(list, store_migrations, store_n_migrations * sizeof(*list));
        memcpy(list + store_n_migrations, more, n_more * sizeof(*list));
        return store_n_migrations + n_more;
}

static void older_schema(void **state) {
        /* The second rebuilds a table that others refer to, as SQLite's manual says to do it; its children must survive. */
        static const Migration more[] = {
                { "more", "CREATE TABLE more (a TEXT) STRICT; INSERT INTO more VALUES ('x');" },
                { "rebuild",
                  "CREATE TABLE servers_new (id TEXT PRIMARY KEY, name TEXT NOT NULL, ip_address TEXT NOT NULL, status TEXT NOT NULL,"
                  " secret_key TEXT NOT NULL, public_key TEXT, created_at DATETIME, port INTEGER, version TEXT, reason TEXT,"
                  " changed_at_ms INTEGER, seen_at_ms INTEGER, draining INTEGER, extra TEXT);"
                  "INSERT INTO servers_new SELECT *, 'e' FROM servers; DROP TABLE servers;"
                  "ALTER TABLE servers_new RENAME TO servers;" },
        };
        ServerRow server = { .id = (char[]){ "server000001" }, .name = (char[]){ "main" } };
        ProjectRow project = { .id = (char[]){ "project00001" },
                               .server_id = (char[]){ "server000001" },
                               .name = (char[]){ "shop" },
                               .repo_url = (char[]){ "https://git.example/a.git" } };
        Migration list[64];
        size_t n = with_more(list, ELEMENTS(list), more, ELEMENTS(more));
        Store *s = open_store();

        (void) state;
        assert_int_equal(store_server_put(s, &server), 0);
        assert_int_equal(store_project_add(s, &project), 0);
        store_close(s);
        assert_int_equal(store_open_with(path, list, n, &s), 0);
        assert_int_equal(store_project_get(s, "project00001", &project), 0);
        project_row_done(&project);
        assert_int_equal(sqlite3_exec(s->db, "INSERT INTO more VALUES ('y')", NULL, NULL, NULL), SQLITE_OK);
        store_close(s);
        assert_int_equal(store_open(path, &s), STORE_E_NEWER);
}

/* A migration that fails leaves its predecessors applied, nothing of itself, and the version that is true. */
static void failing_migration(void **state) {
        static const Migration bad[] = {
                { "good", "CREATE TABLE good (a TEXT) STRICT;" },
                { "bad", "CREATE TABLE half (a TEXT) STRICT; INSERT INTO nothing VALUES (1);" },
        };
        static const Migration orphans[] = {
                { "good", "CREATE TABLE good (a TEXT) STRICT;" },
                { "orphans", "INSERT INTO steps VALUES ('no such one', 0, 'x', 'ok', 0, 0);" },
                { "after", "CREATE TABLE after (a TEXT) STRICT;" },
        };
        Migration list[64];
        size_t n = with_more(list, ELEMENTS(list), bad, ELEMENTS(bad));
        Store *s = NULL;

        (void) state;
        assert_int_equal(store_open_with(path, list, n, &s), -EIO);
        assert_non_null(strstr(store_error(NULL), "nothing"));
        n = with_more(list, ELEMENTS(list), orphans, ELEMENTS(orphans));
        assert_int_equal(store_open_with(path, list, n, &s), -EIO);
        assert_non_null(strstr(store_error(NULL), "orphans"));
        n = with_more(list, ELEMENTS(list), bad, 1);
        assert_int_equal(store_open_with(path, list, n, &s), 0);
        assert_int_equal(sqlite3_exec(s->db, "SELECT * FROM good", NULL, NULL, NULL), SQLITE_OK);
        assert_int_not_equal(sqlite3_exec(s->db, "SELECT * FROM half", NULL, NULL, NULL), SQLITE_OK);
        assert_int_not_equal(sqlite3_exec(s->db, "SELECT * FROM after", NULL, NULL, NULL), SQLITE_OK);
        store_close(s);
}

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, mount_disk, unmount_disk)

int main(void) {
        const struct CMUnitTest tests[] = {
                ON_A_DISK(read_only_directory),
                ON_A_DISK(read_only_later),
                ON_A_DISK(full_disk),
                ON_A_DISK(rolled_back_behind_the_caller),
                ON_A_DISK(killed_in_a_transaction),
                ON_A_DISK(killed_while_it_is_made),
                ON_A_DISK(corrupt_file),
                ON_A_DISK(no_database_at_all),
                ON_A_DISK(corrupt_file_with_log),
                ON_A_DISK(newer_schema),
                ON_A_DISK(older_schema),
                ON_A_DISK(failing_migration),
        };

        return cmocka_run_group_tests_name("store faults", tests, set_up, tear_down);
}
