/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "app.h"

#include "api/api.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/paths.h"
#include "certificates/certificates.h"
#include "cluster/identity.h"
#include "deployment/claim.h"
#include "deployment/deployer.h"
#include "deployment/keeper.h"
#include "deployment/site.h"
#include "event/fetch.h"
#include "event/listen.h"
#include "security/random.h"
#include "security/validate.h"
#include "statistics/statistics.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIDY_US = 10 * 1000 * 1000 };

typedef struct {
        Loop *loop;
        Sealer *sealer;
        Store *store;
        Units *units;
        HelperClient *helper;
        FetchPool *fetch;
        Runtimes *runtimes;
        EventLogs *logs;
        DeployContext context;
        Claims *claims;
        Keeper *keeper;
        Deployer *deployer;
        Sites *sites;
        Certificates *certificates;
        Statistics *statistics;
        Api *api;
        char *server_id;
        Timer *tidy;
        Identity identity;    /* of a worker */
        char *public_key;     /* pin of this node's TLS key; NULL: none */
        int64_t not_after_ms; /* of its certificate */
} App;

/* One line with systemd's prefix for the priority; returns the error, so that it reads `return fail(r, …)`. */
static int fail(int error, const char *what, const char *remedy) {
        (void) fprintf(stderr, "<3>%s: %s%s%s\n", what, strerror(-error), remedy ? ". " : "", remedy ? remedy : "");
        return error;
}

static int open_store(App *a, const Config *config) {
        int r = store_open(config->database, &a->store);

        switch (r) {
        case STORE_OK:
                return 0;
        case STORE_E_CORRUPT:
                (void) fprintf(stderr,
                               "<3>%s is damaged (its integrity check failed) and has been left as it is. Restore it from a backup.\n",
                               config->database);
                return -EBADMSG;
        case STORE_E_NEWER:
                (void) fprintf(stderr, "<3>%s was made by a newer version of NanoScale. Install that version, or restore a backup.\n",
                               config->database);
                return -EPROTO;
        default:
                return fail(r < 0 ? r : -EIO, config->database, "The directory must belong to the user nanoscale and have free space");
        }
}

/* A new key is made only for a new database: with an old one, it would make every sealed value unreadable for good. */
static int open_sealer(App *a, const Config *config) {
        bool is_new = access(config->database, F_OK) < 0 && errno == ENOENT;
        int r = sealer_open(config->seal_key, is_new, &a->sealer);

        if (r == -ENOENT)
                return fail(r, config->seal_key, "The database needs the sealing key that it was made with: restore it from a backup");
        if (r == -EPERM)
                return fail(r, config->seal_key, "Nobody but the user nanoscale may read the key: chmod 0600");
        return r < 0 ? fail(r, config->seal_key, NULL) : 0;
}

static int open_identity(App *a, const Config *config) {
        int r;

        if (config->role != ROLE_WORKER)
                return 0;
        r = identity_read(NS_IDENTITY_FILE, a->sealer, &a->identity);
        if (r == -ENOENT)
                return fail(r, NS_IDENTITY_FILE, "This worker has not joined a cluster: run scripts/install.sh --join with a join string");
        return r < 0 ? fail(r, NS_IDENTITY_FILE, "Join again with a new join string") : 0;
}

