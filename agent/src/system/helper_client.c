/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls wait in a list; its first is the one under way. Over the socket that is a state of three steps: connect, write, read until the
 * helper closes. The helper writes its answer when it has done the work, so the whole of it is one wait, with one limit. */
#include "system/helper_client_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/paths.h"
#include "base/text.h"
#include "event/child.h"

#define ANSWER_MAX ((size_t) 8 << 10)
#define REQUEST_MAX ((size_t) 4 << 20)
#define LIMIT_US (120 * USEC_PER_SEC)
#define CONNECT_AGAIN_US (50 * USEC_PER_MSEC)

struct HelperCall {
        HelperClient *client; /* NULL when it is done, or the client has gone */
        HelperCall *next;
        char *request;
        size_t length;
        HelperDone done; /* NULL when the owner has dropped it while it was under way */
        void *owner;
};

struct HelperClient {
        Loop *loop;
        const char *socket;
        char *const *argv;
        uint64_t timeout_us;
        HelperCall *calls; /* in order */
        bool under_way;    /* the first of them */
        Timer *turn;       /* begins the next call, or tries to connect again */
        Timer *limit;
        Child *child;
        int fd;
        Watch *watch;
        size_t written, received;
        char answer[ANSWER_MAX + 2];
};

static void begin(void *owner);

/* --- answers --- */

static bool not_understood(HelperAnswer *ret) {
        *ret = (HelperAnswer){ .word = "unreachable",
                               .text = "The helper's answer was not understood. Are agent and helper of the same version?" };
        return false;
}

bool helper_answer_parse(char *text, size_t length, HelperAnswer *ret) {
        static const char *const words[] = { "request", "denied", "absent", "conflict", "nginx", "system" };

        if (length < 1 || text[length - 1] != '\n' || !text_is_line(text, length - 1))
                return not_understood(ret);
        text[length - 1] = '\0';
        *ret = (HelperAnswer){ .text = "" };
        if (strcmp(text, "ok") == 0 || text_starts(text, "ok ")) {
                ret->ok = true;
                ret->text = text[2] ? text + 3 : "";
                return true;
        }
        if (!text_starts(text, "error "))
                return not_understood(ret);
        text += strlen("error ");
        for (size_t i = 0; i < ELEMENTS(words); i++) {
                size_t n = strlen(words[i]);

                if (strncmp(text, words[i], n) == 0 && text[n] == ' ' && text[n + 1]) {
                        ret->word = words[i];
                        ret->text = text + n + 1;
                        return true;
                }
        }
        return not_understood(ret);
}

/* --- the end of a call --- */

static HelperCall *call_free(HelperCall *h) {
        /* Requests carry environment values. */
        if (h->request)
                explicit_bzero(h->request, h->length);
        free(h->request);
        free(h);
        return NULL;
}

static void stop_io(HelperClient *c) {
        c->limit = timer_drop(c->limit);
        c->child = child_drop(c->child);
        c->watch = watch_drop(c->watch);
        if (c->fd >= 0)
                (void) close(handover_fd(c->fd));
        c->under_way = false;
}

/* Takes the first call out and tells its owner, who may do anything to it and to the client: nothing of either is used afterwards. */
static void finish(HelperClient *c, const HelperAnswer *answer) {
        HelperCall *h = c->calls;
        HelperDone done = h->done;

        stop_io(c);
        c->calls = h->next;
        h->client = NULL;
        h->next = NULL;
        if (c->calls)
                (void) timer_rearm(c->turn, 0);
        if (done)
                done(h->owner, answer);
        else
                (void) call_free(h);
}

static void fail(HelperClient *c, const char *sentence) {
        finish(c, &(HelperAnswer){ .word = "unreachable", .text = sentence });
}

static void fail_errno(HelperClient *c, const char *what, int error) {
        char sentence[256];

        (void) snprintf(sentence, sizeof(sentence), "%s %.100s: %s. Does nanoscale-helper.socket run?", what, c->socket, strerror(error));
        fail(c, sentence);
}

