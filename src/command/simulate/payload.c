/* payload.c - GitHub's objects, with the members that GitHub sends. */
#include <stdio.h>

#include "command/simulate/payload.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define API "https://api.github.com"
#define WEB "https://github.com"

const char *const environment_names[ENVIRONMENTS] = {"staging", "production"};
const char *const job_names[JOBS] = {"lint", "test", "build"};

static const char zeros[] = "0000000000000000000000000000000000000000";

/* ---- pieces: every member ends with a comma, the closing bracket takes the last one back ---- */

void put_end(struct buf *b, char bracket)
{
    if (b->len > 0 && b->at[b->len - 1] == ',') {
        b->len--;
    }
    buf_add_byte(b, bracket);
    buf_add_byte(b, ',');
}

void put_text(struct buf *b, const char *key, const char *text)
{
    buf_printf(b, text ? "\"%s\":\"%s\"," : "\"%s\":null,", key, text ? text : "");
}

void put_number(struct buf *b, const char *key, int64_t number)
{
    buf_printf(b, "\"%s\":%lld,", key, (long long)number);
}

void put_bool(struct buf *b, const char *key, bool is)
{
    buf_printf(b, "\"%s\":%s,", key, is ? "true" : "false");
}

void put_time(struct buf *b, const char *key, int64_t time_us)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_us == TIME_NONE) {
        put_text(b, key, NULL);
        return;
    }
    (void)clock_text(time_us, text);
    buf_printf(b, "\"%s\":\"%.19sZ\",", key, text);
}

/* Members of addresses: each begins with `base`. */
static void put_addresses(struct buf *b, const char *base, const char *const (*list)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "\"%s\":\"%s%s\",", list[i][0], base, list[i][1]);
    }
}

static void put_members(struct buf *b, const char *login, int64_t id, const char *type)
{
    static const char *const addresses[][2] = {
        {"url", ""},
        {"followers_url", "/followers"},
        {"following_url", "/following{/other_user}"},
        {"gists_url", "/gists{/gist_id}"},
        {"starred_url", "/starred{/owner}{/repo}"},
        {"subscriptions_url", "/subscriptions"},
        {"organizations_url", "/orgs"},
        {"repos_url", "/repos"},
        {"events_url", "/events{/privacy}"},
        {"received_events_url", "/received_events"},
    };
    char base[120];
    (void)snprintf(base, sizeof base, API "/users/%s", login);
    put_text(b, "login", login);
    put_number(b, "id", id);
    buf_printf(b, "\"node_id\":\"U_kgDO%08llx\",", (unsigned long long)id);
    buf_printf(b, "\"avatar_url\":\"https://avatars.githubusercontent.com/u/%lld?v=4\",",
               (long long)id);
    put_text(b, "gravatar_id", "");
    put_addresses(b, base, addresses, COUNT(addresses));
    buf_printf(b, "\"html_url\":\"" WEB "/%s\",", login);
    put_text(b, "type", type);
    put_bool(b, "site_admin", false);
}

void put_person(struct buf *b, const char *key, const struct person *p)
{
    if (!p) {
        put_text(b, key, NULL);
        return;
    }
    buf_printf(b, "\"%s\":{", key);
    put_members(b, p->login, p->id, "User");
    put_end(b, '}');
}

void put_account(struct buf *b, const struct person *p)
{
    buf_add_byte(b, '{');
    put_members(b, p->login, p->id, "User");
    put_end(b, '}');
}

static void put_owner(struct buf *b, const char *key)
{
    buf_printf(b, "\"%s\":{", key);
    put_members(b, "acme", 9919, "Organization");
    put_end(b, '}');
}

static void put_repository_addresses(struct buf *b, const struct repository *r)
{
    static const char *const addresses[][2] = {
        {"forks_url", "/forks"},
        {"keys_url", "/keys{/key_id}"},
        {"collaborators_url", "/collaborators{/collaborator}"},
        {"teams_url", "/teams"},
        {"hooks_url", "/hooks"},
        {"issue_events_url", "/issues/events{/number}"},
        {"events_url", "/events"},
        {"assignees_url", "/assignees{/user}"},
        {"branches_url", "/branches{/branch}"},
        {"tags_url", "/tags"},
        {"blobs_url", "/git/blobs{/sha}"},
        {"git_tags_url", "/git/tags{/sha}"},
        {"git_refs_url", "/git/refs{/sha}"},
        {"trees_url", "/git/trees{/sha}"},
        {"statuses_url", "/statuses/{sha}"},
        {"languages_url", "/languages"},
        {"stargazers_url", "/stargazers"},
        {"contributors_url", "/contributors"},
        {"subscribers_url", "/subscribers"},
        {"subscription_url", "/subscription"},
        {"commits_url", "/commits{/sha}"},
        {"git_commits_url", "/git/commits{/sha}"},
        {"comments_url", "/comments{/number}"},
        {"issue_comment_url", "/issues/comments{/number}"},
        {"contents_url", "/contents/{+path}"},
        {"compare_url", "/compare/{base}...{head}"},
        {"merges_url", "/merges"},
        {"archive_url", "/{archive_format}{/ref}"},
        {"downloads_url", "/downloads"},
        {"issues_url", "/issues{/number}"},
        {"pulls_url", "/pulls{/number}"},
        {"milestones_url", "/milestones{/number}"},
        {"notifications_url", "/notifications{?since,all,participating}"},
        {"labels_url", "/labels{/name}"},
        {"releases_url", "/releases{/id}"},
        {"deployments_url", "/deployments"},
    };
    char base[120];
    (void)snprintf(base, sizeof base, API "/repos/acme/%s", r->name);
    put_addresses(b, base, addresses, COUNT(addresses));
}

