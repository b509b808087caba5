/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Kept HTTP connections to one address, which send one request after the other and check every answer. Nothing is ever sent twice.
 *
 *     loadclient ADDRESS PORT HOST PREFIX CONNECTIONS RATE LIMIT [TIMEOUT_S]
 *
 * RATE: requests a second over all connections, 0: as fast as answers come. LIMIT: so many requests, 0: until SIGTERM or SIGINT; then what
 * is under way is waited for. One line of JSON is printed at the end.
 *
 * Every request has an id of its own, PREFIX-N. One in four is POST /post/ID with a body that is made of the id, one in sixteen GET
 * /stream/ID, which the app answers in pieces over some time, the others GET /get/ID; every answer's body must be made of that id. POSTs
 * are numbered by themselves, from 0, so that what arrived can be held against what was sent.
 *
 * Failed is: no connection, an end of the connection after a request was sent and before its answer was complete, a status of 400 and
 * more, another body, no answer in time. No failure: a connection that is closed between two answers; it is opened anew and counted. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        MAX_CONNECTIONS = 1000,
        ANSWER_MAX = 64 * 1024,
        BODY_MAX = 4096,
        EXAMPLES = 10,
        EXAMPLE_MAX = 300,
        INSTANCES = 4096,
        INSTANCE_MAX = 40,
        PAUSE_AFTER_FAILURE_US = 100000, /* nobody is helped by a client that spins */
};

typedef enum { CLOSED, WAITING, ASKING } State; /* WAITING: connected, until it is time for the next request */
typedef enum { GET, STREAM, POST, KINDS } Kind;
typedef enum { F_CONNECT, F_CLOSED, F_CUT, F_STATUS, F_BODY, F_MALFORMED, F_TIMEOUT, FAILURES } Failure;

static const char *const kinds[KINDS] = { "get", "stream", "post" };
static const char *const failures[FAILURES] = { "connect", "closed", "cut", "status", "body", "malformed", "timeout" };

typedef struct {
        State state;
        int fd;
        bool was_open;
        int64_t due, sent_at;
        Kind kind;
        char id[64];
        size_t length; /* of what came of the answer */
        char answer[ANSWER_MAX + 1];
} Connection;

static struct {
        struct sockaddr_in to;
        const char *host, *prefix;
        unsigned connections;
        int64_t interval, timeout; /* µs; of one connection */
        uint64_t limit;

        uint64_t sent, ok, failed, by_failure[FAILURES], by_kind[KINDS], reopened;
        uint32_t *latencies; /* µs */
        size_t room;
        int64_t start, longest_at;
        uint32_t longest;
        char examples[EXAMPLES][EXAMPLE_MAX];
        unsigned example_count;
        char instances[INSTANCES][INSTANCE_MAX];
        unsigned instance_count;
        Connection *all;
} load;

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
        (void) number;
        stopped = 1;
}

static void die(const char *what) {
        fprintf(stderr, "loadclient: %s: %s\n", what, strerror(errno));
        exit(2);
}

