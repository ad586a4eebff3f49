#include "agent/door.h"
#include "wire/http.h"
#include "wire/json.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    POCKETS_KEPT = 256,            /* about as many as a group has */
    POCKET_KEPT_BYTES = 80 * 1024, /* a larger one, of several blocks, is given back at once */
    POCKET_LEAST = 256 * 1024,
    HEADERS_COPIES = 16, /* of the headers: JSON, problems, texts of signals */
    SCRATCH_LEAST = 8 << 20,
    /* the densest text that a body can be: read; read again from a copy where it cannot be used,
       or looked at for keys that stand twice and a CloudEvent's data written from it; and the bytes
       that a signature is made of */
    SCRATCH_FACTOR = JSON_FACTOR + (JSON_FACTOR + 1) + 1,
    POCKET_FACTOR =
        6, /* body and inflated, with what they grow through (3), decoded (1), texts (2) */
    POCKET_EVENT_BYTES = 1024, /* struct signal and its short texts, for each event of a batch */
    BODIES_LEAST = 4, /* largest bodies that must fit: as sent, inflated, as read from it, and
                         what a batch holds beside that */
    PARTING_MAX = 64,
    CROWD_FACTOR = 2, /* connections of one address that are still told why */
    CROWD_EXTRA = 8
};

static void list_leave(struct client *c)
{
    struct client_list *const list = c->list;
    if (!list) {
        return;
    }
    *(c->older ? &c->older->newer : &list->oldest) = c->newer;
    *(c->newer ? &c->newer->older : &list->newest) = c->older;
    c->list = NULL;
}

/* The clock of the list starts now. */
static void list_join(struct client_list *list, struct client *c, int64_t now_us)
{
    list_leave(c);
    c->list = list;
    c->since_us = now_us;
    c->older = list->newest;
    c->newer = NULL;
    *(list->newest ? &list->newest->newer : &list->oldest) = c;
    list->newest = c;
}

enum outcome door_open(struct door *d, const struct intake *in, struct arena *a, struct failure *f)
{
    const struct config_intake *const limits = &in->config->intake;
    const size_t n = (size_t)limits->connections_max;
    if (limits->bodies_bytes_max / BODIES_LEAST < limits->body_bytes_max) {
        return failed(
            f, STOP,
            "intake: bodies_bytes_max is %zu, less than %d times body_bytes_max (%zu), so "
            "the largest bodies would never fit; raise the one or lower the other",
            limits->bodies_bytes_max, BODIES_LEAST, limits->body_bytes_max);
    }
    *d = (struct door){.in = in,
                       .limits = limits,
                       .parting_fd = -1,
                       .now_us = clock_mono_us(),
                       .idle = {.span_us = limits->idle_ms * 1000},
                       .busy = {.span_us = limits->request_ms * 1000}};
    arena_init(&d->scratch, SCRATCH_LEAST + SCRATCH_FACTOR * limits->body_bytes_max);
    d->waiting_end = &d->waiting;
    addresses_init(&d->addresses, a, n);
    struct client *const clients = arena_array(a, struct client, n);
    struct pocket *const pockets = arena_array(a, struct pocket, n);
    const size_t pocket_bytes_max = POCKET_FACTOR * limits->body_bytes_max +
                                    HEADERS_COPIES * limits->headers_bytes_max +
                                    POCKET_EVENT_BYTES * (size_t)limits->batch_events_max +
                                    POCKET_LEAST;
    for (size_t i = 0; i < n; i++) {
        clients[i].newer = d->free;
        d->free = &clients[i];
        arena_init(&pockets[i].arena, pocket_bytes_max);
        pockets[i].next = d->pockets_cold;
        d->pockets_cold = &pockets[i];
    }
    d->parting_fd = epoll_create1(EPOLL_CLOEXEC);
    return d->parting_fd >= 0 ? OK : failed_errno(f, RETRY, "watch connections");
}

void door_close(struct door *d)
{
    for (struct pocket *p = d->pockets_warm; p; p = p->next) {
        arena_close(&p->arena);
    }
    arena_close(&d->scratch);
    if (d->parting_fd >= 0) {
        (void)close(d->parting_fd);
    }
}

bool door_is_full(const struct door *d)
{
    return !d->free;
}

static void count_closed(struct door *d, const char *why)
{
    atomic_fetch_add_explicit(progress_counter(d->in->progress, "closed{reason=%s}", why), 1,
                              memory_order_relaxed);
}

/* ---- connections ---- */

/* A client for a connection that was just accepted, or NULL when its address has too many even to
 * be told. */
