/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* HTTP to the agent over its unix socket (libcurl). Blocking: the CLI does one thing at a time. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sse.h"

typedef struct Client Client;

typedef struct {
        unsigned status;
        json_t *json; /* owned; NULL when the answer is not JSON */
        char *text;   /* owned, NUL-terminated: the body as it came */
        size_t length;
} Reply;

void reply_done(Reply *r);

int client_new(const char *socket_path, Client **ret_client);
Client *client_free(Client *c);
void client_free_cleanup(Client **c);

/* One request with an optional JSON body (borrowed). 0 and *ret_reply, whatever its status is; negative errno when there was no answer:
 * client_sentence() then says why and what to do. */
int client_call(Client *c, const char *method, const char *path, const json_t *body, Reply *ret_reply);
const char *client_sentence(const Client *c);

/* Reads a stream of events. parser, made by the caller, hands them out and keeps the last id over several calls; tick(owner), which may be
 * NULL, runs about ten times a second. Returns what ended the stream: what a callback returned, if that was not 0; 0 when the server closed
 * the stream in good order; negative errno when the connection could not be made or broke, and ret_reply->status is then 0 or the status
 * that had come. A status other than 200 returns 0 and fills *ret_reply. */
int client_stream(Client *c, const char *path, SseParser *parser, int (*tick)(void *owner), void *owner, Reply *ret_reply);
