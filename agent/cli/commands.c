/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "commands.h"

#include "base/cleanup.h"
#include "draft.h"

#define WATCHING                                                      \
        { "no-follow", 0, NULL, false, "do not wait for the end" }, { \
                "verbose", 'v', NULL, false, "show the whole log"     \
        }

#define SERVER \
        { "server", 0, "NAME", false, "create it on this server (the orchestrator)" }

static const Option add_options[] = { { "no-wait", 0, NULL, false, "do not wait until the server is online" }, { 0 } };
static const Option remove_options[] = {
        { "force", 0, NULL, false, "even with projects: they are forgotten here and left as they are there" },
        { "yes", 'y', NULL, false, "do not ask" },
        { 0 },
};
static const Option move_options[] = {
        { "linger", 0, "SECONDS", false, "so long the old place goes on to serve (300)" },
        { "yes", 'y', NULL, false, "do not ask" },
        { "no-wait", 0, NULL, false, "do not wait for the end" },
        { 0 },
};
static const Option create_options[] = { SERVER, { 0 } };
static const Option delete_options[] = { { "yes", 'y', NULL, false, "do not ask" }, { 0 } };
static const Option deploy_options[] = {
        { "name", 'n', "NAME", false, "name of the project (the last part of the URL)" },
        { "commit", 'c', "COMMIT", false, "exactly this commit, 40 hex digits" },
        SERVER,
        WATCHING,
        { 0 },
};
static const Option watch_options[] = { WATCHING, { 0 } };
static const Option set_options[] = { { "restart", 0, NULL, false, "restart the app right away" }, WATCHING, { 0 } };
static const Option sleep_options[] = { { "deep", 0, NULL, false, "stop the waiting runner too: less memory, a slower wake" }, { 0 } };
static const Option deployments_list_options[] = {
        { "limit", 0, "N", false, "so many at most (20)" },
        { "before", 0, "NUMBER", false, "only those before this number" },
        { 0 },
};
static const Option show_options[] = { { "log", 0, NULL, false, "print the stored log" }, { 0 } };
static const Option follow_options[] = { { "verbose", 'v', NULL, false, "show the whole log" }, { 0 } };
static const Option logs_options[] = {
        { "follow", 'f', NULL, false, "go on with new lines" },
        { "lines", 'n', "N", false, "begin with the last N lines (100)" },
        { 0 },
};
static const Option audit_options[] = {
        { "project", 0, "NAME", false, "only of this project" },
        { "actor", 0, "NAME", false, "only by this user or token" },
        { "action", 0, "WORD", false, "only this, such as project.deploy, or all of domain" },
        { "limit", 0, "N", false, "so many at most (50, with --csv 5000)" },
        { "csv", 0, NULL, false, "for a spreadsheet" },
        { 0 },
};
static const Option env_set_options[] = {
        { "file", 0, "FILE", false, "values from a .env file; -: standard input" },
        { "restart", 0, NULL, false, "restart the app right away" },
        WATCHING,
        { 0 },
};

#define REDIRECT \
        { "redirect", 0, "DOMAIN", false, "send visitors on to this other domain of the project" }
#define HSTS \
        { "hsts", 0, "on|off", false, "tell browsers to use https alone for a year (off)" }
#define PRIMARY \
        { "primary", 0, NULL, false, "show it as the project's URL" }

static const Option domain_add_options[] = { REDIRECT, HSTS, PRIMARY, { 0 } };
static const Option domain_set_options[] = {
        REDIRECT,
        { "no-redirect", 0, NULL, false, "let the project answer there" },
        HSTS,
        PRIMARY,
        { "automatic", 0, NULL, false, "instead of your own certificate, one that renews itself" },
        { 0 },
};
static const Option domain_check_options[] = {
        { "force", 0, NULL, false, "another certificate, even if the present one is good for long" },
        { "no-wait", 0, NULL, false, "do not wait for the outcome" },
        { 0 },
};
static const Option certificate_options[] = {
        { "chain", 0, "FILE", false, "the domain's certificate, then each with the one that signed it" },
        { "key", 0, "FILE", false, "its private key, without a passphrase" },
        { 0 },
};
static const Option protect_options[] = {
        { "password-user", 0, "USER", false, "ask visitors for this user and a password, which is asked for now" },
        { "no-password", 0, NULL, false, "ask for none" },
        { "allow", 0, "NETWORK", true, "only visitors from there, as 203.0.113.0/24; may be repeated" },
        { "allow-all", 0, NULL, false, "visitors from everywhere" },
        { "rate", 0, "N", false, "requests a second of one address; 0: no limit" },
        { "maintenance", 0, "on|off", false, "a page with status 503 instead of the app" },
        { "headers", 0, "on|off", false, "security headers that the app does not send itself" },
        { 0 },
};

