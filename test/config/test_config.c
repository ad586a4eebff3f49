/* Every kind of mistake in weir.yaml has its exact message, and all of a run come at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/value.h"
#include "test.h"

struct door {
    struct str_list secret;
    struct str name;
    struct str_list allowed;
    bool is_open;
};

static const struct option door_options[] = {
    {"secret", OPTION_SECRET, offsetof(struct door, secret), NULL,
     .about = "what it is signed with"},
    {"name", OPTION_TEXT, offsetof(struct door, name), "front", .about = "its name"},
    {"allowed", OPTION_LIST, offsetof(struct door, allowed), "", .about = "who may"},
    {"open", OPTION_BOOL, offsetof(struct door, is_open), "false", .about = "whether it is open"},
    {0},
};
static const struct section_type types[] = {
    {.name = "door", .options = door_options, .bytes = sizeof(struct door)},
    {.name = "kafka", .needs = "-Dkafka=enabled"},
    {0},
};

static const struct section_type buses[] = {{.name = "embedded"}, {0}};
static const struct section_type stores[] = {{.name = "sqlite"}, {0}};
static const struct drivers drivers = {
    {[ROLE_AGENT] = types, [ROLE_BUS] = buses, [ROLE_STORE] = stores}};

struct setting {
    char folder[64];
    struct arena arena;
    struct config *config;
    struct str_list errors;
    struct failure failure;
    enum outcome outcome;
};

static void file_write_text(const char *name, const char *text)
{
    FILE *const f = fopen(name, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int begin(void **state)
{
    static struct setting s;
    s = (struct setting){.folder = "/tmp/weir-config-XXXXXX"};
    assert_non_null(mkdtemp(s.folder));
    assert_int_equal(chdir(s.folder), 0);
    arena_init(&s.arena, 64 * 1024 * 1024);
    *state = &s;
    return 0;
}

static int end(void **state)
{
    struct setting *const s = *state;
    static const char *const names[] = {"weir.yaml", "a.yaml", "b.yaml", "secret", "empty", "link"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)unlink(names[i]);
    }
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(s->folder), 0);
    arena_close(&s->arena);
    return 0;
}

static void read_from(struct setting *s, const struct config_from *from)
{
    s->outcome = config_read(&s->arena, from, &s->config, &s->errors, &s->failure);
}

/* "": no place is named */
static void read_place(struct setting *s, const char *place)
{
    struct str one = str_of(place);
    const struct config_from from = {.places = {&one, one.len > 0}, .drivers = &drivers};
    read_from(s, &from);
}

static void read_text(struct setting *s, const char *text)
{
    file_write_text("weir.yaml", text);
    read_place(s, "weir.yaml");
}

static void assert_text(struct str is, const char *wanted)
{
    char text[2000] = "";
    assert_true(is.len < sizeof text);
    if (is.len > 0) {
        memcpy(text, is.at, is.len);
    }
    assert_string_equal(text, wanted);
}

/* What wire/listen.c opens is what may be configured. */
static void every_form_of_address_is_accepted_and_a_path_is_beside_its_file(void **state)
{
    static const char *const forms[] = {"127.0.0.1:8080",  "0.0.0.0:0",      "'[::1]:8080'",
                                        "'[::]:0'",        "'[fe80::1]:80'", "unix:weir.sock",
                                        "unix:./weir.sock"};
    struct setting *const s = *state;
    char text[128];
    char path[160];
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        (void)snprintf(text, sizeof text, "intake: { listen: [%s] }\nadmin: { listen: %s }\n",
                       forms[i], i % 2 ? forms[i] : "127.0.0.1:1");
        if (i % 2 && !strstr(forms[i], ":0")) {
            (void)snprintf(text, sizeof text, "admin: { listen: %s }\n", forms[i]);
        }
        read_text(s, text);
        if (s->outcome != OK) {
            fail_msg("%s", forms[i]);
        }
    }
    (void)snprintf(path, sizeof path, "unix:%s/weir.sock", s->folder);
    assert_text(s->config->intake.listen.at[0], path);
    read_text(s, "admin: { listen: [unix:/run/weir.sock] }\n");
    assert_text(s->config->admin.listen.at[0], "unix:/run/weir.sock");
}

