/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "cluster/signed_call.h"

#include "base/cleanup.h"
#include "event/loop.h"
#include "security/signature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int peer_url(const char *host, unsigned port, const char *target, char *ret, size_t size) {
        bool v6 = strchr(host, ':') != NULL;
        int n = snprintf(ret, size, "https://%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", port, target);

        return n < 0 || (size_t) n >= size ? -EINVAL : 0;
}

int signed_call_make(const SignedPeer *peer, const char *method, const char *target, const char *body, size_t length,
                     const char *const *more, SignedCall *call, FetchSpec *spec) {
        const SignedRequest request = {
                .method = method,
                .target = target,
                .server = peer->server_id,
                .timestamp_s = clock_now_ms() / 1000,
                .body = body,
                .body_length = length,
        };
        SignatureHeaders h;
        size_t n = 0;
        int r = peer_url(peer->host, peer->port, target, call->url, sizeof call->url);

        if (r < 0)
                return r;
        signature_make(peer->secret, &request, &h);
        if (!h.binding[0])
                return -EINVAL;
        (void) snprintf(call->lines[0], sizeof call->lines[0], "X-Cluster-Server: %s", peer->server_id);
        (void) snprintf(call->lines[1], sizeof call->lines[1], "X-Cluster-Timestamp: %s", h.timestamp);
        (void) snprintf(call->lines[2], sizeof call->lines[2], "X-Cluster-Nonce: %s", h.nonce);
        (void) snprintf(call->lines[3], sizeof call->lines[3], "X-Cluster-Signature: %s", h.signature);
        (void) snprintf(call->lines[4], sizeof call->lines[4], "X-Cluster-Binding: %s", h.binding);
        for (; n < ELEMENTS(call->lines); n++)
                call->headers[n] = call->lines[n];
        for (; more && *more; more++) {
                if (n == SIGNED_CALL_HEADERS)
                        return -EINVAL;
                call->headers[n++] = *more;
        }
        call->headers[n] = NULL;
        *spec = (FetchSpec){
                .method = method,
                .url = call->url,
                .headers = call->headers,
                .body = body,
                .body_length = length,
                .pinned_key = peer->pin,
                .http2_only = true,
                .once = true, /* a second time, its nonce would be known */
        };
        return 0;
}
