/* No memory at the nth block that the intake asks for, for every n: what it answered 202 is
 * durable, nothing is there twice, and the one that is started again goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/server.h"
#include "bus/log.h"
#include "folder.h"
#include "refused.h"

enum {
    ROUNDS_MAX = 100,
    POSTS = 3,
    TITLE = 150 * 1024, /* a body takes several blocks */
    SEGMENT = 1 << 20,
    READ = 1 << 20
};

struct delivery {
    struct str id;
    bool is_promised;
    unsigned kept_n;
};

static struct str delivery_of(struct server *s, struct str id)
{
    char *const title = arena_array(&s->arena, char, TITLE);
    memset(title, 't', TITLE);
    return github_post(&s->arena, "issues", id.at,
                       arena_printf(&s->arena, "{\"title\":\"%.*s\"}", TITLE, title));
}

/* One intake: the first delivery is taken as ever, from its append on a block is refused. Returns
 * how it ended. */
static int round_of(struct log_bus *l, unsigned block, struct delivery *d)
{
    struct server s;
    int fd[POSTS];
    server_init(&s);
    s.disk = &l->config;
    s.control->block = block;
    server_start(&s);
    for (size_t i = 0; i < POSTS; i++) {
        fd[i] = dial(&s);
    }
    for (size_t i = 0; i < POSTS; i++) {
        const struct str id = arena_printf(&s.arena, "%u-%zu", block, i);
        d[i].id = arena_str(&l->arena, id);
        send_text(fd[i], delivery_of(&s, id));
        const int status = read_answer(&s.arena, fd[i]).status;
        assert_true(status == 202 || status == 0 || status == 413 || status == 503);
        d[i].is_promised = status == 202;
        (void)close(fd[i]);
    }
    const int status = server_end(&s);
    server_close(&s);
    return status;
}

static void count_kept(struct log_bus *l, struct delivery *d, size_t n)
{
    struct lane_ends *ends = NULL;
    size_t lanes_n = 0;
    assert_int_equal(bus_ends(l->bus, &l->arena, STREAM_RAW, &ends, &lanes_n, &l->f), OK);
    assert_int_equal(lanes_n, 1);
    for (struct position at = ends->begin; at.at < ends->end.at;) {
        struct batch b = {.arena = &l->arena};
        const struct span rest = {ends->lane, at, ends->end};
        assert_int_equal(bus_look(l->bus, rest, READ, &b, &l->f), OK);
        for (size_t i = 0; i < b.slice->n; i++) {
            const struct signal *const signal = &b.slice->record[i].signal;
            size_t k = 0;
            while (k < n && !str_eq(d[k].id, signal->id)) {
                k++;
            }
            assert_true(k < n);
            assert_true(signal->data.len > TITLE);
            d[k].kept_n++;
        }
        at = b.slice->to;
    }
}

static void an_intake_without_memory_keeps_what_it_promised(void **state)
{
    struct log_bus l;
    static struct delivery d[ROUNDS_MAX * POSTS];
    size_t n = 0;
    int out_of = 0;
    (void)state;
    refuse_block(0);
    assert_non_null(folder_make_fast());
    log_init(&l, SEGMENT);
    log_open(&l);
    for (bool is_whole = false; !is_whole; n++) {
        struct delivery *const now = d + n * POSTS;
        assert_in_range(n, 0, ROUNDS_MAX - 1);
        log_close(&l);
        const int status = round_of(&l, (unsigned)n + 1, now);
        assert_true(status == 0 || status == NO_MEMORY);
        out_of += status == NO_MEMORY;
        is_whole = status == 0 && now[1].is_promised && now[2].is_promised;
        log_recover(&l);
        assert_int_equal(l.found.n, 0);
    }
    assert_true(out_of >= 3);
    count_kept(&l, d, n * POSTS);
    for (size_t i = 0; i < n * POSTS; i++) {
        assert_in_range(d[i].kept_n, d[i].is_promised, 1);
    }
    log_drop(&l);
    folder_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_intake_without_memory_keeps_what_it_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
