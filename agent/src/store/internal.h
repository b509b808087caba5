/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the files of this folder share: the connection, and rows described by tables.
 *
 * A Table lists the columns of a record struct once; every statement is written with $columns, $values and $set, which are made from that
 * list, and parameters are bound by name. So a new column is one line here, one in a migration and one in the struct. */
#pragma once

#include <sqlite3.h>

#include "base/cleanup.h"
#include "store/store.h"

typedef struct {
        const char *name, *sql;
} Migration;

extern const Migration store_migrations[];
extern const size_t store_n_migrations;

/* store_open() with another list of migrations, for tests of upgrades. */
int store_open_with(const char *path, const Migration *migrations, size_t n, Store **ret_store);

typedef enum {
        KEY,       /* char *, never empty */
        TEXT,      /* char *; NULL is written as an empty text */
        TEXT_NULL, /* char *, may be NULL */
        NUMBER,    /* int64_t */
        BOOLEAN,   /* bool */
        SLOT,      /* char[2] */
        DATETIME,  /* int64_t milliseconds, as UTC text in the database */
} ColumnKind;

typedef struct {
        const char *name;
        ColumnKind kind;
        bool fixed; /* not in $set */
        size_t offset;
} Column;

typedef struct {
        const Column *columns;
        size_t n_columns, row_size;
} Table;

/* A statement. Its address is its identity in the cache of prepared ones, so these are static. */
typedef struct {
        const char *sql;
        const Table *table; /* may be NULL */
} Query;

typedef struct {
        const char *name; /* ":id" */
        const char *text; /* NULL: number */
        int64_t number;
} Argument;

#define ARGUMENTS(...) (const Argument[]){ __VA_ARGS__ }, ELEMENTS(((const Argument[]){ __VA_ARGS__ }))

struct Store {
        sqlite3 *db;
        struct {
                const Query *query;
                sqlite3_stmt *statement;
        } prepared[160]; /* more than there are queries; a test of the folder runs them all */
        size_t n_prepared;
        bool in_transaction;
        StoreChanged changed; /* NULL: nobody watches */
        void *watcher;
        bool has_triggers;
        char error[256];
};

/* Notes the connection's sentence; the errno for an extended result code of SQLite. */
int store_failed(Store *s, int code);

/* Each of these binds row (may be NULL) by its columns, then the arguments. */

/* For INSERT, UPDATE and DELETE. STORE_E_TAKEN; STORE_E_ABSENT when no row was changed or the row referred to is not there;
 * STORE_E_REFERENCED when a DELETE leaves others without their parent. */
int sql_write(Store *s, const Query *q, const void *row, const Argument *arguments, size_t n);
/* One row by q->table, or STORE_E_ABSENT. */
int sql_get(Store *s, const Query *q, const Argument *arguments, size_t n, void *ret_row);
/* All rows, as one array. */
int sql_list(Store *s, const Query *q, const Argument *arguments, size_t n, void **ret_rows, size_t *ret_n);
/* First column of the first row. */
int sql_number(Store *s, const Query *q, const Argument *arguments, size_t n, int64_t *ret);

/* Frees the row's texts and leaves zeroes. */
void table_row_done(const Table *t, void *row);
