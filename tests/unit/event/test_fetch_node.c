/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls to nodes, through a real nginx to our own server. */
#include "base/cleanup.h"
#include "event/fetch_internal.h"
#include "event/http_server.h"
#include "harness.h"

#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LONG_US (60 * USEC_PER_SEC)
#define until(condition)                                                 \
        do {                                                             \
                uint64_t began_ = clock_monotonic_us();                  \
                while (!(condition)) {                                   \
                        if (clock_monotonic_us() - began_ > 2 * LONG_US) \
                                fail_msg("never: %s", #condition);       \
                        turn(t.loop, 20 * USEC_PER_MSEC);                \
                }                                                        \
        } while (0)
#define BYTES_MAX ((size_t) 24 * 1024 * 1024) /* less than curl's window for HTTP/2: it would be gone if curl took it in */
#define KEPT_MAX 32
#define HELLO ((size_t) 16)

typedef struct {
        Fetch *fetch;
        int n, error;
        unsigned status, head;
        char body[512], sentence[1024];
        /* of a stream */
        size_t bytes, pause_each, since_pause;
        bool paused, wrong, drop_at_head, drop_at_body, done_while_paused;
        const FetchSpec *start_at_body;
} Call;

static struct {
        Loop *loop;
        FetchPool *pool;
        HttpServer *server;
        char directory[64], backend[96];
        pid_t nginx;
        char own[65], other[65];
        unsigned port, port_renewed, port_tls12, port_h1, port_plain, port_other;
        HttpRequest *kept[KEPT_MAX];
        size_t n_kept;
        HttpStream *stream;
        size_t written, to_write;
        int n_closed, n_handled;
        Call call, stream_call;
} t;

/* --- the node: our server behind nginx --- */

static size_t body_limit(void *owner, const char *method, const char *path) {
        (void) owner;
        (void) method;
        (void) path;
        return 100000;
}

static void on_closed(void *owner) {
        (void) owner;
        t.n_closed++;
        t.stream = http_stream_end(t.stream);
}

static void on_gone(void *owner) {
        HttpRequest **slot = owner;
        *slot = NULL;
}

/* Each byte says where in the stream it stands. */
static char byte_at(size_t position) {
        return (char) (position * 31 >> 3);
}

/* Writes on as long as the way is free, up to to_write. Always true, for use in conditions. */
static bool pump(void) {
        static char block[16 * 1024];
        while (t.stream && t.written < t.to_write && http_stream_pending(t.stream) < (size_t) 256 * 1024) {
                size_t n = t.to_write - t.written < sizeof block ? t.to_write - t.written : sizeof block;
                for (size_t i = 0; i < n; i++)
                        block[i] = byte_at(t.written + i);
                assert_int_equal(http_stream_write(t.stream, block, n), 0);
                t.written += n;
        }
        return true;
}

static void handle(void *owner, HttpRequest *rq) {
        (void) owner;
        t.n_handled++;
        size_t length;
        (void) http_request_body(rq, &length);
        if (strcmp(http_request_path(rq), "/keep") == 0) {
                assert_true(t.n_kept < KEPT_MAX);
                http_request_on_gone(rq, on_gone, &t.kept[t.n_kept]);
                t.kept[t.n_kept++] = rq;
        } else if (strcmp(http_request_path(rq), "/stream") == 0) {
                assert_int_equal(http_reply_stream(rq, "text/event-stream", on_closed, NULL, &t.stream), 0);
                t.to_write = HELLO; /* nginx holds the head back until there is something more */
                t.written = 0;
                (void) pump();
        } else if (strcmp(http_request_path(rq), "/absent") == 0) {
                http_reply(rq, 404, "text/plain", "no", 2, NULL);
        } else {
                char text[512];
                int n = snprintf(text, sizeof text, "%s %s body=%zu", http_request_method(rq), http_request_target(rq), length);
                http_reply(rq, 200, "text/plain", text, (size_t) n, NULL);
        }
}

static void answer_kept(void) {
        for (size_t i = 0; i < t.n_kept; i++)
                if (t.kept[i])
                        http_reply(t.kept[i], 200, "text/plain", "kept", 4, NULL);
        t.n_kept = 0;
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

static void nginx_start(void) {
        int fds[2];
        char text[512] = "";
        assert_int_equal(pipe(fds), 0);
        t.nginx = fork();
        if (t.nginx == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion leaves the test without a word */
                (void) dup2(fds[1], 1);
                close(fds[0]);
                close(fds[1]);
                (void) execl("/usr/bin/python3", "python3", NODE_SERVER, t.directory, t.backend, (char *) NULL);
                _exit(127);
        }
        close(fds[1]);
        for (size_t n = 0; !strchr(text, '\n'); n++)
                assert_true(n < sizeof text - 1 && read(fds[0], text + n, 1) == 1);
        close(fds[0]);
        assert_int_equal(sscanf(text, "%64s %64s %u %u %u %u %u %u", t.own, t.other, &t.port, &t.port_renewed, &t.port_tls12, &t.port_h1,
                                &t.port_plain, &t.port_other),
                         8);
        uint64_t began = clock_monotonic_us(); /* it said so before it became nginx */
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t) t.port_other) };
        for (;;) {
                auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0)
                        break;
                assert_true(clock_monotonic_us() - began < LONG_US);
                turn(t.loop, 20 * USEC_PER_MSEC);
        }
}

