/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The database (SQLite in WAL mode). No SQLite type leaves this folder; ids and times are made by the caller; transactions are short.
 *
 * Functions return 0, a positive STORE_E_… answer, or negative errno (-ENOSPC, -EROFS, -EBUSY, -EIO for what SQLite could not do, of which
 * the store remembers its sentence; -EINVAL for a row without its ids).
 * Records that are handed out own their strings: release them with the record's _done function. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Store Store;

enum {
        STORE_OK = 0,
        STORE_E_ABSENT,     /* no such row */
        STORE_E_TAKEN,      /* a unique field has that value already */
        STORE_E_REFERENCED, /* other rows still need it */
        STORE_E_CORRUPT,    /* store_open: integrity check failed */
        STORE_E_NEWER,      /* store_open: made by a newer version of NanoScale */
        STORE_E_USED,       /* store_token_take, store_user_take_step: it has been used */
        STORE_E_EXPIRED,    /* store_token_take: too late */
};

/* Opens or makes the database (0600), checks its integrity, and applies the migrations that it lacks, each in one transaction. */
int store_open(const char *path, Store **ret_store);
Store *store_close(Store *s); /* NULL-safe, returns NULL */
/* SQLite's sentence for the last negative answer. With NULL: why the last store_open() failed, or found the file corrupt or newer. */
const char *store_error(const Store *s);
/* Groups writes: everything between begin and commit happens or does not. No nesting. */
int store_begin(Store *s);
int store_commit(Store *s);
void store_rollback(Store *s);

/* Grows with every row that is written through this Store: two equal numbers mean that nothing has changed between. */
int64_t store_changes(const Store *s);

/* --- what changes --- */
typedef enum {
        STORE_PROJECT, /* its row, or one of what belongs to it: domains, wakes, a move */
        STORE_DEPLOYMENT,
        STORE_SERVER,
        STORE_SERVER_STATE, /* it is online or offline since another moment: how its projects are is known again, or no more */
} StoreThing;

/* Told of every row that is written, by whomever, in the middle of the statement and before it is committed: note the id, look later. The
 * row may be gone by then, and a change that is taken back is told all the same. */
typedef void (*StoreChanged)(void *owner, StoreThing thing, const char *id);
/* One watcher; NULL: none any more. */
int store_watch(Store *s, StoreChanged changed, void *owner);
/* What is told of the thing beside its row (how an app is, whether its site could be written) has changed: one watcher for both. */
void store_tell(Store *s, StoreThing thing, const char *id);

/* --- settings --- */
int store_setting_get(Store *s, const char *key, char **ret_value); /* STORE_E_ABSENT */
int store_setting_put(Store *s, const char *key, const char *value);
int store_setting_delete(Store *s, const char *key); /* STORE_E_ABSENT */

/* --- servers --- */
typedef struct {
        char *id, *name;
        char *ip_address; /* or a host name: where its gateway is */
        char *status;     /* online, offline */
        char *secret_key; /* sealed, text; empty for the orchestrator's own node */
        char *public_key; /* SHA-256 of its TLS key, hex; may be NULL */
        int64_t created_at_ms;
        int64_t port;
        char *version;         /* of its agent, as it said last; empty: never */
        char *reason;          /* why it is not online; may be NULL */
        int64_t changed_at_ms; /* since when it has this status */
        int64_t seen_at_ms;    /* its last answer */
        bool draining;         /* nothing new is put there */
} ServerRow;

void server_row_done(ServerRow *r);
int store_server_put(Store *s, const ServerRow *r); /* insert or replace by id; STORE_E_TAKEN for the name */
int store_server_get(Store *s, const char *id, ServerRow *ret);
int store_server_get_by_name(Store *s, const char *name, ServerRow *ret);
/* The server of that id (and its projects) gets another id and name; STORE_E_ABSENT. */
int store_server_rename_id(Store *s, const char *id, const char *new_id, const char *new_name);
int store_server_delete(Store *s, const char *id);                    /* STORE_E_REFERENCED: it has projects */
int store_server_list(Store *s, ServerRow **ret_rows, size_t *ret_n); /* free each with server_row_done, then the array */
/* By name, at most limit, those after the given name; NULL: from the first. */
int store_server_page(Store *s, const char *after, size_t limit, ServerRow **ret_rows, size_t *ret_n);

