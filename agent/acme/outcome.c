/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "acme/outcome.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define EXIT_NOT_FOUND 127 /* of env(1) */

void outcome_set(Outcome *ret, const char *word, const char *format, ...) {
        va_list args;

        va_start(args, format);
        (void) vsnprintf(ret->sentence, sizeof(ret->sentence), format, args);
        va_end(args);
        text_make_line(ret->sentence);
        ret->word = word;
}

/* The rest of the first line of text that begins with key, blanks aside; "" if there is none. */
static void value_of(const char *text, const char *key, char *ret, size_t size) {
        *ret = '\0';
        for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                line += strspn(line, " ");
                if (text_starts(line, key)) {
                        size_t n;

                        line += strlen(key) + strspn(line + strlen(key), " ");
                        n = strcspn(line, "\n");
                        n = n < size ? n : size - 1;
                        memcpy(ret, line, n);
                        ret[n] = '\0';
                        return;
                }
        }
}

/* certbot 2 reports each name that an authority could not be convinced of:
 *     Domain: shop.test
 *     Type:   connection
 *     Detail: 203.0.113.7: Fetching http://shop.test/.well-known/acme-challenge/…: Connection refused
 * The detail quotes the answer of whoever was asked, so no word is looked for in it. */
static bool read_challenge(const char *text, Outcome *ret) {
        char domain[256], type[64], detail[300];

        value_of(text, "Domain:", domain, sizeof(domain));
        value_of(text, "Type:", type, sizeof(type));
        value_of(text, "Detail:", detail, sizeof(detail));
        if (!*type)
                return false;
        outcome_set(ret,
                    strcmp(type, "rateLimited") == 0 ? "rate-limit"
                    : strcmp(type, "caa") == 0       ? "refused"
                                                     : "challenge",
                    "%s: %s", domain, *detail ? detail : type);
        return true;
}

/* Of everything else, in this order: an authority that limits says so in an error that is one of its refusals. */
static const struct {
        const char *text, *word;
} signs[] = {
        { "No space left on device", "disk" },
        { "Disk quota exceeded", "disk" },
        { "Read-only file system", "disk" },
        { "too many", "rate-limit" },
        { "rate limit", "rate-limit" },
        { "rate-limit", "rate-limit" },
        { "rateLimited", "rate-limit" },
        { "Service busy", "rate-limit" },
        { "Max retries exceeded", "unreachable" },
        { "Name or service not known", "unreachable" },
        { "Temporary failure in name resolution", "unreachable" },
        { "No route to host", "unreachable" },
        { "Network is unreachable", "unreachable" },
        { "Connection refused", "unreachable" },
        { "Connection reset", "unreachable" },
        { "Connection aborted", "unreachable" },
        { "certificate verify failed", "unreachable" },
        { "ConnectTimeout", "unreachable" },
        { "ReadTimeout", "unreachable" },
        { "timed out", "unreachable" },
        { "Error creating new order", "refused" },
        { "will not issue", "refused" },
        { "rejectedIdentifier", "refused" },
        { "Error creating new account", "refused" },
        { "Account is not valid", "refused" },
        { "unauthorized", "refused" },
        { "urn:ietf:params:acme:error:", "refused" },
};

/* The last line that says what is wrong: certbot ends with advice and with where its log is. */
static const char *reason(Output *o) {
        static const char *const advice[] = {
                "Ask for help", "See the logfile", "Saving debug log", "Some challenges have failed", "Hint:", "Exiting due to user request"
        };

        for (;;) {
                const char *line = program_last_line(o);
                size_t i = 0;

                while (i < ELEMENTS(advice) && !text_starts(line, advice[i]))
                        i++;
                if (i == ELEMENTS(advice))
                        return line;
                o->length = (size_t) (line - o->text);
                o->text[o->length] = '\0';
        }
}

/* The line of text with a sign of what went wrong, and the sign's word; NULL if there is none. */
static const char *line_with_sign(const char *text, const char **ret_word) {
        for (size_t i = 0; i < ELEMENTS(signs); i++) {
                const char *at = strcasestr(text, signs[i].text);

                if (!at)
                        continue;
                while (at > text && at[-1] != '\n')
                        at--;
                *ret_word = signs[i].word;
                return at;
        }
        return NULL;
}

/* Without the names of Python's classes: of `…Error: text` the text; of a connection that failed, whose line ends with
 * `(Caused by NewConnectionError('<urllib3… object at 0x…>: …: [Errno 111] Connection refused'))`, what stands behind the bracket. */
static void put_sentence(Outcome *ret, const char *word, const char *line) {
        size_t name = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"), n;
        char text[sizeof(ret->sentence)];
        const char *inner;

        if (name > 5 && strncmp(line + name - 5, "Error: ", 7) == 0)
                line += name + 2;
        n = strcspn(line, "\n");
        /* An authority's refusal begins with its kind: `urn:ietf:params:acme:error:rateLimited :: …`. */
        if (text_starts(line, "urn:") && (inner = memmem(line, n, " :: ", 4))) {
                n -= (size_t) (inner + 4 - line);
                line = inner + 4;
        }
        inner = memmem(line, n, "(Caused by ", 11);
        if (inner && (inner = memrchr(inner, ']', n - (size_t) (inner - line))) && inner[1] == ' ') {
                line = inner + 2;
                n = strcspn(line, "'\"\n");
        }
        n = n < sizeof(text) ? n : sizeof(text) - 1;
        memcpy(text, line, n);
        text[n] = '\0';
        outcome_set(ret, word, "%s", n > 0 ? text : "certbot failed without a word");
}

void outcome_read(int code, Output *o, Outcome *ret) {
        const char *word = "other", *line;

        *ret = (Outcome){ 0 };
        if (code == 0)
                return;
        if (code == -ETIME)
                outcome_set(ret, "timeout", "certbot did not come to an end in time");
        else if (code < 0)
                outcome_set(ret, "other", "certbot could not be run: %s", strerror(-code));
        else if (code >= PROGRAM_SIGNAL)
                outcome_set(ret, "other", "certbot was ended by signal %d", code - PROGRAM_SIGNAL);
        else if (code == EXIT_NOT_FOUND)
                outcome_set(ret, "other", "certbot is not installed");
        else if (!read_challenge(o->text, ret)) {
                line = line_with_sign(o->text, &word);
                put_sentence(ret, word, line ? line : reason(o));
        }
}
