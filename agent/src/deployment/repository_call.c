/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/repository_call.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ANSWER_MAX ((size_t) 256 << 10)
#define LIMIT_US (30 * USEC_PER_SEC) /* its own is 20 s */

struct RepositoryCall {
        int fd;
        Watch *watch;
        Timer *timer; /* at once where it could not be asked; then the limit */
        Text answer;
        RepositoryDone done;
        void *owner;
};

static const FieldRule rules[] = {
        { .key = "error" },
        { .key = "default_branch" },
        { .key = "branch", .repeats = true },
        { .key = "more_branches" },
        { .key = "incomplete" },
        { .key = "commit" },
        { .key = "author" },
        { .key = "subject" },
        { .key = "root_directory", .repeats = true },
        { .key = "framework" },
        { .key = "framework_version" },
        { .key = "install" },
        { .key = "build" },
        { .key = "start" },
};

int repository_answer_parse(const char *text, size_t length, Fields **ret) {
        auto_call(fields_free_cleanup) Fields *f = NULL;
        int r = length > ANSWER_MAX ? -EBADMSG : fields_parse(text, length, &f, NULL);

        if (r == 0)
                r = fields_check(f, rules, ELEMENTS(rules), NULL);
        if (r < 0)
                return r;
        *ret = handover(f);
        return 0;
}

/* The owner may drop the call in it: nothing of it is used afterwards. */
static void finish(RepositoryCall *c) {
        auto_call(fields_free_cleanup) Fields *answer = NULL;

        c->watch = watch_drop(c->watch);
        timer_stop(c->timer);
        if (c->answer.error < 0 || c->answer.length == 0 || repository_answer_parse(c->answer.data, c->answer.length, &answer) < 0)
                answer = NULL;
        c->done(c->owner, answer);
}

static void on_timer(void *owner) {
        finish(owner);
}

static void on_readable(void *owner, uint32_t revents) {
        RepositoryCall *c = owner;
        char chunk[8192];

        (void) revents;
        while (c->answer.length <= ANSWER_MAX) {
                ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n <= 0)
                        break;
                text_put(&c->answer, chunk, (size_t) n);
        }
        finish(c);
}

static void put(FieldWriter *w, const char *key, const char *value) {
        if (value && *value)
                fields_put(w, key, value);
}

/* The request is far below what a socket takes at once. */
static int ask(Loop *l, RepositoryCall *c, const char *path, const RepositoryRequest *q) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        FieldWriter w = { 0 };
        auto_free char *text = NULL;
        size_t length = 0;
        int r;

        put(&w, "repo", q->repo);
        put(&w, "branch", q->branch);
        put(&w, "root", q->root);
        put(&w, "resolve", q->resolve);
        put(&w, "ca", q->ca);
        r = fields_finish(&w, &text, &length);
        if (r < 0)
                return r;
        if (strlen(path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0 || connect(c->fd, (const struct sockaddr *) &address, sizeof address) < 0)
                return -errno;
        if (send(c->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t) length)
                return -EIO;
        return watch_start(l, c->fd, EPOLLIN, on_readable, c, &c->watch);
}

DEFINE_CLEANUP(RepositoryCall, repository_call_drop)

int repository_call(Loop *l, const char *socket_path, const RepositoryRequest *request, RepositoryDone done, void *owner,
                    RepositoryCall **ret_call) {
        auto_call(repository_call_drop_cleanup) RepositoryCall *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->fd = -1;
        c->done = done;
        c->owner = owner;
        r = timer_start(l, ask(l, c, socket_path, request) < 0 ? 0 : LIMIT_US, on_timer, c, &c->timer);
        if (r < 0)
                return r;
        *ret_call = handover(c);
        return 0;
}

RepositoryCall *repository_call_drop(RepositoryCall *c) {
        if (!c)
                return NULL;
        watch_drop(c->watch);
        timer_drop(c->timer);
        if (c->fd >= 0)
                (void) close(c->fd);
        text_cleanup(&c->answer);
        free(c);
        return NULL;
}
