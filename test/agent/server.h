/* server.h - an intake in a child process, and a client that speaks HTTP byte by byte.
 *
 * The child runs agent_run over the memory bus; what a test turns in `control` it sees at once.
 * After server_stop the signals that it made durable can be read. */
#ifndef WEIR_TEST_AGENT_SERVER_H
#define WEIR_TEST_AGENT_SERVER_H

#include <stdatomic.h>
#include <sys/types.h>

#include "agent/agent.h"
#include "config/agents.h"

#define SECRET "It's a Secret to Everybody"
#define TOKEN "open sesame"
enum { LISTEN_MAX = 3 };

/* How the bus behaves, shared with the child. */
struct control {
    _Atomic int outcome, cause; /* of append: OK, or what it fails with */
    _Atomic bool is_held;       /* appends wait until it is false       */
    _Atomic bool is_end_held;   /* the same of their second half        */
    _Atomic unsigned appends;
    _Atomic uint64_t refused; /* by the intake, all reasons; filled at the end */
    _Atomic unsigned block;   /* from the next append on, the nth block of memory is refused */
};

struct server {
    struct arena arena;
    struct config config;
    struct control *control;
    struct str address[LISTEN_MAX]; /* to listen at; one free port of 127.0.0.1 by default */
    size_t addresses_n;
    int port;
    pid_t pid;
    int report;                    /* what the child writes at its end */
    size_t record_bytes_max;       /* of the bus; 0: its own        */
    const struct config_bus *disk; /* an embedded bus there; NULL: in memory */
    struct signal *signal;         /* after server_stop             */
    size_t signals_n;
    struct str counters; /* after server_stop: `name=value` lines */
    char dir[32];        /* of the page that it shows itself on   */
};

/* Defaults in place, nothing runs: a test may change config and address now. Agents: `github`
 * (SECRET, and an older secret), `builds` (cdevents with TOKEN), `open` (cdevents, no token). */
void server_init(struct server *s);
void server_start(struct server *s);
/* What the intake shows of itself now. */
enum duty_state server_state(struct server *s);
int64_t server_receiving_us(struct server *s);
/* SIGTERM, wait, collect. Returns the child's exit status (0: agent_run said OK). */
int server_stop(struct server *s);
/* The same for a child that may be dead by itself: nothing is collected. */
int server_end(struct server *s);
/* Free what is left. */
void server_close(struct server *s);
/* A test's fixture: a server of its own, after server_init. */
int server_set_up(void **state);
int server_tear_down(void **state);
/* The value of a counter at the end, 0 when it is not there. */
uint64_t server_counter(const struct server *s, const char *name);
/* The line `key` of /proc/PID/`name` as a number, 0 when it is not there. */
uint64_t server_proc(struct server *s, const char *name, const char *key);
void nap(int ms);

struct answer {
    int status; /* 0: the connection ended without one */
    struct str head, body;
};

int dial(const struct server *s);
void send_text(int fd, struct str text);
/* One answer: head, and a body of its Content-Length. */
struct answer read_answer(struct arena *a, int fd);
struct str answer_header(struct answer answer, const char *name);
/* True when the server closes within `wait_ms`. */
bool is_closed(int fd, int wait_ms);

/* Connect, send, read one answer, close. */
struct answer ask(struct server *s, struct str request);
/* A whole POST: extra headers each with CRLF. */
struct str post(struct arena *a, const char *path, const char *headers, struct str body);
/* The same as GitHub signs it. */
struct str github_post(struct arena *a, const char *event, const char *delivery, struct str body);
/* The text compressed, for a body. */
struct str gzip(struct server *s, struct str plain);

/* A CDEvent of specversion 0.5.1 with this id. */
struct str cdevent(struct arena *a, const char *id);
/* The body of a batch of `n` CloudEvents that hold one each; ids: the prefix and 0, 1, ... */
struct str cdevents_batch(struct arena *a, const char *id_prefix, size_t n);

void assert_str(struct str is, const char *wanted);
/* RFC 9457, with the promised members; the answer says what its status line says, and `word`. */
void assert_problem(struct server *s, struct answer answer, int status, const char *word);
void assert_refused(struct server *s, struct str request, int status, const char *word);
struct str text_of(struct server *s, const char *request);
/* Nothing that was refused may have been appended. */
void stop_with(struct server *s, size_t signals);

#endif
