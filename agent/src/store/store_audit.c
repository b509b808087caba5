/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "store/internal.h"

enum { TIDY_EVERY = 100, ALIKE_MS = 60 * 1000, ALIKE_LOOKED_AT = 500 };
#define DAY_MS INT64_C(86400000)

static const Column columns[] = {
        { "id", NUMBER, true, offsetof(AuditRow, id) },
        { "at_ms", NUMBER, false, offsetof(AuditRow, at_ms) },
        { "actor_kind", KEY, false, offsetof(AuditRow, actor_kind) },
        { "actor_name", TEXT, false, offsetof(AuditRow, actor_name) },
        { "action", KEY, false, offsetof(AuditRow, action) },
        { "project", TEXT_NULL, false, offsetof(AuditRow, project) },
        { "target", TEXT_NULL, false, offsetof(AuditRow, target) },
        { "status", NUMBER, false, offsetof(AuditRow, status) },
        { "detail", TEXT_NULL, false, offsetof(AuditRow, detail) },
        { "address", TEXT_NULL, false, offsetof(AuditRow, address) },
        { "count", NUMBER, false, offsetof(AuditRow, count) },
};
static const Table table = { columns, ELEMENTS(columns), sizeof(AuditRow) };

static const Query add = { "INSERT INTO audit (at_ms, actor_kind, actor_name, action, project, target, status, detail, address)"
                           " VALUES (:at_ms, :actor_kind, :actor_name, :action, :project, :target, :status, :detail, :address)",
                           &table };
/* Of the newest ones only: with many that are not alike, looking through all of them would cost more than a row does. */
static const Query count = { "UPDATE audit SET count = count + 1, at_ms = :at_ms WHERE id = (SELECT id FROM"
                             " (SELECT * FROM audit ORDER BY id DESC LIMIT :looked_at) WHERE at_ms > :since AND at_ms <= :at_ms"
                             " AND actor_kind = :actor_kind AND actor_name = :actor_name AND action = :action AND status = :status"
                             " AND project IS :project AND target IS :target AND detail IS :detail AND address IS :address LIMIT 1)",
                             &table };
static const Query drop_beyond = { "DELETE FROM audit WHERE id <= :id", NULL };
static const Query drop_old = { "DELETE FROM audit WHERE at_ms < :before", NULL };
static const Query list = { "SELECT $columns FROM audit WHERE id < :before AND (:actor IS NULL OR actor_name = :actor)"
                            " AND (:project IS NULL OR project = :project)"
                            " AND (:action IS NULL OR action = :action OR substr(action, 1, length(:action) + 1) = :action || '.')"
                            " ORDER BY id DESC LIMIT :limit",
                            &table };

void audit_row_done(AuditRow *r) {
        table_row_done(&table, r);
}

int store_audit_add(Store *s, const AuditRow *r) {
        int64_t id;
        int answer;

        if (r->status >= 400) {
                answer = sql_write(s, &count, r,
                                   ARGUMENTS({ ":looked_at", .number = ALIKE_LOOKED_AT }, { ":since", .number = r->at_ms - ALIKE_MS }));
                if (answer != STORE_E_ABSENT)
                        return answer;
        }
        answer = sql_write(s, &add, r, NULL, 0);
        if (answer != STORE_OK)
                return answer;
        id = sqlite3_last_insert_rowid(s->db);
        if (id > AUDIT_KEPT)
                answer = sql_write(s, &drop_beyond, NULL, ARGUMENTS({ ":id", .number = id - AUDIT_KEPT }));
        if (answer >= 0 && id % TIDY_EVERY == 1)
                answer = sql_write(s, &drop_old, NULL, ARGUMENTS({ ":before", .number = r->at_ms - AUDIT_DAYS * DAY_MS }));
        return answer == STORE_E_ABSENT ? STORE_OK : answer;
}

int store_audit_list(Store *s, const AuditFilter *f, size_t limit, AuditRow **ret_rows, size_t *ret_n) {
        /* What is not bound is NULL: only what is asked for is bound. */
        Argument arguments[5] = {
                { ":before", .number = f->before ? f->before : INT64_MAX },
                { ":limit", .number = (int64_t) limit },
        };
        size_t n = 2;
        void *rows;
        int r;

        if (f->actor)
                arguments[n++] = (Argument){ ":actor", f->actor, 0 };
        if (f->action)
                arguments[n++] = (Argument){ ":action", f->action, 0 };
        if (f->project)
                arguments[n++] = (Argument){ ":project", f->project, 0 };
        r = sql_list(s, &list, arguments, n, &rows, ret_n);
        *ret_rows = rows;
        return r;
}
