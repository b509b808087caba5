/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The whole of it, with real certificates and files; in place of nanoscale-acme stands a socket that does to certbot's directory what that
 * would do. */
#include "harness.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "certificates/acme.h"
#include "certificates/certificates.h"
#include "certificates/files.h"
#include "make.h"
#include "security/certificate_name.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define T(s) ((char *) (uintptr_t) (s))
#define NAME "shop.example.com"
#define OTHER "blog.example.com"
#define DAY 86400L
#define DAY_MS (DAY * 1000)
#define HOUR_MS (INT64_C(3600) * 1000)

static Authority authority;
static char directory[64], certificates[96], acme[96], socket_path[96];

typedef struct {
        Loop *loop;
        Store *store;
        Certificates *certificates;
        Watch *watch;
        int listener;
        CertificatesConfig config;
        const char *answer; /* "ok": writes a pair of so many days first */
        long days;
        unsigned asked, changed, changed_all;
        char request[2048];
} World;

static void write_text(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void make_live(const char *name, long days) {
        auto_free char *chain = NULL, *key = NULL;
        char path[600], file[256];

        authority_issue(&authority, &(Wanted){ name, "x", -60, days * DAY }, &chain, &key);
        certificate_file_of(name, file, sizeof file);
        (void) snprintf(path, sizeof path, "%s/live/%s", acme, file);
        (void) mkdir(path, 0700);
        (void) snprintf(path, sizeof path, "%s/live/%s/fullchain.pem", acme, file);
        write_text(path, chain);
        (void) snprintf(path, sizeof path, "%s/live/%s/privkey.pem", acme, file);
        write_text(path, key);
}

static void on_connection(void *owner, uint32_t revents) {
        World *w = owner;
        auto_close int fd = accept(w->listener, NULL, NULL);
        size_t length = 0;
        ssize_t n;
        char *line;

        (void) revents;
        assert_true(fd >= 0);
        while ((n = read(fd, w->request + length, sizeof w->request - 1 - length)) > 0)
                length += (size_t) n;
        w->request[length] = '\0';
        w->asked++;
        if (strncmp(w->answer, "ok", 2) == 0) {
                char name[256];

                assert_int_equal(sscanf(w->request, "host %255s", name), 1);
                make_live(name, w->days);
        }
        line = strdup(w->answer);
        if (*line)
                assert_int_equal(write(fd, line, strlen(line)), (ssize_t) strlen(line));
        free(line);
}

static void on_changed(void *owner, const char *project_id) {
        World *w = owner;

        if (project_id)
                assert_string_equal(project_id, "project00001");
        else
                w->changed_all++;
        w->changed++;
}

static void begin_agent(World *w) {
        assert_int_equal(certificates_new(&w->config, &w->certificates), 0);
}

static void restart_agent(World *w) {
        w->certificates = certificates_free(w->certificates);
        begin_agent(w);
}

static void make_directories(void) {
        char path[128];

        (void) snprintf(directory, sizeof directory, "/tmp/nanoscale-certs-XXXXXX");
        assert_non_null(mkdtemp(directory));
        (void) snprintf(certificates, sizeof certificates, "%s/certificates", directory);
        (void) snprintf(acme, sizeof acme, "%s/acme", directory);
        (void) snprintf(socket_path, sizeof socket_path, "%s/acme.sock", directory);
        assert_int_equal(mkdir(certificates, 0750), 0);
        assert_int_equal(mkdir(acme, 0700), 0);
        (void) snprintf(path, sizeof path, "%s/live", acme);
        assert_int_equal(mkdir(path, 0700), 0);
        (void) snprintf(path, sizeof path, "%s/archive", acme);
        assert_int_equal(mkdir(path, 0700), 0);
        (void) snprintf(path, sizeof path, "%s/renewal", acme);
        assert_int_equal(mkdir(path, 0700), 0);
}

static void add_domain(World *w, const char *name, const char *source) {
        DomainRow row = { .name = T(name),
                          .project_id = T("project00001"),
                          .source = T(source),
                          .state = T("waiting"),
                          .created_at_ms = clock_now_ms() };

        assert_int_equal(store_domain_add(w->store, &row), 0);
}

static int set_up(void **state) {
        World *w = calloc(1, sizeof *w);
        ServerRow server = { .id = T("server000001"), .name = T("main"), .ip_address = T("x"), .status = T("online"), .secret_key = T("") };
        ProjectRow project = { .id = T("project00001"), .server_id = server.id, .name = T("shop"), .repo_url = T("r"), .env_vars = T("") };
        char path[128];

        make_directories();
        (void) snprintf(path, sizeof path, "%s/db", directory);
        assert_int_equal(loop_new(&w->loop), 0);
        assert_int_equal(store_open(path, &w->store), 0);
        assert_int_equal(store_server_put(w->store, &server), 0);
        assert_int_equal(store_project_add(w->store, &project), 0);
        w->listener = listen_unix(socket_path);
        assert_int_equal(watch_start(w->loop, w->listener, EPOLLIN, on_connection, w, &w->watch), 0);
        w->answer = "ok\n";
        w->days = 90;
        w->config = (CertificatesConfig){ .loop = w->loop,
                                          .store = w->store,
                                          .server_id = "server000001",
                                          .directory = certificates,
                                          .acme = acme,
                                          .socket = socket_path,
                                          .email = "ops@example.com",
                                          .authority = "https://acme.example/directory",
                                          .changed = on_changed,
                                          .owner = w };
        *state = w;
        return 0;
}

static int tear_down(void **state) {
        World *w = *state;
        int root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        certificates_free(w->certificates);
        watch_drop(w->watch);
        (void) close(w->listener);
        store_close(w->store);
        loop_free(w->loop);
        free(w);
        assert_int_equal(fs_remove_tree(root, directory + strlen("/tmp/")), 0);
        return close(root);
}

static DomainRow look(World *w, const char *name) {
        DomainRow row;

        assert_int_equal(store_domain_get(w->store, name, &row), 0);
        return row;
}

static bool is_in(World *w, const char *name, const char *wanted) {
        DomainRow row = look(w, name);
        bool is = strcmp(row.state, wanted) == 0;

        domain_row_done(&row);
        return is;
}

static bool has_problem(World *w, const char *name, const char *word) {
        DomainRow row = look(w, name);
        bool is = row.problem_word && strcmp(row.problem_word, word) == 0;

        domain_row_done(&row);
        return is;
}

static char *pem_path(const char *name) {
        static char path[300];

        (void) snprintf(path, sizeof path, "%s/%s.pem", certificates, name);
        return path;
}

static void make_due(World *w, const char *name) {
        DomainRow row = look(w, name);

        row.next_try_ms = 0;
        assert_int_equal(store_domain_set_state(w->store, &row), 0);
        domain_row_done(&row);
        certificates_look(w->certificates);
}

static bool is_ahead(World *w, const char *name) {
        DomainRow row = look(w, name);
        bool is = row.next_try_ms > clock_now_ms();

        domain_row_done(&row);
        return is;
}

static void about(int64_t ms, int64_t wanted_ms) {
        assert_true(ms > wanted_ms - HOUR_MS / 2 && ms < wanted_ms + HOUR_MS / 2);
}

/* --- issuing --- */

static void a_new_domain_gets_a_certificate(void **state) {
        World *w = *state;
        struct stat st;
        DomainRow row;

        add_domain(w, NAME, "acme");
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));
        assert_string_equal(w->request, "host " NAME "\nemail ops@example.com\nserver https://acme.example/directory\n"
                                        "challenge webroot\nforce 0\nend\n");
        assert_int_equal(stat(pem_path(NAME), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        row = look(w, NAME);
        about(row.not_after_ms, clock_now_ms() + 90 * DAY_MS);
        about(row.next_try_ms, clock_now_ms() + 60 * DAY_MS);
        assert_null(row.problem);
        domain_row_done(&row);
        assert_int_equal(w->changed, 1);
        assert_int_equal(w->asked, 1);
}

/* Of a renewal nginx needs not to be told; when it fails, the name goes on to be served. */
static void renewal_replaces_the_file_alone(void **state) {
        World *w = *state;
        struct stat before, after;
        DomainRow row;

        w->days = 20;
        add_domain(w, NAME, "acme");
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));
        assert_int_equal(stat(pem_path(NAME), &before), 0);

        /* What certbot has is due, and the authority refuses. */
        make_live(NAME, 0);
        w->answer = "error unreachable The authority does not answer.\n";
        make_due(w, NAME);
        turn_until(w->loop, has_problem(w, NAME, "unreachable"));
        row = look(w, NAME);
        assert_string_equal(row.state, "valid");
        assert_string_equal(row.problem, "The authority does not answer.");
        about(row.next_try_ms, clock_now_ms() + HOUR_MS);
        assert_false(domain_ends_soon(&row, clock_now_ms()));
        assert_true(domain_ends_soon(&row, clock_now_ms() + 7 * DAY_MS));
        domain_row_done(&row);

        w->answer = "ok\n";
        w->days = 90;
        make_due(w, NAME);
        turn_until(w->loop, !has_problem(w, NAME, "unreachable"));
        assert_non_null(strstr(w->request, "\nforce 1\n"));
        assert_int_equal(stat(pem_path(NAME), &after), 0);
        assert_true(before.st_ino != after.st_ino || before.st_mtim.tv_nsec != after.st_mtim.tv_nsec);
        row = look(w, NAME);
        about(row.not_after_ms, clock_now_ms() + 90 * DAY_MS);
        assert_int_equal(row.tries, 0);
        domain_row_done(&row);
        assert_int_equal(w->changed, 1);
}

