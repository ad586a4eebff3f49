/* What the simulated tools say is what weir understands; and the same seed says the same. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "command/commands.h"
#include "command/simulate/fault.h"
#include "test.h"
#include "transform/deliveries.h"
#include "wire/json.h"

enum { FILE_BYTES_MAX = 64 << 20, ARGUMENTS_MAX = 24 };

static struct arena arena;
static char folder[] = "/tmp/weir-simulate-XXXXXX";

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

/* What `weir simulate WORDS --until TIME --to FILE` writes. */
static struct str simulated_until(const char *words, const char *until)
{
    char *argv[ARGUMENTS_MAX];
    int argc = 0;
    struct str text;
    struct failure f = {0};
    const struct str path = arena_printf(&arena, "%s/out", folder);
    struct str rest = arena_printf(&arena, "simulate %s --until %s --to %s", words, until, path.at);
    while (rest.len > 0 && argc < ARGUMENTS_MAX) {
        argv[argc++] = arena_cstr(&arena, str_cut(rest, ' ', &rest));
    }
    assert_int_equal(command_simulate(argc, argv), 0);
    if (file_read(&arena, path.at, FILE_BYTES_MAX, &text, &f) != OK) {
        fail_msg("%s", f.text);
    }
    assert_int_equal(unlink(path.at), 0);
    return text;
}

static struct str simulated(const char *words)
{
    return simulated_until(words, "2026-11-22");
}

static void the_same_seed_makes_the_same_bytes(void **state)
{
    (void)state;
    static const char *const kinds[] = {"github", "cdevents"};
    for (size_t i = 0; i < 2; i++) {
        const char *const words =
            arena_printf(&arena, "%s --count 300 --faults duplicate=0.1,late=0.05,malformed=0.05",
                         kinds[i])
                .at;
        const struct str once = simulated(words);
        assert_true(once.len > 10000);
        assert_true(str_eq(once, simulated(words)));
        assert_false(str_eq(once, simulated(arena_printf(&arena, "%s --seed 2", words).at)));
    }
}

/* Else a receiver takes a second run of the same seed for repetitions of the first one. */
static void runs_that_end_at_other_times_share_no_id(void **state)
{
    (void)state;
    static const char *const kinds[] = {"github", "cdevents", "cdevents --shape flat"};
    for (size_t i = 0; i < 3; i++) {
        const char *const words = arena_printf(&arena, "%s --count 50", kinds[i]).at;
        const struct str once = simulated(words);
        const struct str later = simulated_until(words, "2026-11-22T00:00:01Z");
        struct str rest = once;
        size_t n = 0;
        while (rest.len > 0) {
            struct failure f;
            yyjson_doc *doc = NULL;
            assert_int_equal(json_read_exact(&arena, str_cut(rest, '\n', &rest), &doc, &f), OK);
            yyjson_val *const root = yyjson_doc_get_root(doc);
            yyjson_val *const part = i == 0   ? json_get(root, S("headers"))
                                     : i == 1 ? json_get(root, S("context"))
                                              : root;
            static const char *const name[] = {"X-GitHub-Delivery", "id", "event_id"};
            const struct str id = json_text(json_get(part, str_of(name[i])));
            assert_int_equal(id.len, 36);
            assert_null(memmem(later.at, later.len, id.at, id.len));
            n++;
        }
        assert_int_equal(n, 50);
    }
}

