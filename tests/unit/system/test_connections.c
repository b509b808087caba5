/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Against the real kernel: sockets of slots in a directory of our own, and TCP listeners of a user nobody else is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/loop.h"
#include "system/connections_internal.h"
#include "system/diag.h"
#include "system/slot_name.h"

#define FIRST "abc0123456zz"
#define SECOND "zz9999999999"

static char directory[] = "/tmp/ns-connections-XXXXXX";

static int set_up(void **state) {
        struct rlimit files;

        (void) state;
        if (!mkdtemp(directory) || getrlimit(RLIMIT_NOFILE, &files) < 0)
                return -1;
        files.rlim_cur = files.rlim_max;
        return setrlimit(RLIMIT_NOFILE, &files);
}

/* Nothing but what listen_at() made. */
static int tear_down(void **state) {
        char *const command[] = { (char[]){ "rm" }, (char[]){ "-r" }, directory, NULL };
        pid_t pid = fork();
        int status;

        (void) state;
        if (pid == 0) {
                (void) execvp(command[0], command);
                _exit(1);
        }
        return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static struct sockaddr_un address_of(const char *project, const char *slot) {
        struct sockaddr_un to = { .sun_family = AF_UNIX };

        assert_true((size_t) snprintf(to.sun_path, sizeof(to.sun_path), "%s/%s/%s.sock", directory, project, slot) < sizeof(to.sun_path));
        return to;
}

static int listen_at(const char *project, const char *slot, int type) {
        struct sockaddr_un at = address_of(project, slot);
        char parent[sizeof(at.sun_path)];
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        (void) snprintf(parent, sizeof(parent), "%s/%.12s", directory, project);
        assert_true(mkdir(parent, 0700) == 0 || errno == EEXIST);
        assert_true(unlink(at.sun_path) == 0 || errno == ENOENT);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &at, sizeof(at)), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 4096), 0);
        return fd;
}

/* With a mark: as the shim does where an app asks itself. */
static int connect_to(const char *project, const char *slot, const char *mark) {
        struct sockaddr_un to = address_of(project, slot), me = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (mark) {
                memcpy(me.sun_path + 1, mark, strlen(mark));
                assert_int_equal(bind(fd, (struct sockaddr *) &me, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + strlen(mark))),
                                 0);
        }
        assert_int_equal(connect(fd, (struct sockaddr *) &to, sizeof(to)), 0);
        return fd;
}

static int accept_from(int listener) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        assert_true(fd >= 0);
        return fd;
}

typedef struct {
        SlotConnections *s;
        size_t n, max;
} Seen;

static void see(void *owner, const SlotConnections *s) {
        Seen *seen = owner;

        assert_true(seen->n < seen->max);
        seen->s[seen->n++] = *s;
}

static void expect(const char *project, const char *slot, unsigned connections, unsigned queued) {
        SlotConnections all[8];
        Seen seen = { all, 0, ELEMENTS(all) };
        unsigned c = 99, q = 99;
        size_t found = 0;

        assert_int_equal(connections_of_in(directory, project, slot, &c, &q), 0);
        assert_int_equal(c, connections);
        assert_int_equal(q, queued);
        assert_int_equal(connections_sweep_in(directory, see, &seen), 0);
        for (size_t i = 0; i < seen.n; i++)
                if (strcmp(all[i].project, project) == 0 && strcmp(all[i].slot, slot) == 0) {
                        found++;
                        assert_int_equal(all[i].connections, connections);
                        assert_int_equal(all[i].queued, queued);
                }
        assert_int_equal(found, 1);
}

