/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "harness.h"

#include <signal.h>
#include <sys/epoll.h>

static int setup(void **state) {
        return loop_new((Loop **) state);
}

static int teardown(void **state) {
        assert_null(loop_free(*state));
        return 0;
}

typedef struct {
        Loop *loop;
        Timer *timer;
        Watch *watch;
        int n;
        uint32_t revents;
        int fd;
} Probe;

static void count(void *owner) {
        ((Probe *) owner)->n++;
}

static void test_timer_fires_once(void **state) {
        Probe p = { .loop = *state };
        uint64_t began = clock_monotonic_us();
        assert_int_equal(timer_start(p.loop, 50 * USEC_PER_MSEC, count, &p, &p.timer), 0);
        turn_until(p.loop, p.n == 1);
        assert_true(clock_monotonic_us() - began >= 50 * USEC_PER_MSEC);
        turn_for(p.loop, 100 * USEC_PER_MSEC);
        assert_int_equal(p.n, 1);
        assert_int_equal(timer_rearm(p.timer, 0), 0);
        turn_until(p.loop, p.n == 2);
        assert_null(timer_drop(p.timer));
        assert_null(timer_drop(NULL));
}

static void test_stopped_or_dropped_timer_is_silent(void **state) {
        Probe p = { .loop = *state };
        assert_int_equal(timer_start(p.loop, 10 * USEC_PER_MSEC, count, &p, &p.timer), 0);
        timer_stop(p.timer);
        turn_for(p.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(p.n, 0);
        assert_int_equal(timer_rearm(p.timer, 0), 0);
        timer_drop(p.timer);
        turn_for(p.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(p.n, 0);
}

static void again(void *owner) {
        Probe *p = owner;
        if (++p->n == 3)
                p->timer = timer_drop(p->timer);
        else
                assert_int_equal(timer_rearm(p->timer, USEC_PER_MSEC), 0);
}

static void test_timer_may_rearm_and_drop_itself(void **state) {
        Probe p = { .loop = *state };
        assert_int_equal(timer_start(p.loop, 0, again, &p, &p.timer), 0);
        turn_until(p.loop, p.n == 3);
        assert_null(p.timer);
        turn_for(p.loop, 20 * USEC_PER_MSEC);
        assert_int_equal(p.n, 3);
}

static void readable(void *owner, uint32_t revents) {
        Probe *p = owner;
        char c;
        p->n++;
        p->revents = revents;
        if (read(p->fd, &c, 1) == 0)
                p->watch = watch_drop(p->watch);
}

static void test_watch(void **state) {
        Probe p = { .loop = *state };
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        p.fd = fds[0];
        assert_int_equal(watch_start(p.loop, fds[0], 0, readable, &p, &p.watch), 0);
        assert_int_equal(write(fds[1], "x", 1), 1);
        turn_for(p.loop, 20 * USEC_PER_MSEC);
        assert_int_equal(p.n, 0);
        assert_int_equal(watch_change(p.watch, EPOLLIN), 0);
        turn_until(p.loop, p.n == 1);
        assert_true(p.revents & EPOLLIN);
        close(fds[1]);
        turn_until(p.loop, p.watch == NULL);
        close(fds[0]);
}

static void leave(void *owner) {
        loop_exit(((Probe *) owner)->loop, 7);
}

static int notify_socket(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path, path);
        (void) unlink(path);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        return fd;
}

static void test_run_tells_systemd_and_feeds_the_watchdog(void **state) {
        (void) state;
        char path[64], told[512] = "", pid[16];
        (void) snprintf(path, sizeof path, "/tmp/ns-notify-%d", (int) getpid());
        (void) snprintf(pid, sizeof pid, "%d", (int) getpid());
        int fd = notify_socket(path);
        setenv("NOTIFY_SOCKET", path, 1);
        setenv("WATCHDOG_USEC", "100000", 1);
        setenv("WATCHDOG_PID", pid, 1);
        Probe p = { 0 };
        assert_int_equal(loop_new(&p.loop), 0);
        assert_int_equal(timer_start(p.loop, 300 * USEC_PER_MSEC, leave, &p, &p.timer), 0);
        assert_int_equal(loop_run(p.loop), 7);
        for (size_t n = 0;;) {
                ssize_t got = recv(fd, told + n, sizeof told - n - 2, 0);
                if (got <= 0)
                        break;
                n += (size_t) got;
                told[n++] = '\n';
        }
        assert_non_null(strstr(told, "WATCHDOG=1"));
        assert_memory_equal(told + strlen(told) - 11, "STOPPING=1\n", 11);
        assert_non_null(strstr(told, "READY=1"));
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        timer_drop(p.timer);
        loop_free(p.loop);
        close(fd);
        unlink(path);
}

static void hit(void *owner) {
        (void) owner;
        (void) raise(SIGTERM);
}

static void test_signal_ends_the_loop(void **state) {
        Probe p = { .loop = *state };
        assert_int_equal(timer_start(p.loop, 0, hit, &p, &p.timer), 0);
        assert_int_equal(loop_run(p.loop), 0);
        timer_drop(p.timer);
}

static void test_clocks(void **state) {
        (void) state;
        /* time() has the kernel's last tick, which may be a little behind. */
        int64_t before = time(NULL), now = clock_now_ms() / 1000, after = time(NULL);
        assert_true(before <= now && now <= after + 1);
        uint64_t first = clock_monotonic_us();
        (void) usleep(2000);
        uint64_t passed = clock_monotonic_us() - first;
        assert_true(passed >= 2000 && passed < PATIENCE_US);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_timer_fires_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stopped_or_dropped_timer_is_silent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_timer_may_rearm_and_drop_itself, setup, teardown),
                cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
                cmocka_unit_test(test_run_tells_systemd_and_feeds_the_watchdog),
                cmocka_unit_test_setup_teardown(test_signal_ends_the_loop, setup, teardown),
                cmocka_unit_test(test_clocks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
