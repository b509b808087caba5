/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/dns_check.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "event/child.h"
#include "security/validate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_US (60 * USEC_PER_SEC)
#define OUTPUT_MAX ((size_t) 64 << 10)

struct DnsCheck {
        Child *child;
        char *own;
        char name[256];
        DnsDone done;
        void *owner;
};

/* --- the verdict --- */

static bool next_word(const char **at, char *ret, size_t size) {
        size_t n;

        *at += strspn(*at, " ");
        n = strcspn(*at, " ");
        if (n == 0 || n >= size)
                return false;
        memcpy(ret, *at, n);
        ret[n] = '\0';
        *at += n;
        return true;
}

static bool is_own(const char *own, const char *address) {
        char word[INET6_ADDRSTRLEN];

        while (next_word(&own, word, sizeof word))
                if (strcmp(word, address) == 0)
                        return true;
        return false;
}

/* Behind a router that translates addresses no interface has the one that the world sees. */
static bool knows_public(const char *own) {
        char word[INET6_ADDRSTRLEN];

        while (next_word(&own, word, sizeof word))
                if (!address_is_internal(word))
                        return true;
        return false;
}

/* Text that names an address as inet_ntop() spells it, or false. */
static bool is_address(const char *line, size_t length, char ret[static INET6_ADDRSTRLEN]) {
        unsigned char bytes[16];
        char text[INET6_ADDRSTRLEN];
        int family;

        if (length == 0 || length >= sizeof text)
                return false;
        memcpy(text, line, length);
        text[length] = '\0';
        family = strchr(text, ':') ? AF_INET6 : AF_INET;
        return inet_pton(family, text, bytes) == 1 && inet_ntop(family, bytes, ret, INET6_ADDRSTRLEN);
}

/* "A 203.0.113.7 and AAAA 2001:db8::7": the first of each kind. */
static void recommend(const char *own, char *ret, size_t size) {
        char word[INET6_ADDRSTRLEN], v4[INET6_ADDRSTRLEN] = "", v6[INET6_ADDRSTRLEN] = "";

        while (next_word(&own, word, sizeof word)) {
                char *kind = strchr(word, ':') ? v6 : v4;

                if (!*kind)
                        memcpy(kind, word, sizeof word);
        }
        (void) snprintf(ret, size, "%s%s%s%s%s", *v4 ? "A " : "", v4, *v4 && *v6 ? " or " : "", *v6 ? "AAAA " : "", v6);
}

DnsVerdict dns_judge(const char *name, const char *answer, const char *own, char *ret_sentence, size_t size) {
        char wanted[128], address[INET6_ADDRSTRLEN], other[INET6_ADDRSTRLEN] = "";
        bool found = false, here = false;

        ret_sentence[0] = '\0';
        recommend(own, wanted, sizeof wanted);
        for (const char *line = answer; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                if (!is_address(line, strcspn(line, " \t\n"), address))
                        continue;
                found = true;
                if (is_own(own, address))
                        here = true;
                else if (!*other)
                        memcpy(other, address, sizeof other);
        }
        if (!found) {
                (void) snprintf(ret_sentence, size, "%s has no address yet; set %s%s.", name,
                                *wanted ? wanted : "an A record to this server", *wanted ? " in its DNS" : "");
                return DNS_ABSENT;
        }
        if (!*other)
                return DNS_HERE;
        /* Public, while this server knows private ones only: it may well be ours. */
        if (!address_is_internal(other) && !knows_public(own))
                return DNS_UNKNOWN;
        (void) snprintf(ret_sentence, size, "%s %spoints to %s, wanted is %s.", name, here ? "also " : "", other, wanted);
        return DNS_ELSEWHERE;
}

/* --- own addresses --- */

static void put_address(Text *t, int family, const void *address, bool is_public) {
        char text[INET6_ADDRSTRLEN];

        if (address && address_is_internal(inet_ntop(family, address, text, sizeof text) ? text : "") != is_public)
                text_printf(t, "%s%s", t->length ? " " : "", text);
}

static const void *usable(const struct ifaddrs *i) {
        const struct sockaddr *address = i->ifa_addr;

        if (!address || i->ifa_flags & IFF_LOOPBACK)
                return NULL;
        if (address->sa_family == AF_INET) {
                const struct in_addr *v4 = &((const struct sockaddr_in *) (const void *) address)->sin_addr;
                return (ntohl(v4->s_addr) & 0xffff0000U) == 0xa9fe0000U ? NULL : v4;
        }
        if (address->sa_family == AF_INET6) {
                const struct in6_addr *v6 = &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
                return IN6_IS_ADDR_LINKLOCAL(v6) ? NULL : v6;
        }
        return NULL;
}

int dns_own_addresses(const char *configured, char **ret_addresses) {
        auto_call(text_cleanup) Text t = { 0 };
        struct ifaddrs *all = NULL;

        if (configured)
                text_puts(&t, configured);
        else if (getifaddrs(&all) < 0)
                return -errno;
        /* Public ones first: they are what a record should say. */
        for (int pass = 0; pass < 2; pass++)
                for (const struct ifaddrs *i = all; i; i = i->ifa_next)
                        put_address(&t, i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC, usable(i), pass == 0);
        if (all)
                freeifaddrs(all);
        text_put(&t, "", 0);
        return text_take(&t, ret_addresses, NULL);
}

/* --- asking --- */

static void on_child(void *owner, const ChildResult *result) {
        DnsCheck *c = owner;
        char sentence[512];
        DnsVerdict verdict = DNS_UNKNOWN;

        sentence[0] = '\0';
        /* 2: the name was not found, or nobody could be asked; getent does not tell these apart. */
        if (result->exit_code == 0 || result->exit_code == 2)
                verdict = dns_judge(c->name, result->exit_code == 0 ? result->output : "", c->own, sentence, sizeof sentence);
        c->done(c->owner, verdict, sentence);
}

DEFINE_CLEANUP(DnsCheck, dns_check_drop)

int dns_check(Loop *l, const char *name, const char *configured, DnsDone done, void *owner, DnsCheck **ret_check) {
        auto_call(dns_check_drop_cleanup) DnsCheck *c = calloc(1, sizeof *c);
        char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" }, (char[]){ "LANG=C.UTF-8" }, NULL };
        int r;

        if (!c)
                return -ENOMEM;
        if (!valid_host_name(name)) /* it becomes an argument */
                return -EINVAL;
        (void) snprintf(c->name, sizeof c->name, "%s", name);
        c->done = done;
        c->owner = owner;
        r = dns_own_addresses(configured, &c->own);
        if (r == 0) {
                char *const argv[] = { (char[]){ "/usr/bin/getent" }, (char[]){ "ahosts" }, c->name, NULL };
                r = child_exec(l, argv, environment, NULL, 0, OUTPUT_MAX, LIMIT_US, on_child, c, &c->child);
        }
        if (r < 0)
                return r;
        *ret_check = handover(c);
        return 0;
}

DnsCheck *dns_check_drop(DnsCheck *c) {
        if (!c)
                return NULL;
        child_drop(c->child);
        free(c->own);
        free(c);
        return NULL;
}
