/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Every sentence that config_load() can say, word for word: they are what an administrator reads at three in the morning. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config.h"

static char directory[] = "/tmp/nanoscale-config-XXXXXX";
static char path[64];

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/config.json", directory);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        (void) unlink(path);
        return rmdir(directory);
}

static void write_config(const char *text, size_t length) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, length), (ssize_t) length);
        assert_int_equal(close(fd), 0);
}

/* PATH in wanted stands for the file's path. */
static void assert_sentence(const char *sentence, const char *wanted) {
        char expected[2048], *at = expected;

        for (const char *c = wanted; *c;) {
                if (strncmp(c, "PATH", 4) == 0) {
                        at = stpcpy(at, path);
                        c += 4;
                } else
                        *at++ = *c++;
        }
        *at = '\0';
        assert_non_null(sentence);
        assert_string_equal(sentence, expected);
}

static void refused(char *const *env, const char *wanted) {
        char *sentence = NULL;
        Config *c = NULL;

        assert_true(config_load(path, env, &c, &sentence) < 0);
        assert_null(c);
        assert_sentence(sentence, wanted);
        free(sentence);
}

static Config *load(char *const *env) {
        char *sentence = NULL;
        Config *c = NULL;

        if (config_load(path, env, &c, &sentence) != 0)
                fail_msg("%s", sentence);
        assert_null(sentence);
        return c;
}

static void defaults(void **state) {
        Config *c;

        (void) state;
        (void) unlink(path);
        c = load(NULL);
        assert_int_equal(c->role, ROLE_ORCHESTRATOR);
        assert_true(strlen(c->name) > 0);
        assert_string_equal(c->base_domain, "localhost");
        assert_string_equal(c->database, "/opt/nanoscale/data/nanoscale.db");
        assert_string_equal(c->seal_key, "/opt/nanoscale/data/seal.key");
        assert_false(c->helper_sudo);
        assert_null(c->runtimes_registry);
        assert_null(c->runtimes_node_dist);
        assert_null(c->runtimes_bun_dist);
        assert_null(c->builds_registry);
        assert_null(c->builds_ca);
        assert_null(c->cluster_address);
        assert_int_equal(c->cluster_port, 4000);
        assert_null(c->acme_email);
        assert_string_equal(c->acme_server, "https://acme-v02.api.letsencrypt.org/directory");
        assert_null(c->acme_ca);
        assert_null(c->acme_hook);
        assert_null(c->acme_addresses);
        assert_true(c->acme_check_dns);
        assert_false(c->allow_private_repositories);
        assert_int_equal(c->shortest_idle_seconds, 60);
        assert_int_equal(c->doze_seconds, 120);
        assert_int_equal(c->deep_seconds, 86400);
        assert_string_equal(c->log_level, "info");
        config_free(c);
        assert_null(config_free(NULL));
}

