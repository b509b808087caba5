/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/listen.h"
#include "harness.h"

#include <systemd/sd-daemon.h>

#define N 6

/* As systemd leaves it behind: six descriptors from 3 on, named in the environment. It is asked once a process, so all is one test. */
static void test_each_socket_is_given_once_by_its_name(void **state) {
        (void) state;
        char path[64], text[16];
        int fds[N];
        (void) snprintf(path, sizeof path, "/tmp/ns-listen-%d.sock", (int) getpid());
        for (int i = 0; i < N; i++) /* the last two: a file, and a socket that does not listen */
                fds[i] = i < 4 ? listen_unix(path) : i == 4 ? open("/dev/null", O_RDONLY) : socket(AF_UNIX, SOCK_STREAM, 0);
        int high[N];
        for (int i = 0; i < N; i++) /* out of the way of where they go */
                assert_true((high[i] = fcntl(fds[i], F_DUPFD, 100)) >= 100);
        for (int i = 0; i < N; i++)
                assert_int_equal(dup2(high[i], SD_LISTEN_FDS_START + i), SD_LISTEN_FDS_START + i);
        (void) snprintf(text, sizeof text, "%d", (int) getpid());
        assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
        assert_int_equal(setenv("LISTEN_FDS", "6", 1), 0);
        assert_int_equal(setenv("LISTEN_FDNAMES", "agent:twice:gateway:twice:file:deaf", 1), 0);

        assert_int_equal(listen_fd_take("gateway"), SD_LISTEN_FDS_START + 2);
        assert_null(getenv("LISTEN_FDS"));
        assert_int_equal(listen_fd_take("agent"), SD_LISTEN_FDS_START);
        assert_true(fcntl(SD_LISTEN_FDS_START, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(listen_fd_take("agent"), -ENOENT);
        assert_int_equal(listen_fd_take("agen"), -ENOENT);
        assert_int_equal(listen_fd_take(""), -ENOENT);
        assert_int_equal(listen_fd_take("twice"), -EINVAL);
        assert_int_equal(listen_fd_take("file"), -EINVAL);
        assert_int_equal(listen_fd_take("deaf"), -EINVAL);
        (void) unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_socket_is_given_once_by_its_name) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
