/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "repository/answer.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "runner/package.h"

#include <string.h>

void answer_refs(FieldWriter *w, const Refs *refs) {
        if (*refs->head)
                fields_put(w, "default_branch", refs->head);
        for (size_t i = 0; i < refs->n; i++)
                fields_put(w, "branch", refs->refs[i].name);
        if (refs->has_more)
                fields_put_number(w, "more_branches", 1);
}

/* The next line of *text as a proper one, cut off at size - 1 bytes. */
static void take_line(const char **text, char *ret, size_t size) {
        size_t n = strcspn(*text, "\n"), kept = n < size ? n : size - 1;

        memcpy(ret, *text, kept);
        ret[kept] = '\0';
        text_make_line(ret);
        *text += n + ((*text)[n] == '\n');
}

void answer_commit(FieldWriter *w, const char *commit, const char *text) {
        char author[128], subject[256];

        take_line(&text, author, sizeof author);
        take_line(&text, subject, sizeof subject);
        fields_put(w, "commit", commit);
        fields_put(w, "author", author);
        fields_put(w, "subject", subject);
}

static const struct { const char *package, *framework; } frameworks[] = { { "next", "nextjs" }, { "astro", "astro" }, { "vite", "vite" } };

static const char *find_framework(const Package *p, LockKind lock, const char *text, size_t length, char *ret_version, size_t size) {
        for (size_t i = 0; i < ELEMENTS(frameworks); i++)
                if (package_wants(text, length, frameworks[i].package, ret_version, size))
                        return frameworks[i].framework;
        if (!p->has_start)
                return NULL;
        return text_starts(p->start, "bun ") || (lock == LOCK_BUN && !text_starts(p->start, "node ")) ? "bun" : "node";
}

void answer_app(FieldWriter *w, const Tree *tree, const char *package, size_t length) {
        char version[64] = "";
        const char *framework = NULL, *install;
        Package p = { 0 };

        for (size_t i = 0; i < tree->n_apps; i++)
                fields_put(w, "root_directory", *tree->apps[i] ? tree->apps[i] : ".");
        if (!package) {
                if (!*tree->package && tree->has_page)
                        fields_put(w, "framework", "static");
                return;
        }
        package_look(package, length, &p);
        framework = find_framework(&p, tree->lock, package, length, version, sizeof version);
        if (framework)
                fields_put(w, "framework", framework);
        if (*version)
                fields_put(w, "framework_version", version);
        install = lock_install(tree->lock, true, p.has_work);
        if (install)
                fields_put(w, "install", install);
        if (p.has_build)
                fields_put(w, "build", DEFAULT_BUILD);
        if (p.has_start)
                fields_put(w, "start", DEFAULT_START);
}
