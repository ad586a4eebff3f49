#include "persist/sink/sink.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asked.h"
#include "base/failpoint.h"
#include "base/file.h"
#include "persist/rig.h"
#include "test.h"
#include "transform/transform.h"
#include "wire/json.h"

/* ---- a far end whose faults a test plans: a line a key, in a file that outlives its writer ----
 */

struct far_options {
    struct sink_encoding encoding;
    const char *path;
    struct str refused;  /* keys that begin so are refused */
    unsigned down;       /* of so many calls one fails     */
    bool can_tell;       /* a key that is there is passed over */
    int64_t patience_ms; /* that it asks for when it is down */
    bool gathers;        /* until it is asked to flush     */
};
static struct far_options far;
static unsigned calls;

struct sent {
    struct str key;
    bool is_wanted;
};
static struct sent sent[2000];
static size_t sent_n;

static struct str far_text(struct arena *a)
{
    struct str text = S("");
    struct failure f;
    (void)file_read(a, far.path, 1 << 20, &text, &f);
    return text;
}

static size_t times_there(struct str text, struct str key)
{
    size_t n = 0;
    while (text.len > 0) {
        n += str_eq(str_cut(text, '\n', &text), key);
    }
    return n;
}

static enum outcome far_open(struct sink *s, struct failure *f)
{
    (void)s;
    (void)f;
    return OK;
}

static enum outcome far_send(struct sink *s, const struct sink_item *item, size_t n, size_t *done,
                             struct failure *f)
{
    struct arena a;
    arena_init(&a, 64 << 20);
    enum outcome result = OK;
    for (*done = 0; *done < n && result == OK; *done += result == OK) {
        const struct str key = item[*done].key;
        if (far.down > 0 && ++calls % far.down == 0) {
            s->retry_after_ms = far.patience_ms;
            result = failed(f, RETRY, "the far end is down");
        } else if (far.refused.len > 0 && str_starts(key, far.refused)) {
            result = failed(f, REJECT, "the far end does not like it");
        } else if (!far.can_tell || times_there(far_text(&a), key) == 0) {
            FILE *const file = fopen(far.path, "a");
            assert_non_null(file);
            (void)fprintf(file, "%.*s\n", STR_ARG(key));
            assert_int_equal(fclose(file), 0);
        }
        if (result == OK) {
            FAILPOINT("test.sent");
        }
    }
    arena_close(&a);
    return result;
}

static enum outcome far_flush(struct sink *s, struct failure *f)
{
    (void)s;
    (void)f;
    return OK;
}

static int far_due_ms(const struct sink *s)
{
    (void)s;
    return far.gathers ? 1000000 : 0;
}

static void far_close(struct sink *s)
{
    (void)s;
}

enum { FAR_ITEMS_MAX = 7 };
static struct sink_driver far_driver = {.name = "far",
                                        .items_max = FAR_ITEMS_MAX,
                                        .open = far_open,
                                        .send = far_send,
                                        .flush = far_flush,
                                        .close = far_close};

/* ---- the rig ---- */

static struct rig rig;
static struct sink_config config;
static struct section_type type;
static struct str model_name = STR("change");

static int up(void **state)
{
    (void)state;
    rig_open(&rig);
    rig.config.data = str_of(rig.folder);
    far = (struct far_options){.path = arena_printf(&rig.arena, "%s/far", rig.folder).at};
    calls = 0;
    sent_n = 0;
    far_driver.due_ms = NULL;
    type = (struct section_type){.name = "far", .driver = &far_driver};
    config = (struct sink_config){.name = S("far"),
                                  .id = S("sink-far"),
                                  .type = &type,
                                  .options = &far,
                                  .models = {&model_name, 1}};
    rig.driver = sink_persister(&rig.arena, &config);
    return 0;
}

static int down(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("WEIR_FAILPOINT"), 0);
    failpoint_reset();
    rig_close(&rig);
    return 0;
}

/* Facts of two models, of which the sink wants one. */
static void send(struct dice *d, const char *lane, size_t n)
{
    struct signal *const s = arena_array(&rig.arena, struct signal, n);
    for (size_t i = 0; i < n; i++) {
        const bool is_wanted = roll(d, 4) > 0;
        s[i] = fact_random(d, &rig.arena, model_find(is_wanted ? S("change") : S("deployment")), 7);
        s[i].id = arena_printf(&rig.arena, "%s%zu", roll(d, 6) == 0 ? "bad" : "ok", sent_n);
        sent[sent_n++] = (struct sent){s[i].id, is_wanted};
    }
    rig_send(&rig, lane, s, n);
}

