/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/web.h"

#include "api/actor.h"
#include "api/audit.h"
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { UNKNOWN_BODY = 64 * 1024 }; /* so that who asks for what is not there hears that, and not that it sends too much */

/* --- headers --- */

bool web_cookie(const char *header, char *ret, size_t size) {
        static const char name[] = SESSION_COOKIE "=";
        unsigned found = 0;

        for (const char *at = header; at && *at;) {
                size_t length;

                at += strspn(at, "; ");
                length = strcspn(at, ";");
                if (strncmp(at, name, sizeof name - 1) == 0) {
                        size_t value = length - (sizeof name - 1);

                        while (value > 0 && at[sizeof name - 1 + value - 1] == ' ')
                                value--;
                        if (value == 0 || value >= size)
                                return false;
                        memcpy(ret, at + sizeof name - 1, value);
                        ret[value] = '\0';
                        found++;
                }
                at += length;
        }
        return found == 1;
}

const char *web_bearer(const char *header) {
        if (!header || strncasecmp(header, "Bearer ", 7) != 0)
                return NULL;
        header += 7;
        return header[0] && !strpbrk(header, " \t,;") ? header : NULL;
}

bool web_origin_fits(const char *origin, const char *host) {
        return origin && host && host[0] && text_starts(origin, "https://") && strcasecmp(origin + 8, host) == 0;
}

bool web_scope_allows(const char *scope, Scope route) {
        if (route == SCOPE_OPEN || route == SCOPE_READ)
                return true;
        if (route == SCOPE_DEPLOY)
                return strcmp(scope, "deploy") == 0 || strcmp(scope, "admin") == 0;
        return route == SCOPE_ADMIN && strcmp(scope, "admin") == 0;
}

