/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fields.h"
#include "deployment/defaults.h"
#include "deployment/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/ns-test-spec-XXXXXX";

#define TEXT(s) ((char *) (uintptr_t) (s))

static const ProjectRow project = {
        .id = TEXT("abcdefghij12"),
        .repo_url = TEXT("https://git.example/app.git"),
        .root_directory = TEXT(""),
        .install_command = TEXT(DEFAULT_INSTALL_COMMAND),
        .build_command = TEXT(""),
        .start_command = TEXT(DEFAULT_START_COMMAND),
        .port = 3000,
};

static int setup(void **state) {
        (void) state;
        return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state) {
        (void) state;
        return rmdir(directory);
}

static Fields *read_spec(const char *name, mode_t *ret_mode) {
        char path[128], text[4096];
        struct stat st;
        Fields *f = NULL;
        FILE *file;
        size_t n;

        (void) snprintf(path, sizeof path, "%s/abcdefghij12/%s", directory, name);
        file = fopen(path, "re");
        assert_non_null(file);
        n = fread(text, 1, sizeof text, file);
        assert_int_equal(fstat(fileno(file), &st), 0);
        (void) fclose(file);
        assert_int_equal(fields_parse(text, n, &f, NULL), 0);
        *ret_mode = st.st_mode & 07777;
        return f;
}

static void writes_both_kinds(void **state) {
        (void) state;
        const BuildSpec build = { .deployment = "dddddddddddd", .release = 7, .node = "20.1.2", .bun = "1.2.20" };
        const ReleaseRow release = {
                .number = 7,
                .kind = TEXT("app"),
                .start_command = TEXT("node server.js"),
                .root_directory = TEXT(""),
                .node_version = TEXT("20.1.2"),
                .bun_version = TEXT("1.2.20"),
        };
        ProjectRow exclusive;
        mode_t mode;
        Fields *f;

        (void) umask(0077);
        assert_int_equal(spec_write_build(directory, &project, "main", &build), 0);
        f = read_spec("build", &mode);
        assert_int_equal(mode, 0644);
        assert_string_equal(fields_get(f, "release"), "7");
        assert_string_equal(fields_get(f, "build"), "");
        assert_string_equal(fields_get(f, "default_start"), "1");
        assert_null(fields_get(f, "commit"));
        assert_null(fields_get(f, "registry"));
        fields_free(f);
        assert_int_equal(spec_release_of_slot(directory, "abcdefghij12", "b"), 0);
        assert_int_equal(spec_write_slot(directory, &project, "b", &release, &(SlotSpec){ .ca = "/ca.pem" }), 0);
        assert_int_equal(spec_release_of_slot(directory, "abcdefghij12", "b"), 7);
        f = read_spec("b", &mode);
        assert_string_equal(fields_get(f, "start"), "node server.js");
        assert_string_equal(fields_get(f, "port"), "3000");
        assert_string_equal(fields_get(f, "ca"), "/ca.pem");
        assert_null(fields_get(f, "armed"));
        assert_null(fields_get(f, "exclusive"));
        assert_null(fields_get(f, "proxy"));
        fields_free(f);
        exclusive = project;
        exclusive.exclusive = true;
        assert_int_equal(spec_write_slot(directory, &exclusive, "b", &release, &(SlotSpec){ .armed = true, .proxy = 20003 }), 0);
        f = read_spec("b", &mode);
        assert_string_equal(fields_get(f, "armed"), "1");
        assert_string_equal(fields_get(f, "exclusive"), "1");
        assert_string_equal(fields_get(f, "proxy"), "20003");
        fields_free(f);
        assert_int_equal(spec_remove(directory, "abcdefghij12"), 0);
        assert_int_equal(spec_remove(directory, "abcdefghij12"), 0);
}

/* A line break in a field would be a second field. */
static void refuses_what_a_line_cannot_hold(void **state) {
        (void) state;
        const BuildSpec build = { .deployment = "dddddddddddd", .release = 7, .node = "20.1.2", .bun = "1.2.20\nregistry https://evil" };
        assert_true(spec_write_build(directory, &project, "main", &build) < 0);
        assert_int_equal(spec_remove(directory, "abcdefghij12"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(writes_both_kinds),
                cmocka_unit_test(refuses_what_a_line_cannot_hold),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
