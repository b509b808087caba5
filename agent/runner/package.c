/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "package.h"

#include "base/cleanup.h"
#include "base/fs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PACKAGE_MAX (4 * 1024 * 1024)

enum { DEPTH_MAX = 64 };

typedef struct {
        const char *at, *end;
} Scan;

static void skip_space(Scan *s) {
        while (s->at < s->end && strchr(" \t\r\n", *s->at) && *s->at)
                s->at++;
}

static bool eat(Scan *s, char c) {
        skip_space(s);
        if (s->at >= s->end || *s->at != c)
                return false;
        s->at++;
        return true;
}

/* The text between the quotes, with escapes as they stand. */
static bool eat_string(Scan *s, Scan *ret) {
        if (!eat(s, '"'))
                return false;
        ret->at = s->at;
        for (; s->at < s->end && *s->at != '"'; s->at++)
                if (*s->at == '\\' && ++s->at >= s->end)
                        return false;
        ret->end = s->at;
        return eat(s, '"');
}

/* Any value; ret spans it. Brackets only have to balance: this is no validator. */
static bool eat_value(Scan *s, Scan *ret) {
        int depth = 0;
        skip_space(s);
        ret->at = s->at;
        do {
                Scan ignored;
                skip_space(s);
                if (s->at >= s->end)
                        return false;
                char c = *s->at;
                if (c == '"') {
                        if (!eat_string(s, &ignored))
                                return false;
                } else if (c == '{' || c == '[') {
                        depth++;
                        s->at++;
                } else if (c == '}' || c == ']') {
                        depth--;
                        s->at++;
                } else if (c == ',' || c == ':') {
                        if (depth == 0)
                                return false;
                        s->at++;
                } else
                        while (s->at < s->end && *s->at && !strchr(" \t\r\n,:{}[]\"", *s->at))
                                s->at++;
                if (s->at < s->end && *s->at == '\0')
                        return false;
        } while (depth > 0 && depth < DEPTH_MAX);
        ret->end = s->at;
        return depth == 0;
}

/* Finds a member of the object in s. Of two with the same name the last counts, as in JSON.parse(). False also when s is no object;
 * *ret_sound then tells which. */
static bool find_member(Scan s, const char *name, Scan *ret, bool *ret_sound) {
        bool found = false;
        *ret_sound = false;
        if (!eat(&s, '{'))
                return false;
        if (eat(&s, '}')) {
                *ret_sound = true;
                return false;
        }
        do {
                Scan key, value;
                if (!eat_string(&s, &key) || !eat(&s, ':') || !eat_value(&s, &value))
                        return found;
                size_t n = strlen(name);
                if ((size_t) (key.end - key.at) == n && memcmp(key.at, name, n) == 0) {
                        *ret = value;
                        found = true;
                }
        } while (eat(&s, ','));
        *ret_sound = eat(&s, '}');
        return found;
}

static bool is_empty(Scan s) {
        char open = s.at < s.end ? *s.at : '\0';
        return (open == '{' && eat(&s, '{') && eat(&s, '}')) || (open == '[' && eat(&s, '[') && eat(&s, ']'));
}

/* A member that is a plain string: printable ASCII without escapes. */
static void copy_string(Scan object, const char *name, char *ret, size_t size) {
        Scan value, text;
        bool sound;
        if (!find_member(object, name, &value, &sound) || !eat_string(&value, &text) || (size_t) (text.end - text.at) >= size)
                return;
        for (const char *p = text.at; p < text.end; p++)
                if (*p < 0x20 || *p > 0x7e || *p == '\\')
                        return;
        memcpy(ret, text.at, (size_t) (text.end - text.at));
        ret[text.end - text.at] = '\0';
}

static const char *const work_members[] = {
        "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "bundleDependencies", "workspaces",
};
static const char *const work_scripts[] = {
        "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
};

void package_look(const char *text, size_t length, Package *ret) {
        Scan all = { text, text + length }, value, scripts;
        bool sound, has_scripts = find_member(all, "scripts", &scripts, &sound);
        *ret = (Package){ 0 };
        if (!sound) {
                *ret = (Package){ .has_work = true, .has_build = true, .has_start = true };
                return;
        }
        for (size_t i = 0; i < ELEMENTS(work_members); i++)
                if (find_member(all, work_members[i], &value, &sound) && !is_empty(value))
                        ret->has_work = true;
        copy_string(all, "name", ret->name, sizeof ret->name);
        copy_string(all, "version", ret->version, sizeof ret->version);
        if (!has_scripts)
                return;
        for (size_t i = 0; i < ELEMENTS(work_scripts); i++)
                if (find_member(scripts, work_scripts[i], &value, &sound))
                        ret->has_work = true;
        ret->has_build = find_member(scripts, "build", &value, &sound);
        ret->has_start = find_member(scripts, "start", &value, &sound);
        copy_string(scripts, "start", ret->start, sizeof ret->start);
        ret->has_start_hooks = find_member(scripts, "prestart", &value, &sound) || find_member(scripts, "poststart", &value, &sound);
}

bool package_wants(const char *text, size_t length, const char *name, char *ret, size_t size) {
        static const char *const members[] = { "dependencies", "devDependencies" };
        Scan all = { text, text + length }, list, value;
        bool sound;
        *ret = '\0';
        for (size_t i = 0; i < ELEMENTS(members); i++)
                if (find_member(all, members[i], &list, &sound) && find_member(list, name, &value, &sound)) {
                        copy_string(list, name, ret, size);
                        return true;
                }
        return false;
}

bool package_read(const char *path, Package *ret) {
        auto_free char *text = NULL;
        size_t length = 0;
        struct stat st;
        *ret = (Package){ 0 };
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return false;
        if (fs_read_fd(fd, PACKAGE_MAX, &text, &length) == 0)
                package_look(text, length, ret);
        return true;
}