/* It may be absent, on a node that no other one reaches. */
static void read_public_key(App *a) {
        auto_close int directory = open(NS_TLS_PUBLIC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        auto_free char *not_after = NULL;
        size_t length;

        if (directory >= 0 && fs_read_file(directory, "not_after", 32, &not_after, &length) == 0)
                a->not_after_ms = strtoll(not_after, NULL, 10) * 1000;
        if (directory < 0 || fs_read_file(directory, "pin", 128, &a->public_key, &length) < 0)
                return;
        a->public_key[strcspn(a->public_key, "\n")] = '\0';
        if (!valid_pin(a->public_key)) {
                free(a->public_key);
                a->public_key = NULL;
        }
}

/* Rows of projects name the server: they follow its id when that is another than before. */
static int adopt_server_id(App *a) {
        int r;

        if (a->server_id && strcmp(a->server_id, a->identity.server_id) != 0) {
                r = store_server_rename_id(a->store, a->server_id, a->identity.server_id, a->identity.name);
                if (r != STORE_OK)
                        return r < 0 ? r : -EIO;
        }
        free(a->server_id);
        a->server_id = strdup(a->identity.server_id);
        return a->server_id ? 0 : -ENOMEM;
}

/* The row of this node in `servers`, made at the first start. */
static int open_own_server(App *a, const Config *config) {
        ServerRow row = { .port = (int64_t) config->cluster_port };
        char id[13];
        int r = store_setting_get(a->store, "server_id", &a->server_id);

        if (config->role == ROLE_WORKER) {
                /* Its id is the one that it got when it joined, also when it joins another cluster with the projects that it has. */
                r = adopt_server_id(a);
                if (r < 0)
                        return r;
                row.created_at_ms = clock_now_ms();
        } else if (r == STORE_E_ABSENT) {
                random_id(id);
                a->server_id = strdup(id);
                if (!a->server_id)
                        return -ENOMEM;
                row.created_at_ms = clock_now_ms();
        } else if (r != STORE_OK)
                return r;
        else if (store_server_get(a->store, a->server_id, &row) == STORE_OK) {
                int64_t created = row.created_at_ms;
                bool draining = row.draining;
                server_row_done(&row);
                row = (ServerRow){ .created_at_ms = created, .port = (int64_t) config->cluster_port, .draining = draining };
        }
        row.id = a->server_id;
        row.name = config->role == ROLE_WORKER ? a->identity.name : config->name;
        row.version = (char *) (uintptr_t) NANOSCALE_VERSION;
        row.ip_address = (char *) (uintptr_t) "127.0.0.1";
        row.status = (char *) (uintptr_t) "online";
        row.secret_key = (char *) (uintptr_t) ""; /* this node is reached without a network */
        r = store_server_put(a->store, &row);
        return r == STORE_OK ? store_setting_put(a->store, "server_id", a->server_id) : r;
}

static int open_system(App *a, const Config *config) {
        RuntimesConfig runtimes = {
                .directory = NS_RUNTIMES,
                .registry = config->runtimes_registry,
                .node_dist = config->runtimes_node_dist,
                .bun_dist = config->runtimes_bun_dist,
                .ca = NULL,
        };
        int r = units_new(a->loop, &a->units);

        if (r < 0)
                return fail(r, "the system bus", "Is dbus.service running?");
        r = helper_client_new(a->loop, config->helper_sudo, &a->helper);
        if (r < 0)
                return fail(r, "the helper", NULL);
        r = fetch_pool_new(a->loop, &a->fetch);
        if (r < 0)
                return fail(r, "the HTTP client", NULL);
        r = runtimes_new(a->loop, a->fetch, &runtimes, &a->runtimes);
        if (r < 0)
                return fail(r, NS_RUNTIMES, "The directory must belong to the user nanoscale");
        r = event_logs_new(a->loop, NS_DATA "/logs", &a->logs);
        return r < 0 ? fail(r, NS_DATA "/logs", NULL) : 0;
}

static int open_deployer(App *a, const Config *config) {
        int r = claims_new(&a->claims);

        if (r < 0)
                return fail(r, "the list of claims", NULL);
        a->context = (DeployContext){
                .loop = a->loop,
                .store = a->store,
                .sealer = a->sealer,
                .helper = a->helper,
                .units = a->units,
                .fetch = a->fetch,
                .runtimes = a->runtimes,
                .logs = a->logs,
                .base_domain = config->base_domain,
                .server_id = a->server_id,
                .registry = config->builds_registry,
                .ca = config->builds_ca,
                .allow_private_repositories = config->allow_private_repositories,
                .shortest_idle_seconds = config->shortest_idle_seconds,
                .doze_seconds = config->doze_seconds,
                .deep_seconds = config->deep_seconds,
                .claims = a->claims,
        };
        r = sites_new(&a->context, &a->sites);
        if (r == 0) {
                a->context.sites = a->sites;
                r = keeper_new(&a->context, &a->keeper);
        }
        if (r == 0) {
                a->context.keeper = a->keeper;
                r = keeper_start(a->keeper);
        }
        if (r == 0)
                r = deployer_new(&a->context, &a->deployer);
        if (r == 0)
                r = deployer_recover(a->deployer);
        if (r == 0)
                sites_update_all(a->sites);
        return r < 0 ? fail(r, "what an earlier run left", NULL) : r;
}

static void secured(void *owner, const char *project_id) {
        App *a = owner;

        if (project_id)
                sites_update(a->sites, project_id);
        else
                sites_update_all(a->sites);
}

static int open_certificates(App *a, const Config *config) {
        const CertificatesConfig certificates = {
                .loop = a->loop,
                .store = a->store,
                .server_id = a->server_id,
                .directory = NS_CERTIFICATES,
                .acme = NS_ACME,
                .socket = NS_ACME_SOCKET,
                .email = config->acme_email,
                .authority = config->acme_server,
                .ca = config->acme_ca,
                .hook = config->acme_hook,
                .hook_for_all = config->acme_hook_for_all,
                .addresses = config->acme_addresses,
                .check_dns = config->acme_check_dns,
                .base_domain = config->base_domain,
                .dashboard = config->role == ROLE_ORCHESTRATOR ? config->dashboard_domain : NULL,
                .changed = secured,
                .owner = a,
        };
        int r = certificates_new(&certificates, &a->certificates);

        return r < 0 ? fail(r, "the certificates", NULL) : 0;
}

/* --- who is measured --- */

typedef struct {
        void (*each)(void *user, const StatisticsProject *p);
        void *user;
} Measured;

static void measure(void *owner, const char *project_id, const char *slot, LifeKind kind) {
        const Measured *m = owner;

        m->each(m->user,
                &(StatisticsProject){ .id = project_id, .slot = slot, .is_awake = *slot && (kind == LIFE_AWAKE || kind == LIFE_DOZING) });
}

static void measure_projects(void *owner, void (*each)(void *user, const StatisticsProject *p), void *user) {
        const App *a = owner;

        keeper_each(a->keeper, measure, &(Measured){ each, user });
}

/* A full disk must not keep the agent from starting: then there are none. */
static void open_statistics(App *a) {
        const StatisticsConfig config = { .directory = NS_DATA "/statistics", .disk = NS_ROOT, .projects = measure_projects, .owner = a };
        int r = statistics_new(a->loop, &config, &a->statistics);

        if (r < 0)
                (void) fprintf(stderr, "<4>%s: %s. There are no statistics until the agent is restarted.\n", config.directory,
                               strerror(-r));
}

static int open_api(App *a, const Config *config) {
        const struct group *group = getgrnam(NS_USER);
        ApiConfig api = {
                .context = &a->context,
                .deployer = a->deployer,
                .statistics = a->statistics,
                .certificates = a->certificates,
                .role = config->role == ROLE_ORCHESTRATOR ? "orchestrator" : "worker",
                .admin_group = group ? group->gr_gid : (gid_t) -1,
                .acme_server = config->acme_server,
                .acme_email = config->acme_email,
                .public_key = a->public_key,
                .not_after_ms = a->not_after_ms,
                .dashboard = config->dashboard_domain,
                .address = config->cluster_address,
                .port = config->cluster_port,
                .identity = config->role == ROLE_WORKER ? &a->identity : NULL,
                .identity_path = NS_IDENTITY_FILE,
        };
        ApiDoors doors = { .admin = listen_fd_take("agent"), .gateway = listen_fd_take("gateway"), .web = listen_fd_take("web") };
        int r;

        if (doors.admin < 0)
                return fail(doors.admin, "the agent's socket", "The agent is started by nanoscale-agent.socket, which passes it");
        if (doors.gateway < 0 && doors.gateway != -ENOENT)
                return fail(doors.gateway, "the gateway's socket", "It is nanoscale-gateway.socket that passes it");
        if (doors.web < 0 && doors.web != -ENOENT)
                return fail(doors.web, "the dashboard's socket", "It is nanoscale-web.socket that passes it");
        if (api.identity && doors.web >= 0) {
                /* Nobody signs in to a worker: it has one master. */
                (void) close(doors.web);
                doors.web = -1;
        }
        r = api_new(a->loop, &doors, &api, &a->api);
        return r < 0 ? fail(r, "the HTTP server", NULL) : 0;
}

/* What answers and builds have taken for a moment goes back to the system: the heap would else stay as large as its busiest moment. */
static void tidy(void *owner) {
        App *a = owner;

        (void) malloc_trim(0);
        (void) timer_rearm(a->tidy, TIDY_US);
}

static int app_open(App *a, const Config *config) {
        int r = loop_new(&a->loop);

        /* A fixed threshold: glibc would raise it with the first large block that is freed, and keep larger ones in the heap from then on.
         */
        (void) mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        if (r == 0)
                r = timer_start(a->loop, TIDY_US, tidy, a, &a->tidy);
        if (r < 0)
                return fail(r, "the event loop", NULL);
        r = open_sealer(a, config);
        if (r < 0)
                return r;
        r = open_identity(a, config);
        if (r < 0)
                return r;
        read_public_key(a);
        r = open_store(a, config);
        if (r < 0)
                return r;
        r = open_own_server(a, config);
        if (r != 0)
                return fail(r < 0 ? r : -EEXIST, "the row of this node", store_error(a->store));
        r = open_system(a, config);
        if (r < 0)
                return r;
        r = open_deployer(a, config);
        if (r < 0)
                return r;
        r = open_certificates(a, config);
        if (r < 0)
                return r;
        open_statistics(a);
        return open_api(a, config);
}

static void app_close(App *a) {
        api_free(a->api);
        statistics_free(a->statistics);
        certificates_free(a->certificates);
        deployer_free(a->deployer);
        keeper_free(a->keeper);
        sites_free(a->sites);
        claims_free(a->claims);
        event_logs_free(a->logs);
        runtimes_free(a->runtimes);
        fetch_pool_free(a->fetch);
        helper_client_free(a->helper);
        units_free(a->units);
        store_close(a->store);
        sealer_free(a->sealer);
        identity_done(&a->identity);
        free(a->public_key);
        free(a->server_id);
        timer_drop(a->tidy);
        loop_free(a->loop);
}

/* What libjansson parses and prints has variables and keys in it, and its own copies are nobody else's to clear. */
static void free_cleared(void *block) {
        if (block)
                explicit_bzero(block, malloc_usable_size(block));
        free(block);
}

int app_run(const Config *config) {
        App a = { 0 };
        int r;

        json_set_alloc_funcs(malloc, free_cleared);
        r = app_open(&a, config);
        if (r == 0)
                r = loop_run(a.loop);
        app_close(&a);
        return r < 0 ? 1 : r;
}
