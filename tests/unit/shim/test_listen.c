/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Plays systemd and the runner for probe.c: a listening unix socket as descriptor 3, the shim preloaded. usage: test-shim SHIM PROBE */
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define PORT "38471"
#define AWAKE "<5>nanoscale: awake after # ms\n"

static const char *shim, *probe;
static char directory[] = "/tmp/nanoscale-shim-XXXXXX";

static int make_socket(const char *path) {
        struct sockaddr_un sun = { .sun_family = AF_UNIX };
        assert_true(strlen(path) < sizeof sun.sun_path);
        memcpy(sun.sun_path, path, strlen(path));
        (void) unlink(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0 && bind(fd, (struct sockaddr *) &sun, sizeof sun) == 0);
        /* Listened to first by somebody whom the app cannot signal, as systemd is. */
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(listen(fd, 64) == 0 ? 0 : 1);
        int status;
        assert_true(waitpid(pid, &status, 0) == pid && status == 0);
        return fd;
}

typedef struct {
        const char *name;
        const char *port, *told_socket, *fd; /* as the environment says it; NULL: the right one; "": absent */
        int passed;                          /* 0: the socket; 1: another listening socket; 2: nothing; 3: a file */
        rlim_t files;                        /* 0: as it is */
        long woken_ms;                       /* 0: it was not woken; else so long ago */
        const char *woken;                   /* the same, as it is */
        const char *said;                    /* on standard error, with # for a number; NULL: nothing */
} Case;

static Case cases[] = {
        { .name = "bind_addresses" },
        { .name = "bind_keeps_flags" },
        { .name = "bind_keeps_errno" },
        { .name = "bind_others_untouched" },
        { .name = "bind_twice" },
        { .name = "listen_keeps_backlog" },
        { .name = "accept" },
        { .name = "accept4" },
        { .name = "getsockname" },
        { .name = "getpeername" },
        { .name = "setsockopt" },
        { .name = "getsockopt" },
        { .name = "connect_addresses" },
        { .name = "connect_keeps_flags" },
        { .name = "connect_names" },
        { .name = "connect_options" },
        { .name = "connect_twice" },
        { .name = "connect_before_listen" },
        { .name = "connect_from_another_program" },
        { .name = "connect_refused" },
        { .name = "connect_others_untouched" },
        { .name = "connect_in_threads" },
        { .name = "close" },
        { .name = "close_range" },
        { .name = "closefrom" },
        { .name = "close_range_that_marks" },
        { .name = "execve" },
        { .name = "execv" },
        { .name = "execvp" },
        { .name = "execvpe" },
        { .name = "threads" },
        { .name = "tight_limit", .files = 64 },
        { .name = "awake", .woken_ms = 250, .said = "||" AWAKE "|" },
        { .name = "awake", .woken_ms = 90000, .said = "||" AWAKE "|" },
        { .name = "awake", .woken_ms = 120500, .said = "|||" },
        { .name = "awake", .said = "|||" },
        { .name = "awake", .woken = "0000000000000000", .said = "|||" },
        { .name = "awake", .woken = "9999999999999999", .said = "|||" },
        { .name = "awake", .woken = "99999999999999999999", .said = "|||" },
        { .name = "awake", .woken = "-5", .said = "|||" },
        { .name = "awake", .woken = "12x", .said = "|||" },
        { .name = "awake_accept4", .woken_ms = 1, .said = AWAKE },
        { .name = "awake_in_threads", .woken_ms = 1, .said = AWAKE },
        { .name = "awake_in_processes", .woken_ms = 1, .said = AWAKE },
        { .name = "awake_in_another_program", .woken_ms = 1, .said = AWAKE },
        { .name = "awake_without_standard_error", .woken_ms = 1 },
        { .name = "inert", .woken_ms = 1, .port = "" },
        { .name = "inert", .port = "0" },
        { .name = "inert", .port = "65536" },
        { .name = "inert", .port = "38471x" },
        { .name = "inert", .port = "-1" },
        { .name = "inert", .told_socket = "" },
        { .name = "inert", .told_socket = "/tmp/other.sock" },
        { .name = "inert", .fd = "" },
        { .name = "inert", .fd = "0" },
        { .name = "inert", .passed = 1 },
        { .name = "inert", .passed = 2 },
        { .name = "inert", .passed = 3 },
};

static void set(const char *key, const char *given, const char *right) {
        if (given && !*given)
                assert_int_equal(unsetenv(key), 0);
        else
                assert_int_equal(setenv(key, given ? given : right, 1), 0);
}