/* A push shows the web address as `url`, and two times as whole seconds since 1970. */
void put_repository(struct buf *b, const char *key, const struct repository *r, bool is_push)
{
    buf_printf(b, "\"%s\":{", key);
    put_number(b, "id", r->id);
    buf_printf(b, "\"node_id\":\"R_kgDO%08llx\",", (unsigned long long)r->id);
    put_text(b, "name", r->name);
    buf_printf(b, "\"full_name\":\"acme/%s\",", r->name);
    put_bool(b, "private", false);
    put_owner(b, "owner");
    buf_printf(b, "\"html_url\":\"" WEB "/acme/%s\",", r->name);
    put_text(b, "description", r->description);
    put_bool(b, "fork", false);
    buf_printf(b, "\"url\":\"%s/acme/%s\",", is_push ? WEB : API "/repos", r->name);
    put_repository_addresses(b, r);
    if (is_push) {
        put_number(b, "created_at", r->created_us / SECOND_US);
        put_time(b, "updated_at", r->pushed_us);
        put_number(b, "pushed_at", r->pushed_us / SECOND_US);
    } else {
        put_time(b, "created_at", r->created_us);
        put_time(b, "updated_at", r->pushed_us);
        put_time(b, "pushed_at", r->pushed_us);
    }
    buf_printf(b,
               "\"git_url\":\"git://github.com/acme/%s.git\","
               "\"ssh_url\":\"git@github.com:acme/%s.git\",\"clone_url\":\"" WEB "/acme/%s.git\","
               "\"svn_url\":\"" WEB "/acme/%s\",\"homepage\":null,\"size\":%lld,"
               "\"stargazers_count\":42,\"watchers_count\":42,\"language\":\"%s\",",
               r->name, r->name, r->name, r->name, (long long)(r->id % 90000), r->language);
    buf_printf(b, "\"has_issues\":true,\"has_projects\":true,\"has_downloads\":true,"
                  "\"has_wiki\":false,\"has_pages\":false,\"has_discussions\":false,"
                  "\"forks_count\":7,\"mirror_url\":null,\"archived\":false,\"disabled\":false,"
                  "\"license\":null,\"allow_forking\":true,\"is_template\":false,"
                  "\"web_commit_signoff_required\":false,\"topics\":[],"
                  "\"visibility\":\"public\",\"forks\":7,\"watchers\":42,"
                  "\"default_branch\":\"main\",");
    put_number(b, "open_issues_count", r->open_issues);
    put_number(b, "open_issues", r->open_issues);
    if (is_push) {
        put_text(b, "master_branch", "main");
    }
    put_end(b, '}');
}

/* ---- the whole payload ---- */

void payload_begin(struct simulation *s, const char *action)
{
    buf_reset(s->body);
    buf_add_byte(s->body, '{');
    if (action) {
        put_text(s->body, "action", action);
    }
}

static void put_organization(struct buf *b)
{
    static const char *const addresses[][2] = {
        {"url", ""},
        {"repos_url", "/repos"},
        {"events_url", "/events"},
        {"hooks_url", "/hooks"},
        {"issues_url", "/issues"},
        {"members_url", "/members{/member}"},
        {"public_members_url", "/public_members{/member}"},
    };
    buf_add(b, S("\"organization\":{\"login\":\"acme\",\"id\":9919,\"node_id\":\"O_kgDOAAAmvw\","));
    put_addresses(b, API "/orgs/acme", addresses, COUNT(addresses));
    buf_add(b, S("\"avatar_url\":\"https://avatars.githubusercontent.com/u/9919?v=4\","
                 "\"description\":\"Everything for the yard\","));
    put_end(b, '}');
}

