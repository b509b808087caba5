/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/http_internal.h"
#include "harness.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LIMIT 1000

static struct {
        Loop *loop;
        HttpServer *server;
        char path[64];
        HttpRequest *kept;
        HttpStream *stream;
        int n_handled, n_gone, n_closed;
        char body[LIMIT + 1];
        size_t length;
} t;

static void on_gone(void *owner) {
        (void) owner;
        t.n_gone++;
        t.kept = NULL;
}

static void on_closed(void *owner) {
        (void) owner;
        t.n_closed++;
}

static size_t body_limit(void *owner, const char *method, const char *path) {
        (void) owner;
        (void) method;
        return strcmp(path, "/none") == 0 ? 0 : LIMIT;
}

static void handle(void *owner, HttpRequest *rq) {
        assert_ptr_equal(owner, &t);
        t.n_handled++;
        const char *path = http_request_path(rq);
        if (strcmp(path, "/keep") == 0) {
                t.kept = rq;
                http_request_on_gone(rq, on_gone, NULL);
        } else if (strcmp(path, "/stream") == 0) {
                assert_int_equal(http_reply_stream(rq, "text/event-stream", on_closed, NULL, &t.stream), 0);
        } else if (strcmp(path, "/empty") == 0) {
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        } else if (strcmp(path, "/who") == 0) {
                char text[128];
                int n = snprintf(text, sizeof text, "uid %u, first %d, second %d, third %d", http_request_peer_uid(rq),
                                 http_request_peer_in_group(rq, 4242), http_request_peer_in_group(rq, 4243),
                                 http_request_peer_in_group(rq, 4244));
                http_reply(rq, 200, "text/plain", text, (size_t) n, NULL);
        } else {
                const char *q = http_request_query(rq, "q"), *h = http_request_header(rq, "x-thing");
                const char *body = http_request_body(rq, &t.length);
                assert_int_equal(body[t.length], '\0');
                memcpy(t.body, body, t.length + 1);
                char text[256];
                int n = snprintf(text, sizeof text, "[%s %s q=%s h=%s %zu] T=%s]", http_request_method(rq), path, q ? q : "-", h ? h : "-",
                                 t.length, http_request_target(rq));
                const char *const extra[] = { "X-One: 1", "X-Two:2", "no header line", NULL };
                http_reply(rq, 200, "text/plain", text, (size_t) n, extra);
        }
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

static int setup_with(unsigned max_connections, unsigned idle_s) {
        memset(&t, 0, sizeof t);
        (void) snprintf(t.path, sizeof t.path, "/tmp/ns-http-%d.sock", (int) getpid());
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(http_server_new(t.loop, listen_unix(t.path), max_connections, idle_s, &ops, &t, &t.server), 0);
        return 0;
}

static int setup(void **state) {
        (void) state;
        return setup_with(64, 30);
}

static int teardown(void **state) {
        (void) state;
        http_server_free(t.server);
        http_stream_end(t.stream);
        loop_free(t.loop);
        unlink(t.path);
        return 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED(path) "POST " path " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

static Client *ask(const char *text) {
        Client *c = client_open(t.path);
        client_send(c, text);
        return c;
}

static void expect(Client *c, const char *text) {
        uint64_t began = clock_monotonic_us();
        while (!client_has(c, text)) {
                if (clock_monotonic_us() - began > PATIENCE_US || c->closed)
                        fail_msg("no '%s' in:\n%s", text, c->in);
                turn(t.loop, 20 * USEC_PER_MSEC);
        }
}

/* What waits for nothing and nobody is there after a few turns; a loop that had forgotten it would come to it with the next time-out. */
static bool comes_at_once(Client *c, const char *text) {
        for (int n = 0; n < 20 && !client_has(c, text); n++)
                turn(t.loop, 0);
        return client_has(c, text);
}

static void test_get(void **state) {
        (void) state;
        Client *c = ask("GET /a%20b/c?x=1&q=one+two%2fthr%C3%A9%65&z HTTP/1.1\r\nHost: x\r\nX-Thing: yes\r\n\r\n");
        expect(c, "[GET /a%20b/c q=one two/thr\xC3\xA9"
                  "e h=yes 0]");
        expect(c, "HTTP/1.1 200 OK\r\n");
        expect(c, "Cache-Control: no-store\r\n");
        expect(c, "Content-Type: text/plain\r\n");
        expect(c, "X-One: 1\r\n");
        expect(c, "X-Two: 2\r\n");
        assert_null(strstr(c->in, "no header line"));
        client_forget(c); /* the same connection goes on */
        client_send(c, GET("/again"));
        expect(c, "[GET /again q=- h=- 0]");
        client_close(c);
}

static void test_query_that_is_no_text_is_absent(void **state) {
        (void) state;
        static const char *const bad[] = { "%00", "a%00b", "%", "%4", "%zz", "%-1" };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                char text[128];
                (void) snprintf(text, sizeof text, "GET /?q=%s HTTP/1.1\r\nHost: x\r\n\r\n", bad[i]);
                Client *c = ask(text);
                expect(c, "[GET / q=- h=- 0]");
                client_close(c);
        }
        Client *c = ask(GET("/?q="));
        expect(c, "[GET / q= h=- 0]");
        client_close(c);
}

static void test_head_and_no_content(void **state) {
        (void) state;
        Client *c = ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET("/empty") GET("/end"));
        expect(c, "[GET /end");
        assert_null(strstr(c->in, "[HEAD"));
        assert_non_null(strstr(c->in, "HTTP/1.1 204 No Content\r\n"));
        client_close(c);
}

