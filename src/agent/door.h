/* door.h - who is connected: connections, their deadlines, their addresses, their memory.
 *
 * A client is one connection with at most one request. It stands in one of two lists, each in the
 * order of its deadlines: idle (between requests: idle_ms from the end of the last one) or busy
 * (from the request line on: request_ms for the whole request, however steadily it drips). Bodies
 * are paid for from one budget as they come, and before their memory is taken, so that memory has a
 * ceiling: bodies_bytes_max for what is in flight, and a scratch arena for the one request that is
 * being decoded. Who announces a body and sends none pays nothing and takes nothing. Each
 * connection has its head (headers_bytes_max) and a first block of 64 KiB beside that. */
#ifndef WEIR_AGENT_DOOR_H
#define WEIR_AGENT_DOOR_H

#include <microhttpd.h>
#include <sys/socket.h>

#include "agent/address.h"
#include "agent/agent.h"

enum client_stage {
    CLIENT_IDLE,    /* between requests                                   */
    CLIENT_HEAD,    /* the request line was read                          */
    CLIENT_BODY,    /* the body is being collected                        */
    CLIENT_DRAIN,   /* refused: the body is read and forgotten            */
    CLIENT_WAITING, /* whole: its records go into the next group          */
    CLIENT_BEGUN,   /* its group is on its way to the disk                */
    CLIENT_DECIDED, /* its answer can be sent                             */
    CLIENT_ANSWERED
};

/* Memory of one request. */
struct pocket {
    struct arena arena;
    struct pocket *next;
};

/* An agent that takes requests, and its counter: what became durable, whoever is still there to be
 * told. */
struct hook {
    const struct named *agent;
    const struct agent_driver *driver;
    _Atomic uint64_t *accepted;
    uint64_t begun_n; /* of the group that is on its way to the disk */
};

struct client {
    struct client *older, *newer; /* its list of deadlines; `newer` also chains free ones */
    struct client_list *list;
    struct door *door;
    struct MHD_Connection *connection;
    int fd;
    int64_t since_us;
    struct address *address;
    bool is_crowd;   /* beyond what one address may have: answered 429 */
    bool is_parting; /* it will send no more than what has come        */
    const char *closed_why;

    enum client_stage stage; /* what follows belongs to the request */
    const struct hook *hook;
    struct pocket *pocket;
    struct str uri;   /* of the head, as in struct request_line */
    struct str query; /* of it, as struct request has it        */
    struct request request;
    bool is_gzip, is_chunked;
    char *body;
    size_t body_len, body_room;
    size_t body_bytes_max; /* its length where that was told */
    size_t drained_bytes, paid_bytes;
    struct taken taken;
    struct refusal refusal;      /* status 0: taken                 */
    struct client *next_waiting; /* or of its group */
};

struct client_list {
    struct client *oldest, *newest;
    int64_t span_us; /* from since_us to the deadline */
};

struct door {
    const struct intake *in;
    const struct config_intake *limits;
    struct MHD_Daemon *daemon;
    int parting_fd; /* an epoll set: readable when a client has sent its last byte */
    struct hook *hook;
    size_t hooks_n;
    struct str_list secrets; /* of all agents */
    struct arena scratch;    /* of the request being decoded */
    int64_t now_us;          /* monotonic, of this turn */
    struct client_list idle, busy;
    struct client *free, *arriving;
    size_t clients_n;
    struct addresses addresses;
    struct pocket *pockets_warm, *pockets_cold; /* warm ones hold a block for the next request */
    size_t pockets_warm_n;
    size_t paid_bytes; /* by all requests in flight */
    struct client *waiting, **waiting_end;
    struct client *begun; /* the group that is on its way to the disk */
    bool is_draining;
};

/* Everything is allocated here, by the limits.
 *   returns OK | RETRY no descriptor | STOP limits that contradict each other */
enum outcome door_open(struct door *d, const struct intake *in, struct arena *a, struct failure *f);
void door_close(struct door *d);

/* Take connections that wait at a listening socket: all, or as many as there is room for. The
 * daemon tells of each by client_opened. returns OK | RETRY no descriptor or memory for another one
 */
enum outcome door_accept(struct door *d, int listen_fd, struct failure *f);
bool door_is_full(const struct door *d);

/* Close connections whose clients left in the middle of a request; when parting_fd is readable. */
void door_see_parting(struct door *d);

/* MHD_OPTION_NOTIFY_CONNECTION */
void door_notify(void *door, struct MHD_Connection *connection, void **client,
                 enum MHD_ConnectionNotificationCode code);

/* Close what is past its deadline; µs until the next deadline, or -1 when there is none. */
int64_t door_expire(struct door *d);
/* libmicrohttpd said something: when it refuses a whole head by itself (its Content-Length), answer
 * in its place. 0.9.75 sends the head of its own answer twice (parse_connection_headers). */
void door_answer_head(struct door *d);
/* While draining: close connections that have been idle for `grace_us` and sent nothing. */
void door_close_idle(struct door *d, int64_t grace_us);

/* The request line came: the deadline of the whole request runs, and it has an arena. */
void client_begin(struct client *c);
/* The request is over: its memory and its share of the budget are free. */
void client_end(struct client *c);
/* The request is refused or its answer is on its way: its memory (its refusal's detail with it) and
 * its share are free at once, however long the client takes to send the rest or to read the answer.
 */
void client_forget(struct client *c);
/* Whether the budget holds `bytes` more. */
bool client_can_pay(const struct client *c, size_t bytes);
/* Pay for `bytes` more of the budget; false when it does not hold them. */
bool client_pay(struct client *c, size_t bytes);

#endif
