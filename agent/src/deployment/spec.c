/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/spec.h"

#include "base/cleanup.h"
#include "base/fields.h"
#include "base/fs.h"
#include "base/text.h"
#include "deployment/defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { SPEC_MAX = 64 * 1024 };

static int open_specs(const char *directory) {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The runner reads as the project's user, so the file is readable by all; it holds no secret, and a sandbox sees only its own project's. */
static int write_spec(const char *directory, const char *id, const char *name, FieldWriter *w) {
        auto_free char *text = NULL;
        auto_close int specs = -1, own = -1;
        size_t length;
        int r;

        r = fields_finish(w, &text, &length);
        if (r < 0)
                return r;
        specs = open_specs(directory);
        if (specs < 0)
                return specs;
        r = fs_make_directory(specs, id, 0755, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER);
        if (r < 0)
                return r;
        own = fs_open_directory(specs, id);
        return own < 0 ? own : fs_write_atomic(own, name, text, length, 0644, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER);
}

static void put_optional(FieldWriter *w, const char *key, const char *value) {
        if (value && *value)
                fields_put(w, key, value);
}

int spec_write_build(const char *directory, const ProjectRow *project, const char *branch, const BuildSpec *spec) {
        FieldWriter w = { 0 };

        fields_put(&w, "deployment", spec->deployment);
        fields_put_number(&w, "release", (unsigned long) spec->release);
        fields_put(&w, "repo", project->repo_url);
        fields_put(&w, "branch", branch);
        put_optional(&w, "commit", spec->commit);
        put_optional(&w, "resolve", spec->resolve);
        put_optional(&w, "root", project->root_directory);
        fields_put(&w, "node", spec->node);
        fields_put(&w, "bun", spec->bun);
        fields_put(&w, "install", project->install_command);
        fields_put(&w, "build", project->build_command);
        fields_put(&w, "start", project->start_command);
        if (strcmp(project->start_command, DEFAULT_START_COMMAND) == 0)
                fields_put(&w, "default_start", "1");
        put_optional(&w, "static", project->static_directory);
        put_optional(&w, "registry", spec->registry);
        put_optional(&w, "ca", spec->ca);
        return write_spec(directory, project->id, "build", &w);
}

int spec_write_slot(const char *directory, const ProjectRow *project, const char *slot, const ReleaseRow *release, const SlotSpec *spec) {
        FieldWriter w = { 0 };

        fields_put_number(&w, "release", (unsigned long) release->number);
        put_optional(&w, "root", release->root_directory);
        fields_put(&w, "node", release->node_version);
        fields_put(&w, "bun", release->bun_version);
        fields_put(&w, "start", release->start_command[0] ? release->start_command : project->start_command);
        fields_put_number(&w, "port", (unsigned long) project->port);
        if (spec->armed)
                fields_put(&w, "armed", "1");
        if (project->exclusive)
                fields_put(&w, "exclusive", "1");
        if (spec->proxy)
                fields_put_number(&w, "proxy", spec->proxy);
        put_optional(&w, "ca", spec->ca);
        return write_spec(directory, project->id, slot, &w);
}

int64_t spec_release_of_slot(const char *directory, const char *project_id, const char *slot) {
        auto_close int specs = open_specs(directory), own = specs < 0 ? specs : fs_open_directory(specs, project_id);
        auto_free char *text = NULL;
        unsigned long release = 0;
        size_t length = 0, bad = 0;
        Fields *fields = NULL;

        if (own < 0 || fs_read_file(own, slot, SPEC_MAX, &text, &length) < 0 || fields_parse(text, length, &fields, &bad) < 0)
                return 0;
        for (size_t i = 0; i < fields_count(fields); i++)
                if (strcmp(fields_key(fields, i), "release") == 0)
                        (void) text_to_number(fields_value(fields, i), 1, 999999999, &release);
        fields_free(fields);
        return (int64_t) release;
}

int spec_remove(const char *directory, const char *project_id) {
        auto_close int specs = open_specs(directory);
        return specs < 0 ? specs : fs_remove_tree(specs, project_id);
}