static void test_body_in_pieces(void **state) {
        (void) state;
        Client *c = ask(POST("/", "10") "abc");
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(t.n_handled, 0);
        client_send(c, "defg");
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        client_send(c, "hij");
        expect(c, "[POST / q=- h=- 10]");
        assert_string_equal(t.body, "abcdefghij");
        client_close(c);
}

static void test_chunked_body(void **state) {
        (void) state;
        Client *c = ask(CHUNKED("/") "3\r\nabc\r\n5;x=y\r\ndefgh\r\n");
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        client_send(c, "0\r\n\r\n");
        expect(c, "[POST / q=- h=- 8]");
        assert_string_equal(t.body, "abcdefgh");
        client_close(c);
}

static void test_body_at_and_over_the_limit(void **state) {
        (void) state;
        static char full[LIMIT + 1];
        memset(full, 'x', LIMIT);
        Client *c = ask(POST("/", "1000"));
        client_send(c, full);
        expect(c, "[POST / q=- h=- 1000]");
        client_close(c);
        c = ask(POST("/", "1001"));
        client_send(c, full);
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_true(client_poll(c) && c->length == 0 && !c->closed); /* not while it is still sending */
        client_send(c, "x");
        expect(c, "HTTP/1.1 413 ");
        turn_until(t.loop, client_is_closed(c));
        client_close(c);
        c = ask("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"); /* and has not begun */
        expect(c, "HTTP/1.1 413 ");
        client_close(c);
        c = ask(POST("/none", "1") "x");
        expect(c, "HTTP/1.1 413 ");
        client_close(c);
        c = ask(POST("/", "99999999999999999999999"));
        expect(c, "HTTP/1.1 4");
        client_close(c);
        c = ask(CHUNKED("/") "3e8\r\n");
        client_send(c, full);
        client_send(c, "\r\n1\r\nx\r\n0\r\n\r\n");
        expect(c, "HTTP/1.1 413 ");
        turn_until(t.loop, client_is_closed(c));
        client_close(c);
        assert_int_equal(t.n_handled, 1);
}

/* Sends length bytes as fast as the server takes them; false when it closed before. */
static bool send_all(Client *c, size_t length) {
        static char block[64 * 1024];
        uint64_t began = clock_monotonic_us();
        while (length > 0) {
                size_t part = length < sizeof block ? length : sizeof block;
                ssize_t n = send(c->fd, block, part, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno != EAGAIN)
                        return false;
                length -= n > 0 ? (size_t) n : 0;
                turn(t.loop, n > 0 ? 0 : USEC_PER_MSEC);
                assert_true(clock_monotonic_us() - began < 6 * PATIENCE_US);
        }
        return true;
}

