/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The agent: arguments, settings, and on to app.c. */
#include "app.h"
#include "base/paths.h"
#include "base/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
                "agent [--role ROLE] [--config FILE]\n"
                "agent --join STRING|- [--name NAME] --address ADDRESS [--port PORT] [--config FILE]\n"
                "The agent of NanoScale. systemd starts it (nanoscale-agent.service); settings are in " NS_CONFIG_FILE ".\n"
                "  --role ROLE        orchestrator or worker; overrides the setting\n"
                "  --config FILE      read the settings from there\n"
                "  --join STRING      make this server a worker of the orchestrator that made the string, and end; -: read the\n"
                "                     string, which is a secret, from standard input. scripts/install.sh --join does all of it\n"
                "  --name NAME        of this server in the cluster; default: the setting, or the host name\n"
                "  --address ADDRESS  at which the orchestrator reaches it\n"
                "  --port PORT        of its gateway, default 4000\n"
                "  --version          print the version\n";

enum { OPTION_ROLE = 256, OPTION_CONFIG, OPTION_JOIN, OPTION_NAME, OPTION_ADDRESS, OPTION_PORT, OPTION_VERSION, OPTION_HELP };

static const struct option options[] = {
        { "role", required_argument, NULL, OPTION_ROLE },
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "join", required_argument, NULL, OPTION_JOIN },
        { "name", required_argument, NULL, OPTION_NAME },
        { "address", required_argument, NULL, OPTION_ADDRESS },
        { "port", required_argument, NULL, OPTION_PORT },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "help", no_argument, NULL, OPTION_HELP },
        { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv) {
        const char *path = NS_CONFIG_FILE, *role = NULL;
        JoinArguments join = { .port = 4000 };
        unsigned long port;
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
                        join.string = optarg;
                        break;
                case OPTION_NAME:
                        join.name = optarg;
                        break;
                case OPTION_ADDRESS:
                        join.address = optarg;
                        break;
                case OPTION_PORT:
                        if (!text_to_number(optarg, 1, 65535, &port)) {
                                (void) fputs("<3>--port must be a number from 1 to 65535.\n", stderr);
                                return 2;
                        }
                        join.port = (unsigned) port;
                        break;
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
        code = join.string ? app_join(config, &join) : app_run(config);
        config_free(config);
        return code;
}
