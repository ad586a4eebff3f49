/* door.h - who is connected: connections, their deadlines, their addresses, their memory.
 *
 * A client is one connection with at most one request. It stands in one of two lists, each in the
 * order of its deadlines: idle (between requests: idle_ms from the end of the last one) or busy
 * (from the request line on: request_ms for the whole request, however steadily it drips). Bodies
 * are paid for from one budget before they are read, so that memory has a ceiling: bodies_bytes_max
 * for what is in flight, and a scratch arena for the one request that is being decoded. */
#ifndef WEIR_AGENT_DOOR_H
#define WEIR_AGENT_DOOR_H

#include <microhttpd.h>
#include <sys/socket.h>

#include "agent/agent.h"

enum client_stage {
    CLIENT_IDLE,    /* between requests                                   */
    CLIENT_HEAD,    /* the request line was read                          */
    CLIENT_BODY,    /* the body is being collected                        */
    CLIENT_DRAIN,   /* refused: the body is read and forgotten            */
    CLIENT_WAITING, /* suspended until its group is durable               */
    CLIENT_DECIDED, /* resumed: its answer can be sent                    */
    CLIENT_ANSWERED
};

/* Memory of one request. */
struct pocket {
    struct arena arena;
    struct pocket *next;
};

/* An agent that takes requests, and its counter. */
struct hook {
    const struct named *agent;
    const struct agent_driver *driver;
    _Atomic uint64_t *accepted;
};

struct client {
    struct client *older, *newer; /* its list of deadlines; `newer` also chains free ones */
    struct client_list *list;
    struct door *door;
    struct MHD_Connection *connection;
    int fd;
    int64_t since_us;
    struct address *address;
    bool is_crowd; /* beyond what one address may have: answered 429 */
    const char *closed_why;

    enum client_stage stage; /* what follows belongs to the request */
    const struct hook *hook;
    struct pocket *pocket;
    struct str uri; /* of the head, as in struct request_line */
    struct request request;
    bool is_gzip;
    char *body;
    size_t body_len, body_room, drained_bytes, paid_bytes;
    struct taken taken;
    struct refusal refusal; /* status 0: taken                 */
    struct client *next_waiting;
};

struct client_list {
    struct client *oldest, *newest;
    int64_t span_us; /* from since_us to the deadline */
};

struct door {
    const struct intake *in;
    const struct config_intake *limits;
    struct MHD_Daemon *daemon;
    struct hook *hook;
    size_t hooks_n;
    struct arena scratch; /* of the request being decoded */
    int64_t now_us;       /* monotonic, of this turn */
    struct client_list idle, busy;
    struct client *free, *arriving;
    size_t clients_n;
    struct address *addresses_free, **addresses; /* by hash */
    size_t addresses_room;
    struct pocket *pockets_warm, *pockets_cold; /* warm ones hold a block for the next request */
    size_t pockets_warm_n;
    size_t paid_bytes; /* by all requests in flight */
    struct client *waiting, **waiting_end;
    bool is_draining;
};

/* Everything is allocated here, by the limits. returns OK | STOP limits that contradict each other
 */
enum outcome door_open(struct door *d, const struct intake *in, struct arena *a, struct failure *f);
void door_close(struct door *d);

/* Take connections that wait at a listening socket: all, or as many as there is room for. The
 * daemon tells of each by client_opened. returns OK | RETRY no descriptor or memory for another one
 */
enum outcome door_accept(struct door *d, int listen_fd, struct failure *f);
bool door_is_full(const struct door *d);

/* MHD_OPTION_NOTIFY_CONNECTION */
void door_notify(void *door, struct MHD_Connection *connection, void **client,
                 enum MHD_ConnectionNotificationCode code);

/* Close what is past its deadline; µs until the next deadline, or -1 when there is none. */
int64_t door_expire(struct door *d);
/* While draining: close connections that have been idle for `grace_us` and sent nothing. */
void door_close_idle(struct door *d, int64_t grace_us);

/* The request line came: the deadline of the whole request runs, and it has an arena. */
void client_begin(struct client *c);
/* The request is over: its memory and its share of the budget are free. */
void client_end(struct client *c);
/* Pay for `bytes` more of the budget; false when it does not hold them. */
bool client_pay(struct client *c, size_t bytes);

#endif
