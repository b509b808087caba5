/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/fetch.h"

#include "base/cleanup.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#define IDLE_US (30 * USEC_PER_SEC)
#define CONNECT_US (10 * USEC_PER_SEC)
#define DEFAULT_TIMEOUT_US (30 * USEC_PER_SEC)
#define DEFAULT_MAX_BYTES (1024 * 1024)

struct FetchPool {
        Loop *loop;
        CURLM *multi; /* NULL while nothing was fetched for a while */
        Timer *timer; /* curl's own time-outs */
        Timer *idle;
        size_t n_active;
};

struct Fetch {
        FetchPool *pool;
        CURL *easy; /* NULL once it is over */
        struct curl_slist *headers;
        char *target; /* for sentences: the host, or the path of the unix socket */
        char curl_error[CURL_ERROR_SIZE];
        int to_fd;
        int write_error; /* why write_body() refused, negative errno */
        char *body;
        size_t length, size, max_bytes;
        FetchDone done;
        void *owner;
};

/* --- the end of a transfer --- */

/* What curl says, as errno and for people; %s is the target. Others: -EIO and curl's own sentence. */
static const struct {
        CURLcode code;
        int error;
        const char *sentence;
} failures[] = {
        { CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "the name of %s could not be resolved" },
        { CURLE_COULDNT_CONNECT, -ECONNREFUSED, "no connection to %s" },
        { CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "%s did not answer in time" },
        { CURLE_URL_MALFORMAT, -EPROTO, "%s redirects to what is no address" },
        { CURLE_TOO_MANY_REDIRECTS, -ELOOP, "%s redirects too often" },
        { CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "%s answers or redirects in a way that is not allowed" },
        { CURLE_GOT_NOTHING, -EPROTO, "%s closed the connection without an answer" },
        { CURLE_PARTIAL_FILE, -EPROTO, "%s closed the connection before the end of its answer" },
        { CURLE_RECV_ERROR, -ECONNRESET, "%s closed the connection before the end of its answer" },
        { CURLE_SEND_ERROR, -ECONNRESET, "%s closed the connection" },
        { CURLE_WEIRD_SERVER_REPLY, -EPROTO, "%s does not answer in HTTP" },
        { CURLE_HTTP2, -EPROTO, "%s does not answer in proper HTTP/2" },
        { CURLE_HTTP2_STREAM, -EPROTO, "%s does not answer in proper HTTP/2" },
        { CURLE_BAD_CONTENT_ENCODING, -EPROTO, "%s sent an answer that cannot be decoded" },
        { CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED, "the certificate of %s is not valid here" },
        { CURLE_SSL_CONNECT_ERROR, -EKEYREJECTED, "no TLS connection to %s" },
        { CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, "the CA bundle for %s cannot be read" },
        { CURLE_FILESIZE_EXCEEDED, -EFBIG, "the answer of %s is too large" },
        { CURLE_OUT_OF_MEMORY, -ENOMEM, "not enough memory for the answer of %s" },
};

static int explain(const Fetch *f, CURLcode code, char *sentence, size_t size) {
        int error = -EIO;
        const char *format = NULL;
        if (f->write_error == -EFBIG)
                code = CURLE_FILESIZE_EXCEEDED;
        for (size_t i = 0; i < ELEMENTS(failures); i++)
                if (failures[i].code == code) {
                        error = failures[i].error;
                        format = failures[i].sentence;
                }
        if (f->write_error < 0 && f->write_error != -EFBIG) {
                (void) snprintf(sentence, size, "the answer of %s could not be stored: %s", f->target, strerrordesc_np(-f->write_error));
                return f->write_error;
        }
        const char *detail = f->curl_error[0] != '\0' ? f->curl_error : curl_easy_strerror(code);
        if (code == CURLE_COULDNT_CONNECT) {
                long number = 0;
                (void) curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &number);
                if (number > 0) {
                        error = -(int) number;
                        detail = strerrordesc_np((int) number);
                }
        }
        char start[320];
        if (format) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* from the table above */
                (void) snprintf(start, sizeof start, format, f->target);
#pragma GCC diagnostic pop
        } else {
                (void) snprintf(start, sizeof start, "the transfer from %s failed", f->target);
        }
        bool plain = error == -EFBIG || error == -ENOMEM || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_TOO_MANY_REDIRECTS;
        (void) snprintf(sentence, size, plain ? "%s" : "%s (%s)", start, detail);
        return error;
}