static void send_some(unsigned seed)
{
    struct dice d = {seed};
    for (int i = 0; i < 12; i++) {
        send(&d, i % 3 ? "intake-0" : "collect", 1 + roll(&d, 30));
    }
}

static void run_to_the_end(size_t bytes)
{
    struct failure f = {0};
    if (rig_run(&rig, bytes, &f) != OK) {
        fail_msg("%s", f.text);
    }
}

/* Each that is wanted stands there `least` to `most` times, refused ones and others never. */
static void check_there(size_t least, size_t most)
{
    const struct str text = far_text(&rig.arena);
    for (size_t i = 0; i < sent_n; i++) {
        const size_t n = times_there(text, sent[i].key);
        const bool is_refused = far.refused.len > 0 && str_starts(sent[i].key, far.refused);
        const bool is_right = sent[i].is_wanted && !is_refused ? n >= least && n <= most : n == 0;
        if (!is_right) {
            fail_msg("%.*s is there %zu times", STR_ARG(sent[i].key), n);
        }
    }
}

static size_t wanted_n(struct str start)
{
    size_t n = 0;
    for (size_t i = 0; i < sent_n; i++) {
        n += sent[i].is_wanted && str_starts(sent[i].key, start);
    }
    return n;
}

/* ---- the tests ---- */

static void what_is_wanted_arrives_once_whatever_the_batches(void **state)
{
    (void)state;
    send_some(1);
    run_to_the_end(1500);
    check_there(1, 1);
    assert_int_equal(rig_counter(&rig, "delivered"), wanted_n(S("")));
    send_some(2);
    run_to_the_end(4 << 20);
    check_there(1, 1);
}

static void a_far_end_that_fails_now_and_then_gets_each_once_and_in_order(void **state)
{
    (void)state;
    far.down = 23;
    send_some(3);
    run_to_the_end(1500);
    check_there(1, 1);
}

/* The backoff's own first pause is 100 ms at most. */
static void a_far_end_that_asks_for_patience_is_given_it(void **state)
{
    enum { PATIENCE_MS = 300 };
    (void)state;
    far.down = 2;
    far.patience_ms = PATIENCE_MS;
    struct dice d = {9};
    while (wanted_n(S("")) < 2) {
        send(&d, "collect", 1);
    }
    const int64_t begin_us = clock_mono_us();
    run_to_the_end(1 << 20);
    assert_true(clock_mono_us() - begin_us >= PATIENCE_MS * 1000);
    check_there(1, 1);
}

/* How many dead letters there are: of this sink, for this reason, of those whose keys begin so. */
static size_t dead_n(struct str start, const char *reason)
{
    struct failure f = {0};
    struct reader *reader = NULL;
    struct batch dead = {.arena = &rig.arena};
    size_t n = 0;
    assert_int_equal(
        reader_join(rig.bus, STREAM_BIT(STREAM_DEAD), S("test"), CURSOR_SINK, &reader, &f), OK);
    do {
        dead = (struct batch){.arena = &rig.arena};
        assert_int_equal(reader_read(reader, 1 << 20, 0, &dead, &f), OK);
        for (size_t i = 0; i < dead.gained_n; i++) {
            assert_int_equal(reader_seek(reader, dead.gained[i], (struct position){0}, &f), OK);
        }
        for (size_t i = 0; i < dead.n; i++) {
            for (size_t k = 0; k < dead.slice[i].n; k++, n++) {
                const struct signal *const letter = &dead.slice[i].record[k].signal;
                assert_true(str_starts(letter->id, start));
                assert_true(str_eq(letter->reason, str_of(reason)));
                assert_str(letter->stage, "sink-far");
            }
        }
    } while (dead.n > 0 || dead.gained_n > 0);
    reader_leave(reader);
    return n;
}

/* Each save is three syncs. How many there are follows from the time that it all took, however
 * long. */
