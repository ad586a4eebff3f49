/* agents.h - what each kind of agent is told by the configuration.
 *
 * The tables that fill these structs stand with the agents that take the signals (agent/); the
 * transform reads here what it needs of them. */
#ifndef WEIR_CONFIG_AGENTS_H
#define WEIR_CONFIG_AGENTS_H

#include "config/option.h"
#include "wire/jq/jq.h"

/* Which GitHub event tells that a branch or tag was made or deleted (both would tell it twice). */
enum github_refs { GITHUB_REFS_PUSH, GITHUB_REFS_CREATE };

struct github_options {
    struct str_list secret; /* any of them may have signed: several while one is rotated */
    int refs;               /* enum github_refs                                          */
};

struct cdevents_options {
    struct str_list token;           /* empty: anybody may send                       */
    struct str_list allowed_origins; /* of the CloudEvents handshake; `*`: everybody  */
};

/* How a sender signs, where it signs. */
struct webhook_timestamp {
    struct str header, prefix; /* header empty: the signature holds no time */
    int64_t tolerance_ms;
};
struct webhook_signature {
    struct str header, prefix;
    int algorithm;    /* enum hash_kind                                    */
    int encoding;     /* 0 hex, 1 base64                                   */
    struct str signs; /* `{body}`, `{timestamp}.{body}`                 */
    struct webhook_timestamp timestamp;
};

struct webhook_options {
    struct str_list secret; /* signs; empty: nothing is signed              */
    struct webhook_signature signature;
    struct str_list token;   /* empty: none is asked for                     */
    struct str token_header; /* that it comes in, besides Authorization      */
    struct str_list id;      /* pointers and headers; empty: bytes and minute */
    struct str event;        /* pointer or header; empty: no names           */
    struct mapping mapping;
};

#endif
