/* child.h - the process that a program runs in, and what is said to it.
 *
 * Parent and child talk over one stream socket, in the machine's own byte order: a question is its
 * two lengths, context, body; an answer is its kind, its length, its bytes. The first answer comes
 * by itself: whether the program could be compiled. */
#ifndef WEIR_WIRE_JQ_CHILD_H
#define WEIR_WIRE_JQ_CHILD_H

#include <stdint.h>

#include "wire/jq/jq.h"

struct jq_question {
    uint32_t context_bytes, body_bytes;
};
enum jq_kind { JQ_GAVE, JQ_FAILED }; /* a JSON array; pointer, zero byte, message */
struct jq_reply {
    uint32_t kind, bytes;
};

enum { JQ_MESSAGE_BYTES_MAX = 1000 };

/* Be the child at the end `fd` of the socket; never returns. */
void jq_child(int fd, const struct mapping *mapping) __attribute__((noreturn));

#endif
