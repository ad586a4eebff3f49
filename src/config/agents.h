/* agents.h - what each kind of agent is told by the configuration.
 *
 * The tables that fill these structs stand with the agents that take the signals (agent/); the
 * transform reads here what it needs of them. */
#ifndef WEIR_CONFIG_AGENTS_H
#define WEIR_CONFIG_AGENTS_H

#include "config/option.h"

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

#endif
