/* pages.c - one libmicrohttpd daemon a socket, driven by the poll of its owner. */
#include "wire/pages.h"

#include <assert.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/http.h"

enum {
    CONNECTIONS_MAX = 64,
    CONNECTIONS_KEPT = 48,   /* with more, one must go; the rest is for those that are going */
    CONNECTION_SECONDS = 15, /* Prometheus scrapes every 15 s or so and comes anew */
};
#define PAGE_ARENA_FACTOR 16

/* A connection. */
struct guest {
    struct guests *all;
    int fd; /* -1: a free place */
    bool has_asked, is_going;
    uint64_t turn; /* when it came or asked last: a number that grows */
};

/* Who is connected to one daemon. */
struct guests {
    struct guest at[CONNECTIONS_MAX];
    size_t staying;
    uint64_t turn;
};

struct pages {
    struct pages_options options;
    struct guests *guests; /* as many as daemons */
    struct MHD_Daemon *daemon[PAGES_LISTEN_MAX];
    size_t daemons_n;
};

/* ---- who may stay ---- */

/* Those who have asked nothing go first, then those who have not asked for the longest time:
 * whoever holds connections keeps nobody from being answered. */
static void let_one_go(struct guests *all)
{
    struct guest *least = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct guest *const g = &all->at[i];
        const bool is_staying = g->fd >= 0 && !g->is_going;
        if (is_staying && (!least || g->has_asked < least->has_asked ||
                           (g->has_asked == least->has_asked && g->turn < least->turn))) {
            least = g;
        }
    }
    if (least) {
        (void)shutdown(least->fd, SHUT_RDWR); /* the daemon sees its end, and tells notify */
        least->is_going = true;
        all->staying--;
    }
}

static void notify(void *to, struct MHD_Connection *c, void **place,
                   enum MHD_ConnectionNotificationCode code)
{
    struct guests *const all = to;
    struct guest *g = *place;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (g) {
            all->staying -= !g->is_going;
            g->fd = -1;
        }
        return;
    }
    const union MHD_ConnectionInfo *const info = MHD_get_connection_info(
        c, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (size_t i = 0; i < CONNECTIONS_MAX && !g; i++) {
        g = all->at[i].fd < 0 ? &all->at[i] : NULL;
    }
    if (!g) {
        return; /* more than the daemon's limit: never */
    }
    if (all->staying >= CONNECTIONS_KEPT) {
        let_one_go(all);
    }
    *g = (struct guest){.all = all, .fd = info->connect_fd, .turn = all->turn++};
    all->staying++;
    *place = g;
}

static void note_request(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *const info = MHD_get_connection_info(
        c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct guest *const g = info ? info->socket_context : NULL;
    if (g) {
        g->has_asked = true;
        g->turn = g->all->turn++;
    }
}

/* ---- pages ---- */

static enum MHD_Result send_page(struct MHD_Connection *c, const struct page *page)
{
    struct http_answer http = {
        .status = page->status, .content_type = page->type, .body = buf_str(&page->body)};
    http.field[0] = (struct http_field){"Cache-Control", "no-store"};
    if (page->status == 405) {
        http.field[1] = (struct http_field){"Allow", "GET, HEAD"};
    }
    return http_send(c, &http);
}

void page_problem(struct page *to, struct arena *a, unsigned status, const char *detail)
{
    to->status = status;
    to->type = http_problem_type;
    buf_add(&to->body, http_problem(a, status, str_of(detail)));
}

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's */
static enum MHD_Result handle(void *to, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{ /* tidy: eight parameters, as MHD_AccessHandlerCallback has them */
    static int is_begun;
    const struct pages *const p = to;
    (void)version;
    (void)upload;
    if (!*state) {
        *state = &is_begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* nobody asked for a body */
        return MHD_YES;
    }
    struct arena a;
    struct page page = {.status = 500};
    note_request(c);
    arena_init(&a, PAGE_ARENA_FACTOR * p->options.page_bytes_max);
    buf_init(&page.body, &a, p->options.page_bytes_max);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        page_problem(&page, &a, 405, "GET or HEAD");
    } else {
        const char *const accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Accept");
        const struct page_request r = {str_of(url), str_of(accept)};
        p->options.answer(p->options.to, &r, &a, &page);
    }
    const enum MHD_Result result = send_page(c, &page);
    arena_close(&a);
    return result;
}

static void discard_log(void *to, const char *format, va_list args)
{
    (void)to; /* who hangs up is no event */
    (void)format;
    (void)args;
}

enum outcome pages_open(struct arena *a, const struct pages_options *options, struct pages **out,
                        struct failure *f)
{
    struct pages *const p = arena_new(a, struct pages);
    assert(options->listen_n <= PAGES_LISTEN_MAX);
    p->options = *options;
    p->guests = arena_array(a, struct guests, options->listen_n);
    *out = p;
    for (size_t i = 0; i < options->listen_n; i++) {
        for (size_t k = 0; k < CONNECTIONS_MAX; k++) {
            p->guests[i].at[k].fd = -1;
        }
        p->daemon[i] = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, &handle, p, MHD_OPTION_LISTEN_SOCKET,
            dup(options->listen_fd[i]), MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_SECONDS, MHD_OPTION_EXTERNAL_LOGGER,
            &discard_log, NULL, MHD_OPTION_NOTIFY_CONNECTION, &notify, &p->guests[i],
            MHD_OPTION_END);
        if (!p->daemon[i]) {
            return failed_errno(f, STOP, "serve an address");
        }
        p->daemons_n++;
    }
    return OK;
}

/* A time-out is due only while a connection is open. */
size_t pages_poll(const struct pages *p, struct pollfd *fds, int *wait_ms)
{
    for (size_t i = 0; i < p->daemons_n; i++) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        const union MHD_DaemonInfo *const info = MHD_get_daemon_info(p->daemon[i],
                                                                     MHD_DAEMON_INFO_EPOLL_FD);
        const union MHD_DaemonInfo *const open = MHD_get_daemon_info(
            p->daemon[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        fds[i] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
        if (open->num_connections > 0 && MHD_get_timeout(p->daemon[i], &ms) == MHD_YES) {
            const int due_ms = ms > INT32_MAX ? INT32_MAX : (int)ms;
            *wait_ms = *wait_ms < 0 || due_ms < *wait_ms ? due_ms : *wait_ms;
        }
    }
    return p->daemons_n;
}

void pages_run(struct pages *p)
{
    for (size_t i = 0; i < p->daemons_n; i++) {
        (void)MHD_run(p->daemon[i]);
    }
}

void pages_close(struct pages *p)
{
    for (size_t i = 0; p && i < p->daemons_n; i++) {
        MHD_stop_daemon(p->daemon[i]); /* and close its own copy of the socket */
    }
}
