/* pull_request_review: who looked at a change, and the last verdict of each. */
#include "transform/github/github.h"

/* clang-format off */

/* subject.content     <- payload */
static const struct pick content[] = {
    {"repository.id",     "$source"},
    {"repository.source", "$host"},
    {0}};

/* customData.github   <- payload */
static const struct pick reviewed[] = {
    {"state",             "review(review.state)"},
    {"reviewer",          "review.user.login?"},
    {"commit",            "review.commit_id"},
    {0}};
static const struct pick changed[] = {
    {"state",             "review(review.state)"},
    {"reviewer",          "review.user.login?"},
    {0}};

/* clang-format on */

/* The reviewer's name and word, at `at_us`. A comment alone changes no verdict. */
static bool verdict(struct delivery *d, struct fact *fact, struct str state, int64_t at_us)
{
    struct str login;
    if (!delivery_text(d, "review.user.login?", &login)) {
        return false;
    }
    if (login.len == 0) { /* a deleted account */
        return true;
    }
    struct str *const reviewers = arena_array(d->in->arena, struct str, 1);
    reviewers[0] = login;
    fact_set(fact, "reviewers", (struct value){.kind = VALUE_LIST, .list = {reviewers, 1}});
    if (!str_eq(state, S("commented"))) {
        fact_member(fact, "verdicts", login, at_us, state);
    }
    return true;
}

static bool submitted(struct delivery *d)
{
    const int64_t submitted_us = d->at_us;
    struct fact fact;
    struct str state;
    if (!change_of_pull_request(d, &fact) || !delivery_text(d, "review(review.state)", &state)) {
        return false;
    }
    fact_time(&fact, "first_review_at", submitted_us);
    fact_time(&fact, "approved_at", str_eq(state, S("approved")) ? submitted_us : TIME_NONE);
    return verdict(d, &fact, state, submitted_us) && transform_add(d->in, d->out, &fact);
}

/* The pull request's time is the dismissal's: `submitted_at` is still the submission's. In one
 * second with the verdict that it takes back, it comes after it. */
static bool dismissed(struct delivery *d)
{
    struct fact fact;
    return change_of_pull_request(d, &fact) && verdict(d, &fact, S("dismissed"), d->at_us + 1) &&
           transform_add(d->in, d->out, &fact);
}

/* clang-format off */
static const struct github_row pull_request_review_rows[] = {
    {"RV1", "submitted", NULL, "change.reviewed", .time = "review.submitted_at",
        .extra = "review.id", .content = content, .custom = reviewed, .facts = submitted},
    {"RV2", "dismissed", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "{$action},{review.id}", .content = content, .custom = changed,
        .facts = dismissed},
    {"RV3", "edited", NULL, "change.updated", .time = "pull_request.updated_at",
        .extra = "{$action},{review.id}", .content = content, .custom = changed},
    {0}};

const struct github_event github_pull_request_review = {
    .name = "pull_request_review", .subject = "pull_request.url", .rows = pull_request_review_rows};
/* clang-format on */
