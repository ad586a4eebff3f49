/* A JSON API over HTTP: page after page, each made rows by a jq program or as it is.
 *   source  RFC 8288 (Link), RFC 6901 (JSON Pointer) */
#include "collector/source_http.h"

#include "base/buf.h"
#include "base/failpoint.h"
#include "collector/cells.h"
#include "collector/engine.h"
#include "config/sources.h"
#include "wire/fetch.h"
#include "wire/jq/jq.h"

enum {
    TIME_MS = 60 * 1000,
    PROGRAM_MS = 30 * 1000,
    OUTPUTS_MAX = 1000000,
    URL_BYTES_MAX = 1 << 16
};

struct reading {
    const struct source_ask *ask;
    const struct source_to *to;
    struct str uri, body;   /* rendered                            */
    struct str next;        /* URL of the page to be read          */
    struct mapping program; /* of `rows`                           */
    struct jq_pool *pool;
    struct arena page; /* forgotten after each                    */
    size_t rows_n;     /* of the last page                        */
};

static struct mapping program_of(const struct http_source_options *o)
{
    const size_t bytes = o->page_bytes_max;
    return (struct mapping){.name = S("rows"),
                            .program = o->rows,
                            .limits = {.memory_bytes = 64 * bytes,
                                       .output_bytes = 2 * bytes,
                                       .time_ms = PROGRAM_MS,
                                       .depth = JSON_DEPTH_MAX - 2,
                                       .outputs = OUTPUTS_MAX}};
}

void http_rows_complete(const struct section_check *c, void *options)
{
    const struct http_source_options *const o = options;
    const struct mapping program = program_of(o);
    struct failure f;
    if (o->rows.len > 0 && !c->s->is_without_mappings && jq_check(&program, &f) != OK) {
        section_wrong(c, "rows", ": %s", f.text);
    }
}

/* ---- rows ---- */

static enum outcome give(struct reading *r, yyjson_val *row, struct failure *f)
{
    struct cell *cell = NULL;
    size_t n = 0;
    if (cells_of(&r->page, row, &cell, &n, f) != OK) {
        return failed(f, REJECT, "row %zu of a page is no JSON object: let `rows` give objects",
                      r->rows_n + 1);
    }
    r->rows_n++;
    FAILPOINT("source.row");
    return r->to->row(r->to->to, cell, n, f);
}

static enum outcome give_all(struct reading *r, yyjson_val *rows, struct failure *f)
{
    size_t i = 0, n = 0;
    yyjson_val *row = NULL;
    enum outcome result = OK;
    r->rows_n = 0;
    if (!yyjson_is_arr(rows)) {
        return give(r, rows, f);
    }
    yyjson_arr_foreach(rows, i, n, row)
    {
        result = result == OK ? give(r, row, f) : result;
    }
    return result;
}

/* What the user's program gives for the page. */
static enum outcome run_program(struct reading *r, struct str page, yyjson_val **out,
                                struct failure *f)
{
    char now[CLOCK_TEXT_BYTES];
    struct str given;
    yyjson_doc *doc = NULL;
    struct buf context;
    buf_init(&context, &r->page, 1 << 16);
    buf_add(&context, S("{\"headers\":{},\"agent\":"));
    buf_add_json(&context, r->ask->collector->id);
    (void)clock_text(r->ask->now_us, now);
    buf_printf(&context, ",\"id\":null,\"received\":\"%s\"}", now);
    const struct jq_input in = {.mapping = &r->program, .body = page, .context = buf_str(&context)};
    enum outcome result = jq_run(r->pool, &r->page, &in, &given, f);
    if (result == OK) {
        result = json_read_exact(&r->page, given, &doc, f);
    }
    *out = result == OK ? yyjson_doc_get_root(doc) : NULL;
    return result;
}

/* ---- pages ---- */

static struct str with_parameter(struct reading *r, struct str name, struct str value)
{
    const bool has_query = str_find(r->uri, '?') < r->uri.len;
    const struct str escaped = fetch_escape(r->ask->arena, value);
    return arena_printf(r->ask->arena, "%.*s%c%.*s=%.*s", STR_ARG(r->uri), has_query ? '&' : '?',
                        STR_ARG(name), STR_ARG(escaped));
}

static bool has_list(yyjson_val *value)
{
    size_t i = 0, n = 0;
    yyjson_val *key = NULL, *member = NULL;
    if (!yyjson_is_obj(value)) {
        return yyjson_is_arr(value) && yyjson_arr_size(value) > 0;
    }
    yyjson_obj_foreach(value, i, n, key, member)
    {
        if (has_list(member)) {
            return true;
        }
    }
    return false;
}

/* Pages by number end with one that has nothing. `rows` may choose none of a page that has. */
static bool is_last(const struct reading *r, yyjson_val *page)
{
    const struct http_source_options *const o = r->ask->options;
    const struct str items = o->paging.items;
    if (items.len > 0) {
        yyjson_val *const found = yyjson_ptr_getn(page, items.at, items.len);
        return !yyjson_is_ctn(found) || unsafe_yyjson_get_len(found) == 0;
    }
    return r->rows_n == 0 && !has_list(page);
}

