#include "persist/sink/scraped.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "persist/sink/board.h"
#include "wire/pages.h"

enum { ANSWER_MS = 10 * 1000, PAGE_BYTES_MAX = 256 << 20 };
#define LINES_BYTES_MAX ((size_t)1 << 30)

/* ---- the child ---- */

struct child {
    int fd; /* to the sink: a length, that many bytes; answered with one byte */
    struct arena arena[2];
    int in; /* which of them holds the lines */
    struct str lines;
};

static void add_fresh(const struct child *c, struct buf *to)
{
    const int64_t now_us = clock_now_us();
    struct str head = S(""), rest = c->lines;
    while (rest.len > 0) {
        struct board_line line;
        memcpy(&line, rest.at, sizeof line);
        rest = str_sub(rest, sizeof line, rest.len);
        if (line.head_bytes > 0) {
            head = str_sub(rest, 0, line.head_bytes);
        }
        if (line.until_us > now_us) {
            buf_add(to, head);
            buf_add(to, str_sub(rest, line.head_bytes, line.line_bytes));
            head = S("");
        }
        rest = str_sub(rest, (size_t)line.head_bytes + line.line_bytes, rest.len);
    }
}

static void answer(void *to, const struct page_request *r, struct arena *a, struct page *page)
{
    if (!str_eq(r->path, S("/metrics"))) {
        page_problem(page, a, 404, "here is /metrics");
        return;
    }
    page->status = 200;
    page->type = "text/plain; version=0.0.4; charset=utf-8";
    add_fresh(to, &page->body);
    if (buf_is_over(&page->body)) { /* never half of them */
        buf_reset(&page->body);
        page_problem(page, a, 500, "the series are larger than one answer may be");
    }
}

static bool read_whole(int fd, void *to, size_t n)
{
    char *at = to;
    while (n > 0) {
        const ssize_t got = read(fd, at, n);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            return false;
        }
        at += got > 0 ? got : 0;
        n -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* false: the sink has gone. */
static bool take_lines(struct child *c)
{
    uint64_t n = 0;
    const int other = 1 - c->in;
    if (!read_whole(c->fd, &n, sizeof n)) {
        return false;
    }
    char *const at = arena_alloc(&c->arena[other], (size_t)n, 1);
    if (!read_whole(c->fd, at, (size_t)n)) {
        return false;
    }
    c->lines = (struct str){at, (size_t)n};
    arena_reset(&c->arena[c->in]);
    c->in = other;
    return write(c->fd, "", 1) == 1;
}

static void serve(struct child *c, struct pages *pages)
{
    for (;;) {
        struct pollfd fds[PAGES_LISTEN_MAX + 1];
        int wait_ms = -1;
        const size_t n = pages_poll(pages, fds, &wait_ms);
        fds[n] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        (void)poll(fds, n + 1, wait_ms);
        if (fds[n].revents != 0 && !take_lines(c)) {
            return;
        }
        pages_run(pages);
    }
}

/* Nothing of the sink's but these two; a stop is told by the end of the socket. */
static void shed(int *fd, int *listen_fd)
{
    enum { FD = 3, LISTEN_FD = 4, HIGH = 100 };
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE};
    const int null = open("/dev/null", O_RDWR);
    const int one = fcntl(*fd, F_DUPFD, HIGH), other = fcntl(*listen_fd, F_DUPFD, HIGH);
    for (int i = 0; i < FD && null >= 0; i++) {
        (void)dup2(null, i);
    }
    *fd = dup2(one, FD);
    *listen_fd = dup2(other, LISTEN_FD);
    (void)close_range(LISTEN_FD + 1, ~0U, 0);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
    (void)prctl(PR_SET_NAME, "weir-scraped");
}

static void be_child(int fd, int listen_fd) __attribute__((noreturn));
static void be_child(int fd, int listen_fd)
{
    struct child c = {.fd = fd};
    struct arena a;
    struct failure f;
    struct pages *pages = NULL;
    shed(&c.fd, &listen_fd);
    arena_init(&a, 1 << 20);
    arena_init(&c.arena[0], LINES_BYTES_MAX);
    arena_init(&c.arena[1], LINES_BYTES_MAX);
    const struct pages_options options = {.listen_fd = &listen_fd,
                                          .listen_n = 1,
                                          .page_bytes_max = PAGE_BYTES_MAX,
                                          .answer = answer,
                                          .to = &c};
    if (pages_open(&a, &options, &pages, &f) == OK) {
        serve(&c, pages);
    }
    pages_close(pages);
    _exit(EXIT_SUCCESS);
}

/* ---- the sink's side ---- */

void scraped_stop(struct scraped *s)
{
    if (s->pid == 0) {
        return;
    }
    (void)close(s->fd);
    (void)kill(s->pid, SIGKILL); /* a child not yet waited for: the pid is its own */
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    s->pid = 0;
}

static enum outcome start(struct scraped *s, struct failure *f)
{
    int end[2];
    const struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0) {
        return failed_errno(f, RETRY, "start the process that is scraped");
    }
    (void)setsockopt(end[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(end[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        be_child(end[1], s->listen_fd);
    }
    (void)close(end[1]);
    if (pid < 0) {
        (void)failed_errno(f, RETRY, "start the process that is scraped");
        (void)close(end[0]);
        return RETRY;
    }
    s->pid = pid;
    s->fd = end[0];
    return OK;
}

static bool send_whole(int fd, struct str bytes)
{
    while (bytes.len > 0) {
        const ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.len);
    }
    return true;
}

static bool hand_over(const struct scraped *s, struct str lines)
{
    const uint64_t n = lines.len;
    char taken = 0;
    return send_whole(s->fd, (struct str){(const char *)&n, sizeof n}) &&
           send_whole(s->fd, lines) && read_whole(s->fd, &taken, 1);
}

enum outcome scraped_show(struct scraped *s, struct str lines, struct failure *f)
{
    if (s->pid > 0 && hand_over(s, lines)) {
        return OK;
    }
    scraped_stop(s); /* it has ended, or hangs */
    const enum outcome result = start(s, f);
    if (result != OK || hand_over(s, lines)) {
        return result;
    }
    scraped_stop(s);
    return failed(f, RETRY, "the process that is scraped gives no answer");
}
