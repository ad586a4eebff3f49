/* push: branches and tags move, and bring commits. */
#include "transform/github/github.h"

#include <stdio.h>
#include <stdlib.h>

#include "transform/service.h"

/* Of what happened to a branch in one second. */
enum { ORDINAL_CREATED, ORDINAL_MOVED, ORDINAL_DELETED };

/* clang-format off */

/* model branch          <- payload */
static const struct pick branch_picks[] = {
    {"repository",          "$repository"},
    {"name",                "short(ref)"},
    {0}};

/* model commit          <- one of commits[] */
static const struct pick commit_picks[] = {
    {"repository",          "$repository"},
    {"sha",                 ".id"},
    {"author",              ".author.username|.author.name"},
    {"author_email",        ".author.email?"},
    {"committer",           ".committer.username|.committer.name"},
    {"committed_at",        ".timestamp"},   /* GitHub gives one time a commit */
    {"pushed_at",           "repository.pushed_at"},
    {"branch",              "short(ref)"},
    {"message",             ".message"},
    {"author_name",         ".author.name"},
    {"committer_name",      ".committer.name"},
    {"is_distinct",         ".distinct"},
    {0}};

/* model release         <- payload */
static const struct pick tag_picks[] = {
    {"repository",          "$repository"},
    {"tag",                 "short(ref)"},
    {"sha",                 "head_commit.id"},
    {0}};

/* subject.content       <- payload */
static const struct pick content_branch[] = {
    {"repository.id",       "$source"},
    {"repository.source",   "$host"},
    {0}};
static const struct pick content_push[] = {
    {"before",              "before"},
    {"after",               "after"},
    {"forced",              "forced"},
    {"compare",             "compare"},
    {"pusher",              "pusher.name"},
    {0}};
static const struct pick content_tag[] = {
    {"sha",                 "after"},          /* may be an annotated tag's own object */
    {"commit",              "head_commit.id"}, /* the commit that it points at         */
    {0}};
static const struct pick content_tag_deleted[] = {{"sha", "before"}, {0}};

/* customData.github     <- payload */
static const struct pick made[] = {
    {"name",                "short(ref)"},
    {"after",               "after"},
    {"base_ref",            "base_ref?"},
    {0}};
static const struct pick gone[] = {
    {"name",                "short(ref)"},
    {"before",              "before"},
    {0}};

/* clang-format on */

/* ---- the branch ---- */

static bool branch(struct delivery *d, const char *head, unsigned ordinal)
{
    struct fact fact;
    struct str sha = {0};
    struct str name;
    struct str by_default;
    const bool is_deleted = ordinal == ORDINAL_DELETED;
    if (!delivery_fact(d, "branch", branch_picks, &fact) ||
        (head && !delivery_text(d, head, &sha)) || !delivery_text(d, "short(ref)", &name) ||
        !delivery_text(d, "repository.default_branch?", &by_default)) {
        return false;
    }
    fact_text(&fact, "head_sha", sha);
    if (by_default.len > 0) {
        fact_bool(&fact, "is_default", str_eq(name, by_default));
    }
    fact_time(&fact, "created_at", ordinal == ORDINAL_CREATED ? d->at_us : TIME_NONE);
    fact_time(&fact, "deleted_at", is_deleted ? d->at_us : TIME_NONE);
    fact_group(&fact, "head", d->at_us, ordinal);
    fact_group(&fact, "life", d->at_us, is_deleted);
    return transform_add(d->in, d->out, &fact);
}

static bool branch_created(struct delivery *d)
{
    return branch(d, "after", ORDINAL_CREATED);
}

static bool branch_moved(struct delivery *d)
{
    return branch(d, "after", ORDINAL_MOVED);
}

static bool branch_deleted(struct delivery *d)
{
    return branch(d, NULL, ORDINAL_DELETED);
}

/* ---- its commits ---- */

static int path_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Every path that the commit added, removed or modified: sorted, each once. */
static bool files_of(struct delivery *d, struct value *out)
{
    static const char *const lists[] = {".added", ".removed", ".modified"};
    enum { LISTS = sizeof lists / sizeof *lists };
    struct found found[LISTS];
    size_t room = 0;
    for (size_t l = 0; l < LISTS; l++) {
        if (!delivery_find(d, lists[l], &found[l])) {
            return false;
        }
        room += yyjson_arr_size(found[l].value);
    }
    struct str *const files = arena_array(d->in->arena, struct str, room);
    size_t n = 0;
    for (size_t l = 0; l < LISTS; l++) {
        size_t i = 0;
        size_t paths = 0;
        yyjson_val *path = NULL;
        yyjson_arr_foreach(found[l].value, i, paths, path)
        {
            files[n++] = json_text(path);
        }
    }
    qsort(files, n, sizeof *files, path_order);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !str_eq(files[kept - 1], files[i])) {
            files[kept++] = files[i];
        }
    }
    *out = (struct value){.kind = VALUE_LIST, .list = {files, kept}};
    return true;
}

/* A commit belongs to the branch of the push that brought it first: of group `push` the *latest* is
 * kept, so its time runs backwards. */
