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

static const char *api_document, *protocol_document;

static void paths_fit_exactly(void **state) {
        (void) state;
        char argument[ARGUMENT_SIZE];
        assert_true(api_path_fits("/api/projects/{}", "/api/projects/shop", argument));
        assert_string_equal(argument, "shop");
        assert_true(api_path_fits("/api/projects/{}/env", "/api/projects/shop/env", argument));
        assert_string_equal(argument, "shop");
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/", argument));
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/a/b", argument));
        assert_false(api_path_fits("/api/projects/{}/env", "/api/projects//env", argument));
        assert_false(api_path_fits("/api/projects", "/api/projects/", argument));
        assert_true(api_path_fits("/api/projects/{}/domains/{}/check", "/api/projects/shop/domains/www.example.com/check", argument));
        assert_string_equal(argument, "shop");
        assert_string_equal(api_second(argument), "www.example.com");
        assert_true(api_path_fits("/api/projects/{}/domains/{}", "/api/projects/shop/domains/www.example.com", argument));
        assert_string_equal(api_second(argument), "www.example.com");
        assert_false(api_path_fits("/api/projects/{}/domains/{}", "/api/projects/shop/domains/", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}", "/api/projects/shop/domains", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}", "/api/projects//domains/a.example", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}", "/api/projects/shop/domains/a.example/check", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}/check", "/api/projects/shop/domains/a.example", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}/check", "/api/projects/shop/domains/a.example/checks", argument));
        assert_false(api_path_fits("/api/projects/{}/domains/{}/check", "/api/projects/shop/domains//check", argument));
        assert_string_equal(argument, ""); /* nothing of what did not fit */
        assert_false(api_path_fits("/api/projects/{}", "/api/projects/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                   argument));
}

/* Both places have their longest, and nothing beyond. */
static void longest_paths_fit(void **state) {
        char argument[ARGUMENT_SIZE + 1], path[700], first[66], second[256];

        (void) state;
        memset(first, 'a', sizeof first);
        memset(second, 'b', sizeof second);
        argument[ARGUMENT_SIZE] = '!';
        for (size_t n = 62; n < 65; n++)
                for (size_t m = 252; m < 255; m++) {
                        (void) snprintf(path, sizeof path, "/api/projects/%.*s/domains/%.*s", (int) n, first, (int) m, second);
                        assert_int_equal(api_path_fits("/api/projects/{}/domains/{}", path, argument), n < 64 && m < 254);
                        assert_int_equal(argument[ARGUMENT_SIZE], '!');
                        if (n < 64 && m < 254)
                                assert_int_equal(strlen(argument) + strlen(api_second(argument)), n + m);
                }
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

static char *read_document(const char *path) {
        FILE *f = fopen(path, "re");
        char *text = calloc(1, 512 * 1024);
        size_t length;

        assert_non_null(f);
        assert_non_null(text);
        length = fread(text, 1, 512 * 1024 - 1, f);
        assert_true(length > 1000 && length < 512 * 1024 - 1);
        (void) fclose(f);
        return text;
}

/* A row of a table begins with "METHOD /path", one of names standing for {}; what follows is a blank or a query, not more of a path. */
static int has_row(const char *text, const Route *route, const char *const *names) {
        const char *place = strstr(route->path, "{}"), *rest = place ? place + 2 : "", *second = strstr(rest, "{}");
        int found = 0;

        for (; *names && !found; names++) {
                char *wanted = NULL;
                int length = place ? asprintf(&wanted, "\n| %s %.*s%s%.*s%s%s", route->method, (int) (place - route->path), route->path,
                                              *names, (int) (second ? second - rest : (ptrdiff_t) strlen(rest)), rest,
                                              second ? "{domain}" : "", second ? second + 2 : "")
                                   : asprintf(&wanted, "\n| %s %s", route->method, route->path);
                assert_true(length > 0);
                for (const char *at = strstr(text, wanted); at && !found; at = strstr(at + 1, wanted))
                        found = at[length] == ' ' || at[length] == '?';
                free(wanted);
        }
        return found;
}

/* "METHOD /path" of each route stands in docs/api.md. */
static void every_route_is_documented(void **state) {
        static const char *const names[] = { "{project}", "{server}", "{id}", NULL };
        size_t n;
        const Route *routes = api_routes(&n);
        char *text = read_document(api_document);

        (void) state;
        for (size_t i = 0; i < n; i++)
                if (!has_row(text, &routes[i], names))
                        fail_msg("docs/api.md lacks %s %s", routes[i].method, routes[i].path);
        free(text);
}

/* --- the gateway --- */

static bool is_internal(const Route *route) {
        return strncmp(route->path, "/internal/", 10) == 0;
}

/* What is reached from the network is signed, but for what a machine needs before it has a key; and joining is the orchestrator's. */
static void gateway_serves_signed_calls_and_little_else(void **state) {
        (void) state;
        for (int is_orchestrator = 0; is_orchestrator < 2; is_orchestrator++) {
                size_t n, others = 0;
                const Route *routes = api_gateway_routes(is_orchestrator, &n);

                for (size_t i = 0; i < n; i++) {
                        if (is_internal(&routes[i])) {
                                assert_int_equal(routes[i].who, WHO_NODE);
                                continue;
                        }
                        others++;
                        if (strcmp(routes[i].path, "/api/health") == 0 || strcmp(routes[i].path, "/metrics") == 0)
                                assert_string_equal(routes[i].method, "GET");
                        else if (is_orchestrator && strcmp(routes[i].path, "/api/cluster/join") == 0)
                                assert_string_equal(routes[i].method, "POST");
                        else
                                fail_msg("%s %s is reached from the network", routes[i].method, routes[i].path);
                }
                assert_int_equal(others, is_orchestrator ? 3 : 2);
                assert_true(n > others);
        }
}

/* The same key signs in both directions: a call that one role has signed must mean nothing when it is sent back to it. Methods do not
 * count; nor does what stands for {}. */
static void roles_share_no_signed_path(void **state) {
        size_t n_orchestrator, n_worker;
        const Route *orchestrator = api_gateway_routes(true, &n_orchestrator), *worker = api_gateway_routes(false, &n_worker);
        char argument[ARGUMENT_SIZE];

        (void) state;
        for (size_t i = 0; i < n_orchestrator; i++)
                for (size_t k = 0; k < n_worker; k++) {
                        if (!is_internal(&orchestrator[i]) || !is_internal(&worker[k]))
                                continue;
                        if (api_path_fits(orchestrator[i].path, worker[k].path, argument) ||
                            api_path_fits(worker[k].path, orchestrator[i].path, argument))
                                fail_msg("%s is served by both roles", worker[k].path);
                }
}

static void gateway_bodies_are_bounded(void **state) {
        (void) state;
        for (int is_orchestrator = 0; is_orchestrator < 2; is_orchestrator++) {
                size_t n;
                const Route *routes = api_gateway_routes(is_orchestrator, &n);

                for (size_t i = 0; i < n; i++) {
                        bool has_body = strcmp(routes[i].method, "POST") == 0 || strcmp(routes[i].method, "PUT") == 0;

                        assert_true(has_body || strcmp(routes[i].method, "GET") == 0 || strcmp(routes[i].method, "DELETE") == 0);
                        assert_true(has_body ? routes[i].body_limit <= 2 * 1024 * 1024 : routes[i].body_limit == 0);
                        assert_int_equal(routes[i].elsewhere, HERE);
                }
        }
}

/* "METHOD /path" of each stands in docs/protocol.md, which is enough to write the other side. */
static void every_gateway_route_is_documented(void **state) {
        static const char *const names[] = { "{id}", NULL };
        char *text = read_document(protocol_document);

        (void) state;
        for (int is_orchestrator = 0; is_orchestrator < 2; is_orchestrator++) {
                size_t n;
                const Route *routes = api_gateway_routes(is_orchestrator, &n);

                for (size_t i = 0; i < n; i++)
                        if (!has_row(text, &routes[i], names))
                                fail_msg("docs/protocol.md lacks %s %s", routes[i].method, routes[i].path);
        }
        free(text);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_fit_exactly),
                cmocka_unit_test(longest_paths_fit),
                cmocka_unit_test(every_other_route_is_for_administrators),
                cmocka_unit_test(bodies_are_bounded),
                cmocka_unit_test(every_route_is_documented),
                cmocka_unit_test(gateway_serves_signed_calls_and_little_else),
                cmocka_unit_test(roles_share_no_signed_path),
                cmocka_unit_test(gateway_bodies_are_bounded),
                cmocka_unit_test(every_gateway_route_is_documented),
        };
        api_document = argc > 1 ? argv[1] : "docs/api.md";
        protocol_document = argc > 2 ? argv[2] : "docs/protocol.md";
        return cmocka_run_group_tests(tests, NULL, NULL);
}
