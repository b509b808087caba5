/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the helper takes for a request. tests/system/test_helper.py asks the same of the installed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "helper/request.h"

#define ID "shop00000001"
#define LIMITS                                                                                                                           \
        "memory_mib 512\ncpu_percent 150\ntasks 200\nbuild_memory_mib 2048\nbuild_cpu_percent 100\nbuild_tasks 512\nbuild_seconds 900\n" \
        "start_on_boot 1\nstop_seconds 30\nend\n"

static void test_accepts(void **state) {
        static const struct {
                const char *text, *verb, *argument;
                size_t n_fields;
        } cases[] = {
                { "user-add " ID "\nend\n", "user-add", NULL, 0 },
                { "unit-install " ID "\n" LIMITS, "unit-install", NULL, 9 },
                { "env-install " ID "\nend\n", "env-install", NULL, 0 },
                { "env-install " ID "\nenv A \nenv B 41\nend\n", "env-install", NULL, 2 },
                { "site-install " ID "\nhost a.test\nhost b.test\nbody_mib 1\nend\n", "site-install", NULL, 3 },
                { "release-remove " ID " 17\nend\n", "release-remove", "17", 0 },
                { "site-install " ID "\nhost a.test\nbody_mib 1\nstatic 1\nend\n", "site-install", NULL, 3 },
                { "site-install " ID
                  "\nsecure_host a.test\nredirect_host www.a.test a.test\nallow 203.0.113.0/24\nallow ::/0\nhsts 1\nheaders 1\n"
                  "rate 20\ngate 1\nmaintenance 0\nbody_mib 1\nend\n",
                  "site-install", NULL, 10 },
                { "live-switch " ID " b\nend\n", "live-switch", "b", 0 },
                { "live-static " ID " 17\nend\n", "live-static", "17", 0 },
                { "socket-start " ID " a\nend\n", "socket-start", "a", 0 },
                { "service-restart " ID " b\nend\n", "service-restart", "b", 0 },
                { "slot-doze " ID " a\nend\n", "slot-doze", "a", 0 },
                { "nginx-reload\nend\n", "nginx-reload", NULL, 0 },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                auto_call(job_drop) Job j = { .root = -1 };

                assert_int_equal(request_parse(&j, cases[i].text, strlen(cases[i].text)), 0);
                assert_string_equal(j.verb->name, cases[i].verb);
                assert_int_equal(fields_count(j.fields), cases[i].n_fields);
                if (j.verb->needs & NEEDS_ID) {
                        assert_string_equal(j.id, ID);
                        assert_string_equal(j.user, "nanoscale-" ID);
                        assert_string_equal(j.file, "nanoscale-" ID ".conf");
                        assert_string_equal(j.home, "/opt/nanoscale/sites/" ID);
                }
                if (cases[i].argument)
                        assert_string_equal(j.argument, cases[i].argument);
                else
                        assert_null(j.argument);
        }
}

static void refused(const char *text, size_t length) {
        auto_call(job_drop) Job j = { .root = -1 };

        assert_true(request_parse(&j, text, length) < 0);
        assert_string_equal(j.word, "request");
        assert_true(strlen(j.sentence) > 0 && text_is_line(j.sentence, strlen(j.sentence)));
}

static void test_refuses(void **state) {
        static const char *const cases[] = {
                "",
                "\n",
                "end\n",
                "nginx-reload",
                "nginx-reload\n",
                "nginx-reload\nend",
                "nginx-reload \nend\n",
                " nginx-reload\nend\n",
                "nginx-reload\nend\nx",
                "nginx-reload\nend\nend\n",
                "nginx-reload x\nend\n",
                "nginx-reload\na b\nend\n",
                "nginx-reloads\nend\n",
                "user-add\nend\n",
                "user-add \nend\n",
                "user-add  " ID "\nend\n",
                "user-add " ID " \nend\n",
                "user-add " ID " a\nend\n",
                "user-add SHOP00000001\nend\n",
                "user-add ../../etc/pa\nend\n",
                "user-add " ID "\nhost a.test\nend\n",
                "live-switch " ID "\nend\n",
                "live-switch " ID " \nend\n",
                "live-switch " ID " c\nend\n",
                "live-switch " ID " a b\nend\n",
                "live-static " ID " a\nend\n",
                "live-static " ID " 17/..\nend\n",
                "socket-start " ID "\nend\n",
                "service-restart " ID " ab\nend\n",
                "slot-doze " ID " 17\nend\n",
                "release-remove " ID " 0\nend\n",
                "release-remove " ID " ../1\nend\n",
                "site-install " ID "\nbody_mib 1\nend\n",
                "site-install " ID "\nredirect_host b.test a.test\nbody_mib 1\nend\n",
                "site-install " ID "\nhost a.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 0\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nbody_mib 1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nstatic 2\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nstatic 1\nstatic 1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nstatic \nend\n",
                "site-install " ID "\nhost a.test;\nbody_mib 1\nend\n",
                "site-install " ID "\nhost $host\nbody_mib 1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nsecure_host a.test;\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nsecure_host *.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nsecure_host 10.0.0.1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test \nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host  b.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test a.test c.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test  a.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test a.test;\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host b.test; a.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host a.test a.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nredirect_host $host a.test\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.0/33\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0/8\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.0/08\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.0/\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow /8\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow ::/129\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow fe80::1%lo/64\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.0/8;\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow all\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow unix:\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow 10.0.0.0/8/8\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nallow  10.0.0.0/8\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nhsts 2\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nhsts on\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nrate 0.5\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nrate 10001\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nrate 5r/s\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\ngate /etc/passwd\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nmaintenance -1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\nheaders 1\nheaders 1\nend\n",
                "site-install " ID "\nhost a.test\nbody_mib 1\ngate 1\ngate 1\nend\n",
                "env-install " ID "\nenv A\nend\n",
                "env-install " ID "\nenv A  \nend\n",
                "env-install " ID "\nenv  41\nend\n",
                "env-install " ID "\nenv A 4\nend\n",
                "env-install " ID "\nenv A 0d\nend\n",
                "env-install " ID "\nenv A 00\nend\n",
                "env-install " ID "\nenv PATH 41\nend\n",
                "env-install " ID "\nenv A-B 41\nend\n",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++)
                refused(cases[i], strlen(cases[i]));
        refused("user-add shop0000000\0\nend\n", 26);
}

