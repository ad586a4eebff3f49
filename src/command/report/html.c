#include "command/report/html.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "command/report/few.h"
#include "command/report/say.h"

enum { ROWS_MAX = 20000, COLUMNS_MAX = 32, ADDRESS_BYTES_MAX = 2048 };

static const struct {
    const char *name, *text;
} styles[] = {
#include "page.inc"
};

/* What stands for a byte in text and attributes; NULL: itself. */
static const char *entity_of(unsigned char byte)
{
    switch (byte) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\n':
    case '\t': return NULL;
    default: return byte < ' ' || byte == 127 ? "\xEF\xBF\xBD" : NULL;
    }
}

void html_add(struct buf *b, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *const instead = entity_of((unsigned char)text.at[i]);
        if (instead) {
            buf_add(b, str_sub(text, from, i - from));
            buf_add(b, str_of(instead));
            from = i + 1;
        }
    }
    buf_add(b, str_sub(text, from, text.len - from));
}

bool html_is_link(struct str url)
{
    return (str_starts_nocase(url, S("http://")) || str_starts_nocase(url, S("https://"))) &&
           url.len <= ADDRESS_BYTES_MAX;
}

static void add_begin(struct buf *b, struct str title)
{
    buf_add(b, S("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'; img-src data:\">\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                 "<meta name=\"color-scheme\" content=\"light dark\">\n"
                 "<link rel=\"icon\" href=\"data:,\">\n<title>"));
    html_add(b, title);
    buf_add(b, S("</title>\n<style>\n"));
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        buf_add(b, str_of(styles[i].text));
    }
    buf_add(b, S("</style>\n</head>\n<body>\n"
                 "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
                 "<pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
                 "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" class=\"soft\"/>"
                 "<rect width=\"2.5\" height=\"5\" class=\"hard\"/></pattern></defs></svg>\n"));
}

void html_begin(struct buf *b, const struct html_head *h)
{
    char complete[CLOCK_TEXT_BYTES];
    struct arena *const a = b->arena;
    const struct str span = arena_printf(a, "%s to %s", say_day(a, h->from_us, h->to_us).at,
                                         say_day(a, h->to_us, h->to_us).at);
    add_begin(b, arena_printf(a, "%s, %s", h->subject, span.at));
    buf_printf(b, "<header>\n<p class=\"kicker\">weir · %s</p>\n<h1>%s</h1>\n", h->kicker, span.at);
    buf_printf(b, "<p class=\"lede\">%s, ", say_days(a, h->to_us - h->from_us).at);
    html_add(b, h->about);
    buf_add_byte(b, '.');
    if (h->complete_us != TIME_NONE) {
        (void)clock_text(h->complete_us, complete);
        buf_printf(b, " Complete to <time datetime=\"%.19sZ\">%.10s %.8s UTC</time>.", complete,
                   complete, complete + 11);
    }
    buf_add(b, S("</p>\n</header>\n<main>\n"));
}

void html_end(struct buf *b)
{
    buf_add(b, S("</main>\n</body>\n</html>\n"));
}

/* ---- tables ---- */

struct columns {
    struct duck_result *rows;
    struct arena *arena;
    struct str name[COLUMNS_MAX];
    duckdb_type type[COLUMNS_MAX];
    size_t few[COLUMNS_MAX]; /* the column that tells of how many cases; n: none does */
    size_t n, url;           /* url == n: there is none */
};

static bool is_shown(const struct columns *c, size_t i)
{
    return i != c->url && !few_is_count(c->name[i]);
}

static bool is_number(const struct columns *c, size_t i)
{
    return c->type[i] != DUCKDB_TYPE_VARCHAR;
}

static void add_head(struct buf *b, const struct columns *c)
{
    buf_add(b, S("<thead><tr>"));
    for (size_t i = 0; i < c->n; i++) {
        if (!is_shown(c, i)) {
            continue;
        }
        struct str name = c->name[i];
        const bool is_span = str_ends(name, S("_s")), is_time = str_ends(name, S("_at"));
        name = str_sub(name, 0, name.len - (is_span ? 2 : is_time ? 3 : 0));
        buf_add(b, is_number(c, i) ? S("<th scope=\"col\" class=\"number\">")
                                   : S("<th scope=\"col\">"));
        for (size_t k = 0; k < name.len; k++) {
            const char letter = name.at[k] == '_' ? ' ' : name.at[k];
            html_add(b, (struct str){&letter, 1});
        }
        buf_add(b, S("</th>"));
    }
    buf_add(b, S("</tr></thead>\n<tbody>\n"));
}

