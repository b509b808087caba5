/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include "store/internal.h"

static const Column columns[] = {
        { "name", KEY, true, offsetof(DomainRow, name) },
        { "project_id", TEXT_NULL, true, offsetof(DomainRow, project_id) },
        { "redirect_to", TEXT_NULL, false, offsetof(DomainRow, redirect_to) },
        { "hsts", BOOLEAN, false, offsetof(DomainRow, hsts) },
        { "source", KEY, false, offsetof(DomainRow, source) },
        { "state", KEY, true, offsetof(DomainRow, state) },
        { "problem", TEXT_NULL, true, offsetof(DomainRow, problem) },
        { "problem_word", TEXT_NULL, true, offsetof(DomainRow, problem_word) },
        { "not_after_ms", NUMBER, true, offsetof(DomainRow, not_after_ms) },
        { "issued_at_ms", NUMBER, true, offsetof(DomainRow, issued_at_ms) },
        { "next_try_ms", NUMBER, true, offsetof(DomainRow, next_try_ms) },
        { "tries", NUMBER, true, offsetof(DomainRow, tries) },
        { "created_at_ms", NUMBER, true, offsetof(DomainRow, created_at_ms) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(DomainRow) };

static const Query add = { "INSERT INTO domains ($columns) VALUES ($values)", &table };
static const Query get = { "SELECT $columns FROM domains WHERE name = :name", &table };
static const Query list = { "SELECT $columns FROM domains WHERE project_id = :project ORDER BY name", &table };
static const Query list_all = { "SELECT $columns FROM domains ORDER BY name", &table };
static const Query list_on = { "SELECT $columns FROM domains WHERE project_id IN (SELECT id FROM projects WHERE server_id = :server)"
                               " ORDER BY name",
                               &table };
static const Query list_own = { "SELECT $columns FROM domains WHERE project_id IS NULL ORDER BY name", &table };
static const Query list_here = { "SELECT $columns FROM domains WHERE project_id IS NULL OR"
                                 " project_id IN (SELECT id FROM projects WHERE server_id = :server) ORDER BY name",
                                 &table };
static const Query update = { "UPDATE domains SET $set WHERE name = :name", &table };
static const Query set_state = { "UPDATE domains SET state = :state, problem = :problem, problem_word = :problem_word,"
                                 " not_after_ms = :not_after_ms, issued_at_ms = :issued_at_ms, next_try_ms = :next_try_ms, tries = :tries"
                                 " WHERE name = :name",
                                 &table };
static const Query delete = { "DELETE FROM domains WHERE name = :name", NULL };

bool domain_ends_soon(const DomainRow *r, int64_t now_ms) {
        return r->issued_at_ms && r->not_after_ms - now_ms <= INT64_C(86400000) * DOMAIN_WARN_DAYS;
}

void domain_row_done(DomainRow *r) {
        table_row_done(&table, r);
}

void domain_rows_free(DomainRow *rows, size_t n) {
        for (size_t i = 0; i < n; i++)
                domain_row_done(&rows[i]);
        free(rows);
}

int store_domain_add(Store *s, const DomainRow *r) {
        return sql_write(s, &add, r, NULL, 0);
}

int store_domain_get(Store *s, const char *name, DomainRow *ret) {
        return sql_get(s, &get, ARGUMENTS({ ":name", name }), ret);
}

int store_domain_list(Store *s, const char *project_id, DomainRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = project_id ? sql_list(s, &list, ARGUMENTS({ ":project", project_id }), &rows, ret_n)
                           : sql_list(s, &list_all, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_domain_list_on(Store *s, const char *server_id, DomainRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_on, ARGUMENTS({ ":server", server_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_domain_list_own(Store *s, DomainRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_own, NULL, 0, &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_domain_list_here(Store *s, const char *server_id, DomainRow **ret_rows, size_t *ret_n) {
        void *rows;
        int r = sql_list(s, &list_here, ARGUMENTS({ ":server", server_id }), &rows, ret_n);

        *ret_rows = rows;
        return r;
}

int store_domain_update(Store *s, const DomainRow *r) {
        return sql_write(s, &update, r, NULL, 0);
}

int store_domain_set_state(Store *s, const DomainRow *r) {
        return sql_write(s, &set_state, r, NULL, 0);
}

int store_domain_delete(Store *s, const char *name) {
        return sql_write(s, &delete, NULL, ARGUMENTS({ ":name", name }));
}

static const DomainRow *find(const DomainRow *rows, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

static int replace(Store *s, const DomainRow *before, size_t n_before, const DomainRow *rows, size_t n) {
        int r = STORE_OK;

        for (size_t i = 0; i < n_before && r == STORE_OK; i++)
                if (!find(rows, n, before[i].name))
                        r = store_domain_delete(s, before[i].name);
        for (size_t i = 0; i < n && r == STORE_OK; i++)
                r = find(before, n_before, rows[i].name) ? store_domain_update(s, &rows[i]) : store_domain_add(s, &rows[i]);
        return r;
}

int store_domain_replace(Store *s, const char *project_id, const DomainRow *rows, size_t n) {
        DomainRow *before = NULL;
        size_t n_before = 0;
        int r = store_begin(s);

        if (r < 0)
                return r;
        r = store_domain_list(s, project_id, &before, &n_before);
        if (r == STORE_OK)
                r = replace(s, before, n_before, rows, n);
        domain_rows_free(before, n_before);
        if (r == STORE_OK)
                return store_commit(s);
        store_rollback(s);
        return r;
}
