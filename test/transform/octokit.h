/* octokit.h - GitHub's own example webhooks (npm @octokit/webhooks-examples, which tools/setup
 * brings): read where they are, never copied. */
#ifndef WEIR_TEST_TRANSFORM_OCTOKIT_H
#define WEIR_TEST_TRANSFORM_OCTOKIT_H

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

/* What becomes of one delivery. Without services in the configuration. */
struct transform_out deliver(struct arena *a, struct str event, struct str id, struct str body);

#endif
