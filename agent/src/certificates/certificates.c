/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "certificates/certificates.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "certificates/acme.h"
#include "certificates/dns_check.h"
#include "certificates/files.h"
#include "certificates/own_names.h"
#include "security/certificate_name.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUSY_MS (INT64_C(10) * 1000)
#define MINUTE_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

typedef struct Forced {
        struct Forced *next;
        char name[];
} Forced;

struct Certificates {
        CertificatesConfig config;
        Timer *timer;
        int64_t inspected_ms, warned_ms;

        /* the domain that is being worked for; one at a time, as certbot wants it */
        char *name;
        bool force;
        DnsCheck *dns;
        AcmeCall *acme;

        Forced *forced; /* to be renewed before their time, as soon as it is their turn */
};

static void arm(Certificates *c, int64_t after_ms) {
        uint64_t us = after_ms <= 0 ? 0 : (uint64_t) (after_ms < HOUR_MS ? after_ms : HOUR_MS) * USEC_PER_MSEC;

        (void) timer_rearm(c->timer, us);
}

/* --- rows --- */

static int replace(char **text, const char *value) {
        char *copy = value ? strdup(value) : NULL;

        if (value && !copy)
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

__attribute__((format(printf, 3, 4))) static void set_problem(DomainRow *row, const char *word, const char *format, ...) {
        char text[768];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        text_make_line(text);
        (void) replace(&row->problem, text);
        (void) replace(&row->problem_word, word);
}

/* The only place that writes a state. */
static void put(const Certificates *c, DomainRow *row, const char *state, int64_t next_try_ms) {
        int r = replace(&row->state, state);

        row->next_try_ms = next_try_ms;
        if (r == 0)
                r = store_domain_set_state(c->config.store, row);
        if (r < 0)
                (void) fprintf(stderr, "<3>%s: its state could not be stored: %s\n", row->name, store_error(c->config.store));
}

static bool is_good(const DomainRow *row, int64_t now) {
        return row->issued_at_ms && row->not_after_ms > now;
}

static int64_t renewal_of(const PemInfo *info) {
        return info->not_after_ms - (info->not_after_ms - info->not_before_ms) / 3;
}

static bool is_own(const DomainRow *row) {
        return strcmp(row->source, "own") == 0;
}

/* --- what an attempt came to --- */

static int64_t delay_after(int64_t tries, int64_t delay) {
        while (--tries > 0 && delay < DAY_MS)
                delay *= 2;
        return delay < DAY_MS ? delay : DAY_MS;
}

/* Its limits are for the account and the address, so none of the others would be served better. */
static void pause_others(const Certificates *c, const DomainRow *limited, int64_t until_ms) {
        DomainRow *rows = NULL;
        size_t n = 0;

        if (store_domain_list_here(c->config.store, c->config.server_id, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++)
                if (!is_own(&rows[i]) && strcmp(rows[i].name, limited->name) != 0 && rows[i].next_try_ms < until_ms) {
                        if (!is_good(&rows[i], clock_now_ms()))
                                set_problem(&rows[i], "rate-limit",
                                            "The authority allows no more certificates now; it is asked again later.");
                        put(c, &rows[i], rows[i].state, until_ms);
                }
        domain_rows_free(rows, n);
}

static void fail_for(const Certificates *c, DomainRow *row, const char *word, const char *sentence, int64_t first_delay_ms) {
        int64_t now = clock_now_ms(), next;

        row->tries++;
        next = now + delay_after(row->tries, first_delay_ms);
        set_problem(row, word, "%s", sentence);
        put(c, row, is_good(row, now) ? "valid" : "failed", next);
        (void) fprintf(stderr, "<4>%s: no certificate (%s): %.700s\n", row->name, word, row->problem ? row->problem : "");
        if (strcmp(word, "rate-limit") == 0)
                pause_others(c, row, next);
}

static void fail(const Certificates *c, DomainRow *row, const char *word, const char *sentence) {
        fail_for(c, row, word, sentence, strcmp(word, "rate-limit") == 0 ? DAY_MS : HOUR_MS);
}

/* The dashboard's own site reads the file, whatever is in it. */
static void tell_changed(const Certificates *c, const DomainRow *row) {
        if (c->config.changed && (row->project_id || is_wildcard_name(row->name)))
                c->config.changed(c->config.owner, row->project_id);
}

/* nginx has it: from now on the name is served by https. */
static void take(const Certificates *c, DomainRow *row, const PemInfo *info, int64_t next_try_ms) {
        bool is_first = row->issued_at_ms == 0;

        row->issued_at_ms = clock_now_ms();
        row->not_after_ms = info->not_after_ms;
        row->tries = 0;
        (void) replace(&row->problem, NULL);
        (void) replace(&row->problem_word, NULL);
        put(c, row, "valid", next_try_ms);
        if (is_first)
                tell_changed(c, row);
}

static void fail_errno(const Certificates *c, DomainRow *row, int error) {
        char sentence[256];

        (void) snprintf(sentence, sizeof sentence, "The certificate could not be written to %.100s: %s.", c->config.directory,
                        strerror(-error));
        fail(c, row, error == -ENOSPC || error == -EDQUOT ? "disk" : "other", sentence);
}

/* What certbot has, if it is good and not due. False: there is nothing of use. */
static bool take_live(const Certificates *c, DomainRow *row, bool asked) {
        int64_t now = clock_now_ms();
        PemInfo info = { 0 };
        char *pem = NULL;
        size_t length = 0;
        int r = files_read_live(c->config.acme, row->name, now, &info, &pem, &length);

        if (r != PEM_OK || (!asked && renewal_of(&info) <= now)) {
                pem_free(pem, length);
                if (asked && r < 0)
                        fail(c, row, "other", "certbot says that it is done, but its certificate cannot be read.");
                else if (asked)
                        fail(c, row, "other", pem_explain(r));
                return false;
        }
        r = files_put(c->config.directory, row->name, pem, length);
        pem_free(pem, length);
        if (r < 0)
                fail_errno(c, row, r);
        else /* one that is due as soon as it has come (a wrong clock?): authorities count how often they are asked */
                take(c, row, &info, renewal_of(&info) > now ? renewal_of(&info) : now + DAY_MS);
        return true;
}

/* --- one domain at a time --- */

static void work_soon(Certificates *c) {
        c->dns = dns_check_drop(c->dns);
        c->acme = acme_call_drop(c->acme);
        free(handover(c->name));
        c->force = false;
        arm(c, 0);
}

/* The domain that is worked for, as it is now: false when it has gone, or got a certificate of its own, meanwhile. */
static bool reload(const Certificates *c, DomainRow *ret) {
        if (store_domain_get(c->config.store, c->name, ret) != STORE_OK)
                return false;
        if (!is_own(ret))
                return true;
        domain_row_done(ret);
        return false;
}

static void on_acme(void *owner, const AcmeAnswer *answer) {
        Certificates *c = owner;
        DomainRow row = { 0 };

        if (reload(c, &row)) {
                if (answer->ok)
                        (void) take_live(c, &row, true);
                else if (answer->is_busy) /* the authority was not asked for us, so it does not mind */
                        fail_for(c, &row, answer->word, answer->text, BUSY_MS);
                else
                        fail(c, &row, answer->word, answer->text);
        }
        domain_row_done(&row);
        work_soon(c);
}

static const char *hook_of(const Certificates *c, const DomainRow *row) {
        return c->config.hook_for_all || is_wildcard_name(row->name) ? c->config.hook : NULL;
}

static void ask(Certificates *c, DomainRow *row) {
        const AcmeRequest request = { .name = row->name,
                                      .email = c->config.email,
                                      .server = c->config.authority,
                                      .ca = c->config.ca,
                                      .hook = hook_of(c, row),
                                      /* certbot compares with 30 days; we with a third of its life */
                                      .force = c->force || row->issued_at_ms };
        int64_t now = clock_now_ms();
        int r;

        if (!c->force && take_live(c, row, false)) {
                work_soon(c);
                return;
        }
        put(c, row, is_good(row, now) ? "valid" : "issuing", now);
        r = acme_call(c->config.loop, c->config.socket, &request, on_acme, c, &c->acme);
        if (r < 0) {
                fail(c, row, "other", strerror(-r));
                work_soon(c);
        }
}

/* Often for one that was just entered, by somebody who waits for it. */
static int64_t dns_delay(const DomainRow *row, int64_t now) {
        int64_t age = now - row->created_at_ms;

        return age < HOUR_MS ? MINUTE_MS : age < DAY_MS ? 10 * MINUTE_MS : HOUR_MS;
}

static void on_dns(void *owner, DnsVerdict verdict, const char *sentence) {
        Certificates *c = owner;
        DomainRow row = { 0 };
        int64_t now = clock_now_ms();

        if (!reload(c, &row)) {
                work_soon(c);
                return;
        }
        if (verdict == DNS_HERE || verdict == DNS_UNKNOWN) {
                c->dns = dns_check_drop(c->dns);
                ask(c, &row);
        } else {
                set_problem(&row, "dns", "%s", sentence);
                put(c, &row, is_good(&row, now) ? "valid" : row.issued_at_ms ? "failed" : "waiting", now + dns_delay(&row, now));
                work_soon(c);
        }
        domain_row_done(&row);
}

/* Nothing to be done but to say when it ends. */
static void watch_own(const Certificates *c, DomainRow *row) {
        int64_t now = clock_now_ms(), warn = row->not_after_ms - DOMAIN_WARN_DAYS * DAY_MS;

        if (!row->issued_at_ms) {
                if (!row->problem)
                        set_problem(row, "absent", "There is no certificate on this server. Upload it.");
                put(c, row, "failed", now + DAY_MS);
        } else if (row->not_after_ms <= now) {
                set_problem(row, "expired", "The certificate has expired. Upload a new one.");
                put(c, row, "failed", now + DAY_MS);
        } else
                put(c, row, "valid", warn > now ? warn : row->not_after_ms < now + DAY_MS ? row->not_after_ms : now + DAY_MS);
}

/* --- renewals before their time --- */

static Forced **find_forced(Certificates *c, const char *name) {
        Forced **p = &c->forced;

        while (*p && strcmp((*p)->name, name) != 0)
                p = &(*p)->next;
        return p;
}

static int put_forced(Certificates *c, const char *name) {
        Forced **end = find_forced(c, name);
        size_t size = strlen(name) + 1;

        if (*end)
                return 0;
        *end = calloc(1, sizeof **end + size);
        if (!*end)
                return -ENOMEM;
        memcpy((*end)->name, name, size);
        return 0;
}

static bool take_forced(Certificates *c, const char *name) {
        Forced **p = find_forced(c, name), *found = *p;

        if (!found)
                return false;
        *p = found->next;
        free(found);
        return true;
}

static void begin(Certificates *c, DomainRow *row) {
        int r = 0;

        if (is_own(row)) {
                watch_own(c, row);
                arm(c, 0);
                return;
        }
        c->name = strdup(row->name);
        if (!c->name) {
                arm(c, MINUTE_MS);
                return;
        }
        c->force = take_forced(c, row->name);
        if (c->config.check_dns && !hook_of(c, row)) /* dns-01 does not care where the name points to */
                r = dns_check(c->config.loop, row->name, c->config.addresses, on_dns, c, &c->dns);
        if (r < 0)
                (void) fprintf(stderr, "<4>%s: its DNS could not be looked at: %s\n", row->name, strerror(-r));
        if (!c->dns)
                ask(c, row);
}

/* --- looking after all --- */

/* The file is what counts: after a power cut, a full disk or a restored backup it may differ from the row. */
static void inspect(const Certificates *c, DomainRow *row, int64_t now) {
        PemInfo info = { 0 };
        int r = row->issued_at_ms ? files_check(c->config.directory, row->name, now, &info) : PEM_OK;
        bool is_lost = r != PEM_OK && r != PEM_E_EARLY && r != PEM_E_EXPIRED;

        if (is_lost && (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO))
                return; /* says nothing about the file */
        if (is_lost) {
                (void) fprintf(stderr, "<4>%s: its certificate was lost or damaged (%s).\n", row->name,
                               r < 0 ? strerror(-r) : pem_explain(r));
                row->issued_at_ms = 0;
                row->not_after_ms = 0;
                set_problem(row, "lost", "Its certificate was lost or damaged on this server.%s", is_own(row) ? " Upload it again." : "");
                put(c, row, is_own(row) ? "failed" : "waiting", now);
                tell_changed(c, row);
        } else if (row->issued_at_ms && info.not_after_ms != row->not_after_ms) {
                row->not_after_ms = info.not_after_ms;
                put(c, row, r == PEM_E_EXPIRED ? "failed" : "valid", is_own(row) ? now : renewal_of(&info));
        } else if (row->issued_at_ms && r == PEM_E_EXPIRED && strcmp(row->state, "valid") == 0) {
                if (!row->problem)
                        set_problem(row, "expired", "The certificate has expired.");
                put(c, row, "failed", row->next_try_ms);
        } else if (strcmp(row->state, "issuing") == 0)
                put(c, row, "waiting", now); /* an earlier agent has asked, and did not hear the answer */
        if (!row->project_id && !row->issued_at_ms && !is_wildcard_name(row->name))
                own_names_begin(&c->config, row, now);
}

typedef struct {
        const Certificates *c;
        const DomainRow *rows;
        size_t n;
} Rows;

/* NAME.BASE-DOMAIN of a project that is served here. */
static bool is_projects_name(const Certificates *c, const char *host) {
        size_t label = strcspn(host, ".");
        ProjectRow project = { 0 };
        char name[64];
        bool found;

        if (!c->config.base_domain || label >= sizeof name || !host[label] || strcmp(host + label + 1, c->config.base_domain) != 0)
                return false;
        memcpy(name, host, label);
        name[label] = '\0';
        found = store_project_get_by_name(c->config.store, name, &project) == STORE_OK &&
                strcmp(project.server_id, c->config.server_id) == 0;
        project_row_done(&project);
        return found;
}

static bool is_wanted(void *owner, const char *name) {
        const Rows *rows = owner;

        for (size_t i = 0; i < rows->n; i++)
                if (strcmp(rows->rows[i].name, name) == 0)
                        return true;
        return is_projects_name(rows->c, name);
}

/* Only with the whole list in hand. Also of other servers: a project that has just moved away may still be served here for a while. */
static void sweep(const Certificates *c) {
        DomainRow *rows = NULL;
        size_t n = 0;

        if (store_domain_list(c->config.store, NULL, &rows, &n) != STORE_OK)
                return;
        files_sweep(c->config.directory, c->config.acme, is_wanted, &(Rows){ c, rows, n });
        domain_rows_free(rows, n);
}

static void warn(const DomainRow *row, int64_t now) {
        long long days = (long long) ((row->not_after_ms - now) / DAY_MS);

        if (row->not_after_ms > now)
                (void) fprintf(stderr, "<4>%s: its certificate ends in %lld days.", row->name, days);
        else
                (void) fprintf(stderr, "<4>%s: its certificate ended %lld days ago.", row->name, -days);
        (void) fprintf(stderr, " %.600s\n", row->problem ? row->problem : "");
}

static void warn_all(Certificates *c, const DomainRow *rows, size_t n, int64_t now) {
        if (now - c->warned_ms < DAY_MS && now >= c->warned_ms)
                return;
        c->warned_ms = now;
        for (size_t i = 0; i < n; i++)
                if (domain_ends_soon(&rows[i], now))
                        warn(&rows[i], now);
}

static void work(void *owner) {
        Certificates *c = owner;
        int64_t now = clock_now_ms(), next = now + HOUR_MS;
        DomainRow *rows = NULL, *due = NULL;
        size_t n = 0;
        int r;

        if (c->name) /* it comes back here when that is done */
                return;
        r = store_domain_list_here(c->config.store, c->config.server_id, &rows, &n);
        if (r != STORE_OK) {
                arm(c, MINUTE_MS);
                return;
        }
        if (now - c->inspected_ms >= HOUR_MS || now < c->inspected_ms) {
                c->inspected_ms = now;
                for (size_t i = 0; i < n; i++)
                        inspect(c, &rows[i], now);
        }
        sweep(c);
        warn_all(c, rows, n, now);
        for (size_t i = 0; i < n; i++) {
                if (rows[i].next_try_ms <= now && (!due || rows[i].next_try_ms < due->next_try_ms))
                        due = &rows[i];
                if (rows[i].next_try_ms < next)
                        next = rows[i].next_try_ms;
        }
        if (due)
                begin(c, due);
        else
                arm(c, next - now);
        domain_rows_free(rows, n);
}

/* --- from outside --- */

void certificates_look(Certificates *c) {
        if (c && !c->name)
                arm(c, 0);
}

int certificates_try_now(Certificates *c, const char *name, bool force) {
        DomainRow row = { 0 };
        int r = store_domain_get(c->config.store, name, &row);

        if (r != STORE_OK)
                return r;
        if (force)
                r = put_forced(c, name);
        /* The first of all; a problem that is shown afterwards is a new one. */
        row.next_try_ms = 0;
        free(handover(row.problem));
        free(handover(row.problem_word));
        if (r == 0 && !is_own(&row) && !row.issued_at_ms)
                r = replace(&row.state, "waiting");
        if (r == 0 && !(c->name && strcmp(c->name, name) == 0))
                r = store_domain_set_state(c->config.store, &row);
        domain_row_done(&row);
        certificates_look(c);
        return r;
}

int certificates_put_own(Certificates *c, const DomainRow *row, const char *chain, size_t chain_length, const char *key,
                         size_t key_length) {
        DomainRow changed = { 0 };
        PemInfo info = { 0 };
        char *pem = NULL;
        size_t length = 0;
        int r;

        if (chain_length > PEM_CHAIN_MAX || key_length > PEM_KEY_MAX)
                return PEM_E_SIZE;
        r = pem_check(chain, chain_length, key, key_length, row->name, clock_now_ms(), &info, &pem, &length);
        if (r == PEM_OK)
                r = files_put(c->config.directory, row->name, pem, length);
        pem_free(pem, length);
        if (r != PEM_OK)
                return r;
        r = store_domain_get(c->config.store, row->name, &changed);
        if (r == STORE_OK)
                r = replace(&changed.source, "own");
        if (r == STORE_OK)
                r = store_domain_update(c->config.store, &changed);
        if (r == STORE_OK)
                take(c, &changed, &info, 0);
        domain_row_done(&changed);
        certificates_look(c);
        return r <= 0 ? r : -ENOENT;
}

int certificates_new(const CertificatesConfig *config, Certificates **ret_certificates) {
        Certificates *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return -ENOMEM;
        c->config = *config;
        own_names_follow(config);
        r = timer_start(config->loop, 0, work, c, &c->timer);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret_certificates = c;
        return 0;
}

Certificates *certificates_free(Certificates *c) {
        if (!c)
                return NULL;
        timer_drop(c->timer);
        dns_check_drop(c->dns);
        acme_call_drop(c->acme);
        free(c->name);
        while (c->forced)
                (void) take_forced(c, c->forced->name);
        free(c);
        return NULL;
}