static void an_empty_file_gives_every_default(void **state)
{
    struct setting *const s = *state;
    char path[128];
    read_text(s, "# nothing\n");
    assert_int_equal(s->outcome, OK);
    const struct config *const c = s->config;
    (void)snprintf(path, sizeof path, "%s/weir-data", s->folder);
    assert_text(c->data, path);
    (void)snprintf(path, sizeof path, "%s/weir-data/store.db", s->folder);
    assert_text(c->store.path, path);
    assert_text(c->intake.listen.at[0], "127.0.0.1:8080");
    assert_int_equal(c->intake.body_bytes_max, 26 * 1024 * 1024);
    assert_int_equal(c->lake.flush_ms, 300000);
    assert_true(c->lake.keep_ms == INT64_MAX);
    assert_int_equal(c->log.level, 1);
    assert_int_equal(c->agents.n, 0);
}

static uint32_t revision(struct setting *s, const char *text)
{
    read_text(s, text);
    assert_int_equal(s->outcome, OK);
    return s->config->bus.revision;
}

static void the_revision_follows_what_is_written_and_no_comment(void **state)
{
    struct setting *const s = *state;
    const uint32_t one = revision(s, "services:\n  shop: { repositories: [a/b] }\n");
    assert_int_equal(one, revision(s, "# why\nservices: { shop: { repositories: [ a/b ] } }\n"));
    assert_int_not_equal(one, revision(s, "services:\n  shop: { repositories: [a/c] }\n"));
    assert_int_not_equal(one, revision(s, "services:\n  stop: { repositories: [a/b] }\n"));
    assert_int_not_equal(one, revision(s, "services:\n  shop: { repositories: a/b }\n"));
}

static void sections_are_read_by_the_table_of_their_type(void **state)
{
    struct setting *const s = *state;
    read_text(s, "agents:\n"
                 "  one: { type: door, secret: [ a, b ], open: true }\n"
                 "  two: { type: door, secret: \"${WEIR_TEST_SECRET}\", allowed: x.org }\n"
                 "services:\n"
                 "  shop: { repositories: [acme/*, acme/shop] }\n");
    assert_int_equal(s->outcome, OK);
    const struct named_list *const agents = &s->config->agents;
    assert_int_equal(agents->n, 2);
    const struct door *const one = agents->at[0].options, *const two = agents->at[1].options;
    assert_text(agents->at[0].name, "one");
    assert_text(agents->at[0].place, "weir.yaml:2:3");
    assert_int_equal(one->secret.n, 2);
    assert_text(one->secret.at[1], "b");
    assert_text(one->name, "front");
    assert_true(one->is_open);
    assert_text(two->secret.at[0], "${not again}");
    assert_text(two->allowed.at[0], "x.org");
    const struct config_service *const shop = s->config->services.at[0].options;
    assert_int_equal(shop->repositories.n, 2);
    assert_int_equal(shop->production.n, 0); /* the signal may say it itself */
}

