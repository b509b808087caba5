/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "client.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define CONNECT_TIMEOUT_MS 5000L
#define CALL_TIMEOUT_MS 300000L  /* removing a project with many files takes its time, and the answer comes when it is done */
#define STREAM_HEAD_TIMEOUT_S 20 /* the socket is held by systemd: a connection succeeds even when no agent takes it */
#define MAX_BODY ((size_t) 32 * 1024 * 1024)
#define TICK_MS 100

struct Client {
        CURL *easy;
        CURLM *multi;
        char *socket_path, *sentence;
        /* of the transfer under way */
        Text body;
        SseParser *parser; /* NULL: collect the body */
        int stopped;       /* what the parser returned */
};

void reply_done(Reply *r) {
        json_decref(r->json);
        free(r->text);
        *r = (Reply){ 0 };
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        Client *c = userdata;
        size_t length = size * n;
        long status = 0;

        (void) curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        if (c->parser && status == 200) {
                c->stopped = sse_feed(c->parser, data, length);
                return c->stopped == 0 ? length : 0;
        }
        if (c->body.length + length > MAX_BODY)
                return 0;
        text_put(&c->body, data, length);
        return c->body.error ? 0 : length;
}

int client_new(const char *socket_path, Client **ret_client) {
        auto_call(client_free_cleanup) Client *c = calloc(1, sizeof *c);

        if (!c)
                return -ENOMEM;
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                return -ENOMEM;
        c->socket_path = strdup(socket_path);
        c->easy = curl_easy_init();
        c->multi = curl_multi_init();
        if (!c->socket_path || !c->easy || !c->multi)
                return -ENOMEM;
        *ret_client = handover(c);
        return 0;
}

Client *client_free(Client *c) {
        if (!c)
                return NULL;
        if (c->multi)
                (void) curl_multi_cleanup(c->multi);
        if (c->easy)
                curl_easy_cleanup(c->easy);
        text_cleanup(&c->body);
        free(c->socket_path);
        free(c->sentence);
        free(c);
        curl_global_cleanup();
        return NULL;
}

void client_free_cleanup(Client **c) {
        (void) client_free(*c);
}

const char *client_sentence(const Client *c) {
        return c->sentence ? c->sentence : "out of memory";
}

/* Turns curl's view of a failure into an errno, and a sentence with the remedy. */
static int explain(Client *c, CURLcode code) {
        auto_call(text_cleanup) Text t = { 0 };
        long os_error = 0;
        int error = EIO;

        (void) curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &os_error);
        if (code == CURLE_COULDNT_CONNECT) {
                error = os_error > 0 ? (int) os_error : ECONNREFUSED;
                /* curl does not always pass on what connect() said to a unix socket: ask the file system. */
                if (access(c->socket_path, W_OK) < 0)
                        error = errno;
        } else if (code == CURLE_OPERATION_TIMEDOUT)
                error = ETIMEDOUT;
        else if (code == CURLE_OUT_OF_MEMORY)
                error = ENOMEM;
        else if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
                error = ECONNRESET;

        switch (error) {
        case EACCES:
        case EPERM:
                text_printf(&t,
                            "You may not use %s. Run this as root, or become a member of the group nanoscale: `usermod -aG nanoscale "
                            "USER`, then sign in again.",
                            c->socket_path);
                break;
        case ENOENT:
        case ENOTDIR:
                text_printf(&t,
                            "There is no agent here (%s is missing). Install it with `./scripts/install.sh --role orchestrator`, or start "
                            "it: `systemctl start nanoscale-agent.socket`.",
                            c->socket_path);
                break;
        case ECONNREFUSED:
                text_printf(&t,
                            "The agent does not run (nothing listens on %s). Start it: `systemctl start nanoscale-agent`. Why it stopped: "
                            "`journalctl -u nanoscale-agent`.",
                            c->socket_path);
                break;
        case ETIMEDOUT:
                text_printf(&t, "The agent does not answer. Look at it: `systemctl status nanoscale-agent`.");
                break;
        case ECONNRESET:
                text_printf(&t, "The agent went away before it had answered. Look at it: `systemctl status nanoscale-agent`.");
                break;
        default:
                text_printf(&t, "The agent at %s could not be asked: %s.", c->socket_path, curl_easy_strerror(code));
        }
        free(c->sentence);
        c->sentence = NULL;
        (void) text_take(&t, &c->sentence, NULL);
        return -error;
}

