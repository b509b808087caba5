/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deployment/project_draft.h"
#include "deployment/protection.h"

#include <string.h>

static int draft(const char *text, ProjectRow *row, DraftProblem *problem) {
        json_t *o = json_loads(text, JSON_ALLOW_NUL, NULL);
        int r;
        assert_non_null(o);
        r = project_draft_new(o, row, problem);
        /* problem->field may be borrowed from the draft */
        if (r > 0 && problem->field) {
                static char field[64];
                (void) strncpy(field, problem->field, sizeof field - 1);
                problem->field = field;
        }
        json_decref(o);
        return r;
}

/* The specification's defaults. */
static void defaults_are_the_specification_s(void **state) {
        (void) state;
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        assert_int_equal(draft("{\"name\":\"shop\",\"repo_url\":\"https://git.example/app.git\"}", &row, &problem), 0);
        assert_string_equal(row.branch, "main");
        assert_string_equal(row.node_version, "20");
        assert_string_equal(row.install_command, "bun install --frozen-lockfile");
        assert_string_equal(row.build_command, "bun run build");
        assert_string_equal(row.start_command, "bun run start");
        assert_string_equal(row.health_path, "/");
        assert_true(row.scale_to_zero);
        assert_null(row.domain);
        assert_int_equal(row.port, 3000);
        project_row_done(&row);
}

static void refusals_name_the_field(void **state) {
        (void) state;
        static const struct {
                const char *members, *field;
        } rows[] = {
                { "\"repo_url\":\"https://h.example/a\"", "name" },
                { "\"name\":\"a\"", "repo_url" },
                { "\"name\":\"-a\",\"repo_url\":\"https://h.example/a\"", "name" },
                { "\"name\":\"A\",\"repo_url\":\"https://h.example/a\"", "name" },
                { "\"name\":7,\"repo_url\":\"https://h.example/a\"", "name" },
                { "\"name\":\"a\",\"repo_url\":\"http://h.example/a\"", "repo_url" },
                { "\"name\":\"a\",\"repo_url\":\"https://u:p@h.example/a\"", "repo_url" },
                { "\"name\":\"a\",\"repo_url\":\"ext::sh -c id\"", "repo_url" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"branch\":\"--upload-pack=x\"", "branch" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"branch\":\"; cat /etc/shadow\"", "branch" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"start_command\":\"node a; id\"", "start_command" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"start_command\":\"\"", "start_command" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"root_directory\":\"../x\"", "root_directory" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"port\":80", "port" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"port\":\"3000\"", "port" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"scale_to_zero\":1", "scale_to_zero" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"memory_mib\":1e3", "memory_mib" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"domain\":\"a b\"", "domain" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{}", "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a\"}", "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a\",\"password\":\"short\"}", "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a:b\",\"password\":\"12345678\"}", "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a\",\"password\":\"1234\\u00005678\"}",
                  "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a\",\"hash\":\"x\\nroot:y\"}", "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"a\",\"password\":\"12345678\",\"x\":1}",
                  "gate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"allow\":\"10.0.0.0/8\"", "allow" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"allow\":[\"10.0.0.1/8\"]", "allow" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"allow\":[\"10.0.0.0/8; deny all\"]", "allow" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"rate\":10001", "rate" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"maintenance\":\"yes\"", "maintenance" },
                { "\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"brunch\":\"x\"", "brunch" },
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                ProjectRow row = { 0 };
                DraftProblem problem = { 0 };
                char text[512];
                (void) snprintf(text, sizeof text, "{%s}", rows[i].members);
                assert_int_equal(draft(text, &row, &problem), 1);
                assert_string_equal(problem.field, rows[i].field);
                assert_true(strlen(problem.sentence) > 10);
                project_row_done(&row);
        }
}

static void empty_commands_skip_a_step(void **state) {
        (void) state;
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        assert_int_equal(draft("{\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"install_command\":\"\",\"build_command\":\"\"}",
                               &row, &problem),
                         0);
        assert_string_equal(row.install_command, "");
        assert_string_equal(row.build_command, "");
        project_row_done(&row);
}

