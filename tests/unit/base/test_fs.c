/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/fs.h"

static char place[64];
static int dir = -1;

static int make_place(void **state) {
        (void) state;
        (void) strcpy(place, "/tmp/nanoscale-fs-XXXXXX");
        if (!mkdtemp(place))
                return -1;
        dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dir < 0 ? -1 : 0;
}

static int drop_place(void **state) {
        (void) state;
        (void) fs_empty_tree(dir, ".");
        (void) close(dir);
        return rmdir(place);
}

static bool there(const char *path) {
        return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void write_text(const char *name, const char *text) {
        assert_int_equal(fs_write_atomic(dir, name, text, strlen(text), 0644, getuid(), getgid()), 0);
}

static void test_open_follows_nothing(void **state) {
        static const char *const refused[] = { "",     "/",     "/etc/passwd", "..",     ".",      "a/..",  "a/../a/f",
                                               "a//f", "a/./f", "a/f/",        "../etc", "link/f", "a/link" };

        (void) state;
        assert_int_equal(mkdirat(dir, "a", 0700), 0);
        assert_int_equal(close(fs_open(dir, "a/f", O_WRONLY | O_CREAT, 0600)), 0);
        assert_int_equal(symlinkat("a", dir, "link"), 0);
        assert_int_equal(symlinkat("f", dir, "a/link"), 0);
        assert_int_equal(close(fs_open(dir, "a/f", O_RDONLY, 0)), 0);
        for (size_t i = 0; i < ELEMENTS(refused); i++)
                assert_true(fs_open(dir, refused[i], O_RDONLY, 0) < 0);
        assert_int_equal(fs_open(dir, "a/link", O_RDONLY, 0), -ELOOP);
        assert_int_equal(fs_open_directory(dir, "link"), -ENOTDIR);
        assert_int_equal(fs_open(dir, "a/absent", O_RDONLY, 0), -ENOENT);
}

static void test_write_is_whole_and_ours(void **state) {
        auto_free char *text = NULL;
        struct stat st;

        (void) state;
        write_text("f", "one");
        /* What a killed writer left, and a link that somebody put where the new file is prepared. */
        assert_int_equal(symlinkat("/tmp/nanoscale-never", dir, ".f.new"), 0);
        assert_int_equal(fs_write_atomic(dir, "f", "two", 3, 0640, getuid(), getgid()), 0);
        assert_int_equal(access("/tmp/nanoscale-never", F_OK), -1);
        assert_false(there(".f.new"));
        assert_int_equal(fstatat(dir, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(fs_read_file(dir, "f", 100, &text, NULL), 0);
        assert_string_equal(text, "two");
        /* Over a link: the link is replaced, not what it points to. */
        assert_int_equal(symlinkat("f", dir, "l"), 0);
        write_text("l", "three");
        assert_int_equal(fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(fs_write_atomic(dir, "a/b", "", 0, 0644, getuid(), getgid()), -EINVAL);
        assert_int_equal(fs_write_atomic(dir, "..", "", 0, 0644, getuid(), getgid()), -EINVAL);
        assert_int_equal(fs_link_atomic(dir, "l", "a.sock", FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER), 0);
        assert_int_equal(fs_link_atomic(dir, "l", "b.sock", getuid(), getgid()), 0);
        {
                char target[16] = "";

                assert_int_equal(readlinkat(dir, "l", target, sizeof(target)), 6);
                assert_string_equal(target, "b.sock");
        }
}

static void test_read_has_a_limit(void **state) {
        char *text = NULL;

        (void) state;
        write_text("f", "12345");
        assert_int_equal(fs_read_file(dir, "f", 4, &text, NULL), -EFBIG);
        assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
        assert_int_equal(fs_read_file(dir, "fifo", 4, &text, NULL), -EBADF); /* and does not hang */
        assert_int_equal(symlinkat("f", dir, "l"), 0);
        assert_int_equal(fs_read_file(dir, "l", 100, &text, NULL), -ELOOP);
        assert_null(text);
}

static void test_remove_stays_inside(void **state) {
        (void) state;
        assert_int_equal(mkdirat(dir, "kept", 0700), 0);
        assert_int_equal(mkdirat(dir, "tree", 0700), 0);
        assert_int_equal(mkdirat(dir, "tree/closed", 0700), 0);
        {
                auto_close int f = fs_open(dir, "tree/closed/f", O_WRONLY | O_CREAT, 0600);
                auto_close int g = fs_open(dir, "kept/f", O_WRONLY | O_CREAT, 0600);

                assert_true(f >= 0 && g >= 0);
        }
        assert_int_equal(symlinkat("../kept", dir, "tree/link"), 0);
        assert_int_equal(symlinkat("kept", dir, "link"), 0);
        assert_int_equal(fchmodat(dir, "tree/closed", 0, 0), 0);
        assert_int_equal(fs_remove_tree(dir, "tree"), 0);
        assert_int_equal(fs_remove_tree(dir, "tree"), 0);
        assert_int_equal(fs_remove_tree(dir, "link"), 0); /* the link itself */
        assert_false(there("tree") || there("link"));
        assert_true(there("kept/f"));
}

/* Deeper than PATH_MAX, and than a process may have files open. */
static void test_removes_any_depth(void **state) {
        int at = dup(dir);

        (void) state;
        for (unsigned i = 0; i < 1500; i++) {
                int next;

                assert_int_equal(mkdirat(at, "deep", 0700), 0);
                next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(at);
                at = next;
        }
        (void) close(at);
        assert_int_equal(fs_remove_tree(dir, "deep"), 0);
        assert_false(there("deep"));
}

/* Somebody swaps a directory of the tree for a link to what must stay, as fast as they can. */
static void test_removes_while_others_swap(void **state) {
        pid_t pid;

        (void) state;
        assert_int_equal(mkdirat(dir, "kept", 0700), 0);
        assert_int_equal(close(fs_open(dir, "kept/f", O_WRONLY | O_CREAT, 0600)), 0);
        pid = fork();
        if (pid == 0) {
                (void) alarm(2);
                for (;;) {
                        (void) mkdirat(dir, "tree", 0700);
                        (void) mkdirat(dir, "tree/x", 0700);
                        (void) mkdirat(dir, "tree/x/f", 0700);
                        if (symlinkat("../kept", dir, "tree/l") < 0 && errno != EEXIST && errno != ENOENT && errno != ENOTDIR)
                                _exit(1);
                        (void) renameat2(dir, "tree/x", dir, "tree/l", RENAME_EXCHANGE);
                }
        }
        while (waitpid(pid, NULL, WNOHANG) == 0) /* until its alarm */
                (void) fs_remove_tree(dir, "tree");
        assert_true(there("kept/f"));
        assert_int_equal(fs_remove_tree(dir, "tree"), 0);
}

static void test_make_directory(void **state) {
        struct stat st;

        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(fs_make_directory(dir, "d", 0750, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER), 0);
                assert_int_equal(fstatat(dir, "d", &st, 0), 0);
                assert_int_equal(st.st_mode & 07777, 0750);
                assert_int_equal(fchmodat(dir, "d", 0777, 0), 0);
        }
        assert_int_equal(symlinkat("d", dir, "l"), 0);
        assert_true(fs_make_directory(dir, "l", 0700, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_open_follows_nothing, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_write_is_whole_and_ours, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_read_has_a_limit, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_remove_stays_inside, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_removes_any_depth, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_removes_while_others_swap, make_place, drop_place),
                cmocka_unit_test_setup_teardown(test_make_directory, make_place, drop_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
