/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "auth/hasher.h"

#include "base/cleanup.h"
#include "event/child.h"
#include "security/secrets.h"

#include <errno.h>
#include <string.h>

enum { WAITING_MAX = 8, SECONDS = 60 };
enum { RIGHT = 0, WRONG = 1, BROKEN = 2 };

struct HashJob {
        HashJob *next;
        Hasher *hasher;
        Child *child; /* NULL: it waits */
        char password[LOGIN_PASSWORD_MAX + 1], hash[LOGIN_HASH_SIZE];
        bool verifies, is_ending;
        HashDone done;
        void *owner;
};

struct Hasher {
        Loop *loop;
        Timer *soon;
        HashJob *first; /* the one whose child runs, or is about to; then those that wait */
};

static void start(void *owner);

static void start_soon(Hasher *h) {
        if (h->first && !h->first->child)
                (void) timer_rearm(h->soon, 0);
}

/* In the child. */
static int work(void *argument, int output_fd) {
        HashJob *j = argument;
        char hash[LOGIN_HASH_SIZE];

        if (j->verifies && j->hash[0])
                return login_password_is(j->password, j->hash) ? RIGHT : WRONG;
        if (login_password_hash(j->password, hash) < 0)
                return BROKEN;
        if (j->verifies)
                return WRONG;
        return write(output_fd, hash, strlen(hash)) == (ssize_t) strlen(hash) ? RIGHT : BROKEN;
}

static void job_free(HashJob *j) {
        child_drop(j->child);
        secret_zero(j->password, sizeof j->password);
        free(j);
}

HashJob *hash_job_drop(HashJob *j) {
        Hasher *h;

        if (!j || j->is_ending)
                return NULL;
        h = j->hasher;
        for (HashJob **at = &h->first; *at; at = &(*at)->next)
                if (*at == j) {
                        *at = j->next;
                        break;
                }
        job_free(j);
        start_soon(h);
        return NULL;
}

/* Takes the job out of the queue first, so that its owner may do whatever it likes. */
static void end(HashJob *j, const HashResult *result) {
        Hasher *h = j->hasher;
        HashDone done = j->done;
        void *owner = j->owner;

        h->first = j->next;
        j->is_ending = true;
        done(owner, result);
        job_free(j);
        start_soon(h);
}

static void on_child(void *owner, const ChildResult *result) {
        HashJob *j = owner;
        bool ended = !result->timed_out && (result->exit_code == RIGHT || (j->verifies && result->exit_code == WRONG));

        end(j, &(HashResult){ .ok = ended, .is_right = ended && result->exit_code == RIGHT, .hash = j->verifies ? NULL : result->output });
}

static void start(void *owner) {
        Hasher *h = owner;
        HashJob *j = h->first;

        if (!j || j->child)
                return;
        if (child_call(h->loop, work, j, LOGIN_HASH_SIZE, SECONDS * USEC_PER_SEC, on_child, j, &j->child) < 0)
                end(j, &(HashResult){ .ok = false });
        else
                secret_zero(j->password, sizeof j->password); /* the child has its own */
}

static int add(Hasher *h, const char *password, const char *hash, bool verifies, HashDone done, void *owner, HashJob **ret_job) {
        HashJob *j, **at = &h->first;
        size_t n = 0;

        for (; *at; at = &(*at)->next)
                n++;
        if (n > WAITING_MAX)
                return -EBUSY;
        if (strlen(password) >= sizeof j->password || (hash && strlen(hash) >= sizeof j->hash))
                return -EINVAL;
        j = calloc(1, sizeof *j);
        if (!j)
                return -ENOMEM;
        *j = (HashJob){ .hasher = h, .verifies = verifies, .done = done, .owner = owner };
        memcpy(j->password, password, strlen(password));
        if (hash)
                memcpy(j->hash, hash, strlen(hash));
        *at = j;
        *ret_job = j;
        start_soon(h);
        return 0;
}

int hasher_hash(Hasher *h, const char *password, HashDone done, void *owner, HashJob **ret_job) {
        return add(h, password, NULL, false, done, owner, ret_job);
}

int hasher_verify(Hasher *h, const char *password, const char *hash, HashDone done, void *owner, HashJob **ret_job) {
        return add(h, password, hash, true, done, owner, ret_job);
}

int hasher_new(Loop *l, Hasher **ret_hasher) {
        Hasher *h = calloc(1, sizeof *h);
        int r;

        if (!h)
                return -ENOMEM;
        h->loop = l;
        r = timer_start(l, 0, start, h, &h->soon);
        if (r < 0) {
                free(h);
                return r;
        }
        *ret_hasher = h;
        return 0;
}

Hasher *hasher_free(Hasher *h) {
        if (!h)
                return NULL;
        while (h->first) {
                HashJob *next = h->first->next;
                job_free(h->first);
                h->first = next;
        }
        timer_drop(h->soon);
        free(h);
        return NULL;
}