/* A good value of a field that is no number. */
static const char *sample(const char *key) {
        return strcmp(key, "allow") == 0 ? "10.0.0.0/8" : strcmp(key, "redirect_host") == 0 ? "b.test a.test" : "a.test";
}

/* Every number of every verb: the ends of its range are in, what lies beyond is out, and what is required must be there. */
static void test_ranges(void **state) {
        size_t checked = 0;

        (void) state;
        for (size_t v = 0; v < n_verbs; v++)
                for (size_t k = 0; k < verbs[v].n_fields; k++) {
                        const FieldKind *kind = &verbs[v].fields[k];
                        const unsigned long values[] = { kind->min, kind->max, kind->min - 1, kind->max + 1 };

                        if (kind->valid)
                                continue;
                        for (size_t n = 0; n <= ELEMENTS(values); n++) {
                                auto_call(text_cleanup) Text t = { 0 };
                                auto_call(job_drop) Job j = { .root = -1 };

                                text_printf(&t, "%s " ID "\n", verbs[v].name);
                                for (size_t other = 0; other < verbs[v].n_fields; other++) {
                                        const FieldKind *o = &verbs[v].fields[other];

                                        if (o->valid)
                                                text_printf(&t, "%s %s\n", o->key, sample(o->key));
                                        else if (other != k)
                                                text_printf(&t, "%s %lu\n", o->key, o->max);
                                        else if (n < ELEMENTS(values))
                                                text_printf(&t, "%s %lu\n", o->key, values[n]);
                                }
                                text_printf(&t, "end\n");
                                assert_int_equal(request_parse(&j, t.data, t.length) == 0,
                                                 n < 2 || (n == ELEMENTS(values) && kind->least == 0));
                                checked++;
                        }
                }
        assert_int_equal(checked, 16 * 5);
}

static void test_how_many(void **state) {
        (void) state;
        for (unsigned n = 32; n <= 33; n++) {
                auto_call(text_cleanup) Text t = { 0 };
                auto_call(job_drop) Job j = { .root = -1 };

                text_printf(&t, "site-install " ID "\nbody_mib 1\n");
                for (unsigned i = 0; i < n; i++)
                        text_printf(&t, "host h%u.test\n", i);
                text_printf(&t, "end\n");
                assert_int_equal(request_parse(&j, t.data, t.length) == 0, n == 32);
        }
}

/* The table is what root does. A verb that changes files takes the lock; one that is added is to be added here as well. */
static void test_table(void **state) {
        (void) state;
        assert_int_equal(n_verbs, 18);
        for (size_t i = 0; i < n_verbs; i++) {
                assert_non_null(verbs[i].act);
                assert_true(verbs[i].needs & NEEDS_ID || strcmp(verbs[i].name, "nginx-reload") == 0);
                assert_true(verbs[i].lock != LOCK_NONE || strstr(verbs[i].name, "start") || strstr(verbs[i].name, "stop") ||
                            strcmp(verbs[i].name, "release-remove") == 0 || strcmp(verbs[i].name, "slot-doze") == 0);
                assert_true(!(verbs[i].needs & NEEDS_USER) || verbs[i].needs & NEEDS_ID);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(verbs[i].name, verbs[j].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepts),  cmocka_unit_test(test_refuses), cmocka_unit_test(test_ranges),
                cmocka_unit_test(test_how_many), cmocka_unit_test(test_table),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
