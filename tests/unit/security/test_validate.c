/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What each kind of input may be. The character sets are frozen here: a validator that starts to accept one byte more fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "security/validate.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool repo_url(const char *s) {
        return valid_repo_url(s, NULL, NULL);
}

/* Each byte is put in place of the '?' of a text that is valid with `sample` there. */
static const struct {
        bool (*valid)(const char *s);
        const char *frame;
        char sample;
        const char *allowed;
} bytes[] = {
        { valid_id, "abcdef?23456", 'x', LOWER DIGITS },
        { valid_slot, "?", 'a', "ab" },
        { valid_release, "1?", '1', DIGITS },
        { valid_release, "?", '1', "123456789" },
        { valid_project_name, "a?b", 'x', LOWER DIGITS "-" },
        { valid_project_name, "?b", 'x', LOWER DIGITS },
        { valid_project_name, "a?", 'x', LOWER DIGITS },
        { valid_server_name, "a?b", 'x', LOWER DIGITS "-" },
        { valid_branch, "a?b", 'x', LOWER UPPER DIGITS "._/@+=,-" },
        { valid_branch, "?b", 'x', LOWER UPPER DIGITS "_" },
        { valid_commit, "0123456789abcdef0123456789abcdef0123456?", 'a', DIGITS "abcdef" },
        { valid_pin, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd?f", 'e', DIGITS "abcdef" },
        { valid_token, "?bcdefghijklmnopqrstuvwxyzABCDEF", 'a', LOWER UPPER DIGITS },
        { valid_token, "abcdefghijklmnopqrstuvwxyzABCDE?", 'a', LOWER UPPER DIGITS },
        { valid_server_address, "a?b.test", 'x', LOWER DIGITS "-." },
        { valid_server_address, "10.0.0.?", '1', LOWER DIGITS },
        { valid_server_address, "fd00::?1", '1', DIGITS "abcdef" },
        { valid_cidr, "10.0.0.?/32", '1', DIGITS },
        { valid_cidr, "2001:db?::/32", '8', DIGITS "abcdef" },
        { valid_host_name, "a?b.test", 'x', LOWER DIGITS "-." },
        { valid_host_name, "?b.test", 'x', LOWER DIGITS },
        { valid_env_key, "A?B", 'x', LOWER UPPER DIGITS "_" },
        { valid_env_key, "?B", 'x', LOWER UPPER "_" },
        { valid_health_path, "/a?b", 'x', LOWER UPPER DIGITS "-._~!$&'()*+,;=:@/?" },
        { valid_relative_directory, "a?b", 'x', LOWER UPPER DIGITS "._@-/" },
        { valid_relative_directory, "?b", 'x', LOWER UPPER DIGITS "._@" },
        { valid_version, "2?1", '0', DIGITS "." },
        { repo_url, "https://git.test/a?b", 'x', LOWER UPPER DIGITS "._~/-" },
        { repo_url, "https://g?t.test/a", 'i', LOWER DIGITS "-." },
};

static void test_all_bytes(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(bytes); i++)
                for (unsigned c = 0; c < 256; c++) {
                        char text[80];
                        char *hole;
                        bool expected = c && strchr(bytes[i].allowed, (int) c);

                        (void) snprintf(text, sizeof(text), "%s", bytes[i].frame);
                        hole = strchr(text, '?');
                        assert_non_null(hole);
                        *hole = bytes[i].sample;
                        assert_true(bytes[i].valid(text));
                        *hole = (char) c;
                        if (c == 0) /* shortens the text */
                                continue;
                        if (bytes[i].valid(text) != expected)
                                fail_msg("table %zu: byte %02x in %s", i, c, bytes[i].frame);
                }
}