static void set_woken(const Case *c, long woken_us) {
        struct stat st;
        char text[64];
        (void) snprintf(text, sizeof text, "%016ld", woken_us);
        set("NANOSCALE_WOKEN_US", c->woken_ms || c->woken ? c->woken : "", text);
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        (void) snprintf(text, sizeof text, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        set("JOURNAL_STREAM", NULL, text);
}

static long microseconds(void) {
        struct timespec now;
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Reads what the probe has said, a number as #, and looks at the number of milliseconds. */
static void check_said(const Case *c, int fd) {
        char said[4096], plain[4096];
        size_t length = 0, n = 0;
        for (ssize_t r; length < sizeof said - 1 && (r = recv(fd, said + length, sizeof said - 1 - length, 0)) > 0;)
                length += (size_t) r;
        said[length] = '\0';
        for (char *p = said; *p; p++) {
                plain[n++] = *p;
                if (strncmp(p, "after ", 6) == 0) {
                        long ms = strtol(p + 6, &p, 10);
                        assert_in_range(ms, c->woken_ms, c->woken_ms + 60000);
                        n += (size_t) snprintf(plain + n, sizeof plain - n, "fter #%c", *p);
                }
        }
        plain[n] = '\0';
        assert_string_equal(plain, c->said ? c->said : "");
}

_Noreturn static void become(const Case *c, int fd, const char *path, long woken_us) {
        (void) dup2(fd, 3);
        if (c->passed == 2)
                (void) close(3);
        if (c->files) {
                const struct rlimit limit = { c->files, c->files };
                (void) setrlimit(RLIMIT_NOFILE, &limit);
        }
        set("NANOSCALE_LISTEN_FD", c->fd, "3");
        set("NANOSCALE_LISTEN_PORT", c->port, PORT);
        set("NANOSCALE_LISTEN_SOCKET", c->told_socket, path);
        set("PORT", NULL, PORT);
        set("PROBE_SOCKET", NULL, path);
        set("LD_PRELOAD", NULL, shim);
        set_woken(c, woken_us);
        (void) execl(probe, probe, c->name, (char *) NULL);
        _exit(4);
}

static void run(void **state) {
        const Case *c = *state;
        char path[128], other_path[128];
        (void) snprintf(path, sizeof path, "%s/a.sock", directory);
        (void) snprintf(other_path, sizeof other_path, "%s/b.sock", directory);
        auto_close int right = make_socket(path), other = make_socket(other_path), file = open("/dev/null", O_RDWR | O_CLOEXEC);
        /* Descriptor 3 is still ours to give away only if nobody has it. */
        auto_close int given = fcntl(c->passed == 1 ? other : c->passed == 3 ? file : right, F_DUPFD_CLOEXEC, 20);
        assert_true(given >= 0);
        long woken_us = microseconds() - c->woken_ms * 1000;
        int error[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, error), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (dup2(error[1], STDERR_FILENO) == STDERR_FILENO)
                        become(c, given, path, woken_us);
                _exit(5);
        }
        int status;
        (void) close(error[1]);
        check_said(c, error[0]);
        (void) close(error[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        /* By this its processes agreed on who says it; an app's /tmp goes with it. */
        (void) snprintf(path, sizeof path, "/tmp/.nanoscale-awake-%ld", woken_us);
        assert_int_equal(rmdir(path), c->said && strstr(c->said, AWAKE) ? 0 : -1);
}

/* Every function that the shim replaces has a case that is named after it. */
static void test_all_functions(void **state) {
        (void) state;
        const Case *end = cases + ELEMENTS(cases);
        auto_close int fd = open(shim, O_RDONLY | O_CLOEXEC);
        struct stat st;
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        const char *file = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        assert_ptr_not_equal(file, MAP_FAILED);
        const ElfW(Ehdr) *head = (const void *) file;
        const ElfW(Shdr) *sections = (const void *) (file + head->e_shoff), *symbols = sections;
        while (symbols->sh_type != SHT_DYNSYM)
                assert_true(++symbols < sections + head->e_shnum);
        const ElfW(Sym) *symbol = (const void *) (file + symbols->sh_offset);
        const char *names = file + sections[symbols->sh_link].sh_offset;
        size_t found = 0;
        for (size_t i = 0; i < symbols->sh_size / sizeof *symbol; i++)
                if (symbol[i].st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol[i].st_info) == STT_FUNC) {
                        const char *name = names + symbol[i].st_name;
                        size_t n = strlen(name);
                        const Case *c = cases;
                        while (c < end && !(strncmp(c->name, name, n) == 0 && (c->name[n] == '\0' || c->name[n] == '_')))
                                c++;
                        if (c == end)
                                fail_msg("no case for %s()", name);
                        found++;
                }
        assert_int_equal(found, 16);
        assert_int_equal(munmap((void *) (uintptr_t) file, (size_t) st.st_size), 0);
}

/* A loopback interface of our own: on the machine's, the port may be taken, for a moment or for long. */
static int leave_the_network(void) {
        struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        if (unshare(CLONE_NEWNET) < 0)
                return -errno;
        auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? -errno : 0;
}

static int set_up(void **state) {
        (void) state;
        return leave_the_network() == 0 && mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        char path[128];
        for (int i = 0; i < 2; i++) {
                (void) snprintf(path, sizeof path, "%s/%c.sock", directory, "ab"[i]);
                (void) unlink(path);
        }
        return rmdir(directory);
}

int main(int argc, char **argv) {
        struct CMUnitTest tests[ELEMENTS(cases) + 1];
        if (argc != 3)
                return 2;
        shim = argv[1];
        probe = argv[2];
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name, .test_func = run, .initial_state = &cases[i] };
        tests[ELEMENTS(cases)] = (struct CMUnitTest) cmocka_unit_test(test_all_functions);
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
