/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "auth/attempts.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FORGET_MS (INT64_C(15) * 60 * 1000)
enum { ADDRESS_MAX = 10, USER_FREE = 5, LONGEST_S = 300 };

/* A clock that was set back must not make anybody wait for years. */
static bool is_over(const Attempt *row, int64_t now_ms) {
        return now_ms - row->last_ms >= FORGET_MS || now_ms < row->last_ms;
}

/* As much of it as is kept. */
static bool has_key(const Attempt *row, const char *key) {
        return row->key[0] && strncmp(row->key, key, sizeof row->key - 1) == 0;
}

static const Attempt *find(const Attempts *a, const char *key, int64_t now_ms) {
        for (size_t i = 0; i < ATTEMPTS_KEPT; i++)
                if (has_key(&a->rows[i], key))
                        return is_over(&a->rows[i], now_ms) ? NULL : &a->rows[i];
        return NULL;
}

static int64_t seconds_until(int64_t end_ms, int64_t now_ms) {
        return end_ms <= now_ms ? 0 : (end_ms - now_ms + 999) / 1000;
}

int64_t attempts_wait_address(const Attempts *a, const char *address, int64_t now_ms) {
        const Attempt *row = find(a, address, now_ms);

        return row && row->n >= ADDRESS_MAX ? seconds_until(row->last_ms + FORGET_MS, now_ms) : 0;
}

int64_t attempts_wait_user(const Attempts *a, const char *user, int64_t now_ms) {
        const Attempt *row = find(a, user, now_ms);
        int64_t pause_s = 1;

        if (!row || row->n < USER_FREE)
                return 0;
        for (unsigned i = USER_FREE; i < row->n && pause_s < LONGEST_S; i++)
                pause_s *= 2;
        return seconds_until(row->last_ms + (pause_s < LONGEST_S ? pause_s : LONGEST_S) * 1000, now_ms);
}

void attempts_failed(Attempts *a, const char *key, int64_t now_ms) {
        Attempt *row = NULL, *oldest = &a->rows[0];

        for (size_t i = 0; i < ATTEMPTS_KEPT; i++) {
                Attempt *at = &a->rows[i];
                if (has_key(at, key))
                        row = at;
                if (!at->key[0] ? oldest->key[0] != '\0' : oldest->key[0] && at->last_ms < oldest->last_ms)
                        oldest = at;
        }
        if (!row) {
                row = oldest;
                *row = (Attempt){ 0 };
                (void) snprintf(row->key, sizeof row->key, "%s", key);
        } else if (is_over(row, now_ms))
                row->n = 0;
        if (row->n < 1000)
                row->n++;
        row->last_ms = now_ms;
}

void attempts_undo(Attempts *a, const char *key) {
        for (size_t i = 0; i < ATTEMPTS_KEPT; i++) {
                Attempt *at = &a->rows[i];
                if (has_key(at, key) && --at->n == 0)
                        *at = (Attempt){ 0 };
        }
}

void attempts_succeeded(Attempts *a, const char *key) {
        for (size_t i = 0; i < ATTEMPTS_KEPT; i++)
                if (has_key(&a->rows[i], key))
                        a->rows[i] = (Attempt){ 0 };
}
