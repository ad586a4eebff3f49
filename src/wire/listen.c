#include "wire/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel cuts it at net.core.somaxconn (4096 since Linux 5.4) */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

static enum outcome bad_address(struct str text, struct failure *f)
{
    return failed(f, STOP,
                  "listen: \"%.*s\" is no address; write 127.0.0.1:8080, [::1]:8080 or unix:PATH",
                  STR_ARG(text));
}

static enum outcome read_local(struct str path, union address *out, socklen_t *len,
                               struct failure *f)
{
    if (path.len == 0 || path.len >= sizeof out->local.sun_path) {
        return failed(f, STOP, "listen: unix:%.*s: a socket's path has 1 to %zu bytes",
                      STR_ARG(path), sizeof out->local.sun_path - 1);
    }
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path.at, path.len);
    *len = sizeof out->local;
    return OK;
}

static enum outcome read_address(struct str text, union address *out, socklen_t *len,
                                 struct failure *f)
{
    *out = (union address){0};
    if (str_starts(text, S("unix:"))) {
        return read_local(str_sub(text, 5, text.len), out, len, f);
    }
    size_t colon = text.len;
    while (colon > 0 && text.at[colon - 1] != ':') {
        colon--;
    }
    uint64_t port = 0;
    char host[INET6_ADDRSTRLEN] = "";
    const bool is_v6 = text.len > 0 && text.at[0] == '[';
    const size_t edge = is_v6 ? 1 : 0;
    if (colon < 2 + 2 * edge || !str_to_u64(str_sub(text, colon, text.len), &port) ||
        port > UINT16_MAX || colon - 1 - 2 * edge >= sizeof host ||
        (is_v6 && text.at[colon - 2] != ']')) {
        return bad_address(text, f);
    }
    memcpy(host, text.at + edge, colon - 1 - 2 * edge);
    if (is_v6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        *len = sizeof out->v6;
        return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1 ? OK : bad_address(text, f);
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons((uint16_t)port);
    *len = sizeof out->v4;
    return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1 ? OK : bad_address(text, f);
}

enum outcome listen_check(struct str address, struct failure *f)
{
    union address at;
    socklen_t len = 0;
    return read_address(address, &at, &len, f);
}

/* Remove a socket file that nobody listens at; anything else stays and makes bind fail. */
static void remove_stale(const union address *at, socklen_t len)
{
    struct stat is;
    if (at->any.sa_family != AF_UNIX || lstat(at->local.sun_path, &is) != 0 ||
        !S_ISSOCK(is.st_mode)) {
        return;
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        if (connect(fd, &at->any, len) != 0 && errno == ECONNREFUSED) {
            (void)unlink(at->local.sun_path);
        }
        (void)close(fd);
    }
}

static const char *advice(int error)
{
    return error == EADDRINUSE      ? "; stop what listens there, or choose another port"
           : error == EACCES        ? "; ports below 1024 and foreign folders need more rights"
           : error == EADDRNOTAVAIL ? "; this machine has no such address"
                                    : "";
}

enum outcome listen_open(struct str address, int *out_fd, struct failure *f)
{
    union address at;
    socklen_t len = 0;
    const enum outcome read = read_address(address, &at, &len, f);
    if (read != OK) {
        return read;
    }
    const int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return failed_errno(f, STOP, "listen at %.*s", STR_ARG(address));
    }
    const int yes = 1;
    remove_stale(&at, len);
    if (at.any.sa_family != AF_UNIX &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0) {
        goto failed;
    }
    /* [::]:8080 beside 0.0.0.0:8080 must work: each says what it means. */
    if (at.any.sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) {
        goto failed;
    }
    if (bind(fd, &at.any, len) != 0) {
        goto failed;
    }
    /* who connects has to write: a proxy in the group of weir's user may, the others may not */
    if ((at.any.sa_family == AF_UNIX && chmod(at.local.sun_path, 0660) != 0) ||
        listen(fd, BACKLOG) != 0) {
        goto failed;
    }
    *out_fd = fd;
    return OK;
failed: {
    const int error = errno;
    (void)close(fd);
    return failed(f, STOP, "listen at %.*s: %s%s", STR_ARG(address), strerror(error),
                  advice(error));
}
}

void listen_close(int fd)
{
    union address at = {0};
    socklen_t len = sizeof at;
    if (getsockname(fd, &at.any, &len) == 0 && at.any.sa_family == AF_UNIX &&
        at.local.sun_path[0]) {
        (void)unlink(at.local.sun_path);
    }
    (void)close(fd); /* nothing is written to it: nothing can be lost */
}

struct str listen_text(struct arena *a, int fd)
{
    union address at = {0};
    socklen_t len = sizeof at;
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(fd, &at.any, &len) != 0) {
        return arena_printf(a, "(no socket)");
    }
    if (at.any.sa_family == AF_UNIX) {
        return arena_printf(a, "unix:%.*s", (int)sizeof at.local.sun_path, at.local.sun_path);
    }
    if (at.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof host);
        return arena_printf(a, "[%s]:%u", host, (unsigned)ntohs(at.v6.sin6_port));
    }
    (void)inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof host);
    return arena_printf(a, "%s:%u", host, (unsigned)ntohs(at.v4.sin_port));
}
