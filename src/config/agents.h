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
enum webhook_encoding { WEBHOOK_HEX, WEBHOOK_BASE64, WEBHOOK_TEXT };
struct webhook_signature {
    struct str header, prefix, separator;
    int algorithm;     /* enum hash_kind                                              */
    int encoding;      /* enum webhook_encoding                                       */
    struct str signs;  /* `{body}`, `{header:X-Id}.{timestamp}.{body}`, `{url}`       */
    struct str url;    /* `{url}` without its query                                   */
    struct str digest; /* where the body's SHA-256 is that is signed in place of it   */
    struct webhook_timestamp timestamp;
    struct str secret_prefix; /* of the secrets as they are written                    */
    int secret_encoding;      /* enum webhook_encoding                                 */
    struct str_list key;      /* the secrets as bytes: webhook_complete makes them     */
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
