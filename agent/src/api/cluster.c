/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Servers come and go: tokens, joining, hello, removal, and the exchange of keys. On the orchestrator. */
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "cluster/own_address.h"
#include "cluster/server_key.h"
#include "deployment/describe.h"
#include "security/join_string.h"
#include "security/random.h"
#include "security/secrets.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TOKEN_SECONDS = 600 };

static bool is_orchestrator(const Api *a, HttpRequest *rq) {
        if (!a->config.identity)
                return true;
        reply_problem(rq, 409, "not-the-orchestrator", "This server is a worker", NULL, "Servers are managed on the orchestrator.");
        return false;
}

/* --- tokens --- */

static json_t *describe_token(const char *string, int64_t expires_at_ms) {
        return json_pack("{s:s, s:o, s:s}", "join", string, "expires_at", describe_time(expires_at_ms), "command",
                         "./scripts/install.sh --join -");
}

void api_generate_token(Api *a, HttpRequest *rq, const char *argument) {
        char hash[65], string[JOIN_STRING_SIZE], address[46];
        JoinString join = { .port = a->config.port };
        int64_t now = clock_now_ms();
        int r;

        (void) argument;
        if (!is_orchestrator(a, rq))
                return;
        if (!a->gateway || !a->config.public_key) {
                reply_problem(rq, 409, "no-gateway", "No server can join", NULL,
                              "This server has no gateway or no TLS key. Run scripts/install.sh --role orchestrator again.");
                return;
        }
        if (a->config.address)
                (void) snprintf(join.host, sizeof join.host, "%s", a->config.address);
        else if (own_address(address) == 0)
                (void) snprintf(join.host, sizeof join.host, "%s", address);
        else {
                reply_problem(rq, 409, "no-address", "No server can join", NULL,
                              "Other servers must know where this one is: set cluster.address in /opt/nanoscale/config/config.json.");
                return;
        }
        token_new(join.token);
        token_hash(join.token, hash);
        (void) snprintf(join.pin, sizeof join.pin, "%s", a->config.public_key);
        r = join_string_make(&join, string);
        if (r != JOIN_STRING_OK)
                reply_problem(rq, 409, "no-address", "No server can join", NULL, join_string_explain(r));
        else if ((r = store_token_add(a->config.context->store, hash, now, now + TOKEN_SECONDS * 1000)) != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The token could not be stored");
        else
                reply_json(rq, 201, describe_token(string, now + TOKEN_SECONDS * 1000));
        secret_zero(&join, sizeof join);
        secret_zero(string, sizeof string);
}

/* --- joining --- */

typedef struct {
        const char *token, *name, *address, *public_key, *version;
        int64_t port;
} Joiner;

static bool fits_token(const Joiner *j) {
        return j->token && strlen(j->token) == TOKEN_LENGTH;
}

static bool fits_name(const Joiner *j) {
        return valid_server_name(j->name);
}

static bool fits_address(const Joiner *j) {
        return valid_server_address(j->address);
}

static bool fits_port(const Joiner *j) {
        return j->port >= 1 && j->port <= 65535;
}

static bool fits_key(const Joiner *j) {
        return valid_pin(j->public_key);
}

static bool fits_version(const Joiner *j) {
        return j->version && *j->version && valid_text_line(j->version, 63);
}

typedef struct {
        const char *name;
        bool (*fits)(const Joiner *j);
        const char *wanted;
} JoinField;

static const JoinField fields[] = {
        { "token", fits_token, "token must be the 32 characters of a join string." },
        { "name", fits_name, "name must be 1 to 63 of a-z, 0-9 and -, without a dash first or last. Choose one with --name." },
        { "ip", fits_address, "ip must be an address or host name of the server. Set it with --address." },
        { "port", fits_port, "port must be a number from 1 to 65535." },
        { "public_key", fits_key, "public_key must be a SHA-256 in lower-case hexadecimal digits." },
        { "version", fits_version, "version must be a version of NanoScale." },
};

static bool take_joiner(HttpRequest *rq, const json_t *body, Joiner *j) {
        const JoinField *field = NULL;

        *j = (Joiner){
                .token = json_string_value(json_object_get(body, "token")),
                .name = json_string_value(json_object_get(body, "name")),
                .address = json_string_value(json_object_get(body, "ip")),
                .public_key = json_string_value(json_object_get(body, "public_key")),
                .version = json_string_value(json_object_get(body, "version")),
                .port = json_integer_value(json_object_get(body, "port")),
        };
        for (size_t i = 0; i < ELEMENTS(fields) && !field; i++)
                if (!fields[i].fits(j))
                        field = &fields[i];
        if (field)
                reply_problem(rq, 422, "invalid-field", "A field is not usable", field->name, field->wanted);
        return !field;
}

static void refuse_token(HttpRequest *rq, int code) {
        if (code == STORE_E_USED)
                reply_problem(rq, 403, "token-used", "The token is used up", "token",
                              "This token has been used; each is good for one server. Get a new one: nanoscale servers add.");
        else if (code == STORE_E_EXPIRED)
                reply_problem(rq, 403, "token-expired", "The token has expired", "token",
                              "This token has expired; it is good for ten minutes. Get a new one: nanoscale servers add.");
        else
                reply_problem(rq, 403, "token-wrong", "There is no such token", "token",
                              "This token is not one of this orchestrator's. Get one: nanoscale servers add.");
}

/* The id under which it joins: a new one, or that of the row which the same machine (the same TLS key) has. Answers itself. */
static bool take_place(Api *a, HttpRequest *rq, const Joiner *j, char ret_id[static 13], int64_t *ret_created_at_ms) {
        ServerRow *rows = NULL;
        size_t n = 0;
        int r = store_server_list(a->config.context->store, &rows, &n);
        bool ok = r == STORE_OK;
        char detail[320];

        random_id(ret_id);
        *ret_created_at_ms = clock_now_ms();
        for (size_t i = 0; i < n; i++) {
                bool same_name = strcmp(rows[i].name, j->name) == 0;
                bool same_key = rows[i].public_key && secret_equal(rows[i].public_key, j->public_key);

                if (same_name && same_key) {
                        (void) snprintf(ret_id, 13, "%s", rows[i].id);
                        *ret_created_at_ms = rows[i].created_at_ms;
                } else if (ok && same_name) {
                        ok = false;
                        (void) snprintf(detail, sizeof detail,
                                        "A server with the name %s exists, and it is another machine. Choose another with --name, or "
                                        "remove "
                                        "the old one first.",
                                        j->name);
                        reply_problem(rq, 409, "name-taken", "The name is taken", "name", detail);
                } else if (ok && same_key) {
                        ok = false;
                        (void) snprintf(detail, sizeof detail,
                                        "The server %s has the same TLS key. If this machine is a copy of it, remove /opt/nanoscale/tls "
                                        "here "
                                        "and join again; if it is the same machine, join with --name %s.",
                                        rows[i].name, rows[i].name);
                        reply_problem(rq, 409, "key-taken", "Another server has that key", "public_key", detail);
                }
                server_row_done(&rows[i]);
        }
        free(rows);
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The servers could not be listed");
        return ok;
}

static int add_server(Api *a, const Joiner *j, const char *id, int64_t created_at_ms, const unsigned char key[static SECRET_BYTES]) {
        const DeployContext *c = a->config.context;
        char *sealed = NULL;
        int r = server_seal(c->sealer, id, key, &sealed);
        ServerRow before = { 0 }; /* of one that joins again */
        ServerRow row = {
                .id = (char *) (uintptr_t) id,
                .name = (char *) (uintptr_t) j->name,
                .ip_address = (char *) (uintptr_t) j->address,
                .status = (char *) (uintptr_t) "offline",
                .secret_key = sealed,
                .public_key = (char *) (uintptr_t) j->public_key,
                .created_at_ms = created_at_ms,
                .port = j->port,
                .version = (char *) (uintptr_t) j->version,
                .reason = (char *) (uintptr_t) "It has just joined.",
                .changed_at_ms = clock_now_ms(),
        };

        if (r == 0 && store_server_get(c->store, id, &before) == STORE_OK)
                row.draining = before.draining;
        if (r == 0)
                r = store_server_put(c->store, &row);
        server_row_done(&before);
        free(sealed);
        return r;
}

static void follow(Api *a, const char *id) {
        ServerRow row = { 0 };
        int r = store_server_get(a->config.context->store, id, &row);

        if (r == STORE_OK) {
                r = nodes_add(a->nodes, &row);
                server_row_done(&row);
        }
        if (r != 0)
                (void) fprintf(stderr, "<3>Server %s cannot be followed: %s\n", id, strerror(r < 0 ? -r : EIO));
}

static void join(Api *a, HttpRequest *rq, const Joiner *j) {
        Store *store = a->config.context->store;
        unsigned char key[SECRET_BYTES];
        char hash[65], id[13], hex[SECRET_HEX_LENGTH + 1];
        int64_t created_at_ms;
        int r = store_begin(store);

        if (r < 0) {
                reply_failure(a, rq, r, "The server could not be stored");
                return;
        }
        token_hash(j->token, hash);
        r = store_token_take(store, hash, clock_now_ms());
        if (r > 0)
                refuse_token(rq, r);
        else if (r < 0)
                reply_failure(a, rq, r, "The token could not be looked up");
        if (r != STORE_OK || !take_place(a, rq, j, id, &created_at_ms)) {
                store_rollback(store); /* a token that came with a wrong name is not used up */
                return;
        }
        secret_new(key);
        r = add_server(a, j, id, created_at_ms, key);
        if (r == STORE_OK)
                r = store_commit(store);
        else
                store_rollback(store);
        if (r != STORE_OK)
                reply_failure(a, rq, r < 0 ? r : -EIO, "The server could not be stored");
        else {
                secret_hex(key, hex);
                reply_json(rq, 201, json_pack("{s:s, s:s}", "server_id", id, "secret_key", hex));
                gate_forget(a->gate, id);
                follow(a, id);
                (void) fprintf(stderr, "<5>Server %s (%s) has joined from %s.\n", j->name, id, j->address);
        }
        secret_zero(key, sizeof key);
        secret_zero(hex, sizeof hex);
}

void api_join(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body = take_json(rq);
        Joiner j;

        (void) argument;
        if (!body)
                return;
        if (take_joiner(rq, body, &j))
                join(a, rq, &j);
        json_decref(body);
}

/* --- hello --- */

static void move_to(Api *a, const char *id, const char *address) {
        Store *store = a->config.context->store;
        ServerRow row = { 0 };

        if (store_server_get(store, id, &row) != STORE_OK)
                return;
        if (strcmp(row.ip_address, address) != 0) {
                (void) fprintf(stderr, "<5>Server %s is at %s now; it was at %s.\n", row.name, address, row.ip_address);
                free(row.ip_address);
                row.ip_address = strdup(address);
                if (row.ip_address && store_server_put(store, &row) == STORE_OK)
                        follow(a, id);
        }
        server_row_done(&row);
}

void api_hello(Api *a, HttpRequest *rq, const char *server) {
        json_t *body;
        const char *address;

        if (!nodes_knows(a->nodes, server)) {
                reply_problem(rq, 410, "removed", "This server has been removed", NULL, "This server has been removed from the cluster.");
                return;
        }
        body = take_json(rq);
        if (!body)
                return;
        address = json_string_value(json_object_get(body, "ip"));
        if (valid_server_address(address))
                move_to(a, server, address);
        nodes_wake(a->nodes, server);
        reply_json(rq, 200, json_pack("{s:s}", "version", NANOSCALE_VERSION));
        json_decref(body);
}

/* --- removal --- */

typedef struct Task Task;

/* One at a time for a server: of two keys that are exchanged at once, each side could keep another one. */
struct Task {
        Task *next;
        Api *a;
        HttpRequest *rq; /* NULL: the client has gone; what was asked for goes on */
        NodeCall *call;
        char id[13];
        unsigned char key[SECRET_BYTES]; /* of an exchange */
};

static bool is_busy(const Api *a, HttpRequest *rq, const char *id) {
        for (const Task *t = a->tasks; t; t = t->next)
                if (strcmp(t->id, id) == 0) {
                        reply_problem(rq, 409, "server-changing", "The server is being changed", NULL,
                                      "Its removal or an exchange of its key is under way. Try again in a few seconds.");
                        return true;
                }
        return false;
}

static void task_free(Task *t) {
        for (Task **p = &t->a->tasks; *p; p = &(*p)->next)
                if (*p == t) {
                        *p = t->next;
                        break;
                }
        node_call_drop(t->call);
        secret_zero(t->key, sizeof t->key);
        free(t);
}

static void task_client_gone(void *owner) {
        Task *t = owner;
        t->rq = NULL;
}

/* So that it can be told, should it come back, that it is none of ours any more. */
static int remember_key(Api *a, const ServerRow *row) {
        char name[40];

        (void) snprintf(name, sizeof name, "removed_server:%s", row->id);
        return store_setting_put(a->config.context->store, name, row->secret_key);
}

bool removed_server_key(Api *a, const char *server, unsigned char ret[static SECRET_BYTES]) {
        char name[40];
        auto_free char *sealed = NULL;
        ServerRow row = { .id = (char *) (uintptr_t) server };

        (void) snprintf(name, sizeof name, "removed_server:%s", server);
        if (store_setting_get(a->config.context->store, name, &sealed) != STORE_OK)
                return false;
        row.secret_key = sealed;
        return server_unseal(a->config.context->sealer, &row, ret) == 0;
}

static int forget_projects(Store *store, const char *server_id) {
        ProjectRow *rows = NULL;
        size_t n = 0;
        int r = store_project_list_on(store, server_id, &rows, &n);

        for (size_t i = 0; i < n; i++) {
                if (r == STORE_OK)
                        r = store_project_delete(store, rows[i].id);
                project_row_done(&rows[i]);
        }
        free(rows);
        return r;
}

static int forget_server(Api *a, const ServerRow *row) {
        Store *store = a->config.context->store;
        int r = store_begin(store);

        if (r < 0)
                return r;
        r = forget_projects(store, row->id);
        if (r == STORE_OK)
                r = remember_key(a, row);
        if (r == STORE_OK)
                r = store_server_delete(store, row->id);
        if (r == STORE_OK)
                return store_commit(store);
        store_rollback(store);
        return r < 0 ? r : -EIO;
}

/* rq may be NULL. */
static void remove_server(Api *a, HttpRequest *rq, const ServerRow *row) {
        int r = forget_server(a, row);

        if (r != STORE_OK) {
                (void) fprintf(stderr, "<3>Server %s could not be removed: %s\n", row->name, store_error(a->config.context->store));
                if (rq)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The server could not be removed");
                return;
        }
        (void) fprintf(stderr, "<5>Server %s (%s) has been removed.\n", row->name, row->id);
        if (rq)
                http_reply(rq, 204, NULL, NULL, 0, NULL);
        if (a->gate)
                gate_forget(a->gate, row->id);
        nodes_remove(a->nodes, row->id);
}

/* Told or not: it learns it with its next hello. */
static void told_to_leave(void *owner, const FetchResult *result) {
        Task *t = owner;
        HttpRequest *rq = t->rq;
        Api *a = t->a;
        ServerRow row = { 0 };
        int r = store_server_get(a->config.context->store, t->id, &row);

        (void) result;
        task_free(t);
        if (r == STORE_OK)
                remove_server(a, rq, &row);
        else if (rq)
                reply_failure(a, rq, r < 0 ? r : -ENOENT, "The server could not be removed");
        server_row_done(&row);
}

/* done() gets a Task. A code of node_call(); then nothing has begun, and the request is still to be answered. */
static int call_node(Api *a, HttpRequest *rq, const ServerRow *row, const char *target, const unsigned char *key, NodeDone done) {
        char body[128];
        NodeRequest request = { .method = "POST", .target = target, .body = body, .timeout_us = 8 * USEC_PER_SEC, .even_offline = !key };
        Task *t = calloc(1, sizeof *t);
        int r = t ? 0 : -ENOMEM;

        (void) snprintf(body, sizeof body, "{}");
        if (t && key) {
                char hex[SECRET_HEX_LENGTH + 1];
                memcpy(t->key, key, SECRET_BYTES);
                secret_hex(key, hex);
                (void) snprintf(body, sizeof body, "{\"secret_key\":\"%s\"}", hex);
                secret_zero(hex, sizeof hex);
        }
        request.length = strlen(body);
        if (t) {
                t->a = a;
                t->rq = rq;
                t->next = a->tasks;
                a->tasks = t;
                (void) snprintf(t->id, sizeof t->id, "%s", row->id);
                r = node_call(a->nodes, row->id, &request, done, t, &t->call);
        }
        secret_zero(body, sizeof body);
        if (r == 0)
                http_request_on_gone(rq, task_client_gone, t);
        else if (t)
                task_free(t);
        return r;
}

void api_server_delete(Api *a, HttpRequest *rq, const char *argument) {
        ServerRow row = { 0 };
        int64_t n = 0;
        long force;
        char detail[256];

        if (!is_orchestrator(a, rq) || !take_number(rq, "force", 0, 1, 0, &force) || !take_server(a, rq, argument, &row))
                return;
        (void) store_project_count_on(a->config.context->store, row.id, &n);
        if (strcmp(row.id, a->config.context->server_id) == 0)
                reply_problem(rq, 409, "own-server", "That is this server", NULL,
                              "The orchestrator cannot be removed from its own cluster.");
        else if (n > 0 && !force) {
                (void) snprintf(detail, sizeof detail,
                                "%lld project%s on %s. Delete them first; or remove the server with force: then they are forgotten here, "
                                "and what runs on the server is left as it is.",
                                (long long) n, n == 1 ? " is" : "s are", row.name);
                reply_problem(rq, 409, "server-in-use", "The server has projects", NULL, detail);
        } else if (!is_busy(a, rq, row.id) && call_node(a, rq, &row, "/internal/leave", NULL, told_to_leave) != 0)
                remove_server(a, rq, &row); /* one that holds all its calls, or whose key cannot be read, goes all the same */
        server_row_done(&row);
}

/* --- another key --- */

static void key_taken(void *owner, const FetchResult *result) {
        Task *t = owner;
        Api *a = t->a;
        ServerRow row = { 0 };
        char *sealed = NULL;
        int r;

        if (result->error || result->status != 200) {
                if (t->rq)
                        reply_problem(t->rq, 503, "server-unreachable", "The key was not exchanged", NULL,
                                      result->error ? result->sentence : "The server did not take the new key; the old one stays in use.");
                task_free(t);
                return;
        }
        r = store_server_get(a->config.context->store, t->id, &row);
        if (r == STORE_OK)
                r = server_seal(a->config.context->sealer, t->id, t->key, &sealed);
        if (r == STORE_OK) {
                free(row.secret_key);
                row.secret_key = sealed;
                r = store_server_put(a->config.context->store, &row);
        }
        if (r == STORE_OK) {
                nodes_set_key(a->nodes, t->id, t->key);
                (void) fprintf(stderr, "<5>Server %s has a new key.\n", row.name);
                if (t->rq)
                        reply_json(t->rq, 200, describe_node(a, &row));
        } else if (t->rq) /* the server goes on to take the old one */
                reply_failure(a, t->rq, r < 0 ? r : -EIO, "The new key could not be stored");
        server_row_done(&row);
        task_free(t);
}

void api_server_rotate_key(Api *a, HttpRequest *rq, const char *argument) {
        unsigned char key[SECRET_BYTES];
        ServerRow row = { 0 };
        int r;

        if (!is_orchestrator(a, rq) || !take_server(a, rq, argument, &row))
                return;
        if (strcmp(row.id, a->config.context->server_id) == 0)
                reply_problem(rq, 409, "own-server", "That is this server", NULL, "The orchestrator has no key with itself.");
        else if (!is_busy(a, rq, row.id)) {
                secret_new(key);
                r = call_node(a, rq, &row, "/internal/key", key, key_taken);
                secret_zero(key, sizeof key);
                if (r != 0)
                        reply_node_problem(a, rq, row.id, r);
        }
        server_row_done(&row);
}