/* The text is copied out of the client, which the owner may free in the callback. */
static void finish_with(HelperClient *c, const char *text, size_t length) {
        auto_free char *copy = malloc(length + 1);
        HelperAnswer answer;

        if (!copy) {
                fail(c, "There is not enough memory for the helper's answer.");
                return;
        }
        memcpy(copy, text, length);
        copy[length] = '\0';
        (void) helper_answer_parse(copy, length, &answer);
        finish(c, &answer);
}

static void on_limit(void *owner) {
        /* What it was asked for may still happen. */
        fail(owner, "The helper did not answer in time.");
}

/* --- over the socket --- */

static void on_ready(void *owner, uint32_t revents);

/* False when the call has ended with that. */
static bool wait_for(HelperClient *c, uint32_t events) {
        int r = c->watch ? watch_change(c->watch, events) : watch_start(c->loop, c->fd, events, on_ready, c, &c->watch);

        if (r < 0)
                fail_errno(c, "The helper cannot be asked at", -r);
        return r == 0;
}

static void write_more(HelperClient *c) {
        const HelperCall *h = c->calls;

        while (c->written < h->length) {
                ssize_t n = send(c->fd, h->request + c->written, h->length - c->written, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                /* The helper may have refused before it read all; then its answer is there to be read. */
                if (n < 0)
                        break;
                c->written += (size_t) n;
        }
        c->written = h->length;
        (void) shutdown(c->fd, SHUT_WR);
        (void) wait_for(c, EPOLLIN);
}

static void read_more(HelperClient *c) {
        for (;;) {
                ssize_t n = recv(c->fd, c->answer + c->received, sizeof(c->answer) - 1 - c->received, MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                /* A reset is the end too: what came before it was delivered, and what is cut off is no answer. */
                if (n < 0 && errno != ECONNRESET) {
                        fail_errno(c, "The helper's answer could not be read from", errno);
                        return;
                }
                if (n <= 0)
                        break;
                c->received += (size_t) n;
                if (c->received > ANSWER_MAX)
                        break;
        }
        if (c->received == 0)
                fail(c, "The helper ended without an answer. Its journal says why: journalctl -u 'nanoscale-helper@*'.");
        else
                finish_with(c, c->answer, c->received > ANSWER_MAX ? 0 : c->received);
}

static void on_ready(void *owner, uint32_t revents) {
        HelperClient *c = owner;

        (void) revents;
        if (c->written < c->calls->length)
                write_more(c);
        else
                read_more(c);
}

static void connect_socket(HelperClient *c) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        c->written = 0;
        c->received = 0;
        if (strlen(c->socket) >= sizeof(address.sun_path)) {
                fail_errno(c, "The helper cannot be reached at", ENAMETOOLONG);
                return;
        }
        memcpy(address.sun_path, c->socket, strlen(c->socket));
        if (c->fd < 0)
                c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd >= 0 && connect(c->fd, (const struct sockaddr *) &address, sizeof(address)) == 0) {
                (void) wait_for(c, EPOLLOUT);
                return;
        }
        /* A unix socket says EAGAIN when its queue is full, and nothing tells when it is not any more. */
        if (c->fd >= 0 && errno == EAGAIN && timer_rearm(c->turn, CONNECT_AGAIN_US) == 0)
                return;
        fail_errno(c, "The helper cannot be reached at", errno);
}

/* --- through a program --- */

static void on_child(void *owner, const ChildResult *result) {
        HelperClient *c = owner;

        if (result->length > 0)
                finish_with(c, result->output, result->length > ANSWER_MAX ? 0 : result->length);
        else
                fail(c, "sudo did not start the helper. The journal says why; the rules are in /etc/sudoers.d/nanoscale.");
}

static void start_program(HelperClient *c) {
        char *const environment[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, (char[]){ "LANG=C.UTF-8" }, NULL };
        /* No limit there: it could only kill sudo, which runs as root and cannot be killed by us. Ours lets it run on. */
        int r = child_exec(c->loop, c->argv, environment, c->calls->request, c->calls->length, ANSWER_MAX + 1, 0, on_child, c, &c->child);

        if (r < 0)
                fail(c, "The helper could not be started by sudo.");
}

/* --- calls --- */