#define TEN "aaaaaaaaaa"
#define A_HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
static const struct {
    const char *yaml, *wanted;
} mistakes[] = {
    {"intake:\n  lisen: x\n", "weir.yaml:2:3: unknown key intake.lisen; did you mean listen?"},
    {"zebra: 1\n",
     "weir.yaml:1:1: unknown key zebra; known here: data, intake, admin, agents, "
     "services, rules, report, bus, repetitions, dead, lake, store, collectors, sinks, log, stop"},
    {"report: { failures: [link, guess] }\n",
     "weir.yaml:1:28: report.failures is guess; it wants link, fix, label, artifact, time or "
     "rollback"},
    {"report: { zone: Mars/Base }\n",
     "weir.yaml:1:17: report.zone is Mars/Base, which is no zone of the tz database; it wants a "
     "name such as Europe/Rome"},
    {"report:\n  zone: Europe/Rom\n",
     "weir.yaml:2:9: report.zone is Europe/Rom, which is no zone of the tz database; did you mean "
     "Europe/Rome?"},
    {"report: { zone: Europe }\n",
     "weir.yaml:1:17: report.zone is Europe, which is no zone of the tz database; it wants a name "
     "such as Europe/Rome"},
    {"report: { zone: \"\" }\n",
     "weir.yaml:1:17: report.zone is empty, which is no zone of the tz database; it wants a name "
     "such as Europe/Rome"},
    {"rules: { rollbacks: [ok.a=*, $x=1] }\n",
     "weir.yaml:1:30: rules.rollbacks holds $x=1; it wants PATH=GLOB, such as "
     "deployment.payload.kind=rollback"},
    {"rules: { rollbacks: a.b= }\n",
     "weir.yaml:1:21: rules.rollbacks holds a.b=; it wants PATH=GLOB, such as "
     "deployment.payload.kind=rollback"},
    {"intake: 3\n", "weir.yaml:1:9: intake is 3; it wants a section (key: value)"},
    {"intake:\n  body_bytes_max: much\n",
     "weir.yaml:2:19: intake.body_bytes_max is much; it wants a size such as 26MiB (KiB, MiB, "
     "GiB)"},
    {"intake: { body_bytes_max: 2GiB }\n",
     "weir.yaml:1:27: intake.body_bytes_max is 2GiB; it wants 1KiB to 32MiB"},
    {"intake: { body_bytes_max: [1] }\n",
     "weir.yaml:1:28: intake.body_bytes_max wants a size such as 26MiB (KiB, MiB, GiB)"},
    {"intake: { processes: -1 }\n",
     "weir.yaml:1:22: intake.processes is -1; it wants a whole number"},
    {"intake: { processes: 65 }\n", "weir.yaml:1:22: intake.processes is 65; it wants 1 to 64"},
    {"intake: { processes: }\n",
     "weir.yaml:1:11: intake.processes has no value; it wants a whole number"},
    {"intake: { request: 10 }\n",
     "weir.yaml:1:20: intake.request is 10; it wants a duration such as 30s (ms, s, m, h, d)"},
    {"intake: { request: 2h }\n", "weir.yaml:1:20: intake.request is 2h; it wants 100ms to 1h"},
    {"lake: { keep: 1s }\n", "weir.yaml:1:15: lake.keep is 1s; it wants 1h to forever"},
    {"intake: { listen: 8080 }\n",
     "weir.yaml:1:19: intake.listen is 8080; it wants IP:PORT (no host name; up to 65535), "
     "[::1]:PORT or unix:PATH"},
    {"intake: { listen: [127.0.0.1:1, 127.0.0.1:99999] }\n",
     "weir.yaml:1:33: intake.listen is 127.0.0.1:99999; it wants IP:PORT (no host name; up to "
     "65535), [::1]:PORT or unix:PATH"},
    {"intake: { listen: [] }\n",
     "weir.yaml:1:11: intake.listen is empty; it wants IP:PORT (no host name; up to 65535), "
     "[::1]:PORT or unix:PATH"},
    {"intake: { listen: 'localhost:8080' }\n",
     "weir.yaml:1:19: intake.listen is localhost:8080; it wants IP:PORT (no host name; up to "
     "65535), [::1]:PORT or unix:PATH"},
    {"intake: { listen: '[::g]:8080' }\n",
     "weir.yaml:1:19: intake.listen is [::g]:8080; it wants IP:PORT (no host name; up to 65535), "
     "[::1]:PORT or unix:PATH"},
    {"intake: { listen: [127.0.0.1:1, 127.0.0.1:1] }\n",
     "weir.yaml:1:33: intake.listen names 127.0.0.1:1 twice"},
    {"bus: { disk_max: 64MiB }\n",
     "weir.yaml:1:18: bus.disk_max is less than four times intake.body_bytes_max: a largest body "
     "and what is made of it must fit in; raise disk_max to 104MiB or lower body_bytes_max"},
    {"intake: { body_bytes_max: 1MiB }\nbus: { segment: 64MiB, disk_max: 32MiB }\n",
     "weir.yaml:2:17: bus.segment is more than bus.disk_max: one segment must fit in; lower "
     "segment or raise disk_max"},
    {"data: ''\n", "weir.yaml:1:7: data is empty; it wants a path"},
    {"lake: { path: '' }\n", "weir.yaml:1:15: lake.path is empty; it wants a path"},
    {"store: { path: / }\n", "weir.yaml:1:16: store.path: there is a folder, and it wants a file"},
    {"data: weir.yaml\n", "weir.yaml:1:7: data: there is a file, and it wants a folder"},
    {"lake: { path: ./weir-data/bus/lake }\ndata: weir-data\n",
     "weir.yaml:1:15: lake.path and bus.path are the same or one in the other: give each a place "
     "of "
     "its own"},
    {"lake: { path: ./x/../a }\nstore: { path: .//a/. }\n",
     "weir.yaml:1:15: lake.path and store.path are the same or one in the other: give each a place "
     "of its own"},
    {"lake: { path: link/a }\nstore: { path: a/store.db }\n",
     "weir.yaml:1:15: lake.path and store.path are the same or one in the other: give each a place "
     "of its own"},
    {"lake: { path: a }\nstore: { path: a }\n",
     "weir.yaml:1:15: lake.path and store.path are the same or one in the other: give each a place "
     "of its own"},
    {"data: d\nstore: { path: d/run/store.db }\n",
     "weir.yaml:2:16: store.path and the folder run in data are the same or one in the other: give "
     "each a place of its own"},
    {"data: d\nstore: { path: d/state.db }\n",
     "weir.yaml:2:16: store.path and the file state.db in data are the same or one in the other: "
     "give each a place of its own"},
    {"services: { a: [b] }\n",
     "weir.yaml:1:17: services.a: a section is wanted (key: value), not a list"},
    {"intake:\n  - listen: '127.0.0.1:1'\n",
     "weir.yaml:2:5: intake: a section is wanted (key: value), not a list"},
    {"intake: { tls: [a] }\n",
     "weir.yaml:1:17: intake.tls: a section is wanted (key: value), not a list"},
    {"bus: { disk_max: 1MiB }\n", "weir.yaml:1:18: bus.disk_max is 1MiB; it wants 16MiB or more"},
    {"admin: { listen: 127.0.0.1:8080 }\n", "weir.yaml:1:18: admin.listen and intake.listen are "
                                            "both 127.0.0.1:8080; give one another port"},
    {"intake: { tls: { key: k.pem } }\n",
     "weir.yaml:1:18: intake.tls has a key and no certificate; it wants both"},
    {"intake: { body_bytes_max: 32MiB, bodies_bytes_max: 127MiB }\n",
     "weir.yaml:1:52: intake.bodies_bytes_max is less than four times body_bytes_max: the "
     "largest bodies could never come in"},
    {"agents: { a: { type: door, secret: ${NOPE} } }\n",
     "weir.yaml:1:37: missing comma in flow mapping; inside { } and [ ] a ${NAME} is written in "
     "quotes: \"${NAME}\""},
    {"data: /" A_HUNDRED "\n",
     "weir.yaml:1:7: data: its absolute path has 101 bytes, and the socket in it can only be "
     "reached with 90; give a shorter one"},
    {"store: { type: oracle }\n", "weir.yaml:1:16: store.type is oracle; it wants sqlite"},
    {"log: { level: loud }\n",
     "weir.yaml:1:15: log.level is loud; it wants debug, info, warn or error"},
    {"agents:\n  a: { secret: s }\n", "weir.yaml:2:3: agents.a lacks its type: door or kafka"},
    {"agents:\n  a: { type: dor, secret: s }\n",
     "weir.yaml:2:14: agents.a.type is dor; it wants door or kafka"},
    {"agents:\n  a: { type: kafka }\n", "weir.yaml:2:14: agents.a.type: this weir was built "
                                        "without kafka; build it with -Dkafka=enabled"},
    {"agents:\n  a: { type: door }\n",
     "weir.yaml:2:3: agents.a.secret is missing: what it is signed with"},
    {"agents:\n  a: { type: door, secret: { x: hush } }\n",
     "weir.yaml:2:30: agents.a.secret wants a secret or a list of secrets"},
    {"agents:\n  a: { type: door, secret: '' }\n", "weir.yaml:2:28: agents.a.secret is empty"},
    {"agents:\n  a: { type: door, secret: s, open: yes }\n",
     "weir.yaml:2:37: agents.a.open is yes; it wants true or false"},
    {"agents:\n  A_b: { type: door, secret: s }\n",
     "weir.yaml:2:3: agents.A_b: a name has 1 to 40 of a-z, 0-9 and -"},
    {"agents:\n  intake-0: { type: door, secret: s }\n",
     "weir.yaml:2:3: agents.intake-0: weir keeps this name for itself; choose another"},
    {"data: ${NO_SUCH_THING}\n", "weir.yaml:1:7: ${NO_SUCH_THING}: the environment has no "
                                 "NO_SUCH_THING; export it or write ${NO_SUCH_THING:-default}"},
    {"data: ${no way}\n",
     "weir.yaml:1:7: ${no way} is not ${NAME}, ${NAME:-default} or ${file:PATH}"},
    {"data: a${b\n", "weir.yaml:1:7: ${ without its }; $${ stands for the text ${"},
    {"data: ${file:nowhere}\n",
     "weir.yaml:1:7: ${file:nowhere}: read nowhere: No such file or directory"},
    {"data: a\ndata: b\n", "weir.yaml:2:1: data stands here twice; first at weir.yaml:1:1"},
    {"data: &x a\n", "weir.yaml:1:10: anchors and aliases are not used here: write it out"},
    {"data: !!str a\n", "weir.yaml:1:13: tags are not used here: leave the !… away"},
    {"lake: { <<: { keep: 1d } }\n",
     "weir.yaml:1:9: merge keys (<<) are not used here: write it out"},
    {"data: a\n---\ndata: b\n", "weir.yaml:3:1: a second document (---): one file is one document"},
    {"- a\n", "weir.yaml:1:3: is no map of sections such as `agents:`"},
    {"data: \"a\n", "weir.yaml:1:8: double-quoted scalar without closing quote"},
};

