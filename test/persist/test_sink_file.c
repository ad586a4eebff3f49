#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "folder.h"
#include "persist/sink/sink.h"
#include "test.h"

static struct arena arena;
static struct file_options options;
static const struct section_type type = {.name = "file", .driver = &sink_file};
static struct sink_config config;

static int up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 30);
    assert_non_null(folder_make());
    options = (struct file_options){.path = arena_str(&arena, str_of(folder_path("lines")))};
    config = (struct sink_config){.name = S("f"), .type = &type, .options = &options};
    return 0;
}

static int down(void **state)
{
    (void)state;
    folder_drop();
    arena_close(&arena);
    return 0;
}

static struct sink *opened(struct str mark)
{
    struct failure f = {0};
    struct sink *s = NULL;
    if (sink_open(&arena, &config, mark, &s, &f) != OK) {
        fail_msg("%s", f.text);
    }
    return s;
}

static enum outcome send(struct sink *s, const char *words, struct failure *f)
{
    struct sink_item item[64];
    size_t n = 0, done = 0;
    for (struct str rest = str_of(words); rest.len > 0; n++) {
        item[n] = (struct sink_item){.body = str_cut(rest, ' ', &rest)};
    }
    const enum outcome result = s->driver->send(s, item, n, &done, f);
    assert_int_equal(done, result == OK ? n : 0);
    return result;
}

