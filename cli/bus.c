/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the system bus. It never asks what it can know without asking: one authentication, Hello and the call together. */
#include "cli/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/text.h"

#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

void bus_close(struct bus *bus) {
        if (bus->fd >= 0)
                close(bus->fd);
        for (unsigned i = 0; i < bus->n_fds; i++)
                close(bus->fds[i]);
        free(bus->bytes);
        *bus = (struct bus){ .fd = -1 };
}

static int hex(char c) {
        return c >= '0' && c <= '9' ? c - '0'
             : c >= 'a' && c <= 'f' ? c - 'a' + 10
             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                    : -1;
}

/* The value of @key in one address ("unix:KEY=VALUE,KEY=VALUE", %XX for a byte); its length, or -1. */
static int address_value(const char *address, size_t n, const char *key, char *ret, size_t size) {
        const char *p = address + strlen("unix:"), *end = address + n;
        size_t len = 0;

        while (p < end && (strncmp(p, key, strlen(key)) || p[strlen(key)] != '=')) {
                p = memchr(p, ',', (size_t)(end - p));
                if (!p++)
                        return -1;
        }
        if (p >= end)
                return -1;
        for (p += strlen(key) + 1; p < end && *p != ','; p++) {
                int c = (unsigned char)*p;

                if (c == '%') {
                        if (end - p < 3 || hex(p[1]) < 0 || hex(p[2]) < 0)
                                return -1;
                        c = hex(p[1]) << 4 | hex(p[2]);
                        p += 2;
                }
                if (len == size)
                        return -1;
                ret[len++] = (char)c;
        }
        return (int)len;
}

static int connect_one(const char *address, size_t n) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int len, fd;

        if (strncmp(address, "unix:", strlen("unix:")))
                return -EPROTONOSUPPORT;
        len = address_value(address, n, "path", name.sun_path, sizeof(name.sun_path) - 1);
        if (len < 0) /* its name begins with a NUL, as a path ends with one: both are one longer */
                len = address_value(address, n, "abstract", name.sun_path + 1,
                                    sizeof(name.sun_path) - 2);
        if (len < 0)
                return -EPROTONOSUPPORT;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&name,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        return fd;
}

/* The first of the addresses that answers, as the specification says. */
static int connect_any(const char *addresses) {
        int r = -EPROTONOSUPPORT;

        while (*addresses) {
                size_t n = strcspn(addresses, ";");

                r = connect_one(addresses, n);
                if (r >= 0)
                        return r;
                addresses += n + (addresses[n] == ';');
        }
        return r;
}

static int send_bytes(int fd, const void *bytes, size_t n) {
        for (const char *p = bytes; n;) {
                ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

                if (k < 0 && errno != EINTR)
                        return -errno;
                p += k > 0 ? k : 0;
                n -= k > 0 ? (size_t)k : 0;
        }
        return 0;
}

/* Says everything at once and reads the three answers; the bus is never ahead of us, so nothing follows them. */
static int authenticate(int fd) {
        char say[128], uid[16], heard[512];
        size_t n, got = 0;

        n = 1 + (size_t)snprintf(say, sizeof(say), "%cAUTH EXTERNAL ", 0) - 1;
        snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
        for (const char *p = uid; *p; p++)
                n += (size_t)snprintf(say + n, sizeof(say) - n, "%02x", (unsigned char)*p);
        n += (size_t)snprintf(say + n, sizeof(say) - n, "\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n");
        if (send_bytes(fd, say, n) < 0)
                return -errno;
        for (;;) {
                ssize_t k = recv(fd, heard + got, sizeof(heard) - 1 - got, 0);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0 || got + (size_t)k == sizeof(heard) - 1)
                        return k < 0 ? -errno : -EACCES;
                got += (size_t)k;
                heard[got] = 0;
                if (!strncmp(heard, "REJECTED", 8) || strstr(heard, "\nERROR"))
                        return -EACCES;
                if (!strncmp(heard, "OK ", 3) && strstr(heard, "\nAGREE_UNIX_FD\r\n"))
                        return 0;
        }
}

static int hello(struct bus *bus) {
        struct call call = {
                .destination = "org.freedesktop.DBus",
                .path = "/org/freedesktop/DBus",
                .interface = "org.freedesktop.DBus",
                .member = "Hello",
        };

        return bus_send(bus, &call, NULL);
}

int bus_open(struct bus *bus) {
        const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        *bus = (struct bus){ .fd = -1 };
        if (!address || !*address)
                address = SYSTEM_BUS;
        r = connect_any(address);
        if (r >= 0) {
                bus->fd = r;
                r = authenticate(bus->fd);
        }
        if (r >= 0)
                r = hello(bus);
        if (r < 0)
                complain("bus", "cannot be reached at %s: %s; a running system bus is needed",
                         address, strerror(-r));
        return r < 0 ? r : 0;
}

