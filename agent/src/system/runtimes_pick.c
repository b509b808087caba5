/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/text.h"
#include "system/runtimes_version.h"
#include "system/runtimes_work.h"

#include <jansson.h>
#include <string.h>

static void cleanup_json(json_t **j) {
        json_decref(*j);
}

/* What goes on as a word of a line, and into a URL or path later. */
static bool is_word(const char *s, size_t max) {
        if (!s || !*s || strlen(s) >= max)
                return false;
        for (; *s; s++)
                if ((unsigned char) *s <= ' ' || (unsigned char) *s >= 0x7f)
                        return false;
        return true;
}

static int print_package(const RuntimeWork *w, json_t *package, int fd) {
        const char *version = json_string_value(json_object_get(package, "version"));
        const json_t *dist = json_object_get(package, "dist");
        const char *integrity = json_string_value(json_object_get(dist, "integrity"));
        const char *tarball = json_string_value(json_object_get(dist, "tarball"));
        if (!version || !version_is_release(version) || (w->wanted[0] && !version_matches(version, w->wanted)) ||
            !is_word(tarball, URL_SIZE)) {
                (void) dprintf(fd, "the registry's answer on %s %s is not what npm's protocol says", w->name, w->wanted);
                return WORK_FAILED;
        }
        if (!integrity || strlen(integrity) >= DIGEST_SIZE || !strstr(integrity, "sha512-")) {
                (void) dprintf(fd, "the registry has no sha512 for %s %s, so it cannot be checked", w->name, version);
                return WORK_FAILED;
        }
        /* Of several digests the one that counts, so that it is one word. */
        const char *digest = strstr(integrity, "sha512-");
        (void) dprintf(fd, "%s %.*s %s", version, (int) strcspn(digest, " "), digest, tarball);
        return WORK_OK;
}

static bool counts(const RuntimeWork *w, const char *version, json_t *package) {
        if (!version_is_release(version) || (w->wanted[0] && !version_matches(version, w->wanted)))
                return false;
        if (!w->node[0])
                return true;
        const char *range = json_string_value(json_object_get(json_object_get(package, "engines"), "node"));
        return !range || version_satisfies(w->node, range);
}

static int no_match(const RuntimeWork *w, int fd) {
        if (w->node[0])
                (void) dprintf(fd, "no version of %s works with node %s", w->name, w->node);
        else
                (void) dprintf(fd, "there is no version %s of %s", w->wanted, w->name);
        return WORK_NO_MATCH;
}

static int pick_npm_package(const RuntimeWork *w, json_t *root, int fd) {
        json_t *versions = json_object_get(root, "versions"), *package, *best = NULL;
        const char *version, *best_version = NULL;
        json_object_foreach(versions, version, package) {
                if (counts(w, version, package) && (!best || version_compare(version, best_version) > 0)) {
                        best = package;
                        best_version = version;
                }
        }
        return best ? print_package(w, best, fd) : no_match(w, fd);
}

static int pick_node_dist(const RuntimeWork *w, json_t *root, int fd) {
        const char *best = NULL;
        size_t i;
        json_t *row;
        json_array_foreach(root, i, row) {
                const char *version = json_string_value(json_object_get(row, "version"));
                if (!version || version[0] != 'v')
                        continue;
                if (counts(w, version + 1, row) && (!best || version_compare(version + 1, best) > 0))
                        best = version + 1;
        }
        if (!best)
                return no_match(w, fd);
        (void) dprintf(fd, "%s", best);
        return WORK_OK;
}

/* Lines of 64 hex digits, two blanks (or a blank and an asterisk), and a name. */
static int pick_sum(const RuntimeWork *w, FILE *f, int fd) {
        char line[512];
        while (fgets(line, sizeof line, f)) {
                line[strcspn(line, "\r\n")] = '\0';
                if (strspn(line, "0123456789abcdef") == 64 && line[64] == ' ' && line[65] != '\0' && strcmp(line + 66, w->name) == 0) {
                        (void) dprintf(fd, "%.64s", line);
                        return WORK_OK;
                }
        }
        (void) dprintf(fd, "SHASUMS256.txt does not mention %s", w->name);
        return WORK_NO_MATCH;
}

bool runtime_url_is_safe(const char *registry, const char *url) {
        if (text_starts(url, "https://"))
                return true;
        return text_starts(url, "http://") && text_starts(registry, "http://");
}

int runtime_work_pick(void *work, int output_fd) {
        const RuntimeWork *w = work;
        char path[PATH_MAX];
        (void) snprintf(path, sizeof path, "%s/index", w->directory);
        auto_fclose FILE *f = fopen(path, "re");
        if (!f) {
                (void) dprintf(output_fd, "cannot read %s: %m", path);
                return WORK_FAILED;
        }
        if (w->index == INDEX_SUMS)
                return pick_sum(w, f, output_fd);
        json_error_t error;
        auto_call(cleanup_json) json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
        if (!root) {
                (void) dprintf(output_fd, "the answer on %s is no JSON: %s", w->name, error.text);
                return WORK_FAILED;
        }
        if (w->index == INDEX_NODE_DIST)
                return pick_node_dist(w, root, output_fd);
        return w->index == INDEX_NPM_VERSION ? print_package(w, root, output_fd) : pick_npm_package(w, root, output_fd);
}
