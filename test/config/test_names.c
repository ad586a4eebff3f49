/* What collectors and sinks are called, whatever other files come and go. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/config.h"
#include "config/names.h"
#include "config/sinks.h"
#include "config/sources.h"
#include "folder.h"
#include "test.h"

enum { ARENA_BYTES = 64 << 20 };

static const struct section_type sources[] = {
    {.name = "command", .options = command_options, .bytes = sizeof(struct command_options)},
    {0},
};
static const struct section_type sinks[] = {
    {.name = "file",
     .options = file_options,
     .bytes = sizeof(struct file_options),
     .complete = file_complete},
    {0},
};
static const struct section_type nothing[] = {{0}}, buses[] = {{.name = "embedded"}, {0}},
                                 stores[] = {{.name = "sqlite"}, {0}};
static const struct drivers drivers = {{[ROLE_AGENT] = nothing,
                                        [ROLE_BUS] = buses,
                                        [ROLE_STORE] = stores,
                                        [ROLE_SOURCE] = sources,
                                        [ROLE_SINK] = sinks}};

struct setting {
    struct arena arena;
    struct config *config;
    struct str_list errors;
    const char *folder;
};

static int begin(void **state)
{
    static struct setting s;
    s = (struct setting){.folder = folder_make()};
    arena_init(&s.arena, ARENA_BYTES);
    *state = &s;
    return s.folder && mkdir(folder_path("data"), 0700) == 0 &&
                   mkdir(folder_path("data/sinks"), 0700) == 0 &&
                   mkdir(folder_path("A"), 0700) == 0 && mkdir(folder_path("B"), 0700) == 0
               ? 0
               : 1;
}

static int end(void **state)
{
    struct setting *const s = *state;
    arena_close(&s->arena);
    folder_drop();
    return 0;
}

static void write_text(const char *name, struct str text)
{
    struct failure f;
    assert_int_equal(file_replace(folder_path(name), text, 0600, &f), OK);
}

/* A file with a collector of this name, and a sink `audit` to this path. */
static void write_one(struct setting *s, const char *file, const char *name, const char *to)
{
    write_text(file, arena_printf(&s->arena,
                                  "name: %s\ncollector: { type: metric }\n"
                                  "metric: { name: m, type: COUNT }\nschedule: { interval: 1h }\n"
                                  "source: { type: metric.command, config: { run: [/bin/true] } }\n"
                                  "sinks: { audit: { type: file, config: { path: /%s } } }\n",
                                  name, to));
}

/* false: it is refused. */
static bool read_all(struct setting *s, const char *rest)
{
    struct failure f;
    write_text("weir.yaml",
               arena_printf(&s->arena, "data: ./data\ncollectors: ['?/*.y*ml']\n%s", rest));
    struct str one = str_of(folder_path("weir.yaml"));
    const struct config_from from = {.places = {&one, 1}, .drivers = &drivers};
    return config_read(&s->arena, &from, &s->config, &s->errors, &f) == OK;
}

/* As the orchestrator does. */
static void read_and_keep(struct setting *s)
{
    struct failure f;
    assert_true(read_all(s, ""));
    assert_int_equal(names_keep(s->config->names, &f), OK);
}

static const struct collector *collector_of(const struct setting *s, const char *file)
{
    for (size_t i = 0; i < s->config->collectors.n; i++) {
        if (str_ends(s->config->collectors.at[i].file, str_of(file))) {
            return &s->config->collectors.at[i];
        }
    }
    fail_msg("there is no %s", file);
    return NULL;
}

static const struct sink_config *sink_of(const struct setting *s, const char *file)
{
    return &s->config->sinks.at[collector_of(s, file)->sink[0]];
}

