/* proof.h - how a request proves who sent it: by a token, or by a signature over its body.
 *
 * Every secret that is configured is tried and compared in constant time, so that the time tells
 * nothing of any; several stand beside each other while one is being changed. */
#ifndef WEIR_AGENT_PROOF_H
#define WEIR_AGENT_PROOF_H

#include "agent/agent.h"
#include "config/agents.h"

/* `Authorization: Bearer TOKEN`, else `?access_token=TOKEN`; empty when there is none. */
struct str proof_bearer(const struct request *q);
/* The token is one of those known. */
bool proof_is_token(const struct str_list *known, struct str token);

/* A signature in the header of `s`, made with one of its keys, fits what it says is signed, and its
 * time is near enough. Several in one header, or in several of that name: one that fits is enough.
 *   returns  false with *why: 401 no or another signature, or too old; 503 no memory */
bool proof_is_signed(const struct request *q, const struct webhook_signature *s,
                     struct refusal *why);

/* What is signed, part by part: `v0:{timestamp}:{body}`. */
enum proof_kind { PROOF_LITERAL, PROOF_BODY, PROOF_TIMESTAMP, PROOF_URL, PROOF_HEADER };
struct proof_part {
    enum proof_kind kind;
    struct str text; /* the literal, the header's name, or the braces as they are written */
};
/* Cut the first part off *rest, which is not empty; false: braces that stand for nothing. */
bool proof_next_part(struct str *rest, struct proof_part *out);

#endif
