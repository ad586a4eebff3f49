#include "command/report/parts_html.h"

#include "command/report/html.h"
#include "command/report/say.h"

static void add_words(struct buf *b, const struct config_report *c)
{
    buf_add(b, S("<section aria-labelledby=\"words\">\n<h2 id=\"words\">What the words "
                 "mean</h2>\n<dl>\n<dt>p50, p90</dt><dd>The median, and the value within which "
                 "nine in ten are.</dd>\n"));
    buf_printf(b, "<dt>Median</dt><dd>%s.</dd>\n",
               c->median == REPORT_LOWER ? "The lower of two middle values" : "Interpolated");
    buf_printf(b, "<dt>People</dt><dd>%s.%s</dd>\n</dl>\n</section>\n",
               c->hides_people ? "A hash stands for each name" : "By name",
               c->leaves_bots ? " What bots wrote does not count." : "");
}

enum outcome parts_html(const struct parts_page *p, struct str *out, struct failure *f)
{
    struct buf b;
    enum outcome result = OK;
    const struct html_head head = {.subject = p->of->name,
                                   .kicker = p->of->kicker,
                                   .about = str_of(p->of->about),
                                   .from_us = p->window->local_from_us,
                                   .to_us = p->window->local_to_us,
                                   .complete_us = p->complete_us};
    buf_init(&b, p->arena, HTML_BYTES_MAX);
    html_begin(&b, &head);
    buf_add(&b, S("<section class=\"behind\" aria-labelledby=\"parts\">\n<h2 "
                  "id=\"parts\">Tables</h2>\n"));
    for (const struct window_part *part = p->of->part; part->title && result == OK; part++) {
        const struct html_table table = {part->title, window_sql(part), true};
        result = html_table(&b, p->duck, &table, f);
    }
    buf_add(&b, S("</section>\n"));
    add_words(&b, &p->window->choice);
    html_end(&b);
    if (result == OK && buf_is_over(&b)) {
        return failed(f, REJECT, "the page is more than %zu MiB; shorten --from",
                      HTML_BYTES_MAX >> 20);
    }
    *out = buf_str(&b);
    return result;
}
