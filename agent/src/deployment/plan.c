/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "deployment/plan.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_MAX = 16 };

typedef struct {
        const char *verb; /* static text */
        char id[13];
        char argument[16];
        FieldWriter fields;
        bool has_fields;
} PlanStep;

struct Plan {
        HelperClient *client;
        PlanStep steps[PLAN_MAX];
        size_t n, at;
        int error;
        HelperCall *call;
        PlanDone done;
        void *owner;
};

int plan_new(HelperClient *client, Plan **ret_plan) {
        Plan *p = calloc(1, sizeof *p);
        if (!p)
                return -ENOMEM;
        p->client = client;
        *ret_plan = p;
        return 0;
}

static int copy_word(char *to, size_t size, const char *from) {
        size_t length = from ? strlen(from) : 0;
        if (length >= size)
                return -EINVAL;
        if (length > 0)
                memcpy(to, from, length);
        to[length] = '\0';
        return 0;
}

void plan_add(Plan *p, const char *verb, const char *id, const char *argument, FieldWriter *w) {
        PlanStep *step;

        if (p->n == PLAN_MAX) {
                p->error = -E2BIG;
                if (w)
                        free(w->text);
                return;
        }
        step = &p->steps[p->n++];
        step->verb = verb;
        if (copy_word(step->id, sizeof step->id, id) < 0 || copy_word(step->argument, sizeof step->argument, argument) < 0)
                p->error = -EINVAL;
        if (w) {
                step->fields = *w;
                step->has_fields = true;
                *w = (FieldWriter){ 0 };
        }
}

static int plan_send(Plan *p);

static void plan_answered(void *owner, const HelperAnswer *answer) {
        Plan *p = owner;
        int r;

        p->call = helper_call_drop(p->call);
        if (!answer->ok) {
                p->done(p->owner, false, p->steps[p->at].verb, answer->word, answer->text);
                return;
        }
        if (++p->at == p->n) {
                p->done(p->owner, true, NULL, NULL, answer->text);
                return;
        }
        r = plan_send(p);
        if (r < 0)
                p->done(p->owner, false, p->steps[p->at].verb, "system", strerror(-r));
}

static int plan_send(Plan *p) {
        PlanStep *step = &p->steps[p->at];

        step->has_fields = false; /* the call takes them */
        return helper_call(p->client, step->verb, step->id[0] ? step->id : NULL, step->argument[0] ? step->argument : NULL, &step->fields,
                           plan_answered, p, &p->call);
}

int plan_run(Plan *p, PlanDone done, void *owner) {
        if (p->error < 0)
                return p->error;
        if (p->n == 0)
                return -EINVAL;
        p->done = done;
        p->owner = owner;
        return plan_send(p);
}

Plan *plan_drop(Plan *p) {
        if (!p)
                return NULL;
        helper_call_drop(p->call);
        for (size_t i = 0; i < p->n; i++)
                if (p->steps[i].has_fields)
                        free(p->steps[i].fields.text);
        free(p);
        return NULL;
}
