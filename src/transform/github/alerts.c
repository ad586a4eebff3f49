/* dependabot_alert, code_scanning_alert, secret_scanning_alert: weir's own events, named after the
 * action. A secret itself is never kept: only its kind. */
#include "transform/github/github.h"

/* clang-format off */

/* subject.content      <- payload */
static const struct pick dependabot[] = {
    {"severity",           "alert.security_advisory.severity"},
    {"advisory",           "alert.security_advisory.ghsa_id"},
    {"package",            "alert.dependency.package.name"},
    {"uri",                "alert.html_url"},
    {"state",              "alert.state"},
    {0}};
static const struct pick code[] = {
    {"severity",           "alert.rule.severity?"},
    {"security_severity",  "alert.rule.security_severity_level?"},
    {"rule",               "alert.rule.id"},
    {"uri",                "alert.html_url"},
    {"state",              "alert.state?"},
    {"sha",                "commit_oid?"},
    {"ref",                "ref?"},
    {0}};
static const struct pick secret[] = {
    {"type",               "alert.secret_type"},
    {"resolution",         "alert.resolution?"},
    {0}};

/* clang-format on */

static bool has(struct delivery *d, const char *path)
{
    int64_t at_us = TIME_NONE;
    return delivery_time(d, path, &at_us) && at_us != TIME_NONE;
}

/* Whether the payload says when the action was; where it does not, the receipt has to do. */
static bool is_dated(struct delivery *d)
{
    const bool is_code = str_eq(d->event, S("code_scanning_alert"));
    return str_eq(d->action, S("created"))    ? has(d, "alert.created_at?")
           : str_eq(d->action, S("resolved")) ? has(d, "alert.resolved_at?")
                                              : is_code && has(d, "alert.dismissed_at?");
}

static bool is_undated(struct delivery *d)
{
    return !is_dated(d);
}

#define DEPENDABOT "cdeventsx.github-dependabotalert.*"
#define CODE "cdeventsx.github-codescanningalert.*"
#define CODE_UNDATED "fixed reopened reopened_by_user appeared_in_branch"
#define SECRET "cdeventsx.github-secretscanningalert.*"

/* clang-format off */
static const struct github_row dependabot_alert_rows[] = {
    {"AL1", "created", NULL, DEPENDABOT, .time = "alert.created_at",
        .extra = "$action", .content = dependabot},
    {"AL1", "fixed", NULL, DEPENDABOT, .time = "alert.fixed_at|alert.updated_at",
        .extra = "$action", .content = dependabot},
    {"AL1", "dismissed", NULL, DEPENDABOT, .time = "alert.dismissed_at|alert.updated_at",
        .extra = "$action", .content = dependabot},
    {"AL1", "reopened reintroduced auto_dismissed auto_reopened", NULL, DEPENDABOT,
        .time = "alert.updated_at", .extra = "$action", .content = dependabot},
    {0}};

const struct github_event github_dependabot_alert = {
    .name = "dependabot_alert", .subject = "alert.url", .rows = dependabot_alert_rows};

static const struct github_row code_scanning_alert_rows[] = {
    {"AL2", "created", is_dated, CODE, .time = "alert.created_at",
        .extra = "$action", .content = code},
    {"AL2", "closed_by_user", is_dated, CODE, .time = "alert.dismissed_at",
        .extra = "$action", .content = code},
    {"AL2", "created closed_by_user", is_undated, CODE, .time = "$received",
        .extra = "$delivery", .content = code},
    {"AL2", CODE_UNDATED, NULL, CODE, .time = "$received", .extra = "$delivery", .content = code},
    {0}};

const struct github_event github_code_scanning_alert = {
    .name = "code_scanning_alert", .subject = "alert.url", .rows = code_scanning_alert_rows};

#define SECRET_ALERT "{$source}/security/secret-scanning/{alert.number}"
static const struct github_row secret_scanning_alert_rows[] = {
    {"AL3", "created", is_dated, SECRET, SECRET_ALERT, "alert.created_at",
        .extra = "$action", .content = secret},
    {"AL3", "resolved", is_dated, SECRET, SECRET_ALERT, "alert.resolved_at",
        .extra = "$action", .content = secret},
    {"AL3", "created resolved reopened revoked", is_undated, SECRET, SECRET_ALERT, "$received",
        .extra = "$delivery", .content = secret},
    {0}};

const struct github_event github_secret_scanning_alert = {
    .name = "secret_scanning_alert", .rows = secret_scanning_alert_rows};
/* clang-format on */
