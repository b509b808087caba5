/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The agent: arguments, settings, and on to app.c. */
#include "app.h"
#include "base/paths.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "agent [--role orchestrator] [--config FILE]\n"
                            "The agent of NanoScale. systemd starts it (nanoscale-agent.service); settings are in " NS_CONFIG_FILE ".\n"
                            "  --role ROLE    orchestrator; overrides the setting\n"
                            "  --config FILE  read the settings from there\n"
                            "  --version      print the version\n";

enum { OPTION_ROLE = 256, OPTION_CONFIG, OPTION_JOIN, OPTION_VERSION, OPTION_HELP };

static const struct option options[] = {
        { "role", required_argument, NULL, OPTION_ROLE }, { "config", required_argument, NULL, OPTION_CONFIG },
        { "join", required_argument, NULL, OPTION_JOIN }, { "version", no_argument, NULL, OPTION_VERSION },
        { "help", no_argument, NULL, OPTION_HELP },       { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv) {
        const char *path = NS_CONFIG_FILE, *role = NULL;
        Config *config = NULL;
        char *sentence = NULL;
        int option, code;

        while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (option) {
                case OPTION_ROLE:
                        role = optarg;
                        break;
                case OPTION_CONFIG:
                        path = optarg;
                        break;
                case OPTION_JOIN:
                        (void) fputs("<3>This version of NanoScale has one node: workers cannot join yet.\n", stderr);
                        return 2;
                case OPTION_VERSION:
                        (void) puts("agent " NANOSCALE_VERSION);
                        return 0;
                case OPTION_HELP:
                        (void) fputs(usage, stdout);
                        return 0;
                default:
                        (void) fputs(usage, stderr);
                        return 2;
                }
        if (optind < argc) {
                (void) fputs(usage, stderr);
                return 2;
        }
        if (role && setenv("NANOSCALE_ROLE", role, 1) < 0)
                return 1;
        if (config_load(path, environ, &config, &sentence) < 0) {
                (void) fprintf(stderr, "<3>%s\n", sentence ? sentence : "The settings could not be read.");
                free(sentence);
                return 1;
        }
        if (config->role != ROLE_ORCHESTRATOR) {
                (void) fputs("<3>role: this version of NanoScale has one node, the orchestrator.\n", stderr);
                code = 2;
        } else
                code = app_run(config);
        config_free(config);
        return code;
}