/* Each that was asked for gets a new one, though they take turns. */
static void several_are_renewed_on_request(void **state) {
        static const char *const names[] = { NAME, OTHER };
        World *w = *state;

        for (size_t i = 0; i < 2; i++)
                add_domain(w, names[i], "acme");
        begin_agent(w);
        for (size_t i = 0; i < 2; i++)
                turn_until(w->loop, is_in(w, names[i], "valid"));
        assert_int_equal(w->asked, 2);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(certificates_try_now(w->certificates, names[i % 2], true), STORE_OK);
        turn_until(w->loop, w->asked == 4 && is_ahead(w, NAME) && is_ahead(w, OTHER));
        /* And no more. */
        make_due(w, NAME);
        turn_until(w->loop, is_ahead(w, NAME));
        assert_int_equal(w->asked, 4);
}

static void failures_back_off(void **state) {
        static const int hours[] = { 1, 2, 4, 8, 16, 24, 24 };
        World *w = *state;

        w->answer = "error challenge The answer at http://" NAME " was 404.\n";
        add_domain(w, NAME, "acme");
        begin_agent(w);
        for (unsigned i = 0; i < ELEMENTS(hours); i++) {
                DomainRow row;

                turn_until(w->loop, w->asked == i + 1 && is_in(w, NAME, "failed"));
                row = look(w, NAME);
                assert_int_equal(row.tries, i + 1);
                assert_string_equal(row.problem_word, "challenge");
                about(row.next_try_ms, clock_now_ms() + hours[i] * HOUR_MS);
                domain_row_done(&row);
                assert_int_equal(certificates_try_now(w->certificates, NAME, false), 0);
                assert_true(is_in(w, NAME, "waiting"));
        }
        assert_int_equal(certificates_try_now(w->certificates, "none.example", false), STORE_E_ABSENT);
        assert_int_equal(w->changed, 0);
}