static void a_busy_sink_saves_its_cursors_ten_times_a_second_and_whenever_it_is_asked(void **state)
{
    enum { BATCHES = 80 };
    (void)state;
    struct failure f = {0};
    struct dice d = {12};
    struct persister p = {.driver = rig.driver,
                          .config = &rig.config,
                          .bus = rig.bus,
                          .progress = rig.progress,
                          .arena = &rig.arena};
    const struct lane lane = {STREAM_STANDARD, S("collect")};
    struct position saved = {0}, before = {0};
    size_t saves = 0;
    p.state = arena_alloc(&rig.arena, 1, p.driver->state_bytes);
    assert_int_equal(p.driver->open(&p, &f), OK);
    assert_int_equal(p.driver->cursor(&p, lane, &saved, &f), OK);
    const int64_t begin_us = clock_mono_us();
    for (unsigned i = 0; i < BATCHES; i++) {
        struct rejects rejects = {.arena = &rig.arena};
        struct record r = {.at = {i},
                           .signal = fact_random(&d, &rig.arena, model_find(S("change")), 7)};
        struct slice slice = {.lane = lane, .from = {i}, .to = {i + 1}, .record = &r, .n = 1};
        const struct batch b = {.arena = &rig.arena, .slice = &slice, .n = 1};
        before = saved;
        assert_int_equal(p.driver->take(&p, &b, &rejects, &f), OK);
        assert_int_equal(p.driver->flush(&p, i + 1 == BATCHES, &f), OK);
        assert_int_equal(p.driver->cursor(&p, lane, &saved, &f), OK);
        saves += saved.at != before.at;
    }
    const int64_t took_ms = (clock_mono_us() - begin_us) / 1000;
    assert_true(saved.at == BATCHES);
    assert_true(saves <= 2 + (size_t)took_ms / 100);
    p.driver->close(&p);
}

static void what_is_refused_is_a_dead_letter_and_the_rest_goes_on(void **state)
{
    (void)state;
    far.refused = S("bad");
    send_some(4);
    assert_true(wanted_n(S("bad")) > 3);
    run_to_the_end(1500);
    check_there(1, 1);
    assert_int_equal(dead_n(S("bad"), "the far end does not like it"), wanted_n(S("bad")));
}

static void what_its_program_refuses_is_a_dead_letter_and_what_it_passes_over_is_counted(
    void **state)
{
    size_t left_out = 0, there = 0;
    (void)state;
    far.encoding.jq = S("if .id | startswith(\"bad\") then error(\"not that one\") "
                        "elif .id | endswith(\"7\") then empty else .id end");
    send_some(4);
    run_to_the_end(1500);
    for (size_t i = 0; i < sent_n; i++) {
        const bool is_bad = str_starts(sent[i].key, S("bad"));
        const bool is_left_out = !is_bad && str_ends(sent[i].key, S("7"));
        const bool is_there = sent[i].is_wanted && !is_bad && !is_left_out;
        assert_int_equal(times_there(far_text(&rig.arena), sent[i].key), is_there);
        left_out += sent[i].is_wanted && is_left_out;
        there += is_there;
    }
    assert_true(left_out > 0 && there > 0);
    assert_int_equal(rig_counter(&rig, "left_out"), left_out);
    assert_int_equal(rig_counter(&rig, "delivered"), there);
    assert_int_equal(dead_n(S("bad"), "mapping encoding: not that one"), wanted_n(S("bad")));
}

static void child(const char *failpoint)
{
    struct failure f = {0};
    assert_int_equal(setenv("WEIR_FAILPOINT", failpoint, 1), 0);
    failpoint_reset();
    _exit(rig_run(&rig, 1500, &f) == OK ? 0 : 1);
}

