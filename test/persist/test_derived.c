/* The columns that need other rows: what each SQL file says of a few rows made by hand. */
#include "persist/derived.h"

#include "base/buf.h"
#include "base/file.h"
#include "folder.h"
#include "persist/lakes.h"
#include "test.h"

static struct lakes lakes;

static int begin(void **state)
{
    (void)state;
    lakes_begin(&lakes, folder_make());
    return 0;
}

static int end(void **state)
{
    (void)state;
    lakes_end(&lakes);
    folder_drop();
    return 0;
}

static void run(const char *sql)
{
    struct failure f;
    if (duck_run(lakes_duck(&lakes), sql, &f) != OK) {
        fail_msg("%s\n%s", f.text, sql);
    }
}

#define AT(hour) "TIMESTAMP '2026-03-02 " hour ":00'"

/* Deployments of one day of March: source, id, service, environment, sha, artifact, what it says
 * that it mends, the hour of its success; o3 is a rollback, and kiln's are not for users. */
static const char deployments[] =
    "CREATE OR REPLACE TEMP VIEW deployment_folded AS SELECT *, id = 'o3' AS is_rollback,\n"
    "    environment <> 'test' AND service <> 'kiln' AS is_production FROM (VALUES\n"
    " ('gh', '1', 'shop', 'live', 's1', 'a1', NULL, TIMESTAMP '2026-03-02 08:00:00'),\n"
    " ('gh', '2', 'shop', 'live', 's2', 'a2', NULL, TIMESTAMP '2026-03-02 10:00:00'),\n"
    " ('gh', '3', 'shop', 'test', 's2', 'a2', NULL, TIMESTAMP '2026-03-02 10:30:00'),\n"
    " ('gh', '4', 'shop', 'live', 's1', 'a1', '17 x', TIMESTAMP '2026-03-02 12:00:00'),\n"
    " ('gh', '5', 'shop', 'live', 's5', NULL, NULL, NULL),\n"
    " ('gh', '8', 'shop', 'test', NULL, NULL, NULL, TIMESTAMP '2026-03-02 07:00:00'),\n"
    " ('ci', '8', 'shop', 'live', NULL, NULL, NULL, TIMESTAMP '2026-03-02 07:30:00'),\n"
    " ('gh', '9', 'shop', 'test', NULL, NULL, NULL, TIMESTAMP '2026-03-02 14:00:00'),\n"
    " ('ci', '9', 'shop', 'live', NULL, NULL, NULL, TIMESTAMP '2026-03-02 13:30:00'),\n"
    " ('ci', 'e-6', 'cart', 'live', NULL, 'c1', NULL, TIMESTAMP '2026-03-02 09:00:00'),\n"
    " ('ci', 'e-7', 'cart', 'live', NULL, 'c2', 'https://x/18', TIMESTAMP '2026-03-02 13:00:00'),\n"
    " ('gh', 'o1', 'oven', 'live', NULL, NULL, NULL, TIMESTAMP '2026-03-02 08:00:00'),\n"
    " ('gh', 'o2', 'oven', 'live', NULL, NULL, NULL, TIMESTAMP '2026-03-02 11:00:00'),\n"
    " ('gh', 'o3', 'oven', 'live', NULL, NULL, NULL, TIMESTAMP '2026-03-02 12:00:00'),\n"
    " ('gh', 'o4', 'oven', 'Live', NULL, NULL, '96 97 98 99', TIMESTAMP '2026-03-02 13:00:00'),\n"
    " ('gh', 'l1', 'lamp', 'Prod', NULL, 'l', NULL, TIMESTAMP '2026-03-02 10:00:00'),\n"
    " ('gh', 'k1', 'kiln', 'prod', NULL, 'k', NULL, TIMESTAMP '2026-03-02 10:00:00'),\n"
    " ('gh', 'h1', 'hob', 'live', '0123456789ABCDEF', NULL, NULL, TIMESTAMP '2026-03-02 "
    "10:00:00'),\n"
    " ('gh', 'h2', 'hob', 'live', 'fedcba9876543211', NULL, NULL, TIMESTAMP '2026-03-02 "
    "10:00:00'),\n"
    " ('gh', 'h3', 'hob', 'live', 'fedcba9876543212', NULL, NULL, TIMESTAMP '2026-03-02 "
    "10:00:00'),\n"
    " ('gh', 'h4', 'hob', 'live', 'cccccccccccccccc', NULL, NULL, TIMESTAMP '2026-03-02 "
    "09:00:00'),\n"
    " ('ci', 'h4', 'jar', 'live', 'cccccccccccccccc', NULL, NULL, TIMESTAMP '2026-03-02 "
    "09:30:00')\n"
    ") AS t(source, id, service, environment, sha, artifact_id, fixes, finished_at)";

