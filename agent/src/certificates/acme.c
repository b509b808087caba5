/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The request is far below what a socket takes at once, so it is written in one piece; the answer comes when certbot has ended. */
#include "certificates/acme.h"

#include "base/cleanup.h"
#include "base/fields.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_MAX ((size_t) 2048)
#define LIMIT_US (11 * 60 * USEC_PER_SEC) /* its own is ten minutes */

struct AcmeCall {
        Loop *loop;
        int fd;
        Watch *watch;
        Timer *timer; /* an answer that is known already; then the limit */
        const char *early;
        char early_text[256];
        bool is_refused; /* by systemd, as one too many: it closes what it has accepted, maybe before our request is sent */
        char answer[ANSWER_MAX + 2];
        size_t received;
        AcmeDone done;
        void *owner;
};

void acme_answer_parse(char *text, size_t length, AcmeAnswer *ret) {
        static const char *const words[] = { "challenge", "rate-limit", "unreachable", "refused", "disk", "timeout", "other" };

        *ret = (AcmeAnswer){ .word = "other",
                             .text = "The answer of nanoscale-acme was not understood. Are it and the agent of one version?" };
        if (length < 1 || length > ANSWER_MAX || text[length - 1] != '\n' || !text_is_line(text, length - 1))
                return;
        text[length - 1] = '\0';
        if (strcmp(text, "ok") == 0) {
                *ret = (AcmeAnswer){ .ok = true, .text = "" };
                return;
        }
        if (!text_starts(text, "error "))
                return;
        text += strlen("error ");
        for (size_t i = 0; i < ELEMENTS(words); i++) {
                size_t n = strlen(words[i]);

                if (strncmp(text, words[i], n) == 0 && text[n] == ' ' && text[n + 1])
                        *ret = (AcmeAnswer){ .word = words[i], .text = text + n + 1 };
        }
}

/* The owner may drop the call in it: nothing of it is used afterwards. */
static void finish(AcmeCall *c, const AcmeAnswer *answer) {
        c->watch = watch_drop(c->watch);
        timer_stop(c->timer);
        c->done(c->owner, answer);
}

static void on_timer(void *owner) {
        AcmeCall *c = owner;

        if (c->early)
                finish(c, &(AcmeAnswer){ .word = "unreachable", .is_busy = c->is_refused, .text = c->early });
        else
                finish(c, &(AcmeAnswer){ .word = "timeout", .text = "nanoscale-acme did not answer within eleven minutes." });
}

static void on_readable(void *owner, uint32_t revents) {
        AcmeCall *c = owner;
        char copy[ANSWER_MAX + 2];
        AcmeAnswer answer;
        ssize_t n;

        (void) revents;
        while (c->received <= ANSWER_MAX) {
                n = recv(c->fd, c->answer + c->received, sizeof c->answer - 1 - c->received, MSG_DONTWAIT);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0)
                        break;
                c->received += (size_t) n;
        }
        if (c->received == 0) {
                finish(c, &(AcmeAnswer){ .word = "unreachable",
                                         .is_busy = true,
                                         .text = "nanoscale-acme ended without an answer. Its journal says why: journalctl -u "
                                                 "'nanoscale-acme@*'." });
                return;
        }
        memcpy(copy, c->answer, c->received); /* out of the call, which may be dropped */
        copy[c->received] = '\0';
        acme_answer_parse(copy, c->received, &answer);
        finish(c, &answer);
}

static int write_request(const AcmeRequest *q, char **ret_text, size_t *ret_length) {
        FieldWriter w = { 0 };

        fields_put(&w, "host", q->name);
        if (q->email)
                fields_put(&w, "email", q->email);
        fields_put(&w, "server", q->server);
        if (q->ca)
                fields_put(&w, "ca", q->ca);
        fields_put(&w, "challenge", q->hook ? "hook" : "webroot");
        if (q->hook)
                fields_put(&w, "hook", q->hook);
        fields_put_number(&w, "force", q->force);
        return fields_finish(&w, ret_text, ret_length);
}

/* 0, or a negative errno that stands for a service that cannot be reached. */
static int ask(AcmeCall *c, const char *path, const char *text, size_t length) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0 || connect(c->fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        if (send(c->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t) length)
                return errno ? -errno : -EIO;
        (void) shutdown(c->fd, SHUT_WR);
        return watch_start(c->loop, c->fd, EPOLLIN, on_readable, c, &c->watch);
}

DEFINE_CLEANUP(AcmeCall, acme_call_drop)

int acme_call(Loop *l, const char *socket_path, const AcmeRequest *request, AcmeDone done, void *owner, AcmeCall **ret_call) {
        auto_call(acme_call_drop_cleanup) AcmeCall *c = calloc(1, sizeof *c);
        auto_free char *text = NULL;
        size_t length = 0;
        int r;

        if (!c)
                return -ENOMEM;
        c->loop = l;
        c->fd = -1;
        c->done = done;
        c->owner = owner;
        r = write_request(request, &text, &length);
        if (r < 0)
                return r;
        r = ask(c, socket_path, text, length);
        if (r < 0) {
                c->watch = watch_drop(c->watch);
                c->is_refused = r == -EPIPE || r == -ECONNRESET;
                (void) snprintf(c->early_text, sizeof c->early_text, "%.100s: %s. Does nanoscale-acme.socket run?", socket_path,
                                strerror(-r));
                c->early = c->early_text;
        }
        r = timer_start(l, c->early ? 0 : LIMIT_US, on_timer, c, &c->timer);
        if (r < 0)
                return r;
        *ret_call = handover(c);
        return 0;
}

AcmeCall *acme_call_drop(AcmeCall *c) {
        if (!c)
                return NULL;
        watch_drop(c->watch);
        timer_drop(c->timer);
        if (c->fd >= 0)
                (void) close(c->fd);
        free(c);
        return NULL;
}