/* Killed at the n-th pass of a failpoint, for every n until it lives to the end. */
static void kill_at_each(const char *name)
{
    bool is_through = false;
    for (unsigned n = 1; !is_through; n = n < 8 ? n + 1 : n * 2) {
        char failpoint[64];
        int status = 0;
        (void)snprintf(failpoint, sizeof failpoint, "%s:%u:kill", name, n);
        const pid_t pid = fork();
        if (pid == 0) {
            child(failpoint);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        is_through = WIFEXITED(status);
    }
}

static const char *const failpoints[] = {"test.sent", "sink.delivered", "persist.flushed",
                                         "persist.taken"};

static void killed_at_every_failpoint_nothing_is_lost(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    for (size_t i = 0; i < sizeof failpoints / sizeof *failpoints; i++) {
        send_some(10 + (unsigned)i);
        kill_at_each(failpoints[i]);
        check_there(1, 10);
    }
}

static void killed_at_every_failpoint_each_is_there_once_where_the_far_end_can_tell(void **state)
{
    (void)state;
#ifndef WEIR_FAILPOINTS
    skip_because("this build has no failpoints");
#endif
    far.can_tell = true;
    for (size_t i = 0; i < sizeof failpoints / sizeof *failpoints; i++) {
        send_some(20 + (unsigned)i);
        kill_at_each(failpoints[i]);
        check_there(1, 1);
    }
}

static struct str cursors(void)
{
    struct str text = S("");
    struct failure f;
    (void)file_read(&rig.arena, arena_printf(&rig.arena, "%s/sinks/far.json", rig.folder).at,
                    1 << 20, &text, &f);
    return text;
}

static void what_a_far_end_gathers_is_behind_the_cursor_only_when_it_was_flushed(void **state)
{
    struct failure f = {0};
    struct persister p = {.driver = rig.driver, .config = &rig.config, .bus = rig.bus};
    struct batch in = {.arena = &rig.arena};
    struct rejects none = {.arena = &rig.arena};
    struct reader *reader = NULL;
    const struct lane lane = {STREAM_STANDARD, S("intake-0")};
    struct position at = {0};
    struct dice d = {5};
    (void)state;
    far.gathers = true;
    far_driver.due_ms = far_due_ms;
    send(&d, "intake-0", 20);
    p.arena = &rig.arena;
    p.progress = rig.progress;
    p.state = arena_alloc(&rig.arena, 1, rig.driver->state_bytes);
    assert_int_equal(rig.driver->open(&p, &f), OK);
    assert_int_equal(rig.driver->cursor(&p, lane, &at, &f), OK);
    assert_int_equal(reader_join(rig.bus, rig.driver->streams, S("t"), CURSOR_SINK, &reader, &f),
                     OK);
    assert_int_equal(reader_read(reader, 1 << 20, 0, &in, &f), OK);
    assert_int_equal(reader_seek(reader, lane, at, &f), OK);
    in = (struct batch){.arena = &rig.arena};
    assert_int_equal(reader_read(reader, 1 << 20, 0, &in, &f), OK);
    assert_int_equal(rig.driver->take(&p, &in, &none, &f), OK);
    assert_int_equal(rig.driver->due_ms(&p), 0);
    assert_int_equal(rig.driver->flush(&p, false, &f), OK);
    assert_int_equal(rig.driver->cursor(&p, lane, &at, &f), OK);
    assert_true(at.at == 0 && cursors().len == 0);
    assert_int_equal(rig.driver->flush(&p, true, &f), OK);
    assert_int_equal(rig.driver->cursor(&p, lane, &at, &f), OK);
    assert_true(at.at > 0 && cursors().len > 0);
    check_there(1, 1);
    rig.driver->close(&p);
    reader_leave(reader);
}

static void write_cursors(const char *text)
{
    struct failure f;
    const char *const folder = arena_printf(&rig.arena, "%s/sinks", rig.folder).at;
    assert_int_equal(file_make_dirs(folder, &f), OK);
    assert_int_equal(
        file_replace(arena_printf(&rig.arena, "%s/far.json", folder).at, str_of(text), 0600, &f),
        OK);
}

static void cursors_of_another_bus_are_refused_with_the_way_out(void **state)
{
    struct failure f = {0};
    (void)state;
    send_some(6);
    write_cursors("{\"bus\":\"another\",\"cursors\":{\"standard/intake-0\":3}}");
    assert_int_equal(rig_run(&rig, 1500, &f), STOP);
    assert_non_null(strstr(f.text, "another bus"));
    assert_non_null(strstr(f.text, "remove it"));
}

static void a_damaged_file_of_cursors_is_told_and_nothing_is_sent(void **state)
{
    static const char *const damaged[] = {"", "{\"bus\":\"", "[]", "{}"};
    (void)state;
    send_some(7);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct failure f = {0};
        write_cursors(damaged[i]);
        assert_int_equal(rig_run(&rig, 1500, &f), STOP);
        assert_non_null(strstr(f.text, "damaged"));
    }
    assert_int_equal(far_text(&rig.arena).len, 0);
}

static void an_encoding_that_cannot_be_compiled_is_told(void **state)
{
    struct failure f = {0};
    (void)state;
    far.encoding.jq = S(".a |");
    assert_int_equal(rig_run(&rig, 1500, &f), STOP);
    assert_non_null(strstr(f.text, "mapping encoding"));
}

/* ---- records of collectors ---- */

static void send_metric(const char *collector, double value)
{
    struct buf b;
    struct transform_out out = {.arena = &rig.arena};
    struct metric m = {.collector = str_of(collector),
                       .name = S("users"),
                       .type = S("COUNT"),
                       .value = value,
                       .window_start_us = 0,
                       .window_end_us = 60000000,
                       .scheduled_us = TIME_NONE,
                       .at_us = 61000000};
    buf_init(&b, &rig.arena, 1 << 20);
    metric_write(&b, &m);
    const struct signal raw = {.data = buf_str(&b)};
    transform_metric(&(struct transform_in){.raw = &raw, .raw_at = S("c:1"), .arena = &rig.arena},
                     &out);
    assert_int_equal(out.facts_n, 1);
    rig_send(&rig, "collect", out.fact, 1);
}

