/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/request.h"
#include "base/cleanup.h"
#include "base/text.h"

#define SERVER "server https://acme.test:14000/dir\n"
#define PLAIN "host shop.test\n" SERVER "challenge webroot\n"

static int parse(const char *text, size_t length, const char **ret_sentence) {
        auto_call(fields_free_cleanup) Fields *f = NULL;

        return acme_request_parse(text, length, &f, ret_sentence);
}

static void test_accepts(void **state) {
        static const char *const cases[] = {
                PLAIN "end\n",
                PLAIN "host www.shop.test\nemail ops@shop.test\nca /etc/lab/ca.pem\nforce 1\nend\n",
                "challenge hook\nhook /opt/dns/hook-1.sh\n" SERVER "host shop.test\nend\n",
                "challenge hook\nhook /opt/dns/hook-1.sh\n" SERVER "host *.shop.test\nend\n",
                PLAIN "email First.Last+tag@shop.test\nforce 0\nend\n",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *sentence = NULL;

                assert_int_equal(parse(cases[i], strlen(cases[i]), &sentence), 0);
                assert_null(sentence);
        }
}

static void test_refuses(void **state) {
        static const char *const cases[] = {
                "",
                "end\n",
                PLAIN,
                PLAIN "end",
                PLAIN "end\nend\n",
                SERVER "challenge webroot\nend\n",
                "host shop.test\nchallenge webroot\nend\n",
                "host shop.test\n" SERVER "end\n",
                PLAIN "domain a.test\nend\n",
                PLAIN SERVER "end\n",
                PLAIN "host SHOP.test\nend\n",
                PLAIN "host *.shop.test\nend\n",
                PLAIN "host a.test,b.test\nend\n",
                PLAIN "host localhost\nend\n",
                PLAIN "host 203.0.113.7\nend\n",
                PLAIN "host --pre-hook=id\nend\n",
                PLAIN "host ../x.test\nend\n",
                PLAIN "host \nend\n",
                "host shop.test\nserver http://acme.test/dir\nchallenge webroot\nend\n",
                "host shop.test\nserver https://u:p@acme.test/dir\nchallenge webroot\nend\n",
                "host shop.test\nserver --help\nchallenge webroot\nend\n",
                "host shop.test\n" SERVER "challenge dns\nend\n",
                "host shop.test\n" SERVER "challenge hook\nend\n",
                PLAIN "hook /bin/true\nend\n",
                PLAIN "host *.shop.test\nend\n", /* no webroot proves that */
                "challenge hook\nhook /bin/true\n" SERVER "host *\nend\n",
                "challenge hook\nhook /bin/true\n" SERVER "host *.*.test\nend\n",
                "challenge hook\nhook /bin/true\n" SERVER "host a.*.test\nend\n",
                "challenge hook\nhook /bin/true\n" SERVER "host _.shop.test\nend\n",
                "host shop.test\n" SERVER "challenge hook\nhook true\nend\n",
                "host shop.test\n" SERVER "challenge hook\nhook /bin/true;id\nend\n",
                "host shop.test\n" SERVER "challenge hook\nhook /bin/true x\nend\n",
                "host shop.test\n" SERVER "challenge hook\nhook /bin/$(id)\nend\n",
                "host shop.test\n" SERVER "challenge hook\nhook /bin/../true\nend\n",
                PLAIN "ca ca.pem\nend\n",
                PLAIN "ca /etc/../x\nend\n",
                PLAIN "force 2\nend\n",
                PLAIN "force\nend\n",
                PLAIN "email ops\nend\n",
                PLAIN "email @shop.test\nend\n",
                PLAIN "email -x@shop.test\nend\n",
                PLAIN "email a b@shop.test\nend\n",
                PLAIN "email a@b@shop.test\nend\n",
                PLAIN "email a@shop\nend\n",
                PLAIN "email a,b@shop.test\nend\n",
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                const char *sentence = NULL;

                assert_int_equal(parse(cases[i], strlen(cases[i]), &sentence), -EBADMSG);
                assert_non_null(sentence);
                assert_true(*sentence && text_is_line(sentence, strlen(sentence)));
        }
}

static void test_how_much(void **state) {
        (void) state;
        for (unsigned n = ACME_HOSTS_MAX; n <= ACME_HOSTS_MAX + 1; n++) {
                auto_call(text_cleanup) Text t = { 0 };
                const char *sentence = NULL;

                text_puts(&t, SERVER "challenge webroot\n");
                for (unsigned i = 0; i < n; i++)
                        text_printf(&t, "host h%u.test\n", i);
                text_puts(&t, "end\n");
                assert_int_equal(parse(t.data, t.length, &sentence) == 0, n == ACME_HOSTS_MAX);
        }
        for (size_t n = ACME_REQUEST_MAX; n <= ACME_REQUEST_MAX + 1; n++) {
                auto_free char *text = malloc(n);
                const char *sentence = NULL;

                assert_non_null(text);
                memset(text, 'x', n);
                assert_int_equal(parse(text, n, &sentence), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accepts),
                cmocka_unit_test(test_refuses),
                cmocka_unit_test(test_how_much),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
