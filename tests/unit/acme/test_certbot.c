/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The command, and a run of it: with a script in certbot's place that notes how it was called, and says what the test wants said. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "acme/certbot.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

static char directory[] = "/tmp/nanoscale-acme-XXXXXX", program[64], hook[64];
static int dir = -1;

static Certbot certbot(void) {
        return (Certbot){ program, "/web", directory, getuid(), 60 };
}

static void put(const char *name, const char *text, mode_t mode) {
        assert_int_equal(fs_write_atomic(dir, name, text, strlen(text), mode, getuid(), getgid()), 0);
}

/* What it does after it has noted its words and its environment. */
static void put_program(const char *rest) {
        auto_call(text_cleanup) Text t = { 0 };

        text_printf(&t, "#!/bin/sh\nprintf '%%s\\n' \"$@\" >%s/words\n/usr/bin/env >%s/environment\n%s\n", directory, directory, rest);
        put("certbot", t.data, 0700);
}

static Fields *request(const char *rest) {
        auto_call(text_cleanup) Text t = { 0 };
        Fields *f = NULL;
        const char *sentence = NULL;

        text_printf(&t, "host shop.test\nserver https://acme.test:14000/dir\n%send\n", rest);
        assert_int_equal(acme_request_parse(t.data, t.length, &f, &sentence), 0);
        return f;
}

static void expect_file(const char *name, const char *expected) {
        auto_free char *text = NULL;

        assert_int_equal(fs_read_file(dir, name, 65536, &text, NULL), 0);
        assert_string_equal(text, expected);
}

static void expect_words(const char *middle, const char *end) {
        auto_call(text_cleanup) Text t = { 0 };

        text_printf(&t,
                    "certonly\n--non-interactive\n--agree-tos\n--no-eff-email\n--no-directory-hooks\n--renew-with-new-domains\n--key-"
                    "type\necdsa\n"
                    "--reuse-key\n--max-log-backups\n10\n--debug\n--config-dir\n%s/config\n--work-dir\n%s/work\n--logs-dir\n%s/"
                    "logs\n--server\n"
                    "https://acme.test:14000/dir\n%s--cert-name\nshop.test\n--domain\nshop.test\n%s",
                    directory, directory, directory, middle, end);
        expect_file("words", t.data);
}

static void test_webroot(void **state) {
        auto_call(fields_free_cleanup) Fields *f = request("challenge webroot\n");
        Certbot c = certbot();
        Outcome o = { 0 };

        (void) state;
        put_program("exit 0");
        certbot_run(&c, f, &o);
        assert_null(o.word);
        expect_words("--register-unsafely-without-email\n--keep-until-expiring\n--webroot\n--webroot-path\n/web\n", "");
}

static void test_everything(void **state) {
        auto_call(fields_free_cleanup) Fields *f =
                        request("host www.shop.test\nemail ops@shop.test\nca /etc/ca.pem\nforce 1\nchallenge webroot\n");
        auto_free char *environment = NULL;
        auto_call(text_cleanup) Text home = { 0 };
        Certbot c = certbot();
        Outcome o = { 0 };

        (void) state;
        put_program("exit 0");
        certbot_run(&c, f, &o);
        assert_null(o.word);
        expect_words("--email\nops@shop.test\n--force-renewal\n--webroot\n--webroot-path\n/web\n", "--domain\nwww.shop.test\n");
        assert_int_equal(fs_read_file(dir, "environment", 65536, &environment, NULL), 0);
        text_printf(&home, "HOME=%s\n", directory);
        assert_non_null(strstr(environment, home.data));
        assert_non_null(strstr(environment, "REQUESTS_CA_BUNDLE=/etc/ca.pem\n"));
}

