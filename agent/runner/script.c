/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "script.h"

#include "base/cleanup.h"
#include "program.h"
#include "security/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./:@%+,=-"

/* bun runs itself in their place. */
static const char *const rewritten[] = { "npm", "npx", "pnpm", "pnpx", "yarn" };

static bool is_rewritten(const char *word) {
        for (size_t i = 0; i < ELEMENTS(rewritten); i++)
                if (strcmp(word, rewritten[i]) == 0)
                        return true;
        return false;
}

/* bunfig.toml may have `bun run` put bun in the place of node, or take another shell. */
static bool has_settings_of_bun(const Build *b) {
        Path file;
        return path_format(&file, "%s/bunfig.toml", b->app_path.s) < 0 || access(file.s, F_OK) == 0;
}

int script_direct(const Build *b, char *ret_command, size_t size) {
        const char *script = b->start_script;
        char first[sizeof b->start_script];
        Path program;
        *ret_command = '\0';
        if (b->has_start_hooks || script[strspn(script, PLAIN)] || has_settings_of_bun(b))
                return 0;
        script += strspn(script, " ");
        size_t length = strcspn(script, " ");
        memcpy(first, script, length);
        first[length] = '\0';
        bool assigns = strchr(first, '=');
        if (!*first || is_rewritten(first))
                return 0;
        auto_call(environment_free_cleanup) Environment *e = NULL;
        int r = build_environment(b, true, &e);
        if (r < 0)
                return r;
        auto_close int app = open(b->app_path.s, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (app < 0)
                return -errno;
        if (program_find(app, assigns ? "env" : first, environment_get(e, "PATH"), &program) < 0)
                return 0; /* bun looks in more places */
        int n = snprintf(ret_command, size, "%s%s", assigns ? "env " : "", script);
        if (n < 0 || (size_t) n >= size || command_split(ret_command, NULL, NULL) != COMMAND_OK)
                *ret_command = '\0';
        return 0;
}