/* A cell that is not null. */
static void add_value(struct buf *b, const struct columns *c, size_t i)
{
    if (c->type[i] == DUCKDB_TYPE_VARCHAR) {
        const struct str text = duck_text(c->rows, i);
        const bool is_time = str_ends(c->name[i], S("_at")) && text.len == 20 && text.at[10] == 'T';
        if (is_time) { /* "2026-11-22T14:02:11Z", shown to the minute */
            buf_printf(b, "<time datetime=\"%.20s\">%.10s %.5s</time>", text.at, text.at,
                       text.at + 11);
        } else {
            buf_add(b, S("<bdi>"));
            html_add(b, text);
            buf_add(b, S("</bdi>"));
        }
        return;
    }
    const bool is_real = c->type[i] == DUCKDB_TYPE_DOUBLE || c->type[i] == DUCKDB_TYPE_FLOAT;
    const int64_t whole = is_real ? 0 : duck_i64(c->rows, i);
    const double value = is_real ? duck_f64(c->rows, i) : (double)whole;
    if (str_ends(c->name[i], S("_s"))) {
        html_add(b, say_span(c->arena, value));
    } else if (str_ends(c->name[i], S("_rate"))) {
        html_add(b, say_rate(c->arena, value));
    } else {
        buf_printf(b, is_real ? "%.6g" : "%.0f", value);
    }
}

static void add_row(struct buf *b, const struct columns *c)
{
    const bool is_link = c->url < c->n && !duck_is_null(c->rows, c->url) &&
                         html_is_link(duck_text(c->rows, c->url));
    buf_add(b, S("<tr>"));
    for (size_t i = 0; i < c->n; i++) {
        if (!is_shown(c, i)) {
            continue;
        }
        const bool leads = i == 0 && is_link;
        buf_add(b, is_number(c, i) ? S("<td class=\"number\">") : S("<td>"));
        if (leads) {
            buf_add(b, S("<a href=\""));
            html_add(b, duck_text(c->rows, c->url));
            buf_add(b, S("\">"));
        }
        if (duck_is_null(c->rows, i)) {
            buf_add(b, S("–"));
        } else {
            add_value(b, c, i);
        }
        if (c->few[i] < c->n) {
            buf_add(b, say_few(c->arena, S(""), duck_i64(c->rows, c->few[i])));
        }
        buf_add(b, leads ? S("</a></td>") : S("</td>"));
    }
    buf_add(b, S("</tr>\n"));
}

static void read_columns(struct columns *c)
{
    c->n = c->rows->columns_n < COLUMNS_MAX ? c->rows->columns_n : COLUMNS_MAX;
    c->url = c->n;
    for (size_t i = 0; i < c->n; i++) {
        c->name[i] = arena_str(c->arena, duck_column(c->rows, i));
        c->type[i] = duck_type(c->rows, i);
        c->url = str_eq(c->name[i], S("url")) ? i : c->url;
    }
    for (size_t i = 0; i < c->n; i++) {
        c->few[i] = few_column(c->name, c->n, i);
    }
}

static void add_table(struct buf *b, const struct html_table *t, struct str rows, size_t n)
{
    buf_printf(b, "<details%s><summary><h3>%s</h3> <span>%zu</span></summary>\n",
               t->is_open ? " open" : "", t->title, n);
    if (n == 0) {
        buf_add(b, S("<p>None.</p>\n"));
    } else {
        buf_printf(b,
                   "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table>"
                   "\n",
                   t->title);
        buf_add(b, rows);
        buf_add(b, S("</tbody></table></div>\n"));
    }
    if (n > ROWS_MAX) {
        buf_printf(b, "<p>The first %d of %zu; --explain --json has them all.</p>\n", ROWS_MAX, n);
    }
    buf_add(b, S("</details>\n"));
}

enum outcome html_table(struct buf *b, struct duck *d, const struct html_table *t,
                        struct failure *f)
{
    struct duck_result r;
    struct columns c = {.rows = &r, .arena = b->arena};
    struct buf rows;
    size_t n = 0;
    const enum outcome result = duck_query(d, t->sql, &r, f);
    buf_init(&rows, b->arena, HTML_BYTES_MAX);
    if (result == OK) {
        read_columns(&c);
        add_head(&rows, &c);
    }
    while (result == OK && duck_next(&r)) {
        if (n++ < ROWS_MAX) {
            add_row(&rows, &c);
        }
    }
    duck_result_close(&r);
    if (result == OK && buf_is_over(&rows)) {
        return failed(f, REJECT, "%s: more than %zu MiB on a page; shorten --from", t->title,
                      HTML_BYTES_MAX >> 20);
    }
    if (result == OK) {
        add_table(b, t, buf_str(&rows), n);
    }
    return result;
}
