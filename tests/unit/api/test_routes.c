/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/handlers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *document;

static void paths_fit_exactly(void **state) {
        (void) state;
        char argument[64];
        assert_true(api_path_fits("/api/projects/{}", "/api/projects/shop", argument));
        assert_string_equal(argument, "shop");
        assert_true(api_path_fits("/api/projects/{}/env", "/api/projects/shop/env", argument));
        assert_string_equal(argument, "shop");
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/", argument));
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/a/b", argument));
        assert_false(api_path_fits("/api/projects/{}/env", "/api/projects//env", argument));
        assert_false(api_path_fits("/api/projects", "/api/projects/", argument));
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                   argument));
}

/* Only the health of the agent is for everyone. */
static void every_other_route_is_for_administrators(void **state) {
        (void) state;
        size_t n;
        const Route *routes = api_routes(&n);
        assert_true(n > 10);
        for (size_t i = 0; i < n; i++)
                assert_true(routes[i].who == WHO_ADMIN || strcmp(routes[i].path, "/api/health") == 0);
}

/* GET has no body, and what has one is bounded. */
static void bodies_are_bounded(void **state) {
        (void) state;
        size_t n;
        const Route *routes = api_routes(&n);
        for (size_t i = 0; i < n; i++) {
                if (strcmp(routes[i].method, "GET") == 0 || strcmp(routes[i].method, "DELETE") == 0)
                        assert_int_equal(routes[i].body_limit, 0);
                assert_true(routes[i].body_limit <= 2 * 1024 * 1024);
        }
}

/* "METHOD /path" of each route stands in docs/api.md, with {project} or {id} for {}. */
static void every_route_is_documented(void **state) {
        (void) state;
        size_t n, length;
        const Route *routes = api_routes(&n);
        FILE *f = fopen(document, "re");
        char *text = calloc(1, 64 * 1024);

        assert_non_null(f);
        length = fread(text, 1, 64 * 1024 - 1, f);
        assert_true(length > 1000);
        (void) fclose(f);
        for (size_t i = 0; i < n; i++) {
                static const char *const names[] = { "{project}", "{id}" };
                const char *place = strstr(routes[i].path, "{}");
                int found = 0;
                for (size_t k = 0; k < 2; k++) {
                        char *wanted = NULL;
                        int printed = place ? asprintf(&wanted, "| %s %.*s%s%s", routes[i].method, (int) (place - routes[i].path),
                                                       routes[i].path, names[k], place + 2)
                                            : asprintf(&wanted, "| %s %s", routes[i].method, routes[i].path);
                        assert_true(printed > 0);
                        found |= strstr(text, wanted) != NULL;
                        free(wanted);
                }
                if (!found)
                        fail_msg("docs/api.md lacks %s %s", routes[i].method, routes[i].path);
        }
        free(text);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_fit_exactly),
                cmocka_unit_test(every_other_route_is_for_administrators),
                cmocka_unit_test(bodies_are_bounded),
                cmocka_unit_test(every_route_is_documented),
        };
        document = argc > 1 ? argv[1] : "docs/api.md";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
