/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/actor.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const Actor *api_actor(const HttpRequest *rq) {
        static const Actor nobody = { .kind = ACTOR_NOBODY };
        const Actor *actor = http_request_attached(rq);

        return actor ? actor : &nobody;
}

const char *actor_kind_word(ActorKind kind) {
        static const char *const words[] = { [ACTOR_NOBODY] = "user",   [ACTOR_ROOT] = "root", [ACTOR_ADMIN] = "user",
                                             [ACTOR_SYSTEM] = "system", [ACTOR_USER] = "user", [ACTOR_TOKEN] = "token" };

        return words[kind];
}

int actor_attach(HttpRequest *rq, const Actor *actor) {
        Actor *copy = malloc(sizeof *copy);

        if (!copy)
                return -ENOMEM;
        *copy = *actor;
        http_request_attach(rq, copy, free);
        return 0;
}

int actor_attach_admin(HttpRequest *rq) {
        uid_t uid = http_request_peer_uid(rq);
        Actor actor = { .kind = uid == 0 ? ACTOR_ROOT : uid == geteuid() ? ACTOR_SYSTEM : ACTOR_ADMIN };
        const struct passwd *user = actor.kind == ACTOR_ADMIN ? getpwuid(uid) : NULL;

        if (actor.kind != ACTOR_ADMIN)
                (void) snprintf(actor.name, sizeof actor.name, "%s", uid == 0 ? "root" : "nanoscale");
        else if (user)
                (void) snprintf(actor.name, sizeof actor.name, "%.64s", user->pw_name);
        else
                (void) snprintf(actor.name, sizeof actor.name, "uid %u", (unsigned) uid);
        return actor_attach(rq, &actor);
}