static void nginx_kill(void) {
        if (t.nginx > 0) {
                (void) kill(t.nginx, SIGKILL);
                (void) waitpid(t.nginx, NULL, 0);
        }
        t.nginx = 0;
}

/* How many requests with this text nginx has logged, and on how many connections. */
static size_t logged(const char *text, size_t *ret_connections) {
        char path[128], line[512];
        unsigned long seen[64];
        size_t n = 0, n_seen = 0;
        (void) snprintf(path, sizeof path, "%s/access.log", t.directory);
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
                unsigned long connection = strtoul(line, NULL, 10);
                size_t i = 0;
                if (!strstr(line, text))
                        continue;
                n++;
                while (i < n_seen && seen[i] != connection)
                        i++;
                if (i == n_seen) {
                        assert_true(n_seen < 64);
                        seen[n_seen++] = connection;
                }
        }
        (void) fclose(f);
        if (ret_connections)
                *ret_connections = n_seen;
        return n;
}

static int setup(void **state) {
        (void) state;
        memset(&t, 0, sizeof t);
        strcpy(t.directory, "/tmp/ns-node-XXXXXX");
        assert_non_null(mkdtemp(t.directory));
        (void) snprintf(t.backend, sizeof t.backend, "%s/sock", t.directory);
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(http_server_new(t.loop, listen_unix(t.backend), 64, 600, &ops, &t, &t.server), 0);
        assert_int_equal(fetch_pool_new_kept(t.loop, 16, &t.pool), 0);
        nginx_start();
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void) st;
        (void) flag;
        (void) ftw;
        return remove(path);
}