static void a_rate_limit_holds_all_back(void **state) {
        World *w = *state;
        DomainRow row;

        w->answer = "error rate-limit Too many certificates.\n";
        add_domain(w, NAME, "acme");
        add_domain(w, OTHER, "acme");
        begin_agent(w);
        turn_until(w->loop, has_problem(w, NAME, "rate-limit") && has_problem(w, OTHER, "rate-limit"));
        assert_int_equal(w->asked, 1);
        row = look(w, NAME);
        about(row.next_try_ms, clock_now_ms() + DAY_MS);
        domain_row_done(&row);
        row = look(w, OTHER);
        about(row.next_try_ms, clock_now_ms() + DAY_MS);
        domain_row_done(&row);
}

static void what_is_no_answer_is_a_failure(void **state) {
        static const char *const answers[] = {
                "", "ok", "okay\n", "error\n", "error strange Why?\n", "error other \n", "ok\nok\n", "error other \033[2J\n"
        };
        World *w = *state;
        DomainRow row;

        add_domain(w, NAME, "acme");
        begin_agent(w);
        for (unsigned i = 0; i < ELEMENTS(answers); i++) {
                w->answer = answers[i];
                assert_int_equal(certificates_try_now(w->certificates, NAME, true), 0);
                turn_until(w->loop, w->asked == i + 1 && is_in(w, NAME, "failed"));
                assert_true(has_problem(w, NAME, answers[i][0] ? "other" : "unreachable"));
                /* Without a word it may be busy with what an agent of before asked for: that is over soon. */
                row = look(w, NAME);
                assert_true(answers[i][0] ? row.next_try_ms > clock_now_ms() + HOUR_MS : row.next_try_ms < clock_now_ms() + 60000);
                domain_row_done(&row);
        }
        assert_int_equal(access(pem_path(NAME), F_OK), -1);
}

