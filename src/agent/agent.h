/* agent.h - how signals are taken: requests in, durable raw signals out, then the answer.
 *
 * An agent is a path, /hooks/NAME, that requests are sent to; its driver proves who sent a request
 * and reads signals from it. A driver is pure: it sees one request, has no state and does no I/O.
 * Sockets, limits, deadlines, the group commit and the answers are in run.c and its helpers, once.
 * To add one: its file, its option struct in config/agents.h, one line in registry.c. */
#ifndef WEIR_AGENT_AGENT_H
#define WEIR_AGENT_AGENT_H

#include "bus/bus.h"
#include "bus/progress.h"
#include "config/config.h"
#include "signal/signal.h"
#include "wire/json.h"

struct section_check;
struct webhook_options;

struct header {
    struct str name, value;
};

/* One request whose framing is sound. All texts live until it is answered. */
struct request {
    struct str agent;    /* its name, as configured                                     */
    const void *options; /* the agent's own, checked                                    */
    const struct header *header;
    size_t headers_n;
    struct str token_query; /* ?access_token=, decoded; empty: none                        */
    struct str query;       /* as it was sent, `?` and all; empty: none                    */
    int64_t received_us;
    struct str sent;         /* the body as it came; empty in `admit`                       */
    struct str body;         /* inflated; empty in `admit` and `prove`                      */
    struct str_list secrets; /* of all agents: none is ever kept                            */
    size_t events_max;       /* of one batch                                                */
    struct arena *arena;     /* of the request: what is taken lives here                    */
    struct arena *scratch;   /* forgotten when the driver returns                           */
};

/* What a request brought. */
struct taken {
    struct signal *signal; /* when they were received is filled in when they are appended */
    size_t n;              /* 0 only in an empty batch                                 */
    bool is_batch;         /* answered with a list of ids                              */
    bool is_private;       /* the token was in the URL: no shared cache may keep it    */
};

/* Why it was not taken. */
struct refusal {
    unsigned status;    /* of HTTP                                                      */
    const char *reason; /* one word for the counter `refused{agent,reason}`; a literal   */
    struct str detail;  /* for the sender: what, and what to do                          */
};

struct agent_driver {
    const char *accepts;   /* its media types, as an answer 415 tells them in Accept           */
    const char *challenge; /* WWW-Authenticate of an answer 401                                */

    /* By the headers alone, before the body is read; NULL: all are admitted. */
    bool (*admit)(const struct request *q, struct refusal *why);

    /* By what was sent, before it is inflated: a coding is part of what a sender signs, and who has
     * not signed gets nothing inflated. NULL: `admit` has said all. */
    bool (*prove)(const struct request *q, struct refusal *why);

    /* Read the signals of whoever was admitted and proved. */
    bool (*take)(const struct request *q, struct taken *out, struct refusal *why);

    /* The origin may send (CloudEvents webhook 1.0.2, section 4); NULL: no handshake. */
    bool (*consents)(const struct request *q, struct str origin);
};

extern const struct agent_driver agent_github, agent_cdevents, agent_webhook;
extern const struct option github_options[], cdevents_options[], webhook_options[];
/* What webhook_options cannot say (section_type.complete). */
void webhook_complete(const struct section_check *c, struct webhook_options *options);

/* Fill *why with a sentence in the arena; always false, so that a driver can return it. */
bool refuse(struct arena *a, struct refusal *why, struct refusal is, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* json_read or json_check_unique said no: the sender's fault (400), or memory is short (503, which
 * asks for the same again). `where` begins the detail. Always false. */
bool refuse_json(const struct request *q, struct refusal *why, struct str where,
                 const struct failure *f);

/* Whether the Content-Type names no other charset than JSON may be in; else a 415. */
bool request_is_utf8(const struct request *q, struct refusal *why);

/* The body of a sender who was believed. JSON that the transform cannot read (nested too deep, half
 * a surrogate pair, a number beyond a double) is taken like any other, and becomes a dead letter
 * there: nobody would send it again for a 400. false: refused, it is no JSON at all. */
bool request_json(const struct request *q, struct str text, yyjson_val **out, struct refusal *why);

/* The value of a header by its name of any case; empty (at == NULL) when it is not there. */
struct str request_header(const struct request *q, struct str name);
/* Of a name from the list that stands in two header lines: what it is to whom depends on which they
 * read. NULL: none does; the list ends with NULL. */
const char *request_doubled(const struct request *q, const char *const *names);
/* The headers as one JSON object, names in lower case, in order, repeated ones joined by ", ", and
 * without whatever could hold a secret (agent/secret.h). */
struct str request_headers_json(const struct request *q, struct arena *a);

/* What one intake process works with. */
struct intake {
    const struct config *config;
    struct bus *bus;
    const int *listen_fd; /* shared with other processes, left open */
    size_t listen_n;
    size_t index; /* appends to lane raw/intake-<index>   */
    struct progress *progress;
};

/* Let this process, and those that it forks, have as many descriptors as there may be connections.
 * returns OK | STOP the machine's limit is lower */
enum outcome agent_raise_descriptors(const struct config *config, struct failure *f);

/* Take requests until the process is asked to stop (base/asked.h): then no more connections are
 * accepted, requests in flight are finished (at most config->stop_ms), and idle connections are
 * closed. Nothing is answered 2xx before bus_append_end said OK.
 *   returns OK stopped | RETRY no memory or descriptor to begin with | STOP the set-up is wrong
 *   (certificate, limits, bus) */
enum outcome agent_run(const struct intake *in, struct failure *f);

#endif
