/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "harness.h"

#include "auth/hasher.h"

static Loop *loop;
static Hasher *hasher;

typedef struct {
        int n;
        bool ok, is_right;
        char hash[LOGIN_HASH_SIZE];
        HashJob *job;
} Result;

static void done(void *owner, const HashResult *result) {
        Result *r = owner;

        r->n++;
        r->ok = result->ok;
        r->is_right = result->is_right;
        (void) snprintf(r->hash, sizeof r->hash, "%s", result->hash ? result->hash : "");
        r->job = hash_job_drop(r->job);
}

static int set_up(void **state) {
        (void) state;
        assert_int_equal(loop_new(&loop), 0);
        return hasher_new(loop, &hasher);
}

static int tear_down(void **state) {
        (void) state;
        hasher = hasher_free(hasher);
        loop = loop_free(loop);
        return 0;
}

static void right_and_wrong(void **state) {
        Result made = { 0 }, right = { 0 }, wrong = { 0 }, nobody = { 0 };

        (void) state;
        assert_int_equal(hasher_hash(hasher, "correct horse battery", done, &made, &made.job), 0);
        turn_until(loop, made.n);
        assert_true(made.ok);
        assert_memory_equal(made.hash, "$argon2id$", 10);
        /* All at once: they follow one another. */
        assert_int_equal(hasher_verify(hasher, "correct horse battery", made.hash, done, &right, &right.job), 0);
        assert_int_equal(hasher_verify(hasher, "correct horse batterx", made.hash, done, &wrong, &wrong.job), 0);
        assert_int_equal(hasher_verify(hasher, "correct horse battery", NULL, done, &nobody, &nobody.job), 0);
        turn_until(loop, right.n && wrong.n && nobody.n);
        assert_true(right.ok && right.is_right);
        assert_true(wrong.ok && !wrong.is_right);
        assert_true(nobody.ok && !nobody.is_right);
}

static void the_queue_is_short(void **state) {
        Result results[9] = { 0 }, more = { 0 };
        int n;

        (void) state;
        for (int i = 0; i < 9; i++)
                assert_int_equal(hasher_verify(hasher, "a password of mine", NULL, done, &results[i], &results[i].job), 0);
        assert_int_equal(hasher_verify(hasher, "a password of mine", NULL, done, &more, &more.job), -EBUSY);
        /* Who goes away makes room; the one whose child runs, too. */
        turn(loop, 0);
        results[0].job = hash_job_drop(results[0].job);
        results[5].job = hash_job_drop(results[5].job);
        assert_int_equal(hasher_verify(hasher, "a password of mine", NULL, done, &more, &more.job), 0);
        turn_until(loop, more.n);
        n = 0;
        for (int i = 0; i < 9; i++)
                n += results[i].n;
        assert_int_equal(n, 7);
}

static void passwords_that_will_not_do(void **state) {
        (void) state;
        assert_null(login_password_problem("correct horse battery", "ada"));
        assert_non_null(login_password_problem("short", "ada"));
        assert_non_null(login_password_problem("eleven chars", "eleven chars"));
        assert_non_null(login_password_problem("aaaaaaaaaaaaaaaa", "ada"));
        assert_non_null(login_password_problem("PasswordPassword", "ada"));
        assert_non_null(login_password_problem("a line\nand another", "ada"));
        assert_non_null(login_password_problem("administrator", "ada"));
        assert_null(login_password_problem("\xc3\xa4\xc3\xb6\xc3\xbc und noch mehr", "ada"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(right_and_wrong, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_queue_is_short, set_up, tear_down),
                cmocka_unit_test(passwords_that_will_not_do),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
