/* Programs that mean harm, or do it without meaning it: each ends in a right value or in an error
 * that says why, its process holds nothing and grows by nothing, and whoever asked goes on. */
#include "test.h"
#include "wire/jq/jq.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES = 4096, FDS_MAX = 4, SHORT_MS = 100, LONG_MS = 10000 };
#define MEMORY_BYTES ((size_t)64 << 20)

static struct arena arena, lasting;
static struct jq_pool *pool;

static int open_pool(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    arena_init(&lasting, 1 << 20);
    pool = jq_pool_open(&lasting);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    arena_close(&lasting);
    arena_close(&arena);
    return 0;
}

static struct mapping mapping_of(const char *program, int64_t time_ms)
{
    return (struct mapping){.name = S("./own.jq"),
                            .program = str_of(program),
                            .limits = {.memory_bytes = MEMORY_BYTES,
                                       .output_bytes = 1 << 16,
                                       .time_ms = time_ms,
                                       .depth = 8,
                                       .outputs = 100}};
}

static enum outcome run(const struct mapping *m, const char *body, struct str *out,
                        struct failure *f)
{
    const struct jq_input in = {.mapping = m, .body = str_of(body), .context = S("{}")};
    *f = (struct failure){.outcome = OK};
    return jq_run(pool, &arena, &in, out, f);
}

/* ---- programs ---- */

#define TIME "it ran longer than 100 ms (limits.time)"
#define MEMORY "libjq gave up: it wanted more than 64 MiB of memory (limits.memory)"
#define DIED "died twice in a row on this signal: "

static const struct {
    const char *program;
    const char *gives; /* NULL: it fails */
    const char *says;  /* some of its message */
} programs[] = {
    /* the machine */
    {"$ENV, env", "[{},{}]", NULL},
    {"$ENV.PATH, env.HOME", "[null,null]", NULL},
    {"input_filename, input_line_number", "[null,0]", NULL},
    {"input", NULL, "a mapping has one input: the body"},
    {"[inputs]", NULL, "a mapping has one input: the body"},
    {"now", NULL, "a mapping has no clock: use $received"},
    {"import \"/etc/passwd\" as $p; $p", NULL, "line 1: syntax error, unexpected import"},
    {"include \"a\" {search: \"/tmp\"}; 1", NULL, "line 1: syntax error, unexpected include"},
    {"1) , (2", NULL, "line 1: syntax error"}, /* out of the prelude's braces: it has none */
    {"\"../../etc/passwd\" | modulemeta", NULL, "search path"},
    {"get_search_list", "[]", NULL},
    {"\"a\" | debug, debug(\"b\"), stderr", "[\"a\",\"a\",\"a\"]", NULL},
    {"0 | localtime | mktime", "[0]", NULL}, /* UTC, whatever the machine's zone */
    {"0 | strflocaltime(\"%H %Z\")", "[\"00 UTC\"]", NULL},
    {"halt", NULL, "halts"},
    {"\"boom\" | halt_error", NULL, "halts"},
    /* without end */
    {"[limit(infinite; repeat(1))]", NULL, DIED},
    {"limit(infinite; repeat(1)) | empty", NULL, DIED TIME},
    {"range(1e12)", NULL, "gives more than 100 events and rows (limits.outputs)"},
    {"range(1e12) | empty", NULL, DIED TIME},
    {"last(range(1e12))", NULL, DIED TIME},
    {"def f: f; f", NULL, DIED TIME},
    {"def f: 1 + f; f", NULL, DIED},
    {"0 | until(. < 0; . + 1)", NULL, DIED TIME},
    {"\"a\" | gsub(\"\"; \"b\")", NULL, DIED TIME}, /* jq issue 2148 */
    {"[[range(100)] | combinations(5)] | length", NULL, DIED},
    /* too much */
    {"\"x\" * 1e9 | length", NULL, DIED},
    {"\"x\" * 1e12 | length", NULL, "too long"},
    {"\"x\" * 70000", NULL, "gives more than 65536 bytes (limits.output_bytes)"},
    {"reduce range(40) as $i (\"x\"; . + .) | length", NULL, DIED},
    {"[limit(100; repeat([range(100000)]))] | length", NULL, DIED},
    {"[] | .[1000000000] = 1", NULL, DIED},
    {"[] | .[1e18] = 1", NULL, "Out of bounds"},
    {"1e300 | todate", NULL, DIED MEMORY},
    {"reduce range(300000) as $i (0; {a: .}) | length", NULL, DIED},
    {"reduce range(10000) as $i (0; [.])", NULL, "nested deeper than 8 levels (limits.depth)"},
    {"getpath([range(100000) | \"a\"])", NULL, "Path too deep"},
    {"setpath([range(100000) | \"a\"]; 1)", NULL, "Path too deep"},
    {"\"[\" * 100000 | fromjson", NULL, "Exceeds depth limit"},
    {"error([range(1000)])", NULL, "[0,1,2,3,"},
    /* regular expressions */
    {"\"a\" * 40 + \"!\" | test(\"^(a+)+$\")", NULL, "retry-limit-in-match over"},
    {"\"x\" | test(\"((((\")", NULL, "unmatched parenthesis"},
    {"\"a\" * 1000 | [match(\"a\"; \"g\").offset] | length", "[1000]", NULL},
    {"\"a\" | test(\"a\"; \"q\")", NULL, "q is not a valid modifier string"},
    /* junk */
    {"\"!!!???\" | @base64d", NULL, "is not valid base64 data"},
    {"\"a\" | @base64d", NULL, "trailing base64 byte"},
    {"\"/w==\" | @base64d", "[\"\xef\xbf\xbd\"]", NULL},
    {"[1, 2, 3] | .[nan]", "[null]", NULL},
    {"[1] | .[-5] = 1", NULL, "Out of bounds negative array index"},
    {"[infinite, -infinite, nan, 1e1000, -0]", "[null,null,null,null,0]", NULL},
    {"error(null)", NULL, "error(null)"}, /* to jq 1.6 the end of the outputs */
    {"1, (null | error)", NULL, "error(null)"},
    {"error(\"a\\u0000b\")", NULL, "own: a\\u0000b"},
    {"try error(\"a\") catch .", "[\"a\"]", NULL},
    {"label $out | 1, break $out, 2", "[1]", NULL},
    {"[.[]?, first(1, 2)]", "[1]", NULL},
    {"", NULL, "line 1: syntax error, unexpected $end"},
    {"1 +\r\n 2 #\r\n", "[3]", NULL},
    {"1 |\r\n\r\n$nope", NULL, "line 3: $nope is not defined"},
};