static void every_mistake_has_its_message(void **state)
{
    struct setting *const s = *state;
    assert_int_equal(symlink(".", "link"), 0); /* another name of the folder */
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        read_text(s, mistakes[i].yaml);
        if (s->outcome != STOP || s->errors.n == 0) {
            fail_msg("taken: %s", mistakes[i].yaml);
        }
        assert_text(s->errors.at[0], mistakes[i].wanted);
    }
}

/* `key: value` of every section that the tables know, below the sections that it stands in. */
static void assert_sections(struct setting *s, const struct option *options, const char *before,
                            const char *after)
{
    static const char *const values[] = {"[]", "[a]", "[{type: x}]", "1", "''"};
    for (const struct option *o = options; o->name; o++) {
        if (o->type != OPTION_SECTION && o->type != OPTION_NAMED) {
            continue;
        }
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            char yaml[256];
            (void)snprintf(yaml, sizeof yaml, "%s%s: %s%s\n", before, o->name, values[i], after);
            read_text(s, yaml);
            if (s->outcome != STOP || !strstr(s->errors.at[0].at, "a section")) {
                fail_msg("taken: %s", yaml);
            }
        }
        if (o->type == OPTION_SECTION) {
            char in[128];
            (void)snprintf(in, sizeof in, "%s%s: { ", before, o->name);
            assert_sections(s, o->section, in, " }");
        }
    }
}

