/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/child.h"
#include "harness.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef struct {
        Loop *loop;
        Child *child;
        int n, exit_code, signal;
        bool timed_out, drop_inside;
        size_t length;
        char output[256 * 1024];
} Probe;

static Probe probe;

static int setup(void **state) {
        memset(&probe, 0, sizeof probe);
        *state = &probe;
        return loop_new(&probe.loop);
}

static int teardown(void **state) {
        (void) state;
        child_drop(probe.child);
        loop_free(probe.loop);
        return 0;
}

static void done(void *owner, const ChildResult *result) {
        Probe *p = owner;
        if (p->drop_inside)
                p->child = child_drop(p->child);
        p->n++;
        p->exit_code = result->exit_code;
        p->signal = result->signal;
        p->timed_out = result->timed_out;
        p->length = result->length;
        assert_true(result->length < sizeof p->output);
        memcpy(p->output, result->output, result->length + 1);
}

static void call(int (*work)(void *, int), void *argument, size_t limit, uint64_t timeout_us) {
        assert_int_equal(child_call(probe.loop, work, argument, limit, timeout_us, done, &probe, &probe.child), 0);
        assert_int_equal(probe.n, 0);
}

static void run(char *const argv[], char *const envp[], const char *input, size_t length) {
        assert_int_equal(child_exec(probe.loop, argv, envp, input, length, sizeof probe.output - 1, 0, done, &probe, &probe.child), 0);
        turn_until(probe.loop, probe.n == 1);
}

static int say(void *argument, int fd) {
        (void) dprintf(fd, "%s %d", (const char *) argument, fd);
        return 42;
}

static void test_call(void **state) {
        (void) state;
        char word[] = "hello";
        call(say, word, 100, 0);
        turn_until(probe.loop, probe.n == 1);
        assert_int_equal(probe.exit_code, 42);
        assert_int_equal(probe.signal, 0);
        assert_string_equal(probe.output, "hello 3");
}

static void test_drop_inside_the_callback(void **state) {
        (void) state;
        char word[] = "hello";
        probe.drop_inside = true;
        call(say, word, 100, USEC_PER_SEC);
        turn_until(probe.loop, probe.n == 1);
        assert_string_equal(probe.output, "hello 3");
        assert_null(probe.child);
}

/* More than the limit and more than a pipe holds: the child must come to its end all the same. */
static int say_much(void *argument, int fd) {
        (void) argument;
        for (int i = 0; i < 100000; i++)
                if (write(fd, "0123456789", 10) != 10)
                        return 1;
        return 0;
}

static void test_output_is_cut_at_the_limit(void **state) {
        (void) state;
        call(say_much, NULL, 15, 0);
        turn_until(probe.loop, probe.n == 1);
        assert_int_equal(probe.exit_code, 0);
        assert_string_equal(probe.output, "012345678901234");
}

static void test_all_output_below_the_limit_arrives(void **state) {
        (void) state;
        call(say_much, NULL, 200001, 0);
        turn_until(probe.loop, probe.n == 1);
        assert_int_equal(probe.length, 200001);
        for (size_t i = 0; i < probe.length; i++)
                assert_int_equal(probe.output[i], '0' + (int) (i % 10));
}

static int look_around(void *argument, int fd) {
        (void) argument;
        sigset_t mask;
        int death = 0, n_open = 0;
        struct sigaction on_pipe;
        (void) sigprocmask(SIG_BLOCK, NULL, &mask);
        (void) sigaction(SIGPIPE, NULL, &on_pipe);
        (void) prctl(PR_GET_PDEATHSIG, &death);
        for (int i = 0; i < 1024; i++)
                if (fcntl(i, F_GETFD) >= 0)
                        n_open++;
        (void) dprintf(fd, "open %d, blocked %d%d, pipe %s, death %d, leader %d, read %zd", n_open, sigismember(&mask, SIGTERM),
                       sigismember(&mask, SIGCHLD), on_pipe.sa_handler == SIG_DFL ? "default" : "changed", death, getpgrp() == getpid(),
                       read(0, &mask, 1));
        return 0;
}

static void test_child_is_clean(void **state) {
        (void) state;
        int extra = dup(0);
        call(look_around, NULL, 1000, 0);
        turn_until(probe.loop, probe.n == 1);
        close(extra);
        assert_string_equal(probe.output, "open 4, blocked 00, pipe default, death 9, leader 1, read 0");
}

static int linger(void *argument, int fd) {
        (void) argument;
        if (fork() == 0) {
                (void) dprintf(fd, "%d", (int) getpid());
                (void) pause();
        }
        (void) pause();
        return 0;
}