/* Sets up the handle from scratch for one transfer. The URL's host is not used: the socket is the address. */
static int prepare(Client *c, const char *method, const char *path, const char *body, struct curl_slist *headers) {
        auto_call(text_cleanup) Text url = { 0 };
        CURLcode bad = 0;

        curl_easy_reset(c->easy);
        text_cleanup(&c->body);
        c->stopped = 0;
        text_printf(&url, "http://localhost%s", path);
        if (url.error)
                return url.error;
        bad |= curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
        bad |= curl_easy_setopt(c->easy, CURLOPT_URL, url.data);
        bad |= curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
        bad |= curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http");
        bad |= curl_easy_setopt(c->easy, CURLOPT_PROXY, ""); /* http_proxy of the environment is not meant for this */
        bad |= curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
        bad |= curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
        bad |= curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "nanoscale/" NANOSCALE_VERSION);
        bad |= curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
        bad |= curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
        bad |= curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
        bad |= curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
        if (body) {
                bad |= curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(body));
                bad |= curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body);
        }
        return bad == CURLE_OK ? 0 : -ENOMEM;
}

static int finish(Client *c, Reply *ret_reply) {
        long status = 0;
        int r;

        (void) curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        *ret_reply = (Reply){ .status = (unsigned) status };
        r = text_take(&c->body, &ret_reply->text, &ret_reply->length);
        if (r < 0)
                return r;
        ret_reply->json = json_loadb(ret_reply->text, ret_reply->length, JSON_REJECT_DUPLICATES, NULL);
        return 0;
}

static void cleanup_slist(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

static int add_header(struct curl_slist **list, const char *line) {
        struct curl_slist *more = curl_slist_append(*list, line);

        if (!more)
                return -ENOMEM;
        *list = more;
        return 0;
}

int client_call(Client *c, const char *method, const char *path, const json_t *body, Reply *ret_reply) {
        auto_call(cleanup_slist) struct curl_slist *headers = NULL;
        auto_free char *text = NULL;
        CURLcode code;
        int r;

        if (body) {
                text = json_dumps(body, JSON_COMPACT);
                if (!text)
                        return -ENOMEM;
                r = add_header(&headers, "Content-Type: application/json");
                if (r < 0)
                        return r;
        } else if (strcmp(method, "POST") == 0) {
                text = strdup("{}");
                if (!text)
                        return -ENOMEM;
                r = add_header(&headers, "Content-Type: application/json");
                if (r < 0)
                        return r;
        }
        r = add_header(&headers, "Expect:");
        if (r < 0)
                return r;
        c->parser = NULL;
        r = prepare(c, method, path, text, headers);
        if (r < 0)
                return r;
        (void) curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, CALL_TIMEOUT_MS);
        code = curl_easy_perform(c->easy);
        if (code != CURLE_OK)
                return explain(c, code);
        return finish(c, ret_reply);
}

static time_t seconds(void) {
        struct timespec now = { 0 };

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

/* Runs the transfer that is in c->multi. *ret_code is curl's result when it ended by itself. */
static int pump(Client *c, int (*tick)(void *owner), void *owner, CURLcode *ret_code) {
        time_t begun = seconds();

        for (;;) {
                CURLMsg *message;
                long status = 0;
                int running = 0, queued = 0, r;

                if (curl_multi_perform(c->multi, &running) != CURLM_OK)
                        return -EIO;
                while ((message = curl_multi_info_read(c->multi, &queued)))
                        if (message->msg == CURLMSG_DONE) {
                                *ret_code = message->data.result;
                                return 0;
                        }
                r = tick ? tick(owner) : 0;
                if (r != 0)
                        return r;
                (void) curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
                if (status == 0 && seconds() - begun > STREAM_HEAD_TIMEOUT_S) {
                        *ret_code = CURLE_OPERATION_TIMEDOUT;
                        return 0;
                }
                if (curl_multi_poll(c->multi, NULL, 0, TICK_MS, NULL) != CURLM_OK)
                        return -EIO;
        }
}

int client_stream(Client *c, const char *path, SseParser *parser, int (*tick)(void *owner), void *owner, Reply *ret_reply) {
        auto_call(cleanup_slist) struct curl_slist *headers = NULL;
        CURLcode code = CURLE_OK;
        int r;

        r = add_header(&headers, "Accept: text/event-stream");
        if (r == 0 && *sse_last_id(parser)) {
                auto_call(text_cleanup) Text line = { 0 };

                text_printf(&line, "Last-Event-ID: %s", sse_last_id(parser));
                r = line.error ? line.error : add_header(&headers, line.data);
        }
        if (r < 0)
                return r;
        sse_parser_restart(parser);
        c->parser = parser;
        r = prepare(c, "GET", path, NULL, headers);
        if (r < 0)
                return r;
        if (curl_multi_add_handle(c->multi, c->easy) != CURLM_OK)
                return -ENOMEM;
        r = pump(c, tick, owner, &code);
        (void) curl_multi_remove_handle(c->multi, c->easy);
        if (r != 0)
                return r;
        if (c->stopped != 0)
                return c->stopped;
        if (code != CURLE_OK) {
                long status = 0;

                (void) curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
                ret_reply->status = (unsigned) status;
                return explain(c, code);
        }
        return finish(c, ret_reply);
}
