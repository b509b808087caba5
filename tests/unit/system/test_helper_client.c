/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The client against a real server on a unix socket, in a process of its own, and against programs in place of sudo.
 *
 * The server does what the verb says, so that a test reads as what the helper did. Its `ok` answers carry the request back. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "system/helper_client_internal.h"

static char directory[] = "/tmp/nanoscale-helper-XXXXXX";
static char path[64];
static pid_t server;
static int gate[2]; /* a socket pair: the server says that it holds a request, and goes on when it is told to */

/* --- the server --- */

static size_t read_request(int fd, char *buffer, size_t size) {
        size_t length = 0;

        for (;;) {
                ssize_t n = read(fd, buffer + length, size - 1 - length);

                if (n <= 0)
                        break;
                length += (size_t) n;
        }
        buffer[length] = '\0';
        return length;
}

static void say(int fd, const char *text, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, text, length);

                if (n <= 0)
                        return;
                text += n;
                length -= (size_t) n;
        }
}

static void answer(int fd) {
        static char request[5 << 20], reply[64 << 10];
        size_t length;

        /* This one decides before it has read anything. */
        if (recv(fd, request, 5, MSG_PEEK | MSG_WAITALL) == 5 && memcmp(request, "early", 5) == 0) {
                say(fd, "error denied You may not.\n", 26);
                return;
        }
        length = read_request(fd, request, sizeof(request));
        if (strncmp(request, "echo", 4) == 0) {
                for (size_t i = 0; i < length; i++)
                        if (request[i] == '\n')
                                request[i] = '|';
                say(fd, "ok ", 3);
                say(fd, request, length);
                say(fd, "\n", 1);
        } else if (strncmp(request, "count", 5) == 0) {
                (void) snprintf(reply, sizeof(reply), "ok %zu\n", length);
                say(fd, reply, strlen(reply));
        } else if (strncmp(request, "bare", 4) == 0)
                say(fd, "ok\n", 3);
        else if (strncmp(request, "slowly", 6) == 0) {
                /* The answer comes byte by byte. */
                static const char slow[] = "error nginx The configuration test failed.\n";

                for (const char *c = slow; *c; c++) {
                        say(fd, c, 1);
                        (void) usleep(1000);
                }
        } else if (strncmp(request, "wait", 4) == 0) {
                (void) usleep(100 * 1000);
                say(fd, "ok waited\n", 10);
        } else if (strncmp(request, "hold", 4) == 0) {
                char byte;

                if (write(gate[1], "x", 1) == 1 && read(gate[1], &byte, 1) == 1)
                        say(fd, "ok held\n", 8);
        } else if (strncmp(request, "cut", 3) == 0)
                say(fd, "ok but with", 11);
        else if (strncmp(request, "two", 3) == 0)
                say(fd, "ok\nok\n", 6);
        else if (strncmp(request, "control", 7) == 0)
                say(fd, "error system \033[2J\n", 18);
        else if (strncmp(request, "word", 4) == 0)
                say(fd, "error whatever A sentence.\n", 27);
        else if (strncmp(request, "sentence", 8) == 0)
                say(fd, "error system\n", 13);
        else if (strncmp(request, "okay", 4) == 0)
                say(fd, "okay\n", 5);
        else if (strncmp(request, "long", 4) == 0) {
                memset(reply, 'x', sizeof(reply));
                memcpy(reply, "ok ", 3);
                reply[strtoul(request + 5, NULL, 10) - 1] = '\n';
                say(fd, reply, strtoul(request + 5, NULL, 10));
        } else if (strncmp(request, "never", 5) == 0)
                (void) pause();
        /* Anything else: closed without an answer. */
}

static void serve(int listener) {
        /* One at a time: two at once would be seen by the one that comes second, in the time it takes. */
        for (;;) {
                int fd = accept(listener, NULL, NULL);

                if (fd < 0)
                        _exit(1);
                answer(fd);
                (void) close(fd);
        }
}

static void start_server(int backlog) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memcpy(address.sun_path, path, strlen(path));
        assert_true(listener >= 0);
        (void) unlink(path);
        assert_int_equal(bind(listener, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(listener, backlog), 0);
        server = fork();
        assert_true(server >= 0);
        if (server == 0) {
                (void) signal(SIGPIPE, SIG_IGN);
                serve(listener);
        }
        (void) close(listener);
}

static void stop_server(void) {
        if (server > 0) {
                (void) kill(server, SIGKILL);
                (void) waitpid(server, NULL, 0);
        }
        server = 0;
}

/* --- asking --- */

typedef struct {
        Loop *loop;
        HelperClient *client;
        unsigned wanted; /* answers, then the loop ends */
        char log[4096];  /* what the answers were, a line each */
        HelperCall *calls[8];
        bool drop_in_callback;
} Asker;