static int64_t now_us(void) {
        struct timespec t;
        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What the body of a request and of its answer must be: the id, a colon, and as many dots as the number in the id says. */
static size_t body_of(const char *id, char body[static BODY_MAX]) {
        const char *number = strrchr(id, '-');
        size_t dots = number ? strtoul(number + 1, NULL, 10) % 1000 : 0;
        int n = snprintf(body, BODY_MAX, "%s:", id);
        memset(body + n, '.', dots);
        return (size_t) n + dots;
}

static void next_turn(Connection *c, int64_t earliest) {
        c->due += load.interval;
        if (c->due < earliest)
                c->due = earliest;
}

static void hang_up(Connection *c) {
        if (c->fd >= 0)
                (void) close(c->fd);
        c->fd = -1;
        c->state = CLOSED;
}

static void fail(Connection *c, Failure f, const char *detail) {
        int64_t t = now_us();
        load.failed++;
        load.by_failure[f]++;
        if (load.example_count < EXAMPLES) {
                char *to = load.examples[load.example_count++];
                (void) snprintf(to, EXAMPLE_MAX, "%.3f s: %s %s: %s: %s, after %.3f s and %zu bytes: %.80s",
                                (double) (t - load.start) / 1e6, kinds[c->kind], c->id, failures[f], detail,
                                (double) (t - c->sent_at) / 1e6, c->length, c->length ? c->answer : "");
        }
        hang_up(c);
        next_turn(c, t + PAUSE_AFTER_FAILURE_US);
}

static void note_instance(const char *name, size_t length) {
        if (length == 0 || length >= INSTANCE_MAX)
                return;
        for (unsigned i = load.instance_count; i-- > 0;) /* the newest is asked for most often */
                if (strncmp(load.instances[i], name, length) == 0 && load.instances[i][length] == '\0')
                        return;
        if (load.instance_count < INSTANCES)
                memcpy(load.instances[load.instance_count++], name, length);
}

static void note_latency(int64_t us, int64_t at) {
        if (load.ok == load.room) {
                load.room = load.room ? load.room * 2 : 1 << 16;
                load.latencies = realloc(load.latencies, load.room * sizeof *load.latencies);
                if (!load.latencies)
                        die("memory");
        }
        uint32_t n = us > UINT32_MAX ? UINT32_MAX : (uint32_t) us;
        load.latencies[load.ok++] = n;
        if (n > load.longest) {
                load.longest = n;
                load.longest_at = at - load.start;
        }
}

/* The value of a header, NULL when it is not there. `head` ends with an empty line. */
static const char *header(const char *head, const char *name, size_t *ret_length) {
        size_t length = strlen(name);
        for (const char *line = strstr(head, "\r\n"); line && line[2] != '\r'; line = strstr(line, "\r\n")) {
                line += 2;
                if (strncasecmp(line, name, length) != 0 || line[length] != ':')
                        continue;
                line += length + 1;
                line += strspn(line, " ");
                *ret_length = strcspn(line, "\r");
                return line;
        }
        return NULL;
}

static bool has_value(const char *head, const char *name, const char *value) {
        size_t length;
        const char *found = header(head, name, &length);
        return found && length == strlen(value) && strncasecmp(found, value, length) == 0;
}

/* Decodes what came of a chunked body in place. 1: complete, 0: not yet, -1: malformed. */
static int unchunk(char *body, size_t length, size_t *ret_length) {
        size_t in = 0, out = 0;
        for (;;) {
                char *end = memmem(body + in, length - in, "\r\n", 2), *after;
                if (!end)
                        return length - in > 16 ? -1 : 0;
                size_t size = strtoul(body + in, &after, 16);
                if (after == body + in || (after != end && *after != ';') || size > ANSWER_MAX)
                        return -1;
                in = (size_t) (end - body) + 2;
                if (size + 2 > length - in)
                        return 0;
                if (memcmp(body + in + size, "\r\n", 2) != 0)
                        return -1;
                memmove(body + out, body + in, size);
                in += size + 2;
                out += size;
                *ret_length = out;
                if (size == 0)
                        return in == length ? 1 : -1;
        }
}

/* Looks at what has come. True when the answer is complete, or has failed. */
static bool judge(Connection *c) {
        c->answer[c->length] = '\0';
        char *end = memmem(c->answer, c->length, "\r\n\r\n", 4);
        if (!end)
                return c->length >= ANSWER_MAX ? (fail(c, F_MALFORMED, "a head without an end"), true) : false;
        int status = 0;
        if (sscanf(c->answer, "HTTP/1.1 %d ", &status) != 1)
                return fail(c, F_MALFORMED, "not an answer"), true;
        if (status >= 400 || status < 200)
                return fail(c, F_STATUS, "refused"), true;

        char *body = end + 4, copy[ANSWER_MAX];
        size_t head = (size_t) (body - c->answer), length = c->length - head, value_length;
        const char *value = header(c->answer, "Content-Length", &value_length);
        if (has_value(c->answer, "Transfer-Encoding", "chunked")) {
                size_t plain = 0;
                memcpy(copy, body, length); /* it is looked at again when more has come */
                int r = unchunk(copy, length, &plain);
                if (r < 0)
                        return fail(c, F_MALFORMED, "not chunks"), true;
                if (r == 0)
                        return false;
                body = copy;
                length = plain;
        } else if (value) {
                size_t wanted = strtoul(value, NULL, 10);
                if (length < wanted && wanted < ANSWER_MAX - head)
                        return false;
                if (length != wanted)
                        return fail(c, F_MALFORMED, "another length than was told"), true;
        } else {
                return fail(c, F_MALFORMED, "an answer without a length"), true;
        }

        char expected[BODY_MAX];
        size_t expected_length = body_of(c->id, expected);
        if (length != expected_length || memcmp(body, expected, length) != 0)
                return fail(c, F_BODY, "not the body of this request"), true;
        int64_t t = now_us();
        value = header(c->answer, "X-Instance", &value_length);
        if (value)
                note_instance(value, value_length);
        note_latency(t - c->sent_at, t);
        next_turn(c, t);
        c->state = WAITING;
        if (has_value(c->answer, "Connection", "close"))
                hang_up(c);
        return true;
}

/* The server is on this machine or one cable away: connecting is not worth a state of its own. */
static bool dial(Connection *c) {
        int on = 1;
        struct timeval limit = { .tv_sec = load.timeout / 1000000 };
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0)
                die("socket");
        if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
            connect(c->fd, (struct sockaddr *) &load.to, sizeof load.to) < 0)
                return false;
        (void) setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        load.reopened += c->was_open;
        c->was_open = true;
        return true;
}