static void test_a_body_that_is_too_large_is_read_to_its_end(void **state) {
        (void) state;
        Client *c = ask(POST("/", "3146728")); /* 3 MiB beyond the limit */
        assert_true(send_all(c, 3146728));
        expect(c, "HTTP/1.1 413 ");
        turn_until(t.loop, client_is_closed(c));
        client_close(c);
        c = ask(POST("/", "3146729"));
        expect(c, "HTTP/1.1 413 ");
        turn_until(t.loop, client_is_closed(c));
        client_close(c);
        c = ask(CHUNKED("/") "300000\r\n");
        assert_true(send_all(c, 3 * 1024 * 1024));
        client_send(c, "\r\n0\r\n\r\n");
        expect(c, "HTTP/1.1 413 ");
        client_close(c);
        assert_int_equal(t.n_handled, 0);
        c = ask(GET("/still"));
        expect(c, "[GET /still");
        client_close(c);
}

static void test_target_is_as_sent(void **state) {
        (void) state;
        static const char *const targets[] = { "/target", "/target?a=b%2Fc&d+e&&=", "/target?", "/%74arget/../x//?q=%00?" };
        Client *c = client_open(t.path); /* the second one on a connection is not the first */
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
                char text[128];
                (void) snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
                client_forget(c);
                client_send(c, text);
                (void) snprintf(text, sizeof text, "T=%s]", targets[i]);
                expect(c, text);
        }
        client_close(c);
        c = ask("GET /target?" GET("/a") "GET /half?x HTTP/1.1\r\nHo"); /* the first is none; its line is given back all the same */
        turn_for(t.loop, 20 * USEC_PER_MSEC);
        client_close(c);
}

static void test_endless_body_is_cut(void **state) {
        (void) state;
        static char chunk[4096 + 16];
        int n = snprintf(chunk, sizeof chunk, "1000\r\n");
        memset(chunk + n, 'x', 4096);
        strcpy(chunk + n + 4096, "\r\n");
        Client *c = ask(CHUNKED("/"));
        uint64_t began = clock_monotonic_us();
        while (!client_is_closed(c)) {
                assert_true(clock_monotonic_us() - began < PATIENCE_US);
                (void) send(c->fd, chunk, strlen(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);
                turn(t.loop, USEC_PER_MSEC);
        }
        assert_int_equal(t.n_handled, 0);
        client_close(c);
}

static void test_ambiguous_framing_is_refused(void **state) {
        (void) state;
        static const char *const bad[] = {
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4x\r\n\r\nabcd",
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                Client *c = ask(bad[i]);
                turn_until(t.loop, client_is_closed(c));
                if (c->length > 0)
                        assert_memory_equal(c->in, "HTTP/1.1 4", 10);
                client_close(c);
        }
        assert_int_equal(t.n_handled, 0);
}

static void test_garbage_does_no_harm(void **state) {
        (void) state;
        static const char *const bad[] = { "\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/9.9\r\n\r\n",
                                           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                Client *c = ask(bad[i]);
                turn_for(t.loop, 20 * USEC_PER_MSEC);
                client_close(c);
        }
        static char head[40 * 1024];
        int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: ");
        memset(head + n, 'a', sizeof head - (size_t) n - 1);
        Client *c = ask(head);
        turn_until(t.loop, client_is_closed(c));
        client_close(c);
        c = ask(GET("/still"));
        expect(c, "[GET /still");
        client_close(c);
}

static void test_half_a_request(void **state) {
        (void) state;
        Client *c = ask("POST / HTTP/1.1\r\nHo");
        turn_for(t.loop, 20 * USEC_PER_MSEC);
        client_close(c);
        c = ask(POST("/", "10") "abc");
        turn_for(t.loop, 20 * USEC_PER_MSEC);
        client_close(c);
        c = ask(CHUNKED("/") "5\r\nab");
        turn_for(t.loop, 20 * USEC_PER_MSEC);
        client_close(c);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_handled, 0);
}

static void test_kept_request_is_answered_at_once(void **state) {
        (void) state;
        Client *c = ask(GET("/keep"));
        turn_until(t.loop, t.kept);
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_true(client_poll(c) && c->length == 0);
        http_reply(t.kept, 202, "text/plain", "later", 5, NULL);
        assert_true(comes_at_once(c, "\r\n\r\nlater"));
        assert_int_equal(t.n_gone, 0);
        client_close(c);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_gone, 0);
}