static void who_has_a_name_keeps_it_whatever_files_come_and_go(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/w.yaml", "users", "w");
    read_and_keep(s);
    assert_str(collector_of(s, "w.yaml")->id, "users");
    assert_str(sink_of(s, "w.yaml")->name, "audit");
    write_one(s, "A/a.yaml", "users", "a"); /* it comes before the other one */
    for (int i = 0; i < 2; i++) {           /* kept or not: the same */
        assert_true(read_all(s, ""));
        assert_str(collector_of(s, "w.yaml")->id, "users");
        assert_str(collector_of(s, "a.yaml")->id, "users@a");
        assert_str(sink_of(s, "w.yaml")->name, "audit");
        assert_str(sink_of(s, "a.yaml")->name, "audit@users@a");
        assert_int_equal(sink_of(s, "a.yaml")->from.len, 0);
        read_and_keep(s);
    }
    assert_int_equal(unlink(folder_path("A/w.yaml")), 0);
    read_and_keep(s);
    assert_str(collector_of(s, "a.yaml")->id, "users@a");
    assert_str(sink_of(s, "a.yaml")->name, "audit@users@a");
    write_one(s, "A/w.yaml", "users", "w");
    read_and_keep(s);
    assert_str(collector_of(s, "w.yaml")->id, "users");
    assert_str(sink_of(s, "w.yaml")->name, "audit");
}

static void a_folder_that_was_moved_changes_no_name(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/w.yaml", "users", "w");
    write_one(s, "A/z.yaml", "users", "z");
    read_and_keep(s);
    assert_str(collector_of(s, "w.yaml")->id, "users@w");
    assert_int_equal(unlink(folder_path("A/z.yaml")), 0);
    assert_int_equal(unlink(folder_path("A/w.yaml")), 0);
    write_one(s, "B/w.yaml", "users", "w");
    read_and_keep(s);
    assert_str(collector_of(s, "B/w.yaml")->id, "users@w");
    assert_str(sink_of(s, "B/w.yaml")->name, "audit@users@w");
}

static void files_of_one_name_in_two_folders_are_told_apart_by_these(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/u.yaml", "users", "a");
    write_one(s, "B/u.yaml", "users", "b");
    write_one(s, "B/v.yaml", "users", "v");
    assert_true(read_all(s, ""));
    assert_str(collector_of(s, "A/u.yaml")->id, "users@A/u");
    assert_str(collector_of(s, "B/u.yaml")->id, "users@B/u");
    assert_str(collector_of(s, "B/v.yaml")->id, "users@v");
    assert_str(sink_of(s, "B/u.yaml")->name, "audit@users@B-u");
    assert_int_equal(unlink(folder_path("B/u.yaml")), 0);
    read_and_keep(s);
    assert_str(collector_of(s, "A/u.yaml")->id, "users@u");
    write_one(s, "B/u.yaml", "users", "b");
    read_and_keep(s);
    assert_str(collector_of(s, "A/u.yaml")->id, "users@u");
    assert_str(collector_of(s, "B/u.yaml")->id, "users@B/u");
    write_one(s, "B/u.yml", "users", "b"); /* only the ending is another */
    read_and_keep(s);
    assert_str(collector_of(s, "B/u.yml")->id, "users@u.yml");
}

static void sinks_that_become_one_go_on_from_the_least_and_parts_of_one_from_it(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/one.yaml", "one", "same");
    write_one(s, "A/two.yaml", "two", "same");
    read_and_keep(s);
    assert_int_equal(s->config->sinks.n, 1);
    assert_str(sink_of(s, "two.yaml")->name, "audit");
    write_one(s, "A/two.yaml", "two", "other");
    read_and_keep(s);
    for (int i = 0; i < 2; i++) { /* also where weir was killed before the sink has begun */
        assert_str(sink_of(s, "one.yaml")->name, "audit");
        assert_str(sink_of(s, "two.yaml")->name, "audit@two");
        assert_str(sink_of(s, "two.yaml")->from, "audit");
        read_and_keep(s);
    }
    write_text("data/sinks/audit@two.json", S("{}"));
    read_and_keep(s);
    read_and_keep(s);
    assert_int_equal(sink_of(s, "two.yaml")->from.len, 0); /* it has a cursor of its own */
    write_one(s, "A/two.yaml", "two", "same");
    for (int i = 0; i < 2; i++) {
        read_and_keep(s);
        assert_int_equal(s->config->sinks.n, 1);
        assert_str(sink_of(s, "two.yaml")->name, "audit");
        assert_int_equal(sink_of(s, "two.yaml")->joined.n, 1);
        assert_str(sink_of(s, "two.yaml")->joined.at[0], "audit@two");
    }
    assert_int_equal(unlink(folder_path("A/one.yaml")), 0);
    read_and_keep(s);
    assert_str(sink_of(s, "two.yaml")->name, "audit"); /* though it was the other one's before */
}

