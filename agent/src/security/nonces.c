/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A table with open addressing. Entries are not taken out one by one: when it is half full, those whose time is over are left behind and
 * the others move to a table of the size that they need. */
#include "security/nonces.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

#define REMEMBER_S 60
#define LATEST_S ((int64_t) 1 << 40) /* keeps sums from overflowing */
#define SMALLEST ((size_t) 16)
#define RANGES 4

typedef struct {
        unsigned char nonce[NONCES_BYTES];
        int64_t timestamp_s, expires_s; /* expires_s 0: a free place */
} Entry;

typedef struct {
        int64_t from_s, to_s;
} Range;

struct Nonces {
        Entry *entries;
        size_t size /* 0 or a power of two */, count, max;
        int64_t latest_expiry_s;
        int64_t full_since_s, full_until_s; /* nothing can have expired in between, so nobody has to look */
        Range forgotten[RANGES + 1];        /* one more than is kept, for the moment before two become one */
        size_t n_forgotten;
        unsigned char key[crypto_shorthash_KEYBYTES];
};

int nonces_new(size_t max, Nonces **ret_nonces) {
        Nonces *n;

        if (max < 1 || max > 65536)
                return -EINVAL;
        if (sodium_init() < 0)
                abort();
        n = calloc(1, sizeof(*n));
        if (!n)
                return -ENOMEM;
        n->max = max;
        n->full_until_s = -1;
        crypto_shorthash_keygen(n->key);
        *ret_nonces = n;
        return 0;
}

Nonces *nonces_free(Nonces *n) {
        if (n) {
                free(n->entries);
                free(n);
        }
        return NULL;
}

/* --- times whose nonces are gone --- */

/* Joins the two ranges that are closest to each other: what lies between them is refused as well, so let it be little, and not spare_s. */
static void join_closest(Nonces *n, int64_t spare_s) {
        size_t a = 0, b = 0;
        int64_t closest = INT64_MAX;
        Range *r = n->forgotten;

        for (size_t i = 0; i < n->n_forgotten; i++)
                for (size_t j = 0; j < n->n_forgotten; j++) {
                        int64_t gap = r[j].from_s - r[i].to_s;

                        if (r[i].to_s < spare_s && spare_s < r[j].from_s)
                                gap += LATEST_S;
                        if (i != j && r[i].from_s <= r[j].from_s && gap < closest) {
                                closest = gap;
                                a = i;
                                b = j;
                        }
                }
        if (r[b].to_s > r[a].to_s)
                r[a].to_s = r[b].to_s;
        r[b] = r[--n->n_forgotten];
}

static int64_t within(int64_t t) {
        return t < 0 ? 0 : t > LATEST_S ? LATEST_S : t;
}

static bool is_forgotten(const Nonces *n, int64_t timestamp_s) {
        for (size_t i = 0; i < n->n_forgotten; i++)
                if (timestamp_s >= n->forgotten[i].from_s && timestamp_s <= n->forgotten[i].to_s)
                        return true;
        return false;
}

/* Ranges, not one border: a clock that was years ahead for a minute must not close the door for years. */
static void forget(Nonces *n, int64_t from_s, int64_t to_s, int64_t spare_s) {
        if (from_s > to_s || (from_s == to_s && is_forgotten(n, from_s)))
                return;
        n->forgotten[n->n_forgotten++] = (Range){ within(from_s), within(to_s) };
        if (n->n_forgotten > RANGES)
                join_closest(n, spare_s);
}

void nonces_forget(Nonces *n, int64_t from_s, int64_t to_s) {
        forget(n, from_s, to_s, -1);
}

/* --- the table --- */

/* The hash has a key, so that a hostile node cannot choose nonces that all want the same place. */
static Entry *find(const Nonces *n, Entry *entries, size_t size, const unsigned char *nonce) {
        unsigned char hash[crypto_shorthash_BYTES];
        size_t at;

        (void) crypto_shorthash(hash, nonce, NONCES_BYTES, n->key);
        memcpy(&at, hash, sizeof(at));
        for (at &= size - 1; entries[at].expires_s; at = (at + 1) & (size - 1))
                if (memcmp(entries[at].nonce, nonce, NONCES_BYTES) == 0) /* lint: secrets a nonce travels in the open */
                        break;
        return &entries[at];
}

