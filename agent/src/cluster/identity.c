/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/identity.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "security/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 64 * 1024 };

/* A key of one server cannot be moved into the file of another, nor the next one to the place of the first. */
static void seal_context(char ret[static 64], const char *server_id, const char *which) {
        (void) snprintf(ret, 64, "identity:%s:%s", server_id, which);
}

static bool copy_text(const json_t *o, const char *key, char *ret, size_t size) {
        const char *text = json_string_value(json_object_get(o, key));

        return text && strlen(text) < size && strcpy(ret, text) == ret;
}

static int unseal_key(const Sealer *s, const json_t *o, const char *which, const char *server_id, unsigned char ret[static SECRET_BYTES]) {
        const char *sealed = json_string_value(json_object_get(o, which));
        char context[64], *hex = NULL;
        size_t length = 0;
        int r;

        seal_context(context, server_id, which);
        r = sealed ? unseal_text(s, context, sealed, &hex, &length) : -EBADMSG;
        if (r == 0 && !secret_from_hex(hex, ret))
                r = -EBADMSG;
        secret_free(hex, length);
        return r;
}

static int take_identity(const json_t *o, const Sealer *s, Identity *i) {
        const json_t *orchestrator = json_object_get(o, "orchestrator");
        json_int_t port = json_integer_value(json_object_get(orchestrator, "port"));
        int r;

        if (!copy_text(o, "server_id", i->server_id, sizeof i->server_id) || !valid_id(i->server_id) ||
            !copy_text(o, "name", i->name, sizeof i->name) || !valid_server_name(i->name) ||
            !copy_text(orchestrator, "host", i->host, sizeof i->host) || !valid_server_address(i->host) ||
            !copy_text(orchestrator, "pin", i->pin, sizeof i->pin) || !valid_pin(i->pin) || port < 1 || port > 65535)
                return -EBADMSG;
        i->port = (unsigned) port;
        i->removed_at_ms = json_integer_value(json_object_get(o, "removed_at_ms"));
        r = unseal_key(s, o, "secret", i->server_id, i->secret);
        if (r == 0 && json_object_get(o, "next")) {
                i->has_next = true;
                r = unseal_key(s, o, "next", i->server_id, i->next);
        }
        return r;
}

int identity_read(const char *path, const Sealer *s, Identity *ret) {
        auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        auto_free char *text = NULL;
        Identity i = { 0 };
        size_t length;
        json_t *o;
        int r;

        if (fd < 0)
                return -errno;
        r = fs_read_fd(fd, FILE_MAX, &text, &length);
        if (r < 0)
                return r == -EFBIG ? -EBADMSG : r;
        o = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        r = o ? take_identity(o, s, &i) : -EBADMSG;
        json_decref(o);
        if (r == 0)
                *ret = i;
        identity_done(&i);
        return r;
}

static int seal_key(json_t *o, const Sealer *s, const char *which, const char *server_id, const unsigned char key[static SECRET_BYTES]) {
        char context[64], hex[SECRET_HEX_LENGTH + 1], *sealed = NULL;
        int r;

        seal_context(context, server_id, which);
        secret_hex(key, hex);
        r = seal_text(s, context, hex, strlen(hex), &sealed);
        secret_zero(hex, sizeof hex);
        if (r == 0 && json_object_set_new(o, which, json_string(sealed)) < 0)
                r = -ENOMEM;
        free(sealed);
        return r;
}

int identity_write(const char *path, const Sealer *s, const Identity *i) {
        char directory_of[PATH_MAX], name_of[PATH_MAX];
        auto_free char *text = NULL;
        auto_close int directory = -1;
        json_t *o = json_pack("{s:s, s:s, s:{s:s, s:i, s:s}, s:I}", "server_id", i->server_id, "name", i->name, "orchestrator", "host",
                              i->host, "port", (int) i->port, "pin", i->pin, "removed_at_ms", (json_int_t) i->removed_at_ms);
        int r = o ? seal_key(o, s, "secret", i->server_id, i->secret) : -ENOMEM;

        if (r == 0 && i->has_next)
                r = seal_key(o, s, "next", i->server_id, i->next);
        if (r == 0 && !(text = json_dumps(o, JSON_INDENT(2))))
                r = -ENOMEM;
        json_decref(o);
        if (r < 0)
                return r;
        (void) snprintf(directory_of, sizeof directory_of, "%s", path);
        (void) snprintf(name_of, sizeof name_of, "%s", path);
        directory = open(dirname(directory_of), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
                return -errno;
        return fs_write_atomic(directory, basename(name_of), text, strlen(text), 0600, FS_KEEP_OWNER, (gid_t) -1);
}

void identity_done(Identity *i) {
        secret_zero(i, sizeof *i);
}
