/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cluster/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/nanoscale-identity-XXXXXX";
static char path[64], key_path[64];
static Sealer *sealer;

static int set_up(void **state) {
        (void) state;
        if (!mkdtemp(directory))
                return -1;
        (void) snprintf(path, sizeof path, "%s/identity.json", directory);
        (void) snprintf(key_path, sizeof key_path, "%s/seal.key", directory);
        return sealer_open(key_path, true, &sealer);
}

static int tear_down(void **state) {
        (void) state;
        sealer_free(sealer);
        (void) unlink(path);
        (void) unlink(key_path);
        return rmdir(directory);
}

static Identity example(void) {
        Identity i = { .server_id = "worker000001", .name = "w1", .host = "2001:db8::1", .port = 4000 };

        memset(i.pin, 'a', 64);
        secret_new(i.secret);
        return i;
}

static void comes_back_as_it_was(void **state) {
        Identity i = example(), got;
        struct stat st;

        (void) state;
        assert_int_equal(identity_read(path, sealer, &got), -ENOENT);
        assert_int_equal(identity_write(path, sealer, &i), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(identity_read(path, sealer, &got), 0);
        assert_memory_equal(&got, &i, sizeof i);
        i.has_next = true;
        i.removed_at_ms = 1790000000123;
        secret_new(i.next);
        assert_int_equal(identity_write(path, sealer, &i), 0);
        assert_int_equal(identity_read(path, sealer, &got), 0);
        assert_memory_equal(&got, &i, sizeof i);
}

static char *read_text(void) {
        static char text[8192];
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof text - 1);

        assert_true(n > 0);
        text[n] = '\0';
        return text;
}

static void write_text(const char *text) {
        auto_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

static void no_key_is_readable_in_it(void **state) {
        Identity i = example();
        char hex[SECRET_HEX_LENGTH + 1];

        (void) state;
        assert_int_equal(identity_write(path, sealer, &i), 0);
        secret_hex(i.secret, hex);
        assert_null(strstr(read_text(), hex));
}

/* Cut off at any byte, with any byte changed: it is refused, or (spaces, a letter of a name) reads as an identity of the same key. */
static void damage_is_noticed(void **state) {
        Identity i = example(), got;
        char whole[8192], cut[8192];

        (void) state;
        assert_int_equal(identity_write(path, sealer, &i), 0);
        (void) snprintf(whole, sizeof whole, "%s", read_text());
        for (size_t n = 0; n + 2 < strlen(whole); n++) {
                memcpy(cut, whole, n);
                cut[n] = '\0';
                write_text(n ? cut : " ");
                assert_int_equal(identity_read(path, sealer, &got), -EBADMSG);
        }
        for (size_t n = 0; n < strlen(whole); n++) {
                (void) snprintf(cut, sizeof cut, "%s", whole);
                cut[n] = cut[n] == 'b' ? 'c' : 'b';
                write_text(cut);
                if (identity_read(path, sealer, &got) == 0)
                        assert_memory_equal(got.secret, i.secret, SECRET_BYTES);
        }
}

/* The keys are bound to the server: the file of another one cannot lend its key. */
static void a_key_of_another_server_is_refused(void **state) {
        Identity i = example(), got;
        char text[8192], *at;

        (void) state;
        assert_int_equal(identity_write(path, sealer, &i), 0);
        (void) snprintf(text, sizeof text, "%s", read_text());
        at = strstr(text, "worker000001");
        assert_non_null(at);
        at[11] = '2';
        write_text(text);
        assert_int_equal(identity_read(path, sealer, &got), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comes_back_as_it_was),
                cmocka_unit_test(no_key_is_readable_in_it),
                cmocka_unit_test(damage_is_noticed),
                cmocka_unit_test(a_key_of_another_server_is_refused),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