/* --- tokens with which a server joins; the hash alone is kept --- */
int store_token_add(Store *s, const char *hash, int64_t now_ms, int64_t expires_at_ms);
/* Uses it up: STORE_E_ABSENT (no such token), STORE_E_USED, STORE_E_EXPIRED. */
int store_token_take(Store *s, const char *hash, int64_t now_ms);

/* --- who signs in --- */
typedef struct {
        char *id, *name;
        char *password;     /* its hash */
        char *totp_secret;  /* sealed; NULL: no second factor */
        char *totp_pending; /* sealed, not confirmed yet; may be NULL */
        int64_t totp_step;  /* of the code that was used last */
        int64_t created_at_ms;
} UserRow;

void user_row_done(UserRow *r);
int store_user_add(Store *s, const UserRow *r); /* STORE_E_TAKEN */
int store_user_get(Store *s, const char *id, UserRow *ret);
int store_user_get_by_name(Store *s, const char *name, UserRow *ret);
int store_user_first(Store *s, UserRow *ret); /* STORE_E_ABSENT: there is none yet */
int store_user_update(Store *s, const UserRow *r);
/* The code of that step is used up, and all before: STORE_E_USED when it was already. */
int store_user_take_step(Store *s, const char *id, int64_t step);

/* Replaces all of a user's. */
int store_recovery_put(Store *s, const char *user_id, const char *const *hashes, size_t n);
int store_recovery_take(Store *s, const char *user_id, const char *hash); /* uses it up; STORE_E_ABSENT */
int store_recovery_count(Store *s, const char *user_id, int64_t *ret);

typedef struct {
        char *id;
        char *hash; /* of what the browser has */
        char *user_id;
        char *address, *agent; /* whence and with what, for people; may be empty */
        int64_t created_at_ms, used_at_ms, expires_at_ms;
} SessionRow;

void session_row_done(SessionRow *r);
/* A user has at most limit of them: the one that was not used for longest goes. */
int store_session_add(Store *s, const SessionRow *r, int64_t limit);
int store_session_get(Store *s, const char *hash, SessionRow *ret);
int store_session_touch(Store *s, const SessionRow *r); /* address and used_at_ms */
int store_session_list(Store *s, const char *user_id, SessionRow **ret_rows, size_t *ret_n);
int store_session_exists(Store *s, const char *user_id, const char *id); /* STORE_OK, STORE_E_ABSENT */
int store_session_delete(Store *s, const char *user_id, const char *id);
int store_session_delete_others(Store *s, const char *user_id, const char *keep_id); /* "": all */
/* Those that are over, and those that nobody has used since. */
int store_session_clean(Store *s, int64_t now_ms, int64_t unused_since_ms);
/* How many sessions there are that this would clean, and API tokens whose time has come since since_ms. */
int store_count_run_out(Store *s, int64_t since_ms, int64_t now_ms, int64_t unused_since_ms, int64_t *ret);

typedef struct {
        char *id, *hash, *name;
        char *scope; /* read, deploy, admin */
        int64_t created_at_ms;
        int64_t used_at_ms, expires_at_ms; /* 0: never */
} ApiTokenRow;

void api_token_row_done(ApiTokenRow *r);
int store_api_token_add(Store *s, const ApiTokenRow *r); /* STORE_E_TAKEN */
int store_api_token_get(Store *s, const char *hash, ApiTokenRow *ret);
int store_api_token_touch(Store *s, const ApiTokenRow *r); /* used_at_ms */
int store_api_token_list(Store *s, ApiTokenRow **ret_rows, size_t *ret_n);
int store_api_token_delete(Store *s, const char *id);

