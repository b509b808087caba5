/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/ns-test-env-XXXXXX";
static Sealer *sealer;

static int setup(void **state) {
        char path[128];
        (void) state;
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof path, "%s/key", directory);
        return sealer_open(path, 1, &sealer);
}

static int teardown(void **state) {
        char path[128];
        (void) state;
        sealer_free(sealer);
        (void) snprintf(path, sizeof path, "%s/key", directory);
        (void) unlink(path);
        return rmdir(directory);
}

static void comes_back_as_it_was(void **state) {
        (void) state;
        json_t *env = json_pack("{s:s, s:s}", "A", "one\ntwo", "EMPTY", ""), *back = NULL;
        char *sealed = NULL;

        assert_int_equal(environment_seal(sealer, "aaaaaaaaaaaa", env, &sealed), 0);
        assert_null(strstr(sealed, "one"));
        assert_int_equal(environment_unseal(sealer, "aaaaaaaaaaaa", sealed, &back), 0);
        assert_true(json_equal(env, back));
        json_decref(back);
        back = NULL;
        /* Moved to another project's row it must not open. */
        assert_int_equal(environment_unseal(sealer, "bbbbbbbbbbbb", sealed, &back), -EBADMSG);
        assert_null(back);
        sealed[strlen(sealed) / 2] ^= 1;
        assert_true(environment_unseal(sealer, "aaaaaaaaaaaa", sealed, &back) == -EBADMSG);
        free(sealed);
        json_decref(env);
}

static void empty_text_is_no_variables(void **state) {
        (void) state;
        json_t *env = NULL;
        assert_int_equal(environment_unseal(sealer, "aaaaaaaaaaaa", "", &env), 0);
        assert_int_equal(json_object_size(env), 0);
        json_decref(env);
}

static void changes_all_or_nothing(void **state) {
        (void) state;
        json_t *env = json_pack("{s:s}", "KEEP", "1");
        json_t *set = json_pack("{s:s, s:s}", "GOOD", "1", "1BAD", "2");
        json_t *unset = json_pack("[s]", "KEEP");
        const char *key = NULL;

        assert_int_equal(environment_change(env, set, unset, &key), ENVIRONMENT_E_KEY);
        assert_string_equal(key, "1BAD");
        assert_int_equal(json_object_size(env), 1);
        assert_int_equal(json_object_del(set, "1BAD"), 0);
        assert_int_equal(environment_change(env, set, unset, &key), ENVIRONMENT_OK);
        assert_null(json_object_get(env, "KEEP"));
        assert_string_equal(json_string_value(json_object_get(env, "GOOD")), "1");
        json_decref(set);
        json_decref(unset);
        json_decref(env);
}

static void refuses_reserved_and_odd_values(void **state) {
        (void) state;
        static const struct {
                const char *key, *value;
                int code;
        } rows[] = {
                { "PORT", "1", ENVIRONMENT_E_RESERVED },  { "LD_PRELOAD", "x", ENVIRONMENT_E_RESERVED },
                { "PATH", "/x", ENVIRONMENT_E_RESERVED }, { "NANOSCALE_X", "1", ENVIRONMENT_E_RESERVED },
                { "A-B", "1", ENVIRONMENT_E_KEY },        { "", "1", ENVIRONMENT_E_KEY },
                { "A", "bell\a", ENVIRONMENT_E_VALUE },   { "A", "\x1b[0m", ENVIRONMENT_E_VALUE },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                json_t *env = json_object(), *set = json_object();
                const char *key = NULL;
                assert_int_equal(json_object_set_new(set, rows[i].key, json_string(rows[i].value)), 0);
                assert_int_equal(environment_change(env, set, NULL, &key), rows[i].code);
                assert_true(strlen(environment_explain(rows[i].code)) > 20);
                json_decref(set);
                json_decref(env);
        }
}

static void puts_hex_fields(void **state) {
        (void) state;
        json_t *env = json_pack("{s:s}", "KEY", "a\nz");
        FieldWriter w = { 0 };
        char *text = NULL;
        size_t length = 0;
        environment_put(&w, env);
        assert_int_equal(fields_finish(&w, &text, &length), 0);
        assert_string_equal(text, "env KEY 610a7a\nend\n");
        free(text);
        json_decref(env);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comes_back_as_it_was),   cmocka_unit_test(empty_text_is_no_variables),
                cmocka_unit_test(changes_all_or_nothing), cmocka_unit_test(refuses_reserved_and_odd_values),
                cmocka_unit_test(puts_hex_fields),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
