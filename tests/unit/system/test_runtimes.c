/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Against a registry that this test is itself: our HTTP server on a loopback port, with archives that libarchive makes here. */
#include "event/http_server.h"
#include "security/digest.h"
#include "system/runtimes.h"
#include "system/runtimes_version.h"
#include "system/runtimes_work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NODE_ARCH "x64"
#define BUN_ARCH "x64"
#else
#define NODE_ARCH "arm64"
#define BUN_ARCH "aarch64"
#endif
#define NODE "/node-linux-" NODE_ARCH
#define N_PAGES 32

typedef struct {
        char path[256];
        char *body;
        size_t length;
        unsigned status;
        int n_asked;
        bool hold; /* never answers */
} Page;

static struct {
        Loop *loop;
        HttpServer *server;
        FetchPool *pool;
        Runtimes *runtimes;
        char directory[64], url[64];
        Page pages[N_PAGES];
        size_t n_pages;
        int n_requests, n_unknown;
} t;

/* --- the registry --- */

static size_t body_limit(void *owner, const char *method, const char *path) {
        (void) owner;
        (void) method;
        (void) path;
        return 0;
}

static void handle(void *owner, HttpRequest *rq) {
        (void) owner;
        t.n_requests++;
        for (size_t i = 0; i < t.n_pages; i++) {
                Page *p = &t.pages[i];
                if (strcmp(p->path, http_request_path(rq)) != 0)
                        continue;
                p->n_asked++;
                if (!p->hold)
                        http_reply(rq, p->status, "application/octet-stream", p->body, p->length, NULL);
                return;
        }
        t.n_unknown++;
        http_reply(rq, 404, "text/plain", "absent", 6, NULL);
}

static const HttpServerOps ops = { .body_limit = body_limit, .handle = handle };

static Page *page(const char *path, const char *body, size_t length) {
        Page *p = NULL;
        for (size_t i = 0; i < t.n_pages; i++)
                if (strcmp(t.pages[i].path, path) == 0)
                        p = &t.pages[i];
        if (!p) {
                assert_true(t.n_pages < N_PAGES);
                p = &t.pages[t.n_pages++];
        }
        free(p->body);
        memset(p, 0, sizeof *p);
        (void) snprintf(p->path, sizeof p->path, "%s", path);
        p->body = malloc(length + 1);
        memcpy(p->body, body, length);
        p->length = length;
        p->status = 200;
        return p;
}

static void server_open(unsigned port) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t) port) };
        socklen_t length = sizeof address;
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(listen(fd, 16), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
        (void) snprintf(t.url, sizeof t.url, "http://127.0.0.1:%d", ntohs(address.sin_port));
        assert_int_equal(http_server_new(t.loop, fd, 16, 30, &ops, &t, &t.server), 0);
}

static void runtimes_open(bool dist) {
        const RuntimesConfig config = {
                .directory = t.directory,
                .registry = dist ? NULL : t.url,
                .node_dist = dist ? t.url : NULL,
                .bun_dist = dist ? t.url : NULL,
        };
        assert_int_equal(runtimes_new(t.loop, t.pool, &config, &t.runtimes), 0);
}

static int setup(void **state) {
        (void) state;
        memset(&t, 0, sizeof t);
        strcpy(t.directory, "/tmp/ns-runtimes-XXXXXX");
        assert_non_null(mkdtemp(t.directory));
        assert_int_equal(loop_new(&t.loop), 0);
        server_open(0);
        assert_int_equal(fetch_pool_new(t.loop, &t.pool), 0);
        runtimes_open(false);
        return 0;
}

static int teardown(void **state) {
        (void) state;
        runtimes_free(t.runtimes);
        fetch_pool_free(t.pool);
        http_server_free(t.server);
        loop_free(t.loop);
        for (size_t i = 0; i < t.n_pages; i++)
                free(t.pages[i].body);
        runtime_remove_tree(t.directory);
        assert_int_equal(access(t.directory, F_OK), -1);
        return 0;
}

/* --- packages --- */

typedef struct {
        const char *path, *text;
        mode_t mode; /* with the file's type */
        const char *link;
} File;

static char packed[512 * 1024];

