/* Every answer of the intake, over a real socket. */
#include "agent/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/json.h"

static int set_up(void **state)
{
    static struct server server;
    server_init(&server);
    *state = &server;
    return 0;
}

static int tear_down(void **state)
{
    server_close(*state);
    return 0;
}

static void assert_str(struct str is, const char *wanted)
{
    assert_int_equal(is.len, strlen(wanted));
    assert_memory_equal(is.at, wanted, is.len);
}

static void a_signed_delivery_is_durable_before_202(void **state)
{
    struct server *const s = *state;
    server_start(s);
    const struct str body = S(
        "{\"zen\":\"Keep it logically awesome.\",\"repository\":{\"full_name\":\"acme/shop\"}}");
    const struct answer answer = ask(s, github_post(&s->arena, "ping", "72d3162e-cc78", body));
    assert_int_equal(answer.status, 202);
    assert_str(answer.body, "{\"id\":\"72d3162e-cc78\"}");
    assert_int_equal(atomic_load(&s->control->appends), 1);
    assert_int_equal(server_stop(s), OK);
    assert_int_equal(s->signals_n, 1);
    assert_str(s->signal->id, "72d3162e-cc78");
    assert_str(s->signal->type, "github.ping");
    assert_str(s->signal->source, "/agents/github");
    assert_str(s->signal->agent, "github");
    assert_str(s->signal->partitionkey, "acme/shop");
    assert_true(str_eq(s->signal->data, body));
    assert_int_equal(server_counter(s, "accepted{agent=github}"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest all[] = {T(a_signed_delivery_is_durable_before_202)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