/* Takes the transfer out of curl. */
static void detach(Fetch *f) {
        if (!f->easy)
                return;
        (void) curl_multi_remove_handle(f->pool->multi, f->easy);
        curl_easy_cleanup(f->easy);
        f->easy = NULL;
        curl_slist_free_all(f->headers);
        f->headers = NULL;
        if (--f->pool->n_active == 0)
                (void) timer_rearm(f->pool->idle, IDLE_US);
}

static void finish(Fetch *f, CURLcode code) {
        char sentence[640] = "";
        FetchResult result = { 0 };
        if (code == CURLE_OK) {
                long status = 0;
                (void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
                result.status = (unsigned) status;
        } else {
                result.error = explain(f, code, sentence, sizeof sentence);
                result.sentence = sentence;
        }
        auto_free char *body = handover(f->body); /* the callback may drop f */
        result.body = body;
        result.length = f->length;
        detach(f);
        f->done(f->owner, &result);
}

/* Only called when no function of curl is on the stack, since done() may drop and start transfers. The messages form a queue: read it to
 * its end, as nothing wakes us for those that are left. */
static void drain(FetchPool *p) {
        int left = 0;
        CURLMsg *message;
        while (p->multi && (message = curl_multi_info_read(p->multi, &left))) {
                Fetch *f = NULL;
                if (message->msg != CURLMSG_DONE)
                        continue;
                CURLcode code = message->data.result; /* the message dies with the handle */
                (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &f);
                finish(f, code);
        }
}

/* --- curl on the loop --- */

typedef struct {
        FetchPool *pool;
        Watch *watch;
        int fd;
} Socket;

static void on_socket_ready(void *owner, uint32_t revents) {
        const Socket *s = owner;
        FetchPool *p = s->pool; /* curl may drop s */
        int what = 0, running = 0;
        if (revents & (EPOLLIN | EPOLLHUP | EPOLLRDHUP))
                what |= CURL_CSELECT_IN;
        if (revents & EPOLLOUT)
                what |= CURL_CSELECT_OUT;
        if (revents & EPOLLERR)
                what |= CURL_CSELECT_ERR;
        (void) curl_multi_socket_action(p->multi, s->fd, what, &running);
        drain(p);
}

static void on_curl_timeout(void *owner) {
        FetchPool *p = owner;
        int running = 0;
        if (!p->multi)
                return;
        (void) curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        drain(p);
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *pool, void *per_socket) {
        FetchPool *p = pool;
        Socket *s = per_socket;
        (void) easy;
        if (what == CURL_POLL_REMOVE) {
                if (s) {
                        (void) watch_drop(s->watch);
                        free(s);
                        (void) curl_multi_assign(p->multi, fd, NULL);
                }
                return 0;
        }
        uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0U) | (what & CURL_POLL_OUT ? EPOLLOUT : 0U);
        if (s)
                return watch_change(s->watch, events) < 0 ? -1 : 0;
        s = calloc(1, sizeof *s);
        if (!s)
                return -1;
        s->pool = p;
        s->fd = fd;
        if (watch_start(p->loop, fd, events, on_socket_ready, s, &s->watch) < 0 || curl_multi_assign(p->multi, fd, s) != CURLM_OK) {
                (void) watch_drop(s->watch);
                free(s);
                return -1;
        }
        return 0;
}

static int timer_callback(CURLM *multi, long timeout_ms, void *pool) {
        FetchPool *p = pool;
        (void) multi;
        if (timeout_ms < 0) {
                timer_stop(p->timer);
                return 0;
        }
        return timer_rearm(p->timer, (uint64_t) timeout_ms * USEC_PER_MSEC) < 0 ? -1 : 0;
}

static int multi_open(FetchPool *p) {
        if (p->multi)
                return 0;
        p->multi = curl_multi_init();
        if (!p->multi)
                return -ENOMEM;
        (void) curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
        (void) curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
        (void) curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
        (void) curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
        (void) curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, 8L);
        return 0;
}

static void multi_close(FetchPool *p) {
        if (!p->multi)
                return;
        (void) curl_multi_cleanup(p->multi); /* closes the kept connections, which calls back to us */
        p->multi = NULL;
        timer_stop(p->timer);
}

/* With the connections goes the parsed CA bundle, which is the larger part of curl's memory. */
static void on_idle(void *owner) {
        FetchPool *p = owner;
        if (p->n_active > 0)
                return;
        multi_close(p);
        (void) malloc_trim(0);
}

