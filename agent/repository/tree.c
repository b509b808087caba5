/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "repository/tree.h"

#include "base/text.h"
#include "security/validate.h"

#include <limits.h>
#include <string.h>

typedef struct {
        char object[41];
        char directory[TREE_PATH_MAX]; /* "" for the top */
        const char *name;              /* points into path */
        char path[TREE_PATH_MAX];
} File;

/* `100644 blob OBJECT<tab>PATH`, n bytes. */
static bool take_file(const char *entry, size_t n, File *ret) {
        static const char *const modes[] = { "100644 blob ", "100755 blob " };
        const size_t head = 12 + 40 + 1;
        const char *slash;

        if (n <= head || n - head >= TREE_PATH_MAX || (memcmp(entry, modes[0], 12) != 0 && memcmp(entry, modes[1], 12) != 0) ||
            entry[head - 1] != '\t')
                return false;
        memcpy(ret->object, entry + 12, 40);
        ret->object[40] = '\0';
        memcpy(ret->path, entry + head, n - head);
        ret->path[n - head] = '\0';
        if (!valid_commit(ret->object))
                return false;
        slash = strrchr(ret->path, '/');
        ret->name = slash ? slash + 1 : ret->path;
        memcpy(ret->directory, ret->path, slash ? (size_t) (slash - ret->path) : 0);
        ret->directory[slash ? slash - ret->path : 0] = '\0';
        return true;
}

/* How many directories lie between directory and what is below or beside it; -1 when root is not within directory. */
static int levels_up(const char *root, const char *directory) {
        size_t n = strlen(directory);
        int levels = 0;

        if (strcmp(root, directory) == 0)
                return 0;
        if (n > 0 && (strncmp(root, directory, n) != 0 || root[n] != '/'))
                return -1;
        for (const char *p = root + (n > 0 ? n + 1 : 0); p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
                levels++;
        return levels;
}

static bool is_app(const char *directory) {
        int depth = 1;

        if (!*directory)
                return true;
        for (const char *p = directory; (p = strchr(p, '/')); p++)
                depth++;
        return depth <= TREE_APP_DEPTH && valid_relative_directory(directory) && !strstr(directory, "node_modules");
}

static size_t lock_rank(const char *name) {
        size_t i = 0;

        while (lock_name(i) && strcmp(lock_name(i), name) != 0)
                i++;
        return i;
}

void tree_parse(const char *text, size_t length, const char *root, Tree *ret) {
        const char *at = text, *end = text + length, *nul;
        int nearest = INT_MAX;
        size_t rank = 0;

        memset(ret, 0, sizeof *ret);
        for (; (nul = memchr(at, '\0', (size_t) (end - at))); at = nul + 1) {
                File f;
                bool is_package;
                int up;

                if (!take_file(at, (size_t) (nul - at), &f))
                        continue;
                is_package = strcmp(f.name, "package.json") == 0;
                if (levels_up(f.directory, root) >= 0)
                        ret->has_root = true;
                if (is_package && is_app(f.directory) && ret->n_apps < TREE_APPS_MAX)
                        memcpy(ret->apps[ret->n_apps++], f.directory, strlen(f.directory) + 1);
                if (strcmp(f.directory, root) == 0 && is_package)
                        memcpy(ret->package, f.object, sizeof ret->package);
                if (strcmp(f.directory, root) == 0 && strcmp(f.name, "index.html") == 0)
                        ret->has_page = true;
                up = lock_kind(f.name) == LOCK_NONE ? -1 : levels_up(root, f.directory);
                if (up >= 0 && (up < nearest || (up == nearest && lock_rank(f.name) < rank))) {
                        nearest = up;
                        rank = lock_rank(f.name);
                        ret->lock = lock_kind(f.name);
                }
        }
}