void payload_end(struct simulation *s, const char *event, const struct repository *r,
                 const struct person *sender)
{
    struct buf *const b = s->body;
    char id[UUID_BYTES];
    put_repository(b, "repository", r, strcmp(event, "push") == 0);
    put_organization(b);
    put_person(b, "sender", sender);
    put_end(b, '}');
    b->len--; /* the comma */
    draw_uuid(&s->draw, id);
    simulation_deliver(s, (struct delivery){.id = {id, sizeof id}, .event = str_of(event)});
}

/* ---- changes ---- */

void put_label(struct buf *b, const struct repository *r, const char *name)
{
    buf_printf(b,
               "{\"id\":%u,\"node_id\":\"LA_kwDO%s\",\"url\":\"" API
               "/repos/acme/%s/labels/%s\",\"name\":\"%s\",\"color\":\"d73a4a\",\"default\":true,"
               "\"description\":\"About %s\"},",
               1362934389U + (unsigned)strlen(name), name, r->name, name, name, name);
}

static void put_side(struct buf *b, const char *key, const struct change *c, const char *ref,
                     const char *sha)
{
    buf_printf(b, "\"%s\":{\"label\":\"acme:%s\",\"ref\":\"%s\",\"sha\":\"%s\",", key, ref, ref,
               sha);
    put_owner(b, "user");
    put_repository(b, "repo", c->repository, false);
    put_end(b, '}');
}

static void put_change_addresses(struct buf *b, const struct change *c)
{
    const char *const name = c->repository->name;
    const long long n = (long long)c->number;
    char api[160];
    char issue[160];
    (void)snprintf(api, sizeof api, API "/repos/acme/%s/pulls/%lld", name, n);
    (void)snprintf(issue, sizeof issue, API "/repos/acme/%s/issues/%lld", name, n);
    buf_printf(b,
               "\"url\":\"%s\",\"html_url\":\"" WEB "/acme/%s/pull/%lld\",\"diff_url\":\"" WEB
               "/acme/%s/pull/%lld.diff\",\"patch_url\":\"" WEB "/acme/%s/pull/%lld.patch\","
               "\"issue_url\":\"%s\",\"commits_url\":\"%s/commits\",\"review_comments_url\":"
               "\"%s/comments\",\"review_comment_url\":\"" API
               "/repos/acme/%s/pulls/comments{/number}\",\"comments_url\":\"%s/comments\","
               "\"statuses_url\":\"" API "/repos/acme/%s/statuses/%s\",",
               api, name, n, name, n, name, n, issue, api, api, name, issue, name, c->head);
    buf_printf(b,
               "\"_links\":{\"self\":{\"href\":\"%s\"},\"html\":{\"href\":\"" WEB
               "/acme/%s/pull/%lld\"},\"issue\":{\"href\":\"%s\"},\"comments\":{\"href\":"
               "\"%s/comments\"},\"review_comments\":{\"href\":\"%s/comments\"},\"commits\":"
               "{\"href\":\"%s/commits\"},\"statuses\":{\"href\":\"" API
               "/repos/acme/%s/statuses/%s\"}},",
               api, name, n, issue, issue, api, api, name, c->head);
}

void payload_change(struct simulation *s, const struct change *c, bool is_short)
{
    struct buf *const b = s->body;
    buf_add(b, S("\"pull_request\":{"));
    put_change_addresses(b, c);
    put_number(b, "id", c->id);
    buf_printf(b, "\"node_id\":\"PR_kwDO%08llx\",", (unsigned long long)c->id);
    put_number(b, "number", c->number);
    put_text(b, "state", c->is_closed ? "closed" : "open");
    put_bool(b, "locked", false);
    put_text(b, "title", c->title);
    put_person(b, "user", c->author);
    put_text(b, "body", "What it changes and why; how it was tried.");
    put_time(b, "created_at", c->created_us);
    put_time(b, "updated_at", c->updated_us);
    put_time(b, "closed_at", c->closed_us);
    put_time(b, "merged_at", c->merged_us);
    put_text(b, "merge_commit_sha", c->merge[0] ? c->merge : NULL);
    buf_add(b, S("\"assignee\":null,\"assignees\":[],\"requested_reviewers\":["));
    if (c->asked) {
        put_account(b, c->asked);
    }
    put_end(b, ']');
    buf_add(b, S("\"requested_teams\":[],\"labels\":["));
    if (c->label) {
        put_label(b, c->repository, c->label);
    }
    put_end(b, ']');
    buf_add(b, S("\"milestone\":null,"));
    put_bool(b, "draft", c->is_draft);
    put_side(b, "head", c, c->branch, c->head);
    put_side(b, "base", c, "main", c->base);
    put_text(b, "author_association", "MEMBER");
    buf_add(b, S("\"auto_merge\":null,\"active_lock_reason\":null,"));
    if (!is_short) {
        put_bool(b, "merged", c->is_merged);
        buf_add(b, S("\"mergeable\":null,\"rebaseable\":null,\"mergeable_state\":\"unknown\","));
        put_person(b, "merged_by", c->merged_by);
        put_number(b, "comments", c->comments);
        put_number(b, "review_comments", c->review_comments);
        put_bool(b, "maintainer_can_modify", false);
        put_number(b, "commits", c->commits);
        put_number(b, "additions", c->additions);
        put_number(b, "deletions", c->deletions);
        put_number(b, "changed_files", c->files);
    }
    put_end(b, '}');
}

