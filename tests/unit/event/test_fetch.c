/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "event/fetch.h"
#include "event/http_internal.h"
#include "harness.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef struct {
        Fetch *fetch;
        int n, error;
        unsigned status;
        size_t length;
        char body[64 * 1024], sentence[1024];
        bool drop_inside;
        const FetchSpec *next;
} Answer;

static struct {
        Loop *loop;
        FetchPool *pool;
        HttpServer *server;
        char directory[64], path[96];
        HttpRequest *kept;
        int n_gone;
        Answer answer;
} t;

/* --- the other side: our own server on a unix socket --- */

static void on_gone(void *owner) {
        (void) owner;
        t.n_gone++;
}

static size_t body_limit(void *owner, const char *method, const char *path) {
        (void) owner;
        (void) method;
        (void) path;
        return 100000;
}

static void handle(void *owner, HttpRequest *rq) {
        (void) owner;
        static char big[50000];
        const char *path = http_request_path(rq), *type = http_request_header(rq, "Content-Type"), *one = http_request_header(rq, "X-One");
        size_t length;
        const char *body = http_request_body(rq, &length);
        if (strcmp(path, "/keep") == 0) {
                t.kept = rq;
                http_request_on_gone(rq, on_gone, NULL);
        } else if (strcmp(path, "/big") == 0) {
                memset(big, 'b', sizeof big);
                http_reply(rq, 200, "text/plain", big, sizeof big, NULL);
        } else if (strcmp(path, "/absent") == 0) {
                http_reply(rq, 404, "text/plain", "no", 2, NULL);
        } else if (strcmp(path, "/empty") == 0) {
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        } else {
                char text[1024];
                int n = snprintf(text, sizeof text, "%s %s type=%s one=%s expect=%s body=%.20s:%zu", http_request_method(rq), path,
                                 type ? type : "-", one ? one : "-", http_request_header(rq, "Expect") ? "yes" : "-", body, length);
                http_reply(rq, 200, "text/plain", text, (size_t) n, NULL);
        }
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

static int setup(void **state) {
        (void) state;
        memset(&t, 0, sizeof t);
        strcpy(t.directory, "/tmp/ns-fetch-XXXXXX");
        assert_non_null(mkdtemp(t.directory));
        (void) snprintf(t.path, sizeof t.path, "%s/sock", t.directory);
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(http_server_new(t.loop, listen_unix(t.path), 64, 30, &ops, &t, &t.server), 0);
        assert_int_equal(fetch_pool_new(t.loop, &t.pool), 0);
        return 0;
}

static int teardown(void **state) {
        (void) state;
        fetch_drop(t.answer.fetch);
        fetch_pool_free(t.pool);
        http_server_free(t.server);
        loop_free(t.loop);
        char command[128];
        (void) snprintf(command, sizeof command, "%s/cert.pem", t.directory);
        (void) unlink(command);
        (void) snprintf(command, sizeof command, "%s/key.pem", t.directory);
        (void) unlink(command);
        (void) unlink(t.path);
        assert_int_equal(rmdir(t.directory), 0);
        return 0;
}

static void done(void *owner, const FetchResult *result) {
        Answer *a = owner;
        if (a->drop_inside)
                a->fetch = fetch_drop(a->fetch);
        a->n++;
        a->error = result->error;
        a->status = result->status;
        a->length = result->length;
        (void) snprintf(a->sentence, sizeof a->sentence, "%s", result->sentence ? result->sentence : "");
        (void) snprintf(a->body, sizeof a->body, "%s", result->body ? result->body : "");
        if (a->next) {
                a->fetch = fetch_drop(a->fetch);
                const FetchSpec *next = handover(a->next);
                assert_int_equal(fetch_start(t.pool, next, done, a, &a->fetch), 0);
        }
}

static void get(const FetchSpec *spec) {
        t.answer.fetch = fetch_drop(t.answer.fetch);
        t.answer.n = 0;
        assert_int_equal(fetch_start(t.pool, spec, done, &t.answer, &t.answer.fetch), 0);
        assert_int_equal(t.answer.n, 0);
        turn_until(t.loop, t.answer.n == 1);
}

/* --- or one that answers each connection with the same bytes, on TCP --- */

typedef struct {
        int fd, connection;
        Watch *accepting, *reading;
        const char *text;
        bool close_after;
        char url[64];
} Raw;

static void raw_reading(void *owner, uint32_t revents) {
        Raw *raw = owner;
        char buffer[4096];
        (void) revents;
        if (read(raw->connection, buffer, sizeof buffer) > 0) {
                assert_int_equal(write(raw->connection, raw->text, strlen(raw->text)), (ssize_t) strlen(raw->text));
                if (!raw->close_after)
                        return;
        }
        raw->reading = watch_drop(raw->reading);
        close(raw->connection);
        raw->connection = -1;
}

static void raw_accepting(void *owner, uint32_t revents) {
        Raw *raw = owner;
        (void) revents;
        raw->connection = accept(raw->fd, NULL, NULL);
        assert_int_equal(watch_start(t.loop, raw->connection, 1 /* EPOLLIN */, raw_reading, raw, &raw->reading), 0);
}

static int socket_on_loopback(char *url, size_t size) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
        (void) snprintf(url, size, "http://127.0.0.1:%d/", ntohs(address.sin_port));
        return fd;
}