/* --- projects --- */
typedef struct {
        char *id, *server_id, *name, *repo_url, *branch;
        char *root_directory; /* empty: the repository's top */
        char *node_version, *bun_version;
        char *install_command, *build_command, *start_command;
        char *env_vars; /* sealed JSON object, text */
        int64_t port;
        char *domain; /* the one that its URL shows; NULL: none. See DomainRow */
        char *health_path;
        bool scale_to_zero;
        int64_t idle_seconds; /* until it falls asleep; 0: never */
        bool doze;
        bool exclusive; /* the app must never run twice at once */
        int64_t drain_seconds;
        char *static_directory; /* empty: found by itself */
        int64_t memory_mib, cpu_percent, tasks_max;
        int64_t build_memory_mib, build_cpu_percent, build_seconds;
        char *gate_user, *gate_hash; /* whom nginx asks for a password, and its crypt(3) hash; both NULL: nobody */
        char *allowed;               /* networks that may come, separated by blanks; empty: all */
        int64_t rate;                /* requests a second and visitor; 0: no limit */
        bool maintenance;            /* visitors get a page that says so */
        bool security_headers;
        char live_slot[2];    /* "a", "b" or "" when nothing was ever live */
        int64_t live_release; /* 0: none */
        int64_t next_release; /* the number that the next release gets */
        int64_t env_changed_at_ms;
        char *crash;         /* JSON while the app is given up for a time, else NULL */
        int64_t awake_bytes; /* its memory just before it fell asleep last; 0: never measured */
        char *mirror;        /* of a project on another server: the JSON in which that described it last; else NULL */
        int64_t created_at_ms;
} ProjectRow;

void project_row_done(ProjectRow *r);
int store_project_add(Store *s, const ProjectRow *r); /* STORE_E_TAKEN: name */
int store_project_get(Store *s, const char *id, ProjectRow *ret);
int store_project_get_by_name(Store *s, const char *name, ProjectRow *ret);
/* By name, after the name `after` (NULL: from the start), at most limit rows. */
int store_project_list(Store *s, const char *after, size_t limit, ProjectRow **ret_rows, size_t *ret_n);
/* All those of one server, by name. */
int store_project_list_on(Store *s, const char *server_id, ProjectRow **ret_rows, size_t *ret_n);
int store_project_count_on(Store *s, const char *server_id, int64_t *ret_n);
/* What the server that it was on said of it and of its deployments is forgotten. */
int store_project_set_server(Store *s, const char *id, const char *server_id);
/* What belongs to the server that it was on goes: deployments, steps, releases, wakes, what is live. Settings and env vars stay. */
int store_project_clear(Store *s, const char *id);
int store_project_set_mirror(Store *s, const char *id, const char *mirror); /* may be NULL */
/* Writes every field but id, created_at, live_slot, live_release, next_release, crash, awake_bytes and mirror. */
int store_project_update(Store *s, const ProjectRow *r);
int store_project_set_live(Store *s, const char *id, const char *slot, int64_t release);
int store_project_set_crash(Store *s, const char *id, const char *crash); /* NULL: it runs again */
int store_project_set_awake_bytes(Store *s, const char *id, int64_t bytes);
/* Takes the next release number. */
int store_project_take_release(Store *s, const char *id, int64_t *ret_release);
int store_project_delete(Store *s, const char *id); /* with its deployments, steps and releases */

/* --- domains: names under which a project answers beside its own, with their certificates --- */
typedef struct {
        char *name;
        char *project_id;  /* NULL: the name is this server's own (the dashboard's, or * below the base domain) */
        char *redirect_to; /* another domain of the project; NULL: the project answers */
        bool hsts;
        char *source;                 /* acme: asked for at an authority; own: uploaded */
        char *state;                  /* waiting, issuing, valid, failed */
        char *problem, *problem_word; /* a sentence and its stable word; NULL: none */
        int64_t not_after_ms;         /* end of its certificate; 0: it has none */
        int64_t issued_at_ms;         /* since when it has that; 0: it has none */
        int64_t next_try_ms;          /* when something is to be done for it again; 0: now */
        int64_t tries;                /* that failed, in a row */
        int64_t created_at_ms;
} DomainRow;

/* Days before the end of a certificate at which people are to be warned: a renewal is tried at a third of its life, so something is wrong.
 */