static const struct {
        bool (*valid)(const char *s);
        const char *good[12], *bad[40];
} texts[] = {
        { valid_id, { "abcdefghijkl", "000000000000" }, { "", "abcdefghijk", "abcdefghijklm", "../../../../" } },
        { valid_slot, { "a", "b" }, { "", "c", "ab", "aa" } },
        { valid_release, { "1", "999999999" }, { "", "0", "01", "1000000000", "-1", "+1", "1 ", "18446744073709551617" } },
        { valid_project_name,
          { "a", "shop", "a-b", "a--b", "012345678901234567890123456789012345678901234567890123456789012" },
          { "", "-a", "a-", "-", "a_b", "A", "a.b", "0123456789012345678901234567890123456789012345678901234567890123" } },
        { valid_branch,
          { "main", "feature/x", "v1.2", "a@b", "dependabot/npm_and_yarn/next-16.0.1", "release+1", "HEADS" },
          { "",         "-x",       "--upload-pack=x",
            "+main",    "/a",       "a/",
            "a//b",     "a/.b",     ".a",
            "a.",       "a..b",     "a.lock",
            "a/b.lock", "a.lock/b", "a@{1}",
            "@",        "HEAD",     "a b",
            "a~1",      "a^",       "a:b",
            "a?b",      "a*",       "a[b",
            "a\\b",     "a;b",      "a|b",
            "a$b",      "a`b",      "a'b",
            "a\"b",     "a<b",      "a&b",
            "a#b",      "a%b",      "a!b",
            "a\nb",     "a\tb",     "\xc3\xa9" } },
        { valid_commit,
          { "0123456789abcdef0123456789abcdef01234567" },
          { "", "0123456789abcdef0123456789abcdef0123456", "0123456789abcdef0123456789abcdef012345678",
            "0123456789ABCDEF0123456789abcdef01234567" } },
        { valid_host_name,
          { "a.test", "shop.apps.test", "xn--bcher-kva.example", "1.example", "a-b.c-d", "0x.0xg" },
          { "",
            "localhost",
            "a.",
            ".a",
            "a..b",
            "-a.test",
            "a-.test",
            "a.-b",
            "A.test",
            "a_b.test",
            "127.0.0.1",
            "1.2",
            "127.0.0.0x1",
            "a.0x",
            "a.1",
            "*.test",
            "a.test:80",
            "a.test/",
            "a b.test",
            "[::1]",
            "a.test,b.test",
            "--pre-hook=x.test",
            "a.test\n",
            "a.te\xcc\x80st",
            "0123456789012345678901234567890123456789012345678901234567890123.test" } },
        { valid_pin,
          { "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
          { "", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
            "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567" } },
        { valid_token,
          { "AbCdEfGhIjKlMnOpQrStUvWxYz012345" },
          { "", "AbCdEfGhIjKlMnOpQrStUvWxYz01234", "AbCdEfGhIjKlMnOpQrStUvWxYz0123456", "AbCdEfGhIjKlMnOpQrStUvWxYz01234\n" } },
        { valid_cidr,
          { "0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32", "192.0.2.128/25", "::/0", "2001:db8::/32", "2001:db8::1/128", "fc00::/7" },
          { "",
            "/8",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/-1",
            "10.0.0.1/8",
            "192.0.2.0/22",
            "192.0.2.64/25",
            "10.0/8",
            "010.0.0.0/8",
            "10.0.0.0/8 ",
            " 10.0.0.0/8",
            "::/129",
            "2001:DB8::/32",
            "2001:db8:0::/32",
            "2001:db8::1/127",
            "fe80::1%eth0/128",
            "all",
            "10.0.0.0/8;",
            "example.org/8",
            "10.0.0.0/8/8" } },
        { valid_server_address,
          { "10.0.0.1", "127.0.0.1", "192.168.1.2", "203.0.113.7", "100.64.0.1", "8.8.8.8", "::1", "fd00::1", "2001:db8::1",
            "2001:4860:4860::8888", "node.example.org", "xn--bcher-kva.example" },
          { "",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.0.1",
            "169.254.169.254",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "10.0.0.256",
            "10.0.0",
            "127.1",
            "010.0.0.1",
            "0x7f.0.0.1",
            "2130706433",
            "10.0.0.1 ",
            "10.0.0.1:4000",
            "10.0.0.1/8",
            "::",
            "::2",
            "::7f00:1",
            "::127.0.0.1",
            "0:0:0:0:0:0:0:0",
            "::ffff:10.0.0.1",
            "::ffff:0:0",
            "64:ff9b::a00:1",
            "ff02::1",
            "fe80::1",
            "febf::1",
            "fe80::1%eth0",
            "[::1]",
            "FD00::1",
            "fd00::1::2",
            "fd00:::1",
            "localhost",
            "a_b.test",
            "Node.test",
            "user@node.test",
            "node.test.",
            "-x.test" } },
        { valid_env_key, { "A", "_", "a1", "NEXT_PUBLIC_URL" }, { "", "1A", "A-B", "A.B", "A=B", "A B", "\xc3\x89" } },
        { valid_env_value,
          { "", "a", "a\nb\tc\n", "\n", "\t", "\xc3\xa9" },
          { "a\rb", "\x1b", "\x7f", "\xff", "a\n\x01", "\xc2\x9b", "\xc3\n\xa9" } },
        { valid_health_path,
          { "/", "/health", "/a?b=c&d=%20", "/~a/;b", "/a??" },
          { "", "a", "http://x/", "/a b", "/%", "/%2", "/%zz", "/a#b", "/a\r\nX: y", "/\\", "/\"", "/<", "/{", "/\xc3\xa9" } },
        { valid_relative_directory,
          { "a", "apps/web", "a.b", "@scope/x", "...", "a/.b" },
          { "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "-a", "a/-b", "a b", "a\\b", "a\nb", "~", "$x" } },
        { valid_version,
          { "20", "22.11", "1.2.20", "0.1", "0", "99999.99999.99999" },
          { "", ".", "1.", ".1", "1..2", "01", "1.02", "1.2.3.4", "v1", "1-2", "lts", "1 ", "100000", "../1" } },
        { repo_url,
          { "https://github.com/a/b", "https://github.com/a/b.git", "https://git.test:8443/a", "https://10.0.0.1/a", "https://[::1]/a",
            "https://[2001:db8::1]:444/a/~b", "https://gitlab.com/a/-/b", "https://a.test/.a/..b" },
          { "",
            "https://",
            "https:///a",
            "https://a.test",
            "https://a.test/",
            "https://a.test/a/",
            "https://a.test//a",
            "https://a.test/a//b",
            "https://a.test/../a",
            "https://a.test/a/..",
            "https://a.test/a/./b",
            "http://a.test/a",
            "HTTPS://a.test/a",
            "https:/a.test/a",
            "https::https://a.test/a",
            "ext::sh -c x",
            "file:///etc",
            "ssh://a.test/a",
            "git@a.test:a/b",
            "https://user@a.test/a",
            "https://u:p@a.test/a",
            "https://a.test:0/a",
            "https://a.test:65536/a",
            "https://a.test:/a",
            "https://a.test:08/a",
            "https://a.test:1a/a",
            "https://a.test/a?b",
            "https://a.test/a#b",
            "https://a.test/a b",
            "https://a.test/a%2e%2e",
            "https://localhost/a",
            "https://2130706433/a",
            "https://127.0.0.0x1/a",
            "https://[::1/a",
            "https://[fe80::1%25eth0]/a",
            "https://[::FFFF]/a",
            "https://a.test\n/a",
            "--upload-pack=x",
            " https://a.test/a" } },
};

static void test_texts(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                assert_false(texts[i].valid(NULL));
                for (size_t j = 0; j < ELEMENTS(texts[i].good) && texts[i].good[j]; j++)
                        if (!texts[i].valid(texts[i].good[j]))
                                fail_msg("table %zu refuses %s", i, texts[i].good[j]);
                for (size_t j = 0; j < ELEMENTS(texts[i].bad) && texts[i].bad[j]; j++)
                        if (texts[i].valid(texts[i].bad[j]))
                                fail_msg("table %zu accepts %s", i, texts[i].bad[j]);
        }
}

static void fill(char *s, size_t n, char c) {
        memset(s, c, n);
        s[n] = '\0';
}

static void test_lengths(void **state) {
        static char s[40000];

        (void) state;
        fill(s, 255, 'a');
        assert_true(valid_branch(s) && valid_relative_directory(s));
        fill(s, 256, 'a');
        assert_false(valid_branch(s) || valid_relative_directory(s));
        fill(s, 128, 'a');
        assert_true(valid_env_key(s));
        fill(s, 129, 'a');
        assert_false(valid_env_key(s));
        fill(s, 32768, 'a');
        assert_true(valid_env_value(s));
        fill(s, 32769, 'a');
        assert_false(valid_env_value(s));
        fill(s, 512, '/');
        assert_true(valid_health_path(s));
        fill(s, 513, '/');
        assert_false(valid_health_path(s));
        for (size_t i = 0; i < 253; i++)
                s[i] = i % 2 ? '.' : 'a';
        s[253] = '\0';
        assert_true(valid_host_name(s));
        s[253] = '.';
        s[254] = 'a';
        s[255] = '\0';
        assert_false(valid_host_name(s));
        fill(s, 512, 'a');
        memcpy(s, "https://a.test/", 15);
        assert_true(repo_url(s));
        fill(s, 513, 'a');
        memcpy(s, "https://a.test/", 15);
        assert_false(repo_url(s));
        assert_true(valid_text_line("abc", 3) && valid_text_line("", 0) && !valid_text_line("abcd", 3) && !valid_text_line("a\nb", 9) &&
                    !valid_text_line(NULL, 9));
        assert_true(valid_utf8("a\xc3\xa9", 3) && !valid_utf8("\xc3", 1));
}

static void test_hex(void **state) {
        (void) state;
        assert_true(valid_hex("0", 1) && valid_hex("0af9", 4));
        assert_false(valid_hex(NULL, 1) || valid_hex("", 0) || valid_hex("", 1) || valid_hex("0af", 4) || valid_hex("0af91", 4) ||
                     valid_hex("0aF9", 4));
}

static void test_repo_url_parts(void **state) {
        static const struct {
                const char *url, *host;
                unsigned port;
        } cases[] = { { "https://git.test/a", "git.test", 443 },
                      { "https://git.test:8443/a", "git.test", 8443 },
                      { "https://10.0.0.1:1/a", "10.0.0.1", 1 },
                      { "https://[2001:db8::1]:65535/a", "2001:db8::1", 65535 } };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char host[254] = "";
                unsigned port = 0;

                assert_true(valid_repo_url(cases[i].url, host, &port));
                assert_string_equal(host, cases[i].host);
                assert_int_equal(port, cases[i].port);
        }
}

static void test_addresses(void **state) {
        static const char *const internal[] = {
                "0.0.0.0",
                "0.1.2.3",
                "10.0.0.1",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.0.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "fc00::1",
                "fd00::1",
                "ff02::1",
                "2001:db8::1",
                "2001::1",
                "2001:10::1",
                "2002:a00:1::",
                "2002:808:808::",
                "3fff::1",
                "3fff:fff::1",
                "::ffff:10.0.0.1",
                "::ffff:169.254.169.254",
                "::ffff:127.0.0.1",
                "64:ff9b::a00:1",
                "64:ff9b::169.254.169.254",
                "64:ff9b:1::1",
                "::7f00:1",
                "::127.0.0.1",
                "100::1",
                "",
                "x",
                "localhost",
                "1",
                "0x7f.1",
                "127.1",
                "10.0.0.01",
                "8.8.8.8 ",
                "8.8.8.8:80",
                "[::1]",
                "fe80::1%eth0",
                "2001:4860:4860::8888%1",
        };
        static const char *const external[] = {
                "8.8.8.8",         "1.1.1.1",         "100.63.255.255",       "100.128.0.0",     "172.15.255.255",
                "172.32.0.0",      "192.0.1.1",       "192.169.0.1",          "198.17.255.255",  "198.20.0.0",
                "223.255.255.255", "126.255.255.255", "2001:4860:4860::8888", "2606:4700::1111", "2001:200::1",
                "2a00::1",         "3ffe::1",         "3fff:1000::1",         "::ffff:8.8.8.8",  "64:ff9b::808:808"
        };

        (void) state;
        assert_true(address_is_internal(NULL));
        for (size_t i = 0; i < ELEMENTS(internal); i++)
                if (!address_is_internal(internal[i]))
                        fail_msg("%s is taken for a public address", internal[i]);
        for (size_t i = 0; i < ELEMENTS(external); i++)
                if (address_is_internal(external[i]))
                        fail_msg("%s is taken for an internal address", external[i]);
}

static void test_reserved_keys(void **state) {
        static const char *const reserved[] = { "PORT",           "HOME",       "PATH",     "LISTEN_FDS", "LISTEN_PID",
                                                "LISTEN_FDNAMES", "LD_PRELOAD", "LD_AUDIT", "NANOSCALE_X" };
        static const char *const free_keys[] = { "PORTS",     "HOMEPAGE",     "XPATH",        "LISTEN", "LD",
                                                 "NANOSCALE", "DATABASE_URL", "NODE_OPTIONS", "port" };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(reserved); i++)
                assert_true(env_key_is_reserved(reserved[i]));
        for (size_t i = 0; i < ELEMENTS(free_keys); i++)
                assert_false(env_key_is_reserved(free_keys[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_bytes),     cmocka_unit_test(test_texts),          cmocka_unit_test(test_lengths),
                cmocka_unit_test(test_hex),           cmocka_unit_test(test_repo_url_parts), cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_reserved_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