/* What certbot leaves is checked like anything else. */
static void a_pair_for_another_name_is_not_served(void **state) {
        World *w = *state;
        char from[300], to[300];

        add_domain(w, NAME, "acme");
        make_live(OTHER, 90);
        (void) snprintf(from, sizeof from, "%s/live/%s", acme, OTHER);
        (void) snprintf(to, sizeof to, "%s/live/%s", acme, NAME);
        assert_int_equal(rename(from, to), 0);
        w->answer = "error other No.\n";
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "failed"));
        assert_int_equal(w->asked, 1);
        assert_int_equal(access(pem_path(NAME), F_OK), -1);
}

static void *accept_and_close(void *owner) {
        const int *listener = owner;
        int fd;

        while ((fd = accept(*listener, NULL, NULL)) >= 0)
                (void) close(fd);
        return NULL;
}

typedef struct {
        unsigned busy, other;
} Outcomes;

static void count_outcome(void *owner, const AcmeAnswer *answer) {
        Outcomes *o = owner;

        if (answer->is_busy)
                o->busy++;
        else
                o->other++;
}

/* As systemd does with one connection too many, sometimes before the request is sent. It is no failure of the authority's, whenever it
 * comes. */
static void a_service_that_is_busy_is_asked_again_soon(void **state) {
        enum { CALLS = 300 };
        const AcmeRequest request = { .name = NAME, .server = "https://acme.example/directory" };
        World *w = *state;
        Outcomes outcomes = { 0 };
        pthread_t thread;

        w->watch = watch_drop(w->watch);
        assert_int_equal(fcntl(w->listener, F_SETFL, 0), 0);
        assert_int_equal(pthread_create(&thread, NULL, accept_and_close, &w->listener), 0);
        for (unsigned i = 1; i <= CALLS; i++) {
                AcmeCall *c = NULL;

                assert_int_equal(acme_call(w->loop, socket_path, &request, count_outcome, &outcomes, &c), 0);
                turn_until(w->loop, outcomes.busy + outcomes.other == i);
                acme_call_drop(c);
        }
        assert_int_equal(shutdown(w->listener, SHUT_RDWR), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(outcomes.other, 0);
        assert_int_equal(outcomes.busy, CALLS);
}

static void a_missing_service_says_so(void **state) {
        World *w = *state;

        assert_int_equal(unlink(socket_path), 0);
        add_domain(w, NAME, "acme");
        begin_agent(w);
        turn_until(w->loop, has_problem(w, NAME, "unreachable"));
        assert_true(is_in(w, NAME, "failed"));
}

/* --- DNS --- */

static void it_waits_for_the_dns(void **state) {
        World *w = *state;
        DomainRow row;

        w->config.check_dns = true;
        w->config.addresses = "203.0.113.7";
        add_domain(w, "shop.nanoscale.invalid", "acme");
        begin_agent(w);
        turn_until(w->loop, has_problem(w, "shop.nanoscale.invalid", "dns"));
        row = look(w, "shop.nanoscale.invalid");
        assert_string_equal(row.state, "waiting");
        assert_string_equal(row.problem, "shop.nanoscale.invalid has no address yet; set A 203.0.113.7 in its DNS.");
        assert_true(row.next_try_ms > clock_now_ms() && row.next_try_ms <= clock_now_ms() + 60 * 1000);
        domain_row_done(&row);
        assert_int_equal(w->asked, 0);
        assert_int_equal(w->changed, 0);
}

/* --- what a restart finds --- */

static void what_certbot_has_is_not_asked_for_again(void **state) {
        World *w = *state;
        DomainRow row;

        /* It was killed after certbot was done. */
        add_domain(w, NAME, "acme");
        row = look(w, NAME);
        free(row.state);
        row.state = strdup("issuing");
        row.next_try_ms = clock_now_ms() + DAY_MS;
        assert_int_equal(store_domain_set_state(w->store, &row), 0);
        domain_row_done(&row);
        make_live(NAME, 90);
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));
        assert_int_equal(w->asked, 0);
        assert_int_equal(w->changed, 1);

        /* The file is lost, then damaged. */
        assert_int_equal(unlink(pem_path(NAME)), 0);
        restart_agent(w);
        turn_until(w->loop, access(pem_path(NAME), F_OK) == 0);
        assert_int_equal(w->changed, 3); /* without a certificate, and with one again */
        write_text(pem_path(NAME), "torn");
        restart_agent(w);
        turn_until(w->loop, w->changed == 5);
        assert_true(is_in(w, NAME, "valid"));
        assert_int_equal(w->asked, 0);
}