static void test_pipeline(void **state) {
        (void) state;
        Client *c = ask(GET("/one") GET("/keep") POST("/two", "3") "abc" GET("/three"));
        turn_until(t.loop, t.kept);
        turn_for(t.loop, 30 * USEC_PER_MSEC);
        assert_int_equal(t.n_handled, 2);
        http_reply(t.kept, 200, "text/plain", "[kept]", 6, NULL);
        expect(c, "[GET /three");
        const char *one = strstr(c->in, "[GET /one"), *kept = strstr(c->in, "[kept]"), *two = strstr(c->in, "[POST /two q=- h=- 3]");
        assert_true(one && kept && two && one < kept && kept < two);
        client_close(c);
}

static void test_client_that_leaves_is_told(void **state) {
        (void) state;
        Client *c = ask(GET("/keep"));
        turn_until(t.loop, t.kept);
        client_close(c);
        turn_until(t.loop, t.n_gone == 1);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_gone, 1);
        c = ask(GET("/after"));
        expect(c, "[GET /after");
        client_close(c);
}

static void test_half_closed_client_gets_its_answer(void **state) {
        (void) state;
        Client *c = ask(GET("/keep"));
        turn_until(t.loop, t.kept);
        assert_int_equal(shutdown(c->fd, SHUT_WR), 0);
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(t.n_gone, 0);
        http_reply(t.kept, 200, "text/plain", "late", 4, NULL);
        expect(c, "\r\n\r\nlate");
        client_close(c);
}

static void test_stream(void **state) {
        (void) state;
        Client *c = ask(GET("/stream"));
        turn_until(t.loop, t.stream);
        expect(c, "Content-Type: text/event-stream\r\n");
        assert_int_equal(http_stream_write(t.stream, "data: one\n\n", 11), 0);
        assert_int_equal(http_stream_write(t.stream, "data: two\n\n", 11), 0);
        expect(c, "data: one\n\ndata: two\n\n");
        turn_for(t.loop, 50 * USEC_PER_MSEC);
        assert_int_equal(http_stream_pending(t.stream), 0);
        assert_int_equal(http_stream_write(t.stream, "data: three\n\n", 13), 0);
        assert_true(comes_at_once(c, "data: three\n\n"));
        assert_int_equal(http_stream_write(t.stream, "last", 4), 0);
        t.stream = http_stream_end(t.stream);
        expect(c, "last\r\n0\r\n\r\n");
        client_send(c, GET("/after"));
        expect(c, "[GET /after");
        client_close(c);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_closed, 0);
}

static void test_stream_whose_client_leaves(void **state) {
        (void) state;
        Client *c = ask(GET("/stream"));
        expect(c, "\r\n\r\n");
        turn_for(t.loop, 30 * USEC_PER_MSEC);
        client_close(c);
        turn_until(t.loop, t.n_closed == 1);
        assert_int_equal(http_stream_write(t.stream, "x", 1), -EPIPE);
        t.stream = http_stream_end(t.stream);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_closed, 1);
}

static void test_stream_that_ended_before_its_client_left(void **state) {
        (void) state;
        Client *c = ask(GET("/stream"));
        turn_until(t.loop, t.stream);
        static char much[500 * 1024];
        assert_int_equal(http_stream_write(t.stream, much, sizeof much), 0);
        t.stream = http_stream_end(t.stream);
        client_close(c);
        turn_until(t.loop, t.server->peers == NULL);
        assert_int_equal(t.n_closed, 0);
}

static void test_stream_to_a_client_that_does_not_read(void **state) {
        (void) state;
        Client *c = ask(GET("/stream"));
        turn_until(t.loop, t.stream);
        static char much[64 * 1024];
        int r = 0, n = 0;
        while (r == 0 && n < 1000) {
                r = http_stream_write(t.stream, much, sizeof much);
                turn(t.loop, USEC_PER_MSEC);
                n++;
        }
        assert_int_equal(r, -ENOBUFS);
        assert_true(http_stream_pending(t.stream) <= 1024 * 1024);
        t.stream = http_stream_end(t.stream);
        client_close(c);
        turn_until(t.loop, t.server->peers == NULL);
}

