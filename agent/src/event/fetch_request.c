/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a spec means to curl. */
#include "event/fetch_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define CONNECT_US (10 * USEC_PER_SEC)
#define DEFAULT_TIMEOUT_US (30 * USEC_PER_SEC)
#define DEAD_MS 20000U          /* what the peer's kernel has not acknowledged for so long never arrives */
#define KEPT_AGE_S (24L * 3600) /* curl would not use a connection again that was silent for two minutes */
#define PIN_BYTES 32

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

/* Whom we talk of in sentences; refuses what is no http(s) URL, and http where it must be https. */
static int target_make(const FetchSpec *spec, bool secure, char **ret_target) {
        char *scheme = NULL, *host = NULL;
        int r = -EINVAL;
        CURLU *url = curl_url();
        if (!url)
                return -ENOMEM;
        if (curl_url_set(url, CURLUPART_URL, spec->url, 0) == CURLUE_OK && curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
            (strcmp(scheme, "https") == 0 || (!secure && strcmp(scheme, "http") == 0)) &&
            curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
                *ret_target = strdup(spec->unix_socket ? spec->unix_socket : host);
                r = *ret_target ? 0 : -ENOMEM;
        }
        curl_free(scheme);
        curl_free(host);
        curl_url_cleanup(url);
        return r;
}

/* What excludes each other: see the header. */
static bool spec_is_consistent(const FetchSpec *spec) {
        if (spec->pinned_key &&
            (spec->ca || spec->unix_socket || spec->redirects > 0 || strlen(spec->pinned_key) != (size_t) 2 * PIN_BYTES ||
             strspn(spec->pinned_key, "0123456789abcdef") != (size_t) 2 * PIN_BYTES))
                return false;
        if (spec->once && spec->redirects > 0)
                return false;
        return spec->on_body ? spec->redirects == 0 && spec->to_fd <= 0 : !spec->on_head;
}

int fetch_request_check(Fetch *f, const FetchSpec *spec) {
        int r = spec_is_consistent(spec) ? target_make(spec, spec->pinned_key || spec->http2_only, &f->target) : -EINVAL;
        return r < 0 ? r : headers_make(spec, &f->headers);
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

static void on_clock(void *owner) {
        fetch_finish(owner, CURLE_OPERATION_TIMEDOUT);
}

static bool set_limits(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        uint64_t timeout = spec->timeout_us > 0 ? spec->timeout_us : DEFAULT_TIMEOUT_US;
        uint64_t connect = spec->connect_timeout_us > 0 ? spec->connect_timeout_us : CONNECT_US;
        SET(CURLOPT_CONNECTTIMEOUT_MS, to_ms(timeout < connect ? timeout : connect));
        if (spec->on_body) {
                if (timer_start(f->pool->loop, timeout, on_clock, f, &f->clock) < 0)
                        return false;
        } else {
                SET(CURLOPT_TIMEOUT_MS, to_ms(timeout));
                if (spec->stall_us > 0) {
                        SET(CURLOPT_LOW_SPEED_LIMIT, 1024L);
                        SET(CURLOPT_LOW_SPEED_TIME, (long) ((spec->stall_us + USEC_PER_SEC - 1) / USEC_PER_SEC));
                }
                SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) f->max_bytes); /* says no before the first byte when the length is given */
                if (f->to_fd < 0)
                        SET(CURLOPT_ACCEPT_ENCODING, "gzip"); /* what goes to a file is wanted bit by bit as it is */
        }
        SET(CURLOPT_NOSIGNAL, 1L);
        /* Dropping a transfer must not wait for its name to be resolved, which takes seconds: the resolver's thread then tidies up itself.
         */
        SET(CURLOPT_QUICK_EXIT, 1L);
        SET(CURLOPT_PROTOCOLS_STR, "http,https");
        SET(CURLOPT_FOLLOWLOCATION, spec->redirects > 0 ? 1L : 0L);
        SET(CURLOPT_MAXREDIRS, (long) spec->redirects);
        SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
        if (spec->ca)
                SET(CURLOPT_CAINFO, spec->ca);
        return failed == CURLE_OK;
}

static unsigned nibble(char c) {
        return (unsigned) (c <= '9' ? c - '0' : c - 'a' + 10);
}

/* 64 hex digits as curl wants them. */
static void pin_write(const char *hex, char ret[static sizeof "sha256//" + 44]) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        char *to = stpcpy(ret, "sha256//");
        for (size_t i = 0; i < PIN_BYTES; i += 3) {
                unsigned three = 0;
                for (size_t j = i; j < i + 3; j++)
                        three = three << 8 | (j < PIN_BYTES ? nibble(hex[2 * j]) << 4 | nibble(hex[2 * j + 1]) : 0);
                for (unsigned shift = 24; shift > 0; shift -= 6)
                        *to++ = digits[three >> (shift - 6) & 63];
        }
        to[-1] = '='; /* 32 bytes leave one place empty */
        *to = '\0';
}

static bool set_pin(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        char pin[sizeof "sha256//" + 44];
        if (!spec->pinned_key)
                return true;
        pin_write(spec->pinned_key, pin);
        SET(CURLOPT_PINNEDPUBLICKEY, pin);
        SET(CURLOPT_SSL_VERIFYPEER, 0L); /* the pin is checked all the same, and is who the peer is */
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
        SET(CURLOPT_CAINFO, NULL); /* or each connection would carry a parsed bundle that nobody asks */
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_3);
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each connection shows the key anew */
        SET(CURLOPT_PROTOCOLS_STR, "https");
        SET(CURLOPT_PROXY, "");
        return failed == CURLE_OK;
}

/* A node that loses its power says nothing. curl takes a connection on which calls time out for a good one, so the kernel has to find out:
 * otherwise it goes on sending into it for a quarter of an hour, also when the node is back. */
static int on_socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose) {
        unsigned limit = DEAD_MS;
        (void) userdata;
        (void) purpose;
        (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
        return CURL_SOCKOPT_OK;
}

static bool set_connection(Fetch *f, const FetchSpec *spec) {
        CURLcode failed = CURLE_OK;
        if (spec->http2_only) {
                SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
                SET(CURLOPT_PIPEWAIT, spec->on_body ? 0L : 1L);
                SET(CURLOPT_PROTOCOLS_STR, "https");
        }
        if (spec->on_body) {
                SET(CURLOPT_FRESH_CONNECT, 1L);
                SET(CURLOPT_FORBID_REUSE, 1L);
        }
        if (!f->pool->idle)
                SET(CURLOPT_MAXAGE_CONN, KEPT_AGE_S);
        if (spec->pinned_key || spec->on_body) {
                SET(CURLOPT_TCP_KEEPALIVE, 1L);
                SET(CURLOPT_TCP_KEEPIDLE, 15L);
                SET(CURLOPT_TCP_KEEPINTVL, 5L);
                SET(CURLOPT_SOCKOPTFUNCTION, on_socket_made);
        }
        return failed == CURLE_OK;
}

bool fetch_request_set(Fetch *f, const FetchSpec *spec) {
        return set_request(f, spec) && set_limits(f, spec) && set_pin(f, spec) && set_connection(f, spec);
}
