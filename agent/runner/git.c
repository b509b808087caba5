/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "git.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stddef.h>

static const char *const settings[] = {
        "http.followRedirects=false",    "credential.helper=",
        "core.hooksPath=/dev/null",      "core.fsmonitor=false",
        "core.protectNTFS=true",         "core.protectHFS=true",
        "core.attributesFile=/dev/null", "core.excludesFile=/dev/null",
        "protocol.allow=never",          "protocol.https.allow=always",
        "submodule.recurse=false",       "transfer.fsckObjects=true",
        "fetch.fsckObjects=true",        "gc.auto=0",
        "maintenance.auto=false",        "core.autocrlf=false",
        "advice.detachedHead=false",     "fetch.writeCommitGraph=false",
        "core.sshCommand=/bin/false",    "core.askPass=/bin/false",
};

const char *const git_variables[] = {
        "PATH=/usr/bin:/bin",
        "HOME=/nonexistent",
        "LC_ALL=C.UTF-8",
        "GIT_CONFIG_NOSYSTEM=1",
        "GIT_CONFIG_GLOBAL=/dev/null",
        "GIT_ATTR_NOSYSTEM=1",
        "GIT_ALLOW_PROTOCOL=https",
        "GIT_TERMINAL_PROMPT=0",
        "GIT_ASKPASS=/bin/false",
        "GIT_LFS_SKIP_SMUDGE=1",
        "GIT_HTTP_LOW_SPEED_LIMIT=1000",
        "GIT_HTTP_LOW_SPEED_TIME=20",
        "GIT_NO_REPLACE_OBJECTS=1",
        "GIT_OPTIONAL_LOCKS=0",
        NULL,
};

int git_words(GitWords *g, const char *ca, const char *resolve, const char *const *words) {
        size_t n = 0;
        g->argv[n++] = "git";
        for (size_t i = 0; i < ELEMENTS(settings); i++) {
                g->argv[n++] = "-c";
                g->argv[n++] = settings[i];
        }
        if (ca && *ca) {
                if (path_format(&g->ca, "http.sslCAInfo=%s", ca) < 0)
                        return -ENAMETOOLONG;
                g->argv[n++] = "-c";
                g->argv[n++] = g->ca.s;
        }
        if (resolve && *resolve) {
                if (path_format(&g->resolve, "http.curloptResolve=%s", resolve) < 0)
                        return -ENAMETOOLONG;
                g->argv[n++] = "-c";
                g->argv[n++] = g->resolve.s;
        }
        for (; *words; words++) {
                if (n >= GIT_WORDS_MAX - 1)
                        return -E2BIG;
                g->argv[n++] = *words;
        }
        g->argv[n] = NULL;
        return 0;
}