static void lost_for_good_is_asked_for_again(void **state) {
        World *w = *state;
        int fd;

        add_domain(w, NAME, "acme");
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));
        fd = open(acme, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(fs_empty_tree(fd, "live"), 0);
        (void) close(fd);
        assert_int_equal(unlink(pem_path(NAME)), 0);
        restart_agent(w);
        turn_until(w->loop, w->asked == 2 && is_in(w, NAME, "valid"));
        assert_int_equal(access(pem_path(NAME), F_OK), 0);
}

static void what_is_deleted_is_cleared_away(void **state) {
        World *w = *state;
        char path[300];

        add_domain(w, NAME, "acme");
        add_domain(w, OTHER, "acme");
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid") && is_in(w, OTHER, "valid"));
        (void) snprintf(path, sizeof path, "%s/renewal/%s.conf", acme, NAME);
        write_text(path, "x");
        assert_int_equal(store_domain_delete(w->store, NAME), 0);
        certificates_look(w->certificates);
        turn_until(w->loop, access(pem_path(NAME), F_OK) < 0 && access(path, F_OK) < 0);
        (void) snprintf(path, sizeof path, "%s/live/%s", acme, NAME);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(access(pem_path(OTHER), F_OK), 0);
}

/* A domain that goes while certbot works for it. */
static void deleted_meanwhile(void **state) {
        World *w = *state;

        add_domain(w, NAME, "acme");
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "issuing"));
        assert_int_equal(store_domain_delete(w->store, NAME), 0);
        turn_until(w->loop, w->asked == 1);
        add_domain(w, OTHER, "acme");
        turn_until(w->loop, is_in(w, OTHER, "valid"));
        assert_int_equal(access(pem_path(NAME), F_OK), -1);
}

/* --- own certificates --- */

