/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "security/join_string.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "security/validate.h"

#define PREFIX "ns1."

int join_string_make(const JoinString *j, char ret[static JOIN_STRING_SIZE]) {
        bool six = strchr(j->host, ':');

        if (!valid_token(j->token))
                return JOIN_STRING_E_TOKEN;
        if (!valid_pin(j->pin))
                return JOIN_STRING_E_PIN;
        if (!valid_server_address(j->host))
                return JOIN_STRING_E_HOST;
        if (j->port < 1 || j->port > 65535)
                return JOIN_STRING_E_PORT;
        (void) snprintf(ret, JOIN_STRING_SIZE, PREFIX "%s.%s.%s%s%s:%u", j->token, j->pin, six ? "[" : "", j->host, six ? "]" : "",
                        j->port);
        return JOIN_STRING_OK;
}

/* The prefix of this or of another version. */
static int take_prefix(const char **s) {
        size_t digits;

        if (text_starts(*s, PREFIX)) {
                *s += strlen(PREFIX);
                return JOIN_STRING_OK;
        }
        if (text_starts(PREFIX, *s))
                return JOIN_STRING_E_CUT;
        if (!text_starts(*s, "ns"))
                return JOIN_STRING_E_PREFIX;
        digits = strspn(*s + 2, "0123456789");
        return digits >= 1 && digits <= 4 && (*s)[2 + digits] == '.' ? JOIN_STRING_E_VERSION : JOIN_STRING_E_PREFIX;
}

/* Takes `length` characters and the dot behind them. Where the text ends before that, it was cut. */
static int take_field(const char **s, size_t length, bool (*valid)(const char *), char *ret, int wrong) {
        size_t n = strcspn(*s, ".");

        if ((*s)[n] == '\0' && n <= length)
                return JOIN_STRING_E_CUT;
        if (n != length)
                return wrong;
        memcpy(ret, *s, n);
        ret[n] = '\0';
        *s += n + 1;
        return valid(ret) ? JOIN_STRING_OK : wrong;
}

static int take_address(const char *s, JoinString *j) {
        bool brackets = *s == '[';
        size_t n = strcspn(s + brackets, brackets ? "]" : ":");
        const char *host = s + brackets, *rest = host + n;
        unsigned long port = 0;

        if (!*rest || (brackets && !rest[1]))
                return JOIN_STRING_E_CUT;
        rest += brackets;
        if (*rest != ':' || n < 1 || n >= sizeof(j->host))
                return JOIN_STRING_E_HOST;
        if (!rest[1])
                return JOIN_STRING_E_CUT;
        memcpy(j->host, host, n);
        j->host[n] = '\0';
        /* Brackets belong to IPv6, and to nothing else: one spelling for one address. */
        if (!valid_server_address(j->host) || brackets != (strchr(j->host, ':') != NULL))
                return JOIN_STRING_E_HOST;
        if (!text_to_number(rest + 1, 1, 65535, &port))
                return JOIN_STRING_E_PORT;
        j->port = (unsigned) port;
        return JOIN_STRING_OK;
}

int join_string_parse(const char *text, JoinString *ret) {
        static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:[]-";
        JoinString j = { 0 };
        int r;

        if (!text || !*text)
                return JOIN_STRING_E_CUT;
        if (strnlen(text, JOIN_STRING_SIZE) > JOIN_STRING_MAX)
                return JOIN_STRING_E_LONG;
        if (text[strspn(text, characters)])
                return JOIN_STRING_E_CHARACTER;
        r = take_prefix(&text);
        if (r == JOIN_STRING_OK)
                r = take_field(&text, sizeof(j.token) - 1, valid_token, j.token, JOIN_STRING_E_TOKEN);
        if (r == JOIN_STRING_OK)
                r = take_field(&text, sizeof(j.pin) - 1, valid_pin, j.pin, JOIN_STRING_E_PIN);
        if (r == JOIN_STRING_OK)
                r = take_address(text, &j);
        if (r == JOIN_STRING_OK)
                *ret = j;
        return r;
}

const char *join_string_explain(int code) {
        static const char *const sentences[] = {
                [JOIN_STRING_OK] = "The join string is in order.",
                [JOIN_STRING_E_LONG] = "This is too long for a join string. Copy it again, without anything before or after it.",
                [JOIN_STRING_E_CHARACTER] = "The join string has a blank, a line break or another character that does not belong there. "
                                            "Copy it again, as one line.",
                [JOIN_STRING_E_PREFIX] =
                                "This is no join string: one begins with ns1. Let the orchestrator make one, and copy it as a whole.",
                [JOIN_STRING_E_VERSION] =
                                "The join string is of another version of NanoScale. Install the version here that the orchestrator has.",
                [JOIN_STRING_E_CUT] = "The join string is cut off: its end is missing. Copy it again, to the port number at its end.",
                [JOIN_STRING_E_TOKEN] = "The token in the join string is damaged: it has 32 letters and digits. Copy the string again.",
                [JOIN_STRING_E_PIN] = "The key's fingerprint in the join string is damaged: it has 64 digits of 0-9 and a-f. Copy the "
                                      "string again.",
                [JOIN_STRING_E_HOST] = "The address in the join string is none that a server can have. Copy the string again; if it is as "
                                       "the orchestrator "
                                       "shows it, set the orchestrator's address there and make a new one.",
                [JOIN_STRING_E_PORT] = "The port in the join string is no number from 1 to 65535. Copy the string again.",
        };

        return code >= 0 && (size_t) code < ELEMENTS(sentences) ? sentences[code] : "The join string cannot be read.";
}
