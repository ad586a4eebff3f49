#include "command/report/choice.h"

#include "base/buf.h"

enum { TEXT_BYTES_MAX = 1 << 20 };

static void add_names(struct buf *b, const struct str_list *l, const char *between)
{
    for (size_t i = 0; i < l->n; i++) {
        buf_printf(b, "%s%.*s", i == 0 ? "" : between, STR_ARG(l->at[i]));
    }
}

static void add_hotfix(struct buf *b, const struct config_hotfix *h)
{
    buf_add(b, S(" A hotfix: "));
    if (h->labels.n + h->branches.n == 0) {
        buf_add(b, S("none is known by a label or a branch."));
        return;
    }
    buf_add(b, h->labels.n > 0 ? S("label ") : S(""));
    add_names(b, &h->labels, ", ");
    buf_add(b, h->labels.n > 0 && h->branches.n > 0 ? S(", ") : S(""));
    buf_add(b, h->branches.n > 0 ? S("branch ") : S(""));
    add_names(b, &h->branches, ", ");
    buf_add_byte(b, '.');
}

struct str choice_text(struct arena *a, const struct config_report *c)
{
    struct buf b;
    buf_init(&b, a, TEXT_BYTES_MAX);
    buf_printf(&b,
               "Lead time begins when a commit is %s. Failed: an incident names "
               "it",
               report_leads[c->lead_from]);
    if (c->failures.n == 0) {
        buf_add(&b, S(", by any evidence."));
    } else {
        buf_add(&b, S(", by these alone: "));
        add_names(&b, &c->failures, ", ");
        buf_add_byte(&b, '.');
    }
    add_hotfix(&b, &c->hotfix);
    buf_printf(&b, " Median: %s. Days and weeks in %.*s.",
               c->median == REPORT_LOWER ? "the lower" : "interpolated", STR_ARG(c->zone));
    if (c->leaves_bots) {
        buf_add(&b, S(" Without bots: NAME[bot]"));
        buf_add(&b, c->bots.n > 0 ? S(", ") : S(""));
        add_names(&b, &c->bots, ", ");
        buf_add_byte(&b, '.');
    }
    return buf_str(&b);
}
