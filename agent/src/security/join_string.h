/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the user copies to make a machine a worker: ns1.TOKEN.PIN.HOST:PORT. It carries the address of the orchestrator and the pin of its
 * TLS key, so that nobody in between can pose as it. It is a secret as long as the token is valid. Pure, libc only.
 *   TOKEN  32 characters of [A-Za-z0-9]
 *   PIN    SHA-256 of the SubjectPublicKeyInfo (DER) of the orchestrator's certificate, 64 lower-case hex digits
 *   HOST   what valid_server_address() accepts; an IPv6 address in brackets
 *   PORT   1 … 65535, no leading zero */
#pragma once

#define JOIN_STRING_MAX 400
#define JOIN_STRING_SIZE (JOIN_STRING_MAX + 1)

typedef struct {
        char token[33], pin[65];
        char host[254]; /* without brackets */
        unsigned port;
} JoinString;

enum {
        JOIN_STRING_OK = 0,
        JOIN_STRING_E_LONG,      /* over 400 bytes */
        JOIN_STRING_E_CHARACTER, /* a blank, a line break or another byte that no join string has */
        JOIN_STRING_E_PREFIX,    /* is something else */
        JOIN_STRING_E_VERSION,   /* ns2…: of a later version */
        JOIN_STRING_E_CUT,       /* ends too early */
        JOIN_STRING_E_TOKEN,
        JOIN_STRING_E_PIN,
        JOIN_STRING_E_HOST,
        JOIN_STRING_E_PORT,
};

/* Writes the text. JOIN_STRING_OK, or the code of the field that is not of its form (ret is untouched then). */
int join_string_make(const JoinString *j, char ret[static JOIN_STRING_SIZE]);
/* Reads it: strict, not a byte before or after (who reads a line cuts off its end first). A code above leaves *ret untouched. NULL is
 * JOIN_STRING_E_CUT. What is accepted comes out of join_string_make() again, byte for byte. */
int join_string_parse(const char *text, JoinString *ret);
/* A sentence for people: what is wrong with it and what to do. Static text; never a part of the string, which is a secret. */
const char *join_string_explain(int code);
