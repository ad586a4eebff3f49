/* Prometheus by its HTTP API: the answer becomes a DuckDB table, and SQL makes rows of it.
 *   source  prometheus.io/docs/prometheus/latest/querying/api (2.42) */
#include <math.h>

#include "collector/engine.h"
#include "config/sources.h"
#include "wire/fetch.h"
#include "wire/json.h"

enum {
    ANSWER_BYTES_MAX = 64 << 20,
    POINTS_MAX = 11000, /* of a series in one range query; more is refused by the server */
    TIME_MS = 60 * 1000
};
#define JSON_BYTES_MAX ((size_t)512 << 20)

struct asking {
    const struct source_ask *ask;
    struct duck_append to;
    struct arena answer; /* of one request */
};

/* ---- the answer ---- */

static enum outcome add(struct asking *w, struct str metric, yyjson_val *pair, struct failure *f)
{
    yyjson_val *const time = yyjson_arr_get(pair, 0), *const value = yyjson_arr_get(pair, 1);
    if (!yyjson_is_num(time) || !yyjson_is_str(value)) {
        return failed(f, REJECT,
                      "Prometheus: a value is no pair of time and text (a native "
                      "histogram?): ask for numbers");
    }
    duck_append_text(&w->to, metric);
    duck_append_text(&w->to, json_text(value));
    duck_append_i64(&w->to, llround(yyjson_get_num(time) * (double)SECOND_US));
    duck_append_row(&w->to);
    return OK;
}

static enum outcome add_series(struct asking *w, yyjson_val *series, struct failure *f)
{
    size_t i = 0, n = 0;
    yyjson_val *pair = NULL;
    enum outcome result = OK;
    const struct str metric = json_write(&w->answer, yyjson_obj_get(series, "metric"));
    yyjson_val *const values = yyjson_obj_get(series, "values");
    if (!values) {
        return add(w, metric, yyjson_obj_get(series, "value"), f);
    }
    yyjson_arr_foreach(values, i, n, pair)
    {
        result = result == OK ? add(w, metric, pair, f) : result;
    }
    return result;
}

static enum outcome add_data(struct asking *w, yyjson_val *data, struct failure *f)
{
    size_t i = 0, n = 0;
    yyjson_val *series = NULL;
    enum outcome result = OK;
    const struct str type = json_text(json_get(data, S("resultType")));
    yyjson_val *const all = json_get(data, S("result"));
    if (str_eq(type, S("scalar"))) {
        return add(w, S("{}"), all, f);
    }
    if ((!str_eq(type, S("vector")) && !str_eq(type, S("matrix"))) || !yyjson_is_arr(all)) {
        return failed(f, REJECT,
                      "Prometheus: the query gives a %.*s; it must give a vector, a "
                      "matrix or a scalar",
                      STR_ARG(type.len ? type : S("result of no known type")));
    }
    yyjson_arr_foreach(all, i, n, series)
    {
        result = result == OK ? add_series(w, series, f) : result;
    }
    return result;
}

/* An error stands in the answer, whatever its status. */
static enum outcome take(struct asking *w, const struct fetch_request *r,
                         const struct fetch_answer *answer, struct failure *f)
{
    struct failure why;
    yyjson_doc *doc = NULL;
    const enum outcome status = fetch_status(r, answer, f);
    const bool is_json = json_read(&w->answer, answer->body, &doc, &why) == OK;
    yyjson_val *const root = is_json ? yyjson_doc_get_root(doc) : NULL;
    const struct str error = json_text(json_get(root, S("error")));
    if (status != OK && error.len == 0) {
        return status;
    }
    if (!is_json) {
        return failed(f, REJECT, "Prometheus: the answer is no JSON (%s): is uri its API?",
                      why.text);
    }
    if (status != OK || !str_eq(json_text(json_get(root, S("status"))), S("success"))) {
        const struct str type = json_text(json_get(root, S("errorType")));
        return failed(f, status == OK ? REJECT : status, "Prometheus: %.*s: %.*s (HTTP %ld)",
                      STR_ARG(type), STR_ARG(error), answer->status);
    }
    return add_data(w, json_get(root, S("data")), f);
}

/* ---- the request ---- */

static void add_parameter(struct buf *url, struct arena *a, const char *name, struct str value)
{
    buf_add_byte(url, str_find(buf_str(url), '?') < url->len ? '&' : '?');
    buf_printf(url, "%s=", name);
    buf_add(url, fetch_escape(a, value));
}

static struct str seconds(struct arena *a, int64_t us)
{
    return us % SECOND_US == 0 ? arena_printf(a, "%lld", (long long)(us / SECOND_US))
                               : arena_printf(a, "%.6f", (double)us / (double)SECOND_US);
}