static void raw_open(Raw *raw, const char *text, bool close_after) {
        memset(raw, 0, sizeof *raw);
        raw->text = text;
        raw->close_after = close_after;
        raw->connection = -1;
        raw->fd = socket_on_loopback(raw->url, sizeof raw->url);
        assert_int_equal(listen(raw->fd, 8), 0);
        assert_int_equal(watch_start(t.loop, raw->fd, 1 /* EPOLLIN */, raw_accepting, raw, &raw->accepting), 0);
}

static void raw_close(Raw *raw) {
        watch_drop(raw->accepting);
        watch_drop(raw->reading);
        if (raw->connection >= 0)
                close(raw->connection);
        close(raw->fd);
}

/* --- tests --- */

static void test_get(void **state) {
        (void) state;
        const char *const headers[] = { "X-One: 1", NULL };
        get(&(FetchSpec){ .url = "http://app/x/y", .unix_socket = t.path, .headers = headers });
        assert_int_equal(t.answer.error, 0);
        assert_int_equal(t.answer.status, 200);
        assert_string_equal(t.answer.body, "GET /x/y type=- one=1 expect=- body=:0");
        assert_int_equal(t.answer.length, strlen(t.answer.body));
        get(&(FetchSpec){ .url = "http://app/absent", .unix_socket = t.path, .to_fd = -1 });
        assert_int_equal(t.answer.error, 0);
        assert_int_equal(t.answer.status, 404);
        get(&(FetchSpec){ .url = "http://app/empty", .unix_socket = t.path });
        assert_int_equal(t.answer.status, 204);
        assert_string_equal(t.answer.body, "");
}

static void test_methods_and_bodies(void **state) {
        (void) state;
        static char body[60000];
        memset(body, 'x', sizeof body);
        get(&(FetchSpec){ .method = "POST", .url = "http://app/", .unix_socket = t.path, .body = body, .body_length = sizeof body });
        assert_string_equal(t.answer.body, "POST / type=- one=- expect=- body=xxxxxxxxxxxxxxxxxxxx:60000");
        const char *const json[] = { "content-type: application/json", NULL };
        get(&(FetchSpec){ .method = "PUT", .url = "http://app/", .unix_socket = t.path, .body = "{}", .body_length = 2, .headers = json });
        assert_string_equal(t.answer.body, "PUT / type=application/json one=- expect=- body={}:2");
        get(&(FetchSpec){ .method = "POST", .url = "http://app/", .unix_socket = t.path });
        assert_string_equal(t.answer.body, "POST / type=- one=- expect=- body=:0");
        get(&(FetchSpec){ .method = "DELETE", .url = "http://app/", .unix_socket = t.path });
        assert_string_equal(t.answer.body, "DELETE / type=- one=- expect=- body=:0");
        get(&(FetchSpec){ .method = "HEAD", .url = "http://app/", .unix_socket = t.path });
        assert_int_equal(t.answer.status, 200);
        assert_string_equal(t.answer.body, "");
}