static void every_simulated_webhook_is_understood(void **state)
{
    (void)state;
    struct arena scratch;
    size_t n[4] = {0};
    struct str rest = simulated("github --days 7");
    arena_init(&scratch, 64 << 20);
    while (rest.len > 0) {
        struct failure f;
        yyjson_doc *doc = NULL;
        assert_int_equal(json_read_exact(&scratch, str_cut(rest, '\n', &rest), &doc, &f), OK);
        yyjson_val *const root = yyjson_doc_get_root(doc);
        yyjson_val *const headers = json_get(root, S("headers"));
        assert_int_equal(json_check_unique(&scratch, root, &f), OK);
        const struct str event = json_text(json_get(headers, S("X-GitHub-Event")));
        const struct transform_out out = deliver(
            &scratch, NULL, event, json_text(json_get(headers, S("X-GitHub-Delivery"))),
            json_write(&scratch, json_get(root, S("body"))));
        if (out.fate == FATE_DEAD) {
            fail_msg("%.*s: %s: %s", STR_ARG(event), out.why.pointer, out.why.text);
        }
        assert_true(out.fate != FATE_UNMAPPED || str_eq(event, S("star")));
        n[out.fate]++;
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    assert_true(n[FATE_STORED] > 500 && n[FATE_IGNORED] > 10 && n[FATE_UNMAPPED] > 0);
}

/* Only output makes a delivery known; what the manifest expects of a duplicate must say so. */
static void the_manifest_expects_a_repetition_where_the_first_one_gave_output(void **state)
{
    (void)state;
    struct arena scratch;
    struct str manifest;
    struct failure f;
    size_t n[2] = {0};
    const struct str path = arena_printf(&arena, "%s/manifest", folder);
    const char *const words = "github --days 14 --faults duplicate=0.5 --manifest";
    struct str rest = simulated(arena_printf(&arena, "%s %.*s", words, STR_ARG(path)).at);
    assert_int_equal(file_read(&arena, path.at, FILE_BYTES_MAX, &manifest, &f), OK);
    assert_int_equal(unlink(path.at), 0);
    arena_init(&scratch, 64 << 20);
    while (rest.len > 0) {
        yyjson_doc *doc = NULL;
        yyjson_doc *listed = NULL;
        assert_int_equal(json_read_exact(&scratch, str_cut(rest, '\n', &rest), &doc, &f), OK);
        assert_int_equal(json_read_exact(&scratch, str_cut(manifest, '\n', &manifest), &listed, &f),
                         OK);
        yyjson_val *const expect = yyjson_doc_get_root(listed);
        yyjson_val *const root = yyjson_doc_get_root(doc);
        yyjson_val *const headers = json_get(root, S("headers"));
        const struct str event = json_text(json_get(headers, S("X-GitHub-Event")));
        const struct str id = json_text(json_get(headers, S("X-GitHub-Delivery")));
        const enum fate fate = deliver(&scratch, NULL, event, id,
                                       json_write(&scratch, json_get(root, S("body"))))
                                   .fate;
        const bool is_repetition = str_eq(json_text(json_get(expect, S("fault"))),
                                          S("duplicate")) &&
                                   fate == FATE_STORED;
        assert_true(str_eq(json_text(json_get(expect, S("id"))), id));
        assert_true(str_eq(json_text(json_get(expect, S("expect"))),
                           is_repetition ? S("repetition") : S("accepted")));
        n[is_repetition]++;
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    assert_true(n[0] > 500 && n[1] > 500);
}

static void every_simulated_cdevent_is_valid(void **state)
{
    (void)state;
    struct arena scratch;
    size_t n = 0;
    struct str rest = simulated("cdevents --days 30");
    arena_init(&scratch, 64 << 20);
    while (rest.len > 0) {
        const struct signal raw = {.agent = S("builds"),
                                   .received_us = 1,
                                   .time_us = TIME_NONE,
                                   .data = str_cut(rest, '\n', &rest)};
        const struct config config = {0};
        struct transform_out out = {.arena = &scratch};
        transformer_cdevents.run(
            &(struct transform_in){
                .raw = &raw, .raw_at = S("a:1"), .config = &config, .arena = &scratch},
            &out);
        if (out.fate != FATE_STORED) {
            fail_msg("%s: %s: %.*s", out.why.pointer, out.why.text, STR_ARG(raw.data));
        }
        n++;
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    assert_true(n > 2000);
}

/* Pearson's statistic stays below the bound that chance alone exceeds once in a million. */
static void draws_follow_their_weights(void **state)
{
    (void)state;
    enum { DRAWS = 100000 };
    static const unsigned weight[] = {10, 30, 30, 20, 10};
    struct draw d;
    double seen[5] = {0};
    double distance = 0;
    draw_seed(&d, 7);
    for (int i = 0; i < DRAWS; i++) {
        seen[draw_weighted(&d, weight, 5)]++;
    }
    for (size_t i = 0; i < 5; i++) {
        const double wanted = DRAWS * weight[i] / 100.0;
        distance += (seen[i] - wanted) * (seen[i] - wanted) / wanted;
    }
    assert_true(distance < 33.4); /* four degrees of freedom */
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        const double x = (double)draw_normal(&d, 120000000, 20000000) / 1e6;
        sum += x;
        squares += x * x;
    }
    const double mean = sum / DRAWS;
    const double variance = squares / DRAWS - mean * mean;
    assert_true(mean > 119.7 && mean < 120.3);
    assert_true(variance > 390 && variance < 410);
}

struct tally {
    size_t n[FAULTS];
};

static void count(void *to, const struct delivery *d, enum fault fault, enum fate_expected expect)
{
    struct tally *const t = to;
    t->n[fault]++;
    assert_int_equal(expect == EXPECT_REPETITION, fault == FAULT_DUPLICATE);
    assert_true(d->id.len > 0);
}

static void a_fault_never_swallows_a_delivery(void **state)
{
    (void)state;
    enum { DELIVERIES = 5000 };
    struct tally t = {0};
    struct str wrong;
    struct fault_plan p = {.send = count, .to = &t};
    assert_true(fault_rates(S("duplicate=0.1,reorder=0.2, late=0.1,malformed=0.02,forged=0.01"),
                            p.rate, &wrong));
    fault_open(&p, &arena, 3);
    for (int i = 0; i < DELIVERIES; i++) {
        char id[24];
        (void)snprintf(id, sizeof id, "%d", i);
        fault_pass(&p, &(struct delivery){.id = str_of(id), .body = S("{\"a\":1}")});
    }
    fault_close(&p, true);
    assert_int_equal(t.n[FAULT_NONE] + t.n[FAULT_REORDER] + t.n[FAULT_LATE], DELIVERIES);
    assert_in_range(t.n[FAULT_REORDER], 800, 1200);
    assert_in_range(t.n[FAULT_DUPLICATE], 250, 450);
    assert_in_range(t.n[FAULT_MALFORMED], 50, 150);
    assert_in_range(t.n[FAULT_FORGED], 20, 90);
    assert_false(fault_rates(S("duplicate=2"), p.rate, &wrong));
    assert_false(fault_rates(S("slow=0.1"), p.rate, &wrong));
    assert_str(wrong, "slow=0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_same_seed_makes_the_same_bytes, empty),
        cmocka_unit_test_setup(runs_that_end_at_other_times_share_no_id, empty),
        cmocka_unit_test_setup(every_simulated_webhook_is_understood, empty),
        cmocka_unit_test_setup(the_manifest_expects_a_repetition_where_the_first_one_gave_output,
                               empty),
        cmocka_unit_test_setup(every_simulated_cdevent_is_valid, empty),
        cmocka_unit_test_setup(draws_follow_their_weights, empty),
        cmocka_unit_test_setup(a_fault_never_swallows_a_delivery, empty),
    };
    arena_init(&arena, 512 << 20);
    const int failed_n = cmocka_run_group_tests(tests, make_folder, remove_folder);
    arena_close(&arena);
    return failed_n;
}
