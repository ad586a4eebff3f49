#include "wire/control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

struct str control_address(struct arena *a, struct str data)
{
    return arena_printf(a, "unix:%.*s/run/control.sock", STR_ARG(data));
}

bool control_read_line(int fd, struct arena *a, int timeout_ms, struct str *out)
{
    const int64_t until_us = clock_mono_us() + timeout_ms * 1000LL;
    struct buf line;
    buf_init(&line, a, CONTROL_LINE_BYTES_MAX);
    for (;;) {
        char bytes[4096];
        const int64_t left_ms = (until_us - clock_mono_us()) / 1000;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0) {
            return false;
        }
        const ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0) {
            return false;
        }
        buf_add(&line, (struct str){bytes, (size_t)n});
        const struct str all = buf_str(&line);
        const size_t end = str_find(all, '\n');
        if (buf_is_over(&line)) {
            return false;
        }
        if (end < all.len) {
            *out = str_sub(all, 0, end);
            return true;
        }
    }
}

enum outcome control_ask(struct arena *a, struct str data, struct str line, int timeout_ms,
                         struct str *out, struct failure *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const struct str address = control_address(a, data);
    const struct str path = str_sub(address, 5, address.len); /* behind "unix:" */
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return failed_errno(f, RETRY, "make a socket");
    }
    enum outcome result = OK;
    if (path.len >= sizeof to.sun_path) {
        result = failed(f, STOP, "%.*s: the path is too long for a socket", STR_ARG(path));
    } else {
        memcpy(to.sun_path, path.at, path.len);
        if (connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
            result = failed_errno(f, RETRY, "weir does not run on %.*s; start it", STR_ARG(data));
        }
    }
    if (result == OK) {
        result = file_write(fd, line, f);
    }
    if (result == OK && !control_read_line(fd, a, timeout_ms, out)) {
        result = failed(f, RETRY, "weir gave no answer; its log may say why");
    }
    close(fd);
    return result;
}
