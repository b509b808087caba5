/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Rows and prepared statements. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "store/internal.h"

static const void *member(const void *row, const Column *c) {
        return (const char *) row + c->offset;
}

static void *member_mutable(void *row, const Column *c) {
        return (char *) row + c->offset;
}

static bool is_text(ColumnKind kind) {
        return kind == KEY || kind == TEXT || kind == TEXT_NULL;
}

void table_row_done(const Table *t, void *row) {
        for (size_t i = 0; i < t->n_columns; i++)
                if (is_text(t->columns[i].kind))
                        free(*(char **) member_mutable(row, &t->columns[i]));
        memset(row, 0, t->row_size);
}

/* --- statements --- */

static void put_columns(Text *t, const Table *table, const char *what) {
        const char *comma = "";

        for (size_t i = 0; i < table->n_columns; i++) {
                const Column *c = &table->columns[i];

                if (strcmp(what, "columns") == 0)
                        text_printf(t, "%s%s", comma, c->name);
                else if (strcmp(what, "values") == 0)
                        text_printf(t, "%s:%s", comma, c->name);
                else if (c->fixed)
                        continue;
                else
                        text_printf(t, "%s%s = :%s", comma, c->name, c->name);
                comma = ", ";
        }
}

static int expand(const Query *q, char **ret_sql) {
        static const char *const words[] = { "columns", "values", "set" };
        Text t = { 0 };

        for (const char *at = q->sql; *at;) {
                size_t n = strcspn(at, "$");

                text_put(&t, at, n);
                at += n;
                for (size_t i = 0; *at && i < ELEMENTS(words); i++)
                        if (text_starts(at + 1, words[i])) {
                                put_columns(&t, q->table, words[i]);
                                at += 1 + strlen(words[i]);
                                break;
                        }
        }
        return text_take(&t, ret_sql, NULL);
}

static int prepare(Store *s, const Query *q, sqlite3_stmt **ret_statement) {
        auto_free char *sql = NULL;
        sqlite3_stmt *statement = NULL;
        int r;

        for (size_t i = 0; i < s->n_prepared; i++)
                if (s->prepared[i].query == q) {
                        *ret_statement = s->prepared[i].statement;
                        return 0;
                }
        if (s->n_prepared == ELEMENTS(s->prepared))
                return -ENOBUFS;
        r = expand(q, &sql);
        if (r < 0)
                return r;
        r = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
        if (r != SQLITE_OK)
                return store_failed(s, r);
        s->prepared[s->n_prepared].query = q;
        s->prepared[s->n_prepared++].statement = statement;
        *ret_statement = statement;
        return 0;
}

/* Lets go of what a statement holds, on every way out: an unfinished read would keep the log from being checkpointed. */
static void statement_done(sqlite3_stmt **statement) {
        if (*statement) {
                (void) sqlite3_reset(*statement);
                (void) sqlite3_clear_bindings(*statement);
        }
}

/* --- values --- */

static int bind_datetime(sqlite3_stmt *statement, int i, int64_t ms) {
        int64_t below = (ms % 1000 + 1000) % 1000;
        time_t seconds = (time_t) ((ms - below) / 1000);
        char text[48], whole[32];
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) || strftime(whole, sizeof(whole), "%Y-%m-%d %H:%M:%S", &tm) == 0)
                return SQLITE_RANGE;
        (void) snprintf(text, sizeof(text), "%s.%03u", whole, (unsigned) below);
        return sqlite3_bind_text(statement, i, text, -1, SQLITE_TRANSIENT);
}

/* Also what CURRENT_TIMESTAMP writes, without milliseconds. 0 for what is no time. */
static int64_t read_datetime(const char *text) {
        struct tm tm = { 0 };
        const char *rest = text ? strptime(text, "%Y-%m-%d %H:%M:%S", &tm) : NULL;
        unsigned long ms = 0;

        if (!rest)
                return 0;
        if (*rest == '.' && strlen(rest) == 4)
                for (const char *c = rest + 1; *c >= '0' && *c <= '9'; c++)
                        ms = ms * 10 + (unsigned long) (*c - '0');
        return (int64_t) timegm(&tm) * 1000 + (int64_t) ms;
}