static void a_connection_from_its_begin_to_its_end(void **state) {
        int listener = listen_at(FIRST, "a", SOCK_STREAM), other = listen_at(FIRST, "b", SOCK_STREAM), clients[3], accepted[3];

        (void) state;
        expect(FIRST, "a", 0, 0);
        for (size_t i = 0; i < 3; i++)
                clients[i] = connect_to(FIRST, "a", NULL);
        expect(FIRST, "a", 0, 3); /* as established as the kernel calls them: not twice */
        accepted[0] = accept_from(listener);
        expect(FIRST, "a", 1, 2);
        accepted[1] = accept_from(listener);
        accepted[2] = accept_from(listener);
        expect(FIRST, "a", 3, 0);
        expect(FIRST, "b", 0, 0);
        /* The client says no more, and still waits for the answer. */
        assert_int_equal(shutdown(clients[0], SHUT_WR), 0);
        assert_int_equal(shutdown(accepted[1], SHUT_WR), 0);
        expect(FIRST, "a", 3, 0);
        (void) close(clients[0]); /* by the client alone */
        expect(FIRST, "a", 2, 0);
        (void) close(accepted[1]); /* by the app alone */
        expect(FIRST, "a", 1, 0);
        (void) close(accepted[0]);
        (void) close(clients[1]);
        expect(FIRST, "a", 1, 0);
        (void) close(accepted[2]);
        (void) close(clients[2]);
        expect(FIRST, "a", 0, 0);
        (void) close(listener);
        (void) close(other);
}

/* One whose client has given up stays in the queue until the app takes it out: it wakes an app that sleeps, too. */
static void a_client_that_has_given_up_waits_on(void **state) {
        int listener = listen_at(FIRST, "a", SOCK_STREAM), accepted;

        (void) state;
        (void) close(connect_to(FIRST, "a", NULL));
        expect(FIRST, "a", 0, 1);
        accepted = accept_from(listener);
        expect(FIRST, "a", 0, 0);
        (void) close(accepted);
        (void) close(listener);
}

static void the_app_itself_does_not_count(void **state) {
        int listener = listen_at(FIRST, "a", SOCK_STREAM), clients[4], accepted[4];

        (void) state;
        clients[0] = connect_to(FIRST, "a", "nanoscale-own-client-12345678");
        expect(FIRST, "a", 0, 1);
        accepted[0] = accept_from(listener);
        expect(FIRST, "a", 0, 0);
        clients[1] = connect_to(FIRST, "a", NULL);
        clients[2] = connect_to(FIRST, "a", "nanoscale-own-client-");
        clients[3] = connect_to(FIRST, "a", "nanoscale-own-clienT-12345678"); /* some other abstract name */
        for (size_t i = 1; i < 4; i++)
                accepted[i] = accept_from(listener);
        expect(FIRST, "a", 2, 0);
        for (size_t i = 0; i < 4; i++) {
                (void) close(clients[i]);
                (void) close(accepted[i]);
        }
        (void) close(listener);
}

static void what_does_not_listen_has_none(void **state) {
        int listener = listen_at(FIRST, "a", SOCK_STREAM), client = connect_to(FIRST, "a", NULL), accepted = accept_from(listener);
        SlotConnections all[1];
        Seen seen = { all, 0, ELEMENTS(all) };
        unsigned c = 9, q = 9;

        (void) state;
        (void) close(listener);
        assert_int_equal(connections_of_in(directory, FIRST, "a", &c, &q), 0);
        assert_int_equal(c, 0);
        assert_int_equal(q, 0);
        assert_int_equal(connections_sweep_in(directory, see, &seen), 0);
        assert_int_equal(seen.n, 0);
        (void) close(client);
        (void) close(accepted);
}

/* A socket unit that was stopped and started has a new listener; what its app still holds of the old one is the same slot's. */
static void two_listeners_of_one_name(void **state) {
        int old = listen_at(FIRST, "a", SOCK_STREAM), client = connect_to(FIRST, "a", NULL), accepted = accept_from(old);
        int waiting = connect_to(FIRST, "a", NULL), new = listen_at(FIRST, "a", SOCK_STREAM), fresh = connect_to(FIRST, "a", NULL);

        (void) state;
        expect(FIRST, "a", 1, 2);
        (void) close(client);
        (void) close(accepted);
        (void) close(waiting);
        (void) close(old);
        expect(FIRST, "a", 0, 1);
        (void) close(fresh);
        (void) close(new);
}