static void on_answer(void *owner, const HelperAnswer *a) {
        Asker *asker = owner;
        size_t at = strlen(asker->log);

        (void) snprintf(asker->log + at, sizeof(asker->log) - at, "%s:%.200s\n", a->ok ? "ok" : a->word, a->text);
        if (asker->drop_in_callback) {
                for (size_t i = 0; i < ELEMENTS(asker->calls); i++)
                        asker->calls[i] = helper_call_drop(asker->calls[i]);
                asker->client = helper_client_free(asker->client);
        }
        if (--asker->wanted == 0)
                loop_exit(asker->loop, 0);
}

static void on_patience(void *owner) {
        loop_exit(((Asker *) owner)->loop, 99);
}

/* Far more than a busy machine needs; the loop's is the longer one, so that the client's own limit is seen. */
#define TIMEOUT_US (60 * USEC_PER_SEC)
#define PATIENCE_US (2 * TIMEOUT_US)

static void setup_asker(Asker *a, const char *socket, char *const *argv, uint64_t timeout_us) {
        *a = (Asker){ 0 };
        assert_int_equal(loop_new(&a->loop), 0);
        assert_int_equal(helper_client_new_at(a->loop, socket, argv, timeout_us, &a->client), 0);
}

static void run(Asker *a) {
        Timer *patience = NULL;

        assert_int_equal(timer_start(a->loop, PATIENCE_US, on_patience, a, &patience), 0);
        assert_int_equal(loop_run(a->loop), 0);
        timer_drop(patience);
}

static void done_asker(Asker *a) {
        for (size_t i = 0; i < ELEMENTS(a->calls); i++)
                helper_call_drop(a->calls[i]);
        helper_client_free(a->client);
        loop_free(a->loop);
}

static void ask(Asker *a, const char *verb, const char *id, const char *argument, FieldWriter *w) {
        size_t i = 0;

        while (a->calls[i])
                i++;
        assert_int_equal(helper_call(a->client, verb, id, argument, w, on_answer, a, &a->calls[i]), 0);
        a->wanted++;
}

/* One question, one answer. */
static void expect(const char *verb, const char *id, const char *wanted) {
        Asker a;

        setup_asker(&a, path, NULL, TIMEOUT_US);
        ask(&a, verb, id, NULL, NULL);
        assert_string_equal(a.log, ""); /* nothing from inside the call */
        run(&a);
        assert_string_equal(a.log, wanted);
        done_asker(&a);
}

#define CONFUSED "unreachable:The helper's answer was not understood. Are agent and helper of the same version?\n"

static void answers(void **state) {
        (void) state;
        start_server(8);
        expect("bare", NULL, "ok:\n");
        expect("echo", NULL, "ok:echo|end|\n");
        expect("echo", "project00001", "ok:echo project00001|end|\n");
        expect("slowly", NULL, "nginx:The configuration test failed.\n");
        expect("early", NULL, "denied:You may not.\n");
        expect("cut", NULL, CONFUSED);
        expect("two", NULL, CONFUSED);
        expect("control", NULL, CONFUSED);
        expect("word", NULL, CONFUSED);
        expect("sentence", NULL, CONFUSED);
        expect("okay", NULL, CONFUSED);
        expect("nothing", NULL,
               "unreachable:The helper ended without an answer. Its journal says why: journalctl -u 'nanoscale-helper@*'.\n");
        stop_server();
}

static void long_answers(void **state) {
        Asker a;

        (void) state;
        start_server(8);
        setup_asker(&a, path, NULL, TIMEOUT_US);
        ask(&a, "long", "8192", NULL, NULL);
        run(&a);
        assert_memory_equal(a.log, "ok:xxx", 6);
        done_asker(&a);
        expect("long", "8193", CONFUSED);
        expect("long", "65536", CONFUSED);
        stop_server();
}

static void fields_and_arguments(void **state) {
        FieldWriter w = { 0 };
        Asker a;

        (void) state;
        start_server(8);
        setup_asker(&a, path, NULL, TIMEOUT_US);
        fields_put(&w, "host", "shop.example");
        fields_put(&w, "host", "");
        fields_put_number(&w, "body_mib", 10);
        ask(&a, "echo", "project00001", "7", &w);
        assert_null(w.text);
        run(&a);
        assert_string_equal(a.log, "ok:echo project00001 7|host shop.example|host |body_mib 10|end|\n");
        done_asker(&a);
        stop_server();
}

