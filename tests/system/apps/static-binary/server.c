/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A server that nothing can be preloaded into, as Go's are: built with `gcc -static`. Answers every request with its port. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* True once the whole head is there. No request has a body here. */
static int read_head(int fd) {
        char head[65536];
        size_t length = 0;
        while (length < sizeof head - 1) {
                ssize_t n = read(fd, head + length, sizeof head - 1 - length);
                if (n <= 0)
                        return 0;
                length += (size_t) n;
                head[length] = '\0';
                if (strstr(head, "\r\n\r\n"))
                        return 1;
        }
        return 0;
}

int main(void) {
        const char *text = getenv("PORT");
        int port = text ? atoi(text) : 0, yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
        if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
            bind(listener, (struct sockaddr *) &address, sizeof address) < 0 || listen(listener, 16) < 0) {
                perror("listen");
                return 1;
        }
        for (;;) {
                int fd = accept(listener, NULL, NULL);
                if (fd < 0)
                        continue;
                if (read_head(fd)) {
                        char body[64], answer[256];
                        int length = snprintf(body, sizeof body, "static on %d", port);
                        length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
                                          length, body);
                        (void) !write(fd, answer, (size_t) length);
                }
                (void) close(fd);
        }
}
