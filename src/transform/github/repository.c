/* repository: made, changed, gone. */
#include "transform/github/github.h"

/* clang-format off */

/* subject.content      <- payload */
static const struct pick content[] = {
    {"name",               "repository.name"},
    {"owner",              "repository.owner.login?"},
    {"uri",                "repository.clone_url"},
    {"viewUrl",            "repository.html_url"},
    {0}};

/* customData.github    <- payload */
static const struct pick custom[] = {
    {"id",                 "repository.id"}, /* stays, whatever its name */
    {"default_branch",     "repository.default_branch?"},
    {"changes",            "changes?"},
    {0}};

#define EVERY_UPDATE "edited renamed transferred archived unarchived privatized publicized"

static const struct github_row repository_rows[] = {
    {"RE1", "created", NULL, "repository.created", .time = "repository.created_at",
        .content = content, .custom = custom},
    {"RE2", "deleted", NULL, "repository.deleted", .time = "repository.updated_at",
        .extra = "$action", .content = content, .custom = custom},
    {"RE3", EVERY_UPDATE, NULL, "repository.modified", .time = "repository.updated_at",
        .extra = "$action", .content = content, .custom = custom},
    {0}};

const struct github_event github_repository = {
    .name = "repository", .subject = "$source", .rows = repository_rows};
/* clang-format on */
