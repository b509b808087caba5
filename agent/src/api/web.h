/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The door for browsers and programs with a token, behind nginx on port 443 (routes: the table of the administrators' socket, by scope). */
#pragma once

#include "api/handlers.h"

#define SESSION_COOKIE "__Host-nanoscale"

/* Takes listen_fd. */
int api_web_open(Api *a, Loop *l, int listen_fd);

/* The value of the session's cookie in a Cookie header, at most size - 1 characters: false when there is none, or more than one. Pure. */
bool web_cookie(const char *header, char *ret, size_t size);
/* The token of an Authorization header of the kind Bearer; NULL. Pure. */
const char *web_bearer(const char *header);
/* Whether a request with these headers comes from a page of this very site: origin is exactly https:// and host. Pure. */
bool web_origin_fits(const char *origin, const char *host);
/* Whether a token of that scope (read, deploy, admin) may use a route. Pure. */
bool web_scope_allows(const char *scope, Scope route);
