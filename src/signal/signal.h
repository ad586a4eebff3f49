/* signal.h - what travels: one CloudEvent (CloudEvents 1.0.2 names), from the intake to every
 * reader.
 *
 * A signal is a view: its texts live as long as the bytes that they were read from. Empty text
 * means absent. The identity of a raw signal is (agent, source, id). */
#ifndef WEIR_SIGNAL_SIGNAL_H
#define WEIR_SIGNAL_SIGNAL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/failure.h"

struct signal {
    struct str id, source, type; /* required by CloudEvents */
    struct str subject;
    struct str datacontenttype;
    struct str partitionkey; /* extension: repository, source or collector, else the id */
    int64_t time_us;     /* the occurrence; TIME_NONE when unknown                               */
    struct str agent;    /* extension: who took it                                               */
    int64_t received_us; /* extension: when weir took it                                         */
    struct str headers;  /* raw HTTP: JSON object, lower-case names, secrets cut out             */
    struct str stage;    /* dead: where it failed; retry: the one stage that it is for, or ""    */
    struct str reason,
        pointer;         /* dead: why, and the JSON Pointer (RFC 6901) of the field at fault     */
    struct str retry_of; /* retry and drop: `stream/lane:position` of the dead letter            */
    struct str first;    /* retry: `lane:position` of the raw signal that the letter is of       */
    struct str data;     /* the payload as it came; a fact: a flat JSON object (fact.h)          */
};

/* Append the signal's bytes: a version byte, then tag, length, bytes for each member that is there;
 * data last. */
void signal_write(struct buf *b, const struct signal *s);

/* The same signal with all its texts in the arena. */
struct signal signal_copy(struct arena *a, const struct signal *s);

/* The signal in `bytes`, which must outlive it. Members with unknown tags are passed over (written
 * by a newer weir). returns OK | REJECT not a signal of a version that this weir knows */
enum outcome signal_read(struct str bytes, struct signal *out, struct failure *f);

#endif
