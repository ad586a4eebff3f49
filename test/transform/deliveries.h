/* deliveries.h - GitHub webhooks to test with: weir's own recorded ones, and GitHub's examples (npm
 * @octokit/webhooks-examples, which tools/setup brings): read where they are, never copied. */
#ifndef WEIR_TEST_TRANSFORM_DELIVERIES_H
#define WEIR_TEST_TRANSFORM_DELIVERIES_H

#include "base/arena.h"
#include "transform/transform.h"

struct example {
    struct str product, event; /* api.github.com, pull_request    */
    struct str type;           /* github.pull_request             */
    size_t index;              /* among the event's examples      */
    struct str body;           /* compact JSON                    */
};

struct examples {
    struct example *at;
    size_t n;
};

/* All of them, products in order of their names, or n == 0 when they are not there. */
struct examples examples_read(struct arena *a);

/* A recorded delivery of weir's own: test/golden/github/NAME. */
struct recorded {
    struct str event, id, body;
    const struct config *config; /* of its config.yaml, or NULL */
};
/* All empty when a file is missing. */
struct recorded recorded_read(struct arena *a, const char *name);
/* The names of a folder's entries, sorted. */
struct str_list names_in(struct arena *a, const char *folder);

/* A configuration from its text; fails the test when it is wrong. */
struct config *config_of(struct arena *a, struct str text);

/* What becomes of one delivery that the agent `github` took; `config` NULL: defaults alone. */
struct transform_out deliver(struct arena *a, const struct config *config, struct str event,
                             struct str id, struct str body);

/* What becomes of one CDEvent that the agent `builds` took; likewise. */
struct transform_out take_event(struct arena *a, const struct config *config, struct str event);

#endif
