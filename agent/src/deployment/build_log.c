/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/build_log.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "security/command.h"
#include "security/validate.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *const step_names[BUILD_STEPS] = {
        [BUILD_STEP_FETCH] = "fetch",
        [BUILD_STEP_INSTALL] = "install",
        [BUILD_STEP_BUILD] = "build",
        [BUILD_STEP_RELEASE] = "release",
};

const char *build_step_name(BuildStep step) {
        return step_names[step];
}

/* If text begins with word and a space, or is just the word, returns what follows; else NULL. */
static const char *after_word(const char *text, const char *word) {
        size_t length = strlen(word);
        if (strncmp(text, word, length) != 0)
                return NULL;
        if (text[length] == '\0')
                return text + length;
        return text[length] == ' ' ? text + length + 1 : NULL;
}

static bool take_step(const char **text, BuildStep *ret) {
        for (size_t i = 0; i < ELEMENTS(step_names); i++) {
                const char *rest = after_word(*text, step_names[i]);
                if (rest) {
                        *text = rest;
                        *ret = (BuildStep) i;
                        return true;
                }
        }
        return false;
}

static bool parse_number(const char *text, unsigned max, unsigned *ret) {
        unsigned value = 0;
        if (*text == '\0')
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                value = value * 10 + (unsigned) (*text - '0');
                if (value > max)
                        return false;
        }
        *ret = value;
        return true;
}

static bool valid_signal_name(const char *s) {
        size_t length = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+");
        return length > 0 && length < 16 && s[length] == '\0';
}

static bool parse_end(const char *text, BuildLine *ret) {
        const char *rest;

        if (!take_step(&text, &ret->step))
                return false;
        if (strcmp(text, "ok") == 0) {
                ret->end = BUILD_END_OK;
                return true;
        }
        if ((rest = after_word(text, "exit"))) {
                ret->end = BUILD_END_EXIT;
                return parse_number(rest, 255, &ret->number);
        }
        if ((rest = after_word(text, "signal"))) {
                ret->end = BUILD_END_SIGNAL;
                ret->text = rest;
                return valid_signal_name(rest);
        }
        if ((rest = after_word(text, "oom"))) {
                ret->end = BUILD_END_OOM;
                return parse_number(rest, 1u << 24, &ret->number);
        }
        if ((rest = after_word(text, "error"))) {
                ret->end = BUILD_END_ERROR;
                ret->text = rest;
                return valid_text_line(rest, 2048);
        }
        return false;
}

/* What a build prints may have tabs and colours. */
static bool any_text(const char *s) {
        size_t length = strlen(s);
        if (length > 8192 || !valid_utf8(s, length))
                return false;
        for (size_t i = 0; i < length;) {
                size_t style = text_style(s + i, length - i);
                if (!style && (((unsigned char) s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f))
                        return false;
                i += style ? style : 1;
        }
        return true;
}

static bool short_text(const char *s) {
        return valid_text_line(s, 512);
}

static bool good_command(const char *s) {
        return command_split(s, NULL, NULL) == COMMAND_OK;
}

static const struct {
        const char *word;
        BuildSays says;
        bool (*valid)(const char *text);
} texts[] = {
        { "deployment", BUILD_SAYS_DEPLOYMENT, valid_id },
        { "out", BUILD_SAYS_OUT, any_text },
        { "note", BUILD_SAYS_NOTE, any_text },
        { "commit", BUILD_SAYS_COMMIT, valid_commit },
        { "author", BUILD_SAYS_AUTHOR, short_text },
        { "subject", BUILD_SAYS_SUBJECT, short_text },
        { "start", BUILD_SAYS_START, good_command },
        { "root", BUILD_SAYS_ROOT, valid_relative_directory },
        { "static", BUILD_SAYS_STATIC, short_text },
};

void build_line_parse(const char *line, BuildLine *ret) {
        const char *rest;

        *ret = (BuildLine){ .says = BUILD_SAYS_UNKNOWN, .text = "" };
        if (strcmp(line, "done") == 0) {
                ret->says = BUILD_SAYS_DONE;
                return;
        }
        if ((rest = after_word(line, "begin"))) {
                if (take_step(&rest, &ret->step) && *rest == '\0')
                        ret->says = BUILD_SAYS_BEGIN;
                return;
        }
        if ((rest = after_word(line, "end"))) {
                if (parse_end(rest, ret))
                        ret->says = BUILD_SAYS_END;
                else
                        ret->text = "";
                return;
        }
        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                rest = after_word(line, texts[i].word);
                if (!rest)
                        continue;
                if (texts[i].valid(rest)) {
                        ret->says = texts[i].says;
                        ret->text = rest;
                }
                return;
        }
}
