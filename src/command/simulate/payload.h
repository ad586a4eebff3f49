/* payload.h - GitHub's objects as JSON, written to the simulation's body. */
#ifndef WEIR_COMMAND_SIMULATE_PAYLOAD_H
#define WEIR_COMMAND_SIMULATE_PAYLOAD_H

#include "command/simulate/github.h"

/* Begin a payload `{"action":…,`; action NULL: without one. */
void payload_begin(struct simulation *s, const char *action);
/* A commit is so much older than its push. */
#define COMMITTED_BEFORE_US MINUTE_US

/* End it with repository, organisation and sender, and deliver it. */
void payload_end(struct simulation *s, const char *event, const struct repository *r,
                 const struct person *sender);
/* Members beside the object: what the action was about. */
void payload_change_action(struct simulation *s, const struct change *c, const char *action);
void payload_issue_action(struct simulation *s, const struct issue *i, const char *action);
void payload_change(struct simulation *s, const struct change *c, bool is_short);
void payload_review(struct simulation *s, const struct change *c, const struct person *by,
                    const char *state);
void payload_push(struct simulation *s, const struct repository *r, const char *ref,
                  const struct push *p);
void payload_run(struct simulation *s, const struct run *r);
void payload_job(struct simulation *s, const struct run *r, size_t i, const char *status);
void payload_deployment(struct simulation *s, const struct deployment *d);
void payload_deployment_status(struct simulation *s, const struct deployment *d, const char *state);
void payload_release(struct simulation *s, const struct repository *r, const char *tag,
                     const struct person *by);
void payload_issue(struct simulation *s, const struct issue *i);

/* ---- pieces: every member ends with a comma; put_end takes the last one back ---- */

void put_end(struct buf *b, char bracket);
void put_text(struct buf *b, const char *key, const char *text); /* NULL: null */
void put_number(struct buf *b, const char *key, int64_t number);
void put_bool(struct buf *b, const char *key, bool is);
void put_time(struct buf *b, const char *key, int64_t time_us);
void put_person(struct buf *b, const char *key, const struct person *p); /* NULL: null */
/* An element of an array of people, of labels. */
void put_account(struct buf *b, const struct person *p);
void put_label(struct buf *b, const struct repository *r, const char *name);
void put_repository(struct buf *b, const char *key, const struct repository *r, bool is_push);

#endif