static int put_own(World *w, const char *name, const char *for_name, long days) {
        auto_free char *chain = NULL, *key = NULL;
        DomainRow row = look(w, name);
        int r;

        authority_issue(&authority, &(Wanted){ for_name, "x", -2 * DAY, days * DAY }, &chain, &key);
        r = certificates_put_own(w->certificates, &row, chain, strlen(chain), key, strlen(key));
        domain_row_done(&row);
        return r;
}

static void own_certificates_are_checked_and_kept(void **state) {
        World *w = *state;
        DomainRow row;

        add_domain(w, NAME, "acme");
        w->answer = "error refused No.\n";
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "failed"));
        assert_int_equal(put_own(w, NAME, OTHER, 30), PEM_E_NAME);
        assert_int_equal(put_own(w, NAME, NAME, -1), PEM_E_EXPIRED);
        assert_true(is_in(w, NAME, "failed"));
        assert_int_equal(put_own(w, NAME, NAME, 30), PEM_OK);
        row = look(w, NAME);
        assert_string_equal(row.source, "own");
        assert_string_equal(row.state, "valid");
        assert_null(row.problem);
        domain_row_done(&row);
        assert_int_equal(w->changed, 1);
        restart_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));

        /* Nobody can make it again. */
        assert_int_equal(unlink(pem_path(NAME)), 0);
        restart_agent(w);
        turn_until(w->loop, has_problem(w, NAME, "lost"));
        assert_true(is_in(w, NAME, "failed"));
        assert_int_equal(w->asked, 1);
}

static void an_own_one_that_ends_is_told(void **state) {
        World *w = *state;
        auto_free char *chain = NULL, *key = NULL, *pem = NULL;
        DomainRow row;

        add_domain(w, NAME, "own");
        begin_agent(w);
        turn_until(w->loop, has_problem(w, NAME, "absent"));
        assert_int_equal(put_own(w, NAME, NAME, 30), PEM_OK);
        authority_issue(&authority, &(Wanted){ NAME, "x", -2 * DAY, -DAY }, &chain, &key);
        pem = join(key, chain);
        write_text(pem_path(NAME), pem);
        restart_agent(w);
        turn_until(w->loop, has_problem(w, NAME, "expired"));
        row = look(w, NAME);
        assert_string_equal(row.state, "failed");
        assert_true(row.issued_at_ms > 0); /* https with it is better than none for who has been sent there */
        domain_row_done(&row);
        assert_int_equal(access(pem_path(NAME), F_OK), 0);
}

/* --- names of the server itself --- */

/* One certificate for all names below the base domain, for which a hook is needed, and one for the dashboard. */
static void the_server_has_names_of_its_own(void **state) {
        World *w = *state;
        char link[300], text[64] = "";
        DomainRow *rows = NULL;
        size_t n = 0;

        w->config.base_domain = "apps.example";
        w->config.dashboard = "panel.example";
        begin_agent(w);
        turn_until(w->loop, is_in(w, "panel.example", "valid"));
        assert_int_equal(store_domain_list_own(w->store, &rows, &n), 0);
        assert_int_equal(n, 1);
        domain_rows_free(rows, n);
        assert_non_null(strstr(w->request, "challenge webroot"));
        assert_int_equal(w->changed, 0); /* its site reads the file, whatever is in it */

        w->config.hook = "/bin/true";
        restart_agent(w);
        turn_until(w->loop, is_in(w, "*.apps.example", "valid"));
        assert_non_null(strstr(w->request, "host *.apps.example\n"));
        assert_non_null(strstr(w->request, "challenge hook\nhook /bin/true\n"));
        assert_int_equal(access(pem_path("_.apps.example"), F_OK), 0);
        assert_int_equal(w->changed_all, 1);

        /* Links of projects that are here stay while there is what they lead to. */
        assert_int_equal(symlink("_.apps.example.pem", pem_path("shop.apps.example")), 0);
        assert_int_equal(symlink("_.apps.example.pem", pem_path("gone.apps.example")), 0);
        make_due(w, "*.apps.example");
        turn_until(w->loop, is_ahead(w, "*.apps.example"));
        turn_until(w->loop, access(pem_path("gone.apps.example"), F_OK) < 0);
        (void) snprintf(link, sizeof link, "%s", pem_path("shop.apps.example"));
        assert_int_equal(readlink(link, text, sizeof text - 1), strlen("_.apps.example.pem"));

        /* They go with the settings. */
        w->config.hook = NULL;
        w->config.dashboard = NULL;
        restart_agent(w);
        turn_until(w->loop, access(pem_path("panel.example"), F_OK) < 0 && access(pem_path("_.apps.example"), F_OK) < 0);
        certificates_look(w->certificates);
        turn_until(w->loop, readlink(link, text, sizeof text) < 0);
}