static void names_that_are_no_slot(void **state) {
        static const char *const projects[] = { "abc0123456z", "abc0123456zzz", "ABC0123456zz", "abc0123456z." };
        int fds[ELEMENTS(projects) + 2], datagrams = listen_at(FIRST, "a", SOCK_DGRAM);
        SlotConnections all[8];
        Seen seen = { all, 0, ELEMENTS(all) };
        unsigned c, q;

        (void) state;
        for (size_t i = 0; i < ELEMENTS(projects); i++) {
                char parent[128];

                (void) snprintf(parent, sizeof(parent), "%s/%s", directory, projects[i]);
                assert_true(mkdir(parent, 0700) == 0);
                fds[i] = listen_at(projects[i], "a", SOCK_STREAM);
                assert_int_equal(connections_of_in(directory, projects[i], "a", &c, &q), -EINVAL);
        }
        fds[ELEMENTS(projects)] = listen_at(FIRST, "c", SOCK_STREAM);
        fds[ELEMENTS(projects) + 1] = listen_at(FIRST, "a.sock", SOCK_STREAM);
        assert_int_equal(connections_of_in(directory, FIRST, "c", &c, &q), -EINVAL);
        assert_int_equal(connections_of_in(directory, FIRST, "", &c, &q), -EINVAL);
        assert_int_equal(connections_sweep_in(directory, see, &seen), 0);
        assert_int_equal(seen.n, 0);
        for (size_t i = 0; i < ELEMENTS(fds); i++)
                (void) close(fds[i]);
        (void) close(datagrams);
}

static void a_connection_is_never_missed(void **state) {
        enum { ROUNDS = 300 };
        int listener = listen_at(FIRST, "a", SOCK_STREAM), go[2], done[2];
        pid_t app;
        char byte;

        (void) state;
        assert_int_equal(pipe(go), 0);
        assert_int_equal(pipe(done), 0);
        app = fork();
        assert_true(app >= 0);
        if (app == 0) {
                (void) close(go[1]);
                /* Takes each at some moment of our looking, and keeps it. */
                while (read(go[0], &byte, 1) == 1)
                        if (accept4(listener, NULL, NULL, 0) < 0 || write(done[1], "x", 1) != 1)
                                break;
                _exit(0);
        }
        (void) close(go[0]);
        for (unsigned i = 0; i < ROUNDS; i++) {
                int client = connect_to(FIRST, "a", NULL);
                SlotConnections s;
                Seen seen = { &s, 0, 1 };

                assert_int_equal(write(go[1], "x", 1), 1);
                assert_int_equal(connections_sweep_in(directory, see, &seen), 0);
                assert_in_range(s.connections + s.queued, 1, 2);
                assert_int_equal(read(done[0], &byte, 1), 1);
                (void) close(client);
        }
        (void) close(go[1]);
        (void) close(done[0]);
        (void) close(done[1]);
        assert_int_equal(waitpid(app, NULL, 0), app);
        (void) close(listener);
}