static size_t first = 0;
static struct collector collector[] = {
    {.id = STR("mine"), .shape = SHAPE_V5, .sink = &first, .sinks_n = 1},
    {.id = STR("other"), .shape = SHAPE_V5}};
static struct file_options lines;

/* A file of what `mine` collects, and another collector that is none of its. */
static void serve_collectors(void)
{
    lines = (struct file_options){.path = arena_printf(&rig.arena, "%s/lines", rig.folder)};
    type.driver = &sink_file;
    config.options = &lines;
    config.is_for_collectors = true;
    rig.config.collectors = (struct collectors){.at = collector, .n = 2};
    rig.config.sinks = (struct sink_list){.at = &config, .n = 1};
}

static void a_sink_of_collectors_gets_their_records_alone_in_their_shape(void **state)
{
    struct str text = S("");
    struct failure f = {0};
    struct dice d = {8};
    (void)state;
    serve_collectors();
    send_metric("mine", 1.5);
    send_metric("other", 2);
    send_metric("nobody", 3);
    send(&d, "intake-0", 5);
    run_to_the_end(1 << 20);
    assert_int_equal(file_read(&rig.arena, lines.path.at, 1 << 20, &text, &f), OK);
    assert_true(str_starts(text, S("{\"name\":\"users\",\"timestamp\":\"1970-01-01T00:01:01Z\"")));
    assert_true(str_ends(text, S("\"value\":1.5,\"window\":\"1970-01-01T00:00:00Z\"}\n")));
    assert_int_equal(str_find(text, '\n'), text.len - 1);
    assert_int_equal(rig_counter(&rig, "unknown_collectors"), 1);
}

/* It has run once with all of them, and has taken nothing yet. */
static void a_record_whose_collector_is_gone_is_dead_until_it_is_back(void **state)
{
    struct str text = S("");
    struct failure f = {0};
    (void)state;
    serve_collectors();
    run_to_the_end(1 << 20);
    send_metric("mine", 1);
    send_metric("other", 2);
    rig.config.collectors.n = 0;
    run_to_the_end(1 << 20);
    assert_int_equal(dead_n(S(""), "its collector mine is gone from the configuration: put it "
                                   "back, then `weir dead retry`"),
                     1);
    assert_int_equal(rig_counter(&rig, "unknown_collectors"), 1);
    send_metric("mine", 3); /* the list outlives a run without it */
    run_to_the_end(1 << 20);
    rig.config.collectors.n = 2;
    send_metric("mine", 4);
    run_to_the_end(1 << 20);
    assert_int_equal(dead_n(S(""), "its collector mine is gone from the configuration: put it "
                                   "back, then `weir dead retry`"),
                     2);
    assert_int_equal(file_read(&rig.arena, lines.path.at, 1 << 20, &text, &f), OK);
    assert_int_equal(str_find(text, '\n'), text.len - 1);
    assert_true(str_find(text, '4') < text.len);
}

static void a_record_of_a_collector_that_names_the_sink_no_more_is_anothers(void **state)
{
    (void)state;
    serve_collectors();
    run_to_the_end(1 << 20);
    send_metric("mine", 1);
    collector[0].sinks_n = 0;
    run_to_the_end(1 << 20);
    collector[0].sinks_n = 1;
    assert_int_equal(dead_n(S(""), ""), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_wanted_arrives_once_whatever_the_batches),
        TEST(a_far_end_that_fails_now_and_then_gets_each_once_and_in_order),
        TEST(a_far_end_that_asks_for_patience_is_given_it),
        TEST(a_busy_sink_saves_its_cursors_ten_times_a_second_and_whenever_it_is_asked),
        TEST(what_is_refused_is_a_dead_letter_and_the_rest_goes_on),
        TEST(what_its_program_refuses_is_a_dead_letter_and_what_it_passes_over_is_counted),
        TEST(killed_at_every_failpoint_nothing_is_lost),
        TEST(killed_at_every_failpoint_each_is_there_once_where_the_far_end_can_tell),
        TEST(what_a_far_end_gathers_is_behind_the_cursor_only_when_it_was_flushed),
        TEST(cursors_of_another_bus_are_refused_with_the_way_out),
        TEST(a_damaged_file_of_cursors_is_told_and_nothing_is_sent),
        TEST(an_encoding_that_cannot_be_compiled_is_told),
        TEST(a_sink_of_collectors_gets_their_records_alone_in_their_shape),
        TEST(a_record_whose_collector_is_gone_is_dead_until_it_is_back),
        TEST(a_record_of_a_collector_that_names_the_sink_no_more_is_anothers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