static void test_body_is_copied(void **state) {
        (void) state;
        char url[] = "http://app/copy", body[] = "first", header[] = "X-One: first";
        const char *const headers[] = { header, NULL };
        const FetchSpec spec = { .method = "POST", .url = url, .unix_socket = t.path, .body = body, .body_length = 5, .headers = headers };
        assert_int_equal(fetch_start(t.pool, &spec, done, &t.answer, &t.answer.fetch), 0);
        memset(url, 'z', sizeof url - 1);
        memset(body, 'z', sizeof body - 1);
        memset(header, 'z', sizeof header - 1);
        turn_until(t.loop, t.answer.n == 1);
        assert_string_equal(t.answer.body, "POST /copy type=- one=first expect=- body=first:5");
}

static void test_what_is_no_request_is_refused(void **state) {
        (void) state;
        static const char *const urls[] = { "file:///etc/passwd", "ftp://x/",  "gopher://x/", "app/", "", "http://",
                                            "http://a b/",        "scp://x/y", "//x/" };
        for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
                assert_int_equal(fetch_start(t.pool, &(FetchSpec){ .url = urls[i] }, done, &t.answer, &t.answer.fetch), -EINVAL);
        static const char *const lines[] = { "X: a\r\nY: b", "X: a\nY: b", "no colon", ": empty", "X Y: a" };
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
                const char *const headers[] = { lines[i], NULL };
                const FetchSpec spec = { .url = "http://app/", .unix_socket = t.path, .headers = headers };
                assert_int_equal(fetch_start(t.pool, &spec, done, &t.answer, &t.answer.fetch), -EINVAL);
        }
        assert_int_equal(t.answer.n, 0);
}

static void test_too_large(void **state) {
        (void) state;
        get(&(FetchSpec){ .url = "http://app/big", .unix_socket = t.path, .max_bytes = 50000 });
        assert_int_equal(t.answer.error, 0);
        assert_int_equal(t.answer.length, 50000);
        get(&(FetchSpec){ .url = "http://app/big", .unix_socket = t.path, .max_bytes = 49999 });
        assert_int_equal(t.answer.error, -EFBIG);
        assert_non_null(strstr(t.answer.sentence, "too large"));
        Raw raw;
        raw_open(&raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n\r\n", true);
        get(&(FetchSpec){ .url = raw.url, .max_bytes = 7 });
        assert_int_equal(t.answer.error, -EFBIG);
        get(&(FetchSpec){ .url = raw.url, .max_bytes = 8 });
        assert_string_equal(t.answer.body, "12345678");
        raw_close(&raw);
}

static void test_to_a_file(void **state) {
        (void) state;
        FILE *f = tmpfile();
        get(&(FetchSpec){ .url = "http://app/big", .unix_socket = t.path, .to_fd = fileno(f) });
        assert_int_equal(t.answer.error, 0);
        assert_int_equal(t.answer.length, 50000);
        assert_string_equal(t.answer.body, "");
        assert_int_equal(lseek(fileno(f), 0, SEEK_END), 50000);
        (void) fclose(f);
        int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        get(&(FetchSpec){ .url = "http://app/big", .unix_socket = t.path, .to_fd = full });
        close(full);
        assert_int_equal(t.answer.error, -ENOSPC);
        assert_non_null(strstr(t.answer.sentence, "No space left"));
}

static void test_nobody_there(void **state) {
        (void) state;
        char absent[128];
        (void) snprintf(absent, sizeof absent, "%s/absent", t.directory);
        get(&(FetchSpec){ .url = "http://app/", .unix_socket = absent });
        assert_int_equal(t.answer.error, -ENOENT);
        assert_non_null(strstr(t.answer.sentence, absent));
        /* Bound all the while, so that nobody else gets the port, and never listened to. */
        char url[64];
        int fd = socket_on_loopback(url, sizeof url);
        get(&(FetchSpec){ .url = url });
        close(fd);
        assert_int_equal(t.answer.error, -ECONNREFUSED);
        assert_non_null(strstr(t.answer.sentence, "127.0.0.1"));
        get(&(FetchSpec){ .url = "http://name.invalid/" });
        assert_int_equal(t.answer.error, -EHOSTUNREACH);
        assert_non_null(strstr(t.answer.sentence, "name.invalid"));
}

static void test_bad_answers(void **state) {
        (void) state;
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", -EPROTO },
                { "SSH-2.0-OpenSSH\r\n\r\n", -EPROTO },
                { "", -EPROTO },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", -EPROTO },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                Raw raw;
                raw_open(&raw, cases[i].text, true);
                get(&(FetchSpec){ .url = raw.url });
                if (t.answer.error != cases[i].error)
                        fail_msg("'%s': %d, %s", cases[i].text, t.answer.error, t.answer.sentence);
                assert_true(strlen(t.answer.sentence) > 20);
                raw_close(&raw);
        }
}