static int teardown(void **state) {
        (void) state;
        fetch_drop(t.call.fetch);
        fetch_drop(t.stream_call.fetch);
        fetch_pool_free(t.pool);
        nginx_kill();
        http_server_free(t.server);
        http_stream_end(t.stream);
        loop_free(t.loop);
        assert_int_equal(nftw(t.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        return 0;
}

/* --- who calls --- */

static void done(void *owner, const FetchResult *result) {
        Call *c = owner;
        c->n++;
        c->error = result->error;
        c->status = result->status;
        c->done_while_paused = c->paused;
        (void) snprintf(c->sentence, sizeof c->sentence, "%s", result->sentence ? result->sentence : "");
        (void) snprintf(c->body, sizeof c->body, "%s", result->body ? result->body : "");
}

static const char *url(unsigned port, const char *path) {
        static char text[256];
        (void) snprintf(text, sizeof text, "https://127.0.0.1:%u%s", port, path);
        return text;
}

static void start(Call *c, const FetchSpec *spec) {
        c->fetch = fetch_drop(c->fetch);
        c->n = 0;
        assert_int_equal(fetch_start(t.pool, spec, done, c, &c->fetch), 0);
        assert_int_equal(c->n, 0);
}

static void call(const FetchSpec *spec) {
        start(&t.call, spec);
        until(t.call.n == 1);
}

#define NODE(path) .url = url(t.port, path), .pinned_key = t.own, .http2_only = true, .timeout_us = LONG_US
#define ANSWERS(text)                                    \
        do {                                             \
                if (t.call.error != 0)                   \
                        fail_msg("%s", t.call.sentence); \
                assert_int_equal(t.call.status, 200);    \
                assert_string_equal(t.call.body, text);  \
        } while (0)

/* --- tests: whom we talk to --- */

static void test_the_pin_is_the_identity(void **state) {
        (void) state;
        call(&(FetchSpec){ NODE("/a?b=%2F"), .method = "POST", .body = "{}", .body_length = 2 });
        ANSWERS("POST /a?b=%2F body=2");
        call(&(FetchSpec){ .url = url(t.port_h1, "/x"), .pinned_key = t.own, .timeout_us = LONG_US });
        ANSWERS("GET /x body=0");
        call(&(FetchSpec){ .url = url(t.port_other, "/y"), .pinned_key = t.other, .timeout_us = LONG_US });
        ANSWERS("GET /y body=0");
        call(&(FetchSpec){ .url = url(t.port, "/z"), .timeout_us = LONG_US }); /* a certificate that nobody signed */
        assert_int_equal(t.call.error, -EKEYREJECTED);
}

static void test_another_key_is_refused(void **state) {
        (void) state;
        char nearly[65];
        call(&(FetchSpec){ NODE("/first") });
        ANSWERS("GET /first body=0");
        memcpy(nearly, t.own, sizeof nearly);
        nearly[63] = nearly[63] == '0' ? '1' : '0';
        const char *const pins[] = { t.other, nearly };
        for (size_t i = 0; i < 2; i++) { /* though a connection to the right one is there */
                call(&(FetchSpec){ .url = url(t.port, "/secret"), .pinned_key = pins[i], .http2_only = true, .timeout_us = LONG_US });
                assert_int_equal(t.call.error, -EKEYREJECTED);
                assert_non_null(strstr(t.call.sentence, "the key of 127.0.0.1 has changed"));
        }
        call(&(FetchSpec){ .url = url(t.port_other, "/secret"), .pinned_key = t.own, .timeout_us = LONG_US });
        assert_int_equal(t.call.error, -EKEYREJECTED);
        call(&(FetchSpec){ NODE("/last") });
        ANSWERS("GET /last body=0");
        assert_int_equal(t.n_handled, 2);
        assert_int_equal(logged("/secret", NULL), 0);
}

static void test_older_tls_and_none_are_refused(void **state) {
        (void) state;
        char plain[64];
        call(&(FetchSpec){ .url = url(t.port_tls12, "/secret"), .pinned_key = t.own, .timeout_us = LONG_US });
        assert_int_equal(t.call.error, -EKEYREJECTED);
        call(&(FetchSpec){ .url = url(t.port_plain, "/secret"), .pinned_key = t.own, .timeout_us = LONG_US });
        assert_int_equal(t.call.error, -EKEYREJECTED);
        (void) snprintf(plain, sizeof plain, "http://127.0.0.1:%u/secret", t.port_plain);
        Fetch *f = NULL;
        assert_int_equal(fetch_start(t.pool, &(FetchSpec){ .url = plain, .pinned_key = t.own }, done, &t.call, &f), -EINVAL);
        assert_int_equal(fetch_start(t.pool, &(FetchSpec){ .url = plain, .http2_only = true }, done, &t.call, &f), -EINVAL);
        assert_int_equal(t.n_handled, 0);
        call(&(FetchSpec){ .url = plain, .timeout_us = LONG_US }); /* which is there */
        ANSWERS("GET /secret body=0");
}

static bool take(void *owner, const char *data, size_t length);

static void test_fields_that_exclude_each_other(void **state) {
        (void) state;
        char upper[65], longer[80];
        for (size_t i = 0; i < 65; i++)
                upper[i] = (char) (t.own[i] >= 'a' ? t.own[i] - 'a' + 'A' : t.own[i]);
        upper[0] = 'A';
        (void) snprintf(longer, sizeof longer, "%s0", t.own);
        const char *u = url(t.port, "/");
        const FetchSpec bad[] = {
                { .url = u, .pinned_key = "" },
                { .url = u, .pinned_key = upper },
                { .url = u, .pinned_key = longer },
                { .url = u, .pinned_key = t.own + 1 },
                { .url = u, .pinned_key = t.own, .ca = "/etc/ssl/certs/ca-certificates.crt" },
                { .url = u, .pinned_key = t.own, .unix_socket = t.backend },
                { .url = u, .pinned_key = t.own, .redirects = 1 },
                { .url = u, .once = true, .redirects = 1 },
                { .url = u, .on_body = take, .redirects = 1 },
                { .url = u, .on_body = take, .to_fd = 5 },
        };
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                if (fetch_start(t.pool, &bad[i], done, &t.call, &t.call.fetch) != -EINVAL)
                        fail_msg("row %zu is taken", i);
}

static void test_http2_or_nothing(void **state) {
        (void) state;
        call(&(FetchSpec){ .url = url(t.port_h1, "/x"), .pinned_key = t.own, .http2_only = true, .timeout_us = LONG_US });
        assert_int_equal(t.call.error, -EPROTO);
        assert_non_null(strstr(t.call.sentence, "HTTP/2"));
        call(&(FetchSpec){ NODE("/x") });
        ANSWERS("GET /x body=0");
        assert_int_equal(logged("HTTP/2.0 200 /x ", NULL), 1);
}

/* --- connections --- */

static void test_calls_share_one_connection(void **state) {
        (void) state;
        static Call calls[20];
        size_t connections = 0;
        memset(calls, 0, sizeof calls);
        for (size_t i = 0; i < ELEMENTS(calls); i++)
                start(&calls[i], &(FetchSpec){ NODE("/keep") });
        until(t.n_kept == ELEMENTS(calls)); /* all are on their way at the same time */
        answer_kept();
        for (size_t i = 0; i < ELEMENTS(calls); i++) {
                until(calls[i].n == 1);
                assert_int_equal(calls[i].error, 0);
                assert_string_equal(calls[i].body, "kept");
                fetch_drop(calls[i].fetch);
        }
        for (int i = 0; i < 10; i++) {
                call(&(FetchSpec){ NODE("/after"), .once = true });
                ANSWERS("GET /after body=0");
        }
        until(logged("HTTP/2.0", &connections) == ELEMENTS(calls) + 10);
        assert_int_equal(connections, 1);
}

/* nginx says goodbye after each third request. */
static void test_a_peer_that_renews_its_connections(void **state) {
        (void) state;
        size_t connections = 0;
        for (int i = 0; i < 12; i++) {
                call(&(FetchSpec){ .url = url(t.port_renewed, "/renewed"),
                                   .pinned_key = t.own,
                                   .http2_only = true,
                                   .once = true,
                                   .timeout_us = LONG_US });
                ANSWERS("GET /renewed body=0");
        }
        until(logged("/renewed", &connections) == 12);
        assert_int_equal(connections, 4);
}

static void test_a_dead_node_does_not_delay_another(void **state) {
        (void) state;
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof address;
        auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* takes connections, and says nothing */
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
        Call silent = { 0 }, slow = { 0 };
        start(&silent, &(FetchSpec){ .url = url(ntohs(address.sin_port), "/"),
                                     .pinned_key = t.own,
                                     .http2_only = true,
                                     .timeout_us = 10 * LONG_US,
                                     .connect_timeout_us = 10 * LONG_US });
        start(&slow, &(FetchSpec){ NODE("/keep") });
        until(t.n_kept == 1);
        for (int i = 0; i < 5; i++) {
                call(&(FetchSpec){ NODE("/quick") });
                ANSWERS("GET /quick body=0");
        }
        assert_int_equal(silent.n + slow.n, 0);
        answer_kept();
        until(slow.n == 1);
        assert_int_equal(slow.error, 0);
        start(&silent, &(FetchSpec){ .url = url(ntohs(address.sin_port), "/"),
                                     .pinned_key = t.own,
                                     .http2_only = true,
                                     .timeout_us = 10 * LONG_US,
                                     .connect_timeout_us = 100 * USEC_PER_MSEC });
        until(silent.n == 1);
        assert_int_equal(silent.error, -ETIMEDOUT);
        fetch_drop(silent.fetch);
        fetch_drop(slow.fetch);
}

/* --- sent once --- */

/* Answers the first request on each connection, and cuts the connection when the second arrives. */
typedef struct {
        int fd, connection, n_requests, on_this;
        Watch *accepting, *reading;
        char url[64];
} Cutter;

static void cutter_reading(void *owner, uint32_t revents) {
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        Cutter *c = owner;
        char buffer[4096];
        (void) revents;
        if (read(c->connection, buffer, sizeof buffer) > 0) {
                c->n_requests++;
                if (++c->on_this == 1) {
                        assert_int_equal(write(c->connection, answer, sizeof answer - 1), sizeof answer - 1);
                        return;
                }
        }
        c->reading = watch_drop(c->reading);
        close(c->connection);
        c->connection = -1;
}

static void cutter_accepting(void *owner, uint32_t revents) {
        Cutter *c = owner;
        (void) revents;
        c->reading = watch_drop(c->reading);
        if (c->connection >= 0)
                close(c->connection);
        c->connection = accept(c->fd, NULL, NULL);
        c->on_this = 0;
        assert_int_equal(watch_start(t.loop, c->connection, EPOLLIN, cutter_reading, c, &c->reading), 0);
}

static void test_a_signed_call_is_not_sent_twice(void **state) {
        (void) state;
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof address;
        Cutter c = { .connection = -1, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
        assert_int_equal(bind(c.fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(c.fd, 8), 0);
        assert_int_equal(getsockname(c.fd, (struct sockaddr *) &address, &length), 0);
        (void) snprintf(c.url, sizeof c.url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
        assert_int_equal(watch_start(t.loop, c.fd, EPOLLIN, cutter_accepting, &c, &c.accepting), 0);

        /* What curl does of itself, and why `once` is there. */
        call(&(FetchSpec){ .url = c.url, .timeout_us = LONG_US });
        ANSWERS("ok");
        call(&(FetchSpec){ .url = c.url, .timeout_us = LONG_US });
        ANSWERS("ok");
        assert_int_equal(c.n_requests, 3);

        const FetchSpec specs[] = {
                { .url = c.url, .timeout_us = LONG_US, .once = true },
                { .url = c.url, .timeout_us = LONG_US, .once = true, .method = "POST", .body = "{}", .body_length = 2 },
        };
        for (size_t i = 0; i < ELEMENTS(specs); i++) {
                c.n_requests = 0;
                if (c.on_this != 1) {
                        call(&specs[i]);
                        ANSWERS("ok");
                        assert_int_equal(c.n_requests, 1);
                }
                c.n_requests = 0;
                call(&specs[i]);
                assert_int_equal(t.call.error, -ECONNRESET);
                assert_non_null(strstr(t.call.sentence, "not sent twice"));
                turn_for(t.loop, 50 * USEC_PER_MSEC);
                assert_int_equal(c.n_requests, 1);
        }
        watch_drop(c.accepting);
        watch_drop(c.reading);
        if (c.connection >= 0)
                close(c.connection);
        close(c.fd);
}

static void test_a_cut_over_http2_is_no_second_request(void **state) {
        (void) state;
        call(&(FetchSpec){ NODE("/first"), .once = true });
        ANSWERS("GET /first body=0");
        call(&(FetchSpec){ NODE("/cut"), .once = true, .method = "POST", .body = "{}", .body_length = 2 });
        assert_true(t.call.error < 0);
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(logged("/cut", NULL), 1);
        call(&(FetchSpec){ NODE("/last"), .once = true });
        ANSWERS("GET /last body=0");
}

/* --- streams --- */

static void on_head(void *owner, unsigned status) {
        Call *c = owner;
        assert_int_equal(c->head, 0);
        assert_int_equal(c->bytes, 0);
        c->head = status;
        if (c->drop_at_head)
                c->fetch = fetch_drop(c->fetch);
}

static bool take(void *owner, const char *data, size_t length) {
        Call *c = owner;
        c->wrong = c->wrong || c->head == 0 || c->paused || !c->fetch;
        for (size_t i = 0; i < length; i++)
                c->wrong = c->wrong || data[i] != byte_at(c->bytes + i);
        c->bytes += length;
        c->since_pause += length;
        if (c->start_at_body) {
                const FetchSpec *spec = handover(c->start_at_body);
                assert_int_equal(fetch_start(t.pool, spec, done, &t.call, &t.call.fetch), 0);
        }
        if (c->drop_at_body) {
                c->fetch = fetch_drop(c->fetch);
                return true;
        }
        if (c->pause_each > 0 && c->since_pause >= c->pause_each) {
                c->since_pause = 0;
                c->paused = true;
        }
        return !c->paused;
}

#define STREAM(path) NODE(path), .on_head = on_head, .on_body = take

static void stream_start(void) {
        start(&t.stream_call, &(FetchSpec){ STREAM("/stream") });
        until(t.stream && t.stream_call.head == 200);
}

/* In a condition of its own, as a pause comes at any time. */
static bool resume(void) {
        Call *c = &t.stream_call;
        if (c->paused && c->fetch) {
                c->paused = false;
                fetch_resume(c->fetch);
        }
        return true;
}

static void stream_end_well(void) {
        until(pump() && resume() && t.written == t.to_write && http_stream_pending(t.stream) == 0);
        t.stream = http_stream_end(t.stream);
        until(resume() && t.stream_call.n == 1);
        if (t.stream_call.error != 0)
                fail_msg("%s", t.stream_call.sentence);
        assert_int_equal(t.stream_call.status, 200);
        assert_string_equal(t.stream_call.body, "");
        assert_int_equal(t.stream_call.bytes, t.to_write);
        assert_false(t.stream_call.wrong);
        assert_false(t.stream_call.done_while_paused);
}

static void test_stream(void **state) {
        (void) state;
        stream_start();
        t.to_write = BYTES_MAX;
        stream_end_well();
        t.stream_call.fetch = fetch_drop(t.stream_call.fetch);
        memset(&t.stream_call, 0, sizeof t.stream_call);
        start(&t.stream_call, &(FetchSpec){ STREAM("/absent") });
        until(t.stream_call.n == 1);
        assert_int_equal(t.stream_call.head, 404);
        assert_int_equal(t.stream_call.status, 404);
        assert_int_equal(t.stream_call.error, 0);
        assert_int_equal(t.stream_call.bytes, 2);
}

/* Nothing moves any more on the way from the server to the paused client. */
static void until_full(void) {
        size_t last = 0;
        for (int still = 0; still < 25; still++) {
                until(pump());
                turn(t.loop, 20 * USEC_PER_MSEC);
                if (t.written != last)
                        still = 0;
                last = t.written;
        }
}

static void test_pause_holds_the_peer_back(void **state) {
        (void) state;
        size_t connections = 0;
        t.stream_call.pause_each = 1;
        stream_start();
        t.to_write = BYTES_MAX;
        until(pump() && t.stream_call.paused);
        size_t taken = t.stream_call.bytes;
        until_full();
        assert_true(t.written < BYTES_MAX);
        assert_true(http_stream_pending(t.stream) > 0);
        assert_int_equal(t.stream_call.bytes, taken);
        /* Calls to the same node go their own way, many and one after the other. */
        for (int i = 0; i < 20; i++) {
                call(&(FetchSpec){ NODE("/beside"), .once = true });
                ANSWERS("GET /beside body=0");
        }
        assert_int_equal(t.stream_call.bytes, taken);
        assert_int_equal(t.stream_call.n, 0);
        t.stream_call.pause_each = 100000;
        stream_end_well();
        call(&(FetchSpec){ NODE("/beside") });
        until(logged("", &connections) == 22);
        assert_int_equal(connections, 2);
}

static void test_streams_do_not_share_a_connection(void **state) {
        (void) state;
        static Call other;
        size_t connections = 0;
        memset(&other, 0, sizeof other);
        t.stream_call.pause_each = 1;
        stream_start();
        t.to_write = BYTES_MAX;
        until(pump() && t.stream_call.paused);
        until_full();
        start(&other, &(FetchSpec){ STREAM("/absent") });
        until(other.n == 1);
        assert_int_equal(other.status, 404);
        fetch_drop(other.fetch);
        t.stream_call.fetch = fetch_drop(t.stream_call.fetch); /* while it is paused, with a piece in curl's hands */
        until(t.n_closed == 1);
        assert_int_equal(t.stream_call.n, 0);
        until(logged("", &connections) == 2);
        assert_int_equal(connections, 2);
}

static void test_the_end_waits_for_a_pause(void **state) {
        (void) state;
        t.stream_call.pause_each = 1;
        stream_start();
        t.to_write = 16 * 1024;
        until(pump() && t.stream_call.bytes > 0);
        t.stream = http_stream_end(t.stream);
        turn_for(t.loop, 300 * USEC_PER_MSEC);
        assert_int_equal(t.stream_call.n, 0);
        until(resume() && t.stream_call.n == 1);
        assert_int_equal(t.stream_call.error, 0);
        assert_int_equal(t.stream_call.bytes, t.to_write);
        assert_false(t.stream_call.done_while_paused);
        fetch_resume(t.stream_call.fetch); /* of no use, and no harm */
}

static void test_a_node_that_dies_in_a_stream(void **state) {
        (void) state;
        stream_start();
        t.to_write = 64 * 1024;
        until(pump() && t.stream_call.bytes == t.to_write);
        nginx_kill();
        until(t.stream_call.n == 1);
        assert_true(t.stream_call.error == -ECONNRESET || t.stream_call.error == -EPROTO);
        call(&(FetchSpec){ NODE("/x") });
        assert_int_equal(t.call.error, -ECONNREFUSED);
}

static void test_limits_of_a_stream(void **state) {
        (void) state;
        start(&t.stream_call, &(FetchSpec){ .url = url(t.port, "/keep"),
                                            .pinned_key = t.own,
                                            .http2_only = true,
                                            .on_head = on_head,
                                            .on_body = take,
                                            .timeout_us = 300 * USEC_PER_MSEC });
        until(t.stream_call.n == 1);
        assert_int_equal(t.stream_call.error, -ETIMEDOUT);
        assert_int_equal(t.stream_call.head, 0);
        start(&t.stream_call, &(FetchSpec){ STREAM("/stream"), .stall_us = 300 * USEC_PER_MSEC });
        until(t.stream_call.n == 1);
        assert_int_equal(t.stream_call.error, -ETIMEDOUT);
        assert_int_equal(t.stream_call.head, 200);
        assert_non_null(strstr(t.stream_call.sentence, "silent"));
        until(t.n_closed == 1);
        /* The time until the head is none for the rest, and a pause is no silence. */
        t.stream_call.fetch = fetch_drop(t.stream_call.fetch);
        memset(&t.stream_call, 0, sizeof t.stream_call);
        t.stream_call.pause_each = 1;
        start(&t.stream_call, &(FetchSpec){ STREAM("/stream"), .stall_us = 30 * USEC_PER_SEC });
        until(t.stream && t.stream_call.head == 200);
        t.stream_call.fetch->stall_us = 100 * USEC_PER_MSEC;
        t.to_write = 16 * 1024;
        until(pump() && t.stream_call.paused);
        turn_for(t.loop, 400 * USEC_PER_MSEC);
        assert_int_equal(t.stream_call.n, 0);
        until(resume() && t.stream_call.n == 1);
        assert_int_equal(t.stream_call.error, -ETIMEDOUT);
}

static void test_drop_and_start_inside_a_stream(void **state) {
        (void) state;
        char address[256]; /* url() has one place only */
        (void) snprintf(address, sizeof address, "%s", url(t.port, "/next"));
        const FetchSpec next = { .url = address, .pinned_key = t.own, .http2_only = true, .timeout_us = LONG_US };
        t.stream_call.drop_at_head = true;
        start(&t.stream_call, &(FetchSpec){ STREAM("/stream") });
        until(t.stream_call.head == 200 && t.n_closed == 1);
        assert_null(t.stream_call.fetch);
        memset(&t.stream_call, 0, sizeof t.stream_call);
        t.stream_call.drop_at_body = true;
        t.stream_call.start_at_body = &next;
        stream_start();
        t.to_write = 256 * 1024;
        until(pump() && t.n_closed == 2);
        assert_null(t.stream_call.fetch);
        assert_true(t.stream_call.bytes > 0 && t.stream_call.bytes < t.to_write);
        until(t.call.n == 1);
        ANSWERS("GET /next body=0");
        assert_int_equal(t.stream_call.n, 0);
}

/* Texts that curl makes piece by piece: blocks of malloc that grow into mappings, and those that grow on. */
static void test_memory_of_curl_keeps_what_is_in_it(void **state) {
        static char text[200001];
        int length = 0;
        char *escaped, *back;

        (void) state;
        for (size_t i = 0; i < sizeof text - 1; i++)
                text[i] = (char) (' ' + i * 31 % 90);
        escaped = curl_easy_escape(NULL, text, 0);
        assert_non_null(escaped);
        assert_true(strlen(escaped) > sizeof text);
        back = curl_easy_unescape(NULL, escaped, 0, &length);
        assert_non_null(back);
        assert_int_equal(length, sizeof text - 1);
        assert_memory_equal(back, text, sizeof text);
        curl_free(escaped);
        curl_free(back);
}

/* In no heap, where they would leave their pages to what stays. */
static void test_memory_of_curl_is_mapped_when_large(void **state) {
        static char text[20001], line[512];
        bool in_heap = false;
        char *copy, *end;
        FILE *maps;

        (void) state;
        memset(text, 'a', sizeof text - 1);
        copy = curl_easy_escape(NULL, text, 0);
        assert_string_equal(copy, text);
        maps = fopen("/proc/self/maps", "re");
        assert_non_null(maps);
        while (fgets(line, sizeof line, maps)) {
                uintptr_t first = strtoul(line, &end, 16), after = strtoul(end + 1, NULL, 16);
                in_heap = in_heap || ((uintptr_t) copy >= first && (uintptr_t) copy < after && strstr(line, "[heap]"));
        }
        (void) fclose(maps);
        assert_false(in_heap);
        curl_free(copy);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_the_pin_is_the_identity),
                T(test_another_key_is_refused),
                T(test_older_tls_and_none_are_refused),
                T(test_fields_that_exclude_each_other),
                T(test_http2_or_nothing),
                T(test_calls_share_one_connection),
                T(test_a_peer_that_renews_its_connections),
                T(test_a_dead_node_does_not_delay_another),
                T(test_a_signed_call_is_not_sent_twice),
                T(test_a_cut_over_http2_is_no_second_request),
                T(test_stream),
                T(test_pause_holds_the_peer_back),
                T(test_streams_do_not_share_a_connection),
                T(test_the_end_waits_for_a_pause),
                T(test_a_node_that_dies_in_a_stream),
                T(test_limits_of_a_stream),
                T(test_drop_and_start_inside_a_stream),
                T(test_memory_of_curl_keeps_what_is_in_it),
                T(test_memory_of_curl_is_mapped_when_large),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