/* Closes a connection that the server has closed meanwhile. */
static void look(Connection *c) {
        char byte;
        if (c->fd >= 0 && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
                hang_up(c);
}

static void ask(Connection *c) {
        static uint64_t count;
        char body[BODY_MAX], request[BODY_MAX + 512];
        uint64_t n = count++;
        c->kind = n % 4 == 3 ? POST : n % 16 == 8 ? STREAM : GET;
        (void) snprintf(c->id, sizeof c->id, "%s%s-%llu", load.prefix, kinds[c->kind], (unsigned long long) load.by_kind[c->kind]++);
        load.sent++;
        c->length = 0;
        look(c);
        c->sent_at = now_us();
        if (c->fd < 0 && !dial(c)) {
                fail(c, F_CONNECT, strerror(errno));
                return;
        }
        size_t body_length = c->kind == POST ? body_of(c->id, body) : 0;
        int head = snprintf(request, sizeof request, "%s /%s/%s HTTP/1.1\r\nHost: %s\r\n", c->kind == POST ? "POST" : "GET", kinds[c->kind],
                            c->id, load.host);
        if (c->kind == POST)
                head += snprintf(request + head, sizeof request - (size_t) head, "Content-Type: text/plain\r\nContent-Length: %zu\r\n",
                                 body_length);
        memcpy(request + head, "\r\n", 2);
        memcpy(request + head + 2, body, body_length);
        size_t length = (size_t) head + 2 + body_length;
        c->state = ASKING;
        if (send(c->fd, request, length, MSG_NOSIGNAL) != (ssize_t) length)
                fail(c, F_CLOSED, "while the request was sent");
}

static void receive(Connection *c) {
        ssize_t n = recv(c->fd, c->answer + c->length, ANSWER_MAX - c->length, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (c->state == WAITING) { /* an end, or bytes that nobody asked for */
                if (n > 0)
                        fail(c, F_MALFORMED, "bytes behind the answer");
                else
                        hang_up(c);
                return;
        }
        if (n <= 0) {
                c->answer[c->length] = '\0';
                fail(c, c->length ? F_CUT : F_CLOSED, n < 0 ? strerror(errno) : "end of the connection");
                return;
        }
        c->length += (size_t) n;
        (void) judge(c);
}

static bool may_ask(void) {
        return !stopped && (load.limit == 0 || load.sent < load.limit);
}

/* Sends what is due; returns how long nothing will be, in ms, or -1 when all is done. */
static int turn(void) {
        int64_t t = now_us(), next = t + 1000000;
        bool busy = false;
        for (unsigned i = 0; i < load.connections; i++) {
                Connection *c = &load.all[i];
                if (c->state == ASKING && t - c->sent_at > load.timeout)
                        fail(c, F_TIMEOUT, "no whole answer in time");
                if (c->state != ASKING && may_ask() && c->due <= t)
                        ask(c);
                if (c->state == ASKING || may_ask())
                        busy = true;
                int64_t wake = c->state == ASKING ? c->sent_at + load.timeout : c->due;
                if (may_ask() && wake < next)
                        next = wake;
        }
        return !busy ? -1 : next <= t ? 0 : (int) ((next - t + 999) / 1000);
}

static void run(void) {
        static struct pollfd watched[MAX_CONNECTIONS];
        for (int wait; (wait = turn()) >= 0;) {
                for (unsigned i = 0; i < load.connections; i++)
                        watched[i] = (struct pollfd){ .fd = load.all[i].fd, .events = POLLIN };
                if (poll(watched, load.connections, wait) < 0 && errno != EINTR)
                        die("poll");
                for (unsigned i = 0; i < load.connections; i++)
                        if (watched[i].fd >= 0 && watched[i].revents)
                                receive(&load.all[i]);
        }
}

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
        return (x > y) - (x < y);
}

static double quantile_ms(double q) {
        return load.ok ? load.latencies[(size_t) ((double) (load.ok - 1) * q)] / 1e3 : 0;
}

static void print_text(const char *text) {
        putchar('"');
        for (; *text; text++)
                if (*text == '"' || *text == '\\' || (unsigned char) *text < ' ' || (unsigned char) *text > '~')
                        printf("\\u%04x", (unsigned char) *text);
                else
                        putchar(*text);
        putchar('"');
}

static void report(void) {
        if (load.ok)
                qsort(load.latencies, load.ok, sizeof *load.latencies, compare);
        printf("{\"sent\": %llu, \"ok\": %llu, \"failed\": %llu, ", (unsigned long long) load.sent, (unsigned long long) load.ok,
               (unsigned long long) load.failed);
        for (int i = 0; i < KINDS; i++)
                printf("\"%ss\": %llu, ", kinds[i], (unsigned long long) load.by_kind[i]);
        printf("\"failed_by_kind\": {");
        for (int i = 0; i < FAILURES; i++)
                printf("%s\"%s\": %llu", i ? ", " : "", failures[i], (unsigned long long) load.by_failure[i]);
        printf("}, \"reopened\": %llu, \"instances\": %u, \"seconds\": %.1f, ", (unsigned long long) load.reopened, load.instance_count,
               (double) (now_us() - load.start) / 1e6);
        printf("\"p50_ms\": %.1f, \"p99_ms\": %.1f, \"max_ms\": %.1f, \"max_at_s\": %.1f, \"prefix\": ", quantile_ms(0.5),
               quantile_ms(0.99), quantile_ms(1), (double) load.longest_at / 1e6);
        print_text(load.prefix);
        printf(", \"examples\": [");
        for (unsigned i = 0; i < load.example_count; i++) {
                printf("%s", i ? ", " : "");
                print_text(load.examples[i]);
        }
        printf("]}\n");
}

int main(int argc, char **argv) {
        if (argc != 8 && argc != 9) {
                fprintf(stderr, "usage: loadclient ADDRESS PORT HOST PREFIX CONNECTIONS RATE LIMIT [TIMEOUT_S]\n");
                return 2;
        }
        load.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t) atoi(argv[2])) };
        load.host = argv[3];
        load.prefix = argv[4];
        load.connections = (unsigned) atoi(argv[5]);
        double rate = atof(argv[6]);
        load.limit = strtoull(argv[7], NULL, 10);
        load.timeout = (argc == 9 ? atoi(argv[8]) : 60) * (int64_t) 1000000;
        if (inet_pton(AF_INET, argv[1], &load.to.sin_addr) != 1 || load.connections < 1 || load.connections > MAX_CONNECTIONS ||
            strlen(load.prefix) > 30 || load.timeout <= 0) {
                fprintf(stderr, "loadclient: a bad argument\n");
                return 2;
        }
        struct sigaction action = { .sa_handler = on_signal };
        if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0)
                die("sigaction");
        load.all = calloc(load.connections, sizeof *load.all);
        if (!load.all)
                die("memory");
        load.start = now_us();
        load.interval = rate > 0 ? (int64_t) (load.connections * 1e6 / rate) : 0;
        for (unsigned i = 0; i < load.connections; i++) {
                load.all[i].fd = -1;
                load.all[i].due = load.start + load.interval * i / load.connections; /* not all at once */
        }
        run();
        report();
        return load.failed > 0;
}