/* A key without a text is a mistake of the caller's: -EINVAL before anything is written. */
static int bind_row(Store *s, sqlite3_stmt *statement, const Table *table, const void *row) {
        for (size_t n = 0; n < table->n_columns; n++) {
                const Column *c = &table->columns[n];
                const void *at = member(row, c);
                const char *text = is_text(c->kind) ? *(char *const *) at : NULL;
                char parameter[48];
                int i, r = SQLITE_OK;

                (void) snprintf(parameter, sizeof(parameter), ":%s", c->name);
                i = sqlite3_bind_parameter_index(statement, parameter);
                if (i == 0)
                        continue;
                switch (c->kind) {
                case KEY:
                        if (!text || !*text)
                                return -EINVAL;
                        r = sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
                        break;
                case TEXT:
                        r = sqlite3_bind_text(statement, i, text ? text : "", -1, SQLITE_STATIC);
                        break;
                case TEXT_NULL:
                        r = sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
                        break;
                case NUMBER:
                        r = sqlite3_bind_int64(statement, i, *(const int64_t *) at);
                        break;
                case BOOLEAN:
                        r = sqlite3_bind_int(statement, i, *(const bool *) at);
                        break;
                case SLOT:
                        r = sqlite3_bind_text(statement, i, at, ((const char *) at)[0] ? 1 : 0, SQLITE_STATIC);
                        break;
                case DATETIME:
                        r = bind_datetime(statement, i, *(const int64_t *) at);
                        break;
                }
                if (r != SQLITE_OK)
                        return store_failed(s, r);
        }
        return 0;
}

static int bind(Store *s, sqlite3_stmt *statement, const Argument *arguments, size_t n) {
        for (size_t k = 0; k < n; k++) {
                int i = sqlite3_bind_parameter_index(statement, arguments[k].name);
                int r = arguments[k].text ? sqlite3_bind_text(statement, i, arguments[k].text, -1, SQLITE_STATIC)
                                          : sqlite3_bind_int64(statement, i, arguments[k].number);

                if (r != SQLITE_OK)
                        return store_failed(s, r);
        }
        return 0;
}

/* On an error the row holds what was read so far; it is for table_row_done() then. */
static int read_row(sqlite3_stmt *statement, const Table *table, void *row) {
        for (size_t n = 0; n < table->n_columns; n++) {
                const Column *c = &table->columns[n];
                int i = (int) n;
                const char *text = (const char *) sqlite3_column_text(statement, i);
                void *at = member_mutable(row, c);

                switch (c->kind) {
                case KEY:
                case TEXT:
                case TEXT_NULL:
                        if (!text && c->kind == TEXT_NULL)
                                break;
                        *(char **) at = strdup(text ? text : "");
                        if (!*(char **) at)
                                return -ENOMEM;
                        break;
                case NUMBER:
                        *(int64_t *) at = sqlite3_column_int64(statement, i);
                        break;
                case BOOLEAN:
                        *(bool *) at = sqlite3_column_int(statement, i) != 0;
                        break;
                case SLOT:
                        memcpy(at, (char[2]){ text ? text[0] : '\0', '\0' }, 2);
                        break;
                case DATETIME:
                        *(int64_t *) at = read_datetime(text);
                        break;
                }
        }
        return 0;
}

/* --- running --- */

static int start(Store *s, const Query *q, const void *row, const Argument *arguments, size_t n, sqlite3_stmt **ret_statement) {
        int r;

        /* After some failures (a full disk) SQLite takes back the whole transaction by itself. What the caller still writes into it must
         * not be kept on its own. */
        if (s->in_transaction && sqlite3_get_autocommit(s->db)) {
                (void) snprintf(s->error, sizeof(s->error), "the transaction was rolled back");
                return -EIO;
        }
        r = prepare(s, q, ret_statement);
        if (r == 0 && row)
                r = bind_row(s, *ret_statement, q->table, row);
        if (r == 0)
                r = bind(s, *ret_statement, arguments, n);
        return r;
}