static void every_key(void **state) {
        static const char text[] =
                        "{ \"role\": \"worker\", \"name\": \"w-1\", \"base_domain\": \"apps.example.com\","
                        "  \"database\": \"/d\", \"seal_key\": \"/k\", \"helper\": { \"transport\": \"sudo\" },"
                        "  \"runtimes\": { \"registry\": \"https://r.example/\", \"node_dist\": \"https://n.example/dist\","
                        "                \"bun_dist\": \"http://b.example:8080\" },"
                        "  \"builds\": { \"registry\": \"https://b.example\", \"ca\": \"/etc/ca.pem\" },"
                        "  \"cluster\": { \"address\": \"2001:db8::7\", \"port\": 4443 },"
                        "  \"acme\": { \"email\": \"ops+a@example.com\", \"server\": \"https://ca.example:14000/dir\","
                        "            \"ca\": \"/etc/ca.pem\", \"hook\": \"/opt/dns-hook\", \"check_dns\": false, \"hook_for_all\": true,"
                        "            \"addresses\": \"203.0.113.7 2001:db8::7\" },"
                        "  \"network\": { \"allow_private_repositories\": true },"
                        "  \"sleep\": { \"shortest_idle_seconds\": 1, \"doze_seconds\": 0, \"deep_seconds\": 2 },"
                        "  \"log\": { \"level\": \"debug\" } }";
        char *const env[] = { (char[]){ "PATH=/bin" },
                              (char[]){ "NANOSCALE_ROLE=orchestrator" },
                              (char[]){ "NANOSCALE_NAME=n" },
                              (char[]){ "NANOSCALE_BASE_DOMAIN=test" },
                              (char[]){ "NANOSCALE_DATABASE=/e/d" },
                              (char[]){ "NANOSCALE_SEAL_KEY=/e/k" },
                              (char[]){ "NANOSCALE_HELPER_TRANSPORT=socket" },
                              (char[]){ "NANOSCALE_RUNTIMES_REGISTRY=https://e.example/r" },
                              (char[]){ "NANOSCALE_RUNTIMES_NODE_DIST=https://e.example/n" },
                              (char[]){ "NANOSCALE_RUNTIMES_BUN_DIST=https://e.example/b" },
                              (char[]){ "NANOSCALE_BUILDS_REGISTRY=https://e.example/br" },
                              (char[]){ "NANOSCALE_BUILDS_CA=/e/ca" },
                              (char[]){ "NANOSCALE_CLUSTER_ADDRESS=orch.example.com" },
                              (char[]){ "NANOSCALE_CLUSTER_PORT=65535" },
                              (char[]){ "NANOSCALE_ACME_EMAIL=e@example.org" },
                              (char[]){ "NANOSCALE_ACME_SERVER=https://e.example/dir" },
                              (char[]){ "NANOSCALE_ACME_CA=/e/acme-ca" },
                              (char[]){ "NANOSCALE_ACME_HOOK=/e/hook" },
                              (char[]){ "NANOSCALE_ACME_ADDRESSES=203.0.113.8" },
                              (char[]){ "NANOSCALE_ACME_CHECK_DNS=true" },
                              (char[]){ "NANOSCALE_NETWORK_ALLOW_PRIVATE_REPOSITORIES=false" },
                              (char[]){ "NANOSCALE_SLEEP_SHORTEST_IDLE_SECONDS=3" },
                              (char[]){ "NANOSCALE_SLEEP_DOZE_SECONDS=4" },
                              (char[]){ "NANOSCALE_SLEEP_DEEP_SECONDS=5" },
                              (char[]){ "NANOSCALE_LOG_LEVEL=error" },
                              NULL };
        Config *c;

        (void) state;
        write_config(text, sizeof(text) - 1);
        c = load(NULL);
        assert_int_equal(c->role, ROLE_WORKER);
        assert_string_equal(c->name, "w-1");
        assert_string_equal(c->base_domain, "apps.example.com");
        assert_string_equal(c->database, "/d");
        assert_string_equal(c->seal_key, "/k");
        assert_true(c->helper_sudo);
        assert_string_equal(c->runtimes_registry, "https://r.example/");
        assert_string_equal(c->runtimes_node_dist, "https://n.example/dist");
        assert_string_equal(c->runtimes_bun_dist, "http://b.example:8080");
        assert_string_equal(c->builds_registry, "https://b.example");
        assert_string_equal(c->builds_ca, "/etc/ca.pem");
        assert_string_equal(c->cluster_address, "2001:db8::7");
        assert_int_equal(c->cluster_port, 4443);
        assert_string_equal(c->acme_email, "ops+a@example.com");
        assert_string_equal(c->acme_server, "https://ca.example:14000/dir");
        assert_string_equal(c->acme_ca, "/etc/ca.pem");
        assert_string_equal(c->acme_hook, "/opt/dns-hook");
        assert_string_equal(c->acme_addresses, "203.0.113.7 2001:db8::7");
        assert_false(c->acme_check_dns);
        assert_true(c->acme_hook_for_all);
        assert_true(c->allow_private_repositories);
        assert_int_equal(c->shortest_idle_seconds, 1);
        assert_int_equal(c->doze_seconds, 0);
        assert_int_equal(c->deep_seconds, 2);
        assert_string_equal(c->log_level, "debug");
        config_free(c);

        c = load(env);
        assert_int_equal(c->role, ROLE_ORCHESTRATOR);
        assert_string_equal(c->name, "n");
        assert_string_equal(c->base_domain, "test");
        assert_string_equal(c->database, "/e/d");
        assert_string_equal(c->seal_key, "/e/k");
        assert_false(c->helper_sudo);
        assert_string_equal(c->runtimes_registry, "https://e.example/r");
        assert_string_equal(c->runtimes_node_dist, "https://e.example/n");
        assert_string_equal(c->runtimes_bun_dist, "https://e.example/b");
        assert_string_equal(c->builds_registry, "https://e.example/br");
        assert_string_equal(c->builds_ca, "/e/ca");
        assert_string_equal(c->cluster_address, "orch.example.com");
        assert_int_equal(c->cluster_port, 65535);
        assert_string_equal(c->acme_email, "e@example.org");
        assert_string_equal(c->acme_server, "https://e.example/dir");
        assert_string_equal(c->acme_ca, "/e/acme-ca");
        assert_string_equal(c->acme_hook, "/e/hook");
        assert_string_equal(c->acme_addresses, "203.0.113.8");
        assert_true(c->acme_check_dns);
        assert_false(c->allow_private_repositories);
        assert_int_equal(c->shortest_idle_seconds, 3);
        assert_int_equal(c->doze_seconds, 4);
        assert_int_equal(c->deep_seconds, 5);
        assert_string_equal(c->log_level, "error");
        config_free(c);
}

