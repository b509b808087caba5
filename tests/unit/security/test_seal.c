/* SPDX-License-Identifier: AGPL-3.0-or-later */
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

#include "security/random.h"
#include "security/seal.h"

static char directory[] = "/tmp/nanoscale-seal-XXXXXX";
static char path[64], other_path[64];

static int set_up(void **state) {
        Sealer *s = NULL;

        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof(path), "%s/seal.key", directory);
        (void) snprintf(other_path, sizeof(other_path), "%s/other.key", directory);
        if (sealer_open(path, 1, &s) != 0)
                return -1;
        *state = s;
        return 0;
}

static int tear_down(void **state) {
        sealer_free(*state);
        (void) unlink(path);
        (void) unlink(other_path);
        return rmdir(directory); /* also says that no temporary file was left */
}

static void write_file(const char *name, const void *bytes, size_t n, mode_t mode) {
        int fd;

        (void) unlink(name);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, n), (ssize_t) n);
        assert_int_equal(fchmod(fd, mode), 0);
        assert_int_equal(close(fd), 0);
}

static void key_file(void **state) {
        static const unsigned char zeroes[32];
        unsigned char key[33] = "0123456789abcdef0123456789abcdef";
        Sealer *s = NULL;
        struct stat st;

        (void) state;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(st.st_size, 32);
        assert_int_equal(sealer_open(other_path, 0, &s), -ENOENT);
        assert_int_equal(sealer_open("/nonexistent/seal.key", 1, &s), -ENOENT);
        write_file(other_path, key, 32, 0600);
        assert_int_equal(sealer_open(other_path, 0, &s), 0);
        s = sealer_free(s);
        write_file(other_path, key, 32, 0400);
        assert_int_equal(sealer_open(other_path, 1, &s), 0);
        s = sealer_free(s);
        for (size_t n = 0; n < 34; n += n == 31 ? 2 : 31) { /* 0, 31, 33 */
                write_file(other_path, key, n, 0600);
                assert_int_equal(sealer_open(other_path, 1, &s), -EBADMSG);
        }
        write_file(other_path, zeroes, 32, 0600);
        assert_int_equal(sealer_open(other_path, 1, &s), -EBADMSG);
        write_file(other_path, key, 32, 0640);
        assert_int_equal(sealer_open(other_path, 1, &s), -EPERM);
        write_file(other_path, key, 32, 0604);
        assert_int_equal(sealer_open(other_path, 1, &s), -EPERM);
        assert_int_equal(unlink(other_path), 0);
        assert_int_equal(symlink(path, other_path), 0);
        assert_int_equal(sealer_open(other_path, 1, &s), -ELOOP);
        assert_int_equal(unlink(other_path), 0);
        assert_int_equal(mkdir(other_path, 0700), 0);
        assert_int_equal(sealer_open(other_path, 1, &s), -EBADMSG);
        assert_int_equal(rmdir(other_path), 0);
        assert_null(s);
}

static void assert_opens(const Sealer *s, const char *sealed, const char *plain, size_t length) {
        char *opened = NULL;
        size_t n = 0;

        assert_int_equal(unseal_text(s, "project:a", sealed, &opened, &n), 0);
        assert_int_equal(n, length);
        assert_memory_equal(opened, plain, length);
        assert_int_equal(opened[n], '\0');
        secret_free(opened, n);
}

static void there_and_back(void **state) {
        static const char binary[] = "a\0b\377";
        static char big[200000];
        char *sealed = NULL, *again = NULL;
        Sealer *s = NULL;

        assert_int_equal(seal_text(*state, "project:a", "", 0, &sealed), 0);
        assert_opens(*state, sealed, "", 0);
        free(sealed);
        assert_int_equal(seal_text(*state, "project:a", binary, sizeof(binary), &sealed), 0);
        assert_opens(*state, sealed, binary, sizeof(binary));
        assert_null(strstr(sealed, "YQBi")); /* the plain text in base64 */
        assert_memory_equal(sealed, "v1:", 3);
        assert_int_equal(seal_text(*state, "project:a", binary, sizeof(binary), &again), 0);
        assert_string_not_equal(sealed, again);
        free(again);
        /* The same key, read again. */
        assert_int_equal(sealer_open(path, 0, &s), 0);
        assert_opens(s, sealed, binary, sizeof(binary));
        sealer_free(s);
        free(sealed);
        memset(big, 'z', sizeof(big));
        assert_int_equal(seal_text(*state, "project:a", big, sizeof(big), &sealed), 0);
        assert_opens(*state, sealed, big, sizeof(big));
        free(sealed);
        assert_int_equal(seal_text(*state, "project:a", big, (size_t) 1 << 30, &sealed), -EFBIG);
}