static size_t pack(bool zip, const File *files, size_t n) {
        size_t used = 0;
        struct archive *a = archive_write_new();
        if (zip)
                archive_write_set_format_zip(a);
        else {
                archive_write_set_format_pax_restricted(a);
                archive_write_add_filter_gzip(a);
        }
        assert_int_equal(archive_write_open_memory(a, packed, sizeof packed, &used), ARCHIVE_OK);
        for (size_t i = 0; i < n; i++) {
                struct archive_entry *e = archive_entry_new();
                archive_entry_set_pathname(e, files[i].path);
                archive_entry_set_mode(e, files[i].mode);
                archive_entry_set_uid(e, 12345);
                archive_entry_set_gid(e, 12345);
                archive_entry_set_size(e, files[i].text ? (la_int64_t) strlen(files[i].text) : 0);
                if (S_ISLNK(files[i].mode))
                        archive_entry_set_symlink(e, files[i].link);
                else if (files[i].link)
                        archive_entry_set_hardlink(e, files[i].link);
                assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
                if (files[i].text)
                        assert_int_equal(archive_write_data(a, files[i].text, strlen(files[i].text)), (la_ssize_t) strlen(files[i].text));
                archive_entry_free(e);
        }
        assert_int_equal(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
        return used;
}

#define PACK(...) pack(false, (const File[]){ __VA_ARGS__ }, sizeof((const File[]){ __VA_ARGS__ }) / sizeof(File))

static const char *integrity_of(const char *data, size_t length) {
        static char text[128];
        unsigned char hash[crypto_hash_sha512_BYTES];
        crypto_hash_sha512(hash, (const unsigned char *) data, length);
        strcpy(text, "sha512-");
        sodium_bin2base64(text + 7, sizeof text - 7, hash, sizeof hash, sodium_base64_VARIANT_ORIGINAL);
        return text;
}

static const char *sha256_of(const char *data, size_t length) {
        static char text[65];
        unsigned char hash[crypto_hash_sha256_BYTES];
        crypto_hash_sha256(hash, (const unsigned char *) data, length);
        sodium_bin2hex(text, sizeof text, hash, sizeof hash);
        return text;
}

static const char *manifest(const char *name, const char *version, const char *engines, const char *integrity) {
        static char text[1024];
        (void) snprintf(text, sizeof text,
                        "{\"name\":\"%s\",\"version\":\"%s\",\"engines\":{\"node\":\"%s\"},\"dist\":{\"integrity\":\"%s\",\"tarball\":\"%s/"
                        "%s/-/%s.tgz\"}}",
                        name + 1, version, engines, integrity, t.url, name + 1, version);
        return text;
}

/* Puts what is in `packed` into the registry as one version. */
static Page *publish(const char *name, const char *version, const char *engines, size_t length) {
        char path[256];
        (void) snprintf(path, sizeof path, "%s/%s", name, version);
        const char *text = manifest(name, version, engines, integrity_of(packed, length));
        page(path, text, strlen(text));
        (void) snprintf(path, sizeof path, "%s/-/%s.tgz", name, version);
        return page(path, packed, length);
}

/* An index of all versions whose manifests are published under the name, and of others that have no archive. */
static Page *publish_index(const char *name, const char *others) {
        static char text[16 * 1024];
        size_t n = (size_t) snprintf(text, sizeof text, "{\"name\":\"%s\",\"dist-tags\":{\"latest\":\"9.9.9\"},\"versions\":{", name + 1),
               prefix = strlen(name);
        for (size_t i = 0; i < t.n_pages; i++) {
                const char *path = t.pages[i].path;
                if (strncmp(path, name, prefix) != 0 || path[prefix] != '/' || path[prefix + 1] == '-')
                        continue;
                n += (size_t) snprintf(text + n, sizeof text - n, "\"%s\":%.*s,", path + prefix + 1, (int) t.pages[i].length,
                                       t.pages[i].body);
        }
        n += (size_t) snprintf(text + n, sizeof text - n, "%s\"0.0.1-last\":{}}}", others);
        return page(name, text, n);
}

#define REG (S_IFREG | 0644)
#define EXE (S_IFREG | 0755)
#define NODE_FILES                                                                                                                \
        { "package/package.json", "{}", REG, NULL }, { "package/bin/node", "#!/bin/sh\necho fake node\n", S_IFREG | 0644, NULL }, \
                        { "package/LICENSE", "MIT", S_IFREG | 06777, NULL }, { "package/include/node/node.h", "x", REG, NULL }, { \
                "package/share/doc/x", "x", REG, NULL                                                                             \
        }

static void publish_all(void) {
        static const char *const versions[] = { "16.20.2", "20.9.0", "20.19.0", "21.1.0" };
        for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
                publish(NODE, versions[i], "", PACK(NODE_FILES));
        publish_index(NODE, "\"20.20.0-rc.1\":{},\"20.19\":{},\"v20.99.0\":{},\"20.19.01\":{},");
        static const struct {
                const char *version, *engines;
        } npms[] = { { "9.9.4", "^14.17.0 || ^16.13.0 || >=18.0.0" },
                     { "10.9.2", "^18.17.0 || >=20.5.0" },
                     { "12.0.0", "^22.14.0 || >=24.0.0" } };
        for (size_t i = 0; i < sizeof npms / sizeof *npms; i++)
                publish("/npm", npms[i].version, npms[i].engines,
                        PACK({ "package/package.json", npms[i].version, REG, NULL },
                             { "package/bin/npm-cli.js", "#!/usr/bin/env node\n", REG, NULL },
                             { "package/bin/npx-cli.js", "#!/usr/bin/env node\n", REG, NULL },
                             { "package/lib", NULL, S_IFDIR | 0700, NULL }, { "package/lib/npm.js", "x", S_IFREG | 0600, NULL },
                             { "package/node_modules/a/run.sh", "x", EXE, NULL }));
        publish_index("/npm", "");
        publish("/@oven%2fbun-linux-" BUN_ARCH, "1.2.20", "",
                PACK({ "package/bin/bun", "#!/bin/sh\n", EXE, NULL }, { "package/README.md", "x", REG, NULL }));
        publish_index("/@oven%2fbun-linux-" BUN_ARCH, "");
}

/* --- asking --- */

typedef struct {
        RuntimeWait *wait;
        int n, error;
        char version[64], sentence[1024];
        bool drop_inside;
        RuntimeWait **drop_other;
} Answer;

static void on_ready(void *owner, int error, const char *version, const char *sentence) {
        Answer *a = owner;
        a->n++;
        a->error = error;
        (void) snprintf(a->version, sizeof a->version, "%s", version ? version : "");
        (void) snprintf(a->sentence, sizeof a->sentence, "%s", sentence ? sentence : "");
        if (a->drop_inside)
                a->wait = runtime_wait_drop(a->wait);
        if (a->drop_other)
                *a->drop_other = runtime_wait_drop(*a->drop_other);
}

#define turn_until(condition)                                                                   \
        do {                                                                                    \
                uint64_t began_ = clock_monotonic_us();                                         \
                while (!(condition)) {                                                          \
                        if (clock_monotonic_us() - began_ > 60 * USEC_PER_SEC)                  \
                                fail_msg("never: %s", #condition);                              \
                        assert_true(sd_event_run(loop_event(t.loop), 50 * USEC_PER_MSEC) >= 0); \
                }                                                                               \
        } while (0)

static Answer want(RuntimeKind kind, const char *version) {
        Answer a = { 0 };
        assert_int_equal(runtimes_want(t.runtimes, kind, version, on_ready, &a, &a.wait), 0);
        assert_int_equal(a.n, 0);
        turn_until(a.n == 1);
        a.wait = runtime_wait_drop(a.wait);
        return a;
}

static void expect_version(Answer a, const char *version) {
        if (a.error != 0)
                fail_msg("%d: %s", a.error, a.sentence);
        assert_string_equal(a.version, version);
}

static void expect_failure(Answer a, const char *part) {
        assert_true(a.error < 0);
        assert_string_equal(a.version, "");
        if (!strstr(a.sentence, part))
                fail_msg("no '%s' in: %s", part, a.sentence);
}

static const char *at(const char *path) {
        static char buffer[512];
        (void) snprintf(buffer, sizeof buffer, "%s/%s", t.directory, path);
        return buffer;
}

static unsigned mode_of(const char *path) {
        struct stat st;
        if (lstat(at(path), &st) < 0)
                return 0;
        assert_int_equal(st.st_uid, geteuid());
        return st.st_mode;
}

static int n_entries(const char *path) {
        int n = 0;
        DIR *d = opendir(at(path));
        assert_non_null(d);
        for (const struct dirent *e; (e = readdir(d));)
                n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
        closedir(d);
        return n;
}

static void expect_link(const char *path, const char *to) {
        char text[256] = "";
        assert_true(readlink(at(path), text, sizeof text - 1) > 0);
        assert_string_equal(text, to);
        assert_int_equal(access(at(path), X_OK), 0);
}

static void expect_text(const char *path, const char *text) {
        char found[256] = "";
        FILE *f = fopen(at(path), "re");
        assert_non_null(f);
        assert_true(fread(found, 1, sizeof found - 1, f) > 0);
        (void) fclose(f);
        assert_string_equal(found, text);
}

/* --- tests --- */

static void test_version_numbers(void **state) {
        (void) state;
        assert_true(version_is_release("1.2.20") && version_is_release("0.0.0"));
        static const char *const not [] = {
                "1.2", "1.2.3-rc.1", "v1.2.3", "1.2.3.4", "", "1.2.x", "1..3", "99999999999.1.1", "1.2.3 ", "*"
        };
        for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
                assert_false(version_is_release(not [i]));
        assert_true(version_compare("20.9.0", "20.19.0") < 0 && version_compare("2.0.0", "1.99.99") > 0 &&
                    version_compare("1.2.3", "1.2.3") == 0);
        assert_true(version_matches("20.19.0", "20") && version_matches("20.19.0", "20.19") && version_matches("20.19.0", "20.19.0"));
        assert_false(version_matches("20.19.0", "2") || version_matches("20.19.0", "20.1") || version_matches("21.0.0", "20") ||
                     version_matches("20.19.0", "20.19.1") || version_matches("20.19.0", "") || version_matches("20.19.0-rc.1", "20"));
}

static void test_version_ranges(void **state) {
        (void) state;
        static const struct {
                const char *range, *yes, *no;
        } cases[] = {
                { "^18.17.0 || >=20.5.0", "18.17.0 18.99.1 20.5.0 22.0.0", "18.16.9 19.0.0 20.4.9" },
                { "^14.17.0 || ^16.13.0 || >=18.0.0", "14.17.0 16.13.1 18.0.0 99.0.0", "14.16.0 15.0.0 17.9.9" },
                { "6 >=6.2.0 || 8 || >=9.3.0", "6.2.0 6.9.9 8.0.0 9.3.0", "6.1.9 7.0.0 9.2.9" },
                { ">= 18", "18.0.0 20.0.0", "17.9.9" },
                { ">18", "19.0.0", "18.9.9" },
                { "<=18", "18.9.9 1.0.0", "19.0.0" },
                { "<18", "17.9.9", "18.0.0" },
                { "18.x", "18.0.0 18.9.9", "17.0.0 19.0.0" },
                { "18.2.*", "18.2.9", "18.3.0" },
                { "*", "0.0.1 20.0.0", "" },
                { "", "20.0.0", "" },
                { "~18.2.3", "18.2.3 18.2.9", "18.3.0 18.2.2" },
                { "~18", "18.9.0", "19.0.0" },
                { "^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2" },
                { "^0.0.3", "0.0.3", "0.0.4" },
                { "=20.0.0", "20.0.0", "20.0.1" },
                { ">=18 <20", "18.0.0 19.9.9", "17.9.9 20.0.0" },
                { "latest", "", "20.0.0" },
                { ">=18 nonsense", "", "20.0.0" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                for (int yes = 0; yes < 2; yes++) {
                        char text[128], *rest = text;
                        (void) snprintf(text, sizeof text, "%s", yes ? cases[i].yes : cases[i].no);
                        for (const char *v; (v = strsep(&rest, " ")) && *v;)
                                if (version_satisfies(v, cases[i].range) != yes)
                                        fail_msg("%s in '%s' should be %d", v, cases[i].range, yes);
                }
}

static void test_addresses_that_a_registry_names(void **state) {
        (void) state;
        assert_true(runtime_url_is_safe("https://r.example", "https://r.example/x.tgz"));
        assert_true(runtime_url_is_safe("https://r.example", "https://cdn.example/x.tgz"));
        assert_true(runtime_url_is_safe("http://127.0.0.1:4873", "http://127.0.0.1:4873/x.tgz"));
        assert_true(runtime_url_is_safe("http://127.0.0.1:4873", "https://cdn.example/x.tgz"));
        assert_false(runtime_url_is_safe("https://r.example", "http://r.example/x.tgz"));
        static const char *const bad[] = { "file:///etc/passwd", "ftp://r.example/x", "//r.example/x", "x.tgz", "", "HTTPS://r.example/x" };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                assert_false(runtime_url_is_safe("https://r.example", bad[i]));
                assert_false(runtime_url_is_safe("http://r.example", bad[i]));
        }
}

static void test_digests(void **state) {
        (void) state;
        FILE *f = tmpfile();
        assert_int_equal(fputs("abc", f), 1);
        (void) fflush(f);
        static const struct {
                const char *expected;
                int answer;
        } cases[] = {
                /* FIPS 180-2's own example. */
                { "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==", DIGEST_OK },
                { "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0= "
                  "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==",
                  DIGEST_OK },
                { "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", DIGEST_OK },
                { "sha512-4a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==", DIGEST_E_DIFFERENT },
                { "aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", DIGEST_E_DIFFERENT },
                { "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", DIGEST_E_FORM },
                { "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", DIGEST_E_FORM },
                { "sha512-", DIGEST_E_FORM },
                { "sha512-3a81", DIGEST_E_FORM },
                { "sha512-!!!!", DIGEST_E_FORM },
                { "", DIGEST_E_FORM },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_int_equal(digest_verify(fileno(f), cases[i].expected), cases[i].answer);
        (void) fclose(f);
        assert_int_equal(digest_verify(-1, cases[0].expected), -EBADF);
}

static void test_node_of_an_exact_version(void **state) {
        (void) state;
        publish_all();
        expect_version(want(RUNTIME_NODE, "20.9.0"), "20.9.0");
        assert_int_equal(t.n_unknown, 0);
        assert_int_equal(mode_of("node-20.9.0"), S_IFDIR | 0755);
        assert_int_equal(mode_of("node-20.9.0/bin/node"), S_IFREG | 0755);
        assert_int_equal(mode_of("node-20.9.0/LICENSE"), S_IFREG | 0755); /* its bits say so; never setuid, never others' write */
        assert_int_equal(mode_of("node-20.9.0/lib/node_modules/npm/lib"), S_IFDIR | 0755);
        assert_int_equal(mode_of("node-20.9.0/lib/node_modules/npm/lib/npm.js"), S_IFREG | 0644);
        assert_int_equal(mode_of("node-20.9.0/lib/node_modules/npm/bin/npm-cli.js"), S_IFREG | 0755);
        assert_int_equal(mode_of("node-20.9.0/lib/node_modules/npm/node_modules/a/run.sh"), S_IFREG | 0755);
        expect_link("node-20.9.0/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js");
        expect_link("node-20.9.0/bin/npx", "../lib/node_modules/npm/bin/npx-cli.js");
        expect_text("node-20.9.0/bin/node", "#!/bin/sh\necho fake node\n");
        expect_text("node-20.9.0/lib/node_modules/npm/package.json", "10.9.2");
        assert_int_equal(n_entries("node-20.9.0"), 3); /* bin, lib, LICENSE: no headers, no manual */
        assert_int_equal(n_entries("node-20.9.0/bin"), 3);
        assert_int_equal(n_entries(""), 1);
        int before = t.n_requests;
        expect_version(want(RUNTIME_NODE, "20.9.0"), "20.9.0");
        assert_int_equal(t.n_requests, before);
}

static void test_npm_is_one_that_works_with_node(void **state) {
        (void) state;
        publish_all();
        expect_version(want(RUNTIME_NODE, "16"), "16.20.2");
        expect_text("node-16.20.2/lib/node_modules/npm/package.json", "9.9.4");
}

static void test_newest_of_a_line(void **state) {
        (void) state;
        publish_all();
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        expect_text(".latest-node-20", "20.19.0\n");
        int before = t.n_requests;
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        assert_int_equal(t.n_requests, before);
        /* A day later the index is asked again, and what is there is not fetched again. */
        const struct timespec old[2] = { { .tv_sec = time(NULL) - 90000 }, { .tv_sec = time(NULL) - 90000 } };
        assert_int_equal(utimensat(AT_FDCWD, at(".latest-node-20"), old, 0), 0);
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        assert_int_equal(t.n_requests, before + 1);
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        assert_int_equal(t.n_requests, before + 1);
        /* Remembered, but gone from the disk: fetched again, without the index. */
        runtime_remove_tree(at("node-20.19.0"));
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        assert_int_equal(access(at("node-20.19.0/bin/node"), X_OK), 0);
}

static void test_without_its_source_what_is_there_is_used(void **state) {
        (void) state;
        publish_all();
        expect_version(want(RUNTIME_NODE, "20.9.0"), "20.9.0");
        unsigned port = (unsigned) atoi(strrchr(t.url, ':') + 1);
        t.server = http_server_free(t.server);
        expect_version(want(RUNTIME_NODE, "20"), "20.9.0");
        expect_version(want(RUNTIME_NODE, "20.9"), "20.9.0");
        expect_failure(want(RUNTIME_NODE, "21"), "refused");
        expect_failure(want(RUNTIME_NODE, "20.19.0"), "127.0.0.1");
        assert_int_equal(n_entries(""), 1);
        server_open(port);
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
}

static void test_bun(void **state) {
        (void) state;
        publish_all();
        expect_version(want(RUNTIME_BUN, "1.2"), "1.2.20");
        assert_int_equal(t.n_unknown, 0);
        assert_int_equal(mode_of("bun-1.2.20/bin/bun"), S_IFREG | 0755);
        expect_link("bun-1.2.20/bin/bunx", "bun");
        assert_int_equal(n_entries("bun-1.2.20"), 1);
        assert_int_equal(n_entries("bun-1.2.20/bin"), 2); /* no node */
}

static void test_wrong_digest(void **state) {
        (void) state;
        publish_all();
        Page *p = publish(NODE, "20.9.0", "", PACK(NODE_FILES));
        p->body[p->length / 2] ^= 1;
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "does not match its published digest");
        assert_int_equal(n_entries(""), 0);
        /* The same of npm: no node without its npm is left. */
        p = publish("/npm", "10.9.2", "", PACK({ "package/bin/npm-cli.js", "x", REG, NULL }));
        p->body[p->length / 2] ^= 1;
        expect_failure(want(RUNTIME_NODE, "20.19.0"), "npm does not match");
        assert_int_equal(n_entries(""), 0);
}

static void test_bad_archives(void **state) {
        (void) state;
        publish_all();
        char absolute[128];
        (void) snprintf(absolute, sizeof absolute, "%s/escaped", t.directory);
        const struct {
                File file;
                const char *part;
        } cases[] = {
                { { absolute, "x", REG, NULL }, "unsafe path" },
                { { "package/../../escaped", "x", REG, NULL }, "unsafe path" },
                { { "package/bin/../../x", "x", REG, NULL }, "unsafe path" },
                { { "package//bin/node", "x", REG, NULL }, "unsafe path" },
                { { "package/./bin/node", "x", REG, NULL }, "unsafe path" },
                { { "package/a\nb", "x", REG, NULL }, "unsafe path" },
                { { "package/bin/nod", "x", REG, NULL }, "no bin/node" },
                { { "bin", "x", REG, NULL }, "no bin/node" },
                { { "package/bin/node", "", REG, NULL }, "no bin/node" },
                { { "package/bin/node", NULL, S_IFLNK | 0777, "/bin/sh" }, "no bin/node" },
                { { "package/bin/node", NULL, S_IFIFO | 0755, NULL }, "no bin/node" },
                { { "package/bin/node", NULL, REG, "/bin/sh" }, "no bin/node" },
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                publish(NODE, "20.9.0", "", pack(false, &cases[i].file, 1));
                Answer a = want(RUNTIME_NODE, "20.9.0");
                if (!strstr(a.sentence, cases[i].part))
                        fail_msg("%s: %s", cases[i].file.path, a.sentence);
                assert_int_equal(n_entries(""), 0);
        }
        assert_int_equal(access(absolute, F_OK), -1);
        /* A link in the way of what comes after it. */
        publish(NODE, "20.9.0", "", PACK({ "package/bin", NULL, S_IFLNK | 0777, t.directory }, { "package/bin/node", "real", EXE, NULL }));
        expect_version(want(RUNTIME_NODE, "20.9.0"), "20.9.0");
        assert_int_equal(mode_of("node-20.9.0/bin"), S_IFDIR | 0755);
        assert_int_equal(access(at("node"), F_OK), -1);
}

static void test_damaged_archive(void **state) {
        (void) state;
        publish_all();
        size_t n = PACK(NODE_FILES);
        publish(NODE, "20.9.0", "", n / 2); /* with the digest of that half */
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "damaged");
        strcpy(packed, "this is no archive");
        publish(NODE, "20.9.0", "", strlen(packed));
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "archive");
        assert_int_equal(n_entries(""), 0);
}

static void test_bad_registry(void **state) {
        (void) state;
        publish_all();
        expect_failure(want(RUNTIME_NODE, "20.99.99"), "there is no node 20.99.99");
        expect_failure(want(RUNTIME_NODE, "99"), "there is no version 99 of node-linux-");
        page(NODE, "<html>not json", 14);
        expect_failure(want(RUNTIME_NODE, "21"), "no JSON");
        page(NODE, "[]", 2);
        expect_failure(want(RUNTIME_NODE, "21"), "there is no version 21");
        page(NODE, "", 0)->status = 503;
        expect_failure(want(RUNTIME_NODE, "21"), "503");
        static const char *const bad[] = { "{}", "{\"version\":\"20.9.0\"}", "{\"version\":5,\"dist\":[]}" };
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                page(NODE "/20.9.0", bad[i], strlen(bad[i]));
                expect_failure(want(RUNTIME_NODE, "20.9.0"), "not what npm's protocol says");
        }
        const char *text = manifest(NODE, "20.9.0", "", "sha1-qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        page(NODE "/20.9.0", text, strlen(text));
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "no sha512");
        text = manifest(NODE, "20.19.0", "", integrity_of("", 0)); /* another version than asked for */
        page(NODE "/20.9.0", text, strlen(text));
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "not what npm's protocol says");
        static const char file[] = "{\"version\":\"20.9.0\",\"dist\":{\"integrity\":\"sha512-x\",\"tarball\":\"file:///etc/passwd\"}}";
        page(NODE "/20.9.0", file, sizeof file - 1);
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "no proper address");
        static const char one_npm[] = "{\"versions\":{\"9.0.0\":{\"version\":\"9.0.0\",\"engines\":{\"node\":\"^18\"}}}}";
        page("/npm", one_npm, sizeof one_npm - 1);
        expect_failure(want(RUNTIME_NODE, "20.19.0"), "no version of npm works with node 20.19.0");
        assert_int_equal(n_entries(""), 0);
}