int sql_write(Store *s, const Query *q, const void *row, const Argument *arguments, size_t n) {
        auto_call(statement_done) sqlite3_stmt *statement = NULL;
        int r;

        r = start(s, q, row, arguments, n, &statement);
        if (r < 0)
                return r;
        r = sqlite3_step(statement);
        switch (r) {
        case SQLITE_DONE:
                return sqlite3_changes(s->db) > 0 ? STORE_OK : STORE_E_ABSENT;
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
                return STORE_E_TAKEN;
        case SQLITE_CONSTRAINT_FOREIGNKEY:
                return text_starts(q->sql, "DELETE") ? STORE_E_REFERENCED : STORE_E_ABSENT;
        default:
                return store_failed(s, r);
        }
}

int sql_get(Store *s, const Query *q, const Argument *arguments, size_t n, void *ret_row) {
        auto_call(statement_done) sqlite3_stmt *statement = NULL;
        int r;

        memset(ret_row, 0, q->table->row_size);
        r = start(s, q, NULL, arguments, n, &statement);
        if (r < 0)
                return r;
        r = sqlite3_step(statement);
        if (r == SQLITE_DONE)
                return STORE_E_ABSENT;
        if (r != SQLITE_ROW)
                return store_failed(s, r);
        r = read_row(statement, q->table, ret_row);
        if (r < 0)
                table_row_done(q->table, ret_row);
        return r;
}

static int append_row(sqlite3_stmt *statement, const Table *table, char **rows, size_t n, size_t *size) {
        if (n == *size) {
                size_t more = *size ? *size * 2 : 8;
                char *grown = reallocarray(*rows, more, table->row_size);

                if (!grown)
                        return -ENOMEM;
                *rows = grown;
                *size = more;
        }
        memset(*rows + n * table->row_size, 0, table->row_size);
        return read_row(statement, table, *rows + n * table->row_size);
}

int sql_list(Store *s, const Query *q, const Argument *arguments, size_t n, void **ret_rows, size_t *ret_n) {
        auto_call(statement_done) sqlite3_stmt *statement = NULL;
        char *rows = NULL;
        size_t n_rows = 0, size = 0;
        int r;

        *ret_rows = NULL;
        *ret_n = 0;
        r = start(s, q, NULL, arguments, n, &statement);
        if (r < 0)
                return r;
        while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
                r = append_row(statement, q->table, &rows, n_rows, &size);
                if (r < 0 && size == n_rows)
                        break; /* no room was made for this row */
                n_rows++;
                if (r < 0)
                        break;
        }
        if (r == SQLITE_DONE) {
                *ret_rows = rows;
                *ret_n = n_rows;
                return 0;
        }
        for (size_t i = 0; i < n_rows; i++)
                table_row_done(q->table, rows + i * q->table->row_size);
        free(rows);
        return r < 0 ? r : store_failed(s, r);
}

int sql_number(Store *s, const Query *q, const Argument *arguments, size_t n, int64_t *ret) {
        auto_call(statement_done) sqlite3_stmt *statement = NULL;
        int64_t number;
        int r;

        r = start(s, q, NULL, arguments, n, &statement);
        if (r < 0)
                return r;
        r = sqlite3_step(statement);
        if (r == SQLITE_DONE)
                return STORE_E_ABSENT;
        if (r != SQLITE_ROW)
                return store_failed(s, r);
        number = sqlite3_column_int64(statement, 0);
        /* To its end: what a statement with RETURNING wrote is committed by the step that says so. */
        r = sqlite3_step(statement);
        if (r != SQLITE_DONE)
                return store_failed(s, r);
        *ret = number;
        return 0;
}
