/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What needs a password: signing in, claiming a new server, and what a person has to confirm with it. */
#include "auth/sign_internal.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- attempts --- */

/* A whole network of IPv6 is one customer's. Those of whom no address is known share one key. */
static void attempts_key(const char *address, char ret[static 48]) {
        struct in6_addr a;

        if (inet_pton(AF_INET6, address, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
                memset(a.s6_addr + 8, 0, 8);
                if (inet_ntop(AF_INET6, &a, ret, 48))
                        return;
        }
        (void) snprintf(ret, 48, "%.47s", address[0] ? address : "unknown");
}

static int64_t wait_of(const SignTask *t) {
        int64_t now = clock_now_ms(), address = attempts_wait_address(&t->a->addresses, t->key, now),
                user = t->user[0] ? attempts_wait_user(&t->a->users, t->user, now) : 0;

        return address > user ? address : user;
}

/* Counted before it is known to be wrong: many at once would all be let in otherwise, and so would those whose client does not wait. */
static void count_attempt(SignTask *t) {
        int64_t now = clock_now_ms();

        t->is_counted = true;
        attempts_failed(&t->a->addresses, t->key, now);
        if (t->user[0])
                attempts_failed(&t->a->users, t->user, now);
}

static void settle_attempt(SignTask *t, SignOutcome outcome) {
        if (outcome == SIGN_OK) {
                attempts_succeeded(&t->a->addresses, t->key);
                attempts_succeeded(&t->a->users, t->user);
        } else if (t->is_counted && outcome != SIGN_WRONG && outcome != SIGN_WRONG_CODE) {
                attempts_undo(&t->a->addresses, t->key);
                attempts_undo(&t->a->users, t->user);
        }
}

/* --- ends --- */

static void task_free(SignTask *t) {
        hash_job_drop(t->job);
        timer_drop(t->soon);
        secret_zero(t, sizeof *t);
        free(t);
}

SignTask *sign_task_drop(SignTask *t) {
        if (t && !t->is_ending)
                task_free(t);
        return NULL;
}

void sign_end(SignTask *t, const SignResult *result) {
        t->job = NULL; /* its callback is where we are, or it never was */
        t->is_ending = true;
        settle_attempt(t, result->outcome);
        t->done(t->owner, result);
        task_free(t);
}

void sign_end_with(SignTask *t, SignOutcome outcome) {
        sign_end(t, &(SignResult){ .outcome = outcome });
}

void sign_end_failed(SignTask *t, int r) {
        sign_end(t, &(SignResult){ .outcome = SIGN_FAILED, .error = r < 0 ? r : -EIO });
}

static void on_soon(void *owner) {
        SignTask *t = owner;

        sign_end(t, &t->result);
}

static int end_soon(SignTask *t, const SignResult *result, SignTask **ret_task) {
        int r;

        t->result = *result;
        r = timer_start(t->a->loop, 0, on_soon, t, &t->soon);
        if (r < 0) {
                task_free(t);
                return r;
        }
        *ret_task = t;
        return 0;
}

/* --- beginnings --- */

static SignTask *task_new(Accounts *a, SignKind kind, const SignedIn *who, const Browser *b, SignDone done, void *owner) {
        SignTask *t = calloc(1, sizeof *t);

        if (!t)
                return NULL;
        *t = (SignTask){ .a = a, .kind = kind, .done = done, .owner = owner };
        if (who) {
                t->who = *who;
                (void) snprintf(t->user_id, sizeof t->user_id, "%s", who->user_id);
                (void) snprintf(t->user, sizeof t->user, "%.32s", who->name);
                (void) snprintf(t->key, sizeof t->key, "session %s", who->session_id);
        }
        if (b) {
                (void) snprintf(t->address, sizeof t->address, "%.47s", b->address);
                (void) snprintf(t->agent, sizeof t->agent, "%.199s", b->agent);
                text_make_line(t->agent);
                attempts_key(b->address, t->key);
        }
        return t;
}

static bool fits(char *to, size_t size, const char *text) {
        return text && snprintf(to, size, "%s", text) < (int) size;
}

/* Verifies password against that of t->user_id. */
static int verify(SignTask *t, const char *password, SignTask **ret_task) {
        UserRow user = { 0 };
        int64_t wait = wait_of(t);
        int r;

        if (wait)
                return end_soon(t, &(SignResult){ .outcome = SIGN_WAIT, .wait_s = wait }, ret_task);
        if (strlen(password) > LOGIN_PASSWORD_MAX)
                password = "";
        r = t->user_id[0] ? store_user_get(t->a->store, t->user_id, &user)
                          : (t->user[0] ? store_user_get_by_name(t->a->store, t->user, &user) : STORE_E_ABSENT);
        if (r == STORE_OK) {
                (void) snprintf(t->user_id, sizeof t->user_id, "%s", user.id);
                (void) fits(t->verified, sizeof t->verified, user.password);
        }
        count_attempt(t);
        if (r == STORE_OK || r == STORE_E_ABSENT)
                r = hasher_verify(t->a->hasher, password, user.password, sign_on_verified, t, &t->job);
        user_row_done(&user);
        if (r == -EBUSY)
                return end_soon(t, &(SignResult){ .outcome = SIGN_BUSY }, ret_task);
        if (r != 0)
                return end_soon(t, &(SignResult){ .outcome = SIGN_FAILED, .error = r < 0 ? r : -EIO }, ret_task);
        *ret_task = t;
        return 0;
}

int accounts_sign_in(Accounts *a, const char *user, const char *password, const char *code, const Browser *b, SignDone done, void *owner,
                     SignTask **ret_task) {
        SignTask *t = task_new(a, SIGN_IN, NULL, b, done, owner);

        if (!t)
                return -ENOMEM;
        if (valid_user_name(user)) /* another one is nobody's */
                (void) fits(t->user, sizeof t->user, user);
        if (code && !fits(t->code, sizeof t->code, code))
                (void) snprintf(t->code, sizeof t->code, "?");
        return verify(t, password, ret_task);
}

static int refuse_soon(SignTask *t, const char *field, const char *sentence, SignTask **ret_task) {
        return end_soon(t, &(SignResult){ .outcome = SIGN_REFUSED, .field = field, .sentence = sentence }, ret_task);
}

int accounts_claim(Accounts *a, const char *claim_code, const char *user, const char *password, const Browser *b, SignDone done,
                   void *owner, SignTask **ret_task) {
        SignTask *t = task_new(a, CLAIM, NULL, b, done, owner);
        const char *problem = login_password_problem(password, user);
        int64_t wait;
        int r;

        if (!t)
                return -ENOMEM;
        wait = wait_of(t);
        if (wait)
                return end_soon(t, &(SignResult){ .outcome = SIGN_WAIT, .wait_s = wait }, ret_task);
        if (!fits(t->claim, sizeof t->claim, claim_code) || claim_check(a, t->claim) != STORE_OK) {
                attempts_failed(&a->addresses, t->key, clock_now_ms());
                return end_soon(t, &(SignResult){ .outcome = SIGN_WRONG_CODE }, ret_task);
        }
        if (!valid_user_name(user))
                return refuse_soon(t, "user", "A user name begins with a letter and has at most 32 of a-z, 0-9, dot, dash and underscore.",
                                   ret_task);
        if (problem)
                return refuse_soon(t, "password", problem, ret_task);
        (void) fits(t->user, sizeof t->user, user);
        r = hasher_hash(a->hasher, password, sign_on_new_password, t, &t->job);
        if (r < 0)
                return end_soon(t, &(SignResult){ .outcome = r == -EBUSY ? SIGN_BUSY : SIGN_FAILED, .error = r }, ret_task);
        *ret_task = t;
        return 0;
}

int accounts_change_password(Accounts *a, const SignedIn *who, const char *current, const char *password, SignDone done, void *owner,
                             SignTask **ret_task) {
        SignTask *t = task_new(a, CHANGE_PASSWORD, who, NULL, done, owner);
        const char *problem = login_password_problem(password, who->name);

        if (!t)
                return -ENOMEM;
        if (problem)
                return refuse_soon(t, "password", problem, ret_task);
        (void) fits(t->password, sizeof t->password, password);
        return verify(t, current, ret_task);
}

int accounts_factor_begin(Accounts *a, const SignedIn *who, const char *password, SignDone done, void *owner, SignTask **ret_task) {
        SignTask *t = task_new(a, FACTOR_BEGIN, who, NULL, done, owner);

        return t ? verify(t, password, ret_task) : -ENOMEM;
}

int accounts_factor_remove(Accounts *a, const SignedIn *who, const char *password, const char *code, SignDone done, void *owner,
                           SignTask **ret_task) {
        SignTask *t = task_new(a, FACTOR_REMOVE, who, NULL, done, owner);

        if (!t)
                return -ENOMEM;
        if (!fits(t->code, sizeof t->code, code))
                (void) snprintf(t->code, sizeof t->code, "?");
        return verify(t, password, ret_task);
}