static void change_keeps_what_it_does_not_name(void **state) {
        (void) state;
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        json_t *change = json_pack("{s:s, s:i}", "branch", "next", "memory_mib", 128);
        json_t *rename_it = json_pack("{s:s}", "name", "other");
        assert_int_equal(draft("{\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"port\":4001}", &row, &problem), 0);
        assert_int_equal(project_draft_change(change, &row, &problem), 0);
        assert_string_equal(row.branch, "next");
        assert_int_equal(row.memory_mib, 128);
        assert_int_equal(row.port, 4001);
        assert_int_equal(project_draft_change(rename_it, &row, &problem), 0);
        assert_string_equal(row.name, "other");
        (void) json_object_set_new(rename_it, "name", json_string("-other"));
        assert_int_equal(project_draft_change(rename_it, &row, &problem), 1);
        assert_string_equal(problem.field, "name");
        assert_string_equal(row.name, "other");
        json_decref(change);
        json_decref(rename_it);
        project_row_done(&row);
}

/* The password is never told, not even its hash, but to another node; and reading and writing back changes nothing. */
static void protections_go_there_and_back(void **state) {
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        json_t *o = json_object(), *whole, *change;
        char *hash;

        (void) state;
        assert_int_equal(draft("{\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"gate\":{\"user\":\"ada\",\"password\":\"12345678\"},"
                               "\"allow\":[\"10.0.0.0/8\",\"2001:db8::/32\"],\"rate\":5,\"maintenance\":true,\"security_headers\":true}",
                               &row, &problem),
                         0);
        assert_string_equal(row.allowed, "10.0.0.0/8 2001:db8::/32");
        assert_true(row.maintenance && row.security_headers && row.rate == 5);
        assert_int_equal(project_draft_describe(&row, o), 0);
        assert_int_equal(json_object_size(json_object_get(o, "gate")), 1);
        assert_int_equal(json_array_size(json_object_get(o, "allow")), 2);
        hash = strdup(row.gate_hash);
        change = json_pack("{s:O, s:O}", "gate", json_object_get(o, "gate"), "allow", json_object_get(o, "allow"));
        assert_int_equal(project_draft_change(change, &row, &problem), 0);
        assert_string_equal(row.gate_hash, hash);
        assert_string_equal(row.allowed, "10.0.0.0/8 2001:db8::/32");

        whole = json_pack("{s:o}", "gate", protection_describe_gate(&row, true));
        assert_int_equal(protection_take_gate(json_null(), &row), 0);
        assert_null(row.gate_hash);
        assert_int_equal(project_draft_change(whole, &row, &problem), 0);
        assert_string_equal(row.gate_hash, hash);
        free(hash);
        json_decref(whole);
        json_decref(change);
        json_decref(o);
        project_row_done(&row);
}

static void describes_every_field_back(void **state) {
        (void) state;
        ProjectRow row = { 0 };
        DraftProblem problem = { 0 };
        json_t *o = json_object();
        assert_int_equal(draft("{\"name\":\"a\",\"repo_url\":\"https://h.example/a\",\"domain\":\"www.example.com\"}", &row, &problem), 0);
        assert_int_equal(project_draft_describe(&row, o), 0);
        assert_string_equal(json_string_value(json_object_get(o, "domain")), "www.example.com");
        assert_true(json_is_true(json_object_get(o, "scale_to_zero")));
        assert_int_equal(json_integer_value(json_object_get(o, "build_seconds")), 1200);
        json_decref(o);
        project_row_done(&row);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_are_the_specification_s), cmocka_unit_test(refusals_name_the_field),
                cmocka_unit_test(empty_commands_skip_a_step),       cmocka_unit_test(change_keeps_what_it_does_not_name),
                cmocka_unit_test(describes_every_field_back),       cmocka_unit_test(protections_go_there_and_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