static void refuse(const Sealer *s, const char *context, const char *sealed) {
        char *opened = NULL;

        assert_int_equal(unseal_text(s, context, sealed, &opened, NULL), -EBADMSG);
        assert_null(opened);
}

/* Every bit of every character, every length: nothing but the text itself opens. */
static void tampered(void **state) {
        char *sealed = NULL;
        Sealer *other = NULL;
        size_t length;

        assert_int_equal(seal_text(*state, "project:a", "secret", 6, &sealed), 0);
        length = strlen(sealed);
        for (size_t i = 0; i < length; i++) {
                char kept = sealed[i];

                for (unsigned bit = 0; bit < 8; bit++) {
                        sealed[i] = (char) (kept ^ (1 << bit));
                        refuse(*state, "project:a", sealed);
                }
                sealed[i] = '\0';
                refuse(*state, "project:a", sealed);
                sealed[i] = kept;
        }
        refuse(*state, "project:b", sealed);
        refuse(*state, "project:", sealed);
        refuse(*state, "", sealed);
        assert_int_equal(sealer_open(other_path, 1, &other), 0);
        refuse(other, "project:a", sealed);
        sealer_free(other);
        assert_opens(*state, sealed, "secret", 6);
        free(sealed);

        for (size_t i = 0; i < 9; i++) {
                static const char *const nonsense[] = { "",        "v1:",     "v2:AAAA",
                                                        "secret",  "v1:AAAA", "v1:AA",
                                                        "v1:====", "v1: AAA", "V1:AAAAAAAAAAAAAAAA" };

                refuse(*state, "project:a", nonsense[i]);
        }
}

static void longer_than_it_was(void **state) {
        char *sealed = NULL, longer[256];

        assert_int_equal(seal_text(*state, "project:a", "secret", 6, &sealed), 0);
        (void) snprintf(longer, sizeof(longer), "%sAAAA", sealed);
        refuse(*state, "project:a", longer);
        (void) snprintf(longer, sizeof(longer), "%s\n", sealed);
        refuse(*state, "project:a", longer);
        free(sealed);
}

/* One text for one secret: a decoder that takes other bytes for a slash must not be asked. */
static void slashes(void **state) {
        char *sealed = NULL, *slash = NULL;

        for (int i = 0; i < 1000 && !slash; i++) {
                free(sealed);
                assert_int_equal(seal_text(*state, "project:a", "secret", 6, &sealed), 0);
                slash = strchr(sealed, '/');
        }
        assert_non_null(slash);
        for (int byte = 0x80; byte < 0x100; byte++) {
                *slash = (char) byte;
                refuse(*state, "project:a", sealed);
        }
        free(sealed);
}

static void ids(void **state) {
        unsigned seen[256] = { 0 };
        char id[13], last[13] = "";

        (void) state;
        for (int i = 0; i < 6000; i++) {
                random_id(id);
                assert_int_equal(strlen(id), 12);
                assert_int_equal(strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789"), 12);
                assert_string_not_equal(id, last);
                memcpy(last, id, sizeof(id));
                for (const char *c = id; *c; c++)
                        seen[(unsigned char) *c]++;
        }
        /* 72,000 characters, 2,000 of each expected with a deviation of 44: a character that comes too often by a modulo is far outside. */
        for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789"; *c; c++)
                assert_in_range(seen[(unsigned char) *c], 1690, 2310);
        secret_free(NULL, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(key_file),           cmocka_unit_test(there_and_back), cmocka_unit_test(tampered),
                cmocka_unit_test(longer_than_it_was), cmocka_unit_test(slashes),        cmocka_unit_test(ids),
        };

        return cmocka_run_group_tests_name("seal", tests, set_up, tear_down);
}