static const Option claim_options[] = {
        { "reset", 0, NULL, false, "there is a user: set another name and password, and remove the second factor" },
        { 0 },
};
static const Option token_options[] = {
        { "scope", 0, "SCOPE", false, "read, deploy or admin (deploy)" },
        { "days", 0, "N", false, "how long it is good for (no end)" },
        { 0 },
};

const Command commands[] = {
        { "status", "", 0, 0, NULL, false, NULL, command_status, "the agent, the servers and the projects at a glance", NULL },
        { "servers add", "", 0, 0, add_options, false, NULL, command_servers_add, "make another machine a worker of this one",
          "Prints the command for it, which is good for ten minutes and for one machine, and waits until the new server is online." },
        { "servers list", "", 0, 0, NULL, false, NULL, command_servers_list, "the nodes", NULL },
        { "servers show", "NAME", 1, 1, NULL, false, NULL, command_servers_show, "what a node is doing, and what it did",
          "Processors, memory, disk and network now, and as charts of the last hour, day and 30 days." },
        { "servers remove", "NAME", 1, 1, remove_options, false, NULL, command_servers_remove, "take a server out of the cluster",
          "One that is offline learns of it when it is back. On a terminal the name has to be typed once more; elsewhere --yes is "
          "needed." },
        { "servers rotate-key", "NAME", 1, 1, NULL, false, NULL, command_servers_rotate_key,
          "a new key for what a server and the orchestrator say to each other", "The server has to be online." },
        { "claim", "", 0, 0, claim_options, false, NULL, command_claim, "a code with which the dashboard's user is made",
          "Whoever types it at https://SERVER/setup becomes the one who signs in. Root alone gets it." },
        { "tokens list", "", 0, 0, NULL, false, NULL, command_tokens_list, "API tokens", NULL },
        { "tokens create", "NAME", 1, 1, token_options, false, NULL, command_tokens_create, "a token with which a program uses the API",
          "It is printed once. `read` looks, `deploy` also deploys, restarts, rolls back, wakes and lets sleep, `admin` does all but what "
          "is about accounts." },
        { "tokens revoke", "NAME", 1, 1, NULL, false, NULL, command_tokens_revoke, "take a token back", NULL },
        { "metrics token", "", 0, 0, NULL, false, NULL, command_metrics_token, "let Prometheus read this server's metrics from elsewhere",
          "Prints a new token; the one before is not good any more. The metrics are at https://SERVER:4000/metrics." },
        { "metrics off", "", 0, 0, NULL, false, NULL, command_metrics_off, "take that token back", NULL },
        { "servers drain", "NAME", 1, 1, move_options, false, NULL, command_servers_drain, "move all projects of a server to others",
          "It takes no new ones meanwhile and afterwards. Each project is built anew on its new server; files in data directories are "
          "NOT moved, and are removed with the old place. DNS must be pointed to the new servers." },
        { "servers undrain", "NAME", 1, 1, NULL, false, NULL, command_servers_undrain, "let a server take projects again",
          "What has moved stays where it is, and moves that have begun go on." },
        { "projects create", "NAME", 1, 1, create_options, true, env_options, command_projects_create,
          "create a project without deploying it", "--repo is required. The name becomes the first part of the host name." },
        { "projects list", "", 0, 0, NULL, false, NULL, command_projects_list, "all projects", NULL },
        { "projects show", "NAME", 1, 1, NULL, false, NULL, command_projects_show, "settings and state of a project", NULL },
        { "projects stats", "NAME", 1, 1, NULL, false, NULL, command_projects_stats, "what an app takes of the node, and what it took",
          "Percents are of one processor. Builds are not counted." },
        { "projects set", "NAME", 1, 1, set_options, true, NULL, command_projects_set, "change settings of a project",
          "Sleep and drain settings count at once; limits, port, health path and --exclusive with the next restart or deployment; "
          "what concerns fetching and building with the next deployment. The answer says which." },
        { "projects rename", "NAME NEW-NAME", 2, 2, NULL, false, NULL, command_projects_rename, "give a project another name",
          "Its address NEW-NAME.BASE-DOMAIN counts at once, and nobody is served at the old one any more. Its other domains, releases, "
          "variables and data stay." },
        { "projects move", "NAME SERVER", 2, 2, move_options, false, NULL, command_projects_move, "move a project to another server",
          "It is built anew there. When it is healthy it serves there, and the old place goes on for a while, for visitors whose name "
          "servers still point to it. Files in its data directory are NOT moved, and are removed with the old place. DNS must be pointed "
          "to the new server. On a terminal the name has to be typed once more; elsewhere --yes is needed." },
        { "projects delete", "NAME", 1, 1, delete_options, false, NULL, command_projects_delete,
          "delete a project with its releases and data", "On a terminal the name has to be typed once more; elsewhere --yes is needed." },
        { "projects protect", "NAME", 1, 1, protect_options, false, NULL, command_projects_protect, "who may visit a project, and how",
          "Counts at once. Without an option it says how it is. The password is asked for, or read from standard input." },
        { "domains list", "[PROJECT]", 0, 1, NULL, false, NULL, command_domains_list, "domains with their certificates", NULL },
        { "domains add", "PROJECT DOMAIN", 2, 2, domain_add_options, false, NULL, command_domains_add,
          "let a project answer at a domain, by https",
          "A certificate is asked for as soon as the domain points to the project's server, and renewed by itself." },
        { "domains show", "DOMAIN", 1, 1, NULL, false, NULL, command_domains_show, "one domain: its certificate and what is wrong", NULL },
        { "domains set", "DOMAIN", 1, 1, domain_set_options, false, NULL, command_domains_set, "change a domain", NULL },
        { "domains remove", "DOMAIN", 1, 1, delete_options, false, NULL, command_domains_remove,
          "take a domain away from its project, with its certificate",
          "On a terminal the name has to be typed once more; elsewhere --yes is needed." },
        { "domains check", "DOMAIN", 1, 1, domain_check_options, false, NULL, command_domains_check,
          "look at its DNS and ask for a certificate now", "Says what came of it; the exit code is 1 when there is a problem." },
        { "domains certificate", "DOMAIN", 1, 1, certificate_options, false, NULL, command_domains_certificate,
          "serve a domain with a certificate of your own", "It is checked first, and used until you bring the next one." },
        { "deploy", "NAME|URL", 1, 1, deploy_options, true, env_options, command_deploy, "deploy a project and watch it",
          "With a URL, a project is created when there is none of that name. Settings and variables that are given are stored in the "
          "project; for a project that exists, --branch counts for this deployment alone." },
        { "rollback", "NAME [RELEASE]", 1, 2, watch_options, false, NULL, command_rollback, "serve an older release again",
          "Without RELEASE: the newest one that is kept before the live one. Nothing is built; no request is lost. `nanoscale releases "
          "NAME` "
          "lists what is kept." },
        { "restart", "NAME", 1, 1, watch_options, false, NULL, command_restart, "start the live release anew, without a gap",
          "The app then has the variables and limits as they are now. No request is lost." },
        { "sleep", "NAME", 1, 1, sleep_options, false, NULL, command_sleep, "put an app to sleep now",
          "It wakes by itself with the next request, which waits for it. Open requests end first." },
        { "wake", "NAME", 1, 1, NULL, false, NULL, command_wake, "wake an app now, before anybody asks for it", NULL },
        { "wakes", "NAME", 1, 1, NULL, false, NULL, command_wakes, "when an app was woken, and how long the visitor waited", NULL },
        { "releases", "NAME", 1, 1, NULL, false, NULL, command_releases, "the releases that are kept, newest first", NULL },
        { "deployments list", "NAME", 1, 1, deployments_list_options, false, NULL, command_deployments_list,
          "deployments of a project, newest first", NULL },
        { "deployments show", "ID|NAME", 1, 1, show_options, false, NULL, command_deployments_show,
          "one deployment; with a name, the latest of the project", NULL },
        { "deployments follow", "ID|NAME", 1, 1, follow_options, false, NULL, command_deployments_follow, "watch a deployment to its end",
          NULL },
        { "deployments cancel", "ID|NAME", 1, 1, NULL, false, NULL, command_deployments_cancel, "stop a deployment that is under way",
          NULL },
        { "logs", "NAME", 1, 1, logs_options, false, NULL, command_logs, "what the app writes", NULL },
        { "env list", "NAME", 1, 1, NULL, false, NULL, command_env_list,
          "names of the environment variables; values never leave the server", NULL },
        { "env set", "NAME [KEY=VALUE|KEY ...]", 1, 200, env_set_options, false, NULL, command_env_set, "set environment variables",
          "KEY alone asks for the value without showing it, or reads it from standard input. \"-\" reads a .env file from standard input. "
          "KEY=VALUE works, too, but stays in the shell's history. Takes effect with the next deployment or restart." },
        { "env unset", "NAME KEY ...", 2, 200, set_options, false, NULL, command_env_unset, "remove environment variables", NULL },
        { "audit", "", 0, 0, audit_options, false, NULL, command_audit, "who changed what, newest first",
          "Also what was refused, and who tried to sign in. Values are never in it." },
};
const size_t n_commands = ELEMENTS(commands);
