/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* `agent --join`, which scripts/install.sh --join runs as the user nanoscale before the service is started. */
#include "app.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/paths.h"
#include "cluster/identity.h"
#include "cluster/join.h"
#include "event/loop.h"
#include "security/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(int code, const char *sentence) {
        (void) fprintf(stderr, "<3>%s\n", sentence);
        return code;
}

static int read_string(const char *argument, JoinString *ret) {
        char text[JOIN_STRING_SIZE + 2] = "";
        const char *string = argument;
        int r;

        if (strcmp(argument, "-") == 0) {
                if (!fgets(text, sizeof text, stdin))
                        text[0] = '\0';
                text[strcspn(text, "\r\n")] = '\0';
                string = text;
        }
        r = join_string_parse(string, ret);
        secret_zero(text, sizeof text);
        return r;
}

/* The key is made here when the agent has never run: it makes none beside a database (app.c). */
static int open_sealer(const Config *config, Sealer **ret_sealer) {
        bool is_new = access(config->database, F_OK) < 0 && errno == ENOENT;

        return sealer_open(config->seal_key, is_new, ret_sealer);
}

static int read_pin(char **ret_pin) {
        auto_close int directory = open(NS_TLS_PUBLIC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        size_t length;
        int r = directory < 0 ? -errno : fs_read_file(directory, "pin", 128, ret_pin, &length);

        if (r < 0)
                return r;
        (*ret_pin)[strcspn(*ret_pin, "\n")] = '\0';
        return valid_pin(*ret_pin) ? 0 : -EBADMSG;
}

static int join(const Config *config, const JoinArguments *arguments, const JoinString *string) {
        auto_free char *pin = NULL;
        Sealer *sealer = NULL;
        Loop *loop = NULL;
        char sentence[768] = "";
        int r = read_pin(&pin), code = 1;

        if (r < 0) {
                (void) fprintf(stderr, "<3>" NS_TLS_PUBLIC "/pin: %s. Run scripts/install.sh again: it makes the TLS key.\n", strerror(-r));
                return 1;
        }
        r = open_sealer(config, &sealer);
        if (r == 0)
                r = loop_new(&loop);
        if (r < 0)
                (void) fprintf(stderr, "<3>%s: %s\n", sealer ? "the event loop" : config->seal_key, strerror(-r));
        else {
                code = join_run(loop,
                                &(JoinConfig){ .string = string,
                                               .name = arguments->name ? arguments->name : config->name,
                                               .address = arguments->address,
                                               .port = arguments->port,
                                               .public_key = pin,
                                               .identity = NS_IDENTITY_FILE,
                                               .sealer = sealer },
                                sentence, sizeof sentence);
                if (code != 0)
                        (void) fprintf(stderr, "<3>%s\n", sentence);
        }
        loop_free(loop);
        sealer_free(sealer);
        return code;
}

int app_join(const Config *config, const JoinArguments *arguments) {
        JoinString string;
        int r, code;

        if (config->role != ROLE_WORKER)
                return refuse(2, "This server is an orchestrator, by the role in its settings; it cannot join another one.");
        if (!arguments->address || !valid_server_address(arguments->address))
                return refuse(2, "--address must be an address or host name at which the orchestrator reaches this server.");
        if (arguments->name && !valid_server_name(arguments->name))
                return refuse(2, "--name must be 1 to 63 of a-z, 0-9 and -, without a dash first or last.");
        r = read_string(arguments->string, &string);
        if (r != JOIN_STRING_OK)
                return refuse(2, join_string_explain(r));
        code = join(config, arguments, &string);
        if (code == 0)
                (void) fprintf(stderr, "<5>Joined the cluster of %s.\n", string.host);
        secret_zero(&string, sizeof string);
        return code;
}
