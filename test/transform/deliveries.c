#include "transform/deliveries.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "registry.h"
#include "wire/json.h"

enum { INDEX_BYTES_MAX = 64 * 1024 * 1024, FILE_BYTES_MAX = 1 << 20 };

static void read_product(struct arena *a, const char *product, struct examples *out)
{
    char path[512];
    struct str text;
    struct failure f = {0};
    yyjson_doc *doc = NULL;
    size_t i = 0;
    size_t n = 0;
    yyjson_val *event = NULL;
    (void)snprintf(path, sizeof path,
                   ".deps/npm/test/node_modules/@octokit/webhooks-examples/%s/index.json", product);
    if (file_read(a, path, INDEX_BYTES_MAX, &text, &f) != OK ||
        json_read(a, text, &doc, &f) != OK) {
        return;
    }
    yyjson_arr_foreach(yyjson_doc_get_root(doc), i, n, event)
    {
        size_t index = 0;
        size_t payloads = 0;
        yyjson_val *payload = NULL;
        yyjson_arr_foreach(json_get(event, S("examples")), index, payloads, payload)
        {
            const struct str name = json_text(json_get(event, S("name")));
            out->at[out->n++] = (struct example){
                .product = str_of(product),
                .event = name,
                .type = arena_printf(a, "github.%.*s", STR_ARG(name)),
                .index = index,
                .body = json_write(a, payload),
            };
        }
    }
}

struct examples examples_read(struct arena *a)
{
    static const char *const products[] = {"api.github.com", "ghes-31", "ghes-32",
                                           "ghes-33",        "ghes-34", "ghes-35"};
    struct examples out = {.at = arena_array(a, struct example, 4096)};
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        read_product(a, products[i], &out);
    }
    return out;
}

/* The value of a header line; empty when there is none. */
static struct str header(struct str headers, struct str name)
{
    while (headers.len > 0) {
        struct str value;
        const struct str line = str_cut(headers, '\n', &headers);
        if (str_eq_nocase(str_cut(line, ':', &value), name)) {
            return str_trim(value);
        }
    }
    return S("");
}

struct recorded recorded_read(struct arena *a, const char *name)
{
    struct str headers;
    struct failure f = {0};
    struct recorded out = {0};
    const struct str at = arena_printf(a, "test/golden/github/%s/headers", name);
    const struct str body_at = arena_printf(a, "test/golden/github/%s/input.json", name);
    if (file_read(a, at.at, FILE_BYTES_MAX, &headers, &f) == OK &&
        file_read(a, body_at.at, FILE_BYTES_MAX, &out.body, &f) == OK) {
        out.event = header(headers, S("X-GitHub-Event"));
        out.id = header(headers, S("X-GitHub-Delivery"));
    }
    const struct str config_at = arena_printf(a, "test/golden/github/%s/config.yaml", name);
    struct str config;
    if (file_read(a, config_at.at, FILE_BYTES_MAX, &config, &f) == OK) {
        out.config = config_of(a, config);
    }
    return out;
}

static int is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

struct str_list names_in(struct arena *a, const char *folder)
{
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_name, alphasort);
    struct str_list out = {.at = arena_array(a, struct str, n > 0 ? (size_t)n : 0)};
    for (int i = 0; i < n; i++) {
        out.at[out.n++] = arena_str(a, str_of(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return out;
}

struct config *config_of(struct arena *a, struct str text)
{
    struct config *config = NULL;
    struct str_list errors;
    if (config_read_text(a, S("config.yaml"), text, &registry_drivers, &config, &errors) != OK) {
        (void)fprintf(stderr, "%s\n", errors.at[0].at); /* benches have no cmocka */
        abort();
    }
    return config;
}

/* What weir does where the configuration says nothing. */
static const struct config *plain(void)
{
    static struct arena a;
    static const struct config *config;
    if (!config) {
        arena_init(&a, 1 << 20);
        config = config_of(&a, S("agents: {github: {type: github, secret: x},"
                                 " builds: {type: cdevents}}"));
    }
    return config;
}

struct transform_out deliver(struct arena *a, const struct config *config, struct str event,
                             struct str id, struct str body)
{
    const struct signal raw = {
        .id = id,
        .source = S("/agents/github"),
        .type = arena_printf(a, "github.%.*s", STR_ARG(event)),
        .agent = S("github"),
        .time_us = TIME_NONE,
        .received_us = INT64_C(1775001600000000), /* 2026-04-01 */
        .data = body,
    };
    const struct transform_in in = {&raw, S("intake-0:4096"), config ? config : plain(), a, NULL,
                                    NULL};
    struct transform_out out = {.arena = a};
    transform_signal(&in, &out);
    return out;
}

struct transform_out take_event(struct arena *a, const struct config *config, struct str event)
{
    const struct signal raw = {
        .id = S("1"),
        .source = S("/ci"),
        .type = S("dev.cdevents"),
        .agent = S("builds"),
        .time_us = TIME_NONE,
        .received_us = INT64_C(1775001600000000), /* 2026-04-01 */
        .data = event,
    };
    const struct transform_in in = {&raw, S("intake-0:4096"), config ? config : plain(), a, NULL,
                                    NULL};
    struct transform_out out = {.arena = a};
    transform_signal(&in, &out);
    return out;
}