/* 1,000 slots with five connections each, of which one is the app's own. */
static void many(void **state) {
        enum { SLOTS = 1000, EACH = 5, TIMES = 20 };
        static int fds[SLOTS * (1 + 2 * EACH)];
        static SlotConnections all[SLOTS];
        uint64_t best_us = UINT64_MAX, one_us = UINT64_MAX;
        size_t n = 0;
        unsigned c = 0, q = 0;

        (void) state;
        for (unsigned i = 0; i < SLOTS; i++) {
                char project[13];
                int listener;

                (void) snprintf(project, sizeof(project), "many%08u", i / 2);
                listener = fds[n++] = listen_at(project, i % 2 ? "b" : "a", SOCK_STREAM);
                for (unsigned k = 0; k < EACH; k++) {
                        char mark[64];

                        (void) snprintf(mark, sizeof(mark), "nanoscale-own-client-%08u", i);
                        fds[n++] = connect_to(project, i % 2 ? "b" : "a", k == 0 ? mark : NULL);
                        if (k != 1)
                                fds[n++] = accept_from(listener);
                }
        }
        for (unsigned i = 0; i < TIMES; i++) {
                Seen seen = { all, 0, SLOTS };
                uint64_t start_us = clock_monotonic_us(), took_us;

                assert_int_equal(connections_sweep_in(directory, see, &seen), 0);
                took_us = clock_monotonic_us() - start_us;
                best_us = took_us < best_us ? took_us : best_us;
                assert_int_equal(seen.n, SLOTS);
                for (unsigned k = 0; k < SLOTS; k++) {
                        assert_int_equal(all[k].connections, EACH - 2);
                        assert_int_equal(all[k].queued, 1);
                        assert_int_equal(strtoul(all[k].project + 4, NULL, 10), k / 2);
                        assert_string_equal(all[k].slot, k % 2 ? "b" : "a");
                }
                start_us = clock_monotonic_us();
                assert_int_equal(connections_of_in(directory, "many00000123", "b", &c, &q), 0);
                took_us = clock_monotonic_us() - start_us;
                one_us = took_us < one_us ? took_us : one_us;
                assert_int_equal(c, EACH - 2);
        }
        (void) printf("%d slots, %zu sockets: sweep %.1f ms, one slot %.1f ms\n", SLOTS, n, (double) best_us / 1000,
                      (double) one_us / 1000);
        for (size_t i = 0; i < n; i++)
                (void) close(fds[i]);
}

static void keys_are_ordered_and_turn_back(void **state) {
        static const char *const ordered[] = { "000000000000", "000000000001", "09a000000000", "0a0000000000",
                                               FIRST,          SECOND,         "zzzzzzzzzzzy", "zzzzzzzzzzzz" };
        uint64_t last = 0;

        (void) state;
        for (size_t i = 0; i < 2 * ELEMENTS(ordered); i++) {
                SlotName n, back;

                assert_true(slot_name_make(ordered[i / 2], i % 2 ? "b" : "a", &n));
                assert_true(slot_key(&n) > last);
                last = slot_key(&n);
                slot_name_from_key(last, &back);
                assert_string_equal(back.project, n.project);
                assert_string_equal(back.slot, n.slot);
        }
}

static void unit_names(void **state) {
        static const struct {
                const char *unit;
                bool is;
        } units[] = {
                { "nanoscale-" FIRST "@a.service", true },      { "nanoscale-" FIRST "@b.service", true },
                { "nanoscale-" FIRST "@c.service", false },     { "nanoscale-" FIRST "@a.socket", false },
                { "nanoscale-" FIRST "@a.servicex", false },    { "nanoscale-" FIRST "@.service", false },
                { "nanoscale-" FIRST ".service", false },       { "nanoscale-Abc0123456zz@a.service", false },
                { "nanoscale-build-012345.service", false },    { "nanoscale-build-" FIRST ".service", false },
                { "xanoscale-" FIRST "@a.service", false },     { "", false },
                { "nanoscale-abc0123456z\n@a.service", false },
        };
        char unit[SLOT_UNIT_SIZE];

        (void) state;
        for (size_t i = 0; i < ELEMENTS(units); i++) {
                SlotName n = { 0 };

                assert_int_equal(slot_name_from_unit(units[i].unit, strlen(units[i].unit), &n), units[i].is);
                if (!units[i].is)
                        continue;
                slot_name_to_unit(&n, unit);
                assert_string_equal(unit, units[i].unit);
                for (size_t length = 0; length < strlen(unit); length++)
                        assert_false(slot_name_from_unit(unit, length, &n));
        }
}