static void test_waits_share_a_download(void **state) {
        (void) state;
        publish_all();
        Answer a[5] = { 0 };
        static const char *const versions[] = { "20", "20", "20.19.0", "20.19", "20" };
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(runtimes_want(t.runtimes, RUNTIME_NODE, versions[i], on_ready, &a[i], &a[i].wait), 0);
        a[4].wait = runtime_wait_drop(a[4].wait);
        turn_until(a[0].n + a[1].n + a[2].n + a[3].n == 4);
        for (size_t i = 0; i < 4; i++) {
                expect_version(a[i], "20.19.0");
                a[i].wait = runtime_wait_drop(a[i].wait);
        }
        assert_int_equal(a[4].n, 0);
        for (size_t i = 0; i < t.n_pages; i++)
                if (strstr(t.pages[i].path, "/-/"))
                        assert_true(t.pages[i].n_asked <= 1);
        assert_int_equal(n_entries(""), 3); /* the version, and what 20 and 20.19 mean */
}

static void test_callback_may_drop_itself_and_others(void **state) {
        (void) state;
        publish_all();
        Answer a[3] = { 0 };
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(runtimes_want(t.runtimes, RUNTIME_NODE, "20.9.0", on_ready, &a[i], &a[i].wait), 0);
        for (size_t i = 0; i < 3; i++) {
                a[i].drop_inside = true;
                a[i].drop_other = &a[(i + 1) % 3].wait;
        }
        turn_until(a[0].n + a[1].n + a[2].n == 2); /* one of the three was dropped by another */
        for (size_t i = 0; i < 3; i++)
                a[i].wait = runtime_wait_drop(a[i].wait);
}