static void a_cursor_of_before_names_were_kept_is_taken_over(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/one.yaml", "one", "here");
    write_one(s, "A/two.yaml", "two", "there");
    write_text("data/sinks/audit.json", S("{}"));
    for (int i = 0; i < 2; i++) {
        read_and_keep(s);
        assert_str(sink_of(s, "one.yaml")->name, "audit@one");
        assert_str(sink_of(s, "one.yaml")->from, "audit");
        assert_str(sink_of(s, "two.yaml")->from, "audit");
    }
    write_one(s, "A/three.yaml", "three", "nowhere"); /* it has come since */
    read_and_keep(s);
    assert_str(sink_of(s, "one.yaml")->from, "audit");
}

static void a_sink_of_weir_yaml_takes_no_file_its_name(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/one.yaml", "one", "here");
    read_and_keep(s);
    assert_false(
        read_all(s, "sinks: { audit: { type: file, models: [change], config: { path: x } } }\n"));
    assert_int_equal(s->errors.n, 1);
    assert_non_null(strstr(arena_cstr(&s->arena, s->errors.at[0]),
                           "weir.yaml:3:10: sinks.audit: the sink of "));
    assert_non_null(strstr(arena_cstr(&s->arena, s->errors.at[0]), "call this one otherwise"));
}

static void a_file_that_is_left_out_gives_and_takes_no_name(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/a.yaml", "a", "same");
    write_one(s, "A/b.yaml", "b", "same");
    write_one(s, "A/c.yaml", "c", "other");
    read_and_keep(s);
    assert_int_equal(s->config->sinks.n, 2);
    write_text("A/b.yaml",
               S("name: b\ncollector: { type: metric }\nmetric: { name: m, type: COUNT }\n"
                 "schedule: { interval: hourly }\n"
                 "source: { type: metric.command, config: { run: [/bin/true] } }\n"
                 "sinks: { audit: { type: file, config: { path: /same } } }\n"));
    for (int i = 0; i < 2; i++) {
        read_and_keep(s);
        assert_int_equal(s->config->collectors.n, 2);
        assert_str(sink_of(s, "a.yaml")->name, "audit@a");
        assert_str(sink_of(s, "c.yaml")->name, "audit@c");
        assert_int_equal(sink_of(s, "c.yaml")->from.len + sink_of(s, "a.yaml")->joined.n, 0);
    }
    write_one(s, "A/b.yaml", "b", "same");
    read_and_keep(s);
    assert_str(sink_of(s, "b.yaml")->name, "audit@a");
    assert_int_equal(sink_of(s, "b.yaml")->joined.n, 0);
}

static void names_that_are_damaged_are_refused(void **state)
{
    struct setting *const s = *state;
    write_one(s, "A/one.yaml", "o\\n\"e", "here");
    read_and_keep(s);
    write_text("data/names.json", S("{\"collectors\": [[\"o"));
    assert_false(read_all(s, ""));
    assert_non_null(strstr(arena_cstr(&s->arena, s->errors.at[0]), "names.json: is damaged"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest all[] = {
        CASE(who_has_a_name_keeps_it_whatever_files_come_and_go),
        CASE(a_folder_that_was_moved_changes_no_name),
        CASE(files_of_one_name_in_two_folders_are_told_apart_by_these),
        CASE(sinks_that_become_one_go_on_from_the_least_and_parts_of_one_from_it),
        CASE(a_cursor_of_before_names_were_kept_is_taken_over),
        CASE(a_sink_of_weir_yaml_takes_no_file_its_name),
        CASE(a_file_that_is_left_out_gives_and_takes_no_name),
        CASE(names_that_are_damaged_are_refused),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
