/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The newest deployments of all projects: those of this server, and those of others as these have told of them last. */
#include "api/elsewhere.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "deployment/describe.h"

#include <stdio.h>
#include <string.h>

typedef struct {
        json_t *deployment; /* owned */
        const char *created_at;
} Found;

typedef struct {
        Found *list;
        size_t n, size;
} FoundList;

/* Takes the reference. */
static void add(FoundList *all, json_t *deployment) {
        const char *created_at = json_string_value(json_object_get(deployment, "created_at"));

        if (created_at && all->n == all->size) {
                size_t size = all->size ? 2 * all->size : 64;
                Found *list = reallocarray(all->list, size, sizeof(*list));

                if (list) {
                        all->list = list;
                        all->size = size;
                }
        }
        if (created_at && all->n < all->size)
                all->list[all->n++] = (Found){ deployment, created_at };
        else
                json_decref(deployment);
}

/* One project's name is needed for each of its deployments: they come in no order of projects, so the row is read each time. */
static void add_own(const Api *a, size_t limit, FoundList *all) {
        const DeployContext *c = a->config.context;
        DeploymentRow *rows = NULL;
        size_t n = 0;

        (void) store_deployment_list_all(c->store, limit, &rows, &n);
        for (size_t i = 0; i < n; i++) {
                ProjectRow project = { 0 };

                /* Of one that has moved away, what was here is told by where it is now, if at all. */
                if (store_project_get(c->store, rows[i].project_id, &project) == STORE_OK && !is_elsewhere(a, &project))
                        add(all, describe_deployment(c, &project, &rows[i], false));
                project_row_done(&project);
                deployment_row_done(&rows[i]);
        }
        free(rows);
}

static void add_elsewhere(const Api *a, size_t limit, FoundList *all) {
        Store *store = a->config.context->store;
        PlaceRow *rows = NULL;
        size_t n = 0;

        if (store_place_list_told(store, limit, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++) {
                ProjectRow project = { 0 };
                json_t *said = json_loads(rows[i].told, 0, NULL), *told = mirror_deployment(said);

                if (told && store_project_get(store, rows[i].project_id, &project) == STORE_OK && is_elsewhere(a, &project)) {
                        mirror_own(&project, told);
                        /* Its own clock may be wrong, or a lie: this list is of all servers. */
                        (void) json_object_set_new(told, "created_at", describe_time(rows[i].created_at_ms));
                        add(all, json_incref(told));
                }
                json_decref(told);
                json_decref(said);
                project_row_done(&project);
                place_row_done(&rows[i]);
        }
        free(rows);
}

/* All are UTC in one form, so their order is that of the texts. */
static int newest_first(const void *x, const void *y) {
        return strcmp(((const Found *) y)->created_at, ((const Found *) x)->created_at);
}

void api_deployment_list_all(Api *a, HttpRequest *rq, const char *argument) {
        FoundList all = { 0 };
        json_t *list = json_array();
        long limit;

        (void) argument;
        if (!take_number(rq, "limit", 1, 200, 20, &limit)) {
                json_decref(list);
                return;
        }
        add_own(a, (size_t) limit, &all);
        add_elsewhere(a, (size_t) limit, &all);
        if (all.n)
                qsort(all.list, all.n, sizeof(*all.list), newest_first);
        for (size_t i = 0; i < all.n; i++)
                if (i < (size_t) limit)
                        (void) json_array_append_new(list, all.list[i].deployment);
                else
                        json_decref(all.list[i].deployment);
        free(all.list);
        reply_json(rq, 200, json_pack("{s:o}", "deployments", list));
}