void payload_change_action(struct simulation *s, const struct change *c, const char *action)
{
    put_number(s->body, "number", c->number);
    if (strcmp(action, "labeled") == 0) {
        buf_add(s->body, S("\"label\":"));
        put_label(s->body, c->repository, c->label);
    }
    if (strcmp(action, "review_requested") == 0) {
        put_person(s->body, "requested_reviewer", c->asked);
    }
}

void payload_review(struct simulation *s, const struct change *c, const struct person *by,
                    const char *state)
{
    struct buf *const b = s->body;
    const long long id = (long long)organisation_id(s);
    buf_printf(b, "\"review\":{\"id\":%lld,\"node_id\":\"PRR_kwDO%08llx\",", id,
               (unsigned long long)id);
    put_person(b, "user", by);
    put_text(b, "body", "Read and tried.");
    put_text(b, "commit_id", c->head);
    put_time(b, "submitted_at", s->now_us);
    put_text(b, "state", state);
    buf_printf(b,
               "\"html_url\":\"" WEB "/acme/%s/pull/%lld#pullrequestreview-%lld\","
               "\"pull_request_url\":\"" API "/repos/acme/%s/pulls/%lld\","
               "\"author_association\":\"MEMBER\",\"_links\":{}},",
               c->repository->name, (long long)c->number, id, c->repository->name,
               (long long)c->number);
}

/* ---- pushes ---- */

static void put_signature(struct buf *b, const char *key, const struct person *p)
{
    buf_printf(b, "\"%s\":{\"name\":\"%s\",\"email\":\"%s@acme.example\",\"username\":\"%s\"},",
               key, p->name, p->login, p->login);
}

static void put_commit(struct simulation *s, const struct repository *r, const char *sha,
                       const struct push *p)
{
    static const char *const files[] = {"src/basket.ts",   "src/price.ts",  "src/main.ts",
                                        "test/basket.ts",  "README.md",     "docs/setup.md",
                                        "package.json",    "src/search.ts", "src/payment.ts",
                                        ".github/ci.yaml", "src/mail.ts",   "src/stock.ts"};
    struct buf *const b = s->body;
    char tree[SHA_BYTES];
    draw_hex(&s->draw, tree, sizeof tree);
    buf_printf(b, "\"id\":\"%s\",\"tree_id\":\"%.40s\",\"distinct\":true,\"message\":\"%s\",", sha,
               tree, p->message);
    put_time(b, "timestamp", s->now_us - COMMITTED_BEFORE_US);
    buf_printf(b, "\"url\":\"" WEB "/acme/%s/commit/%s\",", r->name, sha);
    put_signature(b, "author", p->by);
    put_signature(b, "committer", p->by);
    const size_t i = draw_below(&s->draw, COUNT(files) - 1);
    buf_printf(b, "\"added\":[],\"removed\":[],\"modified\":[\"%s\",\"%s\"],", files[i],
               files[i + 1]);
}

void payload_push(struct simulation *s, const struct repository *r, const char *ref,
                  const struct push *p)
{
    struct buf *const b = s->body;
    const char *const before = p->before ? p->before : zeros;
    const char *const after = p->after ? p->after : zeros;
    buf_printf(b,
               "\"ref\":\"%s\",\"before\":\"%s\",\"after\":\"%s\",\"created\":%s,\"deleted\":%s,"
               "\"forced\":false,\"base_ref\":null,\"compare\":\"" WEB
               "/acme/%s/compare/%.12s...%.12s\",\"commits\":[",
               ref, before, after, p->before ? "false" : "true", p->after ? "false" : "true",
               r->name, before, after);
    if (p->after && p->message) {
        buf_add_byte(b, '{');
        put_commit(s, r, p->after, p);
        put_end(b, '}');
    }
    put_end(b, ']');
    if (p->after && p->message) {
        buf_add(b, S("\"head_commit\":{"));
        put_commit(s, r, p->after, p);
        put_end(b, '}');
    } else {
        put_text(b, "head_commit", NULL);
    }
    buf_printf(b, "\"pusher\":{\"name\":\"%s\",\"email\":\"%s@acme.example\"},", p->by->login,
               p->by->login);
}
