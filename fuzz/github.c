/* github.c - any bytes as the body of any GitHub event: the mapping ends in one of the four ways,
 * says the same twice, and what it gives can be read back.
 *
 * The first byte chooses the event. */
#include "base/buf.h"
#include "config/agents.h"
#include "fuzz.h"
#include "transform/transform.h"

#include <stdlib.h>

enum { MEMORY_BYTES_MAX = 256 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct transform_out map(struct arena *a, struct str type, struct str body)
{
    static struct str all[] = {STR("**")};
    static struct str labels[] = {STR("incident"), STR("sev*")};
    static struct str rollbacks[] = {STR("deployment.payload.kind=rollback")};
    static const struct github_options options = {.refs = GITHUB_REFS_CREATE};
    const struct config config = {
        .rules = {.statuses = {all, 1},
                  .rollbacks = {rollbacks, 1},
                  .tests = {.checks = {all, 1}, .environment = S("ci")},
                  .incidents = {.labels = {labels, 2},
                                .service = S("service:"),
                                .cause = S("caused-by:"),
                                .within_ms = 3600000}},
    };
    const struct signal raw = {
        .id = S("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        .source = S("/agents/github"),
        .type = type,
        .agent = S("github"),
        .time_us = TIME_NONE,
        .received_us = INT64_C(1775001600000000),
        .data = body,
    };
    const struct transform_in in = {&raw, S("intake-0:4096"), &config, a, &options, NULL};
    struct transform_out out = {.arena = a};
    transformer_github.run(&in, &out);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str types[] = {
        STR("github.pull_request"),
        STR("github.pull_request_review"),
        STR("github.push"),
        STR("github.issues"),
        STR("github.deployment_status"),
        STR("github.deployment"),
        STR("github.workflow_run"),
        STR("github.workflow_job"),
        STR("github.release"),
        STR("github.create"),
        STR("github.star"),
        STR("other"),
        STR("github.check_run"),
        STR("github.check_suite"),
        STR("github.status"),
        STR("github.package"),
        STR("github.registry_package"),
        STR("github.repository"),
        STR("github.dependabot_alert"),
        STR("github.code_scanning_alert"),
        STR("github.secret_scanning_alert"),
        STR("github.issue_comment"),
        STR("github.pull_request_review_comment"),
        STR("github.pull_request_review_thread"),
        STR("github.delete"),
    };
    if (size == 0) {
        return 0;
    }
    const struct str type = types[data[0] % (sizeof types / sizeof *types)];
    const struct str body = {(const char *)data + 1, size - 1};
    struct arena a;
    arena_init(&a, MEMORY_BYTES_MAX);
    const struct transform_out out = map(&a, type, body);
    const struct transform_out again = map(&a, type, body);
    must(out.fate == again.fate && out.facts_n == again.facts_n);
    must((out.fate == FATE_STORED) == (out.facts_n > 0));
    must(out.fate != FATE_DEAD || out.why.text[0] != '\0');
    must((out.fate != FATE_UNMAPPED && out.fate != FATE_IGNORED) || out.name.len > 0);
    for (size_t i = 0; i < out.facts_n; i++) {
        struct row row;
        struct failure f;
        must(str_eq(out.fact[i].id, again.fact[i].id));
        must(fact_read(&a, out.fact + i, &row, &f) == OK);
    }
    arena_close(&a);
    return 0;
}