struct incident {
    const char *what; /* source, id, service, environment, url, artifact, causes, fixed_by, linked,
                         detected, blame_from, resolved */
    const char *cause, *evidence, *fix; /* deployments as SOURCE ID; "-" is null */
};

static const struct incident incidents[] = {
    /* what links to the deployment goes before what a label says */
    {"'gh','a','shop','live',NULL,NULL,'1',NULL,'x e-6 y'," AT("11:00") ",NULL,NULL", "ci e-6",
     "link", "-"},
    /* 4 says that it mends 17: what it replaced, 2, was the cause */
    {"'gh','17','shop','live',NULL,NULL,'1',NULL,NULL," AT("11:00") ",NULL,NULL", "gh 2", "fix",
     "gh 4"},
    /* the same number in another place is another incident */
    {"'ci','17','shop','live',NULL,NULL,NULL,NULL,NULL," AT("11:00") ",NULL,NULL", "-", "-", "-"},
    /* by address */
    {"'pd','i','cart','live','https://x/18',NULL,NULL,NULL,NULL," AT("10:00") ",NULL,NULL",
     "ci e-6", "fix", "ci e-7"},
    /* by commit, of two deployments the one in its environment */
    {"'gh','b','shop','live',NULL,NULL,'s2',NULL,NULL," AT("11:00") ",NULL,NULL", "gh 2", "label",
     "-"},
    {"'gh','c','shop','test',NULL,NULL,'s2','4',NULL," AT("11:00") ",NULL,NULL", "gh 3", "label",
     "gh 4"},
    /* not of another service's, and not one that never succeeded */
    {"'pd','d','cart','live',NULL,NULL,'1 s5',NULL,NULL," AT("11:00") ",NULL,NULL", "-", "-", "-"},
    {"'gh','e','shop','live',NULL,NULL,'5',NULL,NULL," AT("11:00") ",NULL,NULL", "-", "-", "-"},
    /* by what is broken; not after the fact */
    {"'pd','f','shop','live',NULL,'a2',NULL,NULL,NULL," AT("11:00") ",NULL,NULL", "gh 2",
     "artifact", "-"},
    {"'pd','g','shop','live',NULL,'a2',NULL,NULL,NULL," AT("09:00") ",NULL,NULL", "-", "-", "-"},
    /* by time alone only where that is configured, and long enough */
    {"'gh','h','shop','live',NULL,NULL,NULL,NULL,NULL," AT("11:00") ",NULL,NULL", "-", "-", "-"},
    {"'gh','k','shop','live',NULL,NULL,NULL,NULL,NULL," AT("11:00") "," AT("09:30") ",NULL", "gh 2",
     "time", "-"},
    {"'gh','l','shop','live',NULL,NULL,NULL,NULL,NULL," AT("11:00") "," AT("10:30") ",NULL", "-",
     "-", "-"},
    /* an id that two sources have is that of the incident's own */
    {"'gh','m','shop','live',NULL,NULL,'8','9',NULL," AT("11:00") ",NULL,NULL", "gh 8", "label",
     "gh 9"},
    {"'ci','n','shop','live',NULL,NULL,'8','9',NULL," AT("11:00") ",NULL,NULL", "ci 8", "label",
     "ci 9"},
    {"'ci','o','shop','live',NULL,NULL,NULL,NULL,'8'," AT("11:00") ",NULL,NULL", "ci 8", "link",
     "-"},
    /* of the deployments of a commit the one that was there when it was detected, and the first
       since */
    {"'gh','p','shop','live',NULL,NULL,'s1','s1',NULL," AT("11:00") ",NULL,NULL", "gh 1", "label",
     "gh 4"},
    {"'gh','q','shop','live',NULL,NULL,'s1','s1',NULL," AT("12:30") ",NULL,NULL", "gh 4", "label",
     "gh 4"},
    /* where none was there yet, the first one, but none after it was over */
    {"'gh','r','shop','live',NULL,NULL,'s1',NULL,NULL," AT("07:30") ",NULL,NULL", "gh 1", "label",
     "-"},
    {"'gh','s','shop','live',NULL,NULL,'s1',NULL,NULL," AT("07:30") ",NULL," AT("07:45"), "-", "-",
     "-"},
    {"'gh','t','shop','live',NULL,NULL,'s2','s2',NULL," AT("09:30") ",NULL," AT("10:00"), "gh 2",
     "label", "gh 2"},
    /* what is mended was there when it was detected: no later one, no rollback, not the mending one
     */
    {"'gh','99','oven','live',NULL,NULL,NULL,NULL,NULL," AT("11:30") ",NULL,NULL", "gh o2", "fix",
     "gh o4"},
    {"'gh','98','oven','live',NULL,NULL,NULL,NULL,NULL," AT("12:30") ",NULL,NULL", "gh o2", "fix",
     "gh o4"},
    {"'gh','97','oven','live',NULL,NULL,NULL,NULL,NULL," AT("13:30") ",NULL,NULL", "gh o2", "fix",
     "gh o4"},
    {"'gh','96','oven','live',NULL,NULL,NULL,NULL,NULL," AT("07:30") ",NULL,NULL", "-", "-",
     "gh o4"},
    /* production by any of its names, of what is production; any other by its name alone */
    {"'pd','B','lamp','production',NULL,NULL,NULL,NULL,NULL," AT("11:00") "," AT("09:30") ",NULL",
     "gh l1", "time", "-"},
    {"'pd','C','lamp','Production',NULL,'l',NULL,NULL,NULL," AT("11:00") ",NULL,NULL", "gh l1",
     "artifact", "-"},
    {"'pd','D','lamp','test',NULL,'l',NULL,NULL,NULL," AT("11:00") "," AT("09:30") ",NULL", "-",
     "-", "-"},
    {"'pd','E','kiln','production',NULL,'k',NULL,NULL,NULL," AT("11:00") "," AT("09:30") ",NULL",
     "-", "-", "-"},
    {"'pd','F','kiln','PROD',NULL,NULL,NULL,NULL,NULL," AT("11:00") "," AT("09:30") ",NULL",
     "gh k1", "time", "-"},
    /* a commit in capitals, or by the first seven digits or more where no other begins so */
    {"'gh','G','hob','live',NULL,NULL,'0123456789ABCDEF','0123456',NULL," AT("11:00") ",NULL,NULL",
     "gh h1", "label", "gh h1"},
    {"'gh','H','hob','live',NULL,NULL,'012345',NULL,NULL," AT("11:00") ",NULL,NULL", "-", "-", "-"},
    {"'gh','I','hob','live',NULL,NULL,'fedcba987654321',NULL,NULL," AT("11:00") ",NULL,NULL", "-",
     "-", "-"},
    {"'gh','J','hob','live',NULL,NULL,'FEDCBA9876543212',NULL,NULL," AT("11:00") ",NULL,NULL",
     "gh h3", "label", "-"},
    /* of a service that nothing names: what one service alone has, else the own source's */
    {"'pd','K',NULL,'live',NULL,NULL,'0123456789abcdef','h1',NULL," AT("11:00") ",NULL,NULL",
     "gh h1", "label", "gh h1"},
    {"'pd','L',NULL,'live',NULL,NULL,'h4 ccccccc','cccccccccccccccc',NULL," AT("11:00") ",NULL,"
                                                                                        "NULL",
     "-", "-", "-"},
    {"'gh','M',NULL,'live',NULL,NULL,'ccccccc',NULL,NULL," AT("11:00") ",NULL,NULL", "gh h4",
     "label", "-"},
    {"'pd','N','lamp','live',NULL,NULL,'0123456789abcdef h1',NULL,NULL," AT("11:00") ",NULL,NULL",
     "-", "-", "-"},
};

