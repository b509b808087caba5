/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "api/settings.h"

#include "api/metrics.h"
#include "api/project_write.h"
#include "api/reply.h"

#include "base/cleanup.h"
#include "security/picture.h"
#include "security/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Beside the picture its type alone: whether there is one is asked with each page, and it is large. */
#define SITE_NAME "site_name"
#define SITE_LOGO "site_logo"
#define SITE_LOGO_TYPE "site_logo_type"
#define STANDARD_NAME "NanoScale"

enum { NAME_MAX_BYTES = 60 };

/* What is set in a file of the server, by its name in the answer, and where. */
static const struct {
        const char *field, *key;
} in_config[] = {
        { "registry", "builds.registry" },
        { "base_domain", "base_domain" },
        { "dashboard_domain", "dashboard.domain" },
        { "acme", "acme.server and acme.email" },
        { "repositories", "network.allow_private_repositories" },
};

static json_t *text_or_null(const char *text) {
        return text && *text ? json_string(text) : json_null();
}

static json_t *setting(const Api *a, const char *key, const char *otherwise) {
        auto_free char *value = NULL;

        (void) store_setting_get(a->config.context->store, key, &value);
        return text_or_null(value ? value : otherwise);
}

json_t *describe_site(const Api *a) {
        auto_free char *type = NULL;
        bool has_logo = store_setting_get(a->config.context->store, SITE_LOGO_TYPE, &type) == STORE_OK;

        return json_pack("{s:o, s:b}", "name", setting(a, SITE_NAME, STANDARD_NAME), "has_logo", (int) has_logo);
}

static void reply_settings(const Api *a, HttpRequest *rq) {
        const DeployContext *c = a->config.context;

        reply_json(rq, 200,
                   json_pack("{s:o, s:o, s:o, s:s, s:o, s:s, s:{s:o, s:o}, s:{s:b}, s:{s:b}}", "site_name",
                             setting(a, SITE_NAME, STANDARD_NAME), "logo", setting(a, SITE_LOGO, NULL), "registry",
                             text_or_null(c->registry), "base_domain", c->base_domain, "dashboard_domain",
                             text_or_null(a->config.dashboard), "version", NANOSCALE_VERSION, "acme", "server",
                             text_or_null(a->config.acme_server), "email", text_or_null(a->config.acme_email), "repositories",
                             "allow_private", (int) c->allow_private_repositories, "metrics", "has_token", (int) has_metrics_token(a)));
}

void api_settings_show(Api *a, HttpRequest *rq, const char *argument) {
        (void) argument;
        reply_settings(a, rq);
}

static bool refuse(HttpRequest *rq, const char *field, const char *detail) {
        reply_problem(rq, 422, "invalid-field", "A field is not usable", field, detail);
        return false;
}

static bool check_name(HttpRequest *rq, const json_t *value) {
        const char *text = json_string_value(value);

        if (json_is_null(value))
                return true;
        if (!text || !*text || json_string_length(value) != strlen(text) || !valid_text_line(text, NAME_MAX_BYTES) || *text == ' ' ||
            text[strlen(text) - 1] == ' ')
                return refuse(rq, "site_name", "site_name must be a line of 1 to 60 bytes, without a blank at either end, or null.");
        return true;
}

static bool check_logo(HttpRequest *rq, const json_t *value, Picture *ret) {
        const char *text = json_string_value(value);
        int r;

        if (json_is_null(value))
                return true;
        r = text && json_string_length(value) == strlen(text) ? picture_parse(text, ret) : PICTURE_E_FORM;
        return r == PICTURE_OK ? true : refuse(rq, "logo", picture_explain(r));
}

static bool check_fields(HttpRequest *rq, const json_t *body) {
        const char *field;
        json_t *value;
        char detail[160];

        json_object_foreach((json_t *) (uintptr_t) body, field, value) {
                if (strcmp(field, "site_name") == 0 || strcmp(field, "logo") == 0)
                        continue;
                for (size_t i = 0; i < ELEMENTS(in_config); i++)
                        if (strcmp(field, in_config[i].field) == 0) {
                                (void) snprintf(detail, sizeof detail, "It is set in config.json of the server: %s.", in_config[i].key);
                                return refuse(rq, in_config[i].field, detail);
                        }
                return refuse(rq, NULL, "Only site_name and logo can be changed here.");
        }
        return true;
}

/* NULL: as if it had never been set. */
static int put(Store *s, const char *key, const char *value) {
        int r = value ? store_setting_put(s, key, value) : store_setting_delete(s, key);

        return r == STORE_E_ABSENT ? STORE_OK : r;
}

static int store_all(Store *s, const json_t *name, const json_t *logo, const char *type) {
        int r = store_begin(s);

        if (r < 0)
                return r;
        if (name)
                r = put(s, SITE_NAME, json_string_value(name));
        if (r == STORE_OK && logo)
                r = put(s, SITE_LOGO, json_string_value(logo));
        if (r == STORE_OK && logo)
                r = put(s, SITE_LOGO_TYPE, type);
        if (r == STORE_OK)
                return store_commit(s);
        store_rollback(s);
        return r;
}

void api_settings_change(Api *a, HttpRequest *rq, const char *argument) {
        json_t *body, *name, *logo;
        Picture picture = { 0 };
        int r;

        (void) argument;
        if (!project_may_write(a, rq))
                return;
        body = take_json(rq);
        if (!body)
                return;
        name = json_object_get(body, "site_name");
        logo = json_object_get(body, "logo");
        if (check_fields(rq, body) && (!name || check_name(rq, name)) && (!logo || check_logo(rq, logo, &picture))) {
                r = store_all(a->config.context->store, name, logo, picture.type);
                if (r != STORE_OK)
                        reply_failure(a, rq, r < 0 ? r : -EIO, "The settings could not be stored");
                else
                        reply_settings(a, rq);
        }
        picture_done(&picture);
        json_decref(body);
}

void api_site_logo(Api *a, HttpRequest *rq, const char *argument) {
        /* Should a browser ever take it for a document, that one may do nothing. */
        static const char *const headers[] = { "X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'; sandbox",
                                               NULL };
        auto_free char *url = NULL;
        Picture picture = { 0 };

        (void) argument;
        if (store_setting_get(a->config.context->store, SITE_LOGO, &url) == STORE_OK && picture_parse(url, &picture) == PICTURE_OK)
                http_reply(rq, 200, picture.type, (const char *) picture.bytes, picture.length, headers);
        else
                reply_problem(rq, 404, "logo-absent", "There is no logo", NULL, "An administrator can set one in the settings.");
        picture_done(&picture);
}