static void test_time_limits(void **state) {
        (void) state;
        /* The time-out must come after the request has arrived, and how long that takes is the machine's business: it is doubled until
         * then. */
        for (uint64_t timeout_us = 200 * USEC_PER_MSEC; !t.kept; timeout_us *= 2) {
                assert_true(timeout_us < PATIENCE_US);
                get(&(FetchSpec){ .url = "http://app/keep", .unix_socket = t.path, .timeout_us = timeout_us });
                assert_int_equal(t.answer.error, -ETIMEDOUT);
        }
        turn_until(t.loop, t.n_gone >= 1);
        Raw raw;
        raw_open(&raw, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome", false);
        get(&(FetchSpec){ .url = raw.url, .timeout_us = 10 * PATIENCE_US, .stall_us = USEC_PER_SEC });
        assert_int_equal(t.answer.error, -ETIMEDOUT);
        raw_close(&raw);
}

static void test_drop_cancels(void **state) {
        (void) state;
        const FetchSpec spec = { .url = "http://app/keep", .unix_socket = t.path };
        assert_int_equal(fetch_start(t.pool, &spec, done, &t.answer, &t.answer.fetch), 0);
        t.answer.fetch = fetch_drop(t.answer.fetch); /* before it began */
        assert_int_equal(fetch_start(t.pool, &spec, done, &t.answer, &t.answer.fetch), 0);
        turn_until(t.loop, t.kept);
        t.answer.fetch = fetch_drop(t.answer.fetch);
        turn_until(t.loop, t.n_gone == 1);
        assert_int_equal(t.answer.n, 0);
        assert_null(fetch_drop(NULL));
}

static void test_dropping_a_name_lookup_does_not_block(void **state) {
        (void) state;
        /* The resolver's own patience with a server that does not answer; less than that was not waited for it. */
        assert_int_equal(setenv("RES_OPTIONS", "timeout:30 attempts:2", 1), 0);
        uint64_t began = clock_monotonic_us();
        assert_int_equal(fetch_start(t.pool, &(FetchSpec){ .url = "http://other.invalid/" }, done, &t.answer, &t.answer.fetch), 0);
        turn(t.loop, 0);
        turn(t.loop, 0);
        int n = t.answer.n; /* 1 where the name was refused between the two turns */
        t.answer.fetch = fetch_drop(t.answer.fetch);
        assert_true(clock_monotonic_us() - began < 25 * USEC_PER_SEC);
        assert_int_equal(unsetenv("RES_OPTIONS"), 0);
        turn_for(t.loop, 100 * USEC_PER_MSEC);
        assert_int_equal(t.answer.n, n);
}

static void test_drop_inside_the_callback(void **state) {
        (void) state;
        t.answer.drop_inside = true;
        get(&(FetchSpec){ .url = "http://app/in", .unix_socket = t.path });
        assert_string_equal(t.answer.body, "GET /in type=- one=- expect=- body=:0");
        assert_null(t.answer.fetch);
}

static void test_start_inside_the_callback(void **state) {
        (void) state;
        const FetchSpec next = { .url = "http://app/next", .unix_socket = t.path };
        t.answer.next = &next;
        get(&(FetchSpec){ .url = "http://app/first", .unix_socket = t.path });
        turn_until(t.loop, t.answer.n == 2);
        assert_string_equal(t.answer.body, "GET /next type=- one=- expect=- body=:0");
}

static int sum(const Answer *answers, size_t n) {
        int total = 0;
        for (size_t i = 0; i < n; i++)
                total += answers[i].n;
        return total;
}

static void test_many_at_once(void **state) {
        (void) state;
        Answer *answers = calloc(40, sizeof *answers);
        for (size_t i = 0; i < 40; i++) {
                char url[64];
                (void) snprintf(url, sizeof url, "http://app/%zu", i);
                assert_int_equal(fetch_start(t.pool, &(FetchSpec){ .url = url, .unix_socket = t.path }, done, &answers[i],
                                             &answers[i].fetch),
                                 0);
        }
        turn_until(t.loop, sum(answers, 40) == 40);
        for (size_t i = 0; i < 40; i++) {
                char text[64];
                (void) snprintf(text, sizeof text, "GET /%zu type", i);
                assert_memory_equal(answers[i].body, text, strlen(text));
                fetch_drop(answers[i].fetch);
        }
        free(answers);
        turn_until(t.loop, t.server->peers == NULL); /* none is kept on a unix socket */
}

static pid_t tls_server(unsigned *ret_https, unsigned *ret_http) {
        int fds[2];
        char text[64] = "";
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion leaves the test without a word */
                (void) dup2(fds[1], 1);
                (void) execl("/usr/bin/python3", "/usr/bin/python3", TLS_SERVER, t.directory, (char *) NULL);
                _exit(127);
        }
        close(fds[1]);
        for (size_t n = 0; !strchr(text, '\n'); n++)
                assert_true(n < sizeof text - 1 && read(fds[0], text + n, 1) == 1);
        close(fds[0]);
        assert_int_equal(sscanf(text, "%u %u", ret_https, ret_http), 2);
        return pid;
}