static void an_incident_is_blamed_by_the_strongest_evidence(void **state)
{
    (void)state;
    enum { N = sizeof incidents / sizeof *incidents };
    struct buf sql;
    struct duck_result r;
    struct failure f;
    size_t seen = 0;
    run(deployments);
    buf_init(&sql, &lakes.arena, 1 << 20);
    buf_add(&sql, S("CREATE OR REPLACE TEMP VIEW incident_folded AS SELECT * FROM (VALUES\n"));
    for (size_t i = 0; i < N; i++) {
        buf_printf(&sql, "%s(%zu, %s)", i ? ",\n" : "", i, incidents[i].what);
    }
    buf_add(&sql, S(") AS t(n, source, id, service, environment, url, artifact_id, causes, "
                    "fixed_by, linked, detected_at, blame_from_at, resolved_at)"));
    buf_add_byte(&sql, '\0');
    run(buf_str(&sql).at);
    buf_init(&sql, &lakes.arena, 1 << 20);
    buf_add(&sql, S("SELECT i.n::VARCHAR, "
                    "coalesce(d.caused_by_source || ' ' || d.caused_by_deployment, '-'), "
                    "coalesce(d.evidence, '-'), "
                    "coalesce(d.fixed_by_source || ' ' || d.fixed_by_deployment, '-') "
                    "FROM incident_folded AS i JOIN ("));
    buf_add(&sql, derived_sql(model_find(S("incident"))));
    buf_add(&sql, S(") AS d ON d.source = i.source AND d.id = i.id"));
    buf_add_byte(&sql, '\0');
    if (duck_query(lakes_duck(&lakes), buf_str(&sql).at, &r, &f) != OK) {
        fail_msg("%s", f.text);
    }
    while (duck_next(&r)) {
        uint64_t i = 0;
        assert_true(str_to_u64(duck_text(&r, 0), &i) && i < N);
        if (!str_eq(duck_text(&r, 1), str_of(incidents[i].cause)) ||
            !str_eq(duck_text(&r, 2), str_of(incidents[i].evidence)) ||
            !str_eq(duck_text(&r, 3), str_of(incidents[i].fix))) {
            fail_msg("%s: %.*s by %.*s, mended by %.*s", incidents[i].what,
                     STR_ARG(duck_text(&r, 1)), STR_ARG(duck_text(&r, 2)),
                     STR_ARG(duck_text(&r, 3)));
        }
        seen++;
    }
    duck_result_close(&r);
    assert_int_equal(seen, N); /* one row an incident */
}