#define KEYS                                                                                                                         \
        "role, name, base_domain, database, seal_key, helper.transport, runtimes.registry, runtimes.node_dist, runtimes.bun_dist, "  \
        "builds.registry, builds.ca, cluster.address, cluster.port, dashboard.domain, acme.email, acme.server, acme.ca, acme.hook, " \
        "acme.hook_for_all, "                                                                                                        \
        "acme.addresses, "                                                                                                           \
        "acme.check_dns, "                                                                                                           \
        "network.allow_private_repositories, sleep.shortest_idle_seconds, "                                                          \
        "sleep.doze_seconds, sleep.deep_seconds, log.level"

#define ADDRESS(value) \
        "cluster.address of PATH is \"" value "\"; it must be a host name in lower case, or an IPv4 or IPv6 address without brackets."

static void sentences(void **state) {
        static const struct {
                const char *text, *wanted;
        } cases[] = {
                { "{ \"role\": \"boss\" }", "role of PATH is \"boss\"; it must be \"orchestrator\" or \"worker\"." },
                { "{ \"role\": 1 }", "role of PATH is a number; it must be a string." },
                { "{ \"name\": \"My Node\" }",
                  "name of PATH is \"My Node\"; it must be 1 to 63 of a-z, 0-9 and -, without a dash first or last." },
                { "{ \"name\": \"a\\u0000b\" }", "name of PATH contains a NUL character; remove it." },
                { "{ \"base_domain\": \"Apps.example\" }",
                  "base_domain of PATH is \"Apps.example\"; it must be a domain in lower case, such as apps.example.com." },
                { "{ \"base_domain\": \"\" }",
                  "base_domain of PATH is \"\"; it must be a domain in lower case, such as apps.example.com." },
                { "{ \"database\": \"data.db\" }", "database of PATH is \"data.db\"; it must be an absolute path." },
                { "{ \"seal_key\": null }", "seal_key of PATH is null; it must be a string." },
                { "{ \"helper\": \"sudo\" }", "helper of PATH is a string; it must be an object." },
                { "{ \"helper\": { \"transport\": \"ssh\" } }", "helper.transport of PATH is \"ssh\"; it must be \"socket\" or \"sudo\"." },
                { "{ \"runtimes\": { \"registry\": \"registry.example\" } }",
                  "runtimes.registry of PATH is \"registry.example\"; it must be a URL that begins with https:// or http://, without "
                  "credentials, query or fragment." },
                { "{ \"runtimes\": { \"node_dist\": \"https://u:p@n.example\" } }",
                  "runtimes.node_dist of PATH is \"https://u:p@n.example\"; it must be a URL that begins with https:// or http://, without "
                  "credentials, query or fragment." },
                { "{ \"builds\": { \"ca\": [] } }", "builds.ca of PATH is an array; it must be a string." },
                { "{ \"cluster\": { \"address\": \"[2001:db8::7]\" } }", ADDRESS("[2001:db8::7]") },
                { "{ \"cluster\": { \"address\": \"10.0.0.1:4000\" } }", ADDRESS("10.0.0.1:4000") },
                { "{ \"cluster\": { \"address\": \"0.0.0.0\" } }", ADDRESS("0.0.0.0") },
                { "{ \"cluster\": { \"address\": \"224.0.0.1\" } }", ADDRESS("224.0.0.1") },
                { "{ \"cluster\": { \"address\": \"::\" } }", ADDRESS("::") },
                { "{ \"cluster\": { \"address\": \"ff02::1\" } }", ADDRESS("ff02::1") },
                { "{ \"cluster\": { \"address\": \"10.0.0.256\" } }", ADDRESS("10.0.0.256") },
                { "{ \"cluster\": { \"address\": \"Orch.example.com\" } }", ADDRESS("Orch.example.com") },
                { "{ \"cluster\": { \"port\": 0 } }", "cluster.port of PATH is \"0\"; it must be a whole number from 1 to 65535." },
                { "{ \"cluster\": { \"port\": 65536 } }", "cluster.port of PATH is \"65536\"; it must be a whole number from 1 to 65535." },
                { "{ \"acme\": { \"email\": \"ops\" } }", "acme.email of PATH is \"ops\"; it must be an e-mail address." },
                { "{ \"acme\": { \"email\": \"-x@example.com\" } }",
                  "acme.email of PATH is \"-x@example.com\"; it must be an e-mail address." },
                { "{ \"acme\": { \"server\": \"http://ca.example/dir\" } }",
                  "acme.server of PATH is \"http://ca.example/dir\"; it must be the https:// address of an ACME directory." },
                { "{ \"acme\": { \"hook\": \"/opt/a b\" } }",
                  "acme.hook of PATH is \"/opt/a b\"; it must be an absolute path of letters, digits and ._@-." },
                { "{ \"acme\": { \"hook\": \"/opt/../x\" } }",
                  "acme.hook of PATH is \"/opt/../x\"; it must be an absolute path of letters, digits and ._@-." },
                { "{ \"acme\": { \"addresses\": \"\" } }",
                  "acme.addresses of PATH is \"\"; it must be IP addresses with a blank between them." },
                { "{ \"acme\": { \"addresses\": \"203.0.113.7, 203.0.113.8\" } }",
                  "acme.addresses of PATH is \"203.0.113.7, 203.0.113.8\"; it must be IP addresses with a blank between them." },
                { "{ \"acme\": { \"addresses\": \"203.0.113.7 \" } }",
                  "acme.addresses of PATH is \"203.0.113.7 \"; it must be IP addresses with a blank between them." },
                { "{ \"acme\": { \"addresses\": \"example.com\" } }",
                  "acme.addresses of PATH is \"example.com\"; it must be IP addresses with a blank between them." },
                { "{ \"network\": { \"allow_private_repositories\": \"true\" } }",
                  "network.allow_private_repositories of PATH is a string; it must be true or false, without quotes." },
                { "{ \"sleep\": { \"doze_seconds\": \"2\" } }",
                  "sleep.doze_seconds of PATH is a string; it must be a whole number, without quotes." },
                { "{ \"sleep\": { \"doze_seconds\": 2.5 } }",
                  "sleep.doze_seconds of PATH is a number; it must be a whole number, without quotes." },
                { "{ \"sleep\": { \"deep_seconds\": 0 } }",
                  "sleep.deep_seconds of PATH is \"0\"; it must be a whole number from 1 to 31536000." },
                { "{ \"sleep\": { \"deep_seconds\": -1 } }",
                  "sleep.deep_seconds of PATH is \"-1\"; it must be a whole number from 1 to 31536000." },
                { "{ \"log\": { \"level\": \"loud\" } }",
                  "log.level of PATH is \"loud\"; it must be \"error\" or \"warning\" or \"info\" or \"debug\"." },
                { "{ \"basedomain\": \"a.example\" }",
                  "PATH has the key basedomain, which does not exist; remove it, or choose one of " KEYS "." },
                { "{ \"helper\": { \"transprt\": \"sudo\" } }",
                  "PATH has the key helper.transprt, which does not exist; remove it, or choose one of " KEYS "." },
                { "{ \"help\": {} }", "PATH has the key help, which does not exist; remove it, or choose one of " KEYS "." },
                { "{ \"log.level\": { } }", "log.level of PATH is an object; it must be a string." },
                { "[]", "PATH holds an array; it must be an object: { \"role\": \"orchestrator\" }." },
                { "{ \"role\": \"worker\"\n \"name\": 1 }",
                  "PATH, line 2, column 7: '}' expected near '\"name\"'. Correct it, or remove the file to get the defaults." },
                { "{ \"role\": \"worker\", \"role\": \"worker\" }",
                  "PATH, line 1, column 26: duplicate object key near '\"role\"'. Correct it, or remove the file to get the defaults." },
                { "", "PATH, line 1, column 0: '[' or '{' expected near end of file. Correct it, or remove the file to get the defaults." },
        };

        (void) state;
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                write_config(cases[i].text, strlen(cases[i].text));
                refused(NULL, cases[i].wanted);
        }
}

