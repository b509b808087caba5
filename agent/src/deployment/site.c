/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/site.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/paths.h"
#include "deployment/defaults.h"
#include "deployment/describe.h"
#include "security/certificate_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AGAIN_US = 60 * 1000 * 1000 };

/* --- the fields --- */

static void put_networks(FieldWriter *w, const char *at) {
        while (*at) {
                char network[64];
                size_t n = strcspn(at, " ");

                (void) snprintf(network, sizeof network, "%.63s", at);
                network[n < sizeof network ? n : 0] = '\0';
                fields_put(w, "allow", network);
                at += n + strspn(at + n, " ");
        }
}

/* One header for all names of a site: so it comes when all of them are to have it. */
static bool all_have_hsts(const DomainRow *domains, size_t n) {
        size_t with = 0, without = 0;

        for (size_t i = 0; i < n; i++)
                if (!domains[i].redirect_to && domains[i].issued_at_ms) {
                        with += domains[i].hsts;
                        without += !domains[i].hsts;
                }
        return with > 0 && without == 0;
}

/* nginx finds certificates by the name in the handshake (packaging/nginx/nanoscale.conf). certificates.c clears the links away. */
static int link_wildcard(const char *host, const char *wildcard) {
        auto_close int fd = open(NS_CERTIFICATES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char target[NAME_MAX + 1], file[NAME_MAX + 1], now[NAME_MAX + 1];
        ssize_t n;

        if (fd < 0)
                return -errno;
        if (!certificate_pem_of(wildcard, target) || !certificate_pem_of(host, file))
                return -ENAMETOOLONG;
        n = readlinkat(fd, file, now, sizeof now);
        if (n == (ssize_t) strlen(target) && memcmp(now, target, (size_t) n) == 0)
                return 0;
        /* Also over a file: the certificate of a domain that the project does not have any more, which nobody renews. */
        return fs_link_atomic(fd, file, target, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER);
}

static bool has_wildcard(const DeployContext *c, char wildcard[static 512]) {
        DomainRow row = { 0 };
        bool has;

        wildcard_name_below(c->base_domain, wildcard, 512);
        has = store_domain_get(c->store, wildcard, &row) == STORE_OK && row.issued_at_ms > 0;
        domain_row_done(&row);
        return has;
}

bool site_has_wildcard(const DeployContext *c) {
        char wildcard[512];

        return has_wildcard(c, wildcard);
}

static bool is_domain(const DomainRow *domains, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(domains[i].name, name) == 0)
                        return true;
        return false;
}

/* Or may get one: the project's, as one of its domains, or the dashboard's. */
static bool has_own_certificate(const DeployContext *c, const char *name) {
        DomainRow row = { 0 };
        bool has = store_domain_get(c->store, name, &row) != STORE_E_ABSENT;

        domain_row_done(&row);
        return has;
}

/* Its own name has the certificate of all names below the base domain, unless there is one for it alone. */
static bool secure_own_name(const DeployContext *c, const ProjectRow *row) {
        char host[512], wildcard[512];
        int r;

        project_host(c, row, host, sizeof host);
        if (has_own_certificate(c, host) || !has_wildcard(c, wildcard))
                return false;
        r = link_wildcard(host, wildcard);
        if (r < 0)
                (void) fprintf(stderr, "<3>%s: it stays without https, since " NS_CERTIFICATES " could not be written to: %s\n", host,
                               strerror(-r));
        return r == 0;
}

static void put_redirect(FieldWriter *w, const DomainRow *d) {
        char both[640];

        (void) snprintf(both, sizeof both, "%s %s", d->name, d->redirect_to);
        fields_put(w, "redirect_host", both);
}