/* As of `end_us` (TIME_NONE: the server's now), or from start_us to it in steps. */
static enum outcome request(struct asking *w, int64_t start_us, int64_t end_us, struct failure *f)
{
    const struct prometheus_options *const o = w->ask->options;
    const int64_t limit_ms = w->ask->collector->schedule.time_ms;
    struct arena *const a = &w->answer;
    struct buf url;
    struct fetch_answer answer;
    struct fetch_field *const field = arena_array(a, struct fetch_field, o->headers.n);
    for (size_t i = 0; i < o->headers.n; i++) {
        field[i] = (struct fetch_field){o->headers.at[i].key, o->headers.at[i].value};
    }
    buf_init(&url, a, 1 << 20);
    buf_add(&url, o->uri);
    add_parameter(&url, a, "query", o->query);
    if (start_us != TIME_NONE) {
        add_parameter(&url, a, "start", seconds(a, start_us));
        add_parameter(&url, a, "end", seconds(a, end_us));
        add_parameter(&url, a, "step", seconds(a, o->step_ms * 1000));
    } else if (end_us != TIME_NONE) {
        add_parameter(&url, a, "time", seconds(a, end_us));
    }
    const struct fetch_request r = {.url = buf_str(&url),
                                    .method = S("GET"),
                                    .field = field,
                                    .fields_n = o->headers.n,
                                    .time_ms = limit_ms > 0 ? limit_ms : TIME_MS,
                                    .body_bytes_max = ANSWER_BYTES_MAX};
    enum outcome result = fetch(a, &r, &answer, f);
    if (result == OK) {
        result = take(w, &r, &answer, f);
    }
    arena_reset(a);
    return result;
}

/* A window of a range query holds its end and not its start, which is the end of another. */
static enum outcome request_range(struct asking *w, struct failure *f)
{
    const struct prometheus_options *const o = w->ask->options;
    const bool has_window = w->ask->start_us != TIME_NONE;
    const int64_t step_us = o->step_ms * 1000;
    const int64_t end_us = has_window ? w->ask->end_us : w->ask->now_us;
    int64_t at_us = (has_window ? w->ask->start_us : end_us - o->time.window_ms * 1000) + step_us;
    enum outcome result = OK;
    while (result == OK && at_us <= end_us) {
        const int64_t most_us = at_us + (POINTS_MAX - 1) * step_us;
        result = request(w, at_us, most_us < end_us ? most_us : end_us, f);
        at_us = most_us + step_us;
    }
    return result;
}

static enum outcome check(const struct source_ask *ask, struct failure *f)
{
    const struct prometheus_options *const o = ask->options;
    const struct str path = str_sub(o->uri, 0, str_find(o->uri, '?'));
    if ((o->step_ms > 0) != str_ends(path, S("/query_range"))) {
        return failed(f, STOP, "step belongs to an uri that ends with /query_range, and no other");
    }
    if (o->step_ms > 0 && ask->start_us == TIME_NONE && o->time.window_ms == 0) {
        return failed(f, STOP, "a range query needs time.window: how far back it looks");
    }
    return OK;
}

static enum outcome request_all(struct asking *w, struct failure *f)
{
    const struct prometheus_options *const o = w->ask->options;
    int64_t end_us = w->ask->end_us;
    enum outcome result = check(w->ask, f);
    if (result != OK) {
        return result;
    }
    if (o->step_ms > 0) {
        return request_range(w, f);
    }
    if (end_us == TIME_NONE && o->time_expression.len > 0) {
        end_us = w->ask->now_us - w->ask->now_us % DAY_US;
    } else if (end_us == TIME_NONE && w->ask->is_as_of) {
        end_us = w->ask->now_us;
    }
    return request(w, TIME_NONE, end_us, f);
}

static enum outcome prometheus_read(const struct source_ask *ask, const struct source_to *to,
                                    struct failure *f)
{
    static const struct str nothing[1];
    const struct prometheus_options *const o = ask->options;
    struct asking w = {.ask = ask};
    struct duck *d = NULL;
    enum outcome result = engine_open(ask, &d, f);
    if (result == OK) {
        result = duck_run(d,
                          "CREATE TABLE given (metric VARCHAR, value VARCHAR, us BIGINT);"
                          "CREATE VIEW prom_metrics AS SELECT CAST(metric AS JSON) AS metric, "
                          "value, make_timestamptz(us) AS time FROM given",
                          f);
    }
    if (result == OK) {
        struct failure why;
        arena_init(&w.answer, JSON_BYTES_MAX);
        duck_append_open(d, "given", &w.to);
        result = request_all(&w, f);
        const enum outcome filled = duck_append_close(&w.to, &why);
        if (result == OK && filled != OK) {
            result = failed(f, filled, "Prometheus's answer: %s", why.text);
        }
        arena_close(&w.answer);
    }
    if (result == OK) {
        result = engine_confine(d, ask, nothing, 0, f);
    }
    if (result == OK) {
        result = engine_rows(d, ask, o->sql, to, f);
    }
    duck_close(d);
    return result;
}

const struct source_driver source_prometheus = {.name = "prometheus", .read = prometheus_read};