/* The page behind this one; empty: there is none. */
static enum outcome find_next(struct reading *r, const struct fetch_answer *answer,
                              yyjson_val *page, int64_t number, struct failure *f)
{
    const struct http_source_options *const o = r->ask->options;
    const struct http_paging_options *const by = &o->paging;
    struct str target = {0};
    r->next = S("");
    if (by->by == PAGING_NUMBER) {
        const struct str name = by->parameter.len > 0 ? by->parameter : S("page");
        r->next = is_last(r, page)
                      ? S("")
                      : with_parameter(r, name,
                                       arena_printf(r->ask->arena, "%lld", (long long)number));
        return OK;
    }
    if (by->by == PAGING_LINK) {
        target = answer->next;
    } else if (by->by == PAGING_CURSOR) {
        yyjson_val *const found = yyjson_ptr_getn(page, by->next.at, by->next.len);
        const bool is_one = yyjson_is_str(found) || yyjson_is_raw(found);
        target = yyjson_is_str(found) ? json_text(found)
                 : is_one             ? json_write(&r->page, found)
                                      : S("");
        if (target.len > 0 && by->parameter.len > 0) {
            r->next = with_parameter(r, by->parameter, target);
            return OK;
        }
    }
    return target.len > 0 ? fetch_beside(r->ask->arena, answer->url, target, &r->next, f) : OK;
}

static enum outcome read_page(struct reading *r, int64_t number, struct failure *f)
{
    const struct http_source_options *const o = r->ask->options;
    const int64_t limit_ms = r->ask->collector->schedule.time_ms;
    const struct str url = r->next;
    struct fetch_answer answer;
    yyjson_doc *doc = NULL;
    struct fetch_field *const field = arena_array(&r->page, struct fetch_field, o->headers.n + 1);
    field[0] = (struct fetch_field){S("Accept"), S("application/json")};
    for (size_t i = 0; i < o->headers.n; i++) {
        field[i + 1] = (struct fetch_field){o->headers.at[i].key, o->headers.at[i].value};
        if (str_eq_nocase(field[i + 1].name, S("Accept"))) {
            field[0] = field[i + 1];
        }
    }
    const struct fetch_request request = {.url = url,
                                          .method = o->method,
                                          .field = field,
                                          .fields_n = o->headers.n + 1,
                                          .body = r->body,
                                          .time_ms = limit_ms > 0 ? limit_ms : TIME_MS,
                                          .body_bytes_max = o->page_bytes_max};
    enum outcome result = fetch(&r->page, &request, &answer, f);
    if (result == OK) {
        result = fetch_status(&request, &answer, f);
    }
    if (result == OK && json_read_exact(&r->page, answer.body, &doc, f) != OK) {
        const struct failure why = *f;
        result = failed(f, REJECT, "the answer is no JSON: %s", why.text);
    }
    yyjson_val *const page = result == OK ? yyjson_doc_get_root(doc) : NULL;
    yyjson_val *rows = page;
    if (result == OK && o->rows.len > 0) {
        result = run_program(r, answer.body, &rows, f);
    }
    if (result == OK) {
        result = give_all(r, rows, f);
    }
    return result == OK ? find_next(r, &answer, page, number + 1, f) : result;
}

static enum outcome read_pages(struct reading *r, struct failure *f)
{
    const struct http_source_options *const o = r->ask->options;
    const struct http_paging_options *const by = &o->paging;
    enum outcome result = OK;
    r->next = r->uri;
    if (by->by == PAGING_NUMBER) {
        const struct str name = by->parameter.len > 0 ? by->parameter : S("page");
        r->next = with_parameter(r, name,
                                 arena_printf(r->ask->arena, "%lld", (long long)by->first));
    }
    for (int64_t i = 0; result == OK && r->next.len > 0; i++) {
        const struct str url = r->next;
        if (i == by->pages_max) {
            return failed(f, REJECT, "there are more than %lld pages (paging.pages_max)%s",
                          (long long)by->pages_max,
                          by->by == PAGING_NUMBER
                              ? "; they end with one whose lists are empty: if one never is, "
                                "paging.items names the list that counts"
                              : "");
        }
        result = read_page(r, by->first + i, f);
        arena_reset(&r->page);
        if (result == OK && str_eq(url, r->next)) {
            return failed(f, REJECT, "page %lld says that it is its own next one",
                          (long long)i + 1);
        }
    }
    return result;
}

static enum outcome http_read(const struct source_ask *ask, const struct source_to *to,
                              struct failure *f)
{
    const struct http_source_options *const o = ask->options;
    struct template_dot dot = source_dot(ask);
    struct reading r = {.ask = ask, .to = to, .program = program_of(o)};
    const struct str body = str_trim(o->body);
    dot.place = PLACE_ADDRESS;
    enum outcome result = template_render(ask->arena, o->uri, &dot, &r.uri, f);
    dot.place = str_starts(body, S("{")) || str_starts(body, S("[")) ? PLACE_JSON : PLACE_TEXT;
    if (result == OK) {
        result = template_render(ask->arena, o->body, &dot, &r.body, f);
    }
    if (result != OK) {
        return result;
    }
    r.pool = jq_pool_open(ask->arena);
    arena_init(&r.page, 32 * o->page_bytes_max + (8 << 20));
    result = read_pages(&r, f);
    arena_close(&r.page);
    return result;
}

const struct source_driver source_http = {.name = "http", .read = http_read};
