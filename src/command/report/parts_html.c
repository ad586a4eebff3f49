#include "command/report/parts_html.h"

#include <math.h>

#include "base/clock.h"
#include "command/report/card_html.h"
#include "command/report/html.h"
#include "command/report/parts_say.h"
#include "command/report/say.h"

struct drawing {
    const struct parts_page *page;
    struct arena *arena;
    struct buf *out;
    struct figure *figure;
    size_t n;
};

/* ---- the figures ---- */

/* Figure i, with the one that goes on with it as its thinner line. */
static void add_figure(const struct drawing *d, size_t i)
{
    struct arena *const a = d->arena;
    const struct window *const w = d->page->window;
    const struct figure *const f = &d->figure[i];
    const bool has_second = i + 1 < d->n && f[1].name.len == 0;
    struct card_week *const week = arena_array(a, struct card_week, f->weeks_n);
    for (size_t k = 0; k < f->weeks_n; k++) {
        week[k] = (struct card_week){
            .name = say_day(a, f->week[k].begins_us, w->local_to_us - 1),
            .is_part = f->week[k].is_part,
            .value = f->week[k].value,
            .second = has_second ? f[1].week[k].value : (double)NAN,
            .n = f->week[k].n,
        };
    }
    const bool is_bars = f->unit == FIGURE_PER_DAY || f->unit == FIGURE_SHARE;
    const struct card card = {
        .arena = a,
        .id = arena_cstr(a, f->key),
        .name = arena_cstr(a, f->name),
        .say = parts_say(a, f, has_second ? f[1].now : (double)NAN,
                         (double)(w->to_us - w->from_us) / (double)DAY_US),
        .unit = f->unit,
        .draw = is_bars ? svg_bars : svg_line,
        .is_bad = f->unit == FIGURE_SHARE,
        .has_second = has_second,
        .before = f->before,
        .week = week,
        .weeks_n = f->weeks_n,
        .counted = parts_counted(f),
    };
    card_html(d->out, &card);
}

static enum outcome add_figures(const struct drawing *d, struct failure *f)
{
    struct str open = S("");
    int64_t known_us = TIME_NONE;
    struct buf *const b = d->out;
    const struct parts_page *const p = d->page;
    enum outcome result = window_known_from(p->duck, &known_us, f);
    result = result == OK ? parts_open(p->duck, d->arena, &open, f) : result;
    buf_add(b, S("<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">The figures, by "
                 "week</h2>\n"));
    card_html_note(b, sentence_unknown(d->arena, p->window, known_us, p->of->nothing));
    card_html_note(b, sentence_to_come(d->arena, p->window, p->complete_us));
    card_html_note(b, open);
    card_html_key(b);
    buf_add(b, S("<div class=\"cards\">\n"));
    for (size_t i = 0; i < d->n; i++) {
        if (d->figure[i].name.len > 0) {
            add_figure(d, i);
        }
    }
    result = result == OK ? card_html_left_out(b, p->duck, f) : result;
    buf_add(b, S("</div>\n</section>\n"));
    return result;
}

/* ---- around them ---- */

static enum outcome add_tables(const struct drawing *d, struct failure *f)
{
    enum outcome result = OK;
    buf_add(d->out, S("<section class=\"behind\" aria-labelledby=\"parts\">\n<h2 "
                      "id=\"parts\">Tables</h2>\n"));
    for (const struct window_part *part = d->page->of->part; part->title && result == OK; part++) {
        const struct html_table table = {part->title, window_sql(part), true};
        result = html_table(d->out, d->page->duck, &table, f);
    }
    buf_add(d->out, S("<p class=\"note\">In brackets: how many cases, where they are fewer than "
                      "three. –: no data.</p>\n</section>\n"));
    return result;
}

static void add_words(const struct drawing *d)
{
    struct buf *const b = d->out;
    const struct parts *const p = d->page->of;
    buf_add(b, S("<section aria-labelledby=\"words\">\n<h2 id=\"words\">What the words mean</h2>\n"
                 "<dl>\n<dt>p50, p90</dt><dd>The median, and the value within which nine in ten "
                 "are.</dd>\n"));
    for (size_t i = 0; p->definition[i][0]; i++) {
        buf_printf(b, "<dt>%s</dt><dd>%s.</dd>\n", p->definition[i][0], p->definition[i][1]);
    }
    buf_add(b, S("<dt>Choices</dt><dd>"));
    html_add(b, parts_choice(d->arena, &d->page->window->choice));
    buf_add(b, S("</dd>\n</dl>\n</section>\n"));
}

enum outcome parts_html(const struct parts_page *p, struct str *out, struct failure *f)
{
    struct buf b;
    struct drawing d = {.page = p, .arena = p->arena, .out = &b};
    const struct html_head head = {.subject = p->of->name,
                                   .kicker = p->of->kicker,
                                   .about = str_of(p->of->about),
                                   .from_us = p->window->local_from_us,
                                   .to_us = p->window->local_to_us,
                                   .complete_us = p->complete_us};
    buf_init(&b, p->arena, HTML_BYTES_MAX);
    html_begin(&b, &head);
    enum outcome result = figure_read(p->duck, p->arena, &d.figure, &d.n, f);
    result = result == OK ? add_figures(&d, f) : result;
    result = result == OK ? add_tables(&d, f) : result;
    add_words(&d);
    html_end(&b);
    if (result == OK && buf_is_over(&b)) {
        return failed(f, REJECT, "the page is more than %zu MiB; shorten --from",
                      HTML_BYTES_MAX >> 20);
    }
    *out = buf_str(&b);
    return result;
}