static void no_list_and_no_text_stands_for_a_section(void **state)
{
    assert_sections(*state, config_options, "", "");
}

static void all_mistakes_are_told_in_one_run(void **state)
{
    struct setting *const s = *state;
    read_text(s, "intake: { processes: 0, lisen: x }\nlog: { level: loud }\n"
                 "agents: { a: { type: door } }\nstop: soon\n");
    assert_int_equal(s->outcome, STOP);
    assert_int_equal(s->errors.n, 5);
    assert_string_equal(s->failure.text, "the configuration has 5 errors");
    /* what a table refuses, and what only fits together or not */
    read_text(s, "intake: { processes: 0, listen: '127.0.0.1:99999', tls: { key: k } }\n"
                 "admin: { listen: '127.0.0.1:99999' }\n"
                 "agents: { collect: { type: door }, intake-3: { type: door, secret: s } }\n");
    for (size_t i = 0; i < s->errors.n; i++) {
        assert_true(str_starts(s->errors.at[i], S("weir.yaml:")));
    }
    assert_int_equal(s->errors.n, 8);
    read_text(s, "agents: { a: { type: dor, secret: ['${WEIR_TEST_NONE}'] }, b: { secret: "
                 "'${WEIR_TEST_NONE}' } }\n");
    assert_int_equal(s->errors.n, 4);
}

