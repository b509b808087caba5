/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "event/fetch_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What curl says, as errno and for people; %s is the target. Others: -EIO and curl's own sentence. */
static const struct {
        CURLcode code;
        int error;
        const char *sentence;
        bool plain; /* curl's own words add nothing */
} failures[] = {
        { CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, "the name of %s could not be resolved" },
        { CURLE_COULDNT_CONNECT, -ECONNREFUSED, "no connection to %s" },
        { CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "%s did not answer in time", true },
        { CURLE_URL_MALFORMAT, -EPROTO, "%s redirects to what is no address" },
        { CURLE_TOO_MANY_REDIRECTS, -ELOOP, "%s redirects too often", true },
        { CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "%s answers or redirects in a way that is not allowed" },
        { CURLE_GOT_NOTHING, -EPROTO, "%s closed the connection without an answer" },
        { CURLE_PARTIAL_FILE, -EPROTO, "%s closed the connection before the end of its answer" },
        { CURLE_RECV_ERROR, -ECONNRESET, "%s closed the connection before the end of its answer" },
        { CURLE_SEND_ERROR, -ECONNRESET, "%s closed the connection" },
        { CURLE_ABORTED_BY_CALLBACK, -ECONNRESET, "%s closed the connection that was kept, and the request is not sent twice", true },
        { CURLE_WEIRD_SERVER_REPLY, -EPROTO, "%s does not answer in HTTP" },
        { CURLE_HTTP2, -EPROTO, "%s does not answer in proper HTTP/2" },
        { CURLE_HTTP2_STREAM, -EPROTO, "%s does not answer in proper HTTP/2" },
        { CURLE_BAD_CONTENT_ENCODING, -EPROTO, "%s sent an answer that cannot be decoded" },
        { CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED, "the certificate of %s is not valid here" },
        { CURLE_SSL_PINNEDPUBKEYNOTMATCH, -EKEYREJECTED, "the key of %s has changed: it is not the one that is known here", true },
        { CURLE_SSL_CONNECT_ERROR, -EKEYREJECTED, "no TLS connection to %s" },
        { CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, "the CA bundle for %s cannot be read" },
        { CURLE_FILESIZE_EXCEEDED, -EFBIG, "the answer of %s is too large", true },
        { CURLE_OUT_OF_MEMORY, -ENOMEM, "not enough memory for the answer of %s", true },
};

/* A callback of ours made curl stop. */
static int explain_refusal(const Fetch *f, char *sentence, size_t size) {
        if (f->write_error == -EFBIG)
                (void) snprintf(sentence, size, "the answer of %s is too large", f->target);
        else if (f->write_error == -EPROTO)
                (void) snprintf(sentence, size, "%s does not answer in HTTP/2", f->target);
        else
                (void) snprintf(sentence, size, "the answer of %s could not be stored: %s", f->target, strerrordesc_np(-f->write_error));
        return f->write_error;
}

int fetch_explain(const Fetch *f, CURLcode code, char *sentence, size_t size) {
        int error = -EIO;
        const char *format = NULL, *detail = f->curl_error[0] != '\0' ? f->curl_error : curl_easy_strerror(code);
        bool plain = false;
        if (f->write_error < 0)
                return explain_refusal(f, sentence, size);
        for (size_t i = 0; i < ELEMENTS(failures); i++)
                if (failures[i].code == code) {
                        error = failures[i].error;
                        format = failures[i].sentence;
                        plain = failures[i].plain;
                }
        if (code == CURLE_OPERATION_TIMEDOUT && f->headed)
                format = "%s has fallen silent";
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
        (void) snprintf(sentence, size, plain ? "%s" : "%s (%s)", start, detail);
        return error;
}