static void test_hook(void **state) {
        auto_call(text_cleanup) Text rest = { 0 }, words = { 0 };
        auto_call(fields_free_cleanup) Fields *f = NULL;
        static const mode_t unsafe[] = { 0720, 0702, 0600 };
        Certbot c = certbot();
        Outcome o = { 0 };

        (void) state;
        text_printf(&rest, "challenge hook\nhook %s\n", hook);
        f = request(rest.data);
        put_program("exit 0");
        put("hook", "#!/bin/sh\n", 0700);
        certbot_run(&c, f, &o);
        assert_null(o.word);
        text_printf(&words,
                    "--register-unsafely-without-email\n--keep-until-expiring\n--manual\n--preferred-challenges\ndns\n--manual-auth-hook\n%"
                    "s\n"
                    "--manual-cleanup-hook\n%s\n",
                    hook, hook);
        expect_words(words.data, "");

        put_program("echo it ran; exit 1");
        for (size_t i = 0; i <= ELEMENTS(unsafe) + 1; i++) {
                c.hook_owner = i == ELEMENTS(unsafe) ? getuid() + 1 : getuid();
                put("hook", "#!/bin/sh\n", i < ELEMENTS(unsafe) ? unsafe[i] : 0700);
                if (i == ELEMENTS(unsafe) + 1) { /* a link to a good one */
                        assert_int_equal(renameat(dir, "hook", dir, "real"), 0);
                        assert_int_equal(symlinkat("real", dir, "hook"), 0);
                }
                certbot_run(&c, f, &o);
                assert_string_equal(o.word, "other");
                assert_non_null(strstr(o.sentence, hook));
        }
        assert_int_equal(unlinkat(dir, "hook", 0), 0);
        certbot_run(&c, f, &o);
        assert_string_equal(o.word, "other");
        assert_non_null(strstr(o.sentence, hook));
}

static void test_failures(void **state) {
        auto_call(fields_free_cleanup) Fields *f = request("challenge webroot\n");
        Certbot c = certbot();
        Outcome o = { 0 };

        (void) state;
        put_program("echo 'An unexpected error occurred:'; echo 'Requesting acme.test/dir: Connection refused' >&2; exit 1");
        certbot_run(&c, f, &o);
        assert_string_equal(o.word, "unreachable");
        assert_string_equal(o.sentence, "Requesting acme.test/dir: Connection refused");
        put_program("kill -9 $$");
        certbot_run(&c, f, &o);
        assert_string_equal(o.word, "other");
        assert_non_null(strstr(o.sentence, "signal 9"));
        put_program("exec sleep 1000");
        c.seconds = 1;
        certbot_run(&c, f, &o);
        assert_string_equal(o.word, "timeout");
        c.seconds = 60;
        c.program = "/nonexistent/certbot";
        certbot_run(&c, f, &o);
        assert_string_equal(o.word, "other");
        assert_string_equal(o.sentence, "certbot is not installed");
}

/* The longest request is a whole command. */
static void test_most(void **state) {
        auto_call(text_cleanup) Text t = { 0 };
        auto_call(fields_free_cleanup) Fields *f = NULL;
        CertbotCommand command;
        Certbot c = certbot();
        size_t n = 0;

        (void) state;
        text_printf(&t, "email a@b.test\nca /x\nforce 1\nchallenge hook\nhook /x\n");
        for (int i = 1; i < ACME_HOSTS_MAX; i++)
                text_printf(&t, "host h%d.test\n", i);
        f = request(t.data);
        certbot_command(&c, f, &command);
        while (command.argv[n])
                n++;
        assert_true(n < CERTBOT_ARGV_MAX - 1);
        assert_string_equal(command.argv[n - 1], "h31.test");
}

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(directory) || (dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
                return -1;
        (void) snprintf(program, sizeof(program), "%s/certbot", directory);
        (void) snprintf(hook, sizeof(hook), "%s/hook", directory);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        (void) fs_empty_tree(dir, ".");
        return rmdir(directory);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_webroot),  cmocka_unit_test(test_everything), cmocka_unit_test(test_hook),
                cmocka_unit_test(test_failures), cmocka_unit_test(test_most),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