/* Two of one second, whose ids come in the other order. */
static void deployments_of_one_second_are_in_the_order_of_their_sources(void **state)
{
    struct duck_result r;
    struct failure f;
    (void)state;
    run("CREATE OR REPLACE TEMP VIEW deployment_folded AS SELECT * FROM (VALUES\n"
        " ('ci', '2', 'shop', 'live', " AT(
            "10:00") "),\n"
                     " ('gh', '1', 'shop', 'live', " AT(
                         "10:00") ")\n"
                                  ") AS t(source, id, service, environment, finished_at)");
    const struct str sql = arena_printf(&lakes.arena,
                                        "SELECT id FROM (%.*s) WHERE previous_id = '2'",
                                        STR_ARG(derived_sql(model_find(S("deployment")))));
    if (duck_query(lakes_duck(&lakes), sql.at, &r, &f) != OK) {
        fail_msg("%s", f.text);
    }
    assert_true(duck_next(&r) && str_eq(duck_text(&r, 0), S("1")));
    duck_result_close(&r);
}

static struct str file_text(const char *name)
{
    struct str text;
    struct failure f;
    const char *const path = arena_printf(&lakes.arena, "test/persist/derived/%s.sql", name).at;
    if (file_read(&lakes.arena, path, 1 << 20, &text, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return text;
}

static int64_t number_of(const char *sql)
{
    struct duck_result r;
    struct failure f;
    if (duck_query(lakes_duck(&lakes), sql, &r, &f) != OK || !duck_next(&r)) {
        fail_msg("%s\n%s", f.text, sql);
    }
    const int64_t n = duck_i64(&r, 0);
    duck_result_close(&r);
    return n;
}

static void make_table(const char *name, struct str sql)
{
    run(arena_printf(&lakes.arena, "CREATE OR REPLACE TEMP TABLE %s AS %.*s", name, STR_ARG(sql))
            .at);
}

/* The program's file and the plain one, over rows drawn by chance: how many rows they give. */
static int64_t compare(const char *model)
{
    run(arena_cstr(&lakes.arena, file_text("random")));
    make_table("told", derived_sql(model_find(str_of(model))));
    make_table("wanted", file_text(model));
    assert_int_equal(number_of("SELECT count(*) FROM ((FROM told EXCEPT ALL FROM wanted) UNION ALL "
                               "(FROM wanted EXCEPT ALL FROM told))"),
                     0);
    return number_of("SELECT count(*) FROM told");
}

static void a_second_implementation_blames_the_same_deployments(void **state)
{
    static const char *const evidence[] = {"link", "fix", "label", "artifact", "time"};
    (void)state;
    assert_int_equal(compare("incident"), 300);
    assert_true(number_of("SELECT count(fixed_by_deployment) FROM told") > 20);
    for (size_t i = 0; i < sizeof evidence / sizeof *evidence; i++) {
        const struct str sql = arena_printf(
            &lakes.arena, "SELECT count(*) FROM told WHERE evidence = '%s'", evidence[i]);
        assert_true(number_of(sql.at) > 5);
    }
}

/* Some by a commit alone and some by a branch alone, else the comparison says little. */
static void a_second_implementation_gives_changes_the_same_commits(void **state)
{
    static const char by_sha[] =
        "SELECT count(*) FROM told WHERE %sEXISTS (FROM change_folded AS c JOIN commit_folded AS k "
        "ON k.repository = c.repository AND (is_told(k.repository, k.sha, c.head_sha) OR "
        "is_told(k.repository, k.sha, c.merge_sha)) "
        "WHERE c.repository = told.repository AND %s)";
    static const struct {
        const char *model, *is_same;
    } of[] = {{"change", "c.id = told.id"}, {"commit", "k.sha = told.sha"}};
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        assert_true(compare(of[i].model) > 100);
        for (int is_none = 0; is_none <= 1; is_none++) {
            const struct str sql = arena_printf(&lakes.arena, by_sha, is_none ? "NOT " : "",
                                                of[i].is_same);
            assert_true(number_of(sql.at) > 20);
        }
    }
}

/* #1 comes from a fork's main, of which nothing was ever pushed here; #2 from a branch of here. */
static const char changes[] =
    "CREATE OR REPLACE TEMP VIEW commit_folded AS SELECT * FROM (VALUES\n"
    " ('shop', 'm1', 'main', TIMESTAMP '2026-03-01 08:00:00'),\n"
    " ('shop', 'm2', 'main', TIMESTAMP '2026-03-02 08:00:00'),\n"
    " ('shop', 'f1', 'feature', TIMESTAMP '2026-03-03 08:00:00'),\n"
    " ('shop', 'f2', 'feature', TIMESTAMP '2026-03-03 09:00:00')\n"
    ") AS t(repository, sha, branch, committed_at);\n"
    "CREATE OR REPLACE TEMP VIEW change_folded AS SELECT *, closed_at AS merged_at "
    "FROM (VALUES\n"
    " ('shop', '1', 1, 'main', 'main', 'fork', 'x1', 'm2', " AT("07:00") ", " AT(
        "12:00") "),\n"
                 " ('shop', '2', 2, 'feature', 'main', 'shop', 'f2', NULL, " AT(
                     "07:00") ", NULL),\n"
                              " ('shop', '3', 3, 'main', 'main', NULL, 'y1', NULL, " AT(
                                  "07:00") ", NULL),\n"
                                           " ('shop', '4', 4, 'feature', 'main', 'fork', 'z1', "
                                           "NULL, " AT(
                                               "07:00") ", NULL)\n"
                                                        ") AS t(repository, id, number, "
                                                        "head_branch, base_branch, "
                                                        "head_repository, head_sha, merge_sha,\n"
                                                        "    created_at, closed_at)";

static void a_change_of_a_fork_has_no_commit_of_a_branch_of_that_name_here(void **state)
{
    (void)state;
    run(changes);
    make_table("told", derived_sql(model_find(S("commit"))));
    assert_int_equal(number_of("SELECT count(*) FROM told WHERE change_number = 2 AND "
                               "sha IN ('f1', 'f2')"),
                     2);
    assert_int_equal(number_of("SELECT count(*) FROM told WHERE change_number = 1 AND sha = 'm2'"),
                     1);
    assert_int_equal(number_of("SELECT count(*) FROM told"), 3);
    make_table("told", derived_sql(model_find(S("change"))));
    assert_int_equal(number_of("SELECT count(*) FROM told WHERE id = '2' AND "
                               "first_commit_at = TIMESTAMP '2026-03-03 08:00:00'"),
                     1);
    assert_int_equal(number_of("SELECT count(*) FROM told"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_change_of_a_fork_has_no_commit_of_a_branch_of_that_name_here, begin, end),
        cmocka_unit_test_setup_teardown(deployments_of_one_second_are_in_the_order_of_their_sources,
                                        begin, end),
        cmocka_unit_test_setup_teardown(an_incident_is_blamed_by_the_strongest_evidence, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_second_implementation_blames_the_same_deployments, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_second_implementation_gives_changes_the_same_commits,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