enum { DOMAIN_WARN_DAYS = 14 };
bool domain_ends_soon(const DomainRow *r, int64_t now_ms); /* or has ended */

void domain_row_done(DomainRow *r);
void domain_rows_free(DomainRow *rows, size_t n);   /* each, and the array; NULL-safe */
int store_domain_add(Store *s, const DomainRow *r); /* STORE_E_TAKEN; STORE_E_ABSENT: no such project */
int store_domain_get(Store *s, const char *name, DomainRow *ret);
/* Of a project, by name. NULL: of all, and this server's own. */
int store_domain_list(Store *s, const char *project_id, DomainRow **ret_rows, size_t *ret_n);
/* Of all projects of a server, by name. */
int store_domain_list_on(Store *s, const char *server_id, DomainRow **ret_rows, size_t *ret_n);
/* Of this server itself, by name. */
int store_domain_list_own(Store *s, DomainRow **ret_rows, size_t *ret_n);
/* Both: what is to be looked after here. */
int store_domain_list_here(Store *s, const char *server_id, DomainRow **ret_rows, size_t *ret_n);
/* What a user sets: redirect_to, hsts, source. */
int store_domain_update(Store *s, const DomainRow *r);
/* How it is: state, problem, problem_word, the times and tries. Apart, so that neither overwrites the other. */
int store_domain_set_state(Store *s, const DomainRow *r);
int store_domain_delete(Store *s, const char *name);
/* Makes rows the domains of the project, all or nothing: what is there keeps how it is. STORE_E_TAKEN: another project has one. */
int store_domain_replace(Store *s, const char *project_id, const DomainRow *rows, size_t n);

/* --- deployments --- */
typedef struct {
        char *id, *project_id;
        int64_t number; /* per project, from 1; made by store_deployment_add */
        char *kind;     /* deploy, rollback, restart */
        char *state;    /* queued, fetch, install, build, release, start, check, live, failed, canceled, superseded */
        char *source;   /* cli, api, webhook, … */
        char *branch;
        char *commit, *author, *subject;                      /* empty until fetched (commit: the wanted one, if one is wanted) */
        int64_t release;                                      /* 0 until there is one */
        char *failed_step, *failure;                          /* NULL unless failed; failure is a sentence */
        int64_t exit_code;                                    /* -1 when not applicable */
        char *cursor;                                         /* of the journal, to go on after a restart; may be NULL */
        char *receipt;                                        /* JSON: what the switch came to; NULL before */
        int64_t created_at_ms, started_at_ms, finished_at_ms; /* 0: not yet */
} DeploymentRow;

void deployment_row_done(DeploymentRow *r);
int store_deployment_add(Store *s, DeploymentRow *r); /* sets r->number */
int store_deployment_get(Store *s, const char *id, DeploymentRow *ret);
/* Newest first, with a number below before (0: from the newest), at most limit. */
int store_deployment_list(Store *s, const char *project_id, int64_t before, size_t limit, DeploymentRow **ret_rows, size_t *ret_n);
/* The newest of all projects, newest first. */
int store_deployment_list_all(Store *s, size_t limit, DeploymentRow **ret_rows, size_t *ret_n);
/* Those whose finished_at is 0, oldest first, of all projects. */
int store_deployment_list_open(Store *s, DeploymentRow **ret_rows, size_t *ret_n);
/* Writes all fields but id, project_id, number and created_at. */
int store_deployment_update(Store *s, const DeploymentRow *r);

/* --- deployments on other servers: whose they are; the newest 1,000 of a project --- */
int store_place_put(Store *s, const char *deployment_id, const char *project_id, int64_t now_ms);
int store_place_get(Store *s, const char *deployment_id, char **ret_project_id); /* STORE_E_ABSENT */
/* What its server said of it last, JSON; NULL: nothing that still holds. STORE_E_ABSENT: the project has no such one. */
int store_place_set_told(Store *s, const char *deployment_id, const char *project_id, const char *told);