static void the_dashboard_has_one_to_begin_with(void **state) {
        World *w = *state;
        PemInfo info = { 0 };
        struct stat before, after;

        w->config.dashboard = "panel.example";
        w->answer = "failed challenge no answer\n";
        begin_agent(w);
        turn_until(w->loop, is_in(w, "panel.example", "failed"));
        assert_int_equal(files_check(certificates, "panel.example", clock_now_ms(), &info), PEM_OK);
        assert_int_equal(stat(pem_path("panel.example"), &before), 0);
        assert_int_equal(before.st_mode & 07777, 0640);
        restart_agent(w);
        turn_until(w->loop, w->asked == 2);
        assert_int_equal(stat(pem_path("panel.example"), &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        w->answer = "ok\n";
        restart_agent(w);
        turn_until(w->loop, is_in(w, "panel.example", "valid"));
        assert_int_equal(stat(pem_path("panel.example"), &after), 0);
        assert_int_not_equal(after.st_ino, before.st_ino);
        /* Lost: a new one is asked for, and meanwhile there is something to serve. */
        w->answer = "failed challenge no answer\n";
        assert_int_equal(unlink(pem_path("panel.example")), 0);
        assert_int_equal(fs_remove_tree(AT_FDCWD, acme), 0);
        restart_agent(w);
        turn_until(w->loop, is_in(w, "panel.example", "failed"));
        assert_int_equal(access(pem_path("panel.example"), F_OK), 0);
}

static void a_name_of_a_project_is_not_taken_from_it(void **state) {
        World *w = *state;
        DomainRow row;

        add_domain(w, NAME, "acme");
        w->config.dashboard = NAME;
        begin_agent(w);
        turn_until(w->loop, is_in(w, NAME, "valid"));
        row = look(w, NAME);
        assert_string_equal(row.project_id, "project00001");
        domain_row_done(&row);
}

static int make_authority(void **state) {
        (void) state;
        authority_make(&authority);
        return 0;
}

static int drop_authority(void **state) {
        (void) state;
        authority_done(&authority);
        return 0;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_WORLD(a_new_domain_gets_a_certificate),
                WITH_WORLD(renewal_replaces_the_file_alone),
                WITH_WORLD(several_are_renewed_on_request),
                WITH_WORLD(failures_back_off),
                WITH_WORLD(a_rate_limit_holds_all_back),
                WITH_WORLD(what_is_no_answer_is_a_failure),
                WITH_WORLD(a_pair_for_another_name_is_not_served),
                WITH_WORLD(a_service_that_is_busy_is_asked_again_soon),
                WITH_WORLD(a_missing_service_says_so),
                WITH_WORLD(it_waits_for_the_dns),
                WITH_WORLD(what_certbot_has_is_not_asked_for_again),
                WITH_WORLD(lost_for_good_is_asked_for_again),
                WITH_WORLD(what_is_deleted_is_cleared_away),
                WITH_WORLD(deleted_meanwhile),
                WITH_WORLD(own_certificates_are_checked_and_kept),
                WITH_WORLD(an_own_one_that_ends_is_told),
                WITH_WORLD(the_server_has_names_of_its_own),
                WITH_WORLD(the_dashboard_has_one_to_begin_with),
                WITH_WORLD(a_name_of_a_project_is_not_taken_from_it),
        };

        return cmocka_run_group_tests_name("certificates", tests, make_authority, drop_authority);
}
