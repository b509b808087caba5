/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Projects that live on another server: what the orchestrator passes on to that, and what it keeps itself.
 *
 * The orchestrator's row is the authority for a project's settings and env vars: it changes first, and is then sent to the node; a node
 * that was away gets all of its rows when it is back. What a project is doing, its deployments, releases and logs belong to the node, which
 * is asked for them; its last description is kept beside the row for lists. */
#pragma once

#include "api/handlers.h"

#include <jansson.h>
#include <stdbool.h>

/* Makes nodes (on an orchestrator), or what a worker has instead. */
int elsewhere_begin(Api *a, Loop *l);
int elsewhere_begin_worker(Api *a, Loop *l);

/* True when the request is about a project on another server, and has been dealt with or will be. */
bool elsewhere_take(Api *a, HttpRequest *rq, const Route *route, const char *argument);
bool is_elsewhere(const Api *a, const ProjectRow *row);

/* How the answer to the client is made from the node's. */
typedef struct {
        const char *method, *target; /* at the node */
        char *body;                  /* taken (malloc); NULL: of a POST or PUT the request's own, else none */
        bool stream;
        bool removes;  /* a project: that it is not there is as good, and it goes on without its client */
        bool describe; /* the node answers with the project's description: answer with all that is known of it */
        /* Before the answer goes out; body is what the node says, NULL when it is no JSON; may be NULL. */
        void (*answered)(Api *a, const char *project_id, unsigned status, const json_t *body);
        const char *project_id; /* for answered(), may be NULL */
} Forward;

/* Sends it to the node and its answer to the client. */
void forward(Api *a, HttpRequest *rq, const char *server_id, const Forward *f);
/* The node's agent says that it has no such project: not nginx, nor an agent that does not know the path. */
bool says_absent(unsigned status, const json_t *body);
/* Answers for a code of node_call(). */
void reply_node_problem(Api *a, HttpRequest *rq, const char *server_id, int code);

/* How a change is answered, and taken back. */
typedef struct {
        ProjectRow *undo;   /* the row as it was, whose strings are taken; NULL: there was none */
        const char *added;  /* a domain that is new; NULL: none */
        const char *then;   /* asked of the node (a target), whose answer is the answer; NULL: the project, or: */
        const char *domain; /* of the project, is the answer */
        unsigned status;
        /* A name, which another project may want next: what its node may not have got is taken back, and the answer says so. */
        bool or_not_at_all;
} PushOptions;

/* The row has been changed (or is new) and stored: sends it to its node, and answers. When the node is away, the answer is ours, with
 * "pending": true. When it refuses the row, the change is taken back and the refusal is the answer. */
void push_then_answer(Api *a, HttpRequest *rq, const ProjectRow *row, const PushOptions *options);

/* Sends all of its rows to a node, some at a time; again from the first when it is doing so. */
void push_all(Api *a, const char *server_id);

/* {"id":…, "settings":{…}, "env":{…}, "domains":[…]}: everything that a node must know to serve it. A secret: zero it. */
int describe_push(const Api *a, const ProjectRow *row, char **ret_text);
/* The project as it is known; pending: its node does not have the last change yet. */
void reply_elsewhere(Api *a, HttpRequest *rq, const char *id, unsigned status, bool pending);

/* --- mirror.c --- */

/* What the client sees of a project elsewhere: what its node said last, under the settings that we have. */
json_t *describe_elsewhere(const Api *a, const ProjectRow *row);
json_t *describe_any(const Api *a, const ProjectRow *row); /* here or elsewhere */
/* Whose deployment it is is ours to say, not its server's. */
void mirror_own(const ProjectRow *row, json_t *deployment);
/* What a server says of a deployment, for lists: fields that lists show, null where they have not the form that they should have, since it
 * is shown beside what others say. NULL: it is none. */
json_t *mirror_deployment(const json_t *said);
void mirror_take(Api *a, const char *server_id, const json_t *list);
void mirror_take_one(Api *a, const char *project_id, unsigned status, const json_t *description);

/* --- servers --- */
json_t *describe_node(const Api *a, const ServerRow *row);
/* Adds what this node says of itself: its version, and its statistics as they are now. */
void describe_own(const Api *a, json_t *object);
bool take_server(const Api *a, HttpRequest *rq, const char *argument, ServerRow *ret);
/* The key of a server that has been removed; for the gate. */
bool removed_server_key(Api *a, const char *server, unsigned char ret[static SECRET_BYTES]);