typedef struct {
        char *id, *project_id;
        int64_t created_at_ms;
        char *told; /* may be NULL */
} PlaceRow;

void place_row_done(PlaceRow *r);
/* Those of which something was said, newest first. */
int store_place_list_told(Store *s, size_t limit, PlaceRow **ret_rows, size_t *ret_n);

/* --- projects on their way to another server --- */
typedef struct {
        char *project_id, *from_server, *to_server;
        char *state; /* queued, placing, deploying, building, undoing, lingering, failed */
        char *deployment_id;
        char *commit;  /* empty: the tip of the branch */
        char *failure; /* a sentence; NULL unless undoing or failed */
        int64_t linger_seconds;
        int64_t changed_at_ms, created_at_ms;
} MoveRow;

void move_row_done(MoveRow *r);
int store_move_put(Store *s, const MoveRow *r); /* insert or replace by project */
int store_move_get(Store *s, const char *project_id, MoveRow *ret);
int store_move_list(Store *s, MoveRow **ret_rows, size_t *ret_n); /* in the order of their coming */
int store_move_delete(Store *s, const char *project_id);

/* --- steps of a deployment --- */
typedef struct {
        char *deployment_id;
        int64_t position; /* 0 … */
        char *name;       /* fetch, install, build, release, start, check */
        char *result;     /* running, ok, failed, skipped */
        int64_t started_at_ms, finished_at_ms;
} StepRow;

void step_row_done(StepRow *r);
int store_step_put(Store *s, const StepRow *r); /* insert or replace by deployment and position */
int store_step_list(Store *s, const char *deployment_id, StepRow **ret_rows, size_t *ret_n);

/* --- releases --- */
typedef struct {
        char *project_id;
        int64_t number;
        char *kind; /* app; proxy: it cannot take the inherited socket; static: nginx serves its files */
        char *deployment_id, *commit;
        char *start_command; /* empty: the project's */
        char *root_directory;
        char *node_version, *bun_version; /* exact */
        int64_t created_at_ms;
} ReleaseRow;

void release_row_done(ReleaseRow *r);
int store_release_put(Store *s, const ReleaseRow *r);
int store_release_get(Store *s, const char *project_id, int64_t number, ReleaseRow *ret);
/* Newest first. */
int store_release_list(Store *s, const char *project_id, ReleaseRow **ret_rows, size_t *ret_n);
int store_release_delete(Store *s, const char *project_id, int64_t number);

/* --- wakes --- */
typedef struct {
        char *project_id;
        int64_t at_ms;
        char *kind; /* armed, asleep: what it woke from */
        int64_t duration_ms;
} WakeRow;

void wake_row_done(WakeRow *r);
int store_wake_put(Store *s, const WakeRow *r); /* keeps the newest 200 of the project */
/* Newest first, at most limit. */
int store_wake_list(Store *s, const char *project_id, size_t limit, WakeRow **ret_rows, size_t *ret_n);

/* --- who changed what --- */
typedef struct {
        int64_t id;    /* grows; made by store_audit_add */
        int64_t at_ms; /* of the last one, where several are counted in one row */
        char *actor_kind, *actor_name;
        char *action;
        char *project, *target; /* NULL: about none */
        int64_t status;         /* 0: the client had gone before its answer */
        char *detail;           /* may be NULL */
        char *address;          /* NULL: not through a network */
        int64_t count;
} AuditRow;

enum { AUDIT_KEPT = 20000, AUDIT_DAYS = 400 };

void audit_row_done(AuditRow *r);
/* Keeps the newest AUDIT_KEPT, none older than AUDIT_DAYS. A refusal (status 400 and above) that is like one of the minute before is
 * counted in that row instead, so that whoever is refused all day does not drive out the others. */
int store_audit_add(Store *s, const AuditRow *r);
typedef struct {
        const char *actor, *action, *project; /* NULL: all. action also as its first word: "domain" */
        int64_t before;                       /* an id; 0: from the newest */
} AuditFilter;
/* Newest first. */
int store_audit_list(Store *s, const AuditFilter *f, size_t limit, AuditRow **ret_rows, size_t *ret_n);