static void large_requests(void **state) {
        static char value[32 * 1024 + 1];
        FieldWriter w = { 0 };
        HelperCall *call = NULL;
        Asker a;
        char wanted[64];

        (void) state;
        start_server(8);
        setup_asker(&a, path, NULL, TIMEOUT_US);
        memset(value, 'v', sizeof(value) - 1);
        for (int i = 0; i < 127; i++)
                fields_put(&w, "env", value);
        ask(&a, "count", NULL, NULL, &w);
        run(&a);
        (void) snprintf(wanted, sizeof(wanted), "ok:%zu\n", strlen("count\nend\n") + 127 * (strlen("env \n") + strlen(value)));
        assert_string_equal(a.log, wanted);
        for (int i = 0; i < 129; i++)
                fields_put(&w, "env", value);
        assert_int_equal(helper_call(a.client, "count", NULL, NULL, &w, on_answer, &a, &call), -EFBIG);
        assert_null(w.text);
        done_asker(&a);

        /* Refused while most of it is still unsent. */
        setup_asker(&a, path, NULL, TIMEOUT_US);
        for (int i = 0; i < 127; i++)
                fields_put(&w, "env", value);
        ask(&a, "early", NULL, NULL, &w);
        run(&a);
        assert_string_equal(a.log, "denied:You may not.\n");
        done_asker(&a);
        stop_server();
}

static void malformed_requests(void **state) {
        static const char *const bad[][3] = {
                { "", NULL, NULL },    { "Echo", NULL, NULL },       { "echo x", NULL, NULL },  { "echo", "a b", NULL },
                { "echo", "", NULL },  { "echo", "a\nfield", NULL }, { "echo", "a", "../etc" }, { "echo", NULL, "a" },
                { "echo", "a", "b;" }, { "echo", "\xc3\xa4", NULL },
        };
        FieldWriter w = { 0 };
        HelperCall *call = NULL;
        Asker a;

        (void) state;
        setup_asker(&a, path, NULL, USEC_PER_SEC);
        for (size_t i = 0; i < ELEMENTS(bad); i++) {
                fields_put(&w, "host", "x");
                assert_int_equal(helper_call(a.client, bad[i][0], bad[i][1], bad[i][2], &w, on_answer, &a, &call), -EINVAL);
                assert_null(w.text);
                assert_null(call);
        }
        fields_put(&w, "host", "two\nlines");
        assert_int_equal(helper_call(a.client, "echo", NULL, NULL, &w, on_answer, &a, &call), -EBADMSG);
        done_asker(&a);
}

static void one_at_a_time_in_order(void **state) {
        Asker a;

        (void) state;
        start_server(1);
        setup_asker(&a, path, NULL, TIMEOUT_US);
        ask(&a, "wait", NULL, NULL, NULL);
        ask(&a, "echo", "a", NULL, NULL);
        ask(&a, "nothing", NULL, NULL, NULL);
        ask(&a, "echo", "b", NULL, NULL);
        run(&a);
        assert_string_equal(a.log,
                            "ok:waited\nok:echo a|end|\n"
                            "unreachable:The helper ended without an answer. Its journal says why: journalctl -u 'nanoscale-helper@*'.\n"
                            "ok:echo b|end|\n");
        done_asker(&a);
        stop_server();
}

static void take_gate(void) {
        char byte;

        assert_int_equal(read(gate[0], &byte, 1), 1);
}

static void open_gate(void) {
        assert_int_equal(write(gate[0], "x", 1), 1);
}

static void drop_sent(void *owner) {
        Asker *a = owner;

        a->calls[0] = helper_call_drop(a->calls[0]);
        a->wanted--;
}

static void drop_held(void *owner, uint32_t revents) {
        (void) revents;
        take_gate();
        drop_sent(owner);
        open_gate();
}

static void leave_held(void *owner, uint32_t revents) {
        (void) revents;
        take_gate();
        loop_exit(((Asker *) owner)->loop, 7);
}

/* A call that waits is never sent; one that was sent keeps its turn, silently. */
static void dropping(void **state) {
        Watch *held = NULL;
        Asker a;

        (void) state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate), 0);
        start_server(8);
        setup_asker(&a, path, NULL, TIMEOUT_US);
        ask(&a, "hold", NULL, NULL, NULL);
        ask(&a, "echo", "b", NULL, NULL);
        ask(&a, "echo", "c", NULL, NULL);
        assert_int_equal(watch_start(a.loop, gate[0], EPOLLIN, drop_held, &a, &held), 0);
        a.calls[1] = helper_call_drop(a.calls[1]);
        a.wanted--;
        run(&a);
        assert_string_equal(a.log, "ok:echo c|end|\n");
        watch_drop(held);
        done_asker(&a);

        /* The client goes first, with one dropped call under way and one that waits. */
        setup_asker(&a, path, NULL, TIMEOUT_US);
        ask(&a, "hold", NULL, NULL, NULL);
        ask(&a, "echo", "b", NULL, NULL);
        assert_int_equal(watch_start(a.loop, gate[0], EPOLLIN, leave_held, &a, &held), 0);
        assert_int_equal(loop_run(a.loop), 7);
        drop_sent(&a);
        a.client = helper_client_free(a.client);
        watch_drop(held);
        open_gate();
        assert_string_equal(a.log, "");
        done_asker(&a);
        assert_null(helper_call_drop(NULL));
        assert_null(helper_client_free(NULL));

        /* Everything goes in the callback. */
        setup_asker(&a, path, NULL, TIMEOUT_US);
        a.drop_in_callback = true;
        ask(&a, "echo", "a", NULL, NULL);
        ask(&a, "echo", "b", NULL, NULL);
        a.wanted = 1;
        run(&a);
        assert_string_equal(a.log, "ok:echo a|end|\n");
        done_asker(&a);
        stop_server();
        (void) close(gate[0]);
        (void) close(gate[1]);
}