static void send_well(struct sink *s, const char *words)
{
    struct failure f = {0};
    if (send(s, words, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

static struct str text_of(const char *name)
{
    struct str text = S("");
    struct failure f;
    assert_int_equal(file_read(&arena, folder_path(name), 1 << 20, &text, &f), OK);
    return text;
}

static void put(const char *text)
{
    FILE *const file = fopen(options.path.at, "a");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct str flushed(struct sink *s)
{
    struct failure f;
    assert_int_equal(s->driver->flush(s, &f), OK);
    return arena_str(&arena, s->mark);
}

static void a_file_that_was_renamed_gets_nothing_more_and_a_new_one_all(void **state)
{
    (void)state;
    struct sink *const s = opened(S(""));
    send_well(s, "1 2");
    assert_int_equal(rename(options.path.at, folder_path("old")), 0);
    send_well(s, "3");
    send_well(s, "4");
    assert_str(text_of("old"), "1\n2\n");
    assert_str(text_of("lines"), "3\n4\n");
    assert_int_equal(unlink(options.path.at), 0);
    send_well(s, "5");
    assert_str(text_of("lines"), "5\n");
    sink_close(s);
}

static void lines_behind_the_mark_are_not_written_again(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    send_well(s, "1 2");
    const struct str mark = flushed(s);
    send_well(s, "3 4"); /* and then it is killed: no flush, no cursor */
    sink_close(s);
    s = opened(mark);
    send_well(s, "3 4 5");
    assert_str(text_of("lines"), "1\n2\n3\n4\n5\n");
    (void)flushed(s);
    sink_close(s);
}

static void a_line_that_a_kill_tore_is_ended_and_written_whole(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    send_well(s, "one");
    const struct str mark = flushed(s);
    sink_close(s);
    put("two\nthr");
    s = opened(mark);
    send_well(s, "two three");
    assert_str(text_of("lines"), "one\ntwo\nthr\nthree\n");
    sink_close(s);
}

static void a_line_that_somebody_else_tore_is_ended_before_the_first_record(void **state)
{
    (void)state;
    put("older");
    struct sink *const s = opened(S(""));
    send_well(s, "1");
    assert_str(text_of("lines"), "older\n1\n");
    assert_int_equal(rename(options.path.at, folder_path("old")), 0);
    put("torn");
    send_well(s, "2");
    assert_str(text_of("lines"), "torn\n2\n");
    sink_close(s);
}

static void killed_before_its_first_flush_it_writes_no_line_twice(void **state)
{
    (void)state;
    put("older\n");
    struct sink *s = opened(S(""));
    const struct str mark = arena_str(&arena, s->mark); /* saved before anything is sent */
    send_well(s, "1 2");
    sink_close(s);
    s = opened(mark);
    send_well(s, "1 2 older");
    assert_str(text_of("lines"), "older\n1\n2\nolder\n");
    sink_close(s);
}

static void a_file_that_is_renamed_around_a_kill_keeps_its_lines_to_itself(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    send_well(s, "1 2");
    const struct str mark = flushed(s);
    send_well(s, "3 4");
    assert_int_equal(rename(options.path.at, folder_path("old")), 0);
    send_well(s, "5");
    sink_close(s);
    s = opened(mark);
    send_well(s, "3");
    assert_int_equal(rename(options.path.at, folder_path("older")), 0); /* before 5 came again */
    send_well(s, "4 5 6");
    assert_str(text_of("old"), "1\n2\n3\n4\n");
    assert_str(text_of("older"), "5\n");
    assert_str(text_of("lines"), "6\n");
    sink_close(s);
}

static void a_file_that_was_emptied_is_compared_from_its_begin(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    send_well(s, "11 22");
    const struct str mark = flushed(s);
    assert_int_equal(truncate(options.path.at, 0), 0);
    send_well(s, "3");
    sink_close(s);
    s = opened(mark);
    send_well(s, "3 4");
    assert_str(text_of("lines"), "3\n4\n");
    sink_close(s);
}

static void of_a_record_of_several_lines_all_are_there_or_all_are_written(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    const struct str mark = flushed(s);
    send_well(s, "a\nEND b\nEND");
    put("c\nEN");
    sink_close(s);
    s = opened(mark);
    send_well(s, "a\nEND b\nEND c\nEND d\nEND");
    assert_str(text_of("lines"), "a\nEND\nb\nEND\nc\nEN\nc\nEND\nd\nEND\n");
    sink_close(s);
}

static void equal_records_are_all_written_while_nothing_was_killed(void **state)
{
    (void)state;
    struct sink *const s = opened(S(""));
    send_well(s, "same same");
    (void)flushed(s);
    send_well(s, "same");
    assert_str(text_of("lines"), "same\nsame\nsame\n");
    sink_close(s);
}

static void of_equal_records_as_many_are_there_as_were_sent(void **state)
{
    (void)state;
    struct sink *s = opened(S(""));
    const struct str mark = flushed(s);
    send_well(s, "same");
    sink_close(s);
    s = opened(mark);
    send_well(s, "same same"); /* the second one is another record */
    (void)flushed(s);
    send_well(s, "same");
    assert_str(text_of("lines"), "same\nsame\nsame\n");
    sink_close(s);
}

static void what_could_not_be_written_behind_a_kill_is_still_written_once(void **state)
{
    struct rlimit before;
    struct failure f = {0};
    (void)state;
    struct sink *s = opened(S(""));
    const struct str mark = flushed(s);
    send_well(s, "12345");
    sink_close(s);
    s = opened(mark);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = before;
    tight.rlim_cur = 8;
    void (*const old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(send(s, "12345 678", &f), RETRY);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, old);
    send_well(s, "12345 678");
    assert_str(text_of("lines"), "12345\n678\n");
    sink_close(s);
}

static void a_full_disk_leaves_no_half_line_and_is_tried_again(void **state)
{
    struct rlimit before;
    struct failure f = {0};
    (void)state;
    struct sink *const s = opened(S(""));
    send_well(s, "12345");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit tight = before;
    tight.rlim_cur = 10;
    void (*const old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(send(s, "678 901 234", &f), RETRY);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, old);
    assert_str(text_of("lines"), "12345\n");
    send_well(s, "678 901 234");
    assert_str(text_of("lines"), "12345\n678\n901\n234\n");
    sink_close(s);
    options.path = S("/dev/full");
    struct sink *const full = opened(S(""));
    assert_int_equal(send(full, "1", &f), RETRY);
    sink_close(full);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_was_renamed_gets_nothing_more_and_a_new_one_all),
        TEST(lines_behind_the_mark_are_not_written_again),
        TEST(a_line_that_a_kill_tore_is_ended_and_written_whole),
        TEST(a_line_that_somebody_else_tore_is_ended_before_the_first_record),
        TEST(killed_before_its_first_flush_it_writes_no_line_twice),
        TEST(a_file_that_is_renamed_around_a_kill_keeps_its_lines_to_itself),
        TEST(a_file_that_was_emptied_is_compared_from_its_begin),
        TEST(of_a_record_of_several_lines_all_are_there_or_all_are_written),
        TEST(equal_records_are_all_written_while_nothing_was_killed),
        TEST(of_equal_records_as_many_are_there_as_were_sent),
        TEST(what_could_not_be_written_behind_a_kill_is_still_written_once),
        TEST(a_full_disk_leaves_no_half_line_and_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