static void every_program_gives_what_is_right_or_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        const bool dies = programs[i].says && str_starts(str_of(programs[i].says), S(DIED));
        const struct mapping m = mapping_of(programs[i].program, dies ? SHORT_MS : LONG_MS);
        struct str out = {0};
        struct failure f;
        struct jq_pool *const before = pool;
        struct arena own;
        arena_init(&own, 1 << 20);
        pool = jq_pool_open(&own); /* or there would be a process a program */
        const enum outcome result = run(&m, "{}", &out, &f);
        arena_close(&own);
        pool = before;
        const bool is_right = programs[i].gives
                                  ? result == OK && str_eq(out, str_of(programs[i].gives))
                                  : result == REJECT && strstr(f.text, programs[i].says);
        if (!is_right) {
            fail_msg("%s: %s, %.*s, not %s", programs[i].program, f.text, STR_ARG(out),
                     programs[i].gives ? programs[i].gives : programs[i].says);
        }
        arena_reset(&arena);
    }
}

static void numbers_beyond_a_double_are_exact_in_every_place(void **state)
{
    (void)state;
    const struct mapping m = mapping_of(".a, .b[0], (.c | tostring), .d, (.a | tonumber), "
                                        "9007199254740993",
                                        LONG_MS);
    struct str out = {0};
    struct failure f;
    assert_int_equal(run(&m,
                         "{\"a\":9007199254740993,\"b\":[9223372036854775808],"
                         "\"c\":-9223372036854775809,\"d\":9007199254740992}",
                         &out, &f),
                     OK);
    /* Those that the program makes numbers of itself are what a double makes of them. */
    assert_str(out, "[\"9007199254740993\",\"9223372036854775808\",\"-9223372036854775809\","
                    "9007199254740992,9007199254740992,9007199254740992]");
}

/* ---- the process ---- */

