/* transform.c - GitHub's example webhooks to facts on one core, beside yyjson parsing the same
 * bytes and doing nothing with them. */
#include <stdio.h>

#include "base/clock.h"
#include "transform/deliveries.h"
#include "wire/json.h"

enum { ROUNDS = 60, MEMORY_BYTES_MAX = 256 << 20 };

/* Best of the rounds: what else the machine does can only slow it down. */
static double per_second(size_t n, int64_t best_us)
{
    return best_us > 0 ? (double)n * 1e6 / (double)best_us : 0;
}

static int64_t parse_all(const struct examples *examples)
{
    const int64_t start = clock_mono_us();
    for (size_t i = 0; i < examples->n; i++) {
        yyjson_doc *const doc = yyjson_read(examples->at[i].body.at, examples->at[i].body.len, 0);
        if (!doc) {
            return 0;
        }
        yyjson_doc_free(doc);
    }
    return clock_mono_us() - start;
}

static int64_t transform_all(struct arena *scratch, struct arena *given,
                             const struct examples *examples, size_t *facts)
{
    static const struct config config = {0};
    const int64_t start = clock_mono_us();
    *facts = 0;
    for (size_t i = 0; i < examples->n; i++) {
        const struct example *const e = examples->at + i;
        const struct signal raw = {
            .id = S("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
            .source = S("/agents/github"),
            .type = e->type,
            .agent = S("github"),
            .partitionkey = S("github.com/acme/shop"),
            .time_us = TIME_NONE,
            .received_us = INT64_C(1775001600000000),
            .data = e->body,
        };
        const struct transform_in in = {&raw, S("intake-0:4096"), &config, scratch, NULL, NULL};
        struct transform_out out = {.arena = given};
        transformer_github.run(&in, &out);
        *facts += out.facts_n;
        arena_reset(scratch);
    }
    arena_reset(given);
    return clock_mono_us() - start;
}

int main(void)
{
    struct arena keep;
    struct arena scratch;
    struct arena given;
    arena_init(&keep, MEMORY_BYTES_MAX);
    arena_init(&scratch, MEMORY_BYTES_MAX);
    arena_init(&given, MEMORY_BYTES_MAX);
    const struct examples examples = examples_read(&keep);
    if (examples.n == 0) {
        fprintf(stderr, "GitHub's example webhooks are not in .deps: run tools/setup test\n");
        return 1;
    }
    int64_t best_us = INT64_MAX;
    int64_t parse_us = INT64_MAX;
    size_t facts = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const int64_t us = transform_all(&scratch, &given, &examples, &facts);
        const int64_t parsed_us = parse_all(&examples);
        best_us = us < best_us ? us : best_us;
        parse_us = parsed_us < parse_us ? parsed_us : parse_us;
    }
    const double rate = per_second(examples.n, best_us);
    const double beside = per_second(examples.n, parse_us);
    printf("{\"name\":\"transform of GitHub's examples, one core\",\"value\":%.0f,"
           "\"unit\":\"payloads/s\",\"beside\":\"yyjson parsing alone\",\"beside_value\":%.0f,"
           "\"ratio\":%.2f}\n",
           rate, beside, rate / beside);
    printf("{\"name\":\"facts of it\",\"value\":%.0f,\"unit\":\"facts/s\"}\n",
           per_second(facts, best_us));
    arena_close(&given);
    arena_close(&scratch);
    arena_close(&keep);
    return 0;
}
