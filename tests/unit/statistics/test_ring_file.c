/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "statistics/ring_file.h"

#define NOW INT64_C(1764000010000)

static char root[64];
static int dir = -1;

static int set_up(void **state) {
        (void) state;
        (void) snprintf(root, sizeof(root), "/tmp/ns-rings-XXXXXX");
        if (!mkdtemp(root))
                return -1;
        dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return dir < 0;
}

static int tear_down(void **state) {
        int r = fs_remove_tree(AT_FDCWD, root);

        (void) state;
        (void) close(dir);
        return r;
}

static int try_open(const char *boot, bool make, RingFile **ret) {
        *ret = NULL;
        return ring_file_open(dir, "node", 2, boot, make, ret);
}

static void add(RingFile *f, int64_t now_ms, uint64_t value) {
        Tick t;

        rings_tick(ring_file_rings(f), now_ms, &t);
        rings_add(ring_file_rings(f), &t, (const uint64_t[]){ value, value });
}

static uint64_t get(RingFile *f, int64_t now_ms) {
        return rings_get(ring_file_rings(f), RANGE_HOUR, 0, range_period(RANGE_HOUR, now_ms));
}

static void samples_survive_a_restart(void **state) {
        RingFile *f;
        struct stat st;

        (void) state;
        assert_int_equal(try_open("boot", false, &f), RING_FILE_E_ABSENT);
        assert_null(f);
        assert_int_equal(try_open("boot", true, &f), RING_FILE_OK);
        add(f, NOW, 42);
        f = ring_file_close(f);
        assert_int_equal(fstatat(dir, "node", &st, 0), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_size, rings_size(2));
        assert_true((size_t) st.st_blocks * 512 >= rings_size(2)); /* nothing is left for a full disk to refuse */
        assert_int_equal(try_open("boot", false, &f), RING_FILE_OK);
        assert_int_equal(get(f, NOW), 42);
        ring_file_close(f);
}

static void samples_survive_sigkill(void **state) {
        int status = 0;
        RingFile *f;
        pid_t pid;

        (void) state;
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (try_open("boot", true, &f) == RING_FILE_OK) {
                        add(f, NOW, 43);
                        (void) raise(SIGKILL);
                }
                _exit(1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(try_open("boot", false, &f), RING_FILE_OK);
        assert_int_equal(get(f, NOW), 43);
        ring_file_close(f);
}

static void another_boot_loses_the_newest_minute(void **state) {
        RingFile *f;

        (void) state;
        assert_int_equal(try_open("one", true, &f), RING_FILE_OK);
        add(f, NOW - 100000, 1);
        add(f, NOW, 2);
        ring_file_close(f);
        assert_int_equal(try_open("two", true, &f), RING_FILE_OK);
        assert_int_equal(get(f, NOW - 100000), 1);
        assert_true(get(f, NOW) == SAMPLE_MISSING);
        ring_file_close(f);
}

static void put(const char *text, size_t length) {
        assert_int_equal(fs_write_atomic(dir, "node", text, length, 0600, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER), 0);
}

static void what_is_damaged_begins_anew(void **state) {
        auto_free char *text = NULL;
        size_t length = 0;
        RingFile *f;

        (void) state;
        assert_int_equal(try_open("boot", true, &f), RING_FILE_OK);
        add(f, NOW, 42);
        ring_file_close(f);
        assert_int_equal(fs_read_file(dir, "node", 1 << 20, &text, &length), 0);
        for (unsigned i = 0; i < 4; i++) {
                if (i == 0)
                        put("", 0);
                else if (i == 1)
                        put(text, length - 1); /* cut off */
                else if (i == 2) {
                        text[8]++; /* another version */
                        put(text, length);
                } else {
                        assert_int_equal(unlinkat(dir, "node", 0), 0);
                        assert_int_equal(symlinkat("/etc/passwd", dir, "node"), 0);
                }
                assert_int_equal(try_open("boot", true, &f), RING_FILE_E_NEW);
                assert_true(get(f, NOW) == SAMPLE_MISSING);
                add(f, NOW, 5);
                ring_file_close(f);
                assert_int_equal(try_open("boot", true, &f), RING_FILE_OK);
                assert_int_equal(get(f, NOW), 5);
                ring_file_close(f);
        }
}

static void a_directory_that_is_gone_is_an_error(void **state) {
        RingFile *f;

        (void) state;
        assert_int_equal(fs_remove_tree(AT_FDCWD, root), 0);
        assert_int_equal(try_open("boot", true, &f), -ENOENT);
        assert_null(f);
        assert_int_equal(mkdir(root, 0700), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(samples_survive_a_restart, set_up, tear_down),
                cmocka_unit_test_setup_teardown(samples_survive_sigkill, set_up, tear_down),
                cmocka_unit_test_setup_teardown(another_boot_loses_the_newest_minute, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_is_damaged_begins_anew, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_directory_that_is_gone_is_an_error, set_up, tear_down),
        };

        return cmocka_run_group_tests_name("ring-file", tests, NULL, NULL);
}