static void test_tls_and_redirects(void **state) {
        (void) state;
        unsigned https, http;
        char ca[128], url[128];
        pid_t pid = tls_server(&https, &http);
        (void) snprintf(ca, sizeof ca, "%s/cert.pem", t.directory);
#define URL(scheme, rest) (snprintf(url, sizeof url, "%s://localhost:%u/%s", scheme, scheme[4] ? https : http, rest), url)
        get(&(FetchSpec){ .url = URL("https", "x"), .ca = ca });
        assert_string_equal(t.answer.body, "secure=True path=/x");
        get(&(FetchSpec){ .url = URL("https", "x") });
        assert_int_equal(t.answer.error, -EKEYREJECTED);
        get(&(FetchSpec){ .url = URL("https", "x"), .ca = "/nonexistent" });
        assert_int_equal(t.answer.error, -EKEYREJECTED);
        get(&(FetchSpec){ .url = URL("https", "gzip"), .ca = ca });
        assert_int_equal(t.answer.length, 9000);
        get(&(FetchSpec){ .url = URL("https", "gzip"), .ca = ca, .max_bytes = 8999 });
        assert_int_equal(t.answer.error, -EFBIG);
        get(&(FetchSpec){ .url = URL("https", "to/https/there"), .ca = ca });
        assert_int_equal(t.answer.status, 302);
        get(&(FetchSpec){ .url = URL("https", "to/https/there"), .ca = ca, .redirects = 1 });
        assert_string_equal(t.answer.body, "secure=True path=/there");
        get(&(FetchSpec){ .url = URL("https", "to/https/to/https/there"), .ca = ca, .redirects = 1 });
        assert_int_equal(t.answer.error, -ELOOP);
        get(&(FetchSpec){ .url = URL("https", "to/http/there"), .ca = ca, .redirects = 5 });
        assert_int_equal(t.answer.error, -EPROTO);
        get(&(FetchSpec){ .url = URL("https", "to/file/etc/passwd"), .ca = ca, .redirects = 5 });
        assert_int_equal(t.answer.error, -EPROTO);
        get(&(FetchSpec){ .url = URL("http", "to/https/there"), .ca = ca, .redirects = 5 });
        assert_string_equal(t.answer.body, "secure=True path=/there");
        get(&(FetchSpec){ .url = URL("https", "loop"), .ca = ca, .redirects = 3 });
        assert_int_equal(t.answer.error, -ELOOP);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, NULL, 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_get),
                T(test_methods_and_bodies),
                T(test_body_is_copied),
                T(test_what_is_no_request_is_refused),
                T(test_too_large),
                T(test_to_a_file),
                T(test_nobody_there),
                T(test_bad_answers),
                T(test_time_limits),
                T(test_drop_cancels),
                T(test_dropping_a_name_lookup_does_not_block),
                T(test_drop_inside_the_callback),
                T(test_start_inside_the_callback),
                T(test_many_at_once),
                T(test_tls_and_redirects),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