static void test_all_bytes_of_a_stream_in_order(void **state) {
        (void) state;
        Client *c = ask(GET("/stream"));
        turn_until(t.loop, t.stream);
        size_t sent = 0, seen = 0;
        while (sent < 120000) {
                char line[32];
                int n = snprintf(line, sizeof line, "<%zu>", sent);
                assert_int_equal(http_stream_write(t.stream, line, (size_t) n), 0);
                sent += (size_t) n;
                if (sent % 7 == 0)
                        turn(t.loop, 0);
        }
        t.stream = http_stream_end(t.stream);
        expect(c, "\r\n0\r\n\r\n");
        /* Take the chunks apart, then count along. */
        static char plain[200000];
        char *from = strstr(c->in, "\r\n\r\n") + 4;
        for (;;) {
                size_t n = strtoul(from, &from, 16);
                if (n == 0)
                        break;
                memcpy(plain + seen, from + 2, n);
                seen += n;
                from += 2 + n + 2;
        }
        assert_int_equal(seen, sent);
        for (size_t at = 0; at < sent;) {
                char line[32];
                int n = snprintf(line, sizeof line, "<%zu>", at);
                assert_memory_equal(plain + at, line, (size_t) n);
                at += (size_t) n;
        }
        client_close(c);
}

static void test_head_of_a_stream(void **state) {
        (void) state;
        Client *c = ask("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        expect(c, "text/event-stream");
        turn_until(t.loop, t.n_closed == 1);
        t.stream = http_stream_end(t.stream);
        client_send(c, GET("/after"));
        expect(c, "[GET /after");
        client_close(c);
}

static void test_more_clients_than_connections(void **state) {
        (void) state;
        Client *c[70];
        for (size_t i = 0; i < 70; i++)
                c[i] = ask(GET("/x"));
        for (size_t i = 0; i < 64; i++)
                expect(c[i], "[GET /x");
        turn_for(t.loop, 100 * USEC_PER_MSEC);
        for (size_t i = 64; i < 70; i++) {
                assert_true(client_poll(c[i]) && c[i]->length == 0);
                assert_false(c[i]->closed);
        }
        for (size_t i = 0; i < 6; i++)
                client_close(c[i]);
        for (size_t i = 64; i < 70; i++)
                expect(c[i], "[GET /x");
        for (size_t i = 6; i < 70; i++)
                client_close(c[i]);
}

static void test_silent_connection_is_closed(void **state) {
        (void) state;
        teardown(NULL);
        setup_with(64, 1);
        Client *silent = client_open(t.path), *half = ask("GET / HT"), *done = ask(GET("/")), *stream = ask(GET("/stream"));
        expect(stream, "event-stream");
        turn_until(t.loop, client_is_closed(silent) && client_is_closed(half) && client_is_closed(done));
        turn_for(t.loop, USEC_PER_SEC);
        assert_false(client_is_closed(stream)); /* a quiet stream may live */
        assert_int_equal(t.n_closed, 0);
        client_close(silent);
        client_close(half);
        client_close(done);
        client_close(stream);
}

static void test_trickling_request_is_cut(void **state) {
        (void) state;
        teardown(NULL);
        setup_with(64, 1);
        t.server->sweep_us = 100 * USEC_PER_MSEC;
        t.server->request_us = 0;
        Client *c = ask("GET / HTTP/1.1\r\nX-Slow: ");
        uint64_t began = clock_monotonic_us();
        while (!client_is_closed(c)) {
                assert_true(clock_monotonic_us() - began < PATIENCE_US);
                (void) send(c->fd, "a", 1, MSG_NOSIGNAL);
                turn_for(t.loop, 50 * USEC_PER_MSEC);
        }
        assert_true(clock_monotonic_us() - began > 900 * USEC_PER_MSEC);
        client_close(c);
}

static void test_free_cuts_what_is_open(void **state) {
        (void) state;
        Client *kept = ask(GET("/keep")), *stream = ask(GET("/stream")), *half = ask(POST("/", "9") "a"), *idle = ask(GET("/"));
        turn_until(t.loop, t.kept && t.stream && client_has(idle, "[GET"));
        turn_for(t.loop, 20 * USEC_PER_MSEC);
        t.server = http_server_free(t.server);
        assert_int_equal(t.n_gone, 1);
        assert_int_equal(t.n_closed, 1);
        assert_true(client_is_closed(kept) && client_is_closed(stream) && client_is_closed(half) && client_is_closed(idle));
        assert_int_equal(http_stream_write(t.stream, "x", 1), -EPIPE);
        client_close(kept);
        client_close(stream);
        client_close(half);
        client_close(idle);
}

static void test_idle_connections_cost_no_turns(void **state) {
        (void) state;
        Client *c[] = { ask(GET("/keep")), ask(GET("/stream")), ask(GET("/")), ask("GET / HT") };
        turn_until(t.loop, t.kept && t.stream && client_has(c[2], "[GET"));
        /* Until it has come to rest, however long that takes. */
        for (int quiet = 0, turns = 0; quiet < 3 && turns < 1000; turns++)
                quiet = sd_event_run(loop_event(t.loop), 20 * USEC_PER_MSEC) > 0 ? 0 : quiet + 1;
        int n = 0;
        uint64_t began = clock_monotonic_us();
        while (clock_monotonic_us() - began < 500 * USEC_PER_MSEC)
                n += sd_event_run(loop_event(t.loop), 100 * USEC_PER_MSEC) > 0;
        assert_true(n <= 5);
        for (size_t i = 0; i < 4; i++)
                client_close(c[i]);
        turn_until(t.loop, t.server->peers == NULL);
}

/* Another user, in other groups, asks: this process may be the one that answers only if it is root, as the agent's unit test is. */
static void test_who_asks(void **state) {
        (void) state;
        assert_int_equal(geteuid(), 0);
        assert_int_equal(chmod(t.path, 0666), 0);
        pid_t pid = fork();
        if (pid == 0) {
                const gid_t groups[] = { 4243, 4245 };
                char answer[1024] = "";
                if (setgroups(2, groups) < 0 || setgid(4242) < 0 || setuid(4241) < 0)
                        _exit(1);
                Client *c = ask(GET("/who"));
                (void) fcntl(c->fd, F_SETFL, 0);
                for (size_t n = 0; !strstr(answer, "third");) {
                        ssize_t got = recv(c->fd, answer + n, sizeof answer - 1 - n, 0);
                        if (got <= 0)
                                _exit(2);
                        n += (size_t) got;
                }
                _exit(strstr(answer, "uid 4241, first 1, second 1, third 0") ? 0 : 3);
        }
        int status = -1;
        turn_until(t.loop, waitpid(pid, &status, WNOHANG) == pid);
        assert_int_equal(status, 0);
        Client *c = ask(GET("/who"));
        expect(c, "uid 0, first 0, second 0, third 0");
        client_close(c);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_get),
                T(test_query_that_is_no_text_is_absent),
                T(test_head_and_no_content),
                T(test_body_in_pieces),
                T(test_chunked_body),
                T(test_body_at_and_over_the_limit),
                T(test_a_body_that_is_too_large_is_read_to_its_end),
                T(test_target_is_as_sent),
                T(test_endless_body_is_cut),
                T(test_ambiguous_framing_is_refused),
                T(test_garbage_does_no_harm),
                T(test_half_a_request),
                T(test_kept_request_is_answered_at_once),
                T(test_pipeline),
                T(test_client_that_leaves_is_told),
                T(test_half_closed_client_gets_its_answer),
                T(test_stream),
                T(test_stream_whose_client_leaves),
                T(test_stream_that_ended_before_its_client_left),
                T(test_stream_to_a_client_that_does_not_read),
                T(test_all_bytes_of_a_stream_in_order),
                T(test_head_of_a_stream),
                T(test_more_clients_than_connections),
                T(test_silent_connection_is_closed),
                T(test_trickling_request_is_cut),
                T(test_free_cuts_what_is_open),
                T(test_idle_connections_cost_no_turns),
                T(test_who_asks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
