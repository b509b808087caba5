/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/resolve.h"

#include "base/cleanup.h"
#include "event/child.h"
#include "security/validate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_ADDRESSES = 8, LOOKUP_SECONDS = 20 };

struct Resolve {
        Child *child;
        Timer *timer;
        Resolved done;
        void *owner;
        char host[254];
        unsigned port;
        bool allow_private;
};

/* In a child: getaddrinfo() blocks. */
static int look_up(void *argument, int output_fd) {
        const Resolve *r = argument;
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
        struct addrinfo *list = NULL;
        int error = getaddrinfo(r->host, NULL, &hints, &list);

        if (error != 0) {
                (void) dprintf(output_fd, "%s", gai_strerror(error));
                return 1;
        }
        for (struct addrinfo *a = list; a; a = a->ai_next) {
                char text[NI_MAXHOST];
                if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
                        (void) dprintf(output_fd, "%s\n", text);
        }
        freeaddrinfo(list);
        return 0;
}

static int judge_one(const char *host, const char *address, bool allow_private, char **ret) {
        if (allow_private || !address_is_internal(address))
                return 0;
        if (asprintf(ret,
                     "The repository's host %s has the address %s, which is not public. Repositories in a private network need "
                     "network.allow_private_repositories in config.json.",
                     host, address) < 0)
                return -ENOMEM;
        return 1;
}

int resolve_judge(const char *host, unsigned port, const char *lines, bool allow_private, char **ret) {
        auto_free char *copy = strdup(lines), *list = NULL;
        char *save = NULL;
        size_t size = 0, n = 0;
        auto_fclose FILE *out = open_memstream(&list, &size);
        int r;

        if (!copy || !out)
                return -ENOMEM;
        (void) fprintf(out, "%s:%u:", host, port);
        for (char *a = strtok_r(copy, "\n", &save); a && n < MAX_ADDRESSES; a = strtok_r(NULL, "\n", &save), n++) {
                struct in6_addr v6;
                r = judge_one(host, a, allow_private, ret);
                if (r != 0)
                        return r;
                (void) fprintf(out, inet_pton(AF_INET6, a, &v6) == 1 ? "%s[%s]" : "%s%s", n ? "," : "", a);
        }
        if (n == 0)
                return asprintf(ret, "The repository's host %s has no address.", host) < 0 ? -ENOMEM : 1;
        if (fflush(out) != 0)
                return -ENOMEM;
        *ret = strdup(list);
        return *ret ? 0 : -ENOMEM;
}

static void looked_up(void *owner, const ChildResult *result) {
        Resolve *r = owner;
        auto_free char *text = NULL;
        int verdict;

        if (result->exit_code != 0) {
                char sentence[512];
                (void) snprintf(sentence, sizeof sentence, "The repository's host %s was not found: %.200s.", r->host,
                                result->exit_code == 1 ? result->output : "the look-up took too long");
                r->done(r->owner, NULL, sentence);
                return;
        }
        verdict = resolve_judge(r->host, r->port, result->output, r->allow_private, &text);
        if (verdict == 0)
                r->done(r->owner, text, NULL);
        else
                r->done(r->owner, NULL, verdict > 0 ? text : "out of memory in the agent");
}

static void judge_literal(void *owner) {
        Resolve *r = owner;
        auto_free char *text = NULL;
        int verdict = judge_one(r->host, r->host, r->allow_private, &text);

        if (verdict == 0)
                r->done(r->owner, "", NULL);
        else
                r->done(r->owner, NULL, verdict > 0 ? text : "out of memory in the agent");
}

int resolve_repository(Loop *l, const char *url, bool allow_private, Resolved done, void *owner, Resolve **ret_resolve) {
        Resolve *r = calloc(1, sizeof *r);
        unsigned char literal[sizeof(struct in6_addr)];
        int error;

        if (!r)
                return -ENOMEM;
        r->done = done;
        r->owner = owner;
        r->allow_private = allow_private;
        if (!valid_repo_url(url, r->host, &r->port)) {
                free(r);
                return -EINVAL;
        }
        if (inet_pton(AF_INET, r->host, literal) == 1 || inet_pton(AF_INET6, r->host, literal) == 1)
                error = timer_start(l, 0, judge_literal, r, &r->timer);
        else
                error = child_call(l, look_up, r, 4096, LOOKUP_SECONDS * USEC_PER_SEC, looked_up, r, &r->child);
        if (error < 0) {
                free(r);
                return error;
        }
        *ret_resolve = r;
        return 0;
}

Resolve *resolve_drop(Resolve *r) {
        if (!r)
                return NULL;
        child_drop(r->child);
        timer_drop(r->timer);
        free(r);
        return NULL;
}
