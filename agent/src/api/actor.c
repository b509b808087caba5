/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/actor.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

const Actor *api_actor(const HttpRequest *rq) {
        static const Actor nobody = { .kind = ACTOR_NOBODY };
        const Actor *actor = http_request_attached(rq);

        return actor ? actor : &nobody;
}

const char *actor_kind_word(ActorKind kind) {
        static const char *const words[] = { [ACTOR_NOBODY] = "", [ACTOR_ROOT] = "root", [ACTOR_USER] = "user", [ACTOR_TOKEN] = "token" };

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
        Actor actor = { .kind = ACTOR_ROOT };
        uid_t uid = http_request_peer_uid(rq);
        const struct passwd *user = uid ? getpwuid(uid) : NULL;

        if (uid == 0)
                (void) snprintf(actor.name, sizeof actor.name, "root");
        else if (user)
                (void) snprintf(actor.name, sizeof actor.name, "%.64s", user->pw_name);
        else
                (void) snprintf(actor.name, sizeof actor.name, "uid %u", (unsigned) uid);
        return actor_attach(rq, &actor);
}