/* The last child of `parent`; 0: it has none. */
static pid_t child_of(pid_t parent)
{
    char text[64];
    snprintf(text, sizeof text, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *const file = fopen(text, "re");
    uint64_t pid = 0;
    const size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    for (struct str rest = {text, n}; rest.len > 0;) {
        (void)str_to_u64(str_cut(rest, ' ', &rest), &pid);
    }
    if (file) {
        (void)fclose(file);
    }
    return (pid_t)pid;
}

static pid_t child(void)
{
    return child_of(getpid());
}

/* What stands behind `name` in /proc/PID/status. */
static struct str status_of(pid_t pid, const char *name)
{
    static char text[TEXT_BYTES];
    snprintf(text, sizeof text, "/proc/%d/status", (int)pid);
    FILE *const file = fopen(text, "re");
    const size_t n = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    for (struct str rest = {text, n}; rest.len > 0;) {
        struct str value;
        const struct str line = str_cut(rest, '\n', &rest);
        if (str_eq(str_cut(line, ':', &value), str_of(name))) {
            return str_trim(value);
        }
    }
    return (struct str){NULL, 0};
}

static void its_process_holds_one_socket_and_cannot_ask_for_more(void **state)
{
    (void)state;
    const struct mapping m = mapping_of("1", LONG_MS);
    struct str out = {0};
    struct failure f;
    char path[64];
    assert_int_equal(run(&m, "{}", &out, &f), OK);
    const pid_t pid = child();
    assert_true(pid > 0);
    assert_str(status_of(pid, "Seccomp"), "2"); /* a filter; test/wire/test_confine.c tries it */
    assert_str(status_of(pid, "NoNewPrivs"), "1");
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *const folder = opendir(path);
    assert_non_null(folder);
    int fds = -2; /* . and .. */
    while (readdir(folder)) {
        fds++;
    }
    (void)closedir(folder);
    assert_true(fds <= FDS_MAX); /* three of /dev/null and the socket */
#ifndef __SANITIZE_ADDRESS__
    struct rlimit room;
    assert_int_equal(prlimit(pid, RLIMIT_AS, NULL, &room), 0);
    assert_true(room.rlim_cur == room.rlim_max && room.rlim_max < 64 * MEMORY_BYTES);
#endif
}

static void a_process_that_is_killed_is_made_anew_and_its_signal_mapped(void **state)
{
    (void)state;
    const struct mapping m = mapping_of(".a", LONG_MS);
    struct str out = {0};
    struct failure f;
    pid_t last = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(run(&m, "{\"a\":7}", &out, &f), OK);
        assert_str(out, "[7]");
        const pid_t pid = child();
        assert_true(pid > 0 && pid != last);
        assert_int_equal(kill(pid, SIGKILL), 0);
        last = pid;
    }
}

/* A process that kills the next child of this one as soon as there is one. */
static pid_t start_killer(void)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    pid_t found = getpid();
    while (found == getpid() || found == 0) {
        found = child_of(parent);
    }
    _exit(kill(found, SIGKILL));
}

static void a_process_that_is_killed_while_it_compiles_makes_nothing_dead(void **state)
{
    (void)state;
    const struct mapping m = mapping_of("7", LONG_MS);
    struct str out = {0};
    struct failure f;
    int status = -1;
    const pid_t killer = start_killer();
    const enum outcome result = run(&m, "{}", &out, &f);
    assert_int_equal(waitpid(killer, &status, 0), killer);
    assert_int_equal(status, 0);
    if (result != OK) {
        fail_msg("%s", f.text);
    }
    assert_str(out, "[7]");
}

static void its_memory_stays_flat_whatever_signals_end_in(void **state)
{
    (void)state;
    const struct mapping m = mapping_of("if .e then error({n: .e}) elif .d then dead(\"/d\"; .d) "
                                        "elif .t then (try error(.t) catch empty) else . end",
                                        LONG_MS);
    char filler[TEXT_BYTES];
    char body[TEXT_BYTES + 64];
    uint64_t begun_kib = 0;
    uint64_t ended_kib = 0;
    memset(filler, 'x', sizeof filler);
    filler[sizeof filler - 1] = '\0';
    for (int i = 0; i < 4400; i++) {
        struct str out = {0};
        struct failure f;
        snprintf(body, sizeof body, "{\"%c\":\"%s\"}", "edtg"[i % 4], filler);
        (void)run(&m, body, &out, &f);
        arena_reset(&arena);
        if (i == 399 || i == 4399) {
            const struct str kib = status_of(child(), "VmRSS");
            assert_true(str_to_u64(str_sub(kib, 0, str_find(kib, ' ')),
                                   i == 399 ? &begun_kib : &ended_kib));
        }
    }
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed for a while */
    if (ended_kib > begun_kib + 1024) {
        fail_msg("from %llu to %llu KiB", (unsigned long long)begun_kib,
                 (unsigned long long)ended_kib);
    }
#endif
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
    const struct CMUnitTest tests[] = {
        TEST(every_program_gives_what_is_right_or_says_why),
        TEST(numbers_beyond_a_double_are_exact_in_every_place),
        TEST(its_process_holds_one_socket_and_cannot_ask_for_more),
        TEST(a_process_that_is_killed_is_made_anew_and_its_signal_mapped),
        TEST(a_process_that_is_killed_while_it_compiles_makes_nothing_dead),
        TEST(its_memory_stays_flat_whatever_signals_end_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
