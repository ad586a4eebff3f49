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

const struct github_row github_repository[] = {
    {"RE1", "created", NULL, "repository.created", .time = "repository.created_at",
        .content = content, .custom = custom},
    {"RE2", "deleted", NULL, "repository.deleted", .time = "repository.updated_at",
        .extra = "$action", .content = content, .custom = custom},
    {"RE3", EVERY_UPDATE, NULL, "repository.modified", .time = "repository.updated_at",
        .extra = "$action", .content = content, .custom = custom},
    {0}};
/* clang-format on */