/* As no kernel sends them: lengths that lie. */
static void attributes_that_lie(void **state) {
        const struct {
                struct nlattr head;
                uint32_t value;
        } good = { { 8, 4 }, 77 };
        struct {
                struct nlattr head;
                uint32_t value;
                struct nlattr second;
                uint32_t number;
        } two = { { 5, 1 }, 0, { 8, 4 }, 99 };
        size_t length = 0;

        (void) state;
        assert_int_equal(diag_number(&good, sizeof(good), 0, 4), 77);
        assert_int_equal(diag_number(&good, sizeof(good), 0, 3), 0);
        assert_int_equal(diag_number(&good, sizeof(good), sizeof(good), 4), 0);
        assert_int_equal(diag_number(&good, sizeof(good), 2 * sizeof(good), 4), 0);
        for (size_t size = 0; size < sizeof(good); size++) {
                auto_free void *copy = size ? malloc(size) : NULL; /* so that ASan sees a byte too many */

                if (copy)
                        memcpy(copy, &good, size);
                assert_int_equal(diag_number(copy, size, 0, 4), 0);
        }
        assert_int_equal(diag_number(&two, sizeof(two), 0, 4), 99);
        assert_non_null(diag_attribute(&two, sizeof(two), 0, 1, &length));
        assert_int_equal(length, 1);
        assert_int_equal(diag_number(&two, sizeof(two), 0, 1), 0); /* too short for a number */
        for (uint16_t lie = 0; lie < 4; lie++) {
                two.head.nla_len = lie;
                assert_int_equal(diag_number(&two, sizeof(two), 0, 4), 0);
        }
        two.head.nla_len = 17;
        assert_int_equal(diag_number(&two, sizeof(two), 0, 4), 0);
}

static uint16_t listen_tcp(int family, int *ret_fd) {
        struct sockaddr_in6 at = { 0 };
        socklen_t length = sizeof(at);
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (family == AF_INET6) {
                at.sin6_family = AF_INET6;
                at.sin6_addr = in6addr_loopback;
        } else
                *(struct sockaddr_in *) &at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        assert_int_equal(bind(fd, (struct sockaddr *) &at, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(at)), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &at, &length), 0);
        *ret_fd = fd;
        return ntohs(at.sin6_port); /* at the same place in both */
}

static bool has_port(const uint16_t *ports, int n, uint16_t port) {
        for (int i = 0; i < n; i++)
                if (ports[i] == port)
                        return true;
        return false;
}

static void tcp_listeners_of_a_user(void **state) {
        static uint16_t ports[4096];
        uint16_t mine[2];
        int fds[2], n;

        (void) state;
        mine[0] = listen_tcp(AF_INET, &fds[0]);
        mine[1] = listen_tcp(AF_INET6, &fds[1]);
        n = tcp_listeners(getuid(), ports, ELEMENTS(ports));
        assert_true(n >= 2);
        assert_true(has_port(ports, n, mine[0]) && has_port(ports, n, mine[1]));
        for (int i = 1; i < n; i++)
                assert_true(ports[i - 1] < ports[i]);
        assert_int_equal(tcp_listeners(getuid(), ports, 1), 1);
        assert_int_equal(tcp_listeners(getuid(), ports, 0), 0);
        n = tcp_listeners(getuid() + 51234, ports, ELEMENTS(ports));
        assert_true(n >= 0 && !has_port(ports, n, mine[0]) && !has_port(ports, n, mine[1]));
        (void) close(fds[0]);
        (void) close(fds[1]);
        n = tcp_listeners(getuid(), ports, ELEMENTS(ports));
        assert_true(n >= 0 && !has_port(ports, n, mine[0]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keys_are_ordered_and_turn_back),
                cmocka_unit_test(unit_names),
                cmocka_unit_test(attributes_that_lie),
                cmocka_unit_test(a_connection_from_its_begin_to_its_end),
                cmocka_unit_test(a_client_that_has_given_up_waits_on),
                cmocka_unit_test(the_app_itself_does_not_count),
                cmocka_unit_test(what_does_not_listen_has_none),
                cmocka_unit_test(two_listeners_of_one_name),
                cmocka_unit_test(names_that_are_no_slot),
                cmocka_unit_test(a_connection_is_never_missed),
                cmocka_unit_test(many),
                cmocka_unit_test(tcp_listeners_of_a_user),
        };

        return cmocka_run_group_tests_name("connections", tests, set_up, tear_down);
}