/* Its time is over; or it was taken in a future that our clock has been set back from: its request is out of reach of the clock check, and
 * when it is no more, the range is there. */
static bool is_over(const Entry *e, int64_t now_s) {
        return now_s > e->expires_s || e->expires_s - now_s > 2 * REMEMBER_S;
}

static size_t count_young(const Nonces *n, int64_t now_s, int64_t *ret_earliest_s) {
        size_t young = 0;

        for (size_t i = 0; i < n->size; i++) {
                const Entry *e = &n->entries[i];

                if (!e->expires_s || is_over(e, now_s))
                        continue;
                young++;
                if (e->expires_s < *ret_earliest_s)
                        *ret_earliest_s = e->expires_s;
        }
        return young;
}

/* Makes room for one more. */
static int make_room(Nonces *n, int64_t now_s) {
        int64_t earliest_s = LATEST_S;
        size_t young, size = SMALLEST;
        Entry *entries;

        if (n->count == n->max && now_s >= n->full_since_s && now_s <= n->full_until_s)
                return NONCES_E_FULL;
        young = count_young(n, now_s, &earliest_s);
        if (young >= n->max) {
                n->full_since_s = now_s;
                n->full_until_s = earliest_s;
                return NONCES_E_FULL;
        }
        while (size < 4 * (young + 1) && size < 2 * n->max)
                size *= 2;
        entries = calloc(size, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        n->latest_expiry_s = 0;
        for (size_t i = 0; i < n->size; i++) {
                const Entry *e = &n->entries[i];

                if (!e->expires_s)
                        continue;
                if (is_over(e, now_s)) {
                        forget(n, e->timestamp_s, e->timestamp_s, now_s);
                        continue;
                }
                *find(n, entries, size, e->nonce) = *e;
                if (e->expires_s > n->latest_expiry_s)
                        n->latest_expiry_s = e->expires_s;
        }
        free(n->entries);
        n->entries = entries;
        n->size = size;
        n->count = young;
        return 0;
}

/* After a rush the table is large; when all of it is over, a small one will do. */
static bool needs_room(const Nonces *n, int64_t now_s) {
        return n->count == n->max || 2 * (n->count + 1) > n->size || (n->size > SMALLEST && now_s > n->latest_expiry_s);
}

int nonces_take(Nonces *n, const unsigned char nonce[static NONCES_BYTES], int64_t timestamp_s, int64_t now_s) {
        Entry *e = NULL;

        if (timestamp_s < 0 || now_s < 0 || timestamp_s > LATEST_S - REMEMBER_S || now_s > LATEST_S - REMEMBER_S)
                return -EINVAL;
        e = n->size ? find(n, n->entries, n->size, nonce) : NULL;
        if (e && e->expires_s && !is_over(e, now_s))
                return NONCES_E_SEEN;
        if (is_forgotten(n, timestamp_s))
                return NONCES_E_FORGOTTEN;
        if (needs_room(n, now_s)) {
                int r = make_room(n, now_s);

                if (r != 0)
                        return r;
                e = find(n, n->entries, n->size, nonce);
        }
        /* The nonce of an old request again: that one's time is forgotten from here on, too. */
        if (e->expires_s)
                forget(n, e->timestamp_s, e->timestamp_s, now_s);
        /* What has just been left behind may be this very request. */
        if (is_forgotten(n, timestamp_s))
                return NONCES_E_FORGOTTEN;
        n->count += !e->expires_s;
        memcpy(e->nonce, nonce, NONCES_BYTES);
        e->timestamp_s = timestamp_s;
        e->expires_s = now_s + REMEMBER_S;
        if (e->expires_s > n->latest_expiry_s)
                n->latest_expiry_s = e->expires_s;
        return NONCES_OK;
}
