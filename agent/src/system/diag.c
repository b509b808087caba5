/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "system/diag.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/cleanup.h"

/* The kernel makes each part of a dump as large as the buffer it is read into, up to this; so there are few parts. */
enum { PART_SIZE = 32768 };

/* NLA_HDRLEN and NLA_ALIGN() of the kernel's header are signed. */
static const size_t attribute_head = sizeof(struct nlattr), attribute_align = NLA_ALIGNTO;

static int send_request(int fd, const void *request, size_t size) {
        struct nlmsghdr header = { .nlmsg_len = (uint32_t) (NLMSG_HDRLEN + size),
                                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                                   .nlmsg_seq = 1 };
        union {
                const void *is;
                void *any;
        } body = { .is = request }; /* struct iovec has no const */
        struct iovec parts[] = { { &header, NLMSG_HDRLEN }, { body.any, size } };
        struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        struct msghdr message = { .msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = parts, .msg_iovlen = ELEMENTS(parts) };

        return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The length of one more part, or negative errno. */
static ssize_t receive_part(int fd, void *buffer) {
        struct iovec part = { buffer, PART_SIZE };
        struct sockaddr_nl from = { 0 };
        struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t n;

        do
                n = recvmsg(fd, &message, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0 || from.nl_pid != 0)
                return -EPROTO;
        return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

/* NLMSG_ERROR and NLMSG_DONE both carry a number. */
static int result_of(const struct nlmsghdr *header, const void *body) {
        int error = 0;

        if (header->nlmsg_len >= NLMSG_HDRLEN + sizeof(error))
                memcpy(&error, body, sizeof(error));
        return error < 0 ? error : header->nlmsg_type == NLMSG_ERROR ? -EPROTO : 0;
}

/* 1 when there is more to come. */
static int read_part(const char *part, size_t length, size_t size_least, int (*each)(void *owner, const void *body, size_t size),
                     void *owner) {
        while (length >= NLMSG_HDRLEN) {
                struct nlmsghdr header;
                size_t step;
                int r = 0;

                memcpy(&header, part, sizeof(header));
                if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > length)
                        return -EPROTO;
                if (header.nlmsg_flags & NLM_F_DUMP_INTR)
                        return -EINTR;
                if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR)
                        return result_of(&header, part + NLMSG_HDRLEN);
                if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && header.nlmsg_len >= NLMSG_HDRLEN + size_least)
                        r = each(owner, part + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
                if (r < 0)
                        return r;
                step = NLMSG_ALIGN((size_t) header.nlmsg_len);
                if (step >= length)
                        break;
                part += step;
                length -= step;
        }
        return 1;
}

int diag_dump(const void *request, size_t size, size_t size_least, int (*each)(void *owner, const void *body, size_t size), void *owner) {
        auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        /* The answer is there at once: this is for a kernel that forgets it. */
        struct timeval patience = { .tv_sec = 1 };
        char part[PART_SIZE];
        int r;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
                return -errno;
        r = send_request(fd, request, size);
        if (r < 0)
                return r;
        do {
                ssize_t n = receive_part(fd, part);

                r = n < 0 ? (int) n : read_part(part, (size_t) n, size_least, each, owner);
        } while (r == 1);
        return r;
}

const void *diag_attribute(const void *body, size_t size, size_t skip, uint16_t type, size_t *ret_size) {
        const char *at = (const char *) body + skip;
        size_t left = size < skip ? 0 : size - skip;

        while (left >= attribute_head) {
                struct nlattr attribute;
                size_t step;

                memcpy(&attribute, at, sizeof(attribute));
                if (attribute.nla_len < attribute_head || attribute.nla_len > left)
                        return NULL;
                if ((attribute.nla_type & NLA_TYPE_MASK) == type) {
                        *ret_size = attribute.nla_len - attribute_head;
                        return at + attribute_head;
                }
                step = (attribute.nla_len + attribute_align - 1) / attribute_align * attribute_align;
                if (step >= left)
                        break;
                at += step;
                left -= step;
        }
        return NULL;
}

uint32_t diag_number(const void *body, size_t size, size_t skip, uint16_t type) {
        size_t length = 0;
        const void *at = diag_attribute(body, size, skip, type, &length);
        uint32_t number = 0;

        if (at && length >= sizeof(number))
                memcpy(&number, at, sizeof(number));
        return number;
}
