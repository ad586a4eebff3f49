/* What the configuration decides: which service a deployment belongs to, and what is production. */
#include "test.h"
#include "transform/deliveries.h"
#include "wire/json.h"

static struct arena arena;

static int empty(void **state)
{
    (void)state;
    arena_reset(&arena);
    return 0;
}

static struct str_list words(const char *text)
{
    struct str_list list = {.at = arena_array(&arena, struct str, 8)};
    for (struct str rest = str_of(text); rest.len > 0;) {
        list.at[list.n++] = str_cut(rest, ' ', &rest);
    }
    return list;
}

struct service {
    const char *name, *repositories, *production;
};

static struct config configured(const struct service *services, size_t n)
{
    struct config config = *config_of(&arena, S("agents: {github: {type: github, secret: x}}"));
    config.services = (struct named_list){0};
    config.services.at = arena_array(&arena, struct named, n);
    for (size_t i = 0; i < n; i++) {
        struct config_service *const s = arena_new(&arena, struct config_service);
        s->repositories = words(services[i].repositories);
        s->production = words(services[i].production);
        config.services.at[config.services.n++] = (struct named){.name = str_of(services[i].name),
                                                                 .options = s};
    }
    return config;
}

/* A column of the deployment, and the subject of its event. */
struct seen {
    struct str service, subject;
    bool is_production;
};

static struct seen deploy(const struct config *config, const char *host_and_name,
                          const char *environment, const char *says)
{
    const struct str body = arena_printf(
        &arena,
        "{\"action\":\"created\",\"deployment_status\":{\"id\":1,\"state\":\"success\","
        "\"created_at\":\"2026-03-02T14:10:00Z\"},\"deployment\":{\"url\":\"https://x.example/1\","
        "\"id\":1,\"sha\":\"abc\",\"ref\":\"main\",\"task\":\"deploy\",\"environment\":\"%s\","
        "\"created_at\":\"2026-03-02T14:00:00Z\"%s},\"repository\":{\"html_url\":\"https://%s\"}}",
        environment, says, host_and_name);
    const struct transform_out out = deliver(&arena, config, S("deployment_status"), S("a-guid"),
                                             body);
    struct row row;
    struct failure f = {0};
    struct seen seen;
    if (out.fate != FATE_STORED) {
        fail_msg("%s", out.why.text);
    }
    assert_int_equal(fact_read(&arena, out.fact, &row, &f), OK);
    seen.subject = row.value[model_column(row.model, S("subject_id"))].text;
    assert_int_equal(fact_read(&arena, out.fact + 1, &row, &f), OK);
    seen.service = row.value[model_column(row.model, S("service"))].text;
    seen.is_production = row.value[model_column(row.model, S("is_production"))].is;
    return seen;
}

static void the_first_service_whose_glob_fits_the_repository_is_it(void **state)
{
    (void)state;
    static const struct service services[] = {
        {"host", "github.com/* */shop", ""}, /* a star ends at a slash */
        {"cart", "acme/cart-* ghe.acme.example/acme/cart", ""},
        {"shop", "acme/shop acme/*-shop* Other/?x", ""},
        {"all", "acme/*", ""},
    };
    static const struct {
        const char *repository, *service;
    } cases[] = {
        {"github.com/acme/shop", "host"},
        {"github.com/Acme/A-SHOP", "shop"},
        {"github.com/acme/cart-a", "cart"},
        {"github.com/acme/cart", "all"}, /* the host is another */
        {"ghe.acme.example/acme/cart", "cart"},
        {"github.com/acme/the-web-shop-2", "shop"},
        {"github.com/other/yx", "shop"},
        {"github.com/other/yyx", "other/yyx"},
        {"github.com/acmes/shops", "acmes/shops"},
    };
    const struct config config = configured(services, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct seen seen = deploy(&config, cases[i].repository, "production", "");
        if (!str_eq(seen.service, str_of(cases[i].service)) ||
            !str_eq(seen.subject, seen.service)) {
            fail_msg("%s is of %.*s, not %s", cases[i].repository, STR_ARG(seen.service),
                     cases[i].service);
        }
    }
}

static void production_is_what_the_configuration_then_the_payload_then_the_name_says(void **state)
{
    (void)state;
    static const struct service services[] = {
        {"ruled", "acme/ruled", "Live-EU blue"},
        {"open", "acme/open", ""},
    };
    static const char yes[] = ",\"production_environment\":true";
    static const char no[] = ",\"production_environment\":false";
    static const struct {
        const char *repository, *environment, *says;
        bool is_production;
    } cases[] = {
        {"github.com/acme/ruled", "live-eu", no, true},
        {"github.com/acme/ruled", "production", yes, false},
        {"github.com/acme/open", "staging", yes, true},
        {"github.com/acme/open", "production", no, false},
        {"github.com/acme/open", "Production", "", true},
        {"github.com/acme/open", "PROD", ",\"production_environment\":null", true},
        {"github.com/other/any", "live", "", true},
        {"github.com/other/any", "lively", "", false},
        {"github.com/other/any", "staging", "", false},
    };
    const struct config config = configured(services, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct seen seen = deploy(&config, cases[i].repository, cases[i].environment,
                                        cases[i].says);
        if (seen.is_production != cases[i].is_production) {
            fail_msg("%s, %s%s", cases[i].repository, cases[i].environment, cases[i].says);
        }
    }
}

/* Before any of its fields is asked for: GitHub invents actions, and they are no fault. */
static void an_action_that_is_not_known_is_unmapped_by_name(void **state)
{
    static const char *const names[] = {"check_run",
                                        "check_suite",
                                        "code_scanning_alert",
                                        "dependabot_alert",
                                        "issue_comment",
                                        "issues",
                                        "merge_group",
                                        "package",
                                        "pull_request",
                                        "pull_request_review",
                                        "pull_request_review_comment",
                                        "pull_request_review_thread",
                                        "registry_package",
                                        "release",
                                        "repository",
                                        "secret_scanning_alert",
                                        "workflow_job",
                                        "workflow_run"};
    const struct config *const config = config_of(&arena,
                                                  S("agents: {github: {type: github, secret: x}}"));
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct transform_out out = deliver(&arena, config, str_of(names[i]), S("a-guid"),
                                                 S("{\"action\":\"frobbed\"}"));
        if (out.fate != FATE_UNMAPPED) {
            fail_msg("%s: %s", names[i], out.why.text);
        }
        assert_true(str_eq(out.name, arena_printf(&arena, "github/%s/frobbed", names[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_service_whose_glob_fits_the_repository_is_it, empty),
        cmocka_unit_test_setup(
            production_is_what_the_configuration_then_the_payload_then_the_name_says, empty),
        cmocka_unit_test_setup(an_action_that_is_not_known_is_unmapped_by_name, empty),
    };
    arena_init(&arena, 16 << 20);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failed;
}