static void begin(void *owner) {
        HelperClient *c = owner;

        if (!c->calls)
                return;
        if (!c->under_way && timer_start(c->loop, c->timeout_us, on_limit, c, &c->limit) < 0) {
                fail(c, "There is not enough memory to ask the helper.");
                return;
        }
        c->under_way = true;
        if (c->socket)
                connect_socket(c);
        else
                start_program(c);
}

static bool is_word(const char *s) {
        return *s && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

static int make_request(const char *verb, const char *id, const char *argument, FieldWriter *w, char **ret_request, size_t *ret_length) {
        FieldWriter none = { 0 };
        char *fields = NULL;
        size_t length = 0;
        int n, r = fields_finish(w ? w : &none, &fields, &length);

        if (r < 0)
                return r;
        if (!is_word(verb) || (id && !is_word(id)) || (argument && (!id || !is_word(argument))))
                r = -EINVAL;
        else {
                n = asprintf(ret_request, "%s%s%s%s%s\n%s", verb, id ? " " : "", id ? id : "", argument ? " " : "",
                             argument ? argument : "", fields);
                if (n < 0)
                        r = -ENOMEM;
                else
                        *ret_length = (size_t) n;
        }
        explicit_bzero(fields, length);
        free(fields);
        return r;
}

static HelperCall **end_of(HelperClient *c) {
        HelperCall **at = &c->calls;

        while (*at)
                at = &(*at)->next;
        return at;
}

int helper_call(HelperClient *c, const char *verb, const char *id, const char *argument, FieldWriter *w, HelperDone done, void *owner,
                HelperCall **ret_call) {
        char *request = NULL;
        size_t length = 0;
        HelperCall *h;
        int r = make_request(verb, id, argument, w, &request, &length);

        if (r < 0)
                return r;
        h = calloc(1, sizeof(*h));
        if (!h) {
                explicit_bzero(request, length);
                free(request);
                return -ENOMEM;
        }
        *h = (HelperCall){ .client = c, .request = request, .length = length, .done = done, .owner = owner };
        r = length > REQUEST_MAX ? -EFBIG : c->under_way ? 0 : timer_rearm(c->turn, 0);
        if (r < 0) {
                (void) call_free(h);
                return r;
        }
        *end_of(c) = h;
        *ret_call = h;
        return 0;
}

HelperCall *helper_call_drop(HelperCall *h) {
        HelperClient *c;

        if (!h)
                return NULL;
        c = h->client;
        if (!c)
                return call_free(h);
        if (c->under_way && c->calls == h) {
                /* Not cut off: the helper would not know whether its answer still matters, and the next call must wait for it all the same.
                 */
                h->done = NULL;
                return NULL;
        }
        for (HelperCall **at = &c->calls; *at; at = &(*at)->next)
                if (*at == h) {
                        *at = h->next;
                        break;
                }
        return call_free(h);
}

/* --- the client --- */

int helper_client_new_at(Loop *l, const char *socket, char *const *argv, uint64_t timeout_us, HelperClient **ret_client) {
        auto_free HelperClient *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        *c = (HelperClient){ .loop = l, .socket = socket, .argv = argv, .timeout_us = timeout_us, .fd = -1 };
        r = timer_start(l, 0, begin, c, &c->turn);
        if (r < 0)
                return r;
        *ret_client = handover(c);
        return 0;
}

int helper_client_new(Loop *l, bool sudo, HelperClient **ret_client) {
        static char program[] = "/usr/bin/sudo", never_ask[] = "-n", helper[] = NS_HELPER;
        static char *const argv[] = { program, never_ask, helper, NULL };

        return helper_client_new_at(l, sudo ? NULL : NS_HELPER_SOCKET, sudo ? argv : NULL, LIMIT_US, ret_client);
}

HelperClient *helper_client_free(HelperClient *c) {
        if (!c)
                return NULL;
        if (c->calls && !c->calls->done) {
                HelperCall *dropped = c->calls;

                c->calls = dropped->next;
                (void) call_free(dropped);
        }
        for (HelperCall *h = c->calls; h; h = h->next)
                h->client = NULL;
        stop_io(c);
        (void) timer_drop(c->turn);
        free(c);
        return NULL;
}
