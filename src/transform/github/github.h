/* github.h - GitHub's deliveries: which give what. A mapping is one file; the language of their
 * paths is mapping.h's. */
#ifndef WEIR_TRANSFORM_GITHUB_GITHUB_H
#define WEIR_TRANSFORM_GITHUB_GITHUB_H

#include "transform/mapping/mapping.h"

/* One row of the mapping table. */
struct github_row {
    const char *row;                  /* its name in the mapping table and of its golden folder   */
    const char *action;               /* words; NULL: the event has no actions                    */
    bool (*when)(struct delivery *d); /* further condition, or NULL                               */
    const char *gives;   /* "change.merged", "cdeventsx.github-push.received"; a last `*` is the
                            action's letters; NULL: no CDEvent */
    const char *subject; /* template; NULL: the event's                              */
    const char *time;    /* path of context.timestamp                                */
    const char *extra;   /* template of the key that tells apart facts of one time   */
    const struct pick *content; /* subject.content                                          */
    const struct pick *custom;  /* customData.github, beside what all have                  */
    bool (*facts)(struct delivery *d); /* of the other models; false: the signal is dead */
};

/* A mapping. */
struct github_event {
    const char *name;              /* X-GitHub-Event; several mappings may take the same       */
    const char *subject;           /* subject.id of its CDEvents: path or template             */
    const struct github_row *rows; /* ends with {0}; NULL: ignored, and counted                */
    const char *action_if_absent;  /* GHES leaves the action of some events out                */
};

/* ---- variable.c ---- */

/* Read repository.html_url into source, host, repository, name. false: dead. */
bool delivery_repository(struct delivery *d);
/* The text of `$name`. false: dead. */
bool github_variable(struct delivery *d, struct str name, struct str *out);
/* Whether the environment is production: configuration, else the payload's word, else its name. */
bool delivery_is_production(const struct delivery *d, bool *is_told);

/* ---- purl.c ---- */

/* pkg:github/owner/repo@version, and where it is when that is not github.com. */
struct str purl_of_repository(const struct delivery *d, struct str version);
/* Of the package that a package event shows, by its package_type. false: dead. */
bool purl_of_package(struct delivery *d, struct str *out);

/* ---- event.c ---- */

/* The row's CDEvent as a fact of model `event`. false: dead. */
bool event_add(struct delivery *d, const struct github_row *row, struct str subject);

/* ---- the mappings ---- */

/* Adding a mapping: its file, and a line here. */
/* clang-format off */
#define GITHUB_EVENTS(X) \
    X(check_run) \
    X(check_suite) \
    X(code_scanning_alert) \
    X(create) \
    X(delete) \
    X(dependabot_alert) \
    X(deployment) \
    X(deployment_status) \
    X(issue_comment) \
    X(issues) \
    X(incident) \
    X(merge_group) \
    X(package) \
    X(ping) \
    X(pull_request) \
    X(pull_request_review) \
    X(pull_request_review_comment) \
    X(pull_request_review_thread) \
    X(push) \
    X(registry_package) \
    X(release) \
    X(repository) \
    X(secret_scanning_alert) \
    X(status) \
    X(workflow_job) \
    X(workflow_run)
/* clang-format on */

#define DECLARE(event) extern const struct github_event github_##event;
GITHUB_EVENTS(DECLARE)
#undef DECLARE

/* ---- what mappings share ---- */

/* What every form of a pull request shows of a change (pull_request.c). */
bool change_of_pull_request(struct delivery *d, struct fact *out);
/* The issue is a pull request (issues.c). */
bool issue_is_change(struct delivery *d);
/* The agent's option `refs`: create and delete tell of new and deleted refs, push does not
 * (refs.c). */
bool refs_are_told_by_create(const struct delivery *d);

#endif
