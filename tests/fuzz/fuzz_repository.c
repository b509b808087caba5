/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What git printed of a hostile server, whatever it is: only names that are valid come out, within their bounds, and what is said of them
 * is an answer that the agent takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "deployment/repository_call.h"
#include "repository/answer.h"
#include "repository/request.h"
#include "security/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
        if (!holds)
                abort();
}

static Refs refs;
static Tree tree;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *) data, *sentence = NULL;
        auto_call(fields_free_cleanup) Fields *request = NULL, *answer = NULL;
        auto_free char *copy = strndup(text, size), *said = NULL;
        FieldWriter w = { 0 };
        size_t length = 0;

        check(copy != NULL);
        refs_parse(text, size, "main", &refs);
        check(refs.n <= REFS_MAX && (!*refs.head || valid_branch(refs.head)));
        for (size_t i = 0; i < refs.n; i++)
                check(valid_branch(refs.refs[i].name) && valid_commit(refs.refs[i].commit));
        check(!*refs.wanted.name || (strcmp(refs.wanted.name, "main") == 0 && valid_commit(refs.wanted.commit)));
        tree_parse(text, size, "apps/web", &tree);
        check(tree.n_apps <= TREE_APPS_MAX && (!*tree.package || (valid_commit(tree.package) && tree.has_root)));
        for (size_t i = 0; i < tree.n_apps; i++)
                check(!*tree.apps[i] || valid_relative_directory(tree.apps[i]));
        check((repository_request_parse(text, size, &request, &sentence) == 0) == (request != NULL));
        check(!request || valid_repo_url(fields_get(request, "repo"), NULL, NULL));
        answer_refs(&w, &refs);
        answer_commit(&w, "0123456789abcdef0123456789abcdef01234567", copy);
        answer_app(&w, &tree, text, size);
        check(fields_finish(&w, &said, &length) == 0 && repository_answer_parse(said, length, &answer) == 0);
        return 0;
}