static struct client *client_take(struct door *d, int fd, const struct sockaddr *from)
{
    struct client *const c = d->free;
    struct address *const address = addresses_enter(&d->addresses, from);
    const int64_t most = d->limits->connections_per_address_max;
    if (most > 0 && address->n > CROWD_FACTOR * most + CROWD_EXTRA) {
        addresses_leave(&d->addresses, address);
        return NULL;
    }
    d->free = c->newer;
    d->clients_n++;
    *c = (struct client){
        .door = d, .fd = fd, .address = address, .is_crowd = most > 0 && address->n > most};
    return c;
}

static void client_leave(struct client *c)
{
    struct door *const d = c->door;
    list_leave(c);
    addresses_leave(&d->addresses, c->address);
    c->newer = d->free;
    d->free = c;
    d->clients_n--;
}

void door_notify(void *door, struct MHD_Connection *connection, void **client,
                 enum MHD_ConnectionNotificationCode code)
{
    struct door *const d = door;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct client *const c = d->arriving;
        c->connection = connection;
        list_join(&d->idle, c, d->now_us);
        *client = c;
        d->arriving = NULL;
        return;
    }
    struct client *const c = *client;
    if (!c) {
        return;
    }
    if (c->stage != CLIENT_IDLE || c->closed_why) {
        /* Without a reason of ours: the parser refused the head, or the client left in it */
        count_closed(d, c->closed_why ? c->closed_why : "head");
    }
    client_end(c);
    client_leave(c);
    *client = NULL;
}

/* Tell once, at the next turn, that this client has sent its last byte. */
static void watch_parting(const struct client *c, int operation)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT,
                                .data.ptr = (void *)(uintptr_t)c};
    (void)epoll_ctl(c->door->parting_fd, operation, c->fd, &event); /* else its deadline ends it */
}

static enum outcome add_client(struct door *d, int fd, const struct sockaddr *from, socklen_t len)
{
    struct client *const c = client_take(d, fd, from);
    if (!c) {
        (void)close(fd);
        count_closed(d, "address");
        return OK;
    }
    d->arriving = c;
    watch_parting(c, EPOLL_CTL_ADD);
    if (MHD_add_connection(d->daemon, fd, from, len) == MHD_YES) {
        return OK;
    }
    if (d->arriving) { /* the daemon closed it before it told us */
        d->arriving = NULL;
        client_leave(c);
    }
    count_closed(d, "memory");
    return RETRY;
}

enum outcome door_accept(struct door *d, int listen_fd, struct failure *f)
{
    while (d->free) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        const int fd = accept4(listen_fd, (struct sockaddr *)&from, &len,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EAGAIN) {
            return OK;
        }
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            return failed_errno(f, RETRY, "accept a connection (%zu are open)", d->clients_n);
        }
        if (fd < 0 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK)) {
            return failed_errno(f, STOP, "accept a connection");
        }
        if (fd < 0) {
            continue; /* accept(2): errors of the new connection itself are passed over */
        }
        if (add_client(d, fd, (const struct sockaddr *)&from, len) != OK) {
            return failed(f, RETRY, "no memory for one more connection (%zu are open)",
                          d->clients_n);
        }
    }
    return OK;
}

/* ---- deadlines ---- */

/* The daemon sees the end of the connection, and tells door_notify. */
static void client_close(struct client *c, const char *why)
{
    list_leave(c);
    c->closed_why = why;
    (void)shutdown(c->fd, SHUT_RDWR); /* fails when it is gone already */
}

/* Past libmicrohttpd, which takes no answer before the body is whole. Nothing of this request was
 * answered yet, and earlier answers are in the socket's buffer. Under TLS it only closes. */
static void client_tell(const struct client *c, unsigned status, const char *detail)
{
    if (c->door->limits->tls.certificate.len > 0 || !c->pocket) {
        return;
    }
    const struct str text = http_problem_text(&c->pocket->arena, status, str_of(detail));
    (void)send(c->fd, text.at, text.len, MSG_NOSIGNAL | MSG_DONTWAIT); /* as much as fits */
}

void door_answer_head(struct door *d)
{
    for (struct client *c = d->busy.newest; c; c = c->older) {
        if (c->stage == CLIENT_HEAD &&
            MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)) {
            client_tell(c, 400, "Content-Length is no number, or something stands behind it");
            client_close(c, "head");
            return;
        }
    }
}

int64_t door_expire(struct door *d)
{
    struct client_list *const lists[] = {&d->idle, &d->busy};
    int64_t wait_us = -1;
    for (size_t i = 0; i < 2; i++) {
        while (lists[i]->oldest && d->now_us - lists[i]->oldest->since_us >= lists[i]->span_us) {
            struct client *const c = lists[i]->oldest;
            if (c->stage >= CLIENT_HEAD && c->stage <= CLIENT_DRAIN) {
                client_tell(c, 408,
                            "the request was not whole before its deadline: send it faster");
            }
            client_close(c, i == 0 ? "idle" : "deadline");
        }
        const struct client *const next = lists[i]->oldest;
        const int64_t left = next ? next->since_us + lists[i]->span_us - d->now_us : -1;
        wait_us = next && (wait_us < 0 || left < wait_us) ? left : wait_us;
    }
    return wait_us;
}

