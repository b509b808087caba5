/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The program itself, on a connection as systemd gives it one. No request that it accepts: that would ask an authority. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const char *program;

static void ask(int type, const char *text, const char *answer) {
        char got[512] = "";
        size_t length = 0;
        int pair[2], out[2], status;
        pid_t pid;
        ssize_t n;

        assert_int_equal(type == 0 ? pipe(pair) : socketpair(AF_UNIX, type, 0, pair), 0);
        assert_int_equal(pipe(out), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) dup2(pair[0], 0);
                (void) dup2(out[1], 1);
                (void) execl(program, program, NULL);
                _exit(126);
        }
        (void) close(pair[0]);
        (void) close(out[1]);
        /* It may have answered without reading. */
        if (type == 0)
                assert_true(write(pair[1], text, strlen(text)) >= 0 || errno == EPIPE);
        else
                assert_true(send(pair[1], text, strlen(text), MSG_NOSIGNAL) >= 0 || errno == EPIPE);
        (void) close(pair[1]);
        while ((n = read(out[0], got + length, sizeof(got) - 1 - length)) > 0)
                length += (size_t) n;
        (void) close(out[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        assert_string_equal(got, answer);
}

static void test_refusals(void **state) {
        (void) state;
        ask(SOCK_STREAM, "", "error other the request is malformed or cut off\n");
        ask(SOCK_STREAM, "host shop.test\n", "error other the request is malformed or cut off\n");
        ask(SOCK_STREAM, "host shop.test\nend\n", "error other a field is missing, repeated or unknown\n");
        ask(SOCK_STREAM, "host shop.test;id\nserver https://acme.test/dir\nchallenge webroot\nend\n",
            "error other a host is no host name\n");
        ask(SOCK_STREAM, "host shop.test\nserver https://acme.test/dir\nchallenge hook\nhook /nonexistent/hook\nend\n",
            "error other /nonexistent/hook is not an executable file that root alone can write to\n");
}

/* Who asks is known of a connection only. */
static void test_no_connection(void **state) {
        (void) state;
        ask(0, "host shop.test\nend\n", "error other only the agent may ask\n");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_connection) };

        if (argc != 2)
                return 1;
        program = argv[1];
        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
