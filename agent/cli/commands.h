/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands. Each returns an exit code and has reported its error. */
#pragma once

#include "cli.h"

typedef struct {
        const char *words;    /* "projects create" */
        const char *operands; /* for the help; "" */
        unsigned min_operands, max_operands;
        const Option *own; /* its options, ended by a NULL name; may be NULL */
        bool settings;     /* takes those of draft_options() */
        const Option *env; /* env_options or NULL */
        int (*run)(const Cli *cli);
        const char *summary;
        const char *text; /* more for `nanoscale help COMMAND`; may be NULL */
} Command;

extern const Command commands[];
extern const size_t n_commands;

int command_audit(const Cli *cli);
int command_status(const Cli *cli);
int command_servers_list(const Cli *cli);
int command_servers_show(const Cli *cli);
int command_servers_add(const Cli *cli);
int command_servers_remove(const Cli *cli);
int command_servers_rotate_key(const Cli *cli);
int command_servers_drain(const Cli *cli);
int command_servers_undrain(const Cli *cli);
int command_projects_create(const Cli *cli);
int command_projects_list(const Cli *cli);
int command_projects_show(const Cli *cli);
int command_projects_stats(const Cli *cli);
int command_claim(const Cli *cli);
int command_tokens_list(const Cli *cli);
int command_tokens_create(const Cli *cli);
int command_tokens_revoke(const Cli *cli);
int command_metrics_token(const Cli *cli);
int command_metrics_off(const Cli *cli);
int command_projects_set(const Cli *cli);
int command_projects_rename(const Cli *cli);
int command_projects_move(const Cli *cli);
int command_projects_delete(const Cli *cli);
int command_projects_protect(const Cli *cli);
int command_domains_list(const Cli *cli);
int command_domains_add(const Cli *cli);
int command_domains_show(const Cli *cli);
int command_domains_set(const Cli *cli);
int command_domains_remove(const Cli *cli);
int command_domains_check(const Cli *cli);
int command_domains_certificate(const Cli *cli);
int command_deploy(const Cli *cli);
int command_rollback(const Cli *cli);
int command_restart(const Cli *cli);
int command_sleep(const Cli *cli);
int command_wake(const Cli *cli);
int command_wakes(const Cli *cli);
int command_releases(const Cli *cli);
int command_deployments_list(const Cli *cli);
int command_deployments_show(const Cli *cli);
int command_deployments_follow(const Cli *cli);
int command_deployments_cancel(const Cli *cli);
int command_logs(const Cli *cli);
int command_env_list(const Cli *cli);
int command_env_set(const Cli *cli);
int command_env_unset(const Cli *cli);

/* All projects, over as many pages as there are. */
int projects_fetch(const Cli *cli, json_t **ret_list);
/* Asks for the name on the terminal, after the sentence that says what will happen. DONE when it was typed. doing and done: "Deleting",
 * "deleted". */
int confirm_by_name(const Cli *cli, const char *name, const char *doing, const char *done, const char *consequence);
int project_create(const Cli *cli, const char *name, const char *repo_url, json_t **ret_project);