/* Something is there that was not read yet. */
static bool has_sent(const struct client *c)
{
    char byte = 0;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* A client that ends its side together with its last bytes makes one event of both. libmicrohttpd
 * (0.9.75: recv_param_adapter, MHD_epoll) reads the bytes, takes the short read for a sign that
 * nothing else is there, and waits for an event that has been: the connection would stay, with its
 * share of the budget, until its deadline. It is given a turn to see the end by itself. */
void door_see_parting(struct door *d)
{
    struct epoll_event event[PARTING_MAX];
    const int n = epoll_wait(d->parting_fd, event, PARTING_MAX, 0);
    for (int i = 0; i < n; i++) {
        struct client *const c = event[i].data.ptr;
        const bool is_over = c->is_parting && !has_sent(c);
        c->is_parting = true;
        if (c->stage == CLIENT_IDLE && is_over) {
            (void)shutdown(c->fd, SHUT_RDWR); /* between requests: nothing to be told */
        } else if (c->stage <= CLIENT_DRAIN && is_over) {
            client_close(c, "client");
        } else if (c->stage <= CLIENT_DRAIN) {
            watch_parting(c, EPOLL_CTL_MOD);
        } /* else client_end watches on */
    }
}

void door_close_idle(struct door *d, int64_t grace_us)
{
    for (struct client *c = d->idle.oldest; c && d->now_us - c->since_us >= grace_us;) {
        struct client *const next = c->newer;
        if (!has_sent(c)) {
            client_close(c, "stop");
        }
        c = next;
    }
}

/* ---- requests ---- */

void client_begin(struct client *c)
{
    struct door *const d = c->door;
    struct pocket **const from = d->pockets_warm ? &d->pockets_warm : &d->pockets_cold;
    list_join(&d->busy, c, d->now_us);
    d->pockets_warm_n -= d->pockets_warm != NULL;
    c->pocket = *from; /* there are as many as clients */
    *from = c->pocket->next;
    c->stage = CLIENT_HEAD;
}

void client_forget(struct client *c)
{
    arena_close(&c->pocket->arena);
    c->door->paid_bytes -= c->paid_bytes;
    c->request = (struct request){0};
    c->body = NULL;
    c->body_len = c->body_room = c->paid_bytes = 0;
    c->taken = (struct taken){0};
}

static void pocket_leave(struct client *c)
{
    struct door *const d = c->door;
    struct pocket *const p = c->pocket;
    const bool is_kept = d->pockets_warm_n < POCKETS_KEPT && p->arena.held_bytes > 0 &&
                         p->arena.held_bytes <= POCKET_KEPT_BYTES;
    struct pocket **const to = is_kept ? &d->pockets_warm : &d->pockets_cold;
    if (is_kept) {
        arena_reset(&p->arena);
        d->pockets_warm_n++;
    } else {
        arena_close(&p->arena);
    }
    p->next = *to;
    *to = p;
    c->pocket = NULL;
}

/* It left before it had an answer: nothing was promised. */
static void waiting_leave(struct door *d, const struct client *c)
{
    struct client **at = c->stage == CLIENT_WAITING ? &d->waiting : &d->begun;
    while (*at != c) {
        at = &(*at)->next_waiting;
    }
    *at = c->next_waiting;
    if (c->stage == CLIENT_WAITING && !*at) {
        d->waiting_end = at;
    }
}

void client_end(struct client *c)
{
    if (c->stage == CLIENT_WAITING || c->stage == CLIENT_BEGUN) {
        waiting_leave(c->door, c);
    }
    if (c->pocket) {
        pocket_leave(c);
    }
    c->door->paid_bytes -= c->paid_bytes;
    c->stage = CLIENT_IDLE;
    c->hook = NULL;
    c->request = (struct request){0};
    c->is_gzip = c->is_chunked = false;
    c->body = NULL;
    c->body_len = c->body_room = c->drained_bytes = c->paid_bytes = 0;
    c->taken = (struct taken){0};
    c->refusal = (struct refusal){0};
    c->next_waiting = NULL;
    if (c->list) {
        list_join(&c->door->idle, c, c->door->now_us);
    }
    if (c->is_parting) {
        watch_parting(c, EPOLL_CTL_MOD);
    }
}

bool client_can_pay(const struct client *c, size_t bytes)
{
    return bytes <= c->door->limits->bodies_bytes_max - c->door->paid_bytes;
}

bool client_pay(struct client *c, size_t bytes)
{
    if (!client_can_pay(c, bytes)) {
        return false;
    }
    c->door->paid_bytes += bytes;
    c->paid_bytes += bytes;
    return true;
}
