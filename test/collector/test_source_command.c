#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/asked.h"
#include "base/buf.h"
#include "collector/rows_of.h"
#include "config/sources.h"

static struct arena arena;

/* What `sh -c script` gives. */
static void run(const char *script, size_t output_bytes_max, struct rows_of *out)
{
    struct str words[] = {STR("sh"), STR("-c"), str_of(script)};
    struct text_pair variable[] = {{STR("WHO"), STR("weir")}};
    const struct command_options o = {.run = {words, 3},
                                      .environment = {variable, 1},
                                      .directory = S("/"),
                                      .output_bytes_max = output_bytes_max};
    const struct collector c = {.strategy = STRATEGY_WINDOW};
    const struct source_ask ask = {.collector = &c,
                                   .options = &o,
                                   .start_us = 0,
                                   .end_us = 60000000,
                                   .now_us = 61000000,
                                   .bookmark = S("b"),
                                   .arena = &arena,
                                   .row_bytes_max = 1 << 16};
    rows_of(&source_command, &ask, out);
}

static void each_line_is_a_row(void **state)
{
    struct rows_of got;
    (void)state;
    run("echo "
        "'{\"value\":1.50,\"big\":123456789012345678901,\"ok\":true,\"no\":null,\"o\":{\"a\":[1,2."
        "0]},\"t\":\"x\"}'; echo; "
        "echo '{\"value\":2}'; printf '{\"value\":3}'",
        1 << 20, &got);
    assert_string_equal(got.why.text, "");
    assert_string_equal(
        got.text, "value=#1.50,big=#123456789012345678901,ok=?true,no=~,o={\"a\":[1,2.0]},t=x\n"
                  "value=#2\nvalue=#3\n");
}

static void it_is_told_its_window_and_runs_where_it_shall(void **state)
{
    struct rows_of got;
    (void)state;
    run("printf '{\"s\":\"%s\",\"e\":\"%s\",\"b\":\"%s\",\"who\":\"%s\",\"d\":\"%s\"}' $WEIR_START "
        "$WEIR_END $WEIR_BOOKMARK $WHO $PWD",
        1 << 20, &got);
    assert_string_equal(
        got.text, "s=1970-01-01T00:00:00.000000Z,e=1970-01-01T00:01:00.000000Z,b=b,who=weir,d=/\n");
}

static void its_end_is_told_with_what_it_said(void **state)
{
    static const struct {
        const char *script, *why;
        enum outcome outcome;
    } cases[] = {
        {"echo one >&2; echo two >&2; exit 3", "status 3; it said: two", RETRY},
        {"kill -9 $$", "signal 9", RETRY},
        {"echo '{\"value\":1}'; echo 'not json'", "line 2 of its output: ", REJECT},
        {"echo 7", "no JSON object", REJECT},
        {"while :; do echo '{\"value\":1}'; done", "more than 4096 bytes", REJECT},
        {"head -c 100000 /dev/zero | tr '\\0' x", "more than 4096 bytes", REJECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        run(cases[i].script, 4096, &got);
        if (got.outcome != cases[i].outcome || !strstr(got.why.text, cases[i].why)) {
            fail_msg("%s: %s, %s", cases[i].script, outcome_name(got.outcome), got.why.text);
        }
    }
    struct rows_of got;
    run("head -c 100000 /dev/zero | tr '\\0' x", 1 << 20, &got);
    assert_non_null(strstr(got.why.text, "longer than 65536 bytes"));
}

static void a_program_that_is_not_there_is_a_wrong_configuration(void **state)
{
    struct rows_of got;
    struct str words[] = {STR("no-such-program-here")};
    const struct command_options o = {.run = {words, 1}, .output_bytes_max = 1 << 20};
    const struct collector c = {.strategy = STRATEGY_TICK};
    const struct source_ask ask = {.collector = &c,
                                   .options = &o,
                                   .start_us = TIME_NONE,
                                   .end_us = TIME_NONE,
                                   .arena = &arena,
                                   .row_bytes_max = 1 << 16};
    (void)state;
    rows_of(&source_command, &ask, &got);
    assert_int_equal(got.outcome, STOP);
    assert_non_null(strstr(got.why.text, "No such file"));
}

/* Of a program that writes its number there, as soon as it has. */
static pid_t pid_in(const char *name)
{
    for (int i = 0; i < 12000; i++) {
        char text[32] = "";
        FILE *const in = fopen(name, "r");
        const bool is_there = in && fgets(text, sizeof text, in) && strchr(text, '\n');
        if (in) {
            (void)fclose(in);
        }
        if (is_there) {
            return (pid_t)strtol(text, NULL, 10);
        }
        (void)usleep(5000);
    }
    fail_msg("%s stays empty", name);
    return -1;
}

static void assert_gone(pid_t pid)
{
    for (int i = 0; i < 12000 && kill(pid, 0) == 0; i++) {
        (void)usleep(5000); /* it may be a zombie of init's for a moment */
    }
    assert_int_not_equal(kill(pid, 0), 0);
}

static const char *empty_file(char *name)
{
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    close(fd);
    return name;
}

static void whoever_it_started_ends_with_it(void **state)
{
    static const struct {
        const char *script;
        enum outcome outcome;
    } cases[] = {{"sleep 600 & echo $! > %s; echo 'no json'; wait", REJECT},
                 {"sleep 600 > /dev/null 2>&1 & echo $! > %s; echo '{\"value\":1}'", OK}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rows_of got;
        char name[] = "/tmp/weir-command-XXXXXX";
        const struct str text = str_of(cases[i].script);
        const size_t at = str_find(text, '%');
        run(arena_printf(&arena, "%.*s%s%s", (int)at, text.at, empty_file(name), text.at + at + 2)
                .at,
            4096, &got);
        assert_int_equal(got.outcome, cases[i].outcome);
        assert_gone(pid_in(name));
        (void)unlink(name);
    }
}

static void whoever_it_started_ends_with_a_run_that_is_killed(void **state)
{
    char name[] = "/tmp/weir-command-XXXXXX";
    (void)state;
    const char *const script =
        arena_printf(&arena, "sleep 600 & echo $! > %s; wait", empty_file(name)).at;
    const pid_t runner = fork();
    if (runner == 0) {
        struct rows_of got;
        run(script, 4096, &got);
        _exit(0);
    }
    const pid_t pid = pid_in(name);
    assert_int_equal(kill(pid, 0), 0);
    (void)kill(runner, SIGKILL);
    (void)waitpid(runner, NULL, 0);
    assert_gone(pid);
    (void)unlink(name);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(each_line_is_a_row),
        cmocka_unit_test(it_is_told_its_window_and_runs_where_it_shall),
        cmocka_unit_test(its_end_is_told_with_what_it_said),
        cmocka_unit_test(a_program_that_is_not_there_is_a_wrong_configuration),
        cmocka_unit_test(whoever_it_started_ends_with_it),
        cmocka_unit_test(whoever_it_started_ends_with_a_run_that_is_killed),
    };
    arena_init(&arena, (size_t)64 << 20);
    asked_install(NULL, NULL);
    const int result = cmocka_run_group_tests(all, NULL, NULL);
    arena_close(&arena);
    return result;
}