/* The descriptors travel with the first byte; what does not fit at once follows without them. */
static int send_message(int fd, struct iovec *iov, const int *fds, unsigned n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
        } control;
        struct msghdr m = { .msg_iov = iov, .msg_iovlen = iov[1].iov_len ? 2 : 1 };
        ssize_t k;

        if (n_fds) {
                memset(&control, 0, sizeof(control));
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        do
                k = sendmsg(fd, &m, MSG_NOSIGNAL);
        while (k < 0 && errno == EINTR);
        for (unsigned i = 0; k >= 0 && i < 2; i++) {
                size_t n = (size_t)k < iov[i].iov_len ? (size_t)k : iov[i].iov_len;
                int r = send_bytes(fd, (char *)iov[i].iov_base + n, iov[i].iov_len - n);

                if (r < 0)
                        return r;
                k -= (ssize_t)n;
        }
        return k < 0 ? -errno : 0;
}

int bus_send(struct bus *bus, struct call *call, const int *fds) {
        struct out header = { 0 };
        struct iovec iov[2];
        int r;

        if (call->body && call->body->len > MESSAGE_MAX / 2)
                return -E2BIG;
        call->serial = ++bus->serial;
        message_header(call, &header);
        iov[0] = (struct iovec){ header.data, header.len };
        iov[1] = (struct iovec){ call->body ? call->body->data : NULL,
                                 call->body ? call->body->len : 0 };
        r = send_message(bus->fd, iov, fds, call->n_fds);
        out_free(&header);
        return r;
}

/* Keeps what came; with more than we have room for, or a control message that was cut, the connection is not to be trusted. */
static int take_fds(struct bus *bus, struct msghdr *m) {
        bool cut = m->msg_flags & MSG_CTRUNC;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < n; i++) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
                        if (bus->n_fds < MESSAGE_FDS_MAX) {
                                bus->fds[bus->n_fds++] = fd;
                        } else {
                                close(fd);
                                cut = true;
                        }
                }
        }
        return cut ? -EBADMSG : 0;
}

static int receive(struct bus *bus, size_t need, bool wait) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
        } control;
        struct iovec iov;
        struct msghdr m = { .msg_iov = &iov,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control) };
        ssize_t k;

        if (bus->size < need) {
                bus->size = need + 4096;
                bus->bytes = must_realloc(bus->bytes, bus->size);
        }
        iov = (struct iovec){ bus->bytes + bus->len, bus->size - bus->len };
        k = recvmsg(bus->fd, &m, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
        if (k < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (!k)
                return -ECONNRESET;
        bus->len += (size_t)k;
        return take_fds(bus, &m) < 0 ? -EBADMSG : 1;
}

static int give_fds(struct bus *bus, struct message *m) {
        if (m->n_fds > bus->n_fds)
                return -EBADMSG;
        memcpy(m->fds, bus->fds, sizeof(int) * m->n_fds);
        bus->n_fds -= m->n_fds;
        memmove(bus->fds, bus->fds + m->n_fds, sizeof(int) * bus->n_fds);
        if (m->type == MESSAGE_REPLY)
                return 1;
        /* Anybody may send us a signal: nobody may fill our table with what comes along. */
        for (; m->n_fds; m->n_fds--)
                close(m->fds[m->n_fds - 1]);
        return 1;
}

int bus_next(struct bus *bus, bool wait, struct message *ret) {
        /* The message before has been read by now. */
        if (bus->used)
                memmove(bus->bytes, bus->bytes + bus->used, bus->len - bus->used);
        bus->len -= bus->used;
        bus->used = 0;
        for (;;) {
                size_t n = bus->len < 16 ? 16 : message_size(bus->bytes);
                int r;

                if (!n)
                        return -EBADMSG;
                if (bus->len >= 16 && bus->len >= n) {
                        bus->used = n;
                        return message_parse(bus->bytes, n, ret) < 0 ? -EBADMSG
                                                                     : give_fds(bus, ret);
                }
                r = receive(bus, n < 8192 ? 8192 : n, wait);
                if (r < 0 || (!r && !wait))
                        return r;
        }
}

/* As bus_next(), with the hook in place of a blocking read. */
static int next_of_call(struct bus *bus, const struct bus_hooks *hooks, struct message *ret) {
        int r;

        if (!hooks || !hooks->wait)
                return bus_next(bus, true, ret);
        while ((r = bus_next(bus, false, ret)) == 0) {
                r = hooks->wait(hooks->data, bus->fd);
                if (r < 0)
                        break;
        }
        return r;
}

int bus_call(struct bus *bus, struct call *call, const int *fds, const struct bus_hooks *hooks,
             struct message *ret) {
        int r = bus_send(bus, call, fds);

        while (r >= 0) {
                r = next_of_call(bus, hooks, ret);
                if (r < 0)
                        break;
                if (ret->type == MESSAGE_ERROR && ret->reply_serial != call->serial)
                        return -EACCES; /* Hello was refused: nothing else can have been */
                if (ret->type == MESSAGE_REPLY || ret->type == MESSAGE_ERROR) {
                        if (ret->reply_serial == call->serial)
                                return 0;
                } else if (hooks && hooks->other) {
                        hooks->other(hooks->data, ret);
                }
        }
        return r;
}
