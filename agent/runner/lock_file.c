/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "lock_file.h"

#include "base/cleanup.h"

#include <string.h>

static const struct {
        const char *name;
        LockKind kind;
} locks[] = {
        { "bun.lock", LOCK_BUN },          { "bun.lockb", LOCK_BUN },
        { "package-lock.json", LOCK_NPM }, { "npm-shrinkwrap.json", LOCK_NPM },
        { "pnpm-lock.yaml", LOCK_OTHER },  { "yarn.lock", LOCK_OTHER },
};

const char *lock_name(size_t i) {
        return i < ELEMENTS(locks) ? locks[i].name : NULL;
}

LockKind lock_kind(const char *name) {
        for (size_t i = 0; i < ELEMENTS(locks); i++)
                if (strcmp(locks[i].name, name) == 0)
                        return locks[i].kind;
        return LOCK_NONE;
}

const char *lock_install(LockKind kind, bool has_npm, bool has_work) {
        switch (kind) {
        case LOCK_BUN:
                return DEFAULT_INSTALL;
        case LOCK_NPM:
                return has_npm ? "npm ci --no-audit --no-fund" : "bun install";
        case LOCK_OTHER:
                return "bun install";
        case LOCK_NONE:
                break;
        }
        return has_work ? "bun install" : NULL;
}