static void test_download_goes_on_without_its_wait(void **state) {
        (void) state;
        publish_all();
        Answer a = { 0 };
        assert_int_equal(runtimes_want(t.runtimes, RUNTIME_NODE, "20.9.0", on_ready, &a, &a.wait), 0);
        a.wait = runtime_wait_drop(a.wait);
        turn_until(access(at("node-20.9.0"), F_OK) == 0);
        assert_int_equal(a.n, 0);
}

static void test_free_in_the_middle_and_leftovers(void **state) {
        (void) state;
        publish_all();
        publish(NODE, "20.9.0", "", PACK(NODE_FILES))->hold = true;
        Answer a = { 0 };
        assert_int_equal(runtimes_want(t.runtimes, RUNTIME_NODE, "20.9.0", on_ready, &a, &a.wait), 0);
        turn_until(t.pages[3].n_asked + t.n_requests >= 2);
        assert_int_equal(n_entries(""), 1);
        a.wait = runtime_wait_drop(a.wait);
        t.runtimes = runtimes_free(t.runtimes);
        assert_int_equal(n_entries(""), 0);
        assert_int_equal(a.n, 0);
        /* What a crash has left. */
        assert_int_equal(mkdir(at(".download-abcdef"), 0700), 0);
        assert_int_equal(mkdir(at(".download-abcdef/out"), 0755), 0);
        assert_int_equal(symlink(t.directory, at(".download-abcdef/out/up")), 0);
        assert_int_equal(mkdir(at("node-1.2.3"), 0755), 0);
        runtimes_open(false);
        assert_int_equal(n_entries(""), 1);
        assert_int_equal(access(at("node-1.2.3"), F_OK), 0);
}

