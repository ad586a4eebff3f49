#include "command/report/card_html.h"

#include "command/report/html.h"
#include "command/report/say.h"

static struct svg_point point_of(const struct card *c, const struct card_week *w, double value)
{
    return (struct svg_point){
        .value = value,
        .name = arena_printf(c->arena, "%s: %s", w->name.at,
                             say_value(c->arena, c->unit, value).at),
        .is_part = w->is_part,
    };
}

static struct str week_name(const struct card *c, size_t i)
{
    return i < c->weeks_n ? c->week[i].name : S("");
}

static void add_chart(struct buf *b, const struct card *c)
{
    const size_t n = c->weeks_n;
    struct svg_point *const point = arena_array(c->arena, struct svg_point, n);
    struct svg_point *const second = arena_array(c->arena, struct svg_point, n);
    for (size_t i = 0; i < n; i++) {
        point[i] = point_of(c, &c->week[i], c->week[i].value);
        second[i] = point_of(c, &c->week[i], c->week[i].second);
    }
    const struct svg_plot plot = {
        .arena = c->arena,
        .name = arena_printf(c->arena, "%s by week. %.*s", c->name, STR_ARG(c->say.text)),
        .unit = c->unit,
        .point = point,
        .second = c->has_second ? second : NULL,
        .n = n,
        .first = week_name(c, 0),
        .middle = n > 4 ? week_name(c, n / 2) : S(""),
        .last = n > 1 ? week_name(c, n - 1) : S(""),
        .before = c->before,
        .is_bad = c->is_bad,
    };
    c->draw(b, &plot);
}

static void add_weeks(struct buf *b, const struct card *c)
{
    struct arena *const a = c->arena;
    buf_printf(
        b,
        "<details><summary>The numbers</summary>\n<div class=\"scroll\" role=\"region\" "
        "tabindex=\"0\" aria-label=\"%s by week\"><table>\n<thead><tr><th scope=\"col\">Week "
        "from</th><th scope=\"col\" class=\"number\">%s</th>%s<th scope=\"col\" "
        "class=\"number\">%s</th></tr></thead>\n<tbody>\n",
        c->name, c->has_second ? "Median" : "Value",
        c->has_second ? "<th scope=\"col\" class=\"number\">90 %</th>" : "", c->counted);
    for (size_t i = 0; i < c->weeks_n; i++) {
        const struct card_week *const w = &c->week[i];
        buf_printf(b, "<tr><th scope=\"row\">%s%s</th><td class=\"number\">%s</td>", w->name.at,
                   w->is_part ? " (part)" : "", say_value(a, c->unit, w->value).at);
        if (c->has_second) {
            buf_printf(b, "<td class=\"number\">%s</td>", say_value(a, c->unit, w->second).at);
        }
        buf_printf(b, "<td class=\"number\">%lld</td></tr>\n", (long long)w->n);
    }
    buf_add(b, S("</tbody></table></div>\n</details>\n"));
}

void card_html(struct buf *b, const struct card *c)
{
    const struct sentence *const s = &c->say;
    buf_printf(b, "<section class=\"card\" aria-labelledby=\"%s\">\n<h3 id=\"%s\">%s</h3>\n", c->id,
               c->id, c->name);
    buf_printf(b, "<p class=\"figure\"><b>%.*s</b>", STR_ARG(s->figure));
    if (s->trend[0] != '\0') {
        buf_printf(b, "<span class=\"%s\">%s</span>", s->trend,
                   s->trend[0] == 's' ? "no clear change" : s->trend);
    }
    if (s->before.len > 0) {
        buf_printf(b, "<span>%.*s</span>", STR_ARG(s->before));
    }
    buf_add(b, S("</p>\n"));
    add_chart(b, c);
    buf_printf(b, "<p class=\"sentence\">%.*s</p>\n", STR_ARG(s->text));
    add_weeks(b, c);
    buf_add(b, S("</section>\n"));
}

void card_html_key(struct buf *b)
{
    buf_add(
        b,
        S("<ul class=\"key\">\n"
          "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><rect class=\"swatch\" x=\"2\" "
          "width=\"10\" height=\"14\"/></svg>a week</li>\n"
          "<li><svg width=\"14\" height=\"14\" aria-hidden=\"true\"><rect class=\"swatch part\" "
          "x=\"2\" y=\"1\" width=\"10\" height=\"12\"/></svg>a part of one</li>\n"
          "<li><svg width=\"22\" height=\"14\" aria-hidden=\"true\"><line class=\"before\" "
          "x1=\"0\" "
          "x2=\"22\" y1=\"7\" y2=\"7\"/></svg>the period before</li>\n"
          "<li><svg width=\"22\" height=\"14\" aria-hidden=\"true\"><path class=\"thin\" d=\"M0 "
          "7h22\"/></svg>nine in ten</li>\n"
          "<li><svg width=\"14\" height=\"14\" class=\"bad\" aria-hidden=\"true\"><rect "
          "class=\"swatch\" x=\"2\" y=\"1\" width=\"10\" height=\"12\"/></svg>less is better</li>\n"
          "<li>a gap: no data</li>\n</ul>\n"));
}

enum outcome card_html_left_out(struct buf *b, struct duck *d, struct failure *f)
{
    struct duck_result r;
    size_t reasons = 0;
    const enum outcome result = duck_query(
        d,
        "SELECT concat(n, ' ', what, if(n = 1, '', 's')), reason\n"
        "FROM out_count ORDER BY n DESC, what, reason",
        &r, f);
    buf_add(b,
            S("<section class=\"card left\" aria-labelledby=\"left\">\n<h3 id=\"left\">Left out, "
              "and why</h3>\n"));
    while (result == OK && duck_next(&r)) {
        buf_add(b, reasons++ == 0 ? S("<ul>\n<li><b>") : S("<li><b>"));
        html_add(b, duck_text(&r, 0));
        buf_add(b, S("</b> "));
        html_add(b, duck_text(&r, 1));
        buf_add(b, S("</li>\n"));
    }
    buf_add(b, reasons > 0 ? S("</ul>\n</section>\n")
                           : S("<p class=\"sentence\">Nothing: all that lies in the window "
                               "counts.</p>\n</section>\n"));
    duck_result_close(&r);
    return result;
}

void card_html_note(struct buf *b, struct str text)
{
    if (text.len > 0) {
        buf_printf(b, "<p class=\"note\">%.*s</p>\n", STR_ARG(text));
    }
}