static void mistakes_come_in_the_order_of_their_lines(void **state)
{
    struct setting *const s = *state;
    read_text(s, "log: { level: loud }\nstop: soon\nintake:\n  processes: 0\n  lisen: x\n"
                 "  listen: '127.0.0.1:99999'\nadmin: { behind: x, liste: y }\nzebra: 1\n");
    static const char *const wanted[] = {"1:15", "2:7",  "4:14", "5:3",
                                         "6:11", "7:18", "7:21", "8:1"};
    assert_int_equal(s->errors.n, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < s->errors.n; i++) {
        assert_true(
            str_starts(str_sub(s->errors.at[i], 10, s->errors.at[i].len), str_of(wanted[i])));
    }
}

static void a_secret_is_in_no_message(void **state)
{
    struct setting *const s = *state;
    file_write_text("secret", "hush");
    read_text(s, "agents:\n  a: { type: door, secret: [ hush, [hush] ], name: { hush: 1 } }\n"
                 "log: { level: \"${file:secret}\" }\n"
                 "intake: { processes: \"${file:secret}\", listen: \"${WEIR_TEST_SECRET}\" }\n");
    assert_true(s->errors.n >= 4);
    for (size_t i = 0; i < s->errors.n; i++) {
        assert_null(strstr(s->errors.at[i].at, "hush"));
        assert_null(strstr(s->errors.at[i].at, "not again"));
    }
}

static void values_are_expanded_once(void **state)
{
    struct setting *const s = *state;
    file_write_text("secret", "s3cret: [\n");
    file_write_text("empty", "");
    read_text(s, "agents:\n  a: { type: door, secret: \"${file:secret}\", "
                 "name: \"a$${b}${NO_SUCH:-c}${WEIR_TEST_SECRET}$\" }\n");
    assert_int_equal(s->outcome, OK);
    const struct door *const a = s->config->agents.at[0].options;
    assert_text(a->secret.at[0], "s3cret: [");
    assert_text(a->name, "a${b}c${not again}$");
    read_text(s, "agents:\n  a: { type: door, secret: \"${file:empty}\" }\n");
    assert_text(s->errors.at[0], "weir.yaml:2:28: agents.a.secret is empty");
    read_text(s, "agents:\n  a: { type: door, secret: s, name: \"${HOME}/x${Y:-${Z}}\" }\n");
    assert_text(s->errors.at[0], "weir.yaml:2:37: ${Y:-${Z: a default is plain text, and cannot "
                                 "hold another ${");
    read_text(s, "agents:\n  a: { type: door, secret: s, name: \"a\\u0000b\" }\n");
    assert_text(s->errors.at[0], "weir.yaml:2:37: agents.a.name holds a zero byte");
}

static void files_of_a_folder_are_merged_by_section(void **state)
{
    struct setting *const s = *state;
    file_write_text("a.yaml", "agents:\n  one: { type: door, secret: s }\n");
    file_write_text("b.yaml", "agents:\n  two: { type: door, secret: s }\nstop: 1s\n");
    read_place(s, ".");
    assert_int_equal(s->outcome, OK);
    assert_int_equal(s->config->agents.n, 2);
    assert_int_equal(s->config->stop_ms, 1000);
    read_place(s, "[ab].yaml");
    assert_int_equal(s->config->files.n, 2);
}

static void a_folder_that_looks_like_a_pattern_is_that_folder(void **state)
{
    static const char *const names[] = {"c[1]", "c*", "c?", "c{1,2}", "c\\1", "~c", "c[!1]"};
    struct setting *const s = *state;
    assert_int_equal(mkdir("c1", 0700), 0);
    file_write_text("c1/other.yaml", "nothing: known\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *const file = arena_printf(&s->arena, "%s/a.yaml", names[i]).at;
        assert_int_equal(mkdir(names[i], 0700), 0);
        file_write_text(file, "stop: 1s\n");
        read_place(s, names[i]);
        assert_int_equal(s->outcome, OK);
        assert_int_equal(s->config->files.n, 1);
        assert_text(s->config->files.at[0], file);
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(names[i]), 0);
    }
    assert_int_equal(unlink("c1/other.yaml"), 0);
    assert_int_equal(rmdir("c1"), 0);
}

