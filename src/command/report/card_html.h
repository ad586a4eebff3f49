/* card_html.h - a figure over all on a page: what it is, which way it goes, its weeks, a sentence.
 */
#ifndef WEIR_COMMAND_REPORT_CARD_HTML_H
#define WEIR_COMMAND_REPORT_CARD_HTML_H

#include "command/report/sentence.h"
#include "command/report/svg.h"
#include "wire/duckdb.h"

struct card_week {
    struct str name; /* "23 Aug"                               */
    bool is_part;    /* of a week that is covered only in part */
    double value;    /* NAN: no data                           */
    double second;   /* the thinner line                       */
    int64_t n;       /* of `counted`                           */
};

struct card {
    struct arena *arena;
    const char *id, *name;
    struct sentence say;
    enum figure_unit unit;
    void (*draw)(struct buf *, const struct svg_plot *);
    bool is_bad, has_second;
    double before; /* a dashed line; NAN: none */
    const struct card_week *week;
    size_t weeks_n;
    const char *counted; /* "Deployments" */
};

/* With the numbers of the chart below it: what a reader who sees no chart reads. */
void card_html(struct buf *b, const struct card *c);
/* What the marks of the charts mean. */
void card_html_key(struct buf *b);
/* The card of what is left out and why, of table `out_count`. */
enum outcome card_html_left_out(struct buf *b, struct duck *d, struct failure *f);
/* Below the heading; nothing where the text is empty. */
void card_html_note(struct buf *b, struct str text);

#endif
