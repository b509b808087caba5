/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "repository/refs.h"

#include "base/text.h"
#include "security/validate.h"

#include <string.h>

#define HEADS "refs/heads/"

/* The next complete line as a C string in buffer; lines that do not fit, or have a NUL, come out empty. False at the end. */
static bool next_line(const char **at, const char *end, char *buffer, size_t size) {
        const char *newline = memchr(*at, '\n', (size_t) (end - *at));
        size_t n = newline ? (size_t) (newline - *at) : 0;

        if (!newline)
                return false;
        if (n >= size || memchr(*at, '\0', n))
                n = 0;
        memcpy(buffer, *at, n);
        buffer[n] = '\0';
        *at = newline + 1;
        return true;
}

/* `ref: refs/heads/NAME<tab>HEAD` */
static void take_head(char *line, Refs *ret) {
        char *name = line + strlen("ref: "), *tab = strchr(name, '\t');

        if (!tab || strcmp(tab, "\tHEAD") != 0 || !text_starts(name, HEADS))
                return;
        *tab = '\0';
        name += strlen(HEADS);
        if (valid_branch(name))
                memcpy(ret->head, name, strlen(name) + 1);
}

/* `COMMIT<tab>refs/heads/NAME` */
static bool take_ref(char *line, Ref *ret) {
        char *tab = strchr(line, '\t');
        const char *name = tab ? tab + 1 : "";

        if (!tab || !text_starts(name, HEADS) || !valid_branch(name + strlen(HEADS)))
                return false;
        *tab = '\0';
        if (!valid_commit(line))
                return false;
        memcpy(ret->commit, line, sizeof ret->commit);
        memcpy(ret->name, name + strlen(HEADS), strlen(name + strlen(HEADS)) + 1);
        return true;
}

void refs_parse(const char *text, size_t length, const char *branch, Refs *ret) {
        const char *end = text + length;
        char line[512];

        memset(ret, 0, sizeof *ret);
        for (const char *at = text; next_line(&at, end, line, sizeof line);)
                if (text_starts(line, "ref: "))
                        take_head(line, ret);
        for (const char *at = text; next_line(&at, end, line, sizeof line);) {
                Ref ref = { 0 };

                if (!take_ref(line, &ref))
                        continue;
                if (strcmp(ref.name, *branch ? branch : ret->head) == 0)
                        ret->wanted = ref;
                if (ret->n < REFS_MAX)
                        ret->refs[ret->n++] = ref;
                else
                        ret->has_more = true;
        }
}