static void the_same_name_in_two_files_names_both_places(void **state)
{
    struct setting *const s = *state;
    file_write_text("a.yaml", "stop: 1s\nlog: { level: info }\n");
    file_write_text("b.yaml", "\nstop: 2s\nlog: { format: json }\n");
    read_place(s, "*.yaml");
    assert_int_equal(s->errors.n, 1);
    assert_text(s->errors.at[0], "b.yaml:2:1: stop is set a second time; first at a.yaml:1:1");
}

static void one_name_in_two_files_is_no_merged_agent(void **state)
{
    struct setting *const s = *state;
    file_write_text("a.yaml", "agents:\n  one: { type: door, secret: s }\nstore: { keep: 1d }\n");
    file_write_text("b.yaml", "store: { keep: 2d }\nagents:\n  one: { name: back }\n");
    read_place(s, "*.yaml");
    assert_int_equal(s->errors.n, 2);
    assert_text(s->errors.at[0],
                "b.yaml:1:10: store.keep is set a second time; first at a.yaml:3:10");
    assert_text(s->errors.at[1],
                "b.yaml:3:3: agents.one is set a second time; first at a.yaml:2:3");
}

static void every_place_that_is_named_is_read(void **state)
{
    struct setting *const s = *state;
    file_write_text("a.yaml", "agents:\n  one: { type: door, secret: s }\n");
    file_write_text("b.yaml", "agents:\n  two: { type: door, secret: s }\n");
    struct str place[] = {S("b.yaml"), S("[ab].yaml")};
    read_from(s, &(struct config_from){.places = {place, 2}, .drivers = &drivers});
    assert_int_equal(s->outcome, OK);
    assert_int_equal(s->config->files.n, 2); /* b.yaml once */
    assert_int_equal(s->config->agents.n, 2);
    assert_int_equal(symlink(".", "link"), 0);
    struct str again[] = {S("b.yaml"), S("./b.yaml"), S("link/b.yaml")};
    read_from(s, &(struct config_from){.places = {again, 3}, .drivers = &drivers});
    assert_int_equal(s->outcome, OK);
    assert_int_equal(s->config->files.n, 1);
    place[1] = S("c.yaml");
    read_from(s, &(struct config_from){.places = {place, 2}, .drivers = &drivers});
    assert_text(s->errors.at[0], "c.yaml: no such file; `weir init` writes one");
}

static void who_only_asks_needs_no_secret(void **state)
{
    struct setting *const s = *state;
    struct str place = S("weir.yaml");
    struct config_from from = {
        .places = {&place, 1}, .drivers = &drivers, .is_without_secrets = true};
    file_write_text("weir.yaml", "agents:\n  a: { type: door, secret: '${file:nowhere}' }\n"
                                 "intake: { tls: { certificate: nowhere, key: nowhere } }\n");
    read_from(s, &from);
    assert_int_equal(s->outcome, OK);
    assert_int_equal(((struct door *)s->config->agents.at[0].options)->secret.n, 0);
    from.is_without_secrets = false;
    read_from(s, &from);
    assert_int_equal(s->errors.n, 2);
}

static void a_missing_file_says_what_to_do(void **state)
{
    struct setting *const s = *state;
    read_place(s, "nowhere.yaml");
    assert_text(s->errors.at[0], "nowhere.yaml: no such file; `weir init` writes one");
    read_place(s, ".");
    assert_text(s->errors.at[0], ".: no *.yaml or *.yml in this folder; `weir init .` writes one");
    read_place(s, "");
    assert_non_null(strstr(s->errors.at[0].at, "looked for ./weir.yaml, "));
    assert_non_null(strstr(s->errors.at[0].at, "`weir init`"));
}