int fetch_pool_new(Loop *l, FetchPool **ret_pool) {
        static bool initialised;
        if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        initialised = true;
        FetchPool *p = calloc(1, sizeof *p);
        if (!p)
                return -ENOMEM;
        p->loop = l;
        int r = timer_start(l, 0, on_curl_timeout, p, &p->timer);
        if (r >= 0)
                r = timer_start(l, IDLE_US, on_idle, p, &p->idle);
        if (r < 0) {
                (void) fetch_pool_free(p);
                return r;
        }
        timer_stop(p->timer);
        timer_stop(p->idle);
        *ret_pool = p;
        return 0;
}

FetchPool *fetch_pool_free(FetchPool *p) {
        if (!p)
                return NULL;
        if (p->timer)
                multi_close(p);
        (void) timer_drop(p->timer);
        (void) timer_drop(p->idle);
        free(p);
        return NULL;
}

/* --- one transfer --- */

static int keep(Fetch *f, const char *data, size_t length) {
        if (f->length + length + 1 > f->size) {
                size_t size = f->size * 2 > f->length + length + 1 ? f->size * 2 : f->length + length + 1;
                char *bigger = realloc(f->body, size);
                if (!bigger)
                        return -ENOMEM;
                f->body = bigger;
                f->size = size;
        }
        memcpy(f->body + f->length, data, length);
        f->body[f->length + length] = '\0';
        return 0;
}

static int store(int fd, const char *data, size_t length) {
        while (length > 0) {
                ssize_t n = write(fd, data, length);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        length -= (size_t) n;
                }
        }
        return 0;
}

static size_t write_body(char *data, size_t size, size_t count, void *userdata) {
        Fetch *f = userdata;
        size_t length = size * count;
        if (length > f->max_bytes - f->length)
                f->write_error = -EFBIG;
        else if (f->to_fd >= 0)
                f->write_error = store(f->to_fd, data, length);
        else
                f->write_error = keep(f, data, length);
        if (f->write_error < 0)
                return 0; /* makes curl end the transfer; an empty call never comes here with an error */
        f->length += length;
        return length;
}

static bool header_line_is_valid(const char *line) {
        size_t name = strcspn(line, ":");
        if (name == 0 || line[name] != ':')
                return false;
        for (const char *c = line; *c; c++)
                if ((unsigned char) *c < ' ' && *c != '\t')
                        return false;
        return strcspn(line, " \t") >= name;
}

static int headers_make(const FetchSpec *spec, struct curl_slist **ret_list) {
        /* Of curl's own: no wait for a 100, and no form type for a body whose type nobody gave. */
        static const char *const unwanted[] = { "Expect:", "Content-Type:" };
        struct curl_slist *list = NULL, *longer;
        bool typed = false;
        for (size_t i = 0; spec->headers && spec->headers[i]; i++) {
                longer = header_line_is_valid(spec->headers[i]) ? curl_slist_append(list, spec->headers[i]) : NULL;
                if (!longer) {
                        curl_slist_free_all(list);
                        return -EINVAL;
                }
                list = longer;
                typed = typed || strncasecmp(spec->headers[i], "Content-Type:", 13) == 0;
        }
        for (size_t i = 0; i < (typed ? 1 : ELEMENTS(unwanted)); i++) {
                longer = curl_slist_append(list, unwanted[i]);
                if (!longer) {
                        curl_slist_free_all(list);
                        return -ENOMEM;
                }
                list = longer;
        }
        *ret_list = list;
        return 0;
}

/* Whom we talk of in sentences; refuses what is no http(s) URL. */
static int target_make(const FetchSpec *spec, char **ret_target) {
        char *scheme = NULL, *host = NULL;
        int r = -EINVAL;
        CURLU *url = curl_url();
        if (!url)
                return -ENOMEM;
        if (curl_url_set(url, CURLUPART_URL, spec->url, 0) == CURLUE_OK && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
            (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) && curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
                *ret_target = strdup(spec->unix_socket ? spec->unix_socket : host);
                r = *ret_target ? 0 : -ENOMEM;
        }
        curl_free(scheme);
        curl_free(host);
        curl_url_cleanup(url);
        return r;
}

#define SET(option, value) failed |= curl_easy_setopt(f->easy, option, value)