static void test_full_disk(void **state) {
        (void) state;
        static char big[300 * 1024];
        for (size_t i = 0; i < sizeof big - 1; i++)
                big[i] = "abcdefghij"[i % 10]; /* packs well: the archive fits, what is in it does not */
        publish_all();
        publish(NODE, "20.9.0", "", PACK({ "package/bin/node", big, EXE, NULL }));
        assert_int_equal(unshare(CLONE_NEWNS), 0);
        assert_int_equal(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL), 0);
        assert_int_equal(mount("tmpfs", t.directory, "tmpfs", 0, "size=128k"), 0);
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "the disk is full");
        assert_int_equal(n_entries(""), 0);
        randombytes_buf(packed, 300 * 1024);
        publish(NODE, "20.9.0", "", 300 * 1024);
        expect_failure(want(RUNTIME_NODE, "20.9.0"), "the disk is full");
        assert_int_equal(n_entries(""), 0);
        assert_int_equal(umount(t.directory), 0);
}

static void test_from_the_publishers(void **state) {
        (void) state;
        t.runtimes = runtimes_free(t.runtimes);
        runtimes_open(true);
        char path[256], text[512];
        static const char index[] = "[{\"version\":\"v22.1.0\"},{\"version\":\"v20.19.0\"},{\"version\":\"v20.9.0\"},{\"version\":\"v20.20."
                                    "0-rc.1\"},{}]";
        page("/index.json", index, sizeof index - 1);
        size_t n = PACK({ "node/bin/node", "#!/bin/sh\n", EXE, NULL }, { "node/lib/node_modules/npm/bin/npm-cli.js", "x", REG, NULL },
                        { "node/lib/node_modules/npm/bin/npx-cli.js", "x", REG, NULL },
                        { "node/lib/node_modules/corepack/x", "x", REG, NULL }, { "node/include/x.h", "x", REG, NULL },
                        { "node/bin/npm", NULL, S_IFLNK | 0777, "../lib/node_modules/npm/bin/npm-cli.js" });
        page("/v20.19.0/node-v20.19.0-linux-" NODE_ARCH ".tar.gz", packed, n);
        (void) snprintf(text, sizeof text, "%064d  other.tar.gz\n%s  node-v20.19.0-linux-" NODE_ARCH ".tar.gz\n", 0, sha256_of(packed, n));
        page("/v20.19.0/SHASUMS256.txt", text, strlen(text));
        expect_version(want(RUNTIME_NODE, "20"), "20.19.0");
        expect_link("node-20.19.0/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js");
        assert_int_equal(n_entries("node-20.19.0"), 2);
        assert_int_equal(n_entries("node-20.19.0/lib/node_modules"), 1);

        expect_failure(want(RUNTIME_BUN, "1.2"), "not exact");
        n = pack(true,
                 (const File[]){ { "bun-linux-x64/", NULL, S_IFDIR | 0755, NULL }, { "bun-linux-x64/bun", "#!/bin/sh\n", EXE, NULL } }, 2);
        page("/bun-v1.2.20/bun-linux-" BUN_ARCH ".zip", packed, n);
        (void) snprintf(text, sizeof text, "%s  bun-linux-" BUN_ARCH ".zip\n", sha256_of(packed, n));
        (void) snprintf(path, sizeof path, "/bun-v1.2.20/SHASUMS256.txt");
        page(path, text, strlen(text));
        expect_version(want(RUNTIME_BUN, "1.2.20"), "1.2.20");
        expect_link("bun-1.2.20/bin/bunx", "bun");
        assert_int_equal(mode_of("bun-1.2.20/bin/bun"), S_IFREG | 0755);
        page(path, "nothing\n", 8);
        runtime_remove_tree(at("bun-1.2.20"));
        expect_failure(want(RUNTIME_BUN, "1.2.20"), "does not mention bun-linux-");
}