static bool is_reading(const char *method) {
        return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* A form of a foreign page can send text/plain and forms, and nothing else without asking first. */
static bool is_json(const HttpRequest *rq) {
        const char *type = http_request_header(rq, "Content-Type");
        size_t length;

        (void) http_request_body(rq, &length);
        if (length == 0)
                return true;
        return type && strncasecmp(type, "application/json", 16) == 0 && (type[16] == '\0' || type[16] == ';' || type[16] == ' ');
}

/* --- who it is --- */

/* 0: *actor is who asks (nobody, perhaps). Answers itself otherwise, and returns 1. */
static int identify(Api *a, HttpRequest *rq, Actor *actor) {
        const char *address = http_request_header(rq, "X-Nanoscale-Address"), *cookies = http_request_header(rq, "Cookie"),
                   *authorization = http_request_header(rq, "Authorization"), *token = web_bearer(authorization);
        struct in6_addr binary;
        char value[64];
        bool has_cookie = cookies && web_cookie(cookies, value, sizeof value);
        int r = STORE_E_ABSENT;

        if (address && (inet_pton(AF_INET, address, &binary) == 1 || inet_pton(AF_INET6, address, &binary) == 1))
                (void) snprintf(actor->address, sizeof actor->address, "%.47s", address);
        if (authorization && has_cookie) {
                reply_problem(rq, 400, "two-identities", "Two ways to sign in at once", NULL, "Send a cookie or a token, not both.");
                return 1;
        }
        if (authorization) {
                if (token)
                        r = accounts_by_token(a->accounts, token, &actor->who);
                if (r == STORE_E_ABSENT) {
                        reply_problem(rq, 401, "wrong-token", "The token is not good", NULL,
                                      "The token is unknown, was revoked or has expired. Make one in the settings of the dashboard.");
                        return 1;
                }
                actor->kind = ACTOR_TOKEN;
        } else if (has_cookie) {
                r = accounts_by_cookie(a->accounts, value, actor->address, &actor->who);
                secret_zero(value, sizeof value);
                if (r == STORE_OK)
                        actor->kind = ACTOR_USER;
        }
        if (r < 0) {
                reply_failure(a, rq, r, "Who asks could not be found out");
                return 1;
        }
        (void) snprintf(actor->name, sizeof actor->name, "%s", actor->who.name);
        return 0;
}

/* A page of another site can make a browser send its cookie along, but not say that it comes from here. */
static bool is_foreign(const HttpRequest *rq, const Actor *actor) {
        const char *origin = http_request_header(rq, "Origin");

        if (is_reading(http_request_method(rq)) || actor->kind == ACTOR_TOKEN)
                return false;
        if (!origin) /* a program, which has no cookie */
                return actor->kind == ACTOR_USER;
        return !web_origin_fits(origin, http_request_header(rq, "Host"));
}

static bool admit(HttpRequest *rq, const Actor *actor, const Route *route) {
        if (is_foreign(rq, actor))
                reply_problem(rq, 403, "foreign-origin", "The request does not come from the dashboard", NULL,
                              "The Origin header is not this server's own address.");
        else if (!is_reading(http_request_method(rq)) && !is_json(rq))
                reply_problem(rq, 415, "not-json", "The body is not JSON", NULL, "Send it as application/json.");
        else if (route->scope == SCOPE_OPEN)
                return true;
        else if (actor->kind == ACTOR_NOBODY)
                reply_problem(rq, 401, "not-signed-in", "You are not signed in", NULL, "Sign in, or send an API token.");
        else if (actor->kind == ACTOR_TOKEN && !web_scope_allows(actor->who.scope, route->scope))
                reply_problem(rq, 403, "scope-wanted", "The token may not do this", NULL,
                              route->scope == SCOPE_ACCOUNT ? "No token may do this: sign in." : "A token with a wider scope is wanted.");
        else
                return true;
        return false;
}

/* --- the door --- */

static const Route *find(const char *method, const char *path, char ret_argument[static ARGUMENT_SIZE], bool *ret_path_known) {
        size_t n;
        const Route *table = api_routes(&n), *route = api_find_route(table, n, method, path, ret_argument, ret_path_known);

        if (route && route->scope == SCOPE_NONE) {
                *ret_path_known = false;
                return NULL;
        }
        return route;
}

static size_t body_limit(void *owner, const char *method, const char *path) {
        char argument[ARGUMENT_SIZE];
        bool known;
        const Route *route = find(method, path, argument, &known);

        (void) owner;
        return route ? route->body_limit : UNKNOWN_BODY;
}

static void handle(void *owner, HttpRequest *rq) {
        Api *a = owner;
        char argument[ARGUMENT_SIZE];
        bool known;
        const Route *route = find(http_request_method(rq), http_request_path(rq), argument, &known);
        Actor actor = { .kind = ACTOR_NOBODY };
        int r;

        if (identify(a, rq, &actor) != 0)
                return;
        r = actor_attach(rq, &actor);
        if (r < 0)
                reply_failure(a, rq, r, "Who asks could not be noted");
        else if (!route && known)
                reply_problem(rq, 405, "method-not-allowed", "This path does not take that method", NULL,
                              "docs/api.md lists the methods of each path.");
        else if (!route)
                reply_problem(rq, 404, "path-absent", "There is no such path", NULL, "docs/api.md lists the paths.");
        else {
                /* What somebody known is refused is written down as well; a stranger's only where strangers may come: signing in. */
                if (actor.kind != ACTOR_NOBODY)
                        audit_begin(a, rq, route, argument);
                if (!admit(rq, &actor, route))
                        return;
                if (actor.kind == ACTOR_NOBODY)
                        audit_begin(a, rq, route, argument);
                if (!elsewhere_take(a, rq, route, argument))
                        route->handle(a, rq, argument[0] ? argument : NULL);
        }
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

int api_web_open(Api *a, Loop *l, int listen_fd) {
        return http_server_new(l, listen_fd, 512, 60, &ops, a, &a->web);
}
