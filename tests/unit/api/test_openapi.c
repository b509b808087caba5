/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* docs/openapi.json against the table of routes, both ways. Whether answers are as its schemas say: tests/system/test_web_api.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/handlers.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *path_of_document;
static json_t *document;

static int set_up(void **state) {
        json_error_t error;

        (void) state;
        document = json_load_file(path_of_document, JSON_REJECT_DUPLICATES, &error);
        if (!document)
                (void) fprintf(stderr, "%s:%d: %s\n", path_of_document, error.line, error.text);
        return document ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        json_decref(document);
        return 0;
}

/* "/api/projects/{project}" to "/api/projects/{}". */
static void unname(const char *path, char *ret, size_t size) {
        size_t n = 0;

        for (; *path && n + 1 < size; path++) {
                ret[n++] = *path;
                if (*path == '{')
                        path += strcspn(path, "}") - 1;
        }
        ret[n] = '\0';
}

static const Route *find_route(const char *method, const char *path) {
        size_t n;
        const Route *routes = api_routes(&n);

        for (size_t i = 0; i < n; i++)
                if (strcasecmp(routes[i].method, method) == 0 && strcmp(routes[i].path, path) == 0)
                        return &routes[i];
        return NULL;
}

static json_t *find_operation(const Route *route) {
        const char *path;
        json_t *operations, *operation;

        json_object_foreach(json_object_get(document, "paths"), path, operations) {
                char unnamed[256], method[16];

                unname(path, unnamed, sizeof unnamed);
                if (strcmp(unnamed, route->path) != 0)
                        continue;
                for (size_t i = 0; i < sizeof method; i++) {
                        method[i] = (char) tolower((unsigned char) route->method[i]);
                        if (!route->method[i])
                                break;
                }
                operation = json_object_get(operations, method);
                if (operation)
                        return operation;
        }
        return NULL;
}

static void every_route_is_in_it(void **state) {
        size_t n;
        const Route *routes = api_routes(&n);

        (void) state;
        assert_true(n > 40);
        for (size_t i = 0; i < n; i++) {
                json_t *operation = find_operation(&routes[i]);

                if (!operation)
                        fail_msg("docs/openapi.json lacks %s %s", routes[i].method, routes[i].path);
                if ((routes[i].body_limit > 0) != (json_object_get(operation, "requestBody") != NULL))
                        fail_msg("%s %s: has a body, or has none", routes[i].method, routes[i].path);
        }
}

static bool names_parameter(const json_t *operation, const char *name, size_t length) {
        const json_t *parameter;
        size_t i;

        json_array_foreach(json_object_get(operation, "parameters"), i, parameter) {
                const char *its = json_string_value(json_object_get(parameter, "name"));

                if (its && strlen(its) == length && memcmp(its, name, length) == 0 &&
                    json_is_true(json_object_get(parameter, "required")) &&
                    strcmp(json_string_value(json_object_get(parameter, "in")), "path") == 0)
                        return true;
        }
        return false;
}

static void check_operation(const char *path, const char *method, const json_t *operation, json_t *ids) {
        static const char *const scopes[] = { [SCOPE_NONE] = "none",     [SCOPE_OPEN] = "open",   [SCOPE_READ] = "read",
                                              [SCOPE_DEPLOY] = "deploy", [SCOPE_ADMIN] = "admin", [SCOPE_ACCOUNT] = "account" };
        const char *scope = json_string_value(json_object_get(operation, "x-scope")),
                   *id = json_string_value(json_object_get(operation, "operationId"));
        const Route *route;
        char unnamed[256];

        unname(path, unnamed, sizeof unnamed);
        route = find_route(method, unnamed);
        if (!route)
                fail_msg("there is no route %s %s", method, path);
        if (!scope || strcmp(scope, scopes[route->scope]) != 0)
                fail_msg("%s %s: its scope is %s", method, path, scopes[route->scope]);
        if (!id || json_object_get(ids, id))
                fail_msg("%s %s: operationId is missing or not its own", method, path);
        (void) json_object_set_new(ids, id, json_true());
        for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{'))
                if (!names_parameter(operation, at + 1, strcspn(at + 1, "}")))
                        fail_msg("%s %s: %s is not described", method, path, at);
        assert_non_null(json_string_value(json_object_get(operation, "summary")));
        assert_true(json_object_size(json_object_get(operation, "responses")) >= 2);
}

static void all_of_it_is_a_route(void **state) {
        json_t *ids = json_object(), *operations, *operation;
        const char *path, *method;

        (void) state;
        json_object_foreach(json_object_get(document, "paths"), path, operations) {
                json_object_foreach(operations, method, operation) {
                        check_operation(path, method, operation, ids);
                }
        }
        json_decref(ids);
}

static void follow(const json_t *value) {
        static const char schemas[] = "#/components/schemas/", responses[] = "#/components/responses/";
        const json_t *components = json_object_get(document, "components"), *member;
        const char *key, *to = json_string_value(json_object_get(value, "$ref"));
        size_t i;

        if (to) {
                bool is_schema = strncmp(to, schemas, strlen(schemas)) == 0, is_response = strncmp(to, responses, strlen(responses)) == 0;

                assert_true(is_schema || is_response);
                if (!json_object_get(json_object_get(components, is_schema ? "schemas" : "responses"),
                                     to + (is_schema ? strlen(schemas) : strlen(responses))))
                        fail_msg("%s leads nowhere", to);
        }
        json_array_foreach(value, i, member) follow(member);
        json_object_foreach((json_t *) (uintptr_t) value, key, member) follow(member);
}

static void references_lead_somewhere(void **state) {
        const char *name;
        json_t *schema;

        (void) state;
        follow(document);
        json_object_foreach(json_object_get(json_object_get(document, "components"), "schemas"), name, schema) {
                const json_t *wanted;
                size_t i;

                json_array_foreach(json_object_get(schema, "required"), i,
                                   wanted) if (!json_object_get(json_object_get(schema, "properties"), json_string_value(wanted)))
                                fail_msg("%s: %s is required and not described", name, json_string_value(wanted));
        }
}

static void version_and_form(void **state) {
        (void) state;
        assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
        assert_string_equal(json_string_value(json_object_get(json_object_get(document, "info"), "version")), NANOSCALE_VERSION);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_route_is_in_it),
                cmocka_unit_test(all_of_it_is_a_route),
                cmocka_unit_test(references_lead_somewhere),
                cmocka_unit_test(version_and_form),
        };

        if (argc != 2)
                return 2;
        path_of_document = argv[1];
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