static void test_what_is_no_version_is_refused(void **state) {
        (void) state;
        static const char *const bad[] = { "", "latest", "20.x", "../20", "20/..", "v20", "^20", "20.1.2.3", "20.19.0-rc.1" };
        RuntimeWait *w = NULL;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(runtimes_want(t.runtimes, RUNTIME_NODE, bad[i], on_ready, NULL, &w), -EINVAL);
        assert_null(w);
        assert_null(runtime_wait_drop(NULL));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_version_numbers),
                cmocka_unit_test(test_version_ranges),
                cmocka_unit_test(test_addresses_that_a_registry_names),
                cmocka_unit_test(test_digests),
                T(test_node_of_an_exact_version),
                T(test_npm_is_one_that_works_with_node),
                T(test_newest_of_a_line),
                T(test_without_its_source_what_is_there_is_used),
                T(test_bun),
                T(test_wrong_digest),
                T(test_bad_archives),
                T(test_damaged_archive),
                T(test_bad_registry),
                T(test_waits_share_a_download),
                T(test_callback_may_drop_itself_and_others),
                T(test_download_goes_on_without_its_wait),
                T(test_free_in_the_middle_and_leftovers),
                T(test_full_disk),
                T(test_from_the_publishers),
                T(test_what_is_no_version_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
