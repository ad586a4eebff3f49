/* package, and registry_package, which tells the same fact under its newer name: the same id. */
#include "transform/github/github.h"

/* clang-format off */

/* subject.content      <- payload */
static const struct pick package_content[] = {
    {"user",               "package.package_version.author.login|sender.login?"},
    {0}};
static const struct pick registry_content[] = {
    {"user",               "registry_package.package_version.author.login|sender.login?"},
    {0}};

/* customData.github    <- payload */
static const struct pick package_custom[] = {
    {"sha",                "package.package_version.target_oid?"},
    {"name",               "package.name"},
    {"owner",              "package.owner.login?"},
    {0}};
static const struct pick registry_custom[] = {
    {"sha",                "registry_package.package_version.target_oid?"},
    {"name",               "registry_package.name"},
    {"owner",              "registry_package.owner.login?"},
    {0}};

/* clang-format on */

/* A container's layer is an image without a name. */
static bool is_layer(struct delivery *d, const char *metadata, const char *tag)
{
    struct found found;
    struct str name;
    return delivery_find(d, metadata, &found) && found.is_there && delivery_text(d, tag, &name) &&
           name.len == 0;
}

static bool is_package_layer(struct delivery *d)
{
    return is_layer(d, "package.package_version.container_metadata?",
                    "package.package_version.container_metadata.tag.name?");
}

static bool is_registry_layer(struct delivery *d)
{
    return is_layer(d, "registry_package.package_version.container_metadata?",
                    "registry_package.package_version.container_metadata.tag.name?");
}

/* Some versions were made in year 1. */
static bool has_time(struct delivery *d, const char *path)
{
    int64_t at_us = TIME_NONE;
    return delivery_time(d, path, &at_us) && at_us != TIME_NONE;
}

static bool is_package(struct delivery *d)
{
    return !is_package_layer(d) && has_time(d, "package.package_version.created_at?");
}

static bool is_undated_package(struct delivery *d)
{
    return !is_package_layer(d) && !has_time(d, "package.package_version.created_at?");
}

static bool is_registry_package(struct delivery *d)
{
    return !is_registry_layer(d) && has_time(d, "registry_package.package_version.created_at?");
}

static bool is_undated_registry_package(struct delivery *d)
{
    return !is_registry_layer(d) && !has_time(d, "registry_package.package_version.created_at?");
}

/* clang-format off */
static const struct github_row package_rows[] = {
    {"PK1", "published", is_package, "artifact.published",
        .time = "package.package_version.created_at",
        .content = package_content, .custom = package_custom},
    {"PK1", "published", is_undated_package, "artifact.published", .time = "package.updated_at",
        .content = package_content, .custom = package_custom},
    {"PK1", "published", is_package_layer, .gives = NULL},
    {"PK3", "updated", NULL, .gives = NULL},
    {0}};

const struct github_event github_package = {
    .name = "package", .subject = "$package", .rows = package_rows};

static const struct github_row registry_package_rows[] = {
    {"PK2", "published", is_registry_package, "artifact.published",
        .time = "registry_package.package_version.created_at",
        .content = registry_content, .custom = registry_custom},
    {"PK2", "published", is_undated_registry_package, "artifact.published",
        .time = "registry_package.updated_at",
        .content = registry_content, .custom = registry_custom},
    {"PK2", "published", is_registry_layer, .gives = NULL},
    {"PK3", "updated", NULL, .gives = NULL},
    {0}};

const struct github_event github_registry_package = {
    .name = "registry_package", .subject = "$package", .rows = registry_package_rows};
/* clang-format on */