static bool is_alive(pid_t pid) {
        char path[64], line[256] = "";
        (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
        FILE *f = fopen(path, "re");
        if (!f)
                return false;
        bool there = fgets(line, sizeof line, f) != NULL;
        (void) fclose(f);
        return there && strstr(line, ") Z ") == NULL;
}

/* The time-out must come after the grandchild has told its number, and how long that takes is the machine's business: it is doubled until
 * then. */
static void test_timeout_kills_the_whole_group(void **state) {
        (void) state;
        for (uint64_t timeout_us = 100 * USEC_PER_MSEC; probe.length == 0; timeout_us *= 2) {
                assert_true(timeout_us < PATIENCE_US);
                probe.n = 0;
                probe.child = child_drop(probe.child);
                call(linger, NULL, 100, timeout_us);
                turn_until(probe.loop, probe.n == 1);
                assert_true(probe.timed_out);
                assert_int_equal(probe.signal, SIGKILL);
                assert_int_equal(probe.exit_code, -1);
        }
        pid_t grandchild = atoi(probe.output);
        assert_true(grandchild > 1);
        turn_until(probe.loop, !is_alive(grandchild));
}

static int leave_one_behind(void *argument, int fd) {
        (void) argument;
        pid_t pid = fork();
        if (pid == 0) {
                (void) sleep(10 * PATIENCE_US / USEC_PER_SEC);
                _exit(0);
        }
        (void) dprintf(fd, "%d", (int) pid);
        return 0;
}

static void test_end_does_not_wait_for_who_holds_the_pipe(void **state) {
        (void) state;
        call(leave_one_behind, NULL, 100, 0);
        turn_until(probe.loop, probe.n == 1);
        pid_t left = atoi(probe.output);
        assert_true(is_alive(left));
        assert_int_equal(kill(left, SIGKILL), 0);
}

static int n_children(void) {
        int n = 0;
        char path[64];
        (void) snprintf(path, sizeof path, "/proc/self/task/%d/children", (int) getpid());
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        for (int pid; fscanf(f, "%d", &pid) == 1;)
                n++;
        (void) fclose(f);
        return n;
}

static void test_drop_kills_and_reaps(void **state) {
        (void) state;
        call(linger, NULL, 100, 0);
        assert_int_equal(n_children(), 1);
        probe.child = child_drop(probe.child);
        turn_until(probe.loop, n_children() == 0);
        assert_int_equal(probe.n, 0);
}

static void test_drop_at_the_end_of_the_loop_reaps_too(void **state) {
        (void) state;
        call(linger, NULL, 100, 0);
        probe.child = child_drop(probe.child);
        probe.loop = loop_free(probe.loop);
        assert_int_equal(n_children(), 0);
}

static void test_exec_with_input_and_environment(void **state) {
        (void) state;
        static char input[100 * 1024];
        memset(input, 'x', sizeof input);
        char *const argv[] = { (char[]){ "/bin/cat" }, NULL };
        run(argv, NULL, input, sizeof input);
        assert_int_equal(probe.exit_code, 0);
        assert_int_equal(probe.length, sizeof input);
        assert_memory_equal(probe.output, input, sizeof input);
}

static void test_exec_environment_is_exactly_ours(void **state) {
        (void) state;
        setenv("NS_TEST_LEAK", "1", 1);
        char *const argv[] = { (char[]){ "/usr/bin/env" }, NULL };
        char *const envp[] = { (char[]){ "A=1" }, (char[]){ "B=two words" }, NULL };
        run(argv, envp, NULL, 0);
        assert_string_equal(probe.output, "A=1\nB=two words\n");
}

static void test_exec_hands_no_descriptor_on(void **state) {
        (void) state;
        int extra = dup(0); /* without CLOEXEC */
        char *const argv[] = { (char[]){ "/bin/ls" }, (char[]){ "/proc/self/fd" }, NULL };
        run(argv, NULL, NULL, 0);
        close(extra);
        assert_string_equal(probe.output, "0\n1\n2\n3\n"); /* 3 is the directory that ls reads */
}

static void test_exec_failures(void **state) {
        (void) state;
        char *const relative[] = { (char[]){ "cat" }, NULL };
        assert_int_equal(child_exec(probe.loop, relative, NULL, NULL, 0, 10, 0, done, &probe, &probe.child), -EINVAL);
        char *const absent[] = { (char[]){ "/nonexistent/x" }, NULL };
        run(absent, NULL, NULL, 0);
        assert_int_equal(probe.exit_code, 127);
}

static void test_no_descriptor_is_left(void **state) {
        (void) state;
        char word[] = "hello";
        int before = dup(0), after;
        for (int i = 0; i < 5; i++) {
                probe.n = 0;
                call(say, word, 100, USEC_PER_SEC);
                turn_until(probe.loop, probe.n == 1);
                probe.child = child_drop(probe.child);
        }
        probe.n = 0;
        call(say, word, 100, USEC_PER_SEC);
        probe.child = child_drop(probe.child);
        turn_until(probe.loop, n_children() == 0);
        after = dup(0);
        assert_true(after <= before + 2); /* the loop keeps what it has made for timers */
        close(before);
        close(after);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_call),
                T(test_drop_inside_the_callback),
                T(test_output_is_cut_at_the_limit),
                T(test_all_output_below_the_limit_arrives),
                T(test_child_is_clean),
                T(test_timeout_kills_the_whole_group),
                T(test_end_does_not_wait_for_who_holds_the_pipe),
                T(test_drop_kills_and_reaps),
                T(test_drop_at_the_end_of_the_loop_reaps_too),
                T(test_exec_with_input_and_environment),
                T(test_exec_environment_is_exactly_ours),
                T(test_exec_hands_no_descriptor_on),
                T(test_exec_failures),
                T(test_no_descriptor_is_left),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