static bool set_request(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        const char *method = spec->method ? spec->method : "GET";
        SET(CURLOPT_URL, spec->url);
        SET(CURLOPT_HTTPHEADER, f->headers);
        if (spec->unix_socket) {
                SET(CURLOPT_UNIX_SOCKET_PATH, spec->unix_socket);
                SET(CURLOPT_PROXY, "");
                SET(CURLOPT_FORBID_REUSE, 1L);
        }
        if (strcmp(method, "HEAD") == 0) {
                SET(CURLOPT_NOBODY, 1L);
        } else if (spec->body || strcmp(method, "POST") == 0) {
                SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) (spec->body ? spec->body_length : 0)); /* before the copy, which needs it */
                SET(CURLOPT_COPYPOSTFIELDS, spec->body ? spec->body : "");
                SET(CURLOPT_CUSTOMREQUEST, method);
        } else if (strcmp(method, "GET") != 0) {
                SET(CURLOPT_CUSTOMREQUEST, method);
        }
        return failed == CURLE_OK;
}

/* A time of 0 would mean "none" to curl, so round up. */
static long to_ms(uint64_t us) {
        return (long) ((us + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
}

static bool set_limits(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        uint64_t timeout = spec->timeout_us > 0 ? spec->timeout_us : DEFAULT_TIMEOUT_US;
        SET(CURLOPT_TIMEOUT_MS, to_ms(timeout));
        SET(CURLOPT_CONNECTTIMEOUT_MS, to_ms(timeout < CONNECT_US ? timeout : CONNECT_US));
        if (spec->stall_us > 0) {
                SET(CURLOPT_LOW_SPEED_LIMIT, 1024L);
                SET(CURLOPT_LOW_SPEED_TIME, (long) ((spec->stall_us + USEC_PER_SEC - 1) / USEC_PER_SEC));
        }
        SET(CURLOPT_NOSIGNAL, 1L);
        /* Dropping a transfer must not wait for its name to be resolved, which takes seconds: the resolver's thread then tidies up itself.
         */
        SET(CURLOPT_QUICK_EXIT, 1L);
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_FOLLOWLOCATION, spec->redirects > 0 ? 1L : 0L);
        SET(CURLOPT_MAXREDIRS, (long) spec->redirects);
        SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
        SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) f->max_bytes); /* says no before the first byte when the length is given */
        if (f->to_fd < 0)
                SET(CURLOPT_ACCEPT_ENCODING, "gzip"); /* what goes to a file is wanted bit by bit as it is */
        if (spec->ca)
                SET(CURLOPT_CAINFO, spec->ca);
        return failed == CURLE_OK;
}

static bool set_callbacks(Fetch *f) {
        CURLcode failed = CURLE_OK;
        SET(CURLOPT_USERAGENT, "nanoscale/" NANOSCALE_VERSION);
        SET(CURLOPT_PRIVATE, f);
        SET(CURLOPT_ERRORBUFFER, f->curl_error);
        SET(CURLOPT_WRITEFUNCTION, write_body);
        SET(CURLOPT_WRITEDATA, f);
        return failed == CURLE_OK;
}

int fetch_start(FetchPool *p, const FetchSpec *spec, FetchDone done, void *owner, Fetch **ret_fetch) {
        Fetch *f = calloc(1, sizeof *f);
        if (!f)
                return -ENOMEM;
        f->pool = p;
        f->to_fd = spec->to_fd > 0 ? spec->to_fd : -1;
        f->max_bytes = spec->max_bytes > 0 ? spec->max_bytes : DEFAULT_MAX_BYTES;
        f->done = done;
        f->owner = owner;
        f->body = calloc(1, 1);
        f->size = 1;

        int r = f->body ? target_make(spec, &f->target) : -ENOMEM;
        if (r >= 0)
                r = headers_make(spec, &f->headers);
        if (r >= 0)
                r = multi_open(p);
        if (r >= 0) {
                f->easy = curl_easy_init();
                if (!f->easy || !set_callbacks(f) || !set_request(f, spec) || !set_limits(f, spec))
                        r = -ENOMEM;
                else if (curl_multi_add_handle(p->multi, f->easy) != CURLM_OK)
                        r = -ENOMEM;
        }
        if (r < 0) {
                if (f->easy)
                        curl_easy_cleanup(f->easy);
                f->easy = NULL;
                (void) fetch_drop(f);
                if (p->n_active == 0)
                        (void) timer_rearm(p->idle, IDLE_US);
                return r;
        }
        p->n_active++;
        timer_stop(p->idle);
        *ret_fetch = f;
        return 0;
}

Fetch *fetch_drop(Fetch *f) {
        if (!f)
                return NULL;
        detach(f);
        curl_slist_free_all(f->headers);
        free(f->target);
        free(f->body);
        free(f);
        return NULL;
}