static void a_folder_that_may_not_be_read_is_not_called_empty(void **state)
{
    struct setting *const s = *state;
    file_write_text("a.yaml", "stop: 1s\n");
    if (geteuid() != 0) {
        skip_because("only root can become another user");
    }
    assert_int_equal(chmod(s->folder, 0700), 0);
    assert_int_equal(seteuid(65534), 0);
    read_place(s, s->folder);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(s->outcome, STOP);
    assert_non_null(strstr(s->errors.at[0].at, "Permission denied; the user that runs weir"));
}

static void an_alias_bomb_is_refused_at_once(void **state)
{
    struct setting *const s = *state;
    read_text(s, "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n");
    assert_int_equal(s->outcome, STOP);
    assert_true(s->arena.held_bytes < 1024 * 1024);
}

/* Where a list is wanted nothing else would refuse them. */
static void each_anchor_and_each_alias_of_a_list_is_refused(void **state)
{
    struct setting *const s = *state;
    read_text(s, "agents: { a: { type: door, secret: s, allowed: [&a x, *a, y, *a] } }\n");
    assert_int_equal(s->outcome, STOP);
    size_t n = 0;
    for (size_t i = 0; i < s->errors.n; i++) {
        n += str_ends(s->errors.at[i], S("anchors and aliases are not used here: write it out"));
    }
    assert_int_equal(n, 3);
}

static void sizes_and_durations_have_exact_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t size, duration; /* -1: not one */
    } values[] = {
        {"0", 0, 0},
        {"512", 512, -1},
        {"4KiB", 4096, -1},
        {"1.5GiB", -1, -1},
        {"1GB", -1, -1},
        {"", -1, -1},
        {"KiB", -1, -1},
        {"30s", -1, 30000},
        {"500ms", -1, 500},
        {"7d", -1, 604800000},
        {"1h30m", -1, -1},
        {"forever", -1, INT64_MAX},
        {"-5s", -1, -1},
        {"9223372036854775807", INT64_MAX, -1},
        {"9007199254740992KiB", -1, -1},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int64_t got = -1;
        assert_int_equal(value_size(str_of(values[i].text), &got), values[i].size >= 0);
        assert_true(got == values[i].size);
        got = -1;
        assert_int_equal(value_duration(str_of(values[i].text), &got), values[i].duration >= 0);
        assert_true(got == values[i].duration);
    }
}

int main(void)
{
    assert_int_equal(setenv("WEIR_TEST_SECRET", "${not again}", 1), 0);
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(an_empty_file_gives_every_default, begin, end),
        cmocka_unit_test_setup_teardown(
            every_form_of_address_is_accepted_and_a_path_is_beside_its_file, begin, end),
        cmocka_unit_test_setup_teardown(the_revision_follows_what_is_written_and_no_comment, begin,
                                        end),
        cmocka_unit_test_setup_teardown(sections_are_read_by_the_table_of_their_type, begin, end),
        cmocka_unit_test_setup_teardown(every_mistake_has_its_message, begin, end),
        cmocka_unit_test_setup_teardown(no_list_and_no_text_stands_for_a_section, begin, end),
        cmocka_unit_test_setup_teardown(mistakes_come_in_the_order_of_their_lines, begin, end),
        cmocka_unit_test_setup_teardown(all_mistakes_are_told_in_one_run, begin, end),
        cmocka_unit_test_setup_teardown(a_secret_is_in_no_message, begin, end),
        cmocka_unit_test_setup_teardown(values_are_expanded_once, begin, end),
        cmocka_unit_test_setup_teardown(files_of_a_folder_are_merged_by_section, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_looks_like_a_pattern_is_that_folder, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_same_name_in_two_files_names_both_places, begin, end),
        cmocka_unit_test_setup_teardown(one_name_in_two_files_is_no_merged_agent, begin, end),
        cmocka_unit_test_setup_teardown(every_place_that_is_named_is_read, begin, end),
        cmocka_unit_test_setup_teardown(who_only_asks_needs_no_secret, begin, end),
        cmocka_unit_test_setup_teardown(a_missing_file_says_what_to_do, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_may_not_be_read_is_not_called_empty, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_alias_bomb_is_refused_at_once, begin, end),
        cmocka_unit_test_setup_teardown(each_anchor_and_each_alias_of_a_list_is_refused, begin,
                                        end),
        cmocka_unit_test(sizes_and_durations_have_exact_units),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