static void sentences_of_the_environment(void **state) {
        static const struct {
                const char *variable, *wanted;
        } cases[] = {
                { "NANOSCALE_ROLE=boss", "The variable NANOSCALE_ROLE is \"boss\"; it must be \"orchestrator\" or \"worker\"." },
                { "NANOSCALE_DATABASE=", "The variable NANOSCALE_DATABASE is \"\"; it must be an absolute path." },
                { "NANOSCALE_NETWORK_ALLOW_PRIVATE_REPOSITORIES=yes",
                  "The variable NANOSCALE_NETWORK_ALLOW_PRIVATE_REPOSITORIES is \"yes\"; it must be true or false." },
                { "NANOSCALE_LOGLEVEL=debug",
                  "The variable NANOSCALE_LOGLEVEL of the environment is not a setting; unset it. A setting such "
                  "as log.level is called NANOSCALE_LOG_LEVEL." },
        };

        (void) state;
        write_config("{}", 2);
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                char variable[128], *env[] = { variable, NULL };

                (void) snprintf(variable, sizeof(variable), "%s", cases[i].variable);
                refused(env, cases[i].wanted);
        }
}

static void files_that_are_none(void **state) {
        static char big[70000];
        char wanted[256];

        (void) state;
        memset(big, ' ', sizeof(big));
        write_config(big, sizeof(big));
        refused(NULL, "PATH is larger than 64 KiB; no set of settings is.");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
        refused(NULL, "PATH is not a regular file; replace it by one.");
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(symlink(path, path), 0);
        (void) snprintf(wanted, sizeof(wanted), "PATH cannot be read: %s. The user of the agent must be able to read it.", strerror(ELOOP));
        refused(NULL, wanted);
        assert_int_equal(unlink(path), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults),
                cmocka_unit_test(every_key),
                cmocka_unit_test(sentences),
                cmocka_unit_test(sentences_of_the_environment),
                cmocka_unit_test(files_that_are_none),
        };

        return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