static bool commit(struct delivery *d)
{
    struct fact fact;
    if (!yyjson_is_obj(d->here)) {
        return delivery_dead(d, S("."), "is no commit");
    }
    struct value files;
    if (!delivery_fact(d, "commit", commit_picks, &fact) || !files_of(d, &files)) {
        return false;
    }
    fact_set(&fact, "files", files);
    const struct belonging of = {.place = d->repository, .name = d->name};
    const struct str_list touched = {files.list.at, files.list.n};
    const struct str_list services = services_of_files(d->in->arena, d->in->config, &of, &touched);
    fact_set(&fact, "services",
             (struct value){.kind = VALUE_LIST, .list = {services.at, services.n}});
    fact_group(&fact, "commit", d->at_us, 0);
    fact_group(&fact, "push", -d->at_us, 0);
    const bool is_given = transform_add(d->in, d->out, &fact);
    if (!is_given && d->out->why.pointer[0] == '\0') { /* no memory is asked for: it may be short */
        (void)snprintf(d->out->why.pointer, sizeof d->out->why.pointer, "%s/%s/%zu", d->under,
                       d->here_array, d->here_index);
    }
    return is_given;
}

static bool commits(struct delivery *d)
{
    struct found found;
    size_t n = 0;
    if (!delivery_time(d, "repository.pushed_at", &d->at_us) ||
        !delivery_find(d, "commits", &found)) {
        return false;
    }
    if (!yyjson_is_arr(found.value)) {
        return delivery_unfit(d, &found, "a list");
    }
    d->here_array = "commits";
    yyjson_arr_foreach(found.value, d->here_index, n, d->here)
    {
        if (!commit(d)) {
            return false;
        }
    }
    return true;
}

/* ---- the tag ---- */

static bool tag_created(struct delivery *d)
{
    struct fact fact;
    if (!delivery_fact(d, "release", tag_picks, &fact)) {
        return false;
    }
    fact_group(&fact, "tag", d->at_us, 0);
    return transform_add(d->in, d->out, &fact);
}

/* ---- which row ---- */

static bool is_ref(struct delivery *d, struct str prefix)
{
    struct str ref;
    return delivery_text(d, "ref", &ref) && str_starts(ref, prefix);
}

static bool says(struct delivery *d, const char *path)
{
    bool is = false;
    return delivery_bool(d, path, false, &is) && is;
}

static bool is_branch(struct delivery *d)
{
    return is_ref(d, S("refs/heads/")) && !says(d, "deleted");
}

/* Told by the event `create` or `delete`, what became of the ref is not told again. */
static bool is_told(struct delivery *d)
{
    return !refs_are_told_by_create(d);
}

static bool is_branch_deleted(struct delivery *d)
{
    return is_ref(d, S("refs/heads/")) && says(d, "deleted") && is_told(d);
}

static bool is_branch_deleted_silently(struct delivery *d)
{
    return is_ref(d, S("refs/heads/")) && says(d, "deleted") && !is_told(d);
}

static bool is_branch_created(struct delivery *d)
{
    return is_branch(d) && says(d, "created") && is_told(d);
}

static bool is_branch_pushed_new(struct delivery *d)
{
    return is_branch(d) && says(d, "created") && !is_told(d);
}

static bool is_branch_moved(struct delivery *d)
{
    return is_branch(d) && !says(d, "created");
}

static bool is_tag(struct delivery *d)
{
    return is_ref(d, S("refs/tags/")) && !says(d, "deleted") && is_told(d);
}

static bool is_tag_silently(struct delivery *d)
{
    return is_ref(d, S("refs/tags/")) && !says(d, "deleted") && !is_told(d);
}

static bool is_tag_deleted(struct delivery *d)
{
    return is_ref(d, S("refs/tags/")) && says(d, "deleted") && is_told(d);
}

static bool is_tag_deleted_silently(struct delivery *d)
{
    return is_ref(d, S("refs/tags/")) && says(d, "deleted") && !is_told(d);
}

#define AT "repository.pushed_at"

/* clang-format off */
static const struct github_row push_rows[] = {
    {"PU1", NULL, is_branch_created, "branch.created", .time = AT,
        .extra = "after", .content = content_branch, .custom = made, .facts = branch_created},
    {"PU1", NULL, is_branch_pushed_new, "cdeventsx.github-push.received", .time = AT,
        .extra = "after", .content = content_push, .facts = branch_created},
    {"PU2", NULL, is_branch_deleted, "branch.deleted", .time = AT,
        .extra = "before", .content = content_branch, .custom = gone, .facts = branch_deleted},
    {"PU2", NULL, is_branch_deleted_silently, NULL, .time = AT, .facts = branch_deleted},
    {"PU3", NULL, is_branch_moved, "cdeventsx.github-push.received", .time = AT,
        .extra = "after", .content = content_push, .facts = branch_moved},
    {"PU4", NULL, is_branch, NULL, .facts = commits},
    {"PU5", NULL, is_tag, "cdeventsx.github-tag.created", .time = AT,
        .extra = "after", .content = content_tag, .facts = tag_created},
    {"PU5", NULL, is_tag_silently, NULL, .time = AT, .facts = tag_created},
    {"PU6", NULL, is_tag_deleted, "cdeventsx.github-tag.deleted", .time = AT,
        .extra = "before", .content = content_tag_deleted},
    {"PU6", NULL, is_tag_deleted_silently, .gives = NULL},
    {0}};

const struct github_event github_push = {
    .name = "push", .subject = "{$source}#{ref}", .rows = push_rows};
/* clang-format on */
