/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/runtimes_version.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Three numbers of 20 bits in one, so that they compare as a whole. */
#define PART_BITS 20
#define PART_MAX ((UINT64_C(1) << PART_BITS) - 1)
#define EVERY UINT64_MAX

typedef struct {
        uint64_t number; /* absent parts are 0 */
        unsigned n_parts;
} Version;

static uint64_t part_unit(unsigned i) {
        return UINT64_C(1) << (PART_BITS * (2 - i));
}

/* Reads one to three numbers with dots; `x` and `*` end it like an absent part. Returns where it stopped, or NULL. */
static const char *parse(const char *s, Version *ret) {
        *ret = (Version){ 0 };
        for (unsigned i = 0; i < 3; i++) {
                if (*s == 'x' || *s == 'X' || *s == '*') {
                        s++;
                        while (s[0] == '.' && (s[1] == 'x' || s[1] == 'X' || s[1] == '*'))
                                s += 2;
                        return s;
                }
                uint64_t part = 0;
                if (*s < '0' || *s > '9' || (s[0] == '0' && s[1] >= '0' && s[1] <= '9'))
                        return NULL;
                for (; *s >= '0' && *s <= '9'; s++) {
                        part = part * 10 + (uint64_t) (*s - '0');
                        if (part > PART_MAX)
                                return NULL;
                }
                ret->number += part * part_unit(i);
                ret->n_parts = i + 1;
                if (*s != '.' || i == 2)
                        return s;
                s++;
        }
        return s;
}

static bool parse_release(const char *s, uint64_t *ret) {
        Version v;
        const char *end = s ? parse(s, &v) : NULL;
        if (!end || *end || v.n_parts != 3)
                return false;
        *ret = v.number;
        return true;
}

bool version_is_release(const char *version) {
        uint64_t number;
        return parse_release(version, &number);
}

int version_compare(const char *a, const char *b) {
        uint64_t x = 0, y = 0;
        (void) parse_release(a, &x);
        (void) parse_release(b, &y);
        return (x > y) - (x < y);
}

/* The first version behind all that begin with the first n parts of v. */
static uint64_t behind(const Version *v, unsigned n) {
        if (n == 0)
                return EVERY;
        uint64_t unit = part_unit(n - 1);
        return v->number / unit * unit + unit;
}

bool version_matches(const char *version, const char *wanted) {
        Version w;
        uint64_t number;
        const char *end = parse(wanted, &w);
        return end && !*end && w.n_parts > 0 && parse_release(version, &number) && number >= w.number && number < behind(&w, w.n_parts);
}

/* How many parts a caret holds fast: up to the first that is not zero. */
static unsigned caret_parts(const Version *v) {
        if (v->number >= part_unit(0) || v->n_parts <= 1)
                return v->n_parts < 1 ? v->n_parts : 1;
        return v->number >= part_unit(1) || v->n_parts == 2 ? 2 : 3;
}

/* One comparator as the interval [low, high). Returns where it stopped, or NULL. */
static const char *parse_comparator(const char *s, uint64_t *ret_low, uint64_t *ret_high) {
        static const char *const operators[] = { ">=", "<=", ">", "<", "=", "^", "~", "" };
        size_t i = 0;
        while (strncmp(s, operators[i], strlen(operators[i])) != 0)
                i++;
        s += strlen(operators[i]);
        s += strspn(s, " v");
        Version v;
        s = parse(s, &v);
        if (!s)
                return NULL;
        uint64_t next = behind(&v, v.n_parts);
        *ret_low = 0;
        *ret_high = EVERY;
        switch (operators[i][0]) {
        case '>':
                *ret_low = operators[i][1] ? v.number : next;
                break;
        case '<':
                *ret_high = operators[i][1] ? next : v.number;
                break;
        case '^':
                *ret_low = v.number;
                *ret_high = behind(&v, caret_parts(&v));
                break;
        case '~':
                *ret_low = v.number;
                *ret_high = behind(&v, v.n_parts > 2 ? 2 : v.n_parts);
                break;
        default:
                *ret_low = v.number;
                *ret_high = next;
        }
        return *s == '\0' || *s == ' ' || *s == '|' ? s : NULL;
}

bool version_satisfies(const char *version, const char *range) {
        uint64_t number;
        if (!parse_release(version, &number))
                return false;
        bool all = true, any = false; /* all of one alternative, any of them */
        for (;;) {
                range += strspn(range, " ");
                if (*range == '\0')
                        return any || all;
                if (range[0] == '|' && range[1] == '|') {
                        any = any || all;
                        all = true;
                        range += 2;
                        continue;
                }
                uint64_t low, high;
                range = parse_comparator(range, &low, &high);
                if (!range)
                        return false;
                all = all && number >= low && number < high;
        }
}