static void limits(void **state) {
        Asker a;

        (void) state;
        start_server(8);
        setup_asker(&a, path, NULL, 200 * USEC_PER_MSEC);
        ask(&a, "never", NULL, NULL, NULL);
        run(&a);
        assert_string_equal(a.log, "unreachable:The helper did not answer in time.\n");
        done_asker(&a);
        stop_server();
}

static void nobody_there(void **state) {
        char wanted[256];

        (void) state;
        (void) unlink(path);
        (void) snprintf(wanted, sizeof(wanted),
                        "unreachable:The helper cannot be reached at %s: No such file or directory. Does nanoscale-helper.socket run?\n",
                        path);
        expect("echo", NULL, wanted);
        start_server(8);
        stop_server();
        (void) snprintf(wanted, sizeof(wanted),
                        "unreachable:The helper cannot be reached at %s: Connection refused. Does nanoscale-helper.socket run?\n", path);
        expect("echo", NULL, wanted);
}

/* The queue of the socket is full at first; the client tries again until the server takes it. */
static void full_queue(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int others[16], n = 0;

        (void) state;
        start_server(0);
        assert_int_equal(kill(server, SIGSTOP), 0);
        memcpy(address.sun_path, path, strlen(path));
        for (; n < 16; n++) {
                others[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (connect(others[n], (const struct sockaddr *) &address, sizeof(address)) < 0) {
                        assert_int_equal(errno, EAGAIN);
                        break;
                }
        }
        assert_true(n < 16);
        {
                pid_t waker = fork();

                if (waker == 0) {
                        (void) usleep(200 * 1000);
                        for (int i = 0; i <= n; i++)
                                (void) close(others[i]);
                        (void) kill(server, SIGCONT);
                        _exit(0);
                }
                for (int i = 0; i <= n; i++)
                        (void) close(others[i]);
                expect("echo", NULL, "ok:echo|end|\n");
                (void) waitpid(waker, NULL, 0);
        }
        stop_server();
}

static void expect_program(const char *program, const char *argument, const char *wanted) {
        char *argv[] = { (char *) (uintptr_t) program, (char *) (uintptr_t) argument, NULL };
        Asker a;

        setup_asker(&a, NULL, argv, TIMEOUT_US);
        ask(&a, "ok", "project00001", NULL, NULL);
        run(&a);
        assert_string_equal(a.log, wanted);
        done_asker(&a);
}

static void programs(void **state) {
        static const char silent[] =
                        "unreachable:sudo did not start the helper. The journal says why; the rules are in /etc/sudoers.d/nanoscale.\n";
        char *argv[] = { (char[]){ "/usr/bin/sleep" }, (char[]){ "600" }, NULL };
        Asker a;

        (void) state;
        /* The request itself comes back: `ok project00001`, and `end` below it, which is one line too much. */
        expect_program("/usr/bin/cat", NULL, CONFUSED);
        expect_program("/usr/bin/head", "-n1", "ok:project00001\n");
        expect_program("/usr/bin/false", NULL, silent);
        expect_program("/nonexistent", NULL, silent);
        setup_asker(&a, NULL, argv, 100 * USEC_PER_MSEC);
        ask(&a, "ok", NULL, NULL, NULL);
        run(&a);
        assert_string_equal(a.log, "unreachable:The helper did not answer in time.\n");
        done_asker(&a);
}

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/helper.sock", directory);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        stop_server();
        (void) unlink(path);
        return rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers),
                cmocka_unit_test(long_answers),
                cmocka_unit_test(fields_and_arguments),
                cmocka_unit_test(large_requests),
                cmocka_unit_test(malformed_requests),
                cmocka_unit_test(one_at_a_time_in_order),
                cmocka_unit_test(dropping),
                cmocka_unit_test(limits),
                cmocka_unit_test(nobody_there),
                cmocka_unit_test(full_queue),
                cmocka_unit_test(programs),
        };

        return cmocka_run_group_tests_name("helper client", tests, set_up, tear_down);
}