void site_fields(const DeployContext *c, const ProjectRow *row, const DomainRow *domains, size_t n, bool is_static, bool is_secure,
                 FieldWriter *w) {
        char host[512];

        project_host(c, row, host, sizeof host);
        if (!is_domain(domains, n, host))
                fields_put(w, is_secure ? "secure_host" : "host", host);
        for (size_t i = 0; i < n; i++) {
                if (domains[i].redirect_to)
                        put_redirect(w, &domains[i]);
                else
                        fields_put(w, domains[i].issued_at_ms ? "secure_host" : "host", domains[i].name);
        }
        fields_put_number(w, "body_mib", SITE_BODY_MIB);
        if (is_static)
                fields_put_number(w, "static", 1);
        if (all_have_hsts(domains, n))
                fields_put_number(w, "hsts", 1);
        if (row->security_headers)
                fields_put_number(w, "headers", 1);
        put_networks(w, row->allowed ? row->allowed : "");
        if (row->rate)
                fields_put_number(w, "rate", (unsigned long) row->rate);
        if (row->gate_user)
                fields_put_number(w, "gate", 1);
        if (row->maintenance)
                fields_put_number(w, "maintenance", 1);
}

/* --- the password --- */

/* The group comes from the directory: nginx's workers read it. Without it nobody gets in, so a failure stops nothing else. */
static void write_gate(const ProjectRow *row) {
        auto_close int fd = -1;
        char line[256];
        int r, n;

        if (!row->gate_user)
                return;
        fd = open(NS_GATES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
        n = snprintf(line, sizeof line, "%s:%s\n", row->gate_user, row->gate_hash);
        if (r == 0)
                r = n > 0 && (size_t) n < sizeof line
                                    ? fs_write_atomic(fd, row->id, line, (size_t) n, 0640, FS_KEEP_OWNER, (gid_t) FS_KEEP_OWNER)
                                    : -EINVAL;
        if (r < 0)
                (void) fprintf(stderr, "<3>Project %s: its password could not be written to " NS_GATES ", so nobody gets in: %s\n",
                               row->name, strerror(-r));
}

static void remove_gate(const char *project_id) {
        auto_close int fd = open(NS_GATES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                (void) fs_remove_file(fd, project_id);
}

/* Read now, not when a deployment began: what was set since must not be undone by it. */
int site_plan(const DeployContext *c, const char *project_id, bool is_static, Plan *plan) {
        ProjectRow row = { 0 };
        DomainRow *domains = NULL;
        FieldWriter w = { 0 };
        size_t n = 0;
        int r = store_project_get(c->store, project_id, &row);

        if (r == STORE_OK)
                r = store_domain_list(c->store, project_id, &domains, &n);
        if (r == STORE_OK) {
                write_gate(&row);
                site_fields(c, &row, domains, n, is_static, secure_own_name(c, &row), &w);
                plan_add(plan, "site-install", project_id, NULL, &w);
        }
        domain_rows_free(domains, n);
        project_row_done(&row);
        return r > 0 ? -ENOENT : r;
}

/* --- between switches --- */

typedef struct Site {
        struct Site *next;
        char id[13];
        bool is_due;
        char *problem;
} Site;

struct Sites {
        const DeployContext *c;
        Site *all; /* that are due or have a problem */
        Timer *timer;
        Plan *plan;
        bool has_changed; /* some, since those that were refused were tried last */
        char working[13];
};

static Site **find(Sites *s, const char *id) {
        Site **at = &s->all;

        while (*at && strcmp((*at)->id, id) != 0)
                at = &(*at)->next;
        return at;
}

static void drop(Site **at) {
        Site *site = *at;

        *at = site->next;
        free(site->problem);
        free(site);
}

/* Tried again now and then: what refused it may change from outside (a name that another site had, a full disk). */
static void note(Sites *s, const char *id, const char *sentence) {
        Site *site = *find(s, id);

        if (!site)
                return;
        if (site->problem || sentence)
                store_tell(s->c->store, STORE_PROJECT, id);
        free(site->problem);
        site->problem = sentence ? strdup(sentence) : NULL;
        if (sentence)
                (void) fprintf(stderr, "<3>Project %s: its site could not be written: %s\n", id, sentence);
        else if (!site->is_due)
                drop(find(s, id));
}

static void installed(void *owner, bool ok, const char *verb, const char *word, const char *sentence) {
        Sites *s = owner;
        ProjectRow row = { 0 };
        char text[640];

        (void) snprintf(text, sizeof text, "%s (%s)", ok ? "" : sentence, ok ? "" : word);
        (void) verb;
        note(s, s->working, ok ? NULL : text);
        s->has_changed = s->has_changed || ok;
        /* Only when the site does not ask for it any more. */
        if (ok && store_project_get(s->c->store, s->working, &row) == STORE_OK && !row.gate_user)
                remove_gate(s->working);
        project_row_done(&row);
        s->plan = plan_drop(s->plan);
        (void) timer_rearm(s->timer, 0);
}

/* 0: there is nothing to be told; 1: it is under way. */
static int install(Sites *s, const char *id) {
        ProjectRow row = { 0 };
        ReleaseRow release = { 0 };
        int r = store_project_get(s->c->store, id, &row);

        if (r == STORE_OK && (!row.live_release || strcmp(row.server_id, s->c->server_id) != 0))
                r = STORE_E_ABSENT;
        if (r == STORE_OK)
                r = store_release_get(s->c->store, id, row.live_release, &release);
        if (r == STORE_OK)
                r = plan_new(s->c->helper, &s->plan);
        if (r == STORE_OK)
                r = site_plan(s->c, id, strcmp(release.kind, "static") == 0, s->plan);
        if (r == STORE_OK)
                r = plan_run(s->plan, installed, s);
        if (r != STORE_OK)
                s->plan = plan_drop(s->plan);
        release_row_done(&release);
        project_row_done(&row);
        return r == STORE_OK ? 1 : r < 0 ? r : 0;
}

static void work(void *owner) {
        Sites *s = owner;
        bool problems = false;

        if (s->plan)
                return;
        for (Site *site = s->all; site; site = site->next) {
                int r;

                problems = problems || site->problem;
                if (!site->is_due)
                        continue;
                site->is_due = false;
                (void) snprintf(s->working, sizeof s->working, "%s", site->id);
                r = install(s, s->working);
                if (r > 0)
                        return;
                note(s, s->working, r < 0 ? strerror(-r) : NULL); /* may free it */
                (void) timer_rearm(s->timer, 0);
                return;
        }
        for (Site *site = s->all; site; site = site->next)
                site->is_due = true;
        /* A name that one had may be what another one waits for: once at once, then now and then. */
        if (problems)
                (void) timer_rearm(s->timer, s->has_changed ? 0 : AGAIN_US);
        s->has_changed = false;
}

void sites_update(Sites *s, const char *project_id) {
        Site **at, *site;

        if (!s)
                return;
        at = find(s, project_id);
        if (!*at) {
                site = calloc(1, sizeof *site);
                if (!site)
                        return;
                (void) snprintf(site->id, sizeof site->id, "%s", project_id);
                *at = site;
        }
        (*at)->is_due = true;
        (void) timer_rearm(s->timer, 0);
}

void sites_update_all(Sites *s) {
        ProjectRow *rows = NULL;
        size_t n = 0;

        if (store_project_list_on(s->c->store, s->c->server_id, &rows, &n) != STORE_OK)
                return;
        for (size_t i = 0; i < n; i++) {
                if (rows[i].live_release)
                        sites_update(s, rows[i].id);
                project_row_done(&rows[i]);
        }
        free(rows);
}

void sites_forget(Sites *s, const char *project_id) {
        Site **at;

        if (!s)
                return;
        at = find(s, project_id);
        if (*at)
                drop(at);
        remove_gate(project_id);
}

const char *sites_problem(const Sites *s, const char *project_id) {
        for (const Site *site = s ? s->all : NULL; site; site = site->next)
                if (strcmp(site->id, project_id) == 0)
                        return site->problem;
        return NULL;
}

int sites_new(const DeployContext *c, Sites **ret_sites) {
        Sites *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        s->c = c;
        r = timer_start(c->loop, 0, work, s, &s->timer);
        if (r < 0) {
                free(s);
                return r;
        }
        *ret_sites = s;
        return 0;
}

Sites *sites_free(Sites *s) {
        if (!s)
                return NULL;
        plan_drop(s->plan);
        timer_drop(s->timer);
        while (s->all)
                drop(&s->all);
        free(s);
        return NULL;
}
