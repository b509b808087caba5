/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/resolve.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void public_addresses_are_pinned(void **state) {
        (void) state;
        char *text = NULL;
        assert_int_equal(resolve_judge("git.example", 443, "93.184.216.34\n2606:2800:220:1::1\n", false, &text), 0);
        assert_string_equal(text, "git.example:443:93.184.216.34,[2606:2800:220:1::1]");
        free(text);
}

/* One internal address among public ones is enough to refuse: which one git would take is not ours to guess. */
static void one_private_address_refuses(void **state) {
        (void) state;
        static const char *const lists[] = {
                "10.0.0.1\n", "127.0.0.1\n", "169.254.169.254\n", "93.184.216.34\n192.168.1.1\n",
                "::1\n",      "fe80::1\n",   "::ffff:10.0.0.1\n", "100.64.0.1\n",
        };
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
                char *text = NULL;
                assert_int_equal(resolve_judge("git.example", 443, lists[i], false, &text), 1);
                assert_non_null(strstr(text, "network.allow_private_repositories"));
                free(text);
                text = NULL;
                assert_int_equal(resolve_judge("git.example", 443, lists[i], true, &text), 0);
                free(text);
        }
}

static void no_address_is_said(void **state) {
        (void) state;
        char *text = NULL;
        assert_int_equal(resolve_judge("git.example", 443, "", true, &text), 1);
        assert_non_null(strstr(text, "no address"));
        free(text);
}

/* Through the loop, with the real look-up. */
typedef struct {
        Loop *loop;
        Resolve *resolve;
        char sentence[512];
} Wait;

static void done(void *owner, const char *address, const char *sentence) {
        Wait *w = owner;
        (void) snprintf(w->sentence, sizeof w->sentence, "%s", address ? address : sentence);
        w->resolve = resolve_drop(w->resolve);
        loop_exit(w->loop, 3);
}

static void look_up(const char *url, bool allow, Wait *w) {
        assert_int_equal(loop_new(&w->loop), 0);
        assert_int_equal(resolve_repository(w->loop, url, allow, done, w, &w->resolve), 0);
        assert_int_equal(loop_run(w->loop), 3);
        w->loop = loop_free(w->loop);
}

static void real_look_ups(void **state) {
        (void) state;
        Wait w = { 0 };
        look_up("https://127.0.0.1/a.git", false, &w);
        assert_non_null(strstr(w.sentence, "not public"));
        look_up("https://127.0.0.1/a.git", true, &w);
        assert_string_equal(w.sentence, "");
        look_up("https://does-not-exist.invalid/a.git", true, &w);
        assert_non_null(strstr(w.sentence, "was not found"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(public_addresses_are_pinned),
                cmocka_unit_test(one_private_address_refuses),
                cmocka_unit_test(no_address_is_said),
                cmocka_unit_test(real_look_ups),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
