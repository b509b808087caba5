/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a repository has, before there is a project of it. */
#include "api/reply.h"

#include "base/cleanup.h"
#include "base/paths.h"
#include "deployment/repository_call.h"
#include "deployment/resolve.h"
#include "security/validate.h"

#include <errno.h>
#include <string.h>

enum { AT_ONCE = 2 }; /* as MaxConnections= of nanoscale-repository.socket */

static unsigned under_way;

typedef struct {
        Api *api;
        HttpRequest *rq;
        json_t *body; /* owns the texts below */
        const char *repo, *branch, *root;
        Resolve *resolve;
        RepositoryCall *call;
} Look;

static void look_drop(Look *k) {
        resolve_drop(k->resolve);
        repository_call_drop(k->call);
        json_decref(k->body);
        free(k);
        under_way--;
}

static void gone(void *owner) {
        look_drop(owner);
}

static void unreachable(HttpRequest *rq, const char *sentence) {
        reply_problem(rq, 422, "repository-unreachable", "The repository cannot be read", "repo_url", sentence);
}

static json_t *text_of(const Fields *f, const char *key) {
        const char *value = fields_get(f, key);

        return value ? json_string(value) : json_null();
}

static json_t *list_of(const Fields *f, const char *key) {
        json_t *list = json_array();

        for (size_t i = 0; i < fields_count(f); i++)
                if (strcmp(fields_key(f, i), key) == 0)
                        (void) json_array_append_new(list, json_string(fields_value(f, i)));
        return list;
}

static json_t *commit_of(const Fields *f) {
        if (!fields_get(f, "commit"))
                return json_null();
        return json_pack("{s:o, s:o, s:o}", "id", text_of(f, "commit"), "subject", text_of(f, "subject"), "author", text_of(f, "author"));
}

static void answered(void *owner, const Fields *f) {
        Look *k = owner;
        HttpRequest *rq = k->rq;

        if (!f)
                reply_problem(rq, 503, "check-failed", "The repository could not be looked at", NULL,
                              "nanoscale-repository gave no answer. Its journal says why: journalctl -u 'nanoscale-repository@*'.");
        else if (fields_get(f, "error"))
                unreachable(rq, fields_get(f, "error"));
        else
                reply_json(rq, 200,
                           json_pack("{s:b, s:o, s:o, s:b, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:n, s:o}", "reachable", 1, "default_branch",
                                     text_of(f, "default_branch"), "branches", list_of(f, "branch"), "more_branches",
                                     fields_get(f, "more_branches") != NULL, "commit", commit_of(f), "complete",
                                     fields_get(f, "incomplete") == NULL, "framework", text_of(f, "framework"), "framework_version",
                                     text_of(f, "framework_version"), "install_command", text_of(f, "install"), "build_command",
                                     text_of(f, "build"), "start_command", text_of(f, "start"), "node_version", "root_directories",
                                     list_of(f, "root_directory")));
        look_drop(k);
}

static void resolved(void *owner, const char *address, const char *sentence) {
        Look *k = owner;
        const RepositoryRequest request = {
                .repo = k->repo, .branch = k->branch, .root = k->root, .resolve = address, .ca = k->api->config.context->ca
        };
        int r = 0;

        if (!address)
                unreachable(k->rq, sentence);
        else
                r = repository_call(k->api->config.context->loop, NS_REPOSITORY_SOCKET, &request, answered, k, &k->call);
        if (r < 0)
                reply_failure(k->api, k->rq, r, "The repository could not be looked at");
        if (!address || r < 0)
                look_drop(k);
}

/* A member that is a text of its kind, or absent; answers itself and returns false when it is something else. */
static bool take_text(HttpRequest *rq, const json_t *body, const char *name, bool required, bool (*valid)(const char *), const char **ret) {
        const json_t *value = json_object_get(body, name);
        const char *text = json_string_value(value);

        *ret = text;
        if (!required && (!value || json_is_null(value) || (text && !*text)))
                return true;
        if (text && strlen(text) == json_string_length(value) && valid(text))
                return true;
        reply_problem(rq, 422, "invalid-field", "A field is not usable", name,
                      required ? "Give the https:// address of a public git repository, without a user and password."
                               : "Give a name of its kind, or leave it away.");
        return false;
}

static bool is_repo(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

void api_repository_check(Api *a, HttpRequest *rq, const char *argument) {
        const char *repo, *branch, *root;
        json_t *body = take_json(rq);
        Look *k;
        int r;

        (void) argument;
        if (!body)
                return;
        if (!take_text(rq, body, "repo_url", true, is_repo, &repo) || !take_text(rq, body, "branch", false, valid_branch, &branch) ||
            !take_text(rq, body, "root_directory", false, valid_relative_directory, &root)) {
                json_decref(body);
                return;
        }
        if (under_way >= AT_ONCE || !(k = calloc(1, sizeof *k))) {
                json_decref(body);
                reply_problem(rq, 503, "busy", "Other repositories are looked at", NULL,
                              "Two repositories are looked at already. Try again.");
                return;
        }
        *k = (Look){ .api = a, .rq = rq, .body = body, .repo = repo, .branch = branch, .root = root };
        under_way++;
        r = resolve_repository(a->config.context->loop, repo, a->config.context->allow_private_repositories, resolved, k, &k->resolve);
        if (r < 0) {
                reply_failure(a, rq, r, "The repository could not be looked at");
                look_drop(k);
                return;
        }
        http_request_on_gone(rq, gone, k);
}
